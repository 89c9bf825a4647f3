import { describe, expect, test } from 'vitest'
import { TO_CLIENT, TO_SERVER } from '../src/inspect/index.js'
import { Recorder, type SeenUnit } from './http-support.js'

/** One line per unit: kind, service and the raw bytes (those new in the window, when it is a later one). */
function story(units: readonly SeenUnit[]): string[] {
  return units.map((unit) => {
    const raw = unit.buffers.pkt_data!
    const mark =
      unit.kind === 'stream' ? `stream${unit.service} ${unit.direction === TO_SERVER ? '>' : '<'}` : unit.kind
    return `${mark} ${JSON.stringify(raw.text.slice(raw.fresh))}`
  })
}

const fileData = (units: readonly SeenUnit[]): (string | undefined)[] =>
  units.filter((unit) => unit.kind === 'response').map((unit) => unit.buffers.file_data?.text)

const GET = 'GET / HTTP/1.1\r\n\r\n'
const ok = (body: string): string => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`

describe('pairing of requests and responses', () => {
  test('pipelined requests and responses are one unit each', () => {
    const units = new Recorder()
      .client(GET.repeat(3))
      .server(ok('a') + ok('bc') + ok(''))
      .close()
    expect(units.map((unit) => unit.kind)).toEqual([
      'request',
      'request',
      'request',
      'response',
      'response',
      'response',
    ])
    expect(fileData(units)).toEqual(['a', 'bc', undefined])
  })

  test.each([
    ['a response to HEAD', 'HEAD / HTTP/1.1\r\n\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n'],
    ['204', GET, 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n'],
    ['304', GET, 'HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['100', GET, 'HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n'],
  ])('%s has no body', (_what, request, head) => {
    const units = new Recorder()
      .client(request + GET)
      .server(head + ok('next'))
      .close()
    expect(fileData(units)).toEqual([undefined, 'next'])
  })

  test('HEAD is matched to its own response when requests are pipelined', () => {
    const head = 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n'
    const units = new Recorder()
      .client(`${GET}HEAD / HTTP/1.1\r\n\r\n${GET}`)
      .server(`${head}one${head}${head}two`)
      .close()
    expect(fileData(units)).toEqual(['one', undefined, 'two'])
  })

  test('beyond the limit of outstanding requests methods are forgotten, and counted', () => {
    const recorder = new Recorder({ outstandingRequests: 2 })
    recorder.client(GET + GET + GET + GET).server(ok('a') + ok('b') + ok('c') + ok('d'))
    recorder.client(GET).server(ok('e'))
    expect(fileData(recorder.close())).toEqual(['a', 'b', 'c', 'd', 'e'])
    expect(recorder.context.counters.tooManyOutstanding).toBe(2)
  })

  test('a response without length lasts until the flow ends', () => {
    const units = new Recorder()
      .client(GET)
      .server('HTTP/1.1 200 OK\r\n\r\npart one, ')
      .server('part two')
      .close()
    expect(fileData(units)).toEqual(['part one, part two'])
  })

  test('unless another response begins at a turn', () => {
    const units = new Recorder()
      .client(GET)
      .server('HTTP/1.1 200 OK\r\n\r\nbody')
      .client(GET)
      .server(ok('next'), [2])
      .close()
    expect(fileData(units)).toEqual(['body', 'next'])
  })

  test('or what looks like its beginning turns out to be body', () => {
    const units = new Recorder()
      .client(GET)
      .server('HTTP/1.1 200 OK\r\n\r\nbody ')
      .client(GET)
      .server('HTT', [1])
      .server('P or not')
      .close()
    expect(fileData(units)).toEqual(['body HTTP or not'])
  })
})

describe('body length', () => {
  test.each([
    [
      'the first of several lengths counts',
      'Content-Length: 3\r\nContent-Length: 5',
      'abc',
      'conflictingContentLength',
    ],
    ['equal lengths are no conflict', 'Content-Length: 3, 3\r\nContent-Length: 3', 'abc', undefined],
    [
      'chunked wins over a length',
      'Content-Length: 99\r\nTransfer-Encoding: chunked',
      '3\r\nabc\r\n0\r\n\r\n',
      undefined,
    ],
    ['identity is no coding', 'Transfer-Encoding: identity\r\nContent-Length: 3', 'abc', undefined],
    [
      'chunked after another coding',
      'Transfer-Encoding: gzip, chunked',
      '3\r\nabc\r\n0\r\n\r\n',
      'badTransferEncoding',
    ],
    ['a folded length', 'Content-Length:\r\n 3', 'abc', undefined],
  ])('%s', (_what, lines, body, counter) => {
    const recorder = new Recorder()
      .client(GET + GET)
      .server(`HTTP/1.1 200 OK\r\n${lines}\r\n\r\n${body}${ok('next')}`)
    expect(fileData(recorder.close())).toEqual(['abc', 'next'])
    if (counter !== undefined) expect(recorder.context.counters).toMatchObject({ [counter]: 1 })
  })

  test.each(['-5', '+5', '5/6', '0x5', '5a', '', ','])(
    'length %j is none: the response lasts until the end',
    (length) => {
      const recorder = new Recorder()
        .client(GET)
        .server(`HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\nabcdef`)
      expect(fileData(recorder.close())).toEqual(['abcdef'])
      expect(recorder.context.counters.badContentLength).toBe(1)
    },
  )

  test('a length beyond all numbers means until the end', () => {
    for (const length of ['18446744073709551621', '9'.repeat(400)]) {
      const recorder = new Recorder()
        .client(GET)
        .server(`HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\nabc`)
      expect(fileData(recorder.close())).toEqual(['abc'])
    }
  })

  test('a request with an unreadable length has no body; what follows is inspected all the same', () => {
    const units = new Recorder().client('POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n<evil>').close()
    expect(story(units)).toEqual([
      'request "POST / HTTP/1.1\\r\\nContent-Length: x\\r\\n\\r\\n"',
      'stream1 > "<evil>"',
    ])
  })
})

describe('chunked coding', () => {
  const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
  test.each([
    ['sizes in capitals, with zeros', '0003\r\nabc\r\n000\r\n\r\n', 'abc'],
    ['extensions and blanks', '3 \t;a=b;c="d"\r\nabc\r\n0;z\r\n\r\n', 'abc'],
    ['bare LFs', '3\nabc\n0\n\n', 'abc'],
    ['trailers', '3\r\nabc\r\n0\r\nA: b\r\nC: d\r\n\r\n', 'abc'],
    ['blank lines before sizes', '\r\n3\r\nabc\r\n\r\n\n2\r\nde\r\n0\r\n\r\n', 'abcde'],
  ])('%s', (_what, body, text) => {
    const units = new Recorder()
      .client(GET + GET)
      .server(chunked + body + ok('next'), [1])
      .close()
    expect(fileData(units)).toEqual([text, 'next'])
  })

  test.each([
    ['a size that is no number', '3\r\nabc\r\nxyz', 'abcxyz'],
    ['no line end after the data', '3\r\nabcdef', 'abcdef'],
    ['a negative size', '-1\r\nabc', '-1\r\nabc'],
    ['an empty size', ';\r\nabc', ';\r\nabc'],
  ])('%s: the rest is body', (_what, body, text) => {
    const recorder = new Recorder().client(GET).server(chunked + body)
    expect(fileData(recorder.close())).toEqual([text])
    expect(recorder.context.counters.badChunk).toBe(1)
  })

  test('a size beyond all numbers is a chunk without end', () => {
    const units = new Recorder()
      .client(GET)
      .server(`${chunked}${'f'.repeat(100)}\r\nabc`)
      .close()
    expect(fileData(units)).toEqual(['abc'])
  })
})

describe('what is not a message', () => {
  test('other protocols are raw turns, byte for byte', () => {
    const units = new Recorder()
      .server('220 mail ESMTP\r\n')
      .client('\r\n EHLO x\r\n', [1])
      .server('250-one\r\n', [3])
      .server('250 two\r\n')
      .client('QUIT\r\n')
      .close()
    expect(story(units)).toEqual([
      'stream0 < "220 mail ESMTP\\r\\n"',
      'stream0 > "\\r\\n EHLO x\\r\\n"',
      'stream0 < "250-one\\r\\n250 two\\r\\n"',
      'stream0 > "QUIT\\r\\n"',
    ])
  })

  test.each([
    ['SIP', 'OPTIONS sip:a@b SIP/2.0\r\n\r\n'],
    ['RTSP', 'OPTIONS rtsp://a/b RTSP/1.0\r\n\r\n'],
    ['a method that is none', 'HELO example.org\r\n'],
    ['a method cut short', 'GE'],
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01'],
    ['memcached', 'get key\r\n'],
    ['a long line without HTTP', `FOO ${'x'.repeat(5000)}`],
  ])('%s', (_what, text) => {
    for (const pieces of [[], [1], [700]]) {
      const units = new Recorder().client(text, pieces).close()
      expect(story(units)).toEqual([`stream0 > ${JSON.stringify(text)}`])
    }
  })

  test('a mail that begins like a request does not make its flow HTTP', () => {
    const units = new Recorder().client('DATA\r\n').server('354 go on\r\n').client(GET).close()
    expect(story(units).at(-1)).toBe(`stream0 > ${JSON.stringify(GET)}`)
  })

  test('a flow picked up in the middle may turn out to be HTTP later', () => {
    const units = new Recorder({}, true).server('rest of a body').client(GET).server(ok('x')).close()
    expect(units.map((unit) => unit.kind)).toEqual(['stream', 'request', 'response'])
  })

  test('bytes between messages that begin none are inspected raw, until the next turn', () => {
    const recorder = new Recorder().client(`${GET}\0\0junk`).server(ok('a')).client(GET).server(ok('b'))
    expect(recorder.close().map((unit) => unit.kind)).toEqual([
      'request',
      'stream',
      'response',
      'request',
      'response',
    ])
    expect(recorder.context.counters.desynchronised).toBe(1)
  })

  test.each([[[]], [[1460]], [[1, 2303, 7]]])(
    'a request behind 200 KB of them is one, cut to %j',
    (pieces) => {
      const recorder = new Recorder().client('\r\n'.repeat(100_000) + GET, pieces).server(ok('x'))
      const units = recorder.close()
      expect(units.filter(({ kind }) => kind !== 'stream').map(({ kind }) => kind)).toEqual([
        'request',
        'response',
      ])
      expect(recorder.context.pool.peak).toBeLessThan(20_000)
    },
  )

  test('blank lines before messages are skipped', () => {
    const units = new Recorder()
      .client(`\r\n \n${GET}\r\n\r\n${GET}`, [1])
      .server(` \r\n${ok('a')}`)
      .close()
    expect(story(units)).toEqual([
      `request ${JSON.stringify(GET)}`,
      `request ${JSON.stringify(GET)}`,
      `response ${JSON.stringify(ok('a'))}`,
    ])
  })
})

describe('HTTP/0.9', () => {
  test('a request of one line ends with its turn, its response with the flow', () => {
    const units = new Recorder().client('GET /old\r\n', [4]).server('<html>', [2]).server('</html>').close()
    expect(story(units)).toEqual(['request "GET /old\\r\\n"', 'response "<html></html>"'])
    expect(units[0]!.buffers.http_uri!.text).toBe('/old')
    expect(units[1]!.buffers.file_data!.text).toBe('<html></html>')
    expect(units[1]!.http?.url).toBe('/old')
  })

  test('a request without version may have headers', () => {
    const units = new Recorder().client('GET /old\r\nHost: h\r\n\r\n').server(ok('x')).close()
    expect(units[0]!.buffers.http_header!.text).toBe('Host: h')
    expect(units[1]!.buffers.http_stat_code!.text).toBe('200')
  })
})

describe('tunnels', () => {
  test('after CONNECT both directions are raw', () => {
    const recorder = new Recorder()
      .client('CONNECT mail:25 HTTP/1.1\r\n\r\n')
      .server('HTTP/1.1 200 Established\r\nContent-Length: 9\r\n\r\n220 hello\r\n')
      .client('EHLO x\r\n')
    expect(story(recorder.close())).toEqual([
      'request "CONNECT mail:25 HTTP/1.1\\r\\n\\r\\n"',
      'response "HTTP/1.1 200 Established\\r\\nContent-Length: 9\\r\\n\\r\\n"',
      'stream0 < "220 hello\\r\\n"',
      'stream0 > "EHLO x\\r\\n"',
    ])
    expect(recorder.context.counters.tunnels).toBe(1)
  })

  test('a refused CONNECT changes nothing', () => {
    const units = new Recorder()
      .client('CONNECT a:1 HTTP/1.1\r\n\r\n')
      .server(`HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno`)
      .client(GET)
      .close()
    expect(units.map((unit) => unit.kind)).toEqual(['request', 'response', 'request'])
  })

  test('HTTP inside a tunnel is HTTP again', () => {
    const units = new Recorder()
      .client('CONNECT a:80 HTTP/1.1\r\n\r\n')
      .server('HTTP/1.1 200 OK\r\n\r\n')
      .client(GET, [1])
      .server(ok('in'))
      .close()
    expect(units.map((unit) => unit.kind)).toEqual(['request', 'response', 'request', 'response'])
  })

  test('101 Switching Protocols', () => {
    const units = new Recorder()
      .client('GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n')
      .server('HTTP/1.1 101 Switching\r\n\r\n\x81\x02hi')
      .client('\x81\x82abcdxx')
      .close()
    expect(story(units).slice(2)).toEqual(['stream0 < "\x81\\u0002hi"', 'stream0 > "\x81\x82abcdxx"'])
  })

  test('the HTTP/2 preface is no request', () => {
    expect(new Recorder().client('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n').close()).toEqual([])
    const units = new Recorder().client('PRI * HTTP/2.0\r\n\r\nno frames at all').close()
    expect(units.map((unit) => unit.kind)).toEqual(['stream'])
  })
})

describe('gaps', () => {
  test('inside a body of known length the message goes on behind them', () => {
    const recorder = new Recorder().client(GET + GET)
    recorder
      .server('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc')
      .gap(TO_CLIENT, 4)
      .server(`xyz${ok('next')}`)
    const units = recorder.close().filter((unit) => unit.kind === 'response')
    expect(
      units.map((unit) => [
        unit.sequence,
        unit.last,
        unit.buffers.file_data!.text,
        unit.buffers.file_data!.base,
      ]),
    ).toEqual([
      [0, false, 'abc', 0],
      [1, true, 'xyz', 7],
      [0, true, 'next', 0],
    ])
  })

  test('the end of a body may be missing', () => {
    const recorder = new Recorder().client(GET + GET)
    recorder.server('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc').gap(TO_CLIENT, 7).server(ok('next'))
    expect(fileData(recorder.close())).toEqual(['abc', 'next'])
  })

  test('inside a chunk', () => {
    const recorder = new Recorder().client(GET + GET)
    recorder.server('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nabc').gap(TO_CLIENT, 4)
    recorder.server(`xyz\r\n0\r\n\r\n${ok('next')}`)
    const bodies = recorder
      .close()
      .filter((unit) => unit.kind === 'response')
      .map((unit) => unit.buffers.file_data!)
    expect(bodies.map((body) => [body.text, body.base])).toEqual([
      ['abc', 0],
      ['xyz', 7],
      ['next', 0],
    ])
  })

  test('inside a head: what is there is inspected, then the next turn is looked at', () => {
    const recorder = new Recorder()
      .client('GET /a HTTP/1.1\r\nHost: h')
      .gap(TO_SERVER, 100)
      .client('lost\r\n\r\n')
      .server(ok('x'))
      .client(GET)
    const units = recorder.close()
    expect(story(units)).toEqual([
      'request "GET /a HTTP/1.1\\r\\nHost: h"',
      'stream1 > "lost\\r\\n\\r\\n"',
      `response ${JSON.stringify(ok('x'))}`,
      `request ${JSON.stringify(GET)}`,
    ])
    expect(units[0]!.buffers.http_header!.text).toBe('Host: h')
    expect(recorder.context.counters).toMatchObject({ gaps: 1, truncatedMessages: 1 })
  })

  test('a lost response does not shift the pairing of later ones', () => {
    const recorder = new Recorder()
      .client('HEAD /a HTTP/1.1\r\n\r\n')
      .gap(TO_CLIENT, 500)
      .client(GET)
      .server(ok('x'))
    expect(fileData(recorder.close())).toEqual(['x'])
  })

  test('in a raw turn end it', () => {
    const recorder = new Recorder().server('220 a').gap(TO_CLIENT, 3).server('b\r\n')
    expect(story(recorder.close())).toEqual(['stream0 < "220 a"', 'stream0 < "b\\r\\n"'])
  })
})

describe('the end of the flow', () => {
  test('flushes what is unfinished, in the order it was said', () => {
    const units = new Recorder()
      .client('POST /a HTTP/1.1\r\nContent-Length: 100\r\n\r\nhalf')
      .server('HTTP/1.1 200 OK\r\nX: y')
      .close()
    expect(story(units)).toEqual([
      'request "POST /a HTTP/1.1\\r\\nContent-Length: 100\\r\\n\\r\\nhalf"',
      'response "HTTP/1.1 200 OK\\r\\nX: y"',
    ])
    expect(units[0]!.buffers.http_client_body!.text).toBe('half')
    expect(units[1]!.buffers.http_header!.text).toBe('X: y')
  })
})
