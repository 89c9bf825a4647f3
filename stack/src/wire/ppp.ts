/** PPP (RFC 1661): as the frames of a serial line (LINKTYPE_PPP, LINKTYPE_PPP_HDLC), and its header anywhere else. */
import { decodeChdlc } from './chdlc.js'
import { decodeEtherType } from './ethernet.js'
import { ETHER_TYPE } from './link-type.js'
import type { Packet } from './packet.js'
import { STATUS } from './status.js'

/** Address and control of frames like those of HDLC (RFC 1662 section 3.1). */
const ADDRESS_CONTROL = 0xff03
/** Addresses of Cisco HDLC, which may stand on the same line. */
const CISCO_UNICAST = 0x0f
const CISCO_MULTICAST = 0x8f

/** PPP protocol numbers (IANA) of what the decoder knows. */
const ETHER_TYPES: ReadonlyMap<number, number> = new Map<number, number>([
  [0x21, ETHER_TYPE.IPV4],
  [0x57, ETHER_TYPE.IPV6],
  [0x281, ETHER_TYPE.MPLS],
  [0x283, ETHER_TYPE.MPLS],
])

/** A PPP header: with or without address and control, the protocol in two bytes or compressed to one. */
export class PppHeader {
  /** EtherType of the content; 0 = none that is known: control, or compressed or encrypted content. */
  type = 0
  /** Where the content begins. */
  content = 0

  /** False when it is cut short. */
  read(view: DataView, offset: number, end: number): boolean {
    let at = offset
    if (end - at < 2) return false
    if (view.getUint16(at) === ADDRESS_CONTROL) at += 2
    if (end - at < 2) return false
    // The lowest bit of the last byte is 1, that of the byte before it 0.
    let protocol = view.getUint8(at++)
    if ((protocol & 1) === 0) protocol = (protocol << 8) | view.getUint8(at++)
    this.type = ETHER_TYPES.get(protocol) ?? 0
    this.content = at
    return true
  }
}

const header = new PppHeader()

export function decodePpp(packet: Packet, offset: number, end: number, wireEnd: number): number {
  const { view } = packet
  if (!header.read(view, offset, end)) return STATUS.PPP_TRUNCATED
  const { type, content } = header
  if (type !== 0) return decodeEtherType(packet, type, content, end, wireEnd)
  packet.payloadOffset = content
  packet.payloadLength = end - content
  packet.payloadWireLength = wireEnd - content
  return STATUS.NOT_IP
}

/** PPP, always with address and control, or Cisco HDLC: the address tells. */
export function decodePppHdlc(packet: Packet, offset: number, end: number, wireEnd: number): number {
  const address = end > offset ? packet.view.getUint8(offset) : 0
  if (address === CISCO_UNICAST || address === CISCO_MULTICAST)
    return decodeChdlc(packet, offset, end, wireEnd)
  return decodePpp(packet, offset, end, wireEnd)
}
