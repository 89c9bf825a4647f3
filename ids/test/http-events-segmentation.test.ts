/** Events and units of conversations put together from odd pieces are the same however they are cut. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ConversationPool } from '../src/http/index.js'
import {
  BUFFER_COUNT,
  type Direction,
  InspectionContext,
  type InspectionUnit,
  type InspectLimits,
} from '../src/inspect/index.js'

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

type Turn = readonly [direction: Direction, text: string]

const turns = fc
  .array(
    fc.tuple(
      fc.constantFrom<Direction>(0, 1),
      fc.array(fc.constantFrom(...PIECES), { minLength: 1, maxLength: 12 }).map((pieces) => pieces.join('')),
    ),
    { minLength: 1, maxLength: 6 },
  )
  .map(oneEach)

/** What one side says without an answer is one turn. */
function oneEach(said: readonly Turn[]): Turn[] {
  const out: Turn[] = []
  for (const [direction, text] of said) {
    const last = out.at(-1)
    if (last?.[0] === direction) out[out.length - 1] = [direction, last[1] + text]
    else out.push([direction, text])
  }
  return out
}

/** Everything that detection is shown, in order. */
function story(all: readonly Turn[], cuts: readonly number[], limits: Partial<InspectLimits>): string[] {
  const log: string[] = []
  const context = new InspectionContext<string>(
    {
      inspect: (_flow, unit) => void log.push(unitText(unit)),
      event: (_flow, direction, _service, gid, sid) => void log.push(`${direction} ${gid}:${sid}`),
    },
    limits,
    { events: true, trailer: true, wire: true },
  )
  const conversation = new ConversationPool(context).open(false)
  let next = 0
  for (const [direction, text] of all) {
    const bytes = Buffer.from(text, 'latin1')
    for (let at = 0; at < bytes.length; ) {
      const end = Math.min(bytes.length, at + (cuts[next++ % cuts.length] ?? bytes.length))
      // Each segment stands in an array of its own, which is overwritten afterwards.
      const segment = new Uint8Array(end - at + 6).fill(0x23)
      segment.set(bytes.subarray(at, end), 3)
      conversation.data('flow', direction, segment, 3, 3 + end - at)
      segment.fill(0x2a)
      at = end
    }
  }
  conversation.close('flow')
  expect(context.pool.inUse).toBe(0)
  return log
}

function unitText({ kind, direction, service, last, buffers }: InspectionUnit): string {
  const parts: string[] = []
  for (let id = 0; id < BUFFER_COUNT; id++) {
    const end = buffers.end[id]!
    if (end < 0) continue
    const text = Buffer.from(buffers.bytes[id]!.subarray(buffers.start[id]!, end)).toString('latin1')
    parts.push(`${id} at ${buffers.base[id]}: ${text}`)
  }
  return `unit ${kind} ${direction} ${service} ${last}\n${parts.join('\n')}`
}

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
