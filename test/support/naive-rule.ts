/**
 * Rule evaluation as Snort's documentation has it, and nothing else: every option tried at every place it may match, one
 * small immutable position at a time. Slow, without a search algorithm, an order of tests or a budget.
 *
 * In: a rule (`naiveParse`) and what there is to look at in one inspection unit. Out: whether the rule matches.
 * Independent of the rule parser and of the detection engine; the fuzzer compares them. Edge cases follow Snort 2.9.9 for
 * Snort 2 text, Snort 3 for Snort 3 text.
 */
import { createHash } from 'node:crypto'
import type { FlowbitsOption, HeaderNumberOption, NumberOrVariable } from '../../ids/src/rules/model.js'
import { holds, type NaiveContent, type NaiveOption, type NaiveRule } from './naive-model.js'
import {
  berElement,
  calculate,
  compare,
  decodedBase64,
  hasInvalidEntry,
  matchesBits,
  occurrences,
  regexMatches,
  roundUp,
  sensitiveData,
  textNumber,
  writtenAddress,
} from './naive-values.js'

/** By Snort's names; absent ones are not in the map. `http_num_headers` and the like are numbers. */
export interface Seen {
  readonly buffers: ReadonlyMap<string, Uint8Array>
  readonly numbers: ReadonlyMap<string, number>
}

/** Fields of the one packet. */
export interface NaivePacket {
  readonly protocol: number
  readonly ttl: number
  readonly tos: number
  readonly id: number
  readonly fragBits: number
  readonly ipOptions: readonly number[]
  readonly flags?: number
  readonly seq?: number
  readonly ack?: number
  readonly window?: number
  readonly itype?: number
  readonly icode?: number
  readonly icmp_id?: number
  readonly icmp_seq?: number
}

export interface NaiveUnit extends Seen {
  /** What the request had that a response answers. */
  readonly asked: Seen | undefined
  /** What the message of a protocol that it is is about. */
  readonly facts: ReadonlyMap<string, number | string> | undefined
  /** Undefined: data put together from several. */
  readonly packet: NaivePacket | undefined
  readonly http: boolean
  /** The first thing said on its flow. */
  readonly first: boolean
  readonly toServer: boolean
  readonly established: boolean
  readonly source: string
  readonly destination: string
  readonly sourcePort: number
  readonly destinationPort: number
  /** Bytes that each side has sent so far; undefined: not a TCP stream. */
  readonly sent: { readonly client: number; readonly server: number } | undefined
}

/** Where evaluation stands: the cursor with the buffer it is in, and what has been read so far. */
interface Place {
  readonly buffer: string | undefined
  readonly cursor: number
  readonly variables: Readonly<Record<string, number>>
  readonly base64: Uint8Array | undefined
}

const START: Place = { buffer: undefined, cursor: 0, variables: {}, base64: undefined }
const WORD = 2n ** 32n

/** Options that hold no condition and stand between no others in evaluation. */
function isEvaluated(option: NaiveOption): boolean {
  if (option.kind === 'content') return option.fastPattern?.only !== true
  return option.kind !== 'detection_filter' && option.kind !== 'threshold'
}

/** Whether the rule matches the unit; flowbits are read from `bits`, and changed by `changeBits` afterwards. */
export function naiveMatch(rule: NaiveRule, unit: NaiveUnit, bits: FlowBits): boolean {
  const snort3 = rule.dialect === 'snort3'
  const matches = (seen: NaiveUnit, body: boolean, ports = true): boolean =>
    headerHolds(rule, unit, ports) && new NaiveEvaluation(rule, seen, bits, body).matches()
  if (!unit.http) return matches(unit, false)
  // A rule that names the service is for any port. Snort 2 would not have seen packet data of ports that are not the rule's.
  const named = rule.services.includes('http')
  if (!snort3)
    return headerHolds(rule, unit, true) ? matches(unit, false) : named && matches(unit, true, false)
  // Snort 3 takes the body for the packet data of a flow it knows to be HTTP. The first request is also looked at as it
  // came, without any of HTTP's buffers: that the flow is HTTP is known only afterwards.
  return (unit.first && matches({ ...unit, ...packetDataOf(unit) }, false)) || matches(unit, true, !named)
}

function headerHolds({ header }: NaiveRule, unit: NaiveUnit, ports: boolean): boolean {
  const { source, destination, bidirectional, protocol } = header
  // ICMP has none, and rules for IP ask for none.
  const portless = !ports || unit.packet?.protocol === 1 || protocol === 'ip'
  const fits = (from: typeof source, to: typeof source): boolean =>
    from.address(unit.source) &&
    to.address(unit.destination) &&
    (portless || (from.port(unit.sourcePort) && to.port(unit.destinationPort)))
  return fits(source, destination) || (bidirectional && fits(destination, source))
}

function packetDataOf({ buffers }: NaiveUnit): Seen {
  return {
    buffers: new Map([...buffers].filter(([name]) => /^(?:pkt|raw)_data$/.test(name))),
    numbers: new Map(),
  }
}

/** Bits of one flow, and the groups that rules have put names in. */
export class FlowBits {
  private readonly set = new Set<string>()
  private readonly groups: ReadonlyMap<string, ReadonlySet<string>>

  constructor(rules: readonly NaiveRule[]) {
    const groups = new Map<string, Set<string>>()
    for (const option of rules.flatMap(({ options }) => options)) {
      if (
        option.kind !== 'flowbits' ||
        option.group === undefined ||
        !/^(?:setx?|toggle)$/.test(option.action)
      )
        continue
      const names = groups.get(option.group) ?? new Set()
      for (const name of option.names) names.add(name)
      groups.set(option.group, names)
    }
    this.groups = groups
  }

  holds({ action, names, combine, group }: FlowbitsOption): boolean {
    if (action !== 'isset' && action !== 'isnotset') return true
    const isSet = (name: string): boolean => this.set.has(name)
    const whole = group !== undefined && /^(?:any|all)$/.test(names[0] ?? '')
    const members = whole ? [...(this.groups.get(group) ?? [])] : names
    const all = whole ? names[0] === 'all' : combine === 'all'
    return (all ? members.every(isSet) : members.some(isSet)) === (action === 'isset')
  }

  /** What a match of the rule does. */
  change(rule: NaiveRule): void {
    for (const option of rule.options) {
      if (option.kind !== 'flowbits') continue
      const { action, names, group } = option
      const members = [...(this.groups.get(group ?? '') ?? [])]
      if (action === 'setx' || (action === 'reset' && group !== undefined))
        for (const name of members) this.set.delete(name)
      else if (action === 'reset') this.set.clear()
      for (const name of names) {
        if (action === 'set' || action === 'setx') this.set.add(name)
        else if (action === 'unset') this.set.delete(name)
        else if (action === 'toggle' && !this.set.delete(name)) this.set.add(name)
      }
    }
  }
}

class NaiveEvaluation {
  private readonly rule: NaiveRule
  private readonly unit: NaiveUnit
  private readonly bits: FlowBits
  private readonly snort3: boolean
  /** Packet data is the body of an HTTP message. */
  private readonly bodyOnly: boolean
  private readonly options: readonly NaiveOption[]

  constructor(rule: NaiveRule, unit: NaiveUnit, bits: FlowBits, bodyOnly: boolean) {
    this.rule = rule
    this.bodyOnly = bodyOnly
    this.unit = unit
    this.bits = bits
    this.snort3 = rule.dialect === 'snort3'
    this.options = rule.options.filter(isEvaluated)
  }

  matches(): boolean {
    return this.onlyPatternsHold() && this.holds(0, START)
  }

  /** `fast_pattern:only`: anywhere in its buffer, in any case; not part of the chain of options. */
  private onlyPatternsHold(): boolean {
    return this.rule.options
      .filter((option) => !isEvaluated(option))
      .every((option) => {
        if (option.kind !== 'content') return true
        const bytes = this.bytesOf(option.buffer, START)
        return bytes !== undefined && occurrences(bytes, option.bytes, true, 0, bytes.length).length > 0
      })
  }

  /** The buffer that an option means by `buffer`; undefined = none. */
  private slot(buffer: string): string | undefined {
    if (buffer === 'raw_data' && this.bodyOnly) return this.snort3 ? undefined : buffer
    if (buffer === 'pkt_data' && this.bodyOnly) return 'file_data'
    // The same bytes where nothing was decoded.
    const { buffers } = this.unit
    if (buffer === 'raw_data' && isSame(buffers.get('raw_data'), buffers.get('pkt_data'))) return 'pkt_data'
    return buffer
  }

  private bytesOf(buffer: string, place: Place): Uint8Array | undefined {
    if (buffer === 'base64_data') return place.base64
    const slot = this.slot(buffer)
    if (slot === undefined) return undefined
    if (!slot.startsWith('request ')) return this.unit.buffers.get(slot)
    const { asked, toServer } = this.unit
    return (toServer ? this.unit : asked)?.buffers.get(slot.slice(8))
  }

  private numberOf(what: string): number | undefined {
    if (!what.startsWith('request ')) return this.unit.numbers.get(what)
    const { asked, toServer } = this.unit
    return (toServer ? this.unit : asked)?.numbers.get(what.slice(8))
  }

  /** Options from number `index` on, evaluation standing at `place`. */
  private holds(index: number, place: Place): boolean {
    const option = this.options[index]
    if (option === undefined) return true
    const places = this.placesAfter(option, place)
    // A match is looked for again only when the option behind it counts from it.
    const next = this.options[index + 1]
    const again = next !== undefined && countsFromCursor(next)
    return (again ? places : places.slice(0, 1)).some((after) => this.holds(index + 1, after))
  }

  /** Where evaluation may stand after the option, in the order Snort tries them; none = the option fails. */
  private placesAfter(option: NaiveOption, place: Place): Place[] {
    const when = (holds: boolean, after: Place = place): Place[] => (holds ? [after] : [])
    switch (option.kind) {
      case 'content':
        return this.content(option, place)
      case 'pcre':
        return this.pcre(option, place)
      case 'dsize':
        return when(
          this.unit.packet !== undefined &&
            holds(option.test, this.unit.buffers.get('pkt_data')?.length ?? 0),
        )
      case 'flow': {
        const { direction, state, stream } = option
        const { toServer, established, packet } = this.unit
        return when(
          (direction === undefined || (direction === 'to_server') === toServer) &&
            (state !== 'established' || established) &&
            (state !== 'not_established' || !established) &&
            (stream === undefined || (stream === 'no_stream') === (packet !== undefined)),
        )
      }
      case 'flowbits':
        return when(this.bits.holds(option))
      case 'rpc': {
        const words = bigWords(this.unit.buffers.get('pkt_data'))
        const { program, version = words[4], procedure = words[5] } = option
        return when(words.length >= 6 && `${words.slice(1, 6)}` === `${[0, 2, program, version, procedure]}`)
      }
      case 'stream_size': {
        const { sent } = this.unit
        if (sent === undefined) return []
        const client = holds(option.test, sent.client)
        const server = holds(option.test, sent.server)
        return when({ client, server, either: client || server, both: client && server }[option.side])
      }
      case 'header_number':
      case 'flags':
      case 'fragbits':
      case 'ipopts':
      case 'sameip':
        return when(this.headerOption(option))
      case 'message_fact':
        return when(option.holds((name) => this.unit.facts?.get(name)))
      case 'http_number': {
        const value = this.numberOf(option.what)
        return when(value !== undefined && option.holds(value))
      }
      case 'http_field_test': {
        const bytes = this.bytesOf(option.buffer, place)
        if (bytes === undefined) {
          const request = option.buffer.startsWith('request ') ? 'request ' : ''
          return when(option.absent && this.numberOf(`${request}http_num_headers`) !== undefined)
        }
        const text = Buffer.from(bytes).toString('latin1')
        const value = /^\d{1,15}$/.test(text) ? Number(text) : undefined
        return when(
          !option.absent &&
            (option.numeric === undefined || option.numeric === (value !== undefined)) &&
            (option.check === undefined || (value !== undefined && holds(option.check, value))),
        )
      }
      case 'set_buffer':
        return when(this.bytesOf(option.buffer, place) !== undefined, {
          ...place,
          buffer: option.buffer,
          cursor: 0,
        })
    }
    // The others look at bytes.
    if (!('buffer' in option)) throw new Error(`${option.kind} is not modelled`)
    const bytes = this.bytesOf(option.buffer, place)
    if (bytes === undefined) return []
    const relative = countsFromCursor(option)
    const from = relative ? this.cursorIn(option.buffer, place) : 0
    const moved = (cursor: number): Place => ({ ...place, buffer: option.buffer, cursor })
    switch (option.kind) {
      case 'isdataat':
        return when(from + this.number(option.at, place) < bytes.length !== option.negated)
      case 'buffer_length':
        return when(holds(option.test, bytes.length - from))
      case 'byte_test': {
        const read = this.read(option, bytes, from, place)
        if (read === undefined) return []
        const to = BigInt(this.number(option.value, place))
        return when(compare(option.op, BigInt(read.value), to) !== option.negated)
      }
      case 'byte_jump': {
        const read = this.read(option, bytes, from, place)
        if (read === undefined) return []
        const jump = roundUp(read.value * option.multiplier, option.align)
        const origin = { here: read.end, beginning: 0, end: bytes.length }[option.from]
        const target = origin + jump + this.number(option.postOffset, place)
        return when(target >= 0 && target <= bytes.length, moved(target))
      }
      case 'byte_extract': {
        if (relative && !this.snort3 && place.buffer === undefined) return []
        const read = this.read(option, bytes, from, place)
        if (read === undefined) return []
        const value = roundUp(read.value * option.multiplier, option.align)
        const variables = { ...place.variables, [option.name]: Number(BigInt(value) % WORD) }
        return [{ ...moved(read.end), variables }]
      }
      case 'byte_math': {
        const read = this.read(option, bytes, from, place)
        if (read === undefined) return []
        const result = calculate(option.op, BigInt(read.value), BigInt(this.number(option.value, place)))
        if (result === undefined) return []
        const variables = { ...place.variables, [option.name]: Number(BigInt.asUintN(32, result)) }
        return [{ ...place, variables }]
      }
      case 'base64_decode': {
        const start = from + option.offset
        const decoded = decodedBase64(
          bytes.subarray(start, option.bytes === undefined ? undefined : start + option.bytes),
        )
        return when(decoded.length > 0, { ...place, base64: decoded })
      }
      case 'hash': {
        const start = from + option.offset
        if (start < 0 || start + option.length > bytes.length) return []
        const part = bytes.subarray(start, start + option.length)
        const same = createHash(option.algorithm).update(part).digest().equals(option.digest)
        if (option.negated) return when(!same)
        return when(same, moved(start + option.length))
      }
      case 'ber_data':
      case 'ber_skip': {
        const element = berElement(bytes, from)
        if (element === undefined) return []
        const { type, content, length } = element
        if (type !== option.type) return when(option.optional)
        if (option.kind === 'ber_data') return [moved(content)]
        return when(length !== undefined && content + length <= bytes.length, moved(content + (length ?? 0)))
      }
      case 'sd_pattern':
        return when(sensitiveData(option.pattern, bytes) >= option.threshold)
      case 'cvs':
        return when(hasInvalidEntry(bytes))
      case 'ftpbounce': {
        const address = writtenAddress(bytes.subarray(from))
        return when(address !== undefined && address !== this.unit.source)
      }
      default:
        throw new Error(`${option.kind} is not modelled`)
    }
  }

  private headerOption(
    option: Extract<NaiveOption, { kind: 'header_number' | 'flags' | 'fragbits' | 'ipopts' | 'sameip' }>,
  ): boolean {
    const { packet, source, destination } = this.unit
    if (option.kind === 'sameip') return source === destination
    if (packet === undefined) throw new Error('options on packets are not modelled for streams')
    switch (option.kind) {
      case 'header_number': {
        const value = fieldOf(packet, option.field)
        return value !== undefined && holds(option.test, value)
      }
      case 'flags': {
        if (packet.flags === undefined) return false
        return matchesBits(packet.flags & ~option.ignore, option.flags & ~option.ignore, option.match)
      }
      case 'fragbits':
        return matchesBits(packet.fragBits, option.bits, option.match)
      case 'ipopts':
        return option.option === 'any'
          ? packet.ipOptions.length > 0
          : packet.ipOptions.includes(option.option)
    }
  }

  private content(option: NaiveContent, place: Place): Place[] {
    const bytes = this.bytesOf(option.buffer, place)
    if (bytes === undefined) return []
    const from = option.relative ? this.cursorIn(option.buffer, place) : 0
    const low = from + this.number(option.offset, place)
    const depth = option.depth === undefined ? undefined : this.number(option.depth, place)
    const limited = depth !== undefined && !(this.snort3 && depth === 0)
    const high = limited ? Math.min(bytes.length, low + depth) : bytes.length
    // Snort 2 will not look before the buffer, unless the window reaches into it.
    if (low < 0 && !this.snort3 && (depth === undefined || high <= 0)) return []
    const found = occurrences(bytes, option.bytes, option.nocase, Math.max(low, 0), high)
    // Snort 2 forgets the cursor before it looks for a content that does not count from it.
    const kept = option.relative || this.snort3 ? place : { ...place, buffer: undefined, cursor: 0 }
    if (option.negated) return found.length === 0 ? [kept] : []
    return found.map((at) => ({ ...place, buffer: option.buffer, cursor: at + option.bytes.length }))
  }

  private pcre(option: Extract<NaiveOption, { kind: 'pcre' }>, place: Place): Place[] {
    const bytes = this.bytesOf(option.buffer, place)
    if (bytes === undefined) return []
    const start = option.relative ? this.cursorIn(option.buffer, place) : 0
    const subject = bytes.subarray(Math.min(start, bytes.length))
    const found: Place[] = []
    if (subject.length > 0) {
      for (const { end } of regexMatches(option.pattern, option.flags, subject)) {
        const moves = option.movesCursor && end > 0
        found.push(moves ? { ...place, buffer: option.buffer, cursor: start + end } : place)
      }
    }
    if (option.negated) return found.length === 0 ? [place] : []
    return option.movesCursor ? found : found.slice(0, 1)
  }

  /** The position relative options count from: the start of the buffer unless the cursor stands in it. */
  private cursorIn(buffer: string, place: Place): number {
    const own = place.buffer !== undefined && this.slot(place.buffer) === this.slot(buffer)
    return own ? place.cursor : 0
  }

  private number(value: NumberOrVariable, place: Place): number {
    return typeof value === 'number' ? value : place.variables[value]!
  }

  /** The number and the position behind it; undefined when its bytes are not all there or are no number. */
  private read(
    option: Extract<NaiveOption, { kind: 'byte_test' | 'byte_jump' | 'byte_extract' | 'byte_math' }>,
    bytes: Uint8Array,
    from: number,
    place: Place,
  ): { value: number; end: number } | undefined {
    const start = from + this.number(option.offset, place)
    const whole = start + option.count
    // Snort 3 reads digits as far as the buffer goes.
    const cut = option.textBase !== undefined && this.snort3 && start < bytes.length
    const end = cut ? Math.min(whole, bytes.length) : whole
    if (start < 0 || end > bytes.length) return undefined
    const part = [...bytes.subarray(start, end)]
    let value: bigint | undefined
    // The order of bytes in the call: there is none outside of one.
    const order = option.dce ? this.unit.facts?.get('dce_little') : Number(option.littleEndian)
    if (order === undefined) return undefined
    if (option.textBase === undefined) {
      if (order === 1) part.reverse()
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

/** Numbers of four bytes, one after the other. */
function bigWords(bytes: Uint8Array = new Uint8Array(0)): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return Array.from({ length: bytes.length >> 2 }, (_, i) => view.getUint32(i * 4))
}

function isSame(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a !== undefined && b !== undefined && Buffer.compare(a, b) === 0
}

function countsFromCursor(option: NaiveOption): boolean {
  if (option.kind === 'ber_data' || option.kind === 'ber_skip' || option.kind === 'ftpbounce') return true
  return 'relative' in option && option.relative
}

function fieldOf(packet: NaivePacket, field: HeaderNumberOption['field']): number | undefined {
  if (field === 'ip_proto') return packet.protocol
  return field === 'fragoffset' ? 0 : packet[field as 'ttl']
}
