/** The lines behind a chunked body, kept when rules ask for them. */
import type { InspectionContext } from '../inspect/context.js'
import { copyBytes } from '../inspect/copy.js'

const NONE = new Uint8Array(0)

export class Trailer {
  bytes: Uint8Array = NONE
  /** `[0, end)` of `bytes` is the trailer, as far as a line may be long. */
  end = 0

  keep<Flow>(bytes: Uint8Array, start: number, end: number, context: InspectionContext<Flow>): void {
    const { limits, pool, counters } = context
    if (this.bytes === NONE) {
      const taken = pool.take(limits.chunkLine)
      if (taken === null) {
        counters.bufferBudgetReached++
        return
      }
      this.bytes = taken
    }
    const room = limits.chunkLine - this.end
    const to = end - start < room ? end : start + room
    if (to > start) copyBytes(this.bytes, this.end, bytes, start, to)
    this.end += to - start
  }

  release<Flow>(context: InspectionContext<Flow>): void {
    if (this.bytes === NONE) return
    context.pool.give(this.bytes)
    this.bytes = NONE
    this.end = 0
  }
}
