/**
 * Undoes the content coding of a body as its bytes arrive.
 *
 * In: body bytes in pieces of any size, after de-chunking (`next`, called until it says that the piece is used up). Out:
 * decoded bytes in portions, `output[start, end)`, valid until the next call. `HttpMessage` stores them behind the head,
 * so packet data and file data are one arena. Portions end at fixed positions of the decoded body, and limits are judged
 * there, so segmentation never shows.
 */
import type { InspectionContext } from '../inspect/context.js'
import { BrotliCollector } from './brotli.js'
import { CODING, type CodingId } from './content-coding.js'
import { INFLATE, INFLATE_OUTPUT, type Inflater } from './inflate.js'

/** The compression ratio is not judged before this many bytes have come out. */
const RATIO_FROM = 64 << 10
/** Decoded bytes of a portion. */
const PORTION = 32 << 10
/** Bytes kept from the beginning of a body, for one that turns out not to be compressed at all. */
const LEAD = 32

const NONE = new Uint8Array(0)

/** Decoding, passing bytes on as they are, or dropping them. */
const RUN = 0
const PASS = 1
const DROP = 2

/** Bits of `BodyDecoder.flaws`. */
export const BODY_FLAW = {
  FAILED: 1,
  EXCESSIVE: 2,
  TRAILING: 4,
  EXTRA: 8,
  RESERVED: 16,
  CORRUPT: 32,
} as const

/** Bits of the gzip header's flags. */
const GZIP_EXTRA = 4
const GZIP_RESERVED = 0xe0

export class BodyDecoder {
  /** There is a coding to undo. */
  active = false
  /** Decoded bytes of the last `next`. */
  output: Uint8Array = NONE
  start = 0
  end = 0
  /** Index of the first byte of the piece that has not been read. */
  position = 0
  /** What was odd so far. */
  flaws = 0
  private inflater: Inflater | null = null
  private rawAllowed = false
  private readonly brotli = new BrotliCollector()
  private collecting = false
  private bytesIn = 0
  private bytesOut = 0
  private after: typeof RUN | typeof PASS | typeof DROP = RUN
  private readonly lead = new Uint8Array(LEAD)

  begin(coding: CodingId): void {
    this.collecting = coding === CODING.BROTLI
    this.active = this.collecting || coding === CODING.GZIP || coding === CODING.DEFLATE
    this.rawAllowed = coding === CODING.DEFLATE
    this.bytesIn = 0
    this.bytesOut = 0
    this.after = RUN
    this.flaws = 0
  }

  /** Decodes from `bytes[from, to)`. False when nothing more comes out of it: all of it has been read. */
  next<Flow>(bytes: Uint8Array, from: number, to: number, context: InspectionContext<Flow>): boolean {
    // Not earlier: the last portion lay in the inflater's buffer.
    if (this.after !== RUN) this.returnInflater(context)
    const { limits } = context
    let at = from
    while (true) {
      if (this.after === DROP) return false
      if (this.after === PASS) {
        if (at === to) return false
        this.flaws |= BODY_FLAW.TRAILING
        this.output = bytes
        this.start = at
        this.end = to
        this.position = to
        return true
      }
      if (this.collecting) return this.collect(bytes, at, to, context)
      const inflater = this.inflater ?? this.takeInflater(context)
      if (inflater === null) {
        this.after = PASS
        continue
      }
      const portion = PORTION - (this.bytesOut & (PORTION - 1))
      const left = limits.decompressedBytes + 1 - this.bytesOut
      const status = inflater.run(bytes, at, to, portion < left ? portion : left)
      const out = inflater.end - inflater.start
      if (this.bytesIn < LEAD) this.remember(bytes, at, inflater.position)
      this.bytesIn += inflater.position - at
      this.bytesOut += out
      at = inflater.position
      this.position = at
      this.output = inflater.output
      this.start = inflater.start
      this.end = inflater.end
      if ((inflater.gzipFlags & GZIP_EXTRA) !== 0) this.flaws |= BODY_FLAW.EXTRA
      if ((inflater.gzipFlags & GZIP_RESERVED) !== 0) this.flaws |= BODY_FLAW.RESERVED
      this.judge(status, context)
      if (out > 0) return true
      if (status === INFLATE.ERROR && this.bytesOut === 0 && this.bytesIn <= LEAD) {
        // Not compressed at all, as it seems: all of it is looked at as it came.
        this.output = this.lead
        this.start = 0
        this.end = this.bytesIn
        return true
      }
      if (status === INFLATE.NEED_INPUT) return false
    }
  }

  /** The body has ended; true when output is left. */
  finish<Flow>(context: InspectionContext<Flow>): boolean {
    if (!this.collecting || this.after !== RUN || this.brotli.length === 0) return false
    this.expand(context)
    return true
  }

  /** Collects a brotli body; true when as much as may be is there and has been decompressed. */
  private collect<Flow>(
    bytes: Uint8Array,
    from: number,
    to: number,
    context: InspectionContext<Flow>,
  ): boolean {
    const { limits, pool, counters } = context
    const at = this.brotli.add(bytes, from, to, limits.brotliBytes, pool)
    if (at < 0) {
      counters.bufferBudgetReached++
      this.output = this.brotli.raw
      this.after = PASS
    } else {
      if (this.brotli.length < limits.brotliBytes) return false
      counters.decompressionLimit++
      this.expand(context)
    }
    this.start = 0
    this.end = this.output.length
    this.position = at < 0 ? from : at
    return true
  }

  private expand<Flow>({ limits, counters }: InspectionContext<Flow>): void {
    const { brotli } = this
    const ratio = Math.max(RATIO_FROM, limits.decompressionRatio * brotli.length)
    const expanded = brotli.expand(Math.min(ratio, limits.decompressedBytes))
    if (brotli.tooLarge) counters.decompressionLimit++
    else if (expanded === null) counters.badCompression++
    this.output = expanded === null || expanded.length === 0 ? brotli.raw : expanded
    this.start = 0
    this.end = this.output.length
    this.after = DROP
  }

  /** Bytes of the body are missing: what is compressed cannot be read on. */
  skip<Flow>(context: InspectionContext<Flow>): void {
    if (!this.active) return
    this.after = DROP
    this.returnInflater(context)
  }

  release<Flow>(context: InspectionContext<Flow>): void {
    this.returnInflater(context)
    this.brotli.clear(context.pool)
    this.output = NONE
  }

  private judge<Flow>(status: number, { limits, counters }: InspectionContext<Flow>): void {
    if (
      this.bytesOut > limits.decompressedBytes ||
      ((this.bytesOut & (PORTION - 1)) === 0 &&
        this.bytesOut > RATIO_FROM &&
        this.bytesOut > limits.decompressionRatio * this.bytesIn)
    ) {
      counters.decompressionLimit++
      this.flaws |= BODY_FLAW.EXCESSIVE
      this.after = DROP
    } else if (status === INFLATE.ERROR) {
      counters.badCompression++
      this.flaws |= BODY_FLAW.FAILED
      if (this.inflater!.corrupt) this.flaws |= BODY_FLAW.CORRUPT
      this.after = PASS
    } else if (status === INFLATE.DONE) {
      this.after = PASS
    }
  }

  private remember(bytes: Uint8Array, from: number, to: number): void {
    let at = this.bytesIn
    for (let i = from; i < to && at < LEAD; i++) this.lead[at++] = bytes[i]!
  }

  private takeInflater<Flow>(context: InspectionContext<Flow>): Inflater | null {
    const output = context.pool.take(INFLATE_OUTPUT)
    if (output === null) {
      context.counters.bufferBudgetReached++
      return null
    }
    this.inflater = context.takeInflater()
    this.inflater.reset(output, this.rawAllowed, !context.limits.lenientHttp)
    return this.inflater
  }

  private returnInflater<Flow>(context: InspectionContext<Flow>): void {
    const { inflater } = this
    if (inflater === null) return
    this.inflater = null
    context.pool.give(inflater.output)
    inflater.reset(NONE, false, false)
    context.giveInflater(inflater)
  }
}
