/** Rules on uploads in parts: alerts end to end. */
import { describe, expect, it } from 'vitest'
import { exchange, run } from './harness.js'

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const encoded = Buffer.from('the EVIL payload').toString('base64')
const body =
  '--B\r\nContent-Disposition: form-data; name="a"\r\n\r\nalpha 50%25\r\n' +
  '--B\r\nContent-Disposition: form-data; name="b"; filename="f"\r\nContent-Transfer-Encoding: base64\r\n\r\n' +
  `${encoded}\r\n--B--\r\n`
const upload = `POST /up.cgi HTTP/1.1\r\nHost: h\r\nContent-Type: multipart/form-data; boundary=B\r\nContent-Length: ${body.length}\r\n\r\n${body}`

const alerts = (options: string, dialect: 'snort3' | 'snort2' = 'snort3'): number =>
  run(`alert http any any -> any any ( ${options} sid:1; )`, exchange(upload, OK), { dialect }).alerts.length

describe('an upload in parts', () => {
  it.each([
    ['one part', 'file_data; content:"EVIL";', 1],
    ['another part', 'file_data; content:"alpha";', 1],
    ['both, which are two files', 'file_data; content:"alpha"; content:"EVIL";', 0],
    ['from the beginning of the part', 'file_data; content:"the EVIL",depth 8;', 1],
    ['of its size', 'file_data; bufferlen:16;', 1],
    ['with the URI', 'http_uri; content:"/up.cgi",fast_pattern; file_data; content:"EVIL";', 1],
    [
      'with the URI, the other way',
      'http_uri; content:"/up.cgi"; file_data; content:"EVIL",fast_pattern;',
      1,
    ],
    ['with a method that is not there', 'http_method; content:"GET"; file_data; content:"EVIL";', 0],
    ['the body as it was sent', `http_client_body; content:"${encoded}";`, 1],
    ['the body across parts', 'http_client_body; content:"alpha"; content:"base64",distance 0;', 1],
    ['the body decoded', 'http_client_body; content:"alpha 50%|0d|";', 1],
    ['packet data is the raw body', 'content:"alpha 50%25|0d|";', 1],
    ['boundaries are not in a file', 'file_data; content:"form-data";', 0],
    ['nothing is in the file that is not', 'file_data; content:!"EVIL"; content:"the";', 0],
  ])('%s', (_what, options, count) => {
    expect(alerts(options)).toBe(count)
  })
})
