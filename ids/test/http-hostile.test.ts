import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Direction, TO_CLIENT, TO_SERVER } from '../src/inspect/index.js'
import { bytesOf, Recorder } from './http-support.js'

const MEGABYTE = 1 << 20
const GET = 'GET / HTTP/1.1\r\n\r\n'
const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'

/** Most memory one direction of a conversation may hold: the largest pool buffer for raw bytes, body and inflation each. */
const BOUND = 4 * 106496

/** Feeds `text` byte by byte; returns the bytes of memory held at most and the milliseconds it took. */
function drip(recorder: Recorder, direction: Direction, text: string): { held: number; time: number } {
  const bytes = bytesOf(text)
  const before = process.cpuUsage()
  if (direction === TO_SERVER) recorder.client(bytes, [1])
  else recorder.server(bytes, [1])
  const used = process.cpuUsage(before)
  return { held: recorder.context.pool.peak, time: (used.user + used.system) / 1000 }
}

describe('a megabyte, one byte at a time', () => {
  test.each<[string, string, string]>([
    ['of URI', '', `GET /${'a'.repeat(MEGABYTE)}`],
    ['of one header', '', `GET / HTTP/1.1\r\nX: ${'a'.repeat(MEGABYTE)}`],
    ['of headers', '', `GET / HTTP/1.1\r\n${'A: b\r\n'.repeat(MEGABYTE / 6)}`],
    ['of cookies', '', `GET / HTTP/1.1\r\n${'Cookie: %41\r\n'.repeat(MEGABYTE / 13)}`],
    ['of folds', '', `GET / HTTP/1.1\r\nCookie: a${'\r\n a'.repeat(MEGABYTE / 4)}`],
    ['of CRs', '', `GET / HTTP/1.1\r\n${'\r'.repeat(MEGABYTE)}`],
    ['of blank lines', '', `${GET}${'\r\n'.repeat(MEGABYTE / 2)}`],
    ['of method', '', 'A'.repeat(MEGABYTE)],
    ['of line without version', '', `FOO ${'x '.repeat(MEGABYTE / 2)}`],
    ['of chunk size', GET, `${CHUNKED}${'0'.repeat(MEGABYTE)}`],
    ['of chunk extension', GET, `${CHUNKED}1;${'x'.repeat(MEGABYTE)}`],
    ['of chunks of one byte', GET, CHUNKED + '1\r\na\r\n'.repeat(MEGABYTE / 6)],
    ['of trailers', GET, `${CHUNKED}0\r\n${'A: b\r\n'.repeat(MEGABYTE / 6)}`],
    ['of body without end', GET, `HTTP/1.1 200 OK\r\n\r\n${'%'.repeat(MEGABYTE)}`],
    [
      'of encoded client body',
      '',
      `POST / HTTP/1.1\r\nContent-Length: ${MEGABYTE}\r\n\r\n${'%25%75'.repeat(MEGABYTE / 6)}`,
    ],
    ['of pipelined requests', '', GET.repeat(MEGABYTE / GET.length)],
    ['of interim responses', GET, 'HTTP/1.1 100 C\r\n\r\n'.repeat(MEGABYTE / 18)],
    ['of what is not HTTP', '', '\x16\x03\x01'.repeat(MEGABYTE / 3)],
  ])('%s stays bounded and linear', (_what, before, text) => {
    const recorder = new Recorder()
    recorder.keep = false
    if (before !== '') recorder.client(before)
    const { held, time } = drip(recorder, before === '' ? TO_SERVER : TO_CLIENT, text)
    recorder.close()
    expect(held).toBeLessThanOrEqual(BOUND)
    expect(recorder.context.pool.inUse).toBe(0)
    // A quadratic scan of a megabyte would take minutes.
    expect(time).toBeLessThan(8000)
  })
})

describe('limits', () => {
  test('a head that is too long is cut, inspected, and the rest is body', () => {
    const recorder = new Recorder({ headBytes: 1000 })
    const text = `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(2000)}`
    for (const pieces of [[], [1], [999], [1000], [1001]]) {
      recorder.units.length = 0
      const units = recorder.client(GET).server(text, pieces).close()
      expect(units.map((unit) => unit.kind)).toEqual(['request', 'response'])
      expect(units[1]!.buffers.http_header!.text).toBe(text.slice(17, 1000))
      expect(units[1]!.buffers.file_data!.text).toBe(text.slice(1000))
    }
    expect(recorder.context.counters.headTooLong).toBe(5)
  })

  test('header lines beyond the limit are not interpreted', () => {
    const recorder = new Recorder({ headerLines: 3 })
    const units = recorder.client('GET / HTTP/1.1\r\nA: 1\r\nB: 2\r\nC: 3\r\nCookie: c\r\n\r\n').close()
    expect(units[0]!.buffers.http_cookie).toBeUndefined()
    expect(units[0]!.buffers.http_header!.text).toContain('Cookie: c')
    expect(recorder.context.counters.tooManyHeaders).toBe(1)
  })

  test('a long URI is cut', () => {
    const recorder = new Recorder({ uriBytes: 10 })
    const unit = recorder.client('GET /0123456789%41 HTTP/1.1\r\n\r\n').close()[0]!
    expect(unit.buffers.http_raw_uri!.text).toBe('/012345678')
    expect(unit.buffers.http_uri!.text).toBe('/012345678')
    expect(recorder.context.counters.uriTooLong).toBe(1)
  })

  test('without memory bytes are inspected as they come', () => {
    const recorder = new Recorder({ bufferBudget: 0 })
    recorder.client('GET /a HTTP/1.1\r\nHo').client('st: h\r\n\r\n').server('220 x').server('y\r\n')
    const units = recorder.close()
    const seen = (direction: number): string =>
      units
        .filter((unit) => unit.direction === direction)
        .map((unit) => unit.buffers.pkt_data!.text.slice(unit.buffers.pkt_data!.fresh))
        .join('')
    expect(seen(0)).toBe('GET /a HTTP/1.1\r\nHost: h\r\n\r\n')
    expect(seen(1)).toBe('220 xy\r\n')
    expect(recorder.context.counters.bufferBudgetReached).toBeGreaterThan(0)
    expect(recorder.context.pool.refused).toBeGreaterThan(0)
  })

  test('memory that runs out in the middle of a body loses no byte', () => {
    for (const bufferBudget of [1024, 4096, 5120, 20000, 40000]) {
      const recorder = new Recorder({ bufferBudget })
      const body = Array.from({ length: 8000 }, (_, n) => `${n},`).join('')
      const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
      const size = `${body.length.toString(16)}\r\n`
      const units = recorder.client(GET).server(`${head}${size}${body}\r\n0\r\n\r\n`, [700]).close().slice(1)
      const seen = units
        .map((unit) => unit.buffers.pkt_data!.text.slice(unit.buffers.pkt_data!.fresh))
        .join('')
      // The piece at which a message is given up may be seen twice: as its last bytes, and raw.
      let at = seen.indexOf(head)
      expect(at).toBe(0)
      for (let from = 0; from + 40 <= body.length; from += 20) {
        at = seen.indexOf(body.slice(from, from + 20), Math.max(0, at - 800))
        expect(at).toBeGreaterThanOrEqual(0)
      }
      expect(recorder.context.pool.inUse).toBe(0)
      expect(recorder.context.pool.peak).toBeLessThanOrEqual(bufferBudget)
    }
  })

  test('decompression stops at its limits', () => {
    const bomb = gzipSync(Buffer.alloc(20 * MEGABYTE))
    const send = (limits: object): Recorder => {
      const recorder = new Recorder(limits)
      recorder.keep = false
      recorder.client(GET)
      recorder.server(`HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${bomb.length}\r\n\r\n`)
      recorder.server(bomb).close()
      expect(recorder.context.counters.decompressionLimit).toBe(1)
      expect(recorder.context.pool.inUse).toBe(0)
      return recorder
    }
    expect(send({}).context.counters.responseUnits).toBeLessThan(200)
    expect(
      send({ decompressionRatio: 2000, decompressedBytes: MEGABYTE }).context.counters.responseUnits,
    ).toBeLessThan(80)
  })
})

describe('any bytes', () => {
  const part = fc.oneof(
    fc.constantFrom(
      GET,
      CHUNKED,
      'HTTP/1.1 200 OK\r\n',
      '\r\n',
      '\r',
      '\n',
      ' ',
      '\t',
      '\0',
      'Content-Length: 3\r\n',
      'Content-Length: 99999999999\r\n',
      'Transfer-Encoding: chunked\r\n',
      'Content-Encoding: gzip\r\n',
      'Cookie: a=%41;\r\n',
      'Set-Cookie: b\r\n',
      'POST /x HTTP/1.1\r\n',
      'HEAD /',
      'CONNECT a:1 HTTP/1.1\r\n',
      '3\r\nabc\r\n',
      '0\r\n\r\n',
      'ffffffffffffffff\r\n',
      '%u0041%25',
      ':',
      ';',
      'HTTP/',
      'GET',
    ),
    fc.uint8Array({ maxLength: 30 }).map((bytes) => String.fromCharCode(...bytes)),
  )
  const event = fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        direction: fc.constantFrom<Direction>(TO_SERVER, TO_CLIENT),
        text: fc.array(part, { maxLength: 6 }).map((all) => all.join('')),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ direction: fc.constantFrom<Direction>(TO_SERVER, TO_CLIENT), gap: fc.nat(20) }),
    },
  )

  test('never throw, never leak memory, and windows keep their promises', () => {
    fc.assert(
      fc.property(
        fc.array(event, { maxLength: 12 }),
        fc.boolean(),
        fc.constantFrom(1, 3, 1000),
        fc.constantFrom(0, 3000, 1 << 20),
        (events, midstream, size, bufferBudget) => {
          const recorder = new Recorder(
            {
              window: 32,
              lookBack: 32,
              headBytes: 100,
              headerLines: 4,
              chunkLine: 16,
              uriBytes: 20,
              outstandingRequests: 2,
              bufferBudget,
            },
            midstream,
          )
          for (const step of events) {
            if ('gap' in step) recorder.gap(step.direction, step.gap)
            else if (step.direction === TO_SERVER) recorder.client(step.text, [size])
            else recorder.server(step.text, [size])
          }
          for (const unit of recorder.close()) {
            for (const buffer of Object.values(unit.buffers)) {
              expect(buffer.fresh).toBeGreaterThanOrEqual(0)
              expect(buffer.fresh).toBeLessThanOrEqual(buffer.text.length)
              expect(buffer.base).toBeGreaterThanOrEqual(0)
            }
          }
          expect(recorder.context.pool.inUse).toBe(0)
        },
      ),
      { numRuns: 1500 },
    )
  })
})
