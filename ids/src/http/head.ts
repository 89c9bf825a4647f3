/**
 * Parser of request and response heads: one pass over the bytes, integers out.
 *
 * In: the bytes of a message from its first byte. Out: positions relative to that first byte (so the bytes may be moved
 * afterwards), and what the framing of the body depends on. Used by `HttpMessage` only.
 *
 * Lenient where senders are: bare LF line ends, several blanks and tabs in the start line, blanks inside the URI, folded
 * header lines, blanks before the colon. RFC 9112 sections 2 to 6.
 */

import type { InspectLimits } from '../inspect/limits.js'
import type { Scanner } from '../inspect/scanner.js'
import { CHARSET, type CharsetId, charsetOf } from './charset.js'
import { CODING, type CodingId, codingOf } from './content-coding.js'
import { headerValueAt } from './header-name.js'
import { isWhite, LOWER, skipWhite, trimmed, wordIs } from './words.js'

const LF = 10
const CR = 13
const SPACE = 0x20
const TAB = 9
const COMMA = 0x2c

/** Methods that change how bodies are framed; everything else is `OTHER`. */
export const METHOD = { OTHER: 0, HEAD: 1, CONNECT: 2, HTTP2_PREFACE: 3 } as const
export type MethodId = (typeof METHOD)[keyof typeof METHOD]

/** `contentLength` when there is none, or none that can be read. */
export const NO_LENGTH = -1
export const BAD_LENGTH = -2

/** Headers that matter here. */
const HEADER = {
  OTHER: 0,
  COOKIE: 1,
  CONTENT_LENGTH: 2,
  CONTENT_ENCODING: 3,
  TRANSFER_ENCODING: 4,
  CONTENT_TYPE: 5,
} as const
type HeaderId = (typeof HEADER)[keyof typeof HEADER]

/** HTTP version as major * 10 + minor; 0 = none given (HTTP/0.9). */
export const VERSION_09 = 0

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0))
const CONTENT_LENGTH = ascii('content-length')
const CONTENT_ENCODING = ascii('content-encoding')
const CONTENT_TYPE = ascii('content-type')
const TRANSFER_ENCODING = ascii('transfer-encoding')
const COOKIE = ascii('cookie')
const SET_COOKIE = ascii('set-cookie')
const CHUNKED = ascii('chunked')
const IDENTITY = ascii('identity')
const MULTIPART = ascii('multipart/')

/** Largest length kept exactly; larger ones run to the end of the flow in any case. */
const HUGE_LENGTH = 2 ** 52

export class HttpHead {
  /** Bytes up to and including the blank line. */
  length = 0
  /** The blank line was seen (false: cut by a limit, a gap or the end of the flow). */
  complete = false
  /** The start line's end was seen. */
  startLineComplete = false
  version = VERSION_09
  /** Request: `[0, methodEnd)` is the method, `[uriStart, uriEnd)` the URI as sent. */
  method: MethodId = METHOD.OTHER
  methodEnd = 0
  uriStart = 0
  uriEnd = 0
  /** Response: status as number (0 = unreadable) and as bytes, and the reason phrase. */
  status = 0
  statusStart = 0
  statusEnd = 0
  reasonStart = 0
  reasonEnd = 0
  /** Header lines without the line end of the last one. */
  headersStart = 0
  headersEnd = 0
  /** `%` seen in header lines other than cookies. */
  percent = false
  /** Number of Cookie (Set-Cookie) lines, and the first of them: its line up to the next line, and its value. */
  cookies = 0
  cookieLineStart = 0
  cookieLineEnd = 0
  cookieValueStart = 0
  cookieValueEnd = 0
  contentLength = NO_LENGTH
  /** A Transfer-Encoding header other than `identity` is present, and its last coding is `chunked`. */
  transferEncoding = false
  chunked = false
  coding: CodingId = CODING.IDENTITY
  charset: CharsetId = CHARSET.NONE
  /** Value of a Content-Type that begins with `multipart/`; no such: both 0. */
  multipartStart = 0
  multipartEnd = 0
  /** Flaws, counted by the message once the head is complete. */
  tooManyLines = false
  badLength = false
  conflictingLength = false
  badTransferEncoding = false
  private recognised: HeaderId = HEADER.OTHER
  private lenient = false
  /** Index of the head's first byte, while it is parsed. */
  private base = 0

  /** The head of a message that has none (HTTP/0.9 response). */
  clear(): void {
    this.length = 0
    this.complete = true
    this.startLineComplete = true
    this.version = VERSION_09
    this.method = METHOD.OTHER
    this.methodEnd = this.uriStart = this.uriEnd = 0
    this.headersStart = this.headersEnd = 0
    this.resetFields()
  }

  private resetFields(): void {
    this.status = 0
    this.statusStart = this.statusEnd = this.reasonStart = this.reasonEnd = 0
    this.percent = false
    this.cookies = 0
    this.contentLength = NO_LENGTH
    this.transferEncoding = false
    this.chunked = false
    this.coding = CODING.IDENTITY
    this.charset = CHARSET.NONE
    this.multipartStart = this.multipartEnd = 0
    this.tooManyLines = false
    this.badLength = false
    this.conflictingLength = false
    this.badTransferEncoding = false
  }

  /**
   * Parses `bytes[start, end)`. Returns false when the blank line is not there yet and `final` is false; the fields are
   * then meaningless except `startLineComplete` and `version`.
   */
  parse(
    bytes: Uint8Array,
    start: number,
    end: number,
    request: boolean,
    final: boolean,
    limits: InspectLimits,
    scanner: Scanner,
  ): boolean {
    this.complete = false
    this.resetFields()
    this.lenient = limits.lenientHttp
    this.base = start
    scanner.use(bytes)
    // A CR alone ends a status line as it ends header lines; in a request line it is part of the URI.
    const lineEnd = scanner.line(start, end, !request)
    this.startLineComplete = scanner.stop !== 0
    if (scanner.stop === 0 && !final) return false
    if (request) this.requestLine(bytes, start, lineEnd)
    else this.statusLine(bytes, start, lineEnd)
    this.headersStart = scanner.next - start
    return this.parseLines(bytes, start, scanner.next, end, request, final, limits, scanner)
  }

  private parseLines(
    bytes: Uint8Array,
    start: number,
    first: number,
    end: number,
    request: boolean,
    final: boolean,
    limits: InspectLimits,
    scanner: Scanner,
  ): boolean {
    let line = first
    let headersEnd = first
    let lines = 0
    let header: HeaderId = HEADER.OTHER
    let value = 0
    // Nothing but CRs since the last LF: the next LF ends the head.
    let blank = scanner.stop === LF
    while (true) {
      if (line >= end) {
        if (!final) return false
        this.length = end - start
        break
      }
      const byte = bytes[line]!
      const folded = (byte === SPACE || byte === TAB) && line > first
      if (!folded) {
        if (header !== HEADER.OTHER) this.headerDone(header, bytes, value, headersEnd)
        header = HEADER.OTHER
        value = 0
        if (lines < limits.headerLines) {
          value = this.recognise(bytes, line, end, request)
          if (value > 0) header = this.recognised
        } else {
          this.tooManyLines = true
        }
      }
      const lineEnd = scanner.line(line, end, true)
      const next = scanner.next
      if (scanner.stop === 0 && !final) return false
      if (lineEnd === line) {
        if (scanner.stop === LF && blank) {
          this.complete = true
          this.length = next - start
          break
        }
      } else {
        headersEnd = lineEnd
        lines++
        blank = false
        if (header === HEADER.COOKIE) {
          if (!folded) {
            this.cookies++
            if (this.cookies === 1) {
              this.cookieLineStart = line - start
              this.cookieValueStart = value - start
            }
          }
          if (this.cookies === 1) {
            this.cookieLineEnd = next - start
            this.cookieValueEnd = lineEnd - start
          }
        } else if (scanner.percent) {
          this.percent = true
        }
      }
      if (scanner.stop === LF) blank = true
      line = next
    }
    if (header !== HEADER.OTHER) this.headerDone(header, bytes, value, headersEnd)
    this.headersEnd = headersEnd - start
    return true
  }

  /** Position of the value when the line is a header that matters (which one: `recognised`), else -1. */
  private recognise(bytes: Uint8Array, line: number, end: number, request: boolean): number {
    switch (bytes[line]! | 0x20) {
      case 0x63: // c
        if (request) {
          this.recognised = HEADER.COOKIE
          const value = headerValueAt(bytes, line, end, COOKIE)
          if (value >= 0) return value
        }
        return this.recogniseContent(bytes, line, end)
      case 0x73: // s
        this.recognised = HEADER.COOKIE
        return request ? -1 : headerValueAt(bytes, line, end, SET_COOKIE)
      case 0x74: // t
        this.recognised = HEADER.TRANSFER_ENCODING
        return headerValueAt(bytes, line, end, TRANSFER_ENCODING)
      case SPACE:
      case TAB | 0x20: {
        // A blank begins the first line only; its name begins behind them.
        let name = line
        while (name < end && (bytes[name] === SPACE || bytes[name] === TAB)) name++
        return name > line && name < end && bytes[name] !== CR && bytes[name] !== LF
          ? this.recognise(bytes, name, end, request)
          : -1
      }
      default:
        return -1
    }
  }

  /** `content-…`: told apart by the first letter after the hyphen, unless the name has blanks in it. */
  private recogniseContent(bytes: Uint8Array, line: number, end: number): number {
    let value = -1
    switch (line + 8 < end ? bytes[line + 8]! | 0x20 : 0) {
      case 0x6c: // l
        this.recognised = HEADER.CONTENT_LENGTH
        value = headerValueAt(bytes, line, end, CONTENT_LENGTH)
        break
      case 0x65: // e
        this.recognised = HEADER.CONTENT_ENCODING
        value = headerValueAt(bytes, line, end, CONTENT_ENCODING)
        break
      case 0x74: // t
        this.recognised = HEADER.CONTENT_TYPE
        value = headerValueAt(bytes, line, end, CONTENT_TYPE)
        break
    }
    return value >= 0 || !blankBeforeHyphen(bytes, line) ? value : this.recogniseLoose(bytes, line, end)
  }

  private recogniseLoose(bytes: Uint8Array, line: number, end: number): number {
    this.recognised = HEADER.CONTENT_LENGTH
    let value = headerValueAt(bytes, line, end, CONTENT_LENGTH)
    if (value >= 0) return value
    this.recognised = HEADER.CONTENT_ENCODING
    value = headerValueAt(bytes, line, end, CONTENT_ENCODING)
    if (value >= 0) return value
    this.recognised = HEADER.CONTENT_TYPE
    return headerValueAt(bytes, line, end, CONTENT_TYPE)
  }

  /** A header that matters is complete: its value, folded lines included, is `bytes[start, end)`. */
  private headerDone(header: HeaderId, bytes: Uint8Array, start: number, end: number): void {
    if (header === HEADER.CONTENT_LENGTH) this.readLength(bytes, start, end)
    else if (header === HEADER.CONTENT_ENCODING) this.readCoding(bytes, start, end)
    else if (header === HEADER.TRANSFER_ENCODING) this.readTransferEncoding(bytes, start, end)
    else if (header === HEADER.CONTENT_TYPE) {
      const charset = charsetOf(bytes, start, end)
      // Of several, one that says text is enough.
      if (charset !== CHARSET.NONE) this.charset = charset
      const word = start + MULTIPART.length
      if ((bytes[start]! | 0x20) === 0x6d && word <= end && wordIs(bytes, start, word, MULTIPART)) {
        this.multipartStart = start - this.base
        this.multipartEnd = end - this.base
      }
    }
  }

  private requestLine(bytes: Uint8Array, start: number, end: number): void {
    let i = start
    while (i < end && bytes[i] !== SPACE && bytes[i] !== TAB) i++
    this.methodEnd = i - start
    this.method = methodOf(bytes, start, i)
    while (i < end && (bytes[i] === SPACE || bytes[i] === TAB)) i++
    const uriStart = i
    let last = end
    while (last > uriStart && (bytes[last - 1] === SPACE || bytes[last - 1] === TAB)) last--
    // The version is the last word of the line, or at least some word of it.
    let uriEnd = last
    let word = last
    while (word > uriStart && bytes[word - 1] !== SPACE && bytes[word - 1] !== TAB) word--
    this.version = VERSION_09
    let version = versionAt(bytes, word, last)
    if (version < 0 && word > uriStart) {
      for (word = uriStart + 1; word < last; word++) {
        if (bytes[word - 1] === SPACE || bytes[word - 1] === TAB) {
          version = versionAt(bytes, word, last)
          if (version >= 0) break
        }
      }
    }
    if (version >= 0) {
      this.version = version
      uriEnd = word
      while (uriEnd > uriStart && (bytes[uriEnd - 1] === SPACE || bytes[uriEnd - 1] === TAB)) uriEnd--
    }
    this.uriStart = uriStart - start
    this.uriEnd = uriEnd - start
  }

  private statusLine(bytes: Uint8Array, start: number, end: number): void {
    let i = start
    while (i < end && bytes[i] !== SPACE && bytes[i] !== TAB) i++
    const version = versionAt(bytes, start, i)
    this.version = version < 0 ? 11 : version
    while (i < end && (bytes[i] === SPACE || bytes[i] === TAB)) i++
    this.statusStart = i - start
    let status = 0
    let digits = 0
    while (i < end && bytes[i] !== SPACE && bytes[i] !== TAB) {
      const digit = bytes[i]! - 48
      if (digit >= 0 && digit <= 9 && digits < 3) {
        status = status * 10 + digit
        digits++
      } else {
        digits = 4
      }
      i++
    }
    this.status = digits === 3 ? status : 0
    this.statusEnd = i - start
    while (i < end && (bytes[i] === SPACE || bytes[i] === TAB)) i++
    this.reasonStart = i - start
    this.reasonEnd = end - start
  }

  private readLength(bytes: Uint8Array, start: number, end: number): void {
    let i = skipWhite(bytes, start, end)
    while (true) {
      let value = 0
      const digits = i
      for (; i < end; i++) {
        const digit = bytes[i]! - 48
        if (digit < 0 || digit > 9) {
          // Snort takes white space out of the value before it reads it.
          if (this.lenient || i === digits || !isWhite(bytes[i]!)) break
          continue
        }
        value = value * 10 + digit
        if (value > HUGE_LENGTH) value = HUGE_LENGTH
      }
      const empty = i === digits
      i = skipWhite(bytes, i, end)
      if (empty || (i < end && bytes[i] !== COMMA)) {
        this.badLength = true
        if (this.contentLength === NO_LENGTH) this.contentLength = BAD_LENGTH
        return
      }
      // What is behind a bad one is part of it.
      if (this.contentLength === NO_LENGTH) this.contentLength = value
      else if (this.contentLength >= 0 && this.contentLength !== value) this.conflictingLength = true
      if (i >= end) return
      i = skipWhite(bytes, i + 1, end)
    }
  }

  private readTransferEncoding(bytes: Uint8Array, start: number, end: number): void {
    // An empty last word is a word, which is not `chunked`.
    for (let i = start; i <= end; i++) {
      const word = skipWhite(bytes, i, end)
      i = this.wordEnd(bytes, word, end)
      const last = trimmed(bytes, word, i)
      if (wordIs(bytes, word, last, CHUNKED)) {
        this.transferEncoding = true
        this.chunked = true
      } else if (
        last === word ? !this.lenient && this.transferEncoding : !wordIs(bytes, word, last, IDENTITY)
      ) {
        this.transferEncoding = true
        this.chunked = false
        this.badTransferEncoding = true
      }
    }
  }

  private readCoding(bytes: Uint8Array, start: number, end: number): void {
    for (let i = start; i <= end; i++) {
      const word = skipWhite(bytes, i, end)
      i = this.wordEnd(bytes, word, end)
      const last = trimmed(bytes, word, i)
      if (last === word || wordIs(bytes, word, last, IDENTITY)) continue
      const coding = codingOf(bytes, word, last)
      // Of several codings the last one is undone, once; leniently none is unless servers say the same twice.
      const other = this.coding !== CODING.IDENTITY && this.coding !== coding
      this.coding = this.lenient && other ? CODING.OTHER : coding
    }
  }

  /** End of a word of a list: at a comma; leniently at any white space and control character, too. */
  private wordEnd(bytes: Uint8Array, at: number, end: number): number {
    let i = at
    while (i < end && bytes[i] !== COMMA && (!this.lenient || bytes[i]! > SPACE)) i++
    return i
  }
}

/** `content` is cut by white space. */
function blankBeforeHyphen(bytes: Uint8Array, line: number): boolean {
  let k = 0
  while (k < 8 && LOWER[bytes[line + k]!] === CONTENT_LENGTH[k]) k++
  return k < 8 && bytes[line + k]! <= SPACE
}

/** `HTTP/d.d` at `at`: major * 10 + minor, else -1. Anything after `HTTP/` that is not `d.d` counts as 1.1. */
function versionAt(bytes: Uint8Array, at: number, end: number): number {
  if (at + 5 > end) return -1
  if ((bytes[at]! | 0x20) !== 0x68 || (bytes[at + 1]! | 0x20) !== 0x74 || (bytes[at + 2]! | 0x20) !== 0x74)
    return -1
  if ((bytes[at + 3]! | 0x20) !== 0x70 || bytes[at + 4] !== 0x2f) return -1
  if (at + 8 > end || bytes[at + 6] !== 0x2e) return 11
  const major = bytes[at + 5]! - 48
  const minor = bytes[at + 7]! - 48
  if (major < 0 || major > 9 || minor < 0 || minor > 9) return 11
  return major === 0 && minor === 0 ? 11 : major * 10 + minor
}

function methodOf(bytes: Uint8Array, start: number, end: number): MethodId {
  if (end - start === 4) {
    if (wordIs(bytes, start, end, HEAD)) return METHOD.HEAD
  } else if (end - start === 7) {
    if (wordIs(bytes, start, end, CONNECT)) return METHOD.CONNECT
  } else if (end - start === 3 && wordIs(bytes, start, end, PRI)) {
    return METHOD.HTTP2_PREFACE
  }
  return METHOD.OTHER
}

const HEAD = ascii('head')
const CONNECT = ascii('connect')
const PRI = ascii('pri')
