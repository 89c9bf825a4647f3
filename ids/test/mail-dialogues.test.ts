import { describe, expect, test } from 'vitest'
import { SERVICE, TO_CLIENT, TO_SERVER } from '../src/inspect/index.js'
import { MailRecorder, smtp } from './mail-support.js'

const mail = (text: string): string =>
  `Subject: x\r\nContent-Transfer-Encoding: base64\r\n\r\n${Buffer.from(text, 'latin1').toString('base64')}\r\n`

/** The speakers' lines in turn, each as its own turn; `C` and `S` begin them. */
function talk(port: number, turns: readonly string[], pieces: readonly number[] = []): MailRecorder {
  const recorder = new MailRecorder(port)
  for (const turn of turns) {
    if (turn.startsWith('C')) recorder.client(turn.slice(2), pieces)
    else recorder.server(turn.slice(2), pieces)
  }
  return recorder
}

function filesOf(port: number, turns: readonly string[]): string[] {
  const files = talk(port, turns).files()
  for (const pieces of [[1], [3, 4]]) expect(talk(port, turns, pieces).files()).toEqual(files)
  return files
}

describe('SMTP', () => {
  const GREETING = ['S 220 mx ESMTP\r\n', 'C EHLO c\r\n', 'S 250-mx\r\n250 STARTTLS\r\n']

  test('units carry service and direction', () => {
    const [window] = smtp(mail('one')).close()
    expect(window).toMatchObject({ service: SERVICE.SMTP, direction: TO_SERVER, last: true, text: 'one' })
  })

  test('several mails on one connection', () => {
    const one = ['C DATA\r\n', 'S 354 go\r\n', `C ${mail('one')}.\r\n`, 'S 250 queued\r\n']
    const two = [
      'C MAIL FROM:<a>\r\nDATA\r\n',
      'S 250 ok\r\n354 go\r\n',
      `C ${mail('two')}.\r\n`,
      'S 250 queued\r\n',
    ]
    expect(filesOf(25, [...GREETING, ...one, ...two])).toEqual(['one', 'two'])
  })

  test('everything at once, without waiting for replies', () => {
    const all = `C MAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\n${mail('one')}.\r\nMAIL FROM:<a>\r\nDATA\r\n${mail('two')}.\r\nQUIT\r\n`
    expect(filesOf(25, [...GREETING, all])).toEqual(['one', 'two'])
  })

  test('a client whose server is not seen', () => {
    expect(filesOf(25, [`C EHLO c\r\nMAIL FROM:<a>\r\nDATA\r\n${mail('one')}.\r\n`])).toEqual(['one'])
  })

  test('a refused DATA is followed by commands', () => {
    const turns = ['C RCPT TO:<b>\r\nDATA\r\n', 'S 550 no such user\r\n554 no recipients\r\n']
    const next = ['C RCPT TO:<c>\r\nDATA\r\n', 'S 250 ok\r\n354 go\r\n', `C ${mail('one')}.\r\n`]
    expect(filesOf(25, [...GREETING, ...turns, ...next])).toEqual(['one'])
  })

  test('one refused recipient does not end it', () => {
    const turns = ['C RCPT TO:<b>\r\nRCPT TO:<c>\r\nDATA\r\n', 'S 550 no\r\n250 ok\r\n354 go\r\n']
    expect(filesOf(25, [...GREETING, ...turns, `C ${mail('one')}.\r\n`])).toEqual(['one'])
  })

  test('BDAT, in several chunks and with bare dots', () => {
    const whole = `${mail('chunked').slice(0, -2)}\r\n.\r\n`
    const turns = [
      `C BDAT 20\r\n${whole.slice(0, 20)}`,
      'S 250 ok\r\n',
      `C BDAT ${whole.length - 20} LAST\r\n${whole.slice(20)}MAIL FROM:<x>\r\nBDAT 0 LAST\r\n`,
      'S 250 ok\r\n',
      'C DATA\r\n',
      'S 354 go\r\n',
      `C ${mail('next')}.\r\n`,
    ]
    expect(filesOf(25, [...GREETING, ...turns])).toEqual(['chunked', 'next'])
  })

  test('words of an authentication are no commands', () => {
    const turns = [
      'C AUTH LOGIN\r\n',
      'S 334 VXNlcm5hbWU6\r\n',
      'C DATA\r\n',
      'S 334 UGFzc3dvcmQ6\r\n',
      'C DATA\r\n',
      'S 235 ok\r\n',
    ]
    const next = ['C MAIL FROM:<a>\r\nDATA\r\n', 'S 250 ok\r\n354 go\r\n', `C ${mail('one')}.\r\n`]
    expect(filesOf(25, [...GREETING, ...turns, ...next])).toEqual(['one'])
  })

  test('STARTTLS ends it, unless it is refused', () => {
    const data = ['C DATA\r\n', 'S 354 go\r\n', `C ${mail('one')}.\r\n`]
    expect(filesOf(25, [...GREETING, 'C STARTTLS\r\n', 'S 220 ready\r\n', ...data])).toEqual([])
    expect(filesOf(25, [...GREETING, 'C STARTTLS\r\n', 'S 454 no\r\n', ...data])).toEqual(['one'])
    const recorder = talk(25, [...GREETING, 'C STARTTLS\r\n', 'S 220 ready\r\n'])
    recorder.close()
    expect(recorder.context.counters.mailEncrypted).toBe(1)
  })

  test('a mail that the end of the flow cuts short', () => {
    expect(filesOf(25, [...GREETING, 'C DATA\r\n', 'S 354 go\r\n', `C ${mail('cut').trimEnd()}`])).toEqual([
      'cut',
    ])
  })

  test('a gap ends the part it is in', () => {
    const recorder = talk(25, [...GREETING, 'C DATA\r\n', 'S 354 go\r\n', `C ${mail('before')}`])
    recorder.gap(TO_SERVER, 100)
    recorder
      .client(`rest\r\n.\r\nDATA\r\n`)
      .server('250 ok\r\n354 go\r\n')
      .client(`${mail('after')}.\r\n`)
    expect(recorder.files()).toEqual(['before', 'after'])
    expect(recorder.context.pool.inUse).toBe(0)
  })
})

describe('POP3', () => {
  const GREETING = ['S +OK POP3 ready\r\n', 'C USER a\r\n', 'S +OK\r\n', 'C PASS b\r\n', 'S +OK\r\n']

  test('RETR and TOP', () => {
    const turns = [
      'C RETR 1\r\n',
      `S +OK 100 octets\r\n${mail('one')}.\r\n`,
      'C TOP 2 10\r\n',
      `S +OK\r\n${mail('two')}.\r\n`,
    ]
    expect(filesOf(110, [...GREETING, ...turns])).toEqual(['one', 'two'])
    const [window] = talk(110, [...GREETING, ...turns]).close()
    expect(window).toMatchObject({ service: SERVICE.POP3, direction: TO_CLIENT })
  })

  test('lists and errors between them', () => {
    const turns = [
      'C CAPA\r\nLIST\r\nLIST 1\r\nUIDL\r\nRETR 9\r\nRETR 1\r\n',
      `S +OK\r\nTOP\r\nUIDL\r\n.\r\n+OK\r\n1 120\r\n.\r\n+OK 1 120\r\n+OK\r\n1 abc\r\n.\r\n-ERR no such\r\n+OK\r\n${mail('one')}.\r\n`,
    ]
    expect(filesOf(110, [...GREETING, ...turns])).toEqual(['one'])
  })

  test('an answer whose command was not seen', () => {
    expect(filesOf(110, [`S +OK hello\r\n+OK 120 octets\r\n${mail('one')}.\r\n+OK bye\r\n`])).toEqual(['one'])
  })

  test('stuffed dots', () => {
    const stuffed = 'Content-Transfer-Encoding: 7bit\r\n\r\n..\r\n...x\r\n.\r\n'
    expect(filesOf(110, [...GREETING, 'C RETR 1\r\n', `S +OK\r\n${stuffed}`])).toEqual(['.\r\n..x'])
  })

  test('STLS ends it, unless it is refused', () => {
    const turns = ['C RETR 1\r\n', `S +OK\r\n${mail('one')}.\r\n`]
    expect(filesOf(110, [...GREETING, 'C STLS\r\n', 'S +OK begin\r\n', ...turns])).toEqual([])
    expect(filesOf(110, [...GREETING, 'C STLS\r\n', 'S -ERR no\r\n', ...turns])).toEqual(['one'])
  })

  test('AUTH exchanges are no commands', () => {
    const auth = ['C AUTH PLAIN\r\n', 'S + \r\n', 'C RETR\r\n', 'S +OK\r\n']
    expect(filesOf(110, [...GREETING, ...auth, 'C RETR 1\r\n', `S +OK\r\n${mail('one')}.\r\n`])).toEqual([
      'one',
    ])
  })
})

describe('IMAP', () => {
  const GREETING = ['S * OK IMAP4rev1 ready\r\n', 'C a1 LOGIN a b\r\n', 'S a1 OK\r\n']
  const literal = (text: string): string => `{${text.length}}\r\n${text}`

  test('FETCH of whole messages', () => {
    const turns = [
      'C a2 FETCH 1:2 (FLAGS BODY[])\r\n',
      `S * 1 FETCH (FLAGS (\\Seen) BODY[] ${literal(mail('one'))})\r\n* 2 FETCH (RFC822 ${literal(mail('two'))} UID 7)\r\na2 OK\r\n`,
    ]
    expect(filesOf(143, [...GREETING, ...turns])).toEqual(['one', 'two'])
    const [window] = talk(143, [...GREETING, ...turns]).close()
    expect(window).toMatchObject({ service: SERVICE.IMAP, direction: TO_CLIENT })
  })

  test('several literals in a line', () => {
    const turn = `S * 1 FETCH (BODY[HEADER] ${literal('Subject: x\r\n\r\n')} BODY[] ${literal(mail('one'))})\r\n`
    expect(filesOf(143, [...GREETING, turn])).toEqual(['one'])
  })

  test('literals of other answers are not mails', () => {
    expect(filesOf(143, [...GREETING, `S * LIST () "/" ${literal(mail('one'))}\r\n`])).toEqual([])
  })

  test('APPEND, waiting for the server or not', () => {
    const whole = mail('sent')
    const waiting = [
      `C a3 APPEND Sent (\\Seen) {${whole.length}}\r\n`,
      'S + go ahead\r\n',
      `C ${whole}\r\n`,
      'S a3 OK\r\n',
    ]
    const atOnce = [`C a4 APPEND Sent {${whole.length}+}\r\n${whole}\r\n`]
    expect(filesOf(143, [...GREETING, ...waiting, ...atOnce])).toEqual(['sent', 'sent'])
    expect(talk(143, [...GREETING, ...waiting]).close()[0]).toMatchObject({ direction: TO_SERVER })
  })

  test('STARTTLS and COMPRESS end it, unless refused', () => {
    const turn = `S * 1 FETCH (BODY[] ${literal(mail('one'))})\r\n`
    expect(filesOf(143, [...GREETING, 'C a2 STARTTLS\r\n', 'S a2 OK\r\n', turn])).toEqual([])
    expect(filesOf(143, [...GREETING, 'C a2 COMPRESS DEFLATE\r\n', 'S a2 OK\r\n', turn])).toEqual([])
    expect(filesOf(143, [...GREETING, 'C a2 STARTTLS\r\n', 'S a2 NO\r\n', turn])).toEqual(['one'])
  })

  test('a literal that never comes to its end', () => {
    const whole = mail('cut')
    expect(filesOf(143, [...GREETING, `S * 1 FETCH (BODY[] {99999999999999999999}\r\n${whole}`])).toEqual([
      'cut',
    ])
  })
})
