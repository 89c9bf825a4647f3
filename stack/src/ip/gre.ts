/**
 * GRE (RFC 2784, keys and sequence numbers RFC 2890, source routes RFC 1701), its version 1 for PPTP (RFC 2637), and
 * ERSPAN (draft-foschiano-erspan), which lies in GRE. In: the bytes behind the IP or UDP header.
 */
import { ETHER_TYPE } from '../wire/index.js'
import { type Inner, TUNNEL } from './inner.js'
import { readPpp } from './link-tunnels.js'

const CHECKSUM = 0x8000
const ROUTING = 0x4000
const KEY = 0x2000
const SEQUENCE = 0x1000
/** Version 1 only. */
const ACKNOWLEDGEMENT = 0x0080
const VERSION = 0x0007
const BASE_LENGTH = 4
/** A source route entry: family, offset, length of what follows; family and length 0 end the list. */
const ROUTE_HEADER = 4
/** A route of more entries is not followed. */
const MAX_ROUTES = 16

/** Fills `inner` from the header at `at`. @returns false when it is malformed or of an unknown kind */
export function readGre(inner: Inner, view: DataView, at: number, end: number, wireEnd: number): boolean {
  if (end - at < BASE_LENGTH) return false
  const flags = view.getUint16(at)
  const type = view.getUint16(at + 2)
  const version = flags & VERSION
  if (version === 1) return readPptp(inner, view, at, end, wireEnd, flags, type)
  if (version !== 0) return false
  let next = at + BASE_LENGTH
  if ((flags & (CHECKSUM | ROUTING)) !== 0) next += 4
  const key = next
  if ((flags & KEY) !== 0) next += 4
  if ((flags & SEQUENCE) !== 0) next += 4
  if (next > end) return false
  if ((flags & ROUTING) !== 0) {
    next = skipRoutes(view, next, end)
    if (next < 0) return false
  }
  inner.kind = TUNNEL.GRE
  inner.id = (flags & KEY) !== 0 ? view.getInt32(key) : 0
  // Around frames it may be NVGRE's (RFC 7637): the lowest byte then tells flows apart, not networks.
  inner.space = type === ETHER_TYPE.ETHERNET ? inner.id >>> 8 : inner.id
  inner.type = type
  inner.at = next
  inner.end = end
  inner.wireEnd = wireEnd
  if (type === ETHER_TYPE.PPP) return readPpp(inner, view, next, end, wireEnd)
  return true
}

function skipRoutes(view: DataView, at: number, end: number): number {
  for (let count = 0; count < MAX_ROUTES; count++) {
    if (end - at < ROUTE_HEADER) return -1
    const family = view.getUint16(at)
    const length = view.getUint8(at + 3)
    at += ROUTE_HEADER + length
    if (at > end) return -1
    if (family === 0 && length === 0) return at
  }
  return -1
}

function readPptp(
  inner: Inner,
  view: DataView,
  at: number,
  end: number,
  wireEnd: number,
  flags: number,
  type: number,
): boolean {
  // The key holds the length of the payload and the call number.
  if ((flags & (CHECKSUM | ROUTING | KEY)) !== KEY || type !== ETHER_TYPE.PPP) return false
  let next = at + BASE_LENGTH + 4
  if ((flags & SEQUENCE) !== 0) next += 4
  if ((flags & ACKNOWLEDGEMENT) !== 0) next += 4
  if (next > end) return false
  const length = view.getUint16(at + BASE_LENGTH)
  if (length > wireEnd - next) return false
  inner.kind = TUNNEL.GRE
  inner.id = view.getUint16(at + BASE_LENGTH + 2)
  return readPpp(inner, view, next, Math.min(end, next + length), next + length)
}

const ERSPAN2_LENGTH = 8
const ERSPAN3_LENGTH = 12
const PLATFORM_LENGTH = 8
const SESSION = 0x03ff
/** Frame type of ERSPAN III: 0 Ethernet, 2 IP. */
const FRAME_IP = 2

/**
 * Replaces the GRE content in `inner`, of an ERSPAN type, by what is mirrored.
 * @param sequenced the GRE header has a sequence number: types II and III; without one it is type I, a bare frame
 */
export function readErspan(inner: Inner, view: DataView, sequenced: boolean): boolean {
  const { at, end, type } = inner
  inner.kind = TUNNEL.ERSPAN
  inner.type = ETHER_TYPE.ETHERNET
  if (type === ETHER_TYPE.ERSPAN) {
    if (!sequenced) return true
    if (end - at < ERSPAN2_LENGTH || view.getUint8(at) >> 4 !== 1) return false
    inner.id = view.getUint16(at + 2) & SESSION
    inner.at = at + ERSPAN2_LENGTH
    return true
  }
  if (end - at < ERSPAN3_LENGTH || view.getUint8(at) >> 4 !== 2) return false
  const last = view.getUint16(at + 10)
  inner.id = view.getUint16(at + 2) & SESSION
  inner.at = at + ERSPAN3_LENGTH + ((last & 1) !== 0 ? PLATFORM_LENGTH : 0)
  if (inner.at >= end) return false
  if (((last >> 10) & 0x1f) === FRAME_IP) {
    inner.type = view.getUint8(inner.at) >> 4 === 4 ? ETHER_TYPE.IPV4 : ETHER_TYPE.IPV6
  }
  return true
}

/** Whether the GRE header at `at` has a sequence number. */
export function isSequenced(view: DataView, at: number): boolean {
  return (view.getUint16(at) & SEQUENCE) !== 0
}
