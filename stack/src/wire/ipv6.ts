/** IPv6 (RFC 8200) with extension headers and jumbograms (RFC 2675). */
import { MAX_IP_LENGTH, MIN_OFFLOADED_LENGTH } from './ipv4.js'
import { IP_PROTOCOL } from './link-type.js'
import type { Packet } from './packet.js'
import { STATUS } from './status.js'
import { decodeUpperLayer } from './upper-layer.js'

/** Offsets in an IPv6 header (RFC 8200), and its length, bytes. */
export const IPV6 = {
  PAYLOAD_LENGTH: 4,
  NEXT_HEADER: 6,
  HOP_LIMIT: 7,
  SOURCE: 8,
  DESTINATION: 24,
  HEADER_LENGTH: 40,
} as const

/** Hop-by-hop, routing and destination options: lengths in units of 8 bytes, not counting the first 8. */
export const IPV6_EXTENSION = { NEXT_HEADER: 0, LENGTH: 1, MIN_LENGTH: 8 } as const
/** Fields all types of routing header have. */
export const IPV6_ROUTING = { TYPE: 2, SEGMENTS_LEFT: 3 } as const
/** Offsets in an IPv6 fragment header, and its length, bytes. */
export const IPV6_FRAGMENT = { NEXT_HEADER: 0, OFFSET: 2, ID: 4, LENGTH: 8 } as const

/**
 * A packet has no use for more than seven (RFC 8200, section 4.1), but hosts take more: a packet of 1500 bytes with less
 * than this many is looked into. Longer chains exist to exhaust inspection.
 */
export const MAX_EXTENSION_HEADERS = 256

const OPTION_PAD1 = 0
const OPTION_JUMBO = 0xc2
/** `jumboLength` found no jumbo payload option, or a malformed one. */
const JUMBO_ABSENT = -1
const JUMBO_MALFORMED = -2

/** Decodes the IPv6 packet at `offset` and what it carries; parameters and result as in `decodeEthernet`. */
export function decodeIPv6(packet: Packet, offset: number, end: number, wireEnd: number): number {
  const available = end - offset
  if (available < IPV6.HEADER_LENGTH) return available === 0 ? STATUS.IP_EMPTY : STATUS.IPV6_TRUNCATED
  const { view } = packet
  if (view.getUint8(offset) >> 4 !== 6) return STATUS.IP_VERSION
  const next = view.getUint8(offset + IPV6.NEXT_HEADER)
  const at = offset + IPV6.HEADER_LENGTH
  const wireLength = wireEnd - at
  let payloadLength = view.getUint16(offset + IPV6.PAYLOAD_LENGTH)
  if (payloadLength > wireLength) return STATUS.IPV6_LENGTH_ABOVE_FRAME
  if (payloadLength === 0 && next !== IP_PROTOCOL.NO_NEXT_HEADER) {
    const jumbo = next === IP_PROTOCOL.HOP_BY_HOP ? jumboLength(view, at, end) : JUMBO_ABSENT
    if (jumbo === JUMBO_MALFORMED || jumbo > wireLength) return STATUS.IPV6_JUMBO
    if (jumbo === JUMBO_ABSENT && wireEnd - offset < MIN_OFFLOADED_LENGTH) return STATUS.IPV6_LENGTH_ZERO
    payloadLength = jumbo === JUMBO_ABSENT ? wireLength : jumbo
  }
  const source = offset + IPV6.SOURCE
  const destination = offset + IPV6.DESTINATION
  packet.ipVersion = 6
  packet.ipOffset = offset
  packet.ipHeaderLength = IPV6.HEADER_LENGTH
  packet.ipTotalLength = IPV6.HEADER_LENGTH + payloadLength
  packet.sourceAddressOffset = source
  packet.destinationAddressOffset = destination
  packet.src0 = view.getInt32(source)
  packet.src1 = view.getInt32(source + 4)
  packet.src2 = view.getInt32(source + 8)
  packet.src3 = view.getInt32(source + 12)
  packet.dst0 = view.getInt32(destination)
  packet.dst1 = view.getInt32(destination + 4)
  packet.dst2 = view.getInt32(destination + 8)
  packet.dst3 = view.getInt32(destination + 12)
  const ipWireEnd = at + payloadLength
  const ipEnd = Math.min(ipWireEnd, end)
  if (next === IP_PROTOCOL.TCP || next === IP_PROTOCOL.UDP) {
    return decodeUpperLayer(packet, next, at, ipEnd, ipWireEnd, false)
  }
  return decodeExtensions(packet, next, at, ipEnd, ipWireEnd)
}

/** Walks the chain of extension headers, then decodes the upper layer. */
function decodeExtensions(packet: Packet, next: number, at: number, end: number, wireEnd: number): number {
  const { view } = packet
  for (let count = 0; isExtension(next); count++) {
    if (count === MAX_EXTENSION_HEADERS)
      return incomplete(packet, next, at, end, wireEnd, STATUS.IPV6_EXTENSIONS_TOO_MANY)
    if (end - at < IPV6_EXTENSION.MIN_LENGTH) {
      return incomplete(packet, next, at, end, wireEnd, STATUS.IPV6_EXTENSION_TRUNCATED)
    }
    if (next === IP_PROTOCOL.FRAGMENT) {
      const field = view.getUint16(at + IPV6_FRAGMENT.OFFSET)
      const fragmentOffset = field & 0xfff8
      next = view.getUint8(at + IPV6_FRAGMENT.NEXT_HEADER)
      // Both zero: an atomic fragment, a whole packet by itself (RFC 6946).
      const fragment = fragmentOffset !== 0 || (field & 1) !== 0
      if (!packet.isFragment) packet.fragmentHeaderOffset = at
      at += IPV6_FRAGMENT.LENGTH
      packet.ipHeaderLength = at - packet.ipOffset
      if (!fragment) continue
      if (fragmentOffset + (wireEnd - at) > MAX_IP_LENGTH) {
        return incomplete(packet, next, at, end, wireEnd, STATUS.FRAGMENT_ABOVE_64K)
      }
      packet.isFragment = true
      if (fragmentOffset !== 0) return decodeUpperLayer(packet, next, at, end, wireEnd, true)
      continue
    }
    const units = view.getUint8(at + IPV6_EXTENSION.LENGTH)
    // The authentication header counts in units of 4 bytes, less 2 (RFC 4302).
    const length = next === IP_PROTOCOL.AUTHENTICATION ? (units + 2) << 2 : (units + 1) << 3
    if (length > end - at) return incomplete(packet, next, at, end, wireEnd, STATUS.IPV6_EXTENSION_TRUNCATED)
    if (next === IP_PROTOCOL.ROUTING && view.getUint8(at + IPV6_ROUTING.SEGMENTS_LEFT) !== 0) {
      packet.segmentsLeft = true
    }
    next = view.getUint8(at + IPV6_EXTENSION.NEXT_HEADER)
    at += length
    packet.ipHeaderLength = at - packet.ipOffset
  }
  return decodeUpperLayer(packet, next, at, end, wireEnd, false)
}

function isExtension(next: number): boolean {
  return (
    next === IP_PROTOCOL.HOP_BY_HOP ||
    next === IP_PROTOCOL.ROUTING ||
    next === IP_PROTOCOL.FRAGMENT ||
    next === IP_PROTOCOL.DESTINATION ||
    next === IP_PROTOCOL.AUTHENTICATION
  )
}

/**
 * The chain stops at `at`: a malformation, except in a first fragment, whose chain may go on in the next one. There
 * the packet counts as decoded without a transport header.
 */
function incomplete(
  packet: Packet,
  next: number,
  at: number,
  end: number,
  wireEnd: number,
  status: number,
): number {
  packet.protocol = next
  packet.payloadOffset = at
  packet.payloadLength = end > at ? end - at : 0
  packet.payloadWireLength = wireEnd - at
  return packet.isFragment && status === STATUS.IPV6_EXTENSION_TRUNCATED ? STATUS.DECODED : status
}

/** Length in the jumbo payload option of the hop-by-hop header at `at`, or `JUMBO_ABSENT` or `JUMBO_MALFORMED`. */
function jumboLength(view: DataView, at: number, end: number): number {
  if (end - at < IPV6_EXTENSION.MIN_LENGTH) return JUMBO_ABSENT
  const headerEnd = at + ((view.getUint8(at + IPV6_EXTENSION.LENGTH) + 1) << 3)
  const stop = Math.min(headerEnd, end)
  let option = at + 2
  while (option + 1 < stop) {
    if (view.getUint8(option) === OPTION_PAD1) {
      option++
      continue
    }
    const length = view.getUint8(option + 1)
    if (view.getUint8(option) === OPTION_JUMBO) {
      if (length !== 4 || option + 6 > stop) return JUMBO_MALFORMED
      const jumbo = view.getInt32(option + 2) >>> 0
      return jumbo > MAX_IP_LENGTH ? jumbo : JUMBO_MALFORMED
    }
    option += 2 + length
  }
  return JUMBO_ABSENT
}
