/**
 * The most telling part of a regular expression, in a form any automaton engine can search for.
 *
 * In: a parsed expression. Out: an expression without assertions, references and wide gaps that is found in every
 * subject the whole one matches; so where it is not found, the whole need not be tried. Called when rule groups are made.
 */
import type { ByteSet, Node } from './regex-syntax.js'
import { UNLIMITED } from './regex-syntax.js'

export interface RegexFactor {
  /** Only classes of bytes, groups, alternations and repeats; begins with `^` when it stands at the start of a line. */
  readonly text: string
  /** How much it says about a subject: 8 for each byte that is given. */
  readonly bits: number
  /** The bytes it consists of, when it is a plain literal in any case; lower case. */
  readonly literal: Uint8Array | undefined
}

/** Sets of at least this many bytes are gaps when they may be repeated more often than `GAP_REPEATS`. */
const WIDE_SET = 64
const GAP_REPEATS = 16
/** Parts of an expression that are looked at; what comes later is left out. Nested repeats double the work. */
const MAX_PARTS = 2000
/** Factors that stand for more sets in a row are not used: engines unroll counted repeats, but for those of one set. */
const MAX_LENGTH = 400
const REPEATED_SET = 16

/** @param lineStarts a factor may begin with `^`: searches begin where the subject does */
export function regexFactors(root: Node, lineStarts: boolean): RegexFactor[] {
  const factors = new Factors(lineStarts)
  factors.visit(root)
  factors.cut()
  return factors.found
}

class Factors {
  readonly found: RegexFactor[] = []
  readonly #lineStarts: boolean
  #text = ''
  #bits = 0
  #length = 0
  #literal: number[] | undefined = []
  #parts = 0

  constructor(lineStarts: boolean) {
    this.#lineStarts = lineStarts
  }

  visit(node: Node): void {
    if (++this.#parts > MAX_PARTS) {
      this.#drop()
      return
    }
    switch (node.kind) {
      case 'empty':
      case 'look':
        return
      case 'assert':
        if (node.what === 'line-start' && this.#lineStarts && this.#text === '') this.#text = '^'
        return
      case 'backreference':
        this.cut()
        return
      case 'set':
        this.#add(classText(node.set), bitsOf(node.set), 1, foldedByte(node.set))
        return
      case 'sequence':
        for (const item of node.items) this.visit(item)
        return
      case 'capture':
      case 'atomic':
        this.visit(node.body)
        return
      case 'alternation':
        if (isGapless(node)) this.#add(textOf(node), minBits(node), maxSize(node), -1)
        else this.cut()
        return
      case 'repeat':
        this.#repeat(node.body, node.min, node.max)
    }
  }

  /** A gap: what follows is another factor. */
  cut(): void {
    if (this.#bits > 0 && this.#length <= MAX_LENGTH && this.#parts <= MAX_PARTS) {
      const literal = this.#literal === undefined ? undefined : Uint8Array.from(this.#literal)
      this.found.push({ text: this.#text, bits: this.#bits, literal })
    }
    this.#drop()
  }

  #drop(): void {
    this.#text = ''
    this.#bits = 0
    this.#length = 0
    this.#literal = []
  }

  /** @param byte the one byte that is meant, or -1 */
  #add(text: string, bits: number, length: number, byte: number): void {
    this.#text += text
    this.#bits += bits
    this.#length += length
    if (byte < 0) this.#literal = undefined
    else this.#literal?.push(byte)
  }

  #repeat(body: Node, min: number, max: number): void {
    if (isGapless(body)) {
      const gap = isGap(body, min, max)
      if (min > 0 || !gap) {
        const times = gap ? `{${min}}` : quantifier(min, max)
        const most = gap || max === UNLIMITED ? min : max
        this.#add(`(?:${textOf(body)})${times}`, min * minBits(body), sizeOfRepeat(body, most), -1)
      }
      if (gap) this.cut()
      return
    }
    if (min === 0) {
      this.cut()
      return
    }
    // One copy stands next to what is before, and one next to what follows; the first two stand together.
    this.visit(body)
    if (min > 1) this.visit(body)
    if (max > Math.min(min, 2)) {
      this.cut()
      this.visit(body)
    }
  }
}

function isGap(body: Node, min: number, max: number): boolean {
  return max - min > GAP_REPEATS && maxWidth(body) >= WIDE_SET
}

/** Holds neither gaps nor references to what was matched before. */
function isGapless(node: Node): boolean {
  switch (node.kind) {
    case 'empty':
    case 'look':
    case 'assert':
    case 'set':
      return true
    case 'backreference':
      return false
    case 'sequence':
      return node.items.every(isGapless)
    case 'alternation':
      return node.branches.every(isGapless)
    case 'capture':
    case 'atomic':
      return isGapless(node.body)
    case 'repeat':
      return isGapless(node.body) && !isGap(node.body, node.min, node.max)
  }
}

/** The widest set in the node. */
function maxWidth(node: Node): number {
  switch (node.kind) {
    case 'empty':
    case 'look':
    case 'assert':
    case 'backreference':
      return 0
    case 'set':
      return sizeOf(node.set)
    case 'sequence':
      return Math.max(0, ...node.items.map(maxWidth))
    case 'alternation':
      return Math.max(0, ...node.branches.map(maxWidth))
    case 'capture':
    case 'atomic':
    case 'repeat':
      return maxWidth(node.body)
  }
}

/** Expression for a node without gaps; assertions are left out, so it matches more. */
function textOf(node: Node): string {
  switch (node.kind) {
    case 'empty':
    case 'look':
    case 'assert':
    case 'backreference':
      return ''
    case 'set':
      return classText(node.set)
    case 'sequence':
      return node.items.map(textOf).join('')
    case 'alternation':
      return `(?:${node.branches.map(textOf).join('|')})`
    case 'capture':
    case 'atomic':
      return `(?:${textOf(node.body)})`
    case 'repeat': {
      const text = textOf(node.body)
      return text === '' ? '' : `(?:${text})${quantifier(node.min, node.max)}`
    }
  }
}

function quantifier(min: number, max: number): string {
  return max === UNLIMITED ? `{${min},}` : `{${min},${max}}`
}

function minBits(node: Node): number {
  switch (node.kind) {
    case 'empty':
    case 'look':
    case 'assert':
    case 'backreference':
      return 0
    case 'set':
      return bitsOf(node.set)
    case 'sequence':
      return node.items.reduce((sum, item) => sum + minBits(item), 0)
    case 'alternation':
      return Math.min(...node.branches.map(minBits))
    case 'capture':
    case 'atomic':
      return minBits(node.body)
    case 'repeat':
      return node.min * minBits(node.body)
  }
}

/** Sets an engine has to lay out for the node. */
function maxSize(node: Node): number {
  switch (node.kind) {
    case 'empty':
    case 'look':
    case 'assert':
    case 'backreference':
      return 0
    case 'set':
      return 1
    case 'sequence':
      return node.items.reduce((sum, item) => sum + maxSize(item), 0)
    case 'alternation':
      return node.branches.reduce((sum, item) => sum + maxSize(item), 0)
    case 'capture':
    case 'atomic':
      return maxSize(node.body)
    case 'repeat':
      return sizeOfRepeat(node.body, Math.max(1, node.max === UNLIMITED ? node.min : node.max))
  }
}

function sizeOfRepeat(body: Node, times: number): number {
  return body.kind === 'set' ? Math.min(times, REPEATED_SET) : times * maxSize(body)
}

function sizeOf(set: ByteSet): number {
  let size = 0
  for (let byte = 0; byte < 256; byte++) size += set[byte]!
  return size
}

function bitsOf(set: ByteSet): number {
  const size = sizeOf(set)
  return size === 0 ? 8 : Math.log2(256 / size)
}

const UPPER_A = 0x41
const UPPER_Z = 0x5a
const CASE = 0x20

/** The byte, in lower case, that a set of one byte or of one letter in both cases stands for; -1 for others. */
function foldedByte(set: ByteSet): number {
  const size = sizeOf(set)
  const first = set.indexOf(1)
  if (size === 1) return first >= UPPER_A && first <= UPPER_Z ? first + CASE : first
  return size === 2 && first >= UPPER_A && first <= UPPER_Z && set[first + CASE] === 1 ? first + CASE : -1
}

function classText(set: ByteSet): string {
  const hex = (byte: number): string => `\\x${byte.toString(16).padStart(2, '0')}`
  let text = ''
  for (let byte = 0; byte < 256; byte++) {
    if (set[byte] === 0) continue
    const from = byte
    while (byte < 255 && set[byte + 1] === 1) byte++
    text += from === byte ? hex(from) : `${hex(from)}-${hex(byte)}`
  }
  // Nothing is in an empty set: `[^\x00-\xff]`.
  return text === '' ? '[^\\x00-\\xff]' : `[${text}]`
}
