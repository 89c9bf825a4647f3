/** Events the HTTP inspector raises by itself (generator 119), switched on and off, filtered, and found in any segmentation. */
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { type CapturedFrame, conversation, fragment } from '../../../test/support/conversation.js'
import { builtinRules, HTTP_EVENT, HTTP_EVENTS } from '../../src/builtin/index.js'
import { exchange, run } from './harness.js'

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const GET = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n'
const ON = { detect: { builtinEvents: true } }

const events = (request: string, response = OK): number[] =>
  run('', exchange(request, response), ON)
    .alerts.map(({ record, sid }) => {
      expect(record.rule.gid).toBe(119)
      return sid
    })
    .sort((a, b) => a - b)

const uri = (text: string): string => `GET ${text} HTTP/1.1\r\nHost: h\r\n\r\n`
const request = (headers: string): string => `GET / HTTP/1.1\r\nHost: h\r\n${headers}\r\n`
const response = (headers: string, body = ''): string => `HTTP/1.1 200 OK\r\n${headers}\r\n${body}`
const gzip = (edit: (bytes: Buffer) => void): string => {
  const bytes = gzipSync('hello hello hello')
  edit(bytes)
  return `Content-Encoding: gzip\r\nContent-Length: ${bytes.length}\r\n\r\n${bytes.toString('latin1')}`
}

describe('rules that stand for events', () => {
  const stub = 'alert ( msg:"mine"; gid:119; sid:2; rev:7; priority:1; )'
  const double = 'GET /%2541 HTTP/1.1\r\nHost: h\r\n\r\n'

  it('switch on these events alone, with their own text', () => {
    const { alerts } = run(stub, exchange(double, OK), { dialect: 'snort3' })
    expect(
      alerts.map(({ record }) => [record.rule.gid, record.rule.sid, record.rule.rev, record.rule.msg]),
    ).toEqual([[119, 2, 7, 'mine']])
    expect(run(stub, exchange(GET, OK), { dialect: 'snort3' }).alerts).toEqual([])
  })

  it('replace the built-in ones', () => {
    const { alerts } = run(stub, exchange(double, OK), { dialect: 'snort3', ...ON })
    expect(alerts.map(({ record }) => record.rule.msg)).toEqual(['mine'])
  })
})

describe('HTTP events', () => {
  it.each([
    ['nothing', uri('/a/b.html?x=%20y#z'), []],
    ['unreserved encoded', uri('/%41'), [1]],
    ['double encoding', uri('/%2541'), [2]],
    ['%u', uri('/%u0041'), [3]],
    ['utf-8', uri('/%c3%a4'), [6]],
    ['slashes', uri('/a//b'), [8]],
    ['backslash', uri('/a%5cb'), [9]],
    ['self reference', uri('/a/./b'), [10]],
    ['traversal', uri('/a/../b'), [11]],
    ['above the root', uri('/../b'), [11, 18]],
    ['not in the query', uri('/a?b//c/../../\\'), []],
    ['tab', 'GET /a\tHTTP/1.1\r\nHost: h\r\n\r\n', [12]],
    ['bare LF', 'GET /a HTTP/1.1\nHost: h\r\n\r\n', [13]],
    ['long directory', uri(`/${'a'.repeat(301)}/b`), [15]],
    ['long header', request(`X: ${'y'.repeat(4100)}\r\n`), [19]],
    ['many headers', request('X: y\r\n'.repeat(201)), [20]],
    ['several lengths', request('Content-Length: 0\r\nContent-Length: 0\r\n'), [21]],
    ['several hosts', request('Host: i\r\n'), [24]],
    ['POST without length', 'POST /a HTTP/1.1\r\nHost: h\r\n\r\n', [28]],
    ['unknown method', 'FROB /a HTTP/1.1\r\nHost: h\r\n\r\n', [31]],
    ['HTTP/0.9', 'GET /a\r\n', [32]],
    ['space in URI', uri('/a b'), [33]],
    ['blanks before a message', ` ${GET}`, [203]],
    ['extra blank', 'GET  /a HTTP/1.1\r\nHost: h\r\n\r\n', [206]],
    ['no colon', request('nonsense\r\n'), [209]],
    ['bad escape', uri('/%zz'), [212]],
    ['blank in name', request('X : y\r\n'), [215]],
    [
      'length and chunks',
      `${request('Content-Length: 0\r\nTransfer-Encoding: chunked\r\n')}0\r\n\r\n`,
      [220],
    ],
    ['not ending in chunked', request('Transfer-Encoding: chunked, x\r\n'), [222]],
    [
      'more than chunked',
      `${request('Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n')}0\r\n\r\n`,
      [223],
    ],
    ['nonprinting name', request('X\x01: y\r\n'), [230]],
    ['bad length', request('Content-Length: x\r\n'), [231]],
    ['folded', request('X: y\r\n z\r\n'), [232]],
    ['bare CR', request('X: y\rY: z\r\n'), [233]],
    ['Expect without body', request('Expect: 100-continue\r\n'), [239]],
    ['Content-Transfer-Encoding', request('Content-Transfer-Encoding: base64\r\n'), [241]],
    ['small letters', 'GET /a http/1.1\r\nHost: h\r\n\r\n', [246]],
    ['blank in a length', request('Content-Length: 0 0\r\n'), [247]],
    ['long scheme', uri('averylongscheme://h/'), [262]],
    ['upgrade', request('Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n'), [263]],
    ['commas', request('Accept-Encoding: gzip,,br\r\n'), [272]],
    ['version 1.2', 'GET /a HTTP/1.2\r\nHost: h\r\n\r\n', [275]],
    ['version 0', 'GET /a HTTP/0.9\r\nHost: h\r\n\r\n', [276]],
    ['version 3', 'GET /a HTTP/3.0\r\nHost: h\r\n\r\n', [277]],
    ['no version', 'GET /a HTTP/1.10\r\nHost: h\r\n\r\n', [201, 281]],
    ['rubbish behind a request', `${GET}%1u`, [201, 284]],
  ])('request, %s', (_name, text, expected) => {
    expect(events(text)).toEqual(expected)
  })

  it.each([
    ['nothing', OK, []],
    ['code out of range', 'HTTP/1.1 900 No\r\nContent-Length: 0\r\n\r\n', [102]],
    ['utf-7', response('Content-Type: text/html; charset=utf-7\r\nContent-Length: 0\r\n'), [105]],
    ['control character', 'HTTP/1.1 200 O\x01K\r\nContent-Length: 0\r\n\r\n', [205]],
    ['no code', 'HTTP/1.1\r\nContent-Length: 0\r\n\r\n', [201, 279]],
    ['chunk zeros', response('Transfer-Encoding: chunked\r\n', '00000001\r\na\r\n0\r\n\r\n'), [202]],
    ['chunk options', response('Transfer-Encoding: chunked\r\n', '1;x=y\r\na\r\n0\r\n\r\n'), [210]],
    ['chunk blank', response('Transfer-Encoding: chunked\r\n', '1 \r\na\r\n0\r\n\r\n'), [214]],
    ['chunk bare LF', response('Transfer-Encoding: chunked\r\n', '1\na\r\n0\r\n\r\n'), [235]],
    ['chunk end', response('Transfer-Encoding: chunked\r\n', '1\r\na\n0\r\n\r\n'), [234]],
    ['broken chunk', response('Transfer-Encoding: chunked\r\n', 'x\r\na\r\n0\r\n\r\n'), [213, 261]],
    ['missing chunks', response('Transfer-Encoding: chunked\r\n', '5\r\na'), [261]],
    ['missing bytes', response('Content-Length: 5\r\n', 'a'), [260]],
    ['bodiless', 'HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n', [221]],
    ['unsupported coding', response('Content-Encoding: br\r\nContent-Length: 0\r\n'), [225]],
    ['unknown coding', response('Content-Encoding: foo\r\nContent-Length: 0\r\n'), [226]],
    ['codings', response('Content-Encoding: gzip, deflate\r\nContent-Length: 0\r\n'), [227]],
    ['chunked as coding', response('Content-Encoding: chunked\r\nContent-Length: 0\r\n'), [244]],
    ['102', 'HTTP/1.1 102 Processing\r\n\r\n', [238]],
    ['1.0 and chunks', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', [240]],
    ['gzip, bad', `HTTP/1.1 200 OK\r\n${gzip((bytes) => bytes.fill(0xff, 10, 14))}`, [217]],
    ['gzip, extra flag', `HTTP/1.1 200 OK\r\n${gzip((bytes) => bytes.writeUInt8(0x20, 3))}`, [288]],
    ['upgraded', 'HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\n\r\n', [264]],
  ])('response, %s', (_name, text, expected) => {
    expect(events(GET, text)).toEqual(expected)
  })

  it('come once a message, in any segmentation', () => {
    const text = `${uri('/%41//a')}${uri('/%42')}`
    const cut = (mss: number): number[] => {
      const packets = conversation({ serverPort: 80, mss })
        .handshake()
        .client(text)
        .server(OK + OK)
        .close()
        .packets()
      return run('', packets, ON).alerts.map(({ sid }) => sid)
    }
    expect(cut(1460)).toEqual([1, 8, 1])
    expect(cut(7)).toEqual([1, 8, 1])
  })

  it('are off unless switched on', () => {
    expect(run('', exchange(uri('/%41'), OK)).alerts).toEqual([])
  })

  it('may be suppressed and limited like rules', () => {
    const suppressions = [
      { gid: 119, sid: HTTP_EVENT.UNRESERVED_ENCODED, track: undefined, addresses: undefined },
    ]
    const settings = { detect: { builtinEvents: true, suppressions } }
    expect(run('', exchange(uri('/%41//a'), OK), settings).alerts.map(({ sid }) => sid)).toEqual([8])
  })

  it('have a text each, and are named by message and direction', () => {
    expect(Object.keys(HTTP_EVENTS.texts).map(Number)).toEqual(
      Object.values(HTTP_EVENT).sort((a, b) => a - b),
    )
    expect(new Set(builtinRules().map(({ gid, sid }) => `${gid}:${sid}`)).size).toBe(builtinRules().length)
    const [alert] = run('', exchange(GET, 'HTTP/1.1 900 No\r\nContent-Length: 0\r\n\r\n'), ON).alerts
    expect(alert).toMatchObject({ direction: 'S2C', service: 'http' })
    expect(alert!.record.rule).toMatchObject({
      msg: '(http_inspect) invalid status code in HTTP response',
      priority: 3,
    })
  })
})

describe('events of packets and connections', () => {
  const found = (packets: readonly CapturedFrame[]): string[] => [
    ...new Set(run('', packets, ON).alerts.map(({ record: { rule } }) => `${rule.gid}:${rule.sid}`)),
  ]
  const [syn] = conversation({ serverPort: 7777 }).handshake().packets()
  const changed = (edit: (frame: Uint8Array) => void): CapturedFrame[] => {
    const frame = Uint8Array.from(syn!.frame)
    edit(frame)
    return [{ ...syn!, frame }]
  }
  const unchecked = { ...ON, stack: { checksums: 'ignore' } } as const
  const sidsOf = (packets: readonly CapturedFrame[]): string[] =>
    run('', packets, unchecked).alerts.map(({ record: { rule } }) => `${rule.gid}:${rule.sid}`)

  it('none of an ordinary connection', () => {
    expect(found(conversation({ serverPort: 7777 }).handshake().client('x').close().packets())).toEqual([])
  })

  it.each<[string, (frame: Uint8Array) => void, string[]]>([
    ['loopback', (frame) => frame.fill(127, 26, 27), ['116:150']],
    ['same addresses', (frame) => frame.copyWithin(30, 26, 30), ['116:151']],
    ['no time to live', (frame) => frame.fill(0, 22, 23), ['116:404']],
    ['SYN and FIN', (frame) => frame.fill(3, 47, 48), ['116:420', '116:422']],
    ['no flags', (frame) => frame.fill(0, 47, 48), ['116:423']],
    ['to port 0', (frame) => frame.fill(0, 36, 38), ['116:446']],
    ['TCP header too short', (frame) => frame.fill(0x40, 46, 47), ['116:46']],
    ['IPv4 header too short', (frame) => frame.fill(0x44, 14, 15), ['116:2']],
  ])('%s', (_, edit, expected) => {
    expect(sidsOf(changed(edit))).toEqual(expected)
  })

  it('what the stack finds odd about a connection', () => {
    const talk = conversation({ serverPort: 7777 }).handshake().client('x').server('y').close().packets()
    const rules = 'alert ( msg:"midstream"; gid:129; sid:20; rev:1; )'
    const { alerts } = run(rules, talk.slice(3), { dialect: 'snort3', stack: { midstream: true } })
    expect(alerts.map(({ sid }) => sid)).toEqual([20])
  })

  it('leaves out what Snort raises only when it is configured to', () => {
    const talk = conversation({ serverPort: 7777 }).handshake().client('x').server('y').close().packets()
    expect(run('', talk.slice(3), { ...ON, stack: { midstream: true } }).alerts).toEqual([])
  })

  it('tells of connections begun, established and over, when asked to (generator 135)', () => {
    const rules = [1, 2, 3].map((sid) => `alert ( msg:"session"; gid:135; sid:${sid}; rev:1; )`).join('\n')
    const talk = conversation({ serverPort: 7777 }).handshake().client('x').close().packets()
    const { alerts } = run(rules, talk, { dialect: 'snort3' })
    expect(alerts.map(({ sid, direction }) => [sid, direction])).toEqual([
      [1, 'C2S'],
      [2, 'C2S'],
      [3, 'C2S'],
    ])
    expect(found(talk)).toEqual([])
  })

  it('what fragments do (generator 123)', () => {
    const [packet] = conversation({ serverPort: 7777 }).handshake().client('x'.repeat(100)).packets().slice(3)
    const parts = fragment([packet!], 64)
    const first = { ...parts[0]!, frame: parts[0]!.frame.slice() }
    first.frame.fill(0x79, 60, 70)
    const { alerts } = run('', [first, ...parts], { ...ON, stack: { midstream: true } })
    const told = alerts.map(({ record: { rule } }) => `${rule.gid}:${rule.sid} ${rule.msg}`)
    expect(told).toContain('123:8 (stream_ip) fragmentation overlap')
  })

  it('are switched by rules of their own, too', () => {
    const rules = 'alert ( msg:"port 0"; gid:116; sid:446; rev:1; )'
    const { alerts } = run(
      rules,
      changed((frame) => frame.fill(0, 36, 38)),
      {
        dialect: 'snort3',
        stack: { checksums: 'ignore' },
      },
    )
    expect(alerts.map(({ sid }) => sid)).toEqual([446])
  })
})
