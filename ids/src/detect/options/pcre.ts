/** `pcre` (snort-manual 3.5.31): relative subject, retry from the end of the previous match, match limit. */
import type { BufferId } from '../../inspect/buffers.js'
import { REGEX_LIMIT, REGEX_MATCH, REGEX_NO_MATCH, type Regex } from '../../match/matcher.js'
import type { PcreOption } from '../../rules/model.js'
import type { Evaluation, RetryEvaluator } from '../evaluation.js'
import { pcreFacts } from './pcre-facts.js'
import type { RunTest } from './pcre-run.js'

/**
 * True when a later try cannot match because the first one was bound to the beginning of the subject. Flag A and `\G` bind
 * each try to where it begins, so that another match may stand right behind the first.
 */
export function isAnchored(option: PcreOption): boolean {
  if (option.pattern.startsWith('\\A')) return !option.pattern.includes('|')
  // `^a|b` is anchored in its first branch only.
  return option.pattern.startsWith('^') && !option.flags.multiline && !option.pattern.includes('|')
}

/** What an expression that has backtracked to its limit costs: it is not tried often. */
const LIMIT_STEPS = 5000

export class PcreEvaluator implements RetryEvaluator {
  readonly #buffer: BufferId
  readonly #regex: Regex
  readonly #negated: boolean
  readonly #relative: boolean
  readonly #movesCursor: boolean
  readonly #minLength: number
  readonly #anchored: boolean
  readonly #runTest: RunTest | undefined

  constructor(option: PcreOption, regex: Regex) {
    this.#buffer = option.buffer
    this.#regex = regex
    this.#negated = option.negated
    this.#relative = option.relative
    this.#movesCursor = option.movesCursor
    this.#anchored = isAnchored(option)
    this.#minLength = Math.max(1, regex.minLength)
    this.#runTest = pcreFacts(option).runTest
  }

  test(state: Evaluation): boolean {
    const slot = state.slot(this.#buffer)
    const end = state.buffers.end[slot]!
    if (end < 0) return false
    const start = this.#relative ? state.origin(slot) : state.buffers.start[slot]!
    const outcome = this.#exec(state, state.buffers.bytes[slot]!, start, end)
    if (outcome === REGEX_LIMIT) {
      state.counters.pcreLimit++
      return this.#negated && state.snort3
    }
    if (outcome !== REGEX_MATCH) return this.#negated
    if (this.#negated) return false
    this.#matched(state, slot, start, end)
    return true
  }

  #exec(state: Evaluation, bytes: Uint8Array, start: number, end: number): number {
    // An empty subject is never tried, so a relative expression at the very end of the buffer finds nothing.
    if (end - start < this.#minLength) return REGEX_NO_MATCH
    if (this.#runTest !== undefined && !this.#runTest.mayMatch(bytes, start, end)) {
      state.steps += (end - start) >> 6
      return REGEX_NO_MATCH
    }
    const outcome = this.#regex.exec(bytes, start, end, start)
    this.#charge(state, outcome, start, end)
    return outcome
  }

  again(state: Evaluation, matchAt: number, windowStart: number, windowEnd: number): boolean {
    const slot = state.slot(this.#buffer)
    const bytes = state.buffers.bytes[slot]!
    // `matchAt` is where the previous match ended, or one more when it was empty.
    if (matchAt > windowEnd) return false
    const outcome = this.#regex.exec(bytes, windowStart, windowEnd, matchAt)
    this.#charge(state, outcome, matchAt, windowEnd)
    if (outcome === REGEX_LIMIT) state.counters.pcreLimit++
    if (outcome !== REGEX_MATCH) return false
    this.#matched(state, slot, windowStart, windowEnd)
    return true
  }

  /** For an attempt over `[from, end)`. A match has looked at little behind it, an anchored failure at little at all. */
  #charge(state: Evaluation, outcome: number, from: number, end: number): void {
    if (outcome === REGEX_LIMIT) state.steps += LIMIT_STEPS
    else if (outcome === REGEX_MATCH) state.steps += (this.#regex.matchEnd - from) >> 6
    else state.steps += this.#anchored ? (end - from) >> 10 : (end - from) >> 6
  }

  #matched(state: Evaluation, slot: BufferId, start: number, end: number): void {
    const { matchStart, matchEnd } = this.#regex
    state.matchAt = matchEnd > matchStart ? matchEnd : matchEnd + 1
    state.windowStart = start
    state.windowEnd = end
    if (this.#movesCursor && matchEnd > start) state.setCursor(slot, matchEnd)
  }
}
