/** TCP options, parsed on demand from the current packet. */
import type { Packet } from './packet.js'
import { TCP } from './tcp.js'

/** Kinds of TCP options (IANA) that are read. */
export const TCP_OPTION = {
  END: 0,
  NOP: 1,
  MSS: 2,
  WINDOW_SCALE: 3,
  SACK_PERMITTED: 4,
  SACK: 5,
  TIMESTAMPS: 8,
  MD5_SIGNATURE: 19,
  AUTHENTICATION: 29,
} as const

/** Values of the options of one segment; reused. An option that occurs twice counts as its last occurrence. */
export class TcpOptions {
  /** Maximum segment size in bytes, or -1. */
  mss = -1
  /** Window scale shift as sent (RFC 7323 caps its use at 14), or -1. */
  windowScale = -1
  sackPermitted = false
  hasTimestamps = false
  /** TSval, TSecr (int32): compare with `(a - b) | 0`. */
  timestampValue = 0
  timestampEcho = 0
  /** It is signed (RFC 2385, RFC 5925): a receiver that expects no signature drops it, most of them at least. */
  signed = false
  /** Blocks of the SACK option, 0 to 4, and the offset of the first in the packet's buffer (8 bytes each). */
  sackBlocks = 0
  sackOffset = 0
  /** Options read, padding aside. */
  count = 0
  /** An option was cut short, or had a length that its kind cannot have: it and what follows is not used. */
  malformed = false
}

/**
 * Reads the options of the TCP segment in `packet` into `options`. A segment has at most 40 bytes of them, which bounds
 * the work. Packets without a TCP header give the values of a segment without options.
 */
export function parseTcpOptions(packet: Packet, options: TcpOptions): void {
  options.mss = -1
  options.windowScale = -1
  options.sackPermitted = false
  options.hasTimestamps = false
  options.timestampValue = 0
  options.timestampEcho = 0
  options.signed = false
  options.sackBlocks = 0
  options.sackOffset = 0
  options.count = 0
  options.malformed = false
  if (packet.tcpHeaderLength <= TCP.HEADER_LENGTH) return
  const { view } = packet
  // A capture may cut the header: the payload then begins where the captured bytes end.
  const headerEnd = packet.payloadOffset
  let at = packet.transportOffset + TCP.OPTIONS
  while (at < headerEnd) {
    const kind = view.getUint8(at)
    if (kind === TCP_OPTION.END) return
    if (kind === TCP_OPTION.NOP) {
      at++
      continue
    }
    const length = at + 1 < headerEnd ? view.getUint8(at + 1) : 0
    if (length < 2 || length > headerEnd - at || !readOption(view, at, kind, length, options)) {
      options.malformed = true
      return
    }
    options.count++
    at += length
  }
}

function readOption(view: DataView, at: number, kind: number, length: number, options: TcpOptions): boolean {
  switch (kind) {
    case TCP_OPTION.MSS:
      if (length !== 4) return false
      options.mss = view.getUint16(at + 2)
      return true
    case TCP_OPTION.WINDOW_SCALE:
      if (length !== 3) return false
      options.windowScale = view.getUint8(at + 2)
      return true
    case TCP_OPTION.SACK_PERMITTED:
      if (length !== 2) return false
      options.sackPermitted = true
      return true
    case TCP_OPTION.SACK:
      if (length < 10 || (length & 7) !== 2) return false
      options.sackBlocks = (length - 2) >> 3
      options.sackOffset = at + 2
      return true
    case TCP_OPTION.TIMESTAMPS:
      if (length !== 10) return false
      options.hasTimestamps = true
      options.timestampValue = view.getInt32(at + 2)
      options.timestampEcho = view.getInt32(at + 6)
      return true
    case TCP_OPTION.MD5_SIGNATURE:
    case TCP_OPTION.AUTHENTICATION:
      options.signed = true
      return true
    default:
      return true
  }
}
