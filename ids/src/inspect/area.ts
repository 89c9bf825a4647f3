/**
 * A sliding piece of something longer: new bytes are appended, `mark` declares them inspected, and only the look-back is
 * kept of what has been inspected. Optionally some bytes at the front are pinned (the head of an HTTP message).
 *
 * In: bytes of one turn, message or body. Out: index ranges of `bytes` for a window. Memory comes from the pool when the
 * first byte arrives and goes back with `release`; it never exceeds the pinned bytes plus look-back plus one window, as
 * long as the caller marks at least every `window` bytes.
 */
import { copyBytes } from './copy.js'
import type { InspectCounters, InspectLimits } from './limits.js'
import type { BufferPool } from './pool.js'

const NONE = new Uint8Array(0)

/** New bytes of a window may be this many more than `limits.window`, for bytes that waited for their sequel. */
export const AREA_SLACK = 64

export class SlidingArea {
  bytes: Uint8Array = NONE
  /** `[0, length)` of `bytes` is valid; `[front, length)` is contiguous, `[0, front)` is pinned. */
  length = 0
  front = 0
  /** Position, in the logical whole, of `bytes[front]`. */
  base = 0
  /** Index of the first byte that has not been inspected. */
  inspected = 0

  /** Logical position of the next byte. */
  get position(): number {
    return this.base + (this.length - this.front)
  }

  /** Number of bytes not inspected yet. */
  get fresh(): number {
    return this.length - this.inspected
  }

  /** Index at which a window with `lookBack` starts. */
  windowStart(lookBack: number): number {
    const start = this.inspected - lookBack
    return start > this.front ? start : this.front
  }

  /** Logical position of the byte at `index` (not a pinned one). */
  positionOf(index: number): number {
    return this.base + (index - this.front)
  }

  mark(): void {
    this.inspected = this.length
  }

  /**
   * Makes room for `count` more bytes, keeping the first `pin` ones for good. Returns false when the pool's budget is
   * used up. `hint` is the size to take at once when memory is needed anyway (0: just what is needed).
   */
  reserve(
    count: number,
    pin: number,
    hint: number,
    limits: InspectLimits,
    pool: BufferPool,
    counters: InspectCounters,
  ): boolean {
    const needed = this.length + count
    if (needed <= this.bytes.length) return true
    const full = pin + limits.lookBack + limits.window + AREA_SLACK
    if (this.bytes.length >= full) {
      this.slide(pin, limits.lookBack)
      return true
    }
    let wanted = hint > needed ? hint : needed
    if (wanted > full) wanted = full
    const larger = pool.take(wanted)
    if (larger === null) {
      counters.bufferBudgetReached++
      return false
    }
    copyBytes(larger, 0, this.bytes, 0, this.length)
    if (this.bytes !== NONE) pool.give(this.bytes)
    this.bytes = larger
    if (needed > larger.length) this.slide(pin, limits.lookBack)
    return true
  }

  append(source: Uint8Array, start: number, end: number): void {
    copyBytes(this.bytes, this.length, source, start, end)
    this.length += end - start
  }

  /** `count` bytes are missing: the area goes on behind them, without look-back. */
  skip(count: number, pin: number): void {
    this.base = this.position + count
    this.front = pin
    this.length = pin
    this.inspected = pin
  }

  /** Takes back the bytes from `length` on, if none of them has been inspected. */
  truncate(length: number): boolean {
    if (this.inspected > 0 || this.base > 0 || length > this.length) return false
    this.length = length
    return true
  }

  /** What lies before `start` is forgotten, and what begins there is all there has been. */
  restart(start: number): void {
    this.bytes.copyWithin(0, start, this.length)
    this.length -= start
    this.front = 0
    this.base = 0
    this.inspected = 0
  }

  /** Forgets all bytes but keeps the memory. */
  clear(): void {
    this.length = 0
    this.front = 0
    this.base = 0
    this.inspected = 0
  }

  release(pool: BufferPool): void {
    if (this.bytes !== NONE) {
      pool.give(this.bytes)
      this.bytes = NONE
    }
    this.clear()
  }

  private slide(pin: number, lookBack: number): void {
    let keep = this.windowStart(lookBack)
    if (keep < pin) keep = pin
    const base = this.positionOf(keep)
    this.bytes.copyWithin(pin, keep, this.length)
    const moved = keep - pin
    this.length -= moved
    this.inspected -= moved
    this.front = pin
    this.base = base
  }
}
