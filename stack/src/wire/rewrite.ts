/**
 * Changes bytes of a decoded packet where they stand, and repairs the checksums that cover them.
 *
 * A checksum is changed by the difference of the bytes (RFC 1624), so that one that was wrong stays wrong by as much, one
 * that a capture cut short stays right, and those of tunnels around the packet stay right with it: the sum over the inner
 * packet, its checksum included, does not change. Called by `Packet`.
 */
import { ICMP } from './icmp.js'
import { IPV4 } from './ipv4.js'
import { IP_PROTOCOL } from './link-type.js'
import type { Packet } from './packet.js'
import { STATUS } from './status.js'
import { TCP } from './tcp.js'
import { UDP } from './udp.js'

/** Offset of the checksum in the transport header, by protocol. */
const CHECKSUM_AT: ReadonlyMap<number, number> = new Map([
  [IP_PROTOCOL.TCP, TCP.CHECKSUM],
  [IP_PROTOCOL.UDP, UDP.CHECKSUM],
  [IP_PROTOCOL.ICMP, ICMP.CHECKSUM],
  [IP_PROTOCOL.ICMPV6, ICMP.CHECKSUM],
])

/** Whether the bytes of the packet are those of the frame, and its checksums can be repaired. */
export function isRewritable(packet: Packet): boolean {
  if (packet.status !== STATUS.DECODED || packet.reassembled || packet.segmentsLeft) return false
  if (packet.transportOffset < 0) return packet.isFragment
  if (!CHECKSUM_AT.has(packet.protocol)) return false
  // Nothing in the packet could take up the difference in the checksums around it.
  return packet.outerIpOffset < 0 || !lacksChecksum(packet)
}

function lacksChecksum(packet: Packet): boolean {
  return (
    packet.protocol === IP_PROTOCOL.UDP && packet.view.getUint16(packet.transportOffset + UDP.CHECKSUM) === 0
  )
}

/** Puts `bytes` at `at`, within the payload of a rewritable packet that is no fragment. */
export function rewritePayload(packet: Packet, at: number, bytes: Uint8Array): void {
  const before = sumBytes(packet.buffer, at, bytes.length, packet.transportOffset)
  packet.buffer.set(bytes, at)
  repairTransport(packet, before, sumBytes(packet.buffer, at, bytes.length, packet.transportOffset))
}

/** Puts an address of the packet's IP version at `at`, where one stands. */
export function rewriteAddress(packet: Packet, at: number, bytes: Uint8Array): void {
  const { buffer, view } = packet
  const before = sumBytes(buffer, at, bytes.length, at)
  buffer.set(bytes, at)
  const after = sumBytes(buffer, at, bytes.length, at)
  if (packet.ipVersion === 4) adjust(view, packet.ipOffset + IPV4.CHECKSUM, before, after)
  if (packet.transportOffset >= 0 && packet.protocol !== IP_PROTOCOL.ICMP) {
    repairTransport(packet, before, after)
  }
}

/** Puts a TCP or UDP port at `at`, where one stands. */
export function rewritePort(packet: Packet, at: number, port: number): void {
  const before = packet.view.getUint16(at)
  packet.view.setUint16(at, port)
  repairTransport(packet, before, port)
}

function repairTransport(packet: Packet, before: number, after: number): void {
  const offset = CHECKSUM_AT.get(packet.protocol)
  if (offset === undefined || lacksChecksum(packet)) return
  const at = packet.transportOffset + offset
  adjust(packet.view, at, before, after)
  // RFC 768: zero means that there is none.
  if (packet.protocol === IP_PROTOCOL.UDP && packet.view.getUint16(at) === 0)
    packet.view.setUint16(at, 0xffff)
}

/** Changes a checksum by the difference of two sums over the same bytes. */
function adjust(view: DataView, at: number, before: number, after: number): void {
  const sum = (~view.getUint16(at) & 0xffff) + (0xffff - fold(before)) + fold(after)
  view.setUint16(at, ~fold(sum) & 0xffff)
}

/** Sum of 16-bit words, of which one begins at `start`. */
function sumBytes(bytes: Uint8Array, at: number, length: number, start: number): number {
  let high = 0
  let low = 0
  for (let i = at; i < at + length; i++) {
    if (((i - start) & 1) === 0) high += bytes[i]!
    else low += bytes[i]!
  }
  return fold(fold(high) * 256) + fold(low)
}

function fold(sum: number): number {
  let folded = sum
  while (folded > 0xffff) folded = (folded & 0xffff) + Math.floor(folded / 0x1_0000)
  return folded
}
