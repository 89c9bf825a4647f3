/**
 * Requests of one connection that wait for their response, oldest first.
 *
 * In: every request head. Out: the method (it decides whether the response has a body) and the beginning of the head,
 * which lets alerts on the response say what was asked for. Held by the conversation only while something is
 * outstanding.
 */
import { copyBytes } from '../inspect/copy.js'
import { type BufferPool, LARGEST_BUFFER } from '../inspect/pool.js'
import type { HttpHead, MethodId } from './head.js'
import { METHOD, VERSION_09 } from './head.js'

const NONE = new Uint8Array(0)

/** Memory for kept heads per connection; requests beyond are remembered without their head. */
const KEPT_TOTAL = LARGEST_BUFFER

/** Integers per entry: method, start and end of the kept head, start and end of the URI in it. */
const STRIDE = 5
const START = 1
/** Beside the method: the request is HTTP/0.9. */
const SIMPLE = 16
/** The request has an Expect header, a Range header; a 100 response has been seen. Kept only when events are wanted. */
export const ASKED = { CONTINUE: 32, RANGE: 64, CONTINUED: 128 } as const
const METHOD_BITS = 15

export class RequestQueue {
  /** The request whose response is being read: set by `shift`. */
  method: MethodId = METHOD.OTHER
  asked = 0
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

  /** The oldest request is HTTP/0.9: its answer has no head. */
  get nextIsSimple(): boolean {
    return this.count > 0 && (this.entries[this.first * STRIDE]! & SIMPLE) !== 0
  }

  /** Bits of `ASKED` of the oldest request. */
  get nextAsked(): number {
    return this.count > 0 ? this.entries[this.first * STRIDE]! & ~METHOD_BITS : 0
  }

  /** A 100 response to the oldest request has been seen. */
  continued(): void {
    if (this.count > 0) this.entries[this.first * STRIDE]! |= ASKED.CONTINUED
  }

  get length(): number {
    return this.count + this.overflow
  }

  /**
   * Appends a request; its bytes are `bytes[at, at + head.length)`. Returns false when its method was not kept.
   * @param asked bits of `ASKED`
   */
  push(head: HttpHead, bytes: Uint8Array, at: number, pool: BufferPool, asked: number): boolean {
    if (this.count === this.capacity || this.overflow > 0) {
      this.overflow++
      return false
    }
    const slot = ((this.first + this.count) % this.capacity) * STRIDE
    this.count++
    const { length } = head
    let start = -1
    if (this.reserve(length, pool)) {
      start = this.used
      copyBytes(this.bytes, start, bytes, at, at + length)
      this.used += length
    }
    this.entries[slot] = head.method | asked | (head.version === VERSION_09 ? SIMPLE : 0)
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
      this.asked = 0
      return
    }
    const slot = this.first * STRIDE
    this.first = (this.first + 1) % this.capacity
    this.count--
    this.method = (this.entries[slot]! & METHOD_BITS) as MethodId
    this.asked = this.entries[slot]! & ~METHOD_BITS
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
