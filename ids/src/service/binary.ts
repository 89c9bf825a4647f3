/**
 * Recognising protocols with binary headers: TLS, SSL 2, SMB over NetBIOS, DCE/RPC, DNS, Telnet options, ONC RPC.
 * Every function answers whether `bytes[start, end)` begins like one; too few bytes are a no.
 */
import { readBig16, readBig32 } from './patterns.js'

const HANDSHAKE = 22
const TLS_ALERT = 21

/** A handshake or alert record of SSL 3.0 to TLS 1.3 (RFC 8446 section 5.1). */
export function looksLikeTls(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < 6 || bytes[start + 1] !== 3 || bytes[start + 2]! > 4) return false
  const length = readBig16(bytes, start + 3)
  if (bytes[start] === HANDSHAKE) return length > 0 && length <= 0x4800
  return bytes[start] === TLS_ALERT && length === 2 && (bytes[start + 5] === 1 || bytes[start + 5] === 2)
}

/** CLIENT-HELLO (1) or SERVER-HELLO (4) of SSL 2.0, also as a wrapper of later versions (RFC 5246 appendix E.2). */
export function looksLikeSsl2(bytes: Uint8Array, start: number, end: number, message: 1 | 4): boolean {
  if (end - start < 11 || (bytes[start]! & 0x80) === 0) return false
  const length = ((bytes[start]! & 0x7f) << 8) | bytes[start + 1]!
  if (length < 9 || bytes[start + 2] !== message) return false
  const version = readBig16(bytes, start + (message === 1 ? 3 : 5))
  return version === 2 || (message === 1 && version >= 0x0300 && version <= 0x0304)
}

const SMB = 0x534d42

/** A NetBIOS session message holding SMB 1, 2 or 3 (MS-SMB2 section 2.1). */
export function looksLikeSmb(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < 8 || bytes[start] !== 0) return false
  const marker = readBig32(bytes, start + 4)
  return (marker & 0xffffff) === SMB && marker >>> 24 >= 0xfc
}

/** NetBIOS session request: two names of 32 letters (RFC 1002 section 4.3.2). */
export function looksLikeNetbiosRequest(bytes: Uint8Array, start: number, end: number): boolean {
  return (
    end - start >= 6 &&
    bytes[start] === 0x81 &&
    bytes[start + 1] === 0 &&
    readBig16(bytes, start + 2) >= 68 &&
    bytes[start + 4] === 0x20
  )
}

/** Connection-oriented DCE/RPC (C706 chapter 12): version 5.0 or 5.1 and a header that agrees with itself. */
export function looksLikeDce(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < 16 || bytes[start] !== 5 || bytes[start + 1]! > 1 || bytes[start + 2]! > 19) return false
  const order = bytes[start + 4]!
  if ((order & 0xef) !== 0 || bytes[start + 6] !== 0 || bytes[start + 7] !== 0) return false
  const little = order === 0x10
  const length = little ? (bytes[start + 9]! << 8) | bytes[start + 8]! : readBig16(bytes, start + 8)
  return length >= 16
}

/** Connectionless DCE/RPC: version 4, a known packet type, 80 bytes of header. */
export function looksLikeDceDatagram(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < 80 || bytes[start] !== 4 || bytes[start + 1]! > 10) return false
  if ((bytes[start + 4]! & 0xef) !== 0 || bytes[start + 5]! > 3 || bytes[start + 6] !== 0) return false
  const little = bytes[start + 4] === 0x10
  const length = little ? (bytes[start + 75]! << 8) | bytes[start + 74]! : readBig16(bytes, start + 74)
  return length <= end - start - 80
}

const DNS_HEADER = 12
const MAX_NAME = 255

/** A DNS message (RFC 1035 section 4.1) with one question whose name, type and class are well formed. */
export function looksLikeDns(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < DNS_HEADER + 5) return false
  const flags = readBig16(bytes, start + 2)
  // Opcode QUERY, the reserved bit clear, one question.
  if ((flags & 0x7840) !== 0 || readBig16(bytes, start + 4) !== 1) return false
  const response = (flags & 0x8000) !== 0
  if (!response && (readBig16(bytes, start + 6) !== 0 || (flags & 0x000f) !== 0)) return false
  let at = start + DNS_HEADER
  const limit = Math.min(end, at + MAX_NAME)
  while (at < limit) {
    const length = bytes[at]!
    if (length === 0) {
      const type = at + 5 <= end ? readBig16(bytes, at + 1) : 0
      const klass = at + 5 <= end ? readBig16(bytes, at + 3) : 0
      return type !== 0 && ((klass >= 1 && klass <= 4) || klass === 255)
    }
    if (length > 63) return false
    at += length + 1
  }
  return false
}

/** Telnet option negotiation (RFC 854): IAC, WILL/WONT/DO/DONT, an option, and more of the same or text. */
export function looksLikeTelnet(bytes: Uint8Array, start: number, end: number): boolean {
  return (
    end - start >= 3 &&
    bytes[start] === 0xff &&
    bytes[start + 1]! >= 0xfb &&
    bytes[start + 1]! <= 0xfe &&
    bytes[start + 2]! < 50
  )
}

/** An ONC RPC call (RFC 5531 section 9). `at` is behind the record mark. */
export function looksLikeRpcCall(bytes: Uint8Array, at: number, end: number): boolean {
  return end - at >= 24 && readBig32(bytes, at + 4) === 0 && readBig32(bytes, at + 8) === 2
}

/** Fragments of a record that are looked at. */
const RPC_FRAGMENTS = 64
/** Up to the RPC version. */
const RPC_HEAD = 12

/** An ONC RPC call over TCP, its record in one fragment or several (RFC 5531 section 11). */
export function looksLikeRpcRecord(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start
  let held = 0
  let type = 0
  let version = 0
  for (let i = 0; i < RPC_FRAGMENTS && held < RPC_HEAD && at + 4 <= end; i++) {
    const last = (bytes[at]! & 0x80) !== 0
    const length = readBig32(bytes, at) & 0x7fff_ffff
    at += 4
    const stop = Math.min(end, at + length)
    for (; at < stop && held < RPC_HEAD; at++, held++) {
      if (held >= 8) version = (version << 8) | bytes[at]!
      else if (held >= 4) type = (type << 8) | bytes[at]!
    }
    if (last) break
    at = stop
  }
  return held === RPC_HEAD && type === 0 && version === 2
}
