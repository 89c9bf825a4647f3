/** Parts of HTTP messages that Snort 3 rules name: header fields, URI components, parameters, trailers, the request answered. */
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { exchange, sids } from './harness.js'

type Row = readonly [options: string, fires: boolean]

const REQUEST =
  'POST http://User@Www.Example.ORG:8080/a%20b/../c.php?id=1%32&q=x+y&ID=zz#frag HTTP/1.1\r\nHost: one.example\r\n' +
  'X-Forwarded-For: 10.1.1.1, 192.0.2.7\r\nX-Empty:\r\nhost : two.example\r\nX-Folded: left\r\n\t right\r\n' +
  'Cookie: a=1; b=2;\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 13\r\n\r\nuser=%61b&id='
const TRAILER = 'X-Sum: %41bc\r\nX-Other:  7 \r\n'
const RESPONSE =
  'HTTP/1.1 404 Not  Found\r\nServer: srv\r\nSet-Cookie: t=1\r\nSet-Cookie: u=2\r\nX-Age: 42\r\n' +
  `Transfer-Encoding: chunked\r\n\r\n4\r\nbo\xe9y\r\n0\r\n${TRAILER}\r\n`

const TO_SERVER: readonly Row[] = [
  ['http_header:field host; content:"one.example,two.example"; bufferlen:23;', true],
  ['http_header:field host; content:"one",depth 3; isdataat:20,relative;', false],
  ['http_header:field x-folded; content:"left right"; bufferlen:10;', true],
  ['http_raw_header:field x-folded; content:"left|0d 0a 09 20|right";', true],
  ['http_header:field absent; content:!"x";', false],
  ['http_header:field cookie; content:"a=1|3b| b=2";', true],
  ['http_uri:scheme; content:"http"; bufferlen:4;', true],
  ['http_uri:host; content:"Www.Example.ORG"; bufferlen:15;', true],
  ['http_raw_uri:host; content:"Www.Example.ORG";', true],
  ['http_uri:port; content:"8080"; bufferlen:4;', true],
  ['http_uri:path; content:"/c.php"; bufferlen:6;', true],
  ['http_raw_uri:path; content:"/a%20b/../c.php"; bufferlen:15;', true],
  ['http_uri:query; content:"id=12&q=x y";', true],
  ['http_uri:fragment; content:"frag"; bufferlen:4;', true],
  ['http_version; content:"HTTP/1.1"; bufferlen:8;', true],
  ['http_raw_request; content:"POST http"; content:"HTTP/1.1"; isdataat:!0,relative;', true],
  ['http_raw_status; content:"HTTP";', false],
  ['http_raw_body; content:"user=%61b";', true],
  ['http_true_ip; content:"192.0.2.7"; bufferlen:9;', true],
  ['http_param:"id"; content:"12&"; bufferlen:3;', true],
  ['http_param:"ID"; content:"zz"; bufferlen:2;', true],
  ['http_param:"id",nocase; content:"zz";', true],
  ['http_param:"user"; content:"ab"; bufferlen:2;', true],
  ['http_param:"none"; content:!"x";', false],
  // What is empty is not there.
  ['http_header:field x-empty; content:!"x";', false],
  // The head has numbers only when it is known to be one: the bytes as they came do not count.
  ['content:"POST"; http_num_headers:>1;', false],
  ['http_num_headers:8;', true],
  ['http_num_headers:<8;', false],
  ['http_num_cookies:2;', true],
  ['http_max_header_line:47;', true],
  ['http_version_match:"1.0 1.1";', true],
  ['http_version_match:"1.0 other malformed";', false],
  ['http_header_test:field content-length,numeric true,check 10<=>13;', true],
  ['http_header_test:field content-length,check >13;', false],
  ['http_header_test:field host,numeric false;', true],
  ['http_header_test:field host,numeric true;', false],
  ['http_header_test:field x-none,absent;', true],
  ['http_header_test:field host,absent;', false],
  ['http_header_test:field x-none,numeric false;', false],
  // Retried in one part while another is asked in between.
  [
    'http_header:field host; content:"e"; content:"xample,",distance 0,within 7; http_uri:path; content:"c";',
    true,
  ],
]

const TO_CLIENT: readonly Row[] = [
  ['http_raw_status; content:"HTTP/1.1 404 Not  Found"; bufferlen:23;', true],
  ['http_version; content:"HTTP/1.1"; bufferlen:8;', true],
  ['http_version:request; content:"HTTP/1.1"; bufferlen:8;', true],
  ['http_raw_request; content:"POST http";', true],
  ['http_uri; content:"/c.php";', true],
  ['http_raw_uri; content:"/a%20b/../c.php";', true],
  ['http_method; content:"POST"; bufferlen:4;', true],
  ['http_uri:path; content:"/c.php"; bufferlen:6; http_stat_code; content:"404";', true],
  ['http_header:request; content:"two.example"; content:!"Cookie";', true],
  ['http_header:request,field host; content:"two.example";', true],
  ['http_header:field host; content:"two.example";', false],
  ['http_cookie:request; content:"a=1|3b| b=2";', true],
  ['http_param:"q"; content:"x y"; bufferlen:3;', true],
  ['http_trailer; content:"X-Sum: Abc"; bufferlen:23;', true],
  ['http_raw_trailer; content:"X-Sum: %41bc";', true],
  ['http_trailer:field x-other; content:"7"; bufferlen:1;', true],
  ['http_num_trailers:2;', true],
  ['http_max_trailer_line:12;', true],
  ['http_trailer_test:field x-other,check 7;', true],
  ['http_num_cookies:2;', true],
  ['http_num_cookies:2,request;', true],
  ['http_num_headers:8,request;', true],
  ['http_num_headers:5;', true],
  ['http_version_match:"1.1";', true],
  ['http_version_match:"1.1",request;', true],
  ['http_header_test:field x-age,check 40<=>45;', true],
  ['http_raw_body; content:"bo|e9|y"; bufferlen:4;', true],
]

const rule = (options: string): string => `alert tcp any any -> any any (${options} sid:1;)`

describe('parts of messages', () => {
  it.each(TO_SERVER)('request, %s: %s', (options, fires) => {
    const traffic = exchange(REQUEST, RESPONSE)
    expect(sids(rule(`flow:to_server; ${options}`), traffic, { dialect: 'snort3' })).toEqual(fires ? [1] : [])
  })

  it.each(TO_CLIENT)('response, %s: %s', (options, fires) => {
    const traffic = exchange(REQUEST, RESPONSE)
    expect(sids(rule(`flow:to_client; ${options}`), traffic, { dialect: 'snort3' })).toEqual(fires ? [1] : [])
  })

  it.each([
    ['HTTP/0.9', 'GET /a\r\n', '0.9'],
    ['HTTP/1.0', 'GET /a HTTP/1.0\r\n\r\n', '1.0'],
    ['HTTP/2.0 without frames', 'GET /a HTTP/2.0\r\n\r\n', 'other'],
    ['another', 'GET /a HTTP/7.7\r\n\r\n', 'other'],
    ['nonsense', 'GET /a HTTP/1.1x\r\n\r\n', 'malformed'],
  ])('version %s', (_name, request, version) => {
    for (const asked of ['0.9', '1.0', '1.1', '2.0', '3.0', 'other', 'malformed']) {
      const options = `flow:to_server; http_version_match:"${asked}";`
      const seen = sids(rule(options), exchange(request, 'x'), { dialect: 'snort3' })
      expect(seen).toEqual(asked === version ? [1] : [])
    }
  })

  it('a response whose request was not kept has none of its parts', () => {
    const long = `GET /${'a'.repeat(100)} HTTP/1.1\r\nX: ${'y'.repeat(40_000)}\r\nHost: h\r\n\r\n`
    const seen = (count: number, options: string): number[] => {
      const traffic = exchange(long.repeat(count), RESPONSE.repeat(count))
      return sids(rule(`flow:to_client; ${options}`), traffic, { dialect: 'snort3' })
    }
    expect(seen(1, 'http_uri:path; content:"/aaa";')).toEqual([1])
    expect(seen(1, 'http_header:request,field host; content:"h";')).toEqual([1])
    // There is memory for two of them.
    expect(seen(3, 'http_header:request,field host; content:"h";')).toEqual([1, 1])
  })
})

describe('hashes', () => {
  const body = 'For=abcdefg;\r\n'
  const hash = (name: string, text: string): string => createHash(name).update(text).digest('hex')
  const request = `POST / HTTP/1.1\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  it.each([
    [`sha256:"${hash('sha256', 'abcdefg')}",length 7,offset 4;`, true],
    [`sha512:"${hash('sha512', 'abcdefg')}",length 7,offset 4;`, true],
    [`md5:"${hash('md5', 'abcdefg')}",length 7,offset 4;`, true],
    [`sha256:"${hash('sha256', 'abcdefg')}",length 7,offset 5;`, false],
    [`sha256:!"${hash('sha256', 'abcdefg')}",length 7,offset 5;`, true],
    [`sha256:!"${hash('sha256', 'abcdefg')}",length 7,offset 4;`, false],
    [
      `content:"For"; md5:"${hash('md5', 'abcdefg')}",length 7,relative,offset 1; content:"|3b|",distance 0,within 1;`,
      true,
    ],
    // Bytes that are not there match neither way.
    [`md5:!"${hash('md5', 'abcdefg')}",length 70,offset 4;`, false],
    [`sha256:"|${hash('sha256', 'abcdefg')}|",length 7,offset 4;`, true],
  ])('%s %s', (options, fires) => {
    const text = rule(`flow:to_server; http_client_body; ${options}`)
    expect(sids(text, exchange(request, RESPONSE), { dialect: 'snort3' })).toEqual(fires ? [1] : [])
  })
})
