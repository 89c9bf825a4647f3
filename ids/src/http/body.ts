/**
 * The body of a message where it is not simply a part of the raw bytes: after de-chunking and decompression.
 *
 * In: chunk data as it arrives (`add`), and with every window the encoded bytes new in it (`encoded`). Out: the FILE_DATA
 * window of the unit. A window of compressed bytes may give many windows of
 * decompressed ones: `decode` is called until it says that no more will come.
 */
import { SlidingArea } from '../inspect/area.js'
import { BUF, type BufferSet } from '../inspect/buffers.js'
import type { InspectionContext } from '../inspect/context.js'
import { CODING, type CodingId } from './head.js'
import { INFLATE, INFLATE_OUTPUT, type Inflater } from './inflate.js'

/** The compression ratio is not judged before this many bytes have come out. */
const RATIO_FROM = 64 << 10

const NONE = new Uint8Array(0)

export class HttpBody {
  /** The body lies here, not in the raw bytes. */
  separate = false
  /** It is compressed: `encoded` is wanted for every window. */
  compressed = false
  /** FILE_DATA as the rules see it. */
  private readonly area = new SlidingArea()
  /** Chunk data of the present window, still compressed. */
  private readonly chunks = new SlidingArea()
  private chunked = false
  private inflater: Inflater | null = null
  private rawAllowed = false
  /** Compressed bytes not read yet: `input[inputAt, inputEnd)`. */
  private input: Uint8Array = NONE
  private inputAt = 0
  private inputEnd = 0
  private inputStart = 0
  private bytesIn = 0
  private bytesOut = 0
  /** Decompression has ended: `PASS` the rest through as it is, or `DROP` it. */
  private after: typeof RUN | typeof PASS | typeof DROP = RUN

  begin(chunked: boolean, coding: CodingId): void {
    this.chunked = chunked
    this.compressed = coding === CODING.GZIP || coding === CODING.DEFLATE
    this.rawAllowed = coding === CODING.DEFLATE
    this.separate = chunked || this.compressed
    this.bytesIn = 0
    this.bytesOut = 0
    this.after = RUN
  }

  /** Appends chunk data; false when there is no memory. */
  add<Flow>(bytes: Uint8Array, start: number, end: number, context: InspectionContext<Flow>): boolean {
    const area = this.compressed ? this.chunks : this.area
    const { limits, pool, counters } = context
    const count = end - start
    // Chunk data of the first window may be as long as a head.
    const pin = this.compressed ? limits.headBytes : 0
    if (!area.reserve(count, pin, 2 * (area.length + count), limits, pool, counters)) return false
    area.append(bytes, start, end)
    return true
  }

  /** `count` bytes of the body are missing. What is compressed cannot be read on. */
  skip<Flow>(count: number, context: InspectionContext<Flow>): void {
    if (this.compressed) {
      this.after = DROP
      this.returnInflater(context)
    } else if (this.separate) {
      this.area.skip(count, 0)
    }
  }

  /** Compressed bytes new in this window; not used when the body is chunked (they have been added). */
  encoded(bytes: Uint8Array, start: number, end: number): void {
    if (this.chunked) {
      this.input = this.chunks.bytes
      this.inputAt = 0
      this.inputEnd = this.chunks.length
    } else {
      this.input = bytes
      this.inputAt = start
      this.inputEnd = end
    }
    this.inputStart = this.inputAt
  }

  /** Decompresses until a window is full or the input is used up. Returns true when there is more for another window. */
  decode<Flow>(context: InspectionContext<Flow>): boolean {
    const { area } = this
    const { limits, counters } = context
    while (this.inputAt < this.inputEnd || this.after === RUN) {
      const room = limits.window - area.fresh
      if (room === 0) return this.moreToCome()
      if (this.after === PASS) {
        const end = this.inputEnd - this.inputAt < room ? this.inputEnd : this.inputAt + room
        if (!this.keep(this.input, this.inputAt, end, context)) return this.usedUp()
        this.inputAt = end
        continue
      }
      if (this.after === DROP) return this.usedUp()
      const inflater = this.inflater ?? this.takeInflater(context)
      if (inflater === null) {
        this.after = PASS
        continue
      }
      const status = inflater.run(this.input, this.inputAt, this.inputEnd, room < 32768 ? room : 32768)
      const out = inflater.end - inflater.start
      this.bytesIn += inflater.position - this.inputAt
      this.bytesOut += out
      this.inputAt = inflater.position
      if (out > 0 && !this.keep(inflater.output, inflater.start, inflater.end, context)) return this.usedUp()
      if (
        this.bytesOut > limits.decompressedBytes ||
        (this.bytesOut > RATIO_FROM && this.bytesOut > limits.decompressionRatio * this.bytesIn)
      ) {
        counters.decompressionLimit++
        this.after = DROP
      } else if (status === INFLATE.ERROR) {
        counters.badCompression++
        this.after = PASS
        // Not compressed at all, as it seems: all of it is looked at as it came.
        if (this.bytesOut === 0 && this.bytesIn <= this.inputAt - this.inputStart)
          this.inputAt = this.inputStart
      } else if (status === INFLATE.DONE) {
        this.after = PASS
      } else if (status === INFLATE.NEED_INPUT) {
        return this.usedUp()
      }
      if (this.after !== RUN) this.returnInflater(context)
    }
    return this.usedUp()
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

  release<Flow>(context: InspectionContext<Flow>): void {
    if (!this.separate) return
    this.area.release(context.pool)
    if (!this.compressed) return
    this.chunks.release(context.pool)
    this.returnInflater(context)
    this.input = NONE
  }

  /** The window is full: is anything left for another one? */
  private moreToCome(): boolean {
    if (this.after === DROP) return this.usedUp()
    // An inflater that stopped for want of room may hold symbols in its bit buffer, whether or not input is left.
    return this.inputAt < this.inputEnd || this.after === RUN ? true : this.usedUp()
  }

  private usedUp(): false {
    this.inputAt = this.inputEnd
    this.input = NONE
    if (this.chunked) this.chunks.clear()
    return false
  }

  private keep<Flow>(
    bytes: Uint8Array,
    start: number,
    end: number,
    context: InspectionContext<Flow>,
  ): boolean {
    const { area } = this
    const { limits, pool, counters } = context
    const count = end - start
    if (!area.reserve(count, 0, 2 * (area.length + count), limits, pool, counters)) return false
    area.append(bytes, start, end)
    return true
  }

  private takeInflater<Flow>(context: InspectionContext<Flow>): Inflater | null {
    const output = context.pool.take(INFLATE_OUTPUT)
    if (output === null) {
      context.counters.bufferBudgetReached++
      return null
    }
    this.inflater = context.takeInflater()
    this.inflater.reset(output, this.rawAllowed)
    return this.inflater
  }

  private returnInflater<Flow>(context: InspectionContext<Flow>): void {
    if (this.inflater === null) return
    context.pool.give(this.inflater.output)
    this.inflater.reset(NONE, false)
    context.giveInflater(this.inflater)
    this.inflater = null
  }
}

const RUN = 0
const PASS = 1
const DROP = 2
