import { deflateRawSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DEFAULT_LIMITS } from '../src/inspect/index.js'
import { Recorder, type SeenUnit } from './http-support.js'

/** Small windows so that short messages have several; the relations are the same as with the real sizes. */
const SMALL = {
  window: 64,
  lookBack: 64,
  headBytes: 400,
  chunkLine: 40,
  uriBytes: 200,
  outstandingRequests: 4,
}

interface Turn {
  readonly client: boolean
  readonly text: string
}

function inspect(turns: readonly Turn[], pieces: number[], limits = {}, needs = {}): SeenUnit[] {
  const recorder = new Recorder(limits, false, needs)
  for (const turn of turns) {
    if (turn.client) recorder.client(turn.text, pieces)
    else recorder.server(turn.text, pieces)
  }
  const units = recorder.close()
  expect(recorder.context.pool.inUse).toBe(0)
  return units
}

const word = fc.stringMatching(/^[a-z0-9%+\\./?#]{1,12}$/)
const body = fc.oneof(
  fc.stringMatching(/^[ -~]{0,40}$/),
  fc.integer({ min: 60, max: 600 }).map((length) => 'body%41\r\n'.repeat(80).slice(0, length)),
)

function chunked(text: string, size: number): string {
  let out = ''
  for (let at = 0; at < text.length; at += size) {
    const piece = text.slice(at, at + size)
    out += `${piece.length.toString(16)}${at % 3 === 0 ? ';ext=1' : ''}\r\n${piece}\r\n`
  }
  return `${out}0\r\nTrailer: x\r\n\r\n`
}

const headers = fc.array(
  fc.oneof(
    fc.constant('Cookie: a=%41; b=2'),
    fc.constant('Set-Cookie: z=%2541'),
    fc.constant('Host: example.org'),
    fc.constant('X-Folded: one\r\n  two %41'),
    fc.constant('Cookie : two\t\tthree'),
    word.map((value) => `X-${value.replace(/[^a-z]/g, '')}: ${value}`),
  ),
  { maxLength: 6 },
)

const request = fc
  .record({
    method: fc.constantFrom('GET', 'POST', 'HEAD', 'PUT'),
    path: word,
    headers,
    body,
    kind: fc.constantFrom('none', 'length', 'chunked'),
    size: fc.integer({ min: 1, max: 50 }),
    end: fc.constantFrom('\r\n', '\n'),
  })
  .map(({ method, path, headers: lines, body: text, kind, size, end }) => {
    const all = [`${method} /${path} HTTP/1.1`, ...lines]
    if (kind === 'length') all.push(`Content-Length: ${text.length}`)
    if (kind === 'chunked') all.push('Transfer-Encoding: chunked')
    const head = `${all.join(end)}${end}${end}`
    return head + (kind === 'length' ? text : kind === 'chunked' ? chunked(text, size) : '')
  })

const response = fc
  .record({
    status: fc.constantFrom('200 OK', '404 Not Found', '204 No Content', '100 Continue', '304'),
    headers,
    body,
    kind: fc.constantFrom('length', 'chunked', 'close'),
    coding: fc.constantFrom('identity', 'identity', 'gzip', 'deflate', 'lie'),
    size: fc.integer({ min: 1, max: 50 }),
  })
  .map(({ status, headers: lines, body: page, kind, coding, size }) => {
    const all = [`HTTP/1.1 ${status}`, ...lines]
    let text = page
    if (coding === 'gzip') text = gzipSync(page).toString('latin1')
    if (coding === 'deflate') text = deflateRawSync(page).toString('latin1')
    if (coding !== 'identity') all.push(`Content-Encoding: ${coding === 'deflate' ? 'deflate' : 'gzip'}`)
    if (kind === 'length') all.push(`Content-Length: ${text.length}`)
    if (kind === 'chunked') all.push('Transfer-Encoding: chunked')
    const head = `${all.join('\r\n')}\r\n\r\n`
    return head + (kind === 'length' ? text : kind === 'chunked' ? chunked(text, size) : text)
  })

const junk = fc.stringMatching(/^[ -~\r\n]{0,80}$/)

const turns: fc.Arbitrary<Turn[]> = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc
        .array(request, { minLength: 1, maxLength: 3 })
        .map((all) => ({ client: true, text: all.join('') })),
    },
    {
      weight: 4,
      arbitrary: fc
        .array(response, { minLength: 1, maxLength: 3 })
        .map((all) => ({ client: false, text: all.join('') })),
    },
    { weight: 1, arbitrary: fc.record({ client: fc.boolean(), text: junk }) },
    { weight: 1, arbitrary: fc.constant({ client: true, text: 'GET /simple\r\n' }) },
  ),
  { minLength: 1, maxLength: 6 },
)

describe('segmentation', () => {
  test('never changes the units', () => {
    fc.assert(
      fc.property(
        turns,
        fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 5 }),
        fc.boolean(),
        (all, pieces, wire) => {
          expect(inspect(all, pieces, SMALL, { wire })).toEqual(inspect(all, [], SMALL, { wire }))
        },
      ),
      { numRuns: 600 },
    )
  })

  test('never changes the units with the real window sizes', () => {
    const text = 'The quick brown fox %41 '.repeat(5000)
    const all: Turn[] = [
      { client: true, text: `POST /up HTTP/1.1\r\nContent-Length: 70000\r\n\r\n${text.slice(0, 70000)}` },
      { client: false, text: `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunked(text, 5000)}` },
      { client: true, text: 'GET / HTTP/1.1\r\n\r\n' },
      { client: false, text: `HTTP/1.1 200 OK\r\n\r\n${text}` },
    ]
    const whole = inspect(all, [])
    for (const pieces of [[1460], [1, 2, 3, 5000], [16384], [7]]) expect(inspect(all, pieces)).toEqual(whole)
  })

  test('every byte of every message is new in exactly one window', () => {
    fc.assert(
      fc.property(turns, (all) => {
        const units = inspect(all, [], SMALL, { wire: true })
        for (const direction of [0, 1]) {
          let seen = ''
          for (const unit of units) {
            if (unit.direction !== direction) continue
            const raw = unit.buffers.raw_data
            if (raw !== undefined) seen += raw.text.slice(raw.fresh)
          }
          const sent = all
            .filter((turn) => turn.client === (direction === 0))
            .map((turn) => turn.text)
            .join('')
          // White space before a message is the one thing that is left out.
          expect(seen.replace(/[\r\n\t\v\f ]/g, '')).toBe(sent.replace(/[\r\n\t\v\f ]/g, ''))
        }
      }),
      { numRuns: 300 },
    )
  })
})

describe('windows', () => {
  test('of a long body: 24 KiB of new bytes each, 8 KiB of look-back, positions from the message start', () => {
    const { window, lookBack } = DEFAULT_LIMITS
    const text = Array.from({ length: 6000 }, (_, i) => `line ${i}\n`).join('')
    const head = `HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n`
    const message = head + text
    const units = inspect([{ client: false, text: message }], [1000])
    expect(units.length).toBe(Math.ceil(message.length / window))
    units.forEach((unit, index) => {
      const from = Math.max(0, index * window - lookBack)
      const raw = unit.buffers.pkt_data!
      expect(unit.sequence).toBe(index)
      expect(unit.last).toBe(index === units.length - 1)
      expect(raw.base).toBe(from)
      expect(raw.text).toBe(message.slice(from, (index + 1) * window))
      expect(raw.base + raw.fresh).toBe(index * window)
      const file = unit.buffers.file_data!
      expect(file.base).toBe(Math.max(0, from - head.length))
      expect(file.text).toBe(message.slice(Math.max(from, head.length), (index + 1) * window))
      expect(unit.buffers.http_stat_code!.text).toBe('200')
      expect(unit.buffers.http_stat_code!.fresh).toBe(index === 0 ? 0 : 3)
    })
  })
})
