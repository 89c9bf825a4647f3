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
import type { ConnEnd, ConnEndReason, Gap, NewData, Retransmission, StateChange } from './builtin.js'
import {
  type Branch,
  type Forest,
  ForestStore,
  OUT_OF_DATE,
  SLOT_DATA,
  SLOT_END,
  SLOT_GAP,
  SLOT_REXMIT,
  SLOT_STATE,
  type UdeNode,
} from './forest.js'

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

  constructor(table: FlowTable, packet: Packet) {
    this.words = table.words
    this.packet = packet
    this.data = { side: 0, offset: 0, bytes: EMPTY, start: 0, end: 0, packet }
    this.rexmit = { side: 0, sequence: 0, length: 0, offset: 0, syn: false, fin: false, packet }
  }

  /**
   * Whether any handler wants one of the slots in `bits` for a flow. Asked before an event is raised: without handlers an
   * event costs two loads, and the code that would raise it is never compiled.
   */
  wants(row: number, bits: number): boolean {
    const mask = this.store.masks[this.words[(row << ROW_SHIFT) + FOREST]]
    return (mask & bits) !== 0 && (mask !== OUT_OF_DATE || (this.forestOf(row).mask & bits) !== 0)
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

  /** Tells one socket, by the handlers it had in `forest`, that it has stopped monitoring the flow. */
  connStopped(forest: Forest, view: unknown): void {
    this.end.reason = 'stopped'
    for (const branch of forest.branches[SLOT_END]) {
      if (branch.view === view) run(branch, view, this.end)
    }
  }

  private raise(forest: Forest, slot: number, payload: unknown): void {
    const branches = forest.branches[slot]
    for (let i = 0; i < branches.length; i++) {
      const branch = branches[i]
      run(branch, branch.view, payload)
    }
  }
}

function run(node: Branch | UdeNode, view: unknown, payload: unknown): void {
  const { handlers, children } = node
  for (let i = 0; i < handlers.length; i++) handlers[i](view, payload)
  for (let i = 0; i < children.length; i++) {
    const child = children[i]
    const value = child.filter(view, payload)
    if (value !== undefined) run(child, view, value)
  }
}
