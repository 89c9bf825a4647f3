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

const LF = 10
const CR = 13
const SPACE = 0x20
const TAB = 9
const COLON = 0x3a
const COMMA = 0x2c

/** Methods that change how bodies are framed; everything else is `OTHER`. */
export const METHOD = { OTHER: 0, HEAD: 1, CONNECT: 2, HTTP2_PREFACE: 3 } as const
export type MethodId = (typeof METHOD)[keyof typeof METHOD]

/** `Content-Encoding` of the body: the ones that can be undone, and the rest. */
export const CODING = { IDENTITY: 0, GZIP: 1, DEFLATE: 2, OTHER: 3 } as const
export type CodingId = (typeof CODING)[keyof typeof CODING]

/** `contentLength` when there is none, or none that can be read. */
export const NO_LENGTH = -1
export const BAD_LENGTH = -2

/** HTTP version as major * 10 + minor; 0 = none given (HTTP/0.9). */
export const VERSION_09 = 0

const LOWER = new Uint8Array(256)
for (let byte = 0; byte < 256; byte++) LOWER[byte] = byte >= 65 && byte <= 90 ? byte + 32 : byte

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0))
const CONTENT_LENGTH = ascii('content-length')
const CONTENT_ENCODING = ascii('content-encoding')
const TRANSFER_ENCODING = ascii('transfer-encoding')
const COOKIE = ascii('cookie')
const SET_COOKIE = ascii('set-cookie')
const CHUNKED = ascii('chunked')
const IDENTITY = ascii('identity')
const GZIP = ascii('gzip')
const X_GZIP = ascii('x-gzip')
const DEFLATE = ascii('deflate')

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
  /** Flaws, counted by the message once the head is complete. */
  tooManyLines = false
  badLength = false
  conflictingLength = false
  badTransferEncoding = false

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
    scanner.use(bytes)
    let i = scanner.line(start, end)
    this.startLineComplete = i < end
    if (i === end && !final) return false
    let lineEnd = i > start && bytes[i - 1] === CR ? i - 1 : i
    if (request) this.requestLine(bytes, start, lineEnd)
    else this.statusLine(bytes, start, lineEnd)
    let next = i < end ? i + 1 : end
    this.headersStart = next - start
    let headersEnd = next
    let lines = 0
    let inCookie = false
    while (true) {
      const lineStart = next
      if (lineStart >= end) {
        if (!final) return false
        this.length = end - start
        break
      }
      let found = 0
      const first = bytes[lineStart]!
      if (first === SPACE || first === TAB) {
        // Folded: part of the line before. (As first line it is a header without a name.)
      } else {
        found = 0
        if (lines < limits.headerLines) found = this.headerLine(bytes, lineStart, end, request)
        else this.tooManyLines = true
        inCookie = found > 0
        lines++
      }
      i = scanner.line(lineStart, end)
      lineEnd = i > lineStart && bytes[i - 1] === CR ? i - 1 : i
      next = i < end ? i + 1 : end
      if (i < end) {
        if (lineEnd === lineStart) {
          this.complete = true
          this.length = next - start
          break
        }
      } else if (!final) {
        return false
      }
      headersEnd = lineEnd
      if (inCookie) {
        if (found > 0) {
          this.cookies++
          if (this.cookies === 1) {
            this.cookieLineStart = lineStart - start
            this.cookieValueStart = found - start
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
    this.headersEnd = headersEnd - start
    return true
  }

  /** Looks at one header line; returns where its value starts if it is a cookie, else 0. */
  private headerLine(bytes: Uint8Array, line: number, end: number, request: boolean): number {
    let value = -1
    switch (bytes[line]! | 0x20) {
      case 0x63: // c
        if (request) {
          value = headerValueAt(bytes, line, end, COOKIE)
          if (value >= 0) return value
        }
        value = headerValueAt(bytes, line, end, CONTENT_LENGTH)
        if (value >= 0) {
          this.readLength(bytes, value, end)
          return 0
        }
        value = headerValueAt(bytes, line, end, CONTENT_ENCODING)
        if (value >= 0) this.readCoding(bytes, value, end)
        return 0
      case 0x73: // s
        if (!request) value = headerValueAt(bytes, line, end, SET_COOKIE)
        return value >= 0 ? value : 0
      case 0x74: // t
        value = headerValueAt(bytes, line, end, TRANSFER_ENCODING)
        if (value >= 0) this.readTransferEncoding(bytes, value, end)
        return 0
      default:
        return 0
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

  private readLength(bytes: Uint8Array, at: number, end: number): void {
    let i = at
    while (true) {
      while (i < end && (bytes[i] === SPACE || bytes[i] === TAB)) i++
      let value = 0
      const digits = i
      for (; i < end; i++) {
        const digit = bytes[i]! - 48
        if (digit < 0 || digit > 9) break
        value = value * 10 + digit
        if (value > HUGE_LENGTH) value = HUGE_LENGTH
      }
      const empty = i === digits
      while (i < end && (bytes[i] === SPACE || bytes[i] === TAB)) i++
      const stop = i < end ? bytes[i]! : LF
      if (empty || (stop !== LF && stop !== CR && stop !== COMMA)) {
        this.badLength = true
        if (this.contentLength === NO_LENGTH) this.contentLength = BAD_LENGTH
        return
      }
      if (this.contentLength < 0) this.contentLength = value
      else if (this.contentLength !== value) this.conflictingLength = true
      if (stop !== COMMA) return
      i++
    }
  }

  private readTransferEncoding(bytes: Uint8Array, at: number, end: number): void {
    let i = at
    while (true) {
      const word = skipSeparators(bytes, i, end)
      const wordEnd = endOfWord(bytes, word, end)
      if (wordEnd === word) return
      if (wordIs(bytes, word, wordEnd, CHUNKED)) {
        this.transferEncoding = true
        this.chunked = true
      } else if (!wordIs(bytes, word, wordEnd, IDENTITY)) {
        this.transferEncoding = true
        this.chunked = false
        this.badTransferEncoding = true
      }
      i = wordEnd
    }
  }

  private readCoding(bytes: Uint8Array, at: number, end: number): void {
    let i = at
    while (true) {
      const word = skipSeparators(bytes, i, end)
      const wordEnd = endOfWord(bytes, word, end)
      if (wordEnd === word) return
      if (!wordIs(bytes, word, wordEnd, IDENTITY)) {
        if (this.coding !== CODING.IDENTITY) this.coding = CODING.OTHER
        else if (wordIs(bytes, word, wordEnd, GZIP) || wordIs(bytes, word, wordEnd, X_GZIP)) {
          this.coding = CODING.GZIP
        } else if (wordIs(bytes, word, wordEnd, DEFLATE)) this.coding = CODING.DEFLATE
        else this.coding = CODING.OTHER
      }
      i = wordEnd
    }
  }
}

/**
 * Position after the colon (and blanks) when the line at `at` is the header `name` (lower case), else -1. Never reads
 * beyond the line.
 */
export function headerValueAt(bytes: Uint8Array, at: number, end: number, name: Uint8Array): number {
  const length = name.length
  if (at + length >= end) return -1
  for (let k = 0; k < length; k++) if (LOWER[bytes[at + k]!] !== name[k]) return -1
  let i = at + length
  while (i < end && (bytes[i] === SPACE || bytes[i] === TAB)) i++
  if (i >= end || bytes[i] !== COLON) return -1
  i++
  while (i < end && (bytes[i] === SPACE || bytes[i] === TAB)) i++
  return i
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

/** Skips blanks and commas of a list; stops at a line end. */
function skipSeparators(bytes: Uint8Array, at: number, end: number): number {
  let i = at
  while (i < end && (bytes[i] === SPACE || bytes[i] === TAB || bytes[i] === COMMA)) i++
  return i
}

function endOfWord(bytes: Uint8Array, at: number, end: number): number {
  let i = at
  while (i < end && bytes[i]! > SPACE && bytes[i] !== COMMA) i++
  return i
}

function wordIs(bytes: Uint8Array, start: number, end: number, word: Uint8Array): boolean {
  if (end - start !== word.length) return false
  for (let k = 0; k < word.length; k++) if (LOWER[bytes[start + k]!] !== word[k]) return false
  return true
}
