/**
 * Detection on one inspection unit: pattern search, candidate rules, evaluation.
 *
 * In: units from the HTTP and stream inspectors and from single packets (`UnitSink.inspect`, `packet`). Out: matches to
 * the `Reporter`, which makes alerts of them, and flowbits in the flow's context. One instance per worker. A rule matches
 * once per unit.
 */
import { CLI, type Packet, type Side, SVR } from '@weir/stack'
import { BUF } from '../inspect/buffers.js'
import type { InspectionContext } from '../inspect/context.js'
import { Unit } from '../inspect/inspection-unit.js'
import {
  type Direction,
  type InspectionUnit,
  SERVICE,
  type ServiceId,
  TO_SERVER,
  UNIT,
  type UnitSink,
} from '../inspect/unit.js'
import {
  hasCommands,
  hasMessages,
  messageEnd,
  nextCommand,
  type PduSink,
  ProtocolInspector,
  RecordJoiner,
} from '../protocol/index.js'
import { Candidates } from './candidates.js'
import type { CompiledRule } from './compile.js'
import type { Counters } from './counters.js'
import { Evaluation } from './evaluation.js'
import {
  type DetectFlow,
  type FlowContext,
  hasMatchedPiece,
  isEstablished,
  loadFlowAddresses,
} from './flow-context.js'
import type { GroupTable } from './groups.js'
import { SEES, UnitJudge } from './judge.js'
import type { DetectObserver } from './observer.js'
import type { SearcherCache } from './pattern-set.js'
import { PendingRules } from './pending-rules.js'
import type { Reporter } from './reporter.js'
import type { DirectionTables, RuleSet } from './rule-set.js'
import type { DetectSettings } from './settings.js'

const TCP = 6
/** Most payload of a usual packet. */
const PACKET_BYTES = 1460
/** Commands of one turn that are looked at by themselves. */
const MAX_COMMANDS = 4096
const SYN = 0x02

/** Outcomes of trying a rule, the better the higher. */
const NO_MATCH = 0
const WAIT = 1
const MATCH = 2
type Tried = number

export class Detector implements UnitSink<DetectFlow>, PduSink<DetectFlow> {
  readonly counters: Counters
  readonly #set: RuleSet
  readonly #rules: readonly CompiledRule[]
  readonly #candidates: Candidates
  readonly #reporter: Reporter
  readonly #packet: Packet
  readonly #open: (flow: DetectFlow) => FlowContext
  readonly #observer: DetectObserver | undefined
  readonly #state: Evaluation
  readonly #protocols: ProtocolInspector<DetectFlow>
  readonly #judge: UnitJudge
  readonly #eventUnit = new Unit(UNIT.STREAM)
  readonly #records = new RecordJoiner()
  readonly #wholeUnit = new Unit(UNIT.PACKET)
  /** The unit is shown to the rules for both directions. */
  #eitherWay = false
  /** Rules that have matched the turn, of which `#command` is part. */
  #turnMatches: number[] = []
  #command = false
  /** By rule index: how often the rule was tried. */
  readonly #triesOf: Float64Array

  /** Turns are shown as they come. */
  #immediate = false
  readonly #pending: PendingRules

  constructor(
    set: RuleSet,
    matchers: SearcherCache,
    settings: DetectSettings,
    packet: Packet,
    reporter: Reporter,
    counters: Counters,
    open: (flow: DetectFlow) => FlowContext,
    observer?: DetectObserver,
  ) {
    this.counters = counters
    this.#set = set
    this.#rules = set.rules
    this.#candidates = new Candidates(set, matchers, counters)
    this.#packet = packet
    this.#reporter = reporter
    this.#judge = new UnitJudge(set)
    this.#open = open
    this.#observer = observer
    this.#protocols = new ProtocolInspector(this)
    this.#state = new Evaluation(counters, settings.maxSteps, this.#protocols.facts)
    this.#triesOf = new Float64Array(set.rules.length)
    this.#pending = new PendingRules(settings.maxPendingRules, this.#candidates, counters)
  }

  /** How often each rule was a candidate, by rule index: 0 = no traffic has come near it. */
  get triesOf(): Readonly<Float64Array> {
    return this.#triesOf
  }

  /** A window of a stream or HTTP message. */
  inspect(flow: DetectFlow, unit: InspectionUnit): void {
    const { counters } = this
    const context = flow.uctx!
    if (unit.kind === UNIT.FILE) {
      counters.fileUnits++
      this.#inspectUnit(flow, context, unit, this.#set.files.of(unit.service)[unit.direction])
      return
    }
    if (unit.kind === UNIT.STREAM) {
      counters.streamUnits++
      this.#protocols.beforeUnit(flow, context, unit)
      if (unit.sequence === 0 && unit.last && hasMessages(unit.service))
        this.#inspectMessages(flow, context, unit)
      else this.#inspectUnit(flow, context, unit, this.#set.streams.of(unit.service)[unit.direction])
      if (unit.last) {
        this.#inspectCommands(flow, context, unit)
        this.#inspectWhole(flow, context, unit)
      }
      this.#protocols.afterUnit(flow, context, unit)
      return
    }
    if (unit.kind === UNIT.HTTP_REQUEST) counters.httpRequests++
    else counters.httpResponses++
    this.#inspectUnit(flow, context, unit, this.#set.streams.of(unit.service)[unit.direction])
  }

  /** Each command behind the first of a turn, by itself, for the rules that have not matched the turn. */
  #inspectCommands(flow: DetectFlow, context: FlowContext, unit: InspectionUnit): void {
    const { buffers, direction, service } = unit
    if (unit.sequence > 0 || !hasCommands(service, direction)) return
    const table = this.#set.streams.of(service)[direction]
    const bytes = buffers.bytes[BUF.PKT_DATA]!
    const start = buffers.start[BUF.PKT_DATA]!
    const end = buffers.end[BUF.PKT_DATA]!
    const pending = unit.pending
    let at = nextCommand(service, bytes, start, end)
    for (let count = 0; at >= 0 && count < MAX_COMMANDS; count++) {
      const next = nextCommand(service, bytes, at, end)
      buffers.set(BUF.PKT_DATA, bytes, at, next < 0 ? end : next)
      buffers.set(BUF.RAW_DATA, bytes, at, next < 0 ? end : next)
      this.#command = true
      this.#inspectUnit(flow, context, unit, table)
      this.#command = false
      at = next
    }
    if (at >= 0) this.counters.commandLimit++
    unit.pending = pending
    buffers.set(BUF.PKT_DATA, bytes, start, end)
    buffers.set(BUF.RAW_DATA, bytes, start, end)
  }

  /**
   * A turn that came in several segments, but would have fitted into one, is one for the rules that ask for packets; so is
   * the first of a flow picked up midstream.
   */
  #inspectWhole(flow: DetectFlow, context: FlowContext, unit: InspectionUnit): void {
    const { buffers, direction } = unit
    const inPieces = unit.pieces > 1 || isFirstOfMidstream(flow, context, buffers.length(BUF.PKT_DATA))
    if (unit.sequence === 0 && inPieces && buffers.length(BUF.PKT_DATA) <= PACKET_BYTES) {
      const table = this.#set.wholePackets.of(unit.service)[direction]
      if (!table.isEmpty && !context.blocked) {
        const whole = this.#wholeUnit
        const end = buffers.end[BUF.PKT_DATA]!
        whole.buffers.set(BUF.PKT_DATA, buffers.bytes[BUF.PKT_DATA]!, buffers.start[BUF.PKT_DATA]!, end)
        whole.direction = direction
        whole.swapped = unit.swapped
        whole.opaque = unit.opaque
        whole.service = unit.service
        this.#inspectUnit(flow, context, whole, table)
      }
    }
    if (context.pieceMatches !== undefined) context.pieceMatches[direction] = undefined
  }

  /** A turn that is all there, of a protocol whose messages tell their length: each message by itself. */
  #inspectMessages(flow: DetectFlow, context: FlowContext, unit: InspectionUnit): void {
    const { buffers, direction, service } = unit
    const table = this.#set.streams.of(service)[direction]
    const bytes = buffers.bytes[BUF.PKT_DATA]!
    const start = buffers.start[BUF.PKT_DATA]!
    const end = buffers.end[BUF.PKT_DATA]!
    const matches = context.packetMatches?.[direction]
    for (let at = start; at < end; ) {
      const stop = messageEnd(service, bytes, at, end)
      if (service === SERVICE.SUNRPC && this.#records.join(bytes, at, stop)) {
        buffers.set(BUF.PKT_DATA, this.#records.bytes, 0, this.#records.end)
      } else buffers.set(BUF.PKT_DATA, bytes, at, stop)
      buffers.set(BUF.RAW_DATA, bytes, at, stop)
      this.#protocols.beforeMessage(unit, at, stop)
      this.#inspectUnit(flow, context, unit, table)
      at = stop
      // What packets have alerted on stays known for the whole turn.
      if (at < end && matches !== undefined) context.packetMatches![direction] = matches
    }
    buffers.set(BUF.PKT_DATA, bytes, start, end)
    buffers.set(BUF.RAW_DATA, bytes, start, end)
  }

  endOfMessages(
    flow: DetectFlow,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): number {
    return this.#protocols.endOfMessages(flow, flow.uctx!, direction, bytes, start, end)
  }

  /** Something an inspector has found by itself. */
  event(
    flow: DetectFlow,
    direction: Direction,
    service: ServiceId,
    gid: number,
    sid: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    const rule = this.#set.eventRule(gid, sid)
    if (rule === undefined || flow.uctx?.blocked === true) return
    const unit = this.#eventUnit
    unit.direction = direction
    unit.service = service
    unit.buffers.set(BUF.PKT_DATA, bytes, start, end)
    this.#reporter.event(flow, unit, rule)
  }

  /** A message inside the stream, for the rules that ask about such messages. */
  pdu(flow: DetectFlow, unit: InspectionUnit): void {
    this.counters.pduUnits++
    const tables = flow.protocol === TCP ? this.#set.pdus : this.#set.datagramPdus
    this.#inspectUnit(flow, flow.uctx!, unit, tables.of(unit.service)[unit.direction])
  }

  #inspectUnit(flow: DetectFlow, context: FlowContext, unit: InspectionUnit, table: GroupTable): void {
    if (context.blocked) return
    const observer = this.#observer
    observer?.enter(table)
    if (table.isEmpty && observer === undefined) {
      if (unit.last) context.inspectedAs = unit.service
      return
    }
    const serverPort = flow.port(unit.swapped ? CLI : SVR)
    const clientPort = flow.port(unit.swapped ? SVR : CLI)
    const toServer = unit.direction === TO_SERVER
    const sender = toServer !== unit.swapped ? CLI : SVR
    const packet = this.#packetFrom(flow, sender)
    this.#begin(packet, false, context.bits)
    const pending = unit.sequence > 0 ? unit.pending : null
    if (pending !== null) this.#pending.excludeFired(pending)
    if (this.#command) for (const index of this.#turnMatches) this.#candidates.exclude(index)
    else if (unit.kind === UNIT.STREAM) this.#turnMatches.length = 0
    this.#candidates.search(table, unit, serverPort, clientPort)
    if (pending !== null) this.#pending.resume(pending)
    this.#candidates.settle(observer !== undefined)
    if (this.#candidates.count > 0 || observer !== undefined) {
      this.#state.packet = packet
      if (this.#set.testsAddresses) loadFlowAddresses(this.#state, flow, sender === CLI)
      this.#evaluate(flow, unit, toServer ? clientPort : serverPort, toServer ? serverPort : clientPort)
    }
    if (!unit.last) {
      this.#pending.leaveIn(unit)
      if (!this.#immediate || unit.kind !== UNIT.STREAM) return
    }
    context.inspectedAs = unit.service
    if (unit.kind === UNIT.PDU || unit.kind === UNIT.FILE || unit.kind === UNIT.PACKET) return
    this.#reporter.covered(context, unit)
  }

  /** The current packet if that side of the flow has sent it. */
  #packetFrom(flow: DetectFlow, sender: Side): Packet | undefined {
    const packet = this.#packet
    const own =
      flow.packetSide === sender &&
      packet.sourcePort === flow.port(sender) &&
      packet.destinationPort === flow.port(sender === CLI ? SVR : CLI)
    return own ? packet : undefined
  }

  /** Bytes of a stream are missing. */
  gap(flow: DetectFlow, context: FlowContext, direction: Direction): void {
    this.#protocols.gap(flow, context, direction)
  }

  /** The flow has ended; its turns and messages have been inspected. */
  close(flow: DetectFlow, context: FlowContext): void {
    this.#protocols.close(flow, context)
  }

  /** Must be called before the first unit. */
  useContext(context: InspectionContext<DetectFlow>): void {
    this.#pending.lookBack = context.limits.lookBack
    this.#immediate = context.limits.immediate
    this.#protocols.useContext(context)
  }

  /**
   * One UDP datagram: like `packet`, once the service is known.
   * @param eitherWay the client may as well be the server: the rules for both directions are tried, each once
   */
  datagram(flow: DetectFlow, unit: InspectionUnit, packet: Packet, eitherWay: boolean): void {
    const known = flow.uctx?.service ?? SERVICE.UNKNOWN
    const service = this.#protocols.beforeDatagram(known, unit, flow.port(eitherWay ? CLI : SVR))
    unit.service = service
    const tables = this.#set.udp.of(service)
    const table = tables[unit.direction]
    if (eitherWay) {
      this.#eitherWay = true
      this.#inEitherDirection(flow, unit, packet, tables)
      this.#eitherWay = false
    } else if (!table.isEmpty || this.#observer !== undefined) this.packet(flow, unit, packet, table)
    this.#protocols.afterDatagram(unit)
    if (service === SERVICE.UNKNOWN) return
    const context = flow.uctx ?? this.#open(flow)
    context.service = service
    context.inspectedAs = service
    if (service === SERVICE.DNP3) this.#protocols.datagramMessages(flow, context, unit)
  }

  /** One packet: `unit` holds its payload. `flow` is undefined when the packet belongs to none. */
  packet(flow: DetectFlow | undefined, unit: InspectionUnit, packet: Packet, table: GroupTable): void {
    const toServer = unit.direction === TO_SERVER
    const serverPort = toServer ? packet.destinationPort : packet.sourcePort
    const clientPort = toServer ? packet.sourcePort : packet.destinationPort
    this.#begin(packet, true, flow?.uctx?.bits)
    this.#observer?.enter(table)
    this.#candidates.searchPacket(table, unit, serverPort, clientPort)
    this.#evaluatePacket(flow, unit, packet)
  }

  /**
   * A packet without a flow: a TCP packet of no connection, or a fragment. Which end is the server is not known, so the
   * groups of both directions count.
   */
  withoutFlow(unit: InspectionUnit, packet: Packet, tables: DirectionTables): void {
    this.#inEitherDirection(undefined, unit, packet, tables)
  }

  #inEitherDirection(
    flow: DetectFlow | undefined,
    unit: InspectionUnit,
    packet: Packet,
    [toServer, toClient]: DirectionTables,
  ): void {
    this.#begin(packet, true, flow?.uctx?.bits)
    this.#observer?.enter(toServer)
    this.#observer?.enter(toClient)
    this.#candidates.searchPacket(toServer, unit, packet.destinationPort, packet.sourcePort)
    this.#candidates.searchPacket(toClient, unit, packet.sourcePort, packet.destinationPort)
    this.#evaluatePacket(flow, unit, packet)
  }

  #evaluatePacket(flow: DetectFlow | undefined, unit: InspectionUnit, packet: Packet): void {
    this.counters.packetUnits++
    this.#candidates.settle(this.#observer !== undefined)
    if (this.#candidates.count === 0 && this.#observer === undefined) return
    const state = this.#state
    state.packet = packet
    state.src0 = packet.src0
    state.src1 = packet.src1
    state.src2 = packet.src2
    state.src3 = packet.src3
    state.dst0 = packet.dst0
    state.dst1 = packet.dst1
    state.dst2 = packet.dst2
    state.dst3 = packet.dst3
    this.#evaluate(flow, unit, packet.sourcePort, packet.destinationPort)
  }

  #begin(packet: Packet | undefined, isPacket: boolean, bits: Uint32Array | undefined): void {
    this.#candidates.begin(packet, isPacket, bits)
    this.#reporter.begin()
    this.#pending.begin()
  }

  /** Tries the candidates in rule order and reports those that match. */
  #evaluate(
    flow: DetectFlow | undefined,
    unit: InspectionUnit,
    sourcePort: number,
    destinationPort: number,
  ): void {
    const { counters } = this
    this.#candidates.sort()
    const { list, count } = this.#candidates
    counters.candidates += count
    const state = this.#state
    state.unit = unit
    state.buffers = unit.buffers
    state.kind = unit.kind
    state.direction = flow === undefined ? -1 : unit.direction
    state.flow = flow
    const context = flow?.uctx
    state.bits = context?.bits
    state.clientBytes = context?.clientBytes ?? 0
    state.serverBytes = context?.serverBytes ?? 0
    const stay =
      unit.kind === UNIT.HTTP_REQUEST || unit.kind === UNIT.HTTP_RESPONSE
        ? this.#set.stayInMessages
        : unit.kind === UNIT.STREAM
          ? this.#set.stayInStreams
          : this.#set.stayElsewhere
    const slidesOn = !unit.last && this.#pending.slidesOn(unit.buffers)
    const established = isEstablished(flow)
    state.established = established
    const first = flow === undefined || (context?.inspectedAs ?? SERVICE.UNKNOWN) !== unit.service
    const judge = this.#judge
    const lengths = this.#candidates.lengthsOf(unit)
    const streamed = flow !== undefined && unit.kind === UNIT.PACKET && carriesStream(this.#packet)
    const filed = flow !== undefined && !this.#eitherWay
    judge.begin(unit, lengths, filed, established, first, streamed, sourcePort, destinationPort)
    const reporter = this.#reporter
    for (let i = 0; i < count; i++) {
      const index = list[i]!
      this.#triesOf[index]!++
      const sees = judge.judge(index, state)
      if (sees === SEES.NOTHING) continue
      const rule = this.#rules[index]!
      let outcome = this.#try(rule, index, sees === SEES.BODY, unit.last)
      if (sees === SEES.BOTH && outcome !== MATCH)
        outcome = Math.max(outcome, this.#try(rule, index, true, unit.last))
      if (outcome !== MATCH) {
        if (outcome === WAIT) this.#pending.wait(index, stay[index]!, slidesOn)
        continue
      }
      if (unit.kind === UNIT.PACKET && flow !== undefined && rule.facts.onWholePackets) {
        if (hasMatchedPiece(flow.uctx ?? this.#open(flow), unit.direction, index, unit === this.#wholeUnit))
          continue
      }
      if (!unit.last) this.#pending.fired(index)
      if (unit.kind === UNIT.STREAM) this.#turnMatches.push(index)
      counters.matches++
      this.#observer?.matched(index)
      if (!reporter.admits(flow, rule, index, unit)) continue
      if (rule.changes.length > 0 && flow !== undefined) this.#changeBits(flow, rule)
      reporter.add(flow, rule, index, unit)
    }
    this.#observer?.decided(reporter.fired)
    reporter.finish(flow, unit)
    this.#observer?.inspected(flow, unit, state, judge)
  }

  /** Evaluates a rule; one that does not hold now may have to wait for a later window of the message. */
  #try(rule: CompiledRule, index: number, bodyOnly: boolean, last: boolean): Tried {
    const state = this.#state
    state.begin(rule.rule.dialect, bodyOnly)
    const holds = state.run(rule.steps)
    if (!holds && last) return NO_MATCH
    // The gate is looked at last because it costs most, and not again in later windows.
    if (rule.gate !== undefined && !this.#candidates.isResumed(index) && !rule.gate.test(state))
      return NO_MATCH
    return holds ? MATCH : WAIT
  }

  #changeBits(flow: DetectFlow, rule: CompiledRule): void {
    const context = flow.uctx ?? this.#open(flow)
    context.bits ??= new Uint32Array(this.#set.flowbitWords)
    for (const change of rule.changes) change.apply(context.bits)
    this.#state.bits = context.bits
  }
}

/**
 * The turn is the first data of a flow picked up midstream. When it came as a packet the flow was not established yet, which
 * it has been all along.
 */
function isFirstOfMidstream(flow: DetectFlow, context: FlowContext, length: number): boolean {
  return flow.midstream && context.clientBytes + context.serverBytes === length
}

/** The data of the packet is inspected as part of its stream, too. */
function carriesStream(packet: Packet): boolean {
  return packet.protocol === TCP && packet.payloadLength > 0 && (packet.tcpFlags & SYN) === 0
}
