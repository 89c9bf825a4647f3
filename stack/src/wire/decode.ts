/** Entry points of the decoder: a captured frame, or an IP packet that did not come in a frame of its own. */
import { decodeSll, decodeSll2 } from './cooked.js'
import { decodeEthernet } from './ethernet.js'
import { decodeIPv4 } from './ipv4.js'
import { decodeIPv6 } from './ipv6.js'
import { LINK_TYPE } from './link-type.js'
import { decodeLoopback } from './loopback.js'
import type { Packet } from './packet.js'
import { decodeRaw } from './raw.js'
import { type DecodeCounters, STATUS } from './status.js'

/**
 * Decodes one captured frame into `packet` (all fields, none left from the previous frame), gives it the next packet
 * number and counts the outcome. Never throws, reads nothing outside `buffer[offset, offset + capturedLength)`.
 *
 * The parameters are those of `FrameSink.frame`; `capturedLength` must lie within `buffer`.
 * @returns the outcome, a `STATUS` code, also left in `packet.status`
 */
export function decodeFrame(
  packet: Packet,
  counters: DecodeCounters,
  buffer: Uint8Array,
  offset: number,
  capturedLength: number,
  wireLength: number,
  seconds: number,
  nanoseconds: number,
  linkType: number,
  interfaceIndex: number,
): number {
  const end = offset + capturedLength
  const wireEnd = wireLength > capturedLength ? offset + wireLength : end
  packet.attach(buffer)
  packet.frameOffset = offset
  packet.frameLength = capturedLength
  packet.wireLength = wireEnd - offset
  packet.number++
  packet.seconds = seconds
  packet.nanoseconds = nanoseconds
  packet.linkType = linkType
  packet.interfaceIndex = interfaceIndex
  packet.vlan = -1
  packet.etherType = 0
  clearIp(packet)
  const status =
    linkType === LINK_TYPE.ETHERNET
      ? decodeEthernet(packet, offset, end, wireEnd)
      : decodeOtherLink(packet, linkType, offset, end, wireEnd)
  return finish(packet, counters, status)
}

/**
 * Decodes a whole IP packet that did not come in a frame of its own: put together from fragments, or taken out of a
 * tunnel. It becomes the frame of `packet`, of raw link type; number, time, interface and VLAN stay those of the frame
 * decoded last. Counters are as for a frame.
 */
export function decodeIp(
  packet: Packet,
  counters: DecodeCounters,
  buffer: Uint8Array,
  offset: number,
  length: number,
): number {
  const end = offset + length
  packet.attach(buffer)
  packet.frameOffset = offset
  packet.frameLength = length
  packet.wireLength = length
  packet.linkType = LINK_TYPE.RAW
  clearIp(packet)
  return finish(packet, counters, decodeRaw(packet, offset, end, end))
}

function decodeOtherLink(
  packet: Packet,
  linkType: number,
  offset: number,
  end: number,
  wireEnd: number,
): number {
  switch (linkType) {
    case LINK_TYPE.RAW:
    case LINK_TYPE.RAW_DLT:
    case LINK_TYPE.RAW_OPENBSD:
      return decodeRaw(packet, offset, end, wireEnd)
    case LINK_TYPE.LINUX_SLL:
      return decodeSll(packet, offset, end, wireEnd)
    case LINK_TYPE.LINUX_SLL2:
      return decodeSll2(packet, offset, end, wireEnd)
    case LINK_TYPE.NULL:
    case LINK_TYPE.LOOP:
      return decodeLoopback(packet, offset, end, wireEnd)
    case LINK_TYPE.IPV4:
      return decodeIPv4(packet, offset, end, wireEnd)
    case LINK_TYPE.IPV6:
      return decodeIPv6(packet, offset, end, wireEnd)
    default:
      return STATUS.LINK_TYPE_UNSUPPORTED
  }
}

function clearIp(packet: Packet): void {
  packet.ipVersion = 0
  packet.ipOffset = 0
  packet.ipHeaderLength = 0
  packet.ipTotalLength = 0
  packet.protocol = -1
  packet.isFragment = false
  packet.fragmentHeaderOffset = -1
  packet.segmentsLeft = false
  packet.sourceAddressOffset = 0
  packet.destinationAddressOffset = 0
  packet.src0 = 0
  packet.src1 = 0
  packet.src2 = 0
  packet.src3 = 0
  packet.dst0 = 0
  packet.dst1 = 0
  packet.dst2 = 0
  packet.dst3 = 0
  packet.sourcePort = 0
  packet.destinationPort = 0
  packet.transportOffset = -1
  packet.payloadOffset = packet.frameOffset
  packet.payloadLength = 0
  packet.payloadWireLength = 0
  packet.tcpSeq = 0
  packet.tcpAck = 0
  packet.tcpFlags = 0
  packet.tcpWindow = 0
  packet.tcpHeaderLength = 0
}

function finish(packet: Packet, counters: DecodeCounters, status: number): number {
  packet.status = status
  counters.outcomes[status]!++
  if (packet.isFragment) counters.fragments++
  if (packet.payloadLength < packet.payloadWireLength) counters.truncated++
  return status
}
