/**
 * Text of a response in UTF-16 or UTF-32, made readable for `file_data`; packet data and `http_raw_body` keep the body as
 * it is.
 *
 * In: the FILE_DATA window of a response. Out: the FILE_DATA window of its text, with the body as HTTP_BODY; nothing
 * changes where the bytes are text already. Called by `MessageWindows` for every window.
 */
import { AREA_SLACK, SlidingArea } from '../inspect/area.js'
import { BUF, type BufferSet, HTTP_BODY } from '../inspect/buffers.js'
import type { InspectionContext } from '../inspect/context.js'
import type { InspectLimits } from '../inspect/limits.js'
import { LARGEST_BUFFER } from '../inspect/pool.js'
import { CHARSET, CharsetDecoder, type CharsetId } from './charset.js'

const NONE = new Uint8Array(0)

export class TextBody {
  private readonly decoder = new CharsetDecoder()
  private readonly area = new SlidingArea()
  /** The text of a window may be longer than the window. */
  private readonly limits: InspectLimits

  constructor(limits: InspectLimits) {
    const most = LARGEST_BUFFER - limits.lookBack - AREA_SLACK
    this.limits = { ...limits, window: Math.min(2 * limits.window, most) }
  }

  begin(charset: CharsetId): void {
    this.decoder.begin(charset)
  }

  /** There may be something to convert. */
  get active(): boolean {
    return this.decoder.active
  }

  /** Characters were met that Snort does not convert. */
  get failed(): boolean {
    return this.decoder.failed
  }

  none(): void {
    this.decoder.begin(CHARSET.NONE)
  }

  /** Replaces FILE_DATA. `last`: no window follows. */
  fill<Flow>(set: BufferSet, { limits, pool, counters }: InspectionContext<Flow>, last: boolean): void {
    const { decoder, area } = this
    const id = BUF.FILE_DATA
    const present = set.has(id)
    const bytes = present ? set.bytes[id]! : NONE
    const end = present ? set.end[id]! : 0
    const fresh = present ? set.fresh[id]! : 0
    if (present && decoder.isPlain(bytes, fresh, end)) return
    decoder.decode(bytes, fresh, end, last)
    if (!area.reserve(decoder.length, 0, 2 * (area.length + decoder.length), this.limits, pool, counters)) {
      // The body as it is, rather than nothing.
      this.none()
      return
    }
    const room = area.bytes.length - area.length
    area.append(decoder.output, 0, decoder.length < room ? decoder.length : room)
    if (present) set.setWindow(HTTP_BODY, bytes, set.start[id]!, end, fresh, set.base[id]!)
    const start = area.windowStart(limits.lookBack)
    if (area.length > 0)
      set.setWindow(id, area.bytes, start, area.length, area.inspected, area.positionOf(start))
    else set.remove(id)
    area.mark()
  }

  /** `count` bytes of the body are missing. */
  skip(count: number): void {
    this.decoder.skip()
    this.area.skip(count, 0)
  }

  release<Flow>({ pool }: InspectionContext<Flow>): void {
    this.area.release(pool)
    this.none()
  }
}
