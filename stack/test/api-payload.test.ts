/** Looking back at streams: peek, ppeek, missed bytes, retention per socket and flow, its memory, reassembly depth. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { conversation, feed } from '../../test/support/conversation.js'
import {
  CLI,
  createStack,
  type Flow,
  ON_CONN_END,
  ON_CONN_START,
  ON_ERROR,
  ON_GAP,
  ON_NEW_DATA,
  ON_PKT_IN,
  ON_REXMIT,
  STREAM_ERROR,
  type StackOptionsInput,
  SVR,
} from '../src/index.js'

const stackOf = (options: StackOptionsInput = {}) => createStack({ seed: 1, maxFlows: 1000, ...options })
const text = (bytes: Uint8Array | null): string | null =>
  bytes === null ? null : Buffer.from(bytes).toString('latin1')
const opened = (options = {}) => conversation(options).handshake()

describe('peek', () => {
  it('returns what was delivered, piece by piece, and null when there is no more', () => {
    const stack = stackOf()
    const lines: unknown[] = []
    const socket = stack.monitorStream({ retain: { server: 100 } })
    socket.on(ON_NEW_DATA, (flow) => {
      const side = flow.side(SVR)
      lines.push(
        side.unread(),
        text(side.peek(4)),
        text(side.peek()),
        side.peek(),
        side.unread(),
        side.missed(),
      )
    })
    socket.on(ON_CONN_END, (flow) => lines.push(text(flow.side(SVR).ppeek(2, 6))))
    feed(stack, opened().client('GET /index').client('more').close().packets())
    expect(lines).toEqual([10, 'GET ', '/index', null, 0, 0, 4, 'more', null, null, 0, 0, 'T /ind'])
    expect(stack.counters.retainedBytes).toBe(0)
  })

  it('works without any other handler of data, and keeps nothing by default', () => {
    const stack = stackOf()
    let end: string | null = ''
    const keeping = stack.monitorStream({ retain: { server: 1 << 20 } })
    keeping.on(ON_CONN_END, (flow) => {
      end = text(flow.side(SVR).peek())
    })
    let other: unknown
    stack.monitorStream().on(ON_CONN_END, (flow) => {
      other = [flow.side(SVR).peek(), flow.side(SVR).ppeek(0, 1), flow.side(SVR).info().kept]
    })
    feed(stack, opened().client('all of it').close().packets())
    expect(end).toBe('all of it')
    expect(other).toEqual([null, null, 0])
  })

  it('counts what lies before the next byte and cannot be read: gaps, and bytes given up', () => {
    const stack = stackOf()
    const socket = stack.monitorStream({ retain: { server: 10 } })
    const lines: unknown[] = []
    socket.on(ON_CONN_END, (flow) => {
      const side = flow.side(SVR)
      lines.push(
        side.fragments(),
        text(side.peek()),
        side.missed(),
        text(side.peek()),
        side.missed(),
        side.peek(),
      )
    })
    feed(stack, opened().client('0123456789abc').skip('client', 5).client('xyz').packets())
    stack.finish()
    const fragments = [
      { offset: 6, length: 7 },
      { offset: 18, length: 3 },
    ]
    expect(lines).toEqual([fragments, '6789abc', 11, 'xyz', 11, null])
  })
})

describe('ppeek', () => {
  it('reaches out-of-order bytes, and old ones under a retransmission', () => {
    const stack = stackOf()
    const lines: unknown[] = []
    const socket = stack.monitorStream({ retain: { server: 100 } })
    const look = (flow: Flow): void => {
      const side = flow.side(SVR)
      lines.push([text(side.ppeek(0, 9)), text(side.ppeek(6, 99)), side.ppeek(4, 1), side.fragments().length])
      const { expected, received, heldBytes, initialSequence } = side.info()
      lines.push([expected, received, heldBytes, initialSequence])
    }
    socket.on(ON_REXMIT, look)
    feed(
      stack,
      opened()
        .client('abc')
        .segment('client', { seq: 1006, payload: 'FGH' })
        .segment('client', { seq: 1009, payload: 'IJ' })
        .segment('client', { seq: 1001, payload: 'XYZ' })
        .packets(),
    )
    expect(lines).toEqual([
      ['abc', 'GHIJ', null, 2],
      [3, 10, 5, 1000],
    ])
  })
})

describe('retention', () => {
  it('is the most that any socket wants, and let go of at once when less is wanted', () => {
    const stack = stackOf()
    const a = stack.monitorStream({ retain: { server: 100_000 } })
    const b = stack.monitorStream()
    b.setRetention(SVR, 10_000)
    a.on(ON_NEW_DATA, () => {})
    feed(stack, opened().client(new Uint8Array(50_000)).packets())
    const all = stack.counters.retainedBytes
    expect(all).toBeGreaterThanOrEqual(50_000)
    a.setRetention(SVR, 0)
    expect(stack.counters.retainedBytes).toBeLessThanOrEqual(14_336)
    expect(stack.counters.retainedBytes).toBeGreaterThanOrEqual(10_000)
    b.close()
    expect(stack.counters.retainedBytes).toBe(0)
  })

  it('may be asked for by one flow alone, at any time, from then on', () => {
    const stack = stackOf()
    const socket = stack.monitorStream()
    const lines: unknown[] = []
    socket.on(ON_NEW_DATA, (flow) => {
      if (flow.port(CLI) === 1) flow.side(SVR).setRetention(100)
      lines.push(text(flow.side(SVR).peek()))
    })
    for (const clientPort of [1, 2])
      feed(stack, opened({ clientPort }).client('early').client('late').packets())
    expect(lines).toEqual([null, 'late', null, null])
    expect(() => socket.setRetention(SVR, -1)).toThrow(RangeError)
    expect(() => stack.monitorStream({ retain: { client: 2 ** 31 } })).toThrow(RangeError)
  })

  it('ends with the stop of its side', () => {
    const stack = stackOf()
    const socket = stack.monitorStream({ retain: { server: 1000, client: 1000 } })
    socket.on(ON_PKT_IN, (flow, p) => {
      if (p.number === 8) flow.stop(SVR)
    })
    feed(stack, opened().client('request').server('answer').packets())
    expect(stack.counters.retainedBytes).toBe(4096)
    feed(stack, opened().packets().slice(2))
    expect(stack.counters.retainedBytes).toBe(2048)
  })

  it('stays within the memory for all flows: a side gives up its own oldest bytes', () => {
    const stack = stackOf({ retention: { totalBytes: 8192 } })
    const socket = stack.monitorStream({ retain: { server: 1 << 20 } })
    const errors: number[] = []
    const ends: unknown[] = []
    socket.on(ON_ERROR, (flow, { code }) => errors.push(flow.port(CLI), code))
    socket.on(ON_CONN_END, (flow) => ends.push(flow.side(SVR).info().kept))
    feed(stack, opened({ clientPort: 1 }).client(new Uint8Array(20_000)).packets())
    expect(stack.counters.retainedBytes).toBe(8192)
    feed(stack, opened({ clientPort: 2 }).client('nothing left').packets())
    expect(errors).toEqual([2, STREAM_ERROR.RETENTION_LIMIT])
    expect(stack.counters.retainedTotalLimit).toBe(1)
    stack.finish()
    expect(ends[0]).toBeGreaterThan(6000)
    expect(ends[1]).toBe(0)
    expect(stack.counters.retainedBytes).toBe(0)
  })

  it('keeps the newest bytes of any stream (property)', () => {
    const piece = fc.record({ length: fc.integer({ min: 1, max: 5000 }), skip: fc.constantFrom(0, 0, 0, 3) })
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), fc.integer({ min: 1, max: 9000 }), (pieces, retain) => {
        const stack = stackOf()
        const bytes = Uint8Array.from({ length: 70_000 }, (_, i) => (i * 7 + (i >> 8)) & 0xff)
        const present = new Uint8Array(70_000)
        const socket = stack.monitorStream({ retain: { server: retain } })
        let position = 0
        socket.on(ON_NEW_DATA, (_flow, d) => {
          position = d.offset + d.end - d.start
          present.fill(1, d.offset, position)
        })
        socket.on(ON_CONN_END, (flow) => {
          let kept = 0
          for (const { offset, length } of flow.side(SVR).fragments()) {
            kept += length
            expect(present.subarray(offset, offset + length).indexOf(0)).toBe(-1)
            expect(flow.side(SVR).ppeek(offset, length)).toEqual(bytes.slice(offset, offset + length))
          }
          const delivered = present.reduce((sum, one) => sum + one, 0)
          expect(kept).toBeLessThanOrEqual(Math.min(retain, delivered))
          // Holes make chunks that are not full.
          if (pieces.every((p) => p.skip === 0)) expect(kept).toBe(Math.min(retain, delivered))
          let read = 0
          for (let next = flow.side(SVR).peek(1234); next !== null; next = flow.side(SVR).peek(1234)) {
            read += next.length
          }
          expect(read).toBe(kept)
          expect(read + flow.side(SVR).missed()).toBe(position)
        })
        const c = opened({ mss: 700 })
        let at = 0
        for (const { length, skip } of pieces) {
          c.client(bytes.subarray(at, at + length)).skip('client', skip)
          at += length + skip
        }
        feed(stack, c.packets())
        stack.finish()
        expect(stack.counters.retainedBytes).toBe(0)
      }),
      { numRuns: 60 },
    )
  })
})

describe('reassembly depth', () => {
  it('ends data and gaps of one side for one socket, and frees what was held', () => {
    const stack = stackOf()
    const lines: string[] = []
    const short = stack.monitorStream({ reassemblyDepth: { server: 5 } })
    const long = stack.monitorStream()
    for (const [name, socket] of [
      ['short', short],
      ['long', long],
    ] as const) {
      socket.on(ON_NEW_DATA, (_flow, d) => lines.push(`${name} ${d.side} ${d.offset}`))
    }
    short.on(ON_GAP, () => lines.push('gap'))
    feed(stack, opened().client('abc').client('def').client('ghi').server('x').packets())
    const expected = ['short 1 0', 'long 1 0', 'short 1 3', 'long 1 3', 'long 1 6', 'short 0 0', 'long 0 0']
    expect(lines).toEqual(expected)
  })

  it('may be set for one flow, and lets go of held and kept bytes', () => {
    const stack = stackOf()
    const socket = stack.monitorStream({ retain: { server: 1000 } })
    let data = 0
    socket.on(ON_NEW_DATA, () => data++)
    socket.on(ON_CONN_START, (flow) => flow.side(SVR).setReassemblyDepth(3))
    const c = opened().segment('client', { seq: 1011, payload: 'held' })
    feed(stack, c.packets())
    expect(stack.counters.heldBytes).toBe(2048)
    feed(stack, c.client('abc').client('def').packets().slice(4))
    expect([data, stack.counters.heldBytes, stack.counters.retainedBytes]).toEqual([1, 0, 0])
    stack.finish()
    expect(data).toBe(1)
  })
})
