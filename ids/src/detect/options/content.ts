/** `content` / `uricontent` with offset, depth, distance, within, nocase, negation (snort-manual 3.5.1 and following). */
import { BUF, type BufferId } from '../../inspect/buffers.js'
import type { ContentOption } from '../../rules/model.js'
import type { Evaluation, RetryEvaluator } from '../evaluation.js'
import { LiteralSearch, RepeatedSearch } from '../search.js'
import type { Operand, VariableNames } from './numbers.js'

/**
 * The search window is `[lo, hi)`: absolute from the logical start of the buffer, or from the cursor. Edges follow
 * Snort 2.9.9: a pattern that does not fit makes a positive content fail and a negated one hold; in Snort 2 text a
 * window that begins before the buffer and never reaches into it fails either way, in Snort 3 text it is clamped.
 */
export class ContentEvaluator implements RetryEvaluator {
  readonly #buffer: BufferId
  readonly #search: LiteralSearch
  /** For the searches of retries: the first of each window, and those after a match. */
  readonly #first: RepeatedSearch | undefined
  readonly #later: RepeatedSearch | undefined
  readonly #length: number
  readonly #negated: boolean
  readonly #relative: boolean
  readonly #offset: Operand
  readonly #depth: Operand | undefined

  constructor(option: ContentOption, variables: VariableNames) {
    this.#buffer = option.buffer
    this.#search = new LiteralSearch(option.bytes, option.nocase)
    // Decoded bytes may be others at every retry.
    const repeated = option.relative && option.buffer !== BUF.BASE64_DATA
    this.#first = repeated ? new RepeatedSearch(this.#search) : undefined
    this.#later = repeated && !option.negated ? new RepeatedSearch(this.#search) : undefined
    this.#length = option.bytes.length
    this.#negated = option.negated
    this.#relative = option.relative
    this.#offset = variables.resolve(option.offset)
    this.#depth = option.depth === undefined ? undefined : variables.resolve(option.depth)
  }

  test(state: Evaluation): boolean {
    const slot = state.slot(this.#buffer)
    const buffers = state.buffers
    const end = buffers.end[slot]!
    if (end < 0) return false
    const start = buffers.start[slot]!
    let from: number
    if (this.#relative) {
      from = state.origin(slot)
    } else {
      from = start - buffers.base[slot]!
      if (!state.snort3) state.clearCursor()
    }
    const lo = from + this.#offset.get(state)
    let hi = end
    if (this.#depth !== undefined) {
      const depth = this.#depth.get(state)
      if (depth > 0 || !state.snort3) hi = Math.min(end, lo + depth)
    }
    let begin = lo
    if (lo < start) {
      const reaches = this.#depth === undefined ? state.snort3 : hi > start
      // A later window of a long buffer: the missing part was there, it is only out of sight.
      if (!reaches && !state.snort3 && from >= start) return false
      begin = start
    }
    const length = this.#length
    if (hi - begin < length) return this.#negated
    // Both lie in the buffer. Offsets may be variables; without the conversion all of this would be done in doubles.
    const first = begin | 0
    const last = hi | 0
    const bytes = buffers.bytes[slot]!
    // `within:3` for three bytes leaves one place to look at.
    const at =
      last - first > length
        ? this.#find(state, this.#first, bytes, first, last)
        : this.#search.isAt(bytes, first)
          ? first
          : -1
    if (at < 0) return this.#negated
    if (this.#negated) return false
    state.matchAt = at
    state.windowStart = first
    state.windowEnd = last
    state.setCursor(slot, at + length)
    return true
  }

  again(state: Evaluation, matchAt: number, _windowStart: number, windowEnd: number): boolean {
    const slot = state.slot(this.#buffer)
    const at = this.#find(state, this.#later, state.buffers.bytes[slot]!, matchAt + 1, windowEnd)
    if (at < 0) return false
    state.matchAt = at
    state.setCursor(slot, at + this.#length)
    return true
  }

  /** Charges the rule for the bytes that had to be looked at. */
  #find(
    state: Evaluation,
    repeated: RepeatedSearch | undefined,
    bytes: Uint8Array,
    begin: number,
    end: number,
  ): number {
    if (repeated === undefined) {
      const at = this.#search.find(bytes, begin, end)
      state.steps += ((at < 0 ? end : at) - begin) >> 6
      return at
    }
    const at = repeated.find(bytes, begin, end, state, state.runs)
    state.steps += repeated.cost >> 6
    return at
  }
}

/**
 * The content of a `fast_pattern:only`: caseless, anywhere in its buffer, moves no cursor. The multi-pattern search has
 * found it already, but perhaps in another buffer of the same pattern set.
 */
export class OnlyPatternEvaluator {
  readonly #buffer: BufferId
  readonly #search: LiteralSearch

  constructor(option: ContentOption) {
    this.#buffer = option.buffer
    this.#search = new LiteralSearch(option.bytes, true)
  }

  test(state: Evaluation): boolean {
    const slot = state.slot(this.#buffer)
    const buffers = state.buffers
    const end = buffers.end[slot]!
    return end >= 0 && this.#search.find(buffers.bytes[slot]!, buffers.start[slot]!, end) >= 0
  }
}
