/**
 * Decompression of brotli bodies (RFC 7932).
 *
 * In: the compressed body, collected up to a limit. Out: what it expands to, all at once, when the body ends, the limit is
 * reached or bytes are missing. Node's decoder has no interface that takes pieces synchronously, hence the collecting;
 * output is limited by the caller, so a small body cannot become a large one.
 */
import { brotliDecompressSync, constants } from 'node:zlib'
import type { BufferPool } from '../inspect/pool.js'

const NONE = new Uint8Array(0)

/** First memory taken. */
const FIRST = 4096

export class BrotliCollector {
  length = 0
  /** The last `expand` stopped at its limit. */
  tooLarge = false
  private bytes: Uint8Array = NONE

  /** Takes as many bytes as fit `limit`; returns the index of the next one, or -1 when there is no memory. */
  add(source: Uint8Array, start: number, end: number, limit: number, pool: BufferPool): number {
    const room = limit - this.length
    const to = end - start < room ? end : start + room
    const needed = this.length + (to - start)
    if (needed > this.bytes.length) {
      let size = this.bytes.length * 4
      if (size < FIRST) size = FIRST
      if (size < needed) size = needed
      const larger = pool.take(size > limit ? limit : size)
      if (larger === null) return -1
      larger.set(this.bytes.subarray(0, this.length))
      this.release(pool)
      this.bytes = larger
    }
    this.bytes.set(source.subarray(start, to), this.length)
    this.length = needed
    return to
  }

  /** The collected bytes as they came. */
  get raw(): Uint8Array {
    return this.bytes.subarray(0, this.length)
  }

  /** Decompresses as much as there is; null when it is not brotli, or more than `most` bytes. */
  expand(most: number): Uint8Array | null {
    this.tooLarge = false
    try {
      return brotliDecompressSync(this.raw, {
        finishFlush: constants.BROTLI_OPERATION_FLUSH,
        maxOutputLength: most,
      })
    } catch (error) {
      this.tooLarge = (error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE'
      return null
    }
  }

  /** Gives the memory back. */
  clear(pool: BufferPool): void {
    this.release(pool)
    this.length = 0
  }

  private release(pool: BufferPool): void {
    if (this.bytes !== NONE) pool.give(this.bytes)
    this.bytes = NONE
  }
}
