import { describe, expect, it } from 'vitest'
import {
  ethernet,
  fromHex,
  icmpFrame,
  ip,
  ipv4,
  tcp,
  tcpFrame,
  udp,
  udpFrame,
} from '../../../test/support/frames.js'
import { LINK_TYPE, parseTcpOptions, TcpOptions } from '../../src/wire/index.js'
import { decode } from './support.js'

const ends = { source: '10.0.0.1', destination: '10.0.0.2' }
const ends6 = { source: '2001:db8::1', destination: '2001:db8::2' }
const ports = { sourcePort: 51234, destinationPort: 8080 }

/** A whole IPv4 packet around a hand-made transport header. */
function carried(protocol: number, payload: Uint8Array): Uint8Array {
  return ethernet(ipv4(payload, { ...ends, protocol }))
}

describe('TCP', () => {
  it('gives every header field', () => {
    const frame = tcpFrame({
      ...ends,
      ...ports,
      seq: 0xfffffff0,
      ack: 0x80000001,
      flags: 0xff,
      window: 4321,
      urgent: 77,
      payload: 'data',
    })
    const { packet } = decode(frame)
    expect([packet.sourcePort, packet.destinationPort]).toEqual([51234, 8080])
    expect([packet.tcpSeq, packet.tcpAck]).toEqual([-16, 0x80000001 | 0])
    expect([packet.tcpFlags, packet.tcpWindow, packet.tcpUrgent, packet.tcpHeaderLength]).toEqual([
      0xff, 4321, 77, 20,
    ])
    expect(Buffer.from(packet.payload()).toString()).toBe('data')
  })

  it('reports headers that lie or are cut', () => {
    const segment = tcp({ ...ends, ...ports })
    expect(decode(carried(6, segment.subarray(0, 19))).outcome).toBe('tcp_truncated')
    expect(decode(carried(6, new Uint8Array(0))).outcome).toBe('tcp_truncated')
    expect(decode(carried(6, tcp({ ...ends, ...ports, headerWords: 4 }))).outcome).toBe('tcp_header_length')
    const { outcome, packet, counters } = decode(carried(6, tcp({ ...ends, ...ports, headerWords: 6 })))
    expect(outcome).toBe('tcp_options_truncated')
    expect([packet.ipVersion, packet.protocol, packet.transportOffset, packet.sourcePort]).toEqual([
      4, 6, -1, 0,
    ])
    expect(packet.payloadLength).toBe(20)
    expect(counters.toJSON()).toMatchObject({ tcp_options_truncated: 1 })
  })

  it('does not take padding for options', () => {
    const frame = ethernet(ipv4(tcp({ ...ends, ...ports, headerWords: 6 }), { ...ends, protocol: 6 }), {
      padTo: 60,
    })
    expect(decode(frame).outcome).toBe('tcp_options_truncated')
  })

  it('uses a segment whose options the capture has cut', () => {
    const frame = tcpFrame({ ...ends, ...ports, options: fromHex('02040578 01030307'), payload: 'lost' })
    const { packet, outcome } = decode(frame.subarray(0, 59), { wireLength: frame.length })
    expect([outcome, packet.sourcePort, packet.tcpHeaderLength]).toEqual(['decoded', 51234, 28])
    expect([packet.payloadLength, packet.payloadWireLength, packet.truncated]).toEqual([0, 4, true])
    const options = new TcpOptions()
    parseTcpOptions(packet, options)
    expect([options.mss, options.windowScale]).toEqual([1400, -1])
    const { packet: shorter } = decode(frame.subarray(0, 57), { wireLength: frame.length })
    parseTcpOptions(shorter, options)
    expect([options.mss, options.malformed]).toEqual([-1, true])
  })
})

describe('TCP options', () => {
  function parse(hex: string): TcpOptions {
    const { packet } = decode(tcpFrame({ ...ends, ...ports, options: fromHex(hex), payload: 'zzzz' }))
    const options = new TcpOptions()
    parseTcpOptions(packet, options)
    return options
  }

  it('reads the options of a SYN', () => {
    const options = parse('020405b4 0402 080a fffffffe 00000001 01 030307')
    expect(options).toMatchObject({ mss: 1460, sackPermitted: true, windowScale: 7, hasTimestamps: true })
    expect(options).toMatchObject({ timestampValue: -2, timestampEcho: 1, count: 4, malformed: false })
  })

  it('finds SACK blocks', () => {
    const frame = tcpFrame({
      ...ends,
      ...ports,
      options: fromHex('0101 0512 00000001 00000002 00000003 00000004'),
    })
    const { packet } = decode(frame)
    const options = new TcpOptions()
    parseTcpOptions(packet, options)
    expect(options.sackBlocks).toBe(2)
    expect([0, 4, 8, 12].map((at) => packet.view.getInt32(options.sackOffset + at))).toEqual([1, 2, 3, 4])
  })

  it('passes over unknown kinds', () => {
    expect(parse('fd04abcd 1e03ff 02040200')).toMatchObject({ mss: 512, count: 3, malformed: false })
  })

  it('stops at the end of the list', () => {
    expect(parse('00 020405b4 000000')).toMatchObject({ mss: -1, count: 0, malformed: false })
  })

  it.each([
    ['an option of length 0', '0300 0000'],
    ['an option of length 1', '0301 0000'],
    ['an option longer than the header', '01 08 0a 00'],
    ['a kind without its length', '010101 02'],
    ['an MSS of the wrong length', '0203 05'],
    ['a window scale of the wrong length', '0304 0101'],
    ['a SACK-permitted with content', '0403 01'],
    ['a SACK that is not whole blocks', '050a 0000000000000000 0506 00000000'],
    ['timestamps of the wrong length', '0806 00000000'],
  ])('does not believe %s', (_, hex) => {
    expect(parse(hex).malformed).toBe(true)
  })

  it('forgets the previous segment', () => {
    const options = parse('020405b4')
    const { packet } = decode(udpFrame({ ...ends, ...ports }))
    parseTcpOptions(packet, options)
    expect(options).toEqual(new TcpOptions())
  })
})

describe('UDP', () => {
  it('gives ports and payload', () => {
    const { packet } = decode(udpFrame({ ...ends6, ...ports, payload: 'datagram' }))
    expect([packet.protocol, packet.sourcePort, packet.destinationPort]).toEqual([17, 51234, 8080])
    expect(Buffer.from(packet.payload()).toString()).toBe('datagram')
    expect([packet.tcpHeaderLength, packet.tcpUrgent, packet.tcpSeq]).toEqual([0, 0, 0])
  })

  it('ends the payload with the datagram, not with the IP packet', () => {
    const { packet, outcome } = decode(udpFrame({ ...ends, ...ports, payload: 'abcdef', length: 11 }))
    expect([outcome, Buffer.from(packet.payload()).toString()]).toEqual(['decoded', 'abc'])
  })

  it('reports headers that lie or are cut', () => {
    const datagram = udp({ ...ends, ...ports, payload: 'abc' })
    expect(decode(carried(17, datagram.subarray(0, 7))).outcome).toBe('udp_truncated')
    expect(decode(udpFrame({ ...ends, ...ports, length: 7 })).outcome).toBe('udp_length_below_header')
    expect(decode(udpFrame({ ...ends, ...ports, length: 0 })).outcome).toBe('udp_length_below_header')
    expect(decode(udpFrame({ ...ends, ...ports, payload: 'abc', length: 12 })).outcome).toBe(
      'udp_length_above_ip',
    )
  })

  it('reads a datagram cut by the capture', () => {
    const frame = udpFrame({ ...ends, ...ports, payload: 'abcdef' })
    const { packet } = decode(frame.subarray(0, 45), { wireLength: 48 })
    expect([packet.payloadLength, packet.payloadWireLength]).toEqual([3, 6])
    expect(decode(frame.subarray(0, 41), { wireLength: 48 }).outcome).toBe('udp_truncated')
  })
})

describe('ICMP', () => {
  it('gives type and code in place of the ports', () => {
    const { packet } = decode(icmpFrame({ ...ends, type: 3, code: 13, payload: 'ping' }))
    expect([packet.protocol, packet.sourcePort, packet.destinationPort]).toEqual([1, 3, 13])
    expect(Buffer.from(packet.payload()).toString()).toBe('ping')
    const { packet: packet6 } = decode(icmpFrame({ ...ends6, type: 128, code: 0, payload: 'ping' }))
    expect([packet6.protocol, packet6.sourcePort, packet6.destinationPort]).toEqual([58, 128, 0])
    expect(Buffer.from(packet6.payload()).toString()).toBe('ping')
  })

  it('begins the payload of unknown types behind the checksum', () => {
    const { packet } = decode(carried(1, fromHex('c8010000 0102')))
    expect([packet.sourcePort, packet.destinationPort, packet.payloadLength]).toEqual([200, 1, 2])
  })

  it('reports cut messages', () => {
    expect(decode(carried(1, fromHex('0800 00'))).outcome).toBe('icmp_truncated')
    expect(decode(carried(1, fromHex('0800 0000 0001 00'))).outcome).toBe('icmp_truncated')
    const short = ip(fromHex('8000 0000 0001 00'), { ...ends6, protocol: 58 })
    expect(decode(short, { linkType: LINK_TYPE.RAW }).outcome).toBe('icmp6_truncated')
  })

  it('leaves ICMP in IPv6 and ICMPv6 in IPv4 alone', () => {
    const inV6 = decode(ip(fromHex('08000000 00010001'), { ...ends6, protocol: 1 }), {
      linkType: LINK_TYPE.RAW,
    })
    expect([inV6.outcome, inV6.packet.protocol, inV6.packet.transportOffset]).toEqual(['decoded', 1, -1])
    expect(decode(carried(58, fromHex('80000000 00010001'))).packet.transportOffset).toBe(-1)
  })
})
