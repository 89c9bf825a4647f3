/** What every packet of a connection makes of both sides' states, and the events it raises, in order. */
import { describe, expect, it } from 'vitest'
import { type ConversationOptions, conversation, feed } from '../../test/support/conversation.js'
import { TCP_FLAG } from '../../test/support/frames.js'
import { CLI, createStack, ON_CONN_END, ON_PKT_IN, SVR, TCP_STATE_NAME } from '../src/index.js'
import { record, recorder } from './support/recorder.js'

const { FIN, SYN, RST, ACK } = TCP_FLAG
const talk = (options: ConversationOptions = {}) => conversation(options)

/** `client/server` states after each packet. */
function states(packets: Parameters<typeof feed>[1], midstream = false): string[] {
  const stack = createStack({ seed: 1, maxFlows: 16, midstream })
  const lines: string[] = []
  stack
    .monitorStream()
    .on(ON_PKT_IN, (flow) =>
      lines.push(`${TCP_STATE_NAME[flow.state(CLI)]}/${TCP_STATE_NAME[flow.state(SVR)]}`),
    )
  feed(stack, packets)
  return lines
}

describe('a clean connection', () => {
  it('goes through the states of RFC 9293 on both sides', () => {
    expect(states(talk().handshake().client('GET').close().packets())).toEqual([
      'SYN-SENT/SYN-RECEIVED',
      'ESTABLISHED/SYN-RECEIVED',
      'ESTABLISHED/ESTABLISHED',
      'ESTABLISHED/ESTABLISHED',
      'ESTABLISHED/ESTABLISHED',
      'FIN-WAIT-1/CLOSE-WAIT',
      'TIME-WAIT/LAST-ACK',
      'TIME-WAIT/CLOSED',
    ])
  })

  it('raises every event once, in the order of the data path', () => {
    const packets = talk().handshake().client('GET').server('OK').close().packets()
    expect(record(packets)).toEqual([
      'start 40000>80',
      'client CLOSED > SYN-SENT',
      'server LISTEN > SYN-RECEIVED',
      'client SYN-SENT > ESTABLISHED',
      'server SYN-RECEIVED > ESTABLISHED',
      'data to server at 0: GET',
      'data to client at 0: OK',
      'client ESTABLISHED > FIN-WAIT-1',
      'server ESTABLISHED > CLOSE-WAIT',
      'server CLOSE-WAIT > LAST-ACK',
      'client FIN-WAIT-1 > FIN-WAIT-2',
      'client FIN-WAIT-2 > TIME-WAIT',
      'server LAST-ACK > CLOSED',
      'end fin',
    ])
  })

  it('frames each packet with PRE_TCP (old states) and POST_TCP (new states)', () => {
    const packets = talk().handshake().packets().slice(0, 2)
    expect(record(packets, {}, { hooks: true, finish: false })).toEqual([
      'pre client CLOSED/CLOSED',
      'start 40000>80',
      'client CLOSED > SYN-SENT',
      'server LISTEN > SYN-RECEIVED',
      'post client SYN-SENT/SYN-RECEIVED',
      'pre server SYN-SENT/SYN-RECEIVED',
      'client SYN-SENT > ESTABLISHED',
      'post server ESTABLISHED/SYN-RECEIVED',
    ])
  })

  it('delivers data after POST_TCP and the end last', () => {
    const packets = talk()
      .handshake()
      .segment('client', { flags: FIN | ACK, payload: 'x' })
      .segment('server', { flags: FIN | ACK, payload: 'y' })
      .ack('client')
      .packets()
    expect(record(packets, {}, { hooks: true }).slice(-12)).toEqual([
      'post client FIN-WAIT-1/CLOSE-WAIT',
      'data to server at 0: x',
      'pre server FIN-WAIT-1/CLOSE-WAIT',
      'server CLOSE-WAIT > LAST-ACK',
      'client FIN-WAIT-1 > FIN-WAIT-2',
      'client FIN-WAIT-2 > TIME-WAIT',
      'post server TIME-WAIT/LAST-ACK',
      'data to client at 0: y',
      'pre client TIME-WAIT/LAST-ACK',
      'server LAST-ACK > CLOSED',
      'post client TIME-WAIT/CLOSED',
      'end fin',
    ])
  })

  it('is the same over IPv6', () => {
    const six = { client: '2001:db8::1', server: '2001:db8:1::2' }
    expect(record(talk(six).handshake().client('GET').server('OK').close().packets())).toEqual(
      record(talk().handshake().client('GET').server('OK').close().packets()),
    )
  })

  it('makes packets after the end orphans', () => {
    const packets = talk().handshake().close().client('late').packets()
    expect(record(packets).slice(-3)).toEqual(['end fin', 'orphan', 'orphan'])
  })
})

describe('closing', () => {
  it('lets the half that is still open go on sending', () => {
    const packets = talk().handshake().fin('client').ack('server').server('more').fin('server').ack('client')
    expect(record(packets.packets()).slice(5)).toEqual([
      'client ESTABLISHED > FIN-WAIT-1',
      'server ESTABLISHED > CLOSE-WAIT',
      'client FIN-WAIT-1 > FIN-WAIT-2',
      'data to client at 0: more',
      'server CLOSE-WAIT > LAST-ACK',
      'client FIN-WAIT-2 > TIME-WAIT',
      'server LAST-ACK > CLOSED',
      'end fin',
    ])
  })

  it('goes through CLOSING when both FINs cross', () => {
    const c = talk().handshake()
    const clientSeq = c.seq('client')
    const serverSeq = c.seq('server')
    c.segment('client', { flags: FIN | ACK, ack: serverSeq })
    c.segment('server', { flags: FIN | ACK, ack: clientSeq })
    c.ack('client').ack('server')
    expect(states(c.packets()).slice(3)).toEqual([
      'FIN-WAIT-1/CLOSE-WAIT',
      'CLOSING/LAST-ACK',
      'CLOSING/CLOSED',
      'TIME-WAIT/CLOSED',
    ])
    expect(record(c.packets()).at(-1)).toBe('end fin')
  })

  it('remembers a FIN that came before the data it ends', () => {
    const c = talk().handshake()
    const at = c.seq('client')
    c.segment('client', { seq: at + 4, flags: FIN | ACK, payload: 'tail' })
    c.segment('client', { seq: at, payload: 'head' })
    c.skip('client', 9).fin('server').ack('client')
    expect(record(c.packets()).slice(5)).toEqual([
      'client ESTABLISHED > FIN-WAIT-1',
      'server ESTABLISHED > CLOSE-WAIT',
      'data to server at 0: head',
      'data to server at 4: tail',
      'server CLOSE-WAIT > LAST-ACK',
      'client FIN-WAIT-1 > FIN-WAIT-2',
      'client FIN-WAIT-2 > TIME-WAIT',
      'server LAST-ACK > CLOSED',
      'end fin',
    ])
  })

  it('takes a FIN as received when it is acknowledged, even beyond a hole', () => {
    const c = talk().handshake().skip('client', 5).fin('client').fin('server').ack('client')
    expect(record(c.packets()).slice(5)).toEqual([
      'client ESTABLISHED > FIN-WAIT-1',
      'server ESTABLISHED > CLOSE-WAIT',
      'server CLOSE-WAIT > LAST-ACK',
      'client FIN-WAIT-1 > FIN-WAIT-2',
      'client FIN-WAIT-2 > TIME-WAIT',
      'server LAST-ACK > CLOSED',
      'gap to server at 0 +5',
      'end fin',
    ])
  })

  it('ignores a FIN with another number than the first', () => {
    const c = talk().handshake()
    const { stack } = recorder()
    c.segment('client', { seq: c.seq('client') + 10, flags: FIN | ACK })
    c.segment('client', { seq: c.seq('client') + 7, flags: FIN | ACK })
    feed(stack, c.packets())
    expect(stack.counters.finIgnored).toBe(1)
  })

  it('goes on past a FIN that was not for real', () => {
    const c = talk().handshake()
    c.segment('client', { seq: c.seq('client'), flags: FIN | ACK })
      .client('data')
      .client(' more')
    c.fin('client').fin('server').ack('client')
    const lines = record(c.packets())
    expect(lines).toContain('data to server at 0: data')
    expect(lines).toContain('data to server at 4:  more')
    expect(lines.at(-1)).toBe('end fin')
  })
})

describe('opening', () => {
  it('counts a repeated SYN as a retransmission, not as a new connection', () => {
    const c = talk()
    c.segment('client', { seq: c.seq('client'), flags: SYN, ack: 0 })
    c.segment('client', { seq: c.seq('client'), flags: SYN, ack: 0 })
    c.handshake()
    expect(record(c.packets(), {}, { finish: false })).toEqual([
      'start 40000>80',
      'client CLOSED > SYN-SENT',
      'server LISTEN > SYN-RECEIVED',
      'rexmit to server at -1 SYN +0',
      'rexmit to server at -1 SYN +0',
      'client SYN-SENT > ESTABLISHED',
      'server SYN-RECEIVED > ESTABLISHED',
    ])
  })

  it('tells of a repeated SYN+ACK', () => {
    const c = talk().segment('client', { flags: SYN, ack: 0 })
    c.segment('server', { seq: c.seq('server'), flags: SYN | ACK })
    c.segment('server', { flags: SYN | ACK }).ack('client')
    expect(record(c.packets(), {}, { finish: false }).slice(3)).toEqual([
      'client SYN-SENT > ESTABLISHED',
      'rexmit to client at -1 SYN +0',
      'server SYN-RECEIVED > ESTABLISHED',
    ])
  })

  it('handles a simultaneous open', () => {
    const c = talk()
    const client = c.seq('client')
    const server = c.seq('server')
    c.segment('client', { flags: SYN, ack: 0 })
    c.segment('server', { flags: SYN, ack: 0 })
    c.segment('client', { seq: client, flags: SYN | ACK })
    c.segment('server', { seq: server, flags: SYN | ACK })
    c.client('hi')
    expect(states(c.packets())).toEqual([
      'SYN-SENT/SYN-RECEIVED',
      'SYN-RECEIVED/SYN-RECEIVED',
      'SYN-RECEIVED/ESTABLISHED',
      'ESTABLISHED/ESTABLISHED',
      'ESTABLISHED/ESTABLISHED',
      'ESTABLISHED/ESTABLISHED',
    ])
    expect(record(c.packets())).toContain('data to server at 0: hi')
  })

  it('is complete when the SYN+ACK was not captured', () => {
    const packets = talk().handshake().client('hi').server('ho').packets()
    packets.splice(1, 1)
    expect(record(packets, {}, { finish: false }).slice(3)).toEqual([
      'client SYN-SENT > ESTABLISHED',
      'server SYN-RECEIVED > ESTABLISHED',
      'data to server at 0: hi',
      'data to client at 0: ho',
    ])
  })

  it('is complete when only the client was captured', () => {
    const packets = talk().handshake().client('one').server('?').client('two').packets()
    expect(
      record(
        packets.filter((p) => p.from === 'client'),
        {},
        { finish: false },
      ).slice(3),
    ).toEqual([
      'client SYN-SENT > ESTABLISHED',
      'server SYN-RECEIVED > ESTABLISHED',
      'data to server at 0: one',
      'data to server at 3: two',
    ])
  })

  it('delivers the data of a SYN when the server has taken it', () => {
    const c = talk().segment('client', { flags: SYN, ack: 0, payload: 'early' })
    c.segment('server', { flags: SYN | ACK })
      .ack('client')
      .client(' late')
    expect(record(c.packets(), {}, { finish: false }).filter((l) => l.startsWith('data'))).toEqual([
      'data to server at 0: early',
      'data to server at 5:  late',
    ])
  })

  it('drops the data of a SYN that the server did not take', () => {
    const c = talk()
    c.segment('client', { flags: SYN, ack: 0, payload: 'EARLY' })
    c.segment('server', { flags: SYN | ACK, ack: c.seq('client') - 5 })
    c.segment('client', { seq: c.seq('client') - 5, payload: 'again' })
    expect(record(c.packets()).filter((l) => l.startsWith('data'))).toEqual(['data to server at 0: again'])
  })

  it('takes the SYN+ACK that the client acknowledges, when there are several', () => {
    const c = talk({ serverIsn: 1000 }).segment('client', { flags: SYN, ack: 0 })
    c.segment('server', { seq: 3_000_000_000, flags: SYN | ACK }).segment('server', { flags: SYN | ACK })
    c.ack('client').client('hi').server('ho').close()
    const lines = record(c.packets())
    expect(lines).toContain('data to client at 0: ho')
    expect(lines.at(-1)).toBe('end fin')
  })

  it('ignores a SYN+ACK that acknowledges something else', () => {
    const { stack, lines } = recorder()
    const c = talk().segment('client', { flags: SYN, ack: 0 })
    c.segment('server', { seq: 1, flags: SYN | ACK, ack: c.seq('client') + 1000 })
    feed(stack, c.packets())
    expect(lines).toHaveLength(3)
    expect(stack.counters.synIgnored).toBe(1)
  })
})

describe('RST', () => {
  it('ends the connection at the expected number', () => {
    expect(record(talk().handshake().client('x').rst('client').packets()).slice(-3)).toEqual([
      'client ESTABLISHED > CLOSED',
      'server ESTABLISHED > CLOSED',
      'end rst',
    ])
  })

  it('ends a connection that is refused', () => {
    const c = talk().segment('client', { flags: SYN, ack: 0 })
    c.segment('server', { seq: 0, flags: RST | ACK })
    expect(record(c.packets()).slice(3)).toEqual([
      'server SYN-RECEIVED > CLOSED',
      'client SYN-SENT > CLOSED',
      'end rst',
    ])
  })

  it.each([
    ['far outside the window', 900_000_000],
    ['inside the window but not at its edge', 100],
    ['before the window', -100],
  ])('is ignored %s', (_where, distance) => {
    const c = talk().handshake()
    c.segment('client', { seq: c.seq('client') + distance, flags: RST | ACK })
    c.client('still here').close()
    const { stack, lines } = recorder()
    feed(stack, c.packets())
    expect(lines).toContain('data to server at 0: still here')
    expect(lines.at(-1)).toBe('end fin')
    expect(stack.counters.rstIgnored).toBe(1)
  })

  it('without acknowledging the SYN does not refuse a connection', () => {
    const c = talk().segment('client', { flags: SYN, ack: 0 })
    c.segment('server', { seq: 0, flags: RST, ack: 0 })
    expect(record(c.packets(), {}, { finish: false })).toHaveLength(3)
  })

  it('was not for real when its sender goes on with data', () => {
    const c = talk().handshake().client('one')
    c.segment('client', { seq: c.seq('client'), flags: RST })
      .client('two')
      .close()
    expect(record(c.packets()).slice(-14)).toEqual([
      'client ESTABLISHED > CLOSED',
      'server ESTABLISHED > CLOSED',
      'end rst',
      'start 40000>80',
      'client CLOSED > ESTABLISHED',
      'server LISTEN > ESTABLISHED',
      'data to server at 0: two',
      'client ESTABLISHED > FIN-WAIT-1',
      'server ESTABLISHED > CLOSE-WAIT',
      'server CLOSE-WAIT > LAST-ACK',
      'client FIN-WAIT-1 > FIN-WAIT-2',
      'client FIN-WAIT-2 > TIME-WAIT',
      'server LAST-ACK > CLOSED',
      'end fin',
    ])
  })
})

describe('a port used again', () => {
  const first = () => talk({ start: 1_700_000_000 }).handshake().client('old')
  const second = () =>
    talk({ start: 1_700_000_001, clientIsn: 3_000_000_000, serverIsn: 77 }).handshake().client('new')
  const outline = (lines: string[]) => lines.filter((l) => /^(start|end|data|rexmit)/.test(l))

  it('starts a new flow after the old one has closed', () => {
    const lines = record([...first().close().packets(), ...second().packets()])
    expect(outline(lines)).toEqual([
      'start 40000>80',
      'data to server at 0: old',
      'end fin',
      'start 40000>80',
      'data to server at 0: new',
      'end shutdown',
    ])
  })

  it('ends a live flow once the server has answered the new SYN', () => {
    const lines = record([...first().packets(), ...second().packets()])
    expect(outline(lines)).toEqual([
      'start 40000>80',
      'data to server at 0: old',
      'end reused',
      'start 40000>80',
      'data to server at 0: new',
      'end shutdown',
    ])
  })

  it('lets a SYN that nobody answers pass by', () => {
    const c = first()
    const { stack, lines } = recorder()
    c.segment('client', { seq: 3_000_000_000, flags: SYN, ack: 0 }).client(' older').close()
    feed(stack, c.packets())
    expect(outline(lines)).toEqual([
      'start 40000>80',
      'data to server at 0: old',
      'data to server at 3:  older',
      'end fin',
    ])
    expect(stack.counters.synIgnored).toBe(1)
  })

  it('replaces an attempt that nobody answered at once', () => {
    const one = talk().segment('client', { flags: SYN, ack: 0 })
    const lines = record([...one.packets(), ...second().packets()])
    expect(outline(lines)).toEqual([
      'start 40000>80',
      'end reused',
      'start 40000>80',
      'data to server at 0: new',
      'end shutdown',
    ])
  })

  it('may turn client and server round', () => {
    const back = talk({ client: '192.0.2.80', clientPort: 80, server: '203.0.113.5', serverPort: 40000 })
    const lines = record([...first().close().packets(), ...back.handshake().client('hey').packets()])
    expect(outline(lines)).toEqual([
      'start 40000>80',
      'data to server at 0: old',
      'end fin',
      'start 80>40000',
      'data to server at 0: hey',
      'end shutdown',
    ])
  })
})

describe('midstream', () => {
  const packets = talk().handshake().client('one').server('two').close().packets()

  it('packets are orphans by default', () => {
    expect(record(packets.slice(3))).toEqual(new Array(packets.length - 3).fill('orphan'))
  })

  it('connections are taken up when asked for, the lower port as server', () => {
    expect(record(packets.slice(3), { midstream: true })).toEqual([
      'start 40000>80',
      'client CLOSED > ESTABLISHED',
      'server LISTEN > ESTABLISHED',
      'data to server at 0: one',
      'data to client at 0: two',
      'client ESTABLISHED > FIN-WAIT-1',
      'server ESTABLISHED > CLOSE-WAIT',
      'server CLOSE-WAIT > LAST-ACK',
      'client FIN-WAIT-1 > FIN-WAIT-2',
      'client FIN-WAIT-2 > TIME-WAIT',
      'server LAST-ACK > CLOSED',
      'end fin',
    ])
  })

  it('takes the first packet of the server for what it is', () => {
    expect(record(packets.slice(5), { midstream: true }, { finish: false })[0]).toBe('start 40000>80')
  })

  it('takes the sender of a SYN+ACK for the server', () => {
    expect(record(packets.slice(1), { midstream: true }).slice(0, 5)).toEqual([
      'start 40000>80',
      'client CLOSED > SYN-SENT',
      'server LISTEN > SYN-RECEIVED',
      'client SYN-SENT > ESTABLISHED',
      'server SYN-RECEIVED > ESTABLISHED',
    ])
  })

  it('a stream begins with its first byte, although its acknowledgement is seen before', () => {
    const c = talk().handshake().client('one').server('two').client('three').packets()
    const lines = record([c[5]!, c[3]!, c[7]!], { midstream: true }, { finish: false })
    expect(lines.slice(3)).toEqual([
      'data to client at 0: two',
      'data to server at 0: one',
      'data to server at 3: three',
    ])
  })

  it('a connection begins anew with its SYN, and what came before it is known to be of a connection', () => {
    const c = talk().handshake().client('one').server('two').packets()
    const stack = createStack({ maxFlows: 16, midstream: true })
    const seen: unknown[] = []
    stack.monitorStream().on(ON_CONN_END, (flow, { reason }) => seen.push(reason, flow.packets(CLI)))
    feed(stack, [c[3]!, ...c.slice(0, 3), ...c.slice(4)])
    stack.finish()
    expect(seen).toEqual(['reused', 2, 'shutdown', 3])
    seen.length = 0
    const other = talk({ clientIsn: 77 }).handshake().packets()
    feed(stack, [c[3]!, ...other])
    stack.finish()
    expect(seen).toEqual(['reused', 1, 'shutdown', 2])
  })

  it('is shown by the flow handle, and counts as established', () => {
    const stack = createStack({ maxFlows: 16, midstream: true })
    const seen: boolean[] = []
    stack.monitorStream().on(ON_CONN_END, (flow) => seen.push(flow.midstream, flow.established))
    feed(stack, packets.slice(3))
    stack.finish()
    expect(seen).toEqual([true, true])
  })
})
