/**
 * The same attack in other TCP segments. Whatever a sender or a network may do to the segments without changing what the
 * receiver gets, the signatures raised must be the same as for the plain conversation.
 */
import { afterAll, describe, expect, it } from 'vitest'
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
import { Attacks, decoys, overlapping, plain, reversed, type Variant } from './support/evasion.js'
import { TCP_FLAG } from './support/frames.js'

const INNOCENT: Exchange = {
  request: 'GET /style.css HTTP/1.1\r\nHost: www.example.com\r\nAccept: text/css\r\n\r\n',
  response: 'HTTP/1.1 200 OK\r\nContent-Type: text/css\r\nContent-Length: 18\r\n\r\nbody { margin: 0 }',
}

const { ACK, PSH, RST, SYN, URG } = TCP_FLAG

const VARIANTS: Readonly<Record<string, Variant>> = {
  'as it is': plain,
  'one byte per segment': (exchange, options) => resegment(plain(exchange, options), 1),
  'segments of 7 bytes, shuffled': (exchange, options) => shuffle(resegment(plain(exchange, options), 7), 11),
  'segments of 100 bytes, last first': (exchange, options) =>
    reversed(resegment(plain(exchange, options), 100)),
  'every segment twice': (exchange, options) => duplicate(resegment(plain(exchange, options), 50), 3),
  'FIN ahead of the last data, both sides': finFirst,
  'overlapping retransmission of everything': (exchange, options) => overlapping(plain(exchange, options)),
  'segments shuffled and sent again whole': (exchange, options) =>
    overlapping(shuffle(resegment(plain(exchange, options), 90), 5)),
  'sequence numbers that wrap': (exchange, options) =>
    resegment(plain(exchange, { ...options, clientIsn: 0xffffffe0, serverIsn: 0xfffffff0 }), 9),
  'no acknowledgements seen': (exchange, options) =>
    drop(plain(exchange, { ...options, mss: 30 }), (packet, i) => i > 2 && packet.tcp?.payload?.length === 0),
  'no handshake seen': (exchange, options) => resegment(plain(exchange, options).slice(3), 40),
  'after innocent requests on the same connection': ({ request, response }, options) =>
    dialogue(
      [INNOCENT.request, INNOCENT.response, request, response, INNOCENT.request, INNOCENT.response],
      options,
    ),
  'pipelined behind an innocent request': ({ request, response }, options) =>
    dialogue([INNOCENT.request + request, INNOCENT.response + response], options),
  'pipelined, the segments not where the messages end': ({ request, response }, options) =>
    resegment(dialogue([INNOCENT.request + request, INNOCENT.response + response], options), 61),
  'answered before the whole request was sent': early,
  'connection reset in place of FIN': ({ request, response }, options) =>
    conversation(options).handshake().client(request).server(response).rst('client').packets(),
  'capture ends without FIN': ({ request, response }, options) =>
    conversation(options).handshake().client(request).server(response).packets(),
  'decoys with a wrong checksum': (exchange, options) =>
    decoys(resegment(plain(exchange, options), 25), () => ({ checksum: 0x1234 })),
  'decoys beyond the window': (exchange, options) =>
    decoys(resegment(plain(exchange, options), 25), ({ seq }) => ({ seq: (seq! + 0x4000_0000) >>> 0 })),
  'decoys that were acknowledged long ago': (exchange, options) =>
    decoys(resegment(plain(exchange, options), 25), ({ seq }) => ({ seq: (seq! - 0x1000_0000) >>> 0 })),
  'keep-alive probes': (exchange, options) =>
    decoys(resegment(plain(exchange, options), 60), ({ seq }) => ({
      seq: (seq! - 1) >>> 0,
      payload: 'X',
      flags: ACK,
    })),
  'resets outside of the window': (exchange, options) =>
    decoys(resegment(plain(exchange, options), 60), ({ seq }) => ({
      seq: (seq! + 0x2000_0000) >>> 0,
      payload: '',
      flags: RST,
    })),
  'a second SYN in the middle': (exchange, options) =>
    decoys(resegment(plain(exchange, options), 200), ({ seq }) => ({
      seq: (seq! + 77_777_777) >>> 0,
      payload: '',
      flags: SYN,
    })),
  'every segment urgent': (exchange, options) => flagged(resegment(plain(exchange, options), 45), URG | ACK),
  'every segment pushed': (exchange, options) => flagged(resegment(plain(exchange, options), 45), PSH | ACK),
}

/** Each side's FIN is captured before the second half of its data. */
function finFirst({ request, response }: Exchange, options: ConversationOptions): TestPacket[] {
  const talk = conversation({ ...options, acks: false }).handshake()
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

/** The first bytes of the answer are captured before the last of the request, which came by another way. */
function early({ request, response }: Exchange, options: ConversationOptions): TestPacket[] {
  const packets = conversation({ ...options, acks: false, mss: 100 })
    .handshake()
    .client(request)
    .server(response)
    .close()
    .packets()
  const first = packets.findIndex(({ from, tcp }) => from === 'server' && (tcp?.payload?.length ?? 0) > 0)
  if (first < 5) return packets
  return [...packets.slice(0, first - 1), packets[first]!, packets[first - 1]!, ...packets.slice(first + 1)]
}

/** Every data segment with these flags (and an urgent pointer that says nothing, where they include URG). */
function flagged(packets: readonly TestPacket[], flags: number): TestPacket[] {
  return decoys(packets, ({ payload }) => ({ payload: payload!, flags })).filter(
    ({ tcp }) => (tcp?.payload?.length ?? 0) === 0 || tcp?.flags === flags,
  )
}

describe('the signatures raised do not depend on the segments that carried the traffic', () => {
  const attacks = new Attacks()
  afterAll(() => attacks.close())

  it.each(Object.entries(VARIANTS))('%s', (_name, variant) => {
    expect(attacks.differences(variant)).toEqual([])
  })
})
