/** The parts of detection against naive models: literal search, addresses, port classes, facts about expressions. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileAddresses, parseAddress } from '../../src/detect/addresses.js'
import { decodeBase64 } from '../../src/detect/options/base64.js'
import { parseText } from '../../src/detect/options/bytes.js'
import { pcreFacts } from '../../src/detect/options/pcre-facts.js'
import { PortClasses } from '../../src/detect/ports.js'
import { LiteralSearch } from '../../src/detect/search.js'
import { BUF } from '../../src/inspect/buffers.js'
import type { RegexFlags } from '../../src/match/matcher.js'
import { parseNetwork } from '../../src/rules/index.js'
import type { IpSet, PcreOption, PortSet } from '../../src/rules/model.js'
import { regexEngines } from '../match/support.js'

describe('LiteralSearch', () => {
  const small = fc
    .uint8Array({ max: 4 })
    .map((bytes) => bytes.map((byte) => [0x41, 0x61, 0x42, 0x62, 0x00][byte]!))

  it('finds the first occurrence inside the window', () => {
    fc.assert(
      fc.property(
        small,
        fc.nat(20),
        fc.nat(20),
        fc.uint8Array({ min: 0, max: 4, minLength: 1, maxLength: 5 }),
        fc.boolean(),
        (text, a, b, raw, nocase) => {
          const pattern = raw.map((byte) => [0x41, 0x61, 0x42, 0x62, 0x00][byte]!)
          const from = Math.min(a, text.length)
          const end = Math.max(from, Math.min(b, text.length))
          const fold = (bytes: Uint8Array): string => {
            const latin1 = Buffer.from(bytes).toString('latin1')
            return nocase ? latin1.toLowerCase() : latin1
          }
          const at = fold(text.subarray(from, end)).indexOf(fold(pattern))
          expect(new LiteralSearch(pattern, nocase).find(text, from, end)).toBe(at < 0 ? -1 : from + at)
        },
      ),
      { numRuns: 5000 },
    )
  })

  it('finds patterns longer than the largest skip', () => {
    const pattern = new Uint8Array(600).fill(0x61)
    pattern[599] = 0x62
    const text = new Uint8Array(2000).fill(0x61)
    text[1500] = 0x62
    expect(new LiteralSearch(pattern, false).find(text, 0, 2000)).toBe(901)
    expect(new LiteralSearch(pattern, false).find(text, 0, 1500)).toBe(-1)
  })
})

describe('addresses', () => {
  const v4 = fc.tuple(
    fc.constantFrom(0, 10, 11, 192, 255),
    fc.constantFrom(0, 1, 255),
    fc.constantFrom(0, 128),
    fc.constantFrom(0, 1, 7, 255),
  )
  const v4Text = v4.map((parts) => parts.join('.'))
  const v6Text = fc.constantFrom('::1', '2001:db8::1', '2001:db8:0:1::', 'fe80::1:2', '::ffff:0:1')
  const network = fc.oneof(
    fc.tuple(v4Text, fc.nat(32)).map(([text, prefix]) => `${text}/${prefix}`),
    fc.tuple(v6Text, fc.nat(128)).map(([text, prefix]) => `${text}/${prefix}`),
  )
  const bitsOf = (bytes: ArrayLike<number>): string =>
    Array.from(bytes, (byte) => byte.toString(2).padStart(8, '0')).join('')

  it('agree with a bit-by-bit test of every member', () => {
    fc.assert(
      fc.property(
        fc.array(network, { maxLength: 4 }),
        fc.array(network, { maxLength: 3 }),
        fc.oneof(v4Text, v6Text),
        (include, exclude, text) => {
          const set: IpSet = {
            any: include.length === 0,
            include: include.map((one) => parseNetwork(one)!),
            exclude: exclude.map((one) => parseNetwork(one)!),
          }
          const address = bitsOf(parseNetwork(text)!.address)
          const holds = (networks: IpSet['include']): boolean =>
            networks.some(
              ({ address: base, prefix }) => bitsOf(base).slice(0, prefix) === address.slice(0, prefix),
            )
          const expected = (set.include.length === 0 || holds(set.include)) && !holds(set.exclude)
          const words = parseAddress(text)!
          const test = compileAddresses(set)
          expect(test === undefined || test.matches(words[0]!, words[1]!, words[2]!, words[3]!)).toBe(
            expected,
          )
        },
      ),
      { numRuns: 3000 },
    )
  })

  it('parses nothing that is no address', () => {
    expect(parseAddress('')).toBeUndefined()
    expect(parseAddress('1.2.3.400')).toBeUndefined()
  })
})

describe('port classes', () => {
  const range = fc
    .tuple(fc.nat(65_535), fc.nat(65_535))
    .map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const)
  const portSet: fc.Arbitrary<PortSet> = fc
    .array(range, { minLength: 1, maxLength: 4 })
    .map((ranges) => ({ any: false, ranges }))

  it('give every port the verdict of its set', () => {
    fc.assert(
      fc.property(
        fc.array(portSet, { maxLength: 6 }),
        fc.array(fc.nat(65_535), { maxLength: 20 }),
        (sets, ports) => {
          const classes = new PortClasses(sets)
          const edges = sets.flatMap(({ ranges }) =>
            ranges.flatMap(([low, high]) => [low, high, low - 1, high + 1]),
          )
          for (const set of sets) {
            for (const port of [...ports, ...edges, 0, 65_535]) {
              if (port < 0 || port > 65_535) continue
              const expected = set.ranges.some(([low, high]) => port >= low && port <= high)
              expect(classes.test(set).has(classes.classOf[port]!)).toBe(expected)
            }
          }
        },
      ),
      { numRuns: 200 },
    )
  })
})

const FLAGS: RegexFlags = {
  caseless: false,
  dotAll: false,
  multiline: false,
  extended: false,
  anchored: false,
  dollarEndOnly: false,
  ungreedy: false,
}

function pcre(pattern: string, flags: Partial<RegexFlags> = {}): PcreOption {
  return {
    kind: 'pcre',
    buffer: BUF.PKT_DATA,
    pattern,
    flags: { ...FLAGS, ...flags },
    negated: false,
    relative: false,
    ignoreLimits: false,
    movesCursor: true,
  }
}

function factsOf(pattern: string, flags: Partial<RegexFlags> = {}) {
  const { literals } = pcreFacts(pcre(pattern, flags))
  // Engines know the least length of a match; they need not agree, as long as none asks for too much.
  const [minLength] = regexEngines.map(
    (engine) => engine.compile(pattern, { ...FLAGS, ...flags }, 0).minLength,
  )
  return { minLength, literals: literals.map((bytes) => Buffer.from(bytes).toString('latin1')) }
}

describe('facts about regular expressions', () => {
  it.each([
    ['abc', 3, ['abc']],
    ['ab.cd', 5, ['ab', 'cd']],
    ['ab(cd|ef)gh', 6, ['ab', 'gh']],
    ['a{3}b', 4, ['aaab']],
    ['(ab){2,}c', 5, ['abab']],
    ['x?yz', 2, ['yz']],
    ['^Host[^\\r\\n]{100,}', 104, ['host']],
    ['.{1050,}', 1050, []],
    ['a|bc', 1, []],
    ['ab(?=cd)ef', 4, ['abef']],
    ['(a)\\1bc', 3, ['bc']],
  ] as [string, number, string[]][])('%s', (pattern, minLength, literals) => {
    expect(factsOf(pattern)).toEqual({ minLength, literals })
  })

  it('are none for what the parser does not know', () => {
    expect(pcreFacts(pcre('a(?R)?bc')).literals).toEqual([])
  })

  it('hold for every match', () => {
    const atom = fc.constantFrom('a', 'b', 'C', '.', '[ab]', '\\d', '(ab|c)', '(?:b)', '(a)', '(?i:B)')
    const piece = fc
      .tuple(atom, fc.constantFrom('', '', '', '?', '*', '+', '{2}', '{1,2}'))
      .map((parts) => parts.join(''))
    const patterns = fc.array(piece, { minLength: 1, maxLength: 5 }).map((list) => list.join(''))
    const subjects = fc
      .array(fc.constantFrom('a', 'b', 'B', 'c', 'C', '1'), { maxLength: 12 })
      .map((list) => list.join(''))
    fc.assert(
      fc.property(patterns, subjects, fc.boolean(), (pattern, subject, caseless) => {
        fc.pre(!pattern.includes('(?i:'))
        if (!new RegExp(pattern, caseless ? 'i' : '').test(subject)) return
        const { literals } = factsOf(pattern, { caseless })
        for (const engine of regexEngines) {
          const { minLength } = engine.compile(pattern, { ...FLAGS, caseless }, 0)
          expect(subject.length).toBeGreaterThanOrEqual(minLength)
        }
        for (const literal of literals) expect(subject.toLowerCase()).toContain(literal)
      }),
      { numRuns: 5000 },
    )
  })
})

describe('run tests', () => {
  /** Only long subjects are looked at. */
  const LONG = '\n>'.repeat(600)
  const may = (pattern: string, subject: string): boolean | undefined =>
    pcreFacts(pcre(pattern)).runTest?.mayMatch(
      Buffer.from(`${LONG}${subject}`),
      2,
      subject.length + LONG.length,
    )

  it('ask for a long enough run without the bytes that no match holds', () => {
    expect(may('^H[^\\r\\n]{103,}', `H: short\r\n${'x'.repeat(103)}\r\n`)).toBe(false)
    expect(may('^H[^\\r\\n]{103,}', `H: ${'x'.repeat(103)}\r\n`)).toBe(true)
    expect(may('<[^>]{30,}x', `<a><${'b'.repeat(40)}>`)).toBe(true)
    expect(may('<[^>]{30,}x', `<a>${'b'.repeat(40)}>`)).toBe(false)
    expect(may('<([^>]*=a){10}[^>]{20}', `<${'b'.repeat(60)}>`)).toBe(false)
    expect(may('<([^>]*=a){10}[^>]{20}', `<${'b=a'.repeat(20)}>`)).toBe(true)
  })

  it('are not made where they would say nothing', () => {
    for (const pattern of ['abc', '.{3,}', 'abc[^>]{50}', '(a)\\1[^>]{50}', '[^>]*']) {
      expect(pcreFacts(pcre(pattern)).runTest, pattern).toBeUndefined()
    }
  })

  it('let every match through', () => {
    const atom = fc.constantFrom(
      '[^>]',
      '[^>]{20}',
      '[ab]{24}',
      '<',
      '(=a){3}',
      '(?:[ab]=?){10}',
      'b*',
      '(?:<|=)',
      '[^<>]+',
    )
    const patterns = fc.array(atom, { minLength: 1, maxLength: 4 }).map((list) => list.join(''))
    const subjects = fc
      .array(fc.constantFrom('a', 'b', '<', '>', '=', '=a', 'abababab', 'bbbbbbbbbbbb'), { maxLength: 40 })
      .map((list) => list.join(''))
    fc.assert(
      fc.property(patterns, subjects, (pattern, subject) => {
        const { runTest } = pcreFacts(pcre(pattern))
        if (runTest === undefined || !new RegExp(pattern).test(subject)) return
        const text = `${LONG}${subject}`
        expect(runTest.mayMatch(Buffer.from(text), 0, text.length)).toBe(true)
      }),
      { numRuns: 5000 },
    )
  })
})

describe('numbers and encodings', () => {
  it.each([
    ['12', 10, 12],
    ['  12', 10, 12],
    ['+7', 10, 7],
    ['-1', 10, 0xffff_ffff],
    ['9999999999', 10, 9_999_999_999 % 2 ** 32],
    ['0x1f', 16, 31],
    ['1f', 16, 31],
    ['0x1f', 0, 31],
    ['017', 0, 15],
    ['17', 0, 17],
    ['0', 0, 0],
    ['0x', 16, 0],
    ['89', 8, -1],
    ['', 10, -1],
    ['zz', 10, -1],
  ] as [string, 0 | 8 | 10 | 16, number][])('reads %j in base %d as %d', (text, base, expected) => {
    expect(parseText(Buffer.from(text), 0, text.length, base)).toBe(expected)
  })

  it('decodes what Node encodes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const text = Buffer.from(Buffer.from(bytes).toString('base64'), 'latin1')
        const into = new Uint8Array(100)
        const length = decodeBase64(text, 0, text.length, into)
        expect(into.subarray(0, length)).toEqual(Uint8Array.from(bytes))
      }),
    )
  })

  it('writes no more than there is room for', () => {
    const into = new Uint8Array(3)
    expect(decodeBase64(Buffer.from('QUFBQUFBQUFBQUFB'), 0, 16, into)).toBe(3)
  })
})
