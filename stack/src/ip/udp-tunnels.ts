/**
 * Tunnels over UDP: VXLAN (RFC 7348), GENEVE (RFC 8926), Teredo (RFC 4380), GTP version 1 user data (3GPP TS 29.281).
 *
 * In: the payload of a datagram on the port of such a tunnel. Anyone may use these ports, so a header has to be right in
 * all that can be checked, or the datagram is plain UDP.
 */
import { ETHER_TYPE, IPV6 } from '../wire/index.js'
import { type Inner, TUNNEL } from './inner.js'

const VXLAN_LENGTH = 8
const VXLAN_HAS_NETWORK = 0x08

export function readVxlan(inner: Inner, view: DataView, at: number, end: number, wireEnd: number): boolean {
  if (end - at < VXLAN_LENGTH || (view.getUint8(at) & VXLAN_HAS_NETWORK) === 0) return false
  inner.kind = TUNNEL.VXLAN
  inner.space = inner.id = view.getInt32(at + 4) >>> 8
  inner.type = ETHER_TYPE.ETHERNET
  inner.at = at + VXLAN_LENGTH
  inner.end = end
  inner.wireEnd = wireEnd
  return true
}

const GENEVE_LENGTH = 8
const GENEVE_OPTION_HEADER = 4

export function readGeneve(inner: Inner, view: DataView, at: number, end: number, wireEnd: number): boolean {
  if (end - at < GENEVE_LENGTH) return false
  const first = view.getUint8(at)
  const start = at + GENEVE_LENGTH + ((first & 0x3f) << 2)
  if (first >> 6 !== 0 || start > end) return false
  // At most 63 options of 4 bytes: the header's length field bounds the loop.
  for (let option = at + GENEVE_LENGTH; option < start; ) {
    option += GENEVE_OPTION_HEADER + ((view.getUint8(option + 3) & 0x1f) << 2)
    if (option > start) return false
  }
  inner.kind = TUNNEL.GENEVE
  inner.space = inner.id = view.getInt32(at + 4) >>> 8
  inner.type = view.getUint16(at + 2)
  inner.at = start
  inner.end = end
  inner.wireEnd = wireEnd
  return true
}

const TEREDO_ORIGIN_LENGTH = 8
const TEREDO_AUTHENTICATION_LENGTH = 13
const TEREDO_PREFIX = 0x2001_0000
const LINK_LOCAL = 0xfe80

/**
 * Teredo has no header: an IPv6 packet, perhaps behind an authentication (00 01) and an origin indication (00 00). It is
 * one if its length is right and one of its addresses is a Teredo or, in bubbles to a server, a link-local one.
 */
export function readTeredo(inner: Inner, view: DataView, at: number, end: number, wireEnd: number): boolean {
  if (end - at >= TEREDO_AUTHENTICATION_LENGTH && view.getUint16(at) === 1) {
    at += TEREDO_AUTHENTICATION_LENGTH + view.getUint8(at + 2) + view.getUint8(at + 3)
  }
  if (end - at >= TEREDO_ORIGIN_LENGTH && view.getUint16(at) === 0) at += TEREDO_ORIGIN_LENGTH
  if (end - at < IPV6.HEADER_LENGTH || view.getUint8(at) >> 4 !== 6) return false
  const length = IPV6.HEADER_LENGTH + view.getUint16(at + IPV6.PAYLOAD_LENGTH)
  if (length > wireEnd - at) return false
  if (!isTeredoAddress(view, at + IPV6.SOURCE) && !isTeredoAddress(view, at + IPV6.DESTINATION)) return false
  inner.kind = TUNNEL.TEREDO
  inner.id = 0
  inner.type = ETHER_TYPE.IPV6
  inner.at = at
  inner.end = Math.min(end, at + length)
  inner.wireEnd = at + length
  return true
}

function isTeredoAddress(view: DataView, at: number): boolean {
  return view.getInt32(at) === TEREDO_PREFIX || view.getUint16(at) === LINK_LOCAL
}

const GTP_LENGTH = 8
const GTP_USER_DATA = 255
/** Sequence number, N-PDU number, type of the next extension: there if any of the three flags is set. */
const GTP_OPTIONAL_LENGTH = 4
const GTP_HAS_EXTENSION = 0x04
const MAX_GTP_EXTENSIONS = 16

export function readGtp(inner: Inner, view: DataView, at: number, end: number, wireEnd: number): boolean {
  if (end - at < GTP_LENGTH) return false
  const flags = view.getUint8(at)
  // Version 1, GTP (not GTP').
  if (flags >> 4 !== 3 || view.getUint8(at + 1) !== GTP_USER_DATA) return false
  const start = at + GTP_LENGTH
  const length = view.getUint16(at + 2)
  if (length > wireEnd - start) return false
  const stop = Math.min(end, start + length)
  let next = start
  if ((flags & 7) !== 0) {
    next += GTP_OPTIONAL_LENGTH
    if (next > stop) return false
    let more = (flags & GTP_HAS_EXTENSION) !== 0 && view.getUint8(next - 1) !== 0
    for (let count = 0; more; count++) {
      if (count === MAX_GTP_EXTENSIONS || next >= stop) return false
      const units = view.getUint8(next)
      next += units << 2
      if (units === 0 || next > stop) return false
      more = view.getUint8(next - 1) !== 0
    }
  }
  if (next >= stop) return false
  const version = view.getUint8(next) >> 4
  if (version !== 4 && version !== 6) return false
  inner.kind = TUNNEL.GTP
  inner.id = view.getInt32(at + 4)
  inner.type = version === 4 ? ETHER_TYPE.IPV4 : ETHER_TYPE.IPV6
  inner.at = next
  inner.end = stop
  inner.wireEnd = start + length
  return true
}
