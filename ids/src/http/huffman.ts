/**
 * Canonical Huffman codes of deflate (RFC 1951 section 3.2.2).
 *
 * In: code lengths. Out: symbols for the bits at the low end of a bit buffer. Used by `Inflater`.
 */

/** Codes up to this length are looked up in one step. */
const FAST_BITS = 9
const LONGEST_CODE = 15

/** Results of `decode`: more bits are needed; no code begins like this. */
export const NO_SYMBOL = -1
export const BAD_SYMBOL = -2

/** A canonical Huffman code: a table for short codes, counting for long ones, so that building costs little. */
export class HuffmanCode {
  private readonly fast = new Uint16Array(1 << FAST_BITS)
  private readonly counts = new Uint16Array(LONGEST_CODE + 1)
  private readonly symbols: Uint16Array
  private readonly offsets = new Uint16Array(LONGEST_CODE + 1)

  constructor(size: number) {
    this.symbols = new Uint16Array(size)
  }

  /** Returns false when the lengths describe no prefix code. An incomplete code is accepted when it has one symbol. */
  build(lengths: Uint8Array, from: number, count: number): boolean {
    const { counts, offsets, symbols, fast } = this
    counts.fill(0)
    fast.fill(0)
    for (let symbol = 0; symbol < count; symbol++) counts[lengths[from + symbol]!]!++
    counts[0] = 0
    let left = 1
    let used = 0
    for (let length = 1; length <= LONGEST_CODE; length++) {
      left = left * 2 - counts[length]!
      if (left < 0) return false
      offsets[length] = used
      used += counts[length]!
    }
    if (left > 0 && used > 1) return false
    for (let symbol = 0; symbol < count; symbol++) {
      const length = lengths[from + symbol]!
      if (length !== 0) symbols[offsets[length]!++] = symbol
    }
    let code = 0
    let index = 0
    for (let length = 1; length <= FAST_BITS; length++) {
      for (let n = counts[length]!; n > 0; n--) {
        const entry = (symbols[index++]! << 4) | length
        for (let at = reverse(code, length); at < 1 << FAST_BITS; at += 1 << length) fast[at] = entry
        code++
      }
      code <<= 1
    }
    return true
  }

  /** Symbol << 4 | length for the code at the low end of `hold`, of which `bits` bits are valid. */
  decode(hold: number, bits: number): number {
    const entry = this.fast[hold & ((1 << FAST_BITS) - 1)]!
    if (entry !== 0) return (entry & 15) <= bits ? entry : NO_SYMBOL
    const { counts, symbols } = this
    let code = 0
    let first = 0
    let index = 0
    for (let length = 1; length <= LONGEST_CODE; length++) {
      if (length > bits) return NO_SYMBOL
      code |= (hold >>> (length - 1)) & 1
      const count = counts[length]!
      if (code - count < first) return (symbols[index + (code - first)]! << 4) | length
      index += count
      first = (first + count) << 1
      code <<= 1
    }
    return BAD_SYMBOL
  }
}

function reverse(code: number, length: number): number {
  let out = 0
  for (let bit = 0; bit < length; bit++) if ((code & (1 << bit)) !== 0) out |= 1 << (length - 1 - bit)
  return out
}
