/**
 * Other TCP segments for the same conversation: what a sender, a network or an attacker may do to them without changing
 * what the receiver gets.
 *
 * In: the packets of one conversation and random numbers. Out: packets, or `undefined` where the evasion does not apply.
 * Called by the evasion tests.
 */
import type { StackOptionsInput } from '@weir/stack'
import { duplicate, resegment, shuffle, type TcpPacketOptions, type TestPacket } from './conversation.js'
import { decoys, overlapping, reversed } from './evasion.js'
import { concat, TCP_FLAG, tcpFrame, toBytes } from './frames.js'
import { isConnection, type Recorded } from './recorded.js'

const { FIN, SYN, RST, PSH, ACK, URG, ECE, CWR } = TCP_FLAG

export type Random = () => number
export type Packets = readonly TestPacket[]
type Change = (packets: Packets, random: Random) => TestPacket[]

const upTo = (random: Random, most: number): number => 1 + Math.floor(random() * most)

export const payloadOf = (packet: TestPacket): Uint8Array => toBytes(packet.tcp?.payload ?? '')
const hasData = (packet: TestPacket): boolean => payloadOf(packet).length > 0
const flagsOf = (packet: TestPacket): number => packet.tcp?.flags ?? ACK

/** The same packet with other fields; addresses swapped if `from` says so. */
export function remade(packet: TestPacket, fields: Partial<TcpPacketOptions>): TestPacket {
  const tcp = { ...packet.tcp!, ...fields }
  return { ...packet, frame: tcpFrame(tcp), tcp }
}

/** A segment from the other side, as an answer to this one. */
function answer(packet: TestPacket, fields: Partial<TcpPacketOptions>): TestPacket {
  const { source, destination, sourcePort, destinationPort, seq = 0, ack = 0, ipv4 = {} } = packet.tcp!
  const tcp: TcpPacketOptions = {
    source: destination,
    destination: source,
    sourcePort: destinationPort,
    destinationPort: sourcePort,
    seq: ack,
    ack: (seq + payloadOf(packet).length) >>> 0,
    flags: ACK,
    ipv4,
    ...fields,
  }
  return { ...packet, from: packet.from === 'client' ? 'server' : 'client', frame: tcpFrame(tcp), tcp }
}

/** Cuts data segments in pieces of random sizes. */
export function randomPieces(packets: Packets, random: Random, most: number): TestPacket[] {
  return packets.flatMap((packet) => {
    const payload = payloadOf(packet)
    const out: TestPacket[] = []
    for (let at = 0; at < payload.length; ) {
      const end = Math.min(payload.length, at + upTo(random, most))
      const last = end === payload.length
      out.push(
        remade(packet, {
          seq: (packet.tcp!.seq! + at) >>> 0,
          flags: flagsOf(packet) & (last ? 0xff : ~(FIN | PSH)),
          payload: payload.subarray(at, end),
        }),
      )
      at = end
    }
    return out.length === 0 ? [packet] : out
  })
}

const seedFrom = (random: Random): number => Math.floor(random() * 0x7fffffff)

/** Every data segment, replaced by what `make` gives. */
function eachData(
  packets: Packets,
  make: (packet: TestPacket, payload: Uint8Array) => TestPacket[],
): TestPacket[] {
  return packets.flatMap((packet) => (hasData(packet) ? make(packet, payloadOf(packet)) : [packet]))
}

function garbage(length: number): Uint8Array {
  return new Uint8Array(length).fill(0x58)
}

/** Sequence numbers of both sides moved, all through the connection. */
export function shifted(packets: Packets, client: number, server: number): TestPacket[] {
  return packets.map((packet) => {
    const { seq = 0, ack = 0 } = packet.tcp!
    const [mine, theirs] = packet.from === 'client' ? [client, server] : [server, client]
    return remade(packet, {
      seq: (seq + mine) >>> 0,
      ack: (flagsOf(packet) & ACK) === 0 ? ack : (ack + theirs) >>> 0,
    })
  })
}

/** Every packet with a timestamp option; the value grows by one a packet. */
function timestamped(packets: Packets, start = 1000): TestPacket[] {
  return packets.map((packet, number) =>
    remade(packet, { options: timestamp(start + number, packet.tcp!.options) }),
  )
}

function timestamp(value: number, before: Uint8Array = new Uint8Array(0)): Uint8Array {
  const option = new Uint8Array(12)
  option.set([1, 1, 8, 10])
  new DataView(option.buffer).setUint32(4, value)
  return concat(before, option)
}

/** Packets of one side, until the other one sends, put off by up to `reach` places. */
function jittered(packets: Packets, random: Random, reach: number): TestPacket[] {
  let turn = 0
  const placed = packets.map((packet, at) => {
    if (at > 0 && packets[at - 1]!.from !== packet.from) turn++
    return { packet, turn, at: at + random() * reach }
  })
  placed.sort((a, b) => a.turn - b.turn || a.at - b.at)
  return placed.map(({ packet }) => packet)
}

/** An ACK of the receiver with window 0 after each segment, and a probe with the next byte or two before the rest. */
function zeroWindow(packets: Packets): TestPacket[] {
  return eachData(packets, (packet, payload) => [
    answer(packet, { ack: packet.tcp!.seq!, window: 0 }),
    remade(packet, { payload: payload.subarray(0, 1), flags: ACK }),
    answer(packet, { ack: packet.tcp!.seq!, window: 0 }),
    remade(packet, { payload: payload.subarray(0, 1), flags: ACK }),
    answer(packet, { ack: (packet.tcp!.seq! + 1) >>> 0, window: 65535 }),
    packet,
  ])
}

/** First everything but the first byte of each segment, then `between`, then the first byte. */
function holeFirst(packets: Packets, between: (packet: TestPacket) => TestPacket[]): TestPacket[] {
  return eachData(packets, (packet, payload) =>
    payload.length < 2
      ? [packet]
      : [
          ...between(
            remade(packet, { seq: (packet.tcp!.seq! + 1) >>> 0, payload: payload.subarray(1), flags: ACK }),
          ),
          remade(packet, { payload: payload.subarray(0, 1), flags: flagsOf(packet) & ~FIN }),
          ...((flagsOf(packet) & FIN) !== 0
            ? [
                remade(packet, {
                  seq: (packet.tcp!.seq! + payload.length) >>> 0,
                  payload: '',
                  flags: FIN | ACK,
                }),
              ]
            : []),
        ],
  )
}

const blank = (packet: TestPacket): TestPacket =>
  remade(packet, { payload: garbage(payloadOf(packet).length) })

/** Where the policy keeps what came first, the truth comes first. */
const overlapsFirst: Change = (packets) => holeFirst(packets, (rest) => [rest, blank(rest)])

/** Where the policy keeps what came last. */
const overlapsLast: Change = (packets) => holeFirst(packets, (rest) => [blank(rest), rest])

function handshakeOf(packets: Packets): { syn: TestPacket; synAck: TestPacket; rest: Packets } {
  return { syn: packets[0]!, synAck: packets[1]!, rest: packets.slice(2) }
}

const dataInSyn: Change = (packets) => {
  const { syn, synAck, rest } = handshakeOf(packets)
  const first = rest.find((packet) => packet.from === 'client' && hasData(packet))
  if (first === undefined) return [...packets]
  const opening = payloadOf(first).subarray(0, Math.min(40, payloadOf(first).length))
  // Not acknowledged, and sent again: a server without Fast Open.
  return [remade(syn, { payload: opening }), synAck, ...rest]
}

const fastOpen: Change = (packets) => {
  const { syn, synAck, rest } = handshakeOf(packets)
  const at = rest.findIndex((packet) => packet.from === 'client' && hasData(packet))
  if (at < 0) return [...packets]
  const first = rest[at]!
  const payload = payloadOf(first)
  if (payload.length > 1200) return [...packets]
  return [
    remade(syn, {
      payload,
      options: concat(syn.tcp!.options ?? new Uint8Array(0), Uint8Array.of(34, 6, 1, 2, 3, 4)),
    }),
    remade(synAck, { ack: (synAck.tcp!.ack! + payload.length) >>> 0 }),
    ...rest
      .slice(0, at)
      .map((packet) =>
        packet.from === 'client'
          ? remade(packet, { seq: (packet.tcp!.seq! + payload.length) >>> 0 })
          : packet,
      ),
    ...rest.slice(at + 1),
  ]
}

const splitHandshake: Change = (packets) => {
  const { syn, synAck, rest } = handshakeOf(packets)
  const theirs = synAck.tcp!.seq!
  return [
    syn,
    remade(synAck, { flags: SYN, ack: 0 }),
    remade(syn, { flags: SYN | ACK, ack: (theirs + 1) >>> 0 }),
    remade(synAck, { flags: ACK, seq: (theirs + 1) >>> 0 }),
    ...rest,
  ]
}

const simultaneousOpen: Change = (packets) => {
  const { syn, synAck, rest } = handshakeOf(packets)
  return [
    syn,
    remade(synAck, { flags: SYN, ack: 0 }),
    remade(syn, { flags: SYN | ACK, ack: (synAck.tcp!.seq! + 1) >>> 0 }),
    synAck,
    ...rest,
  ]
}

const synTwice: Change = (packets) => {
  const { syn, synAck, rest } = handshakeOf(packets)
  return [syn, syn, synAck, synAck, ...rest]
}

const synOtherIsnFirst: Change = (packets) => {
  const { syn, synAck, rest } = handshakeOf(packets)
  return [remade(syn, { seq: (syn.tcp!.seq! + 1_000_000) >>> 0 }), syn, synAck, ...rest]
}

const synAckOtherIsnFirst: Change = (packets) => {
  const { syn, synAck, rest } = handshakeOf(packets)
  return [syn, remade(synAck, { seq: (synAck.tcp!.seq! + 5_000_000) >>> 0, ack: 77 }), synAck, ...rest]
}

const ecn: Change = (packets) =>
  packets.map((packet, at) =>
    remade(packet, {
      flags: flagsOf(packet) | (at === 0 ? ECE | CWR : at === 1 ? ECE : hasData(packet) ? CWR : ECE),
      ipv4: { ...packet.tcp!.ipv4, tos: 3 },
    }),
  )

/** All of each side's data again after the other side has acknowledged it, with other bytes. */
const lateGarbage: Change = (packets) => {
  const out: TestPacket[] = []
  const sent: TestPacket[] = []
  for (const packet of packets) {
    out.push(packet)
    if (hasData(packet)) sent.push(packet)
    else if ((flagsOf(packet) & (FIN | RST | SYN)) === 0) {
      out.push(
        ...sent
          .splice(0)
          .filter(({ from }) => from !== packet.from)
          .map(blank),
      )
    }
  }
  return out
}

const finWithData: Change = (packets) => {
  const out = [...packets]
  for (const side of ['client', 'server'] as const) {
    const fin = out.findIndex(
      (packet) => packet.from === side && (flagsOf(packet) & FIN) !== 0 && !hasData(packet),
    )
    const last = out.findLastIndex((packet) => packet.from === side && hasData(packet))
    if (fin < 0 || last < 0 || last > fin) continue
    out[last] = remade(out[last]!, { flags: flagsOf(out[last]!) | FIN })
    out.splice(fin, 1)
  }
  return out
}

/** Data segments with this TTL; the others keep theirs. */
function withTtl(packets: Packets, ttl: number): TestPacket[] {
  return eachData(packets, (packet) => [remade(packet, { ipv4: { ...packet.tcp!.ipv4, ttl } })])
}

/** Segments of the size of the window, each acknowledged; before each one, garbage in place of the one after it. */
function beyondWindow(packets: Packets, size: number): TestPacket[] {
  const narrow = packets.map((packet) => remade(packet, { window: size, options: new Uint8Array(0) }))
  return eachData(narrow, (packet) =>
    resegment([packet], size).flatMap((piece, i, all) => {
      const next = all[i + 1]
      const acked = answer(piece, { window: size })
      return next === undefined ? [piece, acked] : [blank(next), piece, acked]
    }),
  )
}

const isOpening = (packet: TestPacket): boolean => (flagsOf(packet) & SYN) !== 0

/** A connection between the same ports before this one: innocent, closed in the way given. */
function reused(packets: Packets, close: (last: TestPacket) => TestPacket[]): TestPacket[] {
  const before = shifted(packets.slice(0, 3), 0x3000_0000, 0x2000_0000)
  const ack = before[2]!
  const hello = remade(ack, { payload: 'GET /favicon.ico HTTP/1.0\r\n\r\n', flags: PSH | ACK })
  const after = remade(ack, { seq: (ack.tcp!.seq! + 29) >>> 0 })
  return [...before, hello, answer(hello, {}), ...close(after), ...packets]
}

function spaced(packets: Packets, seconds: number, which: (packet: TestPacket) => boolean): TestPacket[] {
  let late = 0
  return packets.map((packet) => {
    if (which(packet)) late += seconds
    return { ...packet, seconds: packet.seconds + late }
  })
}

const withoutHandshake = (packets: Packets): TestPacket[] => packets.filter((packet) => !isOpening(packet))

const cut =
  (size: number): Change =>
  (packets) =>
    resegment(packets, size)

export const TCP_CHANGES: Readonly<Record<string, Change>> = {
  'segments of 1 byte': cut(1),
  'segments of 2 bytes': cut(2),
  'segments of 3 bytes': cut(3),
  'segments of 1 to 20 bytes': (packets, random) => randomPieces(packets, random, 20),
  'segments of 1 to 300 bytes': (packets, random) => randomPieces(packets, random, 300),
  'segments of 5 bytes, shuffled': (packets, random) => shuffle(resegment(packets, 5), seedFrom(random)),
  'small segments, put off by up to 6 places': (packets, random) =>
    jittered(randomPieces(packets, random, 30), random, 6),
  'segments of 11 bytes, last first': (packets) => reversed(resegment(packets, 11)),
  'every segment twice at once': (packets) => duplicate(resegment(packets, 40), 1),
  'every segment twice, later': (packets) => duplicate(resegment(packets, 40), 4),
  'sent again whole, cut otherwise': (packets) => overlapping(packets),
  'each with other bytes before its own, acknowledged long ago': (packets) => {
    const sent = { client: 0, server: 0 }
    return eachData(resegment(packets, 60), (packet, payload) => {
      const known = Math.min(sent[packet.from], 30)
      sent[packet.from] += payload.length
      const seq = (packet.tcp!.seq! - known) >>> 0
      return [remade(packet, { seq, payload: concat(garbage(known), payload) })]
    })
  },
  'sent again with other bytes after the ACK': lateGarbage,
  'small segments sent again with other bytes after the ACK': (packets) =>
    eachData(resegment(packets, 30), (packet) => [packet, answer(packet, {}), blank(packet)]),
  'keep-alive probes with a byte': (packets) =>
    decoys(resegment(packets, 60), ({ seq }) => ({ seq: (seq! - 1) >>> 0, payload: 'X', flags: ACK })),
  'keep-alive probes without data': (packets) =>
    decoys(resegment(packets, 60), ({ seq }) => ({ seq: (seq! - 1) >>> 0, payload: '', flags: ACK })),
  'zero windows and probes': zeroWindow,
  'decoys with a wrong checksum': (packets) => decoys(resegment(packets, 50), () => ({ checksum: 0x1234 })),
  'decoys with a wrong IP checksum': (packets) =>
    decoys(resegment(packets, 50), ({ ipv4 }) => ({ ipv4: { ...ipv4, checksum: 0x4321 } })),
  'decoys beyond the window': (packets) =>
    decoys(resegment(packets, 50), ({ seq }) => ({ seq: (seq! + 0x1000_0000) >>> 0 })),
  'decoys without the ACK flag': (packets) => decoys(resegment(packets, 50), () => ({ flags: PSH, ack: 0 })),
  'decoys without any flag': (packets) => decoys(resegment(packets, 50), () => ({ flags: 0, ack: 0 })),
  'decoys that acknowledge what was never sent': (packets) =>
    decoys(resegment(packets, 50), ({ ack }) => ({ ack: (ack! + 0x1000_0000) >>> 0 })),
  'decoys that acknowledge a little too much': (packets) =>
    decoys(resegment(packets, 50), ({ ack }) => ({ ack: (ack! + 50_000) >>> 0 })),
  'decoys that acknowledge what has long been acknowledged': (packets) =>
    decoys(resegment(packets, 50), ({ ack }) => ({ ack: (ack! - 200_000) >>> 0 })),
  'decoys with a lower TTL': (packets) =>
    decoys(resegment(packets, 50), ({ ipv4 }) => ({ ipv4: { ...ipv4, ttl: 5 } })),
  'decoys with a lower TTL, longer than the segments': (packets) =>
    decoys(resegment(packets, 50), ({ ipv4 }) => ({ ipv4: { ...ipv4, ttl: 5 }, payload: 'X'.repeat(140) })),
  'decoys with lower TTLs than those of segments with lower ones': (packets) =>
    decoys(withTtl(resegment(packets, 50), 40), ({ ipv4 }) => ({ ipv4: { ...ipv4, ttl: 39 } })),
  'decoys beyond a small window': (packets) => beyondWindow(packets, 50),
  'decoys with a signature': (packets) =>
    decoys(resegment(packets, 50), () => ({ options: concat(Uint8Array.of(19, 18), new Uint8Array(18)) })),
  'decoys with SYN and FIN': (packets) => decoys(resegment(packets, 50), () => ({ flags: SYN | FIN })),
  'decoys with an old timestamp': (packets) =>
    decoys(resegment(timestamped(packets, 500_000), 50), () => ({ options: timestamp(7) })),
  'decoys with too long a header': (packets) =>
    decoys(resegment(packets, 50), () => ({ headerWords: 15, payload: 'X'.repeat(10) })),
  'resets with a wrong sequence number': (packets) =>
    decoys(resegment(packets, 50), ({ seq }) => ({
      seq: (seq! + 0x1000_0000) >>> 0,
      payload: '',
      flags: RST,
    })),
  'resets with a lower TTL': (packets) =>
    decoys(resegment(packets, 50), ({ ipv4 }) => ({ payload: '', flags: RST, ipv4: { ...ipv4, ttl: 5 } })),
  'resets inside the window': (packets) =>
    decoys(resegment(packets, 50), ({ seq }) => ({ seq: (seq! + 7) >>> 0, payload: '', flags: RST })),
  'resets with a wrong checksum': (packets) =>
    decoys(resegment(packets, 50), () => ({ payload: '', flags: RST, checksum: 1 })),
  'FINs with a wrong sequence number': (packets) =>
    decoys(resegment(packets, 50), ({ seq }) => ({
      seq: (seq! + 0x1000_0000) >>> 0,
      payload: '',
      flags: FIN | ACK,
    })),
  'FINs sent long ago': (packets) =>
    decoys(resegment(packets, 50), ({ seq }) => ({
      seq: (seq! - 0x1000) >>> 0,
      payload: '',
      flags: FIN | ACK,
    })),
  'SYNs in the middle': (packets) =>
    decoys(resegment(packets, 50), ({ seq }) => ({
      seq: (seq! + 77_777_777) >>> 0,
      payload: '',
      flags: SYN,
    })),
  'SYNs in the middle, with the next number': (packets) =>
    decoys(resegment(packets, 50), () => ({ payload: '', flags: SYN })),
  'SYN+ACKs in the middle': (packets) =>
    decoys(resegment(packets, 50), ({ seq }) => ({ seq: (seq! - 77) >>> 0, payload: '', flags: SYN | ACK })),
  'data in the SYN, sent again': dataInSyn,
  'data in the SYN, taken (Fast Open)': fastOpen,
  'split handshake': splitHandshake,
  'simultaneous open': simultaneousOpen,
  'SYN and SYN+ACK twice': synTwice,
  'SYN with another ISN first': synOtherIsnFirst,
  'SYN+ACK with another ISN first': synAckOtherIsnFirst,
  ECN: ecn,
  'urgent flag without pointer': (packets) =>
    eachData(resegment(packets, 45), (packet) => [remade(packet, { flags: flagsOf(packet) | URG })]),
  'urgent pointer beyond the segment': (packets) =>
    eachData(resegment(packets, 45), (packet) => [
      remade(packet, { flags: flagsOf(packet) | URG, urgent: 9000 }),
    ]),
  'no ACKs': (packets) =>
    packets.filter((packet, at) => at < 3 || hasData(packet) || flagsOf(packet) !== ACK),
  'no ACK of the handshake': (packets) => packets.filter((_, at) => at !== 2),
  'from the SYN+ACK on': (packets) => packets.slice(1),
  'from the ACK of the handshake on': (packets) => packets.slice(2),
  'from the first data on': (packets) => packets.slice(3),
  'FIN with the last data': finWithData,
  'FIN with the last of small segments': (packets) => resegment(finWithData(packets, Math.random), 20),
  'RST in place of FIN': (packets) =>
    packets.flatMap((packet) =>
      (flagsOf(packet) & FIN) === 0 || hasData(packet) ? [packet] : [remade(packet, { flags: RST | ACK })],
    ),
  'no end': (packets) => packets.filter((packet) => (flagsOf(packet) & FIN) === 0 || hasData(packet)),
  'overlaps, what came first holds': overlapsFirst,
  'overlaps, what came last holds': overlapsLast,
  'same ports as a connection closed before': (packets) =>
    reused(packets, (last) => [
      remade(last, { flags: FIN | ACK }),
      answer(last, { flags: FIN | ACK, ack: (last.tcp!.seq! + 1) >>> 0 }),
      remade(last, { seq: (last.tcp!.seq! + 1) >>> 0, ack: (last.tcp!.ack! + 1) >>> 0 }),
    ]),
  'same ports as a connection reset before': (packets) =>
    reused(packets, (last) => [remade(last, { flags: RST | ACK })]),
  'same ports as a connection never closed': (packets) => reused(packets, () => []),
  'same ports as a connection half closed': (packets) =>
    reused(packets, (last) => [remade(last, { flags: FIN | ACK })]),
  'ten seconds between segments': (packets) => spaced(resegment(packets, 100), 10, hasData),
  'five minutes between turns': (packets) => spaced(packets, 300, hasData),
  'padded frames': (packets) =>
    resegment(packets, 2).map((packet) => remade(packet, { ethernet: { padTo: 60 } })),
  'no handshake, 1 to 30 bytes, put off by up to 4 places': (packets, random) => {
    const whole = withoutHandshake(packets)
    return [whole[0]!, whole[1]!, ...jittered(randomPieces(whole.slice(2), random, 30), random, 4)]
  },
}

/** ISNs such that the sequence numbers pass 2^32 somewhere in the first data of both sides. */
function wrapping(packets: Packets, random: Random): TestPacket[] {
  const [client, server] = (['client', 'server'] as const).map((side) => {
    const first =
      packets.find((packet) => packet.from === side && hasData(packet)) ??
      packets.find((packet) => packet.from === side)!
    return -(first.tcp!.seq! + Math.floor(random() * (payloadOf(first).length + 2)))
  })
  return resegment(shifted(packets, client!, server!), 13)
}

const OPTIONS: Readonly<Record<string, StackOptionsInput>> = {
  'overlaps, what came last holds': { tcp: { policy: 'last' } },
}

export type TcpEvasion = (conversation: Recorded, random: Random) => TestPacket[] | undefined
type Named = readonly [
  name: string,
  evade: TcpEvasion,
  options: { stack?: StackOptionsInput; linkType?: number },
]

export const tcpEvasions: readonly Named[] = [
  ...Object.entries(TCP_CHANGES),
  ['sequence numbers that wrap', wrapping] as const,
].map(([name, change]) => [
  name,
  (conversation, random) => (isConnection(conversation) ? change(conversation.packets, random) : undefined),
  name in OPTIONS ? { stack: OPTIONS[name]! } : {},
])

/** Evasions that may be applied one after the other: one of each list. */
export const composable: readonly (readonly Named[])[] = [
  /^(ECN|no ACKs|SYN and SYN|split|simul|FIN with the last data|RST in|no end|SYN.* ISN|sequence numbers|five)/,
  /^(decoys (beyond the|without|that|with (SYN|a lower|a sig))|resets (with (a wrong seq|a lower)|inside)|FINs|SYNs in|SYN.ACKs in|urgent)/,
  /^(segments|every segment|sent again whole|ten seconds|padded)/,
].map((names) => tcpEvasions.filter(([name]) => names.test(name)))
