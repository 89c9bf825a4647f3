import { FOLD } from './literals.js'

/**
 * The Aho-Corasick automaton over one set of byte strings, with or without case.
 *
 * States are numbered breadth first, so the children of a state are neighbours, and the first `denseCount` states are
 * the shallow ones where a search spends its time. Those have a full row of transitions (a DFA); deeper ones keep their
 * children and a failure link. A small set is a DFA throughout. A search is linear in the bytes either way: a failure
 * link leads to a shallower state, and depth grows by one a byte.
 */
export interface Automaton {
  /** Byte to class; bytes that no pattern holds share class 0. */
  readonly classOf: Uint8Array
  readonly classCount: number
  readonly stateCount: number
  readonly denseCount: number
  /** `denseCount` rows of `classCount`: next state << 1, low bit set when something ends there. */
  readonly dense: Int32Array
  /** Children of state s: `firstChild[s]` up to `firstChild[s + 1]`, by ascending class. */
  readonly firstChild: Int32Array
  /** Class on the edge that leads to a state. */
  readonly label: Uint8Array
  readonly fail: Int32Array
  /** Longest output (1 up) that ends at a state, 0 when nothing does. */
  readonly output: Int32Array
  /** The next shorter output that ends wherever this one does, 0 at the end. */
  readonly shorter: Int32Array
  /** Pattern numbers of output o: `ids[firstId[o]]` up to `ids[firstId[o + 1]]`. */
  readonly firstId: Int32Array
  readonly ids: Uint32Array
}

/**
 * Rows of transitions take at most this many cells of four bytes: 1 MiB an automaton. Sixteen times as much is no
 * faster, neither for 1,656 patterns nor for 15,000: it falls out of the cache.
 */
export const MAX_DENSE_CELLS = 1 << 18

export interface NumberedPattern {
  readonly id: number
  readonly bytes: Uint8Array
}

function compare(a: NumberedPattern, b: NumberedPattern): number {
  const length = Math.min(a.bytes.length, b.bytes.length)
  for (let index = 0; index < length; index++) {
    const difference = a.bytes[index]! - b.bytes[index]!
    if (difference !== 0) return difference
  }
  return a.bytes.length - b.bytes.length
}

/** Bytes that occur in `patterns` (already folded when `nocase`) get classes of their own. */
function classify(
  patterns: readonly NumberedPattern[],
  nocase: boolean,
): { classOf: Uint8Array; classCount: number } {
  const used = new Uint8Array(256)
  for (const { bytes } of patterns) for (const byte of bytes) used[byte] = 1
  const classOf = new Uint8Array(256)
  // Class 0 is for the other bytes; when there are none it is an ordinary one.
  let classCount = used.includes(0) ? 1 : 0
  for (let byte = 0; byte < 256; byte++) if (used[byte] === 1) classOf[byte] = classCount++
  if (nocase) for (let byte = 0; byte < 256; byte++) classOf[byte] = classOf[FOLD[byte]!]!
  return { classOf, classCount }
}

interface Trie {
  stateCount: number
  firstChild: Int32Array
  label: Uint8Array
  /** Output that ends exactly at the state. */
  output: Int32Array
  firstId: Int32Array
  ids: Uint32Array
}

/** In sorted order the patterns below a state are a range, so the trie is built level by level without any search. */
function buildTrie(sorted: readonly NumberedPattern[], classOf: Uint8Array): Trie {
  let size = 1
  for (const { bytes } of sorted) size += bytes.length
  const firstChild = new Int32Array(size + 1)
  const label = new Uint8Array(size)
  const output = new Int32Array(size)
  const low = new Int32Array(size)
  const high = new Int32Array(size)
  const depth = new Int32Array(size)
  const firstId: number[] = [0, 0]
  const ids = new Uint32Array(sorted.length)
  let idCount = 0
  let stateCount = 1
  high[0] = sorted.length
  for (let state = 0; state < stateCount; state++) {
    const end = high[state]!
    const at = depth[state]!
    let index = low[state]!
    if (index < end && sorted[index]!.bytes.length === at) {
      output[state] = firstId.length - 1
      while (index < end && sorted[index]!.bytes.length === at) ids[idCount++] = sorted[index++]!.id
      firstId.push(idCount)
    }
    firstChild[state] = stateCount
    while (index < end) {
      const byte = sorted[index]!.bytes[at]!
      label[stateCount] = classOf[byte]!
      depth[stateCount] = at + 1
      low[stateCount] = index
      while (index < end && sorted[index]!.bytes[at] === byte) index++
      high[stateCount++] = index
    }
  }
  firstChild[stateCount] = stateCount
  return {
    stateCount,
    firstChild: firstChild.slice(0, stateCount + 1),
    label: label.slice(0, stateCount),
    output: output.slice(0, stateCount),
    firstId: Int32Array.from(firstId),
    ids,
  }
}

/** `patterns` must not be empty strings; with `nocase` ASCII letters match either case. */
export function buildAutomaton(
  patterns: readonly NumberedPattern[],
  nocase: boolean,
  maxDenseCells: number = MAX_DENSE_CELLS,
): Automaton {
  const sorted = nocase
    ? patterns.map(({ id, bytes }) => ({ id, bytes: bytes.map((byte) => FOLD[byte]!) }))
    : [...patterns]
  sorted.sort(compare)
  const { classOf, classCount } = classify(sorted, nocase)
  const trie = buildTrie(sorted, classOf)
  const { stateCount, firstChild, label, output } = trie
  // At least the root has a row, which ends every walk along failure links.
  const denseCount = Math.max(1, Math.min(stateCount, Math.floor(maxDenseCells / Math.max(1, classCount))))
  const automaton: Automaton = {
    ...trie,
    classOf,
    classCount,
    denseCount,
    dense: new Int32Array(denseCount * classCount),
    fail: new Int32Array(stateCount),
    shorter: new Int32Array(trie.firstId.length),
  }
  const { dense, fail, shorter } = automaton
  for (let state = 0; state < stateCount; state++) {
    for (let child = firstChild[state]!; child < firstChild[state + 1]!; child++) {
      const failure = state === 0 ? 0 : step(automaton, fail[state]!, label[child]!)
      const inherited = output[failure]!
      fail[child] = failure
      if (output[child] === 0) output[child] = inherited
      else shorter[output[child]!] = inherited
    }
    if (state >= denseCount) continue
    const row = state * classCount
    const failureRow = fail[state]! * classCount
    if (state !== 0) dense.copyWithin(row, failureRow, failureRow + classCount)
    for (let child = firstChild[state]!; child < firstChild[state + 1]!; child++) {
      dense[row + label[child]!] = (child << 1) | (output[child] === 0 ? 0 : 1)
    }
  }
  return automaton
}

/** The state after `state` on a byte of class `cls`. */
function step(automaton: Automaton, state: number, cls: number): number {
  const { denseCount, firstChild, label, fail, dense, classCount } = automaton
  let at = state
  while (at >= denseCount) {
    const end = firstChild[at + 1]!
    for (let child = firstChild[at]!; child < end; child++) if (label[child] === cls) return child
    at = fail[at]!
  }
  return dense[at * classCount + cls]! >> 1
}
