/** How the values of header fields are made comparable, field by field, as Snort does it for `http_header:field`. */
import { isWhite, LOWER } from './words.js'

const QUOTE = 0x22
const APOSTROPHE = 0x27

/** Bits of a norm. */
const LOWER_CASE = 1
const NO_WHITE = 2
const NO_QUOTES = 4

/** Lists of tokens, in which neither case nor white space means anything. */
const TOKENS = [
  'accept',
  'accept-charset',
  'accept-encoding',
  'accept-language',
  'accept-ranges',
  'cache-control',
  'connection',
  'content-encoding',
  'content-language',
  'content-transfer-encoding',
  'pragma',
  'te',
  'trailer',
  'transfer-encoding',
  'vary',
]

const NORMS = new Map<string, number>([
  ...TOKENS.map((name) => [name, LOWER_CASE | NO_WHITE] as const),
  ['content-type', LOWER_CASE | NO_WHITE | NO_QUOTES],
  ['expect', LOWER_CASE],
  ['allow', NO_WHITE],
  ['age', NO_WHITE],
  ['content-length', NO_WHITE],
])

/** Norms by the name as rules hold it, which is one object per rule. */
const KNOWN = new WeakMap<Uint8Array, number>()

/** Norm of the field `name` (lower case); 0: its values are compared as they are. */
export function normOf(name: Uint8Array): number {
  let norm = KNOWN.get(name)
  if (norm === undefined) {
    norm = NORMS.get(String.fromCharCode(...name)) ?? 0
    KNOWN.set(name, norm)
  }
  return norm
}

/** What stands together in a normalised value of the field may stand apart in the header. */
export function losesBytes(name: Uint8Array): boolean {
  return (normOf(name) & (NO_WHITE | NO_QUOTES)) !== 0
}

/** Normalises `bytes[start, end)` in place; returns its new end. */
export function normaliseValue(norm: number, bytes: Uint8Array, start: number, end: number): number {
  let to = start
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!
    if ((norm & NO_WHITE) !== 0 && isWhite(byte)) continue
    if ((norm & NO_QUOTES) !== 0 && (byte === QUOTE || byte === APOSTROPHE)) continue
    bytes[to++] = (norm & LOWER_CASE) !== 0 ? LOWER[byte]! : byte
  }
  return to
}
