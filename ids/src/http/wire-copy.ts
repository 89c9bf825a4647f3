/**
 * The bytes of a message as they came, kept beside its decoded body when rules ask for them (`rawbytes`, `raw_data`).
 *
 * In: the stored head and the body before de-chunking and decoding. Out: the RAW_DATA window of a unit. Called by
 * `HttpMessage`; costs one test of `active` where nothing is kept.
 */
import { SlidingArea } from '../inspect/area.js'
import { BUF, type BufferSet } from '../inspect/buffers.js'
import type { InspectionContext } from '../inspect/context.js'

export class WireCopy {
  active = false
  /** The window is handed out because it is full, or will not go on where it ends. */
  full = false
  private readonly area = new SlidingArea()

  begin(): void {
    this.active = false
  }

  get fresh(): number {
    return this.active ? this.area.fresh : 0
  }

  /** Begins with the head that `stored` holds. Where there is no memory for it nothing is kept. */
  start<Flow>(stored: SlidingArea, context: InspectionContext<Flow>): void {
    const { limits, pool, counters } = context
    if (!this.area.reserve(stored.length, limits.headBytes, 0, limits, pool, counters)) return
    this.area.append(stored.bytes, 0, stored.length)
    this.active = true
  }

  /** Bytes that still fit the window; 0 when it is to be handed out first. */
  room<Flow>(context: InspectionContext<Flow>): number {
    const room = context.limits.window - this.area.fresh
    return room > 0 ? room : 0
  }

  /** Keeps `bytes[start, end)`, which fit the window; without memory no more is kept of this message. */
  keep<Flow>(bytes: Uint8Array, start: number, end: number, context: InspectionContext<Flow>): boolean {
    const { limits, pool, counters } = context
    const { area } = this
    const count = end - start
    if (area.reserve(count, limits.headBytes, 2 * (area.length + count), limits, pool, counters)) {
      area.append(bytes, start, end)
      return true
    }
    this.release(context)
    return false
  }

  /** `length` bytes are missing. */
  skip(length: number): void {
    this.area.skip(length, 0)
  }

  /** Only when it is full or complete: in between, how far it reaches would depend on segmentation. */
  fill<Flow>(set: BufferSet, last: boolean, context: InspectionContext<Flow>): void {
    if (!last && !this.full) {
      set.remove(BUF.RAW_DATA)
      return
    }
    const { area } = this
    const start = area.windowStart(context.limits.lookBack)
    set.setWindow(BUF.RAW_DATA, area.bytes, start, area.length, area.inspected, area.positionOf(start))
    area.mark()
  }

  release<Flow>(context: InspectionContext<Flow>): void {
    this.active = false
    this.area.release(context.pool)
  }
}
