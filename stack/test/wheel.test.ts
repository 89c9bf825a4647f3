/** The timer wheel under time stamps that jump: rows come up in time, and none is looked at more often than it must be. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ROW_SHIFT } from '../src/flow/layout.js'
import { TimerWheel } from '../src/flow/wheel.js'

/** Rows 1 to `count`, each put off by `seconds` whenever it comes up; `visits` counts how often. */
function wheelOf(count: number, seconds: number) {
  const wheel = new TimerWheel(new Int32Array((count + 1) << ROW_SHIFT))
  const seen = { visits: 0 }
  wheel.advance(0, () => {})
  for (let row = 1; row <= count; row++) wheel.arm(row, seconds)
  const advance = (second: number): number => {
    const before = seen.visits
    wheel.advance(second, (row) => {
      seen.visits++
      wheel.arm(row, seconds)
    })
    return seen.visits - before
  }
  return { wheel, advance }
}

describe('the timer wheel', () => {
  it('hands out a row once its time has come, however time passes', () => {
    const steps = fc.array(fc.integer({ min: 0, max: 90 }), { minLength: 1, maxLength: 40 })
    const property = fc.property(fc.integer({ min: 1, max: 5000 }), steps, (seconds, steps) => {
      const wheel = new TimerWheel(new Int32Array(2 << ROW_SHIFT))
      wheel.advance(100, () => {})
      wheel.arm(1, seconds)
      let up = -1
      let now = 100
      for (const step of steps) {
        now += step
        wheel.advance(now, () => {
          up = now
        })
      }
      // What is due beyond a round of the wheel is looked at then.
      const due = 100 + Math.min(seconds, 4095)
      let first = 100
      let expected = -1
      for (const step of steps) {
        first += step
        if (expected < 0 && first >= due) expected = first
      }
      expect(up).toBe(expected)
    })
    fc.assert(property, { numRuns: 300 })
  })

  it('looks at a row once for a jump ahead', () => {
    const { advance } = wheelOf(1000, 30)
    expect(advance(3900)).toBe(1000)
    expect(advance(3929)).toBe(0)
    expect(advance(3930)).toBe(1000)
    expect(advance(1_000_000)).toBe(1000)
    expect(advance(1_000_028)).toBe(0)
    expect(advance(1_000_030)).toBe(1000)
  })

  it('does not look at all rows each time that time jumps back and forth', () => {
    const { advance } = wheelOf(100_000, 30)
    let visits = 0
    for (let i = 0; i < 1000; i++) visits += advance(10) + advance(4000 + (i % 7))
    expect(visits).toBeLessThan(100_000 * 8)
  })

  it('goes on in a new time base, with few rows at once, with many after a while', () => {
    const few = wheelOf(100, 30)
    few.advance(1_000_000)
    few.advance(10)
    expect(few.advance(100)).toBe(100)
    const many = wheelOf(1000, 30)
    many.advance(1_000_000)
    many.advance(10)
    expect(many.advance(100)).toBe(0)
    let visits = 0
    for (let second = 200; second < 1000; second += 100) visits += many.advance(second)
    expect(visits).toBeGreaterThanOrEqual(1000)
  })
})
