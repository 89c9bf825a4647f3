/** Packets logged by Linux's netfilter (LINKTYPE_NFLOG): a family, then records; one of them is the packet. */
import { decodeIPv4 } from './ipv4.js'
import { decodeIPv6 } from './ipv6.js'
import type { Packet } from './packet.js'
import { STATUS } from './status.js'

/** A record: length with this header and type, in the byte order of the machine that captured; padded to 4 bytes. */
export const NFLOG = {
  FAMILY: 0,
  VERSION: 1,
  HEADER_LENGTH: 4,
  RECORD_LENGTH: 0,
  RECORD_TYPE: 2,
  RECORD_HEADER: 4,
} as const

const AF_INET = 2
const AF_INET6 = 10
const PAYLOAD = 9

export function decodeNflog(packet: Packet, offset: number, end: number, wireEnd: number): number {
  if (end - offset < NFLOG.HEADER_LENGTH) return STATUS.NFLOG_MALFORMED
  const { view } = packet
  const family = view.getUint8(offset)
  if (view.getUint8(offset + NFLOG.VERSION) !== 0) return STATUS.NFLOG_MALFORMED
  if (family !== AF_INET && family !== AF_INET6) return STATUS.NOT_IP
  let at = offset + NFLOG.HEADER_LENGTH
  if (end - at < NFLOG.RECORD_HEADER) return STATUS.NFLOG_MALFORMED
  // The upper byte of the type holds flags and the types are few: a small value tells the byte order.
  const little =
    view.getUint8(at + NFLOG.RECORD_TYPE + 1) === 0 && view.getUint8(at + NFLOG.RECORD_TYPE) !== 0
  // Every record takes at least 4 bytes, which bounds the loop.
  while (end - at >= NFLOG.RECORD_HEADER) {
    const length = view.getUint16(at + NFLOG.RECORD_LENGTH, little)
    if (length < NFLOG.RECORD_HEADER || length > wireEnd - at) return STATUS.NFLOG_MALFORMED
    if ((view.getUint16(at + NFLOG.RECORD_TYPE, little) & 0x3fff) === PAYLOAD) {
      const start = at + NFLOG.RECORD_HEADER
      const stop = at + length
      return family === AF_INET
        ? decodeIPv4(packet, start, Math.min(stop, end), stop)
        : decodeIPv6(packet, start, Math.min(stop, end), stop)
    }
    at += (length + 3) & ~3
  }
  return STATUS.NFLOG_MALFORMED
}
