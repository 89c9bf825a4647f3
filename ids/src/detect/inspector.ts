/**
 * Detection as a client of the stack: one inspector per worker.
 *
 * In: the stack's events (new data, gaps, ends of flows; single packets only when rules ask for them). Out: alerts to the
 * sink. Each TCP flow gets a context at its first payload; its bytes go through a `Conversation`, which hands inspection
 * units to the `Detector`. Nothing is registered for, and nothing is reassembled, that no rule looks at.
 */
import {
  type Anomaly,
  CLI,
  FRAGMENT_ANOMALY_SID,
  type Gap,
  KNOWN_PORT,
  type NewData,
  ON_ANOMALY,
  ON_CONN_END,
  ON_CONN_START,
  ON_FRAGMENT,
  ON_GAP,
  ON_NEW_DATA,
  ON_ORPHAN,
  ON_PKT_IN,
  ON_TCP_STATE_CHANGE,
  type Packet,
  type Stack,
  type Subscription,
  SVR,
  TCP_FLAG,
  TCP_STATE,
} from '@weir/stack'
import {
  DECODE_GID,
  FRAGMENT_GID,
  isAnomaly,
  SESSION_EVENT,
  SESSION_GID,
  STREAM_GID,
} from '../builtin/index.js'
import { ConversationPool } from '../http/index.js'
import { BUF, type BufferPool, type InspectCounters, InspectionContext, Unit } from '../inspect/index.js'
import { SERVICE, type ServiceId, TO_CLIENT, TO_SERVER, UNIT } from '../inspect/unit.js'
import type { AlertSink } from '../output/alert.js'
import { PROBED_TURNS, senderOf } from '../service/index.js'
import { InlineActions } from './actions.js'
import { AlertFilter } from './alert-filter.js'
import { keepConsistent } from './consistency.js'
import { Counters } from './counters.js'
import { DecodeEvents } from './decode-events.js'
import { Detector } from './detector.js'
import { DEFAULT_EVENT_QUEUE, EventQueue } from './event-queue.js'
import type { DetectFlow } from './flow-context.js'
import { FlowContext } from './flow-context.js'
import type { DetectObserver } from './observer.js'
import type { SearcherCache } from './pattern-set.js'
import { Reporter } from './reporter.js'
import type { DirectionTables, RuleSet } from './rule-set.js'
import type { DetectSettings } from './settings.js'
import { Tagger } from './tagger.js'

const TCP = 6
const UDP = 17
const ICMP = 1
const ICMPV6 = 58

export class Inspector {
  readonly counters = new Counters()
  /** What the stream and HTTP inspectors count. */
  readonly inspectCounters: InspectCounters
  readonly #set: RuleSet
  readonly #detector: Detector
  readonly #reporter: Reporter
  readonly #pool: ConversationPool<DetectFlow>
  readonly #buffers: BufferPool
  readonly #packetUnit = new Unit(UNIT.PACKET)
  readonly #subscriptions: Subscription[] = []
  readonly #stack: Stack
  readonly #observed: boolean
  readonly #inline: boolean
  /** Number of the last packet that began a flow and has been looked at as such. */
  #begunBy = 0

  constructor(
    set: RuleSet,
    matchers: SearcherCache,
    settings: DetectSettings,
    stack: Stack,
    sink: AlertSink,
    observer?: DetectObserver,
  ) {
    this.#set = set
    this.#stack = stack
    this.#observed = observer !== undefined
    this.#inline = settings.inline
    const filter = settings.deferFilters ? undefined : new AlertFilter(settings, this.counters)
    const queue = new EventQueue(set.rules, { ...DEFAULT_EVENT_QUEUE, ...settings.eventQueue }, this.counters)
    const open = (flow: DetectFlow): FlowContext => this.#openContext(flow)
    const tagger = this.#makeTagger(settings, sink)
    this.#reporter = new Reporter(
      set,
      queue,
      filter,
      stack.packet,
      sink,
      this.counters,
      open,
      settings.inline ? new InlineActions(stack.packet, this.counters) : undefined,
      tagger,
      observer,
    )
    this.#detector = new Detector(
      set,
      matchers,
      settings,
      stack.packet,
      this.#reporter,
      this.counters,
      open,
      observer,
    )
    const context = new InspectionContext<DetectFlow>(
      this.#detector,
      { immediate: settings.inline, ...settings.inspection },
      set.needs,
    )
    this.#detector.useContext(context)
    this.#pool = new ConversationPool(context)
    this.inspectCounters = context.counters
    this.#buffers = context.pool
    const usual = [SERVICE.UNKNOWN, SERVICE.HTTP].flatMap((service) => [
      ...set.streams.of(service),
      ...set.tcpPackets.of(service),
    ])
    const tables = [...usual, ...set.udp.of(SERVICE.UNKNOWN), ...set.icmp, ...set.otherIp]
    for (const table of tables) table.warmUp(settings.warmUpPorts, matchers, this.counters)
    this.#subscribe()
  }

  /** Alerts reported so far, by the rule's index in `Engine.rules`. */
  get alertsOf(): Readonly<Float64Array> {
    return this.#reporter.alertsOf
  }

  /** How often each rule was tried, by the same index: 0 = no traffic has come near it. */
  get triesOf(): Readonly<Float64Array> {
    return this.#detector.triesOf
  }

  /** Bytes of flows held for inspection: now, and at most so far (bounded by `inspection.bufferBudget`). */
  get heldBytes(): { readonly now: number; readonly peak: number } {
    const { inUse, peak } = this.#buffers
    return { now: inUse, peak }
  }

  /** Stops inspecting; flows that are open are not inspected to their end. */
  detach(): void {
    for (const subscription of this.#subscriptions) subscription.off()
    this.#subscriptions.length = 0
  }

  /** Made only when some rule has a tag and the sink logs packets. */
  #makeTagger({ maxTags }: DetectSettings, sink: AlertSink): Tagger | undefined {
    if (sink.tagged === undefined || !this.#set.rules.some(({ facts }) => facts.tag !== undefined))
      return undefined
    const tagger = new Tagger(maxTags, this.counters, (packet) => sink.tagged?.(packet))
    const socket = this.#stack.monitorStream<FlowContext>({ reassemble: { client: false, server: false } })
    this.#subscriptions.push(socket.on(ON_PKT_IN, (flow, packet) => tagger.packet(flow, packet)))
    return tagger
  }

  #subscribe(): void {
    const { streams, files, pdus, tcpPackets, wholePackets, orphans, udp, icmp, otherIp } = this.#set
    const looksAt = (...tables: DirectionTables[]): boolean =>
      tables.some(([toServer, toClient]) => !toServer.isEmpty || !toClient.isEmpty)
    // A turn ends when the other side sends, so one direction cannot be inspected without the other.
    const streamed = [streams, files, pdus, wholePackets].some(({ looksAtAny }) => looksAtAny)
    const reassemble = streamed || this.#set.needs.events || (this.#set.needsService && tcpPackets.looksAtAny)
    const packets = tcpPackets.looksAtAny || udp.looksAtAny || looksAt(icmp, otherIp)
    const orphaned = looksAt(orphans)
    if (this.#set.hasEvents(DECODE_GID)) this.#judgePackets()
    if (this.#set.hasEvents(FRAGMENT_GID)) this.#judgeFragments()
    if (this.#set.hasEvents(SESSION_GID)) this.#followSessions()
    if (!reassemble && !packets && !orphaned) return
    this.#subscriptions.push(this.#stack.roles.add({ serverPorts: this.#set.serverPorts, senderOf }))
    if (this.#inline && reassemble) this.#subscriptions.push(keepConsistent(this.#stack, this.counters))
    const socket = this.#stack.monitorStream<FlowContext>({
      reassemble: { client: reassemble, server: reassemble },
    })
    const subscriptions = this.#subscriptions
    if (packets) subscriptions.push(socket.on(ON_PKT_IN, (flow, packet) => this.#onPacket(flow, packet)))
    if (orphaned && streamed) {
      subscriptions.push(socket.on(ON_CONN_START, (flow, packet) => this.#onBeginning(flow, packet)))
    }
    if (reassemble) {
      subscriptions.push(socket.on(ON_NEW_DATA, (flow, data) => this.#onData(flow, data)))
      subscriptions.push(socket.on(ON_GAP, (flow, gap) => this.#onGap(flow, gap)))
      subscriptions.push(socket.on(ON_CONN_END, (flow) => this.#onEnd(flow)))
    }
    if (looksAt(otherIp)) {
      subscriptions.push(socket.on(ON_FRAGMENT, (packet) => this.#onFragment(packet)))
    }
    if (orphaned) subscriptions.push(socket.on(ON_ORPHAN, (packet) => this.#onOrphan(packet)))
    if (this.#set.hasEvents(STREAM_GID))
      subscriptions.push(socket.on(ON_ANOMALY, (flow, anomaly) => this.#onAnomaly(flow, anomaly)))
  }

  #openContext(flow: DetectFlow): FlowContext {
    const context = new FlowContext(flow.protocol === TCP ? this.#pool.open(flow.midstream) : undefined)
    flow.uctx = context
    return context
  }

  #onData(flow: DetectFlow, data: NewData): void {
    const context = flow.uctx ?? this.#openContext(flow)
    // `side` is the receiver.
    const direction = data.side === SVR ? TO_SERVER : TO_CLIENT
    const sent = data.offset + data.end - data.start
    const conversation = context.conversation!
    if (conversation.waiting && packetsOf(flow) > 1) conversation.confirm(flow)
    if (data.end > data.start) conversation.turnTo(flow, direction)
    if (direction === TO_SERVER) context.clientBytes = sent
    else context.serverBytes = sent
    conversation.data(flow, direction, data.bytes, data.start, data.end)
  }

  /**
   * The packet by which a flow begins: what it carries, on a SYN or picked up midstream, is looked at as it came with all
   * rules, also those that otherwise see streams only, and again as part of its stream. So does Snort.
   */
  #onBeginning(flow: DetectFlow, packet: Packet): void {
    if (packet.payloadLength === 0 || flow.protocol !== TCP) return
    const direction = flow.packetSide === CLI ? TO_SERVER : TO_CLIENT
    const table = this.#set.orphans[direction]
    if (table.isEmpty) return
    this.#begunBy = packet.number
    const unit = this.#fillUnit(packet)
    unit.direction = direction
    unit.service = SERVICE.UNKNOWN
    this.#detector.packet(flow, unit, packet, table)
  }

  #onGap(flow: DetectFlow, gap: Gap): void {
    const context = flow.uctx
    if (context === undefined) return
    const direction = gap.side === SVR ? TO_SERVER : TO_CLIENT
    if (context.conversation?.waiting === true) context.conversation.confirm(flow)
    context.conversation?.gap(flow, direction, gap.length)
    this.#detector.gap(flow, context, direction)
  }

  #onEnd(flow: DetectFlow): void {
    const context = flow.uctx
    if (context === undefined) return
    if (context.conversation?.waiting === true) {
      if (packetsOf(flow) > 1) context.conversation.confirm(flow)
      else context.probes = PROBED_TURNS
    }
    context.conversation?.close(flow)
    this.#detector.close(flow, context)
  }

  #onPacket(flow: DetectFlow, packet: Packet): void {
    const direction = flow.packetSide === CLI ? TO_SERVER : TO_CLIENT
    const { protocol } = packet
    let tables: DirectionTables
    let service: ServiceId = SERVICE.UNKNOWN
    if (protocol === UDP) {
      const unit = this.#fillUnit(packet)
      unit.direction = direction
      const { datagramPorts } = this.#set
      // Whoever was seen to send first is the client, but not surely where it is the one with a server's port.
      const eitherWay =
        datagramPorts[flow.port(CLI)] === KNOWN_PORT && datagramPorts[flow.port(SVR)]! < KNOWN_PORT
      this.#detector.datagram(flow, unit, packet, eitherWay)
      return
    }
    if (protocol === TCP) {
      if (packet.number === this.#begunBy) return
      service = serviceOf(flow.uctx)
      tables = this.#set.tcpPackets.of(service)
    } else if (protocol === ICMP || protocol === ICMPV6) tables = this.#set.icmp
    else tables = this.#set.otherIp
    const table = tables[direction]
    if (table.isEmpty) return
    const { sourcePort, destinationPort } = packet
    const admitted =
      direction === TO_SERVER
        ? table.admits(packet, destinationPort, sourcePort)
        : table.admits(packet, sourcePort, destinationPort)
    // Whoever observes wants to see every packet.
    if (!admitted && !this.#observed) return
    const unit = this.#fillUnit(packet)
    unit.direction = direction
    unit.service = service
    this.#detector.packet(flow, unit, packet, table)
  }

  /** Looks at the headers of every packet. */
  #judgePackets(): void {
    const events = new DecodeEvents()
    const report = (packet: Packet): void => {
      for (let i = 0; i < events.count; i++)
        this.#reportPacket(DECODE_GID, events.sids[i]!, undefined, packet)
    }
    const stack = this.#stack
    stack.onUndecoded = (packet) => {
      events.undecoded(packet)
      report(packet)
    }
    const judged = stack.monitorRaw().on(ON_PKT_IN, (packet) => {
      // What was put together has been judged in its fragments.
      if (packet.reassembled) return
      events.judge(packet)
      report(packet)
    })
    const off = (): void => {
      judged.off()
      stack.onUndecoded = undefined
    }
    this.#subscriptions.push({ off })
  }

  #judgeFragments(): void {
    const { defragmenter } = this.#stack
    defragmenter.onAnomaly = (anomaly, packet) => {
      this.#reportPacket(FRAGMENT_GID, FRAGMENT_ANOMALY_SID[anomaly], undefined, packet)
    }
    this.#subscriptions.push({
      off: () => {
        defragmenter.onAnomaly = undefined
      },
    })
  }

  /** Tells of the connections themselves: begun, established, over. */
  #followSessions(): void {
    const socket = this.#stack.monitorStream<FlowContext>({ reassemble: { client: false, server: false } })
    const { buffer } = this.#stack.packet
    const tell = (flow: DetectFlow, sid: number): void => {
      this.#detector.event(flow, TO_SERVER, SERVICE.UNKNOWN, SESSION_GID, sid, buffer, 0, 0)
    }
    this.#subscriptions.push(
      socket.on(ON_CONN_START, (flow, packet) => {
        const opens =
          flow.protocol === TCP && (packet.tcpFlags & (TCP_FLAG.SYN | TCP_FLAG.ACK)) === TCP_FLAG.SYN
        if (opens) tell(flow, SESSION_EVENT.SYN)
      }),
      socket.on(ON_TCP_STATE_CHANGE, (flow, { side, to }) => {
        if (side === SVR && to === TCP_STATE.ESTABLISHED) tell(flow, SESSION_EVENT.ESTABLISHED)
      }),
      socket.on(ON_CONN_END, (flow) => {
        if (flow.protocol === TCP) tell(flow, SESSION_EVENT.CLOSED)
      }),
    )
  }

  #onAnomaly(flow: DetectFlow, { code, packet }: Anomaly): void {
    if (!isAnomaly(code, packet)) return
    this.#reportPacket(STREAM_GID, code, flow, packet)
  }

  /** An event of a packet, of which the direction is known if its flow is. */
  #reportPacket(gid: number, sid: number, flow: DetectFlow | undefined, packet: Packet): void {
    const rule = this.#set.eventRule(gid, sid)
    if (rule === undefined) return
    const unit = this.#fillUnit(packet)
    unit.direction = flow !== undefined && flow.packetSide === SVR ? TO_CLIENT : TO_SERVER
    unit.service = SERVICE.UNKNOWN
    this.#reporter.event(flow, unit, rule)
  }

  /** A TCP packet of no flow travels in an unknown direction: both are tried, each rule once. */
  #onOrphan(packet: Packet): void {
    const unit = this.#fillUnit(packet)
    unit.direction = TO_SERVER
    unit.service = SERVICE.UNKNOWN
    this.#detector.withoutFlow(unit, packet, this.#set.orphans)
  }

  /** A fragment is for rules of protocol `ip` only: its transport header, if it has one, may be torn. */
  #onFragment(packet: Packet): void {
    const unit = this.#fillUnit(packet)
    const start = packet.ipOffset + packet.ipHeaderLength
    const end = packet.payloadOffset + packet.payloadLength
    unit.buffers.set(BUF.PKT_DATA, packet.buffer, start, Math.max(start, end))
    unit.direction = TO_SERVER
    unit.service = SERVICE.UNKNOWN
    this.#detector.withoutFlow(unit, packet, this.#set.otherIp)
  }

  #fillUnit(packet: Packet): Unit {
    const unit = this.#packetUnit
    const start = packet.payloadOffset
    unit.buffers.set(BUF.PKT_DATA, packet.buffer, start, start + packet.payloadLength)
    return unit
  }
}

/** Packets of the flow so far, the present one included. */
function packetsOf(flow: DetectFlow): number {
  return flow.packets(CLI) + flow.packets(SVR)
}

function serviceOf(context: FlowContext | undefined): ServiceId {
  if (context === undefined) return SERVICE.UNKNOWN
  const { conversation, service } = context
  return conversation !== undefined && conversation.service !== SERVICE.UNKNOWN
    ? conversation.service
    : service
}
