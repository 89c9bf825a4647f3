/** Uploads in parts: what is file data, for which rules, and what may go wrong. */
import { describe, expect, test } from 'vitest'
import { Recorder, type SeenUnit } from './http-support.js'

const part = (name: string, content: string, lines = ''): string =>
  `--B\r\nContent-Disposition: form-data; name="${name}"; filename="${name}"\r\n${lines}\r\n${content}\r\n`

const post = (body: string, type = 'multipart/form-data; boundary=B'): string =>
  `POST /up HTTP/1.1\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n${body}`

const files = (units: readonly SeenUnit[]): string[] =>
  units.flatMap(({ buffers: { file_data: file } }) =>
    file === undefined ? [] : [file.text.slice(file.fresh)],
  )

const body = `${part('a', 'first\r\nfile')}${part('b', 'second')}--B--\r\n`

describe('an upload in parts', () => {
  test('each part is file data, the body stays the body', () => {
    for (const pieces of [[], [1], [100, 3]]) {
      const recorder = new Recorder()
      const units = recorder.client(post(body) + post('x=1', 'a/b'), pieces).close()
      expect(files(units)).toEqual(['first\r\nfile', 'second', 'x=1'])
      expect(units[0]!.buffers.http_client_body!.text).toBe(body)
      expect(units[0]!.buffers.http_body!.text).toBe(body)
      expect(units[0]!.buffers.file_data).toBeUndefined()
      for (const unit of units.slice(0, 3)) expect(unit.buffers.http_uri!.text).toBe('/up')
      expect(units.map(({ last }) => last)).toEqual([false, false, false, true, true])
      expect(units.at(-1)!.buffers.http_body).toBeUndefined()
      expect(recorder.context.pool.inUse).toBe(0)
    }
  })

  test('is decoded as its parts say', () => {
    const coded =
      part('a', Buffer.from('hidden in base64').toString('base64'), 'Content-Transfer-Encoding: base64\r\n') +
      part('b', 'quoted=20printa=\r\nble', 'Content-Transfer-Encoding: quoted-printable\r\n')
    expect(files(new Recorder().client(post(`${coded}--B--`)).close())).toEqual([
      'hidden in base64',
      'quoted printable',
    ])
  })

  test('in chunks, without a closing boundary, cut short', () => {
    const chunked = `POST / HTTP/1.1\r\nContent-Type: multipart/mixed; boundary="B"\r\nTransfer-Encoding: chunked\r\n\r\n`
    const text = part('a', 'content')
    const chunks = `5\r\n${text.slice(0, 5)}\r\n${(text.length - 5).toString(16)}\r\n${text.slice(5)}\r\n0\r\n\r\n`
    expect(files(new Recorder().client(chunked + chunks).close())).toEqual(['content\r\n'.trimEnd()])
    const cut = new Recorder().client(post(body).slice(0, -20))
    expect(files(cut.close()).join('|')).toContain('first\r\nfile')
    expect(cut.context.pool.inUse).toBe(0)
  })

  test.each(['multipart/form-data', 'multipart/form-data; boundary=', 'text/plain; boundary=B'])(
    'not with Content-Type %j',
    (type) => {
      expect(files(new Recorder().client(post(body, type)).close())).toEqual([body])
    },
  )

  test('a long file comes in windows, which do not show what is around it', () => {
    const long = Array.from({ length: 9000 }, (_, n) => `line ${n}\r\n`).join('')
    const recorder = new Recorder()
    const units = recorder.client(post(`${part('a', long)}${part('b', 'last')}--B--`), [1460]).close()
    expect(files(units).join('')).toBe(`${long}last`)
    expect(recorder.context.pool.inUse).toBe(0)
  })

  test('parts without number are counted, and shown no more', () => {
    const many = 'x'.replace('x', part('p', 'content').repeat(3000))
    const recorder = new Recorder()
    const units = recorder.client(post(`${many}--B--`)).close()
    expect(files(units).length).toBe(recorder.context.limits.mailParts)
    expect(recorder.context.counters.mailTooManyParts).toBe(3000 - recorder.context.limits.mailParts)
    expect(recorder.context.pool.inUse).toBe(0)
  })

  test('nested without end', () => {
    let nested = ''
    for (let n = 0; n < 40; n++)
      nested += `--B${n}\r\nContent-Type: multipart/mixed; boundary=B${n + 1}\r\n\r\n`
    const recorder = new Recorder().client(post(nested, 'multipart/mixed; boundary=B0'))
    recorder.close()
    expect(recorder.context.counters.mailTooDeep).toBeGreaterThan(0)
    expect(recorder.context.pool.inUse).toBe(0)
  })

  test('without memory nothing hangs or leaks', () => {
    const recorder = new Recorder({ bufferBudget: 2048 })
    recorder.client(post(body.repeat(200)), [700]).close()
    expect(recorder.context.pool.inUse).toBe(0)
    expect(recorder.context.counters.bufferBudgetReached).toBeGreaterThan(0)
  })
})
