import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  concat,
  ethernet,
  fragmentIpv4,
  fragmentIpv6,
  fromHex,
  icmpFrame,
  ipv4,
  ipv6,
  tcp,
  tcpFrame,
  udp,
  udpFrame,
} from '../../../test/support/frames.js'
import {
  DecodeCounters,
  decodeFrame,
  LINK_TYPE,
  Packet,
  parseTcpOptions,
  STATUS_COUNT,
  TcpOptions,
  verifyChecksums,
} from '../../src/wire/index.js'
import { visible } from './support.js'

const ends = { source: '10.0.0.1', destination: '10.0.0.2' }
const ends6 = { source: '2001:db8::1', destination: '2001:db8::2' }
const ports = { sourcePort: 51234, destinationPort: 8080 }
const options = fromHex('020405b4 0402 080a fffffffe 00000001 01 030307')
const padding = fromHex('00 0104 00000000')

const segment6 = tcp({ ...ends6, ...ports, options, payload: 'payload' })
const ethernetSeeds = [
  tcpFrame({ ...ends, ...ports, options, payload: 'payload', ethernet: { padTo: 90 } }),
  tcpFrame({ ...ends6, ...ports, payload: 'payload', ethernet: { vlans: [1, 2, 3] } }),
  udpFrame({ ...ends, ...ports, payload: 'payload', ipv4: { options: fromHex('94040000') } }),
  udpFrame({ ...ends6, ...ports, payload: 'payload' }),
  icmpFrame({ ...ends, type: 8, payload: 'payload' }),
  icmpFrame({ ...ends6, type: 128, payload: 'payload' }),
  ethernet(
    ipv6(segment6, {
      ...ends6,
      protocol: 6,
      extensions: [0, 60, 43, 60].map((type) => ({ type, body: padding })),
    }),
  ),
  ethernet(fragmentIpv4(udp({ ...ends, ...ports, payload: 'payload' }), { ...ends, protocol: 17 }, 8)[1]!),
  ethernet(fragmentIpv6(udp({ ...ends6, ...ports, payload: 'payload' }), { ...ends6, protocol: 17 }, 8)[0]!),
  ethernet(
    ipv4(concat(Uint8Array.of(6, 4), new Uint8Array(22), tcp({ ...ends, ...ports })), {
      ...ends,
      protocol: 51,
    }),
  ),
  ethernet(
    concat(fromHex('aaaa03 000000 0800'), ipv4(tcp({ ...ends, ...ports }), { ...ends, protocol: 6 })),
    { etherType: 48 },
  ),
  ethernet(
    ipv6(segment6, {
      ...ends6,
      protocol: 6,
      payloadLength: 0,
      extensions: [{ type: 0, body: fromHex('00 c204 00010001') }],
    }),
  ),
]
const ipSeeds = ethernetSeeds.map((frame) => frame.subarray(14))
const seeds: readonly (readonly [number, Uint8Array])[] = [
  ...ethernetSeeds.map((frame) => [LINK_TYPE.ETHERNET, frame] as const),
  ...ipSeeds.map((frame) => [LINK_TYPE.RAW, frame] as const),
  ...ipSeeds.map((frame) => [LINK_TYPE.IPV6, frame] as const),
  ...ipSeeds.map((frame) => [LINK_TYPE.PPP, concat(fromHex('ff030021'), frame)] as const),
  ...ipSeeds.map((frame) => [LINK_TYPE.PPP_HDLC, concat(fromHex('0f0086dd'), frame)] as const),
  ...ipSeeds.map((frame) => [LINK_TYPE.NULL, concat(fromHex('02000000'), frame)] as const),
  ...ipSeeds.map(
    (frame) =>
      [LINK_TYPE.LINUX_SLL, concat(fromHex('0000 0001 0006 020000000001 0000 0800'), frame)] as const,
  ),
  ...ipSeeds.map(
    (frame) =>
      [
        LINK_TYPE.LINUX_SLL2,
        concat(fromHex('86dd 0000 00000003 0001 00 06 020000000001 0000'), frame),
      ] as const,
  ),
]

const mutation = fc.record({
  seed: fc.nat(seeds.length - 1),
  /** Bytes to overwrite; positions are taken modulo the length, small ones (headers) more often. */
  changes: fc.array(fc.tuple(fc.oneof(fc.nat(60), fc.nat(200)), fc.nat(255)), { maxLength: 6 }),
  cut: fc.option(fc.nat(140)),
  extra: fc.option(fc.oneof(fc.nat(100), fc.constantFrom(1500, 70_000))),
})

/** Decodes `frame` between poison bytes, with everything a consumer might then ask for. */
function decodeBetween(
  frame: Uint8Array,
  poison: number,
  before: number,
  linkType: number,
  wireLength: number,
): unknown {
  const buffer = new Uint8Array(before + frame.length + 200).fill(poison)
  buffer.set(frame, before)
  const packet = new Packet()
  const counters = new DecodeCounters()
  const tcpOptions = new TcpOptions()
  decodeFrame(packet, counters, buffer, before, frame.length, wireLength, 0, 0, linkType, 0)
  const end = before + frame.length
  const seen = visible(packet)
  expect(packet.status).toBeGreaterThanOrEqual(0)
  expect(packet.status).toBeLessThan(STATUS_COUNT)
  expect(counters.frames).toBe(1)
  expect(packet.payloadOffset).toBeGreaterThanOrEqual(before)
  expect(packet.payloadLength).toBeGreaterThanOrEqual(0)
  expect(packet.payloadOffset + packet.payloadLength).toBeLessThanOrEqual(end)
  expect(packet.payloadWireLength).toBeGreaterThanOrEqual(packet.payloadLength)
  if (packet.transportOffset >= 0) expect(packet.transportOffset).toBeGreaterThanOrEqual(packet.ipOffset + 20)
  parseTcpOptions(packet, tcpOptions)
  verifyChecksums(packet, counters)
  expect(counters.frames).toBe(1)
  const { sackOffset, ...rest } = tcpOptions
  return {
    ...seen,
    status: packet.status,
    counters: counters.toJSON(),
    options: rest,
    sack: sackOffset && sackOffset - before,
  }
}

describe('decoding hostile frames', () => {
  it('never throws, and depends on no byte outside the frame', () => {
    fc.assert(
      fc.property(mutation, fc.nat(70), ({ seed, changes, cut, extra }, before) => {
        const [linkType, original] = seeds[seed]!
        const frame = original.slice(0, cut ?? original.length)
        for (const [at, value] of changes) if (frame.length > 0) frame[at % frame.length] = value
        const wireLength = frame.length + (extra ?? 0)
        const reference = decodeBetween(frame, 0x00, 0, linkType, wireLength)
        expect(decodeBetween(frame, 0xff, before, linkType, wireLength)).toEqual(reference)
        expect(decodeBetween(frame, 0x45, before, linkType, wireLength)).toEqual(reference)
      }),
      { numRuns: 3000 },
    )
  })

  it('reads nothing outside a frame that fills its buffer', () => {
    fc.assert(
      fc.property(mutation, ({ seed, changes, cut, extra }) => {
        const [linkType, original] = seeds[seed]!
        const frame = original.slice(0, cut ?? original.length)
        for (const [at, value] of changes) if (frame.length > 0) frame[at % frame.length] = value
        const packet = new Packet()
        const counters = new DecodeCounters()
        // A read beyond the end of the view would throw.
        decodeFrame(packet, counters, frame, 0, frame.length, frame.length + (extra ?? 0), 0, 0, linkType, 0)
        parseTcpOptions(packet, new TcpOptions())
        verifyChecksums(packet, counters)
      }),
      { numRuns: 3000 },
    )
  })

  it('leaves nothing of the previous frame in the packet', () => {
    const picks = fc.array(mutation, { minLength: 2, maxLength: 5 })
    fc.assert(
      fc.property(picks, (list) => {
        const reused = new Packet()
        const counters = new DecodeCounters()
        list.forEach(({ seed, changes, cut, extra }, i) => {
          const [linkType, original] = seeds[seed]!
          const frame = original.slice(0, cut ?? original.length)
          for (const [at, value] of changes) if (frame.length > 0) frame[at % frame.length] = value
          const fresh = new Packet()
          const wireLength = frame.length + (extra ?? 0)
          decodeFrame(reused, counters, frame, 0, frame.length, wireLength, 0, 0, linkType, 0)
          decodeFrame(fresh, new DecodeCounters(), frame, 0, frame.length, wireLength, 0, 0, linkType, 0)
          expect(visible(reused)).toEqual(visible(fresh))
          expect(reused.number).toBe(i + 1)
        })
        expect(counters.frames).toBe(list.length)
      }),
      { numRuns: 1000 },
    )
  })
})
