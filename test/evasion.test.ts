import { afterAll, describe, expect, it } from 'vitest'
import { Detection } from '../signatures/test/detect.js'
import { CASES, exchanges, loadSignatures } from '../signatures/test/signatures.js'
import type { Exchange } from '../signatures/test/traffic.js'
import {
  type ConversationOptions,
  conversation,
  dialogue,
  drop,
  duplicate,
  resegment,
  shuffle,
  type TestPacket,
} from './support/conversation.js'

/**
 * The same attack in other packets. Whatever a sender or a network may do to the packets without changing what the
 * receiver gets, the signatures raised must be the same as for the plain conversation.
 */
const IPV6: ConversationOptions = { client: '2001:db8::5', server: '2001:db8::80' }

const plain = ({ request, response }: Exchange, options?: ConversationOptions) =>
  dialogue([request, response], options)

const VARIANTS: Readonly<Record<string, (exchange: Exchange) => TestPacket[]>> = {
  'one byte per segment': (exchange) => resegment(plain(exchange), 1),
  'segments of 7 bytes, shuffled': (exchange) => shuffle(resegment(plain(exchange), 7), 11),
  'segments of 100 bytes, last first': (exchange) => reversed(resegment(plain(exchange), 100)),
  'every segment twice': (exchange) => duplicate(resegment(plain(exchange), 50), 3),
  'FIN ahead of the last data, both sides': ({ request, response }) => finFirst(request, response),
  'overlapping retransmission of everything': (exchange) => overlapping(plain(exchange)),
  IPv6: (exchange) => plain(exchange, IPV6),
  'two VLAN tags': (exchange) => plain(exchange, { vlans: [100, 7] }),
  'sequence numbers that wrap': (exchange) =>
    resegment(plain(exchange, { clientIsn: 0xffffffe0, serverIsn: 0xfffffff0 }), 9),
  'no acknowledgements seen': (exchange) =>
    drop(plain(exchange, { mss: 30 }), (packet, i) => i > 2 && packet.tcp?.payload?.length === 0),
  'after innocent requests on the same connection': ({ request, response }) =>
    dialogue([INNOCENT.request, INNOCENT.response, request, response, INNOCENT.request, INNOCENT.response]),
  'pipelined behind an innocent request': ({ request, response }) =>
    dialogue([INNOCENT.request + request, INNOCENT.response + response]),
  'connection reset in place of FIN': ({ request, response }) =>
    conversation().handshake().client(request).server(response).rst('client').packets(),
  'capture ends without FIN': ({ request, response }) =>
    conversation().handshake().client(request).server(response).packets(),
}

const INNOCENT: Exchange = {
  request: 'GET /style.css HTTP/1.1\r\nHost: www.example.com\r\nAccept: text/css\r\n\r\n',
  response: 'HTTP/1.1 200 OK\r\nContent-Type: text/css\r\nContent-Length: 18\r\n\r\nbody { margin: 0 }',
}

/** Each side's FIN is captured before the second half of its data. */
function finFirst(request: string, response: string): TestPacket[] {
  const talk = conversation({ acks: false }).handshake()
  for (const [from, text] of [
    ['client', request],
    ['server', response],
  ] as const) {
    const half = text.length >> 1
    const seq = talk.seq(from)
    talk
      .segment(from, { payload: text.slice(0, half) })
      .skip(from, text.length - half)
      .fin(from)
      .segment(from, { seq: (seq + half) >>> 0, payload: text.slice(half) })
      .ack(from === 'client' ? 'server' : 'client')
  }
  return talk.packets()
}

/** After each pair of segments, one that covers both again (retransmission with another segmentation). */
function overlapping(packets: readonly TestPacket[]): TestPacket[] {
  return packets.flatMap((packet) => {
    const pieces = resegment([packet], 33)
    return pieces.length === 1 ? pieces : [...pieces.slice(0, -1), packet, pieces.at(-1)!]
  })
}

/** Runs of data segments from one side, back to front. */
function reversed(packets: readonly TestPacket[]): TestPacket[] {
  const out: TestPacket[] = []
  let run: TestPacket[] = []
  for (const packet of packets) {
    const isData = (packet.tcp?.payload?.length ?? 0) > 0
    if (!isData || run[0]?.from !== packet.from) {
      out.push(...run)
      run = []
    }
    if (isData) run.unshift(packet)
    else out.push(packet)
  }
  return [...out, ...run]
}

describe('the signatures raised do not depend on the packets that carried the traffic', () => {
  const detection = new Detection(loadSignatures().rules)
  afterAll(() => detection.close())
  const attacks = Object.values(CASES)
    .flat()
    .flatMap(({ sid, fire, also = [] }) =>
      exchanges(fire).map((exchange) => ({ sid, exchange, expected: [sid, ...also].sort((a, b) => a - b) })),
    )

  it.each(Object.entries(VARIANTS))('%s', (_name, variant) => {
    const missed = attacks
      .map(({ sid, exchange, expected }) => ({ sid, expected, found: detection.sids(variant(exchange)) }))
      .filter(({ expected, found }) => found.join() !== expected.join())
    expect(missed).toEqual([])
  })
})
