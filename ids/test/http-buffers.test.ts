import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { DEFAULT_LIMITS } from '../src/inspect/index.js'
import { Recorder, type SeenUnit } from './http-support.js'

/** Text of the buffers of one unit that are present, by name; `raw_data` is left out where it equals `pkt_data`. */
function buffers(unit: SeenUnit | undefined): Record<string, string> {
  const out: Record<string, string> = {}
  for (const [name, buffer] of Object.entries(unit?.buffers ?? {})) {
    if (name === 'raw_data') expect(buffer.text).toBe(unit!.buffers.pkt_data!.text)
    else out[name] = buffer.text
  }
  return out
}

const request = (text: string): Record<string, string> => buffers(new Recorder().client(text).close()[0])
const response = (text: string | Uint8Array): Record<string, string> =>
  buffers(new Recorder().client('GET / HTTP/1.1\r\n\r\n').server(text).close()[1])

describe('request buffers', () => {
  test('all of them', () => {
    const head =
      'POST /cgi-bin/%61dmin.php?q=a+b%2fc HTTP/1.1\r\nHost: www.example.org\r\nCookie: id=%31%32;  x=1\r\nX: %41+\\\r\nContent-Length: 9\r\n\r\n'
    expect(request(`${head}a=%62+\\%2541`.replace('Length: 9', 'Length: 12'))).toEqual({
      pkt_data: `${head}a=%62+\\%2541`.replace('Length: 9', 'Length: 12'),
      http_method: 'POST',
      http_raw_uri: '/cgi-bin/%61dmin.php?q=a+b%2fc',
      http_uri: '/cgi-bin/admin.php?q=a b/c',
      http_raw_header: 'Host: www.example.org\r\nCookie: id=%31%32;  x=1\r\nX: %41+\\\r\nContent-Length: 12',
      http_header: 'Host: www.example.org\r\nX: A+\\\r\nContent-Length: 12',
      http_raw_cookie: 'id=%31%32; x=1',
      http_cookie: 'id=12; x=1',
      http_client_body: 'a=b+\\A',
      file_data: 'a=%62+\\%2541',
    })
  })

  test('what is not there is absent, not empty', () => {
    expect(request('GET / HTTP/1.0\r\n\r\n')).toEqual({
      pkt_data: 'GET / HTTP/1.0\r\n\r\n',
      http_method: 'GET',
      http_raw_uri: '/',
      http_uri: '/',
    })
  })

  test.each([
    ['first', 'Cookie: a=1\r\nHost: x\r\nB: y', 'Host: x\r\nB: y'],
    ['in the middle', 'Host: x\r\nCookie: a=1\r\nB: y', 'Host: x\r\nB: y'],
    ['last, which leaves the line end before it', 'Host: x\r\nB: y\r\nCookie: a=1', 'Host: x\r\nB: y\r\n'],
    ['in lower case, with blanks before the colon', 'Host: x\r\ncookie \t: a=1\r\nB: y', 'Host: x\r\nB: y'],
    ['folded', 'Host: x\r\nCookie:\r\n a=1\r\nB: y', 'Host: x\r\nB: y'],
    ['with bare LFs', 'Host: x\nCookie: a=1\nB: y', 'Host: x\nB: y'],
  ])('a cookie line %s is cut out of http_header', (_where, lines, header) => {
    const seen = request(`GET / HTTP/1.1\r\n${lines}\r\n\r\n`)
    expect(seen.http_header).toBe(header)
    expect(seen.http_raw_header).toBe(lines)
    expect(seen.http_cookie).toBe('a=1')
  })

  test('several cookies are joined by commas, in order', () => {
    const seen = request(
      'GET / HTTP/1.1\r\nCookie: a=1 \r\nHost: x\r\nCookie:  b=%32\t3\r\nCookie2: no\r\n\r\n',
    )
    expect(seen.http_raw_cookie).toBe('a=1,b=%32 3')
    expect(seen.http_cookie).toBe('a=1,b=2 3')
    expect(seen.http_header).toBe('Host: x\r\nCookie2: no')
  })

  test('the only header being a cookie leaves no http_header', () => {
    const seen = request('GET / HTTP/1.1\r\nCookie: a\r\n\r\n')
    expect(seen.http_header).toBeUndefined()
    expect(seen.http_raw_header).toBe('Cookie: a')
  })

  test('Set-Cookie of a request is a header like any other', () => {
    const seen = request('GET / HTTP/1.1\r\nSet-Cookie: a\r\n\r\n')
    expect(seen.http_header).toBe('Set-Cookie: a')
    expect(seen.http_cookie).toBeUndefined()
  })

  test.each([
    ['several blanks and tabs', 'GET \t /a  \t HTTP/1.1', '/a', 'GET'],
    ['blanks inside the URI', 'GET /a b c HTTP/1.1', '/a b c', 'GET'],
    ['lower case', 'get /a http/1.1', '/a', 'get'],
    ['an unknown method', 'BREW /pot HTTP/1.1', '/pot', 'BREW'],
    ['no version', 'GET /a', '/a', 'GET'],
    ['words after the version', 'GET /a HTTP/1.1 more', '/a', 'GET'],
    ['a NUL in the URI', 'GET /a\0b HTTP/1.1', '/a\0b', 'GET'],
    ['a bare CR in the URI', 'GET /a\rb HTTP/1.1', '/a\rb', 'GET'],
    ['an odd version', 'GET /a HTTP/9.x', '/a', 'GET'],
  ])('request line with %s', (_what, line, uri, method) => {
    const seen = request(`${line}\r\nHost: h\r\n\r\n`)
    expect(seen.http_raw_uri).toBe(uri)
    expect(seen.http_method).toBe(method)
    expect(seen.http_header).toBe('Host: h')
  })

  test('body of a chunked request', () => {
    const seen = request(
      'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na%4\r\n2;ext="x"\r\n1b\r\n0\r\nTrailer: t\r\n\r\n',
    )
    expect(seen.file_data).toBe('a%41b')
    expect(seen.http_client_body).toBe('aAb')
    expect(seen.pkt_data).toBe('POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\na%41b')
  })
})

describe('response buffers', () => {
  test('all of them', () => {
    const text =
      'HTTP/1.1 404 Not  Found\r\nServer: x%41\r\nSet-Cookie: s=%31\r\nContent-Length: 4\r\n\r\n%41\n'
    expect(response(text)).toEqual({
      pkt_data: text,
      http_stat_code: '404',
      http_stat_msg: 'Not  Found',
      http_raw_header: 'Server: x%41\r\nSet-Cookie: s=%31\r\nContent-Length: 4',
      http_header: 'Server: xA\r\nContent-Length: 4',
      http_raw_cookie: 's=%31',
      http_cookie: 's=1',
      file_data: '%41\n',
    })
  })

  test.each([
    ['HTTP/1.1 200', '200', undefined],
    ['HTTP/1.1  200 \t OK', '200', 'OK'],
    ['HTTP/1.1 abc def', 'abc', 'def'],
  ])('status line %j', (line, code, message) => {
    const seen = response(`${line}\r\nA: b\r\n\r\n`)
    expect(seen.http_stat_code).toBe(code)
    expect(seen.http_stat_msg).toBe(message)
    expect(seen.http_header).toBe('A: b')
  })

  test('a CR alone ends status and header lines', () => {
    const seen = response('HTTP/1.1 200 OK\rA: b\rTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n')
    expect(seen.http_stat_msg).toBe('OK')
    expect(seen.file_data).toBe('hi')
  })

  const page = `<html>${'compress me '.repeat(200)}</html>`
  test.each([
    ['gzip', gzipSync(page)],
    ['x-gzip', gzipSync(page)],
    ['deflate', deflateSync(page)],
    ['deflate', deflateRawSync(page)],
    ['identity, gzip', gzipSync(page)],
    ['gzip, gzip', gzipSync(page)],
    ['gzip\r\nContent-Encoding: x-gzip', gzipSync(page)],
  ])('Content-Encoding %s is undone for file_data', (coding, data) => {
    const head = `HTTP/1.1 200 OK\r\nContent-Encoding: ${coding}\r\nContent-Length: ${data.length}\r\n\r\n`
    const plain = response(Buffer.concat([Buffer.from(head), data]))
    expect(plain.file_data).toBe(page)
    expect(plain.pkt_data).toBe(head + page)
    const parts: Buffer[] = [
      Buffer.from(`HTTP/1.1 200 OK\r\nContent-Encoding: ${coding}\r\nTransfer-Encoding: chunked\r\n\r\n`),
    ]
    for (let at = 0; at < data.length; at += 7) {
      const piece = data.subarray(at, at + 7)
      parts.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n'))
    }
    expect(response(Buffer.concat([...parts, Buffer.from('0\r\n\r\n')])).file_data).toBe(page)
  })

  test('a body that is not compressed in spite of its header is looked at as it is', () => {
    for (const coding of ['gzip', 'deflate']) {
      const seen = response(
        `HTTP/1.1 200 OK\r\nContent-Encoding: ${coding}\r\nContent-Length: 11\r\n\r\nplain words`,
      )
      expect(seen.file_data).toBe('plain words')
    }
  })

  test('compressed data that expands beyond a window comes in several units', () => {
    const text = Array.from({ length: 9000 }, (_, i) => `row ${i * 7919}\n`).join('')
    const data = gzipSync(text)
    const head = `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${data.length}\r\n\r\n`
    const message = Buffer.concat([Buffer.from(head), data])
    for (const pieces of [[], [1000], [17]]) {
      const units = new Recorder().client('GET / HTTP/1.1\r\n\r\n').server(message, pieces).close().slice(1)
      let body = ''
      let raw = ''
      units.forEach((unit, index) => {
        const file = unit.buffers.file_data!
        expect(unit.sequence).toBe(index)
        expect(unit.last).toBe(index === units.length - 1)
        expect(file.base + file.fresh).toBe(body.length)
        expect(file.text.slice(file.fresh).length).toBeLessThanOrEqual(DEFAULT_LIMITS.window)
        body += file.text.slice(file.fresh)
        raw += unit.buffers.pkt_data!.text.slice(unit.buffers.pkt_data!.fresh)
      })
      expect(body).toBe(text)
      expect(raw).toBe(head + text)
    }
  })
})

describe('client body windows', () => {
  test('decoded positions go on from window to window', () => {
    const body = '%41bc'.repeat(20000)
    const units = new Recorder()
      .client(`POST / HTTP/1.1\r\nContent-Length: ${body.length}\r\n\r\n${body}`, [1460])
      .close()
    let seen = ''
    for (const unit of units) {
      const decoded = unit.buffers.http_client_body!
      expect(decoded.base + decoded.fresh).toBe(seen.length)
      expect(seen.endsWith(decoded.text.slice(0, decoded.fresh))).toBe(true)
      seen += decoded.text.slice(decoded.fresh)
    }
    expect(units.length).toBeGreaterThan(3)
    expect(seen).toBe('Abc'.repeat(20000))
  })
})

describe('facts for alerts', () => {
  test('of a request, and of the response that answers it', () => {
    const units = new Recorder()
      .client(
        'GET /a HTTP/1.1\r\nHost: one.example\r\nUser-Agent: me/1.0\r\n\r\nGET /b HTTP/1.1\r\nhost: two.example\r\n\r\n',
      )
      .server(
        'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n',
      )
      .close()
    expect(units.map((unit) => unit.http)).toEqual([
      { hostname: 'one.example', url: '/a', userAgent: 'me/1.0', method: 'GET', status: undefined },
      { hostname: 'two.example', url: '/b', userAgent: undefined, method: 'GET', status: undefined },
      { hostname: undefined, url: undefined, userAgent: undefined, method: undefined, status: 100 },
      { hostname: 'one.example', url: '/a', userAgent: 'me/1.0', method: 'GET', status: 200 },
      { hostname: 'two.example', url: '/b', userAgent: undefined, method: 'GET', status: 404 },
    ])
  })

  test('go on being known over many pipelined requests', () => {
    const recorder = new Recorder()
    const get = (n: number): string => `GET /page${n} HTTP/1.1\r\nHost: h\r\nX: ${'x'.repeat(300)}\r\n\r\n`
    recorder.client(get(0) + get(1))
    for (let n = 2; n < 100; n++) {
      recorder.server('HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na')
      recorder.client(get(n))
    }
    const answers = recorder.close().filter((unit) => unit.kind === 'response')
    expect(answers.map((unit) => unit.http?.url)).toEqual(answers.map((_, n) => `/page${n}`))
  })
})
