/** Bodies in brotli and in wide character sets. */
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { InspectLimits } from '../src/inspect/index.js'
import { Recorder, type SeenUnit } from './http-support.js'

const GET = 'GET / HTTP/1.1\r\n\r\n'

function respond(
  headers: string,
  body: Uint8Array,
  pieces: number[] = [],
  limits: Partial<InspectLimits> = {},
): { units: SeenUnit[]; file: string; recorder: Recorder } {
  const recorder = new Recorder(limits)
  const head = `HTTP/1.1 200 OK\r\n${headers}Content-Length: ${body.length}\r\n\r\n`
  const units = recorder
    .client(GET)
    .server(Buffer.concat([Buffer.from(head), body]), pieces)
    .close()
    .slice(1)
  let file = ''
  for (const { buffers } of units) file += buffers.file_data?.text.slice(buffers.file_data.fresh) ?? ''
  expect(recorder.context.pool.inUse).toBe(0)
  return { units, file, recorder }
}

const swap = (bytes: Buffer): Buffer => Buffer.from(bytes).swap16()
const utf32le = (text: string): Buffer =>
  Buffer.concat(Array.from(text, (char) => Buffer.from(Uint32Array.of(char.codePointAt(0)!).buffer)))
const TEXT = '<script>évil €\u{1f600}</script>'
const EXPECTED = Buffer.concat([
  Buffer.from('<script>\xe9vil ', 'latin1'),
  Buffer.from('€\u{1f600}</script>', 'utf8'),
]).toString('latin1')

describe('character sets', () => {
  test.each([
    ['utf-16le, named', 'text/html; charset=utf-16le', Buffer.from(TEXT, 'utf16le'), EXPECTED],
    ['utf-16be, named', 'text/html; charset="UTF-16BE"', swap(Buffer.from(TEXT, 'utf16le')), EXPECTED],
    [
      'utf-16le, named and marked',
      'text/html; charset=utf-16le',
      Buffer.from(`\ufeff${TEXT}`, 'utf16le'),
      EXPECTED,
    ],
    ['utf-16le, marked', 'text/html', Buffer.from(`\ufeff${TEXT}`, 'utf16le'), EXPECTED],
    [
      'utf-16be, marked',
      'text/plain;charset=utf-16',
      swap(Buffer.from(`\ufeff${TEXT}`, 'utf16le')),
      EXPECTED,
    ],
    ['utf-32le, marked', 'text/html', utf32le(`\ufeff${TEXT}`), EXPECTED],
    ['utf-32be, named', 'text/html; charset=utf-32be', utf32le(TEXT).swap32(), EXPECTED],
    [
      'utf-16le, unmarked',
      'text/html',
      Buffer.from('<script>évil</script>', 'utf16le'),
      '<script>\xe9vil</script>',
    ],
    ['utf-16be, unmarked', 'text/html; charset=utf-16', swap(Buffer.from('ab', 'utf16le')), 'ab'],
    ['utf-32le, unmarked', 'text/html', utf32le('evil script here'), 'evil script here'],
    ['utf-32be, unmarked', 'text/html', utf32le('evil').swap32(), 'evil'],
    [
      'zeros that are not of characters',
      'text/html',
      Buffer.from('a\0b\0c\0dd\0e', 'latin1'),
      'a\0b\0c\0dd\0e',
    ],
    ['any type that names one', 'application/x; charset=utf-16le', Buffer.from('abc', 'utf16le'), 'abc'],
    ['utf-8', 'text/html; charset=utf-8', Buffer.from(TEXT), Buffer.from(TEXT).toString('latin1')],
    ['unmarked', 'text/html', Buffer.from('\xff\xf0plain', 'latin1'), '\xff\xf0plain'],
    ['half a mark', 'text/html', Buffer.from([0xff]), '\xff'],
    ['half a unit', 'text/html; charset=utf-16le', Buffer.from('a\0b', 'latin1'), 'ab'],
    ['not text', 'image/png', Buffer.from('\xff\xfea\0', 'latin1'), '\xff\xfea\0'],
  ])('%s', (_name, type, body, expected) => {
    for (const pieces of [[], [1], [3]]) {
      expect(respond(`Content-Type: ${type}\r\n`, body, pieces).file).toBe(expected)
      const zipped = respond(`Content-Type: ${type}\r\nContent-Encoding: gzip\r\n`, gzipSync(body), pieces)
      expect(zipped.file).toBe(expected)
    }
  })

  test('text of many windows, longer than the bytes it was made of', () => {
    const text = '€'.repeat(40_000)
    const expected = Buffer.from(text).toString('latin1')
    for (const pieces of [[], [1460], [7, 30_000]]) {
      const { file, units } = respond(
        'Content-Type: text/html\r\n',
        Buffer.from(`\ufeff${text}`, 'utf16le'),
        pieces,
      )
      expect(file === expected).toBe(true)
      expect(units.length).toBe(4)
      // Packet data is what was sent.
      expect(units[0]!.buffers.pkt_data!.text).toContain('\xff\xfe\xac\x20\xac\x20')
    }
  })

  test('segmentation never shows', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.constantFrom('text/html', 'text/x; charset=utf-16be', 'text/x; charset=utf-32le'),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 4 }),
        (body, type, pieces) => {
          const limits = { window: 64, lookBack: 64 }
          const headers = `Content-Type: ${type}\r\n`
          expect(respond(headers, body, pieces, limits).units).toEqual(
            respond(headers, body, [], limits).units,
          )
        },
      ),
      { numRuns: 300 },
    )
  })
})

describe('brotli', () => {
  const page = Array.from({ length: 9000 }, (_, i) => `row ${i * 7919}\n`).join('')
  const HEADERS = 'Content-Encoding: br\r\n'

  test('is undone in any segmentation', () => {
    const body = brotliCompressSync(page)
    for (const pieces of [[], [1000], [77]]) expect(respond(HEADERS, body, pieces).file).toBe(page)
  })

  test('a body cut short is undone as far as it goes', () => {
    const body = brotliCompressSync(page, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } })
    const recorder = new Recorder()
    const head = `HTTP/1.1 200 OK\r\n${HEADERS}Content-Length: ${body.length}\r\n\r\n`
    const message = Buffer.concat([Buffer.from(head), body.subarray(0, body.length >> 1)])
    const units = recorder.client(GET).server(message, [500]).close().slice(1)
    const file = units.map(({ buffers }) => buffers.file_data!.text.slice(buffers.file_data!.fresh)).join('')
    expect(file.length).toBeGreaterThan(1000)
    expect(page.startsWith(file)).toBe(true)
  })

  test('what is not brotli is looked at as it is', () => {
    const { file, recorder } = respond(HEADERS, Buffer.from('plain words, not compressed'))
    expect(file).toBe('plain words, not compressed')
    expect(recorder.context.counters.badCompression).toBe(1)
  })

  test('a bomb is not expanded', () => {
    const bomb = brotliCompressSync(Buffer.alloc(30 << 20))
    const { file, recorder } = respond(HEADERS, bomb)
    expect(file.length).toBeLessThan(1 << 16)
    expect(recorder.context.counters.decompressionLimit).toBe(1)
  })

  test('a long body is undone up to the limit, whatever the segmentation', () => {
    const body = brotliCompressSync(page)
    const limits = { brotliBytes: body.length - 1000 }
    const whole = respond(HEADERS, body, [], limits)
    expect(whole.file.length).toBeGreaterThan(1000)
    expect(page.startsWith(whole.file)).toBe(true)
    expect(whole.recorder.context.counters.decompressionLimit).toBe(1)
    expect(respond(HEADERS, body, [333], limits).file).toBe(whole.file)
  })

  test('without memory the bytes are looked at as they are', () => {
    const body = brotliCompressSync(page)
    const { recorder } = respond(HEADERS, body, [1000], { bufferBudget: 6000 })
    expect(recorder.context.counters.bufferBudgetReached).toBeGreaterThan(0)
  })
})
