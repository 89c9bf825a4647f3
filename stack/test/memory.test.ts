/** The memory budget: what is given up when, for one flow and for all. */
import { describe, expect, it } from 'vitest'
import {
  type ConversationOptions,
  conversation,
  feed,
  randomFrom,
  type TestPacket,
} from '../../test/support/conversation.js'
import { ethernet, fragmentIpv4, udp } from '../../test/support/frames.js'
import {
  CLI,
  createStack,
  ON_CONN_START,
  ON_DATAGRAM,
  ON_ERROR,
  ON_GAP,
  ON_NEW_DATA,
  STREAM_ERROR,
  type Stack,
  type StackOptionsInput,
  SVR,
} from '../src/index.js'

const CHUNK = 2048
const stackOf = (
  memory: Partial<{ totalBytes: number; flowBytes: number }>,
  more: StackOptionsInput = {},
): Stack => createStack({ seed: 1, maxFlows: 100, memory, ...more })

/** Segments after a hole: each takes a chunk. */
function held(count: number, options: ConversationOptions = {}): TestPacket[] {
  const talk = conversation({ acks: false, ...options })
    .handshake()
    .skip('client', 1)
  for (let i = 0; i < count; i++) talk.segment('client', { payload: `held ${i}` })
  return talk.packets()
}

/** The first of two fragments of a datagram of `length` bytes. */
function begun(id: number, length = 3000, start = 1): TestPacket[] {
  const ends = { source: '10.0.0.1', destination: '10.0.0.2', protocol: 17, id }
  const datagram = udp({ ...ends, sourcePort: 1, destinationPort: 2, payload: 'x'.repeat(length) })
  return fragmentIpv4(datagram, ends, Math.ceil(length / 16) * 8).map((packet) => {
    return { frame: ethernet(packet), from: 'client', seconds: start, nanoseconds: 0 }
  })
}

describe('memory for all flows', () => {
  it('used up by out-of-order data: the stream that needs more gives up its oldest hole', () => {
    const stack = stackOf({ totalBytes: 4 * CHUNK })
    const lines: string[] = []
    const socket = stack.monitorStream()
    socket.on(ON_NEW_DATA, (_flow, { bytes, start, end }) => {
      lines.push(Buffer.from(bytes.subarray(start, end)).toString())
    })
    socket.on(ON_GAP, (_flow, { length }) => lines.push(`gap ${length}`))
    socket.on(ON_ERROR, (_flow, { code }) => lines.push(`error ${code}`))
    feed(stack, held(6))
    expect(lines).toEqual([
      `error ${STREAM_ERROR.MEMORY_LIMIT}`,
      'gap 1',
      ...[0, 1, 2, 3, 4, 5].map((i) => `held ${i}`),
    ])
    expect(stack.counters).toMatchObject({ heldMemoryLimit: 1, memoryBytes: 0, gaps: 1 })
    expect(stack.counters.memoryRefusals).toBeGreaterThan(0)
  })

  it('takes kept data first, the oldest of all flows', () => {
    const stack = stackOf({ totalBytes: 6 * CHUNK })
    const socket = stack.monitorStream({ retain: { server: 100_000 } })
    const kept = new Map<number, number>()
    socket.on(ON_NEW_DATA, (flow) => {
      kept.set(flow.port(CLI), flow.side(SVR).info().kept)
    })
    const keeps = (clientPort: number, start: number): TestPacket[] =>
      conversation({ clientPort, start, mss: CHUNK })
        .handshake()
        .client('k'.repeat(2 * CHUNK))
        .packets()
    feed(stack, [...keeps(1, 1), ...keeps(2, 2)])
    expect(stack.counters).toMatchObject({ retainedBytes: 4 * CHUNK, memoryBytes: 4 * CHUNK })
    feed(stack, held(5, { clientPort: 3, start: 3 }))
    expect(stack.counters).toMatchObject({
      heldMemoryLimit: 0,
      reclaimedChunks: 3,
      retainedBytes: CHUNK,
      heldBytes: 5 * CHUNK,
    })
    expect([...kept]).toEqual([
      [1, 2 * CHUNK],
      [2, 2 * CHUNK],
    ])
  })

  it('then incomplete datagrams, the oldest first; data kept does not push them out', () => {
    const stack = stackOf({ totalBytes: 11 * 1024 })
    const lengths: number[] = []
    const socket = stack.monitorStream({ retain: { server: 100_000 } })
    socket.on(ON_DATAGRAM, (_flow, { start, end }) => lengths.push(end - start))
    socket.on(ON_NEW_DATA, () => {})
    const [first, second, third] = [begun(1), begun(2), begun(3)]
    feed(stack, [first[0], second[0], third[0]])
    const { memoryBytes } = stack.counters
    expect(memoryBytes).toBe(9 * 1024)
    // Two chunks do not fit any more: what is kept goes without, and no datagram is lost.
    feed(
      stack,
      conversation({ start: 2, mss: CHUNK })
        .handshake()
        .client('k'.repeat(2 * CHUNK))
        .packets(),
    )
    expect(stack.counters).toMatchObject({ reclaimedDatagrams: 0, retainedBytes: CHUNK })
    // Out-of-order data takes what is kept, then the first datagram.
    feed(stack, held(2, { start: 3, clientPort: 9 }))
    expect(stack.counters).toMatchObject({ reclaimedChunks: 1, reclaimedDatagrams: 1, retainedBytes: 0 })
    feed(stack, [first[1], second[1], third[1]])
    expect(lengths).toEqual([3000, 3000])
    expect(stack.counters.defrag.evictedMemory).toBe(1)
  })

  it('always leaves room for one datagram of full size', () => {
    const stack = stackOf({ totalBytes: 0 })
    const lengths: number[] = []
    stack.monitorStream().on(ON_DATAGRAM, (_flow, { start, end }) => lengths.push(end - start))
    feed(stack, [...begun(1, 60_000), ...begun(2, 60_000)])
    expect(lengths).toEqual([60_000, 60_000])
    expect(stack.counters.memoryBytes).toBe(0)
  })

  it('used up: timers are refused', () => {
    const stack = stackOf({ totalBytes: 1000 })
    const timers = Array.from({ length: 5 }, () => stack.setTimer(1e6, () => {}))
    expect(timers.map(({ active }) => active)).toEqual([true, true, true, false, false])
    expect(stack.counters).toMatchObject({ timersRefused: 2, timers: 3, memoryBytes: 768 })
    timers[0].cancel()
    expect(stack.setTimer(1e6, () => {}).active).toBe(true)
  })
})

describe('memory for one flow', () => {
  it('covers both directions, out-of-order data and kept data together', () => {
    const stack = stackOf({ flowBytes: 4 * CHUNK })
    const errors: number[] = []
    const socket = stack.monitorStream({ retain: { client: 100_000 } })
    socket.on(ON_NEW_DATA, () => {})
    socket.on(ON_ERROR, (_flow, { code }) => errors.push(code))
    const talk = conversation({ acks: false, mss: CHUNK })
      .handshake()
      .server('s'.repeat(2 * CHUNK))
      .skip('client', 1)
    for (let i = 0; i < 3; i++) talk.segment('client', { payload: 'held' })
    feed(stack, talk.packets())
    expect(errors).toEqual([STREAM_ERROR.FLOW_MEMORY_LIMIT])
    expect(stack.counters).toMatchObject({ heldFlowMemoryLimit: 1, retainedBytes: 2 * CHUNK, heldBytes: 0 })
    // Another flow has its own.
    feed(stack, held(2, { clientPort: 9, start: 9 }))
    expect(errors).toHaveLength(1)
  })

  it('makes kept data give up its own oldest bytes', () => {
    const stack = stackOf({ flowBytes: 3 * CHUNK })
    const socket = stack.monitorStream({ retain: { server: 100_000 } })
    let missed = 0
    let last = ''
    socket.on(ON_NEW_DATA, (flow, { offset }) => {
      if (offset < 4 * CHUNK) return
      missed = flow.side(SVR).missed()
      last = Buffer.from(flow.side(SVR).ppeek(4 * CHUNK, 10) ?? []).toString()
    })
    const talk = conversation({ mss: CHUNK }).handshake()
    for (const letter of 'abcde') talk.client(letter.repeat(CHUNK))
    feed(stack, talk.packets())
    expect(missed).toBe(2 * CHUNK)
    expect(last).toBe('eeeeeeeeee')
    expect(stack.counters.flowMemoryRefusals).toBe(2)
    expect(stack.counters.retainedTotalLimit).toBe(0)
  })

  it('refuses timers beyond it, and takes new ones when others have gone', () => {
    const stack = stackOf({ flowBytes: 1000 })
    const active: boolean[] = []
    stack.monitorStream().on(ON_CONN_START, (flow) => {
      const timers = [1, 2, 3, 4].map(() => flow.setTimer(1e6, () => {}))
      active.push(...timers.map((timer) => timer.active))
      timers[1].cancel()
      active.push(flow.setTimer(1e6, () => {}).active, flow.setTimer(1e6, () => {}).active)
    })
    feed(stack, conversation().handshake().packets())
    expect(active).toEqual([true, true, true, false, true, false])
    stack.finish()
    expect(stack.counters.memoryBytes).toBe(0)
  })
})

describe('the budget', () => {
  it('adds up, is kept, and is whole again at the end (random traffic)', () => {
    const totalBytes = 40 * 1024
    const flowBytes = 12 * 1024
    const stack = stackOf({ totalBytes, flowBytes }, { maxFlows: 12 })
    const random = randomFrom(4)
    const socket = stack.monitorStream({ retain: { client: 3000, server: 9000 } })
    let most = 0
    const check = (): void => {
      const { memoryBytes, heldBytes, retainedBytes, timers } = stack.counters
      const fragments = memoryBytes - heldBytes - retainedBytes - timers * 256
      expect(fragments).toBe(stack.defragmenter.heldBytes)
      expect(memoryBytes).toBeLessThanOrEqual(totalBytes + 128 * 1024)
      most = Math.max(most, memoryBytes)
    }
    socket.on(ON_CONN_START, (flow) => {
      for (let i = 0; i < 3; i++) flow.setTimer(random() * 5e6, () => {})
    })
    socket.on(ON_NEW_DATA, (flow, { side }) => {
      check()
      if (random() < 0.05) flow.side(side).peek(100)
      if (random() < 0.02) flow.stop(side)
    })
    for (let round = 0; round < 150; round++) {
      const start = 1 + round / 3
      const talk = conversation({
        clientPort: 1 + (round % 17),
        start,
        mss: 1000,
        acks: random() < 0.5,
      }).handshake()
      for (let i = 0; i < 6; i++) {
        if (random() < 0.5) talk.skip('client', 100)
        talk.client('c'.repeat(random() * 3000)).server('s'.repeat(random() * 3000))
      }
      feed(stack, [
        ...talk.packets().filter(() => random() > 0.1),
        ...begun(round, 8000, start).slice(0, 1 + random() * 1.2),
      ])
      check()
    }
    expect(most).toBeGreaterThan(totalBytes - 8 * 1024)
    for (const name of [
      'heldFlowMemoryLimit',
      'reclaimedChunks',
      'flowMemoryRefusals',
      'memoryRefusals',
    ] as const) {
      expect(stack.counters[name], name).toBeGreaterThan(0)
    }
    stack.finish()
    expect(stack.counters).toMatchObject({ memoryBytes: 0, heldBytes: 0, retainedBytes: 0, timers: 0 })
  })
})
