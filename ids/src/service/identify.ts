/**
 * The probes in the order they are tried, for turns of TCP streams and for datagrams.
 *
 * Text protocols in which the server speaks first share reply codes (`220` is SMTP and FTP): the banner's words decide,
 * then the server's port, then the client's first command. What none of them settles stays UNKNOWN.
 */

import { type Direction, SERVICE, type ServiceId, TO_SERVER } from '../inspect/unit.js'
import { looksLikeDnp3 } from '../protocol/dnp3.js'
import { looksLikeIec104 } from '../protocol/iec104.js'
import { looksLikeModbus } from '../protocol/modbus.js'
import {
  looksLikeDce,
  looksLikeDceDatagram,
  looksLikeDns,
  looksLikeNetbiosRequest,
  looksLikeRpcCall,
  looksLikeRpcRecord,
  looksLikeSmb,
  looksLikeSsl2,
  looksLikeTelnet,
  looksLikeTls,
} from './binary.js'
import { ascii, holds, lineEnd, readBig16, startsWith, startsWithAny } from './patterns.js'

/** Turns of a flow that are looked at; what has not been recognised by then is not going to be. */
export const PROBED_TURNS = 6

/** Bytes of a line that are looked at. */
const LINE = 512

const words = (...list: string[]): readonly Uint8Array[] => list.map(ascii)

const SMTP_COMMANDS = words('ehlo ', 'helo ', 'lhlo ', 'ehlo\r', 'helo\r', 'mail from:', 'rcpt to:')
const SMTP_BANNER = words('smtp', 'mail', 'postfix', 'sendmail', 'exim')
const FTP_BANNER = words('ftp', 'filezilla')
const FTP_COMMANDS = words('feat\r', 'syst\r', 'pasv\r', 'epsv\r', 'auth tls\r')
const LOGIN = words('user ', 'pass ')
const IMAP_GREETINGS = words('* ok', '* bye', '* preauth')
const POP3_GREETINGS = words('+ok', '-err')
const SSH = words('ssh-1.', 'ssh-2.')
const SIP_METHODS = words(
  'invite ',
  'ack ',
  'bye ',
  'cancel ',
  'options ',
  'register ',
  'prack ',
  'subscribe ',
  'notify ',
  'publish ',
  'info ',
  'refer ',
  'message ',
  'update ',
)
const SIP_VERSION = ascii('sip/2.0')
const IRC_JOIN = words('nick ', 'join #', 'privmsg #', 'cap ls')
const IRC_NOTICE = ascii(' notice ')
const CODE_220 = ascii('220')
const SPACE = 0x20
const DASH = 0x2d

const PORT = {
  FTP: 21,
  SMTP: 25,
  DNS: 53,
  POP3: 110,
  PORTMAP: 111,
  PORTMAP_SUN: 32_771,
  SUBMISSION: 587,
} as const

/** @param start first byte of the turn */
export function identifyTurn(
  direction: Direction,
  bytes: Uint8Array,
  start: number,
  end: number,
  serverPort: number,
): ServiceId {
  return direction === TO_SERVER
    ? fromClient(bytes, start, end, serverPort)
    : fromServer(bytes, start, end, serverPort)
}

function fromClient(bytes: Uint8Array, start: number, end: number, port: number): ServiceId {
  const common = fromEither(bytes, start, end, port)
  if (common !== SERVICE.UNKNOWN) return common
  if (looksLikeSsl2(bytes, start, end, 1)) return SERVICE.SSL
  if (startsWithAny(bytes, start, end, SMTP_COMMANDS)) return SERVICE.SMTP
  if (isSipRequest(bytes, start, end)) return SERVICE.SIP
  if (startsWithAny(bytes, start, end, FTP_COMMANDS)) return port === PORT.FTP ? SERVICE.FTP : SERVICE.UNKNOWN
  // The server's greeting has not been seen.
  if (startsWithAny(bytes, start, end, LOGIN) && (port === PORT.FTP || port === PORT.POP3))
    return port === PORT.FTP ? SERVICE.FTP : SERVICE.POP3
  if (startsWithAny(bytes, start, end, IRC_JOIN)) return SERVICE.IRC
  if (looksLikeNetbiosRequest(bytes, start, end)) return SERVICE.NETBIOS_SSN
  if ((port === PORT.PORTMAP || port === PORT.PORTMAP_SUN) && looksLikeRpcRecord(bytes, start, end))
    return SERVICE.SUNRPC
  return looksLikeModbus(bytes, start, end, true, port) ? SERVICE.MODBUS : SERVICE.UNKNOWN
}

function fromServer(bytes: Uint8Array, start: number, end: number, port: number): ServiceId {
  const common = fromEither(bytes, start, end, port)
  if (common !== SERVICE.UNKNOWN) return common
  if (looksLikeSsl2(bytes, start, end, 4)) return SERVICE.SSL
  if (startsWith(bytes, start, end, CODE_220)) return banner220(bytes, start + 3, end, port)
  if (startsWithAny(bytes, start, end, IMAP_GREETINGS)) return SERVICE.IMAP
  if (startsWithAny(bytes, start, end, POP3_GREETINGS)) return SERVICE.POP3
  if (bytes[start] === 0x3a && holds(bytes, start, lineEnd(bytes, start, end, LINE), IRC_NOTICE))
    return SERVICE.IRC
  return looksLikeModbus(bytes, start, end, false, port) ? SERVICE.MODBUS : SERVICE.UNKNOWN
}

function fromEither(bytes: Uint8Array, start: number, end: number, port: number): ServiceId {
  if (looksLikeTls(bytes, start, end)) return SERVICE.SSL
  if (looksLikeSmb(bytes, start, end)) return SERVICE.NETBIOS_SSN
  if (looksLikeDce(bytes, start, end)) return SERVICE.DCERPC
  if (looksLikeDnp3(bytes, start, end)) return SERVICE.DNP3
  if (looksLikeIec104(bytes, start, end, port)) return SERVICE.IEC104
  if (startsWithAny(bytes, start, end, SSH)) return SERVICE.SSH
  if (startsWith(bytes, behindLineEnds(bytes, start, end), end, SIP_VERSION)) return SERVICE.SIP
  if (looksLikeTelnet(bytes, start, end)) return SERVICE.TELNET
  if (end - start > 2 && readBig16(bytes, start) <= end - start - 2 && looksLikeDns(bytes, start + 2, end))
    return SERVICE.DNS
  return port === PORT.DNS && end - start > 2 && looksLikeDns(bytes, start + 2, end)
    ? SERVICE.DNS
    : SERVICE.UNKNOWN
}

/** The greeting of an SMTP or FTP server, from behind its code. */
function banner220(bytes: Uint8Array, start: number, end: number, port: number): ServiceId {
  if (start >= end || (bytes[start] !== SPACE && bytes[start] !== DASH)) return SERVICE.UNKNOWN
  const stop = end - start < LINE ? end : start + LINE
  const smtp = SMTP_BANNER.some((word) => holds(bytes, start, stop, word))
  const ftp = FTP_BANNER.some((word) => holds(bytes, start, stop, word))
  if (smtp !== ftp) return smtp ? SERVICE.SMTP : SERVICE.FTP
  if (port === PORT.FTP) return SERVICE.FTP
  return port === PORT.SMTP || port === PORT.SUBMISSION ? SERVICE.SMTP : SERVICE.UNKNOWN
}

/** A SIP method, a URI, and the version at the end of the line (RFC 3261 section 7.1). */
function isSipRequest(bytes: Uint8Array, start: number, end: number): boolean {
  const first = behindLineEnds(bytes, start, end)
  if (!startsWithAny(bytes, first, end, SIP_METHODS)) return false
  return holds(bytes, first, lineEnd(bytes, first, end, LINE), SIP_VERSION)
}

/** Empty lines before a message mean nothing (RFC 3261 section 7.5); `start` for anything else. */
function behindLineEnds(bytes: Uint8Array, start: number, end: number): number {
  let at = start
  while (at < end && at - start < LINE && (bytes[at] === 0x0d || bytes[at] === 0x0a)) at++
  return at
}

/** Any token, a URI and the version: extension methods count on the ports of SIP. */
function isSipLine(bytes: Uint8Array, start: number, end: number): boolean {
  const first = bytes[start]! | 0x20
  return first >= 0x61 && first <= 0x7a && holds(bytes, start, lineEnd(bytes, start, end, LINE), SIP_VERSION)
}

const SIP_PORTS: readonly number[] = [5060, 5061, 5600]

export function identifyDatagram(
  bytes: Uint8Array,
  start: number,
  end: number,
  serverPort: number,
): ServiceId {
  if (start >= end) return SERVICE.UNKNOWN
  if (
    startsWith(bytes, behindLineEnds(bytes, start, end), end, SIP_VERSION) ||
    isSipRequest(bytes, start, end)
  )
    return SERVICE.SIP
  if (SIP_PORTS.includes(serverPort) && isSipLine(bytes, start, end)) return SERVICE.SIP
  if (looksLikeDns(bytes, start, end)) return SERVICE.DNS
  if (looksLikeDnp3(bytes, start, end)) return SERVICE.DNP3
  if (looksLikeDceDatagram(bytes, start, end)) return SERVICE.DCERPC
  if (serverPort === PORT.PORTMAP && looksLikeRpcCall(bytes, start, end)) return SERVICE.SUNRPC
  return SERVICE.UNKNOWN
}
