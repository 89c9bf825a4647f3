/**
 * Out-of-order data: copies of segments that wait for the bytes before them.
 *
 * In: segments beyond the next expected byte, with the row words of the side that receives them. Out: per side a list
 * sorted by sequence number, without overlaps. Every record owns one chunk of a pool that grows in slabs up to a limit;
 * limits per side bound bytes and records. Called by the reassembler.
 */
import { HELD_BYTES, HELD_COUNT, HELD_HEAD, HELD_TAIL } from '../flow/layout.js'

/** Bytes of one chunk; longer segments take several records. */
const CHUNK_SHIFT = 11
export const CHUNK_BYTES = 1 << CHUNK_SHIFT
/** Chunks of one slab. */
const SLAB_SHIFT = 8
const SLAB_CHUNKS = 1 << SLAB_SHIFT

const SEQUENCE = 0
const LENGTH = 1
const NEXT = 2
const PREV = 3
const RECORD_SHIFT = 2

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

export class HeldSegments {
  /** Range of the last inserted segment that was held already (sequence numbers); empty when equal. */
  repeatedFrom = 0
  repeatedTo = 0
  /** Records in use. */
  inUse = 0
  private readonly rows: Int32Array
  private readonly sideBytes: number
  private readonly sideSegments: number
  private readonly maxRecords: number
  private readonly slabs: Uint8Array[] = []
  private records = new Int32Array(SLAB_CHUNKS << RECORD_SHIFT)
  private free = 0
  /** Record 0 is not used: 0 means none. */
  private fresh = 1

  constructor(rows: Int32Array, limits: HeldLimits) {
    this.rows = rows
    this.sideBytes = limits.sideBytes
    this.sideSegments = limits.sideSegments
    this.maxRecords = Math.floor(limits.totalBytes / CHUNK_BYTES)
  }

  sequence(record: number): number {
    return this.records[(record << RECORD_SHIFT) + SEQUENCE]
  }

  length(record: number): number {
    return this.records[(record << RECORD_SHIFT) + LENGTH]
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
   * Holds `bytes[from, from + length)`, whose first byte has number `sequence`. Of bytes that are held already the first
   * to arrive stays (policy 'first'): the new segment is cut to what is missing between the held ones. Another policy
   * would decide here, where each overlap is found, and replace held bytes in place.
   * @param side words of the receiving side
   * @returns HELD_OK, or the limit in the way; pieces before it have been inserted
   */
  insert(side: number, sequence: number, bytes: Uint8Array, from: number, length: number): number {
    const records = this.records
    const end = (sequence + length) | 0
    let at = sequence
    let prev = this.floor(side, sequence)
    let next = prev === 0 ? this.rows[side + HELD_HEAD] : records[(prev << RECORD_SHIFT) + NEXT]
    this.repeatedFrom = this.repeatedTo = 0
    if (prev !== 0) at = this.skipHeld(prev, at, end, false)
    while (((end - at) | 0) > 0) {
      const stop = next !== 0 && ((this.sequence(next) - end) | 0) < 0 ? this.sequence(next) : end
      while (((stop - at) | 0) > 0) {
        const rest = (stop - at) | 0
        const take = rest < CHUNK_BYTES ? rest : CHUNK_BYTES
        const limit = this.limit(side, take)
        if (limit !== HELD_OK) return limit
        prev = this.put(side, prev, next, at, bytes, from + ((at - sequence) | 0), take)
        at = (at + take) | 0
      }
      if (next === 0 || ((end - at) | 0) <= 0) break
      at = this.skipHeld(next, at, end, this.repeatedFrom !== this.repeatedTo)
      prev = next
      next = this.records[(next << RECORD_SHIFT) + NEXT]
    }
    return HELD_OK
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
    rows[side + HELD_BYTES] -= records[at + LENGTH]
    rows[side + HELD_COUNT]--
  }

  /** Gives the chunk of an unlinked record back. */
  release(record: number): void {
    this.records[(record << RECORD_SHIFT) + NEXT] = this.free
    this.free = record
    this.inUse--
  }

  /** Drops everything held for a side. */
  clear(side: number): void {
    for (let record = this.rows[side + HELD_HEAD]; record !== 0; record = this.rows[side + HELD_HEAD]) {
      this.unlink(side, record)
      this.release(record)
    }
  }

  /** End of the bytes without a hole that begin at `sequence`, given what is held. */
  contiguousEnd(side: number, sequence: number): number {
    let end = sequence
    for (let record = this.rows[side + HELD_HEAD]; record !== 0; ) {
      const start = this.sequence(record)
      if (((start - end) | 0) > 0) break
      const stop = (start + this.length(record)) | 0
      if (((stop - end) | 0) > 0) end = stop
      record = this.records[(record << RECORD_SHIFT) + NEXT]
    }
    return end
  }

  /** Steps over the overlap of `[at, end)` with a held record, noting it. */
  private skipHeld(record: number, at: number, end: number, noted: boolean): number {
    const heldEnd = (this.sequence(record) + this.length(record)) | 0
    if (((heldEnd - at) | 0) <= 0) return at
    const stop = ((heldEnd - end) | 0) < 0 ? heldEnd : end
    if (!noted) this.repeatedFrom = at
    this.repeatedTo = stop
    return heldEnd
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
    return this.inUse >= this.maxRecords ? HELD_TOTAL : HELD_OK
  }

  private put(
    side: number,
    prev: number,
    next: number,
    sequence: number,
    bytes: Uint8Array,
    from: number,
    length: number,
  ): number {
    const record = this.allocate()
    const { records, rows } = this
    const at = record << RECORD_SHIFT
    records[at + SEQUENCE] = sequence
    records[at + LENGTH] = length
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

  private allocate(): number {
    this.inUse++
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
