/** Flows: what makes one, how long it lives, what happens when there are too many. */
import { describe, expect, it } from 'vitest'
import {
  conversation,
  feed,
  fragment,
  LINKTYPE_ETHERNET,
  merge,
  type TestPacket,
  udpExchange,
} from '../../test/support/conversation.js'
import { icmpFrame, TCP_FLAG, tcpFrame } from '../../test/support/frames.js'
import { FlowHasher } from '../src/flow/hash.js'
import {
  CLI,
  createStack,
  type Flow,
  ON_CONN_END,
  ON_CONN_START,
  ON_PKT_IN,
  type Stack,
  type StackOptionsInput,
  SVR,
} from '../src/index.js'
import { record, recorder } from './support/recorder.js'

const { SYN, ACK } = TCP_FLAG

const stackOf = (options: StackOptionsInput = {}): Stack =>
  createStack({ seed: 1, maxFlows: 100, ...options })

/** Starts and ends of flows, with the second they happened in. */
function lives(stack: Stack): string[] {
  const lines: string[] = []
  const socket = stack.monitorStream()
  const name = (flow: Flow) => `${flow.protocol}:${flow.port(CLI)}`
  socket.on(ON_CONN_START, (flow) => lines.push(`${name(flow)} start ${stack.now / 1e6}`))
  socket.on(ON_CONN_END, (flow, end) => lines.push(`${name(flow)} ${end.reason} ${stack.now / 1e6}`))
  return lines
}

function send(stack: Stack, frame: Uint8Array, seconds: number, nanoseconds = 0): void {
  stack.frame(frame, 0, frame.length, frame.length, seconds, nanoseconds, LINKTYPE_ETHERNET, 0)
}

const syn = (port: number): Uint8Array =>
  tcpFrame({
    source: '10.0.0.1',
    destination: '10.0.0.2',
    sourcePort: port,
    destinationPort: 80,
    flags: SYN,
    seq: 1,
  })

describe('flow handle', () => {
  it.each([
    { client: '203.0.113.5', words: [0, 0, 0xffff, 0xcb007105], server: '192.0.2.80', version: 4 },
    { client: '2001:db8::5', words: [0x20010db8, 0, 0, 5], server: '2001:db8:80::1', version: 6 },
  ])('shows addresses, ports, counts and times over IPv$version', ({ client, words, server, version }) => {
    const stack = stackOf()
    const seen: unknown[] = []
    stack.monitorStream().on(ON_CONN_END, (flow) =>
      seen.push(
        flow.ipVersion,
        flow.protocol,
        flow.vlan,
        flow.address(CLI),
        [0, 1, 2, 3].map((word) => flow.addressWord(CLI, word as 0) >>> 0),
        flow.port(CLI),
        flow.address(SVR),
        flow.port(SVR),
        flow.packets(CLI),
        flow.packets(SVR),
        flow.established,
        flow.midstream,
        flow.startTime,
        flow.lastTime,
      ),
    )
    const packets = conversation({ client, server, vlans: [7], start: 1000.5 })
      .handshake()
      .client('x')
      .close()
      .packets()
    feed(stack, packets)
    expect(seen).toEqual([
      ...[version, 6, 7, client, words, 40000, server, 80, 5, 3, true, false],
      ...[1000_500_000, 1000_500_000 + 7 * 100],
    ])
  })

  it('counts the bytes of both sides as they were on the wire', () => {
    const stack = stackOf()
    const bytes: number[] = []
    stack.monitorStream().on(ON_CONN_END, (flow) => bytes.push(flow.bytes(CLI), flow.bytes(SVR)))
    const packets = conversation().handshake().client('hello').server('x'.repeat(3000)).close().packets()
    feed(stack, packets)
    const sum = (from: string) =>
      packets.filter((p) => p.from === from).reduce((n, p) => n + p.frame.length, 0)
    expect(bytes).toEqual([sum('client'), sum('server')])
  })

  it('has a new id whenever a row is used again', () => {
    const stack = stackOf({ maxFlows: 1 })
    const ids = new Set<number>()
    stack.monitorStream().on(ON_CONN_START, (flow) => ids.add(flow.id))
    for (let port = 1; port <= 50; port++) send(stack, syn(port), 1)
    expect(ids.size).toBe(50)
    for (const id of ids) expect(Number.isSafeInteger(id)).toBe(true)
  })
})

describe('key of a flow', () => {
  const starts = (packets: readonly TestPacket[]): number => {
    const stack = stackOf()
    feed(stack, packets)
    return stack.counters.flows
  }

  it('is the 5-tuple in both directions', () => {
    expect(
      starts(
        udpExchange([
          ['client', 'a'],
          ['server', 'b'],
          ['client', 'c'],
        ]),
      ),
    ).toBe(1)
    expect(
      starts([...udpExchange([['client', 'a']]), ...udpExchange([['client', 'a']], { clientPort: 1 })]),
    ).toBe(2)
    expect(
      starts([...udpExchange([['client', 'a']]), ...udpExchange([['client', 'a']], { server: '1.2.3.4' })]),
    ).toBe(2)
  })

  it('tells VLANs apart', () => {
    const lists = [undefined, [1], [2], [1, 2]].map((vlans) =>
      udpExchange([['client', 'a']], vlans ? { vlans } : {}),
    )
    expect(starts(lists.flat())).toBe(3)
  })

  it('keeps a connection to itself in one flow', () => {
    const self = { client: '10.0.0.1', server: '10.0.0.1', clientPort: 5, serverPort: 5 }
    expect(record(conversation(self).handshake().packets())[0]).toBe('start 5>5')
  })
})

describe('flows that are not TCP', () => {
  it('UDP: starts with the first packet, is established by an answer', () => {
    const stack = stackOf()
    const established: boolean[] = []
    stack.monitorStream().on(ON_PKT_IN, (flow) => established.push(flow.established))
    const lines = lives(stack)
    feed(
      stack,
      udpExchange(
        [
          ['client', 'a'],
          ['client', 'b'],
          ['server', 'c'],
        ],
        { start: 50 },
      ),
    )
    stack.finish()
    expect(established).toEqual([false, false, true])
    expect(lines).toEqual(['17:40000 start 50', '17:40000 shutdown 50.0002'])
  })

  it('ICMP: one flow per pair of addresses', () => {
    const stack = stackOf()
    const lines = lives(stack)
    const ends = { source: '10.0.0.1', destination: '10.0.0.2' }
    send(stack, icmpFrame({ ...ends, type: 8 }), 1)
    send(stack, icmpFrame({ source: ends.destination, destination: ends.source, type: 0 }), 2)
    send(stack, icmpFrame({ ...ends, type: 3, code: 1 }), 3)
    stack.finish()
    expect(lines).toEqual(['1:0 start 1', '1:0 shutdown 3'])
    expect(stack.counters.icmpFlows).toBe(1)
  })

  it('fragments are packets of the flow they belong to, once put together', () => {
    const packets = conversation().handshake().client('x'.repeat(3000)).packets()
    const stack = stackOf()
    let seen = 0
    stack.monitorStream().on(ON_PKT_IN, () => seen++)
    feed(stack, fragment(packets, 512))
    expect([stack.counters.flows, stack.counters.tcpFlows, seen]).toEqual([1, 1, packets.length])
  })
})

describe('time-outs', () => {
  it.each([
    ['a SYN without answer', [[syn(9), 100]], 30],
    ['UDP', udpExchange([['client', 'a']], { clientPort: 9, start: 100 }).map((p) => [p.frame, 100]), 30],
    ['ICMP', [[icmpFrame({ source: '1.1.1.1', destination: '2.2.2.2', type: 8 }), 100]], 60],
  ] as const)('%s', (_what, frames, timeout) => {
    const stack = stackOf()
    const lines = lives(stack)
    for (const [frame, second] of frames) send(stack, frame as Uint8Array, second as number)
    stack.idle(100 + timeout, 0)
    expect(lines).toHaveLength(1)
    stack.idle(100 + timeout + 2, 0)
    expect(lines[1]).toMatch(/timeout/)
    expect(stack.counters.liveFlows).toBe(0)
  })

  it('an established connection outlives the handshake time-out, and ends an hour after its last packet', () => {
    const stack = stackOf()
    const lines = lives(stack)
    const c = conversation({ start: 100 }).handshake().delay(1800_000).client('x')
    feed(stack, c.packets())
    stack.idle(100 + 1800 + 3599, 0)
    expect(lines).toHaveLength(1)
    stack.idle(100 + 1800 + 3605, 0)
    expect(lines).toEqual(['6:40000 start 100', '6:40000 timeout 5505'])
  })

  it('a connection half closed ends sooner', () => {
    const stack = stackOf()
    const lines = lives(stack)
    feed(stack, conversation({ start: 100 }).handshake().fin('client').ack('server').packets())
    stack.idle(279, 0)
    expect(lines).toHaveLength(1)
    stack.idle(283, 0)
    expect(lines).toHaveLength(2)
  })

  it('a closed connection absorbs late packets for a while, then gives its row back', () => {
    const stack = stackOf({ midstream: true })
    const c = conversation({ start: 100 }).handshake().client('x').close()
    feed(stack, c.packets())
    send(stack, c.client('y').packets().at(-2)!.frame, 105)
    expect([stack.counters.orphans, stack.counters.flows, stack.counters.liveFlows]).toEqual([1, 1, 1])
    stack.idle(115, 0)
    expect(stack.counters.liveFlows).toBe(0)
  })

  it('is exact when the next packet of the flow comes just too late', () => {
    const stack = stackOf({ timeouts: { udp: 5 } })
    const lines = lives(stack)
    const [packet] = udpExchange([['client', 'a']])
    for (const second of [100, 105, 110]) send(stack, packet!.frame, second)
    send(stack, packet!.frame, 115, 1000)
    expect(lines.map((l) => l.split(' ')[1])).toEqual(['start', 'timeout', 'start'])
  })

  it('can be set, within limits', () => {
    expect(() => stackOf({ timeouts: { udp: 0 } })).toThrow(RangeError)
    expect(() => stackOf({ timeouts: { established: 1e9 } })).toThrow(RangeError)
  })

  it('one active flow does not keep idle ones alive', () => {
    const stack = stackOf()
    for (let port = 1; port <= 20; port++) send(stack, syn(port), 100)
    const [busy] = udpExchange([['client', 'a']])
    for (let second = 100; second < 140; second++) send(stack, busy!.frame, second)
    expect(stack.counters.liveFlows).toBe(1)
    expect(stack.counters.endedTimeout).toBe(20)
  })

  it('survives time stamps that go backwards, and jump', () => {
    const stack = stackOf()
    const lines = lives(stack)
    const [packet] = udpExchange([['client', 'a']], { clientPort: 7 })
    for (const second of [1_000_000, 999_999, 500, 510, 4_000_000_000, 20, 30, 0, 25]) {
      send(stack, packet!.frame, second)
    }
    send(stack, syn(1), 10)
    send(stack, syn(2), 100)
    send(stack, syn(3), 200)
    stack.idle(300, 0)
    expect(stack.counters.liveFlows).toBe(0)
    expect(lines.filter((l) => l.includes('start')).length).toBe(
      lines.filter((l) => !l.includes('start')).length,
    )
  })
})

describe('limit of flows', () => {
  it('is kept by evicting, and told', () => {
    const stack = stackOf({ maxFlows: 10 })
    const lines = lives(stack)
    for (let port = 1; port <= 1000; port++) send(stack, syn(port), 1)
    expect(stack.counters.liveFlows).toBe(10)
    expect(stack.counters.evictions).toBe(990)
    expect(lines.filter((l) => l.includes('evicted'))).toHaveLength(990)
    expect(stack.counters.flows).toBe(1000)
  })

  it('does not cost established connections when SYNs flood', () => {
    const { stack, lines } = recorder({ maxFlows: 100 })
    const c = conversation({ clientPort: 50_000 }).handshake()
    feed(stack, c.packets())
    for (let port = 1; port <= 5000; port++) send(stack, syn(port), 1_700_000_000)
    lines.length = 0
    feed(stack, c.client('still here').packets().slice(3))
    expect(lines).toContain('data to server at 0: still here')
  })

  it('refuses options out of range', () => {
    for (const maxFlows of [0, -1, 1.5, 2 ** 24, Number.NaN]) {
      expect(() => createStack({ maxFlows })).toThrow(RangeError)
    }
    expect(() => createStack({ shard: { index: 2, count: 2 } })).toThrow(RangeError)
  })
})

describe('end of the input', () => {
  it('ends every open flow once, and the stack can go on', () => {
    const { stack, lines } = recorder()
    feed(stack, conversation().handshake().packets())
    stack.finish()
    stack.finish()
    expect(lines.filter((l) => l.startsWith('end'))).toEqual(['end shutdown'])
    feed(stack, conversation().handshake().packets())
    expect(lines.filter((l) => l.startsWith('start'))).toHaveLength(2)
  })
})

describe('shards', () => {
  it('split flows between them without losing or doubling one', () => {
    const packets = merge(
      ...Array.from({ length: 60 }, (_, i) =>
        conversation({ clientPort: 1000 + i, step: 1000 })
          .handshake()
          .client(`flow ${i}`)
          .close()
          .packets(),
      ),
    )
    const whole = record(packets).filter((l) => l.startsWith('data'))
    const parts = [0, 1, 2].map((index) =>
      record(packets, { shard: { index, count: 3 } }).filter((l) => l.startsWith('data')),
    )
    expect(parts.flat().sort()).toEqual([...whole].sort())
    for (const part of parts) expect(part.length).toBeGreaterThan(5)
  })

  it('number packets alike', () => {
    const packets = conversation().handshake().packets()
    for (const index of [0, 1]) {
      const stack = stackOf({ shard: { index, count: 2 } })
      feed(stack, packets)
      expect(stack.packet.number).toBe(packets.length)
      expect(stack.counters.otherShard).toBe(stack.counters.flows === 0 ? packets.length : 0)
    }
  })
})

describe('hash', () => {
  const v4 = (h: FlowHasher, a: number, b: number, sport: number, dport: number) =>
    h.hash4(a, b, (sport << 16) | dport, 6)

  it('is the same in both directions', () => {
    const h = new FlowHasher()
    for (let i = 1; i < 200; i++) {
      expect(v4(h, i * 7919, i * 104729, i, 80)).toBe(v4(h, i * 104729, i * 7919, 80, i))
      const ports = (i << 16) | 443
      expect(h.hash6(1, 2, 3, i, 5, 6, 7, 8, ports, 6)).toBe(
        h.hash6(5, 6, 7, 8, 1, 2, 3, i, (443 << 16) | i, 6),
      )
    }
  })

  it('depends on the seed alone', () => {
    const hash = (seed?: number) => v4(new FlowHasher(seed), 1, 2, 3, 4)
    expect(hash(5)).toBe(hash(5))
    expect(new Set([hash(1), hash(2), hash(), hash()]).size).toBe(4)
  })

  it('spreads addresses and ports that differ little', () => {
    const h = new FlowHasher(3)
    const buckets = new Int32Array(1024)
    for (let i = 0; i < 64; i++)
      for (let port = 0; port < 160; port++) buckets[v4(h, 0x0a000000 + i, 9, port, 80) & 1023]++
    expect(Math.max(...buckets)).toBeLessThan(35)
  })
})

it('counts what it does not understand, and goes on', () => {
  const { stack, lines } = recorder()
  send(stack, new Uint8Array(3), 1)
  send(stack, new Uint8Array(60), 1)
  feed(
    stack,
    conversation()
      .segment('client', { flags: SYN | ACK })
      .packets(),
  )
  feed(stack, conversation().handshake().packets())
  expect(stack.counters.packets).toBe(6)
  expect(stack.counters.decode.malformed).toBeGreaterThan(0)
  expect(lines.filter((l) => l.startsWith('start'))).toHaveLength(1)
})
