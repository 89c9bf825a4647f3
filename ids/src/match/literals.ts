import type { Pattern } from './matcher.js'

/** Patterns back to back, as the native addon takes them and as a serialised matcher keeps them. */
export interface PackedPatterns {
  readonly bytes: Uint8Array
  readonly lengths: Uint32Array
  /** 1: ASCII case is ignored. */
  readonly nocase: Uint8Array
  readonly longest: number
}

/** No set of patterns may hold more bytes than this: 16 MiB, far beyond any rule set. */
export const MAX_PATTERN_BYTES = 1 << 24

/** @throws Error when a pattern is empty or all of them together are too long. */
export function packPatterns(patterns: readonly Pattern[]): PackedPatterns {
  const lengths = new Uint32Array(patterns.length)
  const nocase = new Uint8Array(patterns.length)
  let total = 0
  let longest = 0
  patterns.forEach((pattern, index) => {
    const length = pattern.bytes.length
    if (length === 0) throw new Error(`pattern ${index}: Pattern is empty.`)
    lengths[index] = length
    nocase[index] = pattern.nocase ? 1 : 0
    total += length
    longest = Math.max(longest, length)
  })
  if (total > MAX_PATTERN_BYTES) {
    throw new Error(`the patterns hold ${total} bytes; the limit is ${MAX_PATTERN_BYTES}`)
  }
  const bytes = new Uint8Array(total)
  let offset = 0
  for (const pattern of patterns) {
    bytes.set(pattern.bytes, offset)
    offset += pattern.bytes.length
  }
  return { bytes, lengths, nocase, longest }
}

/** ASCII lower case of every byte value: what "nocase" means. */
export const FOLD: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte,
)
