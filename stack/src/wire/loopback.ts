/** BSD loopback (LINKTYPE_NULL, LINKTYPE_LOOP): a 32-bit address family, in either byte order, then IP. */
import { decodeIPv4 } from './ipv4.js'
import { decodeIPv6 } from './ipv6.js'
import type { Packet } from './packet.js'
import { STATUS } from './status.js'

export const LOOPBACK = { FAMILY: 0, HEADER_LENGTH: 4 } as const

const AF_INET = 2
/** AF_INET6 of Linux, NetBSD and OpenBSD, FreeBSD, Darwin. */
const AF_INET6: readonly number[] = [10, 24, 28, 30]

export function decodeLoopback(packet: Packet, offset: number, end: number, wireEnd: number): number {
  if (end - offset < LOOPBACK.HEADER_LENGTH) return STATUS.LOOPBACK_TRUNCATED
  const { view } = packet
  const high = view.getUint16(offset)
  const low = view.getUint16(offset + 2)
  // Families are small numbers: the half that is zero tells the byte order.
  const family = high === 0 ? low : low === 0 ? ((high & 0xff) << 8) | (high >> 8) : -1
  const at = offset + LOOPBACK.HEADER_LENGTH
  if (family === AF_INET) return decodeIPv4(packet, at, end, wireEnd)
  return AF_INET6.includes(family) ? decodeIPv6(packet, at, end, wireEnd) : STATUS.NOT_IP
}
