/**
 * The stack beside the released mOS, continued: rows on user-defined events, invocation forests and filters (1.4 to 1.6),
 * each named after its row.
 */
import { describe, expect, it } from 'vitest'
import { conversation, feed, udpExchange } from '../../test/support/conversation.js'
import {
  BpfError,
  bpfUnavailable,
  CLI,
  createStack,
  defineEvent,
  defineMultiEvent,
  type Flow,
  ON_CONN_START,
  ON_NEW_DATA,
  ON_ORPHAN,
  ON_PKT_IN,
  PRE_TCP,
  RCV,
  type Subscription,
  SVR,
} from '../src/index.js'

const stackOf = () => createStack({ seed: 1, maxFlows: 1000 })
const opened = (options = {}) => conversation(options).handshake()
const noBpf = bpfUnavailable() !== ''

describe('1.4 user-defined events', () => {
  it('[V] every filter runs once per event', () => {
    const stack = stackOf()
    let runs = 0
    const event = defineEvent(ON_NEW_DATA, (_flow, d) => {
      runs++
      return d
    })
    const socket = stack.monitorStream()
    for (let i = 0; i < 3; i++)
      socket.on(
        defineEvent(event, () => i),
        () => {},
      )
    feed(stack, opened().client('x').packets())
    expect(runs).toBe(1)
  })

  it('[V] alloc_event and raise_event: one pass raises many children', () => {
    const stack = stackOf()
    const hits: string[] = []
    const patterns = defineMultiEvent(ON_NEW_DATA, (_flow, _d, raise: (key: string, n: number) => void) => {
      raise('a', 1)
      raise('b', 2)
    })
    const socket = stack.monitorStream()
    for (const key of ['b', 'a']) socket.on(patterns.child(key), (_flow, n) => hits.push(key + n))
    feed(stack, opened().client('x').packets())
    expect(hits).toEqual(['a1', 'b2'])
  })

  it('[V] nested events are observed where their root occurs, and nowhere else', () => {
    const socket = stackOf().monitorStream()
    const nested = defineEvent(
      defineEvent(ON_NEW_DATA, () => 1),
      () => 2,
    )
    socket.on(nested, () => {})
    // @ts-expect-error data is not observed at a hook
    expect(() => socket.on(nested, RCV, () => {})).toThrow(TypeError)
  })

  it('[V] un-registering ends the calls; registering twice calls once; another handler is called as well', () => {
    const stack = stackOf()
    const lines: string[] = []
    const socket = stack.monitorStream()
    const first = (): unknown => lines.push('first')
    const subscription = socket.on(ON_NEW_DATA, first)
    socket.on(ON_NEW_DATA, first)
    socket.on(ON_NEW_DATA, () => lines.push('second'))
    const c = opened().client('x')
    feed(stack, c.packets())
    subscription.off()
    feed(stack, c.client('y').packets().slice(5))
    expect(lines).toEqual(['first', 'second', 'second'])
  })

  it('[V] registering on a flow with handlers of its own, inside a callback', () => {
    const stack = stackOf()
    let calls = 0
    stack.monitorStream().on(ON_CONN_START, (flow) => {
      flow.on(ON_PKT_IN, (f) => {
        f.on(ON_PKT_IN, () => calls++)
      })
    })
    feed(stack, opened().packets())
    expect(calls).toBe(1 + 2)
  })
})

describe('1.4 user-defined events, continued', () => {
  it('execution: base before derived, a refusal ends the branch, at the hook of the root', () => {
    const stack = stackOf()
    const lines: string[] = []
    const all = defineEvent(ON_PKT_IN, (_flow, p) => p.number)
    const odd = defineEvent(all, (_flow, n) => (n % 2 === 1 ? n : undefined))
    const big = defineEvent(odd, (_flow, n) => (n > 2 ? `${n}!` : undefined))
    const socket = stack.monitorStream()
    socket.on(all, PRE_TCP, (flow, n) => lines.push(`all ${n} ${flow.state(CLI)}`))
    socket.on(odd, PRE_TCP, (_flow, n) => lines.push(`odd ${n}`))
    socket.on(big, PRE_TCP, (_flow, text) => lines.push(`big ${text}`))
    feed(stack, opened().packets())
    expect(lines).toEqual(['all 1 0', 'odd 1', 'all 2 2', 'all 3 4', 'odd 3', 'big 3!'])
  })

  it('any number of events, without a table of them', () => {
    const stack = stackOf()
    const events = Array.from({ length: 40_000 }, (_, i) => defineEvent(ON_CONN_START, () => i))
    let last = -1
    stack.monitorStream().on(events.at(-1)!, (_flow, i) => {
      last = i
    })
    feed(stack, opened().packets())
    expect(last).toBe(39_999)
    expect(stack.forestStats().forests).toBeLessThan(5)
  })

  it('a filter hands its result to the handlers, typed', () => {
    const stack = stackOf()
    const ON_PORT = defineEvent(ON_CONN_START, (flow) => ({ port: flow.port(SVR) }))
    let port = 0
    stack.monitorStream().on(ON_PORT, (_flow, found) => {
      port = found.port
      // @ts-expect-error there is no other field
      expect(found.host).toBeUndefined()
    })
    feed(stack, opened().packets())
    expect(port).toBe(80)
  })
})

describe('1.5 event forests', () => {
  it('[V] a change of one flow does not touch the others, and undone it shares the old forest again', () => {
    const stack = stackOf()
    const ports: number[] = []
    const subscriptions: Subscription[] = []
    const handler = (flow: Flow): void => void ports.push(flow.port(CLI))
    stack.monitorStream().on(ON_CONN_START, (flow) => {
      if (flow.port(CLI) === 2) subscriptions.push(flow.on(ON_NEW_DATA, handler))
    })
    const talks = [1, 2, 3].map((clientPort) => opened({ clientPort }))
    for (const talk of talks) feed(stack, talk.packets())
    expect(stack.forestStats().forests).toBe(2)
    for (const talk of talks) feed(stack, talk.client('x').packets().slice(3))
    for (const subscription of subscriptions) subscription.off()
    for (const talk of talks) feed(stack, talk.client('y').packets().slice(5))
    expect(ports).toEqual([2])
  })

  it('flows with the same registrations share one forest', () => {
    const stack = stackOf()
    const handler = (): void => {}
    stack.monitorStream().on(ON_CONN_START, (flow) => void flow.on(ON_NEW_DATA, handler))
    for (let port = 1; port <= 500; port++) feed(stack, opened({ clientPort: port }).packets())
    expect(stack.forestStats()).toMatchObject({ forests: 2, flows: 500 })
  })
})

describe.skipIf(noBpf)('1.6 mtcp_bind_monitor_filter', () => {
  it('[V] a match of one monitor does not open another one', () => {
    const stack = stackOf()
    const seen: string[] = []
    const web = stack.monitorStream({ filter: 'tcp port 80' })
    const mail = stack.monitorStream({ filter: 'tcp port 25' })
    web.on(ON_CONN_START, (flow) => seen.push(`web ${flow.port(SVR)}`))
    mail.on(ON_CONN_START, (flow) => seen.push(`mail ${flow.port(SVR)}`))
    for (const serverPort of [80, 25, 80, 443]) {
      feed(stack, opened({ serverPort, clientPort: 1000 + seen.length }).packets())
    }
    expect(seen).toEqual(['web 80', 'mail 25', 'web 80'])
  })

  it('the whole language: parentheses, bits, other protocols', () => {
    const stack = stackOf()
    const seen: number[] = []
    const filter = '(tcp port 80 or udp port 53) and not (host 10.9.9.9 or ip[8] < 5) and ip[0] & 0xf = 5'
    stack.monitorStream({ filter }).on(ON_CONN_START, (flow) => seen.push(flow.protocol))
    feed(stack, opened().packets())
    feed(stack, opened({ client: '10.9.9.9' }).packets())
    feed(stack, udpExchange([['client', 'x']], { serverPort: 53 }))
    feed(stack, udpExchange([['client', 'x']], { serverPort: 54 }))
    expect(seen).toEqual([6, 17])
    expect(() => stack.monitorStream({ filter: 'prot 80' })).toThrow(BpfError)
  })

  it('a stream filter is asked once per flow, an orphan filter for each orphan; none is everything', () => {
    const stack = stackOf()
    let packets = 0
    let orphans = 0
    // The answers come from port 80: asked again they would not match.
    const socket = stack.monitorStream({ filter: 'dst port 80', orphanFilter: 'src port 7' })
    socket.on(ON_PKT_IN, () => packets++)
    socket.on(ON_ORPHAN, () => orphans++)
    feed(stack, opened().packets())
    for (const clientPort of [7, 8, 7]) {
      feed(stack, conversation({ clientPort }).segment('client', { payload: 'x' }).packets())
    }
    expect([packets, orphans]).toEqual([3, 2])
  })

  it('[V] RAW filters are put to frames as they are, VLANs and IPv6 included', () => {
    const stack = stackOf()
    let raw = 0
    stack.monitorRaw({ filter: 'vlan and ip6' }).on(ON_PKT_IN, () => raw++)
    feed(stack, opened({ client: 'fd00::1', server: 'fd00::2', vlans: [7] }).packets())
    feed(stack, opened().packets())
    expect(raw).toBe(3)
  })
})
