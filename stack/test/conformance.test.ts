/**
 * The stack beside the released mOS: a test for each row of its feature tables on sockets, hooks and built-in events (1.1 to
 * 1.3), named after it. [V] marks a defect of mOS that was seen: the test shows the right behaviour. The other rows are in
 * conformance-ude (1.4 to 1.6), conformance-life (1.7 to 1.10), conformance-weak (known weaknesses) and
 * conformance-divergence (what differs on purpose, docs/mos.md).
 */
import { describe, expect, it } from 'vitest'
import { conversation, feed, udpExchange } from '../../test/support/conversation.js'
import { ethernet, TCP_FLAG, tcpFrame } from '../../test/support/frames.js'
import {
  bpfUnavailable,
  CLI,
  createStack,
  type Flow,
  ON_CONN_END,
  ON_CONN_START,
  ON_DATAGRAM,
  ON_ERROR,
  ON_NEW_DATA,
  ON_ORPHAN,
  ON_PKT_IN,
  ON_REXMIT,
  ON_TCP_STATE_CHANGE,
  ON_TIMEOUT,
  POST_TCP,
  PRE_TCP,
  RCV,
  SND,
  STREAM_ERROR,
  SVR,
  TCP_STATE,
} from '../src/index.js'
import { record } from './support/recorder.js'

const { SYN, FIN, RST, ACK } = TCP_FLAG
const stackOf = () => createStack({ seed: 1, maxFlows: 1000 })
const opened = (options = {}) => conversation(options).handshake()
const noBpf = bpfUnavailable() !== ''

describe('1.1 socket types', () => {
  it('MOS_SOCK_MONITOR_STREAM: default handlers for all flows, of IPv4 and IPv6', () => {
    const stack = stackOf()
    let starts = 0
    stack.monitorStream().on(ON_CONN_START, () => starts++)
    feed(stack, opened().packets())
    feed(stack, opened({ client: 'fd00::1', server: 'fd00::2' }).packets())
    expect(starts).toBe(2)
  })

  it('MOS_SOCK_MONITOR_STREAM_ACTIVE: one handle per flow, with an id of its own', () => {
    const stack = stackOf()
    const ids: number[] = []
    stack.monitorStream().on(ON_CONN_START, (flow) => ids.push(flow.id))
    for (let port = 1; port <= 50; port++) feed(stack, opened({ clientPort: port }).close().packets())
    expect(new Set(ids).size).toBe(50)
  })

  it('MOS_SOCK_MONITOR_RAW: every IP packet, with and without stream sockets, once', () => {
    for (const stream of [false, true]) {
      const stack = stackOf()
      let raw = 0
      stack.monitorRaw().on(ON_PKT_IN, () => raw++)
      if (stream) stack.monitorStream().on(ON_PKT_IN, () => {})
      feed(stack, [...opened().packets(), ...udpExchange([['client', 'x']])])
      feed(stack, opened({ client: 'fd00::1', server: 'fd00::2', vlans: [7] }).packets())
      expect(raw).toBe(7)
    }
  })

  it.skipIf(noBpf)(
    'MOS_SOCK_MONITOR_RAW [V]: once also with a filter; no wrong checksums when these are verified',
    () => {
      const stack = createStack({ seed: 1, maxFlows: 1000, checksums: 'verify' })
      let raw = 0
      stack.monitorRaw({ filter: 'tcp' }).on(ON_PKT_IN, () => raw++)
      stack.monitorStream().on(ON_PKT_IN, () => {})
      feed(stack, opened().segment('client', { payload: 'x', checksum: 1 }).packets())
      expect(raw).toBe(3)
    },
  )

  it('no UDP/ICMP/IP flow sockets: there are, with start, data and end', () => {
    const stack = stackOf()
    const lines: string[] = []
    const socket = stack.monitorStream()
    socket.on(ON_CONN_START, (flow) => lines.push(`start ${flow.protocol}`))
    socket.on(ON_DATAGRAM, (_flow, { start, end }) => lines.push(`data ${end - start}`))
    socket.on(ON_CONN_END, (_flow, { reason }) => lines.push(`end ${reason}`))
    feed(stack, udpExchange([['client', 'x']]))
    stack.finish()
    expect(lines).toEqual(['start 17', 'data 1', 'end shutdown'])
  })
})

describe('1.2 hooks and sides', () => {
  it('MOS_HK_SND, MOS_HK_RCV: after the update, the sender first', () => {
    const stack = stackOf()
    const lines: string[] = []
    const socket = stack.monitorStream()
    socket.on(ON_PKT_IN, RCV, (flow) => lines.push(`rcv ${1 - flow.packetSide} ${flow.state(SVR)}`))
    socket.on(ON_PKT_IN, SND, (flow) => lines.push(`snd ${flow.packetSide} ${flow.state(CLI)}`))
    feed(stack, opened().packets().slice(0, 1))
    expect(lines).toEqual(['snd 0 2', 'rcv 1 3'])
  })

  it('PRE_TCP, POST_TCP: the state of both sides before and after the packet', () => {
    const stack = stackOf()
    const seen: string[] = []
    const socket = stack.monitorStream()
    const states = (flow: Flow): string => `${flow.state(CLI)}/${flow.state(SVR)}`
    socket.on(ON_PKT_IN, PRE_TCP, (flow) => seen.push(`pre ${states(flow)}`))
    socket.on(ON_PKT_IN, POST_TCP, (flow) => seen.push(`post ${states(flow)}`))
    feed(stack, opened().packets().slice(0, 2))
    expect(seen).toEqual(['pre 0/0', 'post 2/3', 'pre 2/3', 'post 4/3'])
  })

  it('per packet: look-up, start, state, retransmission, packet, data, end; each before the next packet', () => {
    const stack = stackOf()
    const lines: string[] = []
    const socket = stack.monitorStream()
    const note = (event: string) => () => lines.push(`${stack.packet.number} ${event}`)
    socket.on(ON_PKT_IN, PRE_TCP, note('pre'))
    socket.on(ON_CONN_START, note('start'))
    socket.on(ON_TCP_STATE_CHANGE, note('state'))
    socket.on(ON_REXMIT, note('rexmit'))
    socket.on(ON_PKT_IN, note('post'))
    socket.on(ON_NEW_DATA, note('data'))
    socket.on(ON_CONN_END, note('end'))
    const c = opened().client('ab')
    // Two old bytes, a new one, and an end.
    c.segment('client', { seq: 1001, payload: 'abc' }).segment('server', {
      seq: 5001,
      ack: 1004,
      flags: RST | ACK,
    })
    feed(
      stack,
      c.packets().filter((_, i) => i !== 4),
    )
    expect(lines.filter((line) => line.startsWith('1 '))).toEqual([
      '1 pre',
      '1 start',
      '1 state',
      '1 state',
      '1 post',
    ])
    const last = ['5 pre', '5 rexmit', '5 post', '5 data', '6 pre', '6 state', '6 state', '6 post', '6 end']
    expect(lines.slice(-last.length)).toEqual(last)
  })

  it('several monitors on one flow', () => {
    const stack = stackOf()
    let calls = ''
    for (const name of ['a', 'b', 'c']) {
      stack.monitorStream().on(ON_NEW_DATA, () => {
        calls += name
      })
    }
    feed(stack, opened().client('x').server('y').packets())
    expect(calls).toBe('abcabc')
  })

  it('MOS_NULL: events with one moment take no hook', () => {
    let sides = ''
    const stack = stackOf()
    stack.monitorStream().on(ON_NEW_DATA, (_flow, { side }) => {
      sides += side
    })
    feed(stack, opened().client('request').server('answer').packets())
    // The server-side buffer holds what the client sent.
    expect(sides).toBe(`${SVR}${CLI}`)
  })
})

describe('1.3 built-in events', () => {
  it('ON_PKT_IN: every packet of a known flow, once per hook', () => {
    const stack = stackOf()
    let calls = 0
    const socket = stack.monitorStream()
    socket.on(ON_PKT_IN, SND, () => calls++)
    socket.on(ON_PKT_IN, RCV, () => calls++)
    feed(stack, opened().client('x').packets())
    expect(calls).toBe(10)
  })

  it('ON_TIMEOUT (never raised by mOS): raised before the end', () => {
    const stack = stackOf()
    const lines: string[] = []
    const socket = stack.monitorStream()
    socket.on(ON_TIMEOUT, () => lines.push('timeout'))
    socket.on(ON_CONN_END, (_flow, { reason }) => lines.push(`end ${reason}`))
    feed(stack, opened().packets().slice(0, 1))
    stack.idle(1_800_000_000, 0)
    expect(lines).toEqual(['timeout', 'end timeout'])
  })

  it('registration validity: an event at a hook where it cannot occur does not compile, and throws', () => {
    const socket = stackOf().monitorStream()
    const handler = (): void => {}
    // @ts-expect-error
    expect(() => socket.on(ON_NEW_DATA, SND, handler)).toThrow('ON_NEW_DATA does not occur at this hook')
    // @ts-expect-error
    expect(() => socket.on(ON_REXMIT, SND, handler)).toThrow(TypeError)
    // @ts-expect-error
    expect(() => socket.on(ON_ERROR, RCV, handler)).toThrow(TypeError)
    // @ts-expect-error
    expect(() => socket.on(ON_TCP_STATE_CHANGE, PRE_TCP, handler)).toThrow(TypeError)
    // @ts-expect-error
    expect(() => socket.on(ON_CONN_END, RCV, handler)).toThrow(TypeError)
  })

  it('ON_CONN_START [V]: not raised again by a SYN that is repeated', () => {
    const c = conversation().segment('client', { flags: SYN, ack: 0 })
    c.segment('client', { flags: SYN, ack: 0, seq: 1000 })
    const lines = record(c.packets(), {}, { finish: false })
    expect(lines.filter((l) => l.startsWith('start')).length).toBe(1)
    expect(lines.at(-1)).toBe('rexmit to server at -1 SYN +0')
  })

  it('ON_NEW_DATA [V]: not raised by a FIN without data; has packet and offset; also raised after a FIN', () => {
    const stack = stackOf()
    const seen: number[][] = []
    stack.monitorStream().on(ON_NEW_DATA, (_flow, d) => seen.push([d.packet.number, d.offset]))
    feed(stack, opened().fin('server').client('late').ack('client').packets())
    expect(seen).toEqual([[5, 0]])
  })

  it('ON_ERROR: tells the causes apart', () => {
    const stack = stackOf()
    const codes: number[] = []
    stack.monitorStream().on(ON_ERROR, (_flow, { code }) => codes.push(code))
    feed(stack, opened().segment('client', { seq: 900_000_000, payload: 'x' }).packets())
    expect(codes).toEqual([STREAM_ERROR.OUT_OF_WINDOW])
    const small = createStack({ seed: 1, maxFlows: 10, retention: { totalBytes: 0 } })
    small.monitorStream({ retain: { server: 100 } }).on(ON_ERROR, (_flow, { code }) => codes.push(code))
    feed(small, opened().client('no room for it').packets())
    expect(codes.slice(1)).toEqual([STREAM_ERROR.RETENTION_LIMIT])
  })

  it('ON_TCP_STATE_CHANGE [V]: CLOSED once per side; FIN_WAIT_2 not skipped', () => {
    const stack = stackOf()
    const lines: string[] = []
    stack
      .monitorStream()
      .on(ON_TCP_STATE_CHANGE, (_flow, { side, from, to }) => lines.push(`${side} ${from}>${to}`))
    feed(
      stack,
      opened()
        .fin('client')
        .segment('server', { flags: FIN | ACK })
        .ack('client')
        .packets(),
    )
    expect(lines.slice(4)).toEqual(['0 4>5', '1 4>7', '1 7>9', '0 5>6', '0 6>10', '1 9>0'])
  })

  it('ON_ORPHAN [V]: TCP without a flow; other protocols have flows', () => {
    const stack = stackOf()
    let orphans = 0
    stack.monitorStream().on(ON_ORPHAN, () => orphans++)
    feed(stack, conversation().segment('client', { payload: 'x' }).packets())
    feed(
      stack,
      conversation({ client: 'fd00::1', server: 'fd00::2', vlans: [3] })
        .segment('client', {})
        .packets(),
    )
    feed(stack, udpExchange([['client', 'x']]))
    expect(orphans).toBe(2)
  })

  it('ON_REXMIT [V]: raised by a repeated SYN, not by a SYN with another number', () => {
    const repeated = conversation()
      .segment('client', { flags: SYN, ack: 0 })
      .segment('client', { flags: SYN, ack: 0, seq: 1000 })
    const other = conversation()
      .segment('client', { flags: SYN, ack: 0 })
      .segment('client', { flags: SYN, ack: 0, seq: 99 })
    const count = (c: typeof other): number =>
      record(c.packets()).filter((l) => l.startsWith('rexmit')).length
    expect([count(repeated), count(other)]).toEqual([1, 0])
  })

  it('ON_REXMIT: of a SYN+ACK, of a FIN; and before the bytes are merged, so that they can be compared', () => {
    const stack = stackOf()
    const seen: string[] = []
    stack.monitorStream({ retain: { server: 100 } }).on(ON_REXMIT, (flow, r) => {
      const old = flow.side(SVR).ppeek(r.offset, r.length) ?? []
      const now = r.packet.payload()
      seen.push(`${r.syn}/${r.fin} ${Buffer.from(old)} ${Buffer.from(now)}`)
    })
    const c = conversation().segment('client', { flags: SYN, ack: 0 })
    c.segment('server', { flags: SYN | ACK }).segment('server', { flags: SYN | ACK, seq: 5000 })
    c.client('abc').segment('client', { seq: 1001, payload: 'xyz' })
    c.fin('client').segment('client', { flags: FIN | ACK, seq: 1004 })
    feed(stack, c.packets())
    expect(seen).toEqual(['true/false  ', 'false/false abc xyz', 'false/true  '])
  })

  it('ON_REXMIT: without buffers, and for bytes however old', () => {
    const stack = stackOf()
    const offsets: number[] = []
    stack.monitorStream().on(ON_REXMIT, (_flow, r) => offsets.push(r.offset, r.length))
    const c = opened().client(new Uint8Array(100_000)).segment('client', { seq: 1001, payload: 'again' })
    feed(stack, c.packets())
    expect(offsets).toEqual([0, 5])
  })

  it('ON_CONN_END [V]: once, last, with a reason', () => {
    for (const [c, reason] of [
      [opened().close(), 'fin'],
      [opened().rst('client'), 'rst'],
      [opened(), 'shutdown'],
    ] as const) {
      const lines = record(c.packets())
      expect(lines.filter((l) => l.startsWith('end'))).toEqual([`end ${reason}`])
      expect(lines.at(-1)).toBe(`end ${reason}`)
    }
  })
})

describe('1.3 ON_CONN_END, continued', () => {
  it('[R] the flow can still be read in the last callback', () => {
    const stack = stackOf()
    let seen: unknown
    const socket = stack.monitorStream<string>({ retain: { server: 100 } })
    socket.on(ON_CONN_START, (flow) => {
      flow.uctx = 'mine'
    })
    socket.on(ON_CONN_END, (flow) => {
      const words = flow.side(SVR).peek()
      seen = [flow.uctx, flow.port(CLI), flow.state(SVR), Buffer.from(words!).toString()]
    })
    feed(stack, opened().client('last words').close().packets())
    expect(seen).toEqual(['mine', 40_000, TCP_STATE.CLOSED, 'last words'])
  })
})

describe('frames that are nobody’s', () => {
  it('ARP and cut frames raise nothing and stop nothing', () => {
    const stack = stackOf()
    let events = 0
    stack.monitorStream().on(ON_PKT_IN, () => events++)
    const arp = ethernet(new Uint8Array(28), { etherType: 0x0806 })
    const cut = tcpFrame({
      source: '10.0.0.1',
      destination: '10.0.0.2',
      sourcePort: 1,
      destinationPort: 2,
      flags: SYN,
    }).subarray(0, 30)
    for (const frame of [arp, cut]) feed(stack, [{ frame, seconds: 1, nanoseconds: 0 }])
    expect(events).toBe(0)
  })
})
