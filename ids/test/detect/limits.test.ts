/** Every limit of detection, reached: work and memory stay bounded, and a counter says so. */
import { describe, expect, it } from 'vitest'
import { conversation } from '../../../test/support/conversation.js'
import { AhoCorasickEngine } from '../../src/match/aho-corasick.js'
import type { MatcherEngine } from '../../src/match/matcher.js'
import { clientSays, exchange, makeEngine, run, sids } from './harness.js'

const GET = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n'

describe('limits', () => {
  it('gives a rule up that has tried its contents too often', () => {
    const rule =
      'alert tcp any any -> any any (content:"a"; content:"a"; within:9; content:"b"; within:2; sid:1;)'
    const { alerts, inspector } = run(rule, clientSays('a'.repeat(12_000)), { detect: { maxSteps: 1000 } })
    expect(alerts).toEqual([])
    expect(inspector.counters.stepLimit).toBe(1)
  })

  it('counts the bytes that are looked through, not only the tries', () => {
    const rule = 'alert tcp any any -> any any (content:"a"; content:"b"; within:60000; sid:1;)'
    const { inspector } = run(rule, clientSays('a'.repeat(16_000)), { detect: { maxSteps: 5000 } })
    expect(inspector.counters.stepLimit).toBe(1)
    expect(sids(rule, clientSays(`${'a'.repeat(9000)}b`))).toEqual([1])
  })

  it('does not try again what cannot come out otherwise', () => {
    const rule =
      'alert tcp any any -> any any (content:"a"; content:"a"; distance:0; content:"b"; distance:0; content:"c"; distance:0; sid:1;)'
    const { inspector } = run(rule, clientSays(`${'a'.repeat(15_000)}b`), { detect: { maxSteps: 1000 } })
    expect(inspector.counters.stepLimit).toBe(0)
  })

  it('counts expressions that hit the match limit, and takes them as not matching', () => {
    const text = `${'a'.repeat(40)}!`
    const rule = 'alert tcp any any -> any any (content:"a!"; pcre:"/^(a+)+$/"; sid:1;)'
    const { alerts, inspector } = run(rule, clientSays(text), { detect: { pcreMatchLimit: 1000 } })
    expect(alerts).toEqual([])
    expect(inspector.counters.pcreLimit).toBe(1)
    const negated = rule.replace('"/^(a+)+$/"', '!"/^(a+)+$/"')
    expect(sids(negated, clientSays(text), { detect: { pcreMatchLimit: 1000 } })).toEqual([])
  })

  it('reports at most so many alerts for a unit', () => {
    const rules = Array.from(
      { length: 20 },
      (_, i) => `alert tcp any any -> any any (content:"many"; sid:${i + 1};)`,
    )
    const { alerts, inspector } = run(rules.join('\n'), clientSays('many'), {
      detect: { eventQueue: { log: 5, orderEvents: 'priority' } },
    })
    expect(alerts.map(({ sid }) => sid)).toEqual([1, 2, 3, 4, 5])
    expect(inspector.counters.alertLimit).toBe(15)
  })

  it('remembers at most so many rules between the windows of a message', () => {
    const rules = Array.from(
      { length: 20 },
      (_, i) =>
        `alert tcp any any -> any any (flow:to_client; file_data; content:"start"; content:"end${i}"; sid:${i + 1};)`,
    )
    const body = `start${'x'.repeat(40_000)}`
    const response = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`
    const { inspector } = run(rules.join('\n'), exchange(GET, response), { detect: { maxPendingRules: 8 } })
    expect(inspector.counters.pendingLimit).toBeGreaterThan(0)
  })

  it('drops the oldest filter state', () => {
    const rule =
      'alert tcp any any -> any any (content:"hit"; detection_filter:track by_src,count 1,seconds 60; sid:1;)'
    const packets = Array.from({ length: 5 }, (_, i) =>
      conversation({ client: `10.0.1.${i}`, start: i + 1, serverPort: 7777 })
        .handshake()
        .client('hit')
        .close()
        .packets(),
    ).flat()
    const { inspector } = run(rule, packets, { detect: { maxFilterStates: 2 } })
    expect(inspector.counters.filterTableLimit).toBe(3)
  })

  it('evaluates every rule of a pattern set that the matcher engine refuses', () => {
    const refusing: MatcherEngine = {
      name: 'aho-corasick',
      description: 'refuses',
      compile: () => {
        throw new Error('no')
      },
    }
    const rules =
      'alert tcp any any -> any any (content:"zebra"; sid:1;)\nalert tcp any any -> any any (content:"/zoo"; http_uri; sid:2;)'
    const raw = run(rules, clientSays('a zebra'), { matcherEngine: refusing })
    expect(raw.alerts.map(({ sid }) => sid)).toEqual([1])
    expect(raw.inspector.counters.matcherFailures).toBeGreaterThan(0)
    const http = exchange('GET /zoo HTTP/1.1\r\nHost: zebra\r\n\r\n', 'HTTP/1.1 204 No\r\n\r\n')
    expect(sids(rules, http, { matcherEngine: refusing })).toEqual([1, 2])
  })

  it('serves any number of ports without a matcher for each', () => {
    const rules = Array.from(
      { length: 200 },
      (_, i) => `alert tcp any any -> any ${3000 + i} (content:"port${i}x"; sid:${i + 1};)`,
    )
    rules.push('alert tcp any any -> any any (content:"everywhere"; sid:1000;)')
    const engine = makeEngine(rules.join('\n'), { matcherEngine: new AhoCorasickEngine() })
    expect(engine.problems).toEqual([])
    for (const port of [3000, 3050, 3199]) {
      expect(sids(rules.join('\n'), clientSays(`everywhere port${port - 3000}x`, port))).toEqual([
        1000,
        port - 2999,
      ])
    }
    expect(sids(rules.join('\n'), clientSays('everywhere port5x', 3006))).toEqual([1000])
  })
})

describe('rules that cannot be evaluated', () => {
  it('are reported and left out', () => {
    const refused = {
      name: 'regexp',
      description: '',
      compile: () => {
        throw new Error('not here')
      },
    } as const
    const rules =
      'alert tcp any any -> any any (content:"zebra"; pcre:"/z/"; sid:1;)\nalert tcp any any -> any any (content:"zebra"; sid:2;)'
    const { alerts, problems } = run(rules, clientSays('zebra'), { regexEngine: refused })
    expect(alerts.map(({ sid }) => sid)).toEqual([2])
    expect(problems).toMatchObject([{ sid: 1, severity: 'error', position: { file: 'test.rules', line: 1 } }])
    expect(problems[0]!.message).toContain('not here')
  })
})
