/** Monitoring sockets: contexts, stopping, reassembly on demand, isolation from each other, raw packets. */
import { describe, expect, it } from 'vitest'
import { conversation, feed, udpExchange } from '../../test/support/conversation.js'
import {
  CLI,
  createStack,
  type NewData,
  ON_CONN_END,
  ON_CONN_START,
  ON_GAP,
  ON_NEW_DATA,
  ON_ORPHAN,
  ON_PKT_IN,
  ON_TCP_STATE_CHANGE,
  type Side,
  type StreamSocket,
  SVR,
} from '../src/index.js'

const stackOf = () => createStack({ seed: 1, maxFlows: 1000 })
const text = (data: NewData): string =>
  Buffer.from(data.bytes.subarray(data.start, data.end)).toString('latin1')
const talk = (clientPort = 40000) =>
  conversation({ clientPort }).handshake().client('ask').server('answer').client('thanks').close().packets()

/** Writes data and ends down. */
function listen(socket: StreamSocket, lines: string[] = []): string[] {
  socket.on(ON_NEW_DATA, (_flow, data) => lines.push(text(data)))
  socket.on(ON_CONN_END, (_flow, { reason }) => lines.push(`end ${reason}`))
  return lines
}

describe('flow.uctx', () => {
  it('is one per flow and socket, and new for a new flow', () => {
    const stack = stackOf()
    const socket = stack.monitorStream<{ n: number }>()
    const other = stack.monitorStream<string>()
    const seen: unknown[] = []
    socket.on(ON_CONN_START, (flow) => {
      seen.push(flow.uctx)
      flow.uctx = { n: flow.port(CLI) }
    })
    other.on(ON_CONN_START, (flow) => {
      flow.uctx ??= `other ${flow.port(CLI)}`
    })
    socket.on(ON_CONN_END, (flow) => seen.push(flow.uctx))
    other.on(ON_CONN_END, (flow) => seen.push(flow.uctx))
    for (const port of [1, 2, 1]) feed(stack, talk(port))
    expect(seen).toEqual([
      ...[undefined, { n: 1 }, 'other 1'],
      ...[undefined, { n: 2 }, 'other 2'],
      ...[undefined, { n: 1 }, 'other 1'],
    ])
  })

  it('is kept for flows far apart in the table', () => {
    const stack = createStack({ maxFlows: 5000 })
    const socket = stack.monitorStream<number>()
    let wrong = 0
    socket.on(ON_CONN_START, (flow) => {
      if (flow.port(CLI) % 1000 === 999) flow.uctx = flow.port(CLI)
    })
    socket.on(ON_CONN_END, (flow) => {
      if (flow.uctx !== (flow.port(CLI) % 1000 === 999 ? flow.port(CLI) : undefined)) wrong++
    })
    for (let clientPort = 0; clientPort < 5000; clientPort++)
      feed(stack, udpExchange([['client', '']], { clientPort }))
    stack.finish()
    expect(wrong).toBe(0)
  })
})

describe('flow.stop', () => {
  it('ends the flow for the socket, and nothing comes after that', () => {
    const stack = stackOf()
    const socket = stack.monitorStream()
    const lines = listen(socket)
    socket.on(ON_NEW_DATA, (flow) => flow.stop())
    socket.on(ON_PKT_IN, () => lines.push('packet'))
    feed(stack, talk())
    expect(lines).toEqual(['packet', 'packet', 'packet', 'packet', 'ask', 'end stopped'])
    expect(stack.counters.endedFin).toBe(1)
    expect(stack.counters.orphans).toBe(0)
  })

  it('stops one direction of data and leaves the other', () => {
    const run = (side: Side): string[] => {
      const stack = stackOf()
      const socket = stack.monitorStream()
      const lines = listen(socket)
      socket.on(ON_CONN_START, (flow) => flow.stop(side))
      feed(stack, talk())
      return lines
    }
    expect(run(SVR)).toEqual(['answer', 'end fin'])
    expect(run(CLI)).toEqual(['ask', 'thanks', 'end fin'])
  })

  it('of both sides, one by one, is the end', () => {
    const stack = stackOf()
    const socket = stack.monitorStream()
    const lines = listen(socket)
    socket.on(ON_NEW_DATA, (flow, data) => flow.stop(data.side))
    feed(stack, talk())
    expect(lines).toEqual(['ask', 'answer', 'end stopped'])
  })

  it('frees what was held for the flow, unless another socket wants it', () => {
    for (const others of [0, 1]) {
      const stack = stackOf()
      const socket = stack.monitorStream()
      listen(socket)
      if (others > 0) listen(stack.monitorStream())
      let stop = false
      socket.on(ON_PKT_IN, (flow) => {
        if (stop) flow.stop()
      })
      const c = conversation().handshake().skip('client', 5).segment('client', { payload: 'held' })
      feed(stack, c.packets())
      expect(stack.counters.heldBytes).toBe(2048)
      stop = true
      feed(stack, c.ack('client').packets().slice(-1))
      expect(stack.counters.heldBytes).toBe(others * 2048)
    }
  })

  it('in the last handler is too late to matter, and outside of handlers is an error', () => {
    const stack = stackOf()
    const socket = stack.monitorStream()
    let ends = 0
    let kept: { stop(): void } | undefined
    socket.on(ON_CONN_END, (flow) => {
      ends++
      kept = flow
      flow.stop()
    })
    feed(stack, talk())
    expect(ends).toBe(1)
    expect(() => kept!.stop()).toThrow(/callback/)
  })

  it('works for flows that are not TCP', () => {
    const stack = stackOf()
    const socket = stack.monitorStream()
    const lines = listen(socket)
    socket.on(ON_PKT_IN, (flow) => {
      lines.push('packet')
      flow.stop()
    })
    feed(
      stack,
      udpExchange([
        ['client', 'a'],
        ['client', 'b'],
      ]),
    )
    stack.finish()
    expect(lines).toEqual(['packet', 'end stopped'])
  })

  it('from within data that was held delivers no more of it', () => {
    const stack = stackOf()
    const socket = stack.monitorStream()
    const lines = listen(socket)
    socket.on(ON_NEW_DATA, (flow, data) => {
      if (text(data) === 'b') flow.stop()
    })
    const c = conversation().handshake()
    const seq = c.seq('client')
    for (const [offset, payload] of [
      [1, 'b'],
      [2, 'c'],
      [0, 'a'],
      [3, 'd'],
    ] as const) {
      c.segment('client', { seq: seq + offset, payload })
    }
    feed(stack, c.packets())
    stack.finish()
    expect(lines).toEqual(['a', 'b', 'end stopped'])
    expect(stack.counters.heldBytes).toBe(0)
  })
})

describe('sockets', () => {
  it('do not disturb each other', () => {
    const stack = stackOf()
    const quitter = stack.monitorStream()
    const quits = listen(quitter)
    quitter.on(ON_NEW_DATA, (flow) => flow.stop())
    const stays = listen(stack.monitorStream())
    const servers = listen(stack.monitorStream({ reassemble: { client: false } }))
    const clients = listen(stack.monitorStream({ reassemble: { server: false } }))
    feed(stack, talk())
    expect(quits).toEqual(['ask', 'end stopped'])
    expect(stays).toEqual(['ask', 'answer', 'thanks', 'end fin'])
    expect(servers).toEqual(['ask', 'thanks', 'end fin'])
    expect(clients).toEqual(['answer', 'end fin'])
  })

  it('without handlers for data cost no reassembly; ON_GAP alone asks for it', () => {
    const stack = stackOf()
    stack.monitorStream().on(ON_TCP_STATE_CHANGE, () => {})
    const holes = () =>
      conversation().handshake().skip('client', 3).segment('client', { payload: 'x' }).packets()
    feed(stack, holes())
    expect(stack.counters.outOfOrder).toBe(0)
    const gaps: number[] = []
    stack.finish()
    stack.monitorStream().on(ON_GAP, (_flow, gap) => gaps.push(gap.offset, gap.length))
    feed(stack, holes())
    stack.finish()
    expect(gaps).toEqual([0, 3])
  })

  it('closed hear nothing more and cannot be used', () => {
    const stack = stackOf()
    const socket = stack.monitorStream()
    const lines = listen(socket)
    socket.on(ON_ORPHAN, () => lines.push('orphan'))
    const packets = talk()
    feed(stack, packets.slice(0, 4))
    socket.close()
    feed(stack, [...packets.slice(4), packets[5]!])
    expect(lines).toEqual(['ask'])
    expect(() => socket.on(ON_NEW_DATA, () => {})).toThrow(/closed/)
  })

  it('opened late see flows under way from then on', () => {
    const stack = stackOf()
    const packets = talk()
    feed(stack, packets.slice(0, 5))
    const lines = listen(stack.monitorStream())
    feed(stack, packets.slice(5))
    expect(lines).toEqual(['answer', 'thanks', 'end fin'])
  })
})

describe('packets without a flow', () => {
  it('raw sockets see every IP packet, before the flow does', () => {
    const stack = stackOf()
    const lines: string[] = []
    stack.monitorStream().on(ON_PKT_IN, () => lines.push('flow'))
    const raw = stack.monitorRaw()
    raw.on(ON_PKT_IN, (packet) => lines.push(`raw ${packet.protocol}`))
    feed(stack, [
      ...talk().slice(0, 1),
      ...udpExchange([['client', 'x']]),
      ...conversation().ack('server').packets(),
    ])
    expect(lines).toEqual(['raw 6', 'flow', 'raw 17', 'flow', 'raw 6', 'flow'])
    raw.close()
    feed(stack, talk(9).slice(0, 1))
    expect(lines).toHaveLength(7)
  })

  it('orphans are TCP packets that belong to no flow', () => {
    const stack = stackOf()
    const seen: number[] = []
    const subscription = stack.monitorStream().on(ON_ORPHAN, (packet) => seen.push(packet.number))
    feed(stack, [...conversation().ack('client').rst('server').packets(), ...udpExchange([['client', 'x']])])
    subscription.off()
    feed(stack, conversation().ack('client').packets())
    expect(seen).toEqual([1, 2])
    expect(stack.counters.orphans).toBe(3)
  })

  it('wrong checksums are left out when asked for', () => {
    const damaged = talk().map((p) => {
      const frame = p.frame.slice()
      frame[frame.length - 1]! ^= 1
      return { ...p, frame }
    })
    const flows = (checksums: 'verify' | 'ignore') => {
      const stack = createStack({ maxFlows: 10, checksums })
      feed(stack, damaged)
      return stack.counters.flows
    }
    expect([flows('verify'), flows('ignore')]).toEqual([0, 1])
  })
})
