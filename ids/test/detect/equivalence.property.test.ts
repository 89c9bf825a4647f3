/**
 * Whole runs against each other and against a naive model: random rules over random conversations give the same alerts
 * with both matcher engines, however the conversation is cut into segments, and the alerts the brute-force evaluator
 * predicts.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  conversation,
  duplicate,
  resegment,
  shuffle,
  type TestPacket,
} from '../../../test/support/conversation.js'
import type { Engine } from '../../src/detect/engine.js'
import { AhoCorasickEngine } from '../../src/match/aho-corasick.js'
import { createEngines } from '../../src/match/index.js'
import { RegexpEngine } from '../../src/match/regexp.js'
import { makeEngine, runEngine } from './harness.js'

const native = createEngines()

const WORDS = ['ab', 'abc', 'bca', 'cab', 'aa', 'xyzzy', 'HTTP', 'Host', '/evil', 'key=', 'deadbeef'] as const
const word = fc.constantFrom(...WORDS)

interface RandomContent {
  readonly text: string
  readonly negated: boolean
  readonly nocase: boolean
  readonly relative: boolean
  readonly offset: number
  readonly slack: number | undefined
}

const contents: fc.Arbitrary<RandomContent> = fc.record({
  text: word,
  negated: fc.boolean().map((negated) => negated && true),
  nocase: fc.boolean(),
  relative: fc.boolean(),
  offset: fc.nat(8),
  slack: fc.option(fc.nat(20), { nil: undefined }),
})

function textOf({ text, negated, nocase, relative, offset, slack }: RandomContent): string {
  const [from, length] = relative ? ['distance', 'within'] : ['offset', 'depth']
  const bound = slack === undefined ? '' : ` ${length}:${text.length + slack};`
  return `content:${negated ? '!' : ''}"${text}"; ${from}:${offset};${bound}${nocase ? ' nocase;' : ''}`
}

const ruleSets = fc.array(fc.array(contents, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 12 })
const payloads = fc
  .array(
    fc.oneof(
      word,
      word.map((text) => text.toLowerCase()),
      fc.constantFrom(' ', '.', '--'),
    ),
    { maxLength: 25 },
  )
  .map((list) => list.join(''))

function holds(payload: string, options: readonly RandomContent[], cursor = 0): boolean {
  const [option, ...rest] = options
  if (option === undefined) return true
  const { text, negated, nocase, relative, offset, slack } = option
  const low = (relative ? cursor : 0) + offset
  const high = slack === undefined ? payload.length : Math.min(payload.length, low + text.length + slack)
  const subject = nocase ? payload.toLowerCase() : payload
  const wanted = nocase ? text.toLowerCase() : text
  const found: number[] = []
  for (let at = low; at + text.length <= high; at++) if (subject.startsWith(wanted, at)) found.push(at)
  if (negated) return found.length === 0 && holds(payload, rest, relative ? cursor : 0)
  const tried = rest[0]?.relative === true ? found : found.slice(0, 1)
  return tried.some((at) => holds(payload, rest, at + text.length))
}

function engineFor(rules: string, kind: 'native' | 'typescript'): Engine {
  return kind === 'native'
    ? makeEngine(rules, { matcherEngine: native.matcher, regexEngine: native.regex })
    : makeEngine(rules, { matcherEngine: new AhoCorasickEngine(), regexEngine: new RegexpEngine() })
}

function summary(engine: Engine, packets: readonly TestPacket[]): string[] {
  return runEngine(engine, packets).alerts.map(
    ({ sid, direction, payload }) => `${sid} ${direction} ${payload.length}`,
  )
}

describe('random rules over a raw conversation', () => {
  it('alert as the brute-force evaluator says, with both engines', () => {
    fc.assert(
      fc.property(ruleSets, payloads, (sets, payload) => {
        const rules = sets.map(
          (options, i) =>
            `alert tcp any any -> any any (flow:to_server; ${options.map(textOf).join(' ')} sid:${i + 1};)`,
        )
        const packets = conversation({ serverPort: 7777 }).handshake().client(payload).close().packets()
        const expected = sets.flatMap((options, i) =>
          payload !== '' && holds(payload, options) ? [i + 1] : [],
        )
        for (const kind of ['native', 'typescript'] as const) {
          const { alerts } = runEngine(engineFor(rules.join('\n'), kind), packets)
          expect(alerts.map(({ sid }) => sid).sort((a, b) => a - b)).toEqual(expected)
        }
      }),
      { numRuns: 80 },
    )
  })
})

const HTTP_RULES = [
  'alert tcp any any -> any any (flow:to_server; content:"/evil"; http_uri; content:"key="; http_client_body; sid:1;)',
  'alert tcp any any -> any any (flow:to_server; content:"xyzzy"; http_header; sid:2;)',
  'alert tcp any any -> any any (flow:to_client; file_data; content:"deadbeef"; content:"abc"; distance:0; sid:3;)',
  'alert tcp any any -> any any (flow:to_client; content:"200"; http_stat_code; file_data; content:"xyzzy"; fast_pattern:only; sid:4;)',
  'alert tcp any any -> any any (content:"cab"; pcre:"/b.{0,5}a/R"; sid:5;)',
  'alert tcp any any -> any any (flow:to_client; file_data; content:"HTTP"; isdataat:!30000,relative; sid:6;)',
  'alert tcp any any -> any any (flow:to_server; content:"xyzzy"; flowbits:set,x; sid:7;)',
  'alert tcp any any -> any any (flow:to_client; content:"deadbeef"; flowbits:isset,x; sid:8;)',
  'alert tcp any any -> any any (content:"abcab"; content:!"xyzzy"; within:20; sid:9;)',
].join('\n')

const bodies = fc
  .array(
    fc.oneof(
      word,
      fc.nat(9000).map((n) => `<${'.'.repeat(n)}>`),
    ),
    { maxLength: 8 },
  )
  .map((list) => list.join(''))

interface Exchange {
  readonly path: string
  readonly header: string
  readonly sent: string
  readonly received: string
  readonly chunked: boolean
}

const exchanges: fc.Arbitrary<Exchange[]> = fc.array(
  fc.record({ path: word, header: word, sent: bodies, received: bodies, chunked: fc.boolean() }),
  { minLength: 1, maxLength: 3 },
)

function talk(list: readonly Exchange[]): TestPacket[] {
  const talking = conversation({ serverPort: 80 }).handshake()
  const chunk = (text: string): string => (text === '' ? '' : `${text.length.toString(16)}\r\n${text}\r\n`)
  for (const { path, header, sent, received, chunked } of list) {
    talking.client(
      `POST /${path} HTTP/1.1\r\nHost: h\r\nX-Word: ${header}\r\nContent-Length: ${sent.length}\r\n\r\n${sent}`,
    )
    const half = received.length >> 1
    const body = chunked
      ? `${chunk(received.slice(0, half))}${chunk(received.slice(half))}0\r\n\r\n`
      : received
    const framing = chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${received.length}`
    talking.server(`HTTP/1.1 200 OK\r\n${framing}\r\n\r\n${body}`)
  }
  return talking.close().packets()
}

describe('an HTTP conversation', () => {
  const engines = { native: engineFor(HTTP_RULES, 'native'), typescript: engineFor(HTTP_RULES, 'typescript') }

  it('raises the same alerts however it is segmented, with both engines', () => {
    fc.assert(
      fc.property(
        exchanges,
        fc.constantFrom(1, 7, 100, 536, 1000),
        fc.integer({ min: 1, max: 1e6 }),
        (list, size, seed) => {
          const packets = talk(list)
          // Tiny segments of long bodies would only make the test slow.
          const total = packets.reduce((sum, { frame }) => sum + frame.length, 0)
          const cut = resegment(packets, total > 3000 ? Math.max(size, 500) : size)
          const expected = summary(engines.native, packets)
          expect(summary(engines.native, cut)).toEqual(expected)
          expect(summary(engines.typescript, packets)).toEqual(expected)
          expect(summary(engines.native, shuffle(cut, seed))).toEqual(expected)
          expect(summary(engines.native, duplicate(cut))).toEqual(expected)
        },
      ),
      { numRuns: 30 },
    )
  })
})
