/**
 * Random traffic for the fuzzer, with the buffers and header fields rules are to see in it: ICMP echoes, UDP datagrams,
 * turns of a TCP conversation, HTTP exchanges. The bytes repeat themselves, so that patterns nearly match in many places.
 */
import { conversation, resegment, shuffle, type TestPacket } from './conversation.js'
import { type Ipv4Options, icmpFrame, toBytes, udpFrame } from './frames.js'
import { makeRequest, makeResponse } from './naive-http.js'
import { PROTOCOL_KINDS, type ProtocolKind, protocolTurns } from './naive-protocols.js'
import type { NaivePacket, NaiveUnit } from './naive-rule.js'

export type Random = () => number

export const below = (random: Random, limit: number): number => Math.floor(random() * limit)
export const pick = <T>(random: Random, list: readonly T[]): T => list[below(random, list.length)]!
export const chance = (random: Random, probability: number): boolean => random() < probability

export type TrafficKind = 'icmp' | 'udp' | 'tcp' | 'http' | ProtocolKind
/** Those whose rules are about the bytes as such; `PROTOCOL_KINDS` has the others. */
export const TRAFFIC_KINDS: readonly TrafficKind[] = ['icmp', 'udp', 'tcp', 'http']

const OWN_PROTOCOL: readonly TrafficKind[] = ['icmp', 'udp', 'tcp']

/** Whether rules are about messages of the kind, which no rule sees but through the options for them. */
export function isProtocolKind(kind: TrafficKind): kind is ProtocolKind {
  return (PROTOCOL_KINDS as readonly TrafficKind[]).includes(kind)
}

/** What rules for the kind say in their header. */
export function transportOf(kind: TrafficKind): 'icmp' | 'udp' | 'tcp' {
  if (kind === 'sip') return 'udp'
  return OWN_PROTOCOL.includes(kind) ? (kind as 'icmp') : 'tcp'
}

/** Fields of the headers of one datagram, or of every packet of a conversation. */
export interface HeaderFields {
  readonly ttl: number
  readonly tos: number
  readonly id: number
  readonly dontFragment: boolean
  readonly reservedBit: boolean
  /** Types of the options, in order. */
  readonly ipOptions: readonly number[]
  readonly icmp: { readonly code: number; readonly id: number; readonly seq: number }
}

/** One thing that a side says. */
export interface Turn {
  readonly fromClient: boolean
  /** As sent. */
  readonly bytes: Uint8Array
  /** By Snort's names. */
  readonly buffers: ReadonlyMap<string, Uint8Array>
  readonly numbers: ReadonlyMap<string, number>
  /** What a message of a protocol is about. */
  readonly facts?: ReadonlyMap<string, number | string>
  /** The request that this, a response, answers. */
  readonly asked?: Turn
}

export interface Talk {
  readonly kind: TrafficKind
  readonly serverPort: number
  readonly fields: HeaderFields
  readonly turns: readonly Turn[]
}

/** How the bytes of TCP conversations are cut and sent. */
export interface Sending {
  /** Payload bytes of a segment. */
  readonly segment: number
  /** Segments of a turn out of order, and some twice; undefined = in order. */
  readonly shuffled: number | undefined
}

export const SERVER_PORTS: Readonly<Record<TrafficKind, readonly number[]>> = {
  icmp: [0],
  udp: [5353, 7777],
  tcp: [7777, 9999],
  http: [80, 8080],
  sip: [5060, 9999],
  ssl: [443, 9999],
  dce: [135, 1026],
  dnp3: [20_000, 9999],
  modbus: [502],
}
export const SERVER = '192.0.2.80'

const buffersOf = (texts: readonly string[]): Buffer[] => texts.map((text) => Buffer.from(text, 'latin1'))

/** Each letter of the alphabet often, in both cases, and small numbers that lead somewhere when jumped by. */
const TOKENS = buffersOf([
  'a',
  'b',
  'ab',
  'ba',
  'aab',
  'AB',
  'Ab',
  'x',
  '12',
  '0x1f',
  '7',
  ' 9',
  'k=v',
  '..',
  ' 017',
  ' -3',
  ' +12',
])
const BINARY = [[0], [1], [2], [3, 0], [0, 4], [0, 0, 0, 5], [8, 0, 0, 0], [255], [0x80, 10]].map((bytes) =>
  Buffer.from(bytes),
)
/** Base64, BER elements, sensitive data, an address, a CVS entry; seldom. */
const SPECIAL = buffersOf([
  'YWFi',
  'YWJhYg==',
  'YWJ4\r\n YWI=',
  'eGFi\r\nYWE',
  '\x02\x01\x02',
  '\x04\x02ab',
  '\x30\x06\x02\x01\x01',
  '\x04\x81\x01a',
  '\x04\x82\x00\x02ab',
  '\x04\x82\x01\x00ab',
  '\x30\x80',
  ' 123-45-6789 ',
  ' 000-12-3456.',
  ' 4111111111111111 ',
  ' 4111111111111112 ',
  ' 219099999 ',
  '10,1,0,2,7,7 ',
  '192,0,2,80,1 ',
  '\nEntry /ab/',
  '\nEntry D/ab/',
  '\nEntry D//',
  '\nEntry //',
  '\n',
])
export const BOTH = [...TOKENS, ...TOKENS, ...BINARY, ...BINARY, ...SPECIAL]
/** So few that short patterns stand everywhere. */
const FEW = buffersOf(['a', 'b', 'ab', '\x01', '\x02', 'x'])
/** For lines and URIs: no blank, no dots (they are segments of a path). */
export const WORDS = TOKENS.filter((token) => !/[ .]/.test(token.toString('latin1')))

export function join(random: Random, tokens: readonly Buffer[], most: number): Buffer {
  return Buffer.concat(Array.from({ length: 1 + below(random, most) }, () => pick(random, tokens)))
}

/** End of options is padding; the others are as long as RFC 791 has them. */
const IP_OPTIONS: Readonly<Record<number, readonly number[]>> = {
  1: [1],
  7: [7, 7, 4, 0, 0, 0, 0],
  68: [68, 8, 5, 0, 0, 0, 0, 0],
  131: [131, 7, 4, 192, 0, 2, 1],
  136: [136, 4, 0, 1],
  137: [137, 7, 4, 192, 0, 2, 1],
}

export function makeTalk(random: Random, kind: TrafficKind): Talk {
  const serverPort = pick(random, SERVER_PORTS[kind])
  const turns: Turn[] = []
  if (isProtocolKind(kind)) turns.push(...protocolTurns(random, kind))
  const rounds = turns.length > 0 ? 0 : 1 + below(random, 2)
  for (let i = 0; i < rounds; i++) {
    if (kind === 'http') {
      const asked = makeRequest(random)
      turns.push(asked, { ...makeResponse(random), asked })
    } else {
      const call = kind === 'udp' && chance(random, 0.15)
      turns.push(call ? rpcCall(random) : plainTurn(random, true), plainTurn(random, false))
    }
  }
  const optioned = (kind === 'udp' || kind === 'icmp') && chance(random, 0.4)
  const types = Object.keys(IP_OPTIONS).map(Number)
  const fields: HeaderFields = {
    ttl: pick(random, [1, 5, 63, 64, 128]),
    tos: pick(random, [0, 8, 16]),
    id: pick(random, [1, 777, 31_337]),
    dontFragment: chance(random, 0.5),
    reservedBit: chance(random, 0.2),
    ipOptions: optioned ? Array.from({ length: 1 + below(random, 2) }, () => pick(random, types)) : [],
    icmp: { code: below(random, 3), id: below(random, 4), seq: below(random, 4) },
  }
  return { kind, serverPort, fields, turns }
}

function plainTurn(random: Random, fromClient: boolean): Turn {
  // `#` begins the words of no protocol, so that nothing but raw data is found.
  const tokens = chance(random, 0.4) ? FEW : BOTH
  return turnOf(fromClient, Buffer.concat([Buffer.from('#'), join(random, tokens, 24)]))
}

/** A call of ONC RPC (RFC 5531, section 9) and more. */
function rpcCall(random: Random): Turn {
  const words = [below(random, 9), 0, 2, 100_000 + below(random, 2), below(random, 3), below(random, 3)]
  const head = Buffer.alloc(24)
  for (const [i, word] of words.entries()) head.writeUInt32BE(word, i * 4)
  return turnOf(true, Buffer.concat([head, join(random, BOTH, 12)]))
}

export function turnOf(fromClient: boolean, bytes: Uint8Array): Turn {
  const buffers = new Map([
    ['pkt_data', bytes],
    ['raw_data', bytes],
  ])
  return { fromClient, bytes, buffers, numbers: new Map() }
}

export function clientAddress(index: number): string {
  return `10.1.0.${index + 1}`
}

/** Of the number-th client; 0-based. */
export function clientIndex(address: string): number {
  return Number(address.split('.')[3]) - 1
}

const CLIENT_PORT = 40_000
const ECHO_REQUEST = 8
const ECHO_REPLY = 0

function ipOf({ ttl, tos, id, dontFragment, reservedBit, ipOptions }: HeaderFields): Partial<Ipv4Options> {
  const options = Uint8Array.from(ipOptions.flatMap((type) => IP_OPTIONS[type]!))
  return { ttl, tos, id, dontFragment, reservedBit, ...(options.length > 0 && { options }) }
}

/** The packets of talk number `index`. */
export function packetsOf(talk: Talk, index: number, sending: Sending): TestPacket[] {
  const { serverPort, turns, fields, kind } = talk
  const client = clientAddress(index)
  const clientPort = CLIENT_PORT + index
  const ipv4 = ipOf(fields)
  const start = 1_700_000_000 + index
  const transport = transportOf(kind)
  if (transport !== 'tcp') {
    return turns.map(({ fromClient, bytes }, i) => {
      const [source, destination] = fromClient ? [client, SERVER] : [SERVER, client]
      const [sourcePort, destinationPort] = fromClient ? [clientPort, serverPort] : [serverPort, clientPort]
      const frame =
        transport === 'udp'
          ? udpFrame({ source, destination, sourcePort, destinationPort, ipv4, payload: bytes })
          : icmpFrame({
              source,
              destination,
              ipv4,
              type: fromClient ? ECHO_REQUEST : ECHO_REPLY,
              ...fields.icmp,
              payload: bytes,
            })
      return { frame, seconds: start, nanoseconds: i * 1000, from: fromClient ? 'client' : 'server' }
    })
  }
  const tcp = conversation({
    client,
    server: SERVER,
    clientPort,
    serverPort,
    start,
    frame: { ipv4 },
  }).handshake()
  for (const { fromClient, bytes } of turns) tcp[fromClient ? 'client' : 'server'](bytes)
  const packets = tcp.close().packets()
  const { segment, shuffled } = sending
  if (shuffled === undefined) return resegment(packets, segment)
  // Each pair of segments is sent once more as a whole.
  const overlapping = resegment(packets, 2 * segment).flatMap((pair) => {
    const pieces = resegment([pair], segment)
    return pieces.length === 1 ? pieces : [...pieces, pair]
  })
  return shuffle(overlapping, shuffled)
}

/** What detection looks at when a side has said something: the packets (UDP, ICMP, TCP), the turn (TCP), the message. */
export function unitsOf(talk: Talk, index: number, turn: Turn, sending: Sending): NaiveUnit[] {
  const { kind, serverPort, turns, fields } = talk
  const at = turns.indexOf(turn)
  const client = [clientAddress(index), kind === 'icmp' ? 0 : CLIENT_PORT + index] as const
  const server = [SERVER, serverPort] as const
  const [[source, sourcePort], [destination, destinationPort]] = turn.fromClient
    ? [client, server]
    : [server, client]
  const said = (fromClient: boolean): number =>
    turns
      .slice(0, at + 1)
      .reduce((sum, one) => sum + (one.fromClient === fromClient ? one.bytes.length : 0), 0)
  const transport = transportOf(kind)
  const stream = transport === 'tcp'
  const unit: NaiveUnit = {
    buffers: turn.buffers,
    numbers: turn.numbers,
    facts: turn.facts,
    asked: turn.asked,
    packet: undefined,
    http: kind === 'http',
    first: at === 0,
    toServer: turn.fromClient,
    established: stream || at > 0,
    source,
    destination,
    sourcePort,
    destinationPort,
    sent: stream ? { client: said(true), server: said(false) } : undefined,
  }
  const packet: NaivePacket = {
    protocol: { icmp: 1, udp: 17, tcp: 6 }[transport],
    ttl: fields.ttl,
    tos: fields.tos,
    id: fields.id,
    fragBits: (fields.dontFragment ? 2 : 0) | (fields.reservedBit ? 4 : 0),
    ipOptions: fields.ipOptions,
    ...(kind === 'icmp' && {
      itype: turn.fromClient ? ECHO_REQUEST : ECHO_REPLY,
      icode: fields.icmp.code,
      icmp_id: fields.icmp.id,
      icmp_seq: fields.icmp.seq,
    }),
  }
  if (!stream) return [{ ...unit, packet }]
  // What asks about messages is tried on messages alone.
  if (isProtocolKind(kind)) return [unit]
  const segments = packetsOf({ ...talk, turns: turns.slice(0, at + 1) }, index, {
    ...sending,
    shuffled: undefined,
  })
    .filter(
      ({ from, tcp }) => (from === 'client') === turn.fromClient && toBytes(tcp?.payload ?? '').length > 0,
    )
    .slice(-Math.ceil(turn.bytes.length / sending.segment))
  const packets = segments.map(({ tcp }) => ({
    ...unit,
    ...turnOf(turn.fromClient, toBytes(tcp!.payload!)),
    asked: undefined,
    http: false,
    packet: { ...packet, flags: tcp!.flags!, seq: tcp!.seq!, ack: tcp!.ack!, window: 65_535 },
  }))
  return [...packets, unit]
}
