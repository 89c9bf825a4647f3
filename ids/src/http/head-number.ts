/** Numbers about a head that rules ask for: how many lines, cookies, how long, which version. */
import type { HttpNumber } from '../inspect/http-part.js'
import { type HeadSource, headerLines, isBlank, matchesAt, nextHeader, trimmedLine } from './head-lines.js'
import { headerValueAt } from './header-name.js'
import { isWhite } from './words.js'

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0) & 0xff)
const SEMICOLON = 0x3b
const COOKIE = ascii('cookie')
const SET_COOKIE = ascii('set-cookie')

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

/** Lines that claim another version are some other protocol's, HTTP/2 is told by its frames. */
const VERSIONS = new Set([10, 11])

const HTTP_SLASH = ascii('http/')

function versionOf(source: HeadSource): number {
  const { head, bytes, at, request, framed } = source
  if (framed) return 20
  const lineEnd = trimmedLine(bytes, at, at + head.headersStart)
  let start = at
  if (request) {
    start = at + head.uriEnd
    while (start < lineEnd && isBlank(bytes[start]!)) start++
    if (start >= lineEnd) return 9
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
