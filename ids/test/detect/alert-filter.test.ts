/** detection_filter, threshold, event_filter, suppress: counted by rule and address, in packet time. */
import { describe, expect, it } from 'vitest'
import { conversation, merge } from '../../../test/support/conversation.js'
import { makeItem } from '../../src/cli/alert-item.js'
import { AlertDelivery } from '../../src/cli/delivery.js'
import { AlertFilter, type AlertFilterSettings, OUTCOME } from '../../src/detect/alert-filter.js'
import { Counters } from '../../src/detect/counters.js'
import { type AlertComposer, AlertOutputs } from '../../src/output/index.js'
import { parseNetwork } from '../../src/rules/index.js'
import type { RateOption } from '../../src/rules/model.js'
import { makeEngine, run, runEngine } from './harness.js'
import { makeRule } from './rules.js'

function filterOf(settings: Partial<AlertFilterSettings> = {}): { filter: AlertFilter; counters: Counters } {
  const counters = new Counters()
  const all = { eventFilters: [], suppressions: [], rateFilters: [], maxFilterStates: 100, ...settings }
  return { filter: new AlertFilter(all, counters), counters }
}

function rate(
  kind: RateOption['kind'],
  type: RateOption['type'],
  count: number,
  seconds: number,
  track: RateOption['track'] = 'by_src',
) {
  return makeRule([{ kind, type, track, count, seconds }])
}

function matchOf(sourceAddress: string, destinationAddress: string, seconds: number, flowKey = '') {
  return { sourceAddress, destinationAddress, seconds, flowKey }
}

function accepts(
  filter: AlertFilter,
  rule: ReturnType<typeof makeRule>,
  ...match: Parameters<typeof matchOf>
): boolean {
  const one = matchOf(...match)
  return filter.admits(rule, one) && filter.report(rule, one) === OUTCOME.REPORTED
}

/** Which of the matches at these seconds are reported. */
function reported(
  rule: ReturnType<typeof makeRule>,
  times: readonly number[],
  settings: Partial<AlertFilterSettings> = {},
): number[] {
  const { filter } = filterOf(settings)
  return times.filter((time) => accepts(filter, rule, '10.0.0.1', '10.0.0.2', time))
}

describe('windows', () => {
  it('detection_filter reports what comes after the first `count`, in one window', () => {
    expect(reported(rate('detection_filter', undefined, 3, 60), [0, 1, 2, 3, 4])).toEqual([3, 4])
    expect(reported(rate('detection_filter', undefined, 3, 2), [0, 1, 10, 11, 20, 21])).toEqual([])
    // The window before was over the limit and has just ended: still over.
    expect(reported(rate('detection_filter', undefined, 2, 10), [0, 1, 2, 11, 12])).toEqual([2, 11, 12])
    expect(reported(rate('detection_filter', undefined, 2, 10), [0, 1, 2, 40, 41, 42])).toEqual([2, 42])
  })

  it('limit reports the first `count` of each window', () => {
    expect(reported(rate('threshold', 'limit', 2, 10), [0, 1, 2, 9, 10, 11, 12])).toEqual([0, 1, 10, 11])
  })

  it('threshold reports every `count`-th', () => {
    expect(reported(rate('threshold', 'threshold', 3, 60), [0, 1, 2, 3, 4, 5, 6])).toEqual([2, 5])
  })

  it('both reports once in each window, at the `count`-th', () => {
    expect(reported(rate('threshold', 'both', 2, 10), [0, 1, 2, 3, 10, 11, 12])).toEqual([1, 11])
  })

  it('event_filter applies to the rule it names, or to the whole gid', () => {
    const rule = makeRule([])
    const limit = { gid: 1, type: 'limit', track: 'by_src', count: 1, seconds: 60 } as const
    expect(reported(rule, [0, 1, 2], { eventFilters: [{ ...limit, sid: 1 }] })).toEqual([0])
    expect(reported(rule, [0, 1, 2], { eventFilters: [{ ...limit, sid: 2 }] })).toEqual([0, 1, 2])
    expect(reported(rule, [0, 1, 2], { eventFilters: [{ ...limit, sid: 0 }] })).toEqual([0])
    const exempt = { ...limit, sid: 1, count: -1 }
    expect(reported(rule, [0, 1, 2], { eventFilters: [{ ...limit, sid: 0 }, exempt] })).toEqual([0, 1, 2])
  })
})

describe('rate_filter', () => {
  const rateOf = (changes: object) => ({
    gid: 1,
    sid: 1,
    track: 'by_src' as const,
    count: 2,
    seconds: 10,
    newAction: 'drop' as const,
    timeout: 5,
    applyTo: undefined,
    ...changes,
  })
  /** Action of the matches at these seconds. */
  const actions = (times: readonly number[], changes: object = {}, settings = {}): string[] => {
    const { filter } = filterOf({ rateFilters: [rateOf(changes)], ...settings })
    const rule = makeRule([])
    return times.map((time) => {
      const outcome = filter.report(rule, matchOf('10.0.0.1', '10.0.0.2', time))
      return outcome === OUTCOME.REPORTED ? filter.action : `(${filter.action})`
    })
  }

  it('changes the action beyond the count, until the timeout', () => {
    expect(actions([0, 1, 2, 3, 20, 21])).toEqual(['alert', 'alert', 'drop', 'drop', 'alert', 'alert'])
  })

  it('lasts while the rate does', () => {
    expect(actions([0, 1, 2, 3, 8, 9])).toEqual(['alert', 'alert', 'drop', 'drop', 'drop', 'drop'])
  })

  it('counts from the beginning when no seconds are given, and for ever without a timeout', () => {
    const for_ever = { seconds: 0, timeout: 0 }
    expect(actions([0, 100, 200, 999], for_ever)).toEqual(['alert', 'alert', 'drop', 'drop'])
  })

  it('may pass what matches', () => {
    expect(actions([0, 1, 2], { newAction: 'pass' })).toEqual(['alert', 'alert', '(pass)'])
  })

  it('is for some addresses only', () => {
    const applyTo = { any: false, include: [parseNetwork('10.0.0.2/32')!], exclude: [] }
    expect(actions([0, 1, 2], { applyTo })).toEqual(['alert', 'alert', 'alert'])
    expect(actions([0, 1, 2], { applyTo, track: 'by_dst' })).toEqual(['alert', 'alert', 'drop'])
  })

  it('reports the match that trips it, whatever an event_filter says', () => {
    const eventFilters = [
      { gid: 1, sid: 1, type: 'limit' as const, track: 'by_rule' as const, count: 1, seconds: 60 },
    ]
    expect(actions([0, 1, 2, 3], {}, { eventFilters })).toEqual(['alert', '(alert)', 'drop', '(drop)'])
  })

  it('forgets the oldest state when the table is full, and counts it', () => {
    const { filter, counters } = filterOf({ rateFilters: [rateOf({})], maxFilterStates: 2 })
    for (let i = 0; i < 5; i++) filter.report(makeRule([]), matchOf(`10.0.0.${i}`, '10.0.1.1', 1))
    expect(filter.states).toBe(2)
    expect(counters.filterTableLimit).toBe(3)
  })
})

describe('track', () => {
  const pairs = [
    ['10.0.0.1', '10.0.0.2', 'a'],
    ['10.0.0.2', '10.0.0.1', 'a'],
    ['10.0.0.1', '10.0.0.3', 'b'],
    ['10.0.0.1', '10.0.0.2', 'c'],
  ] as const

  it.each([
    ['by_src', [true, true, false, false]],
    ['by_dst', [true, true, true, false]],
    ['by_rule', [true, false, false, false]],
    ['by_flow', [true, false, true, true]],
    ['by_both', [true, false, true, false]],
  ] as const)('%s', (track, expected) => {
    const { filter } = filterOf()
    const rule = rate('threshold', 'limit', 1, 60, track)
    expect(
      pairs.map(([source, destination, flow]) => accepts(filter, rule, source, destination, 1, flow)),
    ).toEqual(expected)
  })
})

describe('addresses', () => {
  it('counts each address by itself', () => {
    const { filter } = filterOf()
    const bySource = rate('threshold', 'limit', 1, 60)
    expect(accepts(filter, bySource, '10.0.0.1', '10.0.0.9', 1)).toBe(true)
    expect(accepts(filter, bySource, '10.0.0.2', '10.0.0.9', 1)).toBe(true)
    expect(accepts(filter, bySource, '10.0.0.1', '10.0.0.8', 1)).toBe(false)
    const byDestination = rate('threshold', 'limit', 1, 60, 'by_dst')
    expect(accepts(filter, byDestination, '10.0.0.1', '10.0.0.9', 1)).toBe(true)
    expect(accepts(filter, byDestination, '10.0.0.2', '10.0.0.9', 1)).toBe(false)
  })

  it('suppresses by rule, source or destination', () => {
    const network = { any: false, include: [parseNetwork('10.0.0.0/24')!], exclude: [] }
    const rule = makeRule([])
    const of = (suppression: object) =>
      filterOf({ suppressions: [{ gid: 1, sid: 1, track: undefined, addresses: undefined, ...suppression }] })
        .filter
    expect(accepts(of({}), rule, '10.0.0.1', '10.1.0.1', 1)).toBe(false)
    expect(accepts(of({ sid: 2 }), rule, '10.0.0.1', '10.1.0.1', 1)).toBe(true)
    expect(accepts(of({ track: 'by_src', addresses: network }), rule, '10.0.0.1', '10.1.0.1', 1)).toBe(false)
    expect(accepts(of({ track: 'by_src', addresses: network }), rule, '10.1.0.1', '10.0.0.1', 1)).toBe(true)
    expect(accepts(of({ track: 'by_dst', addresses: network }), rule, '10.1.0.1', '10.0.0.1', 1)).toBe(false)
    expect(accepts(of({ track: 'by_dst', addresses: network }), rule, '10.1.0.1', '2001:db8::1', 1)).toBe(
      true,
    )
  })

  it('forgets the oldest state when the table is full, and counts it', () => {
    const { filter, counters } = filterOf({ maxFilterStates: 3 })
    const rule = rate('threshold', 'limit', 1, 60)
    for (let i = 0; i < 10; i++) accepts(filter, rule, `10.0.0.${i}`, '10.1.0.1', 1)
    expect(filter.states).toBe(3)
    expect(counters.filterTableLimit).toBe(7)
    expect(accepts(filter, rule, '10.0.0.9', '10.1.0.1', 1)).toBe(false)
    expect(accepts(filter, rule, '10.0.0.0', '10.1.0.1', 1)).toBe(true)
  })
})

describe('in an inspector', () => {
  const scans = merge(
    ...Array.from({ length: 6 }, (_, i) =>
      conversation({ clientPort: 2000 + i, serverPort: 7777, start: 100 + i })
        .handshake()
        .client('probe')
        .close()
        .packets(),
    ),
  )
  const RULE =
    'alert tcp any any -> any 7777 (content:"probe"; detection_filter:track by_src,count 4,seconds 60; sid:1;)'

  it('holds back what the filter does not let through', () => {
    const { alerts, inspector } = run(RULE, scans)
    expect(alerts).toHaveLength(2)
    expect(inspector.counters).toMatchObject({ matches: 6, filtered: 4, alerts: 2 })
  })

  it('leaves a whole unit to the merger when a detection_filter is among its rules', () => {
    const rules = [RULE.replace('alert', 'drop'), 'alert tcp any any -> any 7777 (content:"probe"; sid:2;)']
    const engine = makeEngine(rules.join('\n'), { detect: { deferFilters: true } })
    const { alerts } = runEngine(engine, scans)
    expect(alerts.slice(0, 2).map(({ record }) => record.undecided)).toEqual([2, 1])
    const decided = run(rules.join('\n'), scans).alerts
    expect(decided.map(({ sid }) => sid)).toEqual([2, 2, 2, 2, 1, 1])
    let written = ''
    const outputs = new AlertOutputs({
      formats: ['fast'],
      directory: undefined,
      standardOutput: {
        name: 'memory',
        write: (bytes) => (written += Buffer.from(bytes).toString()),
        close: () => {},
      },
      frameLog: undefined,
      onFailure: () => {},
    })
    const delivery = new AlertDelivery(engine.rules, engine.createGate(), outputs)
    for (const { record } of alerts) {
      const index = engine.rules.indexOf(record.rule)
      const composer = { compose: () => [`${record.rule.sid} `] } as unknown as AlertComposer
      delivery.deliver(makeItem(record, undefined, index, composer, false, []))
    }
    outputs.flush()
    expect(written).toBe('2 2 2 2 1 1 ')
  })

  it('leaves filters to the merger when they are deferred', () => {
    const engine = makeEngine(RULE, { detect: { deferFilters: true } })
    const { alerts } = runEngine(engine, scans)
    expect(alerts).toHaveLength(6)
    const { filter } = engine.createGate()
    const kept = alerts.filter(
      ({ record }) =>
        filter.admits(record.rule, record) && filter.report(record.rule, record) === OUTCOME.REPORTED,
    )
    expect(kept.map(({ packet }) => packet)).toEqual(run(RULE, scans).alerts.map(({ packet }) => packet))
  })
})
