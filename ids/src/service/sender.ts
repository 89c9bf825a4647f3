/**
 * Whether data was sent by a client or by a server, where it says so itself: requests, answers, greetings.
 *
 * In: the payload of the packet that brings a TCP connection midstream. Out: its sender, or undefined in doubt. Only what
 * nobody else would send counts; protocols in which either end may ask (SIP) and SSH say nothing.
 */
import { CLI, type Packet, type Side, SVR } from '@weir/stack'
import { PROBE, probeRequest, probeStatusLine } from '../http/probe.js'
import {
  looksLikeDce,
  looksLikeDns,
  looksLikeNetbiosRequest,
  looksLikeRpcRecord,
  looksLikeSmb,
  looksLikeSsl2,
  looksLikeTls,
} from './binary.js'
import { ascii, lineEnd, readBig16, readBig32, startsWithAny } from './patterns.js'

const LINE = 512
const SLASH = 0x2f
const SPACE = 0x20
const DASH = 0x2d

const words = (...list: string[]): readonly Uint8Array[] => list.map(ascii)

const COMMANDS = words(
  'ehlo ',
  'helo ',
  'lhlo ',
  'mail from:',
  'rcpt to:',
  'user ',
  'pass ',
  'feat\r',
  'syst\r',
  'pasv\r',
  'epsv\r',
  'auth tls\r',
  'nick ',
  'cap ls',
)
const GREETINGS = words('* ok', '* bye', '* preauth', '+ok', '-err')

const TLS_HANDSHAKE = 22
const CLIENT_HELLO = 1
const SERVER_HELLO = 2
/** First byte behind the marker of SMB 1, and of the later versions. */
const SMB1 = 0xff
const SMB2 = 0xfe

export function senderOf({ buffer, payloadOffset, payloadLength }: Packet): Side | undefined {
  return senderOfBytes(buffer, payloadOffset, payloadOffset + payloadLength)
}

export function senderOfBytes(bytes: Uint8Array, start: number, end: number): Side | undefined {
  if (end - start < 4) return undefined
  return text(bytes, start, end) ?? binary(bytes, start, end)
}

function text(bytes: Uint8Array, start: number, end: number): Side | undefined {
  if (probeStatusLine(bytes, start, end) === PROBE.HTTP) return SVR
  if (probeRequest(bytes, start, end, false) === PROBE.HTTP || isMethodAndPath(bytes, start, end)) return CLI
  if (startsWithAny(bytes, start, end, COMMANDS)) return CLI
  if (startsWithAny(bytes, start, end, GREETINGS) || isReply(bytes, start, end)) return SVR
  return undefined
}

/** The line is longer than what is there: a known method and the beginning of a path. */
function isMethodAndPath(bytes: Uint8Array, start: number, end: number): boolean {
  if (probeRequest(bytes, start, end, true) !== PROBE.HTTP) return false
  // Not `indexOf`, which would look through the rest of the capture's chunk.
  let at = start
  while (at < end && bytes[at] !== SPACE) at++
  return at + 1 < end && bytes[at + 1] === SLASH
}

/** Three digits, the first from 1 to 5, a blank or dash, and text to the line's end: SMTP, FTP and the like. */
function isReply(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = 0; i < 3; i++) {
    const digit = bytes[start + i]! - 0x30
    if (digit < 0 || digit > 9 || (i === 0 && (digit < 1 || digit > 5))) return false
  }
  if (bytes[start + 3] !== SPACE && bytes[start + 3] !== DASH) return false
  const stop = lineEnd(bytes, start, end, LINE)
  return stop < end && bytes[stop - 1] === 0x0d
}

function binary(bytes: Uint8Array, start: number, end: number): Side | undefined {
  if (looksLikeTls(bytes, start, end) && bytes[start] === TLS_HANDSHAKE) {
    const message = bytes[start + 5]
    return message === CLIENT_HELLO ? CLI : message === SERVER_HELLO ? SVR : undefined
  }
  if (looksLikeSsl2(bytes, start, end, 1)) return CLI
  if (looksLikeSsl2(bytes, start, end, 4)) return SVR
  if (looksLikeSmb(bytes, start, end)) return senderOfSmb(bytes, start + 4, end)
  if (looksLikeDce(bytes, start, end)) return senderOfDce(bytes[start + 2]!)
  if (looksLikeNetbiosRequest(bytes, start, end)) return CLI
  if (end - start > 14 && readBig16(bytes, start) <= end - start - 2 && looksLikeDns(bytes, start + 2, end))
    return (bytes[start + 4]! & 0x80) !== 0 ? SVR : CLI
  return isRpcCall(bytes, start, end) ? CLI : undefined
}

/** The flag that says that it is an answer (MS-CIFS 2.2.3.1, MS-SMB2 2.2.1). */
function senderOfSmb(bytes: Uint8Array, at: number, end: number): Side | undefined {
  const flags = bytes[at] === SMB1 ? at + 9 : bytes[at] === SMB2 ? at + 16 : end
  if (flags >= end) return undefined
  return (bytes[flags]! & (bytes[at] === SMB1 ? 0x80 : 1)) !== 0 ? SVR : CLI
}

/** Connection-oriented packet types (C706 12.6.4). */
function senderOfDce(type: number): Side | undefined {
  if (type === 0 || type === 11 || type === 14 || type === 16) return CLI
  return type === 2 || type === 3 || type === 12 || type === 13 || type === 15 ? SVR : undefined
}

/** An ONC RPC call over TCP of a program that has a number (RFC 5531 section 13.4). */
function isRpcCall(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < 28 || !looksLikeRpcRecord(bytes, start, end)) return false
  const program = readBig32(bytes, start + 16)
  return program >= 100_000 && program < 0x4000_0000
}
