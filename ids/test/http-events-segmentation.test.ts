/** Events and units of conversations put together from odd pieces are the same however they are cut. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Direction, InspectLimits } from '../src/inspect/index.js'
import { story, type Turn } from './http-story.js'

const PIECES = [
  ...[
    'GET / HTTP/1.1\r\n',
    'GET /%41 HTTP/1.0\r\n',
    'GET /\r\n',
    'POST /x HTTP/1.1\r\n',
    'HEAD / HTTP/1.1\r\n',
  ],
  ...['CONNECT a:1 HTTP/1.1\r\n', 'FOO / HTTP/9.9\r\n', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ...[
    'HTTP/1.1 200 OK\r\n',
    'HTTP/1.1 100 C\r\n',
    'HTTP/1.1 101 S\r\n',
    'HTTP/1.1 204 N\r\n',
    'HTTP/1.0 404 x\r\n',
  ],
  ...['HTTP/1.1\r\n', 'http/1.1 2 x\r\n', 'HTTP/1.1\r 200 OK\r\n'],
  ...['Host: h\r\n', 'Content-Length: 3\r\n', 'Content-Length: 0\r\n', 'Transfer-Encoding: chunked\r\n'],
  ...['Content-Type: text/html\r\n', 'Content-Type: text/html; charset=utf-16le\r\n', 'Upgrade: h2c\r\n'],
  ...['Content-Encoding: gzip\r\n', 'Content-Encoding: deflate\r\n', 'Expect: 100-continue\r\n'],
  ...['Content-Type: multipart/form-data; boundary=b\r\n', 'Coo kie: a\r\n', ' folded\r\n', 'X\0Y: z\r\n'],
  ...['bad line\r\n', 'X: y\n', 'X: y\r', '\r\n', '\r\n\r\n', '\n', '\r', ' ', '\t', '\v', 'abc', '\0'],
  ...[
    '3\r\nabc\r\n',
    '0\r\n\r\n',
    '3;x\r\nabc\r\n',
    ' 2 \r\nab\r\n',
    'zz\r\n',
    '--b\r\n\r\npart\r\n--b--\r\n',
  ],
  ...['a\0b\0c\0', '\xff\xfea\0b\0', '\x1f\x8b\x08\0\0\0\0\0\0\x03KLJ\x06\0\xc2A$5\x03\0\0\0', 'K'],
  ...['\x00\x00\x00\x04\x00\x00\x00\x00\x00', '\x00\x00\x01\x01\x05\x00\x00\x00\x01\x82', 'x'.repeat(50)],
]

const turns = fc.array(
  fc.tuple(
    fc.constantFrom<Direction>(0, 1),
    fc.array(fc.constantFrom(...PIECES), { minLength: 1, maxLength: 12 }).map((pieces) => pieces.join('')),
  ),
  { minLength: 1, maxLength: 6 },
)

describe('segmentation never shows in events and units', () => {
  test.each<[string, Partial<InspectLimits>]>([
    ['with the limits there are', {}],
    ['with limits that are reached', { window: 40, lookBack: 20, headBytes: 200, uriBytes: 60 }],
  ])('%s', (_name, limits) => {
    fc.assert(
      fc.property(
        turns,
        fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 4 }),
        (all, cuts) => {
          expect(story(all, cuts, limits)).toEqual(story(all, [], limits))
        },
      ),
      { numRuns: 3000 },
    )
  })

  test.each<[string, readonly Turn[]]>([
    [
      'a lost status line that a CR ends',
      [
        [0, 'GET / HTTP/1.1\r\n\r\n'],
        [1, 'HTTP/1.1\r 200 OK\r\n\r\nx'],
      ],
    ],
    [
      'a blank line and a few letters',
      [
        [0, 'GET / HTTP/1.1\r\n\r\n\r\nabc'],
        [1, 'x'],
      ],
    ],
    [
      'a head cut in the name of a type',
      [
        [
          0,
          `GET / HTTP/1.1\r\nContent-Type: multipart/x; boundary=b\r\nX: ${'y'.repeat(113)}\r\nContent-Type: multipart/x; boundary=b\r\n\r\n`,
        ],
      ],
    ],
    ['blanks between requests', [[0, 'GET / HTTP/1.1\r\n\r\n \v \r\nGET / HTTP/1.1\r\n\r\n']]],
  ])('%s', (_name, all) => {
    const limits = { headBytes: 200 }
    expect(story(all, [1], limits)).toEqual(story(all, [], limits))
  })
})
