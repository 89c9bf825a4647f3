/**
 * Random HTTP messages for the fuzzer, each with every buffer and number that rules may ask of it, known because the
 * message was made from them.
 */
import { gzipSync } from 'node:zlib'
import { BOTH, below, chance, join, pick, type Random, type Turn, WORDS } from './naive-traffic.js'

interface Header {
  readonly name: string
  readonly value: string
}

interface Message {
  readonly fromClient: boolean
  readonly startLine: string
  readonly version: string
  readonly headers: readonly Header[]
  /** Name of the header that holds cookies. */
  readonly cookie: string
  /** As the receiver has it, without chunks, unpacked. */
  readonly body: Buffer
  readonly sent: Buffer
  readonly trailers: readonly Header[]
  readonly own: readonly (readonly [name: string, content: Buffer | string])[]
}

/** Some letters written as `%41`; the URI is the same without. */
function encodeSome(random: Random, text: Buffer): string {
  return Array.from(text, (byte) => {
    const letter = String.fromCharCode(byte)
    return /[a-zA-Z]/.test(letter) && chance(random, 0.1)
      ? `%${byte.toString(16)[chance(random, 0.5) ? 'toUpperCase' : 'toLowerCase']()}`
      : letter
  }).join('')
}

function lines(headers: readonly Header[]): string[] {
  return headers.map(({ name, value }) => `${name}: ${value}`)
}

/**
 * All lines as sent, without the last line end; the same without the cookie, which leaves the line end before it; the
 * cookie's value; the value of every field.
 */
function headerBuffers(headers: readonly Header[], cookie: string): [string, string][] {
  const last = headers[headers.length - 1]
  const text = (list: readonly Header[]): string =>
    list.map((header) => `${lines([header])}${header === last ? '' : '\r\n'}`).join('')
  const cookies = headers.filter(({ name }) => name === cookie)
  const buffers: [string, string][] = [
    ['http_raw_header', text(headers)],
    ['http_header', text(headers.filter(({ name }) => name !== cookie))],
  ]
  for (const { value } of cookies) buffers.push(['http_cookie', value], ['http_raw_cookie', value])
  for (const { name, value } of headers) {
    buffers.push([`http_header:field ${name.toLowerCase()}`, value])
    buffers.push([`http_raw_header:field ${name.toLowerCase()}`, value])
  }
  return buffers
}

function trailerBuffers(trailers: readonly Header[]): [string, string][] {
  const text = lines(trailers).join('\r\n')
  const buffers: [string, string][] = [
    ['http_trailer', text],
    ['http_raw_trailer', text],
  ]
  for (const { name, value } of trailers) buffers.push([`http_trailer:field ${name.toLowerCase()}`, value])
  return buffers
}

const longest = (texts: readonly string[]): number => Math.max(0, ...texts.map(({ length }) => length))

/** Packet data is the head with the body behind it; as they came, chunks and packing are in it. */
function turnOfMessage(message: Message): Turn {
  const { fromClient, startLine, version, headers, cookie, body, sent, trailers } = message
  const head = Buffer.from(`${[startLine, ...lines(headers)].join('\r\n')}\r\n\r\n`, 'latin1')
  const bytes = Buffer.concat([head, sent])
  const buffers = new Map<string, Uint8Array>()
  const all: readonly (readonly [string, Buffer | string])[] = [
    ['pkt_data', Buffer.concat([head, body])],
    ['raw_data', bytes],
    ['file_data', body],
    ['http_version', version],
    ...message.own,
    ...headerBuffers(headers, cookie),
    ...trailerBuffers(trailers),
  ]
  for (const [name, content] of all) {
    const raw = typeof content === 'string' ? Buffer.from(content, 'latin1') : content
    // What is empty is not there.
    if (raw.length > 0) buffers.set(name, raw)
  }
  const numbers = new Map([
    ['http_version', version === 'HTTP/1.0' ? 10 : 11],
    ['http_num_headers', headers.length],
    ['http_max_header_line', longest(lines(headers))],
    ['http_num_cookies', headers.filter(({ name }) => name === cookie).length],
    ['http_num_trailers', trailers.length],
    ['http_max_trailer_line', longest(lines(trailers))],
  ])
  return { fromClient, bytes, buffers, numbers }
}

function makeHeaders(random: Random, first: Header, cookie: string): Header[] {
  const headers = [first]
  const word = (most: number): string => join(random, WORDS, most).toString('latin1')
  if (chance(random, 0.7)) headers.push({ name: 'X-Ab', value: word(8) })
  if (chance(random, 0.5)) headers.push({ name: cookie, value: word(6) })
  if (chance(random, 0.2)) headers.push({ name: 'X-Number', value: `${below(random, 30)}` })
  if (chance(random, 0.25)) headers.push({ name: 'X-Empty', value: '' })
  if (chance(random, 0.4)) headers.push({ name: 'User-Agent', value: `ab/${word(3)}` })
  return headers
}

/** `?`, words, or parameters; the parameters by name. */
function makeQuery(random: Random): { text: Buffer; parameters: [string, Buffer][] } {
  const parameters: [string, Buffer][] = []
  if (chance(random, 0.4)) return { text: Buffer.alloc(0), parameters }
  if (chance(random, 0.1)) return { text: Buffer.from('?'), parameters }
  if (chance(random, 0.6))
    return { text: Buffer.concat([Buffer.from('?'), join(random, WORDS, 6)]), parameters }
  const plain = WORDS.filter((word) => !word.includes('='))
  const count = 1 + below(random, 3)
  for (let i = 0; i < count; i++) parameters.push([`p${i}`, join(random, plain, 4)])
  const text = parameters.map(([name, value]) => `${name}=${value.toString('latin1')}`).join('&')
  return { text: Buffer.from(`?${text}`), parameters }
}

export function makeRequest(random: Random): Turn {
  const path = Buffer.concat([Buffer.from('/'), join(random, WORDS, 6)])
  const { text: query, parameters } = makeQuery(random)
  const normalised = Buffer.concat([path, query])
  const rawPath = encodeSome(random, path)
  const rawQuery = encodeSome(random, query)
  const raw = rawPath + rawQuery
  const method = pick(random, ['GET', 'POST', 'PUT'])
  const version = chance(random, 0.9) ? 'HTTP/1.1' : 'HTTP/1.0'
  const headers = makeHeaders(random, { name: 'Host', value: 'ab.example' }, 'Cookie')
  const address = `10.9.${below(random, 3)}.7`
  const forwarded = chance(random, 0.2)
  if (forwarded) headers.push({ name: 'X-Forwarded-For', value: address })
  const body = method === 'GET' ? Buffer.alloc(0) : join(random, BOTH, 20)
  if (body.length > 0) headers.push({ name: 'Content-Length', value: String(body.length) })
  const startLine = `${method} ${raw} ${version}`
  return turnOfMessage({
    fromClient: true,
    startLine,
    version,
    headers,
    cookie: 'Cookie',
    body,
    sent: body,
    trailers: [],
    own: [
      ['http_method', method],
      ['http_raw_request', startLine],
      ['http_raw_uri', raw],
      ['http_uri', normalised],
      ['http_uri:path', path],
      ['http_uri:query', query.subarray(1)],
      ['http_raw_uri:path', rawPath],
      ['http_raw_uri:query', rawQuery.slice(1)],
      ['http_client_body', body],
      ['http_raw_body', body],
      ['http_true_ip', forwarded ? address : ''],
      ...parameters.map(([name, value]) => [`http_param:"${name}"`, value] as const),
    ],
  })
}

export function makeResponse(random: Random): Turn {
  const [code, reason] = pick(random, [
    ['200', 'OK'],
    ['404', 'Not aab'],
    ['302', 'ab'],
  ]) as [string, string]
  const body = join(random, BOTH, 30)
  const headers = makeHeaders(random, { name: 'Server', value: 'ba' }, 'Set-Cookie')
  const trailers: Header[] = []
  let sent: Buffer = body
  if (chance(random, 0.25)) {
    sent = gzipSync(body)
    headers.push({ name: 'Content-Encoding', value: 'gzip' })
  }
  if (chance(random, 0.4)) {
    headers.push({ name: 'Transfer-Encoding', value: 'chunked' })
    if (chance(random, 0.3)) trailers.push({ name: 'T-Ab', value: join(random, WORDS, 4).toString('latin1') })
    sent = chunked(random, sent, trailers)
  } else headers.push({ name: 'Content-Length', value: String(sent.length) })
  const startLine = `HTTP/1.1 ${code} ${reason}`
  return turnOfMessage({
    fromClient: false,
    startLine,
    version: 'HTTP/1.1',
    headers,
    cookie: 'Set-Cookie',
    body,
    sent,
    trailers,
    own: [
      ['http_stat_code', code],
      ['http_stat_msg', reason],
      ['http_raw_status', startLine],
      ['http_raw_body', body],
    ],
  })
}

function chunked(random: Random, body: Buffer, trailers: readonly Header[]): Buffer {
  const parts: Buffer[] = []
  let at = 0
  while (at < body.length) {
    const size = 1 + below(random, body.length - at)
    parts.push(Buffer.from(`${size.toString(16)}\r\n`), body.subarray(at, at + size), Buffer.from('\r\n'))
    at += size
  }
  const tail = lines(trailers).map((line) => `${line}\r\n`)
  return Buffer.concat([...parts, Buffer.from(`0\r\n${tail.join('')}\r\n`)])
}
