/**
 * Turns a parsed rule into what evaluation runs: a list of steps, header tests, flowbit changes.
 *
 * In: `Rule` and the regular-expression engine. Out: `CompiledRule`, immutable. Called once per rule by the engine; an
 * error says why the rule cannot be evaluated, and the engine reports it and leaves the rule out.
 */
import { BUF } from '../inspect/buffers.js'
import { type Direction, TO_CLIENT, TO_SERVER } from '../inspect/unit.js'
import type { Regex } from '../match/matcher.js'
import type { FlowOption, PcreOption, Rule, RuleOption } from '../rules/model.js'
import type { Step } from './evaluation.js'
import { chooseFastPattern, type FastPattern, onlyContent } from './fast-pattern.js'
import { HeaderTest } from './header-test.js'
import { type LengthBounds, lengthBounds } from './length-bounds.js'
import {
  buffersOf,
  isCheckedByCompiling,
  isHttpOnlyBuffer,
  isMessageBuffer,
  isMessageProperty,
  isPacketData,
  isPacketProperty,
  isPduProperty,
  isStreamProperty,
  isTrailerOption,
} from './option-facts.js'
import { OnlyPatternEvaluator } from './options/content.js'
import { matchesFlags } from './options/header.js'
import { type FlowbitNames, FlowbitsChange } from './options/session.js'
import type { PortClasses } from './ports.js'
import { chooseScreen, type Screen } from './screen.js'
import { compileSteps, type Regexes, type StepContext } from './steps.js'

/** What the rules of one engine share while they are compiled. */
export interface CompileContext extends StepContext {
  readonly maxPatternLength: number
  readonly ports: PortClasses
}

/**
 * Everything that is asked of a rule before it is tried is ready when it has been made; its steps are made when it is
 * tried for the first time, which most rules of a set never are.
 */
export class CompiledRule {
  readonly rule: Rule
  readonly fastPattern: FastPattern | undefined
  /** What is searched for in messages when there is no good fast pattern. */
  readonly screen: Screen | undefined
  /** `fast_pattern:only`: checked once, when the pattern has been seen. */
  readonly gate: OnlyPatternEvaluator | undefined
  readonly changes: readonly FlowbitsChange[]
  readonly noalert: boolean
  /** Looks at single TCP packets: it asks about packet properties, or about no bytes at all. */
  readonly onTcpPackets: boolean
  /** Looks at reassembled TCP data. */
  readonly onStreams: boolean
  /** Looks at messages inside TCP streams: it asks about such messages. */
  readonly onPdus: boolean
  /** Names a buffer that only an HTTP message has. */
  readonly httpOnly: boolean
  /** Looks at file data, and at no buffer that only an HTTP message has. */
  readonly onFiles: boolean
  readonly needsEstablished: boolean
  /** `only_stream`: never matches a single packet. */
  readonly needsStream: boolean
  readonly header: HeaderTest
  /** Length that the rule needs one of its buffers to have. */
  readonly bounds: LengthBounds
  /** A TCP packet with these flags alone (ACK; PSH and ACK) cannot match. */
  readonly rejectsAck: boolean
  readonly rejectsPush: boolean
  /** No option reads anything but packet data. */
  readonly packetDataOnly: boolean
  /** Some option reads packet data. */
  readonly readsPayload: boolean
  /** Some option reads the bytes as they came. */
  readonly readsRawData: boolean
  /** Matches nothing: an inspector raises it. */
  readonly isEvent: boolean
  /** Some option asks about trailer lines. */
  readonly readsTrailer: boolean
  readonly #refusedDirection: Direction | -1
  #steps: readonly Step[] | undefined
  #makeSteps: (() => readonly Step[]) | undefined

  /** @throws Error when an option cannot be compiled */
  constructor(rule: Rule, context: CompileContext) {
    this.rule = rule
    const { options } = rule
    this.fastPattern = chooseFastPattern(rule, context.maxPatternLength)
    const only = onlyContent(rule)
    this.gate = only === undefined ? undefined : new OnlyPatternEvaluator(only)
    // A gate passed stays passed in the later windows of a message, so it has to be tried in every one.
    const weak = this.fastPattern === undefined || this.fastPattern.commonplace
    this.screen = weak && only === undefined ? chooseScreen(rule) : undefined
    const regexes = compileRegexes(options, context)
    registerFlowbits(options, context.flowbits)
    this.#makeSteps = () =>
      compileSteps(
        options.filter((option) => option !== only),
        context,
        regexes,
      )
    if (options.some(isCheckedByCompiling)) this.#steps = this.#makeSteps()
    this.changes = compileChanges(options, context.flowbits)
    this.noalert = options.some((option) => option.kind === 'flowbits' && option.action === 'noalert')
    const flow = options.filter((option): option is FlowOption => option.kind === 'flow')
    const buffers = buffersOf(options)
    this.httpOnly = buffers.some(isHttpOnlyBuffer) || options.some(isMessageProperty)
    this.onFiles = buffers.includes(BUF.FILE_DATA) && !buffers.some(isMessageBuffer)
    const payload = buffers.length > 0
    this.packetDataOnly = buffers.every(isPacketData)
    this.onPdus = options.some(isPduProperty)
    const stream = options.some(isStreamProperty)
    this.onTcpPackets =
      !this.onPdus && !this.httpOnly && ((!payload && !stream) || options.some(isPacketProperty))
    const neverOnStream = (option: RuleOption): boolean =>
      option.kind === 'dsize' || (option.kind === 'flow' && option.stream === 'no_stream')
    this.onStreams = !this.onPdus && (payload || stream) && !options.some(neverOnStream)
    this.needsStream = flow.some((option) => option.stream === 'only_stream')
    this.needsEstablished = flow.some((option) => option.state === 'established')
    const direction = flow.find((option) => option.direction !== undefined)?.direction
    this.#refusedDirection = direction === undefined ? -1 : direction === 'to_server' ? TO_CLIENT : TO_SERVER
    this.header = new HeaderTest(rule, context.ports)
    this.readsRawData = buffers.includes(BUF.RAW_DATA)
    this.isEvent = options.some((option) => option.kind === 'engine_event')
    this.readsTrailer = options.some(isTrailerOption)
    this.readsPayload = buffers.includes(BUF.PKT_DATA) || buffers.includes(BUF.RAW_DATA)
    this.bounds = lengthBounds(options, (option) => regexes.get(option)!.minLength)
    const flags = options.filter((option) => option.kind === 'flags')
    this.rejectsAck = flags.some((option) => !matchesFlags(option, ACK))
    this.rejectsPush = flags.some((option) => !matchesFlags(option, PSH | ACK))
  }

  /** What evaluation runs. */
  get steps(): readonly Step[] {
    return this.#steps ?? this.#compile()
  }

  #compile(): readonly Step[] {
    this.#steps = this.#makeSteps!()
    this.#makeSteps = undefined
    return this.#steps
  }

  mayTravel(direction: Direction): boolean {
    return direction !== this.#refusedDirection
  }
}

const NO_REGEXES: Regexes = new Map()

/** @throws RegexError when the engine cannot compile one */
function compileRegexes(options: readonly RuleOption[], context: CompileContext): Regexes {
  let regexes: Map<PcreOption, Regex> | undefined
  for (const option of options) {
    if (option.kind !== 'pcre') continue
    const limit = option.ignoreLimits ? 0 : context.pcreMatchLimit
    regexes ??= new Map()
    regexes.set(option, context.regexEngine.compile(option.pattern, option.flags, limit))
  }
  return regexes ?? NO_REGEXES
}

/** Every bit must have its number before flows are given room for bits. */
function registerFlowbits(options: readonly RuleOption[], names: FlowbitNames): void {
  for (const option of options) {
    if (option.kind === 'flowbits') for (const name of option.names) names.number(name)
  }
}

/** The flags of nearly every packet of a connection. */
const ACK = 0x10
const PSH = 0x08

function compileChanges(options: readonly RuleOption[], names: FlowbitNames): FlowbitsChange[] {
  const changes: FlowbitsChange[] = []
  for (const option of options) {
    if (option.kind !== 'flowbits') continue
    const { action } = option
    if (action === 'isset' || action === 'isnotset' || action === 'noalert') continue
    changes.push(new FlowbitsChange({ ...option, action }, names))
  }
  return changes
}
