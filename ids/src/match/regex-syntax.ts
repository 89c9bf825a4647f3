/** What a parsed expression is made of. Everything that consumes one byte is a set, so case and classes end here. */
export type Node =
  | { readonly kind: 'empty' }
  | { readonly kind: 'set'; readonly set: ByteSet }
  | { readonly kind: 'sequence'; readonly items: readonly Node[] }
  | { readonly kind: 'alternation'; readonly branches: readonly Node[] }
  | { readonly kind: 'capture'; readonly group: number; readonly body: Node }
  | {
      readonly kind: 'repeat'
      readonly body: Node
      readonly min: number
      readonly max: number
      readonly mode: RepeatMode
    }
  | { readonly kind: 'atomic'; readonly body: Node }
  | { readonly kind: 'look'; readonly behind: boolean; readonly negative: boolean; readonly body: Node }
  | { readonly kind: 'backreference'; readonly group: number; readonly caseless: boolean }
  | { readonly kind: 'assert'; readonly what: Assertion }

export type RepeatMode = 'greedy' | 'lazy' | 'possessive'

export type Assertion =
  | 'subject-start'
  | 'line-start'
  | 'subject-end'
  | 'last-line-end'
  | 'line-end'
  | 'word-boundary'
  | 'no-word-boundary'
  | 'search-start'
  /** `\K`: always holds; what is matched begins here. */
  | 'match-start'

/** 256 entries, 1 for the bytes in the set. */
export type ByteSet = Uint8Array

export const UNLIMITED = 0x7fffffff

export function setOf(test: (byte: number) => boolean): ByteSet {
  const set = new Uint8Array(256)
  for (let byte = 0; byte < 256; byte++) if (test(byte)) set[byte] = 1
  return set
}

const SINGLES = Array.from({ length: 256 }, (_, member) => setOf((byte) => byte === member))
const FOLDED_SINGLES = SINGLES.map(foldSet)

/** The set of one byte, or of an ASCII letter in both cases. */
export function singleSet(byte: number, caseless: boolean): ByteSet {
  return (caseless ? FOLDED_SINGLES : SINGLES)[byte]!
}

export function union(sets: readonly ByteSet[]): ByteSet {
  const all = new Uint8Array(256)
  for (const set of sets) for (let byte = 0; byte < 256; byte++) all[byte]! |= set[byte]!
  return all
}

export function equalSets(a: ByteSet, b: ByteSet): boolean {
  return a === b || Buffer.compare(a, b) === 0
}

export function complement(set: ByteSet): ByteSet {
  return setOf((byte) => set[byte] === 0)
}

function between(low: number, high: number): (byte: number) => boolean {
  return (byte) => byte >= low && byte <= high
}

const isDigit = between(0x30, 0x39)
const isUpper = between(0x41, 0x5a)
const isLower = between(0x61, 0x7a)
const isAlpha = (byte: number): boolean => isUpper(byte) || isLower(byte)
const isAlnum = (byte: number): boolean => isAlpha(byte) || isDigit(byte)
const isGraph = between(0x21, 0x7e)
const isSpace = (byte: number): boolean => byte === 0x20 || between(0x09, 0x0d)(byte)

export const WORD = setOf((byte) => isAlnum(byte) || byte === 0x5f)
export const NOT_NEWLINE = setOf((byte) => byte !== 0x0a)
export const EVERYTHING = setOf(() => true)

/** The sets of PCRE in the C locale (pcre2pattern(3), "Generic character types"). */
const TYPES: Readonly<Record<string, ByteSet>> = {
  d: setOf(isDigit),
  s: setOf(isSpace),
  w: WORD,
  h: setOf((byte) => byte === 0x09 || byte === 0x20 || byte === 0xa0),
  v: setOf((byte) => between(0x0a, 0x0d)(byte) || byte === 0x85),
}

/** The set of `\d`, `\D`, `\s` …, or undefined when the letter is no type. */
export function typeSet(letter: string): ByteSet | undefined {
  const set = TYPES[letter.toLowerCase()]
  return set === undefined || letter === letter.toLowerCase() ? set : complement(set)
}

/** The sets of `[:name:]`. */
export const POSIX_SETS: Readonly<Record<string, ByteSet>> = {
  alpha: setOf(isAlpha),
  lower: setOf(isLower),
  upper: setOf(isUpper),
  alnum: setOf(isAlnum),
  ascii: setOf((byte) => byte < 0x80),
  blank: setOf((byte) => byte === 0x09 || byte === 0x20),
  cntrl: setOf((byte) => byte < 0x20 || byte === 0x7f),
  digit: setOf(isDigit),
  graph: setOf(isGraph),
  print: setOf((byte) => isGraph(byte) || byte === 0x20),
  punct: setOf((byte) => isGraph(byte) && !isAlnum(byte)),
  space: setOf(isSpace),
  word: WORD,
  xdigit: setOf((byte) => isDigit(byte) || between(0x41, 0x46)(byte) || between(0x61, 0x66)(byte)),
}

/** Adds the other case of every ASCII letter in the set; in the C locale no other byte has one. */
export function foldSet(set: ByteSet): ByteSet {
  const folded = set.slice()
  for (let upper = 0x41; upper <= 0x5a; upper++) {
    const either = set[upper]! | set[upper + 0x20]!
    folded[upper] = either
    folded[upper + 0x20] = either
  }
  return folded
}

const LONGEST_MINIMUM = 65_535

/** Bytes every match has at least; 65,535 stands for more. */
export function minLength(node: Node): number {
  switch (node.kind) {
    case 'empty':
    case 'look':
    case 'assert':
    case 'backreference':
      return 0
    case 'set':
      return 1
    case 'sequence':
      return Math.min(
        LONGEST_MINIMUM,
        node.items.reduce((sum, item) => sum + minLength(item), 0),
      )
    case 'alternation':
      return Math.min(...node.branches.map(minLength))
    case 'capture':
    case 'atomic':
      return minLength(node.body)
    case 'repeat':
      return Math.min(LONGEST_MINIMUM, node.min * minLength(node.body))
  }
}

/** Bytes a node consumes when that is the same for every match, else -1. */
export function fixedLength(node: Node): number {
  switch (node.kind) {
    case 'empty':
    case 'look':
    case 'assert':
      return 0
    case 'set':
      return 1
    case 'sequence': {
      let total = 0
      for (const item of node.items) {
        const length = fixedLength(item)
        if (length < 0) return -1
        total += length
      }
      return total
    }
    case 'alternation': {
      const lengths = new Set(node.branches.map(fixedLength))
      return lengths.size === 1 ? [...lengths][0]! : -1
    }
    case 'capture':
    case 'atomic':
      return fixedLength(node.body)
    case 'repeat': {
      const length = fixedLength(node.body)
      return node.min === node.max && length >= 0 ? length * node.min : -1
    }
    case 'backreference':
      return -1
  }
}

/** True when the node can match without consuming a byte. */
export function nullable(node: Node): boolean {
  switch (node.kind) {
    case 'empty':
    case 'look':
    case 'assert':
    case 'backreference':
      return true
    case 'set':
      return false
    case 'sequence':
      return node.items.every(nullable)
    case 'alternation':
      return node.branches.some(nullable)
    case 'capture':
    case 'atomic':
      return nullable(node.body)
    case 'repeat':
      return node.min === 0 || nullable(node.body)
  }
}
