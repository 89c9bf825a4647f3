/** Derived events: classifications, combinators, hooks that do not exist, forests shared by any number of flows. */
import { describe, expect, it } from 'vitest'
import { conversation, feed } from '../../test/support/conversation.js'
import {
  anyOf,
  CLI,
  createStack,
  defineEvent,
  defineMultiEvent,
  type NewData,
  ON_CONN_END,
  ON_CONN_START,
  ON_GAP,
  ON_NEW_DATA,
  ON_PKT_IN,
  ON_REXMIT,
  ON_TCP_STATE_CHANGE,
  once,
  onSide,
  POST_TCP,
  PRE_TCP,
  RCV,
  SND,
  type Subscription,
  SVR,
  where,
} from '../src/index.js'

const stackOf = () => createStack({ seed: 1, maxFlows: 100_000 })
const text = (data: NewData): string =>
  Buffer.from(data.bytes.subarray(data.start, data.end)).toString('latin1')
const talk = (clientPort = 40000) =>
  conversation({ clientPort }).handshake().client('GET /a').server('200 OK').client('PUT /b').packets()

describe('the views of sender and receiver', () => {
  it('follow one another after the update, for every packet', () => {
    const stack = stackOf()
    const lines: string[] = []
    const socket = stack.monitorStream()
    socket.on(ON_PKT_IN, RCV, (_flow, p) => lines.push(`rcv ${p.number}`))
    socket.on(ON_PKT_IN, SND, (_flow, p) => lines.push(`snd ${p.number}`))
    socket.on(ON_PKT_IN, POST_TCP, (_flow, p) => lines.push(`post ${p.number}`))
    socket.on(ON_PKT_IN, PRE_TCP, (_flow, p) => lines.push(`pre ${p.number}`))
    feed(stack, conversation().handshake().packets().slice(0, 2))
    expect(lines).toEqual(['pre 1', 'post 1', 'snd 1', 'rcv 1', 'pre 2', 'post 2', 'snd 2', 'rcv 2'])
  })

  it('split state changes by whose state it is', () => {
    const stack = stackOf()
    const lines: string[] = []
    const socket = stack.monitorStream()
    socket.on(ON_TCP_STATE_CHANGE, SND, (flow, c) =>
      lines.push(`snd ${c.side} ${c.to} ${c.side === flow.packetSide}`),
    )
    socket.on(ON_TCP_STATE_CHANGE, RCV, (flow, c) =>
      lines.push(`rcv ${c.side} ${c.to} ${c.side === flow.packetSide}`),
    )
    feed(stack, conversation().handshake().packets())
    expect(lines).toEqual(['snd 0 2 true', 'rcv 1 3 false', 'rcv 0 4 false', 'rcv 1 4 false'])
  })

  it('do not compile, and throw, where an event cannot occur', () => {
    const socket = stackOf().monitorStream()
    const derived = defineEvent(ON_NEW_DATA, (_flow, d) => d.start)
    const bad: (() => unknown)[] = [
      // @ts-expect-error data has no hook
      () => socket.on(ON_NEW_DATA, RCV, () => {}),
      // @ts-expect-error a retransmission is what a receiver sees
      () => socket.on(ON_REXMIT, SND, () => {}),
      // @ts-expect-error states have changed after the update only
      () => socket.on(ON_TCP_STATE_CHANGE, PRE_TCP, () => {}),
      // @ts-expect-error the end is told once, not for each side
      () => socket.on(ON_CONN_END, SND, () => {}),
      // @ts-expect-error the hook of the root counts, through any derivation
      () => socket.on(once(where(derived, () => true)), RCV, () => {}),
      // @ts-expect-error a union has the hooks that all its events have
      () => socket.on(anyOf(ON_PKT_IN, ON_REXMIT), PRE_TCP, () => {}),
    ]
    for (const call of bad) expect(call).toThrow(TypeError)
    socket.on(anyOf(ON_PKT_IN, ON_REXMIT), RCV, () => {})
    socket.on(ON_CONN_START, SND, () => {})
    // @ts-expect-error the payload of a state change has no bytes
    socket.on(ON_TCP_STATE_CHANGE, (_flow, change) => change.bytes)
    // @ts-expect-error packets of either direction have no `side`
    onSide(ON_PKT_IN, CLI)
  })
})

describe('classifications', () => {
  it('raise many children in one pass', () => {
    const stack = stackOf()
    let passes = 0
    const WORDS = defineMultiEvent(ON_NEW_DATA, (_flow, data, raise: (key: string, at: number) => void) => {
      passes++
      for (const m of text(data).matchAll(/\w+/g)) raise(m[0], m.index)
    })
    expect(WORDS.child('GET')).toBe(WORDS.child('GET'))
    const lines: string[] = []
    const socket = stack.monitorStream()
    for (const word of ['OK', 'a', 'GET', 'absent']) {
      socket.on(WORDS.child(word), (_flow, at) => lines.push(`${word} at ${at}`))
    }
    socket.on(
      where(WORDS.child('PUT'), (_flow, at) => at === 0),
      () => lines.push('put'),
    )
    feed(stack, talk())
    expect(lines).toEqual(['GET at 0', 'a at 5', 'OK at 4', 'put'])
    expect(passes).toBe(3)
  })

  it('are not run when none of their children has a handler, nor after the last is taken back', () => {
    const stack = stackOf()
    let passes = 0
    const multi = defineMultiEvent(ON_NEW_DATA, (_flow, _data, raise: (key: number, value: null) => void) => {
      passes++
      raise(1, null)
    })
    const socket = stack.monitorStream()
    socket.on(ON_NEW_DATA, () => {})
    const subscription = socket.on(multi.child(1), () => subscription.off())
    feed(stack, talk())
    expect(passes).toBe(1)
  })

  it('may be nested, and children may be raised again', () => {
    const stack = stackOf()
    const letters = defineMultiEvent(ON_NEW_DATA, (_flow, data, raise: (key: string, n: number) => void) => {
      for (const c of text(data)) raise(c, 1)
    })
    const parity = defineMultiEvent(
      letters.child('0'),
      (_flow, n, raise: (key: boolean, n: number) => void) => raise(n % 2 === 1, n),
    )
    let odd = 0
    stack.monitorStream().on(parity.child(true), (_flow, n) => {
      odd += n
    })
    feed(stack, talk())
    expect(odd).toBe(2)
  })

  it('stay right when a handler throws in the middle of a pass', () => {
    const stack = stackOf()
    const multi = defineMultiEvent(ON_NEW_DATA, (_flow, data, raise: (key: number, text: string) => void) => {
      raise(1, text(data))
      raise(2, text(data))
    })
    const socket = stack.monitorStream()
    const lines: string[] = []
    socket.on(multi.child(1), (_flow, line) => {
      if (line.startsWith('GET')) throw new Error('no')
    })
    socket.on(multi.child(2), (_flow, line) => lines.push(line))
    const packets = talk()
    for (const packet of packets) {
      try {
        feed(stack, [packet])
      } catch {}
    }
    expect(lines).toEqual(['200 OK', 'PUT /b'])
  })
})

describe('combinators', () => {
  it('where and onSide let through what fits', () => {
    const stack = stackOf()
    const lines: string[] = []
    const socket = stack.monitorStream()
    socket.on(onSide(ON_NEW_DATA, CLI), (_flow, d) => lines.push(text(d)))
    socket.on(
      where(ON_NEW_DATA, (_flow, d) => text(d).startsWith('PUT')),
      (_flow, d) => lines.push(text(d)),
    )
    feed(stack, talk())
    expect(lines).toEqual(['200 OK', 'PUT /b'])
  })

  it('once is raised once per flow and socket', () => {
    const stack = stackOf()
    const first = once(onSide(ON_NEW_DATA, SVR))
    const lines: string[] = []
    for (const name of ['a', 'b']) {
      stack.monitorStream().on(first, (flow, d) => lines.push(`${name} ${flow.port(CLI)} ${text(d)}`))
    }
    feed(stack, talk(1))
    feed(stack, talk(2))
    expect(lines).toEqual(['a 1 GET /a', 'b 1 GET /a', 'a 2 GET /a', 'b 2 GET /a'])
  })

  it('once is raised again for the next flow in the same row', () => {
    const stack = createStack({ seed: 1, maxFlows: 1 })
    let count = 0
    stack.monitorStream().on(once(ON_NEW_DATA), () => count++)
    for (let port = 1; port <= 5; port++) feed(stack, talk(port))
    expect(count).toBe(5)
  })

  it('anyOf is raised once, whichever and however many of its events are', () => {
    const stack = stackOf()
    const all = where(ON_NEW_DATA, () => true)
    const get = where(ON_NEW_DATA, (_flow, d) => text(d).startsWith('GET'))
    const union = anyOf(get, all, ON_GAP)
    let filtered = 0
    const below = defineEvent(union, (_flow, payload) => {
      filtered++
      return 'bytes' in payload ? text(payload) : `gap ${payload.length}`
    })
    const lines: string[] = []
    const socket = stack.monitorStream()
    socket.on(below, (_flow, line) => lines.push(line))
    const c = conversation().handshake().client('GET /').skip('client', 7).client('x')
    feed(stack, c.packets())
    stack.finish()
    expect(lines).toEqual(['GET /', 'gap 7', 'x'])
    expect(filtered).toBe(3)
  })

  it('anyOf spans events at different hooks', () => {
    const stack = stackOf()
    let count = 0
    stack.monitorStream().on(anyOf(ON_PKT_IN, ON_CONN_END), () => count++)
    feed(stack, conversation().handshake().close().packets())
    expect(count).toBe(7)
  })
})

describe('forests', () => {
  it('are shared by all flows that did the same', () => {
    const stack = stackOf()
    const handler = (): void => {}
    const socket = stack.monitorStream()
    socket.on(ON_CONN_START, (flow) => {
      flow.on(ON_NEW_DATA, handler)
      if (flow.port(CLI) % 2 === 0) flow.stop(CLI)
    })
    socket.on(once(ON_REXMIT), handler)
    for (let port = 1; port <= 2000; port++)
      feed(stack, conversation({ clientPort: port }).handshake().packets())
    const { forests, flows, shared, compiled } = stack.forestStats()
    expect({ forests, flows, shared }).toEqual({ forests: 3, flows: 2000, shared: 2 })
    expect(compiled).toBeLessThan(10)
    stack.finish()
    expect(stack.forestStats()).toMatchObject({ forests: 1, flows: 0 })
  })

  it('take registrations back from inside their own call, from the next event on', () => {
    const stack = stackOf()
    const lines: string[] = []
    const socket = stack.monitorStream()
    socket.on(ON_CONN_START, (flow) => {
      const subscription: Subscription = flow.on(onSide(ON_NEW_DATA, SVR), (_flow, d) => {
        lines.push(text(d))
        subscription.off()
        subscription.off()
      })
    })
    feed(stack, talk())
    expect(lines).toEqual(['GET /a'])
  })
})
