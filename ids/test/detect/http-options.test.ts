/** Rules on HTTP messages: buffers, urilen, services and ports, and what "packet data" is in the two dialects. */
import { describe, expect, it } from 'vitest'
import { conversation } from '../../../test/support/conversation.js'
import { exchange, run, sids } from './harness.js'

const REQUEST =
  'POST /a%20b/../c.php?x=%41%2e HTTP/1.1\r\nHost: h.example\r\nCookie: sid=1%32\r\nUser-Agent: tester\r\n' +
  'Content-Length: 9\r\n\r\nkey=value'
const RESPONSE = 'HTTP/1.1 404 Not Found\r\nServer: srv\r\nSet-Cookie: t=1\r\nContent-Length: 4\r\n\r\nbody'

type Row = readonly [options: string, fires: boolean]

const TO_SERVER: readonly Row[] = [
  ['content:"/c.php"; http_uri;', true],
  ['content:"/a b/"; http_uri;', false],
  ['content:"/a%20b/../c.php"; http_raw_uri;', true],
  ['content:"x=A."; http_uri;', true],
  ['uricontent:"x=A.";', true],
  ['content:"POST"; http_method;', true],
  ['content:"GET"; http_method;', false],
  ['content:!"GET"; http_method;', true],
  ['content:"User-Agent|3A| tester"; http_header;', true],
  ['content:"sid="; http_header;', false],
  ['content:"Cookie|3A| sid="; http_raw_header;', true],
  ['content:"sid=12"; http_cookie;', true],
  ['content:"sid=1%32"; http_raw_cookie;', true],
  ['content:"key=value"; http_client_body;', true],
  ['content:"body"; http_client_body;', false],
  ['content:"POST /a%20b"; depth:11;', true],
  ['content:"key=value";', true],
  ['content:"tester|0D 0A|";', true],
  ['urilen:24;', true],
  ['urilen:<20;', false],
  ['urilen:10<>40,raw;', true],
  ['urilen:<20,norm;', true],
  ['pcre:"/^\\/c\\.php/U";', true],
  ['pcre:"/^\\/a%20b/I";', true],
  ['pcre:"/^User-Agent/Hm";', true],
  ['pcre:"/^sid=12/C";', true],
  ['pcre:"/^key=/P";', true],
  ['pcre:"/^POST$/M";', true],
  // Relative inside one buffer; from another buffer it starts at the beginning.
  ['content:"/c"; http_uri; content:".php"; distance:0; within:4; http_uri;', true],
  ['content:"tester"; http_header; content:"c.php"; distance:0; http_uri;', true],
  ['content:"POST"; content:"/c.php"; distance:0; http_uri;', true],
  ['content:"/c"; http_uri; pcre:"/^\\.php/UR";', true],
  ['content:"php"; http_uri; pcre:"/^\\.php/UR";', false],
  ['content:"POST"; http_method; fast_pattern; content:"/c.php"; http_uri;', true],
  // A relative content is retried inside the buffer.
  ['content:"c"; http_uri; content:".php"; within:4; http_uri;', true],
  // fast_pattern:only is looked for in any case, anywhere in its buffer.
  ['content:"/C.PHP"; fast_pattern:only; http_uri;', true],
  ['content:"TESTER"; fast_pattern:only; http_uri;', false],
  ['content:"tester"; fast_pattern:0,3; http_header;', true],
  // There is no status line: a content of an absent buffer fails, negated too.
  ['content:!"404"; http_stat_code;', false],
  ['content:"404"; http_stat_code;', false],
]

const TO_CLIENT: readonly Row[] = [
  ['content:"404"; http_stat_code;', true],
  ['content:"Not Found"; http_stat_msg;', true],
  ['content:"Server|3A| srv"; http_header;', true],
  ['content:"t=1"; http_cookie;', true],
  ['file_data; content:"body"; depth:4;', true],
  ['file_data; content:"body"; distance:0; within:4;', true],
  ['file_data; content:"HTTP";', false],
  [
    'file_data; content:"bo"; content:"dy"; distance:0; within:2; pkt_data; content:"HTTP/1.1"; depth:8;',
    true,
  ],
  ['file_data; pcre:"/^body$/";', true],
  ['content:"HTTP/1.1 404"; depth:12;', true],
  ['content:"|0D 0A 0D 0A|body";', true],
  ['pcre:"/^404/S";', true],
]

describe.each([
  ['to_server', TO_SERVER],
  ['to_client', TO_CLIENT],
] as const)('Snort 2 rules, %s', (direction, rows) => {
  it.each(rows)('%s: %s', (options, fires) => {
    const rule = `alert tcp any any <> any 80 (flow:${direction},established; ${options} sid:1;)`
    expect(sids(rule, exchange(REQUEST, RESPONSE))).toEqual(fires ? [1] : [])
  })
})

const SNORT3: readonly Row[] = [
  ['flow:to_server; http_uri; content:"/c.php",fast_pattern;', true],
  [
    'flow:to_server; http_uri; content:"c"; content:".php",distance 0,within 4; http_method; content:"POST";',
    true,
  ],
  ['flow:to_server; http_raw_uri; bufferlen:24;', true],
  [
    'flow:to_server; http_header; content:"tester"; http_client_body; content:"key"; content:"=",distance 0;',
    true,
  ],
  // On a flow known to be HTTP, packet data is the body; the first request is also looked at as it came.
  ['flow:to_server; content:"POST /a";', true],
  ['flow:to_server; content:"POST /a"; http_method; content:"POST";', false],
  ['flow:to_server; content:"key=value",depth 9;', true],
  ['flow:to_client; content:"HTTP/1.1",depth 8;', false],
  ['flow:to_client; pkt_data; content:"body",depth 4;', true],
  // Snort 3 finds nothing in raw_data of a message.
  ['flow:to_client; raw_data; content:"body",depth 4;', false],
  ['flow:to_client; http_stat_code; content:"404"; file_data; content:"body";', true],
]

describe('Snort 3 rules', () => {
  it.each(SNORT3)('%s: %s', (options, fires) => {
    const rule = `alert tcp any any -> any any (${options} sid:1;)`
    expect(sids(rule, exchange(REQUEST, RESPONSE), { dialect: 'snort3' })).toEqual(fires ? [1] : [])
  })
})

describe('services and ports', () => {
  const at = (port: number, header: string, metadata: string): number[] =>
    sids(
      `alert tcp ${header} (flow:to_server,established; content:"/c.php"; http_uri; ${metadata} sid:1;)`,
      exchange(REQUEST, RESPONSE, port),
    )

  it('finds a rule by the service of the flow, whatever the port', () => {
    expect(at(8765, 'any any -> any 80', 'metadata:service http;')).toEqual([1])
    expect(at(8765, 'any any -> any 80', 'metadata:service smtp, service http;')).toEqual([1])
  })

  it('goes by the port when the rule names no service', () => {
    expect(at(8765, 'any any -> any 80', '')).toEqual([])
    expect(at(80, 'any any -> any 80', '')).toEqual([1])
    expect(at(80, 'any any -> any !80', '')).toEqual([])
    expect(at(80, 'any any -> any [8080,70:90]', '')).toEqual([1])
  })

  it('leaves out rules for other services only, but for the bytes by which the service was recognised', () => {
    const two = conversation({ serverPort: 80 }).handshake().client(REQUEST).server(RESPONSE).client(REQUEST)
    const packets = two.server(RESPONSE).close().packets()
    const rule = (metadata: string) =>
      `alert tcp any any -> any 80 (flow:to_server; content:"/c.php"; http_uri; ${metadata} sid:1;)`
    expect(sids(rule('metadata:service smtp;'), packets)).toEqual([1])
    expect(sids(rule('metadata:service http;'), packets)).toEqual([1, 1])
  })

  it('shows Snort 3 rules the whole of the first request only', () => {
    const two = conversation({ serverPort: 80 }).handshake().client(REQUEST).server(RESPONSE).client(REQUEST)
    const rule = 'alert tcp any any -> any 80 (flow:to_server; content:"POST /a"; sid:1;)'
    expect(sids(rule, two.close().packets(), { dialect: 'snort3' })).toEqual([1])
  })

  it('goes by the port while the service is not known', () => {
    const rule = 'alert tcp any any -> any 7777 (content:"zebra"; metadata:service http; sid:1;)'
    const packets = (port: number) =>
      conversation({ serverPort: port }).handshake().client('zebra').close().packets()
    expect(sids(rule, packets(7777))).toEqual([1])
    expect(sids(rule, packets(7778))).toEqual([])
  })

  it('shows a rule whose ports are others the body as packet data', () => {
    const rule = (content: string) =>
      `alert tcp any any -> any 2301 (content:"${content}"; metadata:service http; sid:1;)`
    expect(sids(rule('../'), exchange(REQUEST, RESPONSE))).toEqual([])
    expect(sids(rule('key=value'), exchange(REQUEST, RESPONSE))).toEqual([1])
    expect(sids(rule('../'), exchange(REQUEST, RESPONSE, 2301))).toEqual([1])
  })
})

describe('messages', () => {
  it('alerts once for each request of a pipeline', () => {
    const three = 'GET /evil HTTP/1.1\r\nHost: h\r\n\r\n'.repeat(3)
    const rule = 'alert tcp any any -> any 80 (flow:to_server; content:"/evil"; http_uri; sid:1;)'
    expect(sids(rule, exchange(three, RESPONSE))).toEqual([1, 1, 1])
  })

  it('finds a pattern that lies in a chunked or compressed body', () => {
    const rule = 'alert tcp any any -> any any (flow:to_client; file_data; content:"evil pattern"; sid:1;)'
    const chunked =
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nevil p\r\n6\r\nattern\r\n0\r\n\r\n'
    expect(sids(rule, exchange('GET / HTTP/1.1\r\nHost: h\r\n\r\n', chunked))).toEqual([1])
  })

  it.each([
    ['content:"evil pattern";', true],
    ['content:"|0d 0a 0d 0a|evil pattern";', true],
    ['content:"6|0d 0a|evil p|0d 0a|6|0d 0a|attern"; rawbytes;', true],
    ['content:"evil pattern"; rawbytes;', false],
    ['content:"200"; http_stat_code; content:"|0d 0a|0|0d 0a 0d 0a|"; rawbytes;', true],
    ['content:"|0d 0a|0|0d 0a 0d 0a|";', false],
  ])('packet data is the head and the decoded body, rawbytes what was sent: %s', (options, fires) => {
    const rule = `alert tcp any any -> any any (flow:to_client; ${options} sid:1;)`
    const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
    const chunked = `${head}6\r\nevil p\r\n6\r\nattern\r\n0\r\n\r\n`
    expect(sids(rule, exchange('GET / HTTP/1.1\r\nHost: h\r\n\r\n', chunked))).toEqual(fires ? [1] : [])
  })

  it('fills the HTTP facts of the alert', () => {
    const rule = 'alert tcp any any -> any 80 (flow:to_server; content:"/c.php"; http_uri; sid:1;)'
    const [alert] = run(rule, exchange(REQUEST, RESPONSE)).alerts
    expect(alert).toMatchObject({
      service: 'http',
      direction: 'C2S',
      fromStream: true,
      http: { hostname: 'h.example', method: 'POST', userAgent: 'tester' },
    })
    expect(alert!.payload).toBe(REQUEST)
  })
})

describe('long messages', () => {
  const long = (body: string): string =>
    `HTTP/1.1 200 OK\r\nServer: srv\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  const GET = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n'
  const filler = (length: number): string => 'x'.repeat(length)

  it.each([100, 16_000, 16_380, 20_000, 40_000, 70_000])('finds a pattern at %d and alerts once', (at) => {
    const body = `${filler(at)}needle${filler(30_000)}`
    const rule = 'alert tcp any any -> any any (flow:to_client; file_data; content:"needle"; sid:1;)'
    expect(sids(rule, exchange(GET, long(body)))).toEqual([1])
  })

  it('sees what lies up to a look-back before a window', () => {
    const body = `${filler(24_000)}first${filler(8_000)}second${filler(20_000)}`
    const rule =
      'alert tcp any any -> any any (flow:to_client; file_data; content:"first"; content:"second"; distance:0; sid:1;)'
    expect(sids(rule, exchange(GET, long(body)))).toEqual([1])
  })

  it('waits for the rest of a rule whose fast pattern came in an earlier window', () => {
    const body = `fast pattern first${filler(24_000)}then!${filler(20_000)}`
    const rule =
      'alert tcp any any -> any any (flow:to_client; content:"200"; http_stat_code; file_data; ' +
      'content:"fast pattern first"; content:"then!"; sid:1;)'
    expect(sids(rule, exchange(GET, long(body)))).toEqual([1])
  })

  it('counts positions from the start of the body, not of the window', () => {
    const body = `${filler(20_000)}needle${filler(20_000)}`
    const rule = (where: string) =>
      `alert tcp any any -> any any (flow:to_client; file_data; content:"needle"; ${where} sid:1;)`
    expect(sids(rule('offset:19999;'), exchange(GET, long(body)))).toEqual([1])
    expect(sids(rule('offset:20001;'), exchange(GET, long(body)))).toEqual([])
    expect(sids(rule('depth:6;'), exchange(GET, long(body)))).toEqual([])
    expect(sids(rule('depth:20006;'), exchange(GET, long(body)))).toEqual([1])
  })
})
