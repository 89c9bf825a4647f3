/** A rule that is only tried where something else than the ordinary follows its content matches as often as ever. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createEngines } from '../../src/match/index.js'
import { exchange, run, sids } from './harness.js'

const plain = createEngines({ engine: 'aho-corasick' })
const { matcher } = createEngines({ engine: 'auto' })

const RESPONSE = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'
/** Snort 2 text: a modifier stands behind its content. */
const PLACES = ['', 'http_header; ', 'http_raw_header; ']

const version = fc.constantFrom('1', '1.', '1.1', '1.0', '1.A', 'a', 'A.0')
const refused = fc.record({
  text: version,
  nocase: fc.boolean(),
  /** More than its own length; undefined = up to the end. */
  within: fc.constantFrom(0, 0, 0, 1, undefined),
  distance: fc.constantFrom(0, 0, 0, 0, 0, 1),
})
const rule = fc.record({
  /** Snort 2 text: without `nocase`, the lower-case one is not in the request line. */
  content: fc.constantFrom('HTTP/', 'http/'),
  nocase: fc.boolean(),
  room: fc.option(fc.integer({ min: 0, max: 5 })),
  refused: fc.array(refused, { maxLength: 4 }),
  place: fc.constantFrom(...PLACES),
})

type Wanted = typeof rule extends fc.Arbitrary<infer One> ? One : never

const text = (sid: number, { content, nocase, room, refused, place }: Wanted): string => {
  const options = [`content:"${content}"; ${nocase ? 'nocase; ' : ''}${place}`]
  if (room !== null) options.push(`isdataat:${room},relative; `)
  for (const { text, nocase, within, distance } of refused) {
    const window = within === undefined ? '' : `within:${text.length + within}; `
    options.push(`content:!"${text}"; ${nocase ? 'nocase; ' : ''}${place}distance:${distance}; ${window}`)
  }
  return `alert tcp any any -> any any (flow:to_server; ${options.join('')}sid:${sid};)`
}

describe.skipIf(matcher.compileMixed === undefined)('contents that ordinary bytes must not follow', () => {
  it('are found as by an engine that does not screen them', () => {
    let matches = 0
    const property = fc.property(
      fc.array(rule, { minLength: 1, maxLength: 5 }),
      fc.array(version, { minLength: 1, maxLength: 3 }),
      fc.boolean(),
      (rules, versions, ends) => {
        const loaded = rules.map((one, i) => text(i + 1, one)).join('\n')
        const headers = versions.map((one) => `X: http/${one}\r\n`).join('')
        const body = ends ? 'http/' : ''
        const request = `POST /${'p'.repeat(40)} HTTP/1.1\r\n${headers}Content-Length: ${body.length}\r\n\r\n${body}`
        const found = [plain.matcher, matcher].map((matcherEngine) =>
          sids(loaded, exchange(request, RESPONSE), {
            matcherEngine,
            regexEngine: plain.regex,
            detect: { eventQueue: { maxQueue: 20, log: 20 }, warmUpPorts: [] },
          }).sort(),
        )
        expect(found[1]).toEqual(found[0])
        matches += found[0]!.length
      },
    )
    fc.assert(property, { numRuns: 100 })
    expect(matches).toBeGreaterThan(30)
  })

  it('are not looked at where only ordinary bytes follow', () => {
    const loaded =
      'alert tcp any any -> any any (flow:to_server; content:"HTTP/"; nocase; isdataat:5,relative; ' +
      'content:!"1.1"; within:3; content:!"1.0"; within:3; sid:1;)'
    const tries = (version: string): number => {
      const request = `GET / HTTP/${version}\r\nHost: h\r\n\r\n`
      return run(loaded, exchange(request, RESPONSE), { matcherEngine: matcher }).inspector.triesOf[0]!
    }
    expect(['1.0', '1.1', '1.2', '2.0', '1'].map(tries)).toEqual([0, 0, 1, 1, 1])
  })
})
