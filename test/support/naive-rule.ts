/**
 * Rule evaluation as Snort's documentation has it, and nothing else: every option tried at every place it may match, one
 * small immutable position at a time. Slow, without a search algorithm, an order of tests or a budget.
 *
 * In: a parsed rule and the buffers of one inspection unit. Out: whether the rule matches. Independent of the detection
 * engine; the fuzzer compares the two. Edge cases follow Snort 2.9.9 for Snort 2 text, Snort 3 for Snort 3 text.
 */
import { BUF, BUFFER_NAMES, type BufferId } from '../../ids/src/inspect/buffers.js'
import type {
  ByteRead,
  ContentOption,
  FlowbitsOption,
  NumberOrVariable,
  NumericTest,
  PcreOption,
  Rule,
  RuleOption,
} from '../../ids/src/rules/model.js'

export interface NaiveUnit {
  /** Absent buffers are not in the map. */
  readonly buffers: ReadonlyMap<BufferId, Uint8Array>
  /** Those of the request that a response answers. */
  readonly asked: ReadonlyMap<BufferId, Uint8Array> | undefined
  /** One packet, or data put together from several. */
  readonly packet: boolean
  readonly http: boolean
  /** The first thing said on its flow. */
  readonly first: boolean
  readonly toServer: boolean
  readonly sourcePort: number
  readonly destinationPort: number
}

/** Where evaluation stands: the cursor with the buffer it is in, and the variables set so far. */
interface Place {
  readonly buffer: BufferId | undefined
  readonly cursor: number
  readonly variables: Readonly<Record<string, number>>
}

const START: Place = { buffer: undefined, cursor: 0, variables: {} }
const WORD = 2n ** 32n

/** Options that hold no condition on bytes and stand between no others in evaluation. */
function isEvaluated(option: RuleOption): boolean {
  if (option.kind === 'content') return option.fastPattern?.only !== true || option.negated
  return option.kind !== 'detection_filter' && option.kind !== 'threshold'
}

/** Whether the rule matches the unit; flowbits are read from `bits`, and changed by `changeBits` afterwards. */
export function naiveMatch(rule: Rule, unit: NaiveUnit, bits: ReadonlySet<string>): boolean {
  // Snort 3 takes the body for the packet data of a flow it knows to be HTTP. The first request is also looked at as it
  // came, without any of HTTP's buffers: that the flow is HTTP is known only afterwards.
  const bodyOnly = unit.http && rule.dialect === 'snort3'
  const views = bodyOnly ? (unit.first ? [false, true] : [true]) : [false]
  return views.some((body) => {
    const seen = bodyOnly && !body ? { ...unit, buffers: packetDataOf(unit) } : unit
    return new NaiveEvaluation(rule, seen, bits, body).matches()
  })
}

function packetDataOf({ buffers }: NaiveUnit): ReadonlyMap<BufferId, Uint8Array> {
  return new Map([...buffers].filter(([id]) => id === BUF.PKT_DATA))
}

/** What a match of the rule does to the flowbits of its flow. */
export function changeBits(rule: Rule, bits: Set<string>): void {
  for (const option of rule.options) {
    if (option.kind !== 'flowbits') continue
    for (const name of option.names) {
      if (option.action === 'set') bits.add(name)
      else if (option.action === 'unset') bits.delete(name)
      else if (option.action === 'toggle' && !bits.delete(name)) bits.add(name)
    }
  }
}

class NaiveEvaluation {
  private readonly rule: Rule
  private readonly unit: NaiveUnit
  private readonly bits: ReadonlySet<string>
  private readonly snort3: boolean
  /** Packet data is the body of an HTTP message. */
  private readonly bodyOnly: boolean
  private readonly options: readonly RuleOption[]
  /** Buffers that stand for those of the request answered. */
  private readonly asked = new Map<BufferId, BufferId>()

  constructor(rule: Rule, unit: NaiveUnit, bits: ReadonlySet<string>, bodyOnly: boolean) {
    this.rule = rule
    this.bodyOnly = bodyOnly
    this.unit = unit
    this.bits = bits
    this.snort3 = rule.dialect === 'snort3'
    this.options = rule.options.filter(isEvaluated)
    for (const option of rule.options) {
      if (option.kind !== 'set_buffer' || option.part?.request !== true) continue
      this.asked.set(option.buffer, BUFFER_NAMES.indexOf(`http_${option.part.name}`) as BufferId)
    }
  }

  matches(): boolean {
    return this.headerHolds() && this.onlyPatternsHold() && this.holds(0, START)
  }

  private headerHolds(): boolean {
    const { sourcePorts, destinationPorts } = this.rule.header
    const within = (ports: typeof sourcePorts, port: number): boolean =>
      ports.any || ports.ranges.some(([low, high]) => port >= low && port <= high)
    return within(sourcePorts, this.unit.sourcePort) && within(destinationPorts, this.unit.destinationPort)
  }

  /** `fast_pattern:only`: anywhere in its buffer, in any case; not part of the chain of options. */
  private onlyPatternsHold(): boolean {
    return this.rule.options
      .filter((option) => !isEvaluated(option))
      .every((option) => {
        if (option.kind !== 'content') return true
        const bytes = this.bytesOf(option.buffer)
        if (bytes === undefined) return false
        return occurrences(bytes, { ...option, nocase: true }, 0, bytes.length).length > 0
      })
  }

  /** The buffer that an option means by `buffer`. */
  private slot(buffer: BufferId): BufferId {
    if (buffer !== BUF.PKT_DATA && buffer !== BUF.RAW_DATA) return buffer
    return this.bodyOnly ? BUF.FILE_DATA : BUF.PKT_DATA
  }

  private bytesOf(buffer: BufferId): Uint8Array | undefined {
    const asked = this.asked.get(buffer)
    if (asked !== undefined) return this.unit.asked?.get(asked)
    return this.unit.buffers.get(this.slot(buffer))
  }

  /** Options from number `index` on, evaluation standing at `place`. */
  private holds(index: number, place: Place): boolean {
    const option = this.options[index]
    if (option === undefined) return true
    const places = this.placesAfter(option, place)
    // A match is looked for again only when the option behind it counts from it.
    const next = this.options[index + 1]
    const again = next !== undefined && 'relative' in next && next.relative
    return (again ? places : places.slice(0, 1)).some((after) => this.holds(index + 1, after))
  }

  /** Where evaluation may stand after the option, in the order Snort tries them; none = the option fails. */
  private placesAfter(option: RuleOption, place: Place): Place[] {
    const when = (holds: boolean, after: Place = place): Place[] => (holds ? [after] : [])
    switch (option.kind) {
      case 'content':
        return this.content(option, place)
      case 'pcre':
        return this.pcre(option, place)
      case 'isdataat': {
        const bytes = this.bytesOf(option.buffer)
        if (bytes === undefined) return []
        const from = option.relative ? this.cursorIn(option.buffer, place) : 0
        return when(from + this.number(option.at, place) < bytes.length !== option.negated)
      }
      case 'byte_test': {
        const read = this.read(option, place)
        if (read === undefined) return []
        return when(
          compare(option.op, BigInt(read.value), BigInt(this.number(option.value, place))) !== option.negated,
        )
      }
      case 'byte_jump': {
        const read = this.read(option, place)
        if (read === undefined) return []
        const { length } = this.bytesOf(option.buffer)!
        const jump = roundUp(read.value * option.multiplier, option.align)
        const from = { here: read.end, beginning: 0, end: length }[option.from]
        const target = from + jump + this.number(option.postOffset, place)
        return when(target >= 0 && target <= length, { ...place, buffer: option.buffer, cursor: target })
      }
      case 'byte_extract': {
        if (option.relative && !this.snort3 && place.buffer === undefined) return []
        const read = this.read(option, place)
        if (read === undefined) return []
        const value = roundUp(read.value * option.multiplier, option.align)
        const variables = { ...place.variables, [option.name]: Number(BigInt(value) % WORD) }
        return [{ buffer: option.buffer, cursor: read.end, variables }]
      }
      case 'byte_math': {
        const read = this.read(option, place)
        if (read === undefined) return []
        const result = calculate(option.op, BigInt(read.value), BigInt(this.number(option.value, place)))
        if (result === undefined) return []
        const variables = { ...place.variables, [option.name]: Number(BigInt.asUintN(32, result)) }
        return [{ ...place, variables }]
      }
      case 'set_buffer':
        return when(this.bytesOf(option.buffer) !== undefined, { ...place, buffer: option.buffer, cursor: 0 })
      case 'buffer_length': {
        const bytes = this.bytesOf(option.buffer)
        if (bytes === undefined) return []
        const from = option.relative ? this.cursorIn(option.buffer, place) : 0
        return when(inTest(option.test, bytes.length - from))
      }
      case 'dsize':
        return when(this.unit.packet && inTest(option.test, this.bytesOf(BUF.PKT_DATA)?.length ?? 0))
      case 'flow': {
        const { direction } = option
        return when(direction === undefined || (direction === 'to_server') === this.unit.toServer)
      }
      case 'flowbits':
        return when(this.flowbits(option))
      default:
        throw new Error(`${option.kind} is not modelled`)
    }
  }

  private flowbits({ action, names, combine }: FlowbitsOption): boolean {
    if (action !== 'isset' && action !== 'isnotset') return true
    const isSet = (name: string): boolean => this.bits.has(name)
    return (combine === 'all' ? names.every(isSet) : names.some(isSet)) === (action === 'isset')
  }

  private content(option: ContentOption, place: Place): Place[] {
    const bytes = this.bytesOf(option.buffer)
    if (bytes === undefined) return []
    const from = option.relative ? this.cursorIn(option.buffer, place) : 0
    const low = from + this.number(option.offset, place)
    const depth = option.depth === undefined ? undefined : this.number(option.depth, place)
    const limited = depth !== undefined && !(this.snort3 && depth === 0)
    const high = limited ? Math.min(bytes.length, low + depth) : bytes.length
    // Snort 2 will not look before the buffer, unless the window reaches into it.
    if (low < 0 && !this.snort3 && (depth === undefined || high <= 0)) return []
    const found = occurrences(bytes, option, Math.max(low, 0), high)
    // Snort 2 forgets the cursor before it looks for a content that does not count from it.
    const kept = option.relative || this.snort3 ? place : { ...place, buffer: undefined, cursor: 0 }
    if (option.negated) return found.length === 0 ? [kept] : []
    return found.map((at) => ({ ...place, buffer: option.buffer, cursor: at + option.bytes.length }))
  }

  private pcre(option: PcreOption, place: Place): Place[] {
    const bytes = this.bytesOf(option.buffer)
    if (bytes === undefined) return []
    const start = option.relative ? this.cursorIn(option.buffer, place) : 0
    const subject = Buffer.from(bytes.subarray(Math.min(start, bytes.length))).toString('latin1')
    const found: Place[] = []
    if (subject !== '') {
      const { caseless, dotAll, multiline, anchored } = option.flags
      const letters = `g${caseless ? 'i' : ''}${dotAll ? 's' : ''}${multiline ? 'm' : ''}${anchored ? 'y' : ''}`
      for (const match of subject.matchAll(new RegExp(option.pattern, letters))) {
        const end = match.index + match[0].length
        const moves = option.movesCursor && end > 0
        found.push(moves ? { ...place, buffer: option.buffer, cursor: start + end } : place)
      }
    }
    if (option.negated) return found.length === 0 ? [place] : []
    return option.movesCursor ? found : found.slice(0, 1)
  }

  /** The position relative options count from: the start of the buffer unless the cursor stands in it. */
  private cursorIn(buffer: BufferId, place: Place): number {
    const own = place.buffer !== undefined && this.slot(place.buffer) === this.slot(buffer)
    return own ? place.cursor : 0
  }

  private number(value: NumberOrVariable, place: Place): number {
    return typeof value === 'number' ? value : place.variables[value]!
  }

  /** The number and the position behind it; undefined when its bytes are not all there or are no number. */
  private read(option: ByteRead, place: Place): { value: number; end: number } | undefined {
    const bytes = this.bytesOf(option.buffer)
    if (bytes === undefined) return undefined
    const from = option.relative ? this.cursorIn(option.buffer, place) : 0
    const start = from + this.number(option.offset, place)
    const whole = start + option.count
    // Snort 3 reads digits as far as the buffer goes.
    const cut = option.textBase !== undefined && this.snort3 && start < bytes.length
    const end = cut ? Math.min(whole, bytes.length) : whole
    if (start < 0 || end > bytes.length) return undefined
    const part = [...bytes.subarray(start, end)]
    let value: bigint | undefined
    if (option.textBase === undefined) {
      if (option.littleEndian) part.reverse()
      value = part.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n)
    } else value = textNumber(String.fromCharCode(...part), option.textBase)
    if (value === undefined) return undefined
    if (option.bitmask !== undefined) {
      let mask = BigInt(option.bitmask)
      value &= mask
      while (mask % 2n === 0n) {
        mask /= 2n
        value /= 2n
      }
    }
    return { value: Number(value), end }
  }
}

/** Every place in `[low, high)` where the content lies wholly inside. */
function occurrences(bytes: Uint8Array, content: ContentOption, low: number, high: number): number[] {
  const fold = (byte: number): number => (content.nocase && byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte)
  const found: number[] = []
  for (let at = low; at + content.bytes.length <= high; at++) {
    if (content.bytes.every((byte, i) => fold(byte) === fold(bytes[at + i]!))) found.push(at)
  }
  return found
}

/** strtoul: blanks, a sign, a prefix, digits up to the first character that is none; modulo 2^32. */
function textNumber(text: string, base: 0 | 8 | 10 | 16): bigint | undefined {
  const [, sign, rest] = /^[ \t-\r]*([-+]?)(.*)$/s.exec(text)!
  const prefixed = /^0x(?=[0-9a-f])/i.test(rest!) && (base === 0 || base === 16)
  const radix = prefixed ? 16 : base !== 0 ? base : rest!.startsWith('0') ? 8 : 10
  const alphabet = '0123456789abcdef'.slice(0, radix)
  let value: bigint | undefined
  for (const letter of rest!.slice(prefixed ? 2 : 0).toLowerCase()) {
    const digit = alphabet.indexOf(letter)
    if (digit < 0) break
    value = (value ?? 0n) * BigInt(radix) + BigInt(digit)
  }
  if (value === undefined) return undefined
  return BigInt.asUintN(32, sign === '-' ? -value : value)
}

function roundUp(value: number, to: number): number {
  return Math.ceil(value / to) * to
}

function compare(op: string, value: bigint, to: bigint): boolean {
  const results: Record<string, boolean> = {
    '<': value < to,
    '>': value > to,
    '=': value === to,
    '<=': value <= to,
    '>=': value >= to,
    '&': (value & to) !== 0n,
    '^': (value ^ to) !== 0n,
  }
  return results[op]!
}

function calculate(op: string, value: bigint, by: bigint): bigint | undefined {
  switch (op) {
    case '+':
      return value + by
    case '-':
      return value - by
    case '*':
      return value * by
    case '/':
      return by === 0n ? undefined : value / by
    case '<<':
      return by > 64n ? 0n : value << by
    default:
      return by > 64n ? 0n : value >> by
  }
}

function inTest({ op, lo, hi }: NumericTest, value: number): boolean {
  switch (op) {
    case '=':
      return value === lo
    case '!=':
      return value !== lo
    case '<':
      return value < lo
    case '>':
      return value > lo
    case '<=':
      return value <= lo
    case '>=':
      return value >= lo
    case 'range-inclusive':
      return value >= lo && value <= hi
    case 'range-exclusive':
      return value > lo && value < hi
  }
}
