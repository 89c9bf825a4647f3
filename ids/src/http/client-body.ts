/**
 * HTTP_CLIENT_BODY: the request body, percent-decoded as Snort does it with headers.
 *
 * In: the FILE_DATA window of a request. Out: the HTTP_CLIENT_BODY window. A body that fits into one window is decoded
 * into the scratch space, and only if it holds a `%`; a longer one is decoded piece by piece into an area of its own, so
 * that positions are those in the decoded body and no byte is decoded twice. An escape that a window's end may have cut
 * waits for the next window.
 */
import { SlidingArea } from '../inspect/area.js'
import { BUF, type BufferSet } from '../inspect/buffers.js'
import type { InspectionContext } from '../inspect/context.js'
import { decode, hasPercent, PERCENT } from './normalize.js'

/** An escape whose characters are escapes themselves is at most this long (`%25%75%30%30%34%31`). Within `AREA_SLACK`. */
const LONGEST_ESCAPE = 18

export class ClientBody {
  private readonly area = new SlidingArea()
  /** Bytes before the new part of the next window that are still to be decoded. */
  private waiting = 0

  begin(): void {
    this.waiting = 0
  }

  /** Sets HTTP_CLIENT_BODY. `whole`: the window is all there is of the body; `last`: no window follows. */
  fill<Flow>(set: BufferSet, context: InspectionContext<Flow>, whole: boolean, last: boolean): void {
    if (!set.has(BUF.FILE_DATA)) {
      set.remove(BUF.HTTP_CLIENT_BODY)
      return
    }
    const bytes = set.bytes[BUF.FILE_DATA]!
    const start = set.start[BUF.FILE_DATA]!
    const end = set.end[BUF.FILE_DATA]!
    if (whole) {
      if (!hasPercent(bytes, start, end)) {
        set.set(BUF.HTTP_CLIENT_BODY, bytes, start, end)
        return
      }
      const { scratch } = context
      const at = scratch.used
      const to = decode(bytes, start, end, scratch.bytes, at)
      set.set(BUF.HTTP_CLIENT_BODY, scratch.bytes, at, to)
      return
    }
    const { area } = this
    const { limits, pool, counters } = context
    const from = Math.max(start, set.fresh[BUF.FILE_DATA]! - this.waiting)
    const to = last ? end : completeUpTo(bytes, from, end)
    this.waiting = end - to
    if (!area.reserve(to - from, 0, 2 * (area.length + to - from), limits, pool, counters)) {
      set.remove(BUF.HTTP_CLIENT_BODY)
      return
    }
    area.length = decode(bytes, from, to, area.bytes, area.length)
    const shown = area.windowStart(limits.lookBack)
    const base = area.positionOf(shown)
    set.setWindow(BUF.HTTP_CLIENT_BODY, area.bytes, shown, area.length, area.inspected, base)
    area.mark()
  }

  /** `count` bytes of the body are missing. */
  skip(count: number): void {
    this.waiting = 0
    this.area.skip(count, 0)
  }

  release<Flow>(context: InspectionContext<Flow>): void {
    this.area.release(context.pool)
  }
}

/** End of what can be decoded now: the first `%` near the end, from which an escape may go on. */
function completeUpTo(bytes: Uint8Array, start: number, end: number): number {
  let i = Math.max(start, end - LONGEST_ESCAPE)
  while (i < end && bytes[i] !== PERCENT) i++
  return i
}
