/**
 * Delivers events: walks the branches of a flow's forest and calls filters and handlers.
 *
 * In: "this happened to this row". Out: handler calls, in the order of the sockets' creation, and within a socket its
 * handlers first, then those of user-defined events, parents before children. Payload objects are reused. A handler's
 * exception goes through to whoever called `Stack.frame`. Called by the TCP tracker and the stack.
 */
import { FOREST, ROW_SHIFT } from '../flow/layout.js'
import type { FlowTable } from '../flow/table.js'
import type { Side } from '../monitor/flow.js'
import type { TcpState } from '../tcp/state.js'
import type { Packet } from '../wire/index.js'
import type { AnomalyCode, StreamErrorCode } from './anomaly.js'
import type {
  Anomaly,
  ConnEnd,
  ConnEndReason,
  ConnTimeout,
  Datagram,
  Gap,
  HalfClose,
  NewData,
  OutOfOrder,
  OverlapConflict,
  Retransmission,
  StateChange,
  StreamError,
} from './builtin.js'
import { type Forest, ForestStore, OUT_OF_DATE } from './forest.js'
import {
  type Branch,
  type MultiNode,
  NODE_ANY,
  NODE_FILTER,
  NODE_MULTI,
  NODE_ONCE,
  type UdeNode,
} from './plant.js'
import {
  SLOT_ANOMALY,
  SLOT_CONFLICT,
  SLOT_DATA,
  SLOT_DATAGRAM,
  SLOT_END,
  SLOT_ERROR,
  SLOT_GAP,
  SLOT_HALF_CLOSE,
  SLOT_OUT_OF_ORDER,
  SLOT_REXMIT,
  SLOT_STATE,
  SLOT_TIMEOUT,
} from './slots.js'

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

const EMPTY = new Uint8Array(0)

export class Dispatcher {
  readonly store = new ForestStore()
  /** Row of the flow whose event is being delivered: what the flow handles show. */
  current = 0
  /** Sender of that flow's last packet. */
  side: Side = 0
  private readonly words: Int32Array
  private readonly packet: Packet
  private readonly data: Mutable<NewData>
  private readonly gap: Mutable<Gap> = { side: 0, offset: 0, length: 0 }
  private readonly rexmit: Mutable<Retransmission>
  private readonly change: Mutable<StateChange> = { side: 0, from: 0, to: 0 }
  private readonly end: Mutable<ConnEnd> = { reason: 'fin' }
  private readonly silence: Mutable<ConnTimeout> = { idle: 0 }
  private readonly half: Mutable<HalfClose> = { side: 0 }
  private readonly disorder: Mutable<OutOfOrder>
  private readonly failure: Mutable<StreamError>
  private readonly oddity: Mutable<Anomaly>
  private readonly message: Mutable<Datagram>
  private readonly clash: Mutable<OverlapConflict>
  /** Number of the event being delivered. */
  private serial = 0

  constructor(table: FlowTable, packet: Packet) {
    this.words = table.words
    this.packet = packet
    this.data = { side: 0, offset: 0, bytes: EMPTY, start: 0, end: 0, packet }
    this.rexmit = { side: 0, sequence: 0, length: 0, offset: 0, syn: false, fin: false, packet }
    this.disorder = { side: 0, sequence: 0, length: 0, offset: 0, packet }
    this.failure = { code: 1, side: 0, packet }
    this.oddity = { code: 1, side: 0, packet }
    this.clash = { side: 0, sequence: 0, offset: 0, earlier: EMPTY, later: EMPTY, winner: 'earlier', packet }
    this.message = { side: 0, bytes: EMPTY, start: 0, end: 0, packet }
  }

  /**
   * Whether any handler wants one of the slots in `bits` for a flow. Asked before an event is raised: without handlers an
   * event costs two loads, and the code that would raise it is never compiled.
   */
  wants(row: number, bits: number): boolean {
    const mask = this.store.masks[this.words[(row << ROW_SHIFT) + FOREST]]
    return (mask & bits) !== 0 && (mask !== OUT_OF_DATE || (this.forestOf(row).mask & bits) !== 0)
  }

  /** Whether handlers of ON_ANOMALY depend on the flow having its forest. */
  tellsAnomalies(row: number): boolean {
    const mask = this.forestOf(row).mask | this.store.get(0).mask
    return (mask & (3 << SLOT_ANOMALY)) !== 0
  }

  /** The forest of a flow, up to date. */
  forestOf(row: number): Forest {
    return this.store.get(this.words[(row << ROW_SHIFT) + FOREST])
  }

  /** Raises ON_PKT_IN at one of its hooks, or ON_CONN_START. */
  packetEvent(row: number, slot: number): void {
    this.raise(this.forestOf(row), slot, this.packet)
  }

  stateChange(row: number, side: number, from: number, to: number): void {
    const change = this.change
    change.side = side as Side
    change.from = from as TcpState
    change.to = to as TcpState
    this.raise(this.forestOf(row), SLOT_STATE + side, change)
  }

  /** @param side the receiving side */
  retransmission(
    row: number,
    side: number,
    sequence: number,
    length: number,
    offset: number,
    syn: boolean,
    fin: boolean,
  ): void {
    const rexmit = this.rexmit
    rexmit.side = side as Side
    rexmit.sequence = sequence >>> 0
    rexmit.length = length
    rexmit.offset = offset
    rexmit.syn = syn
    rexmit.fin = fin
    this.raise(this.forestOf(row), SLOT_REXMIT + side, rexmit)
  }

  newData(row: number, side: number, offset: number, bytes: Uint8Array, start: number, end: number): void {
    const data = this.data
    data.side = side as Side
    data.offset = offset
    data.bytes = bytes
    data.start = start
    data.end = end
    this.raise(this.forestOf(row), SLOT_DATA + side, data)
  }

  missing(row: number, side: number, offset: number, length: number): void {
    const gap = this.gap
    gap.side = side as Side
    gap.offset = offset
    gap.length = length
    this.raise(this.forestOf(row), SLOT_GAP + side, gap)
  }

  connEnd(row: number, reason: ConnEndReason): void {
    this.end.reason = reason
    this.raise(this.forestOf(row), SLOT_END, this.end)
  }

  timedOut(row: number, idle: number): void {
    this.silence.idle = idle
    this.raise(this.forestOf(row), SLOT_TIMEOUT, this.silence)
  }

  /** @param side the side that has closed its direction */
  halfClosed(row: number, side: number): void {
    this.half.side = side as Side
    this.raise(this.forestOf(row), SLOT_HALF_CLOSE + side, this.half)
  }

  /** @param side the receiving side */
  outOfOrder(row: number, side: number, sequence: number, length: number, offset: number): void {
    const disorder = this.disorder
    disorder.side = side as Side
    disorder.sequence = sequence >>> 0
    disorder.length = length
    disorder.offset = offset
    this.raise(this.forestOf(row), SLOT_OUT_OF_ORDER + side, disorder)
  }

  /** @param side the receiving side */
  conflict(
    row: number,
    side: number,
    sequence: number,
    offset: number,
    earlier: Uint8Array,
    later: Uint8Array,
    winner: OverlapConflict['winner'],
  ): void {
    const clash = this.clash
    clash.side = side as Side
    clash.sequence = sequence >>> 0
    clash.offset = offset
    clash.earlier = earlier
    clash.later = later
    clash.winner = winner
    this.raise(this.forestOf(row), SLOT_CONFLICT + side, clash)
  }

  /** Raises ON_ERROR if anyone wants it. @param side the receiving side */
  error(row: number, side: number, code: StreamErrorCode): void {
    if (!this.wants(row, 1 << (SLOT_ERROR + side))) return
    this.failure.side = side as Side
    this.failure.code = code
    this.raise(this.forestOf(row), SLOT_ERROR + side, this.failure)
  }

  /** Raises ON_ANOMALY if anyone wants it. @param side the sender of the packet */
  anomaly(row: number, side: number, code: AnomalyCode): void {
    if (!this.wants(row, 1 << (SLOT_ANOMALY + side))) return
    this.oddity.side = side as Side
    this.oddity.code = code
    this.raise(this.forestOf(row), SLOT_ANOMALY + side, this.oddity)
  }

  /** @param side the receiving side */
  datagram(row: number, side: number): void {
    const { message, packet } = this
    message.side = side as Side
    message.bytes = packet.buffer
    message.start = packet.payloadOffset
    message.end = packet.payloadOffset + packet.payloadLength
    this.raise(this.forestOf(row), SLOT_DATAGRAM + side, message)
  }

  /** Tells one socket, by the handlers it had in `forest`, that it has stopped monitoring the flow. */
  connStopped(forest: Forest, view: unknown): void {
    this.end.reason = 'stopped'
    this.serial++
    for (const branch of forest.branches[SLOT_END]) {
      if (branch.view === view) this.run(branch, view, this.end)
    }
  }

  private raise(forest: Forest, slot: number, payload: unknown): void {
    this.serial++
    const branches = forest.branches[slot]
    for (let i = 0; i < branches.length; i++) {
      const branch = branches[i]
      this.run(branch, branch.view, payload)
    }
  }

  private run(node: Branch | UdeNode, view: unknown, payload: unknown): void {
    const { handlers, children } = node
    for (let i = 0; i < handlers.length; i++) handlers[i](view, payload)
    for (let i = 0; i < children.length; i++) {
      const child = children[i]
      if (child.mode === NODE_FILTER) {
        const value = child.filter(view, payload)
        if (value !== undefined) this.run(child, view, value)
      } else this.runOther(child, view, payload)
    }
  }

  private runOther(child: UdeNode, view: unknown, payload: unknown): void {
    if (child.mode === NODE_MULTI) this.classify(child.multi as MultiNode, view, payload)
    else if (child.mode === NODE_ANY) {
      if (child.serial === this.serial) return
      child.serial = this.serial
      this.run(child, view, payload)
    } else if (child.mode === NODE_ONCE && this.firstTime(child.mark)) this.run(child, view, payload)
  }

  private classify(multi: MultiNode, view: unknown, payload: unknown): void {
    const { raised } = multi
    raised.length = 0
    multi.classify(view, payload, multi.raise)
    for (let i = 0; i < raised.length; i += 2) this.run(raised[i] as UdeNode, view, raised[i + 1])
    raised.length = 0
  }

  /** Marks the current flow, in its forest: flows of which the same has been raised share one. */
  private firstTime(name: string): boolean {
    const at = (this.current << ROW_SHIFT) + FOREST
    const before = this.store.get(this.words[at])
    const after = this.store.withMark(before, name, 1)
    if (after === before) return false
    this.store.move(before, after)
    this.words[at] = after.number
    return true
  }
}
