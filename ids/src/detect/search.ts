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
  /** How far the window may move when its last byte is the index; at most 255. */
  readonly #skip: Uint8Array

  constructor(bytes: Uint8Array, nocase: boolean) {
    const pattern = nocase ? foldBytes(bytes) : bytes.slice()
    this.pattern = pattern
    this.nocase = nocase
    const length = pattern.length
    const skip = new Uint8Array(256).fill(Math.min(length, 255))
    for (let i = 0; i < length - 1; i++) skip[pattern[i]!] = Math.min(length - 1 - i, 255)
    if (nocase) for (let byte = 0x41; byte <= 0x5a; byte++) skip[byte] = skip[byte + 0x20]!
    this.#skip = skip
  }

  /** Index of the first occurrence that lies wholly inside `[from, end)`, or -1. */
  find(bytes: Uint8Array, from: number, end: number): number {
    return this.nocase ? this.#findFolded(bytes, from, end) : this.#findExact(bytes, from, end)
  }

  #findExact(bytes: Uint8Array, from: number, end: number): number {
    const pattern = this.pattern
    const skip = this.#skip
    const last = pattern.length - 1
    const lastByte = pattern[last]!
    let at = from + last
    while (at < end) {
      const byte = bytes[at]!
      if (byte === lastByte) {
        const start = at - last
        let i = 0
        while (i < last && bytes[start + i] === pattern[i]) i++
        if (i === last) return start
      }
      at += skip[byte]!
    }
    return -1
  }

  #findFolded(bytes: Uint8Array, from: number, end: number): number {
    const pattern = this.pattern
    const skip = this.#skip
    const fold = FOLD
    const last = pattern.length - 1
    const lastByte = pattern[last]!
    let at = from + last
    while (at < end) {
      const byte = bytes[at]!
      if (fold[byte] === lastByte) {
        const start = at - last
        let i = 0
        while (i < last && fold[bytes[start + i]!] === pattern[i]) i++
        if (i === last) return start
      }
      at += skip[byte]!
    }
    return -1
  }
}
