/** `ber_data`, `ber_skip` and `asn1`: elements of the basic encoding rules (X.690). */
import type { BufferId } from '../../inspect/buffers.js'
import type { Asn1Option, BerOption } from '../../rules/model.js'
import type { Evaluation, Evaluator } from '../evaluation.js'

const LONG_FORM = 0x80
const MAX_LENGTH_BYTES = 4

/** Reads one element's header; the fields are valid when `read` has returned true. */
class BerHeader {
  type = 0
  /** Where the content begins. */
  content = 0
  /** -1: indefinite. */
  length = 0

  read(bytes: Uint8Array, at: number, end: number): boolean {
    if (at + 2 > end) return false
    this.type = bytes[at]!
    const first = bytes[at + 1]!
    if (first < LONG_FORM) {
      this.length = first
      this.content = at + 2
      return true
    }
    const count = first - LONG_FORM
    if (count > MAX_LENGTH_BYTES || at + 2 + count > end) return false
    let length = 0
    for (let i = 0; i < count; i++) length = length * 256 + bytes[at + 2 + i]!
    this.length = count === 0 ? -1 : length
    this.content = at + 2 + count
    return true
  }
}

const header = new BerHeader()

/** The cursor goes into the element (`ber_data`) or behind it (`ber_skip`). */
export class BerEvaluator implements Evaluator {
  readonly #buffer: BufferId
  readonly #type: number
  readonly #skip: boolean
  readonly #optional: boolean

  constructor(option: BerOption) {
    this.#buffer = option.buffer
    this.#type = option.type
    this.#skip = option.kind === 'ber_skip'
    this.#optional = option.optional
  }

  test(state: Evaluation): boolean {
    const slot = state.slot(this.#buffer)
    const { buffers } = state
    const end = buffers.end[slot]!
    if (end < 0) return false
    const at = state.origin(slot)
    if (at < buffers.start[slot]! || !header.read(buffers.bytes[slot]!, at, end)) return false
    if (header.type !== this.#type) return this.#optional
    if (!this.#skip) {
      state.setCursor(slot, header.content)
      return true
    }
    const behind = header.content + header.length
    if (header.length < 0 || behind > end) return false
    state.setCursor(slot, behind)
    return true
  }
}

const CONSTRUCTED = 0x20
const CLASS = 0xc0
const TAG = 0x1f
const BIT_STRING = 3
const REAL = 9
/** Longest REAL that a decoder of decimal text can be expected to hold. */
const MAX_REAL = 256
/** Elements of one structure that are looked at, and how deep they may be nested. */
const MAX_ELEMENTS = 4096
const MAX_DEPTH = 64

export class Asn1Evaluator implements Evaluator {
  readonly #option: Asn1Option
  #elements = 0

  constructor(option: Asn1Option) {
    this.#option = option
  }

  test(state: Evaluation): boolean {
    const { buffer, relative, offset } = this.#option
    const slot = state.slot(buffer)
    const { buffers } = state
    const end = buffers.end[slot]!
    if (end < 0) return false
    const from = relative ? state.origin(slot) : buffers.start[slot]! - buffers.base[slot]!
    const at = from + offset
    if (at < buffers.start[slot]! || at >= end) return false
    this.#elements = 0
    return this.#walk(buffers.bytes[slot]!, at, end, 0)
  }

  /** True when one of the tests holds for an element in `[start, end)`. */
  #walk(bytes: Uint8Array, start: number, end: number, depth: number): boolean {
    const { oversizeLength, bitstringOverflow, doubleOverflow } = this.#option
    let at = start
    while (at < end && this.#elements++ < MAX_ELEMENTS) {
      if (!header.read(bytes, at, end)) return false
      const { type, content, length } = header
      if (oversizeLength !== undefined && length > oversizeLength) return true
      const stop = length < 0 || length > end - content ? end : content + length
      if ((type & CONSTRUCTED) !== 0) {
        if (depth < MAX_DEPTH && this.#walk(bytes, content, stop, depth + 1)) return true
      } else if ((type & CLASS) === 0 && content < stop) {
        const first = bytes[content]!
        // More unused bits than there are bits.
        if (bitstringOverflow && (type & TAG) === BIT_STRING && (length - 1) * 8 < first) return true
        if (doubleOverflow && (type & TAG) === REAL && (first & CLASS) === 0 && length > MAX_REAL) return true
      }
      at = stop
    }
    return false
  }
}
