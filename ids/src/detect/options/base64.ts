/** `base64_decode` (snort-manual 3.5.40): decodes part of a buffer for the options after `base64_data`. */
import type { BufferId } from '../../inspect/buffers.js'
import type { Base64DecodeOption } from '../../rules/model.js'
import type { Evaluation, Evaluator } from '../evaluation.js'

const INVALID = 64
const CR = 0x0d
const LF = 0x0a
const SPACE = 0x20
const TAB = 0x09

const VALUES = new Uint8Array(256).fill(INVALID)
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
for (let i = 0; i < ALPHABET.length; i++) VALUES[ALPHABET.charCodeAt(i)] = i

/**
 * Decodes `bytes[start, end)` into `into`; returns the number of bytes written. Line ends followed by a blank or tab
 * are unfolded (RFC 2822, section 2.2.3); the first line end that is not, and the first other character, end the text.
 */
export function decodeBase64(bytes: Uint8Array, start: number, end: number, into: Uint8Array): number {
  let bits = 0
  let held = 0
  let written = 0
  for (let at = start; at < end && written < into.length; at++) {
    const byte = bytes[at]!
    if (byte === CR || byte === LF) {
      let next = at + 1
      if (byte === CR && next < end && bytes[next] === LF) next++
      if (next >= end || (bytes[next] !== SPACE && bytes[next] !== TAB)) break
      at = next
      continue
    }
    const value = VALUES[byte]!
    if (value === INVALID) break
    held = ((held << 6) | value) & 0x3fff
    bits += 6
    if (bits >= 8) {
      bits -= 8
      into[written++] = held >> bits
    }
  }
  return written
}

export class Base64DecodeEvaluator implements Evaluator {
  readonly #buffer: BufferId
  readonly #bytes: number
  readonly #offset: number
  readonly #relative: boolean

  constructor(option: Base64DecodeOption) {
    this.#buffer = option.buffer
    this.#bytes = option.bytes ?? Number.POSITIVE_INFINITY
    this.#offset = option.offset
    this.#relative = option.relative
  }

  /** Holds when at least one byte was decoded; the cursor stays. */
  test(state: Evaluation): boolean {
    const slot = state.slot(this.#buffer)
    const buffers = state.buffers
    const end = buffers.end[slot]!
    if (end < 0) return false
    const from = this.#relative ? state.origin(slot) : buffers.start[slot]! - buffers.base[slot]!
    const at = from + this.#offset
    if (at < buffers.start[slot]! || at >= end) return false
    const length = decodeBase64(buffers.bytes[slot]!, at, Math.min(end, at + this.#bytes), state.base64)
    if (length === 0) return false
    state.setBase64(length)
    return true
  }
}
