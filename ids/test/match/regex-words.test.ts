import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseRegex } from '../../src/match/regex-parse.js'
import { requiredWords } from '../../src/match/regex-words.js'
import { bytes, regexEngines, regexFlags } from './support.js'

const engine = regexEngines.at(-1)!

function words(pattern: string, letters = ''): readonly (readonly string[])[] {
  return requiredWords(parseRegex(pattern, regexFlags(letters)).root)
}

describe('words a match must hold', () => {
  it('spells out what can only be a few strings', () => {
    expect(words('video|Audio')).toEqual([['video', 'audio']])
    expect(words('x-(a|b)c?', 'i')).toEqual([['x-a', 'x-ac', 'x-b', 'x-bc']])
    expect(words('a[bc]{2}')).toEqual([['abb', 'abc', 'acb', 'acc']])
    expect(words('(?=[av])v(ideo|oice)')).toEqual([['video', 'voice']])
  })

  it('begins a new list at a gap', () => {
    expect(words('^Host:\\s*(one|two).*end')).toEqual([['host:'], ['one', 'two'], ['end']])
  })

  it('asks one list of every branch', () => {
    expect(words('(?:ab.*cdef|gh\\d+i)')).toEqual([['cdef', 'gh']])
    expect(words('(?:abc|\\d*)')).toEqual([])
  })

  it('knows nothing of what may be missing or may be anything', () => {
    expect(words('(?:abc)?')).toEqual([])
    expect(words('(?:abc)*')).toEqual([])
    expect(words('\\w+')).toEqual([])
    expect(words('(?:abc)+')).toEqual([['abc']])
  })

  it('every subject that matches holds a word of each list', () => {
    const piece = fc.constantFrom('a', 'B', 'ab', '.', '\\d', '[ab]', '[^a]', '1', 'ba', '\\b')
    const pattern = fc.letrec((tie) => ({
      node: fc.oneof(
        { depthSize: 'small' },
        piece,
        fc.tuple(tie('node'), tie('node')).map(([a, b]) => `${a}${b}`),
        fc.tuple(tie('node'), tie('node')).map(([a, b]) => `(?:${a}|${b})`),
        fc
          .tuple(tie('node'), fc.constantFrom('?', '*', '+', '{2}', '{1,3}'))
          .map(([a, times]) => `(?:${a})${times}`),
      ),
    })).node as fc.Arbitrary<string>
    const subject = fc.string({ unit: fc.constantFrom('a', 'b', 'A', 'B', '1', ' '), maxLength: 12 })
    let matched = 0
    fc.assert(
      fc.property(pattern, fc.constantFrom('', 'i'), subject, (text, letters, subject) => {
        const regex = engine.compile(text, regexFlags(letters), 0)
        const buffer = bytes(subject)
        if (regex.exec(buffer, 0, buffer.length, 0) !== 1) return
        matched++
        for (const list of words(text, letters)) {
          expect(list.some((word) => subject.toLowerCase().includes(word))).toBe(true)
        }
      }),
      { numRuns: 3000 },
    )
    expect(matched).toBeGreaterThan(500)
  })
})
