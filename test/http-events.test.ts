/** Events of HTTP connections that no single message shows, and those of lengths. */

import { DATA, END_STREAM, frame, GET, headers, join, PREFACE, SETTINGS } from '../ids/test/http2-support.js'
import { checkProbes, contains, get, ok, type Probe, type Turn } from './support/http-probe.js'

const start = join(PREFACE, frame(SETTINGS, 0, 0))
const up = (cl: string, ...frames: Uint8Array[]) =>
  join(
    start,
    headers(
      1,
      [
        [':method', 'POST'],
        [':scheme', 'http'],
        [':path', '/b'],
        ['content-length', cl],
      ],
      false,
    ),
    ...frames,
  )
const ev = (
  name: string,
  turns: readonly Turn[],
  events: string[],
  noEvents: string[] = [],
  hits: string[] = [],
): Probe => ({ name, turns, events, noEvents, hits })

checkProbes('events', [
  ev('100 outstanding', [['>', get('/').repeat(100)]], [], ['119:34']),
  ev('101 outstanding', [['>', get('/').repeat(101)]], ['119:34']),
  ev(
    '100 + answered',
    [
      ['>', get('/').repeat(60)],
      ['<', Buffer.concat(Array(60).fill(ok('x')))],
      ['>', get('/').repeat(60)],
    ],
    [],
    ['119:34'],
  ),
  ev(
    '0.9 then more',
    [
      ['>', 'GET /a\r\n'],
      ['<', 'x'],
      ['>', get('/b')],
    ],
    ['119:32'],
  ),
  ev(
    '0.9 late',
    [
      ['>', get('/a')],
      ['<', ok('x')],
      ['>', 'GET /b\r\n'],
    ],
    ['119:219', '119:32'],
    ['119:218'],
  ),
  ev(
    'bad trailer',
    [['>', 'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 5\r\n\r\n']],
    ['119:242'],
  ),
  ev(
    'good trailer',
    [['>', 'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: 5\r\n\r\n']],
    [],
    ['119:242'],
  ),
  ev(
    'connect body',
    [
      ['>', 'CONNECT a:443 HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody'],
      ['<', 'HTTP/1.1 200 OK\r\n\r\n'],
    ],
    ['119:253'],
    ['119:258', '119:254'],
  ),
  ev(
    'connect body early answer',
    [
      ['>', 'CONNECT a:443 HTTP/1.1\r\nContent-Length: 4\r\n\r\nbo'],
      ['<', 'HTTP/1.1 200 OK\r\n\r\n'],
      ['>', 'dy'],
    ],
    ['119:253', '119:258'],
  ),
  ev(
    'connect early',
    [
      ['>', 'CONNECT a:443 HTTP/1.1\r\n\r\n'],
      ['>', '\x16\x03\x01\x00\x05abcde'],
      ['<', 'HTTP/1.1 200 OK\r\n\r\n'],
    ],
    ['119:254'],
  ),
  ev(
    'connect then tunnel',
    [
      ['>', 'CONNECT a:443 HTTP/1.1\r\n\r\n'],
      ['<', 'HTTP/1.1 200 OK\r\n\r\n'],
      ['>', '\x16\x03\x01\x00\x05abcde'],
    ],
    [],
    ['119:254', '119:201'],
  ),
  ev('long head', [['>', get('/', `X: ${'a'.repeat(70000)}\r\n`)]], ['119:280', '119:201']),
  ev('long request line', [['>', get(`/${'a'.repeat(70000)}`)]], ['119:285', '119:201'], ['119:280']),
  ev(
    'long status line',
    [
      ['>', get('/')],
      ['<', `HTTP/1.1 200 ${'a'.repeat(70000)}\r\n\r\n`],
    ],
    ['119:283', '119:201'],
  ),
  ev(
    '20 blanks',
    [
      ['>', get('/')],
      ['<', ok('x')],
      ['>', '\r\n'.repeat(10) + get('/')],
    ],
    [],
    ['119:282', '119:201', '119:203'],
  ),
  ev(
    '22 blanks',
    [
      ['>', get('/')],
      ['<', ok('x')],
      ['>', '\r\n'.repeat(11) + get('/b22')],
    ],
    ['119:282', '119:201'],
    [],
    [contains('http_uri', '/b22')],
  ),
  ev(
    'h2 te',
    [['>', join(start, headers(1, [...GET('/'), ['transfer-encoding', 'chunked']]))]],
    ['119:250'],
    ['119:220', '119:222'],
  ),
  ev(
    'h2 te identity',
    [['>', join(start, headers(1, [...GET('/'), ['transfer-encoding', 'identity']]))]],
    [],
    ['119:250'],
  ),
  ev(
    'h2 overrun',
    [['>', up('3', frame(DATA, 0, 1, 'ab'), frame(DATA, END_STREAM, 1, 'cd'))]],
    ['119:251'],
    ['119:252'],
  ),
  ev(
    'h2 underrun',
    [['>', up('5', frame(DATA, 0, 1, 'ab'), frame(DATA, END_STREAM, 1, 'cd'))]],
    ['119:252'],
    ['119:251'],
  ),
  ev(
    'h2 right',
    [['>', up('4', frame(DATA, 0, 1, 'ab'), frame(DATA, END_STREAM, 1, 'cd'))]],
    [],
    ['119:252', '119:251'],
  ),
])
