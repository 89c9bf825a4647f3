/** Events that the decoder and the inspectors of services other than HTTP raise by themselves. */
import { describe, expect, it } from 'vitest'
import { type CapturedFrame, conversation } from '../../../test/support/conversation.js'
import {
  ethernet,
  type Ipv6Extension,
  icmp,
  ipv4,
  ipv6,
  PROTOCOL,
  tcp,
  tcpFrame,
  udp,
  udpFrame,
} from '../../../test/support/frames.js'
import {
  CONTINUATION,
  DATA,
  END_HEADERS,
  frame,
  GET,
  HEADERS,
  headers,
  join,
  PADDED,
  PREFACE,
  PUSH_PROMISE,
  RST_STREAM,
  SETTINGS,
  STATUS,
} from '../http2-support.js'
import { run } from './harness.js'

const ON = { detect: { builtinEvents: true }, stack: { checksums: 'ignore', midstream: true } } as const
const A = { source: '10.0.0.1', destination: '10.0.0.2' }
const A6 = { source: '2001:db8::1', destination: '2001:db8::2' }

const packet = (frame: Uint8Array): CapturedFrame => ({ frame, seconds: 1, nanoseconds: 0 })
const told = (packets: readonly CapturedFrame[], rules = ''): string[] =>
  run(rules, packets, { ...ON, dialect: 'snort3' }).alerts.map(
    ({ record: { rule } }) => `${rule.gid}:${rule.sid}`,
  )
const toldOf = (frame: Uint8Array): string[] => told([packet(frame)])

describe('decoder events (generator 116)', () => {
  const syn = (options: readonly number[], more = {}): Uint8Array =>
    tcpFrame({
      ...A,
      sourcePort: 40_000,
      destinationPort: 7777,
      flags: 2,
      options: Uint8Array.from(options),
      ...more,
    })

  it.each<[string, readonly number[], string[]]>([
    ['usual', [2, 4, 5, 0xb4, 1, 3, 3, 7], []],
    ['of a wrong length', [2, 3, 5, 0], ['116:54']],
    ['cut short', [1, 1, 8, 10], ['116:55']],
    ['of T/TCP', [13, 6, 0, 0, 0, 1, 1, 1], ['116:56']],
    ['obsolete', [6, 6, 0, 0, 0, 1, 1, 1], ['116:57']],
    ['experimental', [34, 2, 1, 1], ['116:58']],
    ['with too wide a window', [3, 3, 15, 1], ['116:59']],
    ['behind the end', [0, 34, 2, 1], []],
  ])('TCP options %s', (_name, options, expected) => {
    expect(toldOf(syn(options))).toEqual(expected)
  })

  it.each<[string, object, string[]]>([
    ['Shaft', { seq: 674_711_609 }, ['116:433']],
    ['a multicast address', { destination: '239.1.1.1' }, ['116:403']],
    ['every light on a tree', { flags: 0x3f }, ['116:400', '116:421', '116:420']],
    ['half a tree', { flags: 0x29 }, ['116:401', '116:423', '116:422']],
  ])('a SYN: %s', (_name, more, expected) => {
    expect(toldOf(syn([], more)).filter((event) => event !== '116:419')).toEqual(expected)
  })

  it('a SYN: Naptha', () => {
    const bytes = tcp({ ...A, sourcePort: 40_000, destinationPort: 7777, flags: 2, seq: 6_060_842 })
    const frame = (identification: number): Uint8Array => {
      const whole = ethernet(ipv4(bytes, { ...A, protocol: PROTOCOL.TCP }))
      new DataView(whole.buffer).setUint16(18, identification)
      return whole
    }
    expect(toldOf(frame(413))).toEqual(['116:402'])
    expect(toldOf(frame(414))).toEqual([])
  })

  it.each<[string, object, string[]]>([
    ['an echo', { type: 8, code: 0, payload: 'abcdefgh' }, []],
    ['an empty echo', { type: 8, code: 0, payload: '' }, ['116:434']],
    ['of a type not in use', { type: 42, code: 0, payload: 'x' }, ['116:418']],
    ['a redirect of a network', { type: 5, code: 0, payload: 'x' }, ['116:437']],
    ['a host not allowed', { type: 3, code: 10, payload: 'x' }, ['116:442']],
    ['too small a path', { type: 3, code: 4, payload: 'x' }, ['116:451']],
    ['a time stamp cut short', { type: 13, code: 0, payload: 'x' }, ['116:106']],
  ])('ICMP: %s', (_name, message, expected) => {
    const bytes = icmp({ ...A, ...message } as Parameters<typeof icmp>[0])
    expect(toldOf(ethernet(ipv4(bytes, { ...A, protocol: PROTOCOL.ICMP })))).toEqual(expected)
  })

  it('headers of IPv6 in the wrong place', () => {
    const header = (type: number): Ipv6Extension => ({ type, body: new Uint8Array(7) })
    const datagram = udp({ ...A6, sourcePort: 1, destinationPort: 7777, payload: 'x' })
    const frame = (...protocols: number[]): Uint8Array =>
      ethernet(ipv6(datagram, { ...A6, protocol: PROTOCOL.UDP, extensions: protocols.map(header) }), {
        etherType: 0x86dd,
      })
    expect(toldOf(frame(0, 60))).toEqual([])
    expect(toldOf(frame(60, 0))).toEqual(['116:296'])
    expect(toldOf(frame(60, 43))).toEqual(['116:292', '116:461'])
  })

  it('a datagram shorter than its packet', () => {
    const frame = udpFrame({ ...A, sourcePort: 1, destinationPort: 7777, payload: 'abcd' })
    frame[39] = 10
    expect(toldOf(frame)).toEqual(['116:98'])
  })

  it('GTP inside GTP', () => {
    const tunnel = (inner: Uint8Array): Uint8Array => {
      const header = Uint8Array.of(0x30, 255, inner.length >> 8, inner.length & 255, 0, 0, 0, 1)
      const payload = new Uint8Array(header.length + inner.length)
      payload.set(header)
      payload.set(inner, header.length)
      const datagram = udp({ ...A, sourcePort: 2152, destinationPort: 2152, payload })
      return ipv4(datagram, { ...A, protocol: PROTOCOL.UDP })
    }
    const inner = ipv4(udp({ ...A, sourcePort: 1, destinationPort: 7777, payload: 'x' }), {
      ...A,
      protocol: PROTOCOL.UDP,
    })
    expect(toldOf(ethernet(tunnel(inner)))).toEqual([])
    expect(toldOf(ethernet(tunnel(tunnel(inner))))).toEqual(['116:297'])
  })
})

describe('data in an RST (129:18)', () => {
  it('is told', () => {
    const packets = conversation({ serverPort: 7777 }).handshake().client('x').packets()
    const reset = packets[3]!.frame.slice()
    reset[47] = 0x14
    expect(told([...packets.slice(0, 3), packet(reset)])).toContain('129:18')
  })
})

const talk = (serverPort: number, ...turns: string[]): CapturedFrame[] => {
  let talking = conversation({ serverPort }).handshake()
  turns.forEach((turn, i) => {
    talking = i % 2 === 0 ? talking.server(turn) : talking.client(turn)
  })
  return talking.close().packets()
}

describe('events of services', () => {
  const ftp = (line: string): string[] => told(talk(21, '220 FTP server\r\n', line, '500 no\r\n'))

  it.each<[string, string, string[]]>([
    ['a known command', 'USER a\r\n', []],
    ['an unknown one', 'FROB a\r\n', ['125:2']],
    ['a long parameter', `MKD ${'a'.repeat(101)}\r\n`, ['125:3']],
    ['no longer than allowed', `CWD ${'a'.repeat(256)}\r\n`, []],
    ['a mode there is not', 'MODE 9\r\n', ['125:4']],
    ['two percent signs', 'RETR %n%n\r\n', ['125:5']],
    ['a port of another host', 'PORT 1,2,3,4,5,6\r\n', []],
  ])('FTP: %s', (_name, line, expected) => {
    expect(ftp(line)).toEqual(expected)
  })

  it('FTP: a port of another host, when asked to', () => {
    const rule = 'alert ( msg:"bounce"; gid:125; sid:8; rev:1; )'
    const packets = talk(21, '220 FTP server\r\n', 'PORT 1,2,3,4,5,6\r\n', '500 no\r\n')
    expect(told(packets, rule)).toEqual(['125:8'])
  })

  it.each<[string, string, string[]]>([
    ['known commands', 'HELO a\r\nQUIT\r\n', []],
    ['an unknown one', 'FROB\r\n', ['124:5']],
    ['a long one', `MAIL FROM:<${'a'.repeat(300)}>\r\n`, ['124:4']],
    ['lines that end now this way, now that', 'HELO a\r\nNOOP\nNOOP\r\n', ['124:18']],
    ['a mail is no command', 'DATA\r\nFROB\r\n.\r\nQUIT\r\n', []],
  ])('SMTP: %s', (_name, lines, expected) => {
    expect(told(talk(25, '220 a ESMTP\r\n', lines, '250 OK\r\n'))).toEqual(expected)
  })

  it.each<[string, string, string, string[]]>([
    ['POP3', 'USER a\r\n', '+OK\r\n', []],
    ['POP3, unknown command', 'FROB\r\n', '-ERR\r\n', ['142:1']],
    ['POP3, unknown answer', 'USER a\r\n', 'frob\r\n', ['142:2']],
  ])('%s', (_name, client, server, expected) => {
    expect(told(talk(110, '+OK POP3\r\n', client, server))).toEqual(expected)
  })

  it.each<[string, string, string, string[]]>([
    ['IMAP', 'a LOGIN a b\r\n', 'a OK\r\n', []],
    ['IMAP, unknown command', 'a FROB\r\n', '* 1 anything\r\n', ['141:1']],
    ['IMAP, unknown answer', 'a LOGIN a b\r\n', 'frob\r\n', ['141:2']],
  ])('%s', (_name, client, server, expected) => {
    expect(told(talk(143, '* OK IMAP4rev1\r\n', client, server))).toEqual(expected)
  })

  it('SSH: a version line too long, and one without a version', () => {
    expect(told(talk(22, 'SSH-2.0-x\r\n'))).toEqual([])
    expect(told(talk(22, `SSH-2.0-${'x'.repeat(90)}\r\n`))).toEqual(['128:3'])
    expect(told(talk(22, 'SSH-x\r\n'))).toEqual(['128:7'])
  })

  it('words of another protocol behind a greeting are not HTTP', () => {
    expect(told(talk(143, '* OK IMAP4rev1\r\n', 'COPY COPY 1\r\n', 'a OK\r\n'))).toEqual([])
  })
})

describe('events of HTTP/2 (generator 121)', () => {
  const settings = frame(SETTINGS, 0, 0)
  const get = headers(1, GET('/'))
  const ok = join(settings, headers(1, STATUS('204')))

  it.each<[string, Uint8Array, Uint8Array, string[]]>([
    ['an ordinary exchange', join(PREFACE, settings, get), ok, []],
    ['a frame in a header block', join(PREFACE, frame(HEADERS, 0, 1), frame(DATA, 0, 1, 'x')), ok, ['121:4']],
    ['a continuation of nothing', join(PREFACE, frame(CONTINUATION, 0, 1)), ok, ['121:5']],
    [
      'a header block that cannot be',
      join(PREFACE, frame(HEADERS, END_HEADERS, 1, [0xff, 0xff])),
      ok,
      ['121:6'],
    ],
    ['settings of a stream', join(PREFACE, frame(SETTINGS, 0, 1), get), ok, ['121:11']],
    ['settings cut short', join(PREFACE, frame(SETTINGS, 0, 0, 'abc'), get), ok, ['121:11']],
    [
      'more padding than data',
      join(PREFACE, headers(1, GET('/'), false), frame(DATA, PADDED, 1, [9, 1])),
      ok,
      ['121:16'],
    ],
    [
      'a promise of a client',
      join(PREFACE, frame(PUSH_PROMISE, END_HEADERS, 1, [0, 0, 0, 2])),
      ok,
      ['121:23', '121:33'],
    ],
    [
      'a reset of the connection',
      join(PREFACE, settings, get, frame(RST_STREAM, 0, 0, 'abcd')),
      ok,
      ['121:28'],
    ],
    ['a request without a method', join(PREFACE, settings, headers(1, [[':path', '/']])), ok, ['121:33']],
    [
      'a response without a status',
      join(PREFACE, settings, get),
      join(settings, headers(1, [['x', 'y']])),
      ['121:9'],
    ],
  ])('%s', (_name, client, server, expected) => {
    const packets = conversation({ serverPort: 80 })
      .handshake()
      .client(client)
      .server(server)
      .close()
      .packets()
    expect(told(packets).filter((event) => event.startsWith('121:'))).toEqual(expected)
  })
})
