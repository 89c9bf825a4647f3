/**
 * Differential fuzzing: random rules over random traffic, by Hyperscan and PCRE2, by the TypeScript engines, and by a
 * naive evaluator that knows the documentation of the options and nothing of detection. The three must agree on every
 * pair of a rule and something said.
 *
 * WEIR_FUZZ_SEED sets another seed, WEIR_FUZZ_ROUNDS another number of rounds (default 12 per kind of traffic). A
 * difference is reported with its seed, reduced to the options, the words and the bytes that are needed for it.
 */
import { createStack } from '@weir/stack'
import { describe, expect, it } from 'vitest'
import { createEngine, createEngines, loadRules, type Rule } from 'weir'
import { BUF, type BufferId } from '../ids/src/inspect/buffers.js'
import { feed, randomFrom, resegment } from './support/conversation.js'
import { changeBits, naiveMatch } from './support/naive-rule.js'
import {
  below,
  chance,
  clientPort,
  makeTalk,
  packetsOf,
  pick,
  type Talk,
  TRAFFIC_KINDS,
  type TrafficKind,
  type Turn,
  turnOf,
  unitsOf,
} from './support/naive-traffic.js'
import { BIT_LEVELS, ruleText, type WrittenRule, writeRule } from './support/naive-writer.js'

const SEED = Number(process.env.WEIR_FUZZ_SEED ?? 20_240_229)
const ROUNDS = Number(process.env.WEIR_FUZZ_ROUNDS ?? 12)
const TALKS = 10
/** Many times what it takes where nothing else is running; reducing a difference takes longer. */
const TIMEOUT = 120_000 + ROUNDS * 20_000
/** Longer than anything that is said at once. */
const WHOLE = 1460
const RULES_PER_TALK = 25

const engines = {
  native: createEngines({ engine: 'auto' }),
  typescript: createEngines({ engine: 'aho-corasick' }),
}
type EngineName = keyof typeof engines

interface Case {
  /** Payload bytes of a TCP segment. */
  readonly segment: number
  readonly rules: readonly WrittenRule[]
  readonly talks: readonly Talk[]
}

interface Loaded {
  /** By index of `Case.rules`; undefined = refused. */
  readonly rules: readonly (Rule | undefined)[]
  readonly refused: readonly string[]
}

function load(rules: readonly WrittenRule[]): Loaded {
  const bySid = new Map<number, Rule>()
  const refused: string[] = []
  for (const dialect of ['snort2', 'snort3'] as const) {
    const lines = rules.flatMap((rule, i) => (rule.dialect === dialect ? [ruleText(rule, i + 1)] : []))
    const loaded = loadRules({ files: [{ path: `${dialect}.rules`, text: lines.join('\n'), dialect }] })
    for (const rule of loaded.rules) bySid.set(rule.sid, rule)
    for (const { severity, message } of loaded.problems) if (severity === 'error') refused.push(message)
  }
  return { rules: rules.map((_, i) => bySid.get(i + 1)), refused }
}

/** Alerts as `talk direction rule`, with how often each came. */
type Alerts = Map<string, number>

function count(alerts: Alerts, talk: number, toServer: boolean, sid: number): void {
  const key = `talk ${talk} ${toServer ? 'to server' : 'to client'} rule ${sid}`
  alerts.set(key, (alerts.get(key) ?? 0) + 1)
}

function byEngine(name: EngineName, loaded: Loaded, { talks, segment }: Case): Alerts {
  const rules = loaded.rules.filter((rule) => rule !== undefined)
  const engine = createEngine({
    rules,
    matcherEngine: engines[name].matcher,
    regexEngine: engines[name].regex,
    settings: { eventQueue: { maxQueue: rules.length + 1, log: rules.length + 1 }, warmUpPorts: [] },
  })
  expect(engine.problems).toEqual([])
  const alerts: Alerts = new Map()
  const stack = createStack({})
  const inspector = engine.attach(stack, {
    alert: (record) => {
      const toServer = record.direction === 'C2S'
      const port = toServer ? record.sourcePort : record.destinationPort
      count(alerts, port - clientPort(0), toServer, record.rule.sid)
    },
    flush: async () => {},
    close: async () => {},
  })
  for (const [i, talk] of talks.entries()) {
    feed(stack, resegment(packetsOf(talk, i), segment))
  }
  stack.finish()
  expect(inspector.counters.stepLimit + inspector.counters.pcreLimit).toBe(0)
  engine.close()
  return alerts
}

/** Rules that change bits before those that check them. */
function level(rule: Rule): number {
  const checked = rule.options.flatMap((option) =>
    option.kind === 'flowbits' && (option.action === 'isset' || option.action === 'isnotset')
      ? option.names.map((name) => Number(name[1]) + 1)
      : [],
  )
  return Math.max(0, ...checked)
}

/** Buffers that lie in the head of a message. */
const HEAD: readonly BufferId[] = [
  BUF.HTTP_URI,
  BUF.HTTP_RAW_URI,
  BUF.HTTP_METHOD,
  BUF.HTTP_HEADER,
  BUF.HTTP_RAW_HEADER,
  BUF.HTTP_COOKIE,
  BUF.HTTP_RAW_COOKIE,
  BUF.HTTP_STAT_CODE,
  BUF.HTTP_STAT_MSG,
]

/**
 * The step in which Snort 3 tries a rule on a message: heads before bodies, and in each of them rules woken by a pattern
 * that check no bits, woken rules that do, rules without a pattern.
 */
function stepOf({ options }: Rule): number {
  const read = options.flatMap((option) => ('buffer' in option ? [option.buffer] : []))
  const woken = options.some(
    (option) => option.kind === 'content' && !option.negated && option.buffer !== BUF.HTTP_RAW_COOKIE,
  )
  const checks = options.some(
    (option) => option.kind === 'flowbits' && (option.action === 'isset' || option.action === 'isnotset'),
  )
  const step = !woken ? 2 : checks ? 1 : 0
  return read.length > 0 && read.every((buffer) => HEAD.includes(buffer)) ? step : step + 3
}

const STEPS = 6

interface Tally {
  /** Of a rule and something it was tried on. */
  pairs: number
  matches: number
}

function byNaive(loaded: Loaded, { talks }: Case, tally: Tally = { pairs: 0, matches: 0 }): Alerts {
  const alerts: Alerts = new Map()
  const rules = loaded.rules.filter((rule) => rule !== undefined)
  const ordered = Array.from({ length: STEPS * (BIT_LEVELS + 1) }, (_, i) =>
    rules.filter((rule) => stepOf(rule) * (BIT_LEVELS + 1) + level(rule) === i),
  ).flat()
  const onPackets = new Set(ordered.filter((rule) => rule.options.some(({ kind }) => kind === 'dsize')))
  talks.forEach((talk, i) => {
    const bits = new Set<string>()
    const protocol = talk.kind === 'udp' ? 'udp' : 'tcp'
    for (const turn of talk.turns) {
      for (const unit of unitsOf(talk, i, turn)) {
        for (const rule of ordered) {
          const sees = talk.kind === 'udp' || unit.packet === onPackets.has(rule)
          if (rule.header.protocol !== protocol || !sees) continue
          tally.pairs++
          if (!naiveMatch(rule, unit, bits)) continue
          tally.matches++
          changeBits(rule, bits)
          const silent = rule.options.some((o) => o.kind === 'flowbits' && o.action === 'noalert')
          if (!silent) count(alerts, i, unit.toServer, rule.sid)
        }
      }
    }
  })
  return alerts
}

/** What differs between two outcomes, in words; empty = nothing. */
function differences(expected: Alerts, actual: Alerts): string[] {
  return [...new Set([...expected.keys(), ...actual.keys()])]
    .filter((key) => expected.get(key) !== actual.get(key))
    .map((key) => `${key}: expected ${expected.get(key) ?? 0} alerts, got ${actual.get(key) ?? 0}`)
}

function differs(one: Case, name: EngineName): string[] {
  const loaded = load(one.rules)
  return differences(byNaive(loaded, one), byEngine(name, loaded, one))
}

/** The same with some rules, options, talks, turns and bytes fewer, as long as the engines differ. */
function reduce(from: Case, name: EngineName): Case {
  let best = from
  for (let progress = true; progress; ) {
    progress = false
    for (const smaller of smallerCases(best)) {
      let still = false
      try {
        still = differs(smaller, name).length > 0
      } catch {
        // What is left is no proper rule.
      }
      if (!still) continue
      best = smaller
      progress = true
      break
    }
  }
  return best
}

const without = <T>(list: readonly T[], from: number, howMany = 1): T[] => [
  ...list.slice(0, from),
  ...list.slice(from + howMany),
]
const replaced = <T>(list: readonly T[], at: number, item: T): T[] => [
  ...list.slice(0, at),
  item,
  ...list.slice(at + 1),
]

/** One thing left out in each; `segment` stays. */
function* smallerCases({ segment, ...whole }: Case): Generator<Case> {
  for (const smaller of smallerParts(whole)) yield { segment, ...smaller }
}

type Parts = Pick<Case, 'rules' | 'talks'>

function* smallerParts({ rules, talks }: Parts): Generator<Parts> {
  for (let size = rules.length >> 1; size >= 1; size >>= 1) {
    for (let i = 0; i + size <= rules.length; i += size) yield { rules: without(rules, i, size), talks }
  }
  for (let i = 0; talks.length > 1 && i < talks.length; i++) yield { rules, talks: without(talks, i) }
  for (const [t, talk] of talks.entries()) {
    const set = (turns: readonly Turn[]): Parts => ({ rules, talks: replaced(talks, t, { ...talk, turns }) })
    for (const i of talk.kind === 'http' || talk.turns.length < 2 ? [] : talk.turns.keys()) {
      // The client begins, or it would not be the client.
      const turns = without(talk.turns, i)
      if (turns[0]!.fromClient) yield set(turns)
    }
    if (talk.kind === 'http') {
      for (let i = 0; talk.turns.length > 2 && i + 2 <= talk.turns.length; i += 2)
        yield set(without(talk.turns, i, 2))
      continue
    }
    for (const [i, turn] of talk.turns.entries()) {
      const { bytes, fromClient } = turn
      for (let size = bytes.length >> 1; size >= 1; size >>= 1) {
        for (let at = 0; at + size <= bytes.length; at += size) {
          const rest = Uint8Array.from(without([...bytes], at, size))
          yield set(replaced(talk.turns, i, turnOf(fromClient, rest)))
        }
      }
    }
  }
  for (const [r, rule] of rules.entries()) {
    for (const i of rule.options.keys()) {
      // Rules about no payload at all are another matter.
      if (!without(rule.options, i).some((option) => option.startsWith('content:"'))) continue
      yield { rules: replaced(rules, r, { ...rule, options: without(rule.options, i) }), talks }
    }
  }
}

function report(reduced: Case, name: EngineName, seed: number): string {
  const lines = [`seed ${seed}, ${name} engines, segments of ${reduced.segment} bytes; reduced to:`]
  for (const [i, rule] of reduced.rules.entries()) lines.push(`  ${rule.dialect}: ${ruleText(rule, i + 1)}`)
  reduced.talks.forEach(({ kind, serverPort, turns }, i) => {
    lines.push(`  talk ${i}: ${kind} port ${serverPort}`)
    for (const { fromClient, bytes } of turns) {
      lines.push(
        `    ${fromClient ? 'client' : 'server'}: ${JSON.stringify(Buffer.from(bytes).toString('latin1'))}`,
      )
    }
  })
  return [...lines, ...differs(reduced, name).map((line) => `  ${line}`)].join('\n')
}

function makeCase(kind: TrafficKind, seed: number): Case {
  const random = randomFrom(seed)
  const talks = Array.from({ length: TALKS }, () => makeTalk(random, kind))
  const rules = talks.flatMap((talk) =>
    Array.from({ length: RULES_PER_TALK }, () => writeRule(random, kind, pick(random, talk.turns))),
  )
  // dsize is about segments, so rules with it are for those that are not cut.
  if (chance(random, 0.5)) return { rules, talks, segment: WHOLE }
  const others = rules.filter(({ options }) => !options.some((option) => option.startsWith('dsize')))
  return { rules: others, talks, segment: 1 + below(random, 40) }
}

describe('random rules over random traffic', () => {
  it.each(TRAFFIC_KINDS)(
    'match alike by every engine and by the documentation: %s',
    (kind) => {
      const tally = { pairs: 0, matches: 0 }
      let written = 0
      let refused = 0
      for (let round = 0; round < ROUNDS; round++) {
        const seed = SEED + round * TRAFFIC_KINDS.length + TRAFFIC_KINDS.indexOf(kind)
        const one = makeCase(kind, seed)
        const loaded = load(one.rules)
        written += one.rules.length
        refused += loaded.refused.length
        const expected = byNaive(loaded, one, tally)
        for (const name of ['native', 'typescript'] as const) {
          if (differences(expected, byEngine(name, loaded, one)).length > 0) {
            expect.fail(report(reduce(one, name), name, seed))
          }
        }
      }
      // The generator must not drift into rules that are refused or never match.
      expect(refused / written).toBeLessThan(0.05)
      expect(tally.matches / tally.pairs).toBeGreaterThan(0.02)
      expect(tally.pairs).toBeGreaterThan(ROUNDS * 5000)
    },
    TIMEOUT,
  )
})
