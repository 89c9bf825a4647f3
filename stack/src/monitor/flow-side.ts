/**
 * What one side of a flow receives, as an application may look at it besides ON_NEW_DATA: by its own read position, or by
 * stream offset. One view per socket and side, reused for all flows; the bytes it returns are copies.
 */
import type { Dispatcher } from '../event/dispatcher.js'
import { MARK_DEPTH, MARK_REACHED, MARK_RETAIN, mark, retainOf, type SocketRecord } from '../event/forest.js'
import {
  HELD_BYTES,
  HELD_HEAD,
  HELD_TAIL,
  ISN,
  OFFSET,
  RECEIVED,
  ROW_SHIFT,
  SIDE_POLICY_MASK,
  SIDE_POLICY_SHIFT,
  SIDE_SHIFT,
  SIDE_SYN,
  SIDE_WAITS,
  SIDES,
  STATE,
} from '../flow/layout.js'
import type { FlowTable } from '../flow/table.js'
import type { HeldSegments } from '../tcp/held.js'
import { checkPolicy } from '../tcp/options.js'
import { TCP_POLICIES, TCP_POLICY, type TcpPolicy } from '../tcp/policy.js'
import type { ContextStore } from './context.js'
import type { FlowSide, Side, StreamFragment, StreamInfo } from './flow.js'
import type { Kept, Retention } from './retention.js'

/** Most bytes a socket may have kept per side, and of interest. */
export const MAX_STREAM_BYTES = 0x3fff_ffff

/** @throws RangeError */
export function checkStreamBytes(name: string, bytes: number): void {
  if (Number.isSafeInteger(bytes) && bytes >= 0 && bytes <= MAX_STREAM_BYTES) return
  throw new RangeError(`${name} must be an integer from 0 to ${MAX_STREAM_BYTES}, not ${bytes}`)
}

/** What a view of a side asks of the stack. */
export interface SideControl {
  readonly table: FlowTable
  readonly events: Dispatcher
  readonly held: HeldSegments
  readonly retention: Retention
  /** Sets a mark of the current flow. */
  mark(name: string, value: number): void
  stop(socket: number, view: unknown, sides: number): void
}

interface Reader {
  /** Stream offset of the next byte to read. */
  at: number
  missed: number
}

export class FlowSideView implements FlowSide {
  private readonly control: SideControl
  private readonly record: SocketRecord
  private readonly readers: ContextStore
  private readonly which: Side

  constructor(control: SideControl, record: SocketRecord, readers: ContextStore, side: Side) {
    this.control = control
    this.record = record
    this.readers = readers
    this.which = side
  }

  peek(max = Number.POSITIVE_INFINITY): Uint8Array | null {
    const kept = this.keptForUs()
    if (kept === undefined) return null
    const reader = this.reader(kept)
    const run = kept.runs.find((r) => r.end > reader.at)
    if (run === undefined) return null
    const length = Math.min(max, run.end - reader.at)
    if (!(length >= 1)) return null
    const bytes = new Uint8Array(Math.floor(length))
    this.control.retention.copy(kept, reader.at, bytes, 0)
    reader.at += bytes.length
    return bytes
  }

  ppeek(offset: number, length: number): Uint8Array | null {
    const { retention, held, table } = this.control
    const kept = this.keptForUs()
    const receiver = this.receiver()
    const most = (kept?.bytes ?? 0) + table.words[receiver + HELD_BYTES]
    const bytes = new Uint8Array(Math.max(0, Math.min(Math.floor(length) || 0, most)))
    let done = 0
    if (kept !== undefined) {
      for (;;) {
        const copied = done < bytes.length ? retention.copy(kept, offset + done, bytes, done) : 0
        if (copied === 0) break
        done += copied
      }
    }
    for (let record = table.words[receiver + HELD_HEAD]; record !== 0; record = held.next(record)) {
      const begin = this.offsetOf(receiver, held.sequence(record))
      const skip = offset + done - begin
      if (skip < 0 || done === bytes.length) break
      const take = Math.min(held.length(record) - skip, bytes.length - done)
      if (take <= 0) continue
      const from = held.start(record) + skip
      bytes.set(held.bytes(record).subarray(from, from + take), done)
      done += take
    }
    return done === 0 ? null : bytes.subarray(0, done)
  }

  missed(): number {
    const kept = this.keptForUs()
    return kept === undefined ? 0 : this.reader(kept).missed
  }

  unread(): number {
    const kept = this.keptForUs()
    if (kept === undefined) return 0
    const { at } = this.reader(kept)
    return kept.runs.reduce((sum, run) => sum + Math.max(0, run.end - Math.max(at, run.offset)), 0)
  }

  info(): StreamInfo {
    const { table, held } = this.control
    const { words } = table
    const receiver = this.receiver()
    const sender = (this.row() << ROW_SHIFT) + SIDES + ((1 - this.which) << SIDE_SHIFT)
    const kept = this.keptForUs()
    const expected = table.times[(receiver + OFFSET) >> 1]
    const tail = words[receiver + HELD_TAIL]
    return {
      initialSequence: (words[sender + STATE] & SIDE_SYN) !== 0 ? words[sender + ISN] >>> 0 : undefined,
      read: kept === undefined ? 0 : this.reader(kept).at,
      expected,
      received: tail === 0 ? expected : this.offsetOf(receiver, held.sequence(tail)) + held.length(tail),
      kept: kept?.bytes ?? 0,
      heldBytes: words[receiver + HELD_BYTES],
      retention: this.retention(),
    }
  }

  fragments(): StreamFragment[] {
    const { held, table } = this.control
    const list: { offset: number; length: number }[] = []
    const add = (offset: number, length: number): void => {
      const last = list[list.length - 1]
      if (last !== undefined && last.offset + last.length === offset) last.length += length
      else list.push({ offset, length })
    }
    for (const { offset, end } of this.keptForUs()?.runs ?? []) add(offset, end - offset)
    const receiver = this.receiver()
    for (let record = table.words[receiver + HELD_HEAD]; record !== 0; record = held.next(record)) {
      add(this.offsetOf(receiver, held.sequence(record)), held.length(record))
    }
    return list
  }

  setRetention(bytes: number): void {
    checkStreamBytes('retention', bytes)
    const { control, record, which } = this
    const row = this.row()
    // Reading begins with what comes from now on, not with what other sockets had kept.
    if (this.retention() === 0 && this.readers.get(row * 2 + which) === undefined) {
      const at = control.table.times[(this.receiver() + OFFSET) >> 1]
      this.readers.set(row * 2 + which, { at, missed: 0 } satisfies Reader)
    }
    control.mark(mark(MARK_RETAIN, record.number, which), bytes)
  }

  setReassemblyDepth(bytes: number): void {
    checkStreamBytes('reassembly depth', bytes)
    const { control, record, which } = this
    control.mark(mark(MARK_DEPTH, record.number, which), bytes)
    if (bytes > 0 && control.table.times[(this.receiver() + OFFSET) >> 1] >= bytes) {
      control.mark(mark(MARK_REACHED, record.number, which), 1)
    }
  }

  get policy(): TcpPolicy {
    const state = this.control.table.words[this.receiver() + STATE]
    return TCP_POLICIES[(state & SIDE_POLICY_MASK) >> SIDE_POLICY_SHIFT]
  }

  setPolicy(policy: TcpPolicy): void {
    checkPolicy(policy)
    const { words } = this.control.table
    const at = this.receiver() + STATE
    words[at] = (words[at] & ~SIDE_POLICY_MASK) | (TCP_POLICY[policy] << SIDE_POLICY_SHIFT)
    // The reassembler takes the mark away when it finds that nothing has to wait.
    words[at] |= SIDE_WAITS
  }

  stop(): void {
    this.control.stop(this.record.number, this.record.view, 1 << this.which)
  }

  private row(): number {
    const row = this.control.events.current
    if (row === 0) throw new Error('a flow handle is valid during the callback only')
    return row
  }

  private receiver(): number {
    return (this.row() << ROW_SHIFT) + SIDES + (this.which << SIDE_SHIFT)
  }

  private offsetOf(receiver: number, sequence: number): number {
    const { words, times } = this.control.table
    return times[(receiver + OFFSET) >> 1] + ((sequence - words[receiver + RECEIVED]) | 0)
  }

  private retention(): number {
    return retainOf(this.control.events.forestOf(this.row()), this.record, this.which)
  }

  /** What is kept, unless only other sockets asked for it. */
  private keptForUs(): Kept | undefined {
    return this.retention() === 0 ? undefined : this.control.retention.kept(this.row(), this.which)
  }

  /** The read position, past what is not kept any more. */
  private reader(kept: Kept): Reader {
    const key = this.row() * 2 + this.which
    let reader = this.readers.get(key) as Reader | undefined
    if (reader === undefined) {
      reader = { at: kept.origin, missed: 0 }
      this.readers.set(key, reader)
    }
    const run = kept.runs.find((r) => r.end > reader.at)
    const next = run === undefined ? kept.end : run.offset
    if (next > reader.at) {
      reader.missed += next - reader.at
      reader.at = next
    }
    return reader
  }
}
