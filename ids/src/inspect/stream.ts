/**
 * Raw stream inspection of one direction: contiguous bytes come in, windows of the current turn go out.
 *
 * In: the conversation inspector, for flows (or directions) that are not HTTP. Out: units of kind STREAM, valid during
 * the callback. A turn is the data one side sends until the other side sends, a gap comes or the flow ends.
 *
 * A window is handed out when more data than fits into it arrives, or when the turn ends; so where the segments were cut
 * never changes the units. If the sink knows where messages end in the first window, a long turn is several turns.
 */
import { SlidingArea } from './area.js'
import { BUF } from './buffers.js'
import type { InspectionContext } from './context.js'
import { type Direction, SERVICE, type ServiceId } from './unit.js'

/** Collects one direction. Reused by many flows; holds memory only while a turn is unfinished. */
export class StreamCollector<Flow> {
  private readonly context: InspectionContext<Flow>
  private readonly area = new SlidingArea()
  private sequence = 0
  private pending: Int32Array | null = null
  /** Segments of the turn so far. */
  private pieces = 0

  constructor(context: InspectionContext<Flow>) {
    this.context = context
  }

  /** Bytes of the current turn that have not been handed out: `[0, held)` of `heldBytes` if none has. */
  get held(): number {
    return this.area.length
  }

  get heldBytes(): Uint8Array {
    return this.area.bytes
  }

  append(
    flow: Flow,
    direction: Direction,
    service: ServiceId,
    source: Uint8Array,
    start: number,
    end: number,
  ): void {
    const { area } = this
    const { limits, pool, counters } = this.context
    let from = start
    this.pieces++
    while (from < end) {
      if (area.fresh === limits.window && !this.cut(flow, direction, service))
        this.emit(flow, direction, service, false)
      const room = limits.window - area.fresh
      const to = end - from < room ? end : from + room
      if (!area.reserve(to - from, 0, 0, limits, pool, counters)) {
        // No memory for collecting: look at what is there, then at the new bytes where they lie.
        if (area.fresh > 0) this.emit(flow, direction, service, false)
        this.send(flow, direction, service, source, from, end, from, area.position, false)
        area.skip(end - from, 0)
        return
      }
      area.append(source, from, to)
      from = to
    }
    if (limits.immediate && area.fresh > 0) this.emit(flow, direction, service, false)
  }

  /** Takes bytes without handing any out. False, and nothing taken, when they do not fit into a window. */
  hold(source: Uint8Array, start: number, end: number): boolean {
    const { area } = this
    const { limits, pool, counters } = this.context
    const length = end - start
    if (area.fresh + length > limits.window || !area.reserve(length, 0, 0, limits, pool, counters))
      return false
    area.append(source, start, end)
    return true
  }

  /** Ends the turn: hands out what is left and gives the memory back. */
  finish(flow: Flow, direction: Direction, service: ServiceId): void {
    if (this.area.fresh > 0) this.emit(flow, direction, service, true)
    this.reset()
  }

  /** Forgets the turn without handing anything out (its bytes went elsewhere). */
  reset(): void {
    this.area.release(this.context.pool)
    this.sequence = 0
    this.pending = null
    this.pieces = 0
  }

  /** Hands out the whole messages of the first window as a turn of their own; the rest begins another one. */
  private cut(flow: Flow, direction: Direction, service: ServiceId): boolean {
    const { area, context } = this
    if (this.sequence > 0 || service !== SERVICE.UNKNOWN) return false
    const end = context.sink.endOfMessages?.(flow, direction, area.bytes, 0, area.length) ?? 0
    if (end === 0) return false
    this.send(flow, direction, service, area.bytes, 0, end, 0, 0, true)
    area.restart(end)
    this.sequence = 0
    this.pending = null
    this.pieces = 1
    return true
  }

  private emit(flow: Flow, direction: Direction, service: ServiceId, last: boolean): void {
    const { area } = this
    const start = area.windowStart(this.context.limits.lookBack)
    const base = area.positionOf(start)
    this.send(flow, direction, service, area.bytes, start, area.length, area.inspected, base, last)
    area.mark()
  }

  private send(
    flow: Flow,
    direction: Direction,
    service: ServiceId,
    bytes: Uint8Array,
    start: number,
    end: number,
    fresh: number,
    base: number,
    last: boolean,
  ): void {
    const unit = this.context.streamUnit
    unit.direction = direction
    unit.service = service
    unit.sequence = this.sequence++
    unit.last = last
    unit.pending = this.pending
    unit.pieces = this.pieces
    unit.buffers.setWindow(BUF.PKT_DATA, bytes, start, end, fresh, base)
    unit.buffers.setWindow(BUF.RAW_DATA, bytes, start, end, fresh, base)
    this.context.counters.streamUnits++
    this.context.sink.inspect(flow, unit)
    this.pending = last ? null : unit.pending
  }
}
