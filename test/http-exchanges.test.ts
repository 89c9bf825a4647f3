/** Whole exchanges: bodies in pieces and under codings, lengths that lie, URIs of every encoding, as rules see them. */
import { deflateSync, gzipSync } from 'node:zlib'
import { checkProbes, contains, get, ok, type Probe, post, type Turn } from './support/http-probe.js'

const ex = (
  name: string,
  turns: readonly Turn[],
  hits: string[],
  misses: string[] = [],
  events: string[] = [],
  noEvents: string[] = [],
): Probe => ({ name, turns, hits, misses, events, noEvents })
const ce = (codings: string, body: Uint8Array) => ok(body, `Content-Encoding: ${codings}\r\n`)
const te = (body: string) => `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${body}`
const big = 'x'.repeat(30000)

checkProbes('exchanges', [
  ex(
    'pattern across chunks',
    [
      ['>', get('/')],
      ['<', te('3\r\nsec\r\n3\r\nret\r\n0\r\n\r\n')],
    ],
    [contains('file_data', 'secret'), contains('pkt_data', 'secret')],
  ),
  ex(
    'pattern across windows',
    [
      ['>', get('/')],
      ['<', ok(`${big.slice(0, 24570 - 60)}evilpattern${big}`)],
    ],
    [contains('file_data', 'evilpattern')],
  ),
  ex(
    'pattern across chunk and window',
    [
      ['>', get('/')],
      ['<', te(`${(24570).toString(16)}\r\n${big.slice(0, 24566)}evil\r\n7\r\npattern\r\n0\r\n\r\n`)],
    ],
    [contains('file_data', 'evilpattern')],
  ),
  ex(
    'header and body in one rule',
    [
      ['>', get('/')],
      ['<', ok('bodytext', 'X-H: head\r\n')],
    ],
    [
      'http_header; content:"X-H: head"; file_data; content:"bodytext"',
      'file_data; content:"bodytext"; http_header; content:"X-H"',
      'http_stat_code; content:"200"; file_data; content:"body",depth 4',
    ],
  ),
  ex(
    'head rule and late body',
    [
      ['>', get('/')],
      ['<', ok(`${big}lateword`, 'X-H: head\r\n')],
    ],
    ['http_header; content:"X-H: head"; file_data; content:"lateword"'],
  ),
  ex(
    'uri and body',
    [['>', post('param=evil')]],
    [
      'http_uri; content:"/p"; http_client_body; content:"evil"',
      'http_method; content:"POST"; http_uri; content:"/p"; http_header; content:"Host"',
    ],
  ),
  ex(
    'pipelined bodies',
    [['>', Buffer.concat([post('one'), post('two'), Buffer.from(get('/three'))])]],
    [
      contains('http_client_body', 'one'),
      contains('http_client_body', 'two'),
      contains('http_uri', '/three'),
    ],
  ),
  ex(
    'depth in body',
    [
      ['>', get('/')],
      ['<', ok('abcdef')],
    ],
    ['file_data; content:"abc",depth 3', 'file_data; content:"def",offset 3'],
    ['file_data; content:"def",depth 3'],
  ),
  ex(
    'relative over buffers',
    [['>', get('/abc?def=1')]],
    ['http_uri; content:"/abc"; content:"def",distance 1,within 3'],
    ['http_uri; content:"def"; content:"/abc",distance 0'],
  ),
  ex(
    'deflate bomb-ish',
    [
      ['>', get('/')],
      ['<', ce('deflate', deflateSync(Buffer.alloc(300000, 'a')))],
    ],
    [contains('file_data', 'aaaaaaaa')],
  ),
  ex(
    'gzip trailing garbage',
    [
      ['>', get('/')],
      ['<', ce('gzip', Buffer.concat([gzipSync('inside data'), Buffer.from('trailing junk')]))],
    ],
    [contains('file_data', 'inside data')],
    [],
    ['119:248'],
  ),
  ex(
    'gzip cut short',
    [
      ['>', get('/')],
      ['<', ce('gzip', gzipSync('inside data that is long enough '.repeat(50)).subarray(0, 60))],
    ],
    [contains('file_data', 'inside data')],
  ),
  ex(
    'not gzip at all',
    [
      ['>', get('/')],
      ['<', ce('gzip', Buffer.from('plain text body'))],
    ],
    [contains('file_data', 'plain text body')],
    [],
    ['119:217'],
  ),
  ex(
    'identity header',
    [
      ['>', get('/')],
      ['<', ce('identity', Buffer.from('plain text body'))],
    ],
    [contains('file_data', 'plain text body')],
  ),
  ex(
    'compress unsupported',
    [
      ['>', get('/')],
      ['<', ce('compress', Buffer.from('\x1f\x9d plain'))],
    ],
    [],
    [],
    ['119:225'],
  ),
  ex(
    'gzip body longer than length',
    [
      ['>', get('/')],
      ['<', Buffer.concat([ce('gzip', gzipSync('abc')), ok('second')])],
    ],
    [],
  ),
  ex(
    'head without blank line then close',
    [['>', 'GET /partial HTTP/1.1\r\nHost: h\r\nX: y']],
    [contains('http_uri', '/partial'), contains('http_header', 'Host: h')],
  ),
  ex('start line without end', [['>', 'GET /cut HTTP/1.']], [], [], ['119:284']),
  ex('absolute https', [['>', get('https://h:443/x;y?z')]], ['http_uri; content:"/x|3b|y?z"; bufferlen:6']),
  ex(
    'ipv6 host',
    [['>', get('http://[::1]:8080/six')]],
    ['http_uri; content:"/six"; bufferlen:4', 'http_uri:port; content:"8080"'],
  ),
  ex('userinfo', [['>', get('http://a:b@h/ui')]], ['http_uri; content:"/ui"; bufferlen:3']),
  ex(
    'Host mismatch absolute',
    [['>', 'GET http://real/ HTTP/1.1\r\nHost: fake\r\nHost: two\r\n\r\n']],
    ['http_header:field host; content:"fake,two"'],
    [],
    ['119:24'],
  ),
  ex(
    'LF CR LF',
    [['>', `GET /lfcrlf HTTP/1.1\nHost: h\n\r\n${get('/next')}`]],
    [contains('http_uri', '/lfcrlf'), contains('http_uri', '/next')],
  ),
  ex(
    'tab separated header',
    [['>', get('/', 'X:\ty\t\r\n')]],
    ['http_header:field x; content:"y"; bufferlen:1'],
  ),
  ex(
    'nul in header name',
    [['>', get('/', 'X\0Y: z\r\n')]],
    [contains('http_header', 'X|00|Y: z')],
    [],
    ['119:230'],
  ),
  ex('8bit uri', [['>', get('/\xe4\xf6\xfc')]], [contains('http_uri', '/|e4 f6 fc|')]),
  ex('percent 8bit', [['>', get('/%e4%f6')]], [contains('http_uri', '/|e4 f6|')]),
  ex('utf8 2 byte to latin', [['>', get('/%c3%a9')]], [contains('http_uri', '/|e9|')], [], ['119:6']),
  ex('raw utf8 untouched', [['>', get('/\xc3\xa9')]], [contains('http_uri', '/|c3 a9|')]),
  ex('overlong 4 byte', [['>', get('/%f0%80%80%af')]], [contains('http_uri', '/|f0 80 80 af|')]),
  ex('%u surrogate', [['>', get('/%ud83d%ude00x')]], [contains('http_uri', '/|ff ff|x')]),
  ex('%u zero', [['>', get('/a%u0000b')]], [contains('http_uri', '/a|00|b')]),
  ex('double encoded percent u', [['>', get('/%25u0061')]], [contains('http_uri', '/a')]),
  ex('mixed case hex', [['>', get('/%4A%4a')]], [contains('http_uri', '/JJ')]),
  ex(
    '100 then gzip',
    [
      ['>', get('/')],
      ['<', Buffer.concat([Buffer.from('HTTP/1.1 100 C\r\n\r\n'), ce('gzip', gzipSync('after hundred'))])],
    ],
    [contains('file_data', 'after hundred')],
  ),
  ex(
    'HEAD pipelined with GET',
    [
      ['>', `HEAD /a HTTP/1.1\r\n\r\n${get('/b')}`],
      ['<', Buffer.concat([Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n'), ok('bbody')])],
    ],
    [contains('file_data', 'bbody')],
  ),
  ex(
    '1xx with body headers',
    [
      ['>', get('/')],
      [
        '<',
        Buffer.concat([
          Buffer.from('HTTP/1.1 103 Early\r\nLink: x\r\nContent-Length: 5\r\n\r\n'),
          ok('final'),
        ]),
      ],
    ],
    [contains('file_data', 'final')],
  ),
  ex(
    'two responses to one request',
    [
      ['>', get('/')],
      ['<', Buffer.concat([ok('first'), ok('second')])],
    ],
    [contains('file_data', 'first'), contains('file_data', 'second')],
    [],
    ['119:228'],
  ),
  ex(
    'negative CL',
    [
      ['>', get('/')],
      ['<', 'HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nnegative'],
    ],
    [contains('file_data', 'negative')],
    [],
    ['119:231'],
  ),
  ex(
    'plus CL',
    [
      ['>', get('/')],
      ['<', 'HTTP/1.1 200 OK\r\nContent-Length: +8\r\n\r\nplusplus'],
    ],
    [contains('file_data', 'plusplus')],
    [],
    ['119:231'],
  ),
  ex(
    'CL 0 then data',
    [
      ['>', get('/')],
      ['<', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nstray data'],
    ],
    [contains('pkt_data', 'stray')],
  ),
  ex(
    'CL too long',
    [
      ['>', get('/')],
      ['<', 'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nshort'],
    ],
    [contains('file_data', 'short')],
    [],
    ['119:260'],
  ),
  ex(
    'duplicate same CL',
    [
      ['>', get('/')],
      ['<', 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\nsame'],
    ],
    ['file_data; content:"same"; bufferlen:4'],
    [],
    ['119:21'],
  ),
  ex(
    'multipart response',
    [
      ['>', get('/')],
      [
        '<',
        ok(
          '--b\r\nContent-Type: text/plain\r\n\r\nrange one\r\n--b--\r\n',
          'Content-Type: multipart/byteranges; boundary=b\r\n',
        ),
      ],
    ],
    [contains('file_data', 'range one'), contains('file_data', '--b')],
  ),
  ex(
    'multipart without end',
    [
      [
        '>',
        post(
          '--B\r\nContent-Type: x\r\n\r\nunfinished part',
          'Content-Type: multipart/form-data; boundary=B\r\n',
        ),
      ],
    ],
    [contains('file_data', 'unfinished part')],
  ),
  ex(
    'multipart boundary with blanks',
    [
      [
        '>',
        post('--B\r\n\r\npart\r\n--B--\r\n', 'Content-Type: multipart/form-data ; boundary = B ; x=y\r\n'),
      ],
    ],
    [contains('http_client_body', 'part')],
  ),
  ex(
    'multipart qp',
    [
      [
        '>',
        post(
          '--B\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nev=69l\r\n--B--\r\n',
          'Content-Type: multipart/form-data; boundary=B\r\n',
        ),
      ],
    ],
    [contains('file_data', 'evil')],
  ),
  ex(
    'put with body',
    [['>', 'PUT /f HTTP/1.1\r\nContent-Length: 4\r\n\r\nevil']],
    [contains('http_client_body', 'evil'), contains('file_data', 'evil'), contains('http_method', 'PUT')],
  ),
  ex(
    'get with body',
    [['>', 'GET /f HTTP/1.1\r\nContent-Length: 4\r\n\r\nevil']],
    [contains('http_client_body', 'evil')],
  ),
  ex(
    'unknown method with body',
    [['>', 'FOOBAR /f HTTP/1.1\r\nContent-Length: 4\r\n\r\nevil']],
    [contains('http_client_body', 'evil')],
    [],
    ['119:31'],
  ),
  ex(
    'webdav',
    [['>', 'PROPFIND /d HTTP/1.1\r\nDepth: 1\r\nContent-Length: 6\r\n\r\n<evil>']],
    [contains('http_client_body', '<evil>')],
    [],
    [],
    ['119:31'],
  ),
  ex(
    'lower method',
    [['>', 'get /lower HTTP/1.1\r\n\r\n']],
    [contains('http_uri', '/lower'), contains('http_method', 'get')],
    [],
    ['119:31'],
  ),
])
