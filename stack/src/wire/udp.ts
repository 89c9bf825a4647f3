/** UDP (RFC 768). */
import { MAX_IP_LENGTH } from './ipv4.js'
import type { Packet } from './packet.js'
import { STATUS } from './status.js'

/** Offsets in a UDP header (RFC 768), and its length, bytes. */
export const UDP = {
  SOURCE_PORT: 0,
  DESTINATION_PORT: 2,
  LENGTH: 4,
  CHECKSUM: 6,
  HEADER_LENGTH: 8,
} as const

/** Decodes the datagram at `at`. Bytes between its end and the end of the IP payload are not part of it. */
export function decodeUdp(packet: Packet, at: number, end: number, wireEnd: number): number {
  if (end - at < UDP.HEADER_LENGTH) return STATUS.UDP_TRUNCATED
  const { view } = packet
  const available = wireEnd - at
  let length = view.getUint16(at + UDP.LENGTH)
  if (length < UDP.HEADER_LENGTH) {
    // Zero stands for 'to the end' in jumbograms (RFC 2675, section 4), and in packets yet to be split (GSO).
    if (length !== 0 || available <= MAX_IP_LENGTH) return STATUS.UDP_LENGTH_BELOW_HEADER
    length = available
  } else if (length > available) {
    if (!packet.isFragment) return STATUS.UDP_LENGTH_ABOVE_IP
    length = available
  }
  const datagramEnd = at + length
  const capturedEnd = Math.min(datagramEnd, end)
  const payload = at + UDP.HEADER_LENGTH
  packet.sourcePort = view.getUint16(at)
  packet.destinationPort = view.getUint16(at + UDP.DESTINATION_PORT)
  packet.transportOffset = at
  packet.payloadOffset = payload
  packet.payloadLength = capturedEnd - payload
  packet.payloadWireLength = datagramEnd - payload
  return STATUS.DECODED
}
