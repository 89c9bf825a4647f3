/**
 * Turns a parsed rule into what evaluation runs: a list of steps, header tests, flowbit changes.
 *
 * In: `Rule` and the regular-expression engine. Out: `CompiledRule`, immutable. Called once per rule by the engine; an
 * error says why the rule cannot be evaluated, and the engine reports it and leaves the rule out.
 */
import type { Direction } from '../inspect/unit.js'
import { type Regex, RegexError } from '../match/matcher.js'
import type { FlowbitsOption, PcreOption, Rule, RuleOption } from '../rules/model.js'
import type { Step } from './evaluation.js'
import { type FastPattern, onlyContent } from './fast-pattern.js'
import type { HeaderTest, HeaderTests } from './header-test.js'
import { isCheckedByCompiling } from './option-facts.js'
import { OnlyPatternEvaluator } from './options/content.js'
import { type FlowbitNames, FlowbitsChange } from './options/session.js'
import { type RuleFacts, ruleFacts } from './rule-facts.js'
import type { Screen } from './screen.js'
import { compileSteps, type Regexes, type StepContext } from './steps.js'

/** What the rules of one engine share while they are compiled. */
export interface CompileContext extends StepContext {
  readonly maxPatternLength: number
  /** The matcher engine searches for expressions with the literals. */
  readonly searchesExpressions: boolean
  readonly headers: HeaderTests
  /** What is known of a rule from an earlier run, in which it was compiled without an error. */
  readonly factsOf?: ((rule: Rule) => RuleFacts | undefined) | undefined
}

const NO_CHANGES: readonly FlowbitsChange[] = []

/**
 * Everything that is asked of a rule before it is tried is ready when it has been made; its steps are made when it is
 * tried for the first time, which most rules of a set never are.
 */
export class CompiledRule {
  readonly rule: Rule
  readonly facts: RuleFacts
  readonly header: HeaderTest
  readonly changes: readonly FlowbitsChange[]
  readonly noalert: boolean
  readonly hasDetectionFilter: boolean
  readonly onTcpPackets: boolean
  readonly onStreams: boolean
  readonly #context: CompileContext
  readonly #gated: boolean
  #gate: OnlyPatternEvaluator | undefined
  #regexes: Regexes | undefined
  #steps: readonly Step[] | undefined

  /** @throws Error when an option cannot be compiled */
  constructor(rule: Rule, context: CompileContext) {
    this.rule = rule
    this.#context = context
    const known = context.factsOf?.(rule)
    this.#regexes = known === undefined ? compileRegexes(rule.options, context) : undefined
    const leastMatch = (option: PcreOption): number => this.#regexes!.get(option)!.minLength
    const facts = known ?? ruleFacts(rule, context.maxPatternLength, leastMatch)
    this.facts = facts
    this.#gated = facts.gated
    this.#gate = undefined
    this.#steps = undefined
    registerFlowbits(facts.flowbits, context.flowbits)
    this.changes = facts.flowbits.length === 0 ? NO_CHANGES : compileChanges(facts.flowbits, context.flowbits)
    this.noalert = facts.noalert
    this.hasDetectionFilter = facts.hasDetectionFilter
    this.onTcpPackets = facts.onTcpPackets
    this.onStreams = facts.onStreams
    this.header = context.headers.of(rule)
    if (known === undefined && rule.options.some(isCheckedByCompiling)) this.#compile()
  }

  /** `fast_pattern:only`: checked once, when the pattern has been seen. */
  get gate(): OnlyPatternEvaluator | undefined {
    return this.#gated ? (this.#gate ?? this.#makeGate()) : undefined
  }

  /** What evaluation runs. */
  get steps(): readonly Step[] {
    return this.#steps ?? this.#compile()
  }

  get fastPattern(): FastPattern | undefined {
    return this.facts.fastPattern
  }

  /** One that the engine can search for. */
  get screen(): Screen | undefined {
    const { screen } = this.facts
    return screen?.words !== undefined || this.#context.searchesExpressions ? screen : undefined
  }

  get needsEstablished(): boolean {
    return this.facts.needsEstablished
  }

  get onPdus(): boolean {
    return this.facts.onPdus
  }

  get httpOnly(): boolean {
    return this.facts.httpOnly
  }

  get onFiles(): boolean {
    return this.facts.onFiles
  }

  /** Length of the pattern by which the rule is found; 0 = it has none. */
  get patternLength(): number {
    return this.facts.fastPattern?.text.length ?? 0
  }

  mayTravel(direction: Direction): boolean {
    return direction !== this.facts.refusedDirection
  }

  #makeGate(): OnlyPatternEvaluator {
    this.#gate = new OnlyPatternEvaluator(onlyContent(this.rule)!)
    return this.#gate
  }

  /** The steps in the order of the rule, made anew: to tell which option fails first. */
  stepsAsWritten(): readonly Step[] {
    return compileSteps(this.#tested(), this.#context, compileRegexes(this.rule.options, this.#context), true)
  }

  #tested(): readonly RuleOption[] {
    const only = this.#gated ? onlyContent(this.rule) : undefined
    return this.rule.options.filter((option) => option !== only)
  }

  #compile(): readonly Step[] {
    const context = this.#context
    const regexes = this.#regexes ?? compileRegexes(this.rule.options, context)
    this.#steps = compileSteps(this.#tested(), context, regexes)
    this.#regexes = undefined
    return this.#steps
  }
}

const NO_REGEXES: Regexes = new Map()

/** An expression that the engine cannot compile. */
export class PatternError extends Error {
  /** What is wrong with it, without the expression. */
  readonly reason: string
  /** Number of the option among those of its kind, from 0. */
  readonly nth: number

  constructor(pattern: string, reason: string, nth: number) {
    const shown = pattern.length > 80 ? `${pattern.slice(0, 80)}…` : pattern
    super(`pcre /${shown}/: ${reason}`)
    this.name = 'PatternError'
    this.reason = reason
    this.nth = nth
  }
}

/** @throws PatternError when the engine cannot compile one */
function compileRegexes(options: readonly RuleOption[], context: CompileContext): Regexes {
  let regexes: Map<PcreOption, Regex> | undefined
  let nth = 0
  for (const option of options) {
    if (option.kind !== 'pcre') continue
    const limit = option.ignoreLimits ? 0 : context.pcreMatchLimit
    regexes ??= new Map()
    try {
      regexes.set(option, context.regexEngine.compile(option.pattern, option.flags, limit))
    } catch (error) {
      if (!(error instanceof RegexError)) throw error
      throw new PatternError(option.pattern, error.message, nth)
    }
    nth++
  }
  return regexes ?? NO_REGEXES
}

/** Every bit must have its number before flows are given room for bits. */
function registerFlowbits(options: readonly FlowbitsOption[], names: FlowbitNames): void {
  for (const option of options) for (const name of option.names) names.number(name)
}

function compileChanges(options: readonly FlowbitsOption[], names: FlowbitNames): FlowbitsChange[] {
  const changes: FlowbitsChange[] = []
  for (const option of options) {
    const { action } = option
    if (action === 'isset' || action === 'isnotset' || action === 'noalert') continue
    changes.push(new FlowbitsChange({ ...option, action }, names))
  }
  return changes
}
