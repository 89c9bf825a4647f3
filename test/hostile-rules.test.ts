/**
 * Payloads made against rules: every retry fails at the last moment, expressions backtrack without end. The work a rule
 * may spend on a unit is bounded, what is given up is counted, and other rules and other connections are not harmed.
 */
import { createStack } from '@weir/stack'
import { describe, expect, it } from 'vitest'
import { createEngine, createEngines, DEFAULT_DETECT_SETTINGS, type Inspector, loadRules } from 'weir'
import { conversation, feed } from './support/conversation.js'

const KILOBYTE = 1 << 10
const PAYLOAD = 64 * KILOBYTE
const BURST = 32 * KILOBYTE

const engines = {
  native: createEngines({ engine: 'auto' }),
  typescript: createEngines({ engine: 'aho-corasick' }),
}
type EngineName = keyof typeof engines
const NAMES = ['native', 'typescript'] as const

/** Runs one rule over one payload, with a rule and a connection beside it that must alert. */
function attack(name: EngineName, options: string, payload: string): { inspector: Inspector; cpu: number } {
  const text = `alert tcp any any -> any any (${options} sid:1;)
    alert tcp any any -> any any (content:"the end"; sid:2;)`
  const { rules, problems } = loadRules({ files: [{ path: 'x.rules', text, dialect: 'snort2' }] })
  expect(problems).toEqual([])
  const engine = createEngine({
    rules,
    matcherEngine: engines[name].matcher,
    regexEngine: engines[name].regex,
  })
  const alerts: string[] = []
  const stack = createStack({})
  const inspector = engine.attach(stack, {
    alert: ({ rule, destinationPort }) => alerts.push(`${rule.sid} ${destinationPort}`),
    flush: async () => {},
    close: async () => {},
  })
  const hostile = conversation({ serverPort: 7777 }).handshake()
  const all = `${payload}the end`
  for (let at = 0; at < all.length; at += BURST) hostile.client(all.slice(at, at + BURST))
  const before = process.cpuUsage()
  feed(stack, hostile.packets())
  feed(stack, conversation({ serverPort: 8888 }).handshake().client('the end').close().packets())
  stack.finish()
  const { user, system } = process.cpuUsage(before)
  engine.close()
  expect(alerts.filter((alert) => alert.startsWith('2 ')).sort()).toEqual(['2 7777', '2 8888'])
  return { inspector, cpu: (user + system) / 1e6 }
}

/** Units of the payload, its last words and the other connection. */
const UNITS = PAYLOAD / (16 * KILOBYTE) + 2
const fill = (unit: string): string => unit.repeat(PAYLOAD / unit.length)

describe('retries', () => {
  it.each<[string, string, string]>([
    ['of a letter', 'content:"a"; content:"z"; within:16000;', fill('a')],
    ['of two letters', 'content:"a"; content:"a"; within:100; content:"z"; within:9;', fill('a')],
    [
      'of three',
      'content:"a"; content:"a"; within:99; content:"a"; within:99; content:"z"; within:9;',
      fill('a'),
    ],
    ['before an absence', 'content:"a"; content:!"z"; within:60000; content:"b"; within:1;', fill('a')],
    ['of a pattern that nearly fits', `content:"a"; content:"${'a'.repeat(60)}z"; within:16000;`, fill('a')],
    ['over jumps', 'content:"a"; byte_jump:1,0,relative; content:"z"; within:16000;', fill('a')],
    [
      'over jumps back',
      'content:"a"; byte_jump:1,0,relative,post_offset -120; content:"z"; within:9000;',
      fill('aq'),
    ],
    ['with variables', 'content:"a"; byte_extract:1,0,v,relative; content:"z"; offset:v;', fill('a')],
    ['of an expression', 'pcre:"/a/"; content:"z"; within:16000;', fill('a')],
    ['before an expression', 'content:"a"; pcre:"/[^z]*z/R";', fill('a')],
    ['before an anchored expression', 'content:"a"; pcre:"/^[^z]*z/R";', fill('a')],
    ['of numbers', 'content:"a"; byte_test:4,>,0,0,relative,string; content:"z"; within:9;', fill('a1')],
  ])('%s stay within the steps of a rule', (_, options, payload) => {
    for (const name of NAMES) {
      const { inspector, cpu } = attack(name, options, `${'z'}${payload}`)
      const { steps, stepLimit } = inspector.counters
      // One try more than allowed, and what it looked at.
      expect(steps).toBeLessThanOrEqual(UNITS * (DEFAULT_DETECT_SETTINGS.maxSteps + 5000))
      expect(stepLimit).toBeLessThanOrEqual(UNITS)
      // Every byte for every place is a hundred times this.
      expect(cpu).toBeLessThan(5)
    }
  })

  it('find what is there after thousands of tries', () => {
    for (const name of NAMES) {
      const options = 'content:"a"; content:"z"; within:2;'
      const { inspector } = attack(name, options, `${'a'.repeat(16_000)}z`)
      expect(inspector.counters.alerts).toBe(3)
      expect(inspector.counters.stepLimit).toBe(0)
    }
  })
})

describe('expressions that backtrack', () => {
  it.each<[string, string, string]>([
    ['nested repeats', 'content:"a"; pcre:"/(a+)+!/";', fill('a')],
    ['alternatives alike', 'content:"a"; pcre:"/(?:a|a|a)*!/";', fill('a')],
    ['back-references', 'content:"a"; pcre:"/(a*)*\\1!/";', fill('a')],
    ['dots upon dots', 'content:"="; pcre:"/.*.*.*.*=!/s";', fill('=')],
    ['repeats from every place', 'content:"a"; pcre:"/a{1,500}a{1,500}a{1,500}!/";', fill('a')],
    ['from every cursor', 'content:"a"; pcre:"/(?:a|aa)+[0-9]/R";', fill('a')],
    ['a header of blanks', 'content:"x"; pcre:"/^x(\\s*\\s*)*\\n\\n!/m";', fill(`x${' '.repeat(63)}`)],
  ])('%s are stopped, counted, and tried no more', (_, options, payload) => {
    for (const name of NAMES) {
      const { inspector, cpu } = attack(name, options, payload)
      const { pcreLimit, evaluations, stepLimit } = inspector.counters
      expect(pcreLimit + stepLimit).toBeLessThanOrEqual(evaluations * 12)
      expect(cpu).toBeLessThan(10)
    }
  })

  it('do not count as a match, negated or not', () => {
    for (const name of NAMES) {
      for (const sign of ['', '!']) {
        const { inspector } = attack(
          name,
          `content:"b"; pcre:${sign}"/(?:a|aa)+[0-9!]/";`,
          `b${'a'.repeat(5000)}`,
        )
        expect(inspector.counters.pcreLimit).toBeGreaterThan(0)
        expect(inspector.counters.alerts).toBe(2)
      }
    }
  })
})
