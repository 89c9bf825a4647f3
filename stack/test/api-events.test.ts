/** Events beyond the life of a connection and its data: time-outs, half-closes, disorder, errors, anomalies, datagrams. */
import { describe, expect, it } from 'vitest'
import { type Conversation, conversation, feed, udpExchange } from '../../test/support/conversation.js'
import { TCP_FLAG } from '../../test/support/frames.js'
import {
  ANOMALY,
  ANOMALY_TEXT,
  type AnomalyCode,
  bpfUnavailable,
  CLI,
  createStack,
  ON_ANOMALY,
  ON_CONN_END,
  ON_CONN_START,
  ON_DATAGRAM,
  ON_ERROR,
  ON_HALF_CLOSE,
  ON_NEW_DATA,
  ON_OUT_OF_ORDER,
  ON_TCP_STATE_CHANGE,
  ON_TIMEOUT,
  STREAM_ERROR,
  STREAM_ERROR_TEXT,
  type StackOptionsInput,
  SVR,
  TCP_STATE,
} from '../src/index.js'

const { FIN, SYN, RST, ACK } = TCP_FLAG
const stackOf = (options: StackOptionsInput = {}) => createStack({ seed: 1, maxFlows: 1000, ...options })
const opened = (options = {}): Conversation => conversation(options).handshake()
type Packets = Pick<Conversation, 'packets'>

describe('ON_TIMEOUT', () => {
  it('comes before ON_CONN_END and tells how long the flow was silent', () => {
    const stack = stackOf({ timeouts: { established: 10 } })
    const lines: string[] = []
    const socket = stack.monitorStream()
    socket.on(ON_TIMEOUT, (flow, { idle }) => lines.push(`timeout ${flow.port(CLI)} ${idle >= 10e6}`))
    socket.on(ON_CONN_END, (_flow, { reason }) => lines.push(reason))
    feed(stack, opened().client('x').packets())
    feed(stack, conversation({ clientPort: 2, start: 1_700_000_100 }).handshake().packets())
    expect(lines).toEqual(['timeout 40000 true', 'timeout'])
    stack.finish()
    expect(lines[2]).toBe('shutdown')
  })
})

describe('ON_HALF_CLOSE', () => {
  const sides = (c: Conversation): string[] => {
    const stack = stackOf()
    const lines: string[] = []
    const socket = stack.monitorStream()
    socket.on(ON_HALF_CLOSE, (_flow, { side }) => lines.push(side === CLI ? 'client' : 'server'))
    socket.on(ON_NEW_DATA, (_flow, d) => lines.push(`data to ${d.side}`))
    socket.on(ON_CONN_END, (_flow, { reason }) => lines.push(reason))
    feed(stack, c.packets())
    return lines
  }
  it('names the side that has closed, once', () => {
    expect(
      sides(opened().client('a').fin('client').ack('server').server('b').fin('server').ack('client')),
    ).toEqual(['data to 1', 'client', 'data to 0', 'fin'])
    expect(sides(opened().fin('server').ack('client').fin('client').ack('server'))).toEqual(['server', 'fin'])
  })

  it('waits for the bytes before the FIN', () => {
    const c = opened().skip('client', 3).fin('client').segment('client', { seq: 1001, payload: 'abc' })
    expect(sides(c)).toEqual(['client', 'data to 1'])
    expect(sides(opened().skip('client', 3).fin('client'))).toEqual([])
  })
})

describe('ON_OUT_OF_ORDER', () => {
  it('tells where a segment beyond a hole belongs', () => {
    for (const reassembled of [true, false]) {
      const stack = stackOf()
      const seen: unknown[] = []
      const socket = stack.monitorStream()
      if (reassembled) socket.on(ON_NEW_DATA, () => {})
      socket.on(ON_OUT_OF_ORDER, (_flow, o) =>
        seen.push([o.side, o.sequence, o.length, o.offset, o.packet.number]),
      )
      feed(stack, opened().skip('client', 5).client('later').packets())
      expect(seen).toEqual([[SVR, 1006, 5, 5, 4]])
    }
  })
})

describe('ON_ERROR', () => {
  const errors = (c: Conversation, options: StackOptionsInput = {}): string[] => {
    const stack = stackOf(options)
    const seen: string[] = []
    const socket = stack.monitorStream()
    socket.on(ON_NEW_DATA, () => {})
    socket.on(ON_ERROR, (_flow, { code, side }) => seen.push(`${side} ${STREAM_ERROR_TEXT[code]}`))
    feed(stack, c.packets())
    return seen
  }
  it('tells window violations from ignored SYN, FIN and RST', () => {
    expect(errors(opened().segment('client', { seq: 900_000_000, payload: 'x' }))).toEqual([
      `1 ${STREAM_ERROR_TEXT[STREAM_ERROR.OUT_OF_WINDOW]}`,
    ])
    expect(errors(opened().segment('server', { seq: 900_000_000, flags: RST }))).toEqual([
      `0 ${STREAM_ERROR_TEXT[STREAM_ERROR.RST_IGNORED]}`,
    ])
    expect(errors(opened().segment('client', { seq: 77, flags: SYN, ack: 0 }))).toEqual([
      `1 ${STREAM_ERROR_TEXT[STREAM_ERROR.SYN_IGNORED]}`,
    ])
    expect(
      errors(
        opened()
          .client('abc')
          .segment('client', { seq: 1001, flags: FIN | ACK }),
      ),
    ).toEqual([`1 ${STREAM_ERROR_TEXT[STREAM_ERROR.FIN_IGNORED]}`])
  })

  it('tells which limit on held data was reached', () => {
    const early = (): Conversation =>
      opened().segment('client', { seq: 1011, payload: 'a' }).segment('client', { seq: 1021, payload: 'b' })
    expect(errors(early(), { outOfOrder: { sideBytes: 1 } })).toEqual([
      `1 ${STREAM_ERROR_TEXT[STREAM_ERROR.HELD_BYTES_LIMIT]}`,
    ])
    expect(errors(early(), { outOfOrder: { sideSegments: 1 } })).toEqual([
      `1 ${STREAM_ERROR_TEXT[STREAM_ERROR.HELD_SEGMENTS_LIMIT]}`,
    ])
    expect(errors(early(), { outOfOrder: { totalBytes: 2048 } })).toEqual([
      `1 ${STREAM_ERROR_TEXT[STREAM_ERROR.HELD_TOTAL_LIMIT]}`,
    ])
  })
})

describe('ON_ANOMALY', () => {
  const anomalies = (c: Packets, options: StackOptionsInput = {}): (readonly [number, AnomalyCode])[] => {
    const stack = stackOf(options)
    const seen: (readonly [number, AnomalyCode])[] = []
    const socket = stack.monitorStream()
    socket.on(ON_ANOMALY, (_flow, { side, code }) => seen.push([side, code]))
    socket.on(ON_NEW_DATA, () => {})
    feed(stack, c.packets())
    return seen
  }
  const none: readonly (readonly [number, number])[] = []

  it('is silent for clean connections', () => {
    expect(anomalies(opened().client('a').server('b').close())).toEqual(none)
    expect(anomalies(opened().client('a').fin('server').client('b').rst('client'))).toEqual(none)
  })

  /** Timestamps in the SYNs, `first` in the client's handshake, `second` (or none) in its first data. */
  const stamped = (first: number, second: number | undefined): Conversation => {
    const options = (value: number): Uint8Array =>
      Uint8Array.of(1, 1, 8, 10, value >>> 24, value >>> 16, value >>> 8, value, 0, 0, 0, 0)
    const c = conversation()
      .segment('client', { flags: SYN, ack: 0, options: options(first) })
      .segment('server', { flags: SYN | ACK, options: options(7) })
      .segment('client', { flags: ACK, options: options(first) })
    return c.segment('client', {
      payload: 'a',
      ...(second === undefined ? {} : { options: options(second) }),
    })
  }
  /** Packet `from` and those after it, of the same sender, have another Ethernet address at `at`. */
  const readdressed = (c: Conversation, from: number, at: number): Packets => {
    const packets = c.packets()
    for (const packet of packets.slice(from)) {
      if (packet.from === packets[from]!.from) packet.frame.fill(0x99, at, at + 6)
    }
    return { packets: () => packets }
  }

  const cases: readonly (readonly [keyof typeof ANOMALY, Packets, number, StackOptionsInput?])[] = [
    ['SYN_ON_ESTABLISHED', opened().segment('client', { seq: 5, flags: SYN, ack: 0 }), CLI],
    ['DATA_ON_SYN', conversation().segment('client', { flags: SYN, ack: 0, payload: 'hi' }), CLI],
    ['DATA_ON_CLOSED', opened().fin('client').segment('client', { payload: 'more' }), CLI],
    ['DATA_WITHOUT_FLAGS', opened().segment('client', { flags: 0, payload: 'x' }), CLI],
    [
      'FOUR_WAY_HANDSHAKE',
      conversation().segment('client', { flags: SYN, ack: 0 }).segment('server', { flags: SYN, ack: 0 }),
      SVR,
    ],
    ['BAD_RST', opened().segment('server', { seq: 900_000_000, flags: RST }), SVR],
    [
      'BAD_FIN',
      opened()
        .fin('client')
        .segment('client', { seq: 1005, flags: FIN | ACK }),
      CLI,
    ],
    ['BAD_ACK', opened().fin('client').segment('server', { ack: 1010 }), SVR],
    ['DATA_AFTER_RST_RECEIVED', opened().rst('client').segment('server', { payload: 'x' }), SVR],
    ['BAD_TIMESTAMP', stamped(1000, 999), CLI],
    ['NO_TIMESTAMP', stamped(1000, undefined), CLI],
    [
      'BAD_SEGMENT',
      opened()
        .segment('client', { seq: 1011, payload: 'good' })
        .segment('client', { seq: 1012, payload: 'il' }),
      CLI,
    ],
    [
      'WINDOW_TOO_LARGE',
      conversation().handshake({ options: Uint8Array.of(3, 3, 1, 0) }),
      CLI,
      { tcp: { maxWindow: 65_535 } },
    ],
    [
      'EXCESSIVE_OVERLAP',
      [1, 2, 3].reduce(
        (c, i) => c.segment('client', { seq: 1010, payload: `xx${i}b` }),
        opened().segment('client', { seq: 1012, payload: 'abcd' }),
      ),
      CLI,
      { tcp: { overlapLimit: 2, policy: 'last' } },
    ],
    ['CLIENT_HIJACKED', readdressed(opened().segment('client', { payload: 'a' }), 3, 6), CLI],
    ['SERVER_HIJACKED', readdressed(opened().segment('client', { payload: 'a' }), 3, 0), CLI],
    [
      'SMALL_SEGMENTS',
      opened().client('a').client('long enough').client('b').client('c').client('d').client('e'),
      CLI,
      { tcp: { smallSegments: { count: 3, bytes: 5 } } },
    ],
    [
      'WINDOW_SLAM',
      conversation()
        .segment('client', { flags: SYN, ack: 0 })
        .segment('server', { flags: SYN | ACK })
        .segment('client', { flags: ACK, window: 2 }),
      CLI,
    ],
    ['NO_HANDSHAKE', conversation().segment('client', { payload: 'x' }), CLI, { midstream: true }],
  ]
  for (const [name, c, side, options] of cases) {
    it(`129:${ANOMALY[name]} ${ANOMALY_TEXT[ANOMALY[name]]}`, () => {
      expect(anomalies(c, options)).toEqual([[side, ANOMALY[name]]])
    })
  }

  it('129:8 data sent on stream after TCP reset sent', () => {
    // A sender that goes on after its own RST did not send it: the rest is a connection taken up midstream.
    expect(anomalies(opened().rst('client').segment('client', { payload: 'x' }))).toEqual([
      [CLI, ANOMALY.DATA_AFTER_RST],
      [CLI, ANOMALY.NO_HANDSHAKE],
    ])
  })

  it.skipIf(bpfUnavailable() !== '')(
    'after the end shows the old connection, to the sockets that monitored it',
    () => {
      const stack = stackOf()
      const lines: string[] = []
      const socket = stack.monitorStream<number>()
      const other = stack.monitorStream({ filter: 'tcp port 9' })
      other.on(ON_ANOMALY, () => lines.push('leaked'))
      socket.on(ON_CONN_START, (flow) => {
        flow.uctx = 1
      })
      socket.on(ON_CONN_END, (_flow, { reason }) => lines.push(reason))
      socket.on(ON_ANOMALY, (flow) => {
        lines.push(`${flow.port(CLI)} ${flow.state(CLI) === TCP_STATE.CLOSED} ${flow.uctx}`)
        flow.uctx = 2
      })
      feed(stack, opened().rst('client').segment('server', { payload: 'x' }).packets())
      expect(lines).toEqual(['rst', '40000 true undefined'])
      let left: number | undefined = 0
      socket.on(ON_TCP_STATE_CHANGE, (flow) => {
        left = flow.uctx
      })
      feed(stack, conversation({ clientIsn: 9 }).packets())
      stack.finish()
      expect(left).toBe(0)
    },
  )
})

describe('ON_DATAGRAM', () => {
  it('hands over the payload of UDP packets, by receiving side', () => {
    const stack = stackOf()
    const lines: string[] = []
    const socket = stack.monitorStream()
    socket.on(ON_CONN_START, () => lines.push('start'))
    socket.on(ON_DATAGRAM, (_flow, { side, bytes, start, end }) =>
      lines.push(`${side} ${Buffer.from(bytes.subarray(start, end)).toString('latin1')}`),
    )
    socket.on(ON_CONN_END, (_flow, { reason }) => lines.push(reason))
    feed(
      stack,
      udpExchange([
        ['client', 'query'],
        ['server', 'answer'],
        ['server', ''],
      ]),
    )
    stack.finish()
    expect(lines).toEqual(['start', '1 query', '0 answer', 'shutdown'])
  })
})
