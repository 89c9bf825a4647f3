import { RegexError, type RegexFlags } from './matcher.js'
import type { ParsedRegex } from './regex-parse.js'
import {
  type Assertion,
  type ByteSet,
  EVERYTHING,
  equalSets,
  fixedLength,
  NOT_NEWLINE,
  type Node,
  nullable,
  UNLIMITED,
  union,
} from './regex-syntax.js'

/** Operations of the matching machine; operands follow in the program. */
export const OP = {
  MATCH: 0,
  /** byte */
  BYTE: 1,
  /** set */
  SET: 2,
  /** first, second: goes on at first, at second when that fails */
  SPLIT: 3,
  /** target */
  JUMP: 4,
  /** assertion */
  ASSERT: 5,
  /** slot: remembers the position */
  MARK: 6,
  /** group, slot of its beginning: sets the group */
  CAPTURE: 7,
  /** group, caseless */
  BACKREFERENCE: 8,
  /** slot, target: goes to target when nothing was consumed since MARK */
  EMPTY: 9,
  /** set, min, max: as many as possible, giving back one by one */
  GREEDY: 10,
  /** set, min, max: as few as possible, taking more one by one */
  LAZY: 11,
  /** set, min, max: as many as possible, for good */
  POSSESSIVE: 12,
  /** continuation: on failure goes on there (negative lookaround), -1 fails on */
  BARRIER: 13,
  /** ends an atomic group: what could be tried otherwise inside is dropped */
  COMMIT: 14,
  /** as COMMIT, and the position is that of the BARRIER again */
  COMMIT_LOOK: 15,
  /** ends a negative lookaround: back to the state before it, which has failed */
  COMMIT_FAIL: 16,
  /** count: steps back over bytes, fails where there are not so many */
  BACK: 17,
} as const

export const ASSERTIONS: readonly Assertion[] = [
  'subject-start',
  'line-start',
  'subject-end',
  'last-line-end',
  'line-end',
  'word-boundary',
  'no-word-boundary',
  'search-start',
]

/** Where a match can begin. */
export type Leading =
  | 'anywhere'
  /** Only where the search begins. */
  | 'search-start'
  /** Only at the start of the subject. */
  | 'subject-start'
  /**
   * Where the search begins or after a byte outside this set: the pattern begins with a repetition over the set, which
   * has run over every other place already, or with a line start.
   */
  | ByteSet

export interface Program {
  readonly code: Int32Array
  readonly sets: readonly ByteSet[]
  /** Slots 2g and 2g + 1 are start and end of group g; more follow for marks. */
  readonly slotCount: number
  readonly leading: Leading
  /** Bytes a match can begin with, undefined when it can be empty. */
  readonly first: ByteSet | undefined
  /** A byte (in one case or both) that every match holds, if there is one on the top level; the last such. */
  readonly required: ByteSet | undefined
}

/** Slot that `\K` sets. */
export const MATCH_START = 0

/** Words of code; PCRE2 has a limit of the same order. */
const MAX_CODE = 1 << 17

/** @throws RegexError when the program would be too large. */
export function compileRegex(parsed: ParsedRegex, flags: RegexFlags): Program {
  return new Compiler(parsed).compile(flags)
}

class Compiler {
  readonly #parsed: ParsedRegex
  readonly #code: number[] = []
  readonly #sets: ByteSet[] = []
  readonly #setNumbers = new Map<string, number>()
  #slotCount: number

  constructor(parsed: ParsedRegex) {
    this.#parsed = parsed
    this.#slotCount = 2 * (parsed.groupCount + 1)
  }

  compile(flags: RegexFlags): Program {
    const { root, referenced } = this.#parsed
    this.#node(root)
    this.#emit(OP.MATCH)
    return {
      code: Int32Array.from(this.#code),
      sets: this.#sets,
      slotCount: this.#slotCount,
      leading: flags.anchored ? 'search-start' : leadingOf(root, referenced.size > 0),
      first: nullable(root) ? undefined : firstBytes(root),
      required: requiredByte(root),
    }
  }

  #emit(...words: number[]): number {
    if (this.#code.length + words.length > MAX_CODE)
      throw new RegexError('regular expression is too large', -1)
    return this.#code.push(...words) - words.length
  }

  #set(set: ByteSet): number {
    const key = Buffer.from(set.buffer).toString('latin1')
    let number = this.#setNumbers.get(key)
    if (number === undefined) {
      number = this.#sets.push(set) - 1
      this.#setNumbers.set(key, number)
    }
    return number
  }

  #node(node: Node): void {
    switch (node.kind) {
      case 'empty':
        return
      case 'set': {
        const byte = node.set.indexOf(1)
        if (byte >= 0 && byte === node.set.lastIndexOf(1)) this.#emit(OP.BYTE, byte)
        else this.#emit(OP.SET, this.#set(node.set))
        return
      }
      case 'sequence':
        for (const item of node.items) this.#node(item)
        return
      case 'alternation':
        this.#alternation(node.branches, false)
        return
      case 'capture':
        this.#capture(node.group, node.body)
        return
      case 'repeat':
        this.#repeat(node)
        return
      case 'atomic':
        this.#emit(OP.BARRIER, -1)
        this.#node(node.body)
        this.#emit(OP.COMMIT)
        return
      case 'look':
        this.#look(node)
        return
      case 'backreference':
        this.#emit(OP.BACKREFERENCE, node.group, node.caseless ? 1 : 0)
        return
      case 'assert':
        // Where the match begins is kept like the position of a mark, in a slot of the whole match.
        if (node.what === 'match-start') this.#emit(OP.MARK, MATCH_START)
        else this.#emit(OP.ASSERT, ASSERTIONS.indexOf(node.what))
        return
    }
  }

  /** In a lookbehind each branch first steps back over its own length, then matches forwards. */
  #alternation(branches: readonly Node[], behind: boolean): void {
    const exits: number[] = []
    branches.forEach((branch, index) => {
      const last = index === branches.length - 1
      const split = last ? -1 : this.#split(false)
      if (behind) this.#emit(OP.BACK, fixedLength(branch))
      this.#node(branch)
      if (last) return
      exits.push(this.#emit(OP.JUMP, 0))
      this.#code[split + 2] = this.#code.length
    })
    for (const exit of exits) this.#code[exit + 1] = this.#code.length
  }

  /** A group nobody refers to leaves no trace. One that is open keeps its last value until it closes, as in PCRE. */
  #capture(group: number, body: Node): void {
    if (!this.#parsed.referenced.has(group)) {
      this.#node(body)
      return
    }
    const begin = this.#slotCount++
    this.#emit(OP.MARK, begin)
    this.#node(body)
    this.#emit(OP.CAPTURE, group, begin)
  }

  #look(node: Node & { kind: 'look' }): void {
    const barrier = this.#emit(OP.BARRIER, -1)
    if (node.behind)
      this.#alternation(node.body.kind === 'alternation' ? node.body.branches : [node.body], true)
    else this.#node(node.body)
    this.#emit(node.negative ? OP.COMMIT_FAIL : OP.COMMIT_LOOK)
    if (node.negative) this.#code[barrier + 1] = this.#code.length
  }

  #repeat({ body, min, max, mode }: Node & { kind: 'repeat' }): void {
    if (max === 0) return
    if (body.kind === 'set') {
      const op = mode === 'greedy' ? OP.GREEDY : mode === 'lazy' ? OP.LAZY : OP.POSSESSIVE
      this.#emit(op, this.#set(body.set), min, max)
      return
    }
    if (mode === 'possessive') {
      this.#emit(OP.BARRIER, -1)
      this.#repeat({ kind: 'repeat', body, min, max, mode: 'greedy' })
      this.#emit(OP.COMMIT)
      return
    }
    const lazy = mode === 'lazy'
    const looped = max === UNLIMITED
    // The last of the copies that must be there is the loop itself.
    for (let copy = looped ? 1 : 0; copy < min; copy++) this.#node(body)
    if (!looped) {
      this.#options(body, max - min, lazy)
      return
    }
    const skip = min === 0 ? this.#split(lazy) : -1
    this.#loop(body, lazy)
    if (skip >= 0) this.#code[skip + (lazy ? 1 : 2)] = this.#code.length
  }

  /** A SPLIT that goes on here first (lazy: second); the other target is filled in later. */
  #split(lazy: boolean): number {
    const split = this.#emit(OP.SPLIT, 0, 0)
    this.#code[split + (lazy ? 2 : 1)] = this.#code.length
    return split
  }

  /** Once or more. A round that consumed nothing is the last. */
  #loop(body: Node, lazy: boolean): void {
    const guarded = nullable(body)
    const again = this.#code.length
    const mark = guarded ? this.#slotCount++ : -1
    if (guarded) this.#emit(OP.MARK, mark)
    this.#node(body)
    const check = guarded ? this.#emit(OP.EMPTY, mark, 0) : -1
    const split = this.#emit(OP.SPLIT, again, again)
    this.#code[split + (lazy ? 1 : 2)] = this.#code.length
    if (guarded) this.#code[check + 2] = this.#code.length
  }

  /** Up to `count` times more. */
  #options(body: Node, count: number, lazy: boolean): void {
    const splits: number[] = []
    for (let copy = 0; copy < count; copy++) {
      splits.push(this.#split(lazy))
      this.#node(body)
    }
    for (const split of splits) this.#code[split + (lazy ? 1 : 2)] = this.#code.length
  }
}

/** What the beginning of the pattern says of where a match can begin. */
function leadingOf(node: Node, hasReferences: boolean): Leading {
  switch (node.kind) {
    case 'sequence':
      return leadingOf(node.items[0]!, hasReferences)
    case 'capture':
    case 'atomic':
      return node.kind === 'atomic' ? 'anywhere' : leadingOf(node.body, hasReferences)
    case 'alternation': {
      const [leading, ...others] = node.branches.map((branch) => leadingOf(branch, hasReferences))
      return others.every((other) => sameLeading(other, leading!)) ? leading! : 'anywhere'
    }
    case 'assert':
      if (node.what === 'subject-start' || node.what === 'search-start') return node.what
      return node.what === 'line-start' ? NOT_NEWLINE : 'anywhere'
    case 'repeat': {
      if (hasReferences || node.mode === 'possessive' || node.max !== UNLIMITED || node.body.kind !== 'set') {
        return 'anywhere'
      }
      return node.body.set.includes(0) ? node.body.set : 'search-start'
    }
    default:
      return 'anywhere'
  }
}

function sameLeading(a: Leading, b: Leading): boolean {
  return typeof a === 'string' || typeof b === 'string' ? a === b : equalSets(a, b)
}

/** Bytes that a match of a node that cannot be empty can begin with (or more). */
function firstBytes(node: Node): ByteSet {
  switch (node.kind) {
    case 'set':
      return node.set
    case 'capture':
    case 'atomic':
    case 'repeat':
      return firstBytes(node.body)
    case 'alternation':
      return union(node.branches.map(firstBytes))
    case 'sequence': {
      const parts: ByteSet[] = []
      for (const item of node.items) {
        if (item.kind === 'assert' || item.kind === 'look' || item.kind === 'empty') continue
        parts.push(firstBytes(item))
        if (!nullable(item)) break
      }
      return union(parts)
    }
    default:
      return EVERYTHING
  }
}

function requiredByte(node: Node): ByteSet | undefined {
  switch (node.kind) {
    case 'set':
      return node.set.reduce((sum, member) => sum + member, 0) <= 2 ? node.set : undefined
    case 'sequence':
      return node.items.map(requiredByte).findLast((set) => set !== undefined)
    case 'capture':
    case 'atomic':
      return requiredByte(node.body)
    case 'repeat':
      return node.min > 0 ? requiredByte(node.body) : undefined
    default:
      return undefined
  }
}
