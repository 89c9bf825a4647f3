/**
 * The quoted literal of `content`: text, `|hex|` and backslash escapes into bytes.
 */
import type { Dialect } from './model.js'
import { quote, syntaxError, valueError } from './problem.js'

/** Longest pattern Snort accepts. */
export const MAX_PATTERN = 2047

export interface Literal {
  readonly bytes: Uint8Array
  /** Offset just after the closing quote. */
  readonly end: number
}

function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48
  const lower = code | 32
  return lower >= 97 && lower <= 102 ? lower - 87 : -1
}

/**
 * @param open offset of the opening quote in `text`; offsets in errors count from `base`
 * @throws RuleTextError
 */
export function parseLiteral(text: string, open: number, base: number, dialect: Dialect): Literal {
  const scratch = new Uint8Array(Math.min(MAX_PATTERN, text.length))
  let length = 0
  let hexStart = -1
  let high = -1
  let at = open + 1
  for (; at < text.length; at++) {
    const c = text.charCodeAt(at)
    let byte: number
    if (hexStart >= 0) {
      if (c === 124 || c === 32 || c === 9) {
        if (high >= 0) {
          if (dialect === 'snort3') {
            // Snort 3: a byte may have one digit.
            if (length < MAX_PATTERN) scratch[length++] = high
            high = -1
          } else if (c === 124) {
            throw syntaxError('odd number of hex digits', 'a hex digit is missing', base + at)
          }
        }
        if (c === 124) hexStart = -1
        continue
      }
      if (c === 34) break
      const digit = hexDigit(c)
      if (digit < 0) {
        throw syntaxError('bad hex digit', `${quote(text[at]!)} is not a hex digit`, base + at)
      }
      if (high < 0) {
        high = digit
        continue
      }
      byte = (high << 4) | digit
      high = -1
    } else if (c === 34) {
      if (length === 0) throw valueError('empty pattern', 'the pattern is empty', base + open)
      return { bytes: scratch.slice(0, length), end: at + 1 }
    } else if (c === 124) {
      hexStart = at
      continue
    } else if (c === 92) {
      at++
      if (at >= text.length) break
      byte = text.charCodeAt(at)
    } else {
      byte = c
    }
    if (length >= MAX_PATTERN) {
      throw valueError('pattern too long', `the pattern is longer than ${MAX_PATTERN} bytes`, base + open)
    }
    scratch[length++] = byte
  }
  if (hexStart >= 0)
    throw syntaxError('unclosed hex bytes', "hex bytes are not closed by '|'", base + hexStart)
  throw syntaxError('unclosed quote', 'the quoted text is not closed', base + open)
}

/** Text of `msg` and the like: quotes off, escapes undone. */
export function unquote(text: string): string {
  const inner = text.length >= 2 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text
  return inner.includes('\\') ? inner.replace(/\\([\\":;'])/g, '$1') : inner
}
