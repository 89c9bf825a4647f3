/** Every limit of the HTTP/2 inspector reached, counted, and paid for with bounded memory and time. */
import { describe, expect, test } from 'vitest'
import { Recorder } from './http-support.js'
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
  PREFACE,
  STATUS,
  string,
} from './http2-support.js'

const MEGABYTE = 1 << 20

describe('header blocks', () => {
  test('a flood of continuations ends at a number of frames', () => {
    const recorder = new Recorder().client(join(PREFACE, frame(HEADERS, 0, 1)))
    for (let i = 0; i < 10_000; i++) recorder.client(frame(CONTINUATION, 0, 1))
    expect(recorder.context.counters).toMatchObject({ http2HeaderBlockTooLong: 1, http2Errors: 1 })
    recorder.close()
    expect(recorder.context.pool.inUse).toBe(0)
  })

  test('or at a number of bytes', () => {
    const recorder = new Recorder().client(join(PREFACE, frame(HEADERS, 0, 1)))
    const piece = frame(CONTINUATION, 0, 1, block([['x', 'y'.repeat(16_000)]]))
    for (let i = 0; i < 60; i++) recorder.client(piece)
    expect(recorder.context.counters).toMatchObject({ http2HeaderBlockTooLong: 1, http2Errors: 1 })
    expect(recorder.context.pool.peak).toBeLessThan(MEGABYTE)
    recorder.close()
    expect(recorder.context.pool.inUse).toBe(0)
  })

  test('a block that unfolds is cut at the length of a head', () => {
    // One long field, then references to it: 60 KB of block for 200 MB of head.
    const field = join([0x40], string('x-bomb'), string('b'.repeat(3500)))
    const references = new Uint8Array(60_000).fill(0x80 | 62)
    const recorder = new Recorder()
    recorder.client(
      join(PREFACE, frame(HEADERS, END_HEADERS | END_STREAM, 1, join(block(GET('/')), field, references))),
    )
    recorder.client(headers(3, GET('/after')))
    const units = recorder.close()
    expect(recorder.context.counters).toMatchObject({ headTooLong: 1, http2Errors: 0 })
    expect(units.map(({ buffers }) => buffers.http_uri?.text)).toEqual(['/', '/after'])
    expect(units[0]!.buffers.http_raw_header!.text.length).toBeLessThanOrEqual(65_536)
  })

  test('entries made of long entries are given up when they have copied too much', () => {
    // Each two bytes take the name of the newest entry, 60 KB long, for a new one.
    const size = [0x3f, 0xe1, 0xff, 0x03]
    const long = join([0x40], string('n'.repeat(60_000)), string(''))
    const recorder = new Recorder().client(
      join(PREFACE, ...split(1, join(size, long, ...Array.from({ length: 1500 }, () => [0x40 | 62, 0])))),
    )
    expect(recorder.context.counters).toMatchObject({ http2HeaderWork: 1, http2Errors: 1 })
    expect(recorder.context.pool.peak).toBeLessThan(MEGABYTE)
    recorder.close()
    expect(recorder.context.pool.inUse).toBe(0)
  })

  test('a table larger than allowed is not granted', () => {
    const recorder = new Recorder().client(
      join(PREFACE, frame(HEADERS, END_HEADERS, 1, [0x3f, 0xff, 0xff, 0xff, 0x0f])),
    )
    expect(recorder.context.counters).toMatchObject({ http2TableTooLarge: 1, http2Errors: 1 })
    recorder.close()
  })
})

/** A header block in frames of 16 KB. */
function split(stream: number, bytes: Uint8Array): Uint8Array[] {
  const frames: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += 16_000) {
    const last = at + 16_000 >= bytes.length
    const type = at === 0 ? HEADERS : CONTINUATION
    frames.push(frame(type, last ? END_HEADERS : 0, stream, bytes.subarray(at, at + 16_000)))
  }
  return frames
}

describe('streams', () => {
  test('of those beyond the limit heads are inspected and bodies are not', () => {
    const recorder = new Recorder({ http2Streams: 4 }).client(PREFACE)
    for (let id = 1; id < 20; id += 2) {
      recorder.client(headers(id, GET(`/${id}`), false))
      recorder.client(frame(DATA, 0, id, 'body'))
    }
    const units = recorder.close()
    expect(recorder.context.counters).toMatchObject({ http2TooManyStreams: 6, http2Streams: 10 })
    expect(units.filter(({ buffers }) => buffers.http_uri).length).toBe(10)
    expect(units.filter(({ buffers }) => buffers.http_client_body).length).toBe(4)
    expect(recorder.context.pool.inUse).toBe(0)
  })

  test('opened and closed by the thousand leave nothing behind', () => {
    const recorder = new Recorder().client(PREFACE)
    recorder.keep = false
    for (let n = 0; n < 5000; n++) {
      recorder.client(headers(2 * n + 1, GET('/')))
      recorder.server(headers(2 * n + 1, STATUS('200')))
    }
    expect(recorder.context.counters).toMatchObject({ http2Streams: 5000, http2TooManyStreams: 0 })
    expect(recorder.context.pool.inUse).toBe(0)
    recorder.close()
  })

  test('bodies without end are inspected in windows', () => {
    const recorder = new Recorder().client(join(PREFACE, headers(1, GET('/'), false)))
    recorder.keep = false
    const piece = frame(DATA, 0, 1, 'z'.repeat(16_384))
    for (let n = 0; n < 500; n++) recorder.client(piece)
    expect(recorder.context.pool.peak).toBeLessThan(300_000)
    expect(recorder.context.counters.requestUnits).toBeGreaterThan(300)
    recorder.close()
    expect(recorder.context.pool.inUse).toBe(0)
  })

  test('without memory the rest is inspected as it comes', () => {
    const recorder = new Recorder({ bufferBudget: 4096 }).client(PREFACE)
    for (let id = 1; id < 40; id += 2) {
      recorder.client(headers(id, [...GET(`/${id}`), ['x', 'y'.repeat(1500)]], false))
      recorder.client(frame(DATA, 0, id, 'b'.repeat(3000)))
    }
    expect(recorder.context.counters.bufferBudgetReached).toBeGreaterThan(0)
    expect(recorder.context.pool.peak).toBeLessThanOrEqual(4096)
    const units = recorder.close()
    expect(units.filter(({ buffers }) => buffers.http_uri).length).toBe(20)
    expect(recorder.context.pool.inUse).toBe(0)
  })
})
