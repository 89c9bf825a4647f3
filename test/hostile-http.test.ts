/**
 * Hostile HTTP through the whole chain, with the bundled signatures: memory and work stay within bounds, what was cut
 * short is counted, and attacks on other connections at the same time are still found.
 */
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { createStack, type Stack } from '@weir/stack'
import { afterAll, describe, expect, it } from 'vitest'
import {
  createEngine,
  createEngines,
  type DetectSettings,
  type Engine,
  type Inspector,
  loadRules,
} from 'weir'
import {
  block,
  CONTINUATION,
  DATA,
  END_HEADERS,
  frame,
  HEADERS,
  headers,
  join,
  GET as PATH,
  PREFACE,
  RST_STREAM,
  SETTINGS,
  string,
} from '../ids/test/http2-support.js'
import { conversation, feed, type TestPacket } from './support/conversation.js'
import { TCP_FLAG, tcpFrame } from './support/frames.js'

const KILOBYTE = 1 << 10
const MEGABYTE = 1 << 20
const GET = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n'
const VICTIM_SID = 1
const VICTIM_RULE = `alert tcp any any -> any any (flow:to_server,established; content:"/innocent?attack"; http_uri; content:"evil"; http_header; sid:${VICTIM_SID};)`

const signatures = fileURLToPath(new URL('../signatures/', import.meta.url))
const files = readdirSync(signatures)
  .filter((name) => name.endsWith('.rules'))
  .map((name) => ({ path: signatures + name }))
const { rules } = loadRules({ files: [...files, { path: 'victim.rules', text: VICTIM_RULE }] })
const engines = createEngines()

const engine = engineWith({})
afterAll(() => engine.close())

function engineWith(settings: Partial<DetectSettings>): Engine {
  return createEngine({ rules, matcherEngine: engines.matcher, regexEngine: engines.regex, settings })
}

interface Chain {
  readonly stack: Stack
  readonly inspector: Inspector
  /** Alerts of the victim's rule so far. */
  victims(): number
}

function chain(by = engine): Chain {
  // Frames made by changing one byte have no right checksum.
  const stack = createStack({ checksums: 'ignore' })
  let victims = 0
  const inspector = by.attach(stack, {
    alert: ({ rule }) => {
      if (rule.sid === VICTIM_SID) victims++
    },
    flush: async () => {},
    close: async () => {},
  })
  return { stack, inspector, victims: () => victims }
}

/** An attack on a connection of its own, which detection must see. */
function victim(number: number): TestPacket[] {
  return conversation({ client: '10.9.9.9', clientPort: 2000 + number, serverPort: 80 })
    .handshake()
    .client('GET /innocent?attack HTTP/1.1\r\nHost: v\r\nX: evil\r\n\r\n')
    .server('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    .close()
    .packets()
}

const HOSTILE_PORT = 80

/** What fits the receiver's window, and is acknowledged, at a time. */
const BURST = 32 * KILOBYTE

function talk(client: string | Uint8Array, server: string | Uint8Array = ''): TestPacket[] {
  const hostile = conversation({ serverPort: HOSTILE_PORT }).handshake()
  for (let at = 0; at < client.length; at += BURST) hostile.client(client.slice(at, at + BURST))
  for (let at = 0; at < server.length; at += BURST) hostile.server(server.slice(at, at + BURST))
  return hostile.close().packets()
}

function bytesOf(packets: readonly TestPacket[]): number {
  return packets.reduce((sum, { frame }) => sum + frame.length, 0)
}

/** Feeds the packets with a victim before, in the middle and after; returns what it took. */
function suffer(one: Chain, packets: readonly TestPacket[]): void {
  const middle = packets.length >> 1
  feed(one.stack, victim(0))
  feed(one.stack, packets.slice(0, middle))
  feed(one.stack, victim(1))
  feed(one.stack, packets.slice(middle))
  feed(one.stack, victim(2))
  one.stack.finish()
  expect(one.victims()).toBe(3)
}

/** One connection may hold the largest buffer for raw bytes, body and inflation, in each direction, and the victim's. */
const HELD = 10 * 106_496

function expectBounded({ inspector }: Chain, searchedAtMost: number): void {
  expect(inspector.heldBytes.peak).toBeLessThanOrEqual(HELD)
  expect(inspector.heldBytes.now).toBe(0)
  expect(inspector.counters.searchedBytes).toBeLessThanOrEqual(searchedAtMost)
}

function response(headers: string, body: Uint8Array | string): Buffer {
  return Buffer.concat([
    Buffer.from(`HTTP/1.1 200 OK\r\n${headers}\r\n`),
    Buffer.from(body as string, 'latin1'),
  ])
}

function encoded(coding: string, body: Uint8Array): Buffer {
  return response(`Content-Encoding: ${coding}\r\nContent-Length: ${body.length}\r\n`, body)
}

describe('what unpacks to a thousand times its size', () => {
  const zeros = Buffer.alloc(32 * MEGABYTE)
  it.each<[string, boolean, Buffer]>([
    ['gzip', true, encoded('gzip', gzipSync(zeros))],
    ['deflate', true, encoded('deflate', deflateSync(zeros))],
    ['brotli', false, encoded('br', brotliCompressSync(zeros))],
    ['gzip in gzip', false, encoded('gzip, gzip', gzipSync(gzipSync(zeros)))],
    [
      'gzip in chunks',
      true,
      response('Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n', chunksOf(gzipSync(zeros))),
    ],
  ])('%s is given up', (_, unpacked, bomb) => {
    const one = chain()
    suffer(one, talk(GET, bomb))
    const { decompressionLimit } = one.inspector.inspectCounters
    if (unpacked) expect(decompressionLimit).toBe(1)
    // 100 times what came, or 16 MiB, whichever is less, and each byte searched twice at most.
    expectBounded(one, 2 * Math.min(16 * MEGABYTE, 101 * bomb.length) + 20 * KILOBYTE)
  })
})

function chunksOf(bytes: Uint8Array, size = 100): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at < bytes.length; at += size) {
    const part = bytes.subarray(at, at + size)
    parts.push(Buffer.from(`${part.length.toString(16)}\r\n`), Buffer.from(part), Buffer.from('\r\n'))
  }
  return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')])
}

const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'

const text = (...parts: readonly Uint8Array[]): string => Buffer.concat(parts).toString('latin1')
const many = (count: number, part: Uint8Array): Uint8Array[] => new Array<Uint8Array>(count).fill(part)
const open = frame(HEADERS, 0, 1)
const more = frame(CONTINUATION, 0, 1)
const longField = [0x40, ...string('x-bomb'), ...string('b'.repeat(3500))]
const references = frame(
  HEADERS,
  END_HEADERS,
  1,
  join(block(PATH('/')), longField, new Uint8Array(60_000).fill(0xbe)),
)
const reset = (n: number): Uint8Array => frame(RST_STREAM, 0, 2 * n + 1, [0, 0, 0, 8])
const resets = Array.from({ length: 5000 }, (_, n) => [headers(2 * n + 1, PATH('/'), false), reset(n)]).flat()
const emptyFrames = many(30_000, frame(DATA, 0, 1))
const settings = many(20_000, frame(SETTINGS, 0, 0, [0, 1, 0xff, 0xff, 0xff, 0xff]))
const streams = Array.from({ length: 5000 }, (_, n) => headers(2 * n + 1, PATH('/'), false))

describe('floods', () => {
  it.each<[string, string, string, string]>([
    ['headers', `GET / HTTP/1.1\r\n${'A: b\r\n'.repeat(20_000)}\r\n`, '', 'tooManyHeaders headTooLong'],
    [
      'cookies',
      `GET / HTTP/1.1\r\n${'Cookie: a=%41\r\n'.repeat(9000)}\r\n`,
      '',
      'tooManyHeaders headTooLong',
    ],
    ['response headers', GET, `HTTP/1.1 200 OK\r\n${'Set-Cookie: a\r\n'.repeat(9000)}\r\n`, 'headTooLong'],
    ['one header', `GET / HTTP/1.1\r\nX: ${'a'.repeat(200 * KILOBYTE)}`, '', 'headTooLong'],
    ['folded lines', `GET / HTTP/1.1\r\nX: a${'\r\n b'.repeat(40_000)}`, '', 'headTooLong'],
    ['a name full of blanks', `GET / HTTP/1.1\r\nC${' '.repeat(60_000)}ookie: a\r\n\r\n`, '', ''],
    [
      'names with blanks',
      `GET / HTTP/1.1\r\n${'C o n t e n t - T y p e : text/x\r\n'.repeat(9000)}\r\n`,
      '',
      'tooManyHeaders headTooLong',
    ],
    [
      'wide text without a mark',
      GET,
      `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n${'a\0'.repeat(MEGABYTE / 4)}`,
      '',
    ],
    [
      'wide text that becomes longer',
      GET,
      `HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-16be\r\n\r\n${'\x20\xac'.repeat(MEGABYTE / 4)}`,
      '',
    ],
    ['the URI', `GET /${'%252525252541'.repeat(6000)} HTTP/1.1\r\n\r\n`, '', 'headTooLong'],
    ['escapes of escapes', `GET /?${'%25'.repeat(5000)}41 HTTP/1.1\r\n\r\n`, '', ''],
    ['path segments', `GET /${'a/../'.repeat(3000)}x HTTP/1.1\r\n\r\n`, '', ''],
    [
      'escapes in a body',
      `POST / HTTP/1.1\r\nContent-Length: 200000\r\n\r\n${'%2541'.repeat(40_000)}`,
      '',
      '',
    ],
    ['tiny chunks', GET, `${CHUNKED}${'1\r\na\r\n'.repeat(40_000)}`, 'truncatedMessages'],
    ['a chunk size', GET, `${CHUNKED}${'0'.repeat(200 * KILOBYTE)}1\r\na`, 'chunkLineTooLong badChunk'],
    [
      'huge chunk sizes',
      GET,
      `${CHUNKED}${'ffffffffffffffff\r\n'.repeat(10_000)}`,
      'badChunk truncatedMessages',
    ],
    [
      'chunk extensions',
      GET,
      `${CHUNKED}${`1;${'x'.repeat(2000)}\r\na\r\n`.repeat(100)}`,
      'truncatedMessages',
    ],
    ['trailers', GET, `${CHUNKED}0\r\n${'A: b\r\n'.repeat(40_000)}\r\n`, ''],
    ['a body without end', GET, `HTTP/1.1 200 OK\r\n\r\n${'a'.repeat(MEGABYTE / 2)}`, ''],
    ['interim responses', GET, 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(4000), ''],
    [
      'content lengths',
      `POST / HTTP/1.1\r\n${'Content-Length: 99\r\nContent-Length: 5\r\n'.repeat(400)}\r\nhello`,
      '',
      'conflictingContentLength',
    ],
    ['blank lines', '\r\n'.repeat(100_000) + GET, '', 'requests'],
    [
      'parts of an upload',
      `POST / HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=B\r\nContent-Length: 120003\r\n\r\n${'--B\r\n\r\nabc\r\n'.repeat(10_000)}--B`,
      '',
      'mailTooManyParts',
    ],
    ['continuations', text(PREFACE, open, ...many(20_000, more)), '', 'http2HeaderBlockTooLong'],
    ['references to one long field', text(PREFACE, references), '', 'headTooLong'],
    ['streams', text(PREFACE, ...streams), '', 'http2TooManyStreams'],
    ['streams that are reset at once', text(PREFACE, ...resets), '', 'http2Streams'],
    ['frames without data', text(PREFACE, headers(1, PATH('/'), false), ...emptyFrames), '', 'http2Streams'],
    ['settings', text(PREFACE, ...settings), '', 'http2Flows'],
    ['bytes that are not HTTP', 'GET / FOO\x00'.repeat(20_000), '', ''],
  ])('of %s', (_, client, server, counted) => {
    const one = chain()
    const packets = talk(client, server)
    suffer(one, packets)
    // Raw bytes, header, URI, body: each buffer is searched once, with its patterns or with all of them.
    expectBounded(one, 8 * bytesOf(packets))
    const counters = one.inspector.inspectCounters
    const names = counted.split(' ').filter((name) => name !== '') as (keyof typeof counters)[]
    if (names.length > 0) expect(names.some((name) => counters[name] > 0)).toBe(true)
  })

  it('of 100,000 pipelined requests', () => {
    const one = chain()
    const count = 100_000
    const packets = talk(GET.repeat(count))
    suffer(one, packets)
    expectBounded(one, 4 * bytesOf(packets))
    expect(one.inspector.inspectCounters.requests).toBe(count + 3)
    expect(one.inspector.inspectCounters.tooManyOutstanding).toBeGreaterThan(count - 200)
    expect(one.inspector.counters.candidates).toBeLessThan(40 * count)
  })
})

/** Sends `text` to port 80 in segments of one byte, by changing one frame. */
function drip({ stack }: Chain, text: string): void {
  const opening = conversation({ serverPort: HOSTILE_PORT, clientIsn: 1000, serverIsn: 2000 }).handshake()
  const packets = opening.packets()
  feed(stack, packets)
  const { seconds } = packets[packets.length - 1]!
  const payload = Buffer.from('x')
  const { tcp } = opening
    .client('x')
    .packets()
    .find(
      (packet) =>
        packet.from === 'client' && packet.tcp?.payload !== undefined && packet.tcp.payload.length > 0,
    )!
  const frame = tcpFrame({ ...tcp!, seq: 1001, flags: TCP_FLAG.ACK | TCP_FLAG.PSH, payload })
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength)
  const last = frame.length - 1
  const seqAt = last - 20 + 4
  for (let i = 0; i < text.length; i++) {
    view.setUint32(seqAt, 1001 + i)
    frame[last] = text.charCodeAt(i)
    stack.frame(frame, 0, frame.length, frame.length, seconds, 500_000_000, 1, 0)
  }
}

describe('a slow drip', () => {
  it.each<[string, string]>([
    ['of a megabyte of headers', `GET / HTTP/1.1\r\n${'Header: value\r\n'.repeat(MEGABYTE / 15)}`],
    ['of one URI', `GET /${'a'.repeat(MEGABYTE / 8)}`],
    ['of a body', `POST / HTTP/1.1\r\nContent-Length: ${MEGABYTE}\r\n\r\n${'a=%41&'.repeat(MEGABYTE / 48)}`],
  ])('%s, in segments of one byte, is inspected in windows', (_, text) => {
    const one = chain()
    drip(one, text.slice(0, text.length >> 1))
    feed(one.stack, victim(0))
    expect(one.victims()).toBe(1)
    one.stack.finish()
    expectBounded(one, 8 * text.length)
    // Not once a segment.
    expect(one.inspector.counters.httpRequests).toBeLessThan(100)
  })
})

/** Packets of a client that says `text` to a mail server, once it has been greeted. */
function mail(text: string): TestPacket[] {
  const hostile = conversation({ serverPort: 25 }).handshake().server('220 mail ESMTP\r\n')
  hostile.client('EHLO x\r\n').server('250 ok\r\n').client('DATA\r\n').server('354 go on\r\n')
  for (let at = 0; at < text.length; at += BURST) hostile.client(text.slice(at, at + BURST))
  return hostile.close().packets()
}

const BASE64 = 'Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\n'
const level = (n: number): string => `Content-Type: multipart/mixed; boundary=b${n}\r\n\r\n--b${n}\r\n`

describe('mail without end', () => {
  it.each<[string, string]>([
    ['one line of base64', BASE64 + 'QUJD'.repeat(MEGABYTE / 8)],
    ['lines of base64', BASE64 + `${'QUJD'.repeat(15)}\r\n`.repeat(8000)],
    ['base64 of one character a line', BASE64 + 'Q\r\n'.repeat(100_000)],
    ['parts in parts', Array.from({ length: 5000 }, (_, n) => level(n)).join('')],
    ['boundaries that nearly are', level(1) + '\r\n--b'.repeat(100_000)],
    ['header lines', 'X: y\r\n'.repeat(100_000)],
    ['commands in one turn', `.\r\n${'NOOP\r\n'.repeat(50_000)}`],
  ])('of %s is inspected in bounds', (_, text) => {
    const one = chain()
    const packets = mail(text)
    suffer(one, packets)
    expectBounded(one, 8 * bytesOf(packets))
  })
})

describe('many connections with unfinished messages', () => {
  it('share the memory there is; what does not fit is inspected as it comes', () => {
    const bufferBudget = 2 * MEGABYTE
    const small = engineWith({ inspection: { bufferBudget } })
    const one = chain(small)
    const head = `GET /${'a'.repeat(1000)} HTTP/1.1\r\nX: ${'b'.repeat(7000)}\r\n`
    for (let i = 0; i < 700; i++) {
      const ends = { client: '10.1.1.1', clientPort: 10_000 + i, serverPort: 80 }
      feed(one.stack, conversation(ends).handshake().client(head).packets())
    }
    feed(one.stack, victim(0))
    const { heldBytes, inspectCounters } = one.inspector
    expect(heldBytes.peak).toBeLessThanOrEqual(bufferBudget)
    expect(inspectCounters.bufferBudgetReached).toBeGreaterThan(0)
    // One packet holds all of the victim's request: it needs no memory.
    expect(one.victims()).toBe(1)
    one.stack.finish()
    expect(one.inspector.heldBytes.now).toBe(0)
    small.close()
  })
})
