/** Cisco HDLC (LINKTYPE_C_HDLC): address, control, then an EtherType. */
import { decodeEtherType } from './ethernet.js'
import type { Packet } from './packet.js'
import { STATUS } from './status.js'

export const CHDLC = { ADDRESS: 0, CONTROL: 1, PROTOCOL: 2, HEADER_LENGTH: 4 } as const

export function decodeChdlc(packet: Packet, offset: number, end: number, wireEnd: number): number {
  if (end - offset < CHDLC.HEADER_LENGTH) return STATUS.CHDLC_TRUNCATED
  const type = packet.view.getUint16(offset + CHDLC.PROTOCOL)
  return decodeEtherType(packet, type, offset + CHDLC.HEADER_LENGTH, end, wireEnd)
}
