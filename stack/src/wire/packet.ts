/**
 * The packet being processed: where its headers lie in the capture chunk, and the values every consumer needs.
 *
 * One mutable instance is reused for all packets. Nothing is copied: `buffer` is the chunk that holds the frame, all
 * offsets point into it, and everything is valid only until the next frame is decoded. Values needed for every packet
 * are fields, filled by the decoder; values a few rules or outputs ask for are getters that read the header in place.
 */
import { formatIPv4, formatIPv6 } from './address.js'
import { FRAGMENT_OFFSET_MASK, IPV4, IPV4_FLAG } from './ipv4.js'
import { IPV6, IPV6_FRAGMENT } from './ipv6.js'
import { IP_PROTOCOL } from './link-type.js'
import { isRewritable, rewriteAddress, rewritePayload, rewritePort } from './rewrite.js'
import { STATUS } from './status.js'
import { TCP } from './tcp.js'

/** The end a packet comes from. */
export const SOURCE = 0
/** The end it goes to. */
export const DESTINATION = 1
/** Which end of a packet. */
export type End = typeof SOURCE | typeof DESTINATION

const EMPTY = new Uint8Array(0)

/** Bits of `Packet.decision`. */
export const DECISION = {
  /** The packet is not to go on. */
  DROP: 1,
  /** Its bytes have been changed where they stand. */
  CHANGED: 2,
  /** Its addresses or ports have. */
  READDRESSED: 4,
} as const

/** The view of a packet. One instance per stack, valid until the next frame. */
export class Packet {
  /** Chunk of the capture that holds the frame; reused for later frames. Set by `attach` only. */
  buffer: Uint8Array = EMPTY
  /** The same bytes. Reading fields through it takes a fifth less time than composing them from single bytes. */
  view: DataView = new DataView(EMPTY.buffer)
  /** Where the frame begins in `buffer`. */
  frameOffset = 0
  /** Bytes of the frame in `buffer`, from `frameOffset`. */
  frameLength = 0
  /** Bytes the frame had on the wire, never below `frameLength`. */
  wireLength = 0
  /** 1-based position in the run, over all captures of the run. */
  number = 0
  /** Time stamp: whole seconds since 1970. */
  seconds = 0
  /** Time stamp: nanoseconds within the second, 0 to 999,999,999. */
  nanoseconds = 0
  /** libpcap link type (DLT) of the interface. */
  linkType = 0
  /** Interface of the source it came in at, from 0. */
  interfaceIndex = 0
  /** Outcome of decoding, a `STATUS` code. */
  status: number = STATUS.NOT_IP

  /** Identifier of the outermost 802.1Q tag that names a VLAN (identifier 0 is priority only), or -1. */
  vlan = -1
  /** EtherType behind all tags; 0 when the link layer has none. */
  etherType = 0

  /** 4 or 6, or 0 when the frame holds no IP header that can be used. */
  ipVersion = 0
  /** Where the IP header begins in `buffer`. */
  ipOffset = 0
  /** Length of the IP header with options and extension headers (and IPsec AH), up to the upper-layer header. */
  ipHeaderLength = 0
  /** Length of the whole IP packet by its header: may exceed what was captured. */
  ipTotalLength = 0
  /** Upper-layer protocol number; -1 without IP. On later IPv6 fragments: what the fragment header names. */
  protocol = -1
  /** Any fragment, the first included. Its transport payload is not the whole one. */
  isFragment = false
  /** Offset of the IPv6 fragment header, or -1. */
  fragmentHeaderOffset = -1
  /** An IPv6 routing header names hops yet to come: the destination address is not the final one. */
  segmentsLeft = false
  /** Where the source address begins in `buffer`: 4 or 16 bytes. */
  sourceAddressOffset = 0
  /** Where the destination address begins in `buffer`. */
  destinationAddressOffset = 0
  /** Source address as four big-endian words (int32); IPv4 in word 3 behind 0, 0, 0xffff, as in ::ffff:0:0/96. */
  src0 = 0
  src1 = 0
  src2 = 0
  src3 = 0
  /** Destination address, likewise. */
  dst0 = 0
  dst1 = 0
  dst2 = 0
  dst3 = 0

  /**
   * Encapsulations removed: the IP fields are those of the innermost packet, the frame is still the outer one. MPLS and
   * PPPoE count, VLAN tags do not.
   */
  tunnelDepth = 0
  /** A GTP tunnel lies inside a GTP tunnel. */
  nestedGtp = false
  /** `TUNNEL` kind of the innermost encapsulation removed; 0 without one. */
  tunnel = 0
  /**
   * Its number: VXLAN and GENEVE network, GRE key, PPTP call, ERSPAN and PPPoE session, GTP tunnel endpoint (int32),
   * outermost MPLS label; 0 when it has none.
   */
  tunnelId = 0
  /**
   * The address space that the packet's addresses belong to, as a word that stands for the numbers of the networks it came
   * out of: VXLAN, GENEVE and PPPoE, GRE keys; 0 without any. Part of what identifies a flow. Numbers that differ by
   * direction are not in it (MPLS labels, GTP tunnel endpoints, PPTP calls), nor are mirror sessions (ERSPAN).
   */
  space = 0
  /** Offset of the outermost IP header of a packet that came out of a tunnel over IP, or -1. */
  outerIpOffset = -1
  /** Put together from fragments: the frame is the whole datagram, of raw link type. */
  reassembled = false

  /** TCP and UDP port; ICMP and ICMPv6: the type. 0 for other protocols and later fragments. */
  sourcePort = 0
  /** TCP and UDP port; ICMP and ICMPv6: the code. 0 for other protocols and later fragments. */
  destinationPort = 0
  /** Offset of a decoded TCP, UDP, ICMP or ICMPv6 header, or -1 (other protocol, later fragment, malformed). */
  transportOffset = -1
  /** Begin of the transport payload; of the IP payload when there is no decoded transport header. */
  payloadOffset = 0
  /** Captured bytes of the payload; link-layer padding is not part of it. */
  payloadLength = 0
  /** Bytes the payload had on the wire; above `payloadLength` when the capture cut the packet. */
  payloadWireLength = 0
  /** TCP sequence number (int32). */
  tcpSeq = 0
  /** TCP acknowledgement number (int32), whether or not the ACK flag is set. */
  tcpAck = 0
  /** TCP flags, FIN = 1 to CWR = 0x80. */
  tcpFlags = 0
  /** TCP window as sent, not scaled. */
  tcpWindow = 0
  /** TCP header with options, bytes; 0 when the packet is not TCP. */
  tcpHeaderLength = 0

  /** What handlers decided about the packet: `DECISION` bits. Set to 0 by the stack for every frame. */
  decision = 0
  /** Handlers called now are not about this packet: it may not be decided about. Set by the stack. */
  locked = false
  /** Packets dropped, and packets changed, since the start. */
  drops = 0
  changes = 0

  /** Makes `buffer` the one all offsets point into. */
  attach(buffer: Uint8Array): void {
    if (buffer === this.buffer) return
    this.buffer = buffer
    this.view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length)
  }

  /** Forgets the encapsulations of the packet before. */
  clearLayers(): void {
    this.tunnelDepth = 0
    this.tunnel = 0
    this.tunnelId = 0
    this.space = 0
    this.outerIpOffset = -1
    this.nestedGtp = false
    this.reassembled = false
  }

  /** The capture holds less of the payload than was on the wire. */
  get truncated(): boolean {
    return this.payloadLength < this.payloadWireLength
  }

  /** Time stamp in whole microseconds since 1970. */
  get time(): number {
    return this.seconds * 1_000_000 + ((this.nanoseconds / 1000) | 0)
  }

  /** IPv4 time to live or IPv6 hop limit. */
  get ttl(): number {
    if (this.ipVersion === 4) return this.buffer[this.ipOffset + IPV4.TTL]!
    return this.ipVersion === 6 ? this.buffer[this.ipOffset + IPV6.HOP_LIMIT]! : 0
  }

  /** IPv4 type of service or IPv6 traffic class. */
  get tos(): number {
    const at = this.ipOffset
    if (this.ipVersion === 4) return this.buffer[at + IPV4.TOS]!
    if (this.ipVersion !== 6) return 0
    return ((this.buffer[at]! & 0x0f) << 4) | (this.buffer[at + 1]! >> 4)
  }

  /** IPv4 identification (16 bits) or that of the IPv6 fragment header (int32); 0 without one. */
  get ipId(): number {
    if (this.ipVersion === 4) return this.view.getUint16(this.ipOffset + IPV4.ID)
    if (this.fragmentHeaderOffset < 0) return 0
    return this.view.getInt32(this.fragmentHeaderOffset + IPV6_FRAGMENT.ID)
  }

  /** IPv4 flags and fragment offset as sent: `IPV4_FLAG` bits over an offset in units of 8 bytes; 0 for IPv6. */
  private get ipv4Fragment(): number {
    if (this.ipVersion !== 4) return 0
    return this.view.getUint16(this.ipOffset + IPV4.FRAGMENT)
  }

  /** Offset of this fragment's payload in the unfragmented packet's, bytes. */
  get fragOffset(): number {
    if (this.fragmentHeaderOffset < 0) return (this.ipv4Fragment & FRAGMENT_OFFSET_MASK) << 3
    return this.view.getUint16(this.fragmentHeaderOffset + IPV6_FRAGMENT.OFFSET) & 0xfff8
  }

  /** More fragments follow. */
  get moreFragments(): boolean {
    if (this.fragmentHeaderOffset < 0) return (this.ipv4Fragment & IPV4_FLAG.MORE_FRAGMENTS) !== 0
    return (this.buffer[this.fragmentHeaderOffset + IPV6_FRAGMENT.OFFSET + 1]! & 1) !== 0
  }

  /** IPv4: routers may not fragment the packet. */
  get dontFragment(): boolean {
    return (this.ipv4Fragment & IPV4_FLAG.DONT_FRAGMENT) !== 0
  }

  /** IPv4: the flag that must be zero. */
  get reservedBit(): boolean {
    return (this.ipv4Fragment & IPV4_FLAG.RESERVED) !== 0
  }

  /** TCP urgent pointer as sent, whether or not the URG flag is set; 0 when the packet is not TCP. */
  get tcpUrgent(): number {
    if (this.tcpHeaderLength === 0) return 0
    return this.view.getUint16(this.transportOffset + TCP.URGENT)
  }

  /** Text of an address (RFC 5952 for IPv6), '' without IP. Allocates: for outputs, not for the packet path. */
  address(end: End): string {
    if (this.ipVersion === 0) return ''
    const at = end === SOURCE ? this.sourceAddressOffset : this.destinationAddressOffset
    return this.ipVersion === 4 ? formatIPv4(this.buffer, at) : formatIPv6(this.buffer, at)
  }

  /** A handler has dropped the packet. */
  get dropped(): boolean {
    return (this.decision & DECISION.DROP) !== 0
  }

  /**
   * The packet is not to go on; what one handler has dropped, no other can save. At PRE_TCP (and in handlers of raw sockets,
   * ON_ORPHAN and ON_FRAGMENT) it is for the stack as if it had never come. Later its connection has taken notice of it:
   * what it carries is not delivered if it has not been yet, and when it has been, the same bytes sent again are dropped too.
   *
   * Inline sources obey. With any other source the packet has long gone on: it is counted, and the stack treats it as
   * dropped, nothing more.
   * @returns whether the packet is one to decide about: not in handlers of timers, nor for data they release
   */
  drop(): boolean {
    if (this.locked) return false
    if ((this.decision & DECISION.DROP) === 0) this.drops++
    this.decision |= DECISION.DROP
    return true
  }

  /**
   * Puts `bytes` in place of as many of the payload from `offset` on, and repairs the checksum: a wrong one stays wrong.
   * The change is made in the buffer at once and seen by the handlers called after it; an inline source sends it on.
   * Nothing remembers it: when the segment is sent again, the old bytes come (ON_REXMIT).
   * @returns false, with nothing done, for packets whose bytes are not those of the frame or have no checksum known: put
   * together from fragments, fragments, other protocols than TCP, UDP and ICMP; and when it is not one to decide about
   * @throws RangeError when the bytes do not all lie within the captured payload
   */
  overwrite(offset: number, bytes: Uint8Array): boolean {
    const end = offset + bytes.length
    if (!Number.isSafeInteger(offset) || offset < 0 || end > this.payloadLength) {
      throw new RangeError(`bytes ${offset} to ${end} do not lie in a payload of ${this.payloadLength} bytes`)
    }
    if (this.locked || this.isFragment || !isRewritable(this)) return false
    rewritePayload(this, this.payloadOffset + offset, bytes)
    this.changed(DECISION.CHANGED)
    return true
  }

  /**
   * Replaces an address, and repairs the checksums; otherwise like `overwrite`, but for fragments too. In a handler of a raw
   * socket it is done before the packet's flow is looked up: the flow is that of the new addresses. Not within tunnels over IP.
   * @param bytes 4 or 16, as the packet's IP version has it: see `parseAddress`
   * @throws RangeError for another number of bytes
   */
  setAddress(end: End, bytes: Uint8Array): boolean {
    const length = this.ipVersion === 4 ? 4 : 16
    if (bytes.length !== length) throw new RangeError(`an address of this packet has ${length} bytes`)
    if (this.locked || this.outerIpOffset >= 0 || !isRewritable(this)) return false
    const at = end === SOURCE ? this.sourceAddressOffset : this.destinationAddressOffset
    rewriteAddress(this, at, bytes)
    const { view } = this
    const four = length === 4
    const w0 = four ? 0 : view.getInt32(at)
    const w1 = four ? 0 : view.getInt32(at + 4)
    const w2 = four ? 0xffff : view.getInt32(at + 8)
    const w3 = view.getInt32(four ? at : at + 12)
    if (end === SOURCE) {
      this.src0 = w0
      this.src1 = w1
      this.src2 = w2
      this.src3 = w3
    } else {
      this.dst0 = w0
      this.dst1 = w1
      this.dst2 = w2
      this.dst3 = w3
    }
    this.changed(DECISION.CHANGED | DECISION.READDRESSED)
    return true
  }

  /** Replaces a TCP or UDP port, like `setAddress`; within tunnels as well, not for fragments. @throws RangeError */
  setPort(end: End, port: number): boolean {
    if (!Number.isInteger(port) || port < 0 || port > 0xffff) throw new RangeError(`not a port: ${port}`)
    const ported = this.protocol === IP_PROTOCOL.TCP || this.protocol === IP_PROTOCOL.UDP
    if (this.locked || !ported || this.transportOffset < 0 || !isRewritable(this)) return false
    rewritePort(this, this.transportOffset + (end === SOURCE ? 0 : 2), port)
    if (end === SOURCE) this.sourcePort = port
    else this.destinationPort = port
    this.changed(DECISION.CHANGED | DECISION.READDRESSED)
    return true
  }

  private changed(what: number): void {
    if ((this.decision & DECISION.CHANGED) === 0) this.changes++
    this.decision |= what
  }

  /** The captured payload as a view of `buffer`. Allocates a view: for outputs and tests. */
  payload(): Uint8Array {
    return this.buffer.subarray(this.payloadOffset, this.payloadOffset + this.payloadLength)
  }

  /** The captured frame as a view of `buffer`. Allocates a view: for outputs and tests. */
  frame(): Uint8Array {
    return this.buffer.subarray(this.frameOffset, this.frameOffset + this.frameLength)
  }
}

/** Text of the address of one end of `packet`; '' when it holds no IP packet. */
export function formatAddress(packet: Packet, end: End): string {
  return packet.address(end)
}
