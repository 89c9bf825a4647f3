/**
 * The stack beside the released mOS, continued: rows 1.7 to 1.10 of its feature tables, the limits of its reassembly (2) and
 * its known defects (5), each named after its row.
 *
 * Deliberate divergences:
 *
 * | mOS | here | why |
 * | --- | --- | --- |
 * | peek consumes an 8 KB window that cannot be resized | retention per socket, side and flow, at any time | see mtcp_peek |
 * | a stopped flow's later packets are orphans | they are of the flow still, and reach nobody | the flow is known |
 * | STOP_MON of both sides: no CONN_END | ON_CONN_END with reason 'stopped', to that socket | contexts can be freed |
 * | buffer info as truncated sequence numbers | stream offsets | they do not wrap |
 * | idle time-out 30 s for all states | one per state, as Snort's stream modules | long connections live |
 * | a full table refuses new connections in silence | an old flow is evicted, counted, told | floods displace themselves |
 * | a wrong checksum is always left out | 'ignore' by default, 'verify' on demand | captures from hosts with offload |
 *
 * Rows of the inline interface (mtcp_setlastpkt, mtcp_sendpkt, mtcp_reset_conn) are not rows of the stack's passive part.
 */
import { describe, expect, it } from 'vitest'
import { conversation, feed, fragment } from '../../test/support/conversation.js'
import { TCP_FLAG } from '../../test/support/frames.js'
import {
  CLI,
  createStack,
  ON_CONN_END,
  ON_CONN_START,
  ON_NEW_DATA,
  ON_ORPHAN,
  ON_PKT_IN,
  type StackOptionsInput,
  SVR,
  TCP_STATE,
} from '../src/index.js'
import { record } from './support/recorder.js'

const { SYN, FIN, RST, ACK } = TCP_FLAG
const stackOf = (options: StackOptionsInput = {}) => createStack({ seed: 1, maxFlows: 1000, ...options })
const opened = (options = {}) => conversation(options).handshake()
const text = (bytes: Uint8Array | null): string | null =>
  bytes === null ? null : Buffer.from(bytes).toString('latin1')
const data = (lines: readonly string[]): readonly string[] =>
  lines.filter((l) => l.startsWith('data')).map((l) => l.slice(l.indexOf(': ') + 2))
const ends = (lines: readonly string[]): readonly string[] => lines.filter((l) => l.startsWith('end'))

describe('1.7 reading bytes', () => {
  it('mtcp_peek [V]: null when nothing is unread, in data handlers and at the end', () => {
    const stack = stackOf()
    const seen: (string | null)[] = []
    const socket = stack.monitorStream({ retain: { server: 4096 } })
    socket.on(ON_NEW_DATA, (flow) => {
      for (let bytes = flow.side(SVR).peek(3); ; bytes = flow.side(SVR).peek(3)) {
        seen.push(text(bytes))
        if (bytes === null) break
      }
    })
    socket.on(ON_CONN_END, (flow) => seen.push(text(flow.side(SVR).peek())))
    feed(stack, opened().client('abcde').close().packets())
    expect(seen).toEqual(['abc', 'de', null, null])
  })

  it('mtcp_ppeek [V]: offset 0 is the first byte; reaches out-of-order fragments', () => {
    const stack = stackOf()
    const seen: (string | null)[] = []
    const socket = stack.monitorStream({ retain: { server: 100 } })
    socket.on(ON_PKT_IN, (flow, p) => {
      if (p.number === 6) seen.push(text(flow.side(SVR).ppeek(0, 9)), text(flow.side(SVR).ppeek(10, 9)))
    })
    feed(stack, opened().client('abc').segment('client', { seq: 1011, payload: 'XYZ' }).packets())
    expect(seen).toEqual(['abc', 'XYZ'])
  })
})

describe('1.8 options', () => {
  it('MOS_CLIBUF, MOS_SVRBUF [V]: any size, per flow and socket, also before the other side is there', () => {
    const stack = stackOf()
    const kept: number[] = []
    const wide = stack.monitorStream({ retain: { server: 65_536 } })
    const none = stack.monitorStream({ retain: { server: 65_536 } })
    none.on(ON_CONN_START, (flow) => {
      flow.side(SVR).setRetention(0)
      flow.side(CLI).setRetention(0)
    })
    for (const socket of [wide, none]) socket.on(ON_CONN_END, (flow) => kept.push(flow.side(SVR).info().kept))
    feed(stack, opened().client(new Uint8Array(20_000)).close().packets())
    expect(kept).toEqual([20_000, 0])
  })

  it('MOS_FRAGINFO, MOS_INFO [V]: offsets, not truncated', () => {
    const stack = stackOf()
    const seen: unknown[] = []
    stack.monitorStream({ retain: { server: 100 } }).on(ON_PKT_IN, (flow, p) => {
      if (p.number !== 6) return
      const { expected, received, initialSequence } = flow.side(SVR).info()
      seen.push(flow.side(SVR).fragments(), expected, received, initialSequence)
    })
    feed(stack, opened().client('abc').segment('client', { seq: 1011, payload: 'XYZ' }).packets())
    const fragments = [
      { offset: 0, length: 3 },
      { offset: 10, length: 3 },
    ]
    expect(seen).toEqual([fragments, 3, 13, 1000])
  })

  it('MOS_TCP_STATE, MOS_TIMESTAMP, mtcp_getpeername: of the flow handle, on trace time', () => {
    const stack = stackOf()
    let seen: unknown
    stack.monitorStream().on(ON_NEW_DATA, (flow) => {
      seen = [flow.state(CLI), flow.lastTime, `${flow.address(CLI)}:${flow.port(CLI)}`, flow.port(SVR)]
    })
    feed(stack, opened({ client: '10.1.2.3', start: 1000, step: 1000 }).client('x').packets())
    expect(seen).toEqual([TCP_STATE.ESTABLISHED, 1_000_003_000, '10.1.2.3:40000', 80])
  })

  it('MOS_STOP_MON [V]: one side, both; other monitors go on; later packets are no orphans', () => {
    const stack = stackOf()
    const lines: string[] = []
    const stopping = stack.monitorStream()
    stopping.on(ON_NEW_DATA, (flow, { side }) => {
      lines.push(`stopping ${side}`)
      flow.stop()
    })
    stopping.on(ON_CONN_END, (_flow, { reason }) => lines.push(reason))
    stopping.on(ON_ORPHAN, () => lines.push('orphan'))
    const other = stack.monitorStream()
    other.on(ON_NEW_DATA, (_flow, { side }) => lines.push(`other ${side}`))
    feed(stack, opened().client('a').server('b').packets())
    expect(lines).toEqual(['stopping 1', 'other 1', 'stopped', 'other 0'])
  })
})

describe('1.9 packets, context, timers', () => {
  it('mtcp_getlastpkt: the packet is there in data handlers', () => {
    const stack = stackOf()
    let seen: unknown
    stack.monitorStream().on(ON_NEW_DATA, (_flow, { packet }) => {
      seen = [packet.number, packet.tcpSeq >>> 0, packet.payloadLength]
    })
    feed(stack, opened().client('xyz').packets())
    expect(seen).toEqual([4, 1001, 3])
  })

  it('mtcp_set_uctx: one per flow and socket, nobody has to free it', () => {
    const stack = stackOf()
    const seen: (string | undefined)[] = []
    for (const name of ['a', 'b']) {
      const socket = stack.monitorStream<string>()
      socket.on(ON_CONN_START, (flow) => {
        seen.push(flow.uctx)
        flow.uctx = name
      })
      socket.on(ON_CONN_END, (flow) => seen.push(flow.uctx))
    }
    for (let i = 0; i < 2; i++)
      feed(
        stack,
        opened({ clientIsn: 9 + i })
          .close()
          .packets(),
      )
    expect(seen).toEqual([undefined, undefined, 'a', 'b', undefined, undefined, 'a', 'b'])
  })

  it('mtcp_settimer: cancellable, gone with its flow, on trace time: the same in every run', () => {
    const run = (): unknown[] => {
      const stack = stackOf()
      const seen: unknown[] = []
      stack.monitorStream().on(ON_CONN_START, (flow) => {
        flow.setTimer(1000, () => seen.push(['flow', stack.packet.number]))
        flow.setTimer(1000, () => seen.push('cancelled')).cancel()
        flow.setTimer(1e9, () => seen.push('outlived'))
      })
      feed(stack, opened({ start: 5, step: 600 }).close().packets())
      stack.idle(2e6, 0)
      return seen
    }
    expect(run()).toEqual([['flow', 3]])
    expect(run()).toEqual(run())
  })
})

describe('1.10 life cycle', () => {
  it('an RST out of window [V] does not end the flow', () => {
    const c = opened().segment('server', { seq: 900_000_000, flags: RST }).client('x').close()
    expect(ends(record(c.packets()))).toEqual(['end fin'])
  })

  it('a SYN on a live 4-tuple [V] that is answered is a new connection', () => {
    const old = opened().client('old').packets()
    const fresh = opened({ clientIsn: 700_000, serverIsn: 900_000, start: 1_700_000_100 })
      .client('new')
      .close()
    const lines = record([...old, ...fresh.packets()])
    expect(ends(lines)).toEqual(['end reused', 'end fin'])
    expect(data(lines)).toEqual(['old', 'new'])
  })

  it('a FIN before a hole is filled [V] waits, and the late bytes are delivered', () => {
    const c = opened().skip('client', 3).fin('client').segment('client', { seq: 1001, payload: 'abc' })
    c.fin('server').ack('client')
    const lines = record(c.packets(), {}, { finish: false })
    expect(data(lines)).toEqual(['abc'])
    expect(ends(lines)).toEqual(['end fin'])
  })

  it('the payload of a SYN [V] is at offset 0', () => {
    const c = conversation().segment('client', { flags: SYN, ack: 0, payload: 'early ' })
    c.segment('server', { flags: SYN | ACK }).client('late')
    expect(data(record(c.packets()))).toEqual(['early ', 'late'])
  })

  it('time-outs [V]: an active flow does not keep younger idle ones from expiring', () => {
    const stack = stackOf({ timeouts: { established: 60 } })
    const ended: number[] = []
    stack.monitorStream().on(ON_CONN_END, (flow) => ended.push(flow.port(CLI)))
    const start = 1_700_000_000
    const active = opened({ clientPort: 1, start })
    feed(stack, active.packets())
    feed(stack, opened({ clientPort: 2, start: start + 1 }).packets())
    let sent = 3
    for (let i = 0; i < 20; i++) {
      feed(stack, active.delay(5000).client('x').packets().slice(sent))
      sent += 2
    }
    expect(ended).toEqual([2])
  })

  it('max_concurrency [V]: connections are counted; beyond it an old one is evicted and told', () => {
    const stack = stackOf({ maxFlows: 4 })
    const lines: string[] = []
    const socket = stack.monitorStream()
    socket.on(ON_CONN_START, () => lines.push('start'))
    socket.on(ON_CONN_END, (_flow, { reason }) => lines.push(reason))
    for (let port = 1; port <= 5; port++) feed(stack, opened({ clientPort: port }).packets())
    expect(lines).toEqual(['start', 'start', 'start', 'start', 'evicted', 'start'])
    expect(stack.counters.evictions).toBe(1)
  })

  it('checksums: verified on demand, and counted', () => {
    const c = opened().segment('client', { payload: 'x', checksum: 1 })
    expect(data(record(c.packets()))).toEqual(['x'])
    expect(data(record(c.packets(), { checksums: 'verify' }))).toEqual([])
  })

  it('IP fragments [V] do not bypass monitoring', () => {
    const packets = fragment(opened().client('a request in fragments').packets(), 24)
    expect(packets.length).toBeGreaterThan(5)
    expect(data(record(packets))).toEqual(['a request in fragments'])
  })

  it('VLAN, IPv6, jumbo frames [V] have events', () => {
    const c = opened({ client: 'fd00::1', server: 'fd00::2', vlans: [5], mss: 8960 }).client(
      new Uint8Array(8960),
    )
    expect(data(record(c.packets()))[0]?.length).toBe(8960)
  })
})

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
})
