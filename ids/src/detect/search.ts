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

  /** The pattern stands at `at`; there must be room for it. */
  isAt(bytes: Uint8Array, at: number): boolean {
    const pattern = this.pattern
    const length = pattern.length
    let i = 0
    if (this.nocase) while (i < length && FOLD[bytes[at + i]!] === pattern[i]) i++
    else while (i < length && bytes[at + i] === pattern[i]) i++
    return i === length
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

/**
 * One pattern searched for again and again in one buffer, from other places each time, as retries do: what an earlier
 * search has seen is not looked at again, so that searches from every place of a window cost about as much as one.
 */
export class RepeatedSearch {
  readonly #search: LiteralSearch
  readonly #length: number
  /** What the bytes that are remembered belong to. */
  #owner: unknown
  #run = -1
  /** The first occurrence at or after `#from` is at `#at`; -1: there is none that ends by `#to`. */
  #from = 0
  #at = -1
  #to = 0
  /** Bytes looked at by the last `find`. */
  cost = 0

  constructor(search: LiteralSearch) {
    this.#search = search
    this.#length = search.pattern.length
  }

  /** As `LiteralSearch.find`. `bytes` must be the same as long as `owner` and `run` are. */
  find(bytes: Uint8Array, begin: number, end: number, owner: unknown, run: number): number {
    this.cost = 0
    return this.#find(bytes, begin, end, owner, run)
  }

  #find(bytes: Uint8Array, begin: number, end: number, owner: unknown, run: number): number {
    if (this.#run !== run || this.#owner !== owner) {
      this.#owner = owner
      this.#run = run
      return this.#start(bytes, begin, end)
    }
    if (begin < this.#from) return this.#before(bytes, begin, end)
    if (this.#at < 0) {
      if (end <= this.#to) return -1
      // None ends by `#to`; beyond the part seen, this is a search of its own.
      const fresh = this.#to - this.#length + 1
      if (begin > fresh) return this.#start(bytes, begin, end)
      this.#at = this.#look(bytes, fresh, end)
      this.#to = end
      return this.#at
    }
    if (begin > this.#at) return this.#start(bytes, begin, end)
    return this.#at + this.#length <= end ? this.#at : -1
  }

  #start(bytes: Uint8Array, begin: number, end: number): number {
    this.#from = begin
    this.#at = this.#look(bytes, begin, end)
    this.#to = end
    return this.#at
  }

  /** A search that begins before what is remembered: only the part up to there is new. */
  #before(bytes: Uint8Array, begin: number, end: number): number {
    const seam = this.#from + this.#length - 1
    if (end < seam) return this.#start(bytes, begin, end)
    const at = this.#look(bytes, begin, seam)
    this.#from = begin
    if (at >= 0) {
      this.#at = at
      return at
    }
    return this.#find(bytes, begin, end, this.#owner, this.#run)
  }

  #look(bytes: Uint8Array, from: number, end: number): number {
    if (end - from < this.#length) return -1
    const at = this.#search.find(bytes, from, end)
    this.cost += (at < 0 ? end : at) - from
    return at
  }
}
