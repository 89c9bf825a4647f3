/**
 * The detection engine: a value made from rules and settings.
 *
 * In: parsed rules, a matcher engine, a regex engine, settings. Out: an `Engine`; `attach` connects it to one stack and
 * gives an `Inspector`. Called by the command line once per worker and by programs that embed Weir. Engines share no
 * state, so several may live in one process, and one engine may serve several stacks of the same thread.
 */
import type { Stack } from '@weir/stack'
import { builtinRules } from '../builtin/index.js'
import type { MatcherEngine, RegexEngine } from '../match/matcher.js'
import type { AlertSink } from '../output/alert.js'
import type { Rule, RuleAction, RuleProblem } from '../rules/model.js'
import { AlertFilter } from './alert-filter.js'
import { Counters } from './counters.js'
import { DEFAULT_EVENT_QUEUE, EventQueue } from './event-queue.js'
import { Inspector } from './inspector.js'
import { FlowbitNames } from './options/session.js'
import { SearcherCache } from './pattern-set.js'
import type { RuleFacts } from './rule-facts.js'
import { RuleSet } from './rule-set.js'
import { DEFAULT_DETECT_SETTINGS, type DetectSettings } from './settings.js'

export interface EngineOptions {
  readonly rules: readonly Rule[]
  readonly matcherEngine: MatcherEngine
  readonly regexEngine: RegexEngine
  readonly settings?: Partial<DetectSettings>
  /** Facts on rules from an engine with the same settings and regular-expression engine; the others are looked at. */
  readonly factsOf?: (rule: Rule) => RuleFacts | undefined
}

/** Decides which matches are reported: see `AlertFilter` and `EventQueue`. */
export interface MatchGate {
  readonly filter: AlertFilter
  readonly queue: EventQueue
}

export interface Engine {
  /** Rules that cannot be evaluated, and why. They are left out. */
  readonly problems: readonly RuleProblem[]
  /** The rules in use, in evaluation order; `Inspector.alertsOf` counts by the same index. */
  readonly rules: readonly Rule[]
  readonly settings: DetectSettings
  /** By rule in use: to be given to another engine. */
  facts(): ReadonlyMap<Rule, RuleFacts>
  /** Starts inspecting the flows of a stack. Alerts go to `sink` while the stack processes frames. */
  attach(stack: Stack, sink: AlertSink): Inspector
  /** For merging the alerts of inspectors whose filters are deferred: ask it about every alert in packet order. */
  createGate(counters?: Counters): MatchGate
  /** Actions that rate_filters may give a rule. */
  changedActions(rule: Rule): readonly RuleAction[]
  /** Compiled pattern matchers so far. */
  readonly matcherCount: number
  /** Frees native memory. The inspectors of the engine must not be fed afterwards. */
  close(): void
}

const NO_ACTIONS: readonly RuleAction[] = []

export function createEngine(options: EngineOptions): Engine {
  const settings: DetectSettings = { ...DEFAULT_DETECT_SETTINGS, ...options.settings }
  const rules = settings.builtinEvents ? withBuiltin(options.rules) : options.rules
  const set = new RuleSet(rules, {
    regexEngine: options.regexEngine,
    flowbits: new FlowbitNames(),
    pcreMatchLimit: settings.pcreMatchLimit,
    maxPatternLength: settings.maxPatternLength,
    searchesExpressions: options.matcherEngine.compileMixed !== undefined,
    factsOf: options.factsOf,
  })
  const matchers = new SearcherCache(options.matcherEngine)
  return {
    problems: set.problems,
    rules: set.rules.map(({ rule }) => rule),
    settings,
    facts: () => new Map(set.rules.map(({ rule, facts }) => [rule, facts])),
    attach: (stack, sink) => new Inspector(set, matchers, settings, stack, sink),
    createGate: (counters = new Counters()) => ({
      filter: new AlertFilter(settings, counters),
      queue: new EventQueue(set.rules, { ...DEFAULT_EVENT_QUEUE, ...settings.eventQueue }, counters),
    }),
    changedActions: ({ gid, sid, header }) => {
      if (settings.rateFilters.length === 0) return NO_ACTIONS
      const own = settings.rateFilters.filter((one) => one.gid === gid && one.sid === sid)
      return [...new Set(own.map(({ newAction }) => newAction))].filter((action) => action !== header.action)
    },
    get matcherCount() {
      return matchers.size
    },
    close: () => matchers.close(),
  }
}

/** The engine's own events, but for those that a rule of the user's stands for. */
/** The rules, and one for each event of inspectors that they do not name themselves. */
export function withBuiltin(rules: readonly Rule[]): Rule[] {
  const own = new Set(rules.map(({ gid, sid }) => `${gid}:${sid}`))
  return [...rules, ...builtinRules().filter(({ gid, sid }) => !own.has(`${gid}:${sid}`))]
}
