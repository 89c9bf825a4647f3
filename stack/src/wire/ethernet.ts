/** Ethernet II and IEEE 802.3, with 802.1Q and 802.1ad (QinQ) tags. */
import { decodeIPv4 } from './ipv4.js'
import { decodeIPv6 } from './ipv6.js'
import { ETHER_TYPE } from './link-type.js'
import type { Packet } from './packet.js'
import { STATUS } from './status.js'

/** Offsets in an Ethernet header, and its length, bytes. */
export const ETHERNET = {
  DESTINATION: 0,
  SOURCE: 6,
  TYPE: 12,
  HEADER_LENGTH: 14,
} as const

/** A tag behind its own type field: control information, then the type of what follows. */
export const VLAN_TAG = { CONTROL: 0, TYPE: 2, LENGTH: 4 } as const

/** Two tags are common, three exist (provider networks); more than this is an attempt to hide a packet. */
export const MAX_VLAN_TAGS = 8

/** Values of the type field below this are IEEE 802.3 lengths. */
const MIN_ETHER_TYPE = 0x600
/** LLC to SNAP with the OUI of encapsulated Ethernet: AA AA 03 00 00 00, then a type field. */
const SNAP_LENGTH = 8

/**
 * Decodes the frame in `[offset, end)`. As in all decoders of this folder: `end` is the end of the captured bytes,
 * `wireEnd >= end` where the frame ended on the wire; the result is a `STATUS` code; no byte outside is read.
 */
export function decodeEthernet(packet: Packet, offset: number, end: number, wireEnd: number): number {
  if (end - offset < ETHERNET.HEADER_LENGTH) return STATUS.ETHERNET_TRUNCATED
  const { view } = packet
  const type = view.getUint16(offset + ETHERNET.TYPE)
  const at = offset + ETHERNET.HEADER_LENGTH
  if (type === ETHER_TYPE.IPV4) {
    packet.etherType = type
    return decodeIPv4(packet, at, end, wireEnd)
  }
  return decodeEtherType(packet, type, at, end, wireEnd)
}

/** Decodes what follows a type field of value `type`; `at` is the first byte behind it. */
export function decodeEtherType(
  packet: Packet,
  type: number,
  at: number,
  end: number,
  wireEnd: number,
): number {
  const { view } = packet
  let tags = 0
  while (
    type === ETHER_TYPE.VLAN ||
    type === ETHER_TYPE.QINQ ||
    type === ETHER_TYPE.QINQ_OLD ||
    type === ETHER_TYPE.QINQ_OLDER
  ) {
    if (++tags > MAX_VLAN_TAGS) return STATUS.VLAN_TOO_DEEP
    if (end - at < VLAN_TAG.LENGTH) return STATUS.VLAN_TRUNCATED
    // Identifier 0 carries a priority only: the frame belongs to the untagged network (802.1Q 9.6).
    const id = view.getUint16(at) & 0x0fff
    if (packet.vlan < 0 && id !== 0) packet.vlan = id
    type = view.getUint16(at + VLAN_TAG.TYPE)
    at += VLAN_TAG.LENGTH
  }
  if (type < MIN_ETHER_TYPE && end - at >= SNAP_LENGTH && isSnap(view, at)) {
    type = view.getUint16(at + 6)
    at += SNAP_LENGTH
  }
  packet.etherType = type
  if (type === ETHER_TYPE.IPV4) return decodeIPv4(packet, at, end, wireEnd)
  if (type === ETHER_TYPE.IPV6) return decodeIPv6(packet, at, end, wireEnd)
  packet.payloadOffset = at
  packet.payloadLength = end - at
  packet.payloadWireLength = wireEnd - at
  return STATUS.NOT_IP
}

function isSnap(view: DataView, at: number): boolean {
  if (view.getUint8(at) !== 0xaa || view.getUint8(at + 1) !== 0xaa || view.getUint8(at + 2) !== 0x03)
    return false
  return (view.getUint8(at + 3) | view.getUint8(at + 4) | view.getUint8(at + 5)) === 0
}
