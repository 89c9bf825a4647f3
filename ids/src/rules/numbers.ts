/**
 * Numbers and comparisons as they are written in rule options.
 */
import type { NumericTest } from './model.js'
import { quote, valueError } from './problem.js'

const DECIMAL = /^[+-]?\d{1,15}$/
const HEX = /^0[xX][0-9a-fA-F]{1,12}$/

/** A decimal or 0x number, or NaN. */
export function toInteger(text: string): number {
  // "-0" is 0.
  if (DECIMAL.test(text) || HEX.test(text)) return Number(text) + 0
  return Number.NaN
}

/** @throws RuleTextError naming `what` when `text` is not a whole number in low…high */
export function parseInteger(text: string, low: number, high: number, what: string, offset: number): number {
  const value = toInteger(text)
  if (Number.isNaN(value)) {
    throw valueError(`bad number for ${what}`, `${what} must be a number, not ${quote(text)}`, offset)
  }
  if (value < low || value > high) {
    throw valueError(`number out of range for ${what}`, `${what} must be ${low}…${high}, not ${text}`, offset)
  }
  return value
}

/** Longest first, so that `<=>` is not read as `<=`. */
const OPERATORS = ['<=>', '<>', '<=', '>=', '!=', '<', '>', '=', '!'] as const
type Operator = (typeof OPERATORS)[number]

function operatorAt(text: string, at: number): Operator | undefined {
  const c = text.charCodeAt(at)
  // ! < = >
  if (c !== 33 && (c < 60 || c > 62)) return undefined
  return OPERATORS.find((operator) => text.startsWith(operator, at))
}

export interface TestGrammar {
  readonly what: string
  readonly low: number
  readonly high: number
  /** What `a<>b` means: Snort 2.9 differs from option to option, Snort 3 excludes both ends. */
  readonly between: 'range-inclusive' | 'range-exclusive'
  /** `a-b`, `a-`, `-b` (Snort 2.9 `ttl`). */
  readonly dash?: boolean
}

/**
 * `N`, `=N`, `!N`, `!=N`, `<N`, `>N`, `<=N`, `>=N`, `a<>b`, `a<=>b` (Snort 3: inclusive).
 * @throws RuleTextError
 */
export function parseTest(text: string, grammar: TestGrammar, offset: number): NumericTest {
  const { what, low, high } = grammar
  const number = (digits: string): number => parseInteger(digits, low, high, what, offset)
  if (grammar.dash === true && text.includes('-')) {
    const dash = /^(\d*)\s*-\s*(\d*)$/.exec(text)
    if (dash !== null && (dash[1] !== '' || dash[2] !== '')) {
      const lo = dash[1] === '' ? low : number(dash[1]!)
      const hi = dash[2] === '' ? high : number(dash[2]!)
      return ordered({ op: 'range-inclusive', lo, hi }, what, offset)
    }
  }
  const operator = operatorAt(text, 0)
  if (operator !== undefined) {
    const value = number(text.slice(operator.length).trim())
    if (operator === '<>' || operator === '<=>') {
      throw valueError(`bad comparison for ${what}`, `${what}: ${quote(text)} lacks its lower end`, offset)
    }
    const op = operator === '!' ? '!=' : operator
    return { op, lo: value, hi: value }
  }
  let at = 0
  while (at < text.length && operatorAt(text, at) === undefined) at++
  const first = number(text.slice(0, at).trim())
  if (at === text.length) return { op: '=', lo: first, hi: first }
  const between = operatorAt(text, at)!
  if (between !== '<>' && between !== '<=>') {
    throw valueError(`bad comparison for ${what}`, `${what}: ${quote(text)} is not a comparison`, offset)
  }
  const op = between === '<=>' ? 'range-inclusive' : grammar.between
  return ordered({ op, lo: first, hi: number(text.slice(at + between.length).trim()) }, what, offset)
}

function ordered(test: NumericTest, what: string, offset: number): NumericTest {
  if (test.lo > test.hi) {
    throw valueError(`reversed range for ${what}`, `${what}: ${test.lo} is greater than ${test.hi}`, offset)
  }
  return test
}
