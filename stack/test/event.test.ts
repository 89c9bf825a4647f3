/** Events: user-defined ones, registration at any time, forests shared between flows, hooks that do not exist. */
import { describe, expect, it } from 'vitest'
import { conversation, feed, udpExchange } from '../../test/support/conversation.js'
import {
  CLI,
  createStack,
  defineEvent,
  type NewData,
  ON_CONN_END,
  ON_CONN_START,
  ON_GAP,
  ON_NEW_DATA,
  ON_ORPHAN,
  ON_PKT_IN,
  ON_REXMIT,
  ON_TCP_STATE_CHANGE,
  POST_TCP,
  PRE_TCP,
  type Subscription,
  SVR,
} from '../src/index.js'

const stackOf = () => createStack({ seed: 1, maxFlows: 1000 })
const text = (data: NewData): string =>
  Buffer.from(data.bytes.subarray(data.start, data.end)).toString('latin1')
const request = (clientPort = 40000) => conversation({ clientPort }).handshake().client('GET /a').packets()

describe('user-defined events', () => {
  const ON_TEXT = defineEvent(ON_NEW_DATA, (_flow, data) => text(data))
  const ON_GET = defineEvent(ON_TEXT, (_flow, line) => (line.startsWith('GET ') ? line.slice(4) : undefined))

  it('hand the value of their filter on, through any depth', () => {
    const stack = stackOf()
    const seen: string[] = []
    stack.monitorStream().on(ON_GET, (flow, path) => seen.push(`${flow.port(SVR)} ${path}`))
    feed(stack, conversation().handshake().client('GET /x').server('200').client('POST /y').packets())
    expect(seen).toEqual(['80 /x'])
  })

  it('are raised for false, zero, null and the empty string: only undefined is no', () => {
    const stack = stackOf()
    const seen: unknown[] = []
    for (const value of [false, 0, null, '', undefined]) {
      stack.monitorStream().on(
        defineEvent(ON_NEW_DATA, () => value),
        (_flow, payload) => seen.push(payload),
      )
    }
    feed(stack, request())
    expect(seen).toEqual([false, 0, null, ''])
  })

  it('evaluate each filter once per event and socket, whatever hangs on it', () => {
    const stack = stackOf()
    let calls = 0
    const base = defineEvent(ON_NEW_DATA, (_flow, data) => {
      calls++
      return data
    })
    const left = defineEvent(base, (_flow, data) => data.start)
    const right = defineEvent(base, (_flow, data) => data.end)
    const socket = stack.monitorStream()
    let handled = 0
    for (const event of [left, right]) for (let i = 0; i < 3; i++) socket.on(event, () => handled++)
    socket.on(base, () => handled++)
    socket.on(ON_CONN_START, (flow) => {
      flow.on(base, () => handled++)
    })
    feed(stack, request())
    expect([calls, handled]).toEqual([1, 8])
    stack.monitorStream().on(left, () => handled++)
    feed(stack, conversation().client('again').packets())
    feed(stack, request(2))
    expect(calls).toBe(3)
  })

  it('do not evaluate a filter below one that said no', () => {
    const stack = stackOf()
    let below = 0
    const no = defineEvent(ON_NEW_DATA, () => undefined)
    stack.monitorStream().on(
      defineEvent(no, () => below++),
      () => {},
    )
    feed(stack, request())
    expect(below).toBe(0)
  })

  it('are observed at the hook of their root', () => {
    const stack = stackOf()
    const seen: string[] = []
    const ON_SYN = defineEvent(ON_PKT_IN, (_flow, packet) =>
      (packet.tcpFlags & 2) !== 0 ? packet.number : undefined,
    )
    const socket = stack.monitorStream()
    socket.on(ON_SYN, PRE_TCP, (flow, n) => seen.push(`pre ${n} ${flow.state(CLI)}`))
    socket.on(ON_SYN, POST_TCP, (flow, n) => seen.push(`post ${n} ${flow.state(CLI)}`))
    feed(stack, request())
    expect(seen).toEqual(['pre 1 0', 'post 1 2', 'pre 2 2', 'post 2 4'])
  })

  it('come after the handlers of the event they derive from', () => {
    const stack = stackOf()
    const seen: string[] = []
    const socket = stack.monitorStream()
    socket.on(ON_GET, () => seen.push('get'))
    socket.on(ON_NEW_DATA, () => seen.push('data'))
    socket.on(ON_TEXT, () => seen.push('text'))
    feed(stack, request())
    expect(seen).toEqual(['data', 'text', 'get'])
  })
})

describe('registration', () => {
  it('calls a handler once, however often it is registered', () => {
    const stack = stackOf()
    let calls = 0
    const handler = () => calls++
    const socket = stack.monitorStream()
    socket.on(ON_NEW_DATA, handler)
    socket.on(ON_NEW_DATA, handler)
    socket.on(ON_CONN_START, (flow) => {
      flow.on(ON_NEW_DATA, handler)
    })
    feed(stack, request())
    expect(calls).toBe(1)
  })

  it('keeps the order in which handlers were registered', () => {
    const stack = stackOf()
    const seen: number[] = []
    const socket = stack.monitorStream()
    for (let i = 0; i < 5; i++) socket.on(ON_NEW_DATA, () => seen.push(i))
    feed(stack, request())
    expect(seen).toEqual([0, 1, 2, 3, 4])
  })

  it('ends with off(), for flows under way as well, and off() may be repeated', () => {
    const stack = stackOf()
    let calls = 0
    const subscription = stack.monitorStream().on(ON_NEW_DATA, () => calls++)
    const packets = conversation().handshake().client('a').client('b').packets()
    feed(stack, packets.slice(0, 4))
    subscription.off()
    subscription.off()
    feed(stack, packets.slice(4))
    expect(calls).toBe(1)
  })

  it('takes effect from the next event on when made in a handler', () => {
    const stack = stackOf()
    const socket = stack.monitorStream()
    const seen: string[] = []
    let second: Subscription | undefined
    socket.on(ON_NEW_DATA, (_flow, data) => {
      seen.push(`1 ${text(data)}`)
      second ??= socket.on(ON_NEW_DATA, (_f, d) => seen.push(`2 ${text(d)}`))
      if (text(data) === 'c') second.off()
    })
    feed(stack, conversation().handshake().client('a').client('b').client('c').client('d').packets())
    expect(seen).toEqual(['1 a', '1 b', '2 b', '1 c', '2 c', '1 d'])
  })

  it('reaches a flow only, when made through its handle', () => {
    const stack = stackOf()
    const socket = stack.monitorStream()
    const seen: number[] = []
    socket.on(ON_CONN_START, (flow) => {
      if (flow.port(CLI) === 2) flow.on(ON_NEW_DATA, (f) => seen.push(f.port(CLI)))
    })
    for (const port of [1, 2, 3]) feed(stack, request(port))
    expect(seen).toEqual([2])
  })

  it('may be undone for a flow later, and does nothing once the flow is gone', () => {
    const stack = stackOf()
    const socket = stack.monitorStream()
    const seen: string[] = []
    let own: Subscription | undefined
    const start = socket.on(ON_CONN_START, (flow) => {
      own = flow.on(ON_NEW_DATA, (_f, data) => seen.push(text(data)))
    })
    const packets = conversation().handshake().client('a').client('b').close().packets()
    feed(stack, packets.slice(0, 4))
    own!.off()
    feed(stack, packets.slice(4))
    start.off()
    feed(stack, conversation().handshake().client('c').packets())
    own!.off()
    expect(seen).toEqual(['a'])
  })

  it('does not last longer than the flow', () => {
    const stack = stackOf()
    const socket = stack.monitorStream()
    let calls = 0
    let first = true
    socket.on(ON_CONN_START, (flow) => {
      if (first) flow.on(ON_NEW_DATA, () => calls++)
      first = false
    })
    for (let i = 0; i < 3; i++) feed(stack, conversation().handshake().client('x').close().packets())
    expect(calls).toBe(1)
  })
})

describe('forests', () => {
  it('are shared by flows with the same handlers, whatever the order they were registered in', () => {
    const stack = stackOf()
    const { store } = stack.events
    const socket = stack.monitorStream()
    const a = () => {}
    const b = () => {}
    const handles: Subscription[] = []
    socket.on(ON_CONN_START, (flow) => {
      const odd = (flow.port(CLI) & 1) === 1
      flow.on(ON_NEW_DATA, odd ? a : b)
      handles.push(flow.on(ON_NEW_DATA, odd ? b : a))
    })
    for (let port = 1; port <= 100; port++) feed(stack, request(port))
    // The default one and the one with both handlers.
    expect(store.size).toBe(2)
    for (const handle of handles) handle.off()
    expect(store.size).toBe(3)
    stack.finish()
    expect(store.size).toBe(1)
  })

  it('keep to a few when every flow registers, stops and ends', () => {
    const stack = stackOf()
    const socket = stack.monitorStream()
    const handler = () => {}
    socket.on(ON_CONN_START, (flow) => {
      flow.on(ON_NEW_DATA, handler)
      flow.stop(CLI)
    })
    for (let i = 0; i < 500; i++) feed(stack, conversation({ clientPort: i }).handshake().close().packets())
    expect(stack.events.store.size).toBe(1)
  })

  it('cost nothing when nothing is registered', () => {
    const stack = stackOf()
    stack.monitorStream()
    feed(stack, request())
    expect(stack.events.store.masks[0]).toBe(0)
  })
})

describe('an exception in a handler', () => {
  it('comes out of frame() and leaves the stack usable', () => {
    const stack = stackOf()
    const socket = stack.monitorStream()
    const seen: string[] = []
    socket.on(ON_NEW_DATA, (_flow, data) => {
      if (text(data) === 'bad') throw new Error('handler')
      seen.push(text(data))
    })
    socket.on(ON_CONN_END, (_flow, { reason }) => seen.push(reason))
    const packets = conversation().handshake().client('good').client('bad').client('more').close().packets()
    expect(() => feed(stack, packets.slice(0, 8))).toThrow('handler')
    const failed = packets.findIndex((p) => p.tcp?.payload?.length === 3)
    feed(stack, packets.slice(failed + 1))
    expect(seen).toEqual(['good', 'more', 'fin'])
    expect(stack.counters.liveFlows).toBe(1)
  })

  it('at the end of a flow does not keep it in the table', () => {
    const stack = createStack({ maxFlows: 2 })
    stack.monitorStream().on(ON_CONN_END, () => {
      throw new Error('end')
    })
    const packets = [1, 2, 3].flatMap((clientPort) => udpExchange([['client', 'x']], { clientPort }))
    expect(() => feed(stack, packets)).toThrow('end')
    expect(stack.counters.liveFlows).toBe(1)
    expect(() => stack.finish()).toThrow('end')
    stack.finish()
    expect(stack.counters.liveFlows).toBe(0)
  })

  it('does not lose held memory', () => {
    const stack = stackOf()
    stack.monitorStream().on(ON_NEW_DATA, (_flow, data) => {
      if (data.offset > 0) throw new Error('held')
    })
    const c = conversation().handshake()
    c.segment('client', { seq: c.seq('client') + 1, payload: 'bcd' }).segment('client', { payload: 'a' })
    expect(() => feed(stack, c.packets())).toThrow('held')
    expect(stack.counters.heldBytes).toBe(0)
  })
})

it('refuses at run time what the types refuse', () => {
  const socket = stackOf().monitorStream()
  // @ts-expect-error: data has only one moment
  expect(() => socket.on(ON_NEW_DATA, PRE_TCP, () => {})).toThrow(TypeError)
  // @ts-expect-error
  expect(() => socket.on(ON_CONN_START, POST_TCP, () => {})).toThrow(TypeError)
  const ON_HOLE = defineEvent(ON_GAP, () => 1)
  // @ts-expect-error
  expect(() => socket.on(ON_HOLE, PRE_TCP, () => {})).toThrow(TypeError)
  // @ts-expect-error
  expect(() => socket.on(ON_NEW_DATA)).toThrow(TypeError)
  // @ts-expect-error: the payload of ON_REXMIT has no reason
  socket.on(ON_REXMIT, (_flow, rexmit) => rexmit.reason)
  // @ts-expect-error: orphans have no flow
  socket.on(ON_ORPHAN, (_packet, flow) => flow)
  socket.on(ON_TCP_STATE_CHANGE, (flow, change) => flow.state(change.side))
})
