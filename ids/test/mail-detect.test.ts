import { describe, expect, test } from 'vitest'
import { type CapturedFrame, conversation, merge } from '../../test/support/conversation.js'
import { run, sids } from './detect/harness.js'

const part = (head: string, content: string): string =>
  `--b1\r\n${head}\r\nContent-Transfer-Encoding: base64\r\n\r\n${Buffer.from(content, 'latin1').toString('base64')}\r\n`
const attachment = (name: string, content: string): string =>
  part(`Content-Type: a/b\r\nContent-Disposition: attachment; filename=${name}`, content)
const mail = (...parts: string[]): string =>
  `Subject: x\r\nContent-Type: multipart/mixed; boundary=b1\r\n\r\n${parts.join('')}--b1--\r\n`

function overSmtp(text: string, serverPort = 25, mss = 1460): readonly CapturedFrame[] {
  return conversation({ serverPort, mss })
    .handshake()
    .server('220 mx ESMTP\r\n')
    .client('EHLO c\r\n')
    .server('250 mx\r\n')
    .client('DATA\r\n')
    .server('354 go\r\n')
    .client(`${text}.\r\n`)
    .server('250 queued\r\n')
    .close()
    .packets()
}

const FILE =
  'alert tcp any any -> any 25 (flow:to_server,established; file_data; content:"MZ"; depth:2; sid:1;)'

describe('file data of mails', () => {
  test.each([
    ['the content of an attachment', mail(attachment('a', 'MZ...')), [1]],
    [
      'each of several, positions counted from its own start',
      mail(attachment('a', 'xMZ'), attachment('b', 'MZ'), attachment('c', 'MZ')),
      [1, 1],
    ],
    ['not the header or the encoded bytes', mail(part('X-MZ: MZ', 'other')), []],
  ])('%s', (_, text, expected) => {
    expect(sids(FILE, overSmtp(text))).toEqual(expected)
    expect(sids(FILE, overSmtp(text, 25, 7))).toEqual(expected)
  })

  test('a rule without file data sees the mail as it was sent, once', () => {
    const rule = 'alert tcp any any -> any 25 (flow:to_server; content:"TVo"; content:!"MZ"; sid:2;)'
    expect(sids(rule, overSmtp(mail(attachment('a', 'MZ.'), attachment('b', 'MZ.'))))).toEqual([2])
  })

  test('flowbits set by the name of an attachment hold for its content', () => {
    const rules = `alert tcp any any -> any 25 (file_data; content:"MZ"; flowbits:isset,exe; sid:1;)
      alert tcp any any -> any 25 (content:"filename=a.exe"; flowbits:set,exe; flowbits:noalert; sid:2;)`
    expect(sids(rules, overSmtp(mail(attachment('a.exe', 'MZ'))))).toEqual([1])
    expect(sids(rules, overSmtp(mail(attachment('a.txt', 'MZ'))))).toEqual([])
  })

  test('packet data and file data in one rule', () => {
    const rule = (name: string): string =>
      `alert tcp any any -> any 25 (content:"filename=${name}"; file_data; content:"MZ"; pkt_data; content:"Subject"; sid:1;)`
    expect(sids(rule('a.exe'), overSmtp(mail(attachment('a.exe', 'MZ'))))).toEqual([1])
    expect(sids(rule('b.exe'), overSmtp(mail(attachment('a.exe', 'MZ'))))).toEqual([])
  })

  test('a pattern that straddles two windows', () => {
    const content = `${'x'.repeat(16_380)}straddling${'y'.repeat(40_000)}`
    const rule =
      'alert tcp any any -> any 25 (file_data; content:"straddling"; offset:16380; depth:10; sid:1;)'
    expect(sids(rule, overSmtp(mail(attachment('a', content))))).toEqual([1])
  })

  test('only negated contents, or none that can be searched for', () => {
    const rules = `alert tcp any any -> any 25 (file_data; content:!"MZ"; sid:1;)
      alert tcp any any -> any 25 (file_data; pcre:"/^[0-9]+$/"; sid:2;)`
    expect(sids(rules, overSmtp(mail(attachment('a', '123'))))).toEqual([2, 1])
    expect(sids(rules, overSmtp(mail(attachment('a', 'MZ'))))).toEqual([])
  })

  test('a service rule, on any port', () => {
    const rule =
      'alert tcp any any -> any 25 (flow:to_server; file_data; content:"MZ"; metadata:service smtp; sid:1;)'
    expect(sids(rule, overSmtp(mail(attachment('a', 'MZ')), 2525))).toEqual([1])
    const [alert] = run(rule, overSmtp(mail(attachment('a', 'MZ')), 2525)).alerts
    expect(alert).toMatchObject({
      service: 'smtp',
      direction: 'C2S',
      destinationPort: 2525,
      fromStream: true,
    })
  })

  test('what a POP3 server sends', () => {
    const packets = conversation({ serverPort: 110 })
      .handshake()
      .server('+OK POP3\r\n')
      .client('RETR 1\r\n')
      .server(`+OK\r\n${mail(attachment('a', 'MZ'))}.\r\n`)
      .close()
      .packets()
    const rule =
      'alert tcp any [110,143] -> any any (flow:to_client,established; file_data; content:"MZ"; depth:2; sid:1;)'
    expect(sids(rule, packets)).toEqual([1])
    expect(sids(FILE, packets)).toEqual([])
  })
})

describe('FTP data connections', () => {
  const RULES = `alert tcp any any -> any any (flow:to_server; file_data; content:"root"; metadata:service ftp-data; sid:1;)
    alert tcp any any -> any any (flow:to_client; file_data; content:"root"; metadata:service ftp-data; sid:2;)`
  const control = (command: string, reply: string): ReturnType<typeof conversation> =>
    conversation({ client: '10.0.0.1', server: '10.0.0.2', serverPort: 21, start: 1 })
      .handshake()
      .server('220 FTP ready\r\n')
      .client('USER a\r\n')
      .server('331 go on\r\n')
      .client(command)
      .server(reply)
      .client('RETR x\r\n')
      .server('150 ok\r\n')
  const data = (
    from: string,
    fromPort: number,
    to: string,
    toPort: number,
  ): ReturnType<typeof conversation> =>
    conversation({ client: from, clientPort: fromPort, server: to, serverPort: toPort, start: 2 }).handshake()

  test.each([
    ['PASV\r\n', '227 Entering (10,0,0,2,82,11)\r\n'],
    ['EPSV\r\n', '229 Entering (|||21003|)\r\n'],
  ])('passive: %j', (command, reply) => {
    const upload = data('10.0.0.1', 40001, '10.0.0.2', 21003).client('uid=0(root)')
    const download = data('10.0.0.1', 40001, '10.0.0.2', 21003).server('uid=0(root)')
    expect(sids(RULES, merge(control(command, reply).packets(), upload.close().packets()))).toEqual([1])
    expect(sids(RULES, merge(control(command, reply).packets(), download.close().packets()))).toEqual([2])
  })

  test.each([['PORT 10,0,0,1,82,11\r\n'], ['EPRT |1|10.0.0.1|21003|\r\n']])('active: %j', (command) => {
    const download = data('10.0.0.2', 20, '10.0.0.1', 21003).client('uid=0(root)').close()
    const { alerts } = run(RULES, merge(control(command, '200 ok\r\n').packets(), download.packets()))
    // The server of FTP has opened the connection, and what it sends goes to the client.
    expect(alerts.map(({ sid }) => sid)).toEqual([2])
    expect(alerts[0]).toMatchObject({
      source: '10.0.0.2',
      sourcePort: 20,
      destinationPort: 21003,
      service: 'ftp-data',
    })
  })

  test('other connections are not', () => {
    const other = data('10.0.0.1', 20, '10.0.0.2', 21004).client('uid=0(root)').close()
    const packets = merge(control('PASV\r\n', '227 Entering (10,0,0,2,82,11)\r\n').packets(), other.packets())
    expect(sids(RULES, packets)).toEqual([])
  })
})
