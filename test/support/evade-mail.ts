/**
 * The same mail, sent otherwise: other encodings and structure of the message, other commands around it.
 *
 * In: an SMTP conversation that carries one message with attachments in base64. Out: a conversation with the same files,
 * or `undefined` where it is another one. Called by the evasion tests.
 */
import type { TestPacket } from './conversation.js'
import { saying } from './evade-http.js'
import type { Random } from './evade-tcp.js'
import { concat, toBytes } from './frames.js'
import { isConnection, type Recorded, type Turn, turnsOf } from './recorded.js'

export type MailEvasion = (conversation: Recorded, random: Random) => TestPacket[] | undefined

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')
const client = (line: string): Turn => ({ from: 'client', bytes: toBytes(line) })
const server = (line: string): Turn => ({ from: 'server', bytes: toBytes(line) })

interface Mail {
  readonly turns: readonly Turn[]
  /** Index of the turn with the message. */
  readonly at: number
  /** Without the final dot; lines end with CRLF. */
  readonly message: string
}

function mailOf(conversation: Recorded): Mail | undefined {
  if (!isConnection(conversation)) return undefined
  const turns = turnsOf(conversation)
  const at = turns.findIndex(
    ({ bytes }, i) => i > 0 && text(turns[i - 1]!.bytes).startsWith('354') && bytes.length > 0,
  )
  const message = at < 0 ? '' : text(turns[at]!.bytes)
  if (!message.endsWith('\r\n.\r\n') || !/^Content-Transfer-Encoding: base64\r$/m.test(message))
    return undefined
  return { turns, at, message: message.slice(0, -3) }
}

const withTurns =
  (change: (mail: Mail, random: Random) => Turn[] | undefined): MailEvasion =>
  (conversation, random) => {
    const mail = mailOf(conversation)
    const turns = mail && change(mail, random)
    return turns && saying(conversation, turns)
  }

/** Only where nothing but QUIT follows the mail. */
const withSingle = (change: (mail: Mail) => Turn[]): MailEvasion =>
  withTurns((mail) => (mail.turns.length > mail.at + 4 ? undefined : change(mail)))

const withMessage = (change: (message: string, random: Random) => string | undefined): MailEvasion =>
  withTurns(({ turns, at, message }, random) => {
    const other = change(message, random)
    if (other === undefined) return undefined
    return turns.map((turn, i) => (i === at ? client(`${other}.\r\n`) : turn))
  })

/** The parts in base64, their head and what they hold. */
const withParts = (change: (head: string, data: Buffer, random: Random) => string): MailEvasion =>
  withMessage((message, random) =>
    message.replace(
      /(\r\n--BB1\r\n)((?:[^\r]+\r\n)*Content-Transfer-Encoding: base64\r\n(?:[^\r]+\r\n)*)\r\n((?:[A-Za-z0-9+/=]+\r\n)*)/g,
      (_, boundary: string, head: string, body: string) =>
        boundary + change(head, Buffer.from(body.replace(/\r\n/g, ''), 'base64'), random),
    ),
  )

const inLines = (all: string, size: number, eol = '\r\n'): string =>
  all.replace(new RegExp(`.{1,${size}}`, 'g'), (line) => line + eol)

const base64 =
  (write: (coded: string, random: Random) => string) =>
  (head: string, data: Buffer, random: Random): string =>
    `${head}\r\n${write(data.toString('base64'), random)}`

const coding =
  (name: string, write: (data: Buffer) => string) =>
  (head: string, data: Buffer): string =>
    `${head.replace(/(Content-Transfer-Encoding: )base64/, `$1${name}`)}\r\n${write(data)}`

const quoted =
  (format: (byte: number) => string, size: number) =>
  (data: Buffer): string => {
    const units = [...data].map(format)
    const out: string[] = []
    for (let at = 0; at < units.length; at += size) out.push(units.slice(at, at + size).join(''))
    return `${out.join('=\r\n')}\r\n`
  }
const hex = (byte: number): string => `=${byte.toString(16).padStart(2, '0').toUpperCase()}`

function uuencoded(data: Buffer): string {
  const char = (value: number): string => String.fromCharCode((value & 63) === 0 ? 0x60 : (value & 63) + 0x20)
  const lines = ['begin 644 a.bin']
  for (let at = 0; at < data.length; at += 45) {
    const piece = data.subarray(at, at + 45)
    let line = char(piece.length)
    for (let i = 0; i < piece.length; i += 3) {
      const [a, b = 0, c = 0] = piece.subarray(i, i + 3)
      line += char(a! >> 2) + char((a! << 4) | (b >> 4)) + char((b << 2) | (c >> 6)) + char(c)
    }
    lines.push(line)
  }
  return `${[...lines, '`', 'end'].join('\r\n')}\r\n`
}

const field = (name: RegExp, change: (line: string) => string): MailEvasion =>
  withMessage((message) => message.replace(new RegExp(`^${name.source}.*(?=\\r$)`, 'gim'), change))

/** `BDAT` in place of `DATA`. */
const bdat = (size: number, last: boolean): MailEvasion =>
  withTurns(({ turns, at, message }) => {
    const out: Turn[] = [...turns.slice(0, at - 2)]
    const bytes = toBytes(message)
    for (let from = 0; from < bytes.length; from += size) {
      const piece = bytes.subarray(from, from + size)
      const end = from + size >= bytes.length && last
      out.push(
        { from: 'client', bytes: concat(toBytes(`BDAT ${piece.length}${end ? ' LAST' : ''}\r\n`), piece) },
        server('250 OK\r\n'),
      )
    }
    if (!last) out.push(client('BDAT 0 LAST\r\n'), server('250 OK\r\n'))
    return [...out, ...turns.slice(at + 2)]
  })

/** Before the command with this number, other turns. */
const before = (command: RegExp, ...turns: readonly Turn[]): MailEvasion =>
  withTurns((mail) =>
    mail.turns.flatMap((turn, i) =>
      turn.from === 'client' && i !== mail.at && command.test(text(turn.bytes)) ? [...turns, turn] : [turn],
    ),
  )

const commands = (change: (line: string) => string): MailEvasion =>
  withTurns(({ turns, at }) =>
    turns.map((turn, i) => (turn.from === 'client' && i !== at ? client(change(text(turn.bytes))) : turn)),
  )

const INNOCENT = [
  client('MAIL FROM:<c@example.com>\r\n'),
  server('250 OK\r\n'),
  client('RCPT TO:<d@example.com>\r\n'),
  server('250 OK\r\n'),
  client('DATA\r\n'),
  server('354 go ahead\r\n'),
  client('Subject: lunch\r\n\r\n..today?\r\n.\r\n'),
  server('250 queued\r\n'),
]

export const MAIL_EVASIONS: Readonly<Record<string, MailEvasion>> = {
  'base64 in lines of 4': withParts(base64((coded) => inLines(coded, 4))),
  'base64 in lines of 7': withParts(base64((coded) => inLines(coded, 7))),
  'base64 in lines of 1': withParts(base64((coded) => inLines(coded, 1))),
  'base64 in one line': withParts(base64((coded) => `${coded}\r\n`)),
  'base64 in lines of 5 with blanks around': withParts(base64((coded) => inLines(coded, 5, '  \r\n\t'))),
  'base64 with blanks inside': withParts(base64((coded) => `${coded.replace(/.{3}/g, '$& ')}\r\n`)),
  'base64 with empty lines': withParts(base64((coded) => inLines(coded, 20, '\r\n\r\n'))),
  'base64 with other characters, which decoders skip': withParts(
    base64((coded) => inLines(coded, 11, '*!\r\n')),
  ),
  'base64 without padding': withParts(base64((coded) => inLines(coded.replace(/=+$/, ''), 60))),
  'base64 padded in the middle': withParts((head, data) => {
    const cut = data.length > 4 ? 4 : 1
    return `${head}\r\n${data.subarray(0, cut).toString('base64')}\r\n${data.subarray(cut).toString('base64')}\r\n`
  }),
  'quoted-printable, all escaped': withParts(coding('quoted-printable', quoted(hex, 20))),
  'quoted-printable, lower case': withParts(
    coding(
      'quoted-printable',
      quoted((byte) => hex(byte).toLowerCase(), 24),
    ),
  ),
  'quoted-printable, a soft line break behind each': withParts(coding('Quoted-Printable', quoted(hex, 1))),
  'quoted-printable, letters as they are': withParts(
    coding(
      'quoted-printable',
      quoted((byte) => (byte > 0x40 && byte < 0x7b ? String.fromCharCode(byte) : hex(byte)), 15),
    ),
  ),
  uuencode: withParts(coding('x-uuencode', uuencoded)),
  'coding in upper case': field(/Content-Transfer-Encoding:/, (line) => line.toUpperCase()),
  'coding with blanks': field(/Content-Transfer-Encoding:/, (line) => `${line.replace(': ', ':\t  ')}   `),
  'coding folded': field(/Content-Transfer-Encoding:/, (line) => line.replace(': ', ':\r\n ')),
  'coding in quotes': field(/Content-Transfer-Encoding:/, (line) => line.replace('base64', '"base64"')),
  'coding with a comment': field(/Content-Transfer-Encoding:/, (line) => `${line} (all of it)`),
  'boundary without quotes': withMessage((message) => message.replace('"BB1"', 'BB1')),
  'boundary in another place': withMessage((message) =>
    message.replace('boundary="BB1"', 'charset=x; a="b;c"; BOUNDARY = "BB1"; z=1'),
  ),
  'boundary on a line of its own': withMessage((message) => message.replace('; boundary', ';\r\n\tboundary')),
  'long boundary': withMessage((message) => message.replaceAll('BB1', `=_${'b'.repeat(66)}`)),
  'boundary with other characters': withMessage((message) => message.replaceAll('BB1', "a'()+_,-./:=?z")),
  'blanks behind boundaries': withMessage((message) => message.replace(/^--BB1\r$/gm, '--BB1  \t\r')),
  'text around the parts': withMessage((message) =>
    message
      .replace('\r\n\r\n--BB1', '\r\n\r\nThis is MIME.\r\n--BB2\r\n-- BB1\r\n--BB1')
      .concat('behind\r\n--BB3\r\n'),
  ),
  'parts in a part': withMessage((message) => {
    const [head, ...rest] = message.split('\r\n\r\n')
    const body = rest.join('\r\n\r\n')
    const inner = /^Content-Type:.*$/im.exec(head!)![0]
    return `${head!.replace('BB1', 'OUT')}\r\n\r\n--OUT\r\n${inner}\r\n\r\n${body}\r\n--OUT--\r\n`
  }),
  'a message in a message': withMessage(
    (message) =>
      `MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=OUT\r\n\r\n--OUT\r\nContent-Type: message/rfc822\r\n\r\n${message}\r\n--OUT--\r\n`,
  ),
  'no part but the file': withMessage((message) => {
    const part =
      /\r\n--BB1\r\n((?:[^\r]+\r\n)*Content-Transfer-Encoding: base64\r\n[\s\S]*?)\r\n--BB1--/.exec(message)
    return part === null ? undefined : `MIME-Version: 1.0\r\nFrom: a@example.com\r\n${part[1]!}\r\n`
  }),
  'no end of the parts': withMessage((message) => message.replace(/--BB1--\r\n$/, '')),
  'lines end with LF': withMessage((message) => message.replaceAll('\r\n', '\n').replace(/\n$/, '\r\n')),
  'a field of the name in front': withMessage(
    (message) => `X-Content-Type: text/plain; boundary=no\r\n${message}`,
  ),
  'names of fields in mixed case': withMessage((message) =>
    message.replace(
      /^(Content-[A-Za-z-]+)(:)/gm,
      (_, name: string) =>
        `${[...name].map((c, i) => (i % 2 ? c.toUpperCase() : c.toLowerCase())).join('')}:`,
    ),
  ),
  'blanks before the colon': field(/Content-/, (line) => line.replace(':', ' :')),
  'BDAT, one chunk': bdat(1e9, true),
  'BDAT, chunks of 50': bdat(50, true),
  'BDAT, chunks of 7, empty last': bdat(7, false),
  'commands in mixed case': commands((line) =>
    line.replace(/^\w+/, (word) =>
      [...word].map((c, i) => (i % 2 ? c.toUpperCase() : c.toLowerCase())).join(''),
    ),
  ),
  'blanks behind commands': commands((line) => line.replace(/\r\n$/, '  \r\n')),
  'a mail before': before(/^MAIL/, ...INNOCENT),
  'a mail given up before': before(
    /^MAIL/,
    ...INNOCENT.slice(0, 4),
    client('RSET\r\n'),
    server('250 OK\r\n'),
  ),
  'DATA refused before': before(/^DATA/, client('DATA\r\n'), server('503 not yet\r\n')),
  'no operations': before(
    /^./,
    client('NOOP\r\n'),
    server('250 OK\r\n'),
    client('VRFY a\r\n'),
    server('252 maybe\r\n'),
  ),
  'STARTTLS refused': before(/^MAIL/, client('STARTTLS\r\n'), server('454 not available\r\n')),
  'unknown commands': before(/^MAIL/, client('XYZZY 1\r\n'), server('500 what?\r\n')),
  'authentication before': before(
    /^MAIL/,
    client('AUTH LOGIN\r\n'),
    server('334 VXNlcm5hbWU6\r\n'),
    client('YQ==\r\n'),
    server('334 UGFzc3dvcmQ6\r\n'),
    client('YQ==\r\n'),
    server('235 OK\r\n'),
  ),
  'greeted twice': before(
    /^MAIL/,
    client('EHLO client.example.com\r\n'),
    server('250-mx\r\n250-PIPELINING\r\n250 CHUNKING\r\n'),
  ),
  pipelined: withSingle(({ turns, at, message }) => [
    ...turns.slice(0, 3),
    client(
      turns
        .slice(3, at)
        .filter(({ from }) => from === 'client')
        .map(({ bytes }) => text(bytes))
        .join(''),
    ),
    server('250 OK\r\n250 OK\r\n354 go ahead\r\n'),
    client(`${message}.\r\nQUIT\r\n`),
    server('250 queued\r\n221 bye\r\n'),
  ]),
  'pipelined, all at once': withSingle(({ turns, at, message }) => [
    ...turns.slice(0, 3),
    client(
      `${turns
        .slice(3, at)
        .filter(({ from }) => from === 'client')
        .map(({ bytes }) => text(bytes))
        .join('')}${message}.\r\nQUIT\r\n`,
    ),
    server('250 OK\r\n250 OK\r\n354 go ahead\r\n250 queued\r\n221 bye\r\n'),
  ]),
}

export const mailEvasions: readonly (readonly [string, MailEvasion])[] = Object.entries(MAIL_EVASIONS)
