import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  ethernet,
  fragmentIpv4,
  fromHex,
  icmpFrame,
  ipv4,
  ipv6,
  checksum as naiveChecksum,
  tcp,
  tcpFrame,
  udp,
  udpFrame,
} from '../../../test/support/frames.js'
import { checksum, STATUS_NAME, verifyChecksums } from '../../src/wire/index.js'
import { type DecodeOptions, decode } from './support.js'

const ends = { source: '10.0.0.1', destination: '10.0.0.2' }
const ends6 = { source: '2001:db8::1', destination: '2001:db8::2' }
const ports = { sourcePort: 51234, destinationPort: 8080 }

function verify(
  frame: Uint8Array,
  options: DecodeOptions = {},
): { outcome: string; counts: Record<string, number> } {
  const { packet, counters } = decode(frame, options)
  const outcome = STATUS_NAME[verifyChecksums(packet, counters)]!
  expect(packet.status).toBe(STATUS_NAME.indexOf(outcome))
  return { outcome, counts: counters.toJSON() }
}

describe('checksum', () => {
  it('equals the sum of 16-bit words as RFC 1071 defines it, at any offset and length', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(70), fc.nat(9), (bytes, cut, base) => {
        const buffer = new Uint8Array(bytes.length + base)
        buffer.set(bytes, base)
        const view = new DataView(buffer.buffer, base)
        const offset = Math.min(cut, bytes.length)
        expect(checksum(view, offset, bytes.length - offset)).toBe(naiveChecksum(bytes.subarray(offset)))
      }),
    )
  })

  it('sums long buffers without overflow', () => {
    const bytes = new Uint8Array(270_001).fill(0xff)
    expect(checksum(new DataView(bytes.buffer), 1, 270_000)).toBe(0)
    bytes.fill(0xfe)
    expect(checksum(new DataView(bytes.buffer), 0, 270_001)).toBe(naiveChecksum(bytes))
  })
})

describe('verifyChecksums', () => {
  const bodies = ['', 'x', 'odd', 'a longer payload, of sixty-four bytes and some more: 0123456789abc']

  it('accepts right checksums of all protocols', () => {
    for (const payload of bodies) {
      for (const addresses of [ends, ends6]) {
        expect(verify(tcpFrame({ ...addresses, ...ports, payload })).outcome).toBe('decoded')
        expect(verify(udpFrame({ ...addresses, ...ports, payload })).outcome).toBe('decoded')
        expect(verify(icmpFrame({ ...addresses, type: addresses === ends ? 8 : 128, payload })).outcome).toBe(
          'decoded',
        )
      }
    }
  })

  it('finds any single changed byte of a segment', () => {
    const frame = tcpFrame({ ...ends, ...ports, payload: 'payload' })
    for (let at = 34; at < frame.length; at++) {
      const changed = frame.slice()
      changed[at]! ^= 0x21
      if (at === 46) continue // data offset: a malformation of its own
      expect(verify(changed).outcome).toBe('tcp_checksum')
    }
  })

  it('names the checksum that is wrong, and counts the packet once', () => {
    expect(
      verify(ethernet(ipv4(tcp({ ...ends, ...ports }), { ...ends, protocol: 6, checksum: 1 }))).outcome,
    ).toBe('ipv4_checksum')
    expect(verify(tcpFrame({ ...ends6, ...ports, checksum: 1 })).counts).toMatchObject({ tcp_checksum: 1 })
    expect(verify(tcpFrame({ ...ends6, ...ports, checksum: 1 })).counts).not.toHaveProperty('decoded')
    expect(verify(udpFrame({ ...ends, ...ports, checksum: 1 })).outcome).toBe('udp_checksum')
    expect(verify(icmpFrame({ ...ends, type: 8, checksum: 1 })).outcome).toBe('icmp_checksum')
    expect(verify(icmpFrame({ ...ends6, type: 128, checksum: 1 })).outcome).toBe('icmp6_checksum')
  })

  it('covers IPv4 options', () => {
    const options = fromHex('94040000 01010101')
    const frame = ethernet(ipv4(udp({ ...ends, ...ports }), { ...ends, protocol: 17, options }))
    expect(verify(frame).outcome).toBe('decoded')
    frame[14 + 27]! ^= 1
    expect(verify(frame).outcome).toBe('ipv4_checksum')
  })

  it('takes 0 as no checksum for UDP over IPv4 only', () => {
    expect(verify(udpFrame({ ...ends, ...ports, payload: 'x', checksum: 0 })).outcome).toBe('decoded')
    expect(verify(udpFrame({ ...ends6, ...ports, payload: 'x', checksum: 0 })).outcome).toBe('udp_checksum')
  })

  it('covers the datagram, not what follows it in the IP packet', () => {
    const datagram = udp({ ...ends, ...ports, payload: 'abc' })
    const packet = new Uint8Array(datagram.length + 5).fill(0xee)
    packet.set(datagram)
    expect(verify(ethernet(ipv4(packet, { ...ends, protocol: 17 }))).outcome).toBe('decoded')
  })

  it('passes and counts what cannot be verified', () => {
    const frame = tcpFrame({ ...ends, ...ports, payload: 'payload', checksum: 1 })
    expect(verify(frame.subarray(0, 56), { wireLength: frame.length })).toMatchObject({
      outcome: 'decoded',
      counts: { unverifiable: 1 },
    })
    const fragment = fragmentIpv4(
      tcp({ ...ends, ...ports, payload: 'payload', checksum: 1 }),
      { ...ends, protocol: 6 },
      24,
    )[0]!
    expect(verify(ethernet(fragment))).toMatchObject({ outcome: 'decoded', counts: { unverifiable: 1 } })
    const routing = { type: 43, body: fromHex('00 0401 00000000') }
    const routed = ipv6(tcp({ ...ends6, ...ports, checksum: 1 }), {
      ...ends6,
      protocol: 6,
      extensions: [routing],
    })
    expect(verify(ethernet(routed))).toMatchObject({ outcome: 'decoded', counts: { unverifiable: 1 } })
  })

  it('leaves malformed packets and other protocols as they are', () => {
    expect(verify(tcpFrame({ ...ends, ...ports, headerWords: 3 })).outcome).toBe('tcp_header_length')
    expect(verify(ethernet(ipv4(fromHex('0102'), { ...ends, protocol: 89 }))).outcome).toBe('decoded')
    expect(verify(ethernet(fromHex('00'), { etherType: 0x0806 })).outcome).toBe('not_ip')
  })
})
