/**
 * Makes the parts of an HTTP message that only some rules name (`HttpPart`), when a rule asks.
 *
 * In: a parsed head with the array it lies in, and the message's trailer. Out: one slot of the unit's `BufferSet`: a range
 * of the raw bytes where that is the part, else of memory that belongs to the slot. Called by `HttpMessage` during
 * inspection; every walk is bounded by the length of the head.
 */
import { BUF, type BufferId, type BufferSet } from '../inspect/buffers.js'
import { copyBytes } from '../inspect/copy.js'
import type { HttpNumber, HttpPart, UriComponent } from '../inspect/http-part.js'
import { type HttpHead, headerValueAt, METHOD } from './head.js'
import { decode, normalisePath, normaliseQuery } from './normalize.js'

const LF = 10
const CR = 13
const SPACE = 0x20
const TAB = 9
const COMMA = 0x2c
const SLASH = 0x2f
const COLON = 0x3a
const QUESTION = 0x3f
const HASH = 0x23
const AT = 0x40
const BRACKET = 0x5d
const AMPERSAND = 0x26
const EQUALS = 0x3d
const SEMICOLON = 0x3b

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0) & 0xff)
const COOKIE = ascii('cookie')
const SET_COOKIE = ascii('set-cookie')
/** Headers that name the client behind proxies, the first that is there counts (Snort: xff_headers). */
const FORWARDED = [ascii('x-forwarded-for'), ascii('true-client-ip')]
const NONE = new Uint8Array(0)

/** A head and where it lies; `bytes[at]` is its first byte. */
export interface HeadSource {
  readonly head: HttpHead
  readonly bytes: Uint8Array
  readonly at: number
  readonly request: boolean
  /** HTTP/2: where the body ends is not said in the head. */
  readonly framed: boolean
}

/** Lines `[start, end)` of headers or trailers. */
interface Lines {
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
}

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

function headerLines({ head, bytes, at }: HeadSource): Lines {
  return { bytes, start: at + head.headersStart, end: at + head.headersEnd }
}

function nextLine(bytes: Uint8Array, from: number, end: number): number {
  let i = from
  while (i < end) {
    const byte = bytes[i]!
    if (byte === LF) break
    // A CR alone ends a line unless a blank follows.
    if (byte === CR && i + 1 < end && bytes[i + 1] !== LF && !isBlank(bytes[i + 1]!)) return i + 1
    i++
  }
  return i < end ? i + 1 : end
}

/** End of the header that begins at `from`: the next line that is not a fold. */
function nextHeader(bytes: Uint8Array, from: number, end: number): number {
  let next = nextLine(bytes, from, end)
  while (next < end && isBlank(bytes[next]!)) next = nextLine(bytes, next, end)
  return next
}

/** End of `[start, end)` without trailing white space. */
function trimmed(bytes: Uint8Array, start: number, end: number): number {
  let last = end
  while (last > start && isWhite(bytes[last - 1]!)) last--
  return last
}

/** The values of a field, joined by commas; folds become a blank, unless `raw`. False when there is none. */
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
  set.set(slot, target, 0, to)
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

/** End of the start line, without its line end. */
function trimmedLine(bytes: Uint8Array, start: number, end: number): number {
  let last = end
  while (last > start && (bytes[last - 1] === LF || bytes[last - 1] === CR)) last--
  return last
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

function fillComponent(
  { component, name }: HttpPart,
  bytes: Uint8Array,
  start: number,
  end: number,
  set: BufferSet,
  slot: BufferId,
  memory: PartMemory,
): boolean {
  const raw = name === 'raw_uri'
  const [from, to] = componentRange(component!, bytes, start, end)
  if (from < 0) return false
  if (raw || to === from) {
    set.set(slot, bytes, from, to)
    return true
  }
  const target = memory.take(slot, to - from + 1)
  if (component === 'path') set.set(slot, target, 0, normalisePath(bytes, from, to, target, 0))
  else if (component === 'query' || component === 'fragment')
    set.set(slot, target, 0, normaliseQuery(bytes, from, to, target, 0))
  else {
    const length = decode(bytes, from, to, target, 0)
    for (let i = 0; i < length; i++) target[i] = lower(target[i]!)
    set.set(slot, target, 0, length)
  }
  return true
}

const ABSENT: readonly [number, number] = [-1, -1]

/** Where a component of the URI stands; [-1, -1] when the URI has none (RFC 3986 appendix B). */
function componentRange(
  component: UriComponent,
  bytes: Uint8Array,
  start: number,
  end: number,
): readonly [number, number] {
  let scheme = start
  while (scheme < end && isSchemeByte(bytes[scheme]!)) scheme++
  const absolute =
    scheme > start &&
    scheme + 2 < end &&
    bytes[scheme] === COLON &&
    bytes[scheme + 1] === SLASH &&
    bytes[scheme + 2] === SLASH
  if (component === 'scheme') return absolute ? [start, scheme] : ABSENT
  let path = absolute ? scheme + 3 : start
  if (absolute) while (path < end && !endsAuthority(bytes[path]!)) path++
  if (component === 'host' || component === 'port') {
    // CONNECT has the authority alone.
    const bare = !absolute && bytes[start] !== SLASH
    if (!absolute && !bare) return ABSENT
    return authorityRange(component, bytes, absolute ? scheme + 3 : start, bare ? end : path)
  }
  let query = path
  while (query < end && bytes[query] !== QUESTION && bytes[query] !== HASH) query++
  if (component === 'path') return query > path ? [path, query] : ABSENT
  let fragment = query
  while (fragment < end && bytes[fragment] !== HASH) fragment++
  if (component === 'query') return bytes[query] === QUESTION && query < end ? [query + 1, fragment] : ABSENT
  return fragment < end ? [fragment + 1, end] : ABSENT
}

function authorityRange(
  component: 'host' | 'port',
  bytes: Uint8Array,
  start: number,
  end: number,
): readonly [number, number] {
  let host = start
  for (let i = start; i < end; i++) if (bytes[i] === AT) host = i + 1
  let colon = end
  for (let i = end - 1; i >= host && bytes[i] !== BRACKET; i--) {
    if (bytes[i] === COLON) {
      colon = i
      break
    }
  }
  if (component === 'host') return colon > host ? [host, colon] : ABSENT
  return colon < end ? [colon + 1, end] : ABSENT
}

function endsAuthority(byte: number): boolean {
  return byte === SLASH || byte === QUESTION || byte === HASH
}

function isSchemeByte(byte: number): boolean {
  const letter = byte | 0x20
  return (
    (letter >= 0x61 && letter <= 0x7a) || (byte >= 0x2b && byte <= 0x39 && byte !== COMMA && byte !== SLASH)
  )
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

function matchesAt(bytes: Uint8Array, at: number, end: number, word: Uint8Array, nocase: boolean): boolean {
  if (end - at < word.length) return false
  for (let i = 0; i < word.length; i++) {
    const byte = bytes[at + i]!
    if (byte !== word[i] && (!nocase || lower(byte) !== lower(word[i]!))) return false
  }
  return true
}

/** A count or length in a head; -1 when it cannot be told. */
export function headNumber(
  what: HttpNumber,
  source: HeadSource,
  trailer: Uint8Array,
  trailerEnd: number,
): number {
  switch (what) {
    case 'num_headers':
    case 'max_header_line': {
      const { bytes, start, end } = headerLines(source)
      return countLines(bytes, start, end, what === 'max_header_line')
    }
    case 'num_trailers':
    case 'max_trailer_line':
      return countLines(trailer, 0, trailerEnd, what === 'max_trailer_line')
    case 'num_cookies':
      return countCookies(source)
    case 'version':
      return versionOf(source)
  }
}

function countLines(bytes: Uint8Array, start: number, end: number, longest: boolean): number {
  let count = 0
  let most = 0
  for (let line = start; line < end; ) {
    const next = nextHeader(bytes, line, end)
    const length = trimmedLine(bytes, line, next) - line
    if (length > 0) count++
    if (length > most) most = length
    line = next
  }
  return longest ? most : count
}

/** Requests: what semicolons set apart in Cookie headers; responses: Set-Cookie headers. */
function countCookies(source: HeadSource): number {
  const { bytes, start, end } = headerLines(source)
  const name = source.request ? COOKIE : SET_COOKIE
  let count = 0
  for (let line = start; line < end; ) {
    const value = headerValueAt(bytes, line, end, name)
    const next = nextHeader(bytes, line, end)
    if (value >= 0) {
      if (source.request) {
        let filled = false
        for (let i = value; i < next; i++) {
          if (bytes[i] === SEMICOLON) {
            if (filled) count++
            filled = false
          } else if (!isWhite(bytes[i]!)) filled = true
        }
        if (filled) count++
      } else count++
    }
    line = next
  }
  return count
}

const VERSIONS = new Set([10, 11, 20, 30])
const HTTP_SLASH = ascii('http/')

function versionOf(source: HeadSource): number {
  const { head, bytes, at, request } = source
  const lineEnd = trimmedLine(bytes, at, at + head.headersStart)
  let start = at
  if (request) {
    start = at + head.uriEnd
    while (start < lineEnd && isBlank(bytes[start]!)) start++
    if (start >= lineEnd) return head.method === METHOD.HTTP2_PREFACE ? 20 : 9
  }
  if (!matchesAt(bytes, start, lineEnd, HTTP_SLASH, true)) return 0
  const major = bytes[start + 5]! - 48
  const minor = bytes[start + 7]! - 48
  const after = start + 8
  const formed =
    bytes[start + 6] === 0x2e && after <= lineEnd && major >= 0 && major <= 9 && minor >= 0 && minor <= 9
  if (!formed || (after < lineEnd && !isBlank(bytes[after]!))) return 0
  const version = major * 10 + minor
  return VERSIONS.has(version) ? version : 1
}

function lower(byte: number): number {
  return byte >= 65 && byte <= 90 ? byte | 0x20 : byte
}

function isBlank(byte: number): boolean {
  return byte === SPACE || byte === TAB
}

function isWhite(byte: number): boolean {
  return byte === SPACE || byte === TAB || byte === CR || byte === LF
}
