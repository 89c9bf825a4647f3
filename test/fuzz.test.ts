/**
 * Differential fuzzing: random rules over random traffic, by Hyperscan and PCRE2, by the TypeScript engines, and by a
 * naive evaluator that knows the documentation of the options and nothing of detection. The three must agree on every
 * pair of a rule and something said.
 *
 * WEIR_FUZZ_SEED sets another seed, WEIR_FUZZ_ROUNDS another number of rounds (default 12 per kind of traffic, fewer for protocols). A
 * difference is reported with its seed, reduced to the options, the words and the bytes that are needed for it.
 */
import { createStack } from '@weir/stack'
import { describe, expect, it } from 'vitest'
import { createEngine, createEngines, loadRules, type Rule } from 'weir'
import { feed, randomFrom } from './support/conversation.js'
import type { NaiveOption, NaiveRule } from './support/naive-model.js'
import { naiveParse } from './support/naive-parse.js'
import { PROTOCOL_KINDS } from './support/naive-protocols.js'
import { FlowBits, type NaiveUnit, naiveMatch } from './support/naive-rule.js'
import {
  below,
  chance,
  clientIndex,
  isProtocolKind,
  makeTalk,
  packetsOf,
  type Sending,
  type Talk,
  TRAFFIC_KINDS,
  type TrafficKind,
  type Turn,
  transportOf,
  turnOf,
  unitsOf,
} from './support/naive-traffic.js'
import { twinOf } from './support/naive-twin.js'
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
  readonly sending: Sending
  readonly rules: readonly WrittenRule[]
  readonly talks: readonly Talk[]
}

interface Loaded {
  readonly rules: readonly Rule[]
  /** The same rules, read anew. */
  readonly naive: readonly NaiveRule[]
  readonly refused: readonly string[]
}

function load(rules: readonly WrittenRule[]): Loaded {
  const loaded: Rule[] = []
  const naive: NaiveRule[] = []
  const refused: string[] = []
  for (const dialect of ['snort2', 'snort3'] as const) {
    const texts = new Map(
      rules.flatMap((rule, i) => (rule.dialect === dialect ? [[i + 1, ruleText(rule, i + 1)] as const] : [])),
    )
    const text = [...texts.values()].join('\n')
    const result = loadRules({ files: [{ path: `${dialect}.rules`, text, dialect }] })
    loaded.push(...result.rules)
    naive.push(...result.rules.map(({ sid }) => naiveParse(texts.get(sid)!, dialect)))
    for (const { severity, message } of result.problems) if (severity === 'error') refused.push(message)
  }
  const bySid = (a: { readonly sid: number }, b: { readonly sid: number }): number => a.sid - b.sid
  return { rules: loaded.sort(bySid), naive: naive.sort(bySid), refused }
}

/** Alerts as `talk direction rule`, with how often each came. */
type Alerts = Map<string, number>

function count(alerts: Alerts, talk: number, toServer: boolean, sid: number): void {
  const key = `talk ${talk} ${toServer ? 'to server' : 'to client'} rule ${sid}`
  alerts.set(key, (alerts.get(key) ?? 0) + 1)
}

function byEngine(name: EngineName, { rules }: Loaded, { talks, sending }: Case): Alerts {
  const engine = createEngine({
    rules,
    matcherEngine: engines[name].matcher,
    regexEngine: engines[name].regex,
    settings: { eventQueue: { maxQueue: rules.length + 1, log: rules.length + 1 }, warmUpPorts: [] },
  })
  expect(engine.problems).toEqual([])
  const alerts: Alerts = new Map()
  const stack = createStack({ maxFlows: 64 })
  const inspector = engine.attach(stack, {
    alert: (record) => {
      const toServer = record.sourceAddress.startsWith('10.1.')
      const client = clientIndex(toServer ? record.sourceAddress : record.destinationAddress)
      count(alerts, client, toServer, record.rule.sid)
    },
    flush: async () => {},
    close: async () => {},
  })
  for (const [i, talk] of talks.entries()) feed(stack, packetsOf(talk, i, sending))
  stack.finish()
  expect(inspector.counters.stepLimit + inspector.counters.pcreLimit).toBe(0)
  engine.close()
  return alerts
}

const isCheck = (option: NaiveOption): boolean =>
  option.kind === 'flowbits' && (option.action === 'isset' || option.action === 'isnotset')

/** Rules that change bits before those that check them. */
function level({ options }: NaiveRule): number {
  const checked = options.flatMap((option) =>
    option.kind === 'flowbits' && isCheck(option)
      ? option.names.map((name) => Number(/\d/.exec(option.group ?? name)![0]) + 1)
      : [],
  )
  return Math.max(0, ...checked)
}

/** Buffers and numbers of the head of a message. */
const HEAD =
  /^(?:request )?http_(?:(?:raw_)?(?:uri|header|cookie|request|status)|method|stat_code|stat_msg|version|true_ip|param)\b/
const UNSEARCHED =
  /^(?:request |base64_data|http_raw_cookie|http_version|http_raw_(?:request|status|body|trailer)|http_true_ip|http_param)/

/**
 * The step in which Snort 3 tries a rule on a message: heads before bodies, and in each of them rules woken by a pattern
 * that check no bits, woken rules that do, rules without a pattern.
 */
function stepOf({ options }: NaiveRule): number {
  const read = options.flatMap((option) => ('buffer' in option ? [option.buffer] : []))
  const woken = options.some(
    (option) => option.kind === 'content' && !option.negated && !UNSEARCHED.test(option.buffer),
  )
  const step = !woken ? 2 : options.some(isCheck) ? 1 : 0
  return read.length > 0 && read.every((buffer) => HEAD.test(buffer)) ? step : step + 3
}

const STEPS = 6

/** Rules about the single packets of a connection. */
function isOnPackets({ options }: NaiveRule): boolean {
  return options.some(
    (option) => option.kind === 'dsize' || (option.kind === 'flow' && option.stream === 'no_stream'),
  )
}

/** What is let through of a rule's matches; all talks are within the time that is counted over. */
class NaiveCounts {
  private readonly counts = new Map<string, number>()

  admits({ sid, options }: NaiveRule, unit: NaiveUnit, talk: number): boolean {
    for (const option of options) {
      if (option.kind !== 'detection_filter' && option.kind !== 'threshold') continue
      const whose =
        { by_src: unit.source, by_dst: unit.destination }[option.track as 'by_src'] ?? `flow ${talk}`
      const key = `${sid} ${whose}`
      const matches = (this.counts.get(key) ?? 0) + 1
      this.counts.set(key, matches)
      if (option.kind === 'detection_filter') return matches > option.count
      if (option.type === 'limit') return matches <= option.count
      return option.type === 'both' ? matches === option.count : matches % option.count === 0
    }
    return true
  }
}

interface Tally {
  /** Of a rule and something it was tried on. */
  pairs: number
  matches: number
}

function byNaive({ naive }: Loaded, one: Case, tally: Tally = { pairs: 0, matches: 0 }): Alerts {
  const alerts: Alerts = new Map()
  const ordered = Array.from({ length: STEPS * (BIT_LEVELS + 1) }, (_, i) =>
    naive.filter((rule) => stepOf(rule) * (BIT_LEVELS + 1) + level(rule) === i),
  ).flat()
  const onPackets = new Set(ordered.filter(isOnPackets))
  const counts = new NaiveCounts()
  one.talks.forEach((talk, i) => {
    const bits = new FlowBits(naive)
    const protocol = transportOf(talk.kind)
    const stream = protocol === 'tcp' && !isProtocolKind(talk.kind)
    for (const turn of talk.turns) {
      for (const unit of unitsOf(talk, i, turn, one.sending)) {
        for (const rule of ordered) {
          const sees = !stream || (unit.packet !== undefined) === onPackets.has(rule)
          if (![protocol, 'ip'].includes(rule.header.protocol) || !sees) continue
          tally.pairs++
          if (!naiveMatch(rule, unit, bits)) continue
          tally.matches++
          if (!counts.admits(rule, unit, i)) continue
          bits.change(rule)
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

/** One thing left out in each, or not cut at all. */
function* smallerCases({ sending, ...whole }: Case): Generator<Case> {
  if (sending.shuffled !== undefined) yield { sending: { ...sending, shuffled: undefined }, ...whole }
  if (sending.segment < WHOLE) yield { sending: { ...sending, segment: WHOLE }, ...whole }
  for (const smaller of smallerParts(whole)) yield { sending, ...smaller }
}

type Parts = Pick<Case, 'rules' | 'talks'>

function* smallerParts({ rules, talks }: Parts): Generator<Parts> {
  for (let size = rules.length >> 1; size >= 1; size >>= 1) {
    for (let i = 0; i + size <= rules.length; i += size) yield { rules: without(rules, i, size), talks }
  }
  for (let i = 0; talks.length > 1 && i < talks.length; i++) yield { rules, talks: without(talks, i) }
  for (const [t, talk] of talks.entries()) {
    const set = (turns: readonly Turn[]): Parts => ({ rules, talks: replaced(talks, t, { ...talk, turns }) })
    // By turns, or two of them would be one.
    for (let i = 0; talk.turns.length > 2 && i + 2 <= talk.turns.length; i += 2)
      yield set(without(talk.turns, i, 2))
    if (talk.kind === 'http' || isProtocolKind(talk.kind)) continue
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
      const rest = without(rule.options, i)
      if (!rest.some((option) => /^(?:content:"|sip_|ssl_|dce_|dnp3_|modbus_)/.test(option))) continue
      yield { rules: replaced(rules, r, { ...rule, options: rest }), talks }
    }
  }
}

function report(reduced: Case, name: EngineName, seed: number): string {
  const { segment, shuffled } = reduced.sending
  const order = shuffled === undefined ? 'in order' : 'shuffled'
  const lines = [`seed ${seed}, ${name} engines, segments of ${segment} bytes ${order}; reduced to:`]
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
  const rules = talks.flatMap((talk) => Array.from({ length: RULES_PER_TALK }, () => writeRule(random, talk)))
  const sending: Sending = {
    segment: chance(random, 0.5) ? WHOLE : 1 + below(random, 40),
    shuffled: chance(random, 0.3) ? seed : undefined,
  }
  // Packets that come in another order, or twice, are for rules on streams.
  const onPackets = /(?:^| )(?:dsize:|flow:no_stream)/
  const others =
    sending.shuffled === undefined ? rules : rules.filter(({ options }) => !onPackets.test(options.join(' ')))
  return { rules: others, talks, sending }
}

const KINDS: readonly TrafficKind[] = [...TRAFFIC_KINDS, ...PROTOCOL_KINDS]
/** Options on messages of protocols have few forms. */
const roundsOf = (kind: TrafficKind): number => (isProtocolKind(kind) ? Math.ceil(ROUNDS / 6) : ROUNDS)

describe('random rules over random traffic', () => {
  it.each(KINDS)(
    'match alike by every engine and by the documentation: %s',
    (kind) => {
      const rounds = roundsOf(kind)
      const tally = { pairs: 0, matches: 0 }
      let written = 0
      let refused = 0
      for (let round = 0; round < rounds; round++) {
        const seed = SEED + round * TRAFFIC_KINDS.length + KINDS.indexOf(kind)
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
      expect(tally.matches / tally.pairs).toBeGreaterThan(0.01)
      expect(tally.pairs).toBeGreaterThan(rounds * 4000)
    },
    TIMEOUT,
  )

  it.each(TRAFFIC_KINDS)(
    'match alike in both dialects: %s',
    (kind) => {
      let pairs = 0
      let matches = 0
      for (let round = 0; round < ROUNDS; round++) {
        const seed = SEED + round * TRAFFIC_KINDS.length + TRAFFIC_KINDS.indexOf(kind)
        const { rules, ...rest } = makeCase(kind, seed)
        const both = rules.flatMap((rule) => {
          const twin = twinOf(rule, kind === 'http')
          return twin === undefined ? [] : [rule, twin]
        })
        const one = { ...rest, rules: both }
        const loaded = load(both)
        const alerts = byEngine(round % 2 === 0 ? 'native' : 'typescript', loaded, one)
        const sidsOf = (odd: number): Alerts =>
          new Map(
            [...alerts].flatMap(([key, times]) => {
              const [, before, sid] = /^(.* )(\d+)$/.exec(key)!
              const pair = Number(sid) + (Number(sid) % 2)
              return Number(sid) % 2 === odd ? [[`${before}${pair}`, times]] : []
            }),
          )
        const known = new Set(loaded.rules.map(({ sid }) => sid))
        for (const line of differences(sidsOf(1), sidsOf(0))) {
          const sid = Number(/rule (\d+)/.exec(line)![1])
          // One that is refused has no twin.
          if (!known.has(sid) || !known.has(sid - 1)) continue
          const texts = [sid - 1, sid].map((number) => ruleText(both[number - 1]!, number))
          expect.fail(`seed ${seed}: ${line}\n${texts.join('\n')}`)
        }
        pairs += both.length / 2
        matches += alerts.size / 2
      }
      expect(pairs).toBeGreaterThan(ROUNDS * 2)
      expect(matches).toBeGreaterThan(ROUNDS)
    },
    TIMEOUT,
  )
})
