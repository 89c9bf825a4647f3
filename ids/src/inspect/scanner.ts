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
    const { bytes, view } = this
    let i = start
    let seen = 0
    const words = end - 7
    while (i < words) {
      const first = view.getInt32(i, true)
      const second = view.getInt32(i + 4, true)
      const firstLow = (first ^ EIGHT_WORD) & UPPER_BITS
      const secondLow = (second ^ EIGHT_WORD) & UPPER_BITS
      // The high bit of a byte says that it was zero, or that it lies above one that was: the lowest is always right.
      const firstHit = (firstLow - ONES) & ~firstLow & HIGH
      const secondHit = (secondLow - ONES) & ~secondLow & HIGH
      const firstPercent = first ^ PERCENT_WORD
      const secondPercent = second ^ PERCENT_WORD
      if ((firstHit | secondHit) !== 0) {
        let at: number
        let before = (firstPercent - ONES) & ~firstPercent & HIGH
        if (firstHit !== 0) {
          const low = firstHit & -firstHit
          at = i + ((31 - Math.clz32(low)) >> 3)
          before &= low - 1
        } else {
          const low = secondHit & -secondHit
          at = i + 4 + ((31 - Math.clz32(low)) >> 3)
          before |= (secondPercent - ONES) & ~secondPercent & HIGH & (low - 1)
        }
        if (bytes[at] === CR && bytes[at + 1] === LF && at + 1 < end) {
          this.percent = before !== 0 || (seen & HIGH) !== 0
          this.next = at + 2
          this.stop = LF
          return at
        }
        const stop = this.lineEnd(at, i + 8, end, bareCr)
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
