/** Internet checksums (RFC 1071) of the packet just decoded. */
import { IP_PROTOCOL } from './link-type.js'
import type { Packet } from './packet.js'
import { type DecodeCounters, STATUS } from './status.js'
import { UDP } from './udp.js'

/** Sums of this many bytes stay below 2^31. */
const MAX_SUM_LENGTH = 65_536

/**
 * One's complement sum of the bytes `[offset, offset + length)` as big-endian 16-bit words, an odd last byte padded with
 * zero, added to `sum`. The result is to be folded.
 *
 * Four little-endian words of 32 bits at a time, at any alignment: three times as fast as byte by byte. The order of
 * bytes does not matter to one's complement sums (RFC 1071, section 2 B) but for a swap at the end.
 */
export function sumWords(view: DataView, offset: number, length: number, sum: number): number {
  const end = offset + length
  let at = offset
  while (end - at > MAX_SUM_LENGTH) {
    sum = fold(sum + sumWords(view, at, MAX_SUM_LENGTH, 0))
    at += MAX_SUM_LENGTH
  }
  let low = 0
  let high = 0
  for (const stop = end - 15; at < stop; at += 16) {
    const w0 = view.getInt32(at, true)
    const w1 = view.getInt32(at + 4, true)
    const w2 = view.getInt32(at + 8, true)
    const w3 = view.getInt32(at + 12, true)
    low += (w0 & 0xffff) + (w1 & 0xffff) + (w2 & 0xffff) + (w3 & 0xffff)
    high += (w0 >>> 16) + (w1 >>> 16) + (w2 >>> 16) + (w3 >>> 16)
  }
  for (const stop = end - 1; at < stop; at += 2) low += view.getUint16(at, true)
  if (at < end) low += view.getUint8(at)
  const folded = fold(low + high)
  return sum + (((folded & 0xff) << 8) | (folded >> 8))
}

/** For sums below 2^32. */
function fold(sum: number): number {
  const once = (sum & 0xffff) + (sum >>> 16)
  return (once & 0xffff) + (once >>> 16)
}

/** Folds a sum of words into the 16-bit checksum: 0 when the sum covered a right checksum field. */
export function foldChecksum(sum: number): number {
  return ~fold(sum) & 0xffff
}

/** Checksum of the bytes `[offset, offset + length)`. */
export function checksum(view: DataView, offset: number, length: number): number {
  return foldChecksum(sumWords(view, offset, length, 0))
}

/**
 * Verifies the IPv4 header checksum and the transport checksum of the decoded `packet`. A wrong one becomes the
 * packet's status and is counted. What cannot be verified (cut by the capture, a fragment, on its way through an IPv6
 * routing header) passes and is counted as unverifiable; UDP over IPv4 without a checksum (0) passes.
 * @returns the packet's status: unchanged, or `IPV4_CHECKSUM`, `TCP_CHECKSUM`, ...
 */
export function verifyChecksums(packet: Packet, counters: DecodeCounters): number {
  if (packet.status !== STATUS.DECODED) return packet.status
  const { view } = packet
  if (packet.ipVersion === 4) {
    const length = (view.getUint8(packet.ipOffset) & 0x0f) << 2
    if (checksum(view, packet.ipOffset, length) !== 0) return fail(packet, counters, STATUS.IPV4_CHECKSUM)
  }
  const at = packet.transportOffset
  if (packet.isFragment || packet.segmentsLeft || packet.payloadLength < packet.payloadWireLength) {
    counters.unverifiable++
    return STATUS.DECODED
  }
  if (at < 0) return STATUS.DECODED
  const length = packet.payloadOffset + packet.payloadLength - at
  switch (packet.protocol) {
    case IP_PROTOCOL.TCP:
      return foldChecksum(sumWords(view, at, length, pseudoHeader(packet, length))) === 0
        ? STATUS.DECODED
        : fail(packet, counters, STATUS.TCP_CHECKSUM)
    case IP_PROTOCOL.UDP:
      if (packet.ipVersion === 4 && view.getUint16(at + UDP.CHECKSUM) === 0) {
        return STATUS.DECODED
      }
      return foldChecksum(sumWords(view, at, length, pseudoHeader(packet, length))) === 0
        ? STATUS.DECODED
        : fail(packet, counters, STATUS.UDP_CHECKSUM)
    case IP_PROTOCOL.ICMP:
      return checksum(view, at, length) === 0 ? STATUS.DECODED : fail(packet, counters, STATUS.ICMP_CHECKSUM)
    case IP_PROTOCOL.ICMPV6:
      return foldChecksum(sumWords(view, at, length, pseudoHeader(packet, length))) === 0
        ? STATUS.DECODED
        : fail(packet, counters, STATUS.ICMP6_CHECKSUM)
    default:
      return STATUS.DECODED
  }
}

/** Sum of the pseudo header: addresses, protocol, upper-layer length (RFC 9293 3.1, RFC 8200 8.1). */
function pseudoHeader(packet: Packet, length: number): number {
  const sum = halves(packet.src3) + halves(packet.dst3) + packet.protocol + length
  if (packet.ipVersion === 4) return sum
  const source = halves(packet.src0) + halves(packet.src1) + halves(packet.src2)
  return sum + source + halves(packet.dst0) + halves(packet.dst1) + halves(packet.dst2)
}

function halves(word: number): number {
  return (word & 0xffff) + (word >>> 16)
}

function fail(packet: Packet, counters: DecodeCounters, status: number): number {
  counters.outcomes[STATUS.DECODED]!--
  counters.outcomes[status]!++
  packet.status = status
  return status
}
