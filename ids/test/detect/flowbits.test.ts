/** Flowbits, noalert, pass rules, and the order of what one unit brings. */
import { describe, expect, it } from 'vitest'
import { conversation, udpExchange } from '../../../test/support/conversation.js'
import { clientSays, exchange, run, sids } from './harness.js'

const rule = (sid: number, options: string, rest = ''): string =>
  `alert tcp any any -> any any (${options} sid:${sid};${rest})`

const twoTurns = conversation({ serverPort: 7777 })
  .handshake()
  .client('first')
  .server('ok')
  .client('second')
  .close()
  .packets()

describe('flowbits', () => {
  it('carries a bit from one turn to the next, in one flow', () => {
    const rules = [
      rule(1, 'content:"first"; flowbits:set,seen;'),
      rule(2, 'content:"second"; flowbits:isset,seen;'),
    ].join('\n')
    expect(sids(rules, twoTurns)).toEqual([1, 2])
    const apart = [...clientSays('first', 7001), ...clientSays('second', 7002)]
    expect(sids(rules, apart)).toEqual([1])
  })

  it('does not set bits of a rule that does not match wholly', () => {
    const rules = [
      rule(1, 'content:"first"; flowbits:set,seen; content:"no such";'),
      rule(2, 'content:"second"; flowbits:isnotset,seen;'),
    ].join('\n')
    expect(sids(rules, twoTurns)).toEqual([2])
  })

  it('evaluates the rules that set bits before those that check them, within a unit', () => {
    const rules = [
      rule(3, 'content:"first"; flowbits:isset,b;'),
      rule(2, 'content:"first"; flowbits:isset,a; flowbits:set,b; flowbits:noalert;'),
      rule(1, 'content:"first"; flowbits:set,a; flowbits:noalert;'),
    ].join('\n')
    expect(sids(rules, twoTurns)).toEqual([3])
  })

  it.each([
    ['set,a&b', 'isset,a', true],
    ['set,a&b', 'isset,b', true],
    ['set,a', 'isset,a|b', true],
    ['set,a', 'isset,a&b', false],
    ['set,a&b', 'isset,a&b', true],
    ['set,a', 'isnotset,a', false],
    ['set,a', 'isnotset,b', true],
    ['set,a', 'isnotset,a&b', true],
    ['set,a&b', 'isnotset,a&b', false],
    ['toggle,a', 'isset,a', true],
    ['unset,a', 'isset,a', false],
  ] as const)('%s then %s: %s', (change, test, expected) => {
    const rules = [
      rule(1, `content:"first"; flowbits:${change};`),
      rule(2, `content:"second"; flowbits:${test};`),
    ].join('\n')
    expect(sids(rules, twoTurns).includes(2)).toBe(expected)
  })

  it.each([
    ['set,a,g', 'isset,any,g', true],
    ['set,a,g', 'isset,all,g', false],
    ['set,a&b,g', 'isset,all,g', true],
    ['set,a,g', 'isnotset,all,g', true],
    ['set,a,g', 'isnotset,any,g', false],
  ] as const)('of the bits a and b of a group: %s then %s: %s', (change, test, expected) => {
    const rules = [
      rule(1, `content:"first"; flowbits:${change};`),
      rule(2, `content:"second"; flowbits:${test};`),
      rule(3, 'content:"no such"; flowbits:set,a&b,g;'),
    ].join('\n')
    expect(sids(rules, twoTurns).includes(2)).toBe(expected)
  })

  it('sets the bits of a group before it checks the group, within a unit', () => {
    const rules = [
      rule(1, 'content:"first"; flowbits:isset,any,g;'),
      rule(2, 'content:"first"; flowbits:set,a,g; flowbits:noalert;'),
    ].join('\n')
    expect(sids(rules, twoTurns)).toEqual([1])
  })

  it.each([
    // What the request had is searched for no pattern, so that such a rule comes last.
    ['flow:to_client; http_method; content:"UT";', []],
    ['http_stat_code; content:"20";', [2]],
    ['http_raw_body; content:"body";', []],
    ['http_cookie; content:"c=1";', [2]],
  ] as const)('sets a bit by %s before or after a rule on the head checks it', (options, expected) => {
    const rules = [
      `alert tcp any any -> any any (${options} flowbits:set,b; flowbits:noalert; sid:1;)`,
      'alert tcp any any -> any any (flow:to_client; http_header; content:"Server"; flowbits:isset,b; sid:2;)',
    ].join('\n')
    const response = 'HTTP/1.1 200 OK\r\nServer: s\r\nSet-Cookie: c=1\r\nContent-Length: 4\r\n\r\nbody'
    const packets = exchange('PUT / HTTP/1.1\r\nHost: h\r\n\r\n', response)
    expect(sids(rules, packets, { dialect: 'snort3' })).toEqual(expected)
  })

  it('unsets, toggles and resets', () => {
    const three = conversation({ serverPort: 7777 })
      .handshake()
      .client('one')
      .server('x')
      .client('two')
      .server('x')
    const packets = three.client('three').close().packets()
    for (const [change, left] of [
      ['unset,a', [1, 2]],
      ['toggle,a', [1, 2]],
      ['reset', [1, 2]],
      ['set,b', [1, 2, 3]],
    ] as const) {
      const rules = [
        rule(1, 'content:"one"; flowbits:set,a;'),
        rule(2, `content:"two"; flowbits:${change};`),
        rule(3, 'content:"three"; flowbits:isset,a;'),
      ].join('\n')
      expect(sids(rules, packets), change).toEqual(left)
    }
  })

  it('works on UDP', () => {
    const packets = udpExchange([
      ['client', 'first'],
      ['server', 'second'],
    ])
    const rules =
      'alert udp any any -> any any (content:"first"; flowbits:set,u; flowbits:noalert; sid:1;)\n' +
      'alert udp any any -> any any (content:"second"; flowbits:isset,u; sid:2;)'
    expect(sids(rules, packets)).toEqual([2])
  })

  it('keeps many bits apart', () => {
    const rules = Array.from({ length: 70 }, (_, i) =>
      rule(i + 1, `content:"first"; flowbits:set,bit${i}; flowbits:noalert;`),
    )
    rules.push(
      rule(100, 'content:"second"; flowbits:isset,bit69; flowbits:isset,bit31; flowbits:isset,bit32;'),
    )
    rules.push(
      rule(101, 'content:"second"; flowbits:isset,bit70;'),
      rule(102, 'content:"nowhere"; flowbits:set,bit70;'),
    )
    expect(sids(rules.join('\n'), twoTurns)).toEqual([100])
  })
})

describe('what one unit brings', () => {
  it('reports by the length of the pattern, then the higher sid', () => {
    const rules = [
      rule(9, 'content:"fir"; priority:1;'),
      rule(4, 'content:"first"; priority:3;'),
      rule(7, 'content:"first"; priority:1;'),
      rule(10, 'dsize:>0; priority:1;'),
    ].join('\n')
    const { alerts } = run(rules, twoTurns.slice(0, 4))
    expect(alerts.filter(({ fromStream }) => fromStream).map(({ sid }) => sid)).toEqual([7, 4, 9])
  })

  it('reports by priority, then gid and sid, when told to', () => {
    const rules = [
      rule(9, 'content:"first"; priority:2;'),
      rule(4, 'content:"first"; priority:3;'),
      rule(7, 'content:"first"; priority:1;'),
      rule(3, 'content:"first"; priority:2;'),
      rule(8, 'content:"first"; priority:2; gid:0;').replace('gid:0;', 'gid:3;'),
    ].join('\n')
    const detect = { eventQueue: { orderEvents: 'priority' } } as const
    expect(sids(rules, twoTurns, { detect })).toEqual([7, 3, 9, 8, 4])
  })

  it('reports the first action that has a match: drop before alert, alert before log', () => {
    const rules = [
      rule(1, 'content:"first";').replace('alert', 'log'),
      rule(2, 'content:"first";'),
      rule(3, 'content:"first";').replace('alert', 'drop'),
    ].join('\n')
    const { alerts, inspector } = run(rules, twoTurns)
    expect(alerts.map(({ sid }) => sid)).toEqual([3])
    expect(inspector.counters.outranked).toBe(2)
    const all = { detect: { eventQueue: { processAllEvents: true } } }
    expect(sids(rules, twoTurns, all)).toEqual([3, 2, 1])
    const order = ['log', 'alert'] as const
    expect(sids(rules, twoTurns, { detect: { eventQueue: { actionOrder: order } } })).toEqual([1])
  })

  it('reports nothing of a unit that a pass rule matches', () => {
    const rules = [
      rule(1, 'content:"first";'),
      rule(2, 'content:"first";').replace('alert', 'pass'),
      rule(3, 'content:"second";'),
    ]
    const { alerts, inspector } = run(rules.join('\n'), twoTurns)
    expect(alerts.map(({ sid }) => sid)).toEqual([3])
    expect(inspector.counters.passed).toBe(2)
  })

  it('alerts once however often a content occurs, and again in the next turn', () => {
    const packets = conversation({ serverPort: 7777 })
      .handshake()
      .client('spam spam spam')
      .server('x')
      .client('spam')
    expect(sids(rule(1, 'content:"spam";'), packets.close().packets())).toEqual([1, 1])
  })

  it('counts alerts and tries by rule', () => {
    const { inspector, engine } = run(
      [rule(1, 'content:"first";'), rule(2, 'content:"nowhere";')].join('\n'),
      twoTurns,
    )
    const by = (counts: Readonly<Float64Array>): Record<number, number> =>
      Object.fromEntries(engine.rules.map(({ sid }, i) => [sid, counts[i]!]))
    expect(by(inspector.alertsOf)).toEqual({ 1: 1, 2: 0 })
    expect(by(inspector.triesOf)).toEqual({ 1: 1, 2: 0 })
  })

  it('fills every field of the record', () => {
    const talk = conversation({
      client: '10.9.8.7',
      server: '10.0.0.2',
      clientPort: 4321,
      serverPort: 7777,
      start: 1_700_000_000,
      vlans: [12],
    })
    const { alerts } = run(
      rule(1, 'flow:to_server; content:"first";'),
      talk.handshake().client('first').server('ok').close().packets(),
    )
    expect(alerts).toHaveLength(1)
    expect(alerts[0]!.record).toMatchObject({
      seconds: 1_700_000_000,
      protocol: 6,
      ipVersion: 4,
      sourceAddress: '10.9.8.7',
      destinationAddress: '10.0.0.2',
      sourcePort: 4321,
      destinationPort: 7777,
      direction: 'C2S',
      vlan: 12,
      fromStream: true,
      service: 'unknown',
      flowStart: 1_700_000_000_000_000,
      http: undefined,
    })
    expect(alerts[0]!.record.flowId).toBeGreaterThanOrEqual(0)
    expect(alerts[0]!.record.packetsToServer).toBeGreaterThan(2)
    expect(alerts[0]!.record.bytesToServer).toBeGreaterThan(100)
    expect(alerts[0]!.payload).toBe('first')
  })
})
