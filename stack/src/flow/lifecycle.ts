/**
 * The life of flows: how they begin, time out, are evicted, end, and what their handles change.
 *
 * In: packets without a flow, timers that come up, what the TCP tracker or the stack found ended, calls of flow handles.
 * Out: rows made and released, ON_CONN_END once per flow and socket. Called by the stack, the timer wheel, flow handles.
 */
import { C } from '../counters.js'
import type { ConnEndReason, NewData } from '../event/builtin.js'
import type { Dispatcher } from '../event/dispatcher.js'
import { type Forest, MARK_REACHED, mark, type Registration, type SocketRecord } from '../event/forest.js'
import type { FlowScopes } from '../event/scopes.js'
import { NEEDS_STREAM, SLOT_END, SLOT_TIMEOUT } from '../event/slots.js'
import type { PacketFields, Responder } from '../inline/responder.js'
import type { ContextStore } from '../monitor/context.js'
import type { Side, Subscription } from '../monitor/flow.js'
import type { FlowControl } from '../monitor/flow-view.js'
import type { Retention } from '../monitor/retention.js'
import { END_FIN, END_RST, isOver } from '../tcp/closing.js'
import type { HeldSegments } from '../tcp/held.js'
import type { Reassembler } from '../tcp/reassembly.js'
import { IP_PROTOCOL, type Packet } from '../wire/index.js'
import {
  FIN_SEQ,
  FLAG_BLOCKED,
  FLAG_CLASS,
  FLAG_ENDED,
  FLAG_RESET,
  FLAG_TCP,
  FLAGS,
  FOREST,
  HELD_COUNT,
  LAST_TIME,
  RECEIVED,
  ROW_SHIFT,
  SIDE_FIN,
  SIDE_SHIFT,
  SIDES,
  STATE,
  STATE_MASK,
} from './layout.js'
import type { FlowTable } from './table.js'
import { CLASS_EMBRYONIC, CLASS_ICMP, CLASS_IP, CLASS_LINGER, CLASS_UDP } from './timeouts.js'
import type { FlowTimers } from './timers.js'
import type { Timer, UserTimers } from './user-timers.js'
import type { TimerWheel } from './wheel.js'

/** A flow whose last packet lies further in the future than this (microseconds) was stamped by another clock. */
const CLOCK_TOLERANCE = 60e6

/** Reasons a flow ends for, as numbers; those the TCP tracker gives come first. */
export const END = {
  FIN: END_FIN,
  RST: END_RST,
  TIMEOUT: 3,
  REUSED: 4,
  EVICTED: 5,
  SHUTDOWN: 6,
  BLOCKED: 7,
} as const
const END_REASON: readonly ConnEndReason[] = [
  'shutdown',
  ...(['fin', 'rst', 'timeout', 'reused', 'evicted', 'shutdown', 'blocked'] as const),
]
const END_COUNTER: readonly number[] = [
  C.endedShutdown,
  C.endedFin,
  C.endedRst,
  C.endedTimeout,
  C.endedReused,
  C.endedEvicted,
  C.endedShutdown,
  C.endedBlocked,
]

/** What hangs on a socket, for all flows. */
export interface Monitor {
  readonly record: SocketRecord
  readonly contexts: ContextStore
  /** Read positions, by row and side. */
  readonly readers: ContextStore
}

/** A socket that is to be told that it has stopped the current flow, by the handlers it had in `forest`. */
interface Stop {
  readonly socket: number
  readonly view: unknown
  readonly forest: Forest
}

/** The parts of a stack that the life of flows has to do with. */
export interface LifecycleParts {
  readonly table: FlowTable
  readonly events: Dispatcher
  readonly scopes: FlowScopes
  readonly wheel: TimerWheel
  readonly timers: FlowTimers
  readonly userTimers: UserTimers
  readonly reassembler: Reassembler
  readonly retention: Retention
  readonly counts: Float64Array
  readonly packet: Packet
  readonly responder: Responder
}

export class FlowLifecycle implements FlowControl {
  readonly table: FlowTable
  readonly events: Dispatcher
  /** Trace time, microseconds since 1970. */
  now = 0
  /** Replaced, never changed in place. */
  monitors: readonly Monitor[] = []
  /** To be called by the timer wheel. */
  readonly expire: (row: number) => void
  private readonly scopes: FlowScopes
  private readonly wheel: TimerWheel
  private readonly timers: FlowTimers
  /** Timers of applications. */
  readonly userTimers: UserTimers
  private readonly reassembler: Reassembler
  readonly retention: Retention
  private readonly counts: Float64Array
  private readonly packet: Packet
  /** Sockets to be told that they have stopped the current flow. */
  private stops: Stop[] = []
  /** Flows that handlers have blocked, by row. */
  private blocks: number[] = []
  private readonly responder: Responder

  constructor(parts: LifecycleParts) {
    this.table = parts.table
    this.events = parts.events
    this.scopes = parts.scopes
    this.wheel = parts.wheel
    this.timers = parts.timers
    this.userTimers = parts.userTimers
    this.reassembler = parts.reassembler
    this.retention = parts.retention
    this.events.store.keepWith({
      data: parts.retention.data,
      gap: parts.retention.gap,
      guard: (socket, depth) => (_view, payload) => {
        const { side, offset, start, end } = payload as NewData
        if (offset + (end - start) >= depth) this.mark(mark(MARK_REACHED, socket, side), 1)
      },
    })
    this.counts = parts.counts
    this.packet = parts.packet
    this.responder = parts.responder
    this.expire = (row) => this.expireRow(row)
  }

  /** Makes a row for the current packet's flow; `reversed` when its sender is the server. `flags`: FLAG_TCP or 0. */
  create(ports: number, link: number, hash: number, reversed: boolean, flags: number): number {
    const { table, counts, packet: p } = this
    if (table.full) {
      counts[C.evictions]++
      this.end(table.victim(), END.EVICTED)
    }
    const row = table.insert(p, ports, link, hash, reversed, this.now)
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
    this.timers.setClass(row, timeoutClass)
    if (!this.scopes.empty) table.words[(row << ROW_SHIFT) + FOREST] = this.scopes.begin(p)
    return row
  }

  /** The current packet's own handlers are done: sockets that stopped its flow are told so. */
  settle(): void {
    if (this.stops.length > 0) this.tellStopped()
    if (this.blocks.length > 0) this.endBlocked()
    this.events.current = 0
  }

  // ---- Timers -------------------------------------------------------------------------------------------------

  /** The flow's timer came up: it is over, or has seen packets since. */
  private expireRow(row: number): void {
    const { words, times } = this.table
    const at = row << ROW_SHIFT
    const last = (at + LAST_TIME) >> 1
    const flags = words[at + FLAGS]
    if (this.now < times[last] - CLOCK_TOLERANCE) times[last] = this.now
    const idle = Math.max(0, this.now - times[last])
    const left = this.timers.timeouts[flags & FLAG_CLASS] - idle
    if (left < 0) {
      this.end(row, END.TIMEOUT)
      return
    }
    let seconds = left / 1e6
    this.wheel.arm(row, seconds)
    if ((flags & (FLAG_TCP | FLAG_ENDED)) !== FLAG_TCP) return
    this.aside(row, () => {
      if (this.reassembler.holes.expire(row, this.now)) seconds = 1
    })
    if (seconds === 1) this.wheel.arm(row, 1)
  }

  // ---- End of a flow ------------------------------------------------------------------------------------------

  /** Runs `work` with `row` as the current flow, outside of the processing of its own packets. */
  private aside(row: number, work: () => void): void {
    const { events, packet, stops, blocks } = this
    const { current, side } = events
    const { locked } = packet
    this.stops = []
    this.blocks = []
    packet.locked = true
    events.current = row
    events.side = 0
    try {
      work()
    } finally {
      try {
        if (this.stops.length > 0) this.tellStopped()
        if (this.blocks.length > 0) this.endBlocked()
      } finally {
        this.stops = stops
        this.blocks = blocks
        packet.locked = locked
        events.current = current
        events.side = side
      }
    }
  }

  /** Ends the flow for its handlers (if it has not ended yet) and takes it out of the table. */
  end(row: number, reason: number): void {
    const ended = (this.table.words[(row << ROW_SHIFT) + FLAGS] & FLAG_ENDED) !== 0
    try {
      if (!ended)
        this.aside(row, () =>
          this.conclude(row, reason !== END.BLOCKED && this.hasClosed(row) ? END.FIN : reason),
        )
    } finally {
      this.remove(row)
    }
  }

  /** Both sides have closed; only bytes that the capture has not shown kept the flow. */
  private hasClosed(row: number): boolean {
    const words = this.table.words
    const client = (row << ROW_SHIFT) + SIDES
    const own = words[client + STATE]
    const peer = words[client + (1 << SIDE_SHIFT) + STATE]
    return (own & peer & SIDE_FIN) !== 0 && isOver(own & STATE_MASK) && isOver(peer & STATE_MASK)
  }

  /** The connection has closed: it ends for its handlers, the row stays for a while to absorb late packets. */
  close(row: number, reason: number): void {
    try {
      this.conclude(row, reason)
    } finally {
      this.timers.setClass(row, CLASS_LINGER)
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
      if (end !== END.BLOCKED) {
        if (this.unfinished(server, client)) this.reassembler.delivery.flush(row, 1)
        if (this.unfinished(client, server)) this.reassembler.delivery.flush(row, 0)
      }
      if (this.stops.length > 0) this.tellStopped()
      if (end === END.TIMEOUT && this.events.wants(row, 1 << SLOT_TIMEOUT)) {
        this.events.timedOut(row, Math.max(0, this.now - this.table.times[(at + LAST_TIME) >> 1]))
        if (this.stops.length > 0) this.tellStopped()
      }
      words[at + FLAGS] |= FLAG_ENDED
      if (this.events.wants(row, 1 << SLOT_END)) this.events.connEnd(row, END_REASON[end])
    } finally {
      this.forget(row)
    }
  }

  /** From now on the row has no handlers and nothing hangs on it. */
  private forget(row: number): void {
    const words = this.table.words
    const at = row << ROW_SHIFT
    const client = at + SIDES
    const server = client + (1 << SIDE_SHIFT)
    words[at + FLAGS] |= FLAG_ENDED
    if ((words[client + HELD_COUNT] | words[server + HELD_COUNT]) !== 0) this.reassembler.drop(row)
    if (this.userTimers.count > 0) this.userTimers.cancelFlow(row)
    if (!this.retention.empty) this.retention.drop(row)
    // What comes after an RST is told to those that monitored the flow, and to nobody else.
    if (words[at + FOREST] !== 0 && !this.events.tellsAnomalies(row)) this.dropForest(row)
    const monitors = this.monitors
    for (let i = 0; i < monitors.length; i++) {
      const { contexts, readers } = monitors[i]
      contexts.clear(row)
      readers.clear(row * 2)
      readers.clear(row * 2 + 1)
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

  remove(row: number): void {
    if (this.table.words[(row << ROW_SHIFT) + FOREST] !== 0) this.dropForest(row)
    this.wheel.disarm(row)
    this.table.remove(row)
  }

  // ---- Verdicts -----------------------------------------------------------------------------------------------

  /** Ends the current flow, and drops its packets from now on. Called by flow handles. */
  block(reset: boolean): void {
    const { words } = this.table
    const row = this.events.current
    const at = row << ROW_SHIFT
    if (row === 0) throw new Error('a flow handle is valid during the callback only')
    const flags = words[at + FLAGS]
    if ((flags & FLAG_BLOCKED) === 0) {
      this.counts[C.blockedFlows]++
      this.blocks.push(row)
    }
    if (reset && (flags & FLAG_RESET) === 0) this.counts[C.resetFlows]++
    words[at + FLAGS] |= FLAG_BLOCKED | (reset ? FLAG_RESET : 0)
    this.packet.drop()
  }

  /** The handlers of the flow's first packet have dropped it: the flow has not begun. Blocked, its row stays. */
  refuse(row: number): void {
    this.counts[C.refused]++
    this.stops = []
    this.forget(row)
    if ((this.table.words[(row << ROW_SHIFT) + FLAGS] & FLAG_BLOCKED) === 0) this.remove(row)
  }

  /** The current packet, sent by `s`, belongs to a blocked flow. */
  keepOut(row: number, s: number): void {
    this.counts[C.blockedPackets]++
    this.packet.drop()
    const flags = this.table.words[(row << ROW_SHIFT) + FLAGS]
    if ((flags & (FLAG_RESET | FLAG_TCP)) === (FLAG_RESET | FLAG_TCP)) this.responder.resetSender(row, s)
  }

  private endBlocked(): void {
    const { words } = this.table
    const blocks = this.blocks
    this.blocks = []
    for (const row of blocks) {
      const flags = words[(row << ROW_SHIFT) + FLAGS]
      if ((flags & FLAG_RESET) !== 0 && !this.packet.locked) this.responder.reset(row, this.events.side)
      if ((flags & FLAG_ENDED) === 0) this.conclude(row, END.BLOCKED)
    }
  }

  /** Sends a packet of the current flow. Called by flow handles. */
  sendPacket(to: Side, fields: PacketFields): boolean {
    const row = this.events.current
    if (row === 0) throw new Error('a flow handle is valid during the callback only')
    return this.responder.flowPacket(row, this.events.side, to, fields)
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
    this.letGo(row)
  }

  /** Frees what is held and kept of streams that are of less interest than before. */
  private letGo(row: number): void {
    const client = (row << ROW_SHIFT) + SIDES
    const mask = this.events.forestOf(row).mask
    if ((mask & NEEDS_STREAM) === 0) this.held.clear(client)
    if ((mask & (NEEDS_STREAM << 1)) === 0) this.held.clear(client + (1 << SIDE_SHIFT))
    this.retention.trim(row, 0)
    this.retention.trim(row, 1)
  }

  get held(): HeldSegments {
    return this.reassembler.held
  }

  /** Sets a timer that goes with the current flow. Called by flow handles. */
  setTimer(socket: number, micros: number, run: () => void): Timer {
    const row = this.events.current
    if (row === 0) throw new Error('a flow handle is valid during the callback only')
    const timer = this.userTimers.set(this.now, micros, row, socket, () => this.aside(row, run))
    const ended = (this.table.words[(row << ROW_SHIFT) + FLAGS] & FLAG_ENDED) !== 0
    if (ended || this.events.forestOf(row).stopped.get(socket) === 3) timer.cancel()
    return timer
  }

  /** Sets a mark of the current flow. Called by flow handles. */
  mark(name: string, value: number): void {
    const { events } = this
    const { store } = events
    const { words } = this.table
    const row = events.current
    const at = row << ROW_SHIFT
    if (row === 0) throw new Error('a flow handle is valid during the callback only')
    if ((words[at + FLAGS] & FLAG_ENDED) !== 0) return
    const before = store.get(words[at + FOREST])
    const after = store.withMark(before, name, value)
    if (after === before) return
    store.move(before, after)
    words[at + FOREST] = after.number
    this.letGo(row)
  }

  private tellStopped(): void {
    const stops = this.stops
    this.stops = []
    for (const { socket, view, forest } of stops) {
      this.userTimers.cancelFlow(this.events.current, socket)
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
