/** Words in heads: compared without regard to case, with the white space around them. */

const LF = 10
const CR = 13
const SPACE = 0x20
const TAB = 9

/** ASCII letters in lower case, other bytes as they are. */
export const LOWER = new Uint8Array(256)
for (let byte = 0; byte < 256; byte++) LOWER[byte] = byte >= 65 && byte <= 90 ? byte + 32 : byte

export function skipWhite(bytes: Uint8Array, at: number, end: number): number {
  let i = at
  while (i < end && isWhite(bytes[i]!)) i++
  return i
}

export function isWhite(byte: number): boolean {
  return byte === SPACE || byte === TAB || byte === CR || byte === LF
}

export function wordIs(bytes: Uint8Array, start: number, end: number, word: Uint8Array): boolean {
  if (end - start !== word.length) return false
  for (let k = 0; k < word.length; k++) if (LOWER[bytes[start + k]!] !== word[k]) return false
  return true
}

/** End of `[start, end)` without trailing white space. */
export function trimmed(bytes: Uint8Array, start: number, end: number): number {
  let last = end
  while (last > start && isWhite(bytes[last - 1]!)) last--
  return last
}
