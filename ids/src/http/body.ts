/**
 * The body of a message where it is not simply a part of the raw bytes: after de-chunking.
 *
 * In: chunk data as it arrives. Out: the FILE_DATA window of the unit, and the client body made from it.
 */
import { SlidingArea } from '../inspect/area.js'
import { BUF, type BufferSet } from '../inspect/buffers.js'
import type { InspectionContext } from '../inspect/context.js'
import type { Scratch } from '../inspect/scratch.js'
import { decode, hasPercent } from './normalize.js'

/** An escape is at most this long (`%` and a doubly encoded `%uhhhh`); it may straddle two windows. */
const LONGEST_ESCAPE = 16

export class HttpBody {
  /** The body lies here, not in the raw bytes. */
  separate = false
  private readonly area = new SlidingArea()
  /** Bytes of the percent-decoded client body before the new part of the present window. */
  private decoded = 0

  begin(chunked: boolean): void {
    this.separate = chunked
    this.decoded = 0
  }

  /** Appends chunk data; false when there is no memory. */
  add<Flow>(bytes: Uint8Array, start: number, end: number, context: InspectionContext<Flow>): boolean {
    const { area } = this
    const { limits, pool, counters } = context
    if (!area.reserve(end - start, 0, 2 * (area.length + end - start), limits, pool, counters)) return false
    area.append(bytes, start, end)
    return true
  }

  /** `count` bytes of the body are missing. */
  skip(count: number): void {
    if (this.separate) this.area.skip(count, 0)
    this.decoded += count
  }

  /** Sets FILE_DATA to the present window; what is in it counts as inspected from now on. */
  fill(set: BufferSet, lookBack: number): void {
    const { area } = this
    if (area.length === area.front && area.position === 0) {
      set.remove(BUF.FILE_DATA)
      return
    }
    const start = area.windowStart(lookBack)
    set.setWindow(BUF.FILE_DATA, area.bytes, start, area.length, area.inspected, area.positionOf(start))
    area.mark()
  }

  /** Sets HTTP_CLIENT_BODY to the FILE_DATA window, percent-decoded where that changes anything. */
  fillClient(set: BufferSet, scratch: Scratch): void {
    if (!set.has(BUF.FILE_DATA)) {
      set.remove(BUF.HTTP_CLIENT_BODY)
      return
    }
    const bytes = set.bytes[BUF.FILE_DATA]!
    const start = set.start[BUF.FILE_DATA]!
    const end = set.end[BUF.FILE_DATA]!
    const fresh = set.fresh[BUF.FILE_DATA]!
    if (!hasPercent(bytes, start, end)) {
      const base = this.decoded - (fresh - start)
      this.decoded += end - fresh
      set.setWindow(BUF.HTTP_CLIENT_BODY, bytes, start, end, fresh, base < 0 ? 0 : base)
      return
    }
    const target = scratch.bytes
    const at = scratch.used
    // Where the new part begins in the output: found by decoding the part before it alone.
    const before = fresh > start ? decode(bytes, start, fresh, target, at) - at : 0
    const to = decode(bytes, start, end, target, at)
    scratch.used = to
    const base = this.decoded - before
    this.decoded += to - at - before
    const newAt = at + before - LONGEST_ESCAPE
    set.setWindow(
      BUF.HTTP_CLIENT_BODY,
      target,
      at,
      to,
      before === 0 || newAt < at ? at : newAt < to ? newAt : to,
      base < 0 ? 0 : base,
    )
  }

  release<Flow>(context: InspectionContext<Flow>): void {
    if (this.separate) this.area.release(context.pool)
  }
}
