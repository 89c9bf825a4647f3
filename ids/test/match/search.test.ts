import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AhoCorasickEngine } from '../../src/match/aho-corasick.js'
import { buildAutomaton } from '../../src/match/automaton.js'
import type { Matcher, MatcherStream, Pattern, Searcher } from '../../src/match/matcher.js'
import { bytes, independent, matcherEngines, naive, pattern } from './support.js'

function sorted(matcher: Searcher, count: number): number[] {
  return [...matcher.hits.subarray(0, count)].sort((a, b) => a - b)
}

function search(matcher: Searcher, text: Uint8Array): number[] {
  return sorted(matcher, matcher.search(text, 0, text.length))
}

/** Everything found in the pieces of a stream, each number once. */
function searchPieces(matcher: Matcher, stream: MatcherStream, pieces: readonly Uint8Array[]): number[] {
  const found = new Set<number>()
  for (const piece of pieces) {
    const count = stream.search(piece, 0, piece.length)
    const hits = sorted(matcher, count)
    expect(new Set(hits).size).toBe(hits.length)
    for (const hit of hits) found.add(hit)
  }
  return [...found].sort((a, b) => a - b)
}

/** Every byte value, in order. */
const ALL_BYTES = String.fromCharCode(...Array.from({ length: 256 }, (_, byte) => byte))

const CASES: readonly { name: string; patterns: string[]; text: string; found: number[] }[] = [
  { name: 'nothing', patterns: ['abc'], text: 'xabxabxbc', found: [] },
  { name: 'an empty text', patterns: ['a'], text: '', found: [] },
  { name: 'the whole text', patterns: ['abc'], text: 'abc', found: [0] },
  { name: 'prefixes of each other', patterns: ['a', 'ab', 'abc', 'abcd'], text: 'xxabcx', found: [0, 1, 2] },
  { name: 'suffixes of each other', patterns: ['d', 'cd', 'bcd', 'abcd'], text: 'xbcdx', found: [0, 1, 2] },
  {
    name: 'a pattern inside another',
    patterns: ['she', 'he', 'hers', 'his'],
    text: 'ushers',
    found: [0, 1, 2],
  },
  { name: 'the inner pattern when the outer fails', patterns: ['abcdef', 'cd'], text: 'abcdx', found: [1] },
  { name: 'overlapping patterns', patterns: ['abab', 'baba'], text: 'ababa', found: [0, 1] },
  { name: 'repeated bytes', patterns: ['aaa', 'aaaaa', 'aaaaaaa'], text: 'aaaaa', found: [0, 1] },
  { name: 'a restart inside a repetition', patterns: ['aab'], text: 'aaaab', found: [0] },
  { name: 'the same pattern twice', patterns: ['ab', 'ab', 'AB/i'], text: 'ab', found: [0, 1, 2] },
  { name: 'one-byte patterns', patterns: ['a', 'b', '\0', '\xff'], text: 'b\xff', found: [1, 3] },
  { name: 'NUL bytes', patterns: ['\0', 'a\0b', '\0\0\0'], text: 'a\0b\0\0', found: [0, 1] },
  { name: '0xff bytes', patterns: ['\xff\xff', '\xff\xfe'], text: 'a\xff\xff', found: [0] },
  {
    name: 'every byte value',
    patterns: [ALL_BYTES, ALL_BYTES.slice(200)],
    text: `a${ALL_BYTES}`,
    found: [0, 1],
  },
  { name: 'case told apart', patterns: ['GET', 'get', 'Get'], text: 'a get Get', found: [1, 2] },
  { name: 'case ignored', patterns: ['GET/i', 'HOST:/i'], text: 'gEt / hOsT:', found: [0, 1] },
  { name: 'both kinds in one set', patterns: ['Host', 'hOST/i', 'HOST'], text: 'host Host', found: [0, 1] },
  {
    name: 'a wrong case first, the right one later',
    patterns: ['aB', 'ab/i'],
    text: 'ab AB aB',
    found: [0, 1],
  },
  {
    name: 'no folding beyond ASCII letters',
    patterns: ['\xe9/i', '@[/i', '\x60{/i'],
    text: '\xc9 @[',
    found: [1],
  },
  {
    name: 'patterns of hundreds of bytes',
    patterns: [`${'ab'.repeat(300)}c`, `${'ab'.repeat(300)}d`],
    text: `b${'ab'.repeat(400)}c`,
    found: [0],
  },
]

describe.each(matcherEngines)('$name', (engine) => {
  it.each(CASES)('finds $name', ({ patterns, text, found }) => {
    const matcher = engine.compile(patterns.map(pattern))
    expect(matcher.patternCount).toBe(patterns.length)
    expect(search(matcher, bytes(text))).toEqual(found)
    matcher.close()
  })

  it.each(CASES)('finds $name in a stream cut at every place', ({ patterns, text, found }) => {
    const matcher = engine.compile(patterns.map(pattern))
    const whole = bytes(text)
    const stream = matcher.openStream()
    for (let cut = 0; cut <= whole.length; cut++) {
      stream.reset()
      expect(searchPieces(matcher, stream, [whole.subarray(0, cut), whole.subarray(cut)])).toEqual(found)
    }
    stream.reset()
    expect(
      searchPieces(
        matcher,
        stream,
        Array.from(whole, (_, at) => whole.subarray(at, at + 1)),
      ),
    ).toEqual(found)
    stream.close()
    matcher.close()
  })

  it('looks only between start and end', () => {
    const matcher = engine.compile(['abc', 'bc', 'c'].map(pattern))
    const text = bytes('xabcx')
    expect(sorted(matcher, matcher.search(text, 1, 4))).toEqual([0, 1, 2])
    expect(sorted(matcher, matcher.search(text, 2, 4))).toEqual([1, 2])
    expect(sorted(matcher, matcher.search(text, 1, 3))).toEqual([])
    expect(sorted(matcher, matcher.search(text, 3, 3))).toEqual([])
  })

  it('reports a pattern once a search, again in the next search, again in a later piece', () => {
    const matcher = engine.compile([pattern('ab')])
    const text = bytes('ab ab ab')
    expect(matcher.search(text, 0, text.length)).toBe(1)
    expect(matcher.search(text, 0, text.length)).toBe(1)
    const stream = matcher.openStream()
    expect(stream.search(text, 0, 4)).toBe(1)
    expect(stream.search(text, 4, 8)).toBe(1)
    expect(stream.search(text, 8, 8)).toBe(0)
  })

  it('keeps streams apart, and apart from plain searches', () => {
    const matcher = engine.compile([pattern('abcd'), pattern('EFGH/i')])
    const [one, two] = [matcher.openStream(), matcher.openStream()]
    const text = bytes('abcdefgh')
    expect(one.search(text, 0, 2)).toBe(0)
    expect(two.search(text, 4, 6)).toBe(0)
    expect(matcher.search(text, 2, 4)).toBe(0)
    expect(two.search(text, 2, 4)).toBe(0)
    expect(sorted(matcher, one.search(text, 2, 6))).toEqual([0])
    one.reset()
    expect(one.search(text, 6, 8)).toBe(0)
    one.close()
    two.close()
  })

  it('says how long the longest pattern is', () => {
    expect(engine.compile(['ab', 'abcd', 'c'].map(pattern)).longest).toBe(4)
  })

  it('searches for no patterns at all', () => {
    const matcher = engine.compile([])
    expect(matcher.longest).toBe(0)
    expect(matcher.search(bytes('abc'), 0, 3)).toBe(0)
    expect(matcher.openStream().search(bytes('abc'), 0, 3)).toBe(0)
  })

  it('refuses an empty pattern and says which', () => {
    expect(() => engine.compile([pattern('a'), pattern('')])).toThrow(/pattern 1: .*empty/)
  })

  it('refuses patterns that are too much together', () => {
    const big = { bytes: new Uint8Array((1 << 24) + 1).fill(0x61), nocase: false }
    expect(() => engine.compile([big])).toThrow(/limit is 16777216/)
  })

  it('finds what it should among thousands of patterns', () => {
    const patterns = manyPatterns(15_000)
    const matcher = engine.compile(patterns)
    const text = bytes(
      `GET /${patterns.slice(100, 140).map(({ bytes: one }) => Buffer.from(one).toString('latin1').toUpperCase())}`,
    )
    expect(search(matcher, text)).toEqual(naive(patterns, text))
    expect(search(matcher, text).length).toBeGreaterThan(20)
    matcher.close()
  })

  const small = fc.array(
    fc.record({
      bytes: fc
        .array(fc.constantFrom(0x61, 0x62, 0x41, 0x42, 0x00, 0xff), { minLength: 1, maxLength: 7 })
        .map((list) => Uint8Array.from(list)),
      nocase: fc.boolean(),
    }),
    { minLength: 1, maxLength: 12 },
  )
  const pieces = fc.array(
    fc.string({ unit: fc.constantFrom('a', 'b', 'A', 'B', '\0', '\xff'), maxLength: 12 }),
    {
      maxLength: 6,
    },
  )

  it('agrees with a plain search and with another implementation, in one piece or many', () => {
    fc.assert(
      fc.property(small, pieces, (patterns, texts) => {
        const text = bytes(texts.join(''))
        const matcher = engine.compile(patterns)
        const expected = naive(patterns, text)
        expect(search(matcher, text)).toEqual(expected)
        expect(independent(patterns, text)).toEqual(expected)
        const stream = matcher.openStream()
        expect(searchPieces(matcher, stream, texts.map(bytes))).toEqual(expected)
        stream.close()
        matcher.close()
      }),
      { numRuns: 150 },
    )
  })

  it('reports in each piece of a stream what ends in that piece', () => {
    fc.assert(
      fc.property(small, pieces, (patterns, texts) => {
        const matcher = engine.compile(patterns)
        const stream = matcher.openStream()
        let before = ''
        for (const piece of texts) {
          const expected = patterns.flatMap(({ bytes: wanted, nocase }, number) => {
            // Seen from where it could begin at the earliest and still end in this piece.
            const tail = wanted.length === 1 ? '' : before.slice(-(wanted.length - 1))
            return naive([{ bytes: wanted, nocase }], bytes(tail + piece)).length > 0 ? [number] : []
          })
          expect(sorted(matcher, stream.search(bytes(piece), 0, piece.length))).toEqual(expected)
          before += piece
        }
        stream.close()
        matcher.close()
      }),
      { numRuns: 100 },
    )
  })
})

/** Words like those in rules: a common head, a varied tail. */
function manyPatterns(count: number): Pattern[] {
  let seed = 1
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0
    return (seed >>> 8) % below
  }
  const heads = ['/cgi-bin/', '/admin/', 'user-agent: ', 'cmd=', 'PK\x03\x04', '']
  return Array.from({ length: count }, (_, number) => {
    const tail = Array.from({ length: 4 + random(12) }, () => String.fromCharCode(0x61 + random(26))).join('')
    return { bytes: bytes(heads[random(heads.length)] + tail), nocase: number % 5 !== 0 }
  })
}

describe('the Aho-Corasick automaton', () => {
  const patterns = manyPatterns(2000).map(({ bytes: one }, id) => ({ id, bytes: one }))

  it('gives the same results whatever part of it is a table', () => {
    const text = bytes(
      patterns
        .map(({ bytes: one }) => Buffer.from(one).toString('latin1'))
        .join('')
        .slice(0, 20_000),
    )
    const tables = [1, 50_000, 1 << 24].map((cells) => buildAutomaton(patterns, true, cells))
    expect(tables.map(({ denseCount, stateCount }) => denseCount === stateCount)).toEqual([
      false,
      false,
      true,
    ])
    expect(tables[0]!.denseCount).toBe(1)
    const [least, middle, most] = tables.map((automaton) => {
      const seen: number[] = []
      let state = 0
      for (const byte of text) {
        state = next(automaton, state, byte)
        seen.push(automaton.output[state]!)
      }
      return seen
    })
    expect(least).toEqual(most)
    expect(middle).toEqual(most)
    expect(most!.some((output) => output !== 0)).toBe(true)
  })

  it('takes time in proportion to the text on the input worst for failure links', () => {
    const engine = new AhoCorasickEngine()
    const deep = Array.from({ length: 400 }, (_, number) => pattern(`${'a'.repeat(number + 1)}b`))
    const matcher = engine.compile(deep)
    const text = new Uint8Array(4 << 20).fill(0x61)
    const start = performance.now()
    expect(matcher.search(text, 0, text.length)).toBe(0)
    // 400 times the text would take minutes.
    expect(performance.now() - start).toBeLessThan(5000)
  })
})

/** The automaton by its definition, without the search loop. */
function next(automaton: ReturnType<typeof buildAutomaton>, from: number, byte: number): number {
  const cls = automaton.classOf[byte]!
  let state = from
  while (state >= automaton.denseCount) {
    const children = automaton.label.subarray(automaton.firstChild[state], automaton.firstChild[state + 1])
    const index = children.indexOf(cls)
    if (index >= 0) return automaton.firstChild[state]! + index
    state = automaton.fail[state]!
  }
  return automaton.dense[state * automaton.classCount + cls]! >> 1
}

describe.each(matcherEngines.filter(({ compileMixed }) => compileMixed !== undefined))(
  '$name with expressions among the literals',
  (engine) => {
    it('numbers the expressions after the literals', () => {
      const mixed = engine.compileMixed!([pattern('abc'), pattern('HOST/i')], ['^b[cd]{2}', '[0-9]{3}'])
      expect(mixed.patternCount).toBe(4)
      expect(search(mixed, bytes('xabc host'))).toEqual([0, 1])
      expect(search(mixed, bytes('x\nbcd Host 123'))).toEqual([1, 2, 3])
      expect(search(mixed, bytes('xbcd 12'))).toEqual([])
      mixed.close()
    })

    it('takes literals byte by byte, whatever they would mean in an expression', () => {
      const literals = [...ALL_BYTES].flatMap((byte) => [pattern(`(${byte}`), pattern(`[${byte}*/i`)])
      const mixed = engine.compileMixed!(literals, ['zz+'])
      for (let byte = 0; byte < 256; byte++) {
        const char = String.fromCharCode(byte)
        for (const text of [`x(${char}`, `[${char}*zzz`]) {
          const expected = naive(literals, bytes(text))
          if (text.includes('zz')) expected.push(literals.length)
          expect(search(mixed, bytes(text)), JSON.stringify(text)).toEqual(expected)
        }
      }
      mixed.close()
    })

    it('finds the literals that a search for literals finds', () => {
      const word = fc.string({
        unit: fc.constantFrom('a', 'A', 'b', '\0', '\n', '.', '\\'),
        minLength: 1,
        maxLength: 5,
      })
      const literals = fc.array(fc.record({ text: word, nocase: fc.boolean() }), {
        minLength: 1,
        maxLength: 6,
      })
      const property = fc.property(literals, fc.array(word), (wanted, pieces) => {
        const patterns = wanted.map(({ text, nocase }) => ({ bytes: bytes(text), nocase }))
        const mixed = engine.compileMixed!(patterns, ['b\\x2e'])
        const text = pieces.join('')
        const expected = naive(patterns, bytes(text))
        if (text.includes('b.')) expected.push(patterns.length)
        expect(search(mixed, bytes(text))).toEqual(expected)
        mixed.close()
      })
      fc.assert(property, { numRuns: 150 })
    })
  },
)
