import { describe, expect, it } from 'vitest'
import {
  REGEX_LIMIT,
  REGEX_MATCH,
  REGEX_NO_MATCH,
  type RegexEngine,
  RegexError,
} from '../../src/match/matcher.js'
import { bytes, regexEngines, regexFlags } from './support.js'

/** The text matched first, or null. */
function first(engine: RegexEngine, pattern: string, letters: string, subject: string): string | null {
  const regex = engine.compile(pattern, regexFlags(letters), 0)
  const text = bytes(subject)
  const result = regex.exec(text, 0, text.length, 0)
  const match = subject.slice(regex.matchStart, regex.matchEnd)
  regex.close()
  expect([REGEX_MATCH, REGEX_NO_MATCH]).toContain(result)
  return result === REGEX_MATCH ? match : null
}

/** Pattern, flags, subject, matched text (null: no match). What each shows is plain from PCRE's manual. */
const CASES: readonly (readonly [string, string, string, string | null])[] = [
  // literals, classes
  ['abc', '', 'xxabcx', 'abc'],
  ['abc', '', 'ABC', null],
  ['abc', 'i', 'xABc', 'ABc'],
  ['[^a-c]+', 'i', 'abcDEF', 'DEF'],
  ['\\xe9', 'i', '\xc9', null],
  ['[\\xe0-\\xef]+', 'i', '\xc9\xe9', '\xe9'],
  ['[]a]+', '', 'x]a]', ']a]'],
  ['[^]a]+', '', 'a]xy]', 'xy'],
  ['[a\\]\\-\\x2f]+', '', 'z]-/a', ']-/a'],
  ['[[:alpha:]_]+', '', '12ab_3', 'ab_'],
  ['[[:^digit:]]+', '', '12ab3', 'ab'],
  ['\\s+', '', 'a\xa0b \t\v\f', ' \t\v\f'],
  ['\\w+', '', '\xe9ab_9\xe9', 'ab_9'],
  ['\\h\\H\\v\\V', '', '\xa0x\x85y', '\xa0x\x85y'],
  ['\\x2', '', '\x02', '\x02'],
  ['\\x{41}\\101\\0', '', 'AA\0', 'AA\0'],
  ['\\cA\\e\\a', '', '\x01\x1b\x07', '\x01\x1b\x07'],
  ['\\Qa.b\\E+', '', 'axb a.bbb', 'a.bbb'],
  ['a{,b', '', 'xa{,b', 'a{,b'],
  ['\\.\\/\\-\\"', '', './-"', './-"'],
  // dot and newlines
  ['a.b', '', 'a\nb', null],
  ['a.b', '', 'a\rb', 'a\rb'],
  ['a.b', 's', 'a\nb', 'a\nb'],
  ['a\\Nb', 's', 'a\nb', null],
  ['a\\R+b', '', 'a\r\n\x85b', 'a\r\n\x85b'],
  // anchors
  ['^b', '', 'a\nb', null],
  ['^b', 'm', 'a\nb', 'b'],
  ['^b', 'm', 'a\rb', null],
  ['^', 'm', 'a\n', ''],
  ['\\n^', 'm', 'a\n', null],
  ['^Host: \\w+', 'mi', 'GET /\r\nhost: x\r\n', 'host: x'],
  ['a$', '', 'a\n', 'a'],
  // where the match begins
  ['a\\Kb', '', 'xab', 'b'],
  ['a\\K', '', 'xab', ''],
  ['(a\\K)+b', '', 'aab', 'b'],
  ['(?>a\\Kb|a)c', '', 'ac', 'ac'],
  ['a\\Kb|ac', '', 'ac', 'ac'],
  ['\\Ka+?\\Kb', '', 'aab', 'b'],
  ['a$', '', 'a\r\n', null],
  ['a$', '', 'a\n\n', null],
  ['a$', 'E', 'a\n', null],
  ['a$', 'm', 'a\r\na\nb', 'a'],
  ['a$', 'mE', 'a\nb', 'a'],
  ['\\Ab', 'm', 'a\nb', null],
  ['a\\Z', '', 'a\n', 'a'],
  ['a\\z', '', 'a\n', null],
  ['b', 'A', 'ab', null],
  ['a', 'A', 'ab', 'a'],
  ['\\bab\\b', '', 'xab ab', 'ab'],
  ['\\Bb', '', 'b ab', 'b'],
  // quantifiers
  ['a+', 'G', 'aaa', 'a'],
  ['a+?', 'G', 'aaa', 'aaa'],
  ['<.+?>', '', '<a><b>', '<a>'],
  ['a{2,3}', '', 'aaaa', 'aaa'],
  ['a{2}?b', '', 'aaab', 'aab'],
  ['a++a', '', 'aaa', null],
  ['^(?:ab?)*+b', '', 'aab', null],
  ['(?>a+)b', '', 'aaab', 'aaab'],
  ['(?>a|ab)c', '', 'abc', null],
  ['(a*)*b', '', 'aab', 'aab'],
  ['(a?)+x', '', 'aax', 'aax'],
  ['(?:|a)+', '', 'aaa', ''],
  // alternation, groups, options inside
  ['a|ab', '', 'ab', 'a'],
  ['(?i)a(?-i)b', '', 'AB Ab', 'Ab'],
  ['(?i:a)b', '', 'Ab AB', 'Ab'],
  ['a(?i)b|c', '', 'C', 'C'],
  ['(?s).(?-s).', '', '\n\n\nx', '\nx'],
  ['a b # comment\n c', 'x', 'abc', 'abc'],
  ['a\\ [ ]#', 'x', 'a  ', 'a  '],
  ['a(?#comment)b', '', 'ab', 'ab'],
  // backreferences
  ['(a|b)\\1', '', 'abb', 'bb'],
  ['(?P<q>["\']).*?(?P=q)', '', 'x="a\'b" "', '"a\'b"'],
  ['(?<q>a)\\k<q>\\g{q}\\g1\\g{-1}', '', 'aaaaa', 'aaaaa'],
  ['(ab)\\1', 'i', 'abAB', 'abAB'],
  ['(\\xe9)\\1', 'i', '\xe9\xc9', null],
  ['(a)?b\\1', '', 'b', null],
  ['(a)?b\\1', '', 'aba', 'aba'],
  ['(?:(a)|b)+\\1', '', 'abba', 'abba'],
  ['(a\\1?){3}', '', 'aaaaaa', 'aaaaaa'],
  // lookaround
  ['a(?=b)', '', 'acab', 'a'],
  ['a(?!b)\\w', '', 'abac', 'ac'],
  ['(?=(a+))\\1b', '', 'aaab', 'aaab'],
  ['(?<=a|bc)d', '', 'xdbcd', 'd'],
  ['(?<!a)b', '', 'abb', 'b'],
  ['(?<=^|,)x', '', 'ax,x', 'x'],
  ['^(?!.*\\.jpg$)[^?]+', '', '/a.png?', '/a.png'],
]

/** Refused by both, with PCRE2's words where they are the same. */
const ERRORS: readonly (readonly [string, RegExp])[] = [
  ['a(b', /missing closing parenthesis/],
  ['a)b', /unmatched closing parenthesis/],
  ['*a', /quantifier does not follow a repeatable item/],
  ['a{2}{3}', /quantifier does not follow a repeatable item/],
  ['a{3,2}', /numbers out of order in \{\} quantifier/],
  ['a{70000}', /number too big in \{\} quantifier/],
  ['[a', /missing terminating \] for character class/],
  ['[b-a]', /range out of order in character class/],
  ['[\\d-z]', /invalid range in character class/],
  ['\\2(a)', /reference to non-existent subpattern/],
  ['(?<=a*)b', /lookbehind assertion is not fixed length/],
  ['a\\', /\\ at end of pattern/],
  ['[[:foo:]]', /unknown POSIX class name/],
  ['\\y', /unrecognized character follows|unknown or not supported/],
  ['\u0100', /above 0xff/],
]

describe.each(regexEngines)('$name', (engine) => {
  it.each(CASES)('/%s/%s', (pattern, letters, subject, expected) => {
    expect(first(engine, pattern, letters, subject)).toBe(expected)
  })

  it.each(ERRORS)('refuses /%s/', (pattern, message) => {
    expect(() => engine.compile(pattern, regexFlags(''), 0)).toThrow(message)
    expect(() => engine.compile(pattern, regexFlags(''), 0)).toThrow(RegexError)
  })

  it('says where in the pattern the trouble is', () => {
    try {
      engine.compile('abc)', regexFlags(''), 0)
      expect.unreachable()
    } catch (error) {
      expect((error as RegexError).offset).toBe(3)
    }
  })

  it('takes the subject from start to end only, and begins at from', () => {
    const regex = engine.compile('^a|b$|(?<=x)c|\\Bd', regexFlags(''), 0)
    const text = bytes('xa.b.xc.yd')
    const at = (start: number, end: number, from: number): number =>
      regex.exec(text, start, end, from) === REGEX_MATCH ? regex.matchStart : -1
    expect(at(0, 10, 0)).toBe(6) // c after x
    expect(at(1, 10, 1)).toBe(1) // a at the start
    expect(at(1, 10, 2)).toBe(6) // from is not the start
    expect(at(1, 4, 2)).toBe(3) // b at the end
    expect(at(6, 7, 6)).toBe(-1) // the x lies before the start
    expect(at(5, 7, 6)).toBe(6) // look-behind sees what lies before from
    expect(at(9, 10, 9)).toBe(-1) // d begins the subject: a boundary
    expect(at(4, 4, 4)).toBe(-1)
  })

  it('matches the empty string anywhere, also at the end', () => {
    const regex = engine.compile('x*', regexFlags(''), 0)
    const text = bytes('aax')
    expect(regex.exec(text, 0, 3, 1)).toBe(REGEX_MATCH)
    expect([regex.matchStart, regex.matchEnd]).toEqual([1, 1])
    expect(regex.exec(text, 0, 3, 3)).toBe(REGEX_MATCH)
    expect([regex.matchStart, regex.matchEnd]).toEqual([3, 3])
  })

  it('gives up soon on a pattern that backtracks without end', () => {
    const text = new Uint8Array(32_768).fill(0x61)
    for (const pattern of ['^(([a-z])+.)+[A-Z]([a-z])+$', '^(a+)+[bc]', '^(a|a)*[b-z]$']) {
      for (const limit of [3500, 0]) {
        const regex = engine.compile(pattern, regexFlags(''), limit)
        const start = performance.now()
        expect(regex.exec(text, 0, text.length, 0)).not.toBe(REGEX_MATCH)
        expect(performance.now() - start).toBeLessThan(3000)
        regex.close()
      }
    }
  })

  it('tells the limit from no match', () => {
    const text = new Uint8Array(64).fill(0x61)
    const regex = engine.compile('^(([a-z])+.)+[A-Z]([a-z])+$', regexFlags(''), 3500)
    expect(regex.exec(text, 0, text.length, 0)).toBe(REGEX_LIMIT)
    expect(regex.exec(bytes('1'), 0, 1, 0)).toBe(REGEX_NO_MATCH)
    expect(regex.exec(bytes('ab.Cd'), 0, 5, 0)).toBe(REGEX_MATCH)
  })

  it('stays within a limit that a small search keeps', () => {
    const regex = engine.compile('a.*b', regexFlags(''), 20)
    const far = bytes(`a${'x'.repeat(2000)}`)
    expect(regex.exec(bytes('a12b'), 0, 4, 0)).toBe(REGEX_MATCH)
    expect(regex.exec(far, 0, far.length, 0)).not.toBe(REGEX_MATCH)
  })
})

describe('the TypeScript engine', () => {
  const regexp = regexEngines.find(({ name }) => name === 'regexp')!

  it.each([
    ['recursion', '(a(?1)?b)'],
    ['recursion', '(a(?R)?b)'],
    ['recursion', '(?<n>a(?&n)?b)'],
    ['a callout', 'a(?C1)b'],
    ['a condition', '(a)?(?(1)b|c)'],
    ['a verb', '(*UTF)a'],
    ['\\K in a lookaround', '(?=a\\K)a'],
    ['a property', '\\pL'],
    ['branch reset', '(?|(a)|(b))'],
    ['a repeated lookahead', '(?=a)*b'],
    ['{,n}', 'a{,3}'],
  ])('refuses %s rather than guess', (_, pattern) => {
    expect(() => regexp.compile(pattern, regexFlags(''), 0)).toThrow(RegexError)
  })

  it.each([
    ['(a(?1)?b)', /^recursion is not supported/],
    ['(a(?R)?b)', /^recursion is not supported/],
    ['(a)?(?(1)b|c)', /^a condition is not supported/],
    ['a(?C1)b', /^a callout is not supported/],
    ['(?|(a)|(b))', /^branch reset is not supported/],
    ['(?<=a\\K)b', /^\\K is not allowed in lookarounds/],
  ])('says what it is that it refuses: %s', (pattern, message) => {
    expect(() => regexp.compile(pattern, regexFlags(''), 0)).toThrow(message)
  })

  it('refuses a pattern that would be too large', () => {
    expect(() => regexp.compile('((a[bc]{2}d){1000}){1000}', regexFlags(''), 0)).toThrow(/too large/)
    expect(() => regexp.compile('('.repeat(300) + ')'.repeat(300), regexFlags(''), 0)).toThrow(/too deeply/)
  })
})
