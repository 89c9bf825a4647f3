/** Where Snort's inspector gives up a message, and where `lenientHttp` reads on. */
import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { Recorder } from './http-support.js'

const GET = 'GET / HTTP/1.1\r\n\r\n'
const CHUNKS = '3\r\nabc\r\n0\r\n\r\n'

function bodies(response: string | Buffer, lenient: boolean, pieces: number[] = []): (string | undefined)[] {
  const units = new Recorder({ lenientHttp: lenient }).client(GET).server(response, pieces).close()
  return units.filter(({ kind }) => kind === 'response').map(({ buffers }) => buffers.file_data?.text)
}

const coded = (coding: string, data: Buffer): Buffer =>
  Buffer.concat([
    Buffer.from(`HTTP/1.1 200 OK\r\nContent-Encoding: ${coding}\r\nContent-Length: ${data.length}\r\n\r\n`),
    data,
  ])

describe('status lines', () => {
  test.each([
    'HTTP/1.1',
    'HTTP/1.1\r 200 OK',
    'HTTP/1.10 200 OK',
    'HTTP/1.1foobar',
    'HTTP/1.1\x0b200 OK',
    'HTTP/1.1 2 OK',
    'HTTP/1.1 2000 OK',
    'HTTP/1.1 200\0 OK',
    'HTTP/1\0.1 200 OK',
    '\0HTTP/1.1 200 OK',
  ])('%j is none: what follows is raw data', (line) => {
    const text = `${line}\r\nContent-Length: 3\r\n\r\nabc`
    for (const pieces of [[], [1]]) {
      const recorder = new Recorder().client(GET).server(text, pieces)
      const [, raw] = recorder.close()
      expect(raw).toMatchObject({ kind: 'stream', buffers: { pkt_data: { text } } })
      expect(recorder.context.counters.desynchronised).toBe(1)
    }
    // Leniently there is some body to look at.
    expect(bodies(text, true)[0]).toContain('abc')
  })

  test.each(['HTTP/1.1 200', 'http/1.0 200 OK', 'HTTP/1.1  \t200\tOK', 'HTTP/9.9 abc'])(
    '%j is one',
    (line) => {
      const text = `${line}\r\nContent-Length: 3\r\n\r\nabc`
      expect(bodies(text, false)).toEqual(['abc'])
      expect(bodies(text, false, [1])).toEqual(['abc'])
    },
  )

  test('only the answer to HTTP/0.9 has no head', () => {
    const [request, answer] = new Recorder().client('GET /\r\n').server('plain text').close()
    expect(request).toMatchObject({ kind: 'request' })
    expect(answer).toMatchObject({ kind: 'response', buffers: { file_data: { text: 'plain text' } } })
    expect(bodies('plain text', false)).toEqual([])
    expect(bodies('plain text', true)).toEqual(['plain text'])
  })

  test('the next turn is looked at afresh', () => {
    const units = new Recorder()
      .client(GET)
      .server('HTTP/1.1\r\n\r\nabc')
      .client(GET)
      .server('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
      .close()
    expect(units.at(-1)).toMatchObject({ kind: 'response', buffers: { file_data: { text: 'ok' } } })
  })
})

describe('framing', () => {
  test('HTTP/1.0 has no transfer codings', () => {
    const head = 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n'
    expect(bodies(`${head}\r\n${CHUNKS}`, false)).toEqual([CHUNKS])
    expect(bodies(`${head}\r\n${CHUNKS}`, true)).toEqual(['abc'])
    const both = `${head}Content-Length: 3\r\n\r\nabc`
    expect(bodies(both, false)).toEqual(['abc'])
  })

  test.each(['x chunked', 'chunked,', ': chunked', 'chunked\0', 'chunked;'])(
    'Transfer-Encoding %j is not chunked',
    (coding) => {
      const text = `HTTP/1.1 200 OK\r\nTransfer-Encoding: ${coding}\r\n\r\n${CHUNKS}`
      expect(bodies(text, false)).toEqual([CHUNKS])
    },
  )

  test.each(['chunked', 'CHUNKED', ' ,\tchunked \t', 'gzip, chunked', '\r\n chunked'])(
    'Transfer-Encoding %j is',
    (coding) => {
      const text = `HTTP/1.1 200 OK\r\nTransfer-Encoding: ${coding}\r\n\r\n${CHUNKS}`
      expect(bodies(text, false)).toEqual(['abc'])
    },
  )

  test('white space within a length does not count', () => {
    const text = 'HTTP/1.1 200 OK\r\nContent-Length: 1 \r\n 0\r\n\r\n0123456789'
    expect(bodies(`${text}rest`, false)).toEqual(['0123456789'])
  })
})

describe('compressed bodies', () => {
  const plain = 'look at this '.repeat(20)
  const damage = (data: Buffer, fromEnd: number): Buffer => {
    const copy = Buffer.from(data)
    copy[copy.length - fromEnd]! ^= 0xff
    return copy
  }

  test.each([
    ['checksum', 'gzip', damage(gzipSync(plain), 8)],
    ['length', 'gzip', damage(gzipSync(plain), 1)],
    ['checksum', 'deflate', damage(deflateSync(plain), 4)],
  ])('a wrong %s of %s: nothing is shown', (_what, coding, data) => {
    for (const pieces of [[], [1], [7]]) {
      expect(bodies(coded(coding, data), false, pieces)).toEqual([undefined])
      expect(bodies(coded(coding, data), true, pieces)).toEqual([plain])
    }
  })

  test('a header checksum is checked where there is one', () => {
    const data = gzipSync(plain)
    const withCrc = (crc: number[]): Buffer => {
      const head = Buffer.from(data.subarray(0, 10))
      head[3] = 2
      return Buffer.concat([head, Buffer.from(crc), data.subarray(10)])
    }
    // That of a header without time, made on Unix: 1f 8b 08 02 00 00 00 00 00 03.
    const head = withCrc([]).subarray(0, 10)
    let crc = ~0
    for (const byte of head) {
      crc ^= byte
      for (let bit = 0; bit < 8; bit++) crc = (crc & 1) !== 0 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
    }
    crc = ~crc & 0xffff
    expect(bodies(coded('gzip', withCrc([crc & 0xff, crc >> 8])), false)).toEqual([plain])
    expect(bodies(coded('gzip', withCrc([0, 0])), false)).not.toContain(plain)
    expect(bodies(coded('gzip', withCrc([0, 0])), true)).toEqual([plain])
  })

  test('several members, each with its checksum', () => {
    const good = Buffer.concat([gzipSync('one '), gzipSync('two')])
    expect(bodies(coded('gzip', good), false, [3])).toEqual(['one two'])
    expect(bodies(coded('gzip', damage(good, 8)), false)).toEqual([undefined])
  })

  test('a long body is judged no more when most of it has been looked at', () => {
    const long = Buffer.from(Array.from({ length: 40_000 }, (_, i) => (i * 7919) & 0xff))
    const seen = bodies(coded('gzip', damage(gzipSync(long), 8)), false)
    expect(seen.length).toBeGreaterThan(1)
    expect(seen[0]!.startsWith(long.toString('latin1', 0, 1000))).toBe(true)
  })

  test('the last of several codings is undone', () => {
    expect(bodies(coded('deflate, gzip', gzipSync(plain)), false)).toEqual([plain])
    expect(bodies(coded('gzip, deflate', deflateRawSync(plain)), false)).toEqual([plain])
    expect(bodies(coded('gzip, gzip', gzipSync(gzipSync(plain))), false)[0]).toBe(
      gzipSync(plain).toString('latin1'),
    )
  })

  test.each([
    ['deflate', gzipSync(plain)],
    ['gzip', deflateSync(plain)],
    ['gzip\f', gzipSync(plain)],
  ])('%j names what it is not', (coding, data) => {
    expect(bodies(coded(coding, data), false)).toEqual([data.toString('latin1')])
    expect(bodies(coded(coding, data), true)).toEqual([plain])
  })
})
