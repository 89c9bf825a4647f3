/** Link types without a link layer: the frame is an IP packet, its version is in the first four bits. */
import { decodeIPv4 } from './ipv4.js'
import { decodeIPv6 } from './ipv6.js'
import type { Packet } from './packet.js'
import { STATUS } from './status.js'

export function decodeRaw(packet: Packet, offset: number, end: number, wireEnd: number): number {
  if (end <= offset) return STATUS.IP_EMPTY
  const version = packet.view.getUint8(offset) >> 4
  if (version === 4) return decodeIPv4(packet, offset, end, wireEnd)
  return version === 6 ? decodeIPv6(packet, offset, end, wireEnd) : STATUS.IP_VERSION
}
