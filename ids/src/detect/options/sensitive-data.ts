/**
 * `sd_pattern` (Snort 3): sensitive data that occur at least a number of times in a buffer.
 *
 * Built-in kinds: credit card numbers (issuer and Luhn check), US social security numbers with or without dashes
 * (ranges that are in use), email addresses. Everything else is a regular expression.
 */
import type { BufferId } from '../../inspect/buffers.js'
import { REGEX_MATCH, type Regex, type RegexEngine, type RegexFlags } from '../../match/matcher.js'
import type { SdPatternOption } from '../../rules/model.js'
import type { Evaluation, Evaluator } from '../evaluation.js'

interface Kind {
  readonly expression: string
  /** Whether the digits of a match are what they look like. */
  readonly valid: (digits: readonly number[]) => boolean
}

/** Issuers: Visa 4, Mastercard 51 to 55, Discover 6011, American Express 34 and 37; the last digit makes the sum. */
function isCard(digits: readonly number[]): boolean {
  const first = digits[0]!
  const two = first * 10 + digits[1]!
  const known =
    digits.length === 15
      ? two === 34 || two === 37
      : first === 4 || (two >= 51 && two <= 55) || (two === 60 && digits[2] === 1 && digits[3] === 1)
  if (!known) return false
  let sum = 0
  for (let i = 0; i < digits.length; i++) {
    let digit = digits[digits.length - 1 - i]!
    if (i % 2 === 1) digit = digit > 4 ? digit * 2 - 9 : digit * 2
    sum += digit
  }
  return sum % 10 === 0
}

/** No part may be all zero; area 666 and those from 900 are not given out. */
function isSocial(digits: readonly number[]): boolean {
  const area = digits[0]! * 100 + digits[1]! * 10 + digits[2]!
  const group = digits[3]! * 10 + digits[4]!
  const serial = digits[5]! + digits[6]! + digits[7]! + digits[8]!
  return area !== 0 && area !== 666 && area < 900 && group !== 0 && serial !== 0
}

const KINDS: Readonly<Record<string, Kind>> = {
  credit_card: {
    expression: '(?<!\\d)(?:\\d{4}[ -]?\\d{4}[ -]?\\d{4}[ -]?\\d{4}|3\\d{3}[ -]?\\d{6}[ -]?\\d{5})(?!\\d)',
    valid: isCard,
  },
  us_social: { expression: '(?<!\\d)\\d{3}-\\d{2}-\\d{4}(?!\\d)', valid: isSocial },
  us_social_nodashes: { expression: '(?<!\\d)\\d{9}(?!\\d)', valid: isSocial },
  email: {
    expression: '[a-zA-Z0-9_.+-]{1,64}@[a-zA-Z0-9-]{1,63}(?:\\.[a-zA-Z0-9-]{1,63}){1,8}',
    valid: () => true,
  },
}

const FLAGS: RegexFlags = {
  caseless: false,
  dotAll: false,
  multiline: false,
  extended: false,
  anchored: false,
  dollarEndOnly: false,
  ungreedy: false,
}

export class SdPatternEvaluator implements Evaluator {
  readonly #buffer: BufferId
  readonly #regex: Regex
  readonly #kind: Kind | undefined
  readonly #threshold: number
  readonly #digits: number[] = []

  /** @throws Error when the expression cannot be compiled */
  constructor(option: SdPatternOption, engine: RegexEngine, matchLimit: number) {
    this.#buffer = option.buffer
    this.#threshold = option.threshold
    this.#kind = Object.hasOwn(KINDS, option.pattern) ? KINDS[option.pattern] : undefined
    this.#regex = engine.compile(this.#kind?.expression ?? option.pattern, FLAGS, matchLimit)
  }

  test(state: Evaluation): boolean {
    const slot = state.slot(this.#buffer)
    const { buffers } = state
    const start = buffers.start[slot]!
    const end = buffers.end[slot]!
    if (end < 0) return false
    const bytes = buffers.bytes[slot]!
    const regex = this.#regex
    let from = start
    let found = 0
    while (from <= end && regex.exec(bytes, start, end, from) === REGEX_MATCH) {
      const { matchStart, matchEnd } = regex
      if (this.#isValid(bytes, matchStart, matchEnd) && ++found >= this.#threshold) return true
      from = matchEnd > matchStart ? matchEnd : matchEnd + 1
    }
    return false
  }

  #isValid(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#kind === undefined) return true
    const digits = this.#digits
    digits.length = 0
    for (let i = start; i < end; i++) {
      const byte = bytes[i]!
      if (byte >= 0x30 && byte <= 0x39) digits.push(byte - 0x30)
    }
    return this.#kind.valid(digits)
  }
}
