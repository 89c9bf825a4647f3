/**
 * The same HTTP messages written in other ways: encodings of the URI, of header lines and of bodies, and other framing.
 *
 * In: the packets of one conversation and random numbers. Out: a conversation with the rewritten messages, or `undefined`
 * where it is not HTTP of the kind that can be written like this. Called by the evasion tests.
 */
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { type ConversationOptions, conversation, type TestPacket } from './conversation.js'
import { concat, toBytes } from './frames.js'
import { isConnection, type Recorded, type Turn, turnsOf } from './recorded.js'

type Random = () => number

export interface Message {
  readonly request: boolean
  /** Method, URI and version; or version, status and reason. */
  readonly start: readonly [string, string, string]
  /** Without line ends. */
  readonly fields: readonly string[]
  readonly body: Uint8Array
}

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')

/** One message, if that is what the bytes are: the rest behind the head is its body. */
export function parseMessage(bytes: Uint8Array, request: boolean): Message | undefined {
  const text = latin1(bytes)
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const [line, ...fields] = text.slice(0, end).split('\r\n')
  const start = (request ? /^([A-Z]+) (\S+) (HTTP\/1\.[01])$/ : /^(HTTP\/1\.[01]) (\d{3}) ?(.*)$/).exec(line!)
  if (start === null || fields.some((field) => !/^[\w-]+:/.test(field))) return undefined
  return { request, start: [start[1]!, start[2]!, start[3]!], fields, body: bytes.subarray(end + 4) }
}

export function writeMessage({ start, fields, body }: Message, eol = '\r\n'): Uint8Array {
  return concat(toBytes([start.join(' '), ...fields, '', ''].join(eol)), body)
}

/** The same connection, saying other things. */
export function saying(
  conversation_: Recorded,
  turns: readonly Turn[],
  options: ConversationOptions = {},
): TestPacket[] {
  const { tcp, seconds, nanoseconds } = conversation_.packets[0]!
  const talk = conversation({
    client: tcp!.source,
    server: tcp!.destination,
    clientPort: tcp!.sourcePort,
    serverPort: tcp!.destinationPort,
    start: seconds + nanoseconds / 1e9,
    ...options,
  }).handshake()
  for (const { from, bytes } of turns) {
    if (from === 'client') talk.client(bytes)
    else talk.server(bytes)
  }
  return talk.close().packets()
}

type Rewrite = (message: Message, random: Random) => Message | Uint8Array | undefined
export type HttpEvasion = (conversation: Recorded, random: Random) => TestPacket[] | undefined

/** The messages of a conversation whose turns are one message each. */
export function messagesOf(conversation: Recorded): readonly Message[] | undefined {
  if (!isConnection(conversation)) return undefined
  const out: Message[] = []
  for (const { from, bytes } of turnsOf(conversation)) {
    const message = parseMessage(bytes, from === 'client')
    if (message === undefined) return undefined
    out.push(message)
  }
  return out.length > 0 && out[0]!.request ? out : undefined
}

/** Rewrites requests, or responses, and leaves the others as they are. */
const rewriting =
  (request: boolean, rewrite: Rewrite): HttpEvasion =>
  (conversation, random) => {
    const messages = messagesOf(conversation)
    if (messages === undefined) return undefined
    let changed = false
    const turns = messages.map((message): Turn => {
      const from = message.request ? 'client' : 'server'
      const other = message.request === request ? rewrite(message, random) : undefined
      if (other === undefined) return { from, bytes: writeMessage(message) }
      changed = true
      return { from, bytes: other instanceof Uint8Array ? other : writeMessage(other) }
    })
    return changed ? saying(conversation, turns) : undefined
  }

const requests = (rewrite: Rewrite): HttpEvasion => rewriting(true, rewrite)
const responses = (rewrite: Rewrite): HttpEvasion => rewriting(false, rewrite)

// ---- The URI ---------------------------------------------------------------------------------------------------

const hex = (code: number, digits = 2): string => code.toString(16).padStart(digits, '0')
const percent = (char: string): string => `%${hex(char.charCodeAt(0))}`
/** Two bytes of UTF-8 for a character that needs one. */
const overlong = (char: string): string => {
  const code = char.charCodeAt(0)
  return `%${hex(0xc0 | (code >> 6))}%${hex(0x80 | (code & 0x3f))}`
}

const uri = (change: (uri: string, random: Random) => string | undefined): HttpEvasion =>
  requests((message, random) => {
    const [method, before, version] = message.start
    const after = change(before, random)
    return after === undefined || after === before
      ? undefined
      : { ...message, start: [method, after, version] }
  })

/** Changes the letters and digits outside of escapes, each with some probability. */
const letters = (share: number, encode: (char: string) => string): HttpEvasion =>
  uri((text, random) =>
    text.replace(/%u[0-9a-f]{4}|%[0-9a-f]{2}|[A-Za-z0-9]/gi, (found) =>
      found.length === 1 && random() < share ? encode(found) : found,
    ),
  )

/** Changes the path of a URI that begins with a slash. */
const path = (change: (path: string) => string | undefined): HttpEvasion =>
  uri((text) => {
    if (!text.startsWith('/') || text.startsWith('//')) return undefined
    const end = text.search(/[?#]|$/)
    const after = change(text.slice(0, end))
    return after === undefined ? undefined : after + text.slice(end)
  })

// ---- Bodies ----------------------------------------------------------------------------------------------------

const isField =
  (name: string) =>
  (field: string): boolean =>
    field.toLowerCase().startsWith(`${name}:`)

/** The body with other framing or coding, and the fields that say so in place of Content-Length. */
function recoded(message: Message, fields: readonly string[], body: Uint8Array): Message | undefined {
  const { fields: before } = message
  const codings = ['content-encoding', 'transfer-encoding']
  if (message.body.length === 0 || codings.some((name) => before.some(isField(name)))) return undefined
  const kept = before.filter((field) => !isField('content-length')(field))
  if (message.request && kept.length === before.length) return undefined
  return { ...message, fields: [...kept, ...fields], body }
}

const sized = (body: Uint8Array): string => `Content-Length: ${body.length}`

const coded =
  (coding: string, encode: (body: Uint8Array) => Uint8Array): Rewrite =>
  (message) => {
    const body = new Uint8Array(encode(message.body))
    return recoded(message, [`Content-Encoding: ${coding}`, sized(body)], body)
  }

interface Chunking {
  readonly size: number | ((random: Random) => number)
  readonly extension?: string
  readonly trailer?: string
  readonly line?: (size: number) => string
}

function chunks(
  body: Uint8Array,
  random: Random,
  { size, extension = '', trailer = '', line }: Chunking,
): Uint8Array {
  const parts: Uint8Array[] = []
  for (let at = 0; at < body.length; ) {
    const part = body.subarray(at, at + (typeof size === 'number' ? size : size(random)))
    parts.push(
      toBytes(`${line === undefined ? part.length.toString(16) : line(part.length)}${extension}\r\n`),
      part,
      toBytes('\r\n'),
    )
    at += part.length
  }
  return concat(...parts, toBytes(`0\r\n${trailer}\r\n`))
}

const chunked =
  (chunking: Chunking, name = 'chunked'): Rewrite =>
  (message, random) =>
    message.start.includes('HTTP/1.0')
      ? undefined
      : recoded(message, [`Transfer-Encoding: ${name}`], chunks(message.body, random, chunking))

const codedAndChunked =
  (coding: string, encode: (body: Uint8Array) => Uint8Array): Rewrite =>
  (message, random) =>
    message.start.includes('HTTP/1.0')
      ? undefined
      : recoded(
          message,
          [`Content-Encoding: ${coding}`, 'Transfer-Encoding: chunked'],
          chunks(new Uint8Array(encode(message.body)), random, { size: 7 }),
        )

const members = (body: Uint8Array): Uint8Array => {
  const half = body.length >> 1
  return concat(gzipSync(body.subarray(0, half)), gzipSync(body.subarray(half)))
}

function utf16(little: boolean, mark: boolean): Rewrite {
  return (message) => {
    if (!message.body.every((byte) => byte < 0x80)) return undefined
    const text = Buffer.from(latin1(message.body), 'utf16le')
    if (!little) text.swap16()
    const body = concat(
      mark ? (little ? Uint8Array.of(0xff, 0xfe) : Uint8Array.of(0xfe, 0xff)) : new Uint8Array(0),
      text,
    )
    const other = recoded(message, [sized(body)], body)
    if (other === undefined) return undefined
    const fields = other.fields.filter((field) => !isField('content-type')(field))
    return { ...other, fields: [...fields, `Content-Type: text/html; charset=utf-16${little ? 'le' : 'be'}`] }
  }
}

// ---- Header lines ----------------------------------------------------------------------------------------------

const fields = (change: (field: string, random: Random) => string): HttpEvasion =>
  requests((message, random) => ({
    ...message,
    fields: message.fields.map((field) => change(field, random)),
  }))

const named =
  (change: (name: string, value: string) => string) =>
  (field: string): string => {
    const at = field.indexOf(':')
    return change(field.slice(0, at), field.slice(at + 1).replace(/^[ \t]+/, ''))
  }

/** Everything but the first line, or the last, of the request in other packets of its own is up to the other evasions. */
const INNOCENT = 'GET /style.css HTTP/1.1\r\nHost: www.example.com\r\nAccept: text/css\r\n\r\n'
const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Type: text/css\r\nContent-Length: 18\r\n\r\nbody { margin: 0 }'

const around =
  (before: number, after: number, pipelined: boolean): HttpEvasion =>
  (conversation) => {
    const messages = messagesOf(conversation)
    if (messages === undefined || messages.length % 2 !== 0) return undefined
    for (let i = 0; i < messages.length; i++) {
      const { request, start, fields: lines } = messages[i]!
      if (request !== (i % 2 === 0) || start.includes('HTTP/1.0')) return undefined
      const { body } = messages[i]!
      const length = lines.find(isField('content-length'))
      if (Number(length?.split(':')[1] ?? 0) !== body.length || lines.some(isField('transfer-encoding')))
        return undefined
      if (lines.some(isField('connection')) || (!request && !/^[2-5]/.test(start[1]))) return undefined
    }
    const asked = messages.filter(({ request }) => request).map((message) => writeMessage(message))
    const answered = messages.filter(({ request }) => !request).map((message) => writeMessage(message))
    const innocent = (text: string, count: number): Uint8Array[] =>
      new Array<Uint8Array>(count).fill(toBytes(text))
    const client = [...innocent(INNOCENT, before), ...asked, ...innocent(INNOCENT, after)]
    const server = [...innocent(ANSWER, before), ...answered, ...innocent(ANSWER, after)]
    const turns: Turn[] = pipelined
      ? [
          { from: 'client', bytes: concat(...client) },
          { from: 'server', bytes: concat(...server) },
        ]
      : client.flatMap((bytes, i): Turn[] => [
          { from: 'client', bytes },
          { from: 'server', bytes: server[i]! },
        ])
    return saying(conversation, turns)
  }

const prefixed = (prefix: string): HttpEvasion =>
  requests((message) => concat(toBytes(prefix), writeMessage(message)))

const gzip = (body: Uint8Array): Uint8Array => gzipSync(body)

export const HTTP_EVASIONS: Readonly<Record<string, HttpEvasion>> = {
  'as they are, from their turns': requests((message) => message),
  'URI: 35 % of the letters escaped': letters(0.35, percent),
  'URI: all letters escaped': letters(1, percent),
  'URI: upper case escapes': letters(1, (char) => percent(char).toUpperCase()),
  'URI: escaped twice': letters(0.5, (char) => `%25${percent(char).slice(1)}`),
  'URI: escaped twice, digits of the escape': letters(0.3, (char) => {
    const [, high, low] = percent(char)
    return `%${percent(high!)}${percent(low!)}`
  }),
  'URI: %u escapes': letters(0.5, (char) => `%u${hex(char.charCodeAt(0), 4)}`),
  'URI: overlong UTF-8': letters(0.5, overlong),
  'URI: double slashes': path((text) => text.replaceAll('/', '//')),
  'URI: dot segments': path((text) => text.replaceAll('/', '/./')),
  'URI: there and back': path((text) => text.replaceAll('/', '/abc/../')),
  'URI: there and back, twice': path((text) => `/a/b/c/../../..${text}`),
  'URI: backslashes': path((text) => text[0] + text.slice(1).replaceAll('/', '\\')),
  'URI: absolute': uri((text) => (text.startsWith('/') ? `http://www.example.com${text}` : undefined)),
  'URI: absolute with a port': uri((text) =>
    text.startsWith('/') ? `HTTP://user@www.example.com:8080${text}` : undefined,
  ),
  'URI: a fragment': uri((text) => (text.includes('#') ? undefined : `${text}#top`)),
  'URI: escaped slashes': path((text) => text[0] + text.slice(1).replaceAll('/', '%2f')),
  'start line: more spaces': requests(({ start, ...rest }) =>
    concat(toBytes(start.join('   ')), writeMessage({ ...rest, start: ['', '', ''] }).subarray(2)),
  ),
  'start line: tabs': requests(({ start, ...rest }) =>
    concat(toBytes(start.join('\t')), writeMessage({ ...rest, start: ['', '', ''] }).subarray(2)),
  ),
  'start line: HTTP/1.0': requests((message) =>
    message.fields.some(isField('transfer-encoding'))
      ? undefined
      : { ...message, start: [message.start[0], message.start[1], 'HTTP/1.0'] },
  ),
  'lines end with LF': requests((message) => writeMessage(message, '\n')),
  'response: lines end with LF': responses((message) => writeMessage(message, '\n')),
  'blank lines before': prefixed('\r\n\r\n'),
  'blank lines before, LF': prefixed('\n\n\n'),
  'names in upper case': fields(named((name, value) => `${name.toUpperCase()}: ${value}`)),
  'names in lower case': fields(named((name, value) => `${name.toLowerCase()}: ${value}`)),
  'names in mixed case': fields(
    named(
      (name, value) =>
        `${[...name].map((c, i) => (i % 2 ? c.toUpperCase() : c.toLowerCase())).join('')}: ${value}`,
    ),
  ),
  'no space behind the colon': fields(named((name, value) => `${name}:${value}`)),
  'many spaces behind the colon': fields(named((name, value) => `${name}:     ${value}`)),
  'a tab behind the colon': fields(named((name, value) => `${name}:\t${value}`)),
  'spaces before the colon': fields(named((name, value) => `${name} : ${value}`)),
  'spaces at the end': fields((field) => `${field}   `),
  'folded behind the colon': fields(named((name, value) => `${name}:\r\n ${value}`)),
  'folded at blanks': fields((field) => {
    const at = field.indexOf(' ', field.indexOf(':') + 3)
    return at < 0 ? field : `${field.slice(0, at)}\r\n${field.slice(at)}`
  }),
  'other fields first': requests((message) => ({
    ...message,
    fields: ['X-First: 1', 'Accept-Language: en', ...message.fields],
  })),
  'other fields last': requests((message) => ({
    ...message,
    fields: [...message.fields, 'X-Last: 1', 'Accept-Language: en'],
  })),
  'fields reversed': requests((message) => ({ ...message, fields: [...message.fields].reverse() })),
  'request: chunks of 1 byte': requests(chunked({ size: 1 })),
  'request: chunks of 1 to 9 bytes': requests(chunked({ size: (random) => 1 + Math.floor(random() * 9) })),
  'request: gzip': requests(coded('gzip', gzip)),
  'request: deflate': requests(coded('deflate', (body) => deflateSync(body))),
  'response: one chunk': responses(chunked({ size: 1e9 })),
  'response: chunks of 1 byte': responses(chunked({ size: 1 })),
  'response: chunks of 1 to 9 bytes': responses(chunked({ size: (random) => 1 + Math.floor(random() * 9) })),
  'response: chunk extensions': responses(chunked({ size: 5, extension: ';name="a value";x' })),
  'response: trailers': responses(chunked({ size: 11, trailer: 'X-Trailer: 1\r\nX-Other: 2\r\n' })),
  'response: zeroes before the chunk size': responses(
    chunked({ size: 6, line: (size) => size.toString(16).padStart(6, '0') }),
  ),
  'response: upper case chunk size, blanks behind': responses(
    chunked({ size: 12, line: (size) => `${size.toString(16).toUpperCase()}  ` }),
  ),
  'response: Transfer-Encoding in mixed case': responses(chunked({ size: 5 }, 'cHunKed')),
  'response: gzip': responses(coded('gzip', gzip)),
  'response: x-gzip': responses(coded('x-gzip', gzip)),
  'response: gzip, best': responses(coded('gzip', (body) => gzipSync(body, { level: 9 }))),
  'response: gzip, stored': responses(coded('gzip', (body) => gzipSync(body, { level: 0 }))),
  'response: gzip with a file name': responses(
    coded('gzip', (body) => {
      const plain = gzipSync(body)
      return concat(
        plain.subarray(0, 3),
        Uint8Array.of(8),
        plain.subarray(4, 10),
        toBytes('name.html\0'),
        plain.subarray(10),
      )
    }),
  ),
  'response: gzip of several members': responses(coded('gzip', members)),
  'response: deflate': responses(coded('deflate', (body) => deflateSync(body))),
  'response: raw deflate': responses(coded('deflate', (body) => deflateRawSync(body))),
  'response: brotli': responses(coded('br', (body) => brotliCompressSync(body))),
  'response: gzip in chunks': responses(codedAndChunked('gzip', gzip)),
  'response: deflate in chunks': responses(codedAndChunked('deflate', (body) => deflateSync(body))),
  'response: brotli in chunks': responses(codedAndChunked('br', (body) => brotliCompressSync(body))),
  'response: until the end of the connection': responses((message) => recoded(message, [], message.body)),
  'response: HTTP/1.0': responses((message) =>
    message.fields.some(isField('transfer-encoding'))
      ? undefined
      : { ...message, start: ['HTTP/1.0', message.start[1], message.start[2]] },
  ),
  'response: UTF-16LE': responses(utf16(true, false)),
  'response: UTF-16BE': responses(utf16(false, false)),
  'response: UTF-16LE with a mark': responses(utf16(true, true)),
  'response: after 100 Continue': responses((message) =>
    concat(toBytes('HTTP/1.1 100 Continue\r\n\r\n'), writeMessage(message)),
  ),
  'response: after two interim responses': responses((message) =>
    concat(
      toBytes('HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'),
      writeMessage(message),
    ),
  ),
  'third request of a connection': around(2, 0, false),
  'first of three requests': around(0, 2, false),
  'pipelined behind one': around(1, 0, true),
  'pipelined behind nine': around(9, 0, true),
  'pipelined between': around(3, 3, true),
  'to port 8765': (conversation) => {
    const messages = messagesOf(conversation)
    return messages && saying(conversation, turnsOf(conversation), { serverPort: 8765 })
  },
}

export const httpEvasions: readonly (readonly [string, HttpEvasion])[] = Object.entries(HTTP_EVASIONS)
