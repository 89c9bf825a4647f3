/**
 * The stack beside the released mOS, continued: rows on payload, options, packets and the life of connections (1.7 to 1.10),
 * each named after its row.
 */
import { describe, expect, it } from 'vitest'
import { conversation, feed, fragment } from '../../test/support/conversation.js'
import { TCP_FLAG } from '../../test/support/frames.js'
import {
  ANOMALY,
  CLI,
  createStack,
  ON_ANOMALY,
  ON_CONN_END,
  ON_CONN_START,
  ON_NEW_DATA,
  ON_ORPHAN,
  ON_PKT_IN,
  PRE_TCP,
  type StackOptionsInput,
  SVR,
  TCP_STATE,
  TCP_STATE_NAME,
} from '../src/index.js'
import { bump } from './support/bump.js'
import { record } from './support/recorder.js'

const { SYN, RST, ACK } = TCP_FLAG
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

describe('1.7 reading bytes, continued', () => {
  it('mtcp_peek: bytes that are no longer kept are counted, and reading goes on behind them', () => {
    const stack = stackOf()
    let seen: unknown
    stack.monitorStream({ retain: { server: 100 } }).on(ON_CONN_END, (flow) => {
      const side = flow.side(SVR)
      const bytes = side.peek()
      seen = [side.missed(), bytes?.length, bytes?.at(-1), side.peek()]
    })
    feed(stack, opened().client(new Uint8Array(1000)).client('z').close().packets())
    expect(seen).toEqual([901, 100, 'z'.charCodeAt(0), null])
  })

  it('mtcp_ppeek: what follows the fragment is read with it; the read position stays', () => {
    const stack = stackOf()
    const seen: (string | null)[] = []
    stack.monitorStream({ retain: { server: 100 } }).on(ON_PKT_IN, (flow, p) => {
      const side = flow.side(SVR)
      if (p.number === 8)
        seen.push(
          text(side.ppeek(1, 99)),
          text(side.ppeek(12, 99)),
          text(side.ppeek(5, 1)),
          text(side.peek(1)),
        )
    })
    const c = opened().client('abc').segment('client', { seq: 1011, payload: 'XYZ' })
    feed(stack, c.segment('client', { seq: 1014, payload: '...' }).ack('server').packets())
    expect(seen).toEqual(['bc', 'YZ...'.slice(1), null, 'a'])
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

  it('MOS_CLIOVERLAP, MOS_SVROVERLAP [V]: before the first payload as well', () => {
    const stack = stackOf()
    const seen: string[] = []
    const socket = stack.monitorStream()
    socket.on(ON_CONN_START, (flow) => flow.side(SVR).setPolicy('last'))
    socket.on(ON_NEW_DATA, (flow, { bytes, start, end }) => {
      seen.push(`${flow.side(SVR).policy} ${text(bytes.subarray(start, end))}`)
    })
    const c = opened().segment('client', { seq: 1002, payload: 'old' })
    c.segment('client', { seq: 1002, payload: 'new' }).segment('client', { seq: 1001, payload: '>' })
    feed(stack, c.segment('server', { ack: 1005 }).packets())
    expect(seen).toEqual(['last >', 'last new'])
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

  it('mtcp_getlastpkt: also when the connection ends, and in timers: the packet being processed', () => {
    const stack = stackOf()
    const seen: unknown[] = []
    const socket = stack.monitorStream()
    socket.on(ON_CONN_END, () => seen.push(stack.packet.number))
    socket.on(ON_CONN_START, (flow) => flow.setTimer(150, () => seen.push(stack.packet.number)))
    feed(stack, opened({ step: 1000 }).close().packets())
    expect(seen).toEqual([2, 6])
  })

  it('mtcp_setlastpkt [V]: a packet dropped before the update does not advance the receiver; one changed has right checksums', () => {
    const { stack, out, pass } = bump()
    const states: number[] = []
    let drops = 0
    stack.monitorStream().on(ON_PKT_IN, PRE_TCP, (flow, packet) => {
      states.push(flow.state(CLI))
      // The first SYN+ACK does not get through.
      if (flow.packetSide === SVR && drops++ === 0) packet.drop()
      if (packet.payloadLength > 0) packet.overwrite(0, Buffer.from('c'))
    })
    const c = conversation({ acks: false }).segment('client', { flags: SYN, ack: 0 })
    c.segment('server', { flags: SYN | ACK }).segment('server', { flags: SYN | ACK, seq: 5000 })
    pass(c.ack('client').client('hat').packets())
    const { SYN_SENT, ESTABLISHED } = TCP_STATE
    expect(states).toEqual([TCP_STATE.CLOSED, SYN_SENT, SYN_SENT, ESTABLISHED, ESTABLISHED])
    // `bump` verifies the checksums of what comes out.
    expect(out.map(({ text }) => text)).toEqual(['', '', '', 'cat'])
  })

  it('mtcp_reset_conn: RSTs to both ends, at the numbers they expect', () => {
    const { stack, out, pass } = bump()
    stack.monitorStream().on(ON_NEW_DATA, (flow) => flow.reset())
    pass(opened({ acks: false }).client('abc').packets())
    const resets = out.filter(({ made }) => made)
    const first = resets.find(({ interfaceIndex }) => interfaceIndex === 1)
    expect(new Set(resets.map(({ flags, interfaceIndex }) => `${flags} ${interfaceIndex}`))).toEqual(
      new Set(['RST+ACK 0', 'RST+ACK 1']),
    )
    expect(resets.find(({ interfaceIndex }) => interfaceIndex === 0)?.packet.tcpSeq).toBe(5001)
    expect([1001, 1004]).toContain(first?.packet.tcpSeq)
  })

  it('mtcp_cb_get_ts: microseconds that do not wrap', () => {
    const stack = stackOf()
    const fired: number[] = []
    const begin = 1_700_000_000
    stack.monitorStream().on(ON_CONN_START, (flow) => {
      flow.setTimer(100 * 60e6, () => fired.push((stack.now - begin * 1e6) / 60e6))
    })
    const c = opened({ start: begin, step: 0 })
    for (let minute = 20; minute <= 120; minute += 20) c.delay(20 * 60_000).client('x')
    feed(stack, c.packets())
    expect(fired).toEqual([100])
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
  it('reference trace of a clean connection: the states of both sides after each packet', () => {
    const stack = stackOf()
    const states: string[] = []
    const socket = stack.monitorStream()
    socket.on(ON_PKT_IN, (flow) => {
      states.push(`${TCP_STATE_NAME[flow.state(CLI)]}/${TCP_STATE_NAME[flow.state(SVR)]}`)
    })
    socket.on(ON_ORPHAN, () => states.push('orphan'))
    feed(stack, opened().close().ack('server').packets())
    expect(states).toEqual([
      'SYN-SENT/SYN-RECEIVED',
      'ESTABLISHED/SYN-RECEIVED',
      'ESTABLISHED/ESTABLISHED',
      'FIN-WAIT-1/CLOSE-WAIT',
      // The FIN of the server acknowledges the client's.
      'TIME-WAIT/LAST-ACK',
      'TIME-WAIT/CLOSED',
      'orphan',
    ])
  })

  it('a SYN without ACK begins a flow; others only where `midstream` allows it', () => {
    const packets = opened().client('abc').packets().slice(3)
    expect(record(packets)).toEqual(['orphan', 'orphan'])
    const lines = record(packets, { midstream: true })
    expect(lines[0]).toBe('start 40000>80')
    expect(data(lines)).toEqual(['abc'])
  })

  it('an RST out of window [V] does not end the flow', () => {
    const c = opened().segment('server', { seq: 900_000_000, flags: RST }).client('x').close()
    expect(ends(record(c.packets()))).toEqual(['end fin'])
  })

  it('PAWS: a segment older than the last is told, and left out on demand', () => {
    const stamp = (value: number): Uint8Array => Uint8Array.of(1, 1, 8, 10, 0, 0, 0, value, 0, 0, 0, 0)
    const seen = (timestamps: 'check' | 'ignore'): unknown[] => {
      const stack = stackOf({ tcp: { timestamps } })
      const lines: unknown[] = []
      const socket = stack.monitorStream()
      socket.on(ON_NEW_DATA, (_flow, { bytes, start, end }) => lines.push(text(bytes.subarray(start, end))))
      socket.on(ON_ANOMALY, (_flow, { code }) => lines.push(code))
      const c = conversation().segment('client', { flags: SYN, ack: 0, options: stamp(100) })
      c.segment('server', { flags: SYN | ACK, options: stamp(100) })
      c.segment('client', { options: stamp(100) })
      c.segment('client', { payload: 'new', options: stamp(101) })
      feed(stack, c.segment('client', { payload: 'old', options: stamp(50) }).packets())
      return lines
    }
    expect(seen('check')).toEqual(['new', ANOMALY.BAD_TIMESTAMP])
    expect(seen('ignore')).toEqual(['new', ANOMALY.BAD_TIMESTAMP, 'old'])
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
