/**
 * Searches decide nothing but speed: random rules over random messages of several windows give the same alerts as with
 * an engine that refuses all patterns, so that every rule is tried on every window.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { conversation, resegment } from '../../../test/support/conversation.js'
import { createEngines, type MatcherEngine } from '../../src/match/index.js'
import { makeEngine, runEngine } from './harness.js'

const { matcher } = createEngines()
const WINDOWS = { window: 64, lookBack: 24, headBytes: 65536 }

const refusing: MatcherEngine = {
  name: matcher.name,
  description: 'refuses',
  compile: () => {
    throw new Error('refused')
  },
}

const parts = fc.constantFrom(
  'content:"one";',
  'content:"three"; distance:0;',
  'content:"on"; nocase;',
  'content:"two"; fast_pattern:only;',
  'content:"200"; http_stat_code;',
  'content:"Server"; http_header;',
  'content:!"four";',
  'file_data; content:"one";',
  'pcre:"/one[^x]{3,9}two/";',
  'pcre:"/^one\\s*two/mi";',
  'pcre:"/^Server: .*three/Hmi";',
  'pcre:"/(one[a-z ]*two\\s+){2}/";',
  'content:"one"; pcre:"/^\\s*three/R";',
  'file_data; pcre:"/^three+\\s/m";',
  'pcre:!"/three\\s+four/";',
)
const ruleTexts = fc
  .array(fc.array(parts, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 6 })
  .map((rules) =>
    rules
      .map((options, i) => {
        const only = options.filter(
          (option, at) => !option.includes('only') || options.indexOf(option) === at,
        )
        return `alert tcp any any -> any any (flow:to_client,established; ${only.join(' ')} sid:${i + 1};)`
      })
      .join('\n'),
  )
const words = fc.constantFrom(
  'one',
  'One',
  'two',
  'three',
  'threee',
  'four',
  ' ',
  '\n',
  'xxxxxxxxxxxxxxxxxxxx',
  'o',
  't',
)
const bodies = fc.array(words, { maxLength: 60 }).map((list) => list.join(''))

function response(body: string, chunked: boolean, server: string): string {
  if (!chunked) return `HTTP/1.1 200 OK\r\nServer: ${server}\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  const chunks = body.match(/[\s\S]{1,40}/g) ?? []
  const encoded = chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('')
  return `HTTP/1.1 200 OK\r\nServer: ${server}\r\nTransfer-Encoding: chunked\r\n\r\n${encoded}0\r\n\r\n`
}

describe('searches in windows', () => {
  it('never change the alerts', () => {
    let alerts = 0
    fc.assert(
      fc.property(
        ruleTexts,
        bodies,
        fc.boolean(),
        fc.constantFrom('x', 'Three three', 'a%20one'),
        fc.integer({ min: 1, max: 200 }),
        (rules, body, chunked, server, size) => {
          const packets = resegment(
            conversation({ serverPort: 80 })
              .handshake()
              .client('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
              .server(response(body, chunked, server))
              .close()
              .packets(),
            size,
          )
          const sids = (matcherEngine: MatcherEngine): number[] => {
            const engine = makeEngine(rules, { matcherEngine, detect: { inspection: WINDOWS } })
            const found = runEngine(engine, packets).alerts.map(({ sid }) => sid)
            engine.close()
            return found
          }
          const expected = sids(refusing)
          expect(sids(matcher)).toEqual(expected)
          alerts += expected.length
        },
      ),
      { numRuns: 40 },
    )
    expect(alerts).toBeGreaterThan(5)
  })
})
