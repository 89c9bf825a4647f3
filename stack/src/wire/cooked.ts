/** Linux cooked captures (the 'any' interface): LINKTYPE_LINUX_SLL and LINKTYPE_LINUX_SLL2. */
import { decodeEtherType } from './ethernet.js'
import type { Packet } from './packet.js'
import { STATUS } from './status.js'

export const SLL = { PACKET_TYPE: 0, ARPHRD: 2, ADDRESS: 6, PROTOCOL: 14, HEADER_LENGTH: 16 } as const
export const SLL2 = {
  PROTOCOL: 0,
  INTERFACE: 4,
  ARPHRD: 8,
  PACKET_TYPE: 10,
  ADDRESS: 12,
  HEADER_LENGTH: 20,
} as const

export function decodeSll(packet: Packet, offset: number, end: number, wireEnd: number): number {
  if (end - offset < SLL.HEADER_LENGTH) return STATUS.COOKED_TRUNCATED
  const { view } = packet
  const type = view.getUint16(offset + SLL.PROTOCOL)
  return decodeEtherType(packet, type, offset + SLL.HEADER_LENGTH, end, wireEnd)
}

export function decodeSll2(packet: Packet, offset: number, end: number, wireEnd: number): number {
  if (end - offset < SLL2.HEADER_LENGTH) return STATUS.COOKED_TRUNCATED
  const { view } = packet
  const type = view.getUint16(offset + SLL2.PROTOCOL)
  return decodeEtherType(packet, type, offset + SLL2.HEADER_LENGTH, end, wireEnd)
}
