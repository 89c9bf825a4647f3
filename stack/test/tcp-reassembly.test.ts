/** Reassembly: order, overlap, loss, retransmission, limits; by example, and by property against a map of bytes. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Conversation, conversation, feed, resegment } from '../../test/support/conversation.js'
import { TCP_FLAG, tcpFrame } from '../../test/support/frames.js'
import {
  CLI,
  createStack,
  ON_GAP,
  ON_NEW_DATA,
  ON_REXMIT,
  type StackOptionsInput,
  SVR,
} from '../src/index.js'
import { record, recorder } from './support/recorder.js'

const { FIN, SYN, ACK, PSH } = TCP_FLAG
const established = (options = {}): Conversation => conversation(options).handshake()
/** Events after the handshake, state changes left out. */
const after = (lines: string[]): string[] => lines.slice(5).filter((l) => !l.includes(' > '))
const HUGE = { window: 65_535 }

/** Segment of the client at stream offset `at`. */
function at(c: Conversation, offset: number, payload: string | Uint8Array, flags = ACK): Conversation {
  return c.segment('client', { seq: (1001 + offset) >>> 0, payload, flags, ...HUGE })
}

describe('order', () => {
  it('passes in-order bytes on from the packet itself', () => {
    const stack = createStack({ maxFlows: 16 })
    let same = 0
    stack.monitorStream().on(ON_NEW_DATA, (_flow, data) => {
      if (data.bytes === stack.packet.buffer && data.start === stack.packet.payloadOffset) same++
    })
    feed(stack, established().client('a').client('b').packets())
    expect(same).toBe(2)
  })

  it('holds what comes early until the bytes before it are there', () => {
    const c = at(at(at(established(), 3, 'DEF'), 6, 'G'), 0, 'ABC')
    expect(after(record(c.packets(), {}, { finish: false }))).toEqual([
      'data to server at 0: ABC',
      'data to server at 3: DEF',
      'data to server at 6: G',
    ])
  })

  it('keeps held bytes although the buffer of their packet is used again', () => {
    const { stack, lines } = recorder()
    const packets = at(at(established(), 3, 'DEF'), 0, 'ABC').packets()
    const buffer = new Uint8Array(2000)
    for (const { frame, seconds, nanoseconds } of packets) {
      buffer.fill(0x58)
      buffer.set(frame)
      stack.frame(buffer, 0, frame.length, frame.length, seconds, nanoseconds, 1, 0)
    }
    expect(after(lines)).toEqual(['data to server at 0: ABC', 'data to server at 3: DEF'])
  })

  it('crosses the end of the sequence space', () => {
    for (let distance = 0; distance < 12; distance++) {
      const c = established({ clientIsn: (0xffff_ffff - distance) >>> 0 })
        .client('hello ')
        .client('world')
      expect(after(record(c.packets(), {}, { finish: false }))).toEqual([
        'data to server at 0: hello ',
        'data to server at 6: world',
      ])
    }
  })

  it('counts stream offsets beyond 2^32', () => {
    // 4 GiB in gaps of 16 MiB: the window scale of both SYNs is 14, the window then 1 GiB.
    const scale = Uint8Array.of(3, 3, 14, 1)
    const c = conversation().handshake({ options: scale })
    const step = 1 << 28
    let last = 0
    for (let i = 1; i <= 17; i++) {
      c.skip('client', step - 1).segment('client', { payload: 'x', ...HUGE })
      for (let k = 0; k < 4; k++) c.segment('server', { flags: ACK, ...HUGE })
    }
    const { stack } = recorder()
    stack.monitorStream().on(ON_NEW_DATA, (_flow, data) => {
      last = data.offset
    })
    feed(stack, c.packets())
    expect(last).toBe(17 * step - 1)
  })
})

describe('repeated and overlapping bytes', () => {
  it('delivers a retransmission once and tells of it', () => {
    const c = at(established().client('abc'), 0, 'abc')
    expect(after(record(c.packets(), {}, { finish: false }))).toEqual([
      'data to server at 0: abc',
      'rexmit to server at 0 +3',
    ])
  })

  it('delivers the new part of a segment that begins in old data', () => {
    const c = at(established().client('abc'), 1, 'bcde')
    expect(after(record(c.packets(), {}, { finish: false }))).toEqual([
      'data to server at 0: abc',
      'rexmit to server at 1 +2',
      'data to server at 3: de',
    ])
  })

  it('keeps the bytes that arrived first', () => {
    const c = at(at(at(established(), 2, 'CD'), 1, 'xyzE'), 0, 'A')
    expect(after(record(c.packets(), {}, { finish: false }))).toEqual([
      'rexmit to server at 2 +2',
      'data to server at 0: A',
      'data to server at 1: x',
      'data to server at 2: CD',
      'data to server at 4: E',
    ])
  })

  it('keeps held bytes when an in-order segment covers them', () => {
    const c = at(at(established(), 2, 'CD'), 0, 'abcdef')
    expect(after(record(c.packets(), {}, { finish: false }))).toEqual([
      'rexmit to server at 2 +2',
      'data to server at 0: ab',
      'data to server at 2: CD',
      'data to server at 4: ef',
    ])
  })

  it('tells of a repeated FIN', () => {
    const c = established().fin('client')
    c.segment('client', { seq: c.seq('client') - 1, flags: FIN | ACK })
    expect(after(record(c.packets(), {}, { finish: false }))).toEqual(['rexmit to server at 0 FIN +0'])
  })

  it('knows keep-alives and zero-window probes from data', () => {
    const c = established().client('abc')
    c.segment('client', { seq: c.seq('client') - 1, flags: ACK })
    c.segment('client', { seq: c.seq('client') - 1, payload: '\0' })
    c.segment('server', { flags: ACK, window: 0 })
    c.segment('client', { seq: c.seq('client'), payload: 'D' })
    c.segment('server', { flags: ACK, window: 0 })
    c.segment('server', { flags: ACK, window: 9000 }).client('def')
    const { stack, lines } = recorder()
    feed(stack, c.packets())
    expect(after(lines)).toEqual(['data to server at 0: abc', 'data to server at 3: def'])
    expect(stack.counters.keepAlives).toBe(2)
    expect(stack.counters.zeroWindowProbes).toBe(1)
  })

  it('counts the byte of a zero-window probe once it is acknowledged', () => {
    const c = established().client('abc').segment('server', { flags: ACK, window: 0 })
    c.segment('client', { payload: 'd' }).segment('server', { flags: ACK, window: 9000 }).client('ef')
    expect(after(record(c.packets(), {}, { finish: false }))).toEqual([
      'data to server at 0: abc',
      'data to server at 3: d',
      'data to server at 4: ef',
    ])
  })

  it('does not use data outside the window', () => {
    const c = at(established(), 500_000_000, 'junk')
    c.client('good')
    const { stack, lines } = recorder()
    feed(stack, c.packets())
    expect(after(lines)).toEqual(['data to server at 0: good'])
    expect(stack.counters.outOfWindow).toBe(1)
  })

  it('honours window scaling', () => {
    const scaled = conversation().handshake({ options: Uint8Array.of(3, 3, 7, 1) })
    scaled.segment('server', { flags: ACK, window: 30_000 })
    at(scaled, 3_000_000, 'far').client('near')
    const plain = established().segment('server', { flags: ACK, window: 30_000 })
    at(plain, 3_000_000, 'far').client('near')
    const outOfWindow = (c: Conversation): number => {
      const stack = createStack({ maxFlows: 16 })
      stack.monitorStream().on(ON_NEW_DATA, () => {})
      feed(stack, c.packets())
      return stack.counters.outOfWindow
    }
    expect([outOfWindow(scaled), outOfWindow(plain)]).toEqual([0, 1])
  })
})

describe('gaps', () => {
  it('waits for the missing bytes while they may still come', () => {
    const c = established().client('abc').skip('client', 3).client('ghi').ack('server')
    expect(after(record(c.packets(), {}, { finish: false }))).toEqual(['data to server at 0: abc'])
  })

  it('gives up bytes that the receiver has got, when the connection goes on', () => {
    const c = established().client('abc').skip('client', 3)
    c.client('g').client('h').client('i').client('j')
    expect(after(record(c.packets(), {}, { finish: false }))).toEqual([
      'data to server at 0: abc',
      'gap to server at 3 +3',
      'data to server at 6: g',
      'data to server at 7: h',
      'data to server at 8: i',
      'data to server at 9: j',
    ])
  })

  it('does not give up bytes that the capture shows a little late', () => {
    const c = established()
    const packets = c.client('abc').client('def').client('ghi').packets()
    const [late] = packets.splice(3, 1)
    packets.splice(6, 0, late!)
    expect(after(record(packets, {}, { finish: false }))).toEqual([
      'data to server at 0: abc',
      'data to server at 3: def',
      'data to server at 6: ghi',
    ])
  })

  it('gives up acknowledged bytes after half a second, packet or not', () => {
    const { stack, lines } = recorder()
    const c = established().client('abc').skip('client', 3).client('ghi')
    feed(stack, c.packets())
    stack.idle(1_700_000_001, 0)
    expect(after(lines)).toEqual(['data to server at 0: abc'])
    stack.idle(1_700_000_003, 0)
    expect(after(lines).slice(1)).toEqual(['gap to server at 3 +3', 'data to server at 6: ghi'])
  })

  it('tells of bytes still missing when the flow ends', () => {
    const c = established().skip('client', 3).segment('client', { payload: 'd' }).skip('client', 2)
    c.segment('client', { payload: 'g' })
    expect(after(record(c.packets()))).toEqual([
      'gap to server at 0 +3',
      'data to server at 3: d',
      'gap to server at 4 +2',
      'data to server at 6: g',
      'end shutdown',
    ])
  })

  it('tells of the bytes that the capture cut off, at once', () => {
    const { stack, lines } = recorder()
    for (const { frame, seconds, nanoseconds } of established().client('abcdef').client('ghi').packets()) {
      const kept = Math.min(frame.length, 14 + 20 + 20 + 4)
      stack.frame(frame, 0, kept, frame.length, seconds, nanoseconds, 1, 0)
    }
    expect(after(lines)).toEqual([
      'data to server at 0: abcd',
      'gap to server at 4 +2',
      'data to server at 6: ghi',
    ])
  })

  it('lets go of everything when the capture paused for longer than the window', () => {
    const c = established().client('abc').skip('client', 50_000_000)
    c.client('d').client('e').client('f').client('g').client('h').client('i')
    expect(after(record(c.packets(), {}, { finish: false })).slice(0, 2)).toEqual([
      'data to server at 0: abc',
      'gap to server at 3 +50000001',
    ])
  })
})

describe('limits on held data', () => {
  const run = (outOfOrder: StackOptionsInput['outOfOrder'], c: Conversation) => {
    const { stack, lines } = recorder({ outOfOrder: outOfOrder! })
    feed(stack, c.packets())
    return { lines: after(lines), counters: stack.counters }
  }

  it('bytes of a side: the oldest hole is given up', () => {
    const c = at(at(at(established(), 2, 'cd'), 6, 'gh'), 10, 'k')
    const { lines, counters } = run({ sideBytes: 4 }, c)
    expect(lines).toEqual(['gap to server at 0 +2', 'data to server at 2: cd'])
    expect([counters.heldBytesLimit, counters.gaps, counters.gapBytes]).toEqual([1, 1, 2])
  })

  it('segments of a side', () => {
    const c = at(at(at(established(), 2, 'c'), 4, 'e'), 6, 'g')
    const { lines, counters } = run({ sideSegments: 2 }, c)
    expect(lines).toEqual(['gap to server at 0 +2', 'data to server at 2: c'])
    expect(counters.heldSegmentsLimit).toBe(1)
  })

  it('memory of all flows: a flow that holds nothing gives up its own hole', () => {
    const { stack, lines } = recorder({ outOfOrder: { totalBytes: 2048 } })
    feed(stack, at(established({ clientPort: 1 }), 2, 'c').packets())
    feed(stack, at(established({ clientPort: 2 }), 2, 'C').packets())
    expect(lines.filter((l) => /^(data|gap)/.test(l))).toEqual([
      'gap to server at 0 +2',
      'data to server at 2: C',
    ])
    expect(stack.counters.heldTotalLimit).toBe(1)
    expect(stack.counters.heldBytes).toBe(2048)
  })

  it('nothing may be held at all', () => {
    const c = at(at(established(), 2, 'c'), 0, 'ab')
    const { lines } = run({ totalBytes: 0 }, c)
    expect(lines).toEqual(['gap to server at 0 +2', 'data to server at 2: c', 'rexmit to server at 0 +2'])
  })

  it('gives the memory back when flows end', () => {
    const { stack } = recorder()
    for (let port = 1; port <= 300; port++) {
      feed(stack, at(established({ clientPort: port }), 10, 'x'.repeat(5000)).packets())
    }
    expect(stack.counters.heldBytes).toBe(300 * 3 * 2048)
    stack.finish()
    expect(stack.counters.heldBytes).toBe(0)
  })
})

describe('streams nobody wants', () => {
  it('are not reassembled', () => {
    const stack = createStack({ maxFlows: 16 })
    stack.monitorStream({ reassemble: { server: false } }).on(ON_NEW_DATA, () => {})
    feed(stack, at(established(), 3, 'def').server('x').packets())
    expect(stack.counters.outOfOrder).toBe(0)
    expect(stack.counters.heldBytes).toBe(0)
  })

  it('are picked up where they are when a handler comes', () => {
    const { stack, lines } = recorder()
    const c = established({ clientPort: 9 })
    const quiet = createStack({ maxFlows: 16 })
    const packets = c.client('abc').client('def').packets()
    feed(quiet, packets.slice(0, 5))
    const seen: number[] = []
    quiet.monitorStream().on(ON_NEW_DATA, (_flow, data) => seen.push(data.offset, data.end - data.start))
    feed(quiet, packets.slice(5))
    expect(seen).toEqual([3, 3])
    expect([stack.counters.packets, lines]).toEqual([0, []])
  })

  it('still show retransmissions, by the highest number seen', () => {
    const stack = createStack({ maxFlows: 16 })
    const seen: number[] = []
    stack.monitorStream().on(ON_REXMIT, (_flow, r) => seen.push(r.offset, r.length))
    feed(stack, at(at(established().client('abcdef'), 2, 'cd'), 4, 'efgh').packets())
    expect(seen).toEqual([2, 2, 4, 2])
  })
})

// ---- Properties --------------------------------------------------------------------------------------------------

interface Piece {
  readonly from: number
  readonly length: number
  readonly fill: number
}

const pieces = (total: number): fc.Arbitrary<Piece[]> =>
  fc.array(
    fc.record({ from: fc.nat(total - 1), length: fc.integer({ min: 1, max: 400 }), fill: fc.nat(255) }),
    { maxLength: 60 },
  )

const truth = (offset: number): number => (offset * 31 + (offset >> 8) * 7) & 0xff

/** Feeds segments to the server's stream; returns what was delivered and the gaps, checked for order and for holes. */
function deliver(
  isn: number,
  segments: readonly { readonly from: number; readonly bytes: Uint8Array }[],
  options: StackOptionsInput = {},
  end?: number,
) {
  const stack = createStack({ seed: 1, maxFlows: 16, ...options })
  const socket = stack.monitorStream()
  const bytes = new Map<number, number>()
  let next = 0
  let gaps = 0
  let good = true
  socket.on(ON_NEW_DATA, (_flow, data) => {
    good &&= data.side === SVR && data.offset === next && data.end > data.start
    for (let i = data.start; i < data.end; i++) bytes.set(next++, data.bytes[i]!)
  })
  socket.on(ON_GAP, (_flow, gap) => {
    good &&= gap.side === SVR && gap.offset === next && gap.length > 0
    next += gap.length
    gaps += gap.length
  })
  const c = conversation({ clientIsn: isn })
  c.segment('client', { flags: SYN, ack: 0 })
    .segment('server', { flags: SYN | ACK, ...HUGE })
    .ack('client')
  for (const { from, bytes: payload } of segments) {
    c.segment('client', { seq: (isn + 1 + from) >>> 0, flags: ACK | PSH, payload })
  }
  if (end !== undefined) c.segment('client', { seq: (isn + 1 + end) >>> 0, flags: FIN | ACK })
  feed(stack, c.packets())
  stack.finish()
  expect(good).toBe(true)
  expect(stack.counters.heldBytes).toBe(0)
  return { bytes, next, gaps, stack }
}

const isns = fc.oneof(fc.constantFrom(0xffff_ffff, 0x7fff_ffff, 0), fc.integer({ min: 0, max: 0xffff_ffff }))
const TOTAL = 8000

describe('any segmentation', () => {
  it('first bytes win, every byte that arrived is delivered once, the rest are gaps', () => {
    fc.assert(
      fc.property(isns, pieces(TOTAL), (isn, list) => {
        const model = new Map<number, number>()
        const segments = list.map(({ from, length, fill }) => {
          const bytes = new Uint8Array(length).fill(fill)
          for (let i = 0; i < length; i++) if (!model.has(from + i)) model.set(from + i, fill)
          return { from, bytes }
        })
        const { bytes, next, gaps } = deliver(isn, segments)
        expect(bytes.size).toBe(model.size)
        expect([...model].every(([offset, byte]) => bytes.get(offset) === byte)).toBe(true)
        expect(gaps).toBe(next - model.size)
      }),
      { numRuns: 60 },
    )
  })

  it('with tight limits nothing is delivered twice, out of place or in silence', () => {
    const limits = fc.record({
      sideBytes: fc.nat(2000),
      sideSegments: fc.nat(8),
      totalBytes: fc.nat(5).map((n) => n * 2048),
    })
    fc.assert(
      fc.property(isns, pieces(TOTAL), limits, (isn, list, outOfOrder) => {
        const segments = list.map(({ from, length }) => ({
          from,
          bytes: Uint8Array.from({ length }, (_, i) => truth(from + i)),
        }))
        const end = Math.max(TOTAL, ...list.map((p) => p.from + p.length))
        const { bytes, next } = deliver(isn, segments, { outOfOrder }, end)
        expect([...bytes].every(([offset, byte]) => byte === truth(offset))).toBe(true)
        expect(next).toBe(end)
      }),
      { numRuns: 60 },
    )
  })

  it('cut anywhere, in any order, with duplicates and losses, over both directions', () => {
    const text = (seed: number, length: number): Uint8Array =>
      Uint8Array.from({ length }, (_, i) => truth(i + seed))
    fc.assert(
      fc.property(isns, fc.integer({ min: 5, max: 600 }), fc.nat(), fc.nat(40), (isn, size, seed, lost) => {
        const c = conversation({ clientIsn: isn, serverIsn: isn ^ 0x5555_5555, acks: false, mss: 20_000 })
        const packets = c.handshake().client(text(1, 9000)).server(text(2, 9000)).packets()
        let random = seed
        const pick = (n: number): number => {
          random = (Math.imul(random, 1103515245) + 12345) & 0x7fff_ffff
          return (random >> 8) % n
        }
        // No acknowledgements beyond the handshake: they would tell of segments before these are seen.
        const data = resegment(packets.slice(3), size)
          .filter(() => lost === 0 || pick(lost + 3) !== 0)
          .map((p) => {
            const ack = ((p.from === 'client' ? isn ^ 0x5555_5555 : isn) + 1) >>> 0
            return { ...p, frame: tcpFrame({ ...p.tcp!, ack }) }
          })
        for (let i = data.length - 1; i > 0; i--) {
          const j = pick(i + 1)
          ;[data[i], data[j]] = [data[j]!, data[i]!]
        }
        const stack = createStack({ seed: 1, maxFlows: 16 })
        const next = [0, 0]
        let good = true
        let delivered = 0
        const socket = stack.monitorStream()
        socket.on(ON_NEW_DATA, (_flow, { side, offset, bytes, start, end }) => {
          good &&= offset === next[side]
          for (let i = start; i < end; i++)
            good &&= bytes[i] === truth(offset + i - start + (side === CLI ? 2 : 1))
          next[side] = offset + end - start
          delivered += end - start
        })
        socket.on(ON_GAP, (_flow, { side, offset, length }) => {
          good &&= offset === next[side]
          next[side] = offset + length
        })
        feed(stack, [...packets.slice(0, 3), ...data, ...data.slice(0, 5)])
        stack.finish()
        expect(good).toBe(true)
        expect(delivered).toBe(data.reduce((sum, p) => sum + (p.tcp!.payload as Uint8Array).length, 0))
      }),
      { numRuns: 25 },
    )
  })
})
