/** HTTP/2 connections and mail with attachments, as rules see them. */

import { brotliCompressSync, gzipSync } from 'node:zlib'
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
  RST_STREAM,
  SETTINGS,
  STATUS,
  string,
} from '../ids/test/http2-support.js'
import { checkProbes, contains, get, ok, type Probe } from './support/http-probe.js'

const h2 = (
  name: string,
  client: Uint8Array,
  server: Uint8Array,
  hits: string[],
  misses: string[] = [],
  events: string[] = [],
  noEvents: string[] = [],
): Probe => ({
  name,
  turns: [
    ['>', client],
    ['<', server],
  ],
  hits,
  misses,
  events,
  noEvents,
})
const start = join(PREFACE, frame(SETTINGS, 0, 0))
const sset = frame(SETTINGS, 0, 0)
const lit = (name: string, value: string) => [0x40, ...string(name), ...string(value)]
const mail = (name: string, lines: string, hits: string[], misses: string[] = []): Probe => ({
  name,
  port: 25,
  hits,
  misses,
  turns: [
    ['<', '220 mx ESMTP\r\n'],
    ['>', 'EHLO x\r\n'],
    ['<', '250 ok\r\n'],
    ['>', 'MAIL FROM:<a@b>\r\n'],
    ['<', '250 ok\r\n'],
    ['>', 'RCPT TO:<c@d>\r\n'],
    ['<', '250 ok\r\n'],
    ['>', 'DATA\r\n'],
    ['<', '354 go\r\n'],
    ['>', `${lines}\r\n.\r\n`],
    ['<', '250 ok\r\n'],
    ['>', 'QUIT\r\n'],
    ['<', '221 bye\r\n'],
  ],
})
const b64 = (s: string | Uint8Array, width = 76) =>
  Buffer.from(s as string)
    .toString('base64')
    .replace(new RegExp(`(.{${width}})`, 'g'), '$1\r\n')
const uu = (s: string) => {
  let out = 'begin 644 f.bin\r\n'
  const b = Buffer.from(s)
  for (let i = 0; i < b.length; i += 45) {
    const p = b.subarray(i, i + 45)
    out += String.fromCharCode(32 + p.length)
    for (let k = 0; k < p.length; k += 3) {
      const [x, y = 0, z = 0] = p.subarray(k, k + 3)
      for (const v of [x! >> 2, ((x! & 3) << 4) | (y >> 4), ((y & 15) << 2) | (z >> 6), z & 63])
        out += String.fromCharCode(v === 0 ? 96 : v + 32)
    }
    out += '\r\n'
  }
  return `${out}\`\r\nend\r\n`
}
const evil = 'an evil attachment body '.repeat(8)
const part = (enc: string, body: string, more = '') =>
  `Subject: s\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="bb"\r\n\r\npreamble\r\n--bb\r\nContent-Type: application/octet-stream; name=x\r\n${more}Content-Transfer-Encoding: ${enc}\r\n\r\n${body}\r\n--bb--\r\n`

checkProbes('HTTP/2 and mail', [
  h2(
    'h2 get',
    join(start, headers(1, [...GET('/h2/a?b=%63'), ['x-a', 'v%41']])),
    join(sset, headers(1, [...STATUS('200'), ['server', 's']], false), frame(DATA, END_STREAM, 1, 'h2 body')),
    [
      contains('http_uri', '/h2/a?b=c'),
      contains('http_header', 'x-a: vA'),
      contains('http_header:field x-a', 'v'),
      contains('http_stat_code', '200'),
      contains('file_data', 'h2 body'),
      'service:http; file_data; content:"h2 body"',
      'service:http2; file_data; content:"h2 body"',
      contains('http_method', 'GET'),
      'http_version_match:2.0',
      'http_uri:host; content:"h.example"',
      'http_num_headers:1',
      'http_header:field server; content:"s"',
      'http_uri:request; content:"/h2/a"',
      'http_header:request; content:"x-a"',
    ],
  ),
  h2(
    'h2 gzip',
    join(start, headers(1, GET('/g'))),
    join(
      sset,
      headers(1, [...STATUS('200'), ['content-encoding', 'gzip']], false),
      frame(DATA, 0, 1, gzipSync(evil).subarray(0, 20)),
      frame(DATA, END_STREAM, 1, gzipSync(evil).subarray(20)),
    ),
    [contains('file_data', 'evil attachment')],
  ),
  h2(
    'h2 br',
    join(start, headers(1, GET('/g'))),
    join(
      sset,
      headers(1, [...STATUS('200'), ['content-encoding', 'br']], false),
      frame(DATA, END_STREAM, 1, brotliCompressSync(evil)),
    ),
    [contains('file_data', 'evil attachment')],
  ),
  h2(
    'h2 interleaved',
    join(start, headers(1, GET('/1')), headers(3, GET('/3'))),
    join(
      sset,
      headers(1, STATUS('200'), false),
      headers(3, STATUS('404'), false),
      frame(DATA, 0, 1, 'one ev'),
      frame(DATA, 0, 3, 'three ev'),
      frame(DATA, END_STREAM, 3, 'il!'),
      frame(DATA, END_STREAM, 1, 'il?'),
    ),
    [
      contains('file_data', 'one evil?'),
      contains('file_data', 'three evil!'),
      'http_stat_code; content:"404"; http_uri:request; content:"/3"',
    ],
  ),
  h2(
    'h2 trailers',
    join(
      start,
      headers(
        1,
        [
          [':method', 'POST'],
          [':scheme', 'http'],
          [':path', '/t'],
        ],
        false,
      ),
      frame(DATA, 0, 1, 'body'),
      frame(HEADERS, END_HEADERS | END_STREAM, 1, block([['x-trailer', 'tr%41']])),
    ),
    join(
      sset,
      headers(1, STATUS('200'), false),
      frame(DATA, 0, 1, 'x'),
      frame(HEADERS, END_HEADERS | END_STREAM, 1, block([['x-tr2', 'two']])),
    ),
    [
      contains('http_trailer', 'x-trailer: trA'),
      contains('http_trailer:field x-tr2', 'two'),
      contains('http_client_body', 'body'),
      'http_num_trailers:1',
    ],
  ),
  h2(
    'h2 dynamic table',
    join(
      start,
      frame(HEADERS, 5, 1, join(block(GET('/d1')), lit('x-dyn', 'dynval'))),
      frame(HEADERS, 5, 3, join(block(GET('/d2')), [0x80 | 62])),
    ),
    sset,
    ['http_uri; content:"/d2"; http_header; content:"x-dyn: dynval"'],
  ),
  h2(
    'h2 table resize',
    join(
      start,
      frame(HEADERS, 5, 1, join([0x20], block(GET('/r1')), lit('x-dyn', 'v'))),
      frame(HEADERS, 5, 3, join([0x3f, 0xe1, 0x1f], block(GET('/r2')), lit('x-two', 'v2'))),
      frame(HEADERS, 5, 5, join(block(GET('/r3')), [0x80 | 62])),
    ),
    sset,
    ['http_uri; content:"/r3"; http_header; content:"x-two: v2"'],
  ),
  h2(
    'h2 many streams',
    join(start, ...Array.from({ length: 200 }, (_, i) => headers(2 * i + 1, GET(`/m${i}x`)))),
    sset,
    [contains('http_uri', '/m0x'), contains('http_uri', '/m199x')],
  ),
  h2(
    'h2 unknown frames',
    join(
      start,
      frame(0x77, 0xff, 1, 'zz'),
      frame(6, 0, 0, '12345678'),
      frame(8, 0, 0, [0, 0, 1, 0]),
      frame(2, 0, 1, [0, 0, 0, 0, 1]),
      headers(1, GET('/uf')),
      frame(7, 0, 0, [0, 0, 0, 0, 0, 0, 0, 0]),
    ),
    sset,
    [contains('http_uri', '/uf')],
  ),
  h2(
    'h2 continuation with priority and padding',
    join(
      start,
      frame(HEADERS, END_STREAM | PADDED | PRIORITY, 1, [
        2,
        0,
        0,
        0,
        0,
        9,
        ...block(GET('/cpp')).subarray(0, 9),
        0,
        0,
      ]),
      frame(CONTINUATION, END_HEADERS, 1, block(GET('/cpp')).subarray(9)),
    ),
    sset,
    [contains('http_uri', '/cpp')],
  ),
  h2(
    'h2 body before settings',
    join(
      PREFACE,
      headers(
        1,
        [
          [':method', 'PUT'],
          [':scheme', 'http'],
          [':path', '/b'],
        ],
        false,
      ),
      frame(DATA, PADDED, 1, [4, ...Buffer.from('pad evil'), 0, 0, 0, 0]),
      frame(DATA, END_STREAM, 1),
    ),
    sset,
    [contains('http_client_body', 'pad evil')],
  ),
  h2(
    'h2 reset',
    join(
      start,
      headers(
        1,
        [
          [':method', 'PUT'],
          [':scheme', 'http'],
          [':path', '/b'],
        ],
        false,
      ),
      frame(DATA, 0, 1, 'reset evil'),
      frame(RST_STREAM, 0, 1, [0, 0, 0, 8]),
    ),
    sset,
    [contains('http_client_body', 'reset evil')],
  ),
  h2(
    'h2 cookie crumbs',
    join(start, headers(1, [...GET('/ck'), ['cookie', 'a=1'], ['cookie', 'b=2']])),
    sset,
    [contains('http_cookie', 'a=1'), contains('http_cookie', 'b=2')],
    [contains('http_header', 'a=1')],
  ),
  h2(
    'h2 multipart',
    join(
      start,
      headers(
        1,
        [
          [':method', 'POST'],
          [':scheme', 'http'],
          [':path', '/b'],
          ['content-type', 'multipart/form-data; boundary=B'],
        ],
        false,
      ),
      frame(DATA, END_STREAM, 1, '--B\r\n\r\npart one\r\n--B--\r\n'),
    ),
    sset,
    ['file_data; content:"part one"; bufferlen:8'],
  ),
  {
    name: 'h2c upgrade',
    turns: [
      [
        '>',
        'POST /up HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nContent-Length: 4\r\n\r\nbody',
      ],
      [
        '<',
        join(
          'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n',
          sset,
          headers(1, STATUS('200'), false),
          frame(DATA, END_STREAM, 1, 'upgraded'),
        ),
      ],
      ['>', join(start, headers(3, GET('/afterup')))],
      ['<', join(headers(3, STATUS('404')))],
    ],
    hits: [
      contains('http_uri', '/up'),
      contains('http_client_body', 'body'),
      contains('file_data', 'upgraded'),
      contains('http_uri', '/afterup'),
      contains('http_stat_code', '404'),
    ],
    events: ['119:263', '119:264'],
  },
  {
    name: 'h2c refused',
    turns: [
      ['>', get('/up', 'Upgrade: h2c\r\n')],
      ['<', ok('plain')],
      ['>', get('/again')],
    ],
    hits: [contains('file_data', 'plain'), contains('http_uri', '/again')],
  },
  h2(
    'h2 bad preface',
    join('PRI * HTTP/2.0\r\n\r\nSN\r\n\r\n', headers(1, GET('/'))),
    sset,
    [],
    [],
    ['121:7'],
  ),
  h2(
    'h2 no method',
    join(
      start,
      headers(1, [
        [':path', '/nm'],
        [':scheme', 'http'],
      ]),
    ),
    sset,
    [],
    [],
    ['121:33'],
  ),
  // mail
  mail('base64', part('base64', b64(evil)), [contains('file_data', 'evil attachment')]),
  mail('base64 odd widths', part('BASE64', b64(evil, 3)), [contains('file_data', 'evil attachment')]),
  mail('qp', part('quoted-printable', evil.replace(/e/g, '=65').replace(/(.{30})/g, '$1=\r\n')), [
    contains('file_data', 'evil attachment'),
  ]),
  mail('uu', part('x-uuencode', uu(evil)), [contains('file_data', 'evil attachment')]),
  mail('uu 2', part('uuencode', uu(evil)), [contains('file_data', 'evil attachment')]),
  mail('7bit', part('7bit', evil), [contains('file_data', 'evil attachment')]),
  mail('8bit', part('8bit', evil), [contains('file_data', 'evil attachment')]),
  mail('folded encoding', part('\r\n base64', b64(evil)), [contains('file_data', 'evil attachment')]),
  mail(
    'nested',
    `MIME-Version: 1.0\r\nContent-Type: multipart/mixed;\r\n\tboundary=o\r\n\r\n--o\r\nContent-Type: multipart/alternative; boundary="i"\r\n\r\n--i\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n${b64(evil)}\r\n--i--\r\n--o--\r\n`,
    [contains('file_data', 'evil attachment')],
  ),
  mail(
    'no multipart base64',
    `Content-Transfer-Encoding: base64\r\nContent-Type: application/x\r\n\r\n${b64(evil)}\r\n`,
    [contains('file_data', 'evil attachment')],
  ),
  {
    name: 'pop3',
    port: 110,
    hits: [contains('file_data', 'evil attachment'), 'service:pop3; file_data; content:"evil"'],
    turns: [
      ['<', '+OK POP3\r\n'],
      ['>', 'USER a\r\n'],
      ['<', '+OK\r\n'],
      ['>', 'PASS b\r\n'],
      ['<', '+OK\r\n'],
      ['>', 'RETR 1\r\n'],
      ['<', `+OK 500 octets\r\n${part('base64', b64(evil))}\r\n.\r\n`],
      ['>', 'QUIT\r\n'],
      ['<', '+OK\r\n'],
    ],
  },
  {
    name: 'imap',
    port: 143,
    hits: [contains('file_data', 'evil attachment'), 'service:imap; file_data; content:"evil"'],
    turns: [
      ['<', '* OK IMAP4rev1\r\n'],
      ['>', 'a LOGIN u p\r\n'],
      ['<', 'a OK\r\n'],
      ['>', 'b FETCH 1 BODY[]\r\n'],
      [
        '<',
        (() => {
          const m = part('base64', b64(evil))
          return `* 1 FETCH (BODY[] {${m.length}}\r\n${m})\r\nb OK\r\n`
        })(),
      ],
      ['>', 'c LOGOUT\r\n'],
      ['<', 'c OK\r\n'],
    ],
  },
])
