/**
 * Turns a parsed rule into what evaluation runs: a list of steps, header tests, flowbit changes.
 *
 * In: `Rule` and the regular-expression engine. Out: `CompiledRule`, immutable. Called once per rule by the engine; an
 * error says why the rule cannot be evaluated, and the engine reports it and leaves the rule out.
 */
import { BUF, type BufferId, isPartSlot } from '../inspect/buffers.js'
import { type Direction, TO_CLIENT, TO_SERVER } from '../inspect/unit.js'
import type { Regex, RegexEngine } from '../match/matcher.js'
import type { FlowOption, PcreOption, Rule, RuleOption } from '../rules/model.js'
import {
  type Evaluator,
  FAIL,
  FAIL_FINAL,
  FAIL_ONWARD,
  type RetryEvaluator,
  type Step,
} from './evaluation.js'
import { chooseFastPattern, type FastPattern, onlyContent } from './fast-pattern.js'
import { HeaderTest } from './header-test.js'
import { type LengthBounds, lengthBounds } from './length-bounds.js'
import { Base64DecodeEvaluator } from './options/base64.js'
import { Asn1Evaluator, BerEvaluator } from './options/ber.js'
import {
  ByteExtractEvaluator,
  ByteJumpEvaluator,
  ByteMathEvaluator,
  ByteTestEvaluator,
} from './options/bytes.js'
import { ContentEvaluator, OnlyPatternEvaluator } from './options/content.js'
import { HashEvaluator } from './options/hash.js'
import {
  FragBitsEvaluator,
  HeaderNumberEvaluator,
  IpOptsEvaluator,
  matchesFlags,
  SameIpEvaluator,
  TcpFlagsEvaluator,
} from './options/header.js'
import { HttpFieldTestEvaluator, HttpNumberEvaluator, HttpPartEvaluator } from './options/http.js'
import { VariableNames } from './options/numbers.js'
import { isAnchored, PcreEvaluator } from './options/pcre.js'
import { pcreFacts } from './options/pcre-facts.js'
import {
  BufferLengthEvaluator,
  DsizeEvaluator,
  IsDataAtEvaluator,
  SetBufferEvaluator,
} from './options/position.js'
import {
  DceIfaceEvaluator,
  DceOpnumEvaluator,
  SipMethodEvaluator,
  SipStatCodeEvaluator,
  SslStateEvaluator,
  SslVersionEvaluator,
} from './options/protocols.js'
import { SdPatternEvaluator } from './options/sensitive-data.js'
import { type FlowbitNames, FlowbitsChange, FlowbitsTestEvaluator, FlowEvaluator } from './options/session.js'
import { CvsEvaluator, FtpBounceEvaluator, RpcEvaluator, StreamSizeEvaluator } from './options/structures.js'
import type { PortClasses } from './ports.js'
import { chooseScreen, type Screen } from './screen.js'
import { foldBytes } from './search.js'

/** What the rules of one engine share while they are compiled. */
export interface CompileContext {
  readonly regexEngine: RegexEngine
  readonly flowbits: FlowbitNames
  readonly pcreMatchLimit: number
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

type Regexes = ReadonlyMap<PcreOption, Regex>

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

/** Options that may turn out to be wrong when their steps are made, which must be known when rules are loaded. */
function isCheckedByCompiling(option: RuleOption): boolean {
  switch (option.kind) {
    case 'byte_extract':
    case 'byte_math':
    case 'sd_pattern':
      return true
    case 'content':
      return typeof option.offset === 'string' || typeof option.depth === 'string'
    case 'isdataat':
      return typeof option.at === 'string'
    case 'byte_test':
      return typeof option.offset === 'string' || typeof option.value === 'string'
    case 'byte_jump':
      return typeof option.offset === 'string' || typeof option.postOffset === 'string'
    default:
      return false
  }
}

/** The flags of nearly every packet of a connection. */
const ACK = 0x10
const PSH = 0x08

function isHttpOnlyBuffer(buffer: BufferId): boolean {
  return isMessageBuffer(buffer) || buffer === BUF.FILE_DATA
}

function isMessageBuffer(buffer: BufferId): boolean {
  return (buffer >= BUF.HTTP_URI && buffer <= BUF.HTTP_CLIENT_BODY) || isPartSlot(buffer)
}

function isTrailerOption(option: RuleOption): boolean {
  if (option.kind === 'http_number') return option.what.includes('trailer')
  return (
    (option.kind === 'set_buffer' || option.kind === 'http_field_test') &&
    (option.part?.name.includes('trailer') ?? false)
  )
}

/** Options that ask about the head of a message without naming a buffer. */
function isMessageProperty(option: RuleOption): boolean {
  return (
    option.kind === 'http_number' || option.kind === 'http_version_match' || option.kind === 'http_field_test'
  )
}

function isPacketData(buffer: BufferId): boolean {
  return buffer === BUF.PKT_DATA || buffer === BUF.RAW_DATA || buffer === BUF.BASE64_DATA
}

/** Options that ask about one packet rather than about bytes. */
function isPacketProperty(option: RuleOption): boolean {
  switch (option.kind) {
    case 'dsize':
    case 'flags':
    case 'header_number':
    case 'fragbits':
    case 'ipopts':
      return true
    case 'flow':
      return option.stream === 'no_stream' || option.frag !== undefined || option.state === 'not_established'
    default:
      return false
  }
}

/** Options that ask about one message inside a stream. */
function isPduProperty(option: RuleOption): boolean {
  return option.kind === 'dce_iface' || option.kind === 'dce_opnum' || isBuffer(option, BUF.DCE_STUB_DATA)
}

function isBuffer(option: RuleOption, buffer: BufferId): boolean {
  return option.kind === 'set_buffer' && option.buffer === buffer
}

/** Options that read no bytes but ask about what a stream carries. */
function isStreamProperty(option: RuleOption): boolean {
  switch (option.kind) {
    case 'ssl_state':
    case 'ssl_version':
    case 'sip_method':
    case 'sip_stat_code':
      return true
    default:
      return isMessageProperty(option)
  }
}

/** Buffers the options read; every one of them must be there for the rule to match. */
function buffersOf(options: readonly RuleOption[]): BufferId[] {
  const buffers: BufferId[] = []
  for (const option of options) if ('buffer' in option) buffers.push(option.buffer)
  return buffers
}

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

interface Draft {
  readonly evaluator: Evaluator
  /** Can be tried again further right. */
  readonly retry: RetryEvaluator | undefined
  readonly relative: boolean
  /** Its outcome depends neither on the cursor nor on variables. */
  readonly fixed: boolean
  /** Moves the cursor. */
  readonly moves: boolean
  /** Fails for every later cursor too, when it fails: a positive relative content without an end. */
  readonly onward: boolean
  /** Order among the cheap fixed tests that may be done first; undefined = stays where it is. */
  readonly early: number | undefined
}

/** @returns undefined for options that test nothing */
function draft(
  option: RuleOption,
  context: CompileContext,
  regexes: Regexes,
  variables: VariableNames,
): Draft | undefined {
  const test = (evaluator: Evaluator, early: number): Draft => ({
    evaluator,
    retry: undefined,
    relative: false,
    fixed: true,
    moves: false,
    onward: false,
    early,
  })
  const positional = (
    evaluator: Evaluator,
    relative: boolean,
    operands: readonly unknown[],
    moves: boolean,
    buffer: BufferId,
  ): Draft => ({
    evaluator,
    retry: undefined,
    relative,
    fixed:
      !relative && buffer !== BUF.BASE64_DATA && !operands.some((operand) => typeof operand === 'string'),
    moves,
    onward: false,
    early: undefined,
  })
  switch (option.kind) {
    case 'content': {
      const evaluator = new ContentEvaluator(option, variables)
      const operands = [option.offset, option.depth]
      const positive = !option.negated
      const base = positional(evaluator, option.relative, operands, positive, option.buffer)
      const onward = positive && option.relative && option.depth === undefined && Number(option.offset) >= 0
      return { ...base, onward, retry: positive ? evaluator : undefined }
    }
    case 'pcre': {
      const evaluator = new PcreEvaluator(option, regexes.get(option)!)
      const moves = option.movesCursor && !option.negated
      const base = positional(evaluator, option.relative, [], moves, option.buffer)
      return { ...base, retry: moves && !isAnchored(option) ? evaluator : undefined }
    }
    case 'isdataat': {
      const evaluator = new IsDataAtEvaluator(option, variables)
      const base = positional(evaluator, option.relative, [option.at], false, option.buffer)
      return base.fixed && !isPartSlot(option.buffer) ? { ...base, early: 3 } : base
    }
    case 'byte_test': {
      const operands = [option.offset, option.value]
      return positional(
        new ByteTestEvaluator(option, variables),
        option.relative,
        operands,
        false,
        option.buffer,
      )
    }
    case 'byte_jump': {
      const operands = [option.offset, option.postOffset]
      return positional(
        new ByteJumpEvaluator(option, variables),
        option.relative,
        operands,
        true,
        option.buffer,
      )
    }
    case 'byte_extract': {
      const evaluator = new ByteExtractEvaluator(option, variables)
      return positional(evaluator, option.relative, [option.offset], true, option.buffer)
    }
    case 'byte_math': {
      const operands = [option.offset, option.value]
      return positional(
        new ByteMathEvaluator(option, variables),
        option.relative,
        operands,
        false,
        option.buffer,
      )
    }
    case 'base64_decode':
      return positional(new Base64DecodeEvaluator(option), option.relative, [], false, option.buffer)
    case 'set_buffer':
      return option.part === undefined
        ? positional(new SetBufferEvaluator(option), false, [], true, option.buffer)
        : positional(new HttpPartEvaluator(option.part, option.buffer), false, [], true, option.buffer)
    case 'hash':
      return positional(new HashEvaluator(option), option.relative, [], !option.negated, option.buffer)
    case 'http_number':
    case 'http_version_match':
      return test(new HttpNumberEvaluator(option), 4)
    case 'http_field_test':
      return test(new HttpFieldTestEvaluator(option), 4)
    case 'buffer_length': {
      const evaluator = new BufferLengthEvaluator(option)
      const base = positional(evaluator, option.relative, [], false, option.buffer)
      return base.fixed && !isPartSlot(option.buffer) ? { ...base, early: 3 } : base
    }
    case 'flow': {
      // Direction and `established` are looked at before the options are.
      const { state, stream, frag } = option
      const more = state === 'not_established' || stream !== undefined || frag !== undefined
      return test(more ? new FlowEvaluator(option) : ALWAYS, 0)
    }
    case 'dsize':
      return test(new DsizeEvaluator(option), 1)
    case 'flags':
      return test(new TcpFlagsEvaluator(option), 1)
    case 'header_number':
      return test(new HeaderNumberEvaluator(option), 2)
    case 'fragbits':
      return test(new FragBitsEvaluator(option), 2)
    case 'ipopts':
      return test(new IpOptsEvaluator(option), 2)
    case 'sameip':
      return test(new SameIpEvaluator(), 2)
    case 'flowbits': {
      const checks = option.action === 'isset' || option.action === 'isnotset'
      // A bit is changed when the whole rule has matched; here it only stands between its neighbours.
      return checks ? test(new FlowbitsTestEvaluator(option, context.flowbits), 2) : test(ALWAYS, 0)
    }
    case 'ssl_state':
      return test(new SslStateEvaluator(option), 1)
    case 'ssl_version':
      return test(new SslVersionEvaluator(option), 1)
    case 'sip_method':
      return test(new SipMethodEvaluator(option), 1)
    case 'sip_stat_code':
      return test(new SipStatCodeEvaluator(option), 1)
    case 'dce_iface':
      return test(new DceIfaceEvaluator(option), 1)
    case 'dce_opnum':
      return test(new DceOpnumEvaluator(option), 1)
    case 'rpc':
      return test(new RpcEvaluator(option), 2)
    case 'stream_size':
      return test(new StreamSizeEvaluator(option), 2)
    case 'ftpbounce':
      return positional(new FtpBounceEvaluator(option), true, [], false, option.buffer)
    case 'cvs':
      return positional(new CvsEvaluator(option), false, [], false, option.buffer)
    case 'asn1':
      return positional(new Asn1Evaluator(option), option.relative, [], false, option.buffer)
    case 'ber_data':
    case 'ber_skip':
      return positional(new BerEvaluator(option), true, [], true, option.buffer)
    case 'sd_pattern': {
      const evaluator = new SdPatternEvaluator(option, context.regexEngine, context.pcreMatchLimit)
      return positional(evaluator, false, [], false, option.buffer)
    }
    case 'engine_event':
    case 'detection_filter':
    case 'threshold':
      return undefined
  }
}

const ALWAYS: Evaluator = { test: () => true }

/**
 * A caseless content, anywhere in its buffer, that a regular expression on the same buffer holds as a literal: the
 * expression alone decides, if nothing counts from where the content was found.
 */
function isImplied(option: RuleOption, options: readonly RuleOption[]): boolean {
  if (option.kind !== 'content' || option.negated || !option.nocase || option.relative) return false
  if (option.offset !== 0 || option.depth !== undefined) return false
  if (options.some((other) => 'relative' in other && other.relative)) return false
  const folded = Buffer.from(foldBytes(option.bytes))
  return options.some(
    (other) =>
      other.kind === 'pcre' &&
      !other.negated &&
      other.buffer === option.buffer &&
      pcreFacts(other).literals.some((literal) => Buffer.from(literal).includes(folded)),
  )
}

/** Retry flags are set by the order as written; then cheap tests that depend on nothing go first. */
function compileSteps(options: readonly RuleOption[], context: CompileContext, regexes: Regexes): Step[] {
  const variables = new VariableNames()
  const drafts: (Draft & { readonly option: RuleOption })[] = []
  for (const option of options.filter((one) => !isImplied(one, options))) {
    const one = draft(option, context, regexes, variables)
    if (one !== undefined) drafts.push({ ...one, option })
  }
  const independent = !variables.used
  /** The last option that moved the cursor. */
  let mover: { readonly retried: boolean } | undefined
  const placed = drafts.map((one, i) => {
    const retried = one.retry !== undefined && drafts[i + 1]?.relative === true
    const afterRetry = one.relative && independent && mover?.retried === true
    const monotone = one.retry instanceof ContentEvaluator && afterRetry
    const settled = one.fixed && independent
    const step: Step = {
      option: one.option,
      evaluator: one.evaluator,
      retry: retried ? one.retry : undefined,
      failed: one.fixed ? FAIL_FINAL : one.onward && afterRetry ? FAIL_ONWARD : FAIL,
      exhausted: settled ? FAIL_FINAL : FAIL,
      onward: settled ? FAIL_FINAL : monotone ? FAIL_ONWARD : FAIL,
    }
    if (one.moves) mover = { retried }
    return { step, early: one.early ?? Number.POSITIVE_INFINITY, order: i }
  })
  return placed
    .filter(({ step }) => step.evaluator !== ALWAYS)
    .sort((a, b) => (a.early === b.early ? a.order - b.order : a.early - b.early))
    .map(({ step }) => step)
}
