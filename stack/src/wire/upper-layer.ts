/** From the IP header to the transport header: dispatch on the protocol number, fragments, IPsec AH. */
import { decodeIcmp } from './icmp.js'
import { decodeIcmp6 } from './icmp6.js'
import { MAX_EXTENSION_HEADERS } from './ipv6.js'
import { IP_PROTOCOL } from './link-type.js'
import type { Packet } from './packet.js'
import { STATUS } from './status.js'
import { decodeTcp } from './tcp.js'
import { decodeUdp } from './udp.js'

/** IPsec authentication header (RFC 4302): length in units of 4 bytes, less 2. */
export const AUTHENTICATION = { NEXT_HEADER: 0, LENGTH: 1, MIN_LENGTH: 12 } as const

/**
 * Decodes the payload `[at, end)` of an IP packet whose header has been accepted.
 * @param laterFragment the payload does not begin with a transport header
 */
export function decodeUpperLayer(
  packet: Packet,
  protocol: number,
  at: number,
  end: number,
  wireEnd: number,
  laterFragment: boolean,
): number {
  packet.protocol = protocol
  packet.payloadOffset = at
  packet.payloadLength = end > at ? end - at : 0
  packet.payloadWireLength = wireEnd - at
  if (laterFragment) return STATUS.DECODED
  const status =
    protocol === IP_PROTOCOL.TCP
      ? decodeTcp(packet, at, end, wireEnd)
      : protocol === IP_PROTOCOL.AUTHENTICATION && packet.ipVersion === 4
        ? decodeAuthentication(packet, at, end, wireEnd)
        : decodeOther(packet, protocol, at, end, wireEnd)
  // A first fragment may be too short for its transport header; whoever puts the fragments together decides.
  return packet.isFragment ? STATUS.DECODED : status
}

function decodeOther(packet: Packet, protocol: number, at: number, end: number, wireEnd: number): number {
  switch (protocol) {
    case IP_PROTOCOL.UDP:
      return decodeUdp(packet, at, end, wireEnd)
    case IP_PROTOCOL.ICMP:
      return packet.ipVersion === 4 ? decodeIcmp(packet, at, end, wireEnd) : STATUS.DECODED
    case IP_PROTOCOL.ICMPV6:
      return packet.ipVersion === 6 ? decodeIcmp6(packet, at, end, wireEnd) : STATUS.DECODED
    default:
      return STATUS.DECODED
  }
}

/** Steps over authentication headers in IPv4, which leave the payload in clear (IPv6: part of its header chain). */
function decodeAuthentication(packet: Packet, at: number, end: number, wireEnd: number): number {
  const { view } = packet
  let protocol: number = IP_PROTOCOL.AUTHENTICATION
  for (let count = 0; protocol === IP_PROTOCOL.AUTHENTICATION; count++) {
    if (count === MAX_EXTENSION_HEADERS || end - at < AUTHENTICATION.MIN_LENGTH) return STATUS.AH_MALFORMED
    const length = (view.getUint8(at + AUTHENTICATION.LENGTH) + 2) << 2
    if (length < AUTHENTICATION.MIN_LENGTH || length > end - at) return STATUS.AH_MALFORMED
    protocol = view.getUint8(at + AUTHENTICATION.NEXT_HEADER)
    at += length
  }
  packet.ipHeaderLength = at - packet.ipOffset
  packet.protocol = protocol
  packet.payloadOffset = at
  packet.payloadLength = end - at
  packet.payloadWireLength = wireEnd - at
  if (protocol === IP_PROTOCOL.TCP) return decodeTcp(packet, at, end, wireEnd)
  return decodeOther(packet, protocol, at, end, wireEnd)
}
