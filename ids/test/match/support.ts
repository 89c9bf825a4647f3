import { createRequire } from 'node:module'
import { AhoCorasickEngine } from '../../src/match/aho-corasick.js'
import { HyperscanEngine } from '../../src/match/hyperscan.js'
import { createEngines } from '../../src/match/index.js'
import type { MatcherEngine, Pattern, RegexEngine, RegexFlags } from '../../src/match/matcher.js'
import { loadNative } from '../../src/match/native.js'
import { Pcre2Engine } from '../../src/match/pcre2.js'
import { RegexpEngine } from '../../src/match/regexp.js'

export const { addon, reason } = loadNative()
/** Without it there is no Hyperscan, or one that fails its self-test. */
export const { notes } = createEngines({ engine: 'auto' })
for (const note of notes) console.warn(`Hyperscan is not tested: ${note}`)

export const matcherEngines: readonly MatcherEngine[] = [
  new AhoCorasickEngine(),
  ...(addon === undefined || notes.length > 0 ? [] : [new HyperscanEngine(addon.hyperscan)]),
]

export const regexEngines: readonly RegexEngine[] = [
  new RegexpEngine(),
  ...(addon === undefined ? [] : [new Pcre2Engine(addon.pcre2)]),
]

/** One byte per character. */
export function bytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'latin1'))
}

/** `text` or `text/i`-style pattern: a trailing "/i" makes it nocase. */
export function pattern(text: string): Pattern {
  const nocase = text.endsWith('/i')
  return { bytes: bytes(nocase ? text.slice(0, -2) : text), nocase }
}

function fold(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase())
}

/** What any engine has to find: the plainest search there is. */
export function naive(patterns: readonly Pattern[], text: Uint8Array): number[] {
  const plain = Buffer.from(text).toString('latin1')
  const folded = fold(plain)
  return patterns.flatMap(({ bytes: wanted, nocase }, number) => {
    const needle = Buffer.from(wanted).toString('latin1')
    return (nocase ? folded.includes(fold(needle)) : plain.includes(needle)) ? [number] : []
  })
}

interface StringSearcher {
  add(word: string, number: number): void
  build_fail(): void
  search(text: string, found: (word: string, numbers: number[]) => void): void
}
const Searcher = createRequire(import.meta.url)('aho-corasick') as new () => StringSearcher

/** The same by the npm package "aho-corasick", which knows strings and one case only. */
export function independent(patterns: readonly Pattern[], text: Uint8Array): number[] {
  const found = new Set<number>()
  for (const nocase of [true, false]) {
    const searcher = new Searcher()
    const prepare = (raw: Uint8Array): string => {
      const string = Buffer.from(raw).toString('latin1')
      return nocase ? fold(string) : string
    }
    patterns.forEach((one, number) => {
      if (one.nocase === nocase) searcher.add(prepare(one.bytes), number)
    })
    searcher.build_fail()
    searcher.search(prepare(text), (_, numbers) => {
      for (const number of numbers) found.add(number)
    })
  }
  return [...found].sort((a, b) => a - b)
}

/** Letters as in a pcre option: i s m x A E G. */
export function regexFlags(letters: string): RegexFlags {
  const has = (letter: string): boolean => letters.includes(letter)
  return {
    caseless: has('i'),
    dotAll: has('s'),
    multiline: has('m'),
    extended: has('x'),
    anchored: has('A'),
    dollarEndOnly: has('E'),
    ungreedy: has('G'),
  }
}
