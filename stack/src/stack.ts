/**
 * The stack: frames in, flow events out.
 *
 * A frame is decoded, its flow looked up or made, the connection updated and the events raised, in this order: ON_PKT_IN
 * at PRE_TCP; ON_CONN_START, ON_TCP_STATE_CHANGE, ON_REXMIT; ON_PKT_IN at POST_TCP; ON_NEW_DATA and ON_GAP; ON_CONN_END.
 * Time is that of the packets. Packet sources call `frame` and `finish`; applications register at monitoring sockets.
 */
import { type FrameSender, type InlineSink, VERDICT, type Verdict } from './capture/verdict.js'
import { C, createCounters, type StackCounters } from './counters.js'
import { ANOMALY } from './event/anomaly.js'
import { Dispatcher } from './event/dispatcher.js'
import type { ForestStats, SocketRecord } from './event/forest.js'
import { FlowScopes } from './event/scopes.js'
import { SLOT_ANOMALY, SLOT_DATAGRAM, SLOT_PKT_POST, SLOT_PKT_PRE, SLOT_START } from './event/slots.js'
import {
  BYTES,
  FLAG_BLOCKED,
  FLAG_CLASS,
  FLAG_ENDED,
  FLAG_ESTABLISHED,
  FLAG_RST,
  FLAG_TCP,
  FLAGS,
  LAST_TIME,
  NEW_SYN_SEQ,
  NEW_SYN_WINDOW,
  PACKETS,
  ROW_SHIFT,
  SIDE_SHIFT,
  SIDES,
} from './flow/layout.js'
import { END, FlowLifecycle } from './flow/lifecycle.js'
import { MEMORY, MemoryBudget } from './flow/memory.js'
import { SHARD_OTHER, SHARD_OWN, SHARD_UNKNOWN, ShardFilter } from './flow/shard.js'
import { FlowTable, linkKey } from './flow/table.js'
import { timeoutTable } from './flow/timeouts.js'
import { FlowTimers } from './flow/timers.js'
import { type Timer, UserTimers } from './flow/user-timers.js'
import { TimerWheel } from './flow/wheel.js'
import { Responder } from './inline/responder.js'
import { Decapsulator, Defragmenter } from './ip/index.js'
import { ContextStore } from './monitor/context.js'
import type { Side } from './monitor/flow.js'
import { checkStreamBytes } from './monitor/flow-side.js'
import { FlowView } from './monitor/flow-view.js'
import { PacketHandlers } from './monitor/packet-handlers.js'
import { RETAINED_CHUNK, Retention } from './monitor/retention.js'
import { RawSocket, type RawSocketOptions, StreamSocket, type StreamSocketOptions } from './monitor/socket.js'
import { type StackOptions, type StackOptionsInput, stackOptions } from './options.js'
import { Handshake, SYN_ANSWERED, SYN_NOT_NEW } from './tcp/handshake.js'
import { CHUNK_BYTES } from './tcp/held.js'
import { HostPolicies } from './tcp/options.js'
import { Reassembler } from './tcp/reassembly.js'
import { TcpTracker } from './tcp/tracker.js'
import { SegmentWatch } from './tcp/watch.js'
import {
  clearPacket,
  DECISION,
  DecodeCounters,
  decodeFrame,
  decodeIp,
  IP_PROTOCOL,
  Packet,
  STATUS,
  TCP_FLAG,
  verifyChecksums,
} from './wire/index.js'

const { SYN, RST, ACK } = TCP_FLAG
/** Makes a stack. @throws RangeError when an option is out of range */
export function createStack(options: StackOptionsInput = {}): Stack {
  return new Stack(stackOptions(options))
}

/** A stack: a sink for frames, with sockets to monitor what they say. Made by `createStack`. */
export class Stack implements InlineSink {
  /** The packet being processed, or processed last. */
  readonly packet = new Packet()
  /** As given, completed by the defaults. */
  readonly options: StackOptions
  /** Running totals. */
  readonly counters: StackCounters
  /** Rows of the flows. For the stack's own parts. @internal */
  readonly table: FlowTable
  /** For the stack's own parts. @internal */
  readonly events: Dispatcher
  private readonly counts: Float64Array
  private readonly decode: DecodeCounters
  private readonly wheel: TimerWheel
  private readonly timeouts: Float64Array
  private readonly flows: FlowLifecycle
  private readonly responder: Responder
  private readonly reassembler: Reassembler
  private readonly retention: Retention
  private readonly userTimers: UserTimers
  private readonly handshake: Handshake
  private readonly tracker: TcpTracker
  private readonly scopes: FlowScopes
  private readonly orphans = new PacketHandlers()
  private readonly fragments = new PacketHandlers()
  private readonly raws = new PacketHandlers()
  /** Puts fragments together; `onAnomaly` may be set. */
  readonly defragmenter: Defragmenter
  private readonly decapsulator: Decapsulator
  private readonly defragments: boolean
  private nextSocket = 0
  private readonly verify: boolean
  private readonly midstream: boolean
  /** Undefined when there is one shard. */
  private readonly shard: ShardFilter | undefined
  /** Counts the decoding of frames that every shard decodes: those of the first one are shown. */
  private readonly common: DecodeCounters
  /** Set by `admit`: the flow of the packet is new. */
  private admitted = false
  /** Whether the data of a packet that handlers drop has been taken by the reassembler. */
  private taken = true

  /** Made by `createStack`. @internal */
  constructor(options: StackOptions) {
    this.options = options
    this.table = new FlowTable(options.maxFlows, options.seed)
    this.events = new Dispatcher(this.table, this.packet)
    this.scopes = new FlowScopes(this.events.store)
    this.wheel = new TimerWheel(this.table.words)
    this.timeouts = timeoutTable(options.timeouts)
    const decode = new DecodeCounters()
    const memory = new MemoryBudget(options.memory)
    this.defragmenter = new Defragmenter(options.defrag, options.seed, memory)
    this.defragments = options.defrag.enabled
    const { shard } = options
    this.shard = shard.count > 1 ? new ShardFilter(shard, options.seed) : undefined
    this.common = shard.index === 0 ? decode : new DecodeCounters()
    this.decapsulator = new Decapsulator(options.tunnels, this.common)
    const { counters, values } = createCounters(
      { decode, defrag: this.defragmenter.counters, tunnels: this.decapsulator.counters },
      {
        liveFlows: () => this.table.live,
        heldBytes: () => this.reassembler.held.inUse * CHUNK_BYTES,
        timers: () => this.flows.userTimers.count,
        droppedPackets: () => this.packet.drops,
        changedPackets: () => this.packet.changes,
        sentPackets: () => this.responder.sent,
        unsentPackets: () => this.responder.unsent,
        memoryBytes: () => memory.inUse,
        memoryRefusals: () => memory.refused,
        flowMemoryRefusals: () => memory.flowRefused,
        reclaimedChunks: () => memory.reclaimed[MEMORY.KEPT],
        reclaimedDatagrams: () => memory.reclaimed[MEMORY.FRAGMENTS],
        retainedBytes: () => this.retention.inUse * RETAINED_CHUNK,
      },
    )
    this.counters = counters
    this.decode = decode
    this.counts = values
    const { table, events, packet } = this
    const timers = new FlowTimers(table, this.wheel, this.timeouts)
    this.retention = new Retention(events, values, options.retention.totalBytes, memory)
    const watch = new SegmentWatch(table, events, packet, values, options.tcp)
    this.reassembler = new Reassembler(
      table,
      events,
      this.wheel,
      values,
      packet,
      options.outOfOrder,
      memory,
      this.retention,
      watch,
    )
    const hosts = new HostPolicies(options.tcp)
    this.handshake = new Handshake(table, events, this.reassembler, values, packet, timers, hosts, watch)
    this.tracker = new TcpTracker(
      table,
      events,
      this.reassembler,
      values,
      packet,
      this.handshake,
      timers,
      watch,
    )
    this.responder = new Responder(table, packet)
    this.userTimers = new UserTimers(options.maxTimers, values, memory)
    this.flows = new FlowLifecycle({
      userTimers: this.userTimers,
      table,
      events,
      scopes: this.scopes,
      wheel: this.wheel,
      timers,
      reassembler: this.reassembler,
      retention: this.retention,
      counts: values,
      packet,
      responder: this.responder,
    })
    this.verify = options.checksums === 'verify'
    this.midstream = options.midstream
  }

  /** Trace time: that of the last packet, or of the last `idle`, microseconds since 1970. */
  get now(): number {
    return this.flows.now
  }

  /**
   * Told of every frame that could not be decoded: `packet.status` says why (`STATUS`), and only fields that had been read
   * before the fault mean anything. With shards, each frame is told by one of them. Not of wrong transport checksums.
   */
  onUndecoded: ((packet: Packet) => void) | undefined

  /** What is to become of the frame just processed. Read by inline sources; others have no use for it. */
  get verdict(): Verdict {
    return (this.packet.decision & DECISION.DROP) !== 0 ? VERDICT.DROP : VERDICT.FORWARD
  }

  /**
   * What sends packets of the stack's own: `sendPacket`, and `reset` and `sendPacket` of flow handles. An inline source sets
   * it while it runs; an application with a passive source may set one, to answer by another interface.
   */
  get sender(): FrameSender | undefined {
    return this.responder.sender
  }

  set sender(sender: FrameSender | undefined) {
    this.responder.sender = sender
  }

  /**
   * Sends a frame out of an interface, as it is. The stack itself does not see it.
   * @returns whether it was sent: there is a `sender`, and it took the frame
   */
  sendPacket(interfaceIndex: number, frame: Uint8Array): boolean {
    return this.responder.send(interfaceIndex, frame)
  }

  /**
   * Opens a socket that monitors flows.
   * @throws RangeError when a number of bytes is out of range
   * @throws BpfError when a filter is wrong
   */
  monitorStream<Ctx = unknown>(options: StreamSocketOptions = {}): StreamSocket<Ctx> {
    const contexts = new ContextStore()
    const number = this.nextSocket++
    const readers = new ContextStore()
    const { retain, reassemblyDepth: depth } = options
    const record: SocketRecord = {
      number,
      view: undefined,
      registrations: [],
      reassemble: [options.reassemble?.client ?? true, options.reassemble?.server ?? true],
      retain: [retain?.client ?? 0, retain?.server ?? 0],
      depth: [depth?.client ?? 0, depth?.server ?? 0],
    }
    for (const bytes of record.retain) checkStreamBytes('retain', bytes)
    for (const bytes of record.depth) checkStreamBytes('reassemblyDepth', bytes)
    record.view = new FlowView<Ctx>(this.flows, record, contexts, readers)
    const socket = new StreamSocket<Ctx>(
      this.events,
      record,
      this.scopes,
      this.orphans,
      this.fragments,
      () => {
        this.flows.monitors = this.flows.monitors.filter((m) => m.record !== record)
        this.userTimers.cancelSocket(number)
      },
      () => this.retention.trimAll(),
    )
    socket.bindMonitorFilter({ stream: options.filter, orphan: options.orphanFilter })
    this.events.store.addSocket(record)
    this.flows.monitors = [...this.flows.monitors, { record, contexts, readers }]
    return socket
  }

  /**
   * Opens a socket that sees every IP packet.
   * @throws BpfError when the filter is wrong
   */
  monitorRaw(options: RawSocketOptions = {}): RawSocket {
    const socket = new RawSocket(this.raws)
    socket.bindMonitorFilter({ raw: options.filter })
    return socket
  }

  /**
   * Processes one frame; see `FrameSink`. An exception thrown by a handler ends the processing of this frame and comes
   * out here; flows and timers stay consistent and the next frame may follow. Not to be called by handlers.
   */
  frame(
    buffer: Uint8Array,
    offset: number,
    capturedLength: number,
    wireLength: number,
    seconds: number,
    nanoseconds: number,
    linkType: number,
    interfaceIndex: number,
  ): void {
    const { packet: p } = this
    let decode = this.decode
    let whose = SHARD_OWN
    if (this.shard !== undefined) {
      whose = this.shard.peek(buffer, offset, capturedLength, linkType)
      if (whose === SHARD_OTHER) {
        this.passOver(wireLength > capturedLength ? wireLength : capturedLength, seconds, nanoseconds)
        return
      }
      if (whose === SHARD_UNKNOWN) decode = this.common
    }
    const status = decodeFrame(
      p,
      decode,
      buffer,
      offset,
      capturedLength,
      wireLength,
      seconds,
      nanoseconds,
      linkType,
      interfaceIndex,
    )
    this.counts[C.packets]++
    this.counts[C.bytes] += p.wireLength
    this.flows.now = p.time
    if (this.wheel.due(seconds)) this.pass(seconds)
    if (p.time >= this.userTimers.due) this.userTimers.advance(p.time)
    p.decision = 0
    if (status !== STATUS.DECODED || p.protocol !== IP_PROTOCOL.TCP || p.isFragment) {
      if (!this.unwrap()) {
        if (this.onUndecoded !== undefined) this.tellUndecoded(whose)
        return
      }
    } else if (this.verify && verifyChecksums(p, decode) !== STATUS.DECODED) return
    const protocol = p.protocol
    const tcp = protocol === IP_PROTOCOL.TCP
    let ports = tcp || protocol === IP_PROTOCOL.UDP ? (p.sourcePort << 16) | p.destinationPort : 0
    const link = linkKey(protocol, p.ipVersion, p.vlan, false)
    let hash = this.table.hash(p, ports, link)
    if (whose === SHARD_UNKNOWN && this.shard?.owns(p) === false) {
      this.counts[C.otherShard]++
      return
    }
    // The fragments a packet was put together from have been seen.
    if (!this.raws.empty && !p.reassembled) {
      this.raws.call(p)
      if (p.decision !== 0) {
        if (p.dropped) return
        if (ports !== 0) ports = (p.sourcePort << 16) | p.destinationPort
        hash = this.table.hash(p, ports, link)
      }
    }
    let row = this.table.find(p, ports, link, hash)
    if (row !== 0) {
      const at = row << ROW_SHIFT
      const idle = this.flows.now - this.table.times[(at + LAST_TIME) >> 1]
      if (idle > this.timeouts[this.table.words[at + FLAGS] & FLAG_CLASS]) {
        this.flows.end(row, END.TIMEOUT)
        row = 0
      }
    }
    try {
      if (tcp) this.tcpPacket(row, ports, link, hash)
      else this.otherPacket(row, ports, link, hash)
    } finally {
      this.flows.settle()
    }
    if (p.reassembled) this.defragmenter.dismiss(p.dropped)
  }

  /** A filter left a frame out: packets keep the numbers they have in the capture. */
  skip(): void {
    this.packet.number++
  }

  /** Live sources: no packet came, but time has passed. */
  idle(seconds: number, nanoseconds: number): void {
    this.flows.now = seconds * 1_000_000 + Math.floor(nanoseconds / 1000)
    this.pass(seconds)
  }

  /** Trace time has passed. */
  private pass(seconds: number): void {
    this.wheel.advance(seconds, this.flows.expire)
    this.userTimers.advance(this.flows.now)
  }

  /**
   * Calls `handler` once `micros` microseconds of trace time have passed, like `Flow.setTimer`; it goes with no flow. Set
   * again inside its handler it is periodic. Before the first packet trace time is 0. @throws RangeError for a negative time
   */
  setTimer(micros: number, handler: () => void): Timer {
    return this.userTimers.set(this.flows.now, micros, 0, -1, handler)
  }

  /** End of the input: every open flow ends with reason 'shutdown'. */
  finish(): void {
    this.defragmenter.finish()
    for (let row = 1; row < this.table.end; row++) {
      if (this.table.isLive(row)) this.flows.end(row, END.SHUTDOWN)
    }
  }

  /** How many invocation forests there are, and how flows share them. */
  forestStats(): ForestStats {
    return this.events.store.stats()
  }

  /** A frame of another shard: it counts, and time passes. */
  private passOver(wireLength: number, seconds: number, nanoseconds: number): void {
    const { packet: p, counts } = this
    p.number++
    p.seconds = seconds
    p.nanoseconds = nanoseconds
    counts[C.packets]++
    counts[C.bytes] += wireLength
    counts[C.otherShard]++
    const time = p.time
    this.flows.now = time
    const due = this.wheel.due(seconds)
    if (!due && time < this.userTimers.due) return
    // Handlers of timers find no packet, and not the one before either.
    clearPacket(p)
    if (due) this.pass(seconds)
    else this.userTimers.advance(time)
    p.decision = 0
  }

  // ---- Packets around packets ---------------------------------------------------------------------------------

  /**
   * Takes the packet out of its tunnels and puts it together from fragments, in whatever order they are nested.
   * @returns whether `packet` is a whole packet with right checksums
   */
  /** What no shard can tell whose it is, the first one tells. */
  private tellUndecoded(whose: number): void {
    const { packet: p, options } = this
    if (p.status === STATUS.DECODED || p.status === STATUS.NOT_IP) return
    if (whose === SHARD_OWN || options.shard?.index === 0) this.onUndecoded?.(p)
  }

  private unwrap(): boolean {
    const { packet: p, decapsulator, defragmenter, common: decode } = this
    let datagrams = 0
    for (;;) {
      if (p.status !== STATUS.DECODED && p.status !== STATUS.NOT_IP) return false
      if (this.verify && p.ipVersion !== 0 && !decapsulator.mayLackChecksum(p)) {
        if (verifyChecksums(p, decode) !== STATUS.DECODED) return false
      }
      if (p.isFragment) {
        this.showFragment()
        if (p.dropped) return false
        // A datagram of fragments of datagrams (of fragments...) is as deep a nesting as tunnels are.
        if (!this.defragments || datagrams++ > this.options.tunnels.maxDepth) return false
        if (!defragmenter.add(p)) {
          if (defragmenter.refused) p.drop()
          return false
        }
        decodeIp(p, decode, defragmenter.buffer, 0, defragmenter.length)
        p.reassembled = true
      } else if (!decapsulator.open(p)) {
        return p.status === STATUS.DECODED
      }
    }
  }

  /** Each fragment is shown by one shard, whichever of them has the datagram's flow. */
  private showFragment(): void {
    const { packet: p, raws, fragments } = this
    if (raws.empty && fragments.empty) return
    if (this.shard?.owns(p) === false) return
    raws.call(p)
    fragments.call(p)
  }

  // ---- Packets of flows ---------------------------------------------------------------------------------------

  private tcpPacket(found: number, ports: number, link: number, hash: number): void {
    const { table, events, reassembler } = this
    const opening = (this.packet.tcpFlags & (SYN | RST)) === SYN
    let row = found
    if (row === 0 || opening || (table.words[(row << ROW_SHIFT) + FLAGS] & FLAG_ENDED) !== 0) {
      row = this.admit(found, opening, ports, link, hash)
      if (row !== 0) this.irregular(row)
      return
    }
    this.admitted = false
    this.account(row, table.side)
    if (events.wants(row, 1 << SLOT_PKT_PRE)) {
      events.packetEvent(row, SLOT_PKT_PRE)
      if (this.packet.dropped) return
    }
    if (!this.tracker.expected(row, events.side)) {
      this.irregular(row)
      return
    }
    if (events.wants(row, 1 << SLOT_PKT_POST)) this.afterUpdate(row)
    if (!reassembler.pending) return
    reassembler.deliver(row)
    if (this.packet.decision !== 0) this.withhold(row)
  }

  /** Raises ON_PKT_IN at POST_TCP. Data of a packet dropped there is not delivered. */
  private afterUpdate(row: number): void {
    this.events.packetEvent(row, SLOT_PKT_POST)
    // Data that is withdrawn has not been taken: it is new when it comes again.
    this.taken = !(this.packet.dropped && this.reassembler.withdraw())
  }

  private withhold(row: number): void {
    if (this.packet.dropped && this.taken) this.tracker.withhold(row, this.events.side)
    this.taken = true
  }

  /** A segment that is not simply the next one, from PRE_TCP on. */
  private irregular(row: number): void {
    const { tracker, events, reassembler, packet: p } = this
    if (tracker.isWithheld(row, events.side)) {
      this.counts[C.withheldPackets]++
      p.drop()
      return
    }
    tracker.segment(row, events.side, this.admitted)
    if (events.wants(row, 1 << SLOT_PKT_POST)) this.afterUpdate(row)
    if (reassembler.pending) reassembler.deliver(row)
    if (p.decision !== 0) this.withhold(row)
    if (tracker.ended !== 0) this.flows.close(row, tracker.ended)
  }

  /**
   * A packet that may begin a connection, or that comes after the end of one: finds or makes its row, up to PRE_TCP and
   * the start events. Sets `admitted` when the flow is new.
   * @returns the row, or 0 for an orphan
   */
  private admit(found: number, opening: boolean, ports: number, link: number, hash: number): number {
    const { table, tracker, handshake, packet: p, events } = this
    const words = table.words
    const flags = p.tcpFlags
    let row = found
    let side = table.side as number
    let answered = false
    let synSequence = 0
    let synWindow = 0
    this.admitted = false
    if (row !== 0) {
      const at = row << ROW_SHIFT
      if ((words[at + FLAGS] & FLAG_BLOCKED) !== 0 && !tracker.opensAfterReset(row, side)) {
        this.account(row, side)
        this.flows.keepOut(row, side)
        return 0
      }
      const verdict = opening ? handshake.judgeSyn(row, side) : SYN_NOT_NEW
      if (verdict !== SYN_NOT_NEW) {
        answered = verdict === SYN_ANSWERED
        synSequence = words[at + NEW_SYN_SEQ]
        synWindow = words[at + NEW_SYN_WINDOW]
        this.flows.end(row, END.REUSED)
        row = 0
      } else if ((words[at + FLAGS] & FLAG_ENDED) !== 0) {
        const goesOn = p.payloadWireLength > 0 && (flags & RST) === 0 && tracker.contradictsRst(row, side)
        if (events.wants(row, 1 << (SLOT_ANOMALY + side))) this.afterRst(row, side)
        if (!goesOn) {
          this.orphan()
          return 0
        }
        this.flows.remove(row)
        row = this.flows.create(ports, link, hash, side === 1, FLAG_TCP)
        this.admitted = true
      }
    }
    if (row === 0) {
      const opens = opening && (flags & ACK) === 0
      if (!opens && !answered) {
        const usable = (flags & (ACK | RST)) === ACK && (p.payloadWireLength > 0 || opening)
        if (!this.midstream || !usable) {
          this.orphan()
          return 0
        }
      }
      side = answered || (!opens && handshake.sentByServer()) ? 1 : 0
      row = this.flows.create(ports, link, hash, side === 1, FLAG_TCP)
      this.admitted = true
    }
    if (this.admitted) handshake.bind(row)
    this.account(row, side)
    if (events.wants(row, 1 << SLOT_PKT_PRE)) {
      events.packetEvent(row, SLOT_PKT_PRE)
      if (p.dropped) {
        if (this.admitted) this.flows.refuse(row)
        return 0
      }
    }
    if (this.admitted) handshake.start(row, side, answered, synSequence, synWindow)
    return row
  }

  private otherPacket(found: number, ports: number, link: number, hash: number): void {
    const { table, events } = this
    let row = found
    let side = table.side as number
    const first = row === 0
    if (first) {
      side = 0
      row = this.flows.create(ports, link, hash, false, 0)
    }
    this.account(row, side)
    const words = table.words
    const at = row << ROW_SHIFT
    if ((words[at + FLAGS] & FLAG_BLOCKED) !== 0) {
      this.flows.keepOut(row, side)
      return
    }
    if ((words[at + FLAGS] & FLAG_ESTABLISHED) === 0) {
      if (words[at + SIDES + ((1 - side) << SIDE_SHIFT) + PACKETS] !== 0)
        words[at + FLAGS] |= FLAG_ESTABLISHED
    }
    if (events.wants(row, 1 << SLOT_PKT_PRE)) {
      events.packetEvent(row, SLOT_PKT_PRE)
      if (this.packet.dropped) {
        if (first) this.flows.refuse(row)
        return
      }
    }
    if (first && events.wants(row, 1 << SLOT_START)) events.packetEvent(row, SLOT_START)
    if (events.wants(row, 1 << SLOT_PKT_POST)) events.packetEvent(row, SLOT_PKT_POST)
    if (this.packet.decision !== 0 && this.packet.dropped) return
    if (this.packet.payloadLength > 0 && events.wants(row, 1 << (SLOT_DATAGRAM + 1 - side))) {
      events.datagram(row, 1 - side)
    }
  }

  /** Data on a connection that an RST has ended; by the side that sent the RST, or the one that received it. */
  private afterRst(row: number, side: number): void {
    const { events, packet: p } = this
    if ((this.table.words[(row << ROW_SHIFT) + FLAGS] & FLAG_RST) === 0) return
    if (p.payloadWireLength === 0 || (p.tcpFlags & RST) !== 0) return
    events.current = row
    events.side = side as Side
    const sent = this.tracker.contradictsRst(row, side)
    events.anomaly(row, side, sent ? ANOMALY.DATA_AFTER_RST : ANOMALY.DATA_AFTER_RST_RECEIVED)
  }

  /** Makes the flow current and counts the packet to it. */
  private account(row: number, side: number): void {
    const { words, times } = this.table
    const at = row << ROW_SHIFT
    const sender = at + SIDES + (side << SIDE_SHIFT)
    words[sender + PACKETS]++
    times[(sender + BYTES) >> 1] += this.packet.wireLength
    times[(at + LAST_TIME) >> 1] = this.flows.now
    this.events.current = row
    this.events.side = side as Side
  }

  private orphan(): void {
    this.counts[C.orphans]++
    if (!this.orphans.empty) this.orphans.call(this.packet)
  }
}
