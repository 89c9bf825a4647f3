/** Frames made from nothing but numbers: an IP header and what it carries, behind the link header of another frame. */
import { ETHERNET, foldChecksum, ICMP, IP_PROTOCOL, IPV4, IPV6, sumWords, TCP, UDP } from '../wire/index.js'

const TTL = 64
const DONT_FRAGMENT = 0x40

/** Where a packet goes, and from where: words as in `Packet`. */
export interface Route {
  readonly version: 4 | 6
  readonly source: Int32Array
  readonly destination: Int32Array
}

/**
 * An IP packet behind a copy of `link`, whole but for `length` bytes of content at `at`, which `finish` is to be called for.
 * @param length bytes of the IP payload
 */
export function ipFrame(
  link: Uint8Array,
  route: Route,
  protocol: number,
  length: number,
): { readonly frame: Uint8Array; readonly view: DataView; readonly at: number } {
  const header = route.version === 4 ? IPV4.HEADER_LENGTH : IPV6.HEADER_LENGTH
  const frame = new Uint8Array(link.length + header + length)
  const view = new DataView(frame.buffer)
  frame.set(link)
  const ip = link.length
  if (route.version === 4) {
    frame[ip] = 0x45
    view.setUint16(ip + IPV4.TOTAL_LENGTH, header + length)
    frame[ip + IPV4.FRAGMENT] = DONT_FRAGMENT
    frame[ip + IPV4.TTL] = TTL
    frame[ip + IPV4.PROTOCOL] = protocol
    view.setInt32(ip + IPV4.SOURCE, route.source[3])
    view.setInt32(ip + IPV4.DESTINATION, route.destination[3])
    view.setUint16(ip + IPV4.CHECKSUM, foldChecksum(sumWords(view, ip, header, 0)))
  } else {
    frame[ip] = 0x60
    view.setUint16(ip + IPV6.PAYLOAD_LENGTH, length)
    frame[ip + IPV6.NEXT_HEADER] = protocol
    frame[ip + IPV6.HOP_LIMIT] = TTL
    for (let i = 0; i < 4; i++) {
      view.setInt32(ip + IPV6.SOURCE + 4 * i, route.source[i])
      view.setInt32(ip + IPV6.DESTINATION + 4 * i, route.destination[i])
    }
  }
  return { frame, view, at: ip + header }
}

/** Sets the checksum of the transport header at `at`; the rest of the frame is its content. */
export function setChecksum(
  view: DataView,
  at: number,
  offset: number,
  protocol: number,
  route: Route,
): void {
  const length = view.byteLength - at
  let pseudo = 0
  if (protocol !== IP_PROTOCOL.ICMP) {
    pseudo = protocol + length
    for (let i = route.version === 4 ? 3 : 0; i < 4; i++) {
      pseudo += halves(route.source[i]) + halves(route.destination[i])
    }
  }
  const sum = foldChecksum(sumWords(view, at, length, pseudo))
  view.setUint16(at + offset, sum === 0 && protocol === IP_PROTOCOL.UDP ? 0xffff : sum)
}

const halves = (word: number): number => (word & 0xffff) + (word >>> 16)

export interface TcpFields {
  readonly sequence: number
  readonly acknowledgement: number
  readonly flags: number
  readonly window: number
  readonly payload: Uint8Array
}

/** @param ports source port in the upper half, destination port in the lower */
export function tcpFrame(link: Uint8Array, route: Route, ports: number, fields: TcpFields): Uint8Array {
  const length = TCP.HEADER_LENGTH + fields.payload.length
  const { frame, view, at } = ipFrame(link, route, IP_PROTOCOL.TCP, length)
  view.setInt32(at, ports)
  view.setInt32(at + TCP.SEQUENCE, fields.sequence)
  view.setInt32(at + TCP.ACKNOWLEDGEMENT, fields.acknowledgement)
  view.setUint8(at + TCP.DATA_OFFSET, (TCP.HEADER_LENGTH / 4) << 4)
  view.setUint8(at + TCP.FLAGS, fields.flags)
  view.setUint16(at + TCP.WINDOW, fields.window)
  frame.set(fields.payload, at + TCP.HEADER_LENGTH)
  setChecksum(view, at, TCP.CHECKSUM, IP_PROTOCOL.TCP, route)
  return frame
}

/** @param ports as for `tcpFrame` */
export function udpFrame(link: Uint8Array, route: Route, ports: number, payload: Uint8Array): Uint8Array {
  const length = UDP.HEADER_LENGTH + payload.length
  const { frame, view, at } = ipFrame(link, route, IP_PROTOCOL.UDP, length)
  view.setInt32(at, ports)
  view.setUint16(at + UDP.LENGTH, length)
  frame.set(payload, at + UDP.HEADER_LENGTH)
  setChecksum(view, at, UDP.CHECKSUM, IP_PROTOCOL.UDP, route)
  return frame
}

/** Type and code of 'port unreachable' (RFC 792, RFC 4443). */
const UNREACHABLE = { 4: [3, 3], 6: [1, 4] } as const
/** Bytes of the packet that an error quotes: keeps the error below the smallest MTU of either version. */
const QUOTED = 512

/** An ICMP error about `packet` (the IP packet, as much of it as there is). */
export function unreachableFrame(link: Uint8Array, route: Route, packet: Uint8Array): Uint8Array {
  const quoted = packet.subarray(0, QUOTED)
  const protocol = route.version === 4 ? IP_PROTOCOL.ICMP : IP_PROTOCOL.ICMPV6
  const { frame, view, at } = ipFrame(link, route, protocol, ICMP.HEADER_LENGTH + quoted.length)
  const [type, code] = UNREACHABLE[route.version]
  view.setUint8(at + ICMP.TYPE, type)
  view.setUint8(at + ICMP.CODE, code)
  frame.set(quoted, at + ICMP.HEADER_LENGTH)
  setChecksum(view, at, ICMP.CHECKSUM, protocol, route)
  return frame
}

/** The link header of a frame on its way back: with the addresses of Ethernet changed over. */
export function turned(link: Uint8Array): Uint8Array {
  const copy = link.slice()
  copy.set(link.subarray(ETHERNET.SOURCE, ETHERNET.SOURCE + 6), ETHERNET.DESTINATION)
  copy.set(link.subarray(ETHERNET.DESTINATION, ETHERNET.DESTINATION + 6), ETHERNET.SOURCE)
  return copy
}
