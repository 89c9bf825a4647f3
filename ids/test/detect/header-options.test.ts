/** Rules about single packets: headers, dsize, flags, flow keywords, addresses, ports and direction signs. */
import { createStack } from '@weir/stack'
import { describe, expect, it } from 'vitest'
import { type CapturedFrame, conversation, udpExchange } from '../../../test/support/conversation.js'
import { icmpFrame, TCP_FLAG, tcpFrame, udpFrame } from '../../../test/support/frames.js'
import { clientSays, makeEngine, run, sids } from './harness.js'

const SOURCE = '10.0.0.1'
const DESTINATION = '10.0.0.2'
const ADDRESSES = { source: SOURCE, destination: DESTINATION }

function packet(frame: Uint8Array): CapturedFrame {
  return { frame, seconds: 1, nanoseconds: 0 }
}

type TcpFields = Partial<Parameters<typeof tcpFrame>[0]>

function tcpPacket(fields: TcpFields): CapturedFrame {
  return packet(
    tcpFrame({ ...ADDRESSES, sourcePort: 1025, destinationPort: 80, flags: TCP_FLAG.SYN, ...fields }),
  )
}

const fires = (options: string, one: CapturedFrame, protocol = 'tcp'): boolean =>
  sids(`alert ${protocol} any any -> any any (${options} sid:1;)`, [one]).includes(1)

const { SYN, FIN, PSH, ACK, RST, URG } = TCP_FLAG

describe('flags', () => {
  it.each([
    ['S', SYN, true],
    ['S', SYN | ACK, false],
    ['S+', SYN | ACK, true],
    ['*SF', SYN, true],
    ['*SF', RST, false],
    ['!SF', RST, true],
    ['!S', SYN, false],
    ['0', 0, true],
    ['0', ACK, false],
    ['S,12', SYN | 0xc0, true],
    ['S', SYN | 0xc0, false],
    ['SFP', SYN | FIN | PSH, true],
    ['FPU', FIN | PSH | URG, true],
  ] as const)('flags:%s on 0x%s: %s', (text, flags, expected) => {
    expect(fires(`flags:${text};`, tcpPacket({ flags }))).toBe(expected)
  })
})

describe('fields of the IP and TCP headers', () => {
  it.each([
    ['ttl:64;', {}, true],
    ['ttl:<64;', {}, false],
    ['ttl:>220;', { ipv4: { ttl: 250 } }, true],
    ['ttl:60-70;', {}, true],
    ['tos:16;', { ipv4: { tos: 16 } }, true],
    ['tos:!16;', { ipv4: { tos: 16 } }, false],
    ['id:39426;', { ipv4: { id: 39426 } }, true],
    ['id:39426;', {}, false],
    ['seq:674711609;', { seq: 674711609 }, true],
    ['ack:0;', { ack: 0 }, true],
    ['ack:0;', { ack: 7 }, false],
    ['ack:4294967295;', { ack: 0xffffffff }, true],
    ['window:55808;', { window: 55808 }, true],
    ['window:!55808;', { window: 55808 }, false],
    ['fragbits:D;', { ipv4: { dontFragment: true } }, true],
    ['fragbits:D;', { ipv4: { dontFragment: false } }, false],
    ['fragbits:!MDR;', { ipv4: { dontFragment: false } }, true],
    ['fragbits:R+;', { ipv4: { dontFragment: true, reservedBit: true } }, true],
    ['ipopts:rr;', { ipv4: { options: Uint8Array.of(7, 7, 4, 0, 0, 0, 0) } }, true],
    ['ipopts:rr;', { ipv4: { options: Uint8Array.of(1, 1, 131, 3, 4) } }, false],
    ['ipopts:lsrr;', { ipv4: { options: Uint8Array.of(1, 1, 131, 3, 4) } }, true],
    ['ipopts:any;', { ipv4: { options: Uint8Array.of(1, 1, 1, 1) } }, true],
    ['ipopts:any;', {}, false],
    ['sameip;', { destination: SOURCE }, true],
    ['sameip;', {}, false],
  ] as [string, TcpFields, boolean][])('%s %j: %s', (options, fields, expected) => {
    expect(fires(options, tcpPacket(fields))).toBe(expected)
  })

  it('stops at the end of IP options that lie about their length', () => {
    const lying = { ipv4: { options: Uint8Array.of(7, 1, 7, 0) } } as TcpFields
    expect(fires('ipopts:ts;', tcpPacket(lying))).toBe(false)
  })
})

describe('ICMP', () => {
  const echo = (fields: object = {}): CapturedFrame =>
    packet(icmpFrame({ ...ADDRESSES, type: 8, code: 0, id: 666, seq: 5, payload: 'ping payload', ...fields }))

  it.each([
    ['itype:8;', {}, true],
    ['itype:0;', {}, false],
    ['itype:>7;', {}, true],
    ['itype:7<>9;', {}, true],
    ['itype:8<>10;', {}, false],
    ['icode:0;', {}, true],
    ['icode:>0;', { code: 1 }, true],
    ['icmp_id:666;', {}, true],
    ['icmp_seq:5;', {}, true],
    ['icmp_id:666;', { type: 13 }, false],
    ['itype:8; content:"payload";', {}, true],
    ['itype:8; dsize:12;', {}, true],
    ['dsize:>800;', {}, false],
    ['itype:3; icode:4;', { type: 3, code: 4 }, true],
  ] as [string, object, boolean][])('%s %j: %s', (options, fields, expected) => {
    expect(fires(options, echo(fields), 'icmp')).toBe(expected)
  })

  it('shows type and code as ports', () => {
    const { alerts } = run('alert icmp any any -> any any (itype:3; sid:1;)', [echo({ type: 3, code: 4 })])
    expect(alerts[0]).toMatchObject({
      source: SOURCE,
      destination: DESTINATION,
      sourcePort: 3,
      destinationPort: 4,
    })
  })
})

describe('UDP and IP', () => {
  const query = packet(udpFrame({ ...ADDRESSES, sourcePort: 1025, destinationPort: 53, payload: 'a query' }))

  it('evaluates UDP rules on each datagram', () => {
    expect(fires('content:"query"; offset:2; depth:5;', query, 'udp')).toBe(true)
    expect(fires('dsize:7;', query, 'udp')).toBe(true)
    expect(fires('content:"query";', query, 'tcp')).toBe(false)
    expect(sids('alert udp any any -> any 54 (content:"query"; sid:1;)', [query])).toEqual([])
    expect(sids('alert udp any 1025 -> any any (content:"query"; sid:1;)', [query])).toEqual([1])
  })

  it('tells the directions of a UDP exchange apart', () => {
    const packets = udpExchange([
      ['client', 'from client'],
      ['server', 'from server'],
    ])
    expect(sids('alert udp any any -> any any (flow:to_server; content:"from"; sid:1;)', packets)).toEqual([
      1,
    ])
    const { alerts } = run('alert udp any any -> any any (flow:to_client; content:"from"; sid:1;)', packets)
    expect(alerts.map(({ direction, payload }) => [direction, payload])).toEqual([['S2C', 'from server']])
  })

  it('takes UDP as established once both sides have sent', () => {
    const packets = udpExchange([
      ['client', 'one'],
      ['server', 'two'],
      ['client', 'three'],
    ])
    const rule = 'alert udp any any -> any any (flow:to_server,established; content:"t"; sid:1;)'
    expect(run(rule, packets).alerts.map(({ payload }) => payload)).toEqual(['three'])
  })

  it('evaluates ip rules on every protocol', () => {
    expect(fires('content:"query";', query, 'ip')).toBe(true)
    expect(fires('ip_proto:17;', query, 'ip')).toBe(true)
    expect(fires('ip_proto:!17;', query, 'ip')).toBe(false)
    expect(fires('ip_proto:>100;', query, 'ip')).toBe(false)
    expect(sids('alert ip any any -> any any (content:"zebra"; sid:1;)', clientSays('a zebra'))).toEqual([1])
    expect(sids('alert ip any any -> any any (ttl:64; sid:1;)', [tcpPacket({})])).toEqual([1])
  })
})

describe('dsize and stream selection', () => {
  const packets = conversation({ serverPort: 7777 })
    .handshake()
    .client('12345')
    .client('67890abc')
    .close()
    .packets()
  const on = (options: string): number[] =>
    sids(`alert tcp any any -> any 7777 (flow:to_server; ${options} sid:1;)`, packets)

  it('looks at single packets for dsize', () => {
    expect(on('dsize:5;')).toEqual([1])
    expect(on('dsize:>7;')).toEqual([1])
    expect(on('dsize:5<>8;')).toEqual([1, 1])
    expect(on('dsize:13;')).toEqual([])
    expect(on('dsize:5; content:"345";')).toEqual([1])
    expect(on('dsize:5; content:"67";')).toEqual([])
  })

  it('tells long packets apart', () => {
    const long = conversation({ serverPort: 7777, mss: 5000 })
      .handshake()
      .client('x'.repeat(1999))
      .client('x'.repeat(2048))
      .client('x'.repeat(4000))
      .packets()
    const sizes = (options: string): number =>
      sids(`alert tcp any any -> any 7777 (flow:to_server; ${options} sid:1;)`, long).length
    expect(sizes('dsize:>2047;')).toBe(2)
    expect(sizes('dsize:>2048;')).toBe(1)
    expect(sizes('dsize:2048<>4096;')).toBe(2)
    expect(sizes('dsize:<2000;')).toBe(3)
    expect(sizes('dsize:<2000; flags:S;')).toBe(1)
    expect(sizes('dsize:>4000;')).toBe(0)
  })

  it('finds a content across segments', () => {
    expect(on('content:"4567";')).toEqual([1])
    const stream = (flow: string, content: string): number[] =>
      sids(`alert tcp any any -> any 7777 (flow:to_server,${flow}; content:"${content}"; sid:1;)`, packets)
    expect(stream('only_stream', '4567')).toEqual([1])
    expect(stream('no_stream', '345')).toEqual([1])
  })

  it('shows a turn that would have fitted into one packet to the rules for packets, however it was cut', () => {
    const whole = 'alert tcp any any -> any 7777 (flow:to_server,no_stream; content:"4567"; sid:1;)'
    expect(sids(whole, packets)).toEqual([1])
    const talk = conversation({ serverPort: 7777 }).handshake()
    const answered = talk.client('12345').server('go on').client('67890abc').close().packets()
    expect(sids(whole, answered)).toEqual([])
    const long = conversation({ serverPort: 7777 })
      .handshake()
      .client('12345')
      .client(`67${'x'.repeat(1460)}`)
    expect(sids(whole, long.close().packets())).toEqual([])
    expect(on('dsize:13; content:"4567";')).toEqual([1])
    expect(on('dsize:12; content:"4567";')).toEqual([])
    expect(
      sids('alert tcp any any -> any 7777 (flags:A+; flow:no_stream; content:"4567"; sid:1;)', packets),
    ).toEqual([])
  })

  it('counts a packet that matches by itself once, and not again with those around it', () => {
    const counted =
      'alert tcp any any -> any 7777 (flow:to_server,no_stream; content:"345"; detection_filter:track by_src, count 1, seconds 60; sid:1;)'
    expect(sids(counted, packets)).toEqual([])
    const talk = conversation({ serverPort: 7777 }).handshake()
    const twice = talk.client('12345').server('ok').client('12345').close()
    expect(sids(counted, twice.packets())).toEqual([1])
  })

  it('alerts once for a rule that looks at packets and at the stream', () => {
    const { alerts, inspector } = run(
      'alert tcp any any -> any 7777 (flags:A+; content:"345"; sid:1;)',
      packets,
    )
    expect(alerts.map(({ fromStream }) => fromStream)).toEqual([false])
    expect(inspector.counters.duplicates).toBe(1)
    expect(sids('alert tcp any any -> any 7777 (flags:A+; content:"4567"; sid:1;)', packets)).toEqual([1])
  })

  it('evaluates rules without any byte option on every packet', () => {
    expect(
      sids('alert tcp any any -> any 7777 (flow:to_server,established; sid:1;)', packets).length,
    ).toBeGreaterThan(2)
  })
})

describe('addresses, ports and direction signs', () => {
  const talk = conversation({ client: SOURCE, server: DESTINATION, clientPort: 1234, serverPort: 7777 })
  const packets = talk.handshake().client('from client').server('from server').close().packets()
  const on = (header: string, settings = {}): string[] =>
    run(`alert tcp ${header} (content:"from"; sid:1;)`, packets, settings).alerts.map(({ payload }) =>
      payload.slice(5),
    )

  it.each([
    [`${SOURCE} any -> any any`, ['client']],
    [`any any -> ${SOURCE} any`, ['server']],
    [`10.0.0.0/8 any -> any any`, ['client', 'server']],
    [`!${SOURCE} any -> any any`, ['server']],
    [`[10.0.0.0/24,!${SOURCE}] any -> any any`, ['server']],
    ['192.168.0.0/16 any -> any any', []],
    [`any 1234 -> any any`, ['client']],
    [`any any -> any 1234`, ['server']],
    [`any any -> any 7777`, ['client']],
    [`any any -> any !7777`, ['server']],
    [`any 1000:2000 -> any 7000:`, ['client']],
    [`any any <> any 7777`, ['client', 'server']],
    [`${SOURCE} any <> ${DESTINATION} 7777`, ['client', 'server']],
    [`${SOURCE} any <> ${DESTINATION} 7778`, []],
    [`${DESTINATION} 7777 -> ${SOURCE} 1234`, ['server']],
  ] as [string, string[]][])('%s', (header, expected) => {
    expect(on(header)).toEqual(expected)
  })

  it('matches IPv6 networks', () => {
    const six = conversation({ client: '2001:db8::1', server: '2001:db8:1::2', serverPort: 7777 })
    const sent = six.handshake().client('from client').close().packets()
    const of = (header: string): number[] => sids(`alert tcp ${header} (content:"from"; sid:1;)`, sent)
    expect(of('2001:db8::/64 any -> any any')).toEqual([1])
    expect(of('2001:db8:1::/64 any -> any any')).toEqual([])
    expect(of('!2001:db8:1::/64 any -> any any')).toEqual([1])
    expect(of('10.0.0.0/8 any -> any any')).toEqual([])
    expect(of('any any -> [10.0.0.0/8,2001:db8:1::2] any')).toEqual([1])
  })
})

describe('packets without a flow', () => {
  const stray = tcpPacket({ flags: ACK | PSH, payload: 'stray bytes', seq: 5, ack: 9 })
  const settings = { stack: { midstream: false } }
  const on = (options: string): number[] =>
    sids(`alert tcp any any -> any 80 (${options} sid:1;)`, [stray], settings)

  it('evaluates rules that do not ask for a flow', () => {
    expect(on('content:"stray";')).toEqual([1])
    expect(on('flow:stateless; flags:PA; content:"stray";')).toEqual([1])
    expect(on('flow:established; content:"stray";')).toEqual([])
    expect(on('flow:only_stream; content:"stray";')).toEqual([])
    expect(on('flowbits:isnotset,x; content:"stray";')).toEqual([])
  })

  it('says that the direction is not known', () => {
    const { alerts } = run('alert tcp any any -> any 80 (content:"stray"; sid:1;)', [stray], settings)
    expect(alerts[0]).toMatchObject({
      direction: 'UNK',
      source: SOURCE,
      sourcePort: 1025,
      payload: 'stray bytes',
    })
    expect(alerts[0]!.record.flowId).toBe(-1)
  })
})

describe('subscriptions', () => {
  it('inspects nothing when there are no rules', () => {
    const stack = createStack()
    const inspector = makeEngine('').attach(stack, {
      alert: () => {},
      flush: async () => {},
      close: async () => {},
    })
    for (const { frame } of clientSays('anything'))
      stack.frame(frame, 0, frame.length, frame.length, 1, 0, 1, 0)
    stack.finish()
    expect(inspector.counters).toMatchObject({ packetUnits: 0, streamUnits: 0 })
  })

  it('stops when detached', () => {
    const engine = makeEngine('alert tcp any any -> any any (content:"zebra"; sid:1;)')
    const stack = createStack()
    let count = 0
    const inspector = engine.attach(stack, {
      alert: () => count++,
      flush: async () => {},
      close: async () => {},
    })
    inspector.detach()
    for (const { frame } of clientSays('zebra')) stack.frame(frame, 0, frame.length, frame.length, 1, 0, 1, 0)
    stack.finish()
    expect(count).toBe(0)
  })
})

describe('packets whose only flag is ACK', () => {
  it.each(['snort2', 'snort3'] as const)('carry data like any other, in %s text', (dialect) => {
    const packets = conversation({ serverPort: 7777 })
      .handshake()
      .segment('client', { flags: ACK, payload: 'EVIL' })
      .close()
      .packets()
    const rule = 'alert tcp any any -> any any (flow:no_stream; content:"EVIL"; sid:1;)'
    expect(sids(rule, packets, { dialect })).toEqual([1])
  })
})

it('learns the service of a flow though no rule looks at its bytes', () => {
  const packets = conversation({ serverPort: 8123 })
    .handshake()
    .client('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
    .server('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
    .close()
    .packets()
  const fired = sids('alert http any any -> any any (sid:1;)', packets, { dialect: 'snort3' })
  expect(fired.length).toBeGreaterThan(0)
  expect(sids('alert ssl any any -> any any (sid:1;)', packets, { dialect: 'snort3' })).toEqual([])
})
