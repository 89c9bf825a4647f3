/**
 * What the outputs read of the packet behind an alert. The stack's packet view satisfies it; so may anything else.
 *
 * Header fields are only printed for alerts on single packets: behind reassembled data there is no one packet.
 */
export interface PacketFacts {
  readonly number: number
  readonly buffer: Uint8Array
  readonly frameOffset: number
  readonly frameLength: number
  readonly wireLength: number
  readonly seconds: number
  readonly nanoseconds: number
  readonly linkType: number
  readonly etherType: number
  readonly ipVersion: number
  readonly ipOffset: number
  readonly ipHeaderLength: number
  /** Length of the whole IP packet by its header. */
  readonly ipTotalLength: number
  readonly ttl: number
  readonly tos: number
  readonly ipId: number
  readonly fragOffset: number
  readonly moreFragments: boolean
  readonly dontFragment: boolean
  readonly reservedBit: boolean
  /** -1 when the packet has no TCP, UDP or ICMP header that can be read. */
  readonly transportOffset: number
  readonly tcpSeq: number
  readonly tcpAck: number
  readonly tcpFlags: number
  readonly tcpWindow: number
  readonly tcpUrgent: number
  readonly tcpHeaderLength: number
  readonly sourcePort: number
  readonly destinationPort: number
  /** Text of the source (0) or destination (1) address. */
  address(end: 0 | 1): string
}

const LINKTYPE_ETHERNET = 1
const ETHERNET_HEADER = 14

const u16 = (bytes: Uint8Array, at: number): number => (bytes[at]! << 8) | bytes[at + 1]!

/** UDP length field. */
export const udpLength = (packet: PacketFacts): number => u16(packet.buffer, packet.transportOffset + 4)

/** ICMP identifier and sequence number; only meaningful for echo messages. */
export const icmpId = (packet: PacketFacts): number => u16(packet.buffer, packet.transportOffset + 4)
export const icmpSequence = (packet: PacketFacts): number => u16(packet.buffer, packet.transportOffset + 6)

const hasEthernet = (packet: PacketFacts): boolean =>
  packet.linkType === LINKTYPE_ETHERNET && packet.frameLength >= ETHERNET_HEADER

const mac = (bytes: Uint8Array, at: number): string => {
  let text = ''
  for (let index = 0; index < 6; index++) {
    const octet = bytes[at + index]!.toString(16).toUpperCase()
    text += `${index === 0 ? '' : ':'}${octet.length === 1 ? '0' : ''}${octet}`
  }
  return text
}

/** Hardware addresses as `AA:BB:CC:DD:EE:FF`; undefined when the link layer has none. */
export const ethernetSource = (packet: PacketFacts): string | undefined =>
  hasEthernet(packet) ? mac(packet.buffer, packet.frameOffset + 6) : undefined
export const ethernetDestination = (packet: PacketFacts): string | undefined =>
  hasEthernet(packet) ? mac(packet.buffer, packet.frameOffset) : undefined
export const ethernetType = (packet: PacketFacts): number | undefined =>
  hasEthernet(packet) ? u16(packet.buffer, packet.frameOffset + 12) : undefined
