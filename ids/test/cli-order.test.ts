import { Backlog, type ItemOrder, OrderedMerger, STAGE } from '@weir/stack'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type AlertItem, compareItems } from '../src/cli/alert-item.js'
import { AlertDelivery } from '../src/cli/delivery.js'
import { LocalSink } from '../src/cli/local-sink.js'
import { mergeTotals } from '../src/cli/run-totals.js'
import { AlertFilter } from '../src/detect/alert-filter.js'
import { Counters } from '../src/detect/counters.js'
import { DEFAULT_EVENT_QUEUE, EventQueue } from '../src/detect/event-queue.js'
import { DEFAULT_DETECT_SETTINGS } from '../src/detect/settings.js'
import { AlertComposer, AlertOutputs } from '../src/output/index.js'
import { testOptions, testPacket, testRecord, testRule } from './output-support.js'

const RULES = [
  testRule(),
  testRule({
    sid: 2002,
    options: [{ kind: 'threshold', type: 'limit', track: 'by_src', count: 2, seconds: 60 }],
  }),
]

/** A delivery that writes to memory. */
const memoryDelivery = (): { delivery: AlertDelivery; written: () => string } => {
  let text = ''
  const outputs = new AlertOutputs({
    formats: ['fast'],
    directory: undefined,
    standardOutput: {
      name: 'memory',
      write: (bytes) => {
        text += Buffer.from(bytes).toString()
      },
      close: () => {},
    },
    frameLog: undefined,
    onFailure: () => {},
  })
  const counters = new Counters()
  const filter = new AlertFilter(DEFAULT_DETECT_SETTINGS, counters)
  const ranked = RULES.map((rule) => ({ rule, patternLength: 0 }))
  const queue = new EventQueue(ranked, DEFAULT_EVENT_QUEUE, counters)
  return {
    delivery: new AlertDelivery(RULES, { filter, queue }, outputs),
    written: () => {
      outputs.flush()
      return text
    },
  }
}

const item = (changes: Partial<AlertItem>): AlertItem => ({
  packetNumber: 1,
  late: false,
  flowStart: 0,
  flowKey: '',
  rule: 0,
  sourceAddress: '10.0.0.1',
  destinationAddress: '10.0.0.2',
  seconds: 1,
  undecided: 0,
  action: 'alert',
  texts: ['x\n'],
  changed: [],
  frame: undefined,
  ...changes,
})

/** As a worker sends it. */
const placed = (one: AlertItem): readonly [ItemOrder, AlertItem] => {
  const { packetNumber, late, flowStart, flowKey } = one
  return [{ packetNumber, stage: late ? STAGE.LATE : STAGE.PACKET, flowStart, flowKey }, one]
}

describe('the order of alerts', () => {
  it('is that of packets, then own before late, then the start of the flow', () => {
    const sorted = [
      item({ packetNumber: 2, late: true, flowStart: 1 }),
      item({ packetNumber: 2 }),
      item({ packetNumber: 1, late: true, flowStart: 5, flowKey: 'b' }),
      item({ packetNumber: 1, late: true, flowStart: 5, flowKey: 'a' }),
      item({ packetNumber: 1, late: true, flowStart: 4, flowKey: 'z' }),
    ].sort(compareItems)
    expect(
      sorted.map(({ packetNumber, late, flowKey }) => `${packetNumber}${late ? 'late' : 'own'}${flowKey}`),
    ).toEqual(['1latez', '1latea', '1lateb', '2own', '2late'])
  })

  it('is the same whether a run has one thread or several, and so is what filters let through', () => {
    const flows = fc.array(
      fc.record({
        packetNumber: fc.integer({ min: 1, max: 12 }),
        flow: fc.integer({ min: 0, max: 5 }),
        rule: fc.integer({ min: 0, max: 1 }),
        late: fc.boolean(),
      }),
      { maxLength: 60 },
    )
    fc.assert(
      fc.property(
        flows,
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 5 }),
        (alerts, workers, batch) => {
          // One packet belongs to one flow.
          const all = alerts
            .map(({ packetNumber, flow, rule, late }, index) => {
              const own = !late
              const number = own ? packetNumber * 6 + flow : packetNumber * 6
              return {
                flow,
                item: item({
                  packetNumber: number,
                  late,
                  flowStart: own ? 0 : flow >> 1,
                  flowKey: own ? '' : `flow ${flow}`,
                  rule,
                  sourceAddress: `10.0.0.${flow & 1}`,
                  texts: [`${number} ${flow} ${index}\n`],
                }),
              }
            })
            .sort((a, b) => a.item.packetNumber - b.item.packetNumber)
          const single = memoryDelivery()
          for (const one of all.map((entry) => entry.item).sort(compareItems)) single.delivery.deliver(one)

          const several = memoryDelivery()
          const merger = new OrderedMerger<AlertItem>(workers, (one) => several.delivery.deliver(one))
          const lanes = Array.from({ length: workers }, (_, lane) =>
            all.filter(({ flow }) => flow % workers === lane).map((entry) => entry.item),
          )
          // Workers run at their own pace: the first far ahead of the last.
          lanes.forEach((items, lane) => {
            for (let at = 0; at < items.length; at += batch) {
              const part = items.slice(at, at + batch)
              merger.add(lane, part.map(placed), part.at(-1)!.packetNumber)
            }
          })
          merger.finish()
          expect(several.written()).toBe(single.written())
        },
      ),
      { numRuns: 200 },
    )
  })

  it('does not wait for the end: alerts go out once no earlier one can come', () => {
    const { delivery, written } = memoryDelivery()
    const delivered: number[] = []
    const merger = new OrderedMerger<AlertItem>(2, (one, lane) => {
      delivery.deliver(one)
      delivered.push(lane)
    })
    merger.add(0, [placed(item({ packetNumber: 5, texts: ['five\n'] }))], 10)
    expect(written()).toBe('')
    merger.add(1, [], 5)
    expect(written()).toBe('')
    merger.add(1, [placed(item({ packetNumber: 7, texts: ['seven\n'] }))], 7)
    expect(written()).toBe('five\n')
    merger.add(1, [], 12)
    expect(written()).toBe('five\nseven\n')
    expect(delivered).toEqual([0, 1])
  })
})

describe('alerts in one thread', () => {
  const sinkOf = (delivery: AlertDelivery) =>
    new LocalSink(
      { rules: RULES, changedActions: () => [] },
      new AlertComposer(['fast'], testOptions()),
      false,
      delivery,
      testPacket({ number: 7 }),
    )
  const rule = RULES[0]!
  const sources = (text: string): string[] => [...text.matchAll(/\} ([\d.]+):/g)].map((match) => match[1]!)

  it('of flows that ended together come out by the start of their flow', () => {
    const { delivery, written } = memoryDelivery()
    const sink = sinkOf(delivery)
    for (const host of [3, 1, 2]) {
      sink.alert(testRecord({ rule, late: true, sourceAddress: `10.1.0.${host}`, flowStart: host }))
    }
    sink.alert(testRecord({ rule }))
    expect(sources(written())).toEqual(['10.0.0.1'])
    sink.release()
    expect(sources(written())).toEqual(['10.0.0.1', '10.1.0.1', '10.1.0.2', '10.1.0.3'])
  })

  it('that a filter holds back are not written', () => {
    const { delivery, written } = memoryDelivery()
    const sink = sinkOf(delivery)
    for (let count = 0; count < 5; count++) sink.alert(testRecord({ rule: RULES[1]! }))
    expect(sources(written())).toHaveLength(2)
    expect(delivery.total).toBe(2)
    expect(delivery.top(5)).toEqual([[RULES[1], 2]])
  })
})

it('adds up what workers have counted, but packets once', () => {
  const part = {
    packets: 10,
    bytes: 1000,
    flows: 2,
    malformed: [['bad', 1]],
    checksumErrors: 3,
    gaps: 1,
    gapBytes: 5,
    limits: [['full', 1]],
    notes: ['trouble'],
  } as const
  expect(
    mergeTotals([
      part,
      {
        ...part,
        flows: 3,
        malformed: [],
        limits: [
          ['deep', 2],
          ['full', 4],
        ],
      },
    ]),
  ).toEqual({
    ...part,
    flows: 5,
    checksumErrors: 6,
    gaps: 2,
    gapBytes: 10,
    limits: [
      ['full', 5],
      ['deep', 2],
    ],
  })
})

describe('Backlog', () => {
  it('lets a worker go on at once while there is room, or when the run is stopped', () => {
    const backlog = Backlog.create(2)
    const elapsed = (action: () => void): number => {
      const start = performance.now()
      action()
      return performance.now() - start
    }
    backlog.add(1, 100)
    expect(elapsed(() => backlog.wait(1, 100, 2000))).toBeLessThan(500)
    expect(elapsed(() => backlog.wait(1, 99, 50))).toBeGreaterThan(40)
    backlog.remove(1, 1)
    expect(elapsed(() => backlog.wait(1, 99, 2000))).toBeLessThan(500)
    backlog.add(1, 1)
    backlog.stop()
    expect(backlog.stopped).toBe(true)
    expect(elapsed(() => backlog.wait(1, 99, 2000))).toBeLessThan(500)
  })
})
