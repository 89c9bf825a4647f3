import { RegexError } from './matcher.js'
import { type ByteSet, complement, foldSet, POSIX_SETS, typeSet } from './regex-syntax.js'

const ESCAPED_BYTES: Readonly<Record<string, number>> = {
  a: 0x07,
  e: 0x1b,
  f: 0x0c,
  n: 0x0a,
  r: 0x0d,
  t: 0x09,
}

/** The backslash sequence at `at` that stands for one byte, and where the text goes on. */
export function parseEscapedByte(text: string, at: number): { byte: number; end: number } {
  const rest = text.slice(at, at + 16)
  const numeric =
    /^\\x\{([\da-fA-F]+)\}|^\\x(?!\{)([\da-fA-F]{0,2})|^\\o\{([0-7]+)\}|^\\(0[0-7]{0,2}|[1-7][0-7]{0,2})/.exec(
      rest,
    )
  if (numeric !== null) {
    const [all, braced, hex, bracedOctal, octal] = numeric
    const byte =
      (braced ?? hex) !== undefined
        ? Number.parseInt(braced ?? (hex === '' ? '0' : hex!), 16)
        : Number.parseInt((bracedOctal ?? octal)!, 8)
    if (byte > 0xff) throw new RegexError('character code point value in \\x{} or \\o{} is too large', at)
    return { byte, end: at + all.length }
  }
  const control = /^\\c([\x20-\x7e])/.exec(rest)
  if (control !== null) return { byte: control[1]!.toUpperCase().charCodeAt(0) ^ 0x40, end: at + 3 }
  const letter = rest[1]
  if (letter === undefined) throw new RegexError('\\ at end of pattern', at + 1)
  const byte = ESCAPED_BYTES[letter]
  if (byte !== undefined) return { byte, end: at + 2 }
  if (/[a-zA-Z0-7]/.test(letter)) {
    throw new RegexError(`\\${letter} is unknown or not supported by this engine`, at)
  }
  return { byte: letter.charCodeAt(0), end: at + 2 }
}

/** The character class that starts with `[` at `at`. */
export function parseClass(text: string, at: number, caseless: boolean): { set: ByteSet; end: number } {
  const set = new Uint8Array(256)
  let index = at + 1
  const negated = text[index] === '^'
  if (negated) index++
  /** Low end of a possible range: the single byte just read, or -1. */
  let previous = -1
  const add = (other: ByteSet): void => {
    for (let byte = 0; byte < 256; byte++) if (other[byte] === 1) set[byte] = 1
    previous = -1
  }
  for (let first = true; ; first = false) {
    const character = text[index]
    if (character === undefined)
      throw new RegexError('missing terminating ] for character class', text.length)
    if (character === ']' && !first) break
    const posix = character === '[' ? /^\[([:.=])(\^?)([a-z]*)\1\]/.exec(text.slice(index, index + 16)) : null
    if (posix !== null) {
      const members = POSIX_SETS[posix[3]!]
      if (posix[1] !== ':' || members === undefined) throw new RegexError('unknown POSIX class name', index)
      // Under (?i) upper and lower mean letters of both cases.
      const folded = caseless ? foldSet(members) : members
      add(posix[2] === '^' ? complement(folded) : folded)
      index += posix[0].length
      rangeEndsInClass(text, index)
      continue
    }
    const element = parseElement(text, index)
    index = element.end
    if (element.set !== undefined) {
      add(element.set)
      rangeEndsInClass(text, index)
      continue
    }
    if (character === '-' && previous >= 0 && text[index] !== ']') {
      const high = parseElement(text, index)
      if (high.set !== undefined || text.startsWith('[:', index)) {
        throw new RegexError('invalid range in character class', index)
      }
      if (high.byte < previous) throw new RegexError('range out of order in character class', index)
      set.fill(1, previous, high.byte + 1)
      index = high.end
      previous = -1
      continue
    }
    set[element.byte] = 1
    previous = element.byte
  }
  const folded = caseless ? foldSet(set) : set
  return { set: negated ? complement(folded) : folded, end: index + 1 }
}

/** After `\d` or `[:alpha:]` a hyphen that is not last means a range without a low end. */
function rangeEndsInClass(text: string, index: number): void {
  if (text[index] === '-' && text[index + 1] !== ']' && text[index + 1] !== undefined) {
    throw new RegexError('invalid range in character class', index)
  }
}

type Element =
  | { readonly set: ByteSet; readonly end: number }
  | { readonly set?: undefined; readonly byte: number; readonly end: number }

function parseElement(text: string, at: number): Element {
  const character = text[at]
  if (character === undefined) throw new RegexError('missing terminating ] for character class', text.length)
  if (character !== '\\') {
    const byte = character.charCodeAt(0)
    if (byte > 0xff) throw new RegexError('pattern holds a character above 0xff', at)
    return { byte, end: at + 1 }
  }
  const letter = text[at + 1] ?? ''
  if (letter === 'b') return { byte: 0x08, end: at + 2 }
  if (letter === 'Q' || letter === 'E')
    throw new RegexError('\\Q…\\E in a class is not supported by this engine', at)
  const set = typeSet(letter)
  return set === undefined ? parseEscapedByte(text, at) : { set, end: at + 2 }
}
