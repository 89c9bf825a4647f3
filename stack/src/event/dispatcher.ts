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
  SLOT_DATA,
  SLOT_END,
  SLOT_GAP,
  SLOT_PKT_POST,
  SLOT_PKT_PRE,
  SLOT_REXMIT,
  SLOT_START,
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

  /** The forest of a flow, up to date. */
  forestOf(row: number): Forest {
    const forest = this.store.forests[this.words[(row << ROW_SHIFT) + FOREST]]
    return forest.version === this.store.version ? forest : this.store.compile(forest)
  }

  preTcp(row: number): void {
    const forest = this.forestOf(row)
    if ((forest.mask & (1 << SLOT_PKT_PRE)) !== 0) this.raise(forest, SLOT_PKT_PRE, this.packet)
  }

  postTcp(row: number): void {
    const forest = this.forestOf(row)
    if ((forest.mask & (1 << SLOT_PKT_POST)) !== 0) this.raise(forest, SLOT_PKT_POST, this.packet)
  }

  connStart(row: number): void {
    const forest = this.forestOf(row)
    if ((forest.mask & (1 << SLOT_START)) !== 0) this.raise(forest, SLOT_START, this.packet)
  }

  stateChange(row: number, side: number, from: number, to: number): void {
    const forest = this.forestOf(row)
    if ((forest.mask & (1 << (SLOT_STATE + side))) === 0) return
    const change = this.change
    change.side = side as Side
    change.from = from as TcpState
    change.to = to as TcpState
    this.raise(forest, SLOT_STATE + side, change)
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
    const forest = this.forestOf(row)
    if ((forest.mask & (1 << (SLOT_REXMIT + side))) === 0) return
    const rexmit = this.rexmit
    rexmit.side = side as Side
    rexmit.sequence = sequence >>> 0
    rexmit.length = length
    rexmit.offset = offset
    rexmit.syn = syn
    rexmit.fin = fin
    this.raise(forest, SLOT_REXMIT + side, rexmit)
  }

  newData(row: number, side: number, offset: number, bytes: Uint8Array, start: number, end: number): void {
    const forest = this.forestOf(row)
    if ((forest.mask & (1 << (SLOT_DATA + side))) === 0) return
    const data = this.data
    data.side = side as Side
    data.offset = offset
    data.bytes = bytes
    data.start = start
    data.end = end
    this.raise(forest, SLOT_DATA + side, data)
  }

  missing(row: number, side: number, offset: number, length: number): void {
    const forest = this.forestOf(row)
    if ((forest.mask & (1 << (SLOT_GAP + side))) === 0) return
    const gap = this.gap
    gap.side = side as Side
    gap.offset = offset
    gap.length = length
    this.raise(forest, SLOT_GAP + side, gap)
  }

  connEnd(row: number, reason: ConnEndReason): void {
    const forest = this.forestOf(row)
    if ((forest.mask & (1 << SLOT_END)) === 0) return
    this.end.reason = reason
    this.raise(forest, SLOT_END, this.end)
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
