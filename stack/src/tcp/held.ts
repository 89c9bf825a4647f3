/**
 * Out-of-order data: copies of segments that wait for the bytes before them.
 *
 * In: segments beyond the next expected byte, with the row words of the side that receives them. Out: per side a list
 * sorted by sequence number, without overlaps: which bytes stay is decided by the receiver's policy (policy.ts). Every
 * record owns one chunk of a pool that grows in slabs up to a limit; limits per side bound bytes and records. Called by
 * the reassembler.
 */
import { HELD_BYTES, HELD_COUNT, HELD_HEAD, HELD_TAIL, ROW_SHIFT, SIDE_SHIFT, SIDES } from '../flow/layout.js'
import { MEMORY, type MemoryBudget } from '../flow/memory.js'
import { everNew, newWins } from './policy.js'

/** Bytes of one chunk; longer segments take several records. */
const CHUNK_SHIFT = 11
export const CHUNK_BYTES = 1 << CHUNK_SHIFT
/** Chunks of one slab. */
const SLAB_SHIFT = 8
const SLAB_CHUNKS = 1 << SLAB_SHIFT

const SEQUENCE = 0
/** In the upper half: CONTINUES. */
const LENGTH = 1
const LENGTH_MASK = 0xffff
/** The record goes on where the one before it ends, with the same segment: overlap is judged by whole segments. */
const CONTINUES = 0x1_0000
/** `ACK` is set. */
const ACKNOWLEDGES = 0x2_0000
const NEXT = 2
const PREV = 3
/** Acknowledgement number of the segment, and how doubtful it is. */
const ACK = 4
const DOUBT = 5
const RECORD_SHIFT = 3

export interface HeldLimits {
  /** Held bytes per receiving side. */
  readonly sideBytes: number
  /** Held segments (of at most CHUNK_BYTES) per receiving side. */
  readonly sideSegments: number
  /** Memory of the pool in bytes, for all flows. */
  readonly totalBytes: number
}

export const HELD_OK = 0
export const HELD_SIDE_BYTES = 1
export const HELD_SIDE_SEGMENTS = 2
export const HELD_TOTAL = 3
export const HELD_FLOW_MEMORY = 4
export const HELD_MEMORY = 5

export class HeldSegments {
  /** Range of the last inserted segment that was held already (sequence numbers); empty when equal. */
  repeatedFrom = 0
  repeatedTo = 0
  /** Records in use. */
  inUse = 0
  /** What is inserted notes `acknowledgement`. */
  stamped = false
  acknowledgement = 0
  /** How doubtful what is inserted is. */
  doubt = 0
  private readonly rows: Int32Array
  private readonly memory: MemoryBudget
  private readonly sideBytes: number
  private readonly sideSegments: number
  private readonly maxRecords: number
  private readonly slabs: Uint8Array[] = []
  private records = new Int32Array(SLAB_CHUNKS << RECORD_SHIFT)
  private free = 0
  /** Record 0 is not used: 0 means none. */
  private fresh = 1

  constructor(rows: Int32Array, limits: HeldLimits, memory: MemoryBudget) {
    this.memory = memory
    memory.countBy((row) => this.bytesOf(row))
    this.rows = rows
    this.sideBytes = limits.sideBytes
    this.sideSegments = limits.sideSegments
    this.maxRecords = Math.floor(limits.totalBytes / CHUNK_BYTES)
  }

  sequence(record: number): number {
    return this.records[(record << RECORD_SHIFT) + SEQUENCE]
  }

  length(record: number): number {
    return this.records[(record << RECORD_SHIFT) + LENGTH] & LENGTH_MASK
  }

  /** Sequence number after a record's last byte. */
  end(record: number): number {
    const at = record << RECORD_SHIFT
    return (this.records[at + SEQUENCE] + (this.records[at + LENGTH] & LENGTH_MASK)) | 0
  }

  /** How many bytes beyond `position` the segment of a record has acknowledged; 0 if that is not known. */
  ahead(record: number, position: number): number {
    const at = record << RECORD_SHIFT
    if ((this.records[at + LENGTH] & ACKNOWLEDGES) === 0) return 0
    return (this.records[at + ACK] - position) | 0
  }

  /** How doubtful the bytes of a record are. */
  doubtOf(record: number): number {
    return this.records[(record << RECORD_SHIFT) + DOUBT]
  }

  /** The record after this one in its side's list, or 0. */
  next(record: number): number {
    return this.records[(record << RECORD_SHIFT) + NEXT]
  }

  /** The memory that holds a record's bytes, from `start(record)`. */
  bytes(record: number): Uint8Array {
    return this.slabs[record >> SLAB_SHIFT]
  }

  start(record: number): number {
    return (record & (SLAB_CHUNKS - 1)) << CHUNK_SHIFT
  }

  /**
   * Holds `bytes[from, from + length)`, whose first byte has number `sequence`. Of bytes that are held already the policy
   * decides which copy stays.
   * @param side words of the receiving side
   * @returns HELD_OK, or the limit in the way; pieces before it have been inserted
   */
  insert(
    side: number,
    policy: number,
    sequence: number,
    bytes: Uint8Array,
    from: number,
    length: number,
  ): number {
    const end = (sequence + length) | 0
    this.repeatedFrom = this.repeatedTo = 0
    let prev = this.floor(side, sequence)
    let next = this.after(side, prev)
    const into = prev !== 0 && ((this.end(prev) - sequence) | 0) > 0
    if (into || (next !== 0 && ((this.sequence(next) - end) | 0) < 0)) {
      this.overlap(side, sequence, end)
      if (everNew(policy)) {
        this.giveWay(side, policy, sequence, end)
        prev = this.floor(side, sequence)
        next = this.after(side, prev)
      }
    }
    let at = prev === 0 ? sequence : later(sequence, this.end(prev))
    while (((end - at) | 0) > 0) {
      const stop = next === 0 ? end : earlier(end, this.sequence(next))
      let flag = 0
      while (((stop - at) | 0) > 0) {
        const rest = (stop - at) | 0
        const take = rest < CHUNK_BYTES ? rest : CHUNK_BYTES
        const limit = this.limit(side, take)
        if (limit !== HELD_OK) return limit
        prev = this.put(side, prev, next, at, bytes, from + ((at - sequence) | 0), take, flag)
        at = (at + take) | 0
        flag = CONTINUES
      }
      if (next === 0 || ((end - at) | 0) <= 0) break
      at = later(at, this.end(next))
      prev = next
      next = this.next(next)
    }
    return HELD_OK
  }

  /** Notes the range of `[from, to)` that is held, from its first byte to its last. @returns whether any of it is */
  overlap(side: number, from: number, to: number): boolean {
    let first = 0
    let last = 0
    for (let record = this.atOrBefore(side, from); record !== 0; record = this.next(record)) {
      if (((this.sequence(record) - to) | 0) >= 0) break
      if (((this.end(record) - from) | 0) <= 0) continue
      if (first === 0) first = record
      last = record
    }
    this.repeatedFrom = first === 0 ? 0 : later(this.sequence(first), from)
    this.repeatedTo = first === 0 ? 0 : earlier(this.end(last), to)
    return first !== 0
  }

  /** Drops held bytes in `[from, to)` which the policy takes from a new segment with these numbers. */
  giveWay(side: number, policy: number, from: number, to: number): void {
    for (let record = this.firstRun(side, from); record !== 0; ) {
      if (((this.sequence(record) - to) | 0) >= 0) return
      const end = this.runEnd(record)
      const next = this.nextRun(record)
      if (((end - from) | 0) > 0 && newWins(policy, this.sequence(record), end, from, to)) {
        this.cut(side, record, next, later(this.sequence(record), from), earlier(end, to))
      }
      record = next
    }
  }

  /** Drops held bytes in `[from, to)` of more doubtful segments, and of those that have acknowledged more than `position`. */
  dropDoubtful(side: number, from: number, to: number, position: number, doubt: number): void {
    for (let record = this.firstRun(side, from); record !== 0; ) {
      if (((this.sequence(record) - to) | 0) >= 0) return
      const end = this.runEnd(record)
      const next = this.nextRun(record)
      const less = this.doubtOf(record) > doubt || this.ahead(record, position) > 0
      if (((end - from) | 0) > 0 && less)
        this.cut(side, record, next, later(this.sequence(record), from), earlier(end, to))
      record = next
    }
  }

  /** Drops held bytes from `from` on of segments more doubtful than `doubt`. */
  dropDoubtfulBeyond(side: number, from: number, doubt: number): void {
    for (let record = this.firstRun(side, from); record !== 0; ) {
      const end = this.runEnd(record)
      const next = this.nextRun(record)
      if (((end - from) | 0) > 0 && this.doubtOf(record) > doubt)
        this.cut(side, record, next, later(this.sequence(record), from), end)
      record = next
    }
  }

  /** The first of the runs (held bytes of one segment) that may reach beyond `sequence`, by its first record; or 0. */
  firstRun(side: number, sequence: number): number {
    let record = this.atOrBefore(side, sequence)
    while (record !== 0 && this.continues(record)) record = this.records[(record << RECORD_SHIFT) + PREV]
    return record
  }

  /** The run after the one that begins with `record`, or 0. */
  nextRun(record: number): number {
    let next = this.next(record)
    while (next !== 0 && this.continues(next)) next = this.next(next)
    return next
  }

  /** Sequence number after the last byte of the run that begins with `record`. */
  runEnd(record: number): number {
    let last = record
    for (let next = this.next(last); next !== 0 && this.continues(next); next = this.next(next)) last = next
    return this.end(last)
  }

  /** Drops the bytes of a record before `sequence`, which lies inside of it. */
  dropFront(side: number, record: number, sequence: number): void {
    const at = record << RECORD_SHIFT
    const count = (sequence - this.records[at + SEQUENCE]) | 0
    const length = this.length(record)
    const start = this.start(record)
    this.bytes(record).copyWithin(start, start + count, start + length)
    this.records[at + SEQUENCE] = sequence
    this.records[at + LENGTH] = (this.records[at + LENGTH] & ACKNOWLEDGES) | (length - count)
    this.rows[side + HELD_BYTES] -= count
  }

  /** Takes a record out of the side's list. Its bytes stay until `release`. */
  unlink(side: number, record: number): void {
    const { records, rows } = this
    const at = record << RECORD_SHIFT
    const next = records[at + NEXT]
    const prev = records[at + PREV]
    if (prev !== 0) records[(prev << RECORD_SHIFT) + NEXT] = next
    else rows[side + HELD_HEAD] = next
    if (next !== 0) records[(next << RECORD_SHIFT) + PREV] = prev
    else rows[side + HELD_TAIL] = prev
    rows[side + HELD_BYTES] -= records[at + LENGTH] & LENGTH_MASK
    rows[side + HELD_COUNT]--
  }

  /** Gives the chunk of an unlinked record back. */
  release(record: number): void {
    this.records[(record << RECORD_SHIFT) + NEXT] = this.free
    this.free = record
    this.inUse--
    this.memory.remove(MEMORY.HELD, CHUNK_BYTES)
  }

  /** Drops everything held for a side. */
  clear(side: number): void {
    for (let record = this.rows[side + HELD_HEAD]; record !== 0; record = this.rows[side + HELD_HEAD]) {
      this.unlink(side, record)
      this.release(record)
    }
  }

  /**
   * End of the bytes without a hole that begin at `sequence`, given what is held; doubtful bytes from `sure` on are none.
   */
  contiguousEnd(side: number, sequence: number, sure: number): number {
    let end = sequence
    for (let record = this.rows[side + HELD_HEAD]; record !== 0; ) {
      const start = this.sequence(record)
      if (((start - end) | 0) > 0 || (this.doubtOf(record) > 0 && ((start - sure) | 0) >= 0)) break
      end = later(end, this.end(record))
      record = this.next(record)
    }
    return end
  }

  private continues(record: number): boolean {
    return (this.records[(record << RECORD_SHIFT) + LENGTH] & CONTINUES) !== 0
  }

  /** The record after `prev`, or the first one. */
  private after(side: number, prev: number): number {
    return prev === 0 ? this.rows[side + HELD_HEAD] : this.next(prev)
  }

  /** Last held record that begins at or before `sequence`, or else the first one. */
  private atOrBefore(side: number, sequence: number): number {
    const record = this.floor(side, sequence)
    return record === 0 ? this.rows[side + HELD_HEAD] : record
  }

  /** Drops `[low, high)`, not empty, of the run from `record` to before `stop`. */
  private cut(side: number, record: number, stop: number, low: number, high: number): void {
    for (let at = record; at !== stop; ) {
      const next = this.next(at)
      const start = this.sequence(at)
      const end = this.end(at)
      if (((start - high) | 0) >= 0) {
        this.records[(at << RECORD_SHIFT) + LENGTH] &= ~CONTINUES
        return
      }
      if (((start - low) | 0) >= 0) {
        if (((end - high) | 0) > 0) {
          this.dropFront(side, at, high)
          return
        }
        this.unlink(side, at)
        this.release(at)
      } else if (((end - low) | 0) > 0) {
        const rest = (end - high) | 0
        if (rest > 0) {
          // What goes on behind the new bytes needs a record of its own. Without one the old bytes stay.
          if (this.limit(side, 0) !== HELD_OK) return
          const record = this.put(
            side,
            at,
            next,
            high,
            this.bytes(at),
            this.start(at) + ((high - start) | 0),
            rest,
            0,
          )
          this.copyStamp(at, record)
        }
        this.rows[side + HELD_BYTES] -= (end - low) | 0
        this.records[(at << RECORD_SHIFT) + LENGTH] -= (end - low) | 0
        if (rest > 0) return
      }
      at = next
    }
  }

  /** Last held record that begins at or before `sequence`, or 0. Searched from the nearer end of the list. */
  private floor(side: number, sequence: number): number {
    const { records, rows } = this
    const head = rows[side + HELD_HEAD]
    const tail = rows[side + HELD_TAIL]
    if (head === 0 || ((this.sequence(head) - sequence) | 0) > 0) return 0
    const fromHead = (sequence - this.sequence(head)) | 0
    const fromTail = (this.sequence(tail) - sequence) | 0
    if (fromTail < fromHead) {
      let record = tail
      while (((this.sequence(record) - sequence) | 0) > 0) record = records[(record << RECORD_SHIFT) + PREV]
      return record
    }
    let record = head
    for (;;) {
      const next = records[(record << RECORD_SHIFT) + NEXT]
      if (next === 0 || ((this.sequence(next) - sequence) | 0) > 0) return record
      record = next
    }
  }

  private limit(side: number, length: number): number {
    if (this.rows[side + HELD_BYTES] + length > this.sideBytes) return HELD_SIDE_BYTES
    if (this.rows[side + HELD_COUNT] >= this.sideSegments) return HELD_SIDE_SEGMENTS
    if (this.inUse >= this.maxRecords) return HELD_TOTAL
    if (!this.memory.flowHas(side >> ROW_SHIFT, CHUNK_BYTES)) return HELD_FLOW_MEMORY
    return this.memory.has(MEMORY.HELD, CHUNK_BYTES) ? HELD_OK : HELD_MEMORY
  }

  /** Memory that the flow in `row` uses, both sides. */
  private bytesOf(row: number): number {
    const client = (row << ROW_SHIFT) + SIDES
    return (
      (this.rows[client + HELD_COUNT] + this.rows[client + (1 << SIDE_SHIFT) + HELD_COUNT]) << CHUNK_SHIFT
    )
  }

  private put(
    side: number,
    prev: number,
    next: number,
    sequence: number,
    bytes: Uint8Array,
    from: number,
    length: number,
    flag: number,
  ): number {
    const record = this.allocate()
    const { records, rows } = this
    const at = record << RECORD_SHIFT
    records[at + SEQUENCE] = sequence
    records[at + LENGTH] = length | flag | (this.stamped ? ACKNOWLEDGES : 0)
    records[at + ACK] = this.acknowledgement
    records[at + DOUBT] = this.doubt
    records[at + NEXT] = next
    records[at + PREV] = prev
    if (prev !== 0) records[(prev << RECORD_SHIFT) + NEXT] = record
    else rows[side + HELD_HEAD] = record
    if (next !== 0) records[(next << RECORD_SHIFT) + PREV] = record
    else rows[side + HELD_TAIL] = record
    rows[side + HELD_BYTES] += length
    rows[side + HELD_COUNT]++
    this.bytes(record).set(bytes.subarray(from, from + length), this.start(record))
    return record
  }

  private copyStamp(from: number, to: number): void {
    const { records } = this
    const source = from << RECORD_SHIFT
    const target = to << RECORD_SHIFT
    records[target + LENGTH] =
      (records[target + LENGTH] & ~ACKNOWLEDGES) | (records[source + LENGTH] & ACKNOWLEDGES)
    records[target + ACK] = records[source + ACK]
    records[target + DOUBT] = records[source + DOUBT]
  }

  private allocate(): number {
    this.inUse++
    this.memory.add(MEMORY.HELD, CHUNK_BYTES)
    let record = this.free
    if (record !== 0) {
      this.free = this.records[(record << RECORD_SHIFT) + NEXT]
      return record
    }
    record = this.fresh++
    if (record >> SLAB_SHIFT >= this.slabs.length) {
      this.slabs.push(new Uint8Array(SLAB_CHUNKS << CHUNK_SHIFT))
      const capacity = (this.slabs.length * SLAB_CHUNKS) << RECORD_SHIFT
      if (capacity > this.records.length) {
        const grown = new Int32Array(Math.max(capacity, this.records.length * 2))
        grown.set(this.records)
        this.records = grown
      }
    }
    return record
  }
}

const later = (a: number, b: number): number => (((a - b) | 0) > 0 ? a : b)
const earlier = (a: number, b: number): number => (((a - b) | 0) < 0 ? a : b)
