/**
 * The decoded content of one file, handed to detection in windows.
 *
 * In: the encoded bytes of a MIME part. Out: units of kind FILE: file data is the decoded content (a window of it when it
 * is long), packet data is what the window of the turn that carries it holds up to there (and has been searched already).
 */
import { SlidingArea } from '../inspect/area.js'
import { BUF, type BufferSet } from '../inspect/buffers.js'
import type { InspectionContext } from '../inspect/context.js'
import type { Direction, ServiceId } from '../inspect/unit.js'
import { SERVICE, TO_SERVER } from '../inspect/unit.js'
import { HELD_BYTES, TransferDecoder, type TransferId } from './transfer.js'

const NONE = new Uint8Array(0)

/** The window of a turn that is being parsed, and where in it the parser stands. */
export class TurnPosition {
  bytes: Uint8Array = NONE
  start = 0
  /** Position, in the turn, of `bytes[start]`. */
  base = 0
  /** Index up to which the bytes have been dealt with. */
  at = 0

  begin(buffers: BufferSet): void {
    this.bytes = buffers.bytes[BUF.PKT_DATA]!
    this.start = buffers.start[BUF.PKT_DATA]!
    this.base = buffers.base[BUF.PKT_DATA]!
  }

  /** Nothing of the turn can be shown any more. */
  end(): void {
    this.bytes = NONE
    this.start = 0
    this.at = 0
    this.base = 0
  }
}

/** Takes the windows of files that do not become units of their own. */
export interface FileOutlet<Flow> {
  /** New in `area` is what has not been inspected. @param sequence of the window within its file, from 0 */
  file(flow: Flow, area: SlidingArea, sequence: number): void
}

export class FileBody<Flow> {
  /** Between `begin` and `finish`. */
  active = false
  direction: Direction = TO_SERVER
  service: ServiceId = SERVICE.UNKNOWN
  private readonly context: InspectionContext<Flow>
  private readonly turn: TurnPosition
  private readonly area = new SlidingArea()
  private readonly decoder = new TransferDecoder()
  private sequence = 0
  private pending: Int32Array | null = null

  private readonly outlet: FileOutlet<Flow> | null

  constructor(context: InspectionContext<Flow>, turn: TurnPosition, outlet: FileOutlet<Flow> | null = null) {
    this.context = context
    this.turn = turn
    this.outlet = outlet
  }

  begin(encoding: TransferId): void {
    this.decoder.begin(encoding)
    this.active = true
    this.context.counters.files++
  }

  get ignoresLineEnds(): boolean {
    return this.decoder.ignoresLineEnds
  }

  /** @param inPlace `bytes` are those at hand, not a copy: the position in the turn is the index in them */
  write(flow: Flow, bytes: Uint8Array, start: number, end: number, inPlace: boolean): void {
    const { area, decoder } = this
    const { limits, pool, counters } = this.context
    let from = start
    while (from < end && this.active) {
      if (inPlace) this.turn.at = from
      if (area.fresh >= limits.window) this.emit(flow, false)
      const room = limits.window - area.fresh
      const to = end - from < room ? end : from + room
      const needed = to - from + HELD_BYTES
      if (!area.reserve(needed, 0, 2 * (area.length + needed), limits, pool, counters)) {
        this.end(flow)
        return
      }
      from = decoder.run(bytes, from, to, area, area.inspected + limits.window)
    }
  }

  /** The content is complete, or no more of it will come. */
  finish(flow: Flow): void {
    if (!this.active) return
    const { limits, pool, counters } = this.context
    if (this.area.reserve(HELD_BYTES, 0, 0, limits, pool, counters)) this.decoder.finish(this.area)
    this.end(flow)
  }

  private end(flow: Flow): void {
    if (this.area.fresh > 0) this.emit(flow, true)
    this.area.release(this.context.pool)
    this.active = false
    this.sequence = 0
    this.pending = null
  }

  private emit(flow: Flow, last: boolean): void {
    const { area, context } = this
    if (this.outlet !== null) {
      this.outlet.file(flow, area, this.sequence++)
      area.mark()
      return
    }
    const { turn } = this
    const set = context.fileUnit.buffers
    if (turn.at > turn.start) {
      set.setWindow(BUF.PKT_DATA, turn.bytes, turn.start, turn.at, turn.at, turn.base)
      set.setWindow(BUF.RAW_DATA, turn.bytes, turn.start, turn.at, turn.at, turn.base)
    } else {
      set.remove(BUF.PKT_DATA)
      set.remove(BUF.RAW_DATA)
    }
    const unit = context.fileUnit
    const start = area.windowStart(context.limits.lookBack)
    set.setWindow(BUF.FILE_DATA, area.bytes, start, area.length, area.inspected, area.positionOf(start))
    unit.direction = this.direction
    unit.service = this.service
    unit.sequence = this.sequence++
    unit.last = last
    unit.pending = this.pending
    context.counters.fileUnits++
    context.sink.inspect(flow, unit)
    set.remove(BUF.PKT_DATA)
    set.remove(BUF.RAW_DATA)
    this.pending = last ? null : unit.pending
    area.mark()
  }
}
