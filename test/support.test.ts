import { describe, expect, it } from 'vitest'
import {
  conversation,
  dialogue,
  drop,
  duplicate,
  feed,
  fragment,
  merge,
  resegment,
  shuffle,
  type TestPacket,
  udpExchange,
} from './support/conversation.js'
import {
  addressBytes,
  checksum,
  ethernet,
  fromHex,
  icmpFrame,
  ipv4,
  TCP_FLAG,
  tcpFrame,
  toBytes,
  udpFrame,
} from './support/frames.js'
import { pcapBytes, pcapPackets } from './support/pcap.js'

/** What `from` said, put together by sequence number: a naive reassembly. */
function said(packets: readonly TestPacket[], from: 'client' | 'server', isn: number): string {
  const bytes: string[] = []
  for (const packet of packets) {
    if (packet.from !== from || packet.tcp === undefined) continue
    const at = ((packet.tcp.seq! - isn) >>> 0) - 1
    toBytes(packet.tcp.payload ?? '').forEach((byte, i) => {
      bytes[at + i] = String.fromCharCode(byte)
    })
  }
  return bytes.join('')
}

describe('frames', () => {
  it('builds an IPv4 header with a right checksum (example of RFC 1071 arithmetic)', () => {
    // The header known from the literature: 4500 0073 0000 4000 4011 b861 c0a8 0001 c0a8 00c7
    const packet = ipv4(new Uint8Array(0x73 - 20), {
      source: '192.168.0.1',
      destination: '192.168.0.199',
      protocol: 17,
      dontFragment: true,
    })
    expect(packet.subarray(0, 20)).toEqual(fromHex('45000073 0000 4000 4011 b861 c0a80001 c0a800c7'))
    expect(checksum(packet.subarray(0, 20))).toBe(0)
  })

  it.each(['192.0.2.1|192.0.2.2', '2001:db8::1|2001:db8::2'])('TCP, UDP and ICMP sums verify: %s', (pair) => {
    const [source, destination] = pair.split('|') as [string, string]
    const header = source.includes(':') ? 40 : 20
    const at = { source, destination }
    const ports = { sourcePort: 1234, destinationPort: 80 }
    for (const [frame, protocol] of [
      [tcpFrame({ ...at, ...ports, payload: 'odd' }), 6],
      [udpFrame({ ...at, ...ports, payload: 'even' }), 17],
      ...(header === 40 ? [[icmpFrame({ ...at, type: 128, payload: 'ping' }), 58] as const] : []),
    ] as const) {
      const segment = frame.subarray(14 + header)
      const pseudo = Uint8Array.from([0, 0, 0, segment.length, 0, 0, 0, protocol])
      expect(checksum(addressBytes(source), addressBytes(destination), pseudo, segment)).toBe(0)
    }
    if (header === 20) expect(checksum(icmpFrame({ ...at, type: 8, payload: 'ping' }).subarray(34))).toBe(0)
  })

  it('stacks VLAN tags, pads, and takes the EtherType from the IP version', () => {
    const frame = ethernet(Uint8Array.of(0x60), { vlans: [{ id: 100, tpid: 0x88a8 }, 7], padTo: 60 })
    expect(frame.subarray(12, 23)).toEqual(fromHex('88a80064 81000007 86dd 60'))
    expect(frame).toHaveLength(60)
  })

  it('reads every form of address', () => {
    expect(addressBytes('2001:db8::192.0.2.1')).toEqual(fromHex('20010db8 00000000 00000000 c0000201'))
    expect(addressBytes('::')).toEqual(new Uint8Array(16))
    expect(addressBytes('1:2:3:4:5:6:7:8')).toEqual(fromHex('00010002000300040005000600070008'))
    expect(() => addressBytes('1.2.3')).toThrow(RangeError)
    expect(() => addressBytes('1:2:3')).toThrow(RangeError)
  })
})

describe('conversation', () => {
  const clientIsn = 0xffff_fff0
  const request = 'GET / HTTP/1.1\r\n\r\n'
  const reply = 'x'.repeat(4000)
  const talk = dialogue([request, reply], { clientIsn, mss: 1000 })

  it('keeps sequence numbers of both sides across the wrap', () => {
    expect(said(talk, 'client', clientIsn)).toBe(request)
    expect(said(talk, 'server', 5000)).toBe(reply)
    const fin = talk.find((packet) => packet.from === 'client' && (packet.tcp!.flags! & TCP_FLAG.FIN) !== 0)
    expect(fin?.tcp?.seq).toBe((clientIsn + 1 + request.length) >>> 0)
    expect(talk.at(-1)?.tcp?.ack).toBe(5000 + 1 + reply.length + 1)
  })

  it('is the same each time, with times that never go back', () => {
    expect(dialogue([request, reply], { clientIsn, mss: 1000 })).toEqual(talk)
    const later = conversation({ start: 10.5 }).handshake().delay(700).client('x').packets()
    expect(later.map(({ seconds, nanoseconds }) => seconds + nanoseconds / 1e9)).toEqual([
      10.5, 10.5001, 10.5002, 11.2003, 11.2004,
    ])
  })

  it('carries the same data after every transformation', () => {
    for (const version of [
      resegment(talk, 1),
      shuffle(resegment(talk, 7), 1),
      shuffle(talk, 2, 'all'),
      duplicate(talk, 2),
    ]) {
      expect(said(version, 'client', clientIsn)).toBe(request)
      expect(said(version, 'server', 5000)).toBe(reply)
    }
    expect(shuffle(talk, 1)).not.toEqual(talk)
    expect(shuffle(talk, 1)).toEqual(shuffle(talk, 1))
    expect(drop(talk, (_packet, i) => i === 0)).toEqual(talk.slice(1))
  })

  it('cuts segments in IP fragments of both versions', () => {
    for (const server of ['192.0.2.80', '2001:db8::80']) {
      const client = server.includes(':') ? '2001:db8::5' : '203.0.113.5'
      const packets = fragment(dialogue([request, reply], { client, server, mss: 100 }), 64)
      const cut = packets.filter((packet) => packet.tcp === undefined)
      expect(cut).toHaveLength(80)
      expect(new Set(cut.map((packet) => packet.frame.length)).size).toBe(2)
    }
  })

  it('merges by time and feeds frames in order', () => {
    const a = udpExchange(
      [
        ['client', 'a'],
        ['server', 'c'],
      ],
      { start: 1, step: 200 },
    )
    const b = udpExchange([['client', 'b']], { start: 1.0001 })
    const last: number[] = []
    feed({ frame: (buffer, _offset, length) => last.push(buffer[length - 1]!) }, merge(a, b))
    expect(String.fromCharCode(...last)).toBe('abc')
  })
})

describe('pcap', () => {
  it('writes the classic format in both byte orders', () => {
    const packets = [{ frame: Uint8Array.of(1, 2, 3), seconds: 1, nanoseconds: 2500 }]
    expect(pcapBytes(packets, { snaplen: 2 })).toEqual(
      fromHex(
        'd4c3b2a1 0200 0400 00000000 00000000 02000000 01000000 01000000 02000000 02000000 03000000 0102',
      ),
    )
    expect(pcapBytes(packets, { bigEndian: true, nanoseconds: true, linkType: 101 })).toEqual(
      fromHex(
        'a1b23c4d 0002 0004 00000000 00000000 00040000 00000065 00000001 000009c4 00000003 00000003 010203',
      ),
    )
  })

  it('reads back what it wrote, up to the last whole packet', () => {
    const packets = [
      { frame: Uint8Array.of(1, 2, 3), seconds: 1, nanoseconds: 2000, wireLength: 60 },
      { frame: Uint8Array.of(4), seconds: 4_000_000_000, nanoseconds: 999_999_000, wireLength: 1 },
    ]
    for (const options of [
      {},
      { bigEndian: true },
      { nanoseconds: true },
      { bigEndian: true, nanoseconds: true },
    ]) {
      expect(pcapPackets(pcapBytes(packets, options))).toEqual(packets)
      expect(pcapPackets(pcapBytes(packets, options).subarray(0, -1))).toEqual(packets.slice(0, 1))
    }
  })
})
