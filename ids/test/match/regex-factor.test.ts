import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sharedPath } from '../../../test/support/shared.js'
import type { Regex, Searcher } from '../../src/match/matcher.js'
import { regexFactors } from '../../src/match/regex-factor.js'
import { parseRegex } from '../../src/match/regex-parse.js'
import type { Node } from '../../src/match/regex-syntax.js'
import { RegexpEngine } from '../../src/match/regexp.js'
import { loadRules } from '../../src/rules/index.js'
import { bytes, matcherEngines, regexEngines, regexFlags } from './support.js'

const regexEngine = regexEngines.at(-1)!
const hyperscan = matcherEngines.find((engine) => engine.compileMixed !== undefined)

function factors(pattern: string, letters = '', lineStarts = true): string[] {
  return regexFactors(parseRegex(pattern, regexFlags(letters)).root, lineStarts).map(({ text }) => text)
}

function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 48_271) % 0x7fff_ffff
    return state / 0x7fff_ffff
  }
}

/** One subject that the expression may match; assertions are left to chance. */
function sample(node: Node, random: () => number): string {
  const pick = (count: number): number => Math.floor(random() * count)
  switch (node.kind) {
    case 'empty':
    case 'look':
    case 'assert':
    case 'backreference':
      return ''
    case 'set': {
      const members = [...node.set.keys()].filter((byte) => node.set[byte] === 1)
      return members.length === 0 ? '' : String.fromCharCode(members[pick(members.length)]!)
    }
    case 'sequence':
      return node.items.map((item) => sample(item, random)).join('')
    case 'alternation':
      return sample(node.branches[pick(node.branches.length)]!, random)
    case 'capture':
    case 'atomic':
      return sample(node.body, random)
    case 'repeat': {
      const times = Math.min(node.min + pick(3), node.max)
      return Array.from({ length: times }, () => sample(node.body, random)).join('')
    }
  }
}

/** Every factor is found in the subject if the expression is. Returns whether it is. A few are too long to compile. */
function holds(pattern: string, letters: string, subject: string, lineStarts: boolean): boolean {
  const flags = regexFlags(letters)
  const text = bytes(subject)
  let regex: Regex
  try {
    regex = regexEngine.compile(pattern, flags, 0)
  } catch (error) {
    expect(String(error)).toMatch(/too large/)
    return false
  }
  const matches = regex.exec(text, 0, text.length, 0) === 1
  regex.close()
  if (!matches) return false
  for (const factor of regexFactors(parseRegex(pattern, flags).root, lineStarts)) {
    let searcher: Searcher
    try {
      searcher = hyperscan!.compileMixed!([], [factor.text])
    } catch (error) {
      expect(String(error)).toMatch(/too large|limit exceeded/)
      continue
    }
    const found = searcher.search(text, 0, text.length)
    searcher.close()
    expect(found, `${factor.text} of /${pattern}/${letters} in ${JSON.stringify(subject)}`).toBe(1)
  }
  return true
}

describe('factors of an expression', () => {
  it.each<[string, string, string[]]>([
    ['abc', '', ['[\\x61][\\x62][\\x63]']],
    ['a.*b', '', ['[\\x61]', '[\\x62]']],
    ['^ab', 'm', ['^[\\x61][\\x62]']],
    ['^ab', '', ['[\\x61][\\x62]']],
    ['ab(?=c)\\b', '', ['[\\x61][\\x62]']],
    ['(a)\\1b', '', ['[\\x61]', '[\\x62]']],
    ['a[^b]{9}', '', ['[\\x61](?:[\\x00-\\x61\\x63-\\xff]){9,9}']],
    ['a[^b]{90,}c', '', ['[\\x61](?:[\\x00-\\x61\\x63-\\xff]){90}', '[\\x63]']],
    ['(a.*b){3}', '', ['[\\x61]', '[\\x62][\\x61]', '[\\x62]', '[\\x61]', '[\\x62]']],
  ])('/%s/%s', (pattern, letters, expected) => {
    expect(factors(pattern, letters)).toEqual(expected)
  })

  it('says how much they tell', () => {
    const of = (pattern: string, letters = '') =>
      regexFactors(parseRegex(pattern, regexFlags(letters)).root, true)
    expect(of('ab')[0]).toMatchObject({ bits: 16, literal: bytes('ab') })
    expect(of('AB', 'i')[0]).toMatchObject({ bits: 14, literal: bytes('ab') })
    expect(of('a[^x]?')[0]).toMatchObject({ bits: 8, literal: undefined })
    expect(of('.*')).toEqual([])
  })

  it('gives up on nested repeats in time', () => {
    const nested = `${'('.repeat(40)}a.*b${'){2,9}'.repeat(40)}`
    expect(factors(nested).length).toBeLessThan(2000)
  })
})

describe.skipIf(hyperscan === undefined)('a match holds every factor', () => {
  const atom = fc.constantFrom(
    'a',
    'b',
    'xyz',
    '\\d',
    '[^a]',
    '.',
    '\\s',
    '\\n',
    '^',
    '$',
    '\\b',
    '(?=a)',
    '\\x41',
  )
  const suffix = fc.constantFrom('', '', '', '*', '+', '?', '{2}', '{1,3}', '{20,}', '*?')
  const { pattern } = fc.letrec<{ pattern: string; term: string }>((tie) => ({
    term: fc.oneof(
      { depthSize: 'small' },
      fc
        .tuple(atom, suffix)
        .map(([one, times]) => (/^[\^$\\(]/.test(one) && !/^\\[dsnx]/.test(one) ? one : one + times)),
      fc.tuple(tie('pattern'), suffix).map(([body, times]) => `(${body})${times}`),
      fc.tuple(tie('term'), tie('term')).map(([one, other]) => `(?:${one}|${other})`),
    ),
    pattern: fc.array(tie('term'), { minLength: 1, maxLength: 4 }).map((terms) => terms.join('')),
  }))

  it('of random expressions', () => {
    let matched = 0
    fc.assert(
      fc.property(
        pattern,
        fc.constantFrom('', 'i', 'm', 's', 'smi'),
        fc.boolean(),
        fc.integer({ min: 1, max: 1_000_000 }),
        fc.constantFrom('', 'a', '\n', 'zz '),
        (text, letters, lineStarts, seed, around) => {
          const { root } = parseRegex(text, regexFlags(letters))
          const subject = around + sample(root, randomNumbers(seed)) + around
          if (holds(text, letters, subject, lineStarts)) matched++
        },
      ),
      { numRuns: 150 },
    )
    expect(matched).toBeGreaterThan(40)
  })

  const path = sharedPath('rules', 'http-3000.rules')
  it.skipIf(path === undefined)('of the expressions of a rule set', { timeout: 30_000 }, () => {
    const { rules } = loadRules({ files: [{ path: 'http.rules', text: readFileSync(path!, 'latin1') }] })
    const random = randomNumbers(1)
    let matched = 0
    const letters = { caseless: 'i', dotAll: 's', multiline: 'm', extended: 'x' } as const
    const options = rules.flatMap((rule) => rule.options).filter((option) => option.kind === 'pcre')
    for (const option of options.filter((_, index) => index % 8 === 0)) {
      const flags = Object.entries(letters).flatMap(([name, letter]) =>
        option.flags[name as keyof typeof letters] ? [letter] : [],
      )
      let root: Node
      try {
        root = parseRegex(option.pattern, option.flags).root
      } catch {
        continue
      }
      if (holds(option.pattern, flags.join(''), `x\n${sample(root, random)}`, true)) matched++
    }
    expect(matched).toBeGreaterThan(50)
  })
})

it('is understood by other engines, too', () => {
  const engine = new RegexpEngine()
  for (const text of factors('(?:GET|POST)\\s+/[a-z]{2,}\\x2f?', 'i')) {
    expect(() => engine.compile(text, regexFlags(''), 0)).not.toThrow()
  }
})
