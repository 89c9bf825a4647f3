/**
 * What stood where an option failed, in one phrase and in numbers.
 *
 * In: the option, and the evaluation state as it was when the option was about to be tried. Out: `Finding`. It decides
 * nothing: whether an option holds is what its evaluator has said; this only looks at the same bytes again to tell why.
 */

import type { Evaluation } from '../detect/evaluation.js'
import { ByteReader } from '../detect/options/bytes.js'
import { headerField } from '../detect/options/header.js'
import { VariableNames } from '../detect/options/numbers.js'
import { LiteralSearch } from '../detect/search.js'
import {
  BUF,
  BUFFER_COUNT,
  BUFFER_NAMES,
  type BufferId,
  type BufferSet,
  HTTP_BODY,
  isPartSlot,
} from '../inspect/buffers.js'
import { UNIT, type UnitKind } from '../inspect/unit.js'
import { tcpFlagText } from '../output/text.js'
import { formatLiteral } from '../rules/format.js'
import type {
  ByteRead,
  ContentOption,
  FlowbitsOption,
  IsDataAtOption,
  NumberOrVariable,
  PcreOption,
  RuleOption,
} from '../rules/model.js'
import { describeProtocol } from './describe-protocol.js'
import { quoted } from './printable.js'

export interface Finding {
  readonly found: string
  readonly facts: Readonly<Record<string, string | number | boolean | readonly string[]>>
}

/** What the option was tried with. */
export interface Attempt {
  readonly state: Evaluation
  /** Cursor before the option was tried. */
  readonly cursor: number
  readonly cursorSlot: number
  /** Names of the rule's variables, in the order they are set. */
  readonly variables: readonly string[]
  /** The match limit was hit while it was tried. */
  readonly limitHit: boolean
  /** Names of set flowbits, for the flow. */
  readonly flowbits: (option: FlowbitsOption) => string
  /** What the rule calls a buffer; `asked` is the one it names, when another stands for it. */
  readonly nameOf: (slot: BufferId, asked?: BufferId) => string
}

const UNIT_TEXT: Readonly<Record<UnitKind, string>> = {
  [UNIT.PACKET]: 'packet',
  [UNIT.STREAM]: 'stretch of stream data',
  [UNIT.HTTP_REQUEST]: 'HTTP request',
  [UNIT.HTTP_RESPONSE]: 'HTTP response',
  [UNIT.PDU]: 'DCE/RPC message',
  [UNIT.FILE]: 'file',
}

const numberFor = (attempt: Attempt, value: NumberOrVariable): number =>
  typeof value === 'number' ? value : attempt.state.variables[attempt.variables.indexOf(value)]!

/** Other buffers of the unit that hold the literal. */
export const buffersWith = (buffers: BufferSet, search: LiteralSearch, except: BufferId): string[] => {
  const names: string[] = []
  for (let id = 0; id < BUFFER_COUNT; id++) {
    const end = buffers.end[id]!
    if (id === except || id === BUF.RAW_DATA || id === HTTP_BODY || isPartSlot(id as BufferId) || end < 0)
      continue
    if (search.find(buffers.bytes[id]!, buffers.start[id]!, end) >= 0) names.push(BUFFER_NAMES[id]!)
  }
  // Packet data holds what the others are parts of.
  return names.length > 1 ? names.filter((one) => one !== BUFFER_NAMES[BUF.PKT_DATA]) : names
}

const origin = (attempt: Attempt, slot: BufferId, relative: boolean): number => {
  const { buffers } = attempt.state
  if (!relative) return buffers.start[slot]! - buffers.base[slot]!
  return attempt.cursorSlot === slot ? attempt.cursor : buffers.start[slot]!
}

/** Position of an index in the whole buffer. */
const position = (buffers: BufferSet, slot: BufferId, index: number): number =>
  index - buffers.start[slot]! + buffers.base[slot]!

const bytesText = (count: number): string => `${count} byte${count === 1 ? '' : 's'}`

const absent = (attempt: Attempt, slot: BufferId, asked: BufferId): Finding => ({
  found: `there is no ${attempt.nameOf(slot, asked)} in this ${UNIT_TEXT[attempt.state.kind]}`,
  facts: { absent: true, unit: UNIT_TEXT[attempt.state.kind] },
})

const describeContent = (option: ContentOption, attempt: Attempt): Finding => {
  const { buffers } = attempt.state
  const slot = attempt.state.slot(option.buffer)
  const start = buffers.start[slot]!
  const end = buffers.end[slot]!
  const bytes = buffers.bytes[slot]!
  const literal = `content ${formatLiteral(option.bytes)}`
  const from = origin(attempt, slot, option.relative)
  const low = Math.max(start, from + numberFor(attempt, option.offset))
  const depth = option.depth === undefined ? undefined : numberFor(attempt, option.depth)
  const high =
    depth === undefined ? end : Math.min(end, from + numberFor(attempt, option.offset) + Math.max(0, depth))
  const search = new LiteralSearch(option.bytes, option.nocase)
  const cursor = position(buffers, slot, from)
  const place = (index: number): string => {
    const ahead = index - from
    const behind = ahead < 0 ? `${bytesText(-ahead)} before` : `${bytesText(ahead)} behind`
    return `offset ${position(buffers, slot, index)}${option.relative ? `, ${behind} the cursor at ${cursor}` : ''}`
  }
  if (option.negated) {
    const at = search.find(bytes, low, high)
    if (at < 0)
      return {
        found: `negated ${literal}: its window does not lie in ${attempt.nameOf(slot, option.buffer)}`,
        facts: {},
      }
    const facts = { offset: position(buffers, slot, at) }
    return {
      found: `${literal} must not be in ${attempt.nameOf(slot, option.buffer)}, but is at ${place(at)}`,
      facts,
    }
  }
  const at = search.find(bytes, start, end)
  const facts: Record<string, string | number | boolean | readonly string[]> = {
    length: end - start,
    window: quoted(bytes, Math.min(low, Math.max(low, end)), Math.max(low, high)),
  }
  if (option.relative) facts.cursor = cursor
  if (at >= 0) {
    // The occurrence nearest behind the window tells most.
    const nearest = search.find(bytes, Math.min(low, end), end)
    const shown = nearest >= 0 ? nearest : at
    // Where the literal may begin, by the option alone.
    const first = position(buffers, slot, from) + numberFor(attempt, option.offset)
    const last = depth === undefined ? undefined : first + depth - option.bytes.length
    const length = position(buffers, slot, end)
    const allowed =
      last === undefined ? `from ${first} on` : first === last ? `${first} only` : `${first} to ${last}`
    const short = first + option.bytes.length > length ? `; there are ${bytesText(length)}` : ''
    facts.offset = position(buffers, slot, shown)
    facts.allowed = allowed
    return {
      found: `${literal} found in ${attempt.nameOf(slot, option.buffer)} at ${place(shown)}, allowed is ${allowed}${short}`,
      facts,
    }
  }
  let found = `${literal} not found in ${attempt.nameOf(slot, option.buffer)} ${quoted(bytes, low < high ? low : start, low < high ? high : end)}`
  if (option.relative) found += `, after the cursor at ${cursor}`
  const anyCase = option.nocase ? -1 : new LiteralSearch(option.bytes, true).find(bytes, start, end)
  const elsewhere = buffersWith(buffers, search, slot)
  if (anyCase >= 0) {
    found += `; in other case it is at offset ${position(buffers, slot, anyCase)} (nocase is not set)`
    facts.otherCase = position(buffers, slot, anyCase)
  } else if (elsewhere.length > 0) {
    found += `; found in ${elsewhere.join(', ')}, the rule wants ${attempt.nameOf(slot, option.buffer)}`
    facts.elsewhere = elsewhere
  }
  return { found, facts }
}

const describePcre = (option: PcreOption, attempt: Attempt): Finding => {
  const { buffers } = attempt.state
  const slot = attempt.state.slot(option.buffer)
  const from = option.relative ? origin(attempt, slot, true) : buffers.start[slot]!
  const end = buffers.end[slot]!
  const subject = quoted(buffers.bytes[slot]!, from, Math.max(from, end))
  const where = option.relative
    ? `${attempt.nameOf(slot, option.buffer)} after the cursor at ${position(buffers, slot, from)}, ${subject}`
    : `${attempt.nameOf(slot, option.buffer)} ${subject}`
  const facts = { window: subject, length: end - from, limit: attempt.limitHit }
  if (attempt.limitHit) return { found: `the expression hit its match limit in ${where}`, facts }
  return { found: `the expression ${option.negated ? 'matches' : 'does not match'} in ${where}`, facts }
}

const describeRead = (option: ByteRead & RuleOption, attempt: Attempt): Finding => {
  const { state } = attempt
  const { buffers } = state
  const slot = state.slot(option.buffer)
  const names = new VariableNames()
  for (const variable of attempt.variables) names.define(variable)
  const from = origin(attempt, slot, option.relative)
  const at = from + numberFor(attempt, option.offset)
  const one = option.count === 1
  const where = `${bytesText(option.count)} at offset ${position(buffers, slot, at)} of ${attempt.nameOf(slot, option.buffer)}`
  if (at < buffers.start[slot]! || at + option.count > buffers.end[slot]!) {
    const length = position(buffers, slot, buffers.end[slot]!)
    return {
      found: `${where} ${one ? 'is' : 'are'} not there: it has ${bytesText(length)}`,
      facts: { offset: position(buffers, slot, at), length },
    }
  }
  const { cursor, cursorSlot } = state
  state.cursor = attempt.cursor
  state.cursorSlot = attempt.cursorSlot
  const value = new ByteReader(option, names).read(state, slot)
  state.cursor = cursor
  state.cursorSlot = cursorSlot
  const shown = quoted(buffers.bytes[slot]!, at, at + option.count)
  if (value < 0)
    return { found: `${where} ${one ? 'is' : 'are'} no number: ${shown}`, facts: { bytes: shown } }
  const facts = { value, bytes: shown, offset: position(buffers, slot, at) }
  const read = `${where} ${one ? 'is' : 'are'} ${shown} = ${value}`
  if (option.kind === 'byte_test') {
    const wanted = `${option.negated ? 'not ' : ''}${option.op} ${numberFor(attempt, option.value)}`
    return { found: `${read}, wanted ${wanted}`, facts: { ...facts, wanted } }
  }
  if (option.kind === 'byte_jump') return { found: `${read}, which leads out of the buffer`, facts }
  return { found: read, facts }
}

const describeIsDataAt = (option: IsDataAtOption, attempt: Attempt): Finding => {
  const { buffers } = attempt.state
  const slot = attempt.state.slot(option.buffer)
  const from = origin(attempt, slot, option.relative)
  const left = buffers.end[slot]! - from
  const after = option.relative ? ` after the cursor at ${position(buffers, slot, from)}` : ''
  const wanted = option.negated ? 'not more than' : 'more than'
  return {
    found: `${attempt.nameOf(slot, option.buffer)} has ${bytesText(left)}${after}, wanted ${wanted} ${numberFor(attempt, option.at)}`,
    facts: { length: left },
  }
}

/** What was there when `option` failed. */
export const describe = (option: RuleOption, attempt: Attempt): Finding => {
  const { state } = attempt
  const { buffers, packet, kind } = state
  if ('buffer' in option) {
    const slot = state.slot(option.buffer)
    if (!buffers.has(slot)) return absent(attempt, slot, option.buffer)
  }
  switch (option.kind) {
    case 'content':
      return describeContent(option, attempt)
    case 'pcre':
      return describePcre(option, attempt)
    case 'byte_test':
    case 'byte_jump':
    case 'byte_extract':
    case 'byte_math':
      return describeRead(option, attempt)
    case 'isdataat':
      return describeIsDataAt(option, attempt)
    case 'buffer_length': {
      const slot = state.slot(option.buffer)
      const length = buffers.end[slot]! - origin(attempt, slot, option.relative)
      const from = buffers.start[slot]!
      const shown = quoted(buffers.bytes[slot]!, from, buffers.end[slot]!)
      return {
        found: `${attempt.nameOf(slot, option.buffer)} has length ${length}: ${shown}`,
        facts: { length },
      }
    }
    case 'dsize': {
      if (kind !== UNIT.PACKET) return { found: 'dsize is never true on reassembled data', facts: {} }
      const length = buffers.length(BUF.PKT_DATA)
      return { found: `the payload has ${bytesText(length)}`, facts: { length } }
    }
    case 'flags': {
      if (packet === undefined || packet.protocol !== 6) return { found: 'there are no TCP flags', facts: {} }
      const flags = tcpFlagText(packet.tcpFlags)
      return { found: `the packet has flags ${flags}`, facts: { flags } }
    }
    case 'header_number': {
      const value = headerField(option.field, state)
      return value < 0
        ? { found: `there is no packet with ${option.field}`, facts: {} }
        : { found: `${option.field} is ${value}`, facts: { value } }
    }
    case 'flowbits':
      return { found: attempt.flowbits(option), facts: { names: option.names } }
    case 'flow':
      return describeFlow(option, state)
    case 'stream_size':
      return {
        found: `the client has sent ${bytesText(state.clientBytes)}, the server ${state.serverBytes}`,
        facts: { client: state.clientBytes, server: state.serverBytes },
      }
    default: {
      const slot = 'buffer' in option ? state.slot(option.buffer) : state.slot(0)
      const end = buffers.end[slot]!
      const window = end < 0 ? '' : quoted(buffers.bytes[slot]!, buffers.start[slot]!, end)
      const data = end < 0 ? `this ${UNIT_TEXT[kind]}` : `${attempt.nameOf(slot)} ${window}`
      return (
        describeProtocol(option, state.facts, data) ?? {
          found: `it does not hold for ${data}`,
          facts: end < 0 ? {} : { window },
        }
      )
    }
  }
}

const describeFlow = (option: RuleOption & { kind: 'flow' }, state: Evaluation): Finding => {
  if (option.state === 'not_established' && state.established)
    return { found: 'the connection is established', facts: {} }
  const single = state.kind === UNIT.PACKET
  if (option.stream !== undefined && (option.stream === 'no_stream') !== single)
    return { found: single ? 'this is a single packet' : 'this is reassembled data', facts: {} }
  return { found: 'the packet is no fragment of the kind asked for', facts: {} }
}
