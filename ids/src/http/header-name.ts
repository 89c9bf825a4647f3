/** Names of header fields as senders write them: in any case, and with white space that Snort takes out of them. */
import { LOWER } from './words.js'

const LF = 10
const CR = 13
const SPACE = 0x20
const TAB = 9
const COLON = 0x3a

/**
 * Position after the colon (and blanks) when the line at `at` is the header `name` (lower case), else a negative number.
 * White space in the name, folds included, does not count.
 */
export function headerValueAt(bytes: Uint8Array, at: number, end: number, name: Uint8Array): number {
  const length = name.length
  if (at + length >= end) return -1
  for (let k = 0; k < length; k++) {
    const byte = bytes[at + k]!
    if (LOWER[byte] !== name[k]) return byte <= SPACE ? valueBehind(bytes, at + k, end, name, k) : -1
  }
  return valueBehind(bytes, at + length, end, name, length)
}

/** The same from the middle of the line: `known` characters of the name lie before `at`. */
function valueBehind(bytes: Uint8Array, at: number, end: number, name: Uint8Array, known: number): number {
  let k = known
  let i = at
  for (; i < end; i++) {
    const byte = bytes[i]!
    if (byte === SPACE || byte === TAB) continue
    if (byte === CR || byte === LF) {
      // Only a fold may stand there.
      if (byte === CR && i + 1 < end && bytes[i + 1] === LF) i++
      if (i + 1 >= end || (bytes[i + 1] !== SPACE && bytes[i + 1] !== TAB)) return -1
    } else if (k < name.length && LOWER[byte] === name[k]) k++
    else if (k === name.length && byte === COLON) break
    else return -1
  }
  if (i >= end) return -1
  i++
  while (i < end && (bytes[i] === SPACE || bytes[i] === TAB)) i++
  return i
}
