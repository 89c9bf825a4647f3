/**
 * The alert handed to outputs: one object per inspector, refilled for every alert and valid during `AlertSink.alert`.
 *
 * In: the unit, the flow and the packet that are being inspected. Out: a filled `AlertRecord`.
 */
import { CLI, type Flow, type Packet, type Side, SVR } from '@weir/stack'
import { BUF } from '../inspect/buffers.js'
import { type InspectionUnit, SERVICE_NAMES, TO_SERVER, UNIT } from '../inspect/unit.js'
import type { AlertHttp, AlertRecord } from '../output/alert.js'
import type { Disposition } from '../output/disposition.js'
import { flowKeyOf } from '../output/flow-id.js'
import type { Rule, RuleAction } from '../rules/model.js'

const EMPTY = new Uint8Array(0)

export class AlertView implements AlertRecord {
  rule!: Rule
  action: RuleAction = 'alert'
  disposition: Disposition = 'allow'
  undecided = 0
  seconds = 0
  nanoseconds = 0
  packetNumber = 0
  protocol = 0
  ipVersion: 4 | 6 = 4
  sourceAddress = ''
  destinationAddress = ''
  sourcePort = 0
  destinationPort = 0
  direction: 'C2S' | 'S2C' | 'UNK' = 'UNK'
  vlan = -1
  fromStream = false
  late = false
  flowId = -1
  service = 'unknown'
  payload: Uint8Array = EMPTY
  payloadStart = 0
  payloadEnd = 0
  packetsToServer = 0
  packetsToClient = 0
  bytesToServer = 0
  bytesToClient = 0
  flowStart = 0
  /** The unit whose facts `http` reads, as long as nobody has asked; most outputs never do. */
  #unit: InspectionUnit | undefined
  #http: AlertHttp | undefined
  /** Flow whose addresses are in text form here. */
  #addressed = -1
  #client = ''
  #server = ''

  get http(): AlertHttp | undefined {
    if (this.#unit !== undefined) {
      this.#http = this.#unit.http?.()
      this.#unit = undefined
    }
    return this.#http
  }

  get flowKey(): string {
    return flowKeyOf(this)
  }

  /** Everything but the rule and what is decided about it. `packet` is the last one processed; the unit may be older data of another flow's. */
  fill(unit: InspectionUnit, packet: Packet, flow: Flow<unknown> | undefined): void {
    this.seconds = packet.seconds
    this.nanoseconds = packet.nanoseconds
    this.packetNumber = packet.number
    this.fromStream = unit.kind !== UNIT.PACKET
    this.service = SERVICE_NAMES[unit.service]!
    this.payload = unit.buffers.bytes[BUF.PKT_DATA]!
    this.payloadStart = unit.buffers.start[BUF.PKT_DATA]!
    this.payloadEnd = Math.max(this.payloadStart, unit.buffers.end[BUF.PKT_DATA]!)
    this.#unit = unit
    this.#http = undefined
    if (flow === undefined) this.#fillFromPacket(packet)
    else this.#fillFromFlow(unit, packet, flow)
  }

  #fillFromFlow(unit: InspectionUnit, packet: Packet, flow: Flow<unknown>): void {
    const toServer = unit.direction === TO_SERVER
    const sender = toServer !== unit.swapped ? CLI : SVR
    const receiver = sender === CLI ? SVR : CLI
    if (flow.id !== this.#addressed) {
      this.#addressed = flow.id
      this.#client = flow.address(CLI)
      this.#server = flow.address(SVR)
    }
    this.protocol = flow.protocol
    this.ipVersion = flow.ipVersion
    this.vlan = flow.vlan
    this.sourceAddress = sender === CLI ? this.#client : this.#server
    this.destinationAddress = sender === CLI ? this.#server : this.#client
    // The flow of an ICMP exchange has no ports; outputs show the type and code of the packet.
    const icmp = flow.protocol === 1 || flow.protocol === 58
    this.sourcePort = icmp ? packet.sourcePort : flow.port(sender)
    this.destinationPort = icmp ? packet.destinationPort : flow.port(receiver)
    this.direction = toServer ? 'C2S' : 'S2C'
    this.late = !isOf(flow, packet, icmp)
    this.flowId = flow.id
    this.packetsToServer = flow.packets(CLI)
    this.packetsToClient = flow.packets(SVR)
    this.bytesToServer = flow.bytes(CLI)
    this.bytesToClient = flow.bytes(SVR)
    this.flowStart = flow.startTime
  }

  #fillFromPacket(packet: Packet): void {
    this.protocol = packet.protocol
    this.ipVersion = packet.ipVersion === 6 ? 6 : 4
    this.vlan = packet.vlan
    this.sourceAddress = packet.address(0)
    this.destinationAddress = packet.address(1)
    this.sourcePort = packet.sourcePort
    this.destinationPort = packet.destinationPort
    this.direction = 'UNK'
    this.late = false
    this.flowId = -1
    this.packetsToServer = 0
    this.packetsToClient = 0
    this.bytesToServer = 0
    this.bytesToClient = 0
    this.flowStart = packet.time
  }
}

/** Whether the packet is of the flow: it travels between its ends, one way or the other. */
function isOf(flow: Flow<unknown>, packet: Packet, icmp: boolean): boolean {
  return (
    (isFrom(flow, CLI, packet, icmp) && isTo(flow, SVR, packet, icmp)) ||
    (isFrom(flow, SVR, packet, icmp) && isTo(flow, CLI, packet, icmp))
  )
}

function isFrom(flow: Flow<unknown>, side: Side, packet: Packet, icmp: boolean): boolean {
  return (
    packet.src3 === flow.addressWord(side, 3) &&
    packet.src2 === flow.addressWord(side, 2) &&
    packet.src1 === flow.addressWord(side, 1) &&
    packet.src0 === flow.addressWord(side, 0) &&
    (icmp || packet.sourcePort === flow.port(side))
  )
}

function isTo(flow: Flow<unknown>, side: Side, packet: Packet, icmp: boolean): boolean {
  return (
    packet.dst3 === flow.addressWord(side, 3) &&
    packet.dst2 === flow.addressWord(side, 2) &&
    packet.dst1 === flow.addressWord(side, 1) &&
    packet.dst0 === flow.addressWord(side, 0) &&
    (icmp || packet.destinationPort === flow.port(side))
  )
}
