/** The TypeScript engine of regular expressions against PCRE2, on expressions made at random. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pcreFacts } from '../../src/detect/options/pcre-facts.js'
import { foldBytes } from '../../src/detect/search.js'
import { BUF } from '../../src/inspect/buffers.js'
import { REGEX_LIMIT, REGEX_MATCH, type Regex, RegexError } from '../../src/match/matcher.js'
import type { PcreOption } from '../../src/rules/model.js'
import { bytes, regexEngines, regexFlags } from './support.js'

const QUANTIFIER = fc.constantFrom(
  '*',
  '+',
  '?',
  '{2}',
  '{1,2}',
  '{0,3}',
  '{2,}',
  '*?',
  '+?',
  '??',
  '{1,2}?',
  '*+',
  '++',
  '?+',
)

const PLAIN = ['a', 'b', 'A', '\\n', '.', '\\x61', '\\141', '\\cA', '-', '\\r', '\\x{e9}', '\\Qa.\\E']
const SETS = [
  '[ab]',
  '[^a]',
  '[^\\n-]',
  '[a-b\\d]',
  '[[:alpha:]]',
  '[[:^upper:]_]',
  '[^[:space:]b]',
  '[\\w-]',
  '[]a]',
  '[\\x00-\\x60]',
  '[\\Qa-\\E]',
  '[[:punct:]\\xe9]',
]
const CLASSES = ['\\w', '\\W', '\\d', '\\D', '\\s', '\\S', '\\h', '\\H', '\\v', '\\V', '\\N', '\\R']
const ASSERTIONS = [
  '(?:^|a)',
  '(?:$|b)',
  '(?:\\b)',
  '(?:\\B)',
  '(?:\\A)',
  '(?:\\Z)',
  '(?:\\z)',
  '(?:\\G)',
  '\\K',
  '(?:(?<=a))',
  '(?:(?<!ab|\\n))',
  '(?:(?<=^|-))',
  '(?:(?<=a(?=b)))',
  '(?:(?<![ab]\\n))',
]
const REFERENCES = [
  '(?:(a)|b)\\1',
  '(?:(?<n>[ab])\\k<n>)',
  '(?:(?P<m>a|-)(?P=m)?)',
  '(?:(a?)\\g{-1})',
  '(?:(?i:([ab])\\g1))',
]
const INLINE = [
  '(?i:a)',
  '(?-i:a)',
  '(?s:.)',
  '(?-s:.)',
  '(?m:^)',
  '(?m:$)',
  '(?x: a #c\n)',
  '(?i)',
  '(?-i)',
  '(?s)',
  '(?#a)',
  '(?i-s:A.)',
]

/** The parts one after the other. */
function join(...parts: readonly (string | fc.Arbitrary<string>)[]): fc.Arbitrary<string> {
  return fc
    .tuple(...parts.map((part) => (typeof part === 'string' ? fc.constant(part) : part)))
    .map((texts) => texts.join(''))
}

const { pattern } = fc.letrec<{ pattern: string; sequence: string; item: string; atom: string }>((tie) => ({
  pattern: fc.oneof({ weight: 3, arbitrary: tie('sequence') }, join(tie('sequence'), '|', tie('sequence'))),
  sequence: fc.array(tie('item'), { maxLength: 3 }).map((items) => items.join('')),
  item: fc.oneof(
    { depthSize: 'small' },
    { weight: 4, arbitrary: tie('atom') },
    { weight: 2, arbitrary: join(tie('atom'), QUANTIFIER) },
    fc.constantFrom(...INLINE, ...ASSERTIONS),
  ),
  atom: fc.oneof(
    { depthSize: 'small' },
    { weight: 3, arbitrary: fc.constantFrom(...PLAIN) },
    fc.constantFrom(...SETS),
    fc.constantFrom(...CLASSES),
    fc.constantFrom(...REFERENCES, '()'),
    join('(', tie('pattern'), ')'),
    join('(', tie('pattern'), ')\\1'),
    join('(?:', tie('pattern'), ')'),
    join('(?>', tie('pattern'), ')'),
    join('(?:(?=', tie('pattern'), '))'),
    join('(?:(?!', tie('pattern'), '))'),
  ),
}))

const subject = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', 'b', 'A', '\n', '-', '\xe9'), maxLength: 10 }),
  fc.string({
    unit: fc.constantFrom('a', 'b', '\n', '\r', '.', ' ', '1', '_', '\x85', '\x01', '\t'),
    maxLength: 10,
  }),
)

const OPTION: PcreOption = {
  kind: 'pcre',
  buffer: BUF.PKT_DATA,
  pattern: '',
  flags: regexFlags(''),
  negated: false,
  relative: false,
  ignoreLimits: false,
  movesCursor: true,
}

const pcre2 = regexEngines.find(({ name }) => name === 'pcre2')
const regexp = regexEngines.find(({ name }) => name === 'regexp')!

function compiled(compile: () => Regex): Regex | undefined {
  try {
    return compile()
  } catch (error) {
    expect(error).toBeInstanceOf(RegexError)
    return undefined
  }
}

describe('the TypeScript engine', () => {
  it.skipIf(pcre2 === undefined)('finds the same as PCRE2 for random patterns, match after match', () => {
    let compared = 0
    fc.assert(
      fc.property(pattern, fc.subarray([...'ismxEGA']), subject, fc.nat(3), (text, letters, said, skip) => {
        const flags = regexFlags(letters.join(''))
        // Not by its own short cuts: in 10.42 those have bugs with patterns such as these.
        const reference = compiled(() =>
          pcre2!.compile(`(*NO_JIT)(*NO_AUTO_POSSESS)(*NO_START_OPT)${text}`, flags, 0),
        )
        const ours = compiled(() => regexp.compile(text, flags, 0))
        // What PCRE2 refuses is refused; what is refused beyond that is told by tests of its own.
        if (reference === undefined) expect(ours, text).toBeUndefined()
        if (reference === undefined || ours === undefined) return
        const { literals } = pcreFacts({ ...OPTION, pattern: text, flags })
        const data = bytes(said)
        let from = Math.min(skip, data.length)
        while (from <= data.length) {
          const expected = reference.exec(data, 0, data.length, from)
          const result = ours.exec(data, 0, data.length, from)
          if (expected === REGEX_LIMIT || result === REGEX_LIMIT) break
          compared++
          expect(result).toBe(expected)
          if (result !== REGEX_MATCH) break
          expect([ours.matchStart, ours.matchEnd]).toEqual([reference.matchStart, reference.matchEnd])
          // Behind \K a match has less than the expression has looked at.
          const begin = text.includes('\\K') ? from : ours.matchStart
          expect(ours.matchEnd - begin).toBeGreaterThanOrEqual(Math.max(ours.minLength, reference.minLength))
          const held = Buffer.from(foldBytes(data.subarray(begin, ours.matchEnd)))
          for (const literal of literals) expect(held.includes(Buffer.from(literal)), `${literal}`).toBe(true)
          from = ours.matchEnd > from ? ours.matchEnd : from + 1
        }
        reference.close()
      }),
      { numRuns: Number(process.env.WEIR_FUZZ_RUNS ?? 4000) },
    )
    expect(compared).toBeGreaterThan(1000)
  })
})
