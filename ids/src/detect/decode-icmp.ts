/** What ICMP messages say that no host should, or that tools are known by (generator 116). Called by `DecodeEvents`. */
import { ICMP, ICMP6, IPV4, type Packet } from '@weir/stack'
import { DECODE_EVENT } from '../builtin/index.js'

export interface EventAdder {
  add(sid: number): void
}

const TYPE = { ECHO_REPLY: 0, UNREACHABLE: 3, SOURCE_QUENCH: 4, REDIRECT: 5, ECHO: 8 } as const
/** Types in use: 0, 3 to 5 and 8 to 18, one bit each. */
const KNOWN_TYPES = 0x0007_ff39
const FRAGMENTATION_NEEDED = 4
const LEAST_MTU = 576
/** 666 in the sender's byte order, which the tool forgot to change. */
const ICMPENUM_SEQUENCE = 0x9a02
const RECORD_ROUTE = 7

/** Messages of one type and code. */
const TYPE_AND_CODE: ReadonlyMap<number, number> = new Map([
  [key(TYPE.REDIRECT, 0), DECODE_EVENT.REDIRECT_NET],
  [key(TYPE.REDIRECT, 1), DECODE_EVENT.REDIRECT_HOST],
  [key(TYPE.SOURCE_QUENCH, 0), DECODE_EVENT.SOURCE_QUENCH],
  [key(TYPE.UNREACHABLE, 9), DECODE_EVENT.NET_PROHIBITED],
  [key(TYPE.UNREACHABLE, 10), DECODE_EVENT.HOST_PROHIBITED],
  [key(TYPE.UNREACHABLE, 13), DECODE_EVENT.PROHIBITED],
])

/** Types with a longer header than 8 bytes: how long, and the event of one cut short. */
const LONG_HEADERS: ReadonlyMap<number, readonly [bytes: number, sid: number]> = new Map([
  [13, [20, DECODE_EVENT.ICMP_TIMESTAMP_SHORT]],
  [14, [20, DECODE_EVENT.ICMP_TIMESTAMP_SHORT]],
  [17, [12, DECODE_EVENT.ICMP_ADDRESS_SHORT]],
  [18, [12, DECODE_EVENT.ICMP_ADDRESS_SHORT]],
])

export function judgeIcmp(events: EventAdder, packet: Packet): void {
  const { sourcePort: type, destinationPort: code, view, transportOffset: at } = packet
  if (type > 18 || ((KNOWN_TYPES >> type) & 1) === 0) {
    events.add(DECODE_EVENT.ICMP_TYPE)
    return
  }
  const length = packet.payloadOffset + packet.payloadWireLength - at
  const header = LONG_HEADERS.get(type)
  if (header !== undefined && length < header[0]) {
    events.add(header[1])
    return
  }
  const sid = TYPE_AND_CODE.get(key(type, code))
  if (sid !== undefined) events.add(sid)
  const payload = length - ICMP.HEADER_LENGTH
  if (payload === 0 && view.getUint16(at + ICMP.SEQUENCE) === ICMPENUM_SEQUENCE)
    events.add(DECODE_EVENT.ICMPENUM)
  if (type === TYPE.ECHO) {
    if (packet.dst3 === -1) events.add(DECODE_EVENT.ECHO_TO_BROADCAST)
    else if (packet.dst3 >>> 28 === 0xe) events.add(DECODE_EVENT.ECHO_TO_MULTICAST)
    if (payload === 0) events.add(DECODE_EVENT.PING_NMAP)
    if (payload === 4 && code === 0 && view.getUint16(at + ICMP.SEQUENCE) === 0)
      events.add(DECODE_EVENT.BROADSCAN)
  } else if (type === TYPE.UNREACHABLE) {
    // The last two bytes of the header are the MTU of the next hop.
    if (code === FRAGMENTATION_NEEDED && view.getUint16(at + ICMP.SEQUENCE) < LEAST_MTU)
      events.add(DECODE_EVENT.PATH_MTU)
  } else if (type === TYPE.ECHO_REPLY && recordsRoute(packet)) events.add(DECODE_EVENT.TRACEROUTE_OPTION)
}

function recordsRoute(packet: Packet): boolean {
  const { view } = packet
  const end = packet.ipOffset + packet.ipHeaderLength
  for (let at = packet.ipOffset + IPV4.HEADER_LENGTH; at < end; ) {
    const kind = view.getUint8(at)
    if (kind === RECORD_ROUTE) return true
    if (kind === 0) return false
    const length = kind === 1 ? 1 : at + 1 < end ? view.getUint8(at + 1) : 0
    if (length === 0) return false
    at += length
  }
  return false
}

const TYPE6 = {
  UNREACHABLE: 1,
  TOO_BIG: 2,
  ECHO: 128,
  ECHO_REPLY: 129,
  SOLICITATION: 133,
  ADVERTISEMENT: 134,
} as const
const NODE_QUERY = 139
const NODE_RESPONSE = 140
const LEAST_MTU6 = 1280
const HOUR = 3_600_000
/** The highest type in use apart from errors: 128 to 161. */
const LAST_TYPE6 = 161
/** Of an advertisement: lifetime and flags, then the reachable time. */
const REACHABLE_TIME = 8
const ADVERTISEMENT_LENGTH = 16

export function judgeIcmp6(events: EventAdder, packet: Packet): void {
  const { sourcePort: type, destinationPort: code, view, transportOffset: at } = packet
  const end = packet.payloadOffset + packet.payloadLength
  const field = view.getUint32(at + ICMP6.ID)
  switch (type) {
    case TYPE6.ECHO:
    case TYPE6.ECHO_REPLY:
      if (packet.dst0 >>> 24 === 0xff) events.add(DECODE_EVENT.ECHO6_TO_MULTICAST)
      return
    case TYPE6.TOO_BIG:
      if (field < LEAST_MTU6) events.add(DECODE_EVENT.ICMP6_SMALL_MTU)
      return
    case TYPE6.UNREACHABLE:
      if (code === 2) events.add(DECODE_EVENT.ICMP6_CODE_2463)
      else if (code > 6) events.add(DECODE_EVENT.ICMP6_CODE_4443)
      return
    case TYPE6.SOLICITATION:
      if (code !== 0) events.add(DECODE_EVENT.ICMP6_SOLICITATION_CODE)
      if (field !== 0) events.add(DECODE_EVENT.ICMP6_SOLICITATION_RESERVED)
      return
    case TYPE6.ADVERTISEMENT:
      if (end - at < ADVERTISEMENT_LENGTH) {
        events.add(DECODE_EVENT.ICMP_SHORT)
        return
      }
      if (code !== 0) events.add(DECODE_EVENT.ICMP6_ADVERTISEMENT_CODE)
      if (view.getUint32(at + REACHABLE_TIME) > HOUR) events.add(DECODE_EVENT.ICMP6_REACHABLE_TIME)
      return
    case NODE_QUERY:
    case NODE_RESPONSE:
      if (code > 2) events.add(DECODE_EVENT.ICMP6_NODE_INFO_CODE)
      return
    default:
      if (type === 0 || (type > 4 && type < TYPE6.ECHO) || type > LAST_TYPE6)
        events.add(DECODE_EVENT.ICMP6_TYPE)
  }
}

function key(type: number, code: number): number {
  return (type << 8) | code
}
