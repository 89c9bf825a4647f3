/**
 * Words of which every match of a regular expression holds at least one.
 *
 * In: a parsed expression. Out: short lists of literals, one for each part that can only be one of a few strings, such as
 * `video|audio`. Called when rules are compiled: the words go into the search for literals, which costs next to nothing,
 * where the expression itself would need a search of its own.
 */
import type { ByteSet, Node } from './regex-syntax.js'

/** Strings a part may stand for. */
const MOST_WORDS = 16
/** A longer word says no more. */
const LONGEST_WORD = 32
/** Members of a set, case aside, that are spelled out. */
const MOST_MEMBERS = 4
/** Copies of a counted repeat that are spelled out. */
const MOST_COPIES = 8
/** Parts of an expression that are looked at; what comes later is left out. */
const MAX_PARTS = 2000

/** Each list: Latin-1 text in ASCII lower case, without the empty string; the expression matches nothing without one. */
export function requiredWords(root: Node): readonly (readonly string[])[] {
  const words = new Words()
  words.visit(root)
  return words.found
}

const EMPTY: readonly string[] = ['']

class Words {
  readonly found: (readonly string[])[] = []
  #parts = 0

  /** Collects the lists of a node that every match passes through. */
  visit(node: Node): void {
    if (++this.#parts > MAX_PARTS) return
    switch (node.kind) {
      case 'sequence':
        this.#sequence(node.items)
        return
      case 'alternation':
        this.#alternation(node)
        return
      case 'capture':
      case 'atomic':
        this.visit(node.body)
        return
      case 'repeat':
        this.#keep(this.#spell(node))
        if (node.min > 0) this.visit(node.body)
        return
      default:
        this.#keep(this.#spell(node))
    }
  }

  #sequence(items: readonly Node[]): void {
    let run = EMPTY
    for (const item of items) {
      const words = this.#spell(item)
      const longer = words === undefined ? undefined : join(run, words)
      if (longer !== undefined) {
        run = longer
        continue
      }
      this.#keep(run)
      if (words === undefined) this.visit(item)
      run = words ?? EMPTY
    }
    this.#keep(run)
  }

  /** One of the branches matches, so one word of one list of each will do. */
  #alternation(node: Node & { readonly kind: 'alternation' }): void {
    const spelled = this.#spell(node)
    if (spelled !== undefined) {
      this.#keep(spelled)
      return
    }
    const all = new Set<string>()
    for (const branch of node.branches) {
      const inner = new Words()
      inner.#parts = this.#parts
      inner.visit(branch)
      this.#parts = inner.#parts
      const best = inner.found.reduce<readonly string[] | undefined>(
        (a, b) => (a === undefined || shortest(b) > shortest(a) ? b : a),
        undefined,
      )
      if (best === undefined) return
      for (const word of best) all.add(word)
    }
    if (all.size <= MOST_WORDS) this.#keep([...all])
  }

  #keep(words: readonly string[] | undefined): void {
    if (words !== undefined && words.length > 0 && !words.includes('')) this.found.push(words)
  }

  /** All strings a node can match; undefined = too many, or not known. */
  #spell(node: Node): readonly string[] | undefined {
    if (++this.#parts > MAX_PARTS) return undefined
    switch (node.kind) {
      case 'empty':
      case 'look':
      case 'assert':
        return EMPTY
      case 'backreference':
        return undefined
      case 'set':
        return membersOf(node.set)
      case 'capture':
      case 'atomic':
        return this.#spell(node.body)
      case 'sequence':
        return this.#product(node.items)
      case 'alternation':
        return this.#either(node.branches)
      case 'repeat': {
        if (node.max > MOST_COPIES) return undefined
        const all = new Set<string>()
        for (let times = node.min; times <= node.max; times++) {
          const words = this.#product(Array<Node>(times).fill(node.body))
          if (words === undefined) return undefined
          for (const word of words) all.add(word)
        }
        return all.size <= MOST_WORDS ? [...all] : undefined
      }
    }
  }

  #product(items: readonly Node[]): readonly string[] | undefined {
    let run = EMPTY
    for (const item of items) {
      const words = this.#spell(item)
      const longer = words === undefined ? undefined : join(run, words)
      if (longer === undefined) return undefined
      run = longer
    }
    return run
  }

  #either(branches: readonly Node[]): readonly string[] | undefined {
    const all = new Set<string>()
    for (const branch of branches) {
      const words = this.#spell(branch)
      if (words === undefined) return undefined
      for (const word of words) all.add(word)
    }
    return all.size <= MOST_WORDS ? [...all] : undefined
  }
}

/** Every word of the one followed by every word of the other; undefined = too many or too long. */
function join(heads: readonly string[], tails: readonly string[]): readonly string[] | undefined {
  if (heads.length * tails.length > MOST_WORDS) return undefined
  const all = new Set<string>()
  for (const head of heads) {
    for (const tail of tails) {
      if (head.length + tail.length > LONGEST_WORD) return undefined
      all.add(head + tail)
    }
  }
  return [...all]
}

function shortest(words: readonly string[]): number {
  return Math.min(...words.map(({ length }) => length))
}

function membersOf(set: ByteSet): readonly string[] | undefined {
  const members = new Set<string>()
  for (let byte = 0; byte < 256; byte++) {
    if (set[byte] === 0) continue
    members.add(String.fromCharCode(byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte))
    if (members.size > MOST_MEMBERS) return undefined
  }
  // Nothing is in an empty set, so nothing it stands in matches.
  return members.size === 0 ? undefined : [...members]
}
