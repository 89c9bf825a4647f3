/**
 * Sets of patterns that are searched for together, and the rules behind each pattern.
 *
 * In: the fast patterns and the screens of the rules of one group. Out: their searcher, compiled at first use and shared
 * by equal sets. Called by `RuleGroup`.
 */
import type { MatcherEngine, Pattern, Searcher } from '../match/matcher.js'
import type { CompiledRule } from './compile.js'
import type { FastPattern } from './fast-pattern.js'

/** One pattern of one rule. */
interface Entry {
  readonly rule: number
  /** One character for each byte; or an expression. */
  readonly text: string
  readonly isExpression: boolean
  readonly inFileData: boolean
  readonly inRawData: boolean
}

export class PatternSet {
  /** Some patterns are expressions: a search looks at the whole window; literals alone are searched for in what is new. */
  readonly hasExpressions: boolean
  /** Rules of pattern p: `rules[offsets[p]]` up to `rules[offsets[p + 1]]`. Literals come first. */
  readonly offsets: Int32Array
  readonly rules: Int32Array
  /** PLAIN: some pattern may stand in file data that is not part of the raw bytes. */
  readonly inFileData: boolean
  /** PLAIN: some pattern is looked for in the bytes as they came. */
  readonly inRawData: boolean
  /** Length of the longest literal. */
  readonly longest: number
  /** For `withoutExpressions`; none when there are no expressions. */
  readonly #entries: readonly Entry[]
  readonly #literals: readonly string[]
  readonly #expressions: readonly string[]
  #searcher: Searcher | undefined

  constructor(entries: readonly Entry[]) {
    const literals = rulesByText(entries.filter(({ isExpression }) => !isExpression))
    const expressions = rulesByText(entries.filter(({ isExpression }) => isExpression))
    this.#literals = literals.map(([text]) => text)
    this.#expressions = expressions.map(([text]) => text)
    this.hasExpressions = expressions.length > 0
    this.#entries = this.hasExpressions ? entries : []
    this.longest = this.#literals.reduce((longest, { length }) => Math.max(longest, length), 0)
    this.inFileData = entries.some(({ inFileData }) => inFileData)
    this.inRawData = entries.some(({ inRawData }) => inRawData)
    const lists = [...literals, ...expressions].map(([, rules]) => rules)
    this.offsets = new Int32Array(lists.length + 1)
    this.rules = Int32Array.from(lists.flat())
    lists.forEach((rules, i) => {
      this.offsets[i + 1] = this.offsets[i]! + rules.length
    })
  }

  /** The same without its expressions; null when nothing is left. */
  withoutExpressions(): PatternSet | null {
    const rest = this.#entries.filter(({ isExpression }) => !isExpression)
    return rest.length === 0 ? null : new PatternSet(rest)
  }

  get isReady(): boolean {
    return this.#searcher !== undefined
  }

  /** @throws Error when the engine refuses the patterns */
  searcher(cache: SearcherCache): Searcher {
    this.#searcher ??= cache.get(this.#literals, this.#expressions)
    return this.#searcher
  }
}

/** In the order of the texts, so that equal sets are found to be equal. */
function rulesByText(entries: readonly Entry[]): [text: string, rules: number[]][] {
  const byText = new Map<string, number[]>()
  for (const { rule, text } of entries) {
    const list = byText.get(text)
    if (list === undefined) byText.set(text, [rule])
    else list.push(rule)
  }
  return [...byText].sort(([a], [b]) => (a < b ? -1 : 1))
}

/** Fast patterns; the screen of a rule stands in for a pattern that is not searched for. */
export function patternSet(
  members: readonly number[],
  rules: readonly CompiledRule[],
  isSearched: (pattern: FastPattern) => boolean,
): PatternSet {
  const entries = members.flatMap((rule): Entry[] => {
    const { fastPattern, screen } = rules[rule]!
    const own = fastPattern !== undefined && isSearched(fastPattern)
    const { inFileData, inRawData } = own ? fastPattern : screen!
    const isExpression = !own && screen!.words === undefined
    const texts = own ? [fastPattern.text] : (screen!.words ?? [screen!.text])
    return texts.map((text) => ({ rule, text, isExpression, inFileData, inRawData }))
  })
  return new PatternSet(entries)
}

/** Searchers by pattern set, so that equal sets are compiled once. */
export class SearcherCache {
  readonly #engine: MatcherEngine
  readonly #searchers = new Map<string, Searcher>()

  constructor(engine: MatcherEngine) {
    this.#engine = engine
  }

  get(literals: readonly string[], expressions: readonly string[]): Searcher {
    const part = (texts: readonly string[]): string => texts.map((text) => `${text.length}:${text}`).join('')
    const key = `${part(literals)}/${part(expressions)}`
    let searcher = this.#searchers.get(key)
    if (searcher === undefined) {
      const patterns = literals.map((text) => ({
        bytes: new Uint8Array(Buffer.from(text, 'latin1')),
        nocase: true,
      }))
      searcher =
        expressions.length === 0 ? this.#engine.compile(patterns) : this.#compileMixed(patterns, expressions)
      this.#searchers.set(key, searcher)
    }
    return searcher
  }

  #compileMixed(patterns: readonly Pattern[], expressions: readonly string[]): Searcher {
    const searcher = this.#engine.compileMixed?.(patterns, expressions)
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
