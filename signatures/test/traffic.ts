/**
 * HTTP requests and responses as text, for the signature cases.
 *
 * In: the parts that matter to a signature. Out: whole messages with the headers an ordinary browser or server would
 * send. Strings are latin-1: one byte per character. Used by the tables in cases/ and by the tests beside this file.
 */

/** One request and its answer. */
export interface Exchange {
  readonly request: string
  readonly response: string
}

export interface Case {
  readonly sid: number
  /** Traffic that raises `sid` (and the `also` ones, nothing else); each element of a list on its own connection. */
  readonly fire: Exchange | readonly Exchange[]
  /** Traffic that resembles the attack and does not raise `sid`. */
  readonly nearMiss: Exchange | readonly Exchange[]
  /** Other signatures that the firing traffic raises with good reason. */
  readonly also?: readonly number[]
}

export type Headers = Readonly<Record<string, string>>

const BROWSER: Headers = {
  Host: 'www.example.com',
  'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
  Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
}

/** `target` goes into the request line as it is, so it must be percent-encoded where a client would do so. */
export function get(target: string, headers: Headers = {}): Exchange {
  return { request: `GET ${target} HTTP/1.1\r\n${headerLines({ ...BROWSER, ...headers })}\r\n`, response: OK }
}

export function post(target: string, body: string, headers: Headers = {}): Exchange {
  return withBody('POST', target, body, headers)
}

export function put(target: string, body: string, headers: Headers = {}): Exchange {
  return withBody('PUT', target, body, headers)
}

export interface ReplyOptions {
  /** Status code and reason; default 200 OK. */
  readonly status?: string
  /** Content type; default text/html. */
  readonly type?: string
  readonly headers?: Headers
  /** The request answered; default a plain one for the start page. */
  readonly request?: string
}

export function reply(body: string, options: ReplyOptions = {}): Exchange {
  const headers = {
    Server: 'nginx',
    'Content-Type': options.type ?? 'text/html',
    'Content-Length': String(body.length),
    ...options.headers,
  }
  return {
    request: options.request ?? get('/').request,
    response: `HTTP/1.1 ${options.status ?? '200 OK'}\r\n${headerLines(headers)}\r\n${body}`,
  }
}

/** The same body in chunks of at most `size` bytes. */
export function chunked(body: string, size: number, options: ReplyOptions = {}): Exchange {
  const chunks: string[] = []
  for (let at = 0; at < body.length; at += size) {
    const piece = body.slice(at, at + size)
    chunks.push(`${piece.length.toString(16)}\r\n${piece}\r\n`)
  }
  const { request, response } = reply('', {
    ...options,
    headers: { 'Transfer-Encoding': 'chunked', ...options.headers },
  })
  return { request, response: `${response.replace('Content-Length: 0\r\n', '')}${chunks.join('')}0\r\n\r\n` }
}

function withBody(method: string, target: string, body: string, headers: Headers): Exchange {
  const all = {
    ...BROWSER,
    'Content-Type': 'application/x-www-form-urlencoded',
    'Content-Length': String(body.length),
    ...headers,
  }
  return { request: `${method} ${target} HTTP/1.1\r\n${headerLines(all)}\r\n${body}`, response: OK }
}

function headerLines(headers: Headers): string {
  return Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')
}

const OK =
  'HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: text/html\r\nContent-Length: 16\r\n\r\n<p>Welcome.</p>\n'
