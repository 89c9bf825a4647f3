/** Encapsulations below IP: MPLS label stacks (RFC 3032), PPP (RFC 1661) and PPPoE sessions (RFC 2516). */
import { ETHER_TYPE, ETHERNET, IPV4, IPV6, PppHeader } from '../wire/index.js'
import { type Inner, TUNNEL } from './inner.js'

const LABEL_LENGTH = 4
/** Stacks are a few labels deep; this many is an attempt to hide a packet. */
export const MAX_LABELS = 16
const CONTROL_WORD_LENGTH = 4

/**
 * Fills `inner` from the label stack at `at`. Nothing in it names the content: an IP packet shows by its first four bits
 * and a length that fits, an Ethernet frame, with or without a control word of a pseudowire (RFC 4385) in front, by its
 * type field.
 */
export function readMpls(inner: Inner, view: DataView, at: number, end: number, wireEnd: number): boolean {
  let label = 0
  let bottom = false
  let next = at
  for (let count = 0; !bottom; count++) {
    if (count === MAX_LABELS || end - next < LABEL_LENGTH) return false
    const word = view.getInt32(next)
    if (count === 0) label = word >>> 12
    bottom = (word & 0x100) !== 0
    next += LABEL_LENGTH
  }
  inner.kind = TUNNEL.MPLS
  inner.id = label
  inner.type = ipType(view, next, end, wireEnd)
  inner.at = next
  inner.end = end
  inner.wireEnd = wireEnd
  if (inner.type !== 0) return true
  inner.type = ETHER_TYPE.ETHERNET
  if (isFrame(view, next + CONTROL_WORD_LENGTH, end) && view.getUint8(next) >> 4 === 0) {
    inner.at += CONTROL_WORD_LENGTH
    return true
  }
  return isFrame(view, next, end)
}

/** EtherType of the IP packet that seems to be at `at`, or 0. */
function ipType(view: DataView, at: number, end: number, wireEnd: number): number {
  if (end - at < IPV4.HEADER_LENGTH) return 0
  const version = view.getUint8(at) >> 4
  if (version === 4) return view.getUint16(at + IPV4.TOTAL_LENGTH) <= wireEnd - at ? ETHER_TYPE.IPV4 : 0
  if (version !== 6) return 0
  const length = IPV6.HEADER_LENGTH + view.getUint16(at + IPV6.PAYLOAD_LENGTH)
  return length <= wireEnd - at ? ETHER_TYPE.IPV6 : 0
}

/** Whether the type field of an Ethernet frame at `at` names something that may hold an IP packet. */
function isFrame(view: DataView, at: number, end: number): boolean {
  if (end - at < ETHERNET.HEADER_LENGTH) return false
  switch (view.getUint16(at + ETHERNET.TYPE)) {
    case ETHER_TYPE.IPV4:
    case ETHER_TYPE.IPV6:
    case ETHER_TYPE.VLAN:
    case ETHER_TYPE.QINQ:
    case ETHER_TYPE.QINQ_OLD:
    case ETHER_TYPE.QINQ_OLDER:
    case ETHER_TYPE.MPLS:
    case ETHER_TYPE.PPPOE_SESSION:
      return true
    default:
      return false
  }
}

const header = new PppHeader()

/**
 * Fills `inner` (but for kind and number) from the PPP frame at `at`. Compressed or encrypted content cannot be looked
 * into.
 */
export function readPpp(inner: Inner, view: DataView, at: number, end: number, wireEnd: number): boolean {
  if (!header.read(view, at, end) || header.type === 0) return false
  inner.type = header.type
  inner.at = header.content
  inner.end = end
  inner.wireEnd = wireEnd
  return true
}

const PPPOE_LENGTH = 6

/** Fills `inner` from the PPPoE session header at `at`. */
export function readPppoe(inner: Inner, view: DataView, at: number, end: number, wireEnd: number): boolean {
  // Version 1, type 1, code 0 (session data).
  if (end - at < PPPOE_LENGTH || view.getUint16(at) !== 0x1100) return false
  const length = view.getUint16(at + 4)
  const start = at + PPPOE_LENGTH
  if (length > wireEnd - start) return false
  inner.kind = TUNNEL.PPPOE
  inner.space = inner.id = view.getUint16(at + 2)
  return readPpp(inner, view, start, Math.min(end, start + length), start + length)
}
