/** Finds what is unusual about a request's URI, by Snort's event numbers. Called by `examineHead`. */
import { HTTP_EVENT } from '../builtin/http.js'
import type { EventList } from '../inspect/event-list.js'

const PERCENT = 0x25
const SLASH = 0x2f
const DOT = 0x2e
const BACKSLASH = 0x5c
const COLON = 0x3a
const QUESTION = 0x3f
const HASH = 0x23
const ASTERISK = 0x2a
/** Snort's default for the length of a path segment. */
const LONG_SEGMENT = 300
const LONG_SCHEME = 10

const HEX = new Uint8Array(256).fill(255)
for (let digit = 0; digit < 10; digit++) HEX[48 + digit] = digit
for (let digit = 10; digit < 16; digit++) {
  HEX[55 + digit] = digit
  HEX[87 + digit] = digit
}

export function examineUri(bytes: Uint8Array, start: number, end: number, events: EventList): void {
  const path = pathStart(bytes, start, end, events)
  let pathEnd = path
  while (pathEnd < end && bytes[pathEnd] !== QUESTION && bytes[pathEnd] !== HASH) pathEnd++
  const decoded = examineEscapes(bytes, path, end, pathEnd, events)
  examinePath(decoded, events)
}

/** A path, `*`, or an absolute URI, of which the authority ends in a slash or with the URI (RFC 9112 section 3.2). */
export function isWellFormed(bytes: Uint8Array, start: number, end: number): boolean {
  if (bytes[start] === SLASH) return true
  if (end - start === 1) return bytes[start] === ASTERISK
  let colon = start
  while (colon < end && bytes[colon] !== COLON && bytes[colon] !== SLASH) colon++
  return colon > start && colon + 3 < end && bytes[colon + 1] === SLASH && bytes[colon + 2] === SLASH
}

/** Start of the path; says when the scheme is a long one. */
function pathStart(bytes: Uint8Array, start: number, end: number, events: EventList): number {
  if (bytes[start] === SLASH) return start
  let colon = start
  while (colon < end && bytes[colon] !== COLON && bytes[colon] !== SLASH) colon++
  if (colon + 2 >= end || bytes[colon] !== COLON || bytes[colon + 1] !== SLASH || bytes[colon + 2] !== SLASH)
    return start
  if (colon - start > LONG_SCHEME) events.add(HTTP_EVENT.LONG_SCHEME)
  let path = colon + 3
  while (path < end && bytes[path] !== SLASH && bytes[path] !== QUESTION) path++
  return path
}

/** Looks at every escape; returns the path decoded once. */
function examineEscapes(
  bytes: Uint8Array,
  start: number,
  end: number,
  pathEnd: number,
  events: EventList,
): number[] {
  const path: number[] = []
  let before = -1
  let beforeThat = -1
  for (let i = start; i < end; i++) {
    let value = bytes[i]!
    if (value === PERCENT) {
      const code = i + 2 < end ? escapeAt(bytes, i) : -1
      if (code >= 0) {
        if (isUnreserved(code)) events.add(HTTP_EVENT.UNRESERVED_ENCODED)
        if (code >= 0xc0 && code < 0xf0 && i + 5 < end && bytes[i + 3] === PERCENT) {
          if ((escapeAt(bytes, i + 3) & 0xc0) === 0x80) events.add(HTTP_EVENT.UTF8_ENCODED)
        }
        i += 2
        value = code
      } else if (
        i + 5 < end &&
        (bytes[i + 1]! | 0x20) === 0x75 &&
        escapeAt(bytes, i + 1) >= 0 &&
        escapeAt(bytes, i + 3) >= 0
      ) {
        events.add(HTTP_EVENT.U_ENCODED)
        i += 5
        value = 0xff
      } else if (bytes[i + 1] !== PERCENT) events.add(HTTP_EVENT.UNKNOWN_PERCENT)
    }
    // What came out of one decoding makes an escape again.
    if (beforeThat === PERCENT && HEX[before]! <= 15 && HEX[value]! <= 15)
      events.add(HTTP_EVENT.DOUBLE_ENCODED)
    beforeThat = before
    before = value
    if (i < pathEnd) path.push(value)
  }
  return path
}

/** Value of the two hex digits behind `at`, or -1. */
function escapeAt(bytes: Uint8Array, at: number): number {
  const high = HEX[bytes[at + 1]!]!
  const low = HEX[bytes[at + 2]!]!
  return high > 15 || low > 15 ? -1 : (high << 4) | low
}

function examinePath(path: readonly number[], events: EventList): void {
  let depth = 0
  let segment = 0
  let dots = 0
  for (let i = 0; i <= path.length; i++) {
    let byte = i < path.length ? path[i]! : SLASH
    if (byte === BACKSLASH) {
      events.add(HTTP_EVENT.BACKSLASH)
      byte = SLASH
    }
    if (byte !== SLASH) {
      segment++
      if (byte === DOT) dots++
      continue
    }
    if (segment > LONG_SEGMENT && i < path.length) events.add(HTTP_EVENT.LONG_DIRECTORY)
    if (segment === 0) {
      if (i > 0 && i < path.length) events.add(HTTP_EVENT.MULTIPLE_SLASHES)
    } else if (segment === 1 && dots === 1) events.add(HTTP_EVENT.SELF_REFERENCE)
    else if (segment === 2 && dots === 2) {
      events.add(HTTP_EVENT.TRAVERSAL)
      if (--depth < 0) events.add(HTTP_EVENT.ABOVE_ROOT)
    } else depth++
    segment = 0
    dots = 0
  }
}

function isUnreserved(byte: number): boolean {
  const letter = byte | 0x20
  return (
    (letter >= 97 && letter <= 122) ||
    (byte >= 48 && byte <= 57) ||
    byte === 0x2d ||
    byte === DOT ||
    byte === 0x5f ||
    byte === 0x7e
  )
}
