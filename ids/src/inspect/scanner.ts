/**
 * Looks for line ends and `%` eight bytes at a time.
 *
 * JavaScript reads typed arrays byte by byte at about 1 ns each; two 32-bit words and the usual zero-byte arithmetic
 * halve that. A `DataView` is needed for words at odd offsets: it is kept for the array last used, which in practice is
 * the chunk the capture is read in.
 */
const LF = 10
const PERCENT = 0x25
const ONES = 0x01010101
const HIGH = 0x80808080 | 0
const LF_WORD = 0x0a0a0a0a
const PERCENT_WORD = 0x25252525

export class Scanner {
  /** Whether the last `line` contained `%`. */
  percent = false
  private bytes: Uint8Array = new Uint8Array(0)
  private view = new DataView(this.bytes.buffer)

  /** Chooses the array that `line` reads. */
  use(bytes: Uint8Array): void {
    if (bytes === this.bytes) return
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  /** Index of the first LF in `[start, end)`, or `end`. */
  line(start: number, end: number): number {
    const { bytes, view } = this
    let i = start
    let seen = 0
    const words = end - 7
    while (i < words) {
      const first = view.getInt32(i, true)
      const second = view.getInt32(i + 4, true)
      const firstLf = first ^ LF_WORD
      const secondLf = second ^ LF_WORD
      // High bit of a byte: it was zero, or lies above a zero byte (a false hit that costs nothing but a look).
      const hit = ((firstLf - ONES) & ~firstLf) | ((secondLf - ONES) & ~secondLf)
      if ((hit & HIGH) !== 0) break
      const firstPercent = first ^ PERCENT_WORD
      const secondPercent = second ^ PERCENT_WORD
      seen |= ((firstPercent - ONES) & ~firstPercent) | ((secondPercent - ONES) & ~secondPercent)
      i += 8
    }
    let percent = (seen & HIGH) !== 0
    while (i < end) {
      const byte = bytes[i]!
      if (byte === LF) break
      if (byte === PERCENT) percent = true
      i++
    }
    this.percent = percent
    return i
  }
}
