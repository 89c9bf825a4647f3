/** HTTP/2 connections put together from frames, good and bad: events and units are the same however they are cut. */
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Direction, InspectLimits } from '../src/inspect/index.js'
import { story } from './http-story.js'
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

type Fields = readonly (readonly [string, string])[]

const FIELDS: readonly Fields[] = [
  GET('/a%41'),
  STATUS('200'),
  STATUS('100'),
  [...GET('/x'), ['content-length', '3']],
  [...STATUS('200'), ['content-encoding', 'gzip']],
  [...STATUS('200'), ['content-type', 'text/html']],
  [['x-t', 'v']],
  [...GET('/m'), ['content-type', 'multipart/form-data; boundary=b']],
  [
    [':method', 'CONNECT'],
    [':authority', 'a:1'],
  ],
]

const stream = fc.constantFrom(1, 3, 5, 2, 0)
const flags = fc.constantFrom(
  0,
  END_STREAM,
  END_HEADERS,
  END_STREAM | END_HEADERS,
  PADDED,
  PRIORITY | END_HEADERS,
)
const fields = fc.constantFrom(...FIELDS)
const data = fc.constantFrom('abc', '', 'a\0b\0c\0d\0', '--b\r\n\r\nq\r\n--b--\r\n', '\x02pp')
const indexed = [0x40, ...string('k'), ...string('v'), 0x82, 0x84, 0x86, 62 | 0x80]
const piece = fc.oneof(
  fc.tuple(stream, fields, fc.boolean()).map(([id, list, end]) => headers(id, list, end)),
  fc.tuple(stream, flags, data).map(([id, flag, text]) => frame(DATA, flag, id, text)),
  stream.map((id) => frame(DATA, END_STREAM, id, gzipSync('text that was packed'))),
  fc.tuple(stream, flags, fields).map(([id, flag, list]) => frame(HEADERS, flag, id, block(list))),
  fc.tuple(stream, flags, fields).map(([id, flag, list]) => frame(CONTINUATION, flag, id, block(list))),
  stream.map((id) => frame(RST_STREAM, 0, id, [0, 0, 0, 8])),
  stream.map((id) => frame(SETTINGS, 0, id, [0, 1, 0, 0, 0, 0])),
  stream.map((id) => frame(PUSH_PROMISE, END_HEADERS, id, [0, 0, 0, 2, ...block(GET('/p'))])),
  fc
    .tuple(stream, fc.uint8Array({ maxLength: 12 }))
    .map(([id, bytes]) => frame(HEADERS, END_HEADERS, id, bytes)),
  fc.uint8Array({ maxLength: 12 }),
  fc.constant(frame(HEADERS, END_HEADERS, 1, indexed)),
)
const turns = fc.array(
  fc.tuple(fc.constantFrom<Direction>(0, 1), fc.array(piece, { minLength: 1, maxLength: 6 })),
  { minLength: 1, maxLength: 6 },
)

const REACHED: Partial<InspectLimits> = {
  window: 40,
  lookBack: 20,
  headBytes: 200,
  uriBytes: 60,
  http2Streams: 2,
  http2Continuations: 3,
  http2HeaderBlock: 100,
}

describe('segmentation never shows in HTTP/2', () => {
  test.each<[string, Partial<InspectLimits>]>([
    ['with the limits there are', {}],
    ['with limits that are reached', REACHED],
  ])('%s', (_name, limits) => {
    fc.assert(
      fc.property(
        turns,
        fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 4 }),
        (said, cuts) => {
          const all = said.map(([direction, frames]) => [direction, join(...frames)] as const)
          const whole: (readonly [Direction, Uint8Array])[] = [[0, PREFACE], ...all]
          expect(story(whole, cuts, limits)).toEqual(story(whole, [], limits))
        },
      ),
      { numRuns: 1500 },
    )
  })

  test('what stands behind padding that is too long is raw data, every byte of it', () => {
    const bad = frame(DATA, PADDED, 1, [9, ...join('evil')])
    const whole: (readonly [Direction, Uint8Array])[] = [[0, join(PREFACE, headers(1, GET('/'), false), bad)]]
    expect(story(whole, [], {}).join()).toContain('evil')
    expect(story(whole, [1], {})).toEqual(story(whole, [], {}))
  })
})
