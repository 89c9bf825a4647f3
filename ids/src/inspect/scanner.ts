/**
 * Looks for line ends and `%` eight bytes at a time.
 *
 * JavaScript reads typed arrays byte by byte at about 1 ns each; two 32-bit words and the usual zero-byte arithmetic
 * halve that. A `DataView` is needed for words at odd offsets: it is kept for the array last used, which in practice is
 * the chunk the capture is read in.
 */
const LF = 10
const CR = 13
const SPACE = 0x20
const TAB = 9
const PERCENT = 0x25
const ONES = 0x01010101
const HIGH = 0x80808080 | 0
const PERCENT_WORD = 0x25252525
/** A byte of 8 to 15 (TAB, LF, CR and what never occurs), with 8 taken off, has none of these bits. */
const EIGHT_WORD = 0x08080808
const UPPER_BITS = 0xf8f8f8f8 | 0

export class Scanner {
  /** Whether the last line contained `%`. */
  percent = false
  /** Where the line after the last one starts. */
  next = 0
  /** What ended the last line: LF, CR (alone), or 0 when the bytes ran out. */
  stop = 0
  private bytes: Uint8Array = new Uint8Array(0)
  private view = new DataView(this.bytes.buffer)

  /** Chooses the array that `line` reads. */
  use(bytes: Uint8Array): void {
    if (bytes === this.bytes) return
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  /**
   * End of the line that starts at `start`, without its CRLF or LF; `end` when there is none before `end`. With
   * `bareCr`, a CR ends a line too unless a blank follows it (that is a folded line).
   */
  line(start: number, end: number, bareCr: boolean): number {
    const { view } = this
    let i = start
    let seen = 0
    const words = end - 7
    while (i < words) {
      const first = view.getInt32(i, true)
      const second = view.getInt32(i + 4, true)
      const firstLow = (first ^ EIGHT_WORD) & UPPER_BITS
      const secondLow = (second ^ EIGHT_WORD) & UPPER_BITS
      // High bit of a byte: it was zero, or lies above a zero byte (a false hit that costs nothing but a look).
      const hit = ((firstLow - ONES) & ~firstLow) | ((secondLow - ONES) & ~secondLow)
      const firstPercent = first ^ PERCENT_WORD
      const secondPercent = second ^ PERCENT_WORD
      if ((hit & HIGH) !== 0) {
        const stop = this.lineEnd(i, i + 8, end, bareCr)
        if (stop >= 0) {
          this.percent = (seen & HIGH) !== 0 || this.hasPercent(i, stop)
          return stop
        }
      }
      seen |= ((firstPercent - ONES) & ~firstPercent) | ((secondPercent - ONES) & ~secondPercent)
      i += 8
    }
    const stop = this.lineEnd(i, end, end, bareCr)
    if (stop >= 0) {
      this.percent = (seen & HIGH) !== 0 || this.hasPercent(i, stop)
      return stop
    }
    this.percent = (seen & HIGH) !== 0 || this.hasPercent(i, end)
    this.next = end
    this.stop = 0
    return end
  }

  /** Looks for a line end that begins in `[from, to)`; returns the end of the line, or -1. */
  private lineEnd(from: number, to: number, end: number, bareCr: boolean): number {
    const { bytes } = this
    for (let i = from; i < to; i++) {
      const byte = bytes[i]!
      if (byte === LF) {
        this.next = i + 1
        this.stop = LF
        return i
      }
      if (byte !== CR || i + 1 >= end) continue
      const after = bytes[i + 1]!
      if (after === LF) {
        this.next = i + 2
        this.stop = LF
        return i
      }
      if (bareCr && after !== SPACE && after !== TAB) {
        this.next = i + 1
        this.stop = CR
        return i
      }
    }
    return -1
  }

  private hasPercent(from: number, to: number): boolean {
    const { bytes } = this
    for (let i = from; i < to; i++) if (bytes[i] === PERCENT) return true
    return false
  }
}
