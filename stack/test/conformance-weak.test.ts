/**
 * The stack beside the released mOS, continued: the limits of its reassembly (2) and its known weaknesses (5), each test
 * named after its number there. What other rows show already (3, 4, 11, 13) is not repeated.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { conversation, feed, udpExchange } from '../../test/support/conversation.js'
import { concat, ethernet, fromHex, TCP_FLAG } from '../../test/support/frames.js'
import { writePcap } from '../../test/support/pcap.js'
import { mpls, pppoe } from '../../test/support/tunnels.js'
import {
  CLI,
  createStack,
  LINK_TYPE,
  ON_ANOMALY,
  ON_CONN_END,
  ON_CONN_START,
  ON_DATAGRAM,
  ON_GAP,
  ON_HALF_CLOSE,
  ON_NEW_DATA,
  ON_OUT_OF_ORDER,
  ON_OVERLAP_CONFLICT,
  ON_PKT_IN,
  ON_REXMIT,
  ON_TIMEOUT,
  openCapture,
  STATUS,
  SVR,
} from '../src/index.js'
import { record } from './support/recorder.js'

const { SYN, FIN, ACK } = TCP_FLAG
const stackOf = () => createStack({ seed: 1, maxFlows: 1000 })
const opened = (options = {}) => conversation(options).handshake()
const data = (lines: readonly string[]): readonly string[] =>
  lines.filter((l) => l.startsWith('data')).map((l) => l.slice(l.indexOf(': ') + 2))

describe('2 reassembly', () => {
  it('[V] one lost packet with 22 KB in flight does not end reassembly', () => {
    const c = opened({ acks: false }).client(new Uint8Array(1000)).skip('client', 1000)
    for (let i = 0; i < 20; i++) c.client(new Uint8Array(1000).fill(65 + i))
    c.segment('client', { seq: 2001, payload: new Uint8Array(1000).fill(64) })
    expect(data(record(c.packets(), {}, { finish: false })).join('').length).toBe(22_000)
  })

  it('what stays missing is told, and what follows is delivered', () => {
    const lines = record(opened().client('abc').skip('client', 5).client('xyz').packets())
    expect(lines.filter((l) => l.startsWith('gap') || l.startsWith('data'))).toEqual([
      'data to server at 0: abc',
      'gap to server at 3 +5',
      'data to server at 8: xyz',
    ])
  })
})

describe('5 weaknesses', () => {
  it('1 [V]: a TCP option of length 0 is read in bounded time', () => {
    const c = conversation().segment('client', { flags: SYN, ack: 0, options: Uint8Array.of(253, 0, 1, 1) })
    c.segment('server', { flags: SYN | ACK }).client('x')
    expect(data(record(c.packets()))).toEqual(['x'])
  })

  it('2 [V]: an IP length beyond the captured bytes reads nothing outside of them', () => {
    const stack = stackOf()
    for (const packet of opened().client('0123456789').packets()) {
      for (let length = 0; length < packet.frame.length; length++) {
        feed(stack, [{ ...packet, frame: packet.frame.slice(0, length), wireLength: packet.frame.length }])
      }
    }
    stack.finish()
    expect(stack.counters.packets).toBeGreaterThan(200)
  })

  it('5: an exception of a handler comes out of frame(), and the stack goes on', () => {
    const stack = stackOf()
    let calls = 0
    stack.monitorStream().on(ON_NEW_DATA, () => {
      if (calls++ === 0) throw new Error('mine')
    })
    const packets = opened().client('a').client('b').packets()
    expect(() => feed(stack, packets.slice(0, 4))).toThrow('mine')
    feed(stack, packets.slice(4))
    expect(calls).toBe(2)
  })

  it('7: the close of a connection has a reason, bytes and packets', () => {
    const stack = stackOf()
    let seen: unknown
    stack.monitorStream().on(ON_CONN_END, (flow, { reason }) => {
      seen = [reason, flow.packets(CLI), flow.packets(SVR), flow.bytes(CLI) > 160]
    })
    feed(
      stack,
      opened()
        .client('x')
        .segment('server', { flags: FIN | ACK })
        .fin('client')
        .ack('server')
        .packets(),
    )
    expect(seen).toEqual(['fin', 4, 4, true])
  })

  it('12: one socket’s stops and buffers do not concern another', () => {
    const stack = stackOf()
    let delivered = 0
    const off = stack.monitorStream({ reassemble: { client: false, server: false } })
    off.on(ON_NEW_DATA, () => {
      delivered = Number.NaN
    })
    off.on(ON_CONN_START, (flow) => flow.stop())
    stack.monitorStream().on(ON_NEW_DATA, (_flow, d) => {
      delivered += d.end - d.start
    })
    feed(stack, opened().client('abc').packets())
    expect(delivered).toBe(3)
  })

  it('6: hashing is seeded: which flows fall together differs from run to run, and is the same within one', () => {
    const shardOf = (seed: number): string => {
      const stack = createStack({ seed, maxFlows: 1000, shard: { index: 0, count: 2 } })
      let taken = ''
      stack.monitorStream().on(ON_CONN_START, (flow) => {
        taken += `${flow.port(CLI)} `
      })
      for (let clientPort = 1; clientPort <= 64; clientPort++) feed(stack, opened({ clientPort }).packets())
      return taken
    }
    expect(shardOf(1)).toBe(shardOf(1))
    expect(shardOf(1)).not.toBe(shardOf(2))
  })

  it('8: data says where in the stream it is, and comes before the packet is done with', () => {
    const stack = stackOf()
    const seen: unknown[] = []
    let inside = false
    const socket = stack.monitorStream()
    socket.on(ON_GAP, (_flow, { offset, length }) => seen.push(['gap', offset, length]))
    socket.on(ON_NEW_DATA, (_flow, { offset, start, end }) => seen.push([offset, end - start, inside]))
    inside = true
    feed(stack, opened().client('abc').packets())
    inside = false
    expect(seen).toEqual([[0, 3, true]])
  })

  it('9: IPv6 with extension headers, QinQ, MPLS, PPPoE, raw IP, Linux cooked and loopback frames', () => {
    const count = (frames: (frame: Uint8Array) => Uint8Array, linkType = 1, options = {}): number => {
      const stack = stackOf()
      let flows = 0
      stack.monitorStream().on(ON_CONN_START, () => flows++)
      for (const { frame } of opened(options).packets()) {
        const bytes = frames(frame)
        stack.frame(bytes, 0, bytes.length, bytes.length, 1, 0, linkType, 0)
      }
      return flows
    }
    const ip = (frame: Uint8Array): Uint8Array => frame.subarray(14)
    const cooked = fromHex('0000 0001 0006 020000000001 0000 0800')
    const six = { client: 'fd00::1', server: 'fd00::2' }
    const extended = { ...six, frame: { ipv6: { extensions: [{ type: 0, body: new Uint8Array(7) }] } } }
    expect([
      count((f) => f, 1, six),
      count((f) => f, 1, extended),
      count((f) => f, 1, { vlans: [5, 6] }),
      count((f) => ethernet(mpls(ip(f), [17]), { etherType: 0x8847 })),
      count((f) => ethernet(pppoe(ip(f), { session: 9, protocol: 0x21 }), { etherType: 0x8864 })),
      count(ip, LINK_TYPE.RAW),
      count((f) => concat(cooked, ip(f)), LINK_TYPE.LINUX_SLL),
      count((f) => concat(Uint8Array.of(2, 0, 0, 0), ip(f)), LINK_TYPE.NULL),
    ]).toEqual([1, 1, 1, 1, 1, 1, 1, 1])
  })

  it('10: the events that were missing', () => {
    const stack = createStack({ seed: 1, maxFlows: 1000, midstream: true })
    const seen = new Set<string>()
    const socket = stack.monitorStream()
    const note = (name: string) => () => void seen.add(name)
    socket.on(ON_GAP, note('gap'))
    socket.on(ON_OUT_OF_ORDER, note('out of order'))
    socket.on(ON_HALF_CLOSE, note('half close'))
    socket.on(ON_OVERLAP_CONFLICT, note('overlap conflict'))
    socket.on(ON_TIMEOUT, note('timeout'))
    socket.on(ON_ANOMALY, note('anomaly'))
    socket.on(ON_DATAGRAM, note('datagram'))
    socket.on(ON_CONN_START, (flow) => flow.midstream && seen.add('midstream'))
    feed(stack, opened().skip('client', 5).client('x').packets())
    feed(stack, opened({ clientPort: 1 }).fin('client').packets())
    const twice = opened({ clientPort: 4 }).segment('client', { seq: 1005, payload: 'abc' })
    feed(stack, twice.segment('client', { seq: 1005, payload: 'xyz' }).packets())
    feed(
      stack,
      conversation({ clientPort: 2 }).segment('client', { flags: SYN, ack: 0, payload: 'x' }).packets(),
    )
    feed(stack, conversation({ clientPort: 3 }).segment('client', { payload: 'x' }).packets())
    feed(stack, udpExchange([['client', 'x']]))
    stack.idle(1_800_000_000, 0)
    expect([...seen].sort()).toEqual([
      'anomaly',
      'datagram',
      'gap',
      'half close',
      'midstream',
      'out of order',
      'overlap conflict',
      'timeout',
    ])
  })

  it('10: keep-alives and window probes are no retransmissions', () => {
    const stack = stackOf()
    let rexmit = 0
    stack.monitorStream().on(ON_REXMIT, () => rexmit++)
    feed(stack, opened().client('abc').segment('client', { seq: 1003 }).ack('server').packets())
    expect([rexmit, stack.counters.keepAlives, stack.counters.retransmissions]).toEqual([0, 1, 0])
  })

  it('14: timers can be cancelled, belong to a flow or to the stack', () => {
    const stack = stackOf()
    const seen: string[] = []
    stack.setTimer(0, () => seen.push('first packet'))
    const cancelled = stack.setTimer(0, () => seen.push('never'))
    cancelled.cancel()
    stack.monitorStream().on(ON_CONN_START, (flow) => {
      flow.setTimer(0, (same) => seen.push(`flow ${same.port(SVR)}`))
    })
    feed(stack, opened({ step: 2000 }).packets())
    expect([seen, cancelled.active]).toEqual([['first packet', 'flow 80'], false])
  })

  it('15: captures are a source like any other; nothing passes before it is run; twice gives the same', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'weir-conformance-'))
    const capture = join(folder, 'x.pcap')
    writePcap(capture, opened().client('abc').close().packets())
    const run = async (): Promise<unknown> => {
      const stack = stackOf()
      const source = openCapture(capture)
      const events: unknown[] = []
      const socket = stack.monitorStream()
      socket.on(ON_PKT_IN, (flow, p) => events.push([p.number, p.time, flow.id, flow.packetSide]))
      socket.on(ON_CONN_END, (_flow, { reason }) => events.push(reason))
      await source.run(stack)
      stack.finish()
      return [events, stack.counters.toJSON()]
    }
    const first = await run()
    expect(JSON.stringify(await run())).toBe(JSON.stringify(first))
    expect((first as unknown[][])[0]!.length).toBe(9)
    rmSync(folder, { recursive: true })
  })

  it('16: wrong checksums are verified or ignored, and counted by protocol', () => {
    for (const [checksums, packets] of [
      ['ignore', 4],
      ['verify', 3],
    ] as const) {
      const stack = createStack({ seed: 1, maxFlows: 10, checksums })
      let seen = 0
      stack.monitorStream().on(ON_PKT_IN, () => seen++)
      feed(stack, opened().segment('client', { payload: 'x', checksum: 1 }).packets())
      expect([seen, stack.counters.decode.outcomes[STATUS.TCP_CHECKSUM]]).toEqual([packets, 4 - packets])
    }
  })
})
