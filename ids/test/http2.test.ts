/** HTTP/2 connections: what is seen of their requests and responses, whoever wrote them and however they are cut. */

import * as http2 from 'node:http2'
import { type AddressInfo, connect, createServer as createProxy } from 'node:net'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { SERVICE, TO_CLIENT } from '../src/inspect/index.js'
import { Recorder, type SeenUnit } from './http-support.js'
import {
  block,
  CONTINUATION,
  DATA,
  END_HEADERS,
  END_STREAM,
  frame,
  GET,
  HEADERS,
  headers,
  join,
  PADDED,
  PREFACE,
  PRIORITY,
  PUSH_PROMISE,
  RST_STREAM,
  SETTINGS,
  STATUS,
  string,
} from './http2-support.js'

const text = (unit: SeenUnit | undefined, buffer: string): string | undefined => unit?.buffers[buffer]?.text
const seen = (units: readonly SeenUnit[], buffer: string): (string | undefined)[] =>
  units.map((unit) => text(unit, buffer))

describe('a connection', () => {
  const client = join(
    PREFACE,
    frame(SETTINGS, 0, 0),
    headers(1, [...GET('/one/../two?q=%41'), ['user-agent', 'x'], ['cookie', 'a=b']]),
    headers(
      3,
      [
        [':method', 'POST'],
        [':path', '/up'],
        [':scheme', 'http'],
      ],
      false,
    ),
    frame(DATA, 0, 3, 'first '),
    frame(DATA, END_STREAM, 3, 'second%41'),
  )
  const server = join(
    frame(SETTINGS, 0, 0),
    headers(3, [...STATUS('100')], false),
    headers(1, [...STATUS('200'), ['server', 'y']], false),
    headers(3, STATUS('204')),
    frame(DATA, 0, 1, 'he'),
    frame(DATA, PADDED | END_STREAM, 1, [3, ...join('llo'), 0, 0, 0]),
  )

  test('fills the buffers of HTTP', () => {
    const [get, post, interim, none, page] = new Recorder().client(client).server(server).close()
    expect(get).toMatchObject({ kind: 'request', service: SERVICE.HTTP2 })
    expect(text(get, 'http_method')).toBe('GET')
    expect(text(get, 'http_uri')).toBe('/two?q=A')
    expect(text(get, 'http_raw_uri')).toBe('http://h.example/one/../two?q=%41')
    expect(text(get, 'http_header')).toBe('user-agent: x\r\n')
    expect(text(get, 'http_cookie')).toBe('a=b')
    expect(text(post, 'http_uri')).toBe('/up')
    expect(text(post, 'http_client_body')).toBe('first secondA')
    expect(text(interim, 'http_stat_code')).toBe('100')
    expect(text(none, 'http_stat_code')).toBe('204')
    expect(none?.http).toMatchObject({ method: 'POST', url: '/up', status: 204 })
    expect(page).toMatchObject({ kind: 'response', direction: TO_CLIENT, service: SERVICE.HTTP2 })
    expect(text(page, 'http_stat_code')).toBe('200')
    expect(text(page, 'http_raw_header')).toBe('server: y')
    expect(text(page, 'file_data')).toBe('hello')
    expect(page?.http).toMatchObject({ method: 'GET', status: 200 })
  })

  test('is the same however it is cut', () => {
    const whole = new Recorder().client(client).server(server).close()
    for (const pieces of [[1], [7], [2, 3, 1]]) {
      const recorder = new Recorder()
      expect(recorder.client(client, pieces).server(server, pieces).close()).toEqual(whole)
      expect(recorder.context.pool.inUse).toBe(0)
    }
  })

  test('follows an upgrade', () => {
    const recorder = new Recorder()
      .client('GET /first HTTP/1.1\r\nUpgrade: h2c\r\nHTTP2-Settings: \r\n\r\n')
      .server('HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n')
      .client(join(PREFACE, frame(SETTINGS, 0, 0), headers(3, GET('/second'))), [5])
      .server(join(headers(1, STATUS('200'), false), frame(DATA, END_STREAM, 1, 'one')), [4])
    const units = recorder.close()
    expect(seen(units, 'http_uri').filter(Boolean)).toEqual(['/first', '/second'])
    expect(units.at(-1)?.http).toMatchObject({ url: '/first' })
    expect(text(units.at(-1), 'file_data')).toBe('one')
    expect(recorder.context.pool.inUse).toBe(0)
  })
})

describe('frames', () => {
  const request = (fields: Uint8Array): Uint8Array => frame(HEADERS, END_HEADERS | END_STREAM, 1, fields)
  const uris = (...frames: Uint8Array[]): (string | undefined)[] =>
    seen(new Recorder().client(join(PREFACE, ...frames), [3]).close(), 'http_uri')

  test('padding and priority are not part of a block', () => {
    const content = block(GET('/p'))
    const flags = END_HEADERS | END_STREAM | PADDED | PRIORITY
    expect(uris(frame(HEADERS, flags, 1, [4, 0, 0, 0, 0, 9, ...content, 1, 2, 3, 4]))).toEqual(['/p'])
  })

  test('a block goes on in continuations', () => {
    const content = block(GET('/c'))
    const frames = [frame(HEADERS, END_STREAM, 1, content.subarray(0, 5))]
    for (let i = 5; i < content.length; i++)
      frames.push(frame(CONTINUATION, 0, 1, content.subarray(i, i + 1)))
    frames.push(frame(CONTINUATION, END_HEADERS, 1))
    expect(uris(...frames)).toEqual(['/c'])
  })

  test('a promise is a request', () => {
    const units = new Recorder()
      .client(join(PREFACE, headers(1, GET('/asked'))))
      .server(
        join(
          frame(PUSH_PROMISE, END_HEADERS, 1, [0, 0, 0, 2, ...block(GET('/promised'))]),
          headers(1, STATUS('200')),
          headers(2, STATUS('200'), false),
          frame(DATA, END_STREAM, 2, 'pushed'),
        ),
      )
      .close()
    expect(seen(units, 'http_uri').filter(Boolean)).toEqual(['/asked', '/promised'])
    expect(units.at(-1)?.http).toMatchObject({ url: '/promised' })
    expect(text(units.at(-1), 'file_data')).toBe('pushed')
  })

  test('a reset ends both messages', () => {
    const units = new Recorder()
      .client(join(PREFACE, headers(1, GET('/r'), false), frame(DATA, 0, 1, 'part')))
      .server(
        join(headers(1, STATUS('200'), false), frame(DATA, 0, 1, 'cut'), frame(RST_STREAM, 0, 1, 'code')),
      )
      .client(frame(DATA, 0, 1, 'late'))
    const before = units.units.length
    expect(before).toBe(2)
    expect(seen(units.close(), 'file_data')).toEqual(['part', 'cut'])
  })

  test('many streams at a time', () => {
    const frames: Uint8Array[] = []
    for (let id = 1; id < 40; id += 2) frames.push(headers(id, STATUS('200'), false))
    for (let round = 0; round < 3; round++)
      for (let id = 1; id < 40; id += 2) frames.push(frame(DATA, round === 2 ? END_STREAM : 0, id, `${id}.`))
    const units = new Recorder()
      .client(PREFACE)
      .server(join(...frames), [11])
      .close()
    expect(seen(units, 'file_data')).toEqual(Array.from({ length: 20 }, (_, n) => `${2 * n + 1}.`.repeat(3)))
  })

  test('coded bodies are decoded', () => {
    const body = gzipSync('plain text '.repeat(30))
    const units = new Recorder()
      .client(PREFACE)
      .server(
        join(
          headers(1, [...STATUS('200'), ['content-encoding', 'gzip']], false),
          frame(DATA, 0, 1, body.subarray(0, 9)),
          frame(DATA, END_STREAM, 1, body.subarray(9)),
        ),
      )
      .close()
    expect(seen(units, 'file_data')).toEqual(['plain text '.repeat(30)])
  })

  test('a field cannot make a line of its own', () => {
    const [unit] = new Recorder()
      .client(join(PREFACE, headers(1, [...GET('/a HTTP/1.1\r\nx: y'), ['n\r\nm', 'v\r\n\r\nw']])))
      .close()
    expect(text(unit, 'http_header')).toBe('n  m: v    w')
    expect(text(unit, 'pkt_data')?.split('\r\n').length).toBe(4)
  })

  test.each([
    ['a block within a block', [frame(HEADERS, 0, 1), frame(HEADERS, END_HEADERS, 3)]],
    ['a continuation of another stream', [frame(HEADERS, 0, 1), frame(CONTINUATION, END_HEADERS, 3)]],
    ['a continuation of nothing', [frame(CONTINUATION, END_HEADERS, 1)]],
    ['data outside of streams', [frame(DATA, 0, 0, 'x')]],
    ['more padding than frame', [frame(DATA, PADDED, 1, [9, 1])]],
    ['a frame too short for its fields', [frame(HEADERS, PRIORITY, 1, [1, 2])]],
    ['an index beyond the tables', [request(Uint8Array.of(0x80 | 62))]],
    ['index 0', [request(Uint8Array.of(0x80))]],
    ['a string beyond the block', [request(Uint8Array.of(0, 9, 65))]],
    ['an endless integer', [request(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1))]],
    ['padding of a string with zeros', [request(Uint8Array.of(0, 0x81, 0x18, 0))]],
  ])('%s: the rest is raw data', (_what, bad) => {
    const rest = 'the rest of it'
    const recorder = new Recorder().client(join(PREFACE, headers(7, GET('/before')), ...bad, rest), [6])
    const units = recorder.close()
    expect(text(units[0], 'http_uri')).toBe('/before')
    expect(units.at(-1)).toMatchObject({ kind: 'stream', service: SERVICE.HTTP2 })
    expect(text(units.at(-1), 'pkt_data')?.endsWith(rest)).toBe(true)
    expect(recorder.context.counters.http2Errors).toBe(1)
    expect(recorder.context.pool.inUse).toBe(0)
  })

  test('a gap within a body costs that body only', () => {
    const recorder = new Recorder().client(PREFACE)
    const data = frame(DATA, END_STREAM, 1, '0123456789')
    recorder.server(join(headers(1, STATUS('200'), false), data.subarray(0, 12)))
    recorder.gap(TO_CLIENT, 4)
    recorder.server(join(data.subarray(16), headers(3, STATUS('404'))))
    const units = recorder.close()
    expect(seen(units, 'file_data').join('|')).toContain('789')
    expect(text(units.at(-1), 'http_stat_code')).toBe('404')
  })

  test('a gap elsewhere is the end of frames', () => {
    const recorder = new Recorder().client(PREFACE).server(headers(1, STATUS('200'), false).subarray(0, 5))
    recorder.gap(TO_CLIENT, 4).server('anything')
    expect(recorder.close().at(-1)).toMatchObject({ kind: 'stream' })
  })

  test('no bytes do harm', () => {
    const pieces = fc.array(
      fc.oneof(
        fc.uint8Array({ maxLength: 40 }),
        fc
          .tuple(fc.integer({ max: 10, min: 0 }), fc.nat(255), fc.nat(5), fc.uint8Array({ maxLength: 60 }))
          .map(([type, flags, id, payload]) => frame(type, flags, id, payload)),
        fc.constantFrom(headers(1, GET('/')), headers(1, STATUS('200'), false), block(GET('/'))),
      ),
      { maxLength: 12 },
    )
    fc.assert(
      fc.property(pieces, pieces, (toServer, toClient) => {
        const recorder = new Recorder()
        recorder.client(join(PREFACE, ...toServer), [13]).server(join(...toClient), [5, 1])
        recorder.client('more').gap(TO_CLIENT, 3).server('and more').close()
        expect(recorder.context.pool.inUse).toBe(0)
      }),
      { numRuns: 300 },
    )
  })
})

describe('HPACK', () => {
  const hex = (digits: string): Uint8Array => Uint8Array.from(Buffer.from(digits.replaceAll(' ', ''), 'hex'))

  test('examples of RFC 7541, appendix C.4', () => {
    const blocks = [
      '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff',
      '8286 84be 5886 a8eb 1064 9cbf',
      '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf',
    ]
    const frames = blocks.map((digits, n) => frame(HEADERS, END_HEADERS | END_STREAM, 2 * n + 1, hex(digits)))
    const units = new Recorder().client(join(PREFACE, ...frames)).close()
    expect(seen(units, 'http_raw_uri')).toEqual([
      'http://www.example.com/',
      'http://www.example.com/',
      'https://www.example.com/index.html',
    ])
    expect(seen(units, 'http_raw_header')).toEqual([
      undefined,
      'cache-control: no-cache',
      'custom-key: custom-value',
    ])
  })

  test('examples of appendix C.6: entries are dropped from the table', () => {
    const blocks = [
      '4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3',
      '4883 640e ffc1 c0bf',
      '88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07',
    ]
    const size = [0x3f, 0xe1, 0x01]
    const frames = blocks.map((digits, n) =>
      frame(HEADERS, END_HEADERS | END_STREAM, 2 * n + 1, n === 0 ? join(size, hex(digits)) : hex(digits)),
    )
    const units = new Recorder()
      .client(PREFACE)
      .server(join(...frames))
      .close()
    expect(seen(units, 'http_stat_code')).toEqual(['302', '307', '200'])
    const date = 'date: Mon, 21 Oct 2013 20:13:2'
    const location = 'location: https://www.example.com'
    expect(seen(units, 'http_raw_header')).toEqual([
      `cache-control: private\r\n${date}1 GMT\r\n${location}`,
      `cache-control: private\r\n${date}1 GMT\r\n${location}`,
      `cache-control: private\r\n${date}2 GMT\r\n${location}\r\ncontent-encoding: gzip\r\nset-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1`,
    ])
  })

  test('entries are found again as the table is filled, emptied and moved', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(300), fc.nat(40), fc.boolean()), { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 0, max: 700 }),
        (steps, size) => {
          // The naive table: newest first.
          const table: [string, string][] = []
          const counted = (): number =>
            table.reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0)
          const out: number[] = []
          out.push(...(size < 31 ? [0x20 | size] : [0x3f, ...varint(size - 31)]))
          const fields: string[] = []
          for (const [length, pick, reuse] of steps) {
            if (reuse && pick < table.length) {
              out.push(...indexOf(62 + pick))
              fields.push(table[pick]!.join(': '))
              continue
            }
            const entry: [string, string] = [`n${fields.length}`, 'v'.repeat(length)]
            out.push(0x40, ...string(entry[0]), ...string(entry[1]))
            fields.push(entry.join(': '))
            table.unshift(entry)
            while (counted() > size) table.pop()
          }
          const frames = frame(HEADERS, END_HEADERS | END_STREAM, 1, join(out, block(STATUS('200'))))
          const [unit] = new Recorder().client(PREFACE).server(frames).close()
          expect(text(unit, 'http_raw_header')?.split('\r\n')).toEqual(fields)
        },
      ),
      { numRuns: 150 },
    )
  })
})

const varint = (value: number): number[] =>
  value < 128 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)]
const indexOf = (index: number): number[] => (index < 127 ? [0x80 | index] : [0xff, ...varint(index - 127)])

describe("what Node's own HTTP/2 writes", () => {
  const sent: Uint8Array[] = []
  const received: Uint8Array[] = []
  const printable = Array.from({ length: 95 }, (_, n) => String.fromCharCode(32 + n)).join('')
  const high = Array.from({ length: 96 }, (_, n) => String.fromCharCode(160 + n)).join('')

  beforeAll(async () => {
    const server = http2.createServer()
    server.on('stream', (stream, fields) => {
      stream.resume()
      stream.on('end', () => {
        stream.respond(
          { ':status': 200, server: 'node', 'x-path': fields[':path'] },
          { waitForTrailers: true },
        )
        stream.on('wantTrailers', () => stream.sendTrailers({ 'x-trailer': 'last' }))
        stream.end(`body of ${fields[':path']}`)
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const proxy = createProxy((socket) => {
      const onward = connect((server.address() as AddressInfo).port, '127.0.0.1')
      socket.on('data', (data: Uint8Array) => sent.push(Uint8Array.from(data)))
      onward.on('data', (data: Uint8Array) => received.push(Uint8Array.from(data)))
      socket.pipe(onward).pipe(socket)
      socket.on('error', () => undefined)
      onward.on('error', () => undefined)
    })
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
    const session = http2.connect(`http://127.0.0.1:${(proxy.address() as AddressInfo).port}`)
    await Promise.all(
      Array.from({ length: 12 }, (_, n) => {
        const request = session.request({
          ':method': 'POST',
          ':path': `/item/${n}`,
          'x-printable': printable.trim(),
          'x-high': high.trim(),
          'x-long': `${n}`.repeat(n * 90 + 1),
        })
        request.resume()
        request.end('z'.repeat(n * 500))
        return new Promise((resolve) => request.on('close', resolve))
      }),
    )
    session.close()
    proxy.close()
    server.close()
  })

  test.each([[[1]], [[1000]], [[17, 3]]])('is read, in pieces of %j', (pieces) => {
    const recorder = new Recorder().client(join(...sent), pieces).server(join(...received), pieces)
    const units = recorder.close()
    const requests = units.filter(({ kind }) => kind === 'request')
    expect(seen(requests, 'http_uri').sort()).toEqual(
      Array.from({ length: 12 }, (_, n) => `/item/${n}`).sort(),
    )
    for (const unit of requests) {
      const n = Number(text(unit, 'http_uri')!.slice(6))
      const raw = text(unit, 'http_raw_header')!
      expect(raw).toContain(`x-printable: ${printable.trim()}`)
      expect(raw).toContain(`x-long: ${`${n}`.repeat(n * 90 + 1)}`)
      expect(text(unit, 'http_client_body')).toBe(n === 0 ? undefined : 'z'.repeat(n * 500))
    }
    const responses = units.filter(({ kind }) => kind === 'response')
    expect(seen(responses, 'file_data').sort()).toEqual(
      Array.from({ length: 12 }, (_, n) => `body of /item/${n}`).sort(),
    )
    expect(recorder.context.counters).toMatchObject({ http2Flows: 1, http2Streams: 12, http2Errors: 0 })
    expect(recorder.context.pool.inUse).toBe(0)
  })
})
