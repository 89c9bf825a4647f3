/**
 * Rules loaded, compiled and judged: the part that detection runs, `-T` and `weir rules check` have in common.
 */
import { loadRuleConfiguration, type RuleConfiguration, type RuleSettings } from '../config/index.js'
import { createEngine, type Engine } from '../detect/engine.js'
import type { RuleFacts } from '../detect/rule-facts.js'
import { StartupCache } from '../match/cache.js'
import { createEngines, type EngineOptions, type Engines } from '../match/index.js'
import { formatProblem, type RuleProblem } from '../rules/index.js'
import { CliError, configError, EXIT } from './errors.js'
import { type Io, say } from './io.js'
import { countText, plural } from './numbers.js'
import { unoptimised } from './optimiser.js'
import { parsedRules } from './parsed-rules.js'
import type { Count } from './summary.js'

export interface LoadedEngine {
  readonly configuration: RuleConfiguration
  readonly engines: Engines
  readonly engine: Engine
  /** What keeps rules from being used: loading and compiling, in that order. A bounded number of them. */
  readonly errors: readonly RuleProblem[]
  readonly warnings: readonly RuleProblem[]
  /** How many there were, kept or not. */
  readonly errorCount: number
  readonly warningCount: number
  /** The first thing that went wrong with the cache of parsed rules, in words for the user; '' = nothing. */
  readonly cacheTrouble: string
  /** Errors by reason. */
  readonly skipped: readonly Count[]
}

/** @throws ConfigurationError, CliError */
export const loadEngine = (settings: RuleSettings, choice: EngineOptions, inline = false): LoadedEngine =>
  unoptimised(() => load(settings, choice, inline))

const load = (settings: RuleSettings, choice: EngineOptions, inline: boolean): LoadedEngine => {
  const engines = chooseEngines(choice)
  const cache = choice.cache === undefined ? undefined : new StartupCache({ directory: choice.cache })
  const parsed = parsedRules(cache, engines.regex.description)
  const configuration = loadRuleConfiguration(settings, parsed)
  const { loaded, directives } = configuration
  const engine = createEngine({
    rules: loaded.rules,
    matcherEngine: engines.matcher,
    regexEngine: engines.regex,
    // Filters are applied where alerts are delivered, in the order of the packets.
    settings: {
      eventFilters: directives.eventFilters,
      suppressions: directives.suppressions,
      rateFilters: directives.rateFilters,
      eventQueue: { ...directives.eventQueue, ...settings.eventQueue },
      // Inline they decide about the packet, so they cannot wait.
      deferFilters: !inline,
      inline,
      builtinEvents: settings.builtin,
      inspection: { lenientHttp: settings.lenientHttp, rawStreams: settings.rawStreams },
    },
    factsOf: (rule) => parsed?.noteOf(rule) as RuleFacts | undefined,
  })
  if (parsed?.hasNew === true) {
    const facts = engine.facts()
    parsed.keep((rule) => facts.get(rule))
  }
  const compileErrors = engine.problems.filter(({ severity }) => severity === 'error')
  const compileWarnings = engine.problems.filter(({ severity }) => severity === 'warning')
  return {
    configuration,
    engines,
    engine,
    cacheTrouble: cache?.trouble ?? '',
    errors: [...loaded.problems.filter(({ severity }) => severity === 'error'), ...compileErrors],
    warnings: [...loaded.problems.filter(({ severity }) => severity === 'warning'), ...compileWarnings],
    errorCount: loaded.log.errors + compileErrors.length,
    warningCount: loaded.log.warnings + compileWarnings.length,
    skipped: [
      ...loaded.log
        .byReason()
        .filter(({ severity }) => severity === 'error')
        .map(({ reason, count }): Count => [reason, count]),
      ...byReason(compileErrors),
    ],
  }
}

const chooseEngines = ({ engine, cache }: EngineOptions): Engines => {
  try {
    return createEngines({ engine, cache })
  } catch (error) {
    // An engine that was asked for by name and is not there: the message says why.
    const message = error instanceof Error ? error.message : String(error)
    throw new CliError(message, EXIT.FAILURE, { cause: error })
  }
}

const byReason = (problems: readonly RuleProblem[]): readonly Count[] => {
  const counts = new Map<string, number>()
  for (const { reason } of problems) counts.set(reason, (counts.get(reason) ?? 0) + 1)
  return [...counts]
}

/** `Hyperscan 5.4.2, PCRE2 10.42`. */
export const engineText = ({ matcher, regex, notes }: Engines): string => {
  const why = notes.length === 0 ? '' : ` (${notes.join('; ')})`
  return `${matcher.description}, ${regex.description}${why}`
}

/** Problems shown when a run begins; all of them are for `weir rules check`. */
const SHOWN = 10

export const sayProblems = (io: Io, problems: readonly RuleProblem[], all: number, limit = SHOWN): void => {
  for (const problem of problems.slice(0, limit)) say(io, formatProblem(problem))
  const rest = all - Math.min(problems.length, limit)
  if (rest > 0) say(io, `… and ${countText(rest)} more; weir rules check FILE lists them`)
}

/**
 * Whether the run may go on with what was loaded.
 * @throws CliError (config) when no rule can be used, or with `strict` when one cannot
 */
export const requireUsable = (result: LoadedEngine, strict: boolean): void => {
  const { engine, errorCount, configuration } = result
  if (engine.rules.length === 0 && configuration.loaded.files.length > 0) {
    const cause = errorCount === 0 ? 'the rule files hold none' : `${plural(errorCount, 'problem')}`
    throw configError(`no rule could be loaded: ${cause}`)
  }
  if (strict && errorCount > 0) {
    throw configError(`${plural(errorCount, 'rule')} could not be loaded, and --strict was given`)
  }
}
