/**
 * Fills the HTTP buffers of a unit from a parsed head.
 *
 * In: the head and the array its bytes lie in. Out: ranges in the unit's `BufferSet`: into the raw bytes where
 * normalisation changes nothing, into the shared scratch space where it does. Called for every window by `HttpMessage`.
 */
import { BUF, type BufferId, type BufferSet } from '../inspect/buffers.js'
import type { InspectCounters, InspectLimits } from '../inspect/limits.js'
import type { Scratch } from '../inspect/scratch.js'
import { type HttpHead, METHOD } from './head.js'
import { headerValueAt } from './header-name.js'
import { decode, hasPercent, normalisePath, normaliseQuery, pathEnd, queryWork } from './normalize.js'
import { isWhite } from './words.js'

const LF = 10
const SPACE = 0x20
const TAB = 9
const SLASH = 0x2f
const COLON = 0x3a
const COMMA = 0x2c
const QUESTION = 0x3f
const HASH = 0x23
const STAR = 0x2a

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0))
const COOKIE = ascii('cookie')
const SET_COOKIE = ascii('set-cookie')

/** Scratch bytes that the buffers of a head of `length` bytes need at most. */
export function headScratch(length: number): number {
  // Normalised URI, header without cookies and decoded, cookie joined and decoded: each at most the head's length.
  return length * 5 + 64
}

export function fillRequest(
  set: BufferSet,
  head: HttpHead,
  bytes: Uint8Array,
  at: number,
  scratch: Scratch,
  limits: InspectLimits,
  counters: InspectCounters,
): void {
  set.set(BUF.HTTP_METHOD, bytes, at, at + head.methodEnd)
  const uriStart = at + head.uriStart
  let uriEnd = at + head.uriEnd
  if (uriEnd > uriStart) {
    if (uriEnd - uriStart > limits.uriBytes) {
      uriEnd = uriStart + limits.uriBytes
      counters.uriTooLong++
    }
    set.set(BUF.HTTP_RAW_URI, bytes, uriStart, uriEnd)
    fillUri(set, bytes, uriStart, uriEnd, head.method === METHOD.CONNECT, scratch)
  } else {
    set.remove(BUF.HTTP_RAW_URI)
    set.remove(BUF.HTTP_URI)
  }
  fillHeaders(set, head, bytes, at, scratch, COOKIE)
}

export function fillResponse(
  set: BufferSet,
  head: HttpHead,
  bytes: Uint8Array,
  at: number,
  scratch: Scratch,
): void {
  setUnlessEmpty(set, BUF.HTTP_STAT_CODE, bytes, at + head.statusStart, at + head.statusEnd)
  setUnlessEmpty(set, BUF.HTTP_STAT_MSG, bytes, at + head.reasonStart, at + head.reasonEnd)
  fillHeaders(set, head, bytes, at, scratch, SET_COOKIE)
}

function setUnlessEmpty(set: BufferSet, id: BufferId, bytes: Uint8Array, start: number, end: number): void {
  if (end > start) set.set(id, bytes, start, end)
  else set.remove(id)
}

/** `http_uri`: path, query and fragment, normalised part by part; scheme and authority are left out. */
function fillUri(
  set: BufferSet,
  bytes: Uint8Array,
  start: number,
  end: number,
  authority: boolean,
  scratch: Scratch,
): void {
  if (end - start === 1 && bytes[start] === STAR) {
    set.set(BUF.HTTP_URI, bytes, start, end)
    return
  }
  // CONNECT names a host and a port, which have no path.
  const from = authority || bytes[start] === SLASH ? start : afterAuthority(bytes, start, end)
  const scanned = authority ? from : pathEnd(bytes, from, end)
  const rest = scanned < 0 ? ~scanned : scanned
  const work = queryWork(bytes, rest, end)
  if (scanned >= 0 && work === end) {
    setUnlessEmpty(set, BUF.HTTP_URI, bytes, from, end)
    return
  }
  const target = scratch.bytes
  const at = scratch.used
  let to = at
  if (scanned < 0) to = normalisePath(bytes, from, rest, target, at)
  else to = copyTo(target, at, bytes, from, rest)
  // What is clean is copied; `?` and `#` are among it, since an encoded one (`%3f`) begins no query.
  to = copyTo(target, to, bytes, rest, work)
  to = normaliseQuery(bytes, work, end, target, to)
  scratch.used = to
  setUnlessEmpty(set, BUF.HTTP_URI, target, at, to)
}

/** Start of the path of `scheme://authority/path`; `start` when it is not of that form. */
function afterAuthority(bytes: Uint8Array, start: number, end: number): number {
  let i = start
  while (i < end && bytes[i] !== COLON && bytes[i] !== SLASH) i++
  if (i + 2 >= end || bytes[i] !== COLON || bytes[i + 1] !== SLASH || bytes[i + 2] !== SLASH) return start
  i += 3
  while (i < end && bytes[i] !== SLASH && bytes[i] !== QUESTION && bytes[i] !== HASH) i++
  return i
}

function fillHeaders(
  set: BufferSet,
  head: HttpHead,
  bytes: Uint8Array,
  at: number,
  scratch: Scratch,
  cookieName: Uint8Array,
): void {
  const start = at + head.headersStart
  const end = at + head.headersEnd
  setUnlessEmpty(set, BUF.HTTP_RAW_HEADER, bytes, start, end)
  if (head.cookies === 0) {
    set.remove(BUF.HTTP_COOKIE)
    set.remove(BUF.HTTP_RAW_COOKIE)
    fillHeader(set, bytes, start, end, head.percent, scratch)
    return
  }
  if (head.cookies === 1) {
    const lineStart = at + head.cookieLineStart
    const lineEnd = at + head.cookieLineEnd
    if (lineStart === start) {
      // The first line: what is left is one piece.
      fillHeader(set, bytes, lineEnd < end ? lineEnd : end, end, head.percent, scratch)
    } else if (lineEnd >= end) {
      // The last line: the line end before it stays.
      fillHeader(set, bytes, start, lineStart, head.percent, scratch)
    } else {
      const to = scratch.used
      let used = copyTo(scratch.bytes, to, bytes, start, lineStart)
      used = copyTo(scratch.bytes, used, bytes, lineEnd, end)
      scratch.used = used
      fillHeader(set, scratch.bytes, to, used, head.percent, scratch)
    }
    const valueStart = at + head.cookieValueStart
    fillCookie(set, bytes, valueStart, at + head.cookieValueEnd, scratch)
    return
  }
  fillManyCookies(set, head, bytes, start, end, scratch, cookieName)
}

function fillHeader(
  set: BufferSet,
  bytes: Uint8Array,
  start: number,
  end: number,
  percent: boolean,
  scratch: Scratch,
): void {
  if (!percent || end <= start) {
    setUnlessEmpty(set, BUF.HTTP_HEADER, bytes, start, end)
    return
  }
  const at = scratch.used
  scratch.used = decode(bytes, start, end, scratch.bytes, at)
  set.set(BUF.HTTP_HEADER, scratch.bytes, at, scratch.used)
}

/** One cookie value `[start, end)`: raw with runs of white space made one blank, and that decoded. */
function fillCookie(set: BufferSet, bytes: Uint8Array, start: number, end: number, scratch: Scratch): void {
  let last = end
  while (last > start && (bytes[last - 1] === SPACE || bytes[last - 1] === TAB)) last--
  let percent = false
  let untidy = false
  let before = 0
  for (let i = start; i < last; i++) {
    const byte = bytes[i]!
    if (byte <= SPACE) {
      if (isWhite(byte) && (byte !== SPACE || isWhite(before))) untidy = true
    } else if (byte === 0x25) percent = true
    before = byte
  }
  if (!untidy) {
    setCookies(set, bytes, start, last, percent, scratch)
    return
  }
  const at = scratch.used
  scratch.used = tidyTo(scratch.bytes, at, bytes, start, last)
  setCookies(set, scratch.bytes, at, scratch.used, percent, scratch)
}

/** Two or more cookie lines: cut out of the header, values joined by commas. Walks the lines once more. */
function fillManyCookies(
  set: BufferSet,
  head: HttpHead,
  bytes: Uint8Array,
  start: number,
  end: number,
  scratch: Scratch,
  cookieName: Uint8Array,
): void {
  const target = scratch.bytes
  const headerAt = scratch.used
  let to = headerAt
  // Values are collected behind the space the header may take.
  const cookieAt = headerAt + (end - start)
  let cookieTo = cookieAt
  let line = start
  while (line < end) {
    const value = headerValueAt(bytes, line, end, cookieName)
    let next = nextLine(bytes, line, end)
    while (next < end && (bytes[next] === SPACE || bytes[next] === TAB)) next = nextLine(bytes, next, end)
    if (value < 0) {
      to = copyTo(target, to, bytes, line, next)
    } else {
      if (cookieTo > cookieAt) target[cookieTo++] = COMMA
      cookieTo = tidyTo(target, cookieTo, bytes, value, next)
    }
    line = next
  }
  scratch.used = cookieTo
  fillHeader(set, target, headerAt, to, head.percent, scratch)
  setCookies(set, target, cookieAt, cookieTo, hasPercent(target, cookieAt, cookieTo), scratch)
}

function setCookies(
  set: BufferSet,
  bytes: Uint8Array,
  start: number,
  end: number,
  percent: boolean,
  scratch: Scratch,
): void {
  setUnlessEmpty(set, BUF.HTTP_RAW_COOKIE, bytes, start, end)
  if (!percent) {
    setUnlessEmpty(set, BUF.HTTP_COOKIE, bytes, start, end)
    return
  }
  const at = scratch.used
  scratch.used = decode(bytes, start, end, scratch.bytes, at)
  set.set(BUF.HTTP_COOKIE, scratch.bytes, at, scratch.used)
}

function nextLine(bytes: Uint8Array, at: number, end: number): number {
  let i = at
  while (i < end && bytes[i] !== LF) i++
  return i < end ? i + 1 : end
}

function copyTo(target: Uint8Array, at: number, bytes: Uint8Array, start: number, end: number): number {
  if (end - start > 64) {
    target.set(bytes.subarray(start, end), at)
    return at + end - start
  }
  let to = at
  for (let i = start; i < end; i++) target[to++] = bytes[i]!
  return to
}

/** Copies a header value with leading and trailing white space dropped and runs of it made one blank. */
function tidyTo(target: Uint8Array, at: number, bytes: Uint8Array, start: number, end: number): number {
  let to = at
  let white = true
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!
    if (!isWhite(byte)) {
      white = false
      target[to++] = byte
    } else if (!white) {
      white = true
      target[to++] = SPACE
    }
  }
  if (to > at && white) to--
  return to
}
