/**
 * A cheap condition that every match of some regular expressions fulfils, tested before the expression is tried.
 *
 * In: a parsed expression. Out: a `RunTest`, or undefined when nothing of the kind can be said. Such expressions ask for
 * something long in which some bytes cannot occur: `/^Host[^\r\n]{100,}/` for 104 bytes without a line end,
 * `/<[^>]*?(on[^>]*?=\w+\s+){30,}/` for 151 bytes without `>`, beginning with `<`, with 30 `=` among them. Ordinary text
 * has no such run, and finding that out takes far less than the expression would.
 */
import { type ByteSet, minLength, type Node, nullable } from '../../match/regex-syntax.js'

/** Shorter runs are everywhere. */
const SHORTEST_RUN = 24
/** In a shorter subject the expression is as fast as this test. */
const SHORTEST_SUBJECT = 1024
/** Fewer occurrences of a byte say little. */
const LEAST_COUNT = 4

export class RunTest {
  readonly length: number
  /** 1 = a byte that no match holds. */
  readonly #excluded: ByteSet
  /** The byte when there is only one, else -1. */
  readonly #single: number
  /** 1 = a byte that a match may begin with. */
  readonly #first: ByteSet
  /** A byte that every match holds at least `#count` times; `#count` 0 = none is known. */
  readonly #byte: number
  readonly #count: number

  constructor(length: number, excluded: ByteSet, first: ByteSet, byte: number, count: number) {
    this.length = length
    this.#excluded = excluded
    this.#single = excluded.indexOf(1) === excluded.lastIndexOf(1) ? excluded.indexOf(1) : -1
    this.#first = first
    this.#byte = byte
    this.#count = count
  }

  /** False when no match can lie in `bytes[start, end)`. Time is linear in the length. */
  mayMatch(bytes: Uint8Array, start: number, end: number): boolean {
    const { length } = this
    if (end - start < SHORTEST_SUBJECT) return end - start >= length
    const single = this.#single
    let at = start
    while (at + length <= end) {
      const cut =
        single >= 0 ? lastOf(bytes, at, at + length, single) : this.#lastExcluded(bytes, at, at + length)
      if (cut >= 0) {
        at = cut + 1
        continue
      }
      const runEnd = this.#runEnd(bytes, at + length, end)
      if (this.#holds(bytes, at, runEnd)) return true
      at = runEnd + 1
    }
    return false
  }

  #lastExcluded(bytes: Uint8Array, start: number, end: number): number {
    const excluded = this.#excluded
    let i = end - 1
    while (i >= start && excluded[bytes[i]!] === 0) i--
    return i < start ? -1 : i
  }

  #runEnd(bytes: Uint8Array, from: number, end: number): number {
    const excluded = this.#excluded
    let i = from
    while (i < end && excluded[bytes[i]!] === 0) i++
    return i
  }

  /** Whether a match may lie in a run without excluded bytes. */
  #holds(bytes: Uint8Array, start: number, end: number): boolean {
    const last = end - this.length
    let from = start
    while (from <= last && this.#first[bytes[from]!] === 0) from++
    if (from > last) return false
    let missing = this.#count
    for (let i = from; i < end && missing > 0; i++) if (bytes[i] === this.#byte) missing--
    return missing <= 0
  }
}

function lastOf(bytes: Uint8Array, start: number, end: number, byte: number): number {
  let i = end - 1
  while (i >= start && bytes[i] !== byte) i--
  return i < start ? -1 : i
}

export function runTestOf(root: Node): RunTest | undefined {
  const length = minLength(root)
  if (length < SHORTEST_RUN) return undefined
  const used = new Uint8Array(256)
  if (!collect(root, used)) return undefined
  const excluded = used.map((member) => 1 - member)
  if (!excluded.includes(1)) return undefined
  const first = new Uint8Array(256)
  collectFirst(root, first)
  let byte = 0
  let count = 0
  for (let candidate = 0; candidate < 256; candidate++) {
    if (used[candidate] === 0) continue
    const least = leastCount(root, candidate)
    if (least >= LEAST_COUNT && rank(candidate, least) > rank(byte, count)) {
      byte = candidate
      count = least
    }
  }
  return new RunTest(length, excluded, first, byte, count)
}

/** Punctuation is rarer than letters and digits. */
function rank(byte: number, count: number): number {
  const wordByte =
    (byte >= 0x30 && byte <= 0x39) || (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x41 && byte <= 0x5a)
  return count === 0 ? 0 : count + (wordByte ? 0 : 0x10000)
}

/** Adds every byte a match may consume; false when that is not known (a backreference, which may differ in case). */
function collect(node: Node, into: Uint8Array): boolean {
  switch (node.kind) {
    case 'empty':
    case 'look':
    case 'assert':
      return true
    case 'set':
      for (let byte = 0; byte < 256; byte++) into[byte]! |= node.set[byte]!
      return true
    case 'sequence':
      return node.items.every((item) => collect(item, into))
    case 'alternation':
      return node.branches.every((branch) => collect(branch, into))
    case 'capture':
    case 'atomic':
    case 'repeat':
      return collect(node.body, into)
    case 'backreference':
      return false
  }
}

/** Adds every byte a match may begin with. */
function collectFirst(node: Node, into: Uint8Array): void {
  switch (node.kind) {
    case 'set':
      for (let byte = 0; byte < 256; byte++) into[byte]! |= node.set[byte]!
      return
    case 'sequence':
      for (const item of node.items) {
        collectFirst(item, into)
        if (!nullable(item)) return
      }
      return
    case 'alternation':
      for (const branch of node.branches) collectFirst(branch, into)
      return
    case 'capture':
    case 'atomic':
    case 'repeat':
      collectFirst(node.body, into)
      return
    default:
      return
  }
}

/** How often every match holds one byte at least. */
function leastCount(node: Node, byte: number): number {
  switch (node.kind) {
    case 'set':
      return isOnly(node.set, byte) ? 1 : 0
    case 'sequence':
      return node.items.reduce((sum, item) => sum + leastCount(item, byte), 0)
    case 'alternation':
      return Math.min(...node.branches.map((branch) => leastCount(branch, byte)))
    case 'capture':
    case 'atomic':
      return leastCount(node.body, byte)
    case 'repeat':
      return node.min * leastCount(node.body, byte)
    default:
      return 0
  }
}

function isOnly(set: ByteSet, byte: number): boolean {
  if (set[byte] === 0) return false
  for (let other = 0; other < 256; other++) if (set[other] !== 0 && other !== byte) return false
  return true
}
