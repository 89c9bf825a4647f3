/**
 * Turns the options of a rule into the steps that evaluation runs.
 *
 * In: options as written, their compiled regular expressions. Out: `Step[]`: options that test nothing are gone, cheap
 * tests that depend on nothing come first, and each step knows what its failure means for those before it.
 */
import { BUF, type BufferId, isPartSlot } from '../inspect/buffers.js'
import type { Regex, RegexEngine } from '../match/matcher.js'
import type { PcreOption, RuleOption } from '../rules/model.js'
import {
  type Evaluator,
  FAIL,
  FAIL_FINAL,
  FAIL_ONWARD,
  type RetryEvaluator,
  type Step,
} from './evaluation.js'
import { Base64DecodeEvaluator } from './options/base64.js'
import { Asn1Evaluator, BerEvaluator } from './options/ber.js'
import {
  ByteExtractEvaluator,
  ByteJumpEvaluator,
  ByteMathEvaluator,
  ByteTestEvaluator,
} from './options/bytes.js'
import { ContentEvaluator } from './options/content.js'
import { HashEvaluator } from './options/hash.js'
import {
  FragBitsEvaluator,
  HeaderNumberEvaluator,
  IpOptsEvaluator,
  SameIpEvaluator,
  TcpFlagsEvaluator,
} from './options/header.js'
import { HttpFieldTestEvaluator, HttpNumberEvaluator, HttpPartEvaluator } from './options/http.js'
import { Dnp3IndEvaluator, Dnp3ObjEvaluator, MessageNumberEvaluator } from './options/industrial.js'
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
import { ReplaceEvaluator } from './options/replace.js'
import { SdPatternEvaluator } from './options/sensitive-data.js'
import { type FlowbitNames, FlowbitsTestEvaluator, FlowEvaluator } from './options/session.js'
import { CvsEvaluator, FtpBounceEvaluator, RpcEvaluator, StreamSizeEvaluator } from './options/structures.js'
import { foldBytes } from './search.js'

export type Regexes = ReadonlyMap<PcreOption, Regex>

/** What the rules of one engine share while their options are compiled. */
export interface StepContext {
  readonly regexEngine: RegexEngine
  readonly flowbits: FlowbitNames
  readonly pcreMatchLimit: number
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
  context: StepContext,
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
    case 'message_number':
      return test(new MessageNumberEvaluator(option), 1)
    case 'dnp3_ind':
      return test(new Dnp3IndEvaluator(option), 1)
    case 'dnp3_obj':
      return test(new Dnp3ObjEvaluator(option), 1)
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
    case 'replace':
      return positional(new ReplaceEvaluator(option), true, [], false, option.buffer)
    case 'tag':
    case 'engine_event':
    case 'detection_filter':
    case 'threshold':
      return undefined
  }
}

const ALWAYS: Evaluator = { test: () => true }

/** Some options have no word for it. */
function countsFromCursor(option: RuleOption): boolean {
  switch (option.kind) {
    case 'ber_data':
    case 'ber_skip':
    case 'ftpbounce':
    case 'replace':
      return true
    default:
      return 'relative' in option && option.relative
  }
}

/**
 * A caseless content, anywhere in its buffer, that a regular expression on the same buffer holds as a literal: the
 * expression alone decides, if nothing counts from where the content was found.
 */
function isImplied(option: RuleOption, options: readonly RuleOption[]): boolean {
  if (option.kind !== 'content' || option.negated || !option.nocase || option.relative) return false
  if (option.offset !== 0 || option.depth !== undefined) return false
  if (options.some(countsFromCursor)) return false
  const folded = Buffer.from(foldBytes(option.bytes))
  return options.some(
    (other) =>
      other.kind === 'pcre' &&
      !other.negated &&
      other.buffer === option.buffer &&
      pcreFacts(other).literals.some((literal) => Buffer.from(literal).includes(folded)),
  )
}

/**
 * Retry flags are set by the order as written; then cheap tests that depend on nothing go first.
 * @param asWritten all options, in the order of the rule: the same outcome, but slower
 */
export function compileSteps(
  options: readonly RuleOption[],
  context: StepContext,
  regexes: Regexes,
  asWritten = false,
): Step[] {
  const variables = new VariableNames()
  const drafts: (Draft & { readonly option: RuleOption })[] = []
  for (const option of options.filter((one) => asWritten || !isImplied(one, options))) {
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
    // An expression that matches nothing at the very start leaves the cursor behind its next match.
    const strays = one.option.kind === 'pcre' && regexes.get(one.option)!.minLength === 0
    if (one.moves) mover = { retried: retried && !strays }
    return { step, early: one.early ?? Number.POSITIVE_INFINITY, order: i }
  })
  const tested = placed.filter(({ step }) => step.evaluator !== ALWAYS)
  if (asWritten) return tested.map(({ step }) => step)
  return tested
    .sort((a, b) => (a.early === b.early ? a.order - b.order : a.early - b.early))
    .map(({ step }) => step)
}
