/** Entry points of the decoder: a captured frame, or an IP packet that did not come in a frame of its own. */
import { decodeChdlc } from './chdlc.js'
import { decodeSll, decodeSll2 } from './cooked.js'
import { decodeEthernet, decodeEtherType } from './ethernet.js'
import { decodeIPv4 } from './ipv4.js'
import { decodeIPv6 } from './ipv6.js'
import { ETHER_TYPE, LINK_TYPE } from './link-type.js'
import { decodeLoopback } from './loopback.js'
import { decodeNflog } from './nflog.js'
import type { Packet } from './packet.js'
import { decodePpp, decodePppHdlc } from './ppp.js'
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
  if (packet.tunnelDepth !== 0 || packet.reassembled) packet.clearLayers()
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

/**
 * Decodes what an encapsulation of the packet carries, in `[at, end)` of the same buffer; frame, number and time stay.
 * Nothing is counted: the frame has been.
 * @param type EtherType of the content; `ETHER_TYPE.ETHERNET`: an Ethernet frame, whose VLAN tag, if it has one, counts
 */
export function decodeInner(packet: Packet, type: number, at: number, end: number, wireEnd: number): number {
  clearIp(packet)
  if (type !== ETHER_TYPE.ETHERNET) return decodeEtherType(packet, type, at, end, wireEnd)
  const { vlan } = packet
  packet.vlan = -1
  const status = decodeEthernet(packet, at, end, wireEnd)
  if (packet.vlan < 0) packet.vlan = vlan
  return status
}

/** Makes the decoded headers of `packet` those of `other`, both in the same buffer. Frame and time are not touched. */
export function copyHeaders(packet: Packet, other: Packet): void {
  packet.status = other.status
  packet.vlan = other.vlan
  packet.etherType = other.etherType
  packet.ipVersion = other.ipVersion
  packet.ipOffset = other.ipOffset
  packet.ipHeaderLength = other.ipHeaderLength
  packet.ipTotalLength = other.ipTotalLength
  packet.protocol = other.protocol
  packet.isFragment = other.isFragment
  packet.fragmentHeaderOffset = other.fragmentHeaderOffset
  packet.segmentsLeft = other.segmentsLeft
  packet.tunnelDepth = other.tunnelDepth
  packet.tunnel = other.tunnel
  packet.tunnelId = other.tunnelId
  packet.space = other.space
  packet.outerIpOffset = other.outerIpOffset
  packet.sourceAddressOffset = other.sourceAddressOffset
  packet.destinationAddressOffset = other.destinationAddressOffset
  packet.src0 = other.src0
  packet.src1 = other.src1
  packet.src2 = other.src2
  packet.src3 = other.src3
  packet.dst0 = other.dst0
  packet.dst1 = other.dst1
  packet.dst2 = other.dst2
  packet.dst3 = other.dst3
  packet.sourcePort = other.sourcePort
  packet.destinationPort = other.destinationPort
  packet.transportOffset = other.transportOffset
  packet.payloadOffset = other.payloadOffset
  packet.payloadLength = other.payloadLength
  packet.payloadWireLength = other.payloadWireLength
  packet.tcpSeq = other.tcpSeq
  packet.tcpAck = other.tcpAck
  packet.tcpFlags = other.tcpFlags
  packet.tcpWindow = other.tcpWindow
  packet.tcpHeaderLength = other.tcpHeaderLength
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
    case LINK_TYPE.PPP:
      return decodePpp(packet, offset, end, wireEnd)
    case LINK_TYPE.PPP_HDLC:
      return decodePppHdlc(packet, offset, end, wireEnd)
    case LINK_TYPE.PPP_ETHER:
      return decodeEtherType(packet, ETHER_TYPE.PPPOE_SESSION, offset, end, wireEnd)
    case LINK_TYPE.C_HDLC:
      return decodeChdlc(packet, offset, end, wireEnd)
    case LINK_TYPE.NFLOG:
      return decodeNflog(packet, offset, end, wireEnd)
    case LINK_TYPE.IPV4:
      return decodeIPv4(packet, offset, end, wireEnd)
    case LINK_TYPE.IPV6:
      return decodeIPv6(packet, offset, end, wireEnd)
    default:
      return STATUS.LINK_TYPE_UNSUPPORTED
  }
}

/** Makes `packet` one that holds nothing: not of any flow. Number and time stay. */
export function clearPacket(packet: Packet): void {
  packet.frameLength = 0
  packet.wireLength = 0
  packet.vlan = -1
  packet.etherType = 0
  packet.status = STATUS.NOT_IP
  packet.clearLayers()
  clearIp(packet)
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
