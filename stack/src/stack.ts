/**
 * The stack: frames in, flow events out.
 *
 * A frame is decoded, its flow looked up or made, the connection updated and the events raised, in this order: ON_PKT_IN
 * at PRE_TCP; ON_CONN_START, ON_TCP_STATE_CHANGE, ON_REXMIT; ON_PKT_IN at POST_TCP; ON_NEW_DATA and ON_GAP; ON_CONN_END.
 * Time is that of the packets. Packet sources call `frame` and `finish`; applications register at monitoring sockets.
 */
import type { FrameSink } from './capture/source.js'
import { C, createCounters, type StackCounters } from './counters.js'
import type { ConnEndReason } from './event/builtin.js'
import { Dispatcher } from './event/dispatcher.js'
import {
  type Forest,
  NEEDS_STREAM,
  type Registration,
  SLOT_END,
  SLOT_PKT_POST,
  SLOT_PKT_PRE,
  SLOT_START,
  type SocketRecord,
} from './event/forest.js'
import { FlowScopes } from './event/scopes.js'
import {
  BYTES,
  FIN_SEQ,
  FLAG_CLASS,
  FLAG_ENDED,
  FLAG_ESTABLISHED,
  FLAG_TCP,
  FLAGS,
  FOREST,
  HELD_COUNT,
  LAST_TIME,
  NEW_SYN_SEQ,
  NEW_SYN_WINDOW,
  PACKETS,
  RECEIVED,
  ROW_SHIFT,
  SIDE_FIN,
  SIDE_SHIFT,
  SIDES,
  STATE,
} from './flow/layout.js'
import { FlowTable, linkKey } from './flow/table.js'
import {
  CLASS_EMBRYONIC,
  CLASS_ESTABLISHED,
  CLASS_ICMP,
  CLASS_IP,
  CLASS_LINGER,
  CLASS_UDP,
  timeoutTable,
} from './flow/timeouts.js'
import { TimerWheel } from './flow/wheel.js'
import { Decapsulator, Defragmenter } from './ip/index.js'
import { ContextStore } from './monitor/context.js'
import type { Side, Subscription } from './monitor/flow.js'
import { type FlowControl, FlowView } from './monitor/flow-view.js'
import { PacketHandlers } from './monitor/packet-handlers.js'
import { RawSocket, type RawSocketOptions, StreamSocket, type StreamSocketOptions } from './monitor/socket.js'
import { type StackOptions, type StackOptionsInput, stackOptions } from './options.js'
import { CHUNK_BYTES } from './tcp/held.js'
import { Reassembler } from './tcp/reassembly.js'
import { END_FIN, END_RST, SYN_ANSWERED, SYN_NOT_NEW, TcpTracker } from './tcp/tracker.js'
import {
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
/** A flow whose last packet lies further in the future than this (microseconds) was stamped by another clock. */
const CLOCK_TOLERANCE = 60e6

/** Reasons a flow ends for, as numbers; those the TCP tracker gives come first. */
const END = { FIN: END_FIN, RST: END_RST, TIMEOUT: 3, REUSED: 4, EVICTED: 5, SHUTDOWN: 6 } as const
const END_REASON: readonly ConnEndReason[] = [
  'shutdown',
  ...(['fin', 'rst', 'timeout', 'reused', 'evicted', 'shutdown'] as const),
]
const END_COUNTER: readonly number[] = [
  C.endedShutdown,
  ...[C.endedFin, C.endedRst, C.endedTimeout, C.endedReused, C.endedEvicted, C.endedShutdown],
]

interface Monitor {
  readonly record: SocketRecord
  readonly contexts: ContextStore
}

/** @throws RangeError when an option is out of range */
export function createStack(options: StackOptionsInput = {}): Stack {
  return new Stack(stackOptions(options))
}

export class Stack implements FrameSink, FlowControl {
  /** The packet being processed, or processed last. */
  readonly packet = new Packet()
  readonly options: StackOptions
  readonly counters: StackCounters
  /** Rows of the flows. For the stack's own parts. */
  readonly table: FlowTable
  /** For the stack's own parts. */
  readonly events: Dispatcher
  private readonly counts: Float64Array
  private readonly decode: DecodeCounters
  private readonly wheel: TimerWheel
  private readonly timeouts: Float64Array
  private readonly reassembler: Reassembler
  private readonly tracker: TcpTracker
  private readonly scopes: FlowScopes
  private readonly orphans = new PacketHandlers()
  private readonly fragments = new PacketHandlers()
  private readonly raws = new PacketHandlers()
  /** Puts fragments together; `onAnomaly` may be set. */
  readonly defragmenter: Defragmenter
  private readonly decapsulator: Decapsulator
  private readonly defragments: boolean
  private monitors: readonly Monitor[] = []
  private nextSocket = 0
  private readonly verify: boolean
  private readonly midstream: boolean
  private readonly shardIndex: number
  private readonly shardCount: number
  private time = 0
  /** Set by `admit`: the flow of the packet is new. */
  private admitted = false
  /** Sockets to be told that they have stopped the current flow. */
  private stops: { readonly socket: number; readonly view: unknown; readonly forest: Forest }[] = []
  private readonly expire: (row: number) => void

  /** Made by `createStack`. */
  constructor(options: StackOptions) {
    this.options = options
    this.table = new FlowTable(options.maxFlows, options.seed)
    this.events = new Dispatcher(this.table, this.packet)
    this.scopes = new FlowScopes(this.events.store)
    this.wheel = new TimerWheel(this.table.words)
    this.timeouts = timeoutTable(options.timeouts)
    const decode = new DecodeCounters()
    this.defragmenter = new Defragmenter(options.defrag, options.seed)
    this.defragments = options.defrag.enabled
    this.decapsulator = new Decapsulator(options.tunnels, decode)
    const { counters, values } = createCounters(
      { decode, defrag: this.defragmenter.counters, tunnels: this.decapsulator.counters },
      {
        flows: () => this.table.live,
        heldBytes: () => this.reassembler.held.inUse * CHUNK_BYTES,
      },
    )
    this.counters = counters
    this.decode = decode
    this.counts = values
    this.reassembler = new Reassembler(
      this.table,
      this.events,
      this.wheel,
      values,
      this.packet,
      options.outOfOrder,
    )
    this.tracker = new TcpTracker(
      this.table,
      this.events,
      this.reassembler,
      values,
      this.packet,
      (row, timeoutClass) => this.setClass(row, timeoutClass),
    )
    this.verify = options.checksums === 'verify'
    this.midstream = options.midstream
    this.shardIndex = options.shard.index
    this.shardCount = options.shard.count
    this.expire = (row) => this.expireRow(row)
  }

  /** Trace time: that of the last packet, or of the last `idle`, microseconds since 1970. */
  get now(): number {
    return this.time
  }

  /**
   * Opens a socket that monitors flows.
   * @throws BpfError when a filter is wrong
   */
  monitorStream<Ctx = unknown>(options: StreamSocketOptions = {}): StreamSocket<Ctx> {
    const contexts = new ContextStore()
    const number = this.nextSocket++
    const record: SocketRecord = {
      number,
      view: new FlowView<Ctx>(this, number, contexts),
      registrations: [],
      reassemble: [options.reassemble?.client ?? true, options.reassemble?.server ?? true],
    }
    const socket = new StreamSocket<Ctx>(
      this.events,
      record,
      this.scopes,
      this.orphans,
      this.fragments,
      () => {
        this.monitors = this.monitors.filter((m) => m.record !== record)
      },
    )
    socket.bindMonitorFilter({ stream: options.filter, orphan: options.orphanFilter })
    this.events.store.addSocket(record)
    this.monitors = [...this.monitors, { record, contexts }]
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
    const { packet: p, decode } = this
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
    this.time = p.time
    if (this.wheel.due(seconds)) this.wheel.advance(seconds, this.expire)
    if (status !== STATUS.DECODED || p.protocol !== IP_PROTOCOL.TCP || p.isFragment) {
      if (!this.unwrap()) return
    } else if (this.verify && verifyChecksums(p, decode) !== STATUS.DECODED) return
    const protocol = p.protocol
    const tcp = protocol === IP_PROTOCOL.TCP
    const ports = tcp || protocol === IP_PROTOCOL.UDP ? (p.sourcePort << 16) | p.destinationPort : 0
    const link = linkKey(protocol, p.ipVersion, p.vlan, false)
    const hash = this.table.hash(p, ports, link)
    if (this.shardCount > 1 && this.isOthers(hash)) {
      this.counts[C.otherShard]++
      return
    }
    // The fragments a packet was put together from have been seen.
    if (!this.raws.empty && !p.reassembled) this.raws.call(p)
    let row = this.table.find(p, ports, link, hash)
    if (row !== 0) {
      const at = row << ROW_SHIFT
      const idle = this.time - this.table.times[(at + LAST_TIME) >> 1]
      if (idle > this.timeouts[this.table.words[at + FLAGS] & FLAG_CLASS]) {
        this.end(row, END.TIMEOUT)
        row = 0
      }
    }
    try {
      if (tcp) this.tcpPacket(row, ports, link, hash)
      else this.otherPacket(row, ports, link, hash)
    } finally {
      if (this.stops.length > 0) this.tellStopped()
      this.events.current = 0
    }
  }

  /** A filter left a frame out: packets keep the numbers they have in the capture. */
  skip(): void {
    this.packet.number++
  }

  /** Live sources: no packet came, but time has passed. */
  idle(seconds: number, nanoseconds: number): void {
    this.time = seconds * 1_000_000 + Math.floor(nanoseconds / 1000)
    this.wheel.advance(seconds, this.expire)
  }

  /** End of the input: every open flow ends with reason 'shutdown'. */
  finish(): void {
    this.defragmenter.finish()
    for (let row = 1; row < this.table.end; row++) {
      if (this.table.isLive(row)) this.end(row, END.SHUTDOWN)
    }
  }

  private isOthers(hash: number): boolean {
    return ((hash >>> 16) * this.shardCount) >>> 16 !== this.shardIndex
  }

  // ---- Packets around packets ---------------------------------------------------------------------------------

  /**
   * Takes the packet out of its tunnels and puts it together from fragments, in whatever order they are nested.
   * @returns whether `packet` is a whole packet with right checksums
   */
  private unwrap(): boolean {
    const { packet: p, decapsulator, defragmenter, decode } = this
    let datagrams = 0
    for (;;) {
      if (p.status !== STATUS.DECODED && p.status !== STATUS.NOT_IP) return false
      if (this.verify && p.ipVersion !== 0 && !decapsulator.mayLackChecksum(p)) {
        if (verifyChecksums(p, decode) !== STATUS.DECODED) return false
      }
      if (p.isFragment) {
        this.showFragment()
        // A datagram of fragments of datagrams (of fragments...) is as deep a nesting as tunnels are.
        if (!this.defragments || datagrams++ > this.options.tunnels.maxDepth) return false
        if (!defragmenter.add(p)) return false
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
    if (this.shardCount > 1) {
      const link = linkKey(p.protocol, p.ipVersion, p.vlan, true)
      if (this.isOthers(this.table.hash(p, 0, link))) return
    }
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
    if (events.wants(row, 1 << SLOT_PKT_PRE)) events.packetEvent(row, SLOT_PKT_PRE)
    if (!this.tracker.expected(row, events.side)) {
      this.irregular(row)
      return
    }
    if (events.wants(row, 1 << SLOT_PKT_POST)) events.packetEvent(row, SLOT_PKT_POST)
    if (reassembler.pending) reassembler.deliver(row)
  }

  /** A segment that is not simply the next one, from PRE_TCP on. */
  private irregular(row: number): void {
    const { tracker, events, reassembler } = this
    tracker.segment(row, events.side, this.admitted)
    if (events.wants(row, 1 << SLOT_PKT_POST)) events.packetEvent(row, SLOT_PKT_POST)
    if (reassembler.pending) reassembler.deliver(row)
    if (tracker.ended !== 0) this.close(row, tracker.ended)
  }

  /**
   * A packet that may begin a connection, or that comes after the end of one: finds or makes its row, up to PRE_TCP and
   * the start events. Sets `admitted` when the flow is new.
   * @returns the row, or 0 for an orphan
   */
  private admit(found: number, opening: boolean, ports: number, link: number, hash: number): number {
    const { table, tracker, packet: p, events } = this
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
      const verdict = opening ? tracker.judgeSyn(row, side) : SYN_NOT_NEW
      if (verdict !== SYN_NOT_NEW) {
        answered = verdict === SYN_ANSWERED
        synSequence = words[at + NEW_SYN_SEQ]
        synWindow = words[at + NEW_SYN_WINDOW]
        this.end(row, END.REUSED)
        row = 0
      } else if ((words[at + FLAGS] & FLAG_ENDED) !== 0) {
        const goesOn = p.payloadWireLength > 0 && (flags & RST) === 0 && tracker.contradictsRst(row, side)
        if (!goesOn) {
          this.orphan()
          return 0
        }
        this.remove(row)
        row = this.create(ports, link, hash, side === 1, FLAG_TCP)
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
      side = answered || (!opens && tracker.sentByServer()) ? 1 : 0
      row = this.create(ports, link, hash, side === 1, FLAG_TCP)
      this.admitted = true
    }
    this.account(row, side)
    if (events.wants(row, 1 << SLOT_PKT_PRE)) events.packetEvent(row, SLOT_PKT_PRE)
    if (this.admitted) tracker.start(row, side, answered, synSequence, synWindow)
    return row
  }

  private otherPacket(found: number, ports: number, link: number, hash: number): void {
    const { table, events } = this
    let row = found
    let side = table.side as number
    const first = row === 0
    if (first) {
      side = 0
      row = this.create(ports, link, hash, false, 0)
    }
    this.account(row, side)
    const words = table.words
    const at = row << ROW_SHIFT
    if ((words[at + FLAGS] & FLAG_ESTABLISHED) === 0) {
      if (words[at + SIDES + ((1 - side) << SIDE_SHIFT) + PACKETS] !== 0)
        words[at + FLAGS] |= FLAG_ESTABLISHED
    }
    if (events.wants(row, 1 << SLOT_PKT_PRE)) events.packetEvent(row, SLOT_PKT_PRE)
    if (first && events.wants(row, 1 << SLOT_START)) events.packetEvent(row, SLOT_START)
    if (events.wants(row, 1 << SLOT_PKT_POST)) events.packetEvent(row, SLOT_PKT_POST)
  }

  /** Makes the flow current and counts the packet to it. */
  private account(row: number, side: number): void {
    const { words, times } = this.table
    const at = row << ROW_SHIFT
    const sender = at + SIDES + (side << SIDE_SHIFT)
    words[sender + PACKETS]++
    times[(sender + BYTES) >> 1] += this.packet.wireLength
    times[(at + LAST_TIME) >> 1] = this.time
    this.events.current = row
    this.events.side = side as Side
  }

  private create(ports: number, link: number, hash: number, reversed: boolean, flags: number): number {
    const { table, counts, packet: p } = this
    if (table.full) {
      counts[C.evictions]++
      this.end(table.victim(), END.EVICTED)
    }
    const row = table.insert(p, ports, link, hash, reversed, this.time)
    table.words[(row << ROW_SHIFT) + FLAGS] |= flags
    counts[C.flows]++
    let timeoutClass = CLASS_IP
    if (flags === FLAG_TCP) {
      counts[C.tcpFlows]++
      timeoutClass = CLASS_EMBRYONIC
    } else if (p.protocol === IP_PROTOCOL.UDP) {
      counts[C.udpFlows]++
      timeoutClass = CLASS_UDP
    } else if (p.protocol === IP_PROTOCOL.ICMP || p.protocol === IP_PROTOCOL.ICMPV6) {
      counts[C.icmpFlows]++
      timeoutClass = CLASS_ICMP
    } else {
      counts[C.otherFlows]++
    }
    this.setClass(row, timeoutClass)
    if (!this.scopes.empty) table.words[(row << ROW_SHIFT) + FOREST] = this.scopes.begin(p)
    return row
  }

  private orphan(): void {
    this.counts[C.orphans]++
    if (!this.orphans.empty) this.orphans.call(this.packet)
  }

  // ---- Timers -------------------------------------------------------------------------------------------------

  private setClass(row: number, timeoutClass: number): void {
    const words = this.table.words
    const at = row << ROW_SHIFT
    words[at + FLAGS] = (words[at + FLAGS] & ~FLAG_CLASS) | timeoutClass
    // The embryonic timer is still armed: when it comes up, it is put off by the longer time-out.
    if (timeoutClass !== CLASS_ESTABLISHED) this.wheel.arm(row, this.timeouts[timeoutClass] / 1e6)
  }

  /** The flow's timer came up: it is over, or has seen packets since. */
  private expireRow(row: number): void {
    const { words, times } = this.table
    const at = row << ROW_SHIFT
    const last = (at + LAST_TIME) >> 1
    const flags = words[at + FLAGS]
    if (this.time < times[last] - CLOCK_TOLERANCE) times[last] = this.time
    const idle = Math.max(0, this.time - times[last])
    const left = this.timeouts[flags & FLAG_CLASS] - idle
    if (left < 0) {
      this.end(row, END.TIMEOUT)
      return
    }
    let seconds = left / 1e6
    this.wheel.arm(row, seconds)
    if ((flags & (FLAG_TCP | FLAG_ENDED)) !== FLAG_TCP) return
    this.aside(row, () => {
      if (this.reassembler.expireHoles(row, this.time)) seconds = 1
    })
    if (seconds === 1) this.wheel.arm(row, 1)
  }

  // ---- End of a flow ------------------------------------------------------------------------------------------

  /** Runs `work` with `row` as the current flow, outside of the processing of its own packets. */
  private aside(row: number, work: () => void): void {
    const { events } = this
    const { current, side } = events
    const stops = this.stops
    this.stops = []
    events.current = row
    events.side = 0
    try {
      work()
    } finally {
      try {
        if (this.stops.length > 0) this.tellStopped()
      } finally {
        this.stops = stops
        events.current = current
        events.side = side
      }
    }
  }

  /** Ends the flow for its handlers (if it has not ended yet) and takes it out of the table. */
  private end(row: number, reason: number): void {
    const ended = (this.table.words[(row << ROW_SHIFT) + FLAGS] & FLAG_ENDED) !== 0
    try {
      if (!ended) this.aside(row, () => this.conclude(row, reason))
    } finally {
      this.remove(row)
    }
  }

  /** The connection has closed: it ends for its handlers, the row stays for a while to absorb late packets. */
  private close(row: number, reason: number): void {
    try {
      this.conclude(row, reason)
    } finally {
      this.setClass(row, CLASS_LINGER)
    }
  }

  /** Delivers what is held, raises ON_CONN_END and lets go of all that hangs on the flow besides its row. */
  private conclude(row: number, end: number): void {
    const words = this.table.words
    const at = row << ROW_SHIFT
    const client = at + SIDES
    const server = client + (1 << SIDE_SHIFT)
    this.counts[END_COUNTER[end]]++
    try {
      if (this.unfinished(server, client)) this.reassembler.flush(row, 1)
      if (this.unfinished(client, server)) this.reassembler.flush(row, 0)
      if (this.stops.length > 0) this.tellStopped()
      words[at + FLAGS] |= FLAG_ENDED
      if (this.events.wants(row, 1 << SLOT_END)) this.events.connEnd(row, END_REASON[end])
    } finally {
      words[at + FLAGS] |= FLAG_ENDED
      if ((words[client + HELD_COUNT] | words[server + HELD_COUNT]) !== 0) this.reassembler.drop(row)
      if (words[at + FOREST] !== 0) this.dropForest(row)
      const monitors = this.monitors
      for (let i = 0; i < monitors.length; i++) monitors[i].contexts.clear(row)
    }
  }

  /** Something of the stream to `receiver` is held, or known to be missing. */
  private unfinished(receiver: number, sender: number): boolean {
    const words = this.table.words
    if (words[receiver + HELD_COUNT] !== 0) return true
    return (words[sender + STATE] & SIDE_FIN) !== 0 && words[sender + FIN_SEQ] !== words[receiver + RECEIVED]
  }

  private dropForest(row: number): void {
    this.events.store.release(this.events.forestOf(row))
    this.table.words[(row << ROW_SHIFT) + FOREST] = 0
  }

  private remove(row: number): void {
    this.wheel.disarm(row)
    this.table.remove(row)
  }

  // ---- What flow handles ask for ------------------------------------------------------------------------------

  /** `sides` (bit mask) of the current flow are of no more interest to a socket. Called by flow handles. */
  stop(socket: number, view: unknown, sides: number): void {
    const { events } = this
    const { words } = this.table
    const row = events.current
    const at = row << ROW_SHIFT
    if (row === 0) throw new Error('a flow handle is valid during the callback only')
    if ((words[at + FLAGS] & FLAG_ENDED) !== 0) return
    const before = events.forestOf(row)
    const after = events.store.withStopped(before, socket, sides)
    if (after === before) return
    events.store.move(before, after)
    words[at + FOREST] = after.number
    if (after.stopped.get(socket) === 3) this.stops.push({ socket, view, forest: before })
    const mask = events.forestOf(row).mask
    if ((mask & NEEDS_STREAM) === 0) this.reassembler.held.clear(at + SIDES)
    if ((mask & (NEEDS_STREAM << 1)) === 0) this.reassembler.held.clear(at + SIDES + (1 << SIDE_SHIFT))
  }

  private tellStopped(): void {
    const stops = this.stops
    this.stops = []
    for (const { socket, view, forest } of stops) {
      this.events.connStopped(forest, view)
      for (const { record, contexts } of this.monitors) {
        if (record.number === socket) contexts.set(this.events.current, undefined)
      }
    }
  }

  /** Registers a handler for the current flow. Called by flow handles. */
  register(socket: number, registration: Registration): Subscription {
    const { events, table } = this
    const { store } = events
    const row = events.current
    if (row === 0) throw new Error('a flow handle is valid during the callback only')
    const id = table.id(row)
    const change = (to: (forest: Forest) => Forest): void => {
      const at = table.rowOf(id) << ROW_SHIFT
      if (at === 0 || (table.words[at + FLAGS] & FLAG_ENDED) !== 0) return
      const before = store.get(table.words[at + FOREST])
      const after = to(before)
      if (after === before) return
      store.move(before, after)
      table.words[at + FOREST] = after.number
    }
    change((forest) => store.with(forest, socket, registration))
    return { off: () => change((forest) => store.without(forest, socket, registration)) }
  }
}
