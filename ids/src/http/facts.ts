/**
 * Host, URL and user agent of a request for alert outputs, read from its head when an alert asks for them.
 */
import type { AlertHttp } from '../output/alert.js'
import type { HttpHead } from './head.js'
import type { HeadSource } from './head-lines.js'
import { headerValueAt } from './header-name.js'
import { ASKED, type RequestQueue } from './queue.js'

const LF = 10
const CR = 13
const ascii = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0))
const UPGRADE = ascii('upgrade')
const HOST = ascii('host')
const USER_AGENT = ascii('user-agent')
const EXPECT = ascii('expect')
const RANGE = ascii('range')

/** Facts of a message: those of a request, or of the request that a response answers with the response's status. */
export function factsOf({ head, bytes, at, request }: HeadSource, queue: RequestQueue | null): AlertHttp {
  if (request)
    return requestFacts(bytes, at, at + head.length, at + head.uriStart, at + head.uriEnd, undefined)
  const status = head.status === 0 ? undefined : head.status
  if (queue === null || queue.start < 0) {
    return { hostname: undefined, url: undefined, userAgent: undefined, method: undefined, status }
  }
  return requestFacts(queue.bytes, queue.start, queue.end, queue.uriStart, queue.uriEnd, status)
}

function requestFacts(
  bytes: Uint8Array,
  start: number,
  end: number,
  uriStart: number,
  uriEnd: number,
  status: number | undefined,
): AlertHttp {
  let methodEnd = start
  while (methodEnd < end && bytes[methodEnd]! > 0x20) methodEnd++
  let hostname = hostOf(bytes, start, end)
  let url = uriEnd > uriStart ? latin1(bytes, uriStart, uriEnd) : undefined
  if (hostname === undefined && url !== undefined) {
    // HTTP/2, and what else names the host in the URI alone.
    const absolute = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)(.*)$/is.exec(url)
    if (absolute !== null) {
      hostname = absolute[1]
      url = absolute[2]
    }
  }
  return {
    hostname,
    url,
    userAgent: userAgentOf(bytes, start, end),
    method: latin1(bytes, start, methodEnd),
    status,
  }
}

/** Value of the first header `host` in the head `bytes[start, end)`, as text (latin-1); undefined when absent. */
export function hostOf(bytes: Uint8Array, start: number, end: number): string | undefined {
  return headerValue(bytes, start, end, HOST)
}

export function userAgentOf(bytes: Uint8Array, start: number, end: number): string | undefined {
  return headerValue(bytes, start, end, USER_AGENT)
}

export function latin1(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1')
}

/** The head `bytes[start, end)` has a header `name` (lower case). */
export function hasHeader(bytes: Uint8Array, start: number, end: number, name: Uint8Array): boolean {
  return headerValue(bytes, start, end, name) !== undefined
}

/** The head of a 101 response goes over to HTTP/2. */
export function upgradesToHttp2(bytes: Uint8Array, start: number, end: number): boolean {
  const value = headerValue(bytes, start, end, UPGRADE)
  return value !== undefined && /^h2c?$/i.test(value)
}

function headerValue(bytes: Uint8Array, start: number, end: number, name: Uint8Array): string | undefined {
  let line = start
  while (line < end) {
    let lineEnd = line
    while (lineEnd < end && bytes[lineEnd] !== LF) lineEnd++
    const value = line > start ? headerValueAt(bytes, line, lineEnd, name) : -1
    if (value >= 0) {
      let last = lineEnd
      while (last > value && (bytes[last - 1] === CR || bytes[last - 1] === 0x20)) last--
      return latin1(bytes, value, last)
    }
    line = lineEnd + 1
  }
  return undefined
}

/** Bits of `ASKED` for a request head. */
export function askedBy({ length }: HttpHead, bytes: Uint8Array, at: number): number {
  const end = at + length
  return (
    (hasHeader(bytes, at, end, EXPECT) ? ASKED.CONTINUE : 0) |
    (hasHeader(bytes, at, end, RANGE) ? ASKED.RANGE : 0)
  )
}
