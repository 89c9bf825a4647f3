import { type Automaton, buildAutomaton, type NumberedPattern } from './automaton.js'
import { packPatterns } from './literals.js'
import type { Matcher, MatcherEngine, MatcherStream, Pattern } from './matcher.js'

/**
 * Search by Aho-Corasick in TypeScript, for machines without Hyperscan: the same results, slower.
 *
 * Patterns that ignore case and patterns that do not are two automata, each passed over the bytes once. So no hit needs
 * its case checked afterwards, a search stays linear for every input, and a stream is two integers.
 */
export class AhoCorasickEngine implements MatcherEngine {
  readonly name = 'aho-corasick'
  readonly description: string

  /** `reason`: why this engine is in use, for people. */
  constructor(reason = 'chosen') {
    this.description = `Aho-Corasick in TypeScript (${reason})`
  }

  compile(patterns: readonly Pattern[]): Matcher {
    return new AhoCorasickMatcher(patterns)
  }
}

class AhoCorasickMatcher implements Matcher {
  readonly patternCount: number
  readonly longest: number
  readonly hits: Uint32Array
  readonly #scanners: readonly Scanner[]

  constructor(patterns: readonly Pattern[]) {
    this.longest = packPatterns(patterns).longest
    this.patternCount = patterns.length
    this.hits = new Uint32Array(patterns.length)
    const scanners: Scanner[] = []
    for (const nocase of [true, false]) {
      const part: NumberedPattern[] = []
      patterns.forEach((pattern, id) => {
        if (pattern.nocase === nocase) part.push({ id, bytes: pattern.bytes })
      })
      if (part.length > 0) scanners.push(new Scanner(buildAutomaton(part, nocase), this.hits))
    }
    this.#scanners = scanners
  }

  search(bytes: Uint8Array, start: number, end: number): number {
    let count = 0
    for (let index = 0; index < this.#scanners.length; index++) {
      const scanner = this.#scanners[index]!
      scanner.state = 0
      count = scanner.search(bytes, start, end, count)
    }
    return count
  }

  openStream(): MatcherStream {
    return new AhoCorasickStream(this.#scanners)
  }

  close(): void {}
}

class AhoCorasickStream implements MatcherStream {
  readonly #scanners: readonly Scanner[]
  readonly #states: Int32Array

  constructor(scanners: readonly Scanner[]) {
    this.#scanners = scanners
    this.#states = new Int32Array(scanners.length)
  }

  search(bytes: Uint8Array, start: number, end: number): number {
    let count = 0
    for (let index = 0; index < this.#scanners.length; index++) {
      const scanner = this.#scanners[index]!
      scanner.state = this.#states[index]!
      count = scanner.search(bytes, start, end, count)
      this.#states[index] = scanner.state
    }
    return count
  }

  reset(): void {
    this.#states.fill(0)
  }

  close(): void {}
}

/** One automaton at work. `hits` is shared between the scanners of a matcher: each appends after the other. */
class Scanner {
  state = 0
  readonly #automaton: Automaton
  readonly #hits: Uint32Array
  /** Search in which an output was last reported. */
  readonly #reported: Uint32Array
  #generation = 0

  constructor(automaton: Automaton, hits: Uint32Array) {
    this.#automaton = automaton
    this.#hits = hits
    this.#reported = new Uint32Array(automaton.firstId.length)
  }

  /** Goes on from `state` over `bytes[start, end)`; returns the number of hits, `count` of which were there before. */
  search(bytes: Uint8Array, start: number, end: number, count: number): number {
    const { classOf, classCount, dense, denseCount, firstChild, label, fail, output } = this.#automaton
    this.#generation = (this.#generation + 1) >>> 0
    if (this.#generation === 0) {
      this.#reported.fill(0)
      this.#generation = 1
    }
    let found = count
    let state = this.state
    for (let index = start; index < end; index++) {
      const cls = classOf[bytes[index]!]!
      let next = -1
      while (state >= denseCount) {
        const last = firstChild[state + 1]!
        let child = firstChild[state]!
        while (child < last && label[child]! < cls) child++
        if (child < last && label[child] === cls) {
          next = child
          break
        }
        state = fail[state]!
      }
      if (next < 0) {
        const cell = dense[state * classCount + cls]!
        state = cell >> 1
        if ((cell & 1) !== 0) found = this.#report(output[state]!, found)
      } else {
        state = next
        if (output[state] !== 0) found = this.#report(output[state]!, found)
      }
    }
    this.state = state
    return found
  }

  /** An output reported before in this search has its shorter ones reported too: all reports together are linear. */
  #report(longest: number, count: number): number {
    const { shorter, firstId, ids } = this.#automaton
    const reported = this.#reported
    const generation = this.#generation
    let found = count
    for (let output = longest; output !== 0 && reported[output] !== generation; output = shorter[output]!) {
      reported[output] = generation
      for (let index = firstId[output]!; index < firstId[output + 1]!; index++)
        this.#hits[found++] = ids[index]!
    }
    return found
  }
}
