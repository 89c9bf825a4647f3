/** Which ports rules know servers by, and what data says about its sender. */
import { CLI, SVR } from '@weir/stack'
import { describe, expect, it } from 'vitest'
import { concat, fromHex, toBytes } from '../../test/support/frames.js'
import { serverPortsOf } from '../src/detect/server-ports.js'
import { loadRules } from '../src/rules/index.js'
import { senderOfBytes } from '../src/service/sender.js'

const ports = (...rules: string[]): Record<number, number> => {
  const text = rules
    .map((rule, i) => `${rule.replace('()', '(').replace(/\)$/, '')} sid:${i + 1}; )`)
    .join('\n')
  const { rules: parsed, problems } = loadRules({ files: [{ path: 'test', text }] })
  expect(problems).toEqual([])
  return Object.fromEntries([...serverPortsOf(parsed, 'tcp').entries()].filter(([, rank]) => rank > 0))
}

describe('ports of servers', () => {
  it('are those that rules for one direction name at the server', () => {
    expect(
      ports(
        'alert tcp any any -> any 4000 (flow:to_server; content:"a";)',
        'alert tcp any 5000 -> any any (flow:to_client,established; content:"a";)',
        'alert tcp any [6000:6002,7000] -> any 80 (flow:from_client; content:"a";)',
      ),
    ).toEqual({ 80: 2, 4000: 2, 5000: 2 })
  })

  it('count less in long ranges and without a direction, and not at all in longer ranges', () => {
    expect(
      ports(
        'alert tcp any any -> any 7000 (content:"a";)',
        'alert tcp any 7001 -> any any (content:"a";)',
        'alert tcp any 7002 -> any 7003 (content:"a";)',
        'alert tcp any any <> any 7004 (content:"a";)',
        'alert tcp any any -> any 1024: (flow:to_server; content:"a";)',
        'alert tcp any any -> any !80 (flow:to_server; content:"a";)',
        'alert udp any any -> any 53 (flow:to_server; content:"a";)',
      ),
    ).toEqual({ 7000: 1, 7001: 1, 7004: 1 })
    const range = ports('alert tcp any any -> any 32771:34000 (flow:to_server; content:"a";)')
    expect([range[32770], range[32771], range[34000], range[34001]]).toEqual([undefined, 1, 1, undefined])
  })

  it('are those of the services that rules are for', () => {
    expect(ports('alert tcp any any -> any any (flow:to_server; content:"a"; service:http;)')).toMatchObject({
      8080: 2,
    })
  })
})

const record = (type: number): Uint8Array => fromHex(`16 03 01 00 10 0${type} 00 00 0c 03 03`)
const smb1 = (flags: string): Uint8Array => fromHex(`00 00 00 20 ff 53 4d 42 72 00 00 00 00 ${flags} 00 00`)
const smb2 = (flags: string): Uint8Array =>
  fromHex(`00 00 00 40 fe 53 4d 42 40 00 00 00 00 00 00 00 00 00 00 00 ${flags} 00 00 00`)
const dce = (type: string): Uint8Array => fromHex(`05 00 ${type} 03 10 00 00 00 10 00 00 00 01 00 00 00`)
const dns = (flags: string): Uint8Array =>
  fromHex(
    `00 1d 12 34 ${flags} 00 01 00 00 00 00 00 00 01 61 07 65 78 61 6d 70 6c 65 00 00 01 00 01 00 00 00`,
  )
const rpc = (type: string): Uint8Array =>
  fromHex(
    `80 00 00 28 00 00 00 01 00 00 00 0${type} 00 00 00 02 00 01 86 a0 00 00 00 02 00 00 00 03 00 00 00 00`,
  )

describe('the sender of data', () => {
  it.each<[string, Uint8Array | string]>([
    ['a request', 'GET /a HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['a request of an unknown method', 'FETCH /a HTTP/1.1\r\n'],
    ['the beginning of a long request', `POST /${'a'.repeat(3000)}`],
    ['a command of SMTP', 'MAIL FROM:<a@example.com>\r\n'],
    ['a command of FTP', 'USER anonymous\r\n'],
    ['a ClientHello', record(1)],
    ['an SMB request', smb1('18')],
    ['an SMB 2 request', smb2('00')],
    ['a DCE/RPC bind', dce('0b')],
    ['a DNS query', dns('01 00')],
    ['an ONC RPC call', rpc('0')],
  ])('is a client: %s', (_, data) => {
    const bytes = concat(toBytes('..'), toBytes(data))
    expect(senderOfBytes(bytes, 2, bytes.length)).toBe(CLI)
  })

  it.each<[string, Uint8Array | string]>([
    ['a status line', 'HTTP/1.1 200 OK\r\n'],
    ['a greeting', '220 ftp.example.com ready\r\n'],
    ['a reply of several lines', '250-example.com\r\n250 HELP\r\n'],
    ['a greeting of POP3', '+OK ready\r\n'],
    ['a greeting of IMAP', '* OK ready\r\n'],
    ['a ServerHello', record(2)],
    ['an SMB answer', smb1('98')],
    ['an SMB 2 answer', smb2('01')],
    ['a DCE/RPC bind_ack', dce('0c')],
    ['a DNS answer', dns('81 80')],
  ])('is a server: %s', (_, data) => {
    const bytes = toBytes(data)
    expect(senderOfBytes(bytes, 0, bytes.length)).toBe(SVR)
  })

  it.each<[string, Uint8Array | string]>([
    ['nothing', ''],
    ['a few bytes', 'GE'],
    ['text', 'the quick brown fox'],
    ['numbers', '220 is a number'],
    ['SIP, in which both ask', 'OPTIONS sip:a SIP/2.0\r\n'],
    ['SSH, in which both greet', 'SSH-2.0-a\r\n'],
    ['an ONC RPC reply', rpc('1')],
    ['encrypted TLS', fromHex('17 03 03 00 10 01 02 03 04 05 06 07 08')],
    ['an SMB header cut short', smb1('18').subarray(0, 12)],
  ])('is not known: %s', (_, data) => {
    const bytes = toBytes(data)
    expect(senderOfBytes(bytes, 0, bytes.length)).toBe(undefined)
  })
})
