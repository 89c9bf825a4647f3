/**
 * What the naive evaluator works with: occurrences, numbers in text, regular expressions, decoded base64, BER elements,
 * sensitive data. Each the shortest way from its description to an answer.
 */
import type { RegexFlags } from '../../ids/src/match/matcher.js'

/** Every place in `[low, high)` where the pattern lies wholly inside. */
export function occurrences(
  bytes: Uint8Array,
  pattern: Uint8Array,
  nocase: boolean,
  low: number,
  high: number,
): number[] {
  const fold = (byte: number): number => (nocase && byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte)
  const found: number[] = []
  for (let at = low; at + pattern.length <= high; at++) {
    if (pattern.every((byte, i) => fold(byte) === fold(bytes[at + i]!))) found.push(at)
  }
  return found
}

/** strtoul: blanks, a sign, a prefix, digits up to the first character that is none; modulo 2^32. */
export function textNumber(text: string, base: 0 | 8 | 10 | 16): bigint | undefined {
  const [, sign, rest] = /^[ \t-\r]*([-+]?)(.*)$/s.exec(text)!
  const prefixed = /^0x(?=[0-9a-f])/i.test(rest!) && (base === 0 || base === 16)
  const radix = prefixed ? 16 : base !== 0 ? base : rest!.startsWith('0') ? 8 : 10
  const alphabet = '0123456789abcdef'.slice(0, radix)
  let value: bigint | undefined
  for (const letter of rest!.slice(prefixed ? 2 : 0).toLowerCase()) {
    const digit = alphabet.indexOf(letter)
    if (digit < 0) break
    value = (value ?? 0n) * BigInt(radix) + BigInt(digit)
  }
  if (value === undefined) return undefined
  return BigInt.asUintN(32, sign === '-' ? -value : value)
}

export function roundUp(value: number, to: number): number {
  return Math.ceil(value / to) * to
}

export function compare(op: string, value: bigint, to: bigint): boolean {
  const results: Record<string, boolean> = {
    '<': value < to,
    '>': value > to,
    '=': value === to,
    '<=': value <= to,
    '>=': value >= to,
    '&': (value & to) !== 0n,
    '^': (value ^ to) !== 0n,
  }
  return results[op]!
}

export function calculate(op: string, value: bigint, by: bigint): bigint | undefined {
  switch (op) {
    case '+':
      return value + by
    case '-':
      return value - by
    case '*':
      return value * by
    case '/':
      return by === 0n ? undefined : value / by
    case '<<':
      return by > 64n ? 0n : value << by
    default:
      return by > 64n ? 0n : value >> by
  }
}

export function matchesBits(value: number, bits: number, match: 'exact' | 'all' | 'any' | 'none'): boolean {
  switch (match) {
    case 'exact':
      return value === bits
    case 'all':
      return (value & bits) === bits
    case 'any':
      return (value & bits) !== 0
    case 'none':
      return (value & bits) === 0
  }
}

export interface Span {
  readonly start: number
  readonly end: number
}

/** Matches one behind the other, from the start of the text; what PCRE means said in JavaScript's words. */
export function regexMatches(pattern: string, flags: RegexFlags, bytes: Uint8Array): Span[] {
  const text = Buffer.from(bytes).toString('latin1')
  const letters = `g${flags.caseless ? 'i' : ''}${flags.anchored ? 'y' : ''}`
  return [...text.matchAll(new RegExp(inJavaScript(pattern, flags), letters))].map(({ index, 0: match }) => ({
    start: index,
    end: index + match.length,
  }))
}

const END = '(?![\\s\\S])'

function inJavaScript(pattern: string, flags: RegexFlags): string {
  const piece =
    /\\.|\[\^?\]?(?:\\.|\[:\w+:\]|[^\]\\])*\]|\(\?(?:<?[=!]|:|>)|[*+?][?+]?|\{\d+(?:,\d*)?\}[?+]?|#[^\n]*\n?|./gs
  return pattern.replace(piece, (token) => {
    if (token === '.') return flags.dotAll ? '[\\s\\S]' : '[^\\n]'
    if (token === '^') return flags.multiline ? `(?:(?<![\\s\\S])|(?<=\\n)(?=[\\s\\S]))` : '(?<![\\s\\S])'
    if (token === '$') {
      if (flags.multiline) return `(?=\\n|${END})`
      return flags.dollarEndOnly ? END : `(?=\\n?${END})`
    }
    if (token === '\\s') return '[\\t-\\r ]'
    if (flags.extended && /^(?:\s|#)/.test(token)) return ''
    if (flags.ungreedy && /^[*+?{]/.test(token))
      return token.endsWith('?') && token !== '?' ? token.slice(0, -1) : `${token}?`
    return token
  })
}

/**
 * Line ends followed by a blank or tab are nothing, with that blank; the text ends at the first other line end, or
 * whatever is no letter of the alphabet.
 */
export function decodedBase64(bytes: Uint8Array): Uint8Array {
  const text = Buffer.from(bytes)
    .toString('latin1')
    .replace(/(?:\r\n|\r|\n)[ \t]/g, '')
  const letters = /^[A-Za-z0-9+/]*/.exec(text)![0]
  return Uint8Array.from(Buffer.from(letters, 'base64'))
}

export interface BerElement {
  readonly type: number
  readonly content: number
  /** undefined = indefinite. */
  readonly length: number | undefined
}

/** X.690: type, length in one byte or in as many as the first one says, content. */
export function berElement(bytes: Uint8Array, at: number): BerElement | undefined {
  const [type, first] = bytes.subarray(at)
  if (type === undefined || first === undefined) return undefined
  if (first < 128) return { type, content: at + 2, length: first }
  const more = bytes.subarray(at + 2, at + 2 + first - 128)
  if (first - 128 > 4 || more.length < first - 128) return undefined
  const length = first === 128 ? undefined : more.reduce((sum, byte) => sum * 256 + byte, 0)
  return { type, content: at + 2 + more.length, length }
}

const PLAIN: RegexFlags = {
  caseless: false,
  dotAll: false,
  multiline: false,
  extended: false,
  anchored: false,
  dollarEndOnly: false,
  ungreedy: false,
}

/** How often sensitive data of a kind, or what an expression describes, stand in the bytes. */
export function sensitiveData(pattern: string, bytes: Uint8Array): number {
  const text = Buffer.from(bytes).toString('latin1')
  const numbers = (expression: RegExp): number[][] =>
    [...text.matchAll(expression)].map(([match]) => [...match.replace(/\D/g, '')].map(Number))
  switch (pattern) {
    case 'us_social':
      return numbers(/(?<!\d)\d{3}-\d\d-\d{4}(?!\d)/g).filter(isSocial).length
    case 'us_social_nodashes':
      return numbers(/(?<!\d)\d{9}(?!\d)/g).filter(isSocial).length
    case 'credit_card':
      return numbers(/(?<!\d)\d{16}(?!\d)/g).filter(isCard).length
    default:
      return regexMatches(pattern, PLAIN, bytes).length
  }
}

function isSocial(digits: readonly number[]): boolean {
  const text = digits.join('')
  return !/^(?:000|666|9)/.test(text) && text.slice(3, 5) !== '00' && !text.endsWith('0000')
}

/** The sum of Luhn; cards of the fuzzer begin with 4. */
function isCard(digits: readonly number[]): boolean {
  const sum = digits.reduce((total, digit, i) => {
    const twice = digit * 2
    return total + (i % 2 === 1 ? digit : twice > 9 ? twice - 9 : twice)
  }, 0)
  return digits[0] === 4 && sum % 10 === 0
}

/** `Entry` lines of CVS with a name that is empty or not between slashes (a directory's stands behind a D). */
export function hasInvalidEntry(bytes: Uint8Array): boolean {
  const lines = Buffer.from(bytes).toString('latin1').split('\n')
  return lines.some((line) => line.startsWith('Entry ') && !/^Entry D?\/[^/]/s.test(line))
}

/** The address written `a,b,c,d,` at the beginning, behind blanks. */
export function writtenAddress(bytes: Uint8Array): string | undefined {
  const text = Buffer.from(bytes).toString('latin1')
  const octets = /^[ \t]*(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3}),/.exec(text)?.slice(1).map(Number)
  return octets?.every((octet) => octet < 256) === true ? octets.join('.') : undefined
}
