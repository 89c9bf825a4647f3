/**
 * Makes the parts of an HTTP message that only some rules name (`HttpPart`), when a rule asks.
 *
 * In: a parsed head with the array it lies in, and the message's trailer. Out: one slot of the unit's `BufferSet`: a range
 * of the raw bytes where that is the part, else of memory that belongs to the slot. Called by `HttpMessage` during
 * inspection; every walk is bounded by the length of the head.
 */
import { BUF, type BufferId, type BufferSet } from '../inspect/buffers.js'
import { copyBytes } from '../inspect/copy.js'
import type { HttpPart } from '../inspect/http-part.js'
import { normaliseValue, normOf } from './field-norms.js'
import {
  type HeadSource,
  headerLines,
  isBlank,
  type Lines,
  matchesAt,
  nextHeader,
  trimmedLine,
} from './head-lines.js'
import { headerValueAt } from './header-name.js'
import { decode, normaliseQuery } from './normalize.js'
import { componentRange, fillComponent } from './uri-part.js'
import { trimmed } from './words.js'

const LF = 10
const CR = 13
const SPACE = 0x20
const COMMA = 0x2c
const AMPERSAND = 0x26
const EQUALS = 0x3d

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0) & 0xff)
/** Headers that name the client behind proxies, the first that is there counts (Snort: xff_headers). */
const FORWARDED = [ascii('x-forwarded-for'), ascii('true-client-ip')]
const NONE = new Uint8Array(0)

/** Memory for made parts, one piece per slot; grows to what one message needs. */
export class PartMemory {
  private readonly pieces = new Map<number, Uint8Array>()

  take(slot: number, size: number): Uint8Array {
    let piece = this.pieces.get(slot)
    if (piece === undefined || piece.length < size) {
      piece = new Uint8Array(Math.max(size, 1024))
      this.pieces.set(slot, piece)
    }
    return piece
  }
}

/** The values of a field, joined by commas; unless `raw`, they are normalised. False when there is none. */
function fillField(
  lines: Lines,
  name: Uint8Array,
  raw: boolean,
  set: BufferSet,
  slot: BufferId,
  memory: PartMemory,
): boolean {
  const { bytes, start, end } = lines
  let target: Uint8Array = NONE
  let to = -1
  for (let line = start; line < end; ) {
    const value = headerValueAt(bytes, line, end, name)
    const next = nextHeader(bytes, line, end)
    if (value >= 0 && value <= next) {
      const last = trimmed(bytes, value, next)
      if (to < 0) {
        target = memory.take(slot, end - start + 1)
        to = 0
      } else target[to++] = COMMA
      to = raw ? copyRaw(target, to, bytes, value, last) : copyUnfolded(target, to, bytes, value, last)
    }
    line = next
  }
  if (to < 0) return false
  const norm = raw ? 0 : normOf(name)
  set.set(slot, target, 0, norm === 0 ? to : normaliseValue(norm, target, 0, to))
  return true
}

function copyRaw(target: Uint8Array, at: number, bytes: Uint8Array, start: number, end: number): number {
  if (end <= start) return at
  copyBytes(target, at, bytes, start, end)
  return at + end - start
}

function copyUnfolded(target: Uint8Array, at: number, bytes: Uint8Array, start: number, end: number): number {
  let to = at
  let fold = false
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!
    if (byte === CR || byte === LF) fold = true
    else if (!fold || !isBlank(byte)) {
      if (fold) target[to++] = SPACE
      fold = false
      target[to++] = byte
    }
  }
  return to
}

/** Fills `slot`; false when the message has no such part. */
export function fillPart(
  part: HttpPart,
  source: HeadSource,
  trailer: Uint8Array,
  trailerEnd: number,
  set: BufferSet,
  slot: BufferId,
  memory: PartMemory,
): boolean {
  const { head, bytes, at } = source
  switch (part.name) {
    case 'header':
    case 'raw_header':
      return fillField(headerLines(source), part.field!, part.name === 'raw_header', set, slot, memory)
    case 'trailer':
    case 'raw_trailer': {
      const end = trimmed(trailer, 0, trailerEnd)
      if (end === 0) return false
      const raw = part.name === 'raw_trailer'
      if (part.field !== undefined) {
        const lines = { bytes: trailer, start: 0, end }
        return fillField(lines, part.field, raw, set, slot, memory)
      }
      if (raw) set.set(slot, trailer, 0, end)
      else {
        const target = memory.take(slot, end)
        set.set(slot, target, 0, decode(trailer, 0, end, target, 0))
      }
      return true
    }
    case 'uri':
    case 'raw_uri':
      if (!source.request || head.uriEnd <= head.uriStart) return false
      return fillComponent(part, bytes, at + head.uriStart, at + head.uriEnd, set, slot, memory)
    case 'version':
      return fillVersion(source, set, slot)
    case 'raw_request':
    case 'raw_status':
      if (source.request !== (part.name === 'raw_request') || head.headersStart === 0) return false
      set.set(slot, bytes, at, trimmedLine(bytes, at, at + head.headersStart))
      return true
    case 'true_ip':
      return fillTrueIp(source, set, slot, memory)
    case 'param':
      return fillParam(part, source, set, slot, memory)
    default:
      return false
  }
}

function fillVersion({ head, bytes, at, request }: HeadSource, set: BufferSet, slot: BufferId): boolean {
  const lineEnd = trimmedLine(bytes, at, at + head.headersStart)
  let start = at
  let end = lineEnd
  if (request) {
    start = at + head.uriEnd
    while (start < end && isBlank(bytes[start]!)) start++
    end = trimmed(bytes, start, end)
  } else {
    end = start
    while (end < lineEnd && !isBlank(bytes[end]!)) end++
  }
  if (end <= start) return false
  set.set(slot, bytes, start, end)
  return true
}

function fillTrueIp(source: HeadSource, set: BufferSet, slot: BufferId, memory: PartMemory): boolean {
  if (!source.request) return false
  for (const name of FORWARDED) {
    if (!fillField(headerLines(source), name, false, set, slot, memory)) continue
    // Proxies append: the last address is the one the nearest of them vouches for.
    const bytes = set.bytes[slot]!
    const end = set.end[slot]!
    let start = end
    while (start > 0 && bytes[start - 1] !== COMMA && bytes[start - 1] !== SPACE) start--
    set.set(slot, bytes, start, end)
    return end > start
  }
  return false
}

/** Values of a parameter in the query and in a urlencoded body, decoded; several are joined by `&`. */
function fillParam(
  part: HttpPart,
  source: HeadSource,
  set: BufferSet,
  slot: BufferId,
  memory: PartMemory,
): boolean {
  if (!source.request) return false
  const { head, bytes, at } = source
  const [from, to] = componentRange('query', bytes, at + head.uriStart, at + head.uriEnd)
  const body = set.end[BUF.FILE_DATA]! - set.start[BUF.FILE_DATA]!
  const form = body > 0 && isForm(source)
  const target = memory.take(slot, Math.max(0, to - from) + (form ? body : 0) + 2)
  const name = part.field!
  let end = from < 0 ? -1 : addValues(bytes, from, to, name, part.nocase, target, -1)
  if (form) {
    const start = set.start[BUF.FILE_DATA]!
    end = addValues(set.bytes[BUF.FILE_DATA]!, start, start + body, name, part.nocase, target, end)
  }
  if (end < 0) return false
  set.set(slot, target, 0, end)
  return true
}

const CONTENT_TYPE = ascii('content-type')
const FORM = ascii('application/x-www-form-urlencoded')

function isForm(source: HeadSource): boolean {
  const { bytes, start, end } = headerLines(source)
  for (let line = start; line < end; line = nextHeader(bytes, line, end)) {
    const value = headerValueAt(bytes, line, end, CONTENT_TYPE)
    if (value >= 0) return matchesAt(bytes, value, end, FORM, true)
  }
  return false
}

function addValues(
  bytes: Uint8Array,
  start: number,
  end: number,
  name: Uint8Array,
  nocase: boolean,
  target: Uint8Array,
  at: number,
): number {
  let to = at
  for (let pair = start; pair < end; ) {
    let next = pair
    let equals = -1
    while (next < end && bytes[next] !== AMPERSAND) {
      if (equals < 0 && bytes[next] === EQUALS) equals = next
      next++
    }
    if (equals >= 0) {
      const key = to < 0 ? 0 : to + 1
      // Where the value goes the name is decoded first.
      const length = normaliseQuery(bytes, pair, equals, target, key) - key
      if (length === name.length && matchesAt(target, key, key + length, name, nocase)) {
        if (to >= 0) target[to] = AMPERSAND
        to = normaliseQuery(bytes, equals + 1, next, target, key)
      }
    }
    pair = next + 1
  }
  return to
}
