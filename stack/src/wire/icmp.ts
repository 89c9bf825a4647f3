/** ICMP (RFC 792). */
import type { Packet } from './packet.js'
import { STATUS } from './status.js'

/** Offsets in an ICMP header (RFC 792), and its length, bytes. */
export const ICMP = {
  TYPE: 0,
  CODE: 1,
  CHECKSUM: 2,
  /** Identifier and sequence number of queries; unused or a parameter in errors. */
  ID: 4,
  SEQUENCE: 6,
  /** Type, code and checksum: what every message has. */
  MIN_LENGTH: 4,
  HEADER_LENGTH: 8,
} as const

/** Types whose header is 8 bytes: replies, errors and queries 0, 3 to 5 and 8 to 18, one bit each. */
const LONG_HEADER_TYPES = 0x0007_ff39

/** Decodes the message at `at`. The payload begins behind the fields every message of its type has (8 or 4 bytes). */
export function decodeIcmp(packet: Packet, at: number, end: number, wireEnd: number): number {
  if (end - at < ICMP.MIN_LENGTH) return STATUS.ICMP_TRUNCATED
  const { view } = packet
  const type = view.getUint8(at)
  const long = type < 32 && ((LONG_HEADER_TYPES >> type) & 1) !== 0
  const headerLength = long ? ICMP.HEADER_LENGTH : ICMP.MIN_LENGTH
  if (end - at < headerLength) return STATUS.ICMP_TRUNCATED
  packet.sourcePort = type
  packet.destinationPort = view.getUint8(at + ICMP.CODE)
  packet.transportOffset = at
  packet.payloadOffset = at + headerLength
  packet.payloadLength = end - at - headerLength
  packet.payloadWireLength = wireEnd - at - headerLength
  return STATUS.DECODED
}
