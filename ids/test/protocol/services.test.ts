/** Which service a flow is taken for, and what that does to rules. */
import { describe, expect, it } from 'vitest'
import { conversation, dialogue, type Speaker, udpExchange } from '../../../test/support/conversation.js'
import { run, sids } from '../detect/harness.js'
import { bind, bytes, clientHello, hex, little, rpcCall, serverHello, smb2Write } from './messages.js'

type Line = readonly [from: Speaker, data: string | Uint8Array]

function service(lines: readonly Line[], serverPort: number): string | undefined {
  const talk = conversation({ serverPort }).handshake()
  for (const [from, data] of lines) talk[from](data)
  const packets = talk.close().packets()
  const { alerts } = run('alert tcp any any -> any any (isdataat:0; sid:1;)', packets)
  return alerts.at(-1)?.service
}

const DNS_QUERY = hex('1234 0100 0001 0000 0000 0000 03777777 076578616d706c65 03636f6d 00 0001 0001')
const DNS_ANSWER = hex('1234 8180 0001 0000 0000 0000 03777777 076578616d706c65 03636f6d 00 0001 0001')

describe('a TCP flow', () => {
  it.each<readonly [name: string, lines: readonly Line[], port: number]>([
    ['ssl', [['client', clientHello()]], 9999],
    ['ssl', [['server', serverHello()]], 9999],
    [
      'smtp',
      [
        ['server', '220 mx.example.org ESMTP ready\r\n'],
        ['client', 'QUIT\r\n'],
      ],
      9999,
    ],
    [
      'smtp',
      [
        ['server', '220 hello\r\n'],
        ['client', 'EHLO me\r\n'],
      ],
      9999,
    ],
    ['smtp', [['server', '220 hello\r\n']], 25],
    [
      'ftp',
      [
        ['server', '220 (vsFTPd 3.0)\r\n'],
        ['client', 'USER x\r\n'],
      ],
      9999,
    ],
    ['ftp', [['server', '220-hello\r\n220 there\r\n']], 21],
    [
      'unknown',
      [
        ['server', '220 hello\r\n'],
        ['client', 'USER x\r\n'],
      ],
      9999,
    ],
    [
      'pop3',
      [
        ['server', '+OK ready\r\n'],
        ['client', 'USER x\r\n'],
      ],
      9999,
    ],
    [
      'imap',
      [
        ['server', '* OK ready\r\n'],
        ['client', 'a1 LOGIN x y\r\n'],
      ],
      9999,
    ],
    ['ssh', [['server', 'SSH-2.0-OpenSSH_9\r\n']], 9999],
    ['dns', [['client', bytes(0, DNS_QUERY.length, DNS_QUERY)]], 9999],
    ['sip', [['client', 'OPTIONS sip:a@b SIP/2.0\r\n\r\n']], 9999],
    ['netbios-ssn', [['client', smb2Write(new Uint8Array(16), bytes('x'))]], 9999],
    ['dcerpc', [['client', bind('12345678-1234-abcd-ef00-0123456789ab')]], 9999],
    ['telnet', [['server', hex('fffd18fffd20')]], 9999],
    ['irc', [['client', 'NICK me\r\nUSER me 0 * :me\r\n']], 9999],
    ['sunrpc', [['client', bytes(hex('80000028'), rpcCall(100_000, 2, 3))]], 111],
    ['unknown', [['client', bytes(hex('80000028'), rpcCall(100_000, 2, 3))]], 9999],
    [
      'unknown',
      [
        ['client', 'hello'],
        ['server', 'you'],
      ],
      80,
    ],
    ['http', [['client', 'GET / HTTP/1.0\r\n\r\n']], 25],
  ])('is %s: %j', (name, lines, port) => {
    expect(service(lines, port)).toBe(name)
  })

  it('to an announced endpoint is ftp-data', () => {
    const talk = conversation({ client: '10.0.0.1', server: '10.0.0.2', clientPort: 4000, serverPort: 21 })
      .handshake()
      .server('220 (vsFTPd 3.0)\r\n')
      .client('PASV\r\n')
      .server('227 Entering Passive Mode (10,0,0,2,20,1).\r\n')
      .client('RETR x\r\n')
      .server('150 ok\r\n')
      .packets()
    const data = conversation({ client: '10.0.0.1', server: '10.0.0.2', clientPort: 4001, serverPort: 5121 })
      .handshake()
      .server('the file')
      .close('server')
      .packets()
    const rule =
      'alert tcp any any -> any 9 (flow:to_client; file_data; content:"the file"; metadata:service ftp-data; sid:1;)'
    expect(sids(rule, [...talk, ...data])).toEqual([1])
    expect(sids(rule, data)).toEqual([])
  })
})

describe('a UDP flow', () => {
  it.each<readonly [name: string, payload: string | Uint8Array, port: number]>([
    ['dns', DNS_QUERY, 9999],
    ['dns', DNS_ANSWER, 53],
    ['sip', 'INVITE sip:a@b SIP/2.0\r\n\r\n', 9999],
    ['sip', 'EXTENSION sip:a@b SIP/2.0\r\n\r\n', 5060],
    ['unknown', 'EXTENSION sip:a@b SIP/2.0\r\n\r\n', 9999],
    ['sunrpc', rpcCall(100_000, 2, 3), 111],
    [
      'dcerpc',
      bytes(4, 0, 0, 0, 0x10, new Uint8Array(69), little(4, 2), hex('0000 00000000 6162 6364')),
      9999,
    ],
    ['unknown', 'whatever', 53],
  ])('is %s: %j on port %i', (name, payload, port) => {
    const packets = udpExchange([['client', payload]], { serverPort: port })
    const { alerts } = run('alert udp any any -> any any (isdataat:0; sid:1;)', packets)
    expect(alerts.map((alert) => alert.service)).toEqual([name])
  })
})

describe('rules and services', () => {
  const mail = (serverPort: number) =>
    dialogue(['', '220 mx ESMTP\r\n', 'EHLO a\r\n', '250 ok\r\n', 'VRFY root\r\n', '250 ok\r\n'], {
      serverPort,
    })
  const rule = (ports: string, services: string) =>
    `alert tcp any any -> any ${ports} (content:"VRFY"; ${services} sid:1;)`

  it.each<readonly [serverPort: number, ports: string, services: string, fires: boolean]>([
    [25, '25', '', true],
    [2525, '25', '', false],
    [2525, '25', 'metadata:service smtp;', true],
    [2525, '2525', 'metadata:service smtp, service http;', true],
    [2525, '2525', 'metadata:service ftp;', false],
    [2525, '2525', '', true],
    [25, '25', 'metadata:service mysql;', false],
  ])('port %i, rule for port %s %s: %s', (serverPort, ports, services, expected) => {
    expect(sids(rule(ports, services), mail(serverPort))).toEqual(expected ? [1] : [])
  })

  it('shows the first bytes to rules for other services on their ports', () => {
    const first = 'alert tcp any any -> any 2525 (content:"EHLO"; metadata:service ftp; sid:1;)'
    const client = dialogue(['EHLO a\r\n', '250 ok\r\n'], { serverPort: 2525 })
    expect(sids(first, client)).toEqual([1])
  })

  it('goes by ports as long as nothing is recognised', () => {
    const packets = dialogue(['VRFY root\r\n'], { serverPort: 2525 })
    expect(sids(rule('2525', 'metadata:service ftp;'), packets)).toEqual([1])
  })

  it('takes a service in place of the protocol for a condition, and its ports too', () => {
    const three = (header: string) => `alert ${header} (content:"VRFY"; sid:1;)`
    expect(sids(three('smtp any any -> any any'), mail(2525), { dialect: 'snort3' })).toEqual([1])
    expect(sids(three('smtp any any -> any 25'), mail(2525), { dialect: 'snort3' })).toEqual([])
    expect(sids(three('ftp any any -> any any'), mail(2525), { dialect: 'snort3' })).toEqual([])
    const unknown = dialogue(['VRFY root\r\n'], { serverPort: 25 })
    expect(sids(three('smtp any any -> any any'), unknown, { dialect: 'snort3' })).toEqual([])
  })

  it('applies such a rule over UDP as well', () => {
    const dns = 'alert dns any any -> any any (content:"example"; sid:1;)'
    const packets = udpExchange([['client', DNS_QUERY]], { serverPort: 53 })
    expect(sids(dns, packets, { dialect: 'snort3' })).toEqual([1])
  })
})
