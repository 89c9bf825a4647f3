/** Internet checksums (RFC 1071) of the packet just decoded. */
import { IP_PROTOCOL } from './link-type.js'
import type { Packet } from './packet.js'
import { type DecodeCounters, STATUS } from './status.js'
import { UDP } from './udp.js'

/** One's complement sum of `bytes[offset, offset + length)` as big-endian 16-bit words, added to `sum`, not folded. */
export function sumWords(bytes: Uint8Array, offset: number, length: number, sum: number): number {
  const end = offset + length
  const last = end - 1
  let at = offset
  let high = 0
  let low = 0
  // Sums of even and odd bytes apart: one addition each, and no overflow below 2^23 bytes.
  for (const stop = end - 7; at < stop; at += 8) {
    high += bytes[at]! + bytes[at + 2]! + bytes[at + 4]! + bytes[at + 6]!
    low += bytes[at + 1]! + bytes[at + 3]! + bytes[at + 5]! + bytes[at + 7]!
  }
  for (; at < last; at += 2) {
    high += bytes[at]!
    low += bytes[at + 1]!
  }
  if (at < end) high += bytes[at]!
  return sum + high * 256 + low
}

/** Folds a sum of words into the 16-bit checksum: 0 when the sum covered a right checksum field. */
export function foldChecksum(sum: number): number {
  let folded = sum
  while (folded > 0xffff) folded = (folded % 0x10000) + Math.floor(folded / 0x10000)
  return ~folded & 0xffff
}

/** Checksum of `bytes[offset, offset + length)`. */
export function checksum(bytes: Uint8Array, offset: number, length: number): number {
  return foldChecksum(sumWords(bytes, offset, length, 0))
}

/**
 * Verifies the IPv4 header checksum and the transport checksum of the decoded `packet`. A wrong one becomes the
 * packet's status and is counted. What cannot be verified (cut by the capture, fragments) passes and is counted as
 * unverifiable; UDP over IPv4 without a checksum (0) passes.
 * @returns the packet's status: unchanged, or `IPV4_CHECKSUM`, `TCP_CHECKSUM`, ...
 */
export function verifyChecksums(packet: Packet, counters: DecodeCounters): number {
  if (packet.status !== STATUS.DECODED) return packet.status
  const b = packet.buffer
  if (packet.ipVersion === 4) {
    const length = (b[packet.ipOffset]! & 0x0f) << 2
    if (checksum(b, packet.ipOffset, length) !== 0) return fail(packet, counters, STATUS.IPV4_CHECKSUM)
  }
  const at = packet.transportOffset
  if (packet.isFragment || packet.payloadLength < packet.payloadWireLength) {
    counters.unverifiable++
    return STATUS.DECODED
  }
  if (at < 0) return STATUS.DECODED
  const length = packet.payloadOffset + packet.payloadLength - at
  switch (packet.protocol) {
    case IP_PROTOCOL.TCP:
      return foldChecksum(sumWords(b, at, length, pseudoHeader(packet, length))) === 0
        ? STATUS.DECODED
        : fail(packet, counters, STATUS.TCP_CHECKSUM)
    case IP_PROTOCOL.UDP:
      if (packet.ipVersion === 4 && b[at + UDP.CHECKSUM] === 0 && b[at + UDP.CHECKSUM + 1] === 0) {
        return STATUS.DECODED
      }
      return foldChecksum(sumWords(b, at, length, pseudoHeader(packet, length))) === 0
        ? STATUS.DECODED
        : fail(packet, counters, STATUS.UDP_CHECKSUM)
    case IP_PROTOCOL.ICMP:
      return checksum(b, at, length) === 0 ? STATUS.DECODED : fail(packet, counters, STATUS.ICMP_CHECKSUM)
    case IP_PROTOCOL.ICMPV6:
      return foldChecksum(sumWords(b, at, length, pseudoHeader(packet, length))) === 0
        ? STATUS.DECODED
        : fail(packet, counters, STATUS.ICMP6_CHECKSUM)
    default:
      return STATUS.DECODED
  }
}

/** Sum of the pseudo header: addresses, protocol, upper-layer length (RFC 9293 3.1, RFC 8200 8.1). */
function pseudoHeader(packet: Packet, length: number): number {
  const size = packet.ipVersion === 4 ? 4 : 16
  const b = packet.buffer
  const addresses = sumWords(b, packet.destinationAddressOffset, size, 0)
  return sumWords(b, packet.sourceAddressOffset, size, addresses) + packet.protocol + length
}

function fail(packet: Packet, counters: DecodeCounters, status: number): number {
  counters.outcomes[STATUS.DECODED]!--
  counters.outcomes[status]!++
  packet.status = status
  return status
}
