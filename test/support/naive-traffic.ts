/**
 * Random traffic for the fuzzer, with the buffers rules are to see in it: UDP datagrams, turns of a TCP conversation,
 * HTTP exchanges. The bytes repeat themselves, so that patterns nearly match in many places.
 */
import { gzipSync } from 'node:zlib'
import { BUF, type BufferId } from '../../ids/src/inspect/buffers.js'
import { conversation, type TestPacket, udpExchange } from './conversation.js'
import type { NaiveUnit } from './naive-rule.js'

export type Random = () => number

export const below = (random: Random, limit: number): number => Math.floor(random() * limit)
export const pick = <T>(random: Random, list: readonly T[]): T => list[below(random, list.length)]!
export const chance = (random: Random, probability: number): boolean => random() < probability

export type TrafficKind = 'udp' | 'tcp' | 'http'
export const TRAFFIC_KINDS: readonly TrafficKind[] = ['udp', 'tcp', 'http']

/** One thing that a side says. */
export interface Turn {
  readonly fromClient: boolean
  /** As sent. */
  readonly bytes: Uint8Array
  readonly buffers: ReadonlyMap<BufferId, Uint8Array>
  /** The request that this, a response, answers. */
  readonly asked?: Turn
}

export interface Talk {
  readonly kind: TrafficKind
  readonly serverPort: number
  readonly turns: readonly Turn[]
}

export const SERVER_PORTS: Readonly<Record<TrafficKind, readonly number[]>> = {
  udp: [5353, 7777],
  tcp: [7777, 9999],
  http: [80, 8080],
}

/** Each letter of the alphabet often, in both cases, and small numbers that lead somewhere when jumped by. */
const TOKENS = ['a', 'b', 'ab', 'ba', 'aab', 'AB', 'Ab', 'x', '12', '0x1f', '7', ' 9', 'k=v', '..'].map(
  (text) => Buffer.from(text),
)
const BINARY = [[0], [1], [2], [3, 0], [0, 4], [0, 0, 0, 5], [8, 0, 0, 0], [255], [0x80, 10]].map((bytes) =>
  Buffer.from(bytes),
)
const BOTH = [...TOKENS, ...BINARY]
/** So few that short patterns stand everywhere. */
const FEW = ['a', 'b', 'ab', '\x01', '\x02', 'x'].map((text) => Buffer.from(text))
/** For lines and URIs: no blank, no dots (they are segments of a path). */
const WORDS = TOKENS.filter((token) => !/[ .]/.test(token.toString('latin1')))

function join(random: Random, tokens: readonly Buffer[], most: number): Buffer {
  return Buffer.concat(Array.from({ length: 1 + below(random, most) }, () => pick(random, tokens)))
}

export function makeTalk(random: Random, kind: TrafficKind): Talk {
  const serverPort = pick(random, SERVER_PORTS[kind])
  const turns: Turn[] = []
  const rounds = 1 + below(random, 2)
  for (let i = 0; i < rounds; i++) {
    if (kind === 'http') {
      const asked = makeRequest(random)
      turns.push(asked, { ...makeResponse(random), asked })
    } else turns.push(plainTurn(random, true), plainTurn(random, false))
  }
  return { kind, serverPort, turns }
}

function plainTurn(random: Random, fromClient: boolean): Turn {
  // `#` begins the words of no protocol, so that nothing but raw data is found.
  const tokens = chance(random, 0.4) ? FEW : BOTH
  return turnOf(fromClient, Buffer.concat([Buffer.from('#'), join(random, tokens, 24)]))
}

export function turnOf(fromClient: boolean, bytes: Uint8Array): Turn {
  return { fromClient, bytes, buffers: new Map([[BUF.PKT_DATA, bytes]]) }
}

/** Some letters written as `%41`; the URI is the same without. */
function encodeSome(random: Random, text: Buffer): string {
  return Array.from(text, (byte) => {
    const letter = String.fromCharCode(byte)
    return /[a-zA-Z]/.test(letter) && chance(random, 0.1)
      ? `%${byte.toString(16)[chance(random, 0.5) ? 'toUpperCase' : 'toLowerCase']()}`
      : letter
  }).join('')
}

interface Header {
  readonly name: string
  readonly value: string
}

/**
 * The header buffers: all lines as sent, without the last line end; the same without the cookie, which leaves the line
 * end before it; the cookie's value.
 */
function headerBuffers(headers: readonly Header[], cookie: string): readonly [BufferId, string][] {
  const last = headers[headers.length - 1]
  const text = (list: readonly Header[]): string =>
    list.map((header) => `${header.name}: ${header.value}${header === last ? '' : '\r\n'}`).join('')
  const cookies = headers.filter(({ name }) => name === cookie)
  const buffers: [BufferId, string][] = [
    [BUF.HTTP_RAW_HEADER, text(headers)],
    [BUF.HTTP_HEADER, text(headers.filter(({ name }) => name !== cookie))],
  ]
  for (const { value } of cookies) buffers.push([BUF.HTTP_COOKIE, value], [BUF.HTTP_RAW_COOKIE, value])
  return buffers
}

/** Packet data is the head with the body behind it as the receiver has it: without chunks, unpacked. */
function message(
  fromClient: boolean,
  head: string,
  body: Buffer,
  sentBody: Buffer,
  buffers: readonly (readonly [BufferId, Uint8Array | string])[],
): Turn {
  const bytes = Buffer.concat([Buffer.from(head, 'latin1'), sentBody])
  const packetData = Buffer.concat([Buffer.from(head, 'latin1'), body])
  const map = new Map<BufferId, Uint8Array>([[BUF.PKT_DATA, packetData]])
  for (const [id, content] of buffers) {
    const raw = typeof content === 'string' ? Buffer.from(content, 'latin1') : content
    if (raw.length > 0) map.set(id, raw)
  }
  return { fromClient, bytes, buffers: map }
}

function makeHeaders(random: Random, first: Header, cookie: string): Header[] {
  const headers = [first]
  const word = (most: number): string => join(random, WORDS, most).toString('latin1')
  if (chance(random, 0.7)) headers.push({ name: 'X-Ab', value: word(8) })
  if (chance(random, 0.5)) headers.push({ name: cookie, value: word(6) })
  if (chance(random, 0.4)) headers.push({ name: 'User-Agent', value: `ab/${word(3)}` })
  return headers
}

function makeRequest(random: Random): Turn {
  const path = Buffer.concat([Buffer.from('/'), join(random, WORDS, 6)])
  const query = chance(random, 0.6)
    ? Buffer.concat([Buffer.from('?'), join(random, WORDS, 6)])
    : Buffer.alloc(0)
  const normalised = Buffer.concat([path, query])
  const raw = encodeSome(random, normalised)
  const method = pick(random, ['GET', 'POST', 'PUT'])
  const headers = makeHeaders(random, { name: 'Host', value: 'ab.example' }, 'Cookie')
  const body = method === 'GET' ? Buffer.alloc(0) : join(random, BOTH, 20)
  if (body.length > 0) headers.push({ name: 'Content-Length', value: String(body.length) })
  const lines = headers.map(({ name, value }) => `${name}: ${value}\r\n`).join('')
  return message(true, `${method} ${raw} HTTP/1.1\r\n${lines}\r\n`, body, body, [
    [BUF.HTTP_METHOD, method],
    [BUF.HTTP_RAW_URI, raw],
    [BUF.HTTP_URI, normalised],
    ...headerBuffers(headers, 'Cookie'),
    [BUF.HTTP_CLIENT_BODY, body],
    [BUF.FILE_DATA, body],
  ])
}

function makeResponse(random: Random): Turn {
  const [code, reason] = pick(random, [
    ['200', 'OK'],
    ['404', 'Not aab'],
    ['302', 'ab'],
  ])
  const body = join(random, BOTH, 30)
  const headers = makeHeaders(random, { name: 'Server', value: 'ba' }, 'Set-Cookie')
  let sent: Buffer = body
  if (chance(random, 0.25)) {
    sent = gzipSync(body)
    headers.push({ name: 'Content-Encoding', value: 'gzip' })
  }
  if (chance(random, 0.4)) {
    headers.push({ name: 'Transfer-Encoding', value: 'chunked' })
    sent = chunked(random, sent)
  } else headers.push({ name: 'Content-Length', value: String(sent.length) })
  const lines = headers.map(({ name, value }) => `${name}: ${value}\r\n`).join('')
  return message(false, `HTTP/1.1 ${code} ${reason}\r\n${lines}\r\n`, body, sent, [
    [BUF.HTTP_STAT_CODE, code!],
    [BUF.HTTP_STAT_MSG, reason!],
    ...headerBuffers(headers, 'Set-Cookie'),
    [BUF.FILE_DATA, body],
  ])
}

function chunked(random: Random, body: Buffer): Buffer {
  const parts: Buffer[] = []
  let at = 0
  while (at < body.length) {
    const size = 1 + below(random, body.length - at)
    parts.push(Buffer.from(`${size.toString(16)}\r\n`), body.subarray(at, at + size), Buffer.from('\r\n'))
    at += size
  }
  return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')])
}

const CLIENT_PORT = 40_000

export function clientPort(index: number): number {
  return CLIENT_PORT + index
}

/** The packets of talk number `index`. */
export function packetsOf(talk: Talk, index: number): TestPacket[] {
  const { serverPort, turns } = talk
  const ends = { clientPort: clientPort(index), serverPort, start: 1_700_000_000 + index }
  const speaker = ({ fromClient }: Turn): 'client' | 'server' => (fromClient ? 'client' : 'server')
  if (talk.kind === 'udp')
    return udpExchange(
      turns.map((turn) => [speaker(turn), turn.bytes] as const),
      ends,
    )
  const tcp = conversation(ends).handshake()
  for (const turn of turns) tcp[speaker(turn)](turn.bytes)
  return tcp.close().packets()
}

/** What detection looks at when a side has said something: the packet (UDP, TCP), the turn (TCP), the message (HTTP). */
export function unitsOf(talk: Talk, index: number, turn: Turn): NaiveUnit[] {
  const { kind, serverPort } = talk
  const [source, destination] = [clientPort(index), serverPort]
  const unit = {
    buffers: turn.buffers,
    asked: turn.asked?.buffers,
    packet: kind === 'udp',
    http: kind === 'http',
    first: turn === talk.turns[0],
    toServer: turn.fromClient,
    sourcePort: turn.fromClient ? source : destination,
    destinationPort: turn.fromClient ? destination : source,
  }
  if (kind === 'udp') return [unit]
  const payload = new Map([[BUF.PKT_DATA, turn.bytes as Uint8Array]])
  return [{ ...unit, buffers: payload, packet: true, http: false }, unit]
}
