/**
 * Tells by the first bytes of a turn whether it is HTTP.
 *
 * In: the bytes one side sends first (or next, after a message). Out: HTTP, NOT_HTTP, or UNSURE when more bytes are
 * needed. Called by the conversation inspector; looks at no more than the first line.
 */

export const PROBE = { UNSURE: 0, HTTP: 1, NOT_HTTP: 2 } as const
export type ProbeResult = (typeof PROBE)[keyof typeof PROBE]

const LF = 10
const CR = 13
const DOT = 0x2e
const SPACE = 0x20
const TAB = 9

/** Longest method (Snort's), and how far into a line of an unknown method the version is looked for. */
const LONGEST_METHOD = 80
const LONGEST_LINE = 2048

/** Registered methods, and those the common servers answer (WebDAV, UPnP, Microsoft). */
const METHODS: readonly string[] = [
  'GET',
  'POST',
  'HEAD',
  'PUT',
  'DELETE',
  'OPTIONS',
  'TRACE',
  'CONNECT',
  'PATCH',
  'PRI',
  'QUERY',
  'PROPFIND',
  'PROPPATCH',
  'MKCOL',
  'COPY',
  'MOVE',
  'LOCK',
  'UNLOCK',
  'SEARCH',
  'REPORT',
  'CHECKOUT',
  'CHECKIN',
  'UNCHECKOUT',
  'MKWORKSPACE',
  'UPDATE',
  'LABEL',
  'MERGE',
  'BASELINE-CONTROL',
  'MKACTIVITY',
  'VERSION-CONTROL',
  'ORDERPATCH',
  'ACL',
  'BIND',
  'UNBIND',
  'REBIND',
  'LINK',
  'UNLINK',
  'PURGE',
  'SUBSCRIBE',
  'UNSUBSCRIBE',
  'NOTIFY',
  'M-SEARCH',
  'POLL',
  'BPROPFIND',
  'BPROPPATCH',
  'BCOPY',
  'BMOVE',
  'BDELETE',
  'BITS_POST',
  'CCM_POST',
  'RPC_CONNECT',
  'RPC_IN_DATA',
  'RPC_OUT_DATA',
  'SMS_POST',
  'TRACK',
  'DEBUG',
  'SOURCE',
  'NESSUS',
]

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0))

/** Known methods by first byte. */
const BY_FIRST: readonly (readonly Uint8Array[])[] = Array.from({ length: 256 }, (_, first) =>
  METHODS.filter((name) => name.charCodeAt(0) === first).map(ascii),
)

/** Bytes of a token (RFC 9110 section 5.6.2). */
const TOKEN = new Uint8Array(256)
for (const char of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
  TOKEN[char.charCodeAt(0)] = 1
}

const HTTP_SLASH = ascii('http/')
/** Protocols that share methods and line format with HTTP. */
const SIP = ascii('sip')
const RTSP = ascii('rtsp:')

/** @param direction 0: bytes of a client, 1: bytes of a server */
export function probe(bytes: Uint8Array, start: number, end: number, direction: 0 | 1): ProbeResult {
  return direction === 0 ? probeRequest(bytes, start, end) : probeResponse(bytes, start, end)
}

/**
 * A known method and a blank; or any token, a blank, and `HTTP/` later in the line.
 * @param named a method alone does, because nothing has been said yet; else `HTTP/` must be there
 */
export function probeRequest(bytes: Uint8Array, start: number, end: number, named = true): ProbeResult {
  const methodEnd = tokenEnd(bytes, start, end)
  if (methodEnd < 0) return PROBE.NOT_HTTP
  if (methodEnd === end) return PROBE.UNSURE
  const known = named && isKnownMethod(bytes, start, methodEnd)
  let i = methodEnd + 1
  while (i < end && (bytes[i] === SPACE || bytes[i] === TAB)) i++
  if (known) {
    // SIP and RTSP have OPTIONS, SUBSCRIBE, NOTIFY… too, but their URIs say what they are.
    const sip = startsWith(bytes, i, end, SIP)
    if (sip === PROBE.UNSURE) return PROBE.UNSURE
    if (sip === PROBE.HTTP) {
      const after = i + SIP.length
      if (after + 1 >= end) return PROBE.UNSURE
      const colon = (bytes[after]! | 0x20) === 0x73 ? after + 1 : after
      return bytes[colon] === 0x3a ? PROBE.NOT_HTTP : PROBE.HTTP
    }
    const rtsp = startsWith(bytes, i, end, RTSP)
    if (rtsp === PROBE.UNSURE) return PROBE.UNSURE
    return rtsp === PROBE.HTTP ? PROBE.NOT_HTTP : PROBE.HTTP
  }
  for (; i < end; i++) {
    const byte = bytes[i]!
    if (byte === LF || i - start > LONGEST_LINE) return PROBE.NOT_HTTP
    if ((byte | 0x20) === 0x68 && (bytes[i - 1] === SPACE || bytes[i - 1] === TAB)) {
      const version = startsWith(bytes, i, end, HTTP_SLASH)
      if (version !== PROBE.NOT_HTTP) return version
    }
  }
  return PROBE.UNSURE
}

/** A method that some specification names. */
export function isRegisteredMethod(bytes: Uint8Array, start: number, end: number): boolean {
  return end > start && isKnownMethod(bytes, start, end)
}

/** What may follow a complete request on the same connection: any token and a blank. */
export function probeNextRequest(bytes: Uint8Array, start: number, end: number): ProbeResult {
  const methodEnd = tokenEnd(bytes, start, end)
  if (methodEnd < 0) return PROBE.NOT_HTTP
  return methodEnd === end ? PROBE.UNSURE : PROBE.HTTP
}

export function probeResponse(bytes: Uint8Array, start: number, end: number): ProbeResult {
  return startsWith(bytes, start, end, HTTP_SLASH)
}

/**
 * A status line as Snort wants it: `HTTP/d.d`, blanks, three characters and no more. UNSURE while it may still become one,
 * and until the end of a line that begins with `HTTP/` and is none: how it ends tells more about it.
 */
export function probeStatusLine(bytes: Uint8Array, start: number, end: number): ProbeResult {
  const prefix = startsWith(bytes, start, end, HTTP_SLASH)
  if (prefix !== PROBE.HTTP) return prefix
  let i = start + 5
  if (i < end && !isDigit(bytes[i]!)) return otherLine(bytes, i, end)
  if (i + 1 < end && bytes[i + 1] !== DOT) return otherLine(bytes, i, end)
  if (i + 2 < end && !isDigit(bytes[i + 2]!)) return otherLine(bytes, i, end)
  i += 3
  if (i >= end) return PROBE.UNSURE
  const version = i
  while (i < end && (bytes[i] === SPACE || bytes[i] === TAB)) i++
  if (i === version) return otherLine(bytes, i, end)
  const status = i
  while (i < end && bytes[i]! > SPACE && i - status < 4) i++
  if (i - status < 3) return i === end ? PROBE.UNSURE : otherLine(bytes, i, end)
  if (i - status > 3) return otherLine(bytes, i, end)
  if (i === end) return PROBE.UNSURE
  const after = bytes[i]!
  return after === SPACE || after === TAB || after === CR || after === LF
    ? PROBE.HTTP
    : otherLine(bytes, i, end)
}

/** NOT_HTTP when the end of the line is there, and the byte behind a CR. */
function otherLine(bytes: Uint8Array, start: number, end: number): ProbeResult {
  for (let i = start; i < end; i++) {
    if (bytes[i] === LF) return PROBE.NOT_HTTP
    if (bytes[i] === CR) return i + 1 < end ? PROBE.NOT_HTTP : PROBE.UNSURE
  }
  return PROBE.UNSURE
}

/** The bytes begin with `HTTP/`, in any case. */
export function beginsLikeStatus(bytes: Uint8Array, start: number, end: number): boolean {
  return startsWith(bytes, start, end, HTTP_SLASH) === PROBE.HTTP
}

function isDigit(byte: number): boolean {
  return byte >= 48 && byte <= 57
}

/** End of the method at `start` when a blank follows; `end` when the bytes run out; -1 when it is no method. */
function tokenEnd(bytes: Uint8Array, start: number, end: number): number {
  let i = start
  while (i < end && TOKEN[bytes[i]!] === 1) {
    if (i - start >= LONGEST_METHOD) return -1
    i++
  }
  if (i === end) return end
  return i > start && (bytes[i] === SPACE || bytes[i] === TAB) ? i : -1
}

function isKnownMethod(bytes: Uint8Array, start: number, end: number): boolean {
  const length = end - start
  const names = BY_FIRST[bytes[start]!]!
  for (let n = 0; n < names.length; n++) {
    const name = names[n]!
    if (name.length !== length) continue
    let k = 1
    while (k < length && bytes[start + k] === name[k]) k++
    if (k === length) return true
  }
  return false
}

/** HTTP: the bytes begin with `word` (lower case; case is ignored); UNSURE: so far they do. */
function startsWith(bytes: Uint8Array, start: number, end: number, word: Uint8Array): ProbeResult {
  for (let k = 0; k < word.length; k++) {
    if (start + k >= end) return PROBE.UNSURE
    const byte = bytes[start + k]!
    const lower = byte >= 65 && byte <= 90 ? byte | 0x20 : byte
    if (lower !== word[k]) return PROBE.NOT_HTTP
  }
  return PROBE.HTTP
}

/** Index of the first byte that is no white space. */
export function skipBlanks(bytes: Uint8Array, start: number, end: number): number {
  let i = start
  while (i < end) {
    const byte = bytes[i]!
    if (byte !== SPACE && (byte < TAB || byte > CR)) break
    i++
  }
  return i
}
