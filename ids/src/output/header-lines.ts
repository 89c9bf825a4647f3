/** Snort's two lines about a packet's headers, used by the full and cmg formats. */
import { icmpId, icmpSequence, type PacketFacts, udpLength } from './packet-facts.js'
import { hex, PROTOCOL, snort2Protocol, tcpFlagText } from './text.js'

const UDP_HEADER = 8
const TCP_HEADER = 20
const ICMP_ECHO_REPLY = 0
const ICMP_ECHO = 8
const ICMP6_ECHO = 128
const ICMP6_ECHO_REPLY = 129

/** `TCP TTL:50 TOS:0x0 ID:59202 IpLen:20 DgmLen:299 DF`, then the transport line; '' without IP. */
export const headerLines = (packet: PacketFacts, protocol: number): string => {
  if (packet.ipVersion === 0) return ''
  return `${ipLine(packet, protocol)}\n${transportLine(packet, protocol)}`
}

const ipLine = (packet: PacketFacts, protocol: number): string => {
  let line =
    `${snort2Protocol(protocol)} TTL:${packet.ttl} TOS:${hex(packet.tos)} ID:${packet.ipId}` +
    ` IpLen:${packet.ipHeaderLength} DgmLen:${packet.ipTotalLength}`
  if (packet.reservedBit) line += ' RB'
  if (packet.dontFragment) line += ' DF'
  if (packet.moreFragments) line += ' MF'
  if (packet.fragOffset > 0 || packet.moreFragments) {
    const size = packet.ipTotalLength - packet.ipHeaderLength
    line += `\nFrag Offset: ${hex4(packet.fragOffset)}   Frag Size: ${hex4(size)}`
  }
  return line
}

const hex4 = (value: number): string => `0x${value.toString(16).toUpperCase().padStart(4, '0')}`

const transportLine = (packet: PacketFacts, protocol: number): string => {
  if (packet.transportOffset < 0) return ''
  switch (protocol) {
    case PROTOCOL.TCP:
      return `${tcpLine(packet)}\n`
    case PROTOCOL.UDP:
      return `Len: ${udpLength(packet) - UDP_HEADER}\n`
    case PROTOCOL.ICMP:
    case PROTOCOL.ICMP6:
      return `${icmpLine(packet, protocol)}\n`
    default:
      return ''
  }
}

const tcpLine = (packet: PacketFacts): string => {
  const sequence = `Seq: ${hex(packet.tcpSeq)}  Ack: ${hex(packet.tcpAck)}`
  const line = `${tcpFlagText(packet.tcpFlags)} ${sequence}  Win: ${hex(packet.tcpWindow)}  TcpLen: ${packet.tcpHeaderLength}`
  const urgent = (packet.tcpFlags & 0x20) !== 0 ? `  UrgPtr: ${hex(packet.tcpUrgent)}` : ''
  return line + urgent + tcpOptionsLine(packet)
}

const icmpLine = (packet: PacketFacts, protocol: number): string => {
  const type = packet.buffer[packet.transportOffset]!
  const code = packet.buffer[packet.transportOffset + 1]!
  const line = `Type:${type}  Code:${code}`
  const [request, reply] =
    protocol === PROTOCOL.ICMP ? [ICMP_ECHO, ICMP_ECHO_REPLY] : [ICMP6_ECHO, ICMP6_ECHO_REPLY]
  if (type !== request && type !== reply) return line
  const word = type === request ? 'ECHO' : 'ECHO REPLY'
  return `${line}  ID:${icmpId(packet)}   Seq:${icmpSequence(packet)}  ${word}`
}

/** `TCP Options (3) => NOP NOP TS: 1 2`; stops at the first option that does not fit the header. */
const tcpOptionsLine = (packet: PacketFacts): string => {
  const bytes = packet.buffer
  const end = packet.transportOffset + packet.tcpHeaderLength
  const words: string[] = []
  let at = packet.transportOffset + TCP_HEADER
  while (at < end) {
    const kind = bytes[at]!
    if (kind <= 1) {
      words.push(kind === 0 ? 'EOL' : 'NOP')
      at += 1
      if (kind === 0) break
      continue
    }
    const length = at + 1 < end ? bytes[at + 1]! : 0
    if (length < 2 || at + length > end) break
    words.push(tcpOption(bytes, at, kind, length))
    at += length
  }
  return words.length === 0 ? '' : `\nTCP Options (${words.length}) => ${words.join(' ')}`
}

const tcpOption = (bytes: Uint8Array, at: number, kind: number, length: number): string => {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, length)
  if (kind === 2 && length === 4) return `MSS: ${view.getUint16(2)}`
  if (kind === 3 && length === 3) return `WS: ${view.getUint8(2)}`
  if (kind === 4 && length === 2) return 'SackOK'
  if (kind === 5) return `Sack: ${length - 2} bytes`
  if (kind === 8 && length === 10) return `TS: ${view.getUint32(2)} ${view.getUint32(6)}`
  return `Opt ${kind} (${length})`
}
