/**
 * Sets of patterns that are searched for together, and the rules behind each pattern.
 *
 * In: the fast patterns, or the screens, of the rules of one group. Out: their searcher, compiled at first use and shared
 * by equal sets. Called by `RuleGroup`.
 */
import type { MatcherEngine, Searcher } from '../match/matcher.js'
import type { CompiledRule } from './compile.js'
import type { FastPattern } from './fast-pattern.js'

/** One pattern of one rule. */
interface Entry {
  readonly rule: number
  /** One character for each byte. */
  readonly text: string
  readonly inFileData: boolean
  readonly inRawData: boolean
}

export class PatternSet {
  /** The patterns are expressions, and a search looks at a whole window; literals are searched for in what is new. */
  readonly screens: boolean
  /** Rules of pattern p: `rules[offsets[p]]` up to `rules[offsets[p + 1]]`. */
  readonly offsets: Int32Array
  readonly rules: Int32Array
  /** PLAIN: some pattern may stand in file data that is not part of the raw bytes. */
  readonly inFileData: boolean
  /** PLAIN: some pattern is looked for in the bytes as they came. */
  readonly inRawData: boolean
  /** Length of the longest text. */
  readonly longest: number
  readonly #texts: readonly string[]
  #searcher: Searcher | undefined

  constructor(entries: readonly Entry[], screens: boolean) {
    this.screens = screens
    const byText = new Map<string, number[]>()
    let longest = 0
    for (const { rule, text } of entries) {
      longest = Math.max(longest, text.length)
      const list = byText.get(text)
      if (list === undefined) byText.set(text, [rule])
      else list.push(rule)
    }
    this.longest = longest
    this.inFileData = entries.some(({ inFileData }) => inFileData)
    this.inRawData = entries.some(({ inRawData }) => inRawData)
    this.#texts = [...byText.keys()].sort()
    this.offsets = new Int32Array(byText.size + 1)
    this.rules = new Int32Array(entries.length)
    let at = 0
    this.#texts.forEach((text, i) => {
      for (const index of byText.get(text)!) this.rules[at++] = index
      this.offsets[i + 1] = at
    })
  }

  /** @throws Error when the engine refuses the patterns */
  searcher(cache: SearcherCache): Searcher {
    this.#searcher ??= cache.get(this.#texts, this.screens)
    return this.#searcher
  }
}

/** Fast patterns; the words of its screen stand in for the pattern of a rule that is not searched for. */
export function literalSet(
  members: readonly number[],
  rules: readonly CompiledRule[],
  isSearched: (pattern: FastPattern) => boolean,
): PatternSet {
  const entries = members.flatMap((rule) => {
    const { fastPattern, screen } = rules[rule]!
    const own = fastPattern !== undefined && isSearched(fastPattern)
    const { inFileData, inRawData } = own ? fastPattern : screen!
    const literals = own ? [fastPattern.text] : screen!.words!
    return literals.map((text) => ({ rule, text, inFileData, inRawData }))
  })
  return new PatternSet(entries, false)
}

export function screenSet(members: readonly number[], rules: readonly CompiledRule[]): PatternSet {
  const entries = members.map((rule) => {
    const { text, inFileData, inRawData } = rules[rule]!.screen!
    return { rule, text, inFileData, inRawData }
  })
  return new PatternSet(entries, true)
}

/** Searchers by pattern set, so that equal sets are compiled once. */
export class SearcherCache {
  readonly #engine: MatcherEngine
  readonly #searchers = new Map<string, Searcher>()

  constructor(engine: MatcherEngine) {
    this.#engine = engine
  }

  get hasExpressions(): boolean {
    return this.#engine.compileExpressions !== undefined
  }

  get(texts: readonly string[], expressions: boolean): Searcher {
    const key = `${expressions}:${texts.map((text) => `${text.length}:${text}`).join('')}`
    let searcher = this.#searchers.get(key)
    if (searcher === undefined) {
      searcher = expressions ? this.#compileExpressions(texts) : this.#compileLiterals(texts)
      this.#searchers.set(key, searcher)
    }
    return searcher
  }

  #compileLiterals(texts: readonly string[]): Searcher {
    return this.#engine.compile(
      texts.map((text) => ({ bytes: new Uint8Array(Buffer.from(text, 'latin1')), nocase: true })),
    )
  }

  #compileExpressions(texts: readonly string[]): Searcher {
    const searcher = this.#engine.compileExpressions?.(texts)
    if (searcher === undefined) throw new Error(`${this.#engine.name} does not search for expressions`)
    return searcher
  }

  get size(): number {
    return this.#searchers.size
  }

  close(): void {
    for (const searcher of this.#searchers.values()) searcher.close()
    this.#searchers.clear()
  }
}
