import { describe, expect, it } from 'vitest'
import {
  concat,
  ethernet,
  fragmentIpv4,
  fragmentIpv6,
  fromHex,
  type Ipv6Extension,
  ipv4,
  ipv6,
  tcp,
  udp,
} from '../../../test/support/frames.js'
import {
  DecodeCounters,
  decodeIp,
  formatAddress,
  formatAddressWords,
  LINK_TYPE,
  MAX_EXTENSION_HEADERS,
  Packet,
} from '../../src/wire/index.js'
import { decode } from './support.js'

const ends4 = { source: '10.1.2.3', destination: '203.0.113.255' }
const ends6 = { source: '2001:db8::a', destination: 'fe80::1' }
const ports = { sourcePort: 40000, destinationPort: 80 }
const segment4 = tcp({ ...ends4, ...ports, payload: 'hello' })
const segment6 = tcp({ ...ends6, ...ports, payload: 'hello' })
const tcp4 = { ...ends4, protocol: 6 }
const tcp6 = { ...ends6, protocol: 6 }
const raw = { linkType: LINK_TYPE.RAW }

describe('IPv4', () => {
  it('gives every header field', () => {
    const { packet } = decode(
      ipv4(segment4, { ...tcp4, ttl: 3, tos: 0xb8, id: 0xbeef, dontFragment: true, reservedBit: true }),
      raw,
    )
    expect([packet.ttl, packet.tos, packet.ipId]).toEqual([3, 0xb8, 0xbeef])
    expect([packet.dontFragment, packet.moreFragments, packet.reservedBit]).toEqual([true, false, true])
    expect([packet.fragOffset, packet.isFragment]).toEqual([0, false])
    expect([packet.ipHeaderLength, packet.ipTotalLength, packet.protocol]).toEqual([20, 45, 6])
    expect([packet.address(0), formatAddress(packet, 1)]).toEqual(['10.1.2.3', '203.0.113.255'])
    expect([packet.src0, packet.src1, packet.src2, packet.src3]).toEqual([0, 0, 0xffff, 0x0a010203])
    expect(packet.dst3).toBe(0xcb0071ff | 0)
  })

  it('steps over options', () => {
    const { packet } = decode(ipv4(segment4, { ...tcp4, options: fromHex('94040000 01') }), raw)
    expect([packet.ipHeaderLength, packet.sourcePort]).toEqual([28, 40000])
    expect(Buffer.from(packet.payload()).toString()).toBe('hello')
  })

  it('reports headers that lie or are cut', () => {
    const whole = ipv4(segment4, tcp4)
    expect(decode(whole.subarray(0, 19), raw).outcome).toBe('ipv4_truncated')
    expect(decode(ipv4(segment4, { ...tcp4, version: 5 }), { linkType: LINK_TYPE.IPV4 }).outcome).toBe(
      'ip_version',
    )
    expect(decode(ipv4(segment4, { ...tcp4, headerWords: 4 }), raw).outcome).toBe('ipv4_header_length')
    expect(decode(ipv4(new Uint8Array(8), { ...tcp4, headerWords: 15 }), raw).outcome).toBe(
      'ipv4_options_truncated',
    )
    expect(decode(ipv4(segment4, { ...tcp4, totalLength: 19 }), raw).outcome).toBe('ipv4_length_below_header')
    expect(decode(ipv4(segment4, { ...tcp4, totalLength: 0 }), raw).outcome).toBe('ipv4_length_below_header')
    const { outcome, packet } = decode(ipv4(segment4, { ...tcp4, totalLength: whole.length + 1 }), raw)
    expect([outcome, packet.ipVersion, packet.transportOffset]).toEqual(['ipv4_length_above_frame', 0, -1])
  })

  it('takes total length 0 of a packet above the usual MTU as not yet split by the network card', () => {
    const large = ipv4(tcp({ ...ends4, ...ports, payload: new Uint8Array(4000) }), {
      ...tcp4,
      totalLength: 0,
    })
    const { packet, outcome } = decode(large, raw)
    expect([outcome, packet.payloadLength]).toEqual(['decoded', 4000])
  })

  it('cuts the payload with the capture, and tells', () => {
    const { packet, counters, outcome } = decode(ethernet(ipv4(segment4, tcp4)).subarray(0, 56), {
      wireLength: 59,
    })
    expect(outcome).toBe('decoded')
    expect([packet.payloadLength, packet.payloadWireLength, packet.truncated]).toEqual([2, 5, true])
    expect(counters.truncated).toBe(1)
  })

  it('gives protocols without a decoder their payload', () => {
    const { packet } = decode(ipv4(fromHex('01020304'), { ...ends4, protocol: 89 }), raw)
    expect([packet.protocol, packet.transportOffset, packet.sourcePort]).toEqual([89, -1, 0])
    expect(Array.from(packet.payload())).toEqual([1, 2, 3, 4])
  })

  it('steps over authentication headers, a limited number of them', () => {
    const header = (next: number): Uint8Array => concat(Uint8Array.of(next, 4), new Uint8Array(22))
    const { packet } = decode(ipv4(concat(header(6), segment4), { ...ends4, protocol: 51 }), raw)
    expect([packet.protocol, packet.sourcePort, packet.ipHeaderLength]).toEqual([6, 40000, 44])
    const nested = (count: number): Uint8Array =>
      concat(...Array.from({ length: count }, (_, i) => header(i === count - 1 ? 6 : 51)), segment4)
    const outcome = (payload: Uint8Array): string =>
      decode(ipv4(payload, { ...ends4, protocol: 51 }), raw).outcome
    expect(outcome(nested(MAX_EXTENSION_HEADERS))).toBe('decoded')
    expect(outcome(nested(MAX_EXTENSION_HEADERS + 1))).toBe('ah_malformed')
    expect(outcome(header(6).subarray(0, 11))).toBe('ah_malformed')
    expect(outcome(concat(Uint8Array.of(6, 0), new Uint8Array(22)))).toBe('ah_malformed')
    expect(outcome(concat(Uint8Array.of(6, 200), new Uint8Array(22)))).toBe('ah_malformed')
  })
})

describe('IPv4 fragments', () => {
  const fragments = fragmentIpv4(
    udp({ ...ends4, ...ports, payload: 'a'.repeat(40) }),
    { ...ends4, protocol: 17, id: 9 },
    16,
  )

  it('decodes the transport header of the first only', () => {
    const [first, second, third] = fragments.map((fragment) => decode(fragment, raw))
    expect([first!.packet.isFragment, first!.packet.sourcePort, first!.packet.payloadLength]).toEqual([
      true,
      40000,
      8,
    ])
    expect([first!.packet.moreFragments, first!.packet.fragOffset]).toEqual([true, 0])
    expect([second!.packet.isFragment, second!.packet.sourcePort, second!.packet.fragOffset]).toEqual([
      true,
      0,
      16,
    ])
    expect([second!.packet.protocol, second!.packet.transportOffset, second!.packet.payloadLength]).toEqual([
      17, -1, 16,
    ])
    expect([third!.packet.moreFragments, third!.packet.fragOffset, third!.packet.isFragment]).toEqual([
      false,
      32,
      true,
    ])
    for (const each of [first, second, third]) {
      expect([each!.outcome, each!.counters.fragments, each!.packet.ipId]).toEqual(['decoded', 1, 9])
    }
  })

  it('does not call a first fragment malformed for being shorter than its transport header', () => {
    const [tiny] = fragmentIpv4(segment4, tcp4, 8)
    const { packet, outcome } = decode(tiny!, raw)
    expect([outcome, packet.transportOffset, packet.payloadLength, packet.sourcePort]).toEqual([
      'decoded',
      -1,
      8,
      0,
    ])
  })

  it('refuses one that ends beyond the longest packet', () => {
    const fragment = (offset: number): string =>
      decode(ipv4(new Uint8Array(100), { ...ends4, protocol: 1, fragmentOffset: offset }), raw).outcome
    expect(fragment(65_408)).toBe('decoded')
    expect(fragment(65_416)).toBe('fragment_above_64k')
  })
})

/** An options header of 8 bytes: padding option. */
const padding: Ipv6Extension['body'] = fromHex('00 0104 00000000')

describe('IPv6', () => {
  it('gives every header field', () => {
    const { packet, outcome } = decode(
      ipv6(segment6, { ...tcp6, hopLimit: 9, trafficClass: 0xab, flowLabel: 0xfffff }),
      raw,
    )
    expect([outcome, packet.ipVersion, packet.ttl, packet.tos]).toEqual(['decoded', 6, 9, 0xab])
    expect([packet.address(0), packet.address(1)]).toEqual(['2001:db8::a', 'fe80::1'])
    expect([packet.src0, packet.src1, packet.src2, packet.src3]).toEqual([0x20010db8, 0, 0, 0xa])
    expect([packet.dst0, packet.dst3]).toEqual([0xfe800000 | 0, 1])
    expect([packet.ipHeaderLength, packet.ipTotalLength, packet.ipId, packet.isFragment]).toEqual([
      40,
      65,
      0,
      false,
    ])
  })

  it('walks extension headers', () => {
    const extensions = [
      { type: 0, body: padding },
      { type: 60, body: padding },
      { type: 43, body: fromHex('00 0000 00000000') },
      { type: 51, body: concat(fromHex('04 0000 00000001 00000001'), new Uint8Array(12)) },
      { type: 60, body: concat(fromHex('01'), new Uint8Array(14)) },
    ]
    const { packet, outcome } = decode(ipv6(segment6, { ...tcp6, extensions }), raw)
    expect([outcome, packet.protocol, packet.sourcePort]).toEqual(['decoded', 6, 40000])
    expect([packet.ipHeaderLength, packet.segmentsLeft]).toEqual([40 + 8 + 8 + 8 + 24 + 16, false])
    expect(Buffer.from(packet.payload()).toString()).toBe('hello')
  })

  it('limits their number', () => {
    const extensions = Array.from({ length: MAX_EXTENSION_HEADERS + 1 }, () => ({ type: 60, body: padding }))
    expect(decode(ipv6(segment6, { ...tcp6, extensions: extensions.slice(1) }), raw).outcome).toBe('decoded')
    const { outcome, packet } = decode(ipv6(segment6, { ...tcp6, extensions }), raw)
    expect([outcome, packet.ipVersion, packet.transportOffset]).toEqual(['ipv6_extensions_too_many', 6, -1])
  })

  it('reports headers that lie or are cut', () => {
    const whole = ipv6(segment6, tcp6)
    expect(decode(whole.subarray(0, 39), raw).outcome).toBe('ipv6_truncated')
    expect(decode(whole, { linkType: LINK_TYPE.IPV4 }).outcome).toBe('ip_version')
    expect(decode(ipv4(segment4, tcp4), { linkType: LINK_TYPE.IPV6 }).outcome).toBe('ip_version')
    expect(decode(ipv6(segment6, { ...tcp6, payloadLength: 26 }), raw).outcome).toBe(
      'ipv6_length_above_frame',
    )
    expect(decode(ipv6(segment6, { ...tcp6, payloadLength: 0 }), raw).outcome).toBe('ipv6_length_zero')
    const cut = ipv6(fromHex('06 00 0104'), { ...ends6, protocol: 60 })
    expect(decode(cut, raw).outcome).toBe('ipv6_extension_truncated')
    const beyond = ipv6(fromHex('06 05 0104 00000000'), { ...ends6, protocol: 0 })
    expect(decode(beyond, raw).outcome).toBe('ipv6_extension_truncated')
  })

  it('accepts a packet that ends with its header', () => {
    const { packet, outcome } = decode(
      ethernet(ipv6(new Uint8Array(0), { ...ends6, protocol: 59 }), { padTo: 60 }),
    )
    expect([outcome, packet.protocol, packet.payloadLength]).toEqual(['decoded', 59, 0])
  })

  it('reads jumbograms, and refuses contradictory ones', () => {
    const jumbo = (length: number, size: number, optionLength = '04'): ReturnType<typeof decode> => {
      const option = new Uint8Array(4)
      new DataView(option.buffer).setUint32(0, length)
      const extensions = [{ type: 0, body: concat(fromHex(`00 c2${optionLength}`), option) }]
      const payload = tcp({ ...ends6, ...ports, payload: new Uint8Array(size) })
      return decode(ipv6(payload, { ...tcp6, extensions, payloadLength: 0 }), raw)
    }
    const { packet, outcome } = jumbo(8 + 20 + 70_000, 70_000)
    expect([outcome, packet.payloadLength, packet.ipTotalLength]).toEqual(['decoded', 70_000, 70_068])
    expect(jumbo(70_029, 70_000).outcome).toBe('ipv6_jumbo')
    expect(jumbo(1000, 70_000).outcome).toBe('ipv6_jumbo')
    expect(jumbo(70_028, 70_000, '05').outcome).toBe('ipv6_jumbo')
  })

  it('takes payload length 0 of a packet above the usual MTU as not yet split', () => {
    const payload = tcp({ ...ends6, ...ports, payload: new Uint8Array(3000) })
    expect(decode(ipv6(payload, { ...tcp6, payloadLength: 0 }), raw).packet.payloadLength).toBe(3000)
  })
})

describe('IPv6 fragments', () => {
  const datagram = udp({ ...ends6, ...ports, payload: 'b'.repeat(40) })
  const options = { ...ends6, protocol: 17 }

  it('decodes the transport header of the first only', () => {
    const [first, second, third] = fragmentIpv6(datagram, options, 16, 0xcafe).map(
      (fragment) => decode(fragment, raw).packet,
    )
    expect([first!.isFragment, first!.sourcePort, first!.fragOffset, first!.moreFragments]).toEqual([
      true,
      40000,
      0,
      true,
    ])
    expect([second!.isFragment, second!.sourcePort, second!.fragOffset, second!.protocol]).toEqual([
      true,
      0,
      16,
      17,
    ])
    expect([third!.moreFragments, third!.fragOffset, third!.payloadLength, third!.transportOffset]).toEqual([
      false,
      32,
      16,
      -1,
    ])
    expect([first!.ipId, third!.ipId, first!.ipHeaderLength]).toEqual([0xcafe, 0xcafe, 48])
  })

  it('takes an atomic fragment as the whole packet it is', () => {
    const extensions = [{ type: 44, body: fromHex('00 0000 00000007') }]
    const { packet } = decode(ipv6(datagram, { ...options, extensions }), raw)
    expect([packet.isFragment, packet.sourcePort, packet.payloadLength, packet.ipId]).toEqual([
      false,
      40000,
      40,
      7,
    ])
  })

  it('accepts a first fragment whose header chain goes on in the next', () => {
    const extensions = [{ type: 44, body: fromHex('00 0001 00000007') }]
    const { packet, outcome } = decode(
      ipv6(fromHex('06 03 0104 00000000'), { ...ends6, protocol: 60, extensions }),
      raw,
    )
    expect([outcome, packet.isFragment, packet.protocol, packet.transportOffset]).toEqual([
      'decoded',
      true,
      60,
      -1,
    ])
  })

  it('refuses one that ends beyond the longest packet', () => {
    const extensions = [{ type: 44, body: fromHex('00 fff8 00000007') }]
    expect(decode(ipv6(new Uint8Array(7), { ...options, extensions }), raw).outcome).toBe('decoded')
    expect(decode(ipv6(new Uint8Array(8), { ...options, extensions }), raw).outcome).toBe(
      'fragment_above_64k',
    )
  })
})

describe('decodeIp', () => {
  it('decodes a packet put together elsewhere, keeping number, time and VLAN', () => {
    const { packet, counters } = decode(ethernet(fragmentIpv4(segment4, tcp4, 8)[0]!, { vlans: [5] }))
    const whole = ipv4(segment4, tcp4)
    const status = decodeIp(packet, counters, concat(fromHex('ff'), whole), 1, whole.length)
    expect([status, packet.number, packet.seconds, packet.vlan]).toEqual([0, 1, 1_700_000_000, 5])
    expect([packet.isFragment, packet.sourcePort, packet.payloadLength]).toEqual([false, 40000, 5])
    expect([packet.linkType, packet.frameLength, packet.frame()]).toEqual([
      LINK_TYPE.RAW,
      whole.length,
      whole,
    ])
    expect(counters.outcomes[0]).toBe(2)
  })

  it('reports what is not IP', () => {
    const packet = new Packet()
    decodeIp(packet, new DecodeCounters(), fromHex('00'), 0, 1)
    expect([packet.ipVersion, packet.address(0)]).toEqual([0, ''])
  })
})

describe('IPv6 text', () => {
  it.each([
    ['00000000000000000000000000000000', '::'],
    ['00000000000000000000000000000001', '::1'],
    ['20010db8000000000001000000000001', '2001:db8::1:0:0:1'],
    ['20010db8000000010001000100010001', '2001:db8:0:1:1:1:1:1'],
    ['20010db8000000000000000000000000', '2001:db8::'],
    ['00010000000000000000000000000000', '1::'],
    ['0001000200030004000500060007abcd', '1:2:3:4:5:6:7:abcd'],
    ['00010000000200000000000300000000', '1:0:2::3:0:0'],
    ['00000000000000000000ffffc0000201', '::ffff:192.0.2.1'],
    ['0000000000000000ffff0000c0000201', '::ffff:0:c000:201'],
  ])('writes %s as %s', (hex, text) => {
    const view = new DataView(fromHex(hex).buffer)
    const words = [0, 4, 8, 12].map((at) => view.getInt32(at))
    expect(formatAddressWords(6, words[0]!, words[1]!, words[2]!, words[3]!)).toBe(text)
  })

  it('writes words of IPv4', () => {
    expect(formatAddressWords(4, 0, 0, 0xffff, 0xc0000201 | 0)).toBe('192.0.2.1')
  })
})
