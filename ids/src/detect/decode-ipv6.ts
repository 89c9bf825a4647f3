/** The chain of headers of an IPv6 packet: what should not be in it, or not there (generator 116). Called by `DecodeEvents`. */
import {
  IP_PROTOCOL,
  IPV6,
  IPV6_EXTENSION,
  IPV6_FRAGMENT,
  MAX_EXTENSION_HEADERS,
  type Packet,
} from '@weir/stack'
import { DECODE_EVENT } from '../builtin/index.js'
import type { EventAdder } from './decode-icmp.js'

const { HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION, AUTHENTICATION } = IP_PROTOCOL
const ENCRYPTION = 50
const MOBILITY = 135
const ROUTING_TYPE = 2
const MORE_FRAGMENTS = 1
const OFFSET = 0xfff8

/** What may stand in the first header's field. */
const FIRST_HEADERS: ReadonlySet<number> = new Set([
  HOP_BY_HOP,
  ROUTING,
  FRAGMENT,
  DESTINATION,
  MOBILITY,
  IP_PROTOCOL.TCP,
  IP_PROTOCOL.UDP,
  IP_PROTOCOL.ICMPV6,
  IP_PROTOCOL.NO_NEXT_HEADER,
  IP_PROTOCOL.GRE,
  IP_PROTOCOL.MPLS_IN_IP,
])

/** Place in the chain. */
const ORDER: ReadonlyMap<number, number> = new Map([
  [HOP_BY_HOP, 1],
  [DESTINATION, 2],
  [ROUTING, 3],
  [FRAGMENT, 4],
  [AUTHENTICATION, 5],
])

/** A packet around others: its first next header field says that there is one inside, which is none of the above. */
export function judgeOuter(events: EventAdder, packet: Packet): void {
  const { view, outerIpOffset: at } = packet
  if (at < 0 || view.getUint8(at) >> 4 !== 6) return
  if (!FIRST_HEADERS.has(view.getUint8(at + IPV6.NEXT_HEADER))) events.add(DECODE_EVENT.IPV6_NEXT_HEADER)
}

export function judgeExtensions(events: EventAdder, packet: Packet): void {
  const { view } = packet
  const end = packet.payloadOffset + packet.payloadLength
  let next = view.getUint8(packet.ipOffset + IPV6.NEXT_HEADER)
  if (!FIRST_HEADERS.has(next)) events.add(DECODE_EVENT.IPV6_NEXT_HEADER)
  let at = packet.ipOffset + IPV6.HEADER_LENGTH
  let place = 0
  let routed = false
  let told = false
  for (let count = 0; count < MAX_EXTENSION_HEADERS && end - at >= IPV6_EXTENSION.MIN_LENGTH; count++) {
    const kind = next
    const order = ORDER.get(kind)
    if (order === undefined) return
    next = view.getUint8(at + IPV6_EXTENSION.NEXT_HEADER)
    if (order <= place) {
      // Options for the last receiver may follow a routing header, as the last of the chain.
      const allowed = routed && kind === DESTINATION && !ORDER.has(next) && next !== ENCRYPTION
      if (!allowed && !told) {
        told = true
        events.add(DECODE_EVENT.IPV6_ORDER)
      }
    } else place = order
    if (kind === ROUTING) {
      routed = true
      if (view.getUint8(at + ROUTING_TYPE) === 0) events.add(DECODE_EVENT.ROUTING_TYPE_0)
      if (next === HOP_BY_HOP) events.add(DECODE_EVENT.ROUTING_BEFORE_HOP_BY_HOP)
      if (next === ROUTING) events.add(DECODE_EVENT.TWO_ROUTING_HEADERS)
    } else if (kind === DESTINATION && next === ROUTING) events.add(DECODE_EVENT.OPTIONS_BEFORE_ROUTING)
    if (kind === FRAGMENT) {
      const field = view.getUint16(at + IPV6_FRAGMENT.OFFSET)
      if ((field & (OFFSET | MORE_FRAGMENTS)) === 0) events.add(DECODE_EVENT.ATOMIC_FRAGMENT)
      if ((field & OFFSET) !== 0) return
      at += IPV6_FRAGMENT.LENGTH
    } else {
      const units = view.getUint8(at + IPV6_EXTENSION.LENGTH)
      at += kind === AUTHENTICATION ? (units + 2) << 2 : (units + 1) << 3
    }
  }
}
