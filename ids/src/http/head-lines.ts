/** A head and the walk over its lines, for those that look at it again when a rule asks. */
import type { HttpHead } from './head.js'

const LF = 10
const CR = 13
const SPACE = 0x20
const TAB = 9

/** A head and where it lies; `bytes[at]` is its first byte. */
export interface HeadSource {
  readonly head: HttpHead
  readonly bytes: Uint8Array
  readonly at: number
  readonly request: boolean
  /** HTTP/2: where the body ends is not said in the head. */
  readonly framed: boolean
}

/** Lines `[start, end)` of headers or trailers. */
export interface Lines {
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
}

export function headerLines({ head, bytes, at }: HeadSource): Lines {
  return { bytes, start: at + head.headersStart, end: at + head.headersEnd }
}

export function nextLine(bytes: Uint8Array, from: number, end: number): number {
  let i = from
  while (i < end) {
    const byte = bytes[i]!
    if (byte === LF) break
    // A CR alone ends a line unless a blank follows.
    if (byte === CR && i + 1 < end && bytes[i + 1] !== LF && !isBlank(bytes[i + 1]!)) return i + 1
    i++
  }
  return i < end ? i + 1 : end
}

/** End of the header that begins at `from`: the next line that is not a fold. */
export function nextHeader(bytes: Uint8Array, from: number, end: number): number {
  let next = nextLine(bytes, from, end)
  while (next < end && isBlank(bytes[next]!)) next = nextLine(bytes, next, end)
  return next
}

/** End of the start line, without its line end. */
export function trimmedLine(bytes: Uint8Array, start: number, end: number): number {
  let last = end
  while (last > start && (bytes[last - 1] === LF || bytes[last - 1] === CR)) last--
  return last
}

export function matchesAt(
  bytes: Uint8Array,
  at: number,
  end: number,
  word: Uint8Array,
  nocase: boolean,
): boolean {
  if (end - at < word.length) return false
  for (let i = 0; i < word.length; i++) {
    const byte = bytes[at + i]!
    if (byte !== word[i] && (!nocase || lower(byte) !== lower(word[i]!))) return false
  }
  return true
}

export function lower(byte: number): number {
  return byte >= 65 && byte <= 90 ? byte | 0x20 : byte
}

export function isBlank(byte: number): boolean {
  return byte === SPACE || byte === TAB
}
