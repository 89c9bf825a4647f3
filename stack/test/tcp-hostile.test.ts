/** Packets no honest host sends: invariants that hold whatever comes, and work that stays bounded. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { conversation, feed, LINKTYPE_ETHERNET } from '../../test/support/conversation.js'
import { TCP_FLAG, tcpFrame } from '../../test/support/frames.js'
import {
  CLI,
  createStack,
  type Flow,
  ON_CONN_END,
  ON_CONN_START,
  ON_GAP,
  ON_NEW_DATA,
  ON_OVERLAP_CONFLICT,
  ON_PKT_IN,
  ON_REXMIT,
  ON_TCP_STATE_CHANGE,
  PRE_TCP,
  type Side,
  type Stack,
  type StackOptionsInput,
  SVR,
  TCP_POLICIES,
  type TcpState,
} from '../src/index.js'

const { ACK } = TCP_FLAG

interface Shot {
  readonly reverse: boolean
  readonly port: number
  readonly seq: number
  readonly ack: number
  readonly flags: number
  readonly window: number
  readonly length: number
  readonly seconds: number
}

/** Numbers close to each other, so that packets have to do with each other, now and then across the wrap. */
const near = fc.oneof(
  { weight: 8, arbitrary: fc.nat(60) },
  { weight: 1, arbitrary: fc.integer({ min: 0xffff_ffe0, max: 0xffff_ffff }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 0xffff_ffff }) },
)
const shot: fc.Arbitrary<Shot> = fc.record({
  reverse: fc.boolean(),
  port: fc.constantFrom(1, 1, 1, 2),
  seq: near,
  ack: near,
  flags: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(0x10, 0x18, 0x02, 0x12, 0x11, 0x04, 0x14) },
    { weight: 1, arbitrary: fc.nat(255) },
  ),
  window: fc.constantFrom(0, 1, 100, 65_535),
  length: fc.constantFrom(0, 0, 1, 5, 20, 3000),
  seconds: fc.oneof(
    { weight: 9, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.constantFrom(1, 31, 200, 4000, -1, -100) },
  ),
})

/** What has to hold of every flow's events, whatever the packets. */
function watch(stack: Stack): { check(): void } {
  const socket = stack.monitorStream<{ next: [number, number]; states: [TcpState, TcpState] }>()
  const open = new Set<number>()
  const faults: string[] = []
  const fault = (flow: Flow, what: string) => faults.push(`${stack.packet.number}: flow ${flow.id}: ${what}`)
  const known = (flow: Flow, what: string) => {
    if (!open.has(flow.id)) fault(flow, `${what} outside of the life of the flow`)
  }
  socket.on(ON_CONN_START, (flow) => {
    if (open.has(flow.id)) fault(flow, 'starts twice')
    if (flow.uctx !== undefined) fault(flow, 'has an old context')
    open.add(flow.id)
    flow.uctx = { next: [0, 0], states: [0, 1] }
  })
  socket.on(ON_TCP_STATE_CHANGE, (flow, { side, from, to }) => {
    known(flow, 'state')
    if (flow.uctx!.states[side] !== from || from === to) fault(flow, `state ${from} > ${to}`)
    flow.uctx!.states[side] = to
  })
  const advance = (flow: Flow<{ next: [number, number] }>, side: Side, offset: number, length: number) => {
    known(flow, 'data')
    if (offset !== flow.uctx!.next[side]) fault(flow, `data at ${offset}, not ${flow.uctx!.next[side]}`)
    if (length <= 0) fault(flow, `length ${length}`)
    flow.uctx!.next[side] = offset + length
  }
  socket.on(ON_NEW_DATA, (flow, { side, offset, start, end }) => advance(flow, side, offset, end - start))
  socket.on(ON_GAP, (flow, { side, offset, length }) => advance(flow, side, offset, length))
  socket.on(ON_REXMIT, (flow, { syn, offset }) => {
    known(flow, 'rexmit')
    if (syn ? offset !== -1 : offset < 0) fault(flow, `rexmit at ${offset}`)
  })
  socket.on(ON_OVERLAP_CONFLICT, (flow, { offset, earlier, later }) => {
    known(flow, 'conflict')
    if (offset < 0 || earlier.length !== later.length) fault(flow, `conflict at ${offset}`)
  })
  socket.on(ON_PKT_IN, PRE_TCP, (flow) => {
    if (flow.packets(CLI) + flow.packets(SVR) > 1) known(flow, 'packet')
  })
  socket.on(ON_CONN_END, (flow) => {
    known(flow, 'end')
    open.delete(flow.id)
  })
  return {
    check() {
      expect(faults).toEqual([])
      expect([...open]).toEqual([])
    },
  }
}

function run(shots: readonly Shot[], options: StackOptionsInput): Stack {
  const stack = createStack({ seed: 1, maxFlows: 8, ...options })
  const watched = watch(stack)
  let seconds = 1_700_000_000
  for (const s of shots) {
    seconds += s.seconds
    const [source, destination] = s.reverse ? ['10.0.0.2', '10.0.0.1'] : ['10.0.0.1', '10.0.0.2']
    const frame = tcpFrame({
      source: source!,
      destination: destination!,
      sourcePort: s.reverse ? 80 : s.port,
      destinationPort: s.reverse ? s.port : 80,
      seq: s.seq,
      ack: s.ack,
      flags: s.flags,
      window: s.window,
      payload: new Uint8Array(s.length).fill(s.seq),
    })
    stack.frame(frame, 0, frame.length, frame.length, seconds, 0, LINKTYPE_ETHERNET, 0)
  }
  stack.finish()
  watched.check()
  return stack
}

describe('any sequence of segments', () => {
  const options = fc.record({
    midstream: fc.boolean(),
    maxFlows: fc.constantFrom(1, 2, 8),
    tcp: fc.record({
      policy: fc.constantFrom(...TCP_POLICIES),
      doubtful: fc.constantFrom('use', 'wait'),
    }),
    outOfOrder: fc.record({
      sideBytes: fc.constantFrom(0, 100, 1e6),
      totalBytes: fc.constantFrom(0, 4096, 1e6),
      acrossSides: fc.boolean(),
    }),
  })

  it('gives each flow one start, one end, contiguous streams and no state from nowhere', () => {
    fc.assert(
      fc.property(fc.array(shot, { maxLength: 60 }), options, (shots, o) => {
        const stack = run(shots, o)
        expect(stack.counters.liveFlows).toBe(0)
        expect(stack.counters.heldBytes).toBe(0)
        const c = stack.counters
        const ended =
          c.endedFin + c.endedRst + c.endedTimeout + c.endedReused + c.endedEvicted + c.endedShutdown
        expect(ended).toBe(c.flows)
      }),
      { numRuns: 400 },
    )
  })

  it('after a handshake as well', () => {
    const syn = { port: 1, window: 100, length: 0, seconds: 0 }
    const opening: Shot[] = [
      { ...syn, reverse: false, seq: 10, ack: 0, flags: 0x02 },
      { ...syn, reverse: true, seq: 20, ack: 11, flags: 0x12 },
      { ...syn, reverse: false, seq: 11, ack: 21, flags: 0x10 },
    ]
    fc.assert(
      fc.property(fc.array(shot, { maxLength: 60 }), options, (shots, o) => {
        run([...opening, ...shots], o)
      }),
      { numRuns: 400 },
    )
  })

  it('where the second SYN of a simultaneous open contradicts what was acknowledged', () => {
    const packet = { port: 1, ack: 0, window: 0, length: 0, seconds: 0 }
    const stack = run(
      [
        { ...packet, reverse: true, seq: 0, flags: 0x02 },
        { ...packet, reverse: true, seq: 0, flags: 0x12 },
        // The server has been acknowledged up to 0: its data cannot begin at 0xffffffe1.
        { ...packet, reverse: false, seq: 0xffff_ffe0, flags: 0x02, length: 20 },
        { ...packet, reverse: false, seq: 0, flags: 0x10, length: 20 },
      ],
      { midstream: true },
    )
    expect(stack.counters.synIgnored).toBe(1)
  })
})

describe('work stays bounded', () => {
  /** Milliseconds for `count` one-byte segments of one connection at the offsets given. */
  const time = (offsets: readonly number[]): number => {
    const stack = createStack({ maxFlows: 16 })
    stack.monitorStream().on(ON_NEW_DATA, () => {})
    const c = conversation().handshake()
    const base = c.seq('client')
    feed(stack, c.packets())
    const frames = offsets.map((offset) =>
      tcpFrame({
        source: '203.0.113.5',
        destination: '192.0.2.80',
        sourcePort: 40000,
        destinationPort: 80,
        seq: (base + offset) >>> 0,
        ack: c.seq('server'),
        flags: ACK,
        payload: 'x',
      }),
    )
    const start = performance.now()
    for (const frame of frames) {
      stack.frame(frame, 0, frame.length, frame.length, 1_700_000_000, 0, LINKTYPE_ETHERNET, 0)
    }
    const elapsed = performance.now() - start
    expect(stack.counters.heldBytes).toBeLessThanOrEqual(3072 * 2048)
    return elapsed
  }
  const COUNT = 20_000
  const index = Array.from({ length: COUNT }, (_, i) => i)

  it.each([
    ['ascending, every other byte', index.map((i) => 2 + 2 * i)],
    ['descending', index.map((i) => 50_000 - 2 * i)],
    ['from both ends', index.map((i) => (i % 2 === 0 ? 2 + i : 60_000 - i))],
    ['at random', index.map((i) => 2 + ((Math.imul(i, 7919) >>> 0) % 60_000))],
    ['the same again and again', index.map((i) => 2 + 2 * (i % 3000))],
  ])('one-byte segments %s', (_order, offsets) => {
    // Far above what it takes (about 0.1 s), far below what quadratic work would.
    expect(time(offsets)).toBeLessThan(3000)
  })
})
