/** Oddities of heads, and bodies under codings and character sets, as rules see them. */
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { checkProbes, contains, get, ok, post, request, response } from './support/http-probe.js'

/** Chunks of `size` bytes. */
const chunk = (data: Uint8Array, size: number) => {
  const parts: Buffer[] = []
  for (let at = 0; at < data.length; at += size) {
    const p = data.subarray(at, at + size)
    parts.push(Buffer.from(`${p.length.toString(16)}\r\n`), Buffer.from(p), Buffer.from('\r\n'))
  }
  return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')])
}
/** A chunked response under a content coding. */
const te = (coding: string, data: Uint8Array, size = 7) =>
  Buffer.concat([
    Buffer.from(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: ${coding}\r\n\r\n`),
    chunk(data, size),
  ])
const secret = 'the secret payload '.repeat(20)
const utf16 = (s: string, be = false, bom = false) => {
  const b = Buffer.from((bom ? '\ufeff' : '') + s, 'utf16le')
  return be ? b.swap16() : b
}
const utf32 = (s: string, be = false, bom = false) => {
  const t = (bom ? '\ufeff' : '') + s
  const b = Buffer.alloc(t.length * 4)
  for (let i = 0; i < t.length; i++)
    be ? b.writeUInt32BE(t.charCodeAt(i), i * 4) : b.writeUInt32LE(t.charCodeAt(i), i * 4)
  return b
}
const method = 'X'.repeat(60)

checkProbes('odd heads and bodies', [
  request('long method', `${method} /long HTTP/1.1\r\n\r\n`, [
    contains('http_method', method),
    contains('http_uri', '/long'),
  ]),
  request('long method later', `${get('/')}${method} /long2 HTTP/1.1\r\n\r\n`, [
    contains('http_method', method),
    contains('http_uri', '/long2'),
  ]),
  request(
    'name space before colon',
    'POST /p HTTP/1.1\r\nContent-Length : 4\r\n\r\nevil',
    [contains('http_client_body', 'evil')],
    [],
    ['119:215'],
  ),
  request(
    'name space inside',
    'POST /p HTTP/1.1\r\nContent -Length: 4\r\n\r\nevil',
    [contains('http_client_body', 'evil')],
    [],
    ['119:215'],
  ),
  request(
    'first header begins with space',
    'POST /p HTTP/1.1\r\n Content-Length: 4\r\n\r\nevil',
    [contains('http_client_body', 'evil')],
    [],
    ['119:215'],
  ),
  request('field space inside', get('/', 'X-Na me: v1\r\n'), [contains('http_header:field x-name', 'v1')]),
  request(
    'cookie space inside',
    get('/', 'Coo kie: v1\r\n'),
    [contains('http_cookie', 'v1')],
    [contains('http_header', 'v1')],
  ),
  request(
    'header no colon',
    get('/', 'garbage line\r\nX: y\r\n'),
    [contains('http_header:field x', 'y'), contains('http_header', 'garbage')],
    [],
    ['119:209'],
  ),
  request('long uri', get(`/${'a'.repeat(20000)}evil`), [
    contains('http_uri', 'evil'),
    'http_uri; bufferlen:>20000',
    contains('http_raw_uri', 'evil'),
  ]),
  request('long uri 60k', get(`/${'a'.repeat(60000)}%65vil`), [contains('http_uri', 'evil')]),
  request(
    'long header',
    get('/', `X: ${'a'.repeat(5000)}evilh\r\n`),
    [contains('http_header', 'evilh')],
    [],
    ['119:19'],
  ),
  request(
    'many headers',
    get('/', `${Array.from({ length: 300 }, (_, i) => `X${i}: v\r\n`).join('')}Y: lasth\r\n`),
    [contains('http_header', 'lasth')],
    [],
    ['119:20'],
  ),
  request('asterisk', 'OPTIONS * HTTP/1.1\r\n\r\n', [contains('http_raw_uri', '*')]),
  request('no uri', 'GET HTTP/1.1\r\nHost: h\r\n\r\n', [contains('http_header', 'Host')], [], []),
  request('http/1.2', 'GET /v12 HTTP/1.2\r\n\r\n', [contains('http_uri', '/v12')], [], ['119:275']),
  request('http/2.0 line', 'GET /v20 HTTP/2.0\r\n\r\n', [contains('http_uri', '/v20')], [], ['119:277']),
  request('lower http', 'GET /low http/1.1\r\n\r\n', [contains('http_uri', '/low')], [], ['119:246']),
  request('uri with spaces', 'GET /a b c HTTP/1.1\r\n\r\n', [contains('http_uri', '/a b c')], [], ['119:33']),
  request('trailing ws line', 'GET /tw HTTP/1.1 \t\r\nHost: x\r\n\r\n', [contains('http_uri', '/tw')]),
  response(
    'gzip',
    ok(gzipSync(secret), 'Content-Encoding: gzip\r\n'),
    [contains('file_data', 'secret payload'), contains('pkt_data', 'secret payload')],
    [contains('http_raw_body', 'zzzz')],
  ),
  response('x-gzip', ok(gzipSync(secret), 'Content-Encoding: x-gzip\r\n'), [
    contains('file_data', 'secret payload'),
  ]),
  response('deflate', ok(deflateSync(secret), 'Content-Encoding: deflate\r\n'), [
    contains('file_data', 'secret payload'),
  ]),
  response('deflate raw', ok(deflateRawSync(secret), 'Content-Encoding: deflate\r\n'), [
    contains('file_data', 'secret payload'),
  ]),
  response('br', ok(brotliCompressSync(secret), 'Content-Encoding: br\r\n'), [
    contains('file_data', 'secret payload'),
  ]),
  response('gzip chunked', te('gzip', gzipSync(secret)), [contains('file_data', 'secret payload')]),
  response('br chunked', te('br', brotliCompressSync(secret), 3), [contains('file_data', 'secret payload')]),
  response('gzip, identity', ok(gzipSync(secret), 'Content-Encoding: gzip, identity\r\n'), [
    contains('file_data', 'secret payload'),
  ]),
  response(
    'identity, gzip',
    ok(gzipSync(secret), 'Content-Encoding: identity\r\nContent-Encoding: gzip\r\n'),
    [contains('file_data', 'secret payload')],
  ),
  response(
    'gzip,gzip',
    ok(gzipSync(gzipSync(secret)), 'Content-Encoding: gzip, gzip\r\n'),
    [],
    [],
    ['119:227'],
  ),
  response('GZIP caps', ok(gzipSync(secret), 'content-encoding:GZIP\r\n'), [
    contains('file_data', 'secret payload'),
  ]),
  response(
    'br unknown',
    ok(brotliCompressSync(secret), 'Content-Encoding: foo\r\n'),
    [],
    [contains('file_data', 'secret payload')],
    ['119:226'],
  ),
  response('utf16le', ok(utf16('hidden text'), 'Content-Type: text/html; charset=utf-16le\r\n'), [
    contains('file_data', 'hidden text'),
  ]),
  response(
    'utf16 in packet data',
    ok(utf16('hidden text'), 'Content-Type: text/html\r\n'),
    [
      contains('file_data', 'hidden text'),
      contains('pkt_data', 'h|00|i|00|d|00|'),
      contains('http_raw_body', 'h|00|i|00|d|00|'),
      'content:"h|00|i|00|d|00|"',
    ],
    [contains('file_data', 'h|00|i')],
  ),
  response('utf16be', ok(utf16('hidden text', true), 'Content-Type: text/html; charset=UTF-16BE\r\n'), [
    contains('file_data', 'hidden text'),
  ]),
  response('utf16 bom', ok(utf16('hidden text', false, true), 'Content-Type: text/html\r\n'), [
    contains('file_data', 'hidden text'),
  ]),
  response(
    'utf16be bom charset utf-16',
    ok(utf16('hidden text', true, true), 'Content-Type: text/html; charset="utf-16"\r\n'),
    [contains('file_data', 'hidden text')],
  ),
  response('utf32le', ok(utf32('hidden text'), 'Content-Type: text/html; charset=utf-32le\r\n'), [
    contains('file_data', 'hidden text'),
  ]),
  response('utf32be bom', ok(utf32('hidden text', true, true), 'Content-Type: text/html\r\n'), [
    contains('file_data', 'hidden text'),
  ]),
  response(
    'utf16 in gzip',
    ok(
      gzipSync(utf16('hidden text')),
      'Content-Type: text/html; charset=utf-16le\r\nContent-Encoding: gzip\r\n',
    ),
    [contains('file_data', 'hidden text')],
  ),
  response('utf16 no content type', ok(utf16('hidden text', false, true)), [], []),
  response(
    'charset with spaces',
    ok(utf16('hidden text'), 'Content-Type: text/html; charset = utf-16le\r\n'),
    [],
  ),
  response(
    'charset other param first',
    ok(utf16('hidden text'), 'Content-Type: text/html; x=y; charset=utf-16le; q=1\r\n'),
    [contains('file_data', 'hidden text')],
  ),
  response('utf7', ok('+ADw-', 'Content-Type: text/html; charset=utf-7\r\n'), [], [], ['119:105']),
  request('gzip request body', post(gzipSync(secret), 'Content-Encoding: gzip\r\n'), [
    contains('http_client_body', 'secret payload'),
    contains('file_data', 'secret payload'),
  ]),
  request(
    'multipart',
    post(
      '--B\r\nContent-Disposition: form-data; name="f"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\npart one\r\n--B\r\nContent-Disposition: form-data; name="g"\r\nContent-Transfer-Encoding: base64\r\n\r\nZXZpbCBwYXJ0\r\n--B--\r\n',
      'Content-Type: multipart/form-data; boundary=B\r\n',
    ),
    [
      contains('file_data', 'part one'),
      contains('file_data', 'evil part'),
      contains('http_client_body', 'ZXZpbCBwYXJ0'),
      contains('http_client_body', 'name=|22|f'),
    ],
    [],
  ),
  request(
    'multipart quoted boundary',
    post('--B B\r\n\r\npart two\r\n--B B--\r\n', 'Content-Type: multipart/form-data; boundary="B B"\r\n'),
    ['file_data; content:"part two"; bufferlen:8'],
    [],
  ),
  request(
    'multipart chunked gzip',
    Buffer.concat([
      Buffer.from(
        'POST /m HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Type: multipart/mixed; boundary=Q\r\n\r\n',
      ),
      chunk(Buffer.from('--Q\r\nContent-Type: application/octet-stream\r\n\r\nbin\0ary\r\n--Q--\r\n'), 5),
    ]),
    ['file_data; content:"bin|00|ary"; bufferlen:7'],
    [],
  ),
  request(
    'post no length',
    'POST /nl HTTP/1.1\r\nHost: h\r\n\r\nGET /after HTTP/1.1\r\n\r\n',
    [contains('http_uri', '/after')],
    [],
    ['119:28'],
  ),
  request(
    'CL list',
    post('evilbody', 'X: y\r\n').toString('latin1').replace('Content-Length: 8', 'Content-Length: 8, 8'),
    [contains('http_client_body', 'evilbody')],
  ),
  request(
    'chunked request + pipelined',
    'POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nevil\r\n0\r\n\r\nGET /piped HTTP/1.1\r\n\r\n',
    [contains('http_client_body', 'evil'), contains('http_uri', '/piped')],
  ),
  response('1.0 to close', 'HTTP/1.0 200 OK\r\n\r\nclose body', [contains('file_data', 'close body')]),
  response(
    'status no reason',
    'HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nab',
    [contains('http_stat_code', '200'), contains('file_data', 'ab')],
    [],
  ),
  response(
    'bad status',
    'HTTP/1.1 999 Odd\r\nContent-Length: 2\r\n\r\nab',
    [contains('http_stat_code', '999'), contains('file_data', 'ab')],
    [],
    ['119:102'],
  ),
  response('huge chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffff\r\nabcdef', [
    contains('file_data', 'abcdef'),
  ]),
  response(
    'chunk leading ws',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n  6\r\nabcdef\r\n0\r\n\r\n',
    ['file_data; content:"abcdef"; bufferlen:6'],
    [],
    ['119:214'],
  ),
  response(
    'trailer resp',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n0\r\nX-Tr: evil\r\n\r\nHTTP/1.1 201 Next\r\nContent-Length: 0\r\n\r\n',
    [contains('http_trailer:field x-tr', 'evil'), contains('http_stat_code', '200')],
  ),
  {
    name: 'any port',
    port: 31337,
    turns: [
      ['>', get('/any')],
      ['<', ok('anybody')],
    ],
    hits: [contains('http_uri', '/any'), contains('file_data', 'anybody')],
  },
  {
    name: 'response first',
    turns: [
      ['<', ok('early')],
      ['>', get('/x')],
    ],
    hits: [contains('file_data', 'early'), contains('http_uri', '/x')],
    events: ['119:228'],
  },
  {
    name: 'smuggled',
    turns: [
      [
        '>',
        'POST /a HTTP/1.1\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n',
      ],
    ],
    hits: [contains('http_uri', '/smuggled')],
    events: ['119:220'],
  },
  {
    name: 'TE.1 obfuscated',
    turns: [
      [
        '>',
        'POST /a HTTP/1.1\r\nTransfer-Encoding:\tchunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nGET /s2 HTTP/1.1\r\n\r\n',
      ],
    ],
    hits: [contains('http_uri', '/s2'), contains('http_client_body', 'abc')],
  },
  {
    name: '304',
    turns: [
      ['>', get('/1') + get('/2')],
      ['<', Buffer.concat([Buffer.from('HTTP/1.1 304 NM\r\nContent-Length: 50\r\n\r\n'), ok('after304')])],
    ],
    hits: [contains('file_data', 'after304')],
  },
  {
    name: '206',
    turns: [
      ['>', get('/1')],
      ['<', 'HTTP/1.1 206 P\r\nContent-Length: 3\r\n\r\nabc'],
    ],
    events: ['119:245'],
  },
])
