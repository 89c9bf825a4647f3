/** ICMPv6 (RFC 4443). */
import type { Packet } from './packet.js'
import { STATUS } from './status.js'

/** Offsets in an ICMPv6 header (RFC 4443), bytes. */
export const ICMP6 = {
  TYPE: 0,
  CODE: 1,
  CHECKSUM: 2,
  ID: 4,
  SEQUENCE: 6,
  /** All messages in use (errors, echo, listener and neighbour discovery) have 4 bytes behind the checksum. */
  HEADER_LENGTH: 8,
} as const

/** Decodes the message at `at`; the payload begins 8 bytes later. */
export function decodeIcmp6(packet: Packet, at: number, end: number, wireEnd: number): number {
  if (end - at < ICMP6.HEADER_LENGTH) return STATUS.ICMP6_TRUNCATED
  const { view } = packet
  packet.sourcePort = view.getUint8(at)
  packet.destinationPort = view.getUint8(at + ICMP6.CODE)
  packet.transportOffset = at
  packet.payloadOffset = at + ICMP6.HEADER_LENGTH
  packet.payloadLength = end - at - ICMP6.HEADER_LENGTH
  packet.payloadWireLength = wireEnd - at - ICMP6.HEADER_LENGTH
  return STATUS.DECODED
}
