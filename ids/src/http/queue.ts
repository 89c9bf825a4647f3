/**
 * Requests of one connection that wait for their response, oldest first.
 *
 * In: every request head. Out: the method (it decides whether the response has a body) and the beginning of the head,
 * which lets alerts on the response say what was asked for. Held by the conversation only while something is
 * outstanding.
 */
import { copyBytes } from '../inspect/copy.js'
import type { BufferPool } from '../inspect/pool.js'
import type { HttpHead, MethodId } from './head.js'
import { METHOD } from './head.js'

const NONE = new Uint8Array(0)

/** Bytes of a request head that are kept for the response. */
export const KEPT_HEAD = 4096
/** Memory for kept heads per connection; requests beyond are remembered without their head. */
const KEPT_TOTAL = 16384

/** Integers per entry: method, start and end of the kept head, start and end of the URI in it. */
const STRIDE = 5
const START = 1

export class RequestQueue {
  /** The request whose response is being read: set by `shift`. */
  method: MethodId = METHOD.OTHER
  /** Kept head of that request: `[start, end)` of `bytes`, with the URI at `[uriStart, uriEnd)`; -1 = not kept. */
  start = -1
  end = -1
  uriStart = 0
  uriEnd = 0
  bytes: Uint8Array = NONE
  /** Requests beyond the limit; they are answered as if they were GETs. */
  private overflow = 0
  private used = 0
  private first = 0
  private count = 0
  private readonly entries: Int32Array
  private readonly capacity: number

  constructor(capacity: number) {
    this.capacity = capacity
    this.entries = new Int32Array(capacity * STRIDE)
  }

  get length(): number {
    return this.count + this.overflow
  }

  /** Appends a request; its bytes are `bytes[at, at + head.length)`. Returns false when its method was not kept. */
  push(head: HttpHead, bytes: Uint8Array, at: number, pool: BufferPool): boolean {
    if (this.count === this.capacity || this.overflow > 0) {
      this.overflow++
      return false
    }
    const slot = ((this.first + this.count) % this.capacity) * STRIDE
    this.count++
    const length = head.length < KEPT_HEAD ? head.length : KEPT_HEAD
    let start = -1
    if (this.reserve(length, pool)) {
      start = this.used
      copyBytes(this.bytes, start, bytes, at, at + length)
      this.used += length
    }
    this.entries[slot] = head.method
    this.entries[slot + START] = start
    this.entries[slot + 2] = start + length
    this.entries[slot + 3] = start + Math.min(head.uriStart, length)
    this.entries[slot + 4] = start + Math.min(head.uriEnd, length)
    return true
  }

  /** Makes the oldest request the current one. */
  shift(): void {
    this.release()
    if (this.count === 0) {
      if (this.overflow > 0) this.overflow--
      this.method = METHOD.OTHER
      return
    }
    const slot = this.first * STRIDE
    this.first = (this.first + 1) % this.capacity
    this.count--
    this.method = this.entries[slot] as MethodId
    this.start = this.entries[slot + START]!
    this.end = this.entries[slot + 2]!
    this.uriStart = this.entries[slot + 3]!
    this.uriEnd = this.entries[slot + 4]!
  }

  /** The current request has been answered. */
  release(): void {
    this.start = -1
    this.end = -1
    if (this.count === 0) this.used = 0
  }

  /** After a gap in the responses: all requests but the last are taken to have been answered in it. */
  keepLast(): void {
    this.overflow = 0
    while (this.count > 1) {
      this.first = (this.first + 1) % this.capacity
      this.count--
    }
  }

  clear(pool: BufferPool): void {
    this.count = 0
    this.overflow = 0
    this.first = 0
    this.method = METHOD.OTHER
    this.release()
    if (this.bytes !== NONE) {
      pool.give(this.bytes)
      this.bytes = NONE
    }
  }

  private reserve(length: number, pool: BufferPool): boolean {
    let needed = this.used + length
    if (needed <= this.bytes.length) return true
    if (needed > KEPT_TOTAL) {
      this.compact()
      needed = this.used + length
      if (needed > KEPT_TOTAL) return false
      if (needed <= this.bytes.length) return true
    }
    const larger = pool.take(needed)
    if (larger === null) return false
    copyBytes(larger, 0, this.bytes, 0, this.used)
    if (this.bytes !== NONE) pool.give(this.bytes)
    this.bytes = larger
    return true
  }

  /** Moves the heads still wanted to the front. They were stored in order, the current one first. */
  private compact(): void {
    let low = this.start
    for (let n = 0; n < this.count && low < 0; n++) {
      low = this.entries[((this.first + n) % this.capacity) * STRIDE + START]!
    }
    if (low <= 0) return
    this.bytes.copyWithin(0, low, this.used)
    this.used -= low
    if (this.start >= 0) {
      this.start -= low
      this.end -= low
      this.uriStart -= low
      this.uriEnd -= low
    }
    for (let n = 0; n < this.count; n++) {
      const slot = ((this.first + n) % this.capacity) * STRIDE
      if (this.entries[slot + START]! < 0) continue
      for (let field = START; field < STRIDE; field++) this.entries[slot + field]! -= low
    }
  }
}
