/** What applications do to packets and flows: drop, change, block, reset, send. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { conversation, randomFrom, type TestPacket, udpExchange } from '../../test/support/conversation.js'
import { ethernet, fragmentIpv4, ipv4, ipv6, tcp, tcpFrame, udp } from '../../test/support/frames.js'
import {
  CLI,
  createStack,
  DESTINATION,
  type Flow,
  ON_CONN_END,
  ON_CONN_START,
  ON_DATAGRAM,
  ON_FRAGMENT,
  ON_NEW_DATA,
  ON_ORPHAN,
  ON_PKT_IN,
  ON_REXMIT,
  ON_TCP_STATE_CHANGE,
  type Packet,
  PRE_TCP,
  parseAddress,
  SOURCE,
  type Stack,
  SVR,
  TCP_STATE_NAME,
  VERDICT,
} from '../src/index.js'
import { bump, decoded } from './support/bump.js'

const ascii = (text: string): Uint8Array => Buffer.from(text, 'latin1')

/** What a stack delivers, state changes and ends, as lines. */
function lines(stack: Stack): string[] {
  const all: string[] = []
  const socket = stack.monitorStream()
  const name = (side: number): string => (side === CLI ? 'client' : 'server')
  socket.on(ON_CONN_START, () => all.push('start'))
  socket.on(ON_TCP_STATE_CHANGE, (_flow, { side, to }) => all.push(`${name(side)} ${TCP_STATE_NAME[to]}`))
  socket.on(ON_NEW_DATA, (_flow, { side, offset, bytes, start, end }) => {
    all.push(`${name(side)} ${offset} ${Buffer.from(bytes.subarray(start, end)).toString('latin1')}`)
  })
  socket.on(ON_REXMIT, (_flow, { side, length }) => all.push(`${name(side)} again ${length}`))
  socket.on(ON_CONN_END, (_flow, { reason }) => all.push(`end ${reason}`))
  return all
}

/** A UDP datagram of 100 bytes in two fragments. */
function fragments(start = 1): TestPacket[] {
  const ends = { source: '10.0.0.1', destination: '10.0.0.2', protocol: 17 }
  const datagram = udp({ ...ends, sourcePort: 1, destinationPort: 2, payload: 'x'.repeat(100) })
  return fragmentIpv4(datagram, ends, 64).map((packet) => {
    return { frame: ethernet(packet), from: 'client', seconds: start, nanoseconds: 0 }
  })
}

const isData = (packet: Packet): boolean => packet.payloadLength > 0

describe('a packet dropped at PRE_TCP', () => {
  it('has not come: no state changes, its bytes are not taken, and are new when they come again', () => {
    const { stack, out, pass } = bump()
    let drops = 0
    stack.monitorStream().on(ON_PKT_IN, PRE_TCP, (flow, packet) => {
      if (isData(packet) && drops === 0) {
        drops++
        expect(packet.drop()).toBe(true)
        expect(packet.dropped).toBe(true)
        expect(flow.side(SVR).info()).toMatchObject({ expected: 0, received: 0 })
      }
    })
    const all = lines(stack)
    const talk = conversation({ acks: false }).handshake()
    const seq = talk.seq('client')
    pass(talk.client('secret').segment('client', { seq, payload: 'secret' }).packets())
    expect(out.map(({ text }) => text)).toEqual(['', '', '', 'secret'])
    expect(all.slice(-1)).toEqual(['server 0 secret'])
    expect(all).not.toContain('server again 6')
    expect(stack.counters.droppedPackets).toBe(1)
    expect(stack.counters.retransmissions).toBe(0)
  })

  it('as the first of a flow begins none, and the next one is the first', () => {
    const { stack, out, pass } = bump()
    const seen: unknown[] = []
    const socket = stack.monitorStream<number>()
    socket.on(ON_PKT_IN, PRE_TCP, (flow, packet) => {
      seen.push(flow.uctx)
      flow.uctx = 1
      if (seen.length < 3) packet.drop()
    })
    const all = lines(stack)
    const talk = conversation().handshake().packets()
    pass([talk[0], talk[0], talk[0], talk[1]])
    expect(seen).toEqual([undefined, undefined, undefined, 1])
    expect(out.map(({ flags }) => flags)).toEqual(['SYN', 'SYN+ACK'])
    expect(all).toEqual(['start', 'client SYN-SENT', 'server SYN-RECEIVED', 'client ESTABLISHED'])
    expect(stack.counters).toMatchObject({ refused: 2, liveFlows: 1 })
  })

  it.each(['fin', 'rst'] as const)('leaves the connection open when it was its %s', (kind) => {
    const { stack, pass } = bump()
    stack.monitorStream().on(ON_PKT_IN, PRE_TCP, (_flow, packet) => {
      if ((packet.tcpFlags & 5) !== 0) packet.drop()
    })
    const all = lines(stack)
    pass(conversation().handshake().client('a')[kind]('client').packets())
    expect(all.slice(-1)).toEqual(['server 0 a'])
    expect(all.filter((line) => /FIN|CLOSE|end/.test(line))).toEqual([])
  })

  it.each(['raw', 'udp'] as const)('is nothing to the flow (%s)', (kind) => {
    const { stack, out, pass } = bump()
    const all: string[] = []
    const socket = stack.monitorStream()
    if (kind === 'raw') stack.monitorRaw().on(ON_PKT_IN, (packet) => packet.drop())
    else socket.on(ON_PKT_IN, PRE_TCP, (_flow, packet) => packet.drop())
    socket.on(ON_CONN_START, () => all.push('start'))
    socket.on(ON_DATAGRAM, () => all.push('data'))
    socket.on(ON_CONN_END, () => all.push('end'))
    pass(udpExchange([['client', 'question']]))
    expect([all, out, stack.counters.liveFlows]).toEqual([[], [], 0])
  })

  it('is not put together with other fragments; orphans are dropped like any', () => {
    const { stack, out, pass } = bump()
    const socket = stack.monitorStream()
    socket.on(ON_FRAGMENT, (packet) => packet.drop())
    socket.on(ON_ORPHAN, (packet) => packet.drop())
    pass(fragments())
    pass(conversation().ack('client').packets())
    expect(out).toEqual([])
    expect(stack.counters.liveFlows).toBe(0)
    expect(stack.counters.droppedPackets).toBe(3)
  })
})

describe('a packet dropped later', () => {
  it('in ON_NEW_DATA does not go on, and its bytes do not pass by being sent again, cut in any way', () => {
    const { stack, out, pass } = bump()
    stack.monitorStream().on(ON_NEW_DATA, (_flow, { bytes, start, end, packet }) => {
      if (Buffer.from(bytes.subarray(start, end)).includes('evil')) packet.drop()
    })
    const talk = conversation({ acks: false }).handshake()
    const seq = talk.seq('client')
    talk.client('good ').client('evil').client(' after')
    talk.segment('client', { seq: seq + 5, payload: 'evil' })
    talk.segment('client', { seq: seq + 3, payload: 'd evi' })
    talk.segment('client', { seq: seq + 8, payload: 'l af' })
    talk.segment('client', { seq: seq + 9, payload: ' after' })
    pass(talk.packets())
    expect(out.map(({ text }) => text)).toEqual(['', '', '', 'good ', ' after', ' after'])
    expect(stack.counters).toMatchObject({ droppedPackets: 4, withheldPackets: 3 })
  })

  it('takes with it the held data that it completes', () => {
    const { stack, out, pass } = bump()
    stack.monitorStream().on(ON_NEW_DATA, (_flow, { bytes, start, end, packet }) => {
      if (Buffer.from(bytes.subarray(start, end)).includes('tail')) packet.drop()
    })
    const talk = conversation({ acks: false }).handshake()
    const seq = talk.seq('client')
    talk.segment('client', { seq: seq + 4, payload: 'tail' })
    talk.segment('client', { seq, payload: 'head' })
    talk.segment('client', { seq, payload: 'head' })
    pass(talk.packets())
    // The tail has gone ahead, but nobody reads it without the head.
    expect(out.map(({ text }) => text)).toEqual(['', '', '', 'tail'])
  })

  it('as a datagram of fragments cannot be made whole by fragments sent again', () => {
    const { stack, out, pass } = bump()
    stack.monitorStream().on(ON_DATAGRAM, (_flow, { packet }) => void packet.drop())
    const [first, second] = fragments()
    // Of the first round one fragment has gone before it was clear what it belongs to.
    pass([first, second, second, first, second])
    expect(out).toHaveLength(1)
    expect(stack.counters.defrag).toMatchObject({ reassembled: 1, late: 3 })
    expect(stack.defragmenter.live).toBe(1)
    // When its time is over the identification may be used again, and the application is asked again.
    pass(fragments(100))
    expect(out).toHaveLength(2)
    expect(stack.counters.defrag.reassembled).toBe(2)
  })

  it('at POST_TCP is not delivered, and is new when it comes again', () => {
    const { stack, out, pass } = bump()
    let drops = 0
    stack.monitorStream().on(ON_PKT_IN, (_flow, packet) => {
      if (isData(packet) && drops++ === 0) packet.drop()
    })
    const all = lines(stack)
    const talk = conversation({ acks: false }).handshake()
    const seq = talk.seq('client')
    pass(talk.client('once').segment('client', { seq, payload: 'once' }).packets())
    expect(out.map(({ text }) => text)).toEqual(['', '', '', 'once'])
    expect(all.slice(-1)).toEqual(['server 0 once'])
  })

  it('is dropped whatever the sockets after it think, and they still see it', () => {
    const { stack, out, pass } = bump()
    stack.monitorStream().on(ON_NEW_DATA, (_flow, { packet }) => void packet.drop())
    const all = lines(stack)
    pass(conversation({ acks: false }).handshake().client('x').packets())
    expect(all.slice(-1)).toEqual(['server 0 x'])
    expect(out).toHaveLength(3)
  })

  it('cannot be one that handlers of timers and of released data have nothing to do with', () => {
    const { stack, out, pass } = bump({ maxFlows: 1 })
    const answers: boolean[] = []
    const socket = stack.monitorStream()
    socket.on(ON_CONN_START, (flow) => {
      flow.setTimer(1000, () => {
        answers.push(stack.packet.drop())
      })
    })
    socket.on(ON_NEW_DATA, (_flow, { packet }) => {
      answers.push(packet.drop(), packet.overwrite(0, new Uint8Array(0)))
    })
    const held = conversation({ acks: false, start: 1 })
      .handshake()
      .skip('client', 1)
      .client('held')
      .packets()
    // Another flow takes its place: the held data is delivered during a packet of that one.
    pass([...held, ...conversation({ clientPort: 7, start: 5 }).handshake().packets()])
    expect(answers).toEqual([false, false, false])
    expect(out).toHaveLength(7)
  })
})

describe('overwrite', () => {
  it.each([
    { client: '10.0.0.1', server: '10.0.0.2' },
    { client: '2001:db8::1', server: '2001:db8::2', vlans: [5, 6] },
  ])('changes payload on its way, with a right checksum ($client)', (options) => {
    const { stack, out, pass } = bump({ checksums: 'verify' })
    const socket = stack.monitorStream()
    socket.on(ON_NEW_DATA, (_flow, { bytes, start, end, packet }) => {
      const at = Buffer.from(bytes.subarray(start, end)).indexOf('cat')
      if (at >= 0) expect(packet.overwrite(at, ascii('dog'))).toBe(true)
    })
    const all = lines(stack)
    const talk = conversation(options).handshake().client('a cat').client('cat and').server('no').packets()
    pass([...talk, ...udpExchange([['client', 'cat']], options)])
    // Checksums are verified on the way out.
    expect(out.map(({ text }) => text).filter((text) => text !== '')).toEqual([
      'a dog',
      'dog and',
      'no',
      'cat',
    ])
    expect(all.filter((line) => line.includes('dog'))).toHaveLength(2)
    expect(stack.counters).toMatchObject({ changedPackets: 2, droppedPackets: 0 })
  })

  it('keeps any checksum right, whatever is changed where (random)', () => {
    const stack = createStack({ seed: 1, maxFlows: 100 })
    let change: { at: number; bytes: Uint8Array } | undefined
    stack.monitorRaw().on(ON_PKT_IN, (packet) => {
      if (change !== undefined) expect(packet.overwrite(change.at, change.bytes)).toBe(true)
    })
    fc.assert(
      fc.property(
        fc.boolean(),
        fc.boolean(),
        fc.uint8Array({ minLength: 1, maxLength: 300 }),
        fc.nat(),
        fc.uint8Array({ maxLength: 300 }),
        (six, useUdp, payload, where, bytes) => {
          const source = six ? '2001:db8::1' : '192.0.2.1'
          const destination = six ? '2001:db8::2' : '192.0.2.2'
          const at = where % payload.length
          change = { at, bytes: bytes.subarray(0, payload.length - at) }
          const ends = { source, destination, sourcePort: 1, destinationPort: 2, payload }
          const content = useUdp ? udp(ends) : tcp(ends)
          const protocol = useUdp ? 17 : 6
          const frame = ethernet(
            six
              ? ipv6(content, { source, destination, protocol })
              : ipv4(content, { source, destination, protocol }),
            six ? { etherType: 0x86dd } : {},
          )
          stack.frame(frame, 0, frame.length, frame.length, 1, 0, 1, 0)
          const expected = payload.slice()
          expected.set(change.bytes, at)
          expect(Buffer.from(decoded(frame).packet.payload())).toEqual(Buffer.from(expected))
        },
      ),
      { numRuns: 400 },
    )
  })

  it('does not make a wrong checksum right, nor invent one', () => {
    const { stack, out, pass } = bump()
    stack.monitorRaw().on(ON_PKT_IN, (packet) => {
      if (isData(packet)) packet.overwrite(0, ascii('y'))
    })
    const ends = { source: '192.0.2.1', destination: '192.0.2.2', sourcePort: 1, destinationPort: 2 }
    const wrong = tcpFrame({ ...ends, payload: 'x', checksum: 0x1234 })
    expect(() => pass([{ frame: wrong, from: 'client', seconds: 1, nanoseconds: 0 }])).toThrow(/status/)
    const content = udp({ ...ends, payload: 'x', checksum: 0 })
    const none = ethernet(ipv4(content, { ...ends, protocol: 17 }))
    pass([{ frame: none, from: 'client', seconds: 1, nanoseconds: 0 }])
    expect(out[0].text).toBe('y')
    expect(Buffer.from(out[0].frame.subarray(40, 42)).readUInt16BE()).toBe(0)
  })

  it('checks lengths, and leaves alone what it cannot repair', () => {
    const { stack, pass } = bump()
    const results: unknown[] = []
    const attempt = (packet: Packet, offset: number, bytes: Uint8Array): void => {
      try {
        results.push(packet.overwrite(offset, bytes))
      } catch (error) {
        results.push((error as Error).name)
      }
    }
    stack.monitorStream().on(ON_DATAGRAM, (_flow, { packet }) => {
      attempt(packet, -1, ascii('a'))
      attempt(packet, 0.5, ascii('a'))
      attempt(packet, packet.payloadLength, ascii('a'))
      attempt(packet, packet.payloadLength - 1, ascii('ab'))
      attempt(packet, packet.payloadLength, ascii(''))
    })
    pass(udpExchange([['client', 'four']]))
    expect(results.splice(0)).toEqual([...new Array(4).fill('RangeError'), true])
    pass(fragments())
    expect(results.splice(0)).toEqual([...new Array(4).fill('RangeError'), false])
  })
})

describe('setAddress and setPort', () => {
  it.each([
    ['10.0.0.1', '10.0.0.2', '198.51.100.7'],
    ['2001:db8::1', '2001:db8::2', '2001:db8:ffff::7'],
  ])('translate a connection from %s, one flow for the application', (client, server, outside) => {
    const { stack, out, pass } = bump({ checksums: 'verify' })
    const inside = parseAddress(client)
    const bytes = parseAddress(outside)
    const at = (packet: Packet, end: 0 | 1): string => packet.address(end)
    // What comes from outside is translated before its flow is looked up, what goes out after.
    stack.monitorRaw().on(ON_PKT_IN, (packet) => {
      if (at(packet, DESTINATION) !== outside) return
      packet.setAddress(DESTINATION, inside)
      packet.setPort(DESTINATION, 1234)
    })
    stack.monitorStream().on(ON_PKT_IN, (flow, packet) => {
      if (flow.packetSide !== CLI) return
      packet.setAddress(SOURCE, bytes)
      packet.setPort(SOURCE, 40_000)
    })
    const all = lines(stack)
    const inner = conversation({ client, server, clientPort: 1234, serverPort: 80 }).handshake()
    inner.client('ask').server('answer').close()
    const outer = conversation({ client: outside, server, clientPort: 40_000, serverPort: 80 }).handshake()
    outer.client('ask').server('answer').close()
    const theirs = outer.packets()
    pass(inner.packets().map((packet, i) => (packet.from === 'client' ? packet : theirs[i])))
    expect(out.map(({ packet: p }) => `${p.address(0)} ${p.sourcePort}`)).toEqual(
      theirs.map(({ from }) => (from === 'client' ? `${outside} 40000` : `${server} 80`)),
    )
    expect(out.filter((o) => o.interfaceIndex === 0).map((o) => o.packet.address(1))).toEqual(
      theirs.filter((p) => p.from === 'server').map(() => client),
    )
    expect(all.filter((line) => line.startsWith('start') || line.startsWith('end'))).toEqual([
      'start',
      'end fin',
    ])
    expect(stack.counters).toMatchObject({ flows: 1, orphans: 0 })
  })

  it('changes every fragment of a datagram', () => {
    const { stack, out, pass } = bump({ defrag: { enabled: true } })
    stack.monitorRaw().on(ON_PKT_IN, (packet) => void packet.setAddress(SOURCE, parseAddress('203.0.113.9')))
    pass(fragments())
    const receiver = createStack({ seed: 1, maxFlows: 10, checksums: 'verify' })
    const seen: string[] = []
    receiver.monitorStream().on(ON_DATAGRAM, (flow, { start, end }) => {
      seen.push(`${flow.address(CLI)} ${end - start}`)
    })
    for (const { frame } of out) receiver.frame(frame, 0, frame.length, frame.length, 1, 0, 1, 0)
    expect(seen).toEqual(['203.0.113.9 100'])
  })

  it('refuses what is no address or port', () => {
    const { stack, pass } = bump()
    let calls = 0
    stack.monitorRaw().on(ON_PKT_IN, (packet) => {
      calls++
      expect(() => packet.setAddress(SOURCE, new Uint8Array(16))).toThrow(RangeError)
      expect(() => packet.setPort(SOURCE, 65_536)).toThrow(RangeError)
    })
    pass(udpExchange([['client', 'x']]))
    expect(calls).toBe(1)
    expect(() => parseAddress('10.0.0.0/8')).toThrow(RangeError)
    expect([...parseAddress('::1')]).toEqual([...new Array(15).fill(0), 1])
  })
})

describe('block', () => {
  const blocking = (options = {}): ReturnType<typeof bump> => {
    const box = bump(options)
    box.stack.monitorStream().on(ON_NEW_DATA, (flow, { bytes, start, end }) => {
      if (Buffer.from(bytes.subarray(start, end)).includes('evil')) flow.block()
    })
    return box
  }

  it('stops the flow with the packet that shows why, both ways and for every socket', () => {
    const { stack, out, pass } = blocking()
    const all = lines(stack)
    const talk = conversation({ acks: false }).handshake().client('fine').client('evil').client('more')
    pass(talk.server('answer').close().packets())
    expect(out.map(({ text }) => text)).toEqual(['', '', '', 'fine'])
    expect(all.slice(-3)).toEqual(['server 0 fine', 'server 4 evil', 'end blocked'])
    expect(stack.counters).toMatchObject({
      blockedFlows: 1,
      blockedPackets: 5,
      droppedPackets: 6,
      endedBlocked: 1,
      sentPackets: 0,
    })
    stack.finish()
    expect(all.filter((line) => line.startsWith('end'))).toEqual(['end blocked'])
  })

  it('outlives a new SYN of the same addresses, and lasts until the flow has been silent', () => {
    const { stack, out, pass } = blocking({ timeouts: { established: 100 } })
    pass(conversation({ acks: false, start: 1000 }).handshake().client('evil').packets())
    const before = out.length
    pass(conversation({ clientIsn: 7, start: 1090 }).handshake().packets())
    expect(out).toHaveLength(before)
    pass(conversation({ clientIsn: 9, start: 1200 }).handshake().packets())
    expect(out).toHaveLength(before + 3)
    expect(stack.counters.flows).toBe(2)
  })

  it('at PRE_TCP keeps a flow from beginning, and asks no more', () => {
    const { stack, out, pass } = bump()
    const all = lines(stack)
    let asked = 0
    stack.monitorStream().on(ON_PKT_IN, PRE_TCP, (flow) => {
      asked++
      flow.block()
    })
    const [syn] = conversation().handshake().packets()
    pass([
      syn,
      syn,
      syn,
      ...udpExchange([
        ['client', 'a'],
        ['server', 'b'],
      ]),
    ])
    expect([all, out, asked]).toEqual([[], [], 2])
    expect(stack.counters).toMatchObject({ refused: 2, blockedFlows: 2, blockedPackets: 3 })
    stack.finish()
    expect(all).toEqual([])
  })

  it('stops UDP flows', () => {
    const { stack, out, pass } = bump()
    const ends: string[] = []
    const socket = stack.monitorStream()
    socket.on(ON_DATAGRAM, (flow, { side }) => {
      if (side === CLI) flow.block()
    })
    socket.on(ON_CONN_END, (_flow, { reason }) => ends.push(reason))
    pass(
      udpExchange([
        ['client', 'a'],
        ['server', 'b'],
        ['client', 'c'],
      ]),
    )
    expect(out.map(({ text }) => text)).toEqual(['a'])
    expect(ends).toEqual(['blocked'])
  })

  it('from a timer stops what comes after', () => {
    const { stack, out, pass } = bump()
    const ends: string[] = []
    const socket = stack.monitorStream()
    socket.on(ON_CONN_START, (flow) => void flow.setTimer(1e6, (same) => same.block()))
    socket.on(ON_CONN_END, (_flow, { reason }) => ends.push(reason))
    pass(conversation({ acks: false }).handshake().delay(2000).client('late').packets())
    expect(out).toHaveLength(3)
    expect(ends).toEqual(['blocked'])
  })

  it('is the last to be evicted of what has ended', () => {
    const { out, pass } = blocking({ maxFlows: 2 })
    pass(conversation({ acks: false, clientPort: 1000 }).handshake().client('evil').packets())
    for (let port = 1; port < 20; port++)
      pass(
        conversation({ clientPort: port, start: 1 + port })
          .handshake()
          .close()
          .packets(),
      )
    const before = out.length
    pass(conversation({ acks: false, clientPort: 1000, start: 30 }).handshake().packets())
    expect(out).toHaveLength(before)
  })
})

describe('reset', () => {
  const resetting = (word: string): ReturnType<typeof bump> => {
    const box = bump()
    box.stack.monitorStream().on(ON_NEW_DATA, (flow, { bytes, start, end }) => {
      if (Buffer.from(bytes.subarray(start, end)).includes(word)) flow.reset()
    })
    return box
  }
  const made = (box: ReturnType<typeof bump>): string[] =>
    box.out
      .filter((o) => o.made)
      .map(({ interfaceIndex, flags, packet: p }) => `${interfaceIndex} ${flags} ${p.tcpSeq} ${p.tcpAck}`)

  it.each([
    { client: '10.0.0.1', server: '10.0.0.2' },
    { client: '2001:db8::1', server: '2001:db8::2', vlans: [7] },
  ])('tells both ends, each at the number it expects ($client)', (options) => {
    const box = resetting('evil')
    const all = lines(box.stack)
    const talk = conversation({ ...options, acks: false, clientIsn: 100, serverIsn: 900 }).handshake()
    box.pass(talk.client('fine').client('evil').packets())
    // The server has got 'fine' and not 'evil': it expects 105 and ignores the first one. The client expects 901.
    expect(made(box)).toEqual(['1 RST+ACK 109 901', '1 RST+ACK 105 901', '0 RST+ACK 901 109'])
    expect(box.out.filter((o) => !o.made).map((o) => o.text)).toEqual(['', '', '', 'fine'])
    const [toServer, , toClient] = box.out.filter((o) => o.made)
    const [first] = box.out
    expect(toServer.frame.subarray(0, 12)).toEqual(first.frame.subarray(0, 12))
    expect(Buffer.concat([toClient.frame.subarray(6, 12), toClient.frame.subarray(0, 6)])).toEqual(
      Buffer.from(first.frame.subarray(0, 12)),
    )
    expect(all.slice(-1)).toEqual(['end blocked'])
    expect(box.stack.counters).toMatchObject({ resetFlows: 1, sentPackets: 3, droppedPackets: 1 })
  })

  it('ends the connection at both ends, as a stack in their place sees it', () => {
    // Model endpoints: one stack on each side of the box, which sees what arrives there and obeys RSTs by RFC 5961.
    for (const from of ['client', 'server'] as const) {
      const box = resetting('evil')
      const talk = conversation({ acks: false }).handshake().client('hello').server('hello')
      box.pass(talk[from]('evil').packets())
      for (const index of [0, 1]) {
        const end = createStack({ seed: 1, maxFlows: 10 })
        const ends = lines(end)
        const sent = talk.packets().filter((p) => (p.from === 'client' ? 0 : 1) === index)
        const arrived = box.out.filter((o) => o.interfaceIndex === index)
        // In the order that the box saw: what this end sent before it got the resets.
        const resets = arrived.filter((o) => o.made)
        const order = [
          ...talk
            .packets()
            .filter(
              (p) =>
                sent.includes(p) ||
                arrived.some((o) => !o.made && Buffer.from(o.frame).equals(Buffer.from(p.frame))),
            ),
        ].map((p) => p.frame)
        for (const frame of [...order, ...resets.map((o) => o.frame)])
          end.frame(frame, 0, frame.length, frame.length, 1, 0, 1, 0)
        expect(ends.slice(-1)).toEqual(['end rst'])
      }
    }
  })

  it('refuses a connection: RST to the client alone, at the SYN it sent, and again for each one', () => {
    const box = bump()
    box.stack.monitorStream().on(ON_PKT_IN, PRE_TCP, (flow) => flow.reset())
    const [syn] = conversation({ clientIsn: 41 }).handshake().packets()
    box.pass([syn])
    expect(made(box)).toEqual(['0 RST+ACK 0 42'])
    expect(box.out).toHaveLength(1)
  })

  it('answers what is sent all the same, and lets a new connection begin', () => {
    const box = resetting('evil')
    const talk = conversation({ acks: false, clientIsn: 100, serverIsn: 900 }).handshake().client('evil')
    box.pass(talk.packets())
    box.out.length = 0
    box.pass(
      conversation({ acks: false, clientIsn: 105, serverIsn: 901 }).client('more').rst('client').packets(),
    )
    expect(made(box)).toEqual(['0 RST+ACK 901 109'])
    expect(box.out).toHaveLength(1)
    box.pass(conversation({ clientIsn: 5000, start: 1 }).handshake().packets())
    expect(box.out.map(({ flags }) => flags)).toEqual(['RST+ACK', 'SYN', 'SYN+ACK', 'ACK'])
  })

  it('from a timer waits for the next packet', () => {
    const box = bump()
    box.stack.monitorStream().on(ON_CONN_START, (flow) => void flow.setTimer(1e6, (same) => same.reset()))
    box.pass(
      conversation({ acks: false, clientIsn: 100, serverIsn: 900 })
        .handshake()
        .delay(2000)
        .client('late')
        .packets(),
    )
    expect(made(box)).toEqual(['0 RST+ACK 901 105'])
    expect(box.out).toHaveLength(4)
  })

  it.each([
    ['10.0.0.1', '10.0.0.2', 1, 3],
    ['2001:db8::1', '2001:db8::2', 58, 1],
  ])('tells a UDP sender (%s) that the port is unreachable', (client, server, protocol, type) => {
    const box = bump()
    box.stack.monitorStream().on(ON_DATAGRAM, (flow) => flow.reset())
    box.pass(udpExchange([['client', 'hello']], { client, server }))
    expect(box.out).toHaveLength(1)
    const { packet, interfaceIndex, text } = box.out[0]
    expect([interfaceIndex, packet.protocol, packet.sourcePort]).toEqual([0, protocol, type])
    expect([packet.address(SOURCE), packet.address(DESTINATION)]).toEqual([server, client])
    expect(text.endsWith('hello')).toBe(true)
    expect(box.stack.counters.resetFlows).toBe(1)
  })

  it('is counted as unsent where nobody can send, and blocks all the same', () => {
    const box = resetting('evil')
    box.stack.sender = undefined
    box.pass(conversation({ acks: false }).handshake().client('evil').packets())
    expect(box.out).toHaveLength(3)
    expect(box.stack.counters).toMatchObject({ sentPackets: 0, unsentPackets: 3, blockedFlows: 1 })
  })
})

describe('sendPacket', () => {
  it('of a flow speaks for either side', () => {
    const { stack, out, pass } = bump()
    stack.monitorStream().on(ON_NEW_DATA, (flow) => {
      expect(flow.sendPacket(CLI, { payload: ascii('403'), flags: 0x18 })).toBe(true)
      expect(flow.sendPacket(SVR, { flags: 0x11 })).toBe(true)
      flow.block()
    })
    pass(conversation({ acks: false, clientIsn: 100, serverIsn: 900 }).handshake().client('get').packets())
    const [reply, fin] = out.filter((o) => o.made)
    expect(reply).toMatchObject({ interfaceIndex: 0, flags: 'PSH+ACK', text: '403' })
    expect([reply.packet.tcpSeq, reply.packet.tcpAck]).toEqual([901, 104])
    expect(fin).toMatchObject({ interfaceIndex: 1, flags: 'FIN+ACK' })
    expect(reply.packet.sourcePort).toBe(80)
  })

  it('of a UDP flow; not of others, not when no packet is there to copy from', () => {
    const { stack, out, pass } = bump()
    const socket = stack.monitorStream()
    const answers: unknown[] = []
    let kept: Flow | undefined
    socket.on(ON_DATAGRAM, (flow) => {
      kept = flow
      answers.push(flow.sendPacket(CLI, { payload: ascii('no') }))
      flow.setTimer(1, (same) => answers.push(same.sendPacket(CLI)))
    })
    pass(udpExchange([['client', 'a']], { start: 1 }))
    pass(udpExchange([['client', 'a']], { start: 2, clientPort: 9 }))
    expect(answers).toEqual([true, false, true])
    expect(out.filter((o) => o.made).map((o) => o.text)).toEqual(['no', 'no'])
    expect(() => kept?.sendPacket(CLI)).toThrow(/during the callback/)
  })

  it('of a stack sends a frame as it is', () => {
    const { stack, out } = bump()
    const [syn] = conversation().handshake().packets()
    expect(stack.sendPacket(1, syn.frame)).toBe(true)
    expect(out[0]).toMatchObject({ interfaceIndex: 1, flags: 'SYN' })
    stack.sender = undefined
    expect(stack.sendPacket(1, syn.frame)).toBe(false)
  })
})

describe('verdicts', () => {
  it('change nothing for what is not decided about, and do not outlive their packet', () => {
    const { stack, pass } = bump()
    stack.monitorRaw().on(ON_PKT_IN, (packet) => {
      if (packet.number === 1) packet.drop()
    })
    const verdicts: number[] = []
    for (const packet of udpExchange([
      ['client', 'a'],
      ['client', 'b'],
    ])) {
      pass([packet])
      verdicts.push(stack.verdict)
    }
    const arp = ethernet(new Uint8Array(28), { etherType: 0x0806 })
    stack.frame(arp, 0, arp.length, arp.length, 1, 0, 1, 0)
    expect([...verdicts, stack.verdict]).toEqual([VERDICT.DROP, VERDICT.FORWARD, VERDICT.FORWARD])
  })

  it('leave a consistent stack behind whatever is decided when (random)', () => {
    const random = randomFrom(11)
    const { stack, pass } = bump({ maxFlows: 20, outOfOrder: { totalBytes: 20_000 } })
    const balance = new Map<number, number>()
    const socket = stack.monitorStream<object>()
    const decide = (flow: Flow, packet: Packet): void => {
      const roll = random()
      if (roll < 0.05) packet.drop()
      else if (roll < 0.06) flow.block()
      else if (roll < 0.07) flow.reset()
      else if (roll < 0.1 && packet.payloadLength > 2) packet.overwrite(1, ascii('!'))
    }
    socket.on(ON_PKT_IN, PRE_TCP, decide)
    socket.on(ON_PKT_IN, decide)
    socket.on(ON_NEW_DATA, (flow, { packet }) => {
      decide(flow, packet)
      if (random() < 0.02) flow.stop()
    })
    socket.on(ON_REXMIT, (flow, { packet }) => decide(flow, packet))
    socket.on(ON_CONN_START, (flow) => {
      expect(flow.uctx).toBeUndefined()
      flow.uctx = {}
      balance.set(flow.id, (balance.get(flow.id) ?? 0) + 1)
    })
    socket.on(ON_CONN_END, (flow) => balance.set(flow.id, (balance.get(flow.id) ?? 0) - 1))
    for (let round = 0; round < 300; round++) {
      const options = {
        clientPort: 1 + Math.floor(random() * 40),
        start: round,
        acks: random() < 0.5,
        mss: 50,
      }
      const talk = conversation({ ...options, clientIsn: Math.floor(random() * 2 ** 32) }).handshake()
      talk.client('x'.repeat(200)).server('y'.repeat(300))
      if (random() < 0.5) talk.skip('client', 10).client('z'.repeat(100))
      if (random() < 0.5) talk.close()
      const packets = talk.packets()
      pass(packets.filter(() => random() > 0.05))
      pass(packets.filter(() => random() < 0.2))
    }
    stack.finish()
    expect([...balance.values()].every((n) => n === 0)).toBe(true)
    expect(stack.counters.heldBytes).toBe(0)
    expect(stack.counters.droppedPackets).toBeGreaterThan(100)
    expect(stack.counters.withheldPackets).toBeGreaterThan(0)
  })
})
