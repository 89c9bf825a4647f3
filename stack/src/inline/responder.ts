/**
 * Packets made for a flow: resets, and what applications send in the name of one side to the other.
 *
 * They carry the flow's addresses, the link header of the packet that is being processed (turned for its sender), and
 * sequence numbers that the receiver expects next by what the stack has let pass.
 */
import type { FrameSender } from '../capture/verdict.js'
import {
  CLIENT_ADDRESS,
  FLAG_TCP,
  FLAGS,
  LINK,
  PACKETS,
  PORTS,
  RECEIVED,
  ROW_SHIFT,
  SERVER_ADDRESS,
  SIDE_RECEIVED,
  SIDE_SHIFT,
  SIDES,
  STATE,
} from '../flow/layout.js'
import { type FlowTable, linkIpVersion, linkProtocol } from '../flow/table.js'
import { IP_PROTOCOL, LINK_TYPE, MAX_IP_LENGTH, type Packet, TCP_FLAG } from '../wire/index.js'
import { type Route, tcpFrame, turned, udpFrame, unreachableFrame } from './build.js'

const { FIN, SYN, RST, ACK } = TCP_FLAG
const NOTHING = new Uint8Array(0)
const MIN_ETHER_TYPE = 0x600

/** What is particular about a packet to send: `Flow.sendPacket`. */
export interface PacketFields {
  /** At most 65,495 bytes over IPv4. Default none. */
  readonly payload?: Uint8Array
  /** TCP flags, `TCP_FLAG` bits. Default ACK. */
  readonly flags?: number
  /** TCP sequence number. Default: what the receiver expects next. */
  readonly sequence?: number
  /** TCP acknowledgement number. Default: what has come from the receiver, in order. */
  readonly acknowledgement?: number
  /** TCP window, not scaled. Default 0. */
  readonly window?: number
}

export class Responder {
  /** Takes frames to send; undefined while there is nobody to. */
  sender: FrameSender | undefined = undefined
  /** Frames sent, and frames that could not be: no sender, no link header to copy, or refused by the sender. */
  sent = 0
  unsent = 0
  private readonly table: FlowTable
  private readonly packet: Packet

  constructor(table: FlowTable, packet: Packet) {
    this.table = table
    this.packet = packet
  }

  send(interfaceIndex: number, frame: Uint8Array): boolean {
    const done = this.sender?.send(interfaceIndex, frame) ?? false
    if (done) this.sent++
    else this.unsent++
    return done
  }

  /**
   * Tells both ends that the flow in `row` is over, the current packet being one of its packets, sent by `s`, which will not
   * be forwarded. Other protocols than TCP: tells the sender that the port is unreachable.
   */
  reset(row: number, s: number): void {
    if ((this.table.words[(row << ROW_SHIFT) + FLAGS] & FLAG_TCP) === 0) {
      this.unreachable(row, s)
      return
    }
    this.resetReceiver(row, s)
    this.resetSender(row, s)
  }

  /** Answers the current packet of a TCP flow that is over with a reset. */
  resetSender(row: number, s: number): void {
    const { words } = this.table
    const p = this.packet
    const S = (row << ROW_SHIFT) + SIDES + (s << SIDE_SHIFT)
    if ((p.tcpFlags & RST) !== 0) return
    const taken =
      p.payloadWireLength + ((p.tcpFlags & SYN) !== 0 ? 1 : 0) + ((p.tcpFlags & FIN) !== 0 ? 1 : 0)
    const acknowledgement = (p.tcpSeq + taken) | 0
    if ((p.tcpFlags & ACK) === 0) {
      this.rst(row, s, s, 0, acknowledgement)
      return
    }
    // What is on its way to the sender gets there before the reset does.
    const ahead = (words[S + RECEIVED] - p.tcpAck) | 0
    if ((words[S + STATE] & SIDE_RECEIVED) !== 0 && ahead > 0)
      this.rst(row, s, s, words[S + RECEIVED], acknowledgement)
    this.rst(row, s, s, p.tcpAck, acknowledgement)
  }

  /** The packet's data may have been counted as received already: then the receiver expects its first byte. */
  private resetReceiver(row: number, s: number): void {
    const { words } = this.table
    const p = this.packet
    const S = (row << ROW_SHIFT) + SIDES + (s << SIDE_SHIFT)
    const R = (row << ROW_SHIFT) + SIDES + ((1 - s) << SIDE_SHIFT)
    // It has never heard of the flow.
    if ((p.tcpFlags & (SYN | ACK)) === SYN && words[S + PACKETS] === 1) return
    const known = (words[R + STATE] & SIDE_RECEIVED) !== 0
    const acknowledgement = (p.tcpFlags & ACK) !== 0 ? p.tcpAck : words[S + RECEIVED]
    if (known) this.rst(row, s, 1 - s, words[R + RECEIVED], acknowledgement)
    const before = p.payloadWireLength > 0 && ((p.tcpSeq - words[R + RECEIVED]) | 0) < 0
    if (!known || before) this.rst(row, s, 1 - s, p.tcpSeq, acknowledgement)
  }

  private rst(row: number, s: number, to: number, sequence: number, acknowledgement: number): void {
    const fields = { sequence, acknowledgement, flags: RST | ACK, window: 0, payload: NOTHING }
    this.dispatch(s, to, (link) => tcpFrame(link, this.route(row, to), this.ports(row, to), fields))
  }

  private unreachable(row: number, s: number): void {
    const p = this.packet
    if (p.protocol === IP_PROTOCOL.ICMP || p.protocol === IP_PROTOCOL.ICMPV6) return
    // RFC 1122, section 3.2.2: never about what was not sent to one host.
    const many = p.ipVersion === 4 ? p.dst3 >>> 28 >= 14 : p.dst0 >>> 24 === 0xff
    if (many) return
    const end = p.payloadOffset + p.payloadLength
    this.dispatch(s, s, (link) => {
      return unreachableFrame(link, this.route(row, s), p.buffer.subarray(p.ipOffset, end))
    })
  }

  /**
   * Sends a packet of the flow, whose current packet `s` has sent, to one side.
   * @throws RangeError for too much payload, TypeError for other protocols
   */
  flowPacket(row: number, s: number, to: number, fields: PacketFields): boolean {
    const { words } = this.table
    const at = row << ROW_SHIFT
    const protocol = linkProtocol(words[at + LINK])
    const { payload = NOTHING } = fields
    if (payload.length > MAX_IP_LENGTH - 40) throw new RangeError('the payload does not fit in one packet')
    const ports = this.ports(row, to)
    if (protocol === IP_PROTOCOL.UDP) {
      return this.dispatch(s, to, (link) => udpFrame(link, this.route(row, to), ports, payload))
    }
    if (protocol !== IP_PROTOCOL.TCP) throw new TypeError('only TCP and UDP packets can be sent for a flow')
    const receiver = at + SIDES + (to << SIDE_SHIFT)
    const other = at + SIDES + ((1 - to) << SIDE_SHIFT)
    const whole = {
      sequence: fields.sequence ?? words[receiver + RECEIVED],
      acknowledgement: fields.acknowledgement ?? words[other + RECEIVED],
      flags: fields.flags ?? ACK,
      window: fields.window ?? 0,
      payload,
    }
    return this.dispatch(s, to, (link) => tcpFrame(link, this.route(row, to), ports, whole))
  }

  /** Sends what `build` makes behind the link header of the current packet, to one side of its flow. */
  private dispatch(s: number, to: number, build: (link: Uint8Array) => Uint8Array): boolean {
    const p = this.packet
    const header = p.buffer.subarray(p.frameOffset, p.ipOffset)
    const plain =
      p.linkType === LINK_TYPE.ETHERNET && p.tunnelDepth === 0 && !p.reassembled && p.ipVersion !== 0
    if (
      this.sender === undefined ||
      p.locked ||
      !plain ||
      ((header[12] << 8) | header[13]) < MIN_ETHER_TYPE
    ) {
      this.unsent++
      return false
    }
    const back = to === s
    const link = back ? turned(header) : header
    return this.send(back ? p.interfaceIndex : 1 - p.interfaceIndex, build(link))
  }

  private route(row: number, to: number): Route {
    const { words } = this.table
    const at = row << ROW_SHIFT
    const client = words.subarray(at + CLIENT_ADDRESS, at + CLIENT_ADDRESS + 4)
    const server = words.subarray(at + SERVER_ADDRESS, at + SERVER_ADDRESS + 4)
    return {
      version: linkIpVersion(words[at + LINK]) as 4 | 6,
      source: to === 0 ? server : client,
      destination: to === 0 ? client : server,
    }
  }

  /** Source port in the upper half, destination port in the lower. */
  private ports(row: number, to: number): number {
    const ports = this.table.words[(row << ROW_SHIFT) + PORTS]
    return to === 0 ? (ports << 16) | (ports >>> 16) : ports
  }
}
