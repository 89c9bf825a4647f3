/** Actions of rules: taken inline, talked about otherwise. */

import { createStack } from '@weir/stack'
import { describe, expect, it } from 'vitest'
import {
  type CapturedFrame,
  conversation,
  feed,
  fragment,
  type TestPacket,
  udpExchange,
} from '../../../test/support/conversation.js'
import type { DetectSettings } from '../../src/detect/settings.js'
import { makeEngine } from './harness.js'

const rule = (action: string, options: string, sid = 1): string =>
  `${action} tcp any any -> any any (${options} sid:${sid};)`

const evil = conversation({ serverPort: 7777 })
  .handshake()
  .client('good')
  .client('evil')
  .server('ok')
  .client('more evil')
  .close()
  .packets()

interface Result {
  /** `packet:sid word`, in order. */
  readonly alerts: readonly string[]
  readonly dropped: number
  readonly counters: {
    readonly droppedPackets: number
    readonly blockedFlows: number
    readonly lateActions: number
  }
  readonly stack: ReturnType<typeof createStack>
}

function inspect(
  rules: string,
  packets: readonly CapturedFrame[],
  detect: Partial<DetectSettings> = { inline: true },
): Result {
  const engine = makeEngine(rules, { detect })
  const stack = createStack({})
  const alerts: string[] = []
  const inspector = engine.attach(stack, {
    alert: ({ packetNumber, rule: { sid }, disposition }) =>
      alerts.push(`${packetNumber}:${sid} ${disposition}`),
    flush: async () => {},
    close: async () => {},
  })
  feed(stack, packets)
  stack.finish()
  const { counters } = inspector
  return { alerts, dropped: stack.counters.droppedPackets, counters, stack }
}

describe('a passive sensor', () => {
  it.each([
    ['drop', 'would_drop'],
    ['block', 'would_block'],
    ['reject', 'would_reset'],
  ])('says what %s would do, and looks on', (action, word) => {
    const { alerts, dropped } = inspect(rule(action, 'content:"evil";'), evil, {})
    expect(alerts.map((one) => one.split(' ')[1])).toEqual([word, word])
    expect(dropped).toBe(0)
  })
})

describe('an inline sensor', () => {
  it('drops the packet, not the flow', () => {
    const { alerts, dropped, counters } = inspect(rule('drop', 'content:"evil";'), evil)
    expect(alerts).toEqual(['6:1 drop', '10:1 drop'])
    expect(dropped).toBe(2)
    expect(counters.droppedPackets).toBe(2)
  })

  it('drops the segment that completes what a rule looks for, at once', () => {
    const packets = conversation({ serverPort: 7777, mss: 3 }).handshake().client('xxevilxx').packets()
    const { alerts, dropped } = inspect(rule('drop', 'content:"evil";'), packets)
    expect(alerts).toEqual(['5:1 drop'])
    expect(dropped).toBe(1)
  })

  it('drops a first packet', () => {
    const { dropped } = inspect(rule('drop', 'flags:S;'), evil)
    expect(dropped).toBe(1)
  })

  it.each(['block', 'reject'])('ends the flow: %s', (action) => {
    const { alerts, dropped, counters, stack } = inspect(rule(action, 'content:"evil";'), evil)
    expect(alerts).toHaveLength(1)
    expect(counters.blockedFlows).toBe(1)
    expect(dropped).toBe(evil.length - 5)
    expect(stack.counters.resetFlows).toBe(action === 'reject' ? 1 : 0)
  })

  it('lets other flows be', () => {
    const other = conversation({ clientPort: 4000, serverPort: 7777, start: 50 })
      .handshake()
      .client('evil')
      .close()
      .packets()
    const { alerts } = inspect(rule('block', 'content:"evil";'), [...evil, ...other])
    expect(alerts).toHaveLength(2)
  })

  it('drops datagrams', () => {
    const datagrams = udpExchange([
      ['client', 'evil'],
      ['client', 'good'],
    ])
    const { dropped } = inspect('drop udp any any -> any any (content:"evil"; sid:1;)', datagrams)
    expect(dropped).toBe(1)
  })

  it('drops what is not reported, too: sdrop, suppressed and filtered rules', () => {
    const drop = rule('drop', 'content:"evil";')
    const suppressions = [{ gid: 1, sid: 1, track: undefined, addresses: undefined }]
    expect(inspect(rule('sdrop', 'content:"evil";'), evil)).toMatchObject({ alerts: [], dropped: 2 })
    expect(inspect(drop, evil, { inline: true, suppressions })).toMatchObject({ alerts: [], dropped: 2 })
    const limit = { gid: 1, sid: 1, type: 'limit', track: 'by_rule', count: 1, seconds: 60 } as const
    const filtered = inspect(drop, evil, { inline: true, eventFilters: [limit] })
    expect(filtered).toMatchObject({ alerts: ['6:1 drop'], dropped: 2 })
  })

  it('does not drop what a detection_filter does not count yet', () => {
    const counted = rule('drop', 'content:"evil"; detection_filter:track by_src, count 1, seconds 60;')
    expect(inspect(counted, evil)).toMatchObject({ alerts: ['10:1 drop'], dropped: 1 })
  })

  it('takes the action a rate_filter gives', () => {
    const rateFilters = [
      {
        gid: 1,
        sid: 1,
        track: 'by_src',
        count: 1,
        seconds: 60,
        newAction: 'drop',
        timeout: 0,
        applyTo: undefined,
      },
    ] as const
    const result = inspect(rule('alert', 'content:"evil";'), evil, { inline: true, rateFilters })
    expect(result).toMatchObject({ alerts: ['6:1 allow', '10:1 drop'], dropped: 1 })
  })

  it('takes the first action only', () => {
    const rules = [rule('drop', 'content:"evil";'), rule('pass', 'content:"evil";', 2)].join('\n')
    expect(inspect(rules, evil)).toMatchObject({ alerts: [], dropped: 0 })
  })

  it('cannot drop what a timeout releases', () => {
    const packets = conversation({ serverPort: 7777 }).handshake().client('evil').packets()
    const { counters } = inspect(rule('drop', 'content:"evil"; flow:only_stream;'), packets)
    expect(counters.droppedPackets + counters.lateActions).toBe(1)
  })
})

describe('bytes that are sent again with other content', () => {
  const both = [
    rule('alert', 'flow:no_stream; content:"EVIL";', 1),
    rule('alert', 'flow:no_stream; content:"GOOD";', 2),
    rule('alert', 'flow:only_stream; content:"EVIL";', 3),
    rule('alert', 'flow:only_stream; content:"GOOD";', 4),
  ].join('\n')
  const talk = (later: string): readonly CapturedFrame[] => {
    const start = conversation({ serverPort: 7777, acks: false }).handshake()
    const seq = start.seq('client')
    return start.client('xGOODx').segment('client', { seq, payload: later }).ack('server').packets()
  }

  it('are made what they were', () => {
    const { alerts, dropped } = inspect(both, talk('xEVILx'))
    expect(alerts).toEqual(['4:2 allow', '4:4 allow', '5:2 allow'])
    expect(dropped).toBe(0)
  })

  it('also when only some of them were there', () => {
    const packets = talk('xEVILxEVIL')
    const { alerts } = inspect(both, packets)
    expect(alerts).toEqual(['4:2 allow', '4:4 allow', '5:2 allow', '5:1 allow', '5:3 allow'])
    expect(Buffer.from(packets[4]!.frame).includes('xGOODxEVIL')).toBe(true)
  })

  it('stay what they are for a passive sensor', () => {
    const { alerts } = inspect(both, talk('xEVILx'), {})
    expect(alerts).toContain('5:1 allow')
  })

  it('are held back in fragments, which cannot be changed', () => {
    const packets = talk('xEVILx').map((packet) => packet as TestPacket)
    const { dropped } = inspect(both, [...packets.slice(0, 4), ...fragment(packets.slice(4, 5), 8)])
    expect(dropped).toBeGreaterThan(0)
  })
})
