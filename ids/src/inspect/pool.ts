/**
 * Byte buffers shared by all flows of one worker.
 *
 * In: the stream and HTTP inspectors take a buffer while a turn or message is being collected and give it back when it
 * has been inspected, so idle flows hold none. The total is bounded; when the budget is used up `take` says so and the
 * caller inspects what it has.
 */

/** Sizes that are handed out. The largest holds a head of 64 KiB plus two windows. */
const CLASS_SIZES: readonly number[] = [1024, 4096, 16384, 36864, 106496]

/** Free buffers kept per size class, in bytes; what is beyond goes to the garbage collector. */
const KEEP_BYTES = 4 << 20

export const LARGEST_BUFFER = 106496

export class BufferPool {
  /** Bytes handed out now, and at most so far. */
  inUse = 0
  peak = 0
  /** How often `take` was refused because the budget was used up. */
  refused = 0
  private readonly budget: number
  private readonly free: Uint8Array[][]

  /** @param budget most bytes handed out at one time */
  constructor(budget: number) {
    this.budget = budget
    this.free = CLASS_SIZES.map(() => [])
  }

  /** A buffer of at least `size` bytes (at most `LARGEST_BUFFER`), content undefined; null when over budget. */
  take(size: number): Uint8Array | null {
    const index = classOf(size)
    const bytes = CLASS_SIZES[index]!
    if (this.inUse + bytes > this.budget) {
      this.refused++
      return null
    }
    this.inUse += bytes
    if (this.inUse > this.peak) this.peak = this.inUse
    const list = this.free[index]!
    return list.length > 0 ? list.pop()! : new Uint8Array(bytes)
  }

  give(buffer: Uint8Array): void {
    const bytes = buffer.length
    this.inUse -= bytes
    const list = this.free[classOf(bytes)]!
    if ((list.length + 1) * bytes <= KEEP_BYTES) list.push(buffer)
  }
}

function classOf(size: number): number {
  if (size <= 1024) return 0
  if (size <= 4096) return 1
  if (size <= 16384) return 2
  return size <= 36864 ? 3 : 4
}
