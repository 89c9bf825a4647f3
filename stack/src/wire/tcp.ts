/** TCP (RFC 9293). Options are parsed on demand: see tcp-options.ts. */
import type { Packet } from './packet.js'
import { STATUS } from './status.js'

/** Offsets in a TCP header (RFC 9293), and its least length, bytes. */
export const TCP = {
  SOURCE_PORT: 0,
  DESTINATION_PORT: 2,
  SEQUENCE: 4,
  ACKNOWLEDGEMENT: 8,
  DATA_OFFSET: 12,
  FLAGS: 13,
  WINDOW: 14,
  CHECKSUM: 16,
  URGENT: 18,
  OPTIONS: 20,
  /** Without options. */
  HEADER_LENGTH: 20,
} as const

/** Flags of a TCP header, as in `Packet.tcpFlags`. */
export const TCP_FLAG = {
  FIN: 0x01,
  SYN: 0x02,
  RST: 0x04,
  PSH: 0x08,
  ACK: 0x10,
  URG: 0x20,
  ECE: 0x40,
  CWR: 0x80,
} as const

/** Decodes the segment at `at`. A capture may cut the options: the segment is usable all the same. */
export function decodeTcp(packet: Packet, at: number, end: number, wireEnd: number): number {
  if (end - at < TCP.HEADER_LENGTH) return STATUS.TCP_TRUNCATED
  const { view } = packet
  const headerLength = (view.getUint8(at + TCP.DATA_OFFSET) >> 4) << 2
  if (headerLength < TCP.HEADER_LENGTH) return STATUS.TCP_HEADER_LENGTH
  const payload = at + headerLength
  if (payload > wireEnd) return STATUS.TCP_OPTIONS_TRUNCATED
  packet.sourcePort = view.getUint16(at)
  packet.destinationPort = view.getUint16(at + TCP.DESTINATION_PORT)
  packet.transportOffset = at
  packet.tcpSeq = view.getInt32(at + TCP.SEQUENCE)
  packet.tcpAck = view.getInt32(at + TCP.ACKNOWLEDGEMENT)
  packet.tcpFlags = view.getUint8(at + TCP.FLAGS)
  packet.tcpWindow = view.getUint16(at + TCP.WINDOW)
  packet.tcpHeaderLength = headerLength
  packet.payloadOffset = Math.min(payload, end)
  packet.payloadLength = payload < end ? end - payload : 0
  packet.payloadWireLength = wireEnd - payload
  return STATUS.DECODED
}
