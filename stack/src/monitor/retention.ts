/**
 * Bytes of streams kept after their delivery, for applications that want to look back (`flow.side(s).peek`).
 *
 * In: delivered data and gaps of the sides for which some socket asked for retention, ahead of every socket's handlers.
 * Out: per side the newest bytes, up to the most that any socket wants, in chunks of a pool with a limit. When the pool is
 * used up, a side that needs a chunk gives up its own oldest bytes; one that has none goes without. Called by the
 * dispatcher (as the first handler of ON_NEW_DATA and ON_GAP), flow handles, and when flows change or end.
 */
import { C } from '../counters.js'
import { STREAM_ERROR } from '../event/anomaly.js'
import type { Gap, NewData } from '../event/builtin.js'
import type { Dispatcher } from '../event/dispatcher.js'
import type { AnyHandler } from '../event/plant.js'
import { MEMORY, type MemoryBudget } from '../flow/memory.js'

const CHUNK_SHIFT = 11
export const RETAINED_CHUNK = 1 << CHUNK_SHIFT
const CHUNK_MASK = RETAINED_CHUNK - 1
const SLAB_SHIFT = 8
const SLAB_CHUNKS = 1 << SLAB_SHIFT
/** Released entries at the front of a chunk list before it is shortened. */
const SLACK = 64

/** Contiguous bytes. */
interface Run {
  /** Stream offsets of the first kept byte and of the one after the last. */
  offset: number
  end: number
  /** Chunks from index `first` on; the first byte is `skew` bytes into the first. */
  readonly chunks: number[]
  first: number
  skew: number
}

export interface Kept {
  /** Oldest first. */
  readonly runs: Run[]
  /** Stream offset from which on bytes were kept, and how far the stream has come. */
  readonly origin: number
  end: number
  bytes: number
  chunks: number
}

export class Retention {
  /** Handlers for the dispatcher. */
  readonly data: AnyHandler
  readonly gap: AnyHandler
  /** Chunks in use. */
  inUse = 0
  private readonly events: Dispatcher
  private readonly counts: Float64Array
  private readonly memory: MemoryBudget
  private readonly maxChunks: number
  private readonly slabs: Uint8Array[] = []
  private readonly free: number[] = []
  private fresh = 0
  private readonly sides = new Map<number, Kept>()

  constructor(events: Dispatcher, counts: Float64Array, totalBytes: number, memory: MemoryBudget) {
    this.memory = memory
    memory.countBy((row) => this.bytesOf(row))
    memory.reclaimBy(MEMORY.KEPT, () => this.reclaim())
    this.events = events
    this.counts = counts
    this.maxChunks = Math.floor(totalBytes / RETAINED_CHUNK)
    this.data = (_view, payload) => this.keep(payload as NewData)
    this.gap = (_view, payload) => this.skip(payload as Gap)
  }

  /** Nothing is kept, of any flow. */
  get empty(): boolean {
    return this.sides.size === 0
  }

  kept(row: number, side: number): Kept | undefined {
    return this.sides.get(row * 2 + side)
  }

  /** Lets go of what no socket wants any more: of all but the newest bytes that the flow's forest asks for. */
  trim(row: number, side: number): void {
    const kept = this.kept(row, side)
    if (kept === undefined) return
    const need = this.need(row, side)
    this.shrink(kept, need)
    if (need === 0) this.sides.delete(row * 2 + side)
  }

  trimAll(): void {
    for (const key of [...this.sides.keys()]) this.trim(key >> 1, key & 1)
  }

  /** The flow has ended. */
  drop(row: number): void {
    for (let side = 0; side < 2; side++) {
      const kept = this.kept(row, side)
      if (kept === undefined) continue
      this.shrink(kept, 0)
      this.sides.delete(row * 2 + side)
    }
  }

  /** Copies kept bytes from `offset` on into `target[at…]`. @returns bytes copied: up to the end of their run */
  copy(kept: Kept, offset: number, target: Uint8Array, at: number): number {
    const run = kept.runs.find((r) => r.offset <= offset && offset < r.end)
    if (run === undefined) return 0
    const length = Math.min(run.end - offset, target.length - at)
    let position = run.skew + (offset - run.offset)
    for (let done = 0; done < length; ) {
      const chunk = run.chunks[run.first + (position >> CHUNK_SHIFT)]
      const take = Math.min(length - done, RETAINED_CHUNK - (position & CHUNK_MASK))
      const from = this.start(chunk) + (position & CHUNK_MASK)
      target.set(this.slab(chunk).subarray(from, from + take), at + done)
      done += take
      position += take
    }
    return length
  }

  /** Gives up a chunk of what has been kept for longest. */
  private reclaim(): boolean {
    for (const kept of this.sides.values()) {
      const { chunks } = kept
      while (chunks > 0 && kept.bytes > 0 && kept.chunks === chunks) {
        this.discard(kept, RETAINED_CHUNK - kept.runs[0].skew)
      }
      if (kept.chunks < chunks) return true
    }
    return false
  }

  private bytesOf(row: number): number {
    if (this.sides.size === 0) return 0
    return ((this.kept(row, 0)?.chunks ?? 0) + (this.kept(row, 1)?.chunks ?? 0)) * RETAINED_CHUNK
  }

  private need(row: number, side: number): number {
    return this.events.forestOf(row).retain[side as 0 | 1]
  }

  private keep({ side, offset, bytes, start, end }: NewData): void {
    const row = this.events.current
    const need = this.need(row, side)
    if (need === 0) return
    const kept = this.open(row, side, offset)
    kept.end = offset + (end - start)
    const from = Math.max(start, end - need)
    if (from > start) this.shrink(kept, 0)
    if (!this.append(row, kept, offset + (from - start), bytes, from, end)) {
      this.counts[C.retainedTotalLimit]++
      this.events.error(row, side, STREAM_ERROR.RETENTION_LIMIT)
    }
    this.shrink(kept, need)
  }

  private skip({ side, offset, length }: Gap): void {
    const row = this.events.current
    if (this.need(row, side) > 0) this.open(row, side, offset).end = offset + length
  }

  private open(row: number, side: number, offset: number): Kept {
    let kept = this.kept(row, side)
    if (kept === undefined) {
      kept = { runs: [], origin: offset, end: offset, bytes: 0, chunks: 0 }
      this.sides.set(row * 2 + side, kept)
    }
    return kept
  }

  /** @returns false when the pool did not have room for all of it */
  private append(
    row: number,
    kept: Kept,
    offset: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): boolean {
    let run = kept.runs[kept.runs.length - 1]
    if (run === undefined || run.end !== offset) {
      run = { offset, end: offset, chunks: [], first: 0, skew: 0 }
      kept.runs.push(run)
    }
    for (let from = start; from < end; ) {
      const position = run.skew + (run.end - run.offset)
      if (run.first + (position >> CHUNK_SHIFT) === run.chunks.length) {
        const chunk = this.allocate(row, kept)
        if (chunk < 0) {
          if (run.end === run.offset) kept.runs.splice(kept.runs.indexOf(run), 1)
          return false
        }
        // Making room may have taken this run's oldest bytes: its positions are counted anew.
        run.chunks.push(chunk)
        kept.chunks++
        if (!kept.runs.includes(run)) {
          run.offset = run.end
          run.skew = 0
          kept.runs.push(run)
        }
        continue
      }
      const chunk = run.chunks[run.first + (position >> CHUNK_SHIFT)]
      const take = Math.min(end - from, RETAINED_CHUNK - (position & CHUNK_MASK))
      this.slab(chunk).set(bytes.subarray(from, from + take), this.start(chunk) + (position & CHUNK_MASK))
      run.end += take
      kept.bytes += take
      from += take
    }
    return true
  }

  /** Cuts down to `need` bytes, and to the chunks that as many bytes without holes may take. */
  private shrink(kept: Kept, need: number): void {
    const limit = need === 0 ? 0 : Math.ceil(need / RETAINED_CHUNK) + 1
    while (kept.bytes > need) this.discard(kept, kept.bytes - need)
    while (kept.chunks > limit) this.discard(kept, RETAINED_CHUNK - kept.runs[0].skew)
  }

  /** Drops up to `length` of the oldest bytes: not beyond the end of their run. */
  private discard(kept: Kept, length: number): void {
    const run = kept.runs[0]
    const take = Math.min(length, run.end - run.offset)
    run.offset += take
    run.skew += take
    kept.bytes -= take
    const over = run.offset === run.end
    while (run.first < run.chunks.length && (over || run.skew >= RETAINED_CHUNK)) {
      this.free.push(run.chunks[run.first++])
      this.inUse--
      this.memory.remove(MEMORY.KEPT, RETAINED_CHUNK)
      kept.chunks--
      run.skew -= RETAINED_CHUNK
    }
    if (over) {
      kept.runs.shift()
      run.chunks.length = 0
      run.first = 0
      run.skew = 0
    } else if (run.first > SLACK) {
      run.chunks.splice(0, run.first)
      run.first = 0
    }
  }

  /** @returns a chunk, or -1 */
  private allocate(row: number, kept: Kept): number {
    const full = this.inUse >= this.maxChunks || !this.memory.flowHas(row, RETAINED_CHUNK)
    if (full || !this.memory.has(MEMORY.KEPT, RETAINED_CHUNK)) {
      if (kept.chunks === 0 || kept.bytes === 0) return -1
      const before = kept.chunks
      while (kept.chunks === before) this.discard(kept, RETAINED_CHUNK - kept.runs[0].skew)
    }
    this.inUse++
    this.memory.add(MEMORY.KEPT, RETAINED_CHUNK)
    const chunk = this.free.pop()
    if (chunk !== undefined) return chunk
    if (this.fresh >> SLAB_SHIFT >= this.slabs.length) {
      this.slabs.push(new Uint8Array(SLAB_CHUNKS << CHUNK_SHIFT))
    }
    return this.fresh++
  }

  private slab(chunk: number): Uint8Array {
    return this.slabs[chunk >> SLAB_SHIFT]
  }

  private start(chunk: number): number {
    return (chunk & (SLAB_CHUNKS - 1)) << CHUNK_SHIFT
  }
}
