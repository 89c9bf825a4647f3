import { concat } from '../../../test/support/frames.js'
import { DecodeCounters, decodeFrame, LINK_TYPE, Packet, STATUS_NAME } from '../../src/wire/index.js'

export interface Decoded {
  readonly packet: Packet
  readonly counters: DecodeCounters
  /** Name of the outcome. */
  readonly outcome: string
}

export interface DecodeOptions {
  readonly linkType?: number
  /** Length on the wire; default: all of it was captured. */
  readonly wireLength?: number
}

/** Decodes one frame as a reader would deliver it: somewhere inside a larger buffer. */
export function decode(frame: Uint8Array, options: DecodeOptions = {}): Decoded {
  const before = 37
  const buffer = concat(new Uint8Array(before).fill(0x45), frame, new Uint8Array(64).fill(0x06))
  const packet = new Packet()
  const counters = new DecodeCounters()
  const status = decodeFrame(
    packet,
    counters,
    buffer,
    before,
    frame.length,
    options.wireLength ?? frame.length,
    1_700_000_000,
    123_456_789,
    options.linkType ?? LINK_TYPE.ETHERNET,
    0,
  )
  return { packet, counters, outcome: STATUS_NAME[status]! }
}

/** Everything a consumer can see of a packet, with offsets relative to the frame. */
export function visible(packet: Packet): Record<string, unknown> {
  const relative = (offset: number): number => (offset < 0 ? offset : offset - packet.frameOffset)
  const hasIp = packet.ipVersion !== 0
  return {
    status: packet.status,
    frameLength: packet.frameLength,
    wireLength: packet.wireLength,
    vlan: packet.vlan,
    etherType: packet.etherType,
    ipVersion: packet.ipVersion,
    ipOffset: hasIp ? relative(packet.ipOffset) : 0,
    ipHeaderLength: packet.ipHeaderLength,
    ipTotalLength: packet.ipTotalLength,
    protocol: packet.protocol,
    isFragment: packet.isFragment,
    segmentsLeft: packet.segmentsLeft,
    fragmentHeader: relative(packet.fragmentHeaderOffset),
    addresses: [packet.address(0), packet.address(1)],
    words: [
      [packet.src0, packet.src1, packet.src2, packet.src3],
      [packet.dst0, packet.dst1, packet.dst2, packet.dst3],
    ],
    ports: [packet.sourcePort, packet.destinationPort],
    transport: relative(packet.transportOffset),
    payloadOffset: relative(packet.payloadOffset),
    payload: Array.from(packet.payload()),
    payloadWireLength: packet.payloadWireLength,
    tcp: [
      packet.tcpSeq,
      packet.tcpAck,
      packet.tcpFlags,
      packet.tcpWindow,
      packet.tcpUrgent,
      packet.tcpHeaderLength,
    ],
    ip: [packet.ttl, packet.tos, packet.ipId, packet.fragOffset],
    bits: [packet.moreFragments, packet.dontFragment, packet.reservedBit, packet.truncated],
  }
}
