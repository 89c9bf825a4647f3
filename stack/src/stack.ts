/**
 * The stack: frames in, flow events out.
 *
 * A frame is decoded, its flow looked up or made, the connection updated and the events raised, in this order: ON_PKT_IN
 * at PRE_TCP; ON_CONN_START, ON_TCP_STATE_CHANGE, ON_REXMIT; ON_PKT_IN at POST_TCP; ON_NEW_DATA and ON_GAP; ON_CONN_END.
 * Time is that of the packets. Packet sources call `frame` and `finish`; applications register at monitoring sockets.
 */
import { type FrameSender, type InlineSink, VERDICT, type Verdict } from './capture/verdict.js'
import { C, createCounters, type StackCounters } from './counters.js'
import { Dispatcher } from './event/dispatcher.js'
import type { ForestStats, SocketRecord } from './event/forest.js'
import { FlowScopes } from './event/scopes.js'
import { FLAG_CLASS, FLAGS, LAST_TIME, ROW_SHIFT } from './flow/layout.js'
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
import { checkStreamBytes } from './monitor/flow-side.js'
import { FlowView } from './monitor/flow-view.js'
import { PacketHandlers } from './monitor/packet-handlers.js'
import { RETAINED_CHUNK, Retention } from './monitor/retention.js'
import { RawSocket, type RawSocketOptions, StreamSocket, type StreamSocketOptions } from './monitor/socket.js'
import { type StackOptions, type StackOptionsInput, stackOptions } from './options.js'
import { PacketPath } from './packet-path.js'
import { Closing } from './tcp/closing.js'
import { SegmentDoubt } from './tcp/doubt.js'
import { Handshake } from './tcp/handshake.js'
import { CHUNK_BYTES } from './tcp/held.js'
import { HostPolicies } from './tcp/options.js'
import { Reassembler } from './tcp/reassembly.js'
import { EndRoles } from './tcp/roles.js'
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
  verifyChecksums,
} from './wire/index.js'

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
  private readonly path: PacketPath
  private readonly scopes: FlowScopes
  private readonly orphans = new PacketHandlers()
  private readonly fragments = new PacketHandlers()
  private readonly raws = new PacketHandlers()
  /** What tells clients from servers in connections taken up midstream; hints may be added at any time. */
  readonly roles: EndRoles
  /** Puts fragments together; `onAnomaly` may be set. */
  readonly defragmenter: Defragmenter
  private readonly decapsulator: Decapsulator
  private readonly defragments: boolean
  private nextSocket = 0
  private readonly verify: boolean
  /** Undefined when there is one shard. */
  private readonly shard: ShardFilter | undefined
  /** Counts the decoding of frames that every shard decodes: those of the first one are shown. */
  private readonly common: DecodeCounters

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
    this.roles = new EndRoles(options.serverPorts)
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
      options.outOfOrder.acrossSides,
      options.tcp.doubtful === 'wait',
    )
    const hosts = new HostPolicies(options.tcp)
    const handshake = new Handshake(table, events, this.reassembler, values, packet, timers, hosts, watch)
    const doubt = new SegmentDoubt(table.words, packet, options.tcp.doubtful === 'wait')
    const closing = new Closing(table, events, this.reassembler, values, packet, timers, doubt)
    const tracker = new TcpTracker(
      table,
      events,
      this.reassembler,
      values,
      packet,
      handshake,
      closing,
      watch,
      doubt,
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
    this.path = new PacketPath({
      table,
      events,
      packet,
      counts: values,
      flows: this.flows,
      reassembler: this.reassembler,
      handshake,
      tracker,
      orphans: this.orphans,
      midstream: options.midstream,
      roles: this.roles,
    })
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
      if (tcp) this.path.tcp(row, ports, link, hash)
      else this.path.other(row, ports, link, hash)
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

  /** What no shard can tell whose it is, the first one tells. */
  private tellUndecoded(whose: number): void {
    const { packet: p, options } = this
    if (p.status === STATUS.DECODED || p.status === STATUS.NOT_IP) return
    if (whose === SHARD_OWN || options.shard?.index === 0) this.onUndecoded?.(p)
  }

  /**
   * Takes the packet out of its tunnels and puts it together from fragments, in whatever order they are nested.
   * @returns whether `packet` is a whole packet with right checksums
   */
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
}
