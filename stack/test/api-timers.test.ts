/** Timers of applications: on trace time, cancellable, gone with their flow, bounded in number; stops of sides. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { conversation, feed } from '../../test/support/conversation.js'
import { UserTimers } from '../src/flow/user-timers.js'
import {
  CLI,
  createStack,
  ON_CONN_END,
  ON_CONN_START,
  ON_NEW_DATA,
  type StackOptionsInput,
  SVR,
  type Timer,
} from '../src/index.js'

const stackOf = (options: StackOptionsInput = {}) => createStack({ seed: 1, maxFlows: 1000, ...options })
const START = 1_700_000_000
const at = (clientPort: number, seconds: number) => conversation({ clientPort, start: START + seconds })

describe('timers', () => {
  it('of a flow come up on trace time, with their flow', () => {
    const stack = stackOf()
    const lines: string[] = []
    const socket = stack.monitorStream<string>()
    socket.on(ON_CONN_START, (flow) => {
      flow.uctx = `flow ${flow.port(CLI)}`
      flow.setTimer(2_500_000, (f) => {
        lines.push(`${f.uctx} after ${Math.round(stack.now / 1e5 - START * 10) / 10}`)
        f.setTimer(0, (g) => lines.push(`${g.uctx} again`))
      })
    })
    feed(stack, at(1, 0).handshake().packets())
    feed(stack, at(2, 2.4).handshake().packets())
    expect(lines).toEqual([])
    feed(stack, at(3, 2.6).segment('client', {}).packets())
    stack.idle(START + 4, 0)
    expect(lines).toEqual(['flow 1 after 2.6', 'flow 1 again'])
    stack.idle(START + 5, 0)
    expect(lines).toEqual(['flow 1 after 2.6', 'flow 1 again', 'flow 2 after 5'])
  })

  it('are gone with their flow, its stop, and the close of their socket', () => {
    const stack = stackOf()
    let calls = 0
    const timers: Timer[] = []
    const ended: boolean[] = []
    const sockets = [stack.monitorStream(), stack.monitorStream(), stack.monitorStream()]
    for (const socket of sockets) {
      socket.on(ON_CONN_START, (flow) => {
        timers.push(flow.setTimer(60e6, () => calls++))
        if (socket === sockets[1]) flow.stop()
      })
      socket.on(ON_CONN_END, (flow) => ended.push(flow.setTimer(1, () => calls++).active))
    }
    feed(stack, at(1, 0).handshake().packets())
    expect(timers.map((t) => t.active)).toEqual([true, false, true])
    sockets[2]?.close()
    expect(timers.map((t) => t.active)).toEqual([true, false, false])
    feed(stack, at(1, 1).handshake().close().packets())
    stack.finish()
    stack.idle(START + 1000, 0)
    expect(calls).toBe(0)
    expect(stack.counters.timers).toBe(0)
    expect(ended.includes(true)).toBe(false)
  })

  it('of the stack may be periodic and cancelled from inside', () => {
    const stack = stackOf()
    const seen: number[] = []
    stack.idle(START, 0)
    let timer: Timer
    const again = (): void => {
      seen.push(stack.now / 1e6 - START)
      timer.cancel()
      if (seen.length < 3) timer = stack.setTimer(10e6, again)
    }
    timer = stack.setTimer(10e6, again)
    for (let second = 1; second <= 60; second++) stack.idle(START + second, 0)
    expect(seen).toEqual([10, 20, 30])
    expect(() => stack.setTimer(-1, again)).toThrow(RangeError)
    expect(() => stack.setTimer(Number.NaN, again)).toThrow(RangeError)
  })

  it('that are the only ones are called once, however long nothing came and whenever they are set again', () => {
    for (let gap = 1; gap <= 130; gap++) {
      const stack = stackOf()
      stack.idle(START, 0)
      let calls = 0
      const again = (): void => {
        if (++calls > 1) throw new Error(`called again at once after ${gap} s`)
        // In the same slot of the wheel as now for some of the gaps.
        stack.setTimer(8000, again)
      }
      stack.setTimer(1e6, again)
      stack.idle(START + gap, 992_000_000)
      expect(calls).toBe(1)
    }
  })

  it('are bounded in number, and counted', () => {
    const stack = stackOf({ maxTimers: 2 })
    const active = [1, 2, 3].map(() => stack.setTimer(1, () => {}).active)
    expect(active).toEqual([true, true, false])
    expect(stack.counters.timersRefused).toBe(1)
  })

  it('stay due when the handler of another one throws', () => {
    const stack = stackOf()
    stack.idle(START, 0)
    let calls = 0
    stack.setTimer(1e6, () => {
      throw new Error('no')
    })
    stack.setTimer(1e6, () => calls++)
    expect(() => stack.idle(START + 2, 0)).toThrow('no')
    stack.idle(START + 2, 1)
    expect(calls).toBe(1)
  })

  it('survive a time base that goes back', () => {
    const stack = stackOf()
    stack.idle(START, 0)
    let calls = 0
    stack.setTimer(5e6, () => calls++)
    stack.idle(1000, 0)
    stack.idle(1004, 0)
    expect(calls).toBe(0)
    stack.idle(1006, 0)
    expect(calls).toBe(1)
  })

  it('agree with a sorted list (property)', () => {
    const step = fc.record({
      pass: fc.oneof(
        fc.integer({ min: 0, max: 5000 }),
        fc.integer({ min: 0, max: 2e9 }),
        fc.integer({ min: 0, max: 2e12 }),
      ),
      set: fc.array(
        fc.oneof(
          fc.integer({ min: 0, max: 1e5 }),
          fc.integer({ min: 0, max: 1e10 }),
          fc.integer({ min: 0, max: 3e12 }),
        ),
        {
          maxLength: 4,
        },
      ),
      cancel: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const timers = new UserTimers(1000, new Float64Array(100))
        let now = 1e15
        let fired: number[] = []
        let model: { id: number; tick: number; timer: Timer }[] = []
        let id = 0
        for (const { pass, set, cancel } of steps) {
          for (const micros of set) {
            const own = id++
            const tick = Math.max(Math.floor(now / 1000) + 1, Math.ceil((now + micros) / 1000))
            model.push({ id: own, tick, timer: timers.set(now, micros, 0, -1, () => fired.push(own)) })
          }
          if (cancel) model.shift()?.timer.cancel()
          now += pass
          if (now >= timers.due) timers.advance(now)
          const due = model.filter((m) => m.tick <= Math.floor(now / 1000))
          model = model.filter((m) => !due.includes(m))
          expect([...fired].sort((a, b) => a - b)).toEqual(due.map((m) => m.id))
          const ticks = fired.map((f) => due.find((m) => m.id === f)?.tick ?? 0)
          expect(ticks).toEqual([...ticks].sort((a, b) => a - b))
          expect(timers.count).toBe(model.length)
          fired = []
        }
      }),
      { numRuns: 200 },
    )
  })
})

describe('stops', () => {
  it('concern one side or both, of one socket', () => {
    const stack = stackOf()
    const lines: string[] = []
    for (const name of ['a', 'b', 'c'] as const) {
      const socket = stack.monitorStream()
      socket.on(ON_NEW_DATA, (flow, d) => {
        lines.push(`${name} ${d.side}`)
        if (name === 'a') flow.side(SVR).stop()
        if (name === 'b') flow.stop()
      })
      socket.on(ON_CONN_END, (_flow, { reason }) => lines.push(`${name} ${reason}`))
    }
    feed(stack, at(1, 0).handshake().client('1').server('2').client('3').close().packets())
    const expected = ['a 1', 'b 1', 'c 1', 'b stopped', 'a 0', 'c 0', 'c 1', 'a fin', 'c fin']
    expect(lines).toEqual(expected)
  })
})
