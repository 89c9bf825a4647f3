/**
 * Multi-pattern search behind one interface (Snort calls it MPSE).
 *
 * In: the fast patterns of a rule group. Out: the set of pattern numbers found. Called by detection for every buffer of
 * every inspection unit, and by nobody else. Implementations: Hyperscan (native) and Aho-Corasick (TypeScript); they
 * give the same results, and one table of tests runs over both.
 */

export interface Pattern {
  readonly bytes: Uint8Array
  /** ASCII case is ignored. */
  readonly nocase: boolean
}

/** A compiled, immutable set of patterns, numbered as given. Not safe for re-entrant use: `hits` belongs to the last call. */
export interface Searcher {
  readonly patternCount: number
  /** Pattern numbers found by the last search, each at most once, in no particular order; valid until the next. */
  readonly hits: Uint32Array
  /** Searches `bytes[start, end)`; returns how many entries of `hits` are valid. Never throws for any bytes. */
  search(bytes: Uint8Array, start: number, end: number): number
  close(): void
}

/** The patterns are literals. */
export interface Matcher extends Searcher {
  /** Length in bytes of the longest pattern: how far back a search must start to see one that straddles two calls. */
  readonly longest: number
  /** Opens a search over a stream that arrives in pieces. */
  openStream(): MatcherStream
}

export interface MatcherStream {
  /** Searches the next piece; patterns that began in an earlier piece are found. `Matcher.hits` holds the result. */
  search(bytes: Uint8Array, start: number, end: number): number
  /** Forgets everything seen, ready for a new stream. */
  reset(): void
  close(): void
}

export interface MatcherEngine {
  readonly name: 'hyperscan' | 'aho-corasick'
  /** For people: name and version, or why the better engine is not in use. */
  readonly description: string
  /** @throws Error with the engine's own message when a pattern cannot be compiled (empty, too long). */
  compile(patterns: readonly Pattern[]): Matcher
  /**
   * Compiles literals together with expressions, which are numbered after them. An expression is made of bytes (`\xhh`),
   * classes, groups, alternations and repeats; it may begin with `^`, the beginning of a line. Absent where there is no
   * engine that searches for many at once.
   * @throws Error when one cannot be compiled
   */
  compileMixed?(literals: readonly Pattern[], expressions: readonly string[]): Searcher
}

/** Result of `Regex.exec`: the match is `[matchStart, matchEnd)`. */
export const REGEX_NO_MATCH = 0
export const REGEX_MATCH = 1
/** The match limit was reached: Snort treats it as no match; callers count it. */
export const REGEX_LIMIT = -1

/** One compiled regular expression with PCRE semantics over bytes. Not safe for re-entrant use. */
export interface Regex {
  readonly matchStart: number
  readonly matchEnd: number
  /** Bytes a subject must have at least to match; 0 when nothing is known. */
  readonly minLength: number
  /**
   * Looks for a match in the subject `bytes[start, end)`, beginning at `from` (`start <= from <= end`). `^`, `\A` and
   * look-behind see `start` as the beginning of the subject.
   */
  exec(bytes: Uint8Array, start: number, end: number, from: number): number
  close(): void
}

/** Option letters as in PCRE: i s m x A E(dollar matches at the very end only) G(ungreedy). */
export interface RegexFlags {
  readonly caseless: boolean
  readonly dotAll: boolean
  readonly multiline: boolean
  readonly extended: boolean
  readonly anchored: boolean
  readonly dollarEndOnly: boolean
  readonly ungreedy: boolean
}

export interface RegexEngine {
  readonly name: 'pcre2' | 'regexp'
  readonly description: string
  /**
   * `pattern` holds one byte per character (latin-1). `matchLimit` bounds backtracking steps, 0 means no limit.
   * @throws RegexError when it cannot be compiled, or cannot be translated faithfully.
   */
  compile(pattern: string, flags: RegexFlags, matchLimit: number): Regex
}

export class RegexError extends Error {
  /** Offset in the pattern, or -1. */
  readonly offset: number
  constructor(message: string, offset: number) {
    super(message)
    this.name = 'RegexError'
    this.offset = offset
  }
}
