/**
 * Finds what is wrong with a request or response head, by Snort's event numbers.
 *
 * In: a parsed head with its bytes. Out: events in an `EventList`. Called by `HttpMessage` when built-in events are
 * switched on, once per head: it walks the head again, so that parsing need not look for what nobody asks about.
 */
import { HTTP_EVENT } from '../builtin/http.js'
import type { EventList } from '../inspect/event-list.js'
import { METHOD } from './head.js'
import { type HeadSource, nextHeader } from './head-lines.js'
import { headerValueAt } from './header-name.js'
import { isRegisteredMethod } from './probe.js'
import { examineUri, isWellFormed } from './uri-events.js'
import { isWhite } from './words.js'

const LF = 10
const CR = 13
const SPACE = 0x20
const TAB = 9
const COLON = 0x3a
const COMMA = 0x2c
const LONG_LINE = 4096
const MANY_LINES = 200

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0))
const HOST = ascii('host')
const CONTENT_LENGTH = ascii('content-length')
const CONTENT_ENCODING = ascii('content-encoding')
const CONTENT_TYPE = ascii('content-type')
const TRANSFER_ENCODING = ascii('transfer-encoding')
const MAIL_ENCODING = ascii('content-transfer-encoding')
const ACCEPT_ENCODING = ascii('accept-encoding')
const EXPECT = ascii('expect')
const UPGRADE = ascii('upgrade')
const SETTINGS = ascii('http2-settings')
const POST = ascii('post')
const PUT = ascii('put')

/** Fields that say how a message is to be read, which trailers come too late for (RFC 9110 section 6.5.1). */
const NOT_IN_TRAILERS = [
  ...['age', 'authorization', 'cache-control', 'content-encoding', 'content-length', 'content-range'],
  ...['content-transfer-encoding', 'content-type', 'cookie', 'date', 'expect', 'expires', 'host', 'location'],
  ...['max-forwards', 'pragma', 'proxy-authenticate', 'proxy-authorization', 'range', 'retry-after'],
  ...['set-cookie', 'te', 'trailer', 'transfer-encoding', 'vary', 'warning', 'www-authenticate'],
].map(ascii)

const SUPPORTED = new Set(['gzip', 'x-gzip', 'deflate'])
/** Registered codings, and those Snort knows by name. */
const KNOWN = new Set([
  ...[
    'compress',
    'x-compress',
    'exi',
    'pack200-gzip',
    'br',
    'bzip2',
    'lzma',
    'peerdist',
    'sdch',
    'xpress',
    'xz',
  ],
])

/** Adds to `events` what is wrong with the head. */
export function examineHead(source: HeadSource, events: EventList): void {
  const { bytes, at, head, request } = source
  const lineEnd = endOfLine(bytes, at, at + head.headersStart)
  // A start line that is cut off: that has been told, and nothing more can be.
  if (lineEnd === at + head.headersStart) return
  const readable = request
    ? examineRequestLine(source, lineEnd, events)
    : examineStatusLine(source, lineEnd, events)
  if (!readable) {
    // Snort looks at nothing beyond a start line that it cannot read.
    events.clear()
    events.add(request ? HTTP_EVENT.BAD_REQUEST_LINE : HTTP_EVENT.BAD_STATUS_LINE)
    events.add(HTTP_EVENT.LOSS_OF_SYNC)
    return
  }
  if (lineEnd < at + head.headersStart) {
    if (bytes[lineEnd] === LF) events.add(HTTP_EVENT.LF_WITHOUT_CR)
    else if (lineEnd + 1 === at + head.headersStart) events.add(HTTP_EVENT.CR_WITHOUT_LF)
  }
  new HeaderWalk(source, events).run()
}

/** Adds what is wrong with the lines behind a chunked body, `bytes[0, end)`. */
export function examineTrailer(source: HeadSource, bytes: Uint8Array, end: number, events: EventList): void {
  new HeaderWalk(source, events).walk(bytes, 0, end, end)
  for (let line = 0; line < end; line = nextHeader(bytes, line, end)) {
    if (NOT_IN_TRAILERS.some((name) => headerValueAt(bytes, line, end, name) >= 0))
      events.add(HTTP_EVENT.ILLEGAL_TRAILER)
  }
}

/** Adds that a head is longer than heads may be. */
export function addTooLong(request: boolean, startLineComplete: boolean, events: EventList): void {
  if (startLineComplete) events.add(HTTP_EVENT.HEADERS_TOO_LONG)
  else events.add(request ? HTTP_EVENT.REQUEST_LINE_TOO_LONG : HTTP_EVENT.STATUS_LINE_TOO_LONG)
  events.add(HTTP_EVENT.LOSS_OF_SYNC)
}

/** First byte of the line end, or the end. */
function endOfLine(bytes: Uint8Array, start: number, end: number): number {
  let last = end
  if (last > start && bytes[last - 1] === LF) last--
  if (last > start && bytes[last - 1] === CR) last--
  return last
}

/** False: the line is not that of a request. */
function examineRequestLine(source: HeadSource, lineEnd: number, events: EventList): boolean {
  if (source.head.method === METHOD.HTTP2_PREFACE) return true
  const { bytes, at, head } = source
  const methodEnd = at + head.methodEnd
  const uriStart = at + head.uriStart
  const uriEnd = at + head.uriEnd
  if (!isRegisteredMethod(bytes, at, methodEnd)) events.add(HTTP_EVENT.UNKNOWN_METHOD)
  if (uriEnd <= uriStart) events.add(HTTP_EVENT.NO_URI)
  else {
    if (head.method !== METHOD.CONNECT && !isWellFormed(bytes, uriStart, uriEnd))
      events.add(HTTP_EVENT.BAD_URI)
    examineUri(bytes, uriStart, uriEnd, events)
  }
  for (let i = uriStart; i < uriEnd; i++) {
    if (isBlank(bytes[i]!)) {
      events.add(HTTP_EVENT.SPACE_IN_URI)
      break
    }
  }
  examineGap(bytes, methodEnd, uriStart, events)
  let version = uriEnd
  while (version < lineEnd && isBlank(bytes[version]!)) version++
  if (version >= lineEnd) {
    events.add(HTTP_EVENT.SIMPLE_REQUEST)
    return true
  }
  examineGap(bytes, uriEnd, version, events)
  let end = lineEnd
  while (end > version && isBlank(bytes[end - 1]!)) end--
  if (end < lineEnd) examineGap(bytes, end - 1, lineEnd, events)
  return examineVersion(bytes, version, end, events)
}

/** White space between words: one blank is right. */
function examineGap(bytes: Uint8Array, start: number, end: number, events: EventList): void {
  if (end - start > 1) events.add(HTTP_EVENT.EXTRA_WHITE_SPACE)
  for (let i = start; i < end; i++) if (bytes[i] === TAB) events.add(HTTP_EVENT.TAB_IN_START_LINE)
}

/** False: it is no version. */
function examineVersion(bytes: Uint8Array, start: number, end: number, events: EventList): boolean {
  for (let i = start; i < start + 4 && i < end; i++) {
    if (bytes[i]! >= 97 && bytes[i]! <= 122) events.add(HTTP_EVENT.VERSION_NOT_UPPERCASE)
  }
  const major = bytes[start + 5]! - 48
  const minor = bytes[start + 7]! - 48
  const formed =
    end - start === 8 && bytes[start + 6] === 0x2e && major >= 0 && major <= 9 && minor >= 0 && minor <= 9
  if (!formed) return false
  if (major === 0) events.add(HTTP_EVENT.VERSION_0)
  else if (major > 1) events.add(HTTP_EVENT.VERSION_ABOVE_1)
  else if (minor > 1) events.add(HTTP_EVENT.OTHER_SUBVERSION)
  return true
}

/** False: the line is not that of a response. */
function examineStatusLine(source: HeadSource, lineEnd: number, events: EventList): boolean {
  const { bytes, at, head } = source
  let version = at
  while (version < lineEnd && !isBlank(bytes[version]!)) version++
  if (!examineVersion(bytes, at, version, events) || head.statusEnd - head.statusStart !== 3) return false
  if (at + head.statusEnd > at + head.statusStart) examineGap(bytes, version, at + head.statusStart, events)
  if (head.status < 100 || head.status > 599) events.add(HTTP_EVENT.BAD_STATUS_CODE)
  for (let i = at + head.reasonStart; i < lineEnd; i++) {
    const byte = bytes[i]!
    if ((byte < SPACE && byte !== TAB) || byte === 0x7f) events.add(HTTP_EVENT.CONTROL_IN_REASON)
  }
  const { status } = head
  if (status > 101 && status <= 199) events.add(HTTP_EVENT.UNKNOWN_INTERIM)
  const bodiless = (status >= 100 && status <= 199) || status === 204 || status === 304
  // 304 tells the length of what it does not send.
  if (bodiless && status !== 304 && (head.transferEncoding || head.contentLength > 0)) {
    events.add(HTTP_EVENT.BODY_FOR_BODILESS)
  }
  return true
}

/** One walk over the header lines. */
class HeaderWalk {
  private readonly source: HeadSource
  private readonly events: EventList
  private count = 0
  private lengths = 0
  private emptyLengths = 0
  private hosts = 0
  private expects = false
  private readonly transferCodings: string[] = []
  private upgrade = false
  private settings = false
  private codings = 0

  constructor(source: HeadSource, events: EventList) {
    this.source = source
    this.events = events
  }

  run(): void {
    const { bytes, at, head } = this.source
    const last = at + head.length
    const line = this.walk(bytes, at + head.headersStart, at + head.headersEnd, last)
    // The blank line.
    if (head.complete && line < last) this.lineEnd(bytes, line, last)
    this.conclude()
  }

  /** Looks at the lines from `start` up to `end`, whose line ends lie before `last`; returns where it stopped. */
  walk(bytes: Uint8Array, start: number, end: number, last: number): number {
    let line = start
    while (line < end) {
      let next = this.lineEnd(bytes, line, last)
      // An empty line ended by a CR is no header, and none is continued behind it.
      if (bytes[line] !== CR && bytes[line] !== LF) {
        while (next < end && isBlank(bytes[next]!)) {
          this.events.add(HTTP_EVENT.FOLDED_HEADER)
          next = this.lineEnd(bytes, next, last)
        }
        this.header(bytes, line, next < end ? next : end)
      }
      line = next
    }
    return line
  }

  /** Start of the line behind the one at `start`; says how it ends. */
  private lineEnd(bytes: Uint8Array, start: number, end: number): number {
    let i = start
    while (i < end && bytes[i] !== LF && bytes[i] !== CR) i++
    if (i >= end) return end
    if (bytes[i] === LF) {
      this.events.add(HTTP_EVENT.LF_WITHOUT_CR)
      return i + 1
    }
    if (bytes[i + 1] === LF && i + 1 < end) return i + 2
    this.events.add(HTTP_EVENT.CR_WITHOUT_LF)
    return i + 1
  }

  private header(bytes: Uint8Array, start: number, end: number): void {
    const { events } = this
    this.count++
    if (end - start > LONG_LINE) events.add(HTTP_EVENT.LONG_HEADER)
    let colon = start
    while (colon < end && bytes[colon] !== COLON) colon++
    if (colon === end) {
      events.add(HTTP_EVENT.BAD_HEADER)
      return
    }
    let blank = false
    for (let i = start; i < colon; i++) {
      const byte = bytes[i]!
      if (isWhite(byte)) blank = true
      else if (byte < 0x21 || byte > 0x7e) events.add(HTTP_EVENT.NONPRINTING_IN_NAME)
    }
    if (blank) events.add(HTTP_EVENT.WHITE_SPACE_IN_NAME)
    this.known(bytes, start, end)
  }

  private known(bytes: Uint8Array, start: number, end: number): void {
    const { events } = this
    const value = (name: Uint8Array): number => headerValueAt(bytes, start, end, name)
    let at = value(CONTENT_LENGTH)
    if (at >= 0) {
      const all = words(bytes, at, end)
      const values = all.filter((word) => word !== '')
      this.emptyLengths += all.length - values.length
      const bad = values.filter((word) => !/^[\d\s]+$/.test(word))
      this.lengths += values.length - bad.length
      if (bad.length > 0) events.add(HTTP_EVENT.BAD_LENGTH)
      if (innerBlank(bytes, at, end)) events.add(HTTP_EVENT.WHITE_SPACE_IN_VALUE)
      return
    }
    at = value(HOST)
    if (at >= 0) {
      this.hosts += words(bytes, at, end).length
      return
    }
    at = value(TRANSFER_ENCODING)
    if (at >= 0) {
      this.transferCodings.push(...words(bytes, at, end))
      return
    }
    at = value(CONTENT_ENCODING)
    if (at >= 0) {
      this.contentCodings(words(bytes, at, end))
      return
    }
    if (value(MAIL_ENCODING) >= 0) events.add(HTTP_EVENT.TRANSFER_CODING_OF_MAIL)
    at = value(ACCEPT_ENCODING)
    if (at >= 0 && emptyElement(bytes, at, end)) events.add(HTTP_EVENT.EMPTY_ACCEPT_ENCODING)
    at = value(CONTENT_TYPE)
    if (
      at >= 0 &&
      !this.source.request &&
      words(bytes, at, end).some((word) => word.includes('charset=utf-7'))
    )
      events.add(HTTP_EVENT.UTF7)
    if (value(EXPECT) >= 0) this.expects = true
    if (value(SETTINGS) >= 0) this.settings = true
    at = value(UPGRADE)
    if (
      at >= 0 &&
      words(bytes, at, end).some((word) => word === 'h2c' || word === 'h2' || word === 'http/2.0')
    )
      this.upgrade = true
  }

  private contentCodings(list: readonly string[]): void {
    const some = list.findIndex((word) => word !== '')
    // Nothing before a comma is not a coding anyone knows.
    if (some > 0) this.events.add(HTTP_EVENT.UNKNOWN_CODING)
    else for (const word of list) if (word !== '') this.coding(word)
  }

  private coding(word: string): void {
    const { events } = this
    if (word === 'identity') return
    if (word === 'chunked') {
      events.add(HTTP_EVENT.CHUNKED_AS_CONTENT_CODING)
      return
    }
    if (++this.codings > 1) events.add(HTTP_EVENT.STACKED_CODINGS)
    if (SUPPORTED.has(word)) return
    events.add(KNOWN.has(word) ? HTTP_EVENT.UNSUPPORTED_CODING : HTTP_EVENT.UNKNOWN_CODING)
  }

  /** All Transfer-Encoding lines together. */
  private transfer(): void {
    const { events } = this
    const codings = this.transferCodings
    if (codings.every((word) => word === '')) return
    const last = codings.at(-1)
    if (last === 'identity' && codings.length === 1) return
    if (last !== 'chunked') events.add(HTTP_EVENT.NOT_ENDING_CHUNKED)
    else if (codings.length > 1) events.add(HTTP_EVENT.ENCODED_BEFORE_CHUNKED)
  }

  private conclude(): void {
    const { events } = this
    const { head, request, bytes, at, framed } = this.source
    if (this.count > MANY_LINES) events.add(HTTP_EVENT.MANY_HEADERS)
    const lengths = this.lengths + this.emptyLengths
    if (lengths > 1 && !head.transferEncoding) events.add(HTTP_EVENT.MULTIPLE_LENGTHS)
    if (lengths > 1 && this.emptyLengths > 0) events.add(HTTP_EVENT.BAD_LENGTH)
    if (this.hosts > 1) events.add(HTTP_EVENT.MULTIPLE_HOSTS)
    if (framed) {
      if (head.transferEncoding) events.add(HTTP_EVENT.HTTP2_TRANSFER_CODING)
      return
    }
    this.transfer()
    if (this.lengths > 0 && head.transferEncoding) events.add(HTTP_EVENT.LENGTH_AND_CHUNKS)
    if (head.version === 10 && head.transferEncoding) events.add(HTTP_EVENT.CHUNKED_IN_1_0)
    if (!request) {
      if (this.upgrade && head.status === 101) events.add(HTTP_EVENT.UPGRADE_GRANTED)
      return
    }
    const bodiless = !head.transferEncoding && head.contentLength <= 0
    if (this.expects && bodiless) events.add(HTTP_EVENT.EXPECT_WITHOUT_BODY)
    if (this.upgrade || this.settings) events.add(HTTP_EVENT.UPGRADE_ASKED)
    const posts = isWord(bytes, at, at + head.methodEnd, POST) || isWord(bytes, at, at + head.methodEnd, PUT)
    if (head.complete && posts && this.lengths === 0 && !head.transferEncoding)
      events.add(HTTP_EVENT.POST_WITHOUT_LENGTH)
  }
}

/** Comma-separated words, lower case, without the white space around them. */
function words(bytes: Uint8Array, start: number, end: number): string[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1')
  return text
    .toLowerCase()
    .split(',')
    .map((word) => word.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, ''))
}

function isWord(bytes: Uint8Array, start: number, end: number, word: Uint8Array): boolean {
  if (end - start !== word.length) return false
  for (let i = 0; i < word.length; i++) if ((bytes[start + i]! | 0x20) !== word[i]) return false
  return true
}

/** A blank between characters of a value other than around commas. */
function innerBlank(bytes: Uint8Array, start: number, end: number): boolean {
  let last = end
  while (last > start && isWhite(bytes[last - 1]!)) last--
  let first = start
  while (first < last && isWhite(bytes[first]!)) first++
  for (let i = first; i < last; i++) if (isWhite(bytes[i]!) && bytes[i - 1] !== COMMA) return true
  return false
}

function emptyElement(bytes: Uint8Array, start: number, end: number): boolean {
  let empty = false
  let any = false
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!
    if (byte === COMMA) {
      if (empty && any) return true
      empty = true
      any = true
    } else if (!isWhite(byte)) empty = false
  }
  return false
}

function isBlank(byte: number): boolean {
  return byte === SPACE || byte === TAB
}
