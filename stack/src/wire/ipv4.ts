/** IPv4 (RFC 791). Options are skipped, fragments are recognised, nothing is reassembled here. */
import type { Packet } from './packet.js'
import { STATUS } from './status.js'
import { decodeUpperLayer } from './upper-layer.js'

/** Offsets in an IPv4 header (RFC 791), and its least length, bytes. */
export const IPV4 = {
  VERSION_AND_LENGTH: 0,
  TOS: 1,
  TOTAL_LENGTH: 2,
  ID: 4,
  FRAGMENT: 6,
  TTL: 8,
  PROTOCOL: 9,
  CHECKSUM: 10,
  SOURCE: 12,
  DESTINATION: 16,
  OPTIONS: 20,
  /** Without options. */
  HEADER_LENGTH: 20,
} as const

/** Bits of the 16-bit word that also holds the fragment offset. */
export const IPV4_FLAG = { RESERVED: 0x8000, DONT_FRAGMENT: 0x4000, MORE_FRAGMENTS: 0x2000 } as const
/** Fragment offset within that word, in units of 8 bytes. */
export const FRAGMENT_OFFSET_MASK = 0x1fff

/** Longest IP packet, bytes. */
export const MAX_IP_LENGTH = 65_535

/**
 * A length field of zero is what a capture shows of a packet that the network card was yet to split (TSO). Such packets
 * exceed the usual MTU; a smaller one with length zero is dropped by every receiver, and so it is here.
 */
export const MIN_OFFLOADED_LENGTH = 1501

/** Decodes the IPv4 packet at `offset` and what it carries; parameters and result as in `decodeEthernet`. */
export function decodeIPv4(packet: Packet, offset: number, end: number, wireEnd: number): number {
  const available = end - offset
  if (available < IPV4.HEADER_LENGTH) return available === 0 ? STATUS.IP_EMPTY : STATUS.IPV4_TRUNCATED
  const { view } = packet
  const first = view.getUint8(offset)
  if (first >> 4 !== 4) return STATUS.IP_VERSION
  const headerLength = (first & 0x0f) << 2
  if (headerLength < IPV4.HEADER_LENGTH) return STATUS.IPV4_HEADER_LENGTH
  if (headerLength > available) return STATUS.IPV4_OPTIONS_TRUNCATED
  let totalLength = view.getUint16(offset + IPV4.TOTAL_LENGTH)
  const wireLength = wireEnd - offset
  if (totalLength < headerLength) {
    if (totalLength !== 0 || wireLength < MIN_OFFLOADED_LENGTH) return STATUS.IPV4_LENGTH_BELOW_HEADER
    totalLength = wireLength
  } else if (totalLength > wireLength) {
    return STATUS.IPV4_LENGTH_ABOVE_FRAME
  }
  const fragment = view.getUint16(offset + IPV4.FRAGMENT)
  const fragmentOffset = (fragment & FRAGMENT_OFFSET_MASK) << 3
  if ((fragment & (FRAGMENT_OFFSET_MASK | IPV4_FLAG.MORE_FRAGMENTS)) !== 0) {
    if (fragmentOffset + totalLength > MAX_IP_LENGTH) return STATUS.FRAGMENT_ABOVE_64K
    packet.isFragment = true
  }
  const source = offset + IPV4.SOURCE
  const destination = offset + IPV4.DESTINATION
  const protocol = view.getUint8(offset + IPV4.PROTOCOL)
  packet.ipVersion = 4
  packet.ipOffset = offset
  packet.ipHeaderLength = headerLength
  packet.ipTotalLength = totalLength
  packet.sourceAddressOffset = source
  packet.destinationAddressOffset = destination
  packet.src2 = 0xffff
  packet.src3 = view.getInt32(source)
  packet.dst2 = 0xffff
  packet.dst3 = view.getInt32(destination)
  // Whatever follows the IP packet in the frame is padding.
  const ipWireEnd = offset + totalLength
  const ipEnd = Math.min(ipWireEnd, end)
  return decodeUpperLayer(packet, protocol, offset + headerLength, ipEnd, ipWireEnd, fragmentOffset !== 0)
}
