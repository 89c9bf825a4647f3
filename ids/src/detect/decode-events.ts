/**
 * What single packets do that no packet should (generator 116).
 *
 * In: every packet, while such events are wanted. Out: the numbers of its events, in a list that is reused. Called by the
 * inspector.
 */
import { ETHER_TYPE, IP_PROTOCOL, type Packet, STATUS, TCP_FLAG } from '@weir/stack'
import { DECODE_EVENT, STATUS_EVENT } from '../builtin/index.js'
import { judgeIcmp, judgeIcmp6 } from './decode-icmp.js'
import { judgeExtensions, judgeOuter } from './decode-ipv6.js'
import { judgeTcpOptions } from './decode-tcp-options.js'

const { FIN, SYN, RST, PSH, ACK, URG } = TCP_FLAG
const LARGE_UDP = 4000
const UDP_HEADER = 8
const UDP_LENGTH = 4
const IPV4_HEADER = 20
const ICMP_SHORTEST = 4
/** What the denial of service tools Shaft and Naptha send. */
const SHAFT_SEQUENCE = 674_711_609
const NAPTHA_SEQUENCE = 6_060_842
const NAPTHA_ID = 413

export class DecodeEvents {
  /** Events of the packet last judged: `[0, count)`. */
  readonly sids: number[] = []
  count = 0

  /** A frame that could not be decoded. */
  undecoded(packet: Packet): void {
    const { status } = packet
    this.count = 0
    if (status === STATUS.IP_VERSION && packet.etherType === ETHER_TYPE.IPV6) this.add(DECODE_EVENT.NOT_IPV6)
    else if (status === STATUS.ICMP_TRUNCATED && packet.payloadLength < ICMP_SHORTEST)
      this.add(DECODE_EVENT.ICMP_TRUNCATED)
    else if (status === STATUS.ICMP6_TRUNCATED && packet.payloadLength < ICMP_SHORTEST)
      this.add(DECODE_EVENT.ICMP6_TRUNCATED)
    else {
      const sid = STATUS_EVENT.get(status)
      if (sid !== undefined) this.add(sid)
    }
  }

  /** A packet that could. */
  judge(packet: Packet): void {
    this.count = 0
    if (packet.ipVersion === 4) this.#ipv4(packet)
    else if (packet.ipVersion === 6) this.#ipv6(packet)
    if (packet.tunnelDepth > 0) judgeOuter(this, packet)
    if (packet.nestedGtp) this.add(DECODE_EVENT.NESTED_GTP)
    // The first fragment has the header, but Snort reads on in it only for UDP.
    if (packet.transportOffset < 0 || (packet.isFragment && packet.protocol !== IP_PROTOCOL.UDP)) return
    switch (packet.protocol) {
      case IP_PROTOCOL.TCP:
        this.#tcp(packet)
        break
      case IP_PROTOCOL.UDP:
        this.#udp(packet)
        break
      case IP_PROTOCOL.ICMP:
        judgeIcmp(this, packet)
        break
      case IP_PROTOCOL.ICMPV6:
        judgeIcmp6(this, packet)
        break
    }
  }

  add(sid: number): void {
    this.sids[this.count++] = sid
  }

  #ipv4(packet: Packet): void {
    const source = packet.src3 >>> 24
    const destination = packet.dst3 >>> 24
    if (packet.src3 === packet.dst3) this.add(DECODE_EVENT.SAME_ADDRESSES)
    if (source === 127 || destination === 127) this.add(DECODE_EVENT.LOOPBACK)
    if (packet.ttl === 0) this.add(DECODE_EVENT.ZERO_TTL)
    if (packet.dontFragment && packet.moreFragments) this.add(DECODE_EVENT.MF_AND_DF)
    if (packet.dontFragment && packet.fragOffset > 0) this.add(DECODE_EVENT.DF_AND_OFFSET)
    if (packet.reservedBit) this.add(DECODE_EVENT.RESERVED_BIT)
    if (packet.ipHeaderLength > IPV4_HEADER) this.add(DECODE_EVENT.IPV4_OPTIONS)
    if (source === 0) this.add(DECODE_EVENT.FROM_CURRENT_NET)
    else if (packet.src3 === -1) this.add(DECODE_EVENT.FROM_BROADCAST)
    else if (source >= 240) this.add(DECODE_EVENT.FROM_RESERVED)
    else if (source >= 224) this.add(DECODE_EVENT.FROM_MULTICAST)
    if (destination === 0) this.add(DECODE_EVENT.TO_CURRENT_NET)
    else if (packet.dst3 === -1) this.add(DECODE_EVENT.TO_BROADCAST)
    else if (destination >= 240) this.add(DECODE_EVENT.TO_RESERVED)
  }

  #ipv6(packet: Packet): void {
    const { src0, src1, src2, src3, dst0, dst1, dst2, dst3 } = packet
    if (src3 === dst3 && src2 === dst2 && src1 === dst1 && src0 === dst0)
      this.add(DECODE_EVENT.SAME_ADDRESSES)
    if (isLow(src0, src1, src2, src3, 1) || isLow(dst0, dst1, dst2, dst3, 1)) this.add(DECODE_EVENT.LOOPBACK)
    if (isLow(dst0, dst1, dst2, dst3, 0)) this.add(DECODE_EVENT.TO_UNSPECIFIED)
    if (src0 >>> 24 === 0xff) this.add(DECODE_EVENT.IPV6_FROM_MULTICAST)
    if (dst0 >>> 24 === 0xff && !KNOWN_SCOPES.has((dst0 >>> 16) & 0xff))
      this.add(DECODE_EVENT.MULTICAST_SCOPE)
    judgeExtensions(this, packet)
  }

  #tcp(packet: Packet): void {
    const flags = packet.tcpFlags
    const christmas = FIN | PSH | URG
    const lights = SYN | ACK | RST
    if ((flags & christmas) === christmas)
      this.add((flags & lights) === lights ? DECODE_EVENT.XMAS : DECODE_EVENT.NMAP_XMAS)
    if ((flags & SYN) !== 0) this.#syn(packet, flags)
    else if ((flags & (ACK | RST)) === 0) this.add(DECODE_EVENT.NO_FLAGS)
    if ((flags & christmas) !== 0 && (flags & ACK) === 0) this.add(DECODE_EVENT.NO_ACK)
    judgeTcpOptions(this, packet)
    const { payloadWireLength: length } = packet
    if ((flags & URG) !== 0 && (length === 0 || packet.tcpUrgent > length))
      this.add(DECODE_EVENT.URGENT_POINTER)
    if (packet.sourcePort === 0 || packet.destinationPort === 0) this.add(DECODE_EVENT.TCP_PORT_0)
  }

  #syn(packet: Packet, flags: number): void {
    if (flags === SYN) {
      if (packet.tcpSeq === SHAFT_SEQUENCE) this.add(DECODE_EVENT.SHAFT)
      if (packet.ipVersion === 4 && packet.tcpSeq === NAPTHA_SEQUENCE && packet.ipId === NAPTHA_ID)
        this.add(DECODE_EVENT.NAPTHA)
    }
    if (packet.ipVersion === 4 && SYN_MULTICAST.has(packet.dst3 >>> 24))
      this.add(DECODE_EVENT.SYN_TO_MULTICAST)
    if ((flags & RST) !== 0) this.add(DECODE_EVENT.SYN_RST)
    if ((flags & FIN) !== 0) this.add(DECODE_EVENT.SYN_FIN)
  }

  #udp(packet: Packet): void {
    if (packet.payloadLength > LARGE_UDP) this.add(DECODE_EVENT.LARGE_UDP)
    if (packet.sourcePort === 0 || packet.destinationPort === 0) this.add(DECODE_EVENT.UDP_PORT_0)
    if (packet.isFragment) return
    const length = packet.view.getUint16(packet.transportOffset + UDP_LENGTH)
    const end = packet.ipOffset + packet.ipTotalLength
    if (length >= UDP_HEADER && packet.transportOffset + length < end) this.add(DECODE_EVENT.LONG_UDP)
  }
}

/** Source-specific, GLOP and administratively scoped groups (RFC 4607, 3180, 2365), by their first byte. */
const SYN_MULTICAST: ReadonlySet<number> = new Set([232, 233, 239])

/** Second byte of multicast addresses: reserved, interface, link, admin, site, organisation, global. */
const KNOWN_SCOPES: ReadonlySet<number> = new Set([0, 1, 2, 4, 5, 8, 14])

/** Whether the address is all zero but for its last word. */
function isLow(a: number, b: number, c: number, d: number, last: number): boolean {
  return a === 0 && b === 0 && c === 0 && d === last
}
