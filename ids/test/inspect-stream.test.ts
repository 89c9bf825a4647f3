import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BufferPool, InspectionContext, StreamCollector, TO_CLIENT, TO_SERVER } from '../src/inspect/index.js'
import { LARGEST_BUFFER } from '../src/inspect/pool.js'
import { Recorder } from './http-support.js'

const SMALL = { window: 8, lookBack: 8 }

describe('raw turns', () => {
  test('a turn is what one side sends until the other does', () => {
    const units = new Recorder().server('one ').server('two').client('three').server('four').close()
    expect(
      units.map((unit) => [unit.kind, unit.direction, unit.buffers.pkt_data!.text, unit.sequence, unit.last]),
    ).toEqual([
      ['stream', TO_CLIENT, 'one two', 0, true],
      ['stream', TO_SERVER, 'three', 0, true],
      ['stream', TO_CLIENT, 'four', 0, true],
    ])
    expect(units[0]!.buffers.raw_data).toEqual(units[0]!.buffers.pkt_data)
    expect(units[0]!.http).toBeUndefined()
  })

  test('a long turn comes in windows with look-back', () => {
    const units = new Recorder(SMALL).server('abcdefghijklmnopqrstuvwx', [5]).close()
    expect(units.map((unit) => [unit.sequence, unit.last, unit.buffers.pkt_data])).toEqual([
      [0, false, { text: 'abcdefgh', base: 0, fresh: 0 }],
      [1, false, { text: 'abcdefghijklmnop', base: 0, fresh: 8 }],
      [2, true, { text: 'ijklmnopqrstuvwx', base: 8, fresh: 8 }],
    ])
  })

  test('agrees with cutting the whole text, for any segments and window sizes', () => {
    const sizes = fc.record({
      window: fc.integer({ min: 1, max: 3000 }),
      lookBack: fc.integer({ min: 0, max: 3000 }),
    })
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9000 }),
        sizes,
        fc.array(fc.integer({ min: 1, max: 4000 }), { minLength: 1, maxLength: 3 }),
        (length, limits, pieces) => {
          // No blank: blank lines ahead of everything else are handed out by themselves.
          const text = Array.from({ length }, (_, i) =>
            String.fromCharCode(33 + ((i * 31 + (i >> 6)) % 90)),
          ).join('')
          const recorder = new Recorder(limits)
          const units = recorder.server(text, pieces).close()
          expect(units.length).toBe(Math.ceil(length / limits.window))
          units.forEach((unit, index) => {
            const fresh = index * limits.window
            const base = Math.max(0, fresh - limits.lookBack)
            expect(unit.buffers.pkt_data).toEqual({
              text: text.slice(base, fresh + limits.window),
              base,
              fresh: fresh - base,
            })
            expect(unit.last).toBe(index === units.length - 1)
          })
          expect(recorder.context.pool.inUse).toBe(0)
        },
      ),
      { numRuns: 150 },
    )
  })

  test('what detection keeps for a turn comes back with its next window only', () => {
    const seen: (Int32Array | null)[] = []
    const context = new InspectionContext<string>(
      {
        inspect(_flow, unit) {
          seen.push(unit.pending)
          unit.pending = Int32Array.of(seen.length)
        },
      },
      SMALL,
    )
    const [one, two] = [new StreamCollector(context), new StreamCollector(context)]
    const bytes = new Uint8Array(20)
    one.append('a', TO_SERVER, 0, bytes, 0, 9)
    two.append('b', TO_SERVER, 0, bytes, 0, 9)
    one.append('a', TO_SERVER, 0, bytes, 0, 8)
    two.finish('b', TO_SERVER, 0)
    one.finish('a', TO_SERVER, 0)
    one.append('a', TO_SERVER, 0, bytes, 0, 1)
    one.finish('a', TO_SERVER, 0)
    expect(seen.map((pending) => pending?.[0] ?? null)).toEqual([null, null, 1, 2, 3, null])
  })
})

describe('buffer pool', () => {
  test('gives at least what is asked for, reuses what comes back, and keeps to its budget', () => {
    const pool = new BufferPool(1 << 20)
    const taken: Uint8Array[] = []
    for (let size = 1; size <= LARGEST_BUFFER; size += 997) {
      const buffer = pool.take(size)
      if (buffer === null) break
      expect(buffer.length).toBeGreaterThanOrEqual(size)
      taken.push(buffer)
    }
    expect(pool.refused).toBe(1)
    expect(pool.inUse).toBe(taken.reduce((sum, buffer) => sum + buffer.length, 0))
    expect(pool.inUse).toBeLessThanOrEqual(1 << 20)
    for (const buffer of taken) pool.give(buffer)
    expect(pool.inUse).toBe(0)
    expect(taken).toContain(pool.take(500))
  })

  test('limits that do not fit into a buffer are refused', () => {
    expect(() => new InspectionContext({ inspect() {} }, { window: 60000, lookBack: 60000 })).toThrow(
      RangeError,
    )
    expect(() => new InspectionContext({ inspect() {} }, { window: 0 })).toThrow(RangeError)
  })
})
