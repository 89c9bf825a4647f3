/** A matcher engine that refuses a set of patterns costs speed, but no alert: not on the first message either. */
import { describe, expect, it } from 'vitest'
import { createEngines } from '../../src/match/index.js'
import type { MatcherEngine } from '../../src/match/matcher.js'
import { exchange, sids } from './harness.js'

const plain = createEngines({ engine: 'aho-corasick' })

const literal = (length: number): MatcherEngine => ({
  name: 'aho-corasick',
  description: 'refuses more than one pattern',
  compile: (patterns) => {
    if (patterns.length > length) throw new Error('too many')
    return plain.matcher.compile(patterns)
  },
})

/** As an engine that searches for expressions, as long as there are none. */
const noExpressions = (length: number): MatcherEngine => ({
  ...literal(length),
  compileMixed: () => {
    throw new Error('too large')
  },
})

/** Two buffers that lie in the packet data, so that both are searched at once. */
const EXPRESSIONS = [1, 2, 3, 4, 5]
  .map(
    (sid) =>
      `alert tcp any any -> any any (flow:to_server; pcre:"/x[ab]+y[0-9]{2}z${sid}?/${sid % 2 === 0 ? 'P' : ''}"; sid:${sid};)`,
  )
  .join('\n')
const LITERALS = ['content:"needle";', 'content:"POST"; http_method;', 'content:"needle"; http_client_body;']
  .map((options, i) => `alert tcp any any -> any any (flow:to_server; ${options} sid:${i + 1};)`)
  .join('\n')
const OTHER_LITERALS = LITERALS.replaceAll('sid:', 'sid:1')

const REQUEST = `POST /${'p'.repeat(300)} HTTP/1.1\r\nHost: h\r\nContent-Length: 16\r\n\r\nneedle xabay12z5`
const RESPONSE = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'

describe('patterns that the engine refuses', () => {
  it.each([
    ['expressions', EXPRESSIONS, plain.matcher],
    ['expressions by an engine that searches for some', EXPRESSIONS, noExpressions(9)],
    ['literals and expressions together', `${EXPRESSIONS}\n${OTHER_LITERALS}`, noExpressions(9)],
    [
      'literals and expressions together, and literals alone',
      `${EXPRESSIONS}\n${OTHER_LITERALS}`,
      noExpressions(0),
    ],
    ['literals', LITERALS, literal(1)],
    ['all literals', LITERALS, literal(0)],
  ])('%s', (_, rules, matcherEngine) => {
    const expected = [...rules.matchAll(/sid:(\d+)/g)].map(([, sid]) => Number(sid))
    const settings = { matcherEngine, regexEngine: plain.regex, detect: { warmUpPorts: [] } } as const
    const queue = { maxQueue: 20, log: 20 }
    const found = sids(rules, exchange(REQUEST, RESPONSE), {
      ...settings,
      detect: { ...settings.detect, eventQueue: queue },
    })
    expect(found.sort((a, b) => a - b)).toEqual(expected)
  })
})
