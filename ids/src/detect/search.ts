/**
 * Search for one literal inside a window of a buffer (Horspool), used by option evaluation.
 *
 * In: a pattern when rules are compiled. Out: `find(bytes, from, end)` during evaluation. Works in place on any part of
 * a large arena: no view is allocated and nothing outside the window is read. Time is bounded by window length times
 * pattern length; in practice windows are skipped through by pattern length.
 */

/** ASCII lower case of every byte value. */
export const FOLD: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte,
)

export function foldBytes(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte) => FOLD[byte]!)
}

export class LiteralSearch {
  readonly pattern: Uint8Array
  readonly nocase: boolean
  /** How far to move on when a byte stands at the pattern's last place; 0 = it is the last byte. At most 255. */
  readonly #skip: Uint8Array
  /** How far to move on from a last byte that is not the end of an occurrence. */
  readonly #lastSkip: number

  constructor(bytes: Uint8Array, nocase: boolean) {
    const pattern = nocase ? foldBytes(bytes) : bytes.slice()
    this.pattern = pattern
    this.nocase = nocase
    const last = pattern.length - 1
    const skip = new Uint8Array(256).fill(Math.min(pattern.length, 255))
    for (let i = 0; i < last; i++) skip[pattern[i]!] = Math.min(last - i, 255)
    this.#lastSkip = last >= 0 ? skip[pattern[last]!]! : 0
    if (last >= 0) skip[pattern[last]!] = 0
    if (nocase) for (let byte = 0x41; byte <= 0x5a; byte++) skip[byte] = skip[byte + 0x20]!
    this.#skip = skip
  }

  /** Index of the first occurrence that lies wholly inside `[from, end)`, or -1. */
  find(bytes: Uint8Array, from: number, end: number): number {
    const pattern = this.pattern
    const skip = this.#skip
    const last = pattern.length - 1
    const nocase = this.nocase
    let at = from + last
    while (at < end) {
      const move = skip[bytes[at]!]!
      if (move !== 0) {
        at += move
        continue
      }
      const start = at - last
      let i = 0
      if (nocase) while (i < last && FOLD[bytes[start + i]!] === pattern[i]) i++
      else while (i < last && bytes[start + i] === pattern[i]) i++
      if (i === last) return start
      at += this.#lastSkip
    }
    return -1
  }
}
