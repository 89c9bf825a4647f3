/** Where the stack differs from mOS on purpose: each row of the table in docs/mos.md, carried out. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { conversation, feed, type TestPacket } from '../../test/support/conversation.js'
import { ethernet, TCP_FLAG } from '../../test/support/frames.js'
import * as weir from '../src/index.js'
import {
  BpfError,
  bpfUnavailable,
  CLI,
  createStack,
  defineEvent,
  ON_CONN_END,
  ON_CONN_START,
  ON_GAP,
  ON_HALF_CLOSE,
  ON_NEW_DATA,
  ON_ORPHAN,
  ON_OUT_OF_ORDER,
  ON_PKT_IN,
  ON_REXMIT,
  ON_TCP_STATE_CHANGE,
  RCV,
  STATUS,
  SVR,
  TCP_STATE,
  type TcpPolicy,
  textOf,
} from '../src/index.js'
import { bump } from './support/bump.js'
import { record } from './support/recorder.js'

const { SYN, FIN, ACK } = TCP_FLAG
const stackOf = () => createStack({ seed: 1, maxFlows: 1000 })
const opened = (options = {}) => conversation(options).handshake()
const started = (lines: readonly string[], word: string): string[] => lines.filter((l) => l.startsWith(word))
const repeatedSyn = conversation()
  .segment('client', { flags: SYN, ack: 0 })
  .segment('client', { flags: SYN, ack: 0, seq: 1000 })
  .packets()

/** By the name in the table. */
const rows: Readonly<Record<string, () => void>> = {
  'end-host sockets'() {
    const openers = Object.getOwnPropertyNames(weir.createStack().constructor.prototype)
    expect(openers.filter((name) => /listen|connect|accept|bind|socket/i.test(name))).toEqual([])
    expect(openers.filter((name) => name.startsWith('monitor'))).toEqual(['monitorStream', 'monitorRaw'])
  },
  'raw sockets'() {
    const stack = stackOf()
    let raw = 0
    stack.monitorRaw().on(ON_PKT_IN, () => raw++)
    feed(stack, [{ frame: ethernet(new Uint8Array(28), { etherType: 0x0806 }), seconds: 1, nanoseconds: 0 }])
    feed(stack, opened().packets())
    expect([raw, stack.counters.decode.outcomes[STATUS.NOT_IP]]).toEqual([3, 1])
  },
  'several monitors'() {
    const stack = stackOf()
    const order: string[] = []
    for (const name of ['a', 'b']) stack.monitorStream().on(ON_NEW_DATA, () => order.push(name))
    feed(stack, opened().server('from the server').packets())
    expect(order).toEqual(['a', 'b'])
  },
  hooks() {
    const socket = stackOf().monitorStream()
    // @ts-expect-error data is not observed at a hook
    expect(() => socket.on(ON_NEW_DATA, RCV, () => {})).toThrow(TypeError)
  },
  ON_PKT_IN() {
    const stack = stackOf()
    const states: number[] = []
    stack.monitorStream().on(ON_PKT_IN, (flow) => states.push(flow.state(CLI)))
    feed(stack, opened().packets().slice(0, 1))
    expect(states).toEqual([TCP_STATE.SYN_SENT])
  },
  'ON_PKT_OUT, ON_CONN_SETUP'() {
    expect(Object.keys(weir)).not.toContain('ON_PKT_OUT')
    expect(Object.keys(weir)).not.toContain('ON_CONN_SETUP')
  },
  ON_CONN_START() {
    expect(started(record(repeatedSyn), 'start').length).toBe(1)
  },
  ON_REXMIT() {
    const other = conversation()
      .segment('client', { flags: SYN, ack: 0 })
      .segment('client', { flags: SYN, ack: 0, seq: 99 })
    expect(started(record(repeatedSyn), 'rexmit').length).toBe(1)
    expect(started(record(other.packets()), 'rexmit').length).toBe(0)
  },
  ON_NEW_DATA() {
    const stack = stackOf()
    const seen: number[][] = []
    stack
      .monitorStream()
      .on(ON_NEW_DATA, (_flow, d) => seen.push([d.packet.number, d.offset, stack.packet.number]))
    feed(stack, opened({ acks: false }).client('abc').client('def').packets())
    expect(seen).toEqual([
      [4, 0, 4],
      [5, 3, 5],
    ])
    const box = bump()
    box.stack.monitorStream().on(ON_NEW_DATA, (_flow, { packet }) => void packet.drop())
    box.pass(opened({ acks: false }).client('kept back').packets())
    expect(box.out.map(({ text }) => text)).toEqual(['', '', ''])
  },
  'a FIN without data'() {
    const stack = stackOf()
    const seen: string[] = []
    const socket = stack.monitorStream()
    socket.on(ON_NEW_DATA, () => seen.push('data'))
    socket.on(ON_HALF_CLOSE, () => seen.push('half close'))
    feed(stack, opened().fin('client').packets())
    expect(seen).toEqual(['half close'])
  },
  'order of events'() {
    const stack = stackOf()
    const seen: string[] = []
    const socket = stack.monitorStream()
    socket.on(ON_NEW_DATA, () => seen.push('data'))
    socket.on(ON_PKT_IN, () => seen.push('packet'))
    socket.on(ON_TCP_STATE_CHANGE, () => seen.push('state'))
    feed(
      stack,
      opened()
        .segment('client', { flags: FIN | ACK, payload: 'x' })
        .packets(),
    )
    expect(seen.slice(-4)).toEqual(['state', 'state', 'packet', 'data'])
  },
  ON_CONN_END() {
    expect(started(record(opened().close().packets()), 'end')).toEqual(['end fin'])
  },
  'a SYN on a live connection'() {
    const fresh = opened({ clientIsn: 700_000, serverIsn: 900_000, start: 1_700_000_100 }).packets()
    expect(started(record([...opened().packets(), ...fresh]), 'end')).toEqual(['end reused', 'end shutdown'])
  },
  'user-defined events'() {
    const filter = (): true => true
    const [one, two] = [defineEvent(ON_CONN_START, filter), defineEvent(ON_CONN_START, filter)]
    const stack = stackOf()
    const seen: string[] = []
    const socket = stack.monitorStream()
    socket.on(one, () => seen.push('one')).off()
    socket.on(two, () => seen.push('two'))
    feed(stack, opened().packets())
    expect(seen).toEqual(['two'])
  },
  'result of filters'() {
    const stack = stackOf()
    const ports: number[] = []
    stack.monitorStream().on(
      defineEvent(ON_CONN_START, (flow) => flow.port(SVR)),
      (_flow, port) => ports.push(port),
    )
    feed(stack, opened().packets())
    expect(ports).toEqual([80])
  },
  'second handler for an event'() {
    const stack = stackOf()
    const calls: string[] = []
    const socket = stack.monitorStream()
    const first = (): unknown => calls.push('a')
    for (const handler of [first, first, () => calls.push('b')]) socket.on(ON_CONN_START, handler)
    feed(stack, opened().packets())
    expect(calls).toEqual(['a', 'b'])
  },
  'filter language'() {
    const stack = stackOf()
    expect(() =>
      stack.monitorStream({ filter: 'tcp[tcpflags] & (tcp-syn|tcp-fin) != 0 and not ip6' }),
    ).not.toThrow()
    expect(() => stack.monitorStream({ filter: 'tcp and' })).toThrow(BpfError)
  },
  buffers() {
    const stack = stackOf()
    let bytes = 0
    stack.monitorStream().on(ON_NEW_DATA, (_flow, { start, end }) => {
      bytes += end - start
    })
    feed(
      stack,
      opened({ mss: 50_000 }).client(new Uint8Array(50_000)).client(new Uint8Array(50_000)).packets(),
    )
    expect([bytes, stack.counters.retainedBytes]).toEqual([100_000, 0])
  },
  peek() {
    const stack = stackOf()
    const seen: unknown[] = []
    stack
      .monitorStream({ retain: { server: 10 } })
      .on(ON_CONN_START, (flow) => seen.push(flow.side(SVR).peek()))
    feed(stack, opened().packets())
    expect(seen).toEqual([null])
  },
  gaps() {
    const stack = stackOf()
    const seen: unknown[] = []
    const socket = stack.monitorStream()
    socket.on(ON_GAP, (_flow, { offset, length }) => seen.push([offset, length]))
    socket.on(ON_NEW_DATA, (_flow, { offset }) => seen.push(offset))
    feed(stack, opened().skip('client', 100).client('x').packets())
    stack.finish()
    expect(seen).toEqual([[0, 100], 100])
  },
  'suppressed buffers'() {
    const stack = stackOf()
    const seen: unknown[] = []
    const socket = stack.monitorStream({ reassemble: { client: false, server: false } })
    socket.on(ON_OUT_OF_ORDER, (_flow, { length }) => seen.push(['ahead', length]))
    socket.on(ON_REXMIT, (_flow, { length }) => seen.push(['again', length]))
    const c = opened().client('abc').segment('client', { seq: 1001, payload: 'abc' })
    feed(stack, c.skip('client', 5).client('xy').packets())
    expect([seen, stack.counters.heldBytes]).toEqual([
      [
        ['again', 3],
        ['ahead', 2],
      ],
      0,
    ])
  },
  MOS_SEQ_REMAP() {
    expect(Object.keys(weir).filter((name) => /remap/i.test(name))).toEqual([])
  },
  overlaps() {
    // Out of order "abc" at 3, then "XYZ" at 3 again, then what comes before both.
    const seen = (policy: TcpPolicy): string => {
      const stack = createStack({
        seed: 1,
        maxFlows: 10,
        tcp: { targets: [{ network: '192.0.2.0/24', policy }] },
      })
      let text = ''
      stack.monitorStream().on(ON_NEW_DATA, (_flow, data) => {
        text += textOf(data)
      })
      const c = opened().segment('client', { seq: 1004, payload: 'abc' })
      c.segment('client', { seq: 1004, payload: 'XYZ' }).segment('client', { seq: 1001, payload: '...' })
      feed(stack, c.segment('server', { ack: 1007 }).packets())
      stack.finish()
      return text
    }
    expect(['first', 'last', 'old-linux', 'vista'].map((policy) => seen(policy as TcpPolicy))).toEqual([
      '...abc',
      '...XYZ',
      '...XYZ',
      '...abc',
    ])
  },
  'buffer information'() {
    const stack = stackOf()
    let info: unknown
    stack.monitorStream({ retain: { server: 10 } }).on(ON_NEW_DATA, (flow) => {
      const { read, expected } = flow.side(SVR).info()
      info = [read, expected]
    })
    // The sequence number wraps inside.
    feed(stack, opened({ clientIsn: 0xffff_ff00 }).client(new Uint8Array(1000)).packets())
    expect(info).toEqual([990, 1000])
  },
  MOS_STOP_MON() {
    const stack = stackOf()
    const seen: string[] = []
    const socket = stack.monitorStream()
    socket.on(ON_NEW_DATA, (flow) => flow.stop())
    socket.on(ON_CONN_END, (_flow, { reason }) => seen.push(reason))
    socket.on(ON_ORPHAN, () => seen.push('orphan'))
    feed(stack, opened().client('x').server('y').client('z').packets())
    expect(seen).toEqual(['stopped'])
  },
  'CHOMP, INSERT'() {
    const packet = new weir.Packet()
    expect(() => packet.overwrite(0, new Uint8Array(1))).toThrow(RangeError)
    expect('insert' in packet || 'chomp' in packet).toBe(false)
  },
  mtcp_sendpkt() {
    const { stack, out, pass } = bump()
    stack.monitorStream().on(ON_CONN_START, (flow) => {
      flow.sendPacket(CLI, { flags: SYN | ACK, sequence: 77 })
    })
    pass(conversation().segment('client', { flags: SYN, ack: 0 }).packets())
    expect(out.map(({ made, flags, packet }) => [made, flags, packet.tcpSeq, packet.tcpAck])).toEqual([
      [true, 'SYN+ACK', 77, 1001],
      [false, 'SYN', 1000, 0],
    ])
  },
  timers() {
    const stack = stackOf()
    const seen: string[] = []
    stack.monitorStream().on(ON_CONN_START, (flow) => {
      flow.setTimer(150, () => seen.push('kept'))
      flow.setTimer(150, () => seen.push('cancelled')).cancel()
      flow.setTimer(60e6, () => seen.push('outlived'))
    })
    feed(stack, opened({ step: 2000 }).close().packets())
    stack.idle(1_800_000_000, 0)
    expect(seen).toEqual(['kept'])
  },
  midstream() {
    const packets = opened().client('x').packets().slice(3)
    expect(record(packets)).toEqual(['orphan', 'orphan'])
    expect(started(record(packets, { midstream: true }), 'start').length).toBe(1)
  },
  'idle time-outs'() {
    const ends = (seconds: number, packets: readonly TestPacket[]): number => {
      const stack = stackOf()
      let ended = 0
      stack.monitorStream().on(ON_CONN_END, () => ended++)
      feed(stack, packets)
      stack.idle(1_700_000_000 + seconds, 0)
      return ended
    }
    expect(ends(3000, opened().packets())).toBe(0)
    expect(ends(40, opened().packets().slice(0, 1))).toBe(1)
    expect(ends(3700, opened().packets())).toBe(1)
  },
  'after the end'() {
    const closed = opened().close().packets()
    const late = opened().close().delay(5000).ack('server').packets().slice(-1)
    const stack = createStack({ seed: 1, maxFlows: 10, midstream: true })
    const seen: string[] = []
    const socket = stack.monitorStream()
    socket.on(ON_ORPHAN, () => seen.push('orphan'))
    socket.on(ON_CONN_START, () => seen.push('start'))
    feed(stack, [...closed, ...late])
    expect(seen).toEqual(['start', 'orphan'])
  },
  'full flow table'() {
    const stack = createStack({ seed: 1, maxFlows: 2 })
    const seen: string[] = []
    const socket = stack.monitorStream()
    socket.on(ON_CONN_START, (flow) => seen.push(`${flow.port(CLI)}`))
    socket.on(ON_CONN_END, (_flow, { reason }) => seen.push(reason))
    for (const clientPort of [1, 2, 3]) feed(stack, opened({ clientPort }).packets())
    expect([seen, stack.counters.evictions]).toEqual([['1', '2', 'evicted', '3'], 1])
  },
  checksums() {
    const packets = opened().segment('client', { payload: 'x', checksum: 1 }).packets()
    expect(started(record(packets), 'data').length).toBe(1)
    expect(started(record(packets, { checksums: 'verify' }), 'data').length).toBe(0)
  },
}

const page = readFileSync(new URL('../../docs/mos.md', import.meta.url), 'utf8')
const table = page.slice(page.indexOf('## Deliberate divergences'))
const names = [...table.matchAll(/^\| ([^|]+?) \|/gm)].map((match) => match[1]!)

describe('deliberate divergences', () => {
  it('are those of docs/mos.md', () => {
    expect(names).toEqual(Object.keys(rows))
  })
  for (const [name, run] of Object.entries(rows)) {
    it.skipIf(name === 'filter language' && bpfUnavailable() !== '')(name, run)
  }
})
