/** Comparing the beginning of a turn with words: case is ignored, nothing is read beyond `end`. */

export function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0))
}

function lower(byte: number): number {
  return byte >= 65 && byte <= 90 ? byte | 0x20 : byte
}

/** `word` (lower case) stands at `start`. */
export function startsWith(bytes: Uint8Array, start: number, end: number, word: Uint8Array): boolean {
  if (end - start < word.length) return false
  for (let i = 0; i < word.length; i++) if (lower(bytes[start + i]!) !== word[i]) return false
  return true
}

export function startsWithAny(
  bytes: Uint8Array,
  start: number,
  end: number,
  words: readonly Uint8Array[],
): boolean {
  for (let i = 0; i < words.length; i++) if (startsWith(bytes, start, end, words[i]!)) return true
  return false
}

/** `word` (lower case) stands somewhere in `[start, end)`. */
export function holds(bytes: Uint8Array, start: number, end: number, word: Uint8Array): boolean {
  const last = end - word.length
  for (let i = start; i <= last; i++) if (startsWith(bytes, i, end, word)) return true
  return false
}

/** End of the line at `start`: its LF, or `end`; at most `limit` bytes are looked at. */
export function lineEnd(bytes: Uint8Array, start: number, end: number, limit: number): number {
  const stop = end - start < limit ? end : start + limit
  for (let i = start; i < stop; i++) if (bytes[i] === 10) return i
  return stop
}

export function readBig16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!
}

export function readBig32(bytes: Uint8Array, at: number): number {
  return (readBig16(bytes, at) * 0x10000 + readBig16(bytes, at + 2)) >>> 0
}

/** The bytes as text, one character for each. */
export function asciiText(bytes: Uint8Array, start: number, end: number): string {
  let text = ''
  for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i]!)
  return text
}
