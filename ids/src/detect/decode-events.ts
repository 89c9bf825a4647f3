/**
 * What single packets do that no packet should (generator 116).
 *
 * In: every packet, while such events are wanted. Out: the numbers of its events, in a list that is reused. Called by the
 * inspector.
 */
import type { Packet } from '@weir/stack'
import { DECODE_EVENT, STATUS_EVENT } from '../builtin/index.js'

const TCP = 6
const UDP = 17
const FIN = 0x01
const SYN = 0x02
const RST = 0x04
const PSH = 0x08
const ACK = 0x10
const URG = 0x20
const LARGE_UDP = 4000
const IPV4_HEADER = 20

export class DecodeEvents {
  /** Events of the packet last judged: `[0, count)`. */
  readonly sids: number[] = []
  count = 0

  /** A frame that could not be decoded. */
  undecoded({ status }: Packet): void {
    this.count = 0
    const sid = STATUS_EVENT.get(status)
    if (sid !== undefined) this.#add(sid)
  }

  /** A packet that could. */
  judge(packet: Packet): void {
    this.count = 0
    if (packet.ipVersion === 4) this.#ipv4(packet)
    else if (packet.src3 === packet.dst3 && packet.src2 === packet.dst2) this.#ipv6(packet)
    if (packet.fragOffset > 0) return
    if (packet.protocol === TCP) this.#tcp(packet)
    else if (packet.protocol === UDP) this.#udp(packet)
  }

  #add(sid: number): void {
    this.sids[this.count++] = sid
  }

  #ipv4(packet: Packet): void {
    const source = packet.src3 >>> 24
    const destination = packet.dst3 >>> 24
    if (packet.src3 === packet.dst3) this.#add(DECODE_EVENT.SAME_ADDRESSES)
    if (source === 127 || destination === 127) this.#add(DECODE_EVENT.LOOPBACK)
    if (packet.ttl === 0) this.#add(DECODE_EVENT.ZERO_TTL)
    if (packet.dontFragment && packet.moreFragments) this.#add(DECODE_EVENT.MF_AND_DF)
    if (packet.dontFragment && packet.fragOffset > 0) this.#add(DECODE_EVENT.DF_AND_OFFSET)
    if (packet.reservedBit) this.#add(DECODE_EVENT.RESERVED_BIT)
    if (packet.ipHeaderLength > IPV4_HEADER) this.#add(DECODE_EVENT.IPV4_OPTIONS)
    if (source === 0) this.#add(DECODE_EVENT.FROM_CURRENT_NET)
    else if (packet.src3 === -1) this.#add(DECODE_EVENT.FROM_BROADCAST)
    else if (source >= 240) this.#add(DECODE_EVENT.FROM_RESERVED)
    else if (source >= 224) this.#add(DECODE_EVENT.FROM_MULTICAST)
    if (destination === 0) this.#add(DECODE_EVENT.TO_CURRENT_NET)
    else if (packet.dst3 === -1) this.#add(DECODE_EVENT.TO_BROADCAST)
    else if (destination >= 240) this.#add(DECODE_EVENT.TO_RESERVED)
  }

  #ipv6(packet: Packet): void {
    if (packet.src0 !== packet.dst0 || packet.src1 !== packet.dst1) return
    this.#add(DECODE_EVENT.SAME_ADDRESSES)
    if (packet.src3 === 1 && packet.src2 === 0 && packet.src1 === 0 && packet.src0 === 0)
      this.#add(DECODE_EVENT.LOOPBACK)
  }

  #tcp(packet: Packet): void {
    const flags = packet.tcpFlags
    const christmas = FIN | PSH | URG
    if ((flags & christmas) === christmas)
      this.#add((flags & (SYN | ACK | RST)) === 0 ? DECODE_EVENT.NMAP_XMAS : DECODE_EVENT.XMAS)
    if ((flags & SYN) !== 0) {
      const multicast = packet.ipVersion === 4 && packet.dst3 >>> 28 === 0xe
      if (flags === SYN && multicast) this.#add(DECODE_EVENT.SYN_TO_MULTICAST)
      if ((flags & RST) !== 0) this.#add(DECODE_EVENT.SYN_RST)
      if ((flags & FIN) !== 0) this.#add(DECODE_EVENT.SYN_FIN)
    } else if ((flags & (ACK | RST)) === 0) this.#add(DECODE_EVENT.NO_FLAGS)
    if ((flags & christmas) !== 0 && (flags & ACK) === 0) this.#add(DECODE_EVENT.NO_ACK)
    const { payloadLength } = packet
    if ((flags & URG) !== 0 && (payloadLength === 0 || packet.tcpUrgent > payloadLength))
      this.#add(DECODE_EVENT.URGENT_POINTER)
    if (packet.sourcePort === 0 || packet.destinationPort === 0) this.#add(DECODE_EVENT.TCP_PORT_0)
  }

  #udp(packet: Packet): void {
    if (packet.payloadLength > LARGE_UDP) this.#add(DECODE_EVENT.LARGE_UDP)
    if (packet.sourcePort === 0 || packet.destinationPort === 0) this.#add(DECODE_EVENT.UDP_PORT_0)
  }
}
