/** A capture with one packet of most kinds, for filters to choose from. Changing it changes the golden results. */
import type { CapturedFrame } from '../../../test/support/conversation.js'
import {
  concat,
  ethernet,
  fragmentIpv4,
  fragmentIpv6,
  fromHex,
  icmp,
  icmpFrame,
  ipv4,
  ipv6,
  TCP_FLAG,
  tcp,
  tcpFrame,
  udp,
  udpFrame,
} from '../../../test/support/frames.js'

const { FIN, SYN, RST, PSH, ACK, URG } = TCP_FLAG
const A = { source: '10.0.0.1', destination: '192.168.1.80' }
const B = { source: '192.168.1.80', destination: '10.0.0.1' }
const SIX = { source: '2001:db8::1', destination: '2001:db8:1::80' }
const WEB = { sourcePort: 40_000, destinationPort: 80 }
const BACK = { sourcePort: 80, destinationPort: 40_000 }
const GET = 'GET /index.html HTTP/1.1\r\nHost: example\r\n\r\n'

function arp(operation: number, vlans: readonly number[] = []): Uint8Array {
  const body = `0001 0800 06 04 ${operation.toString(16).padStart(4, '0')}
    020000000001 0a000001 000000000000 c0a80150`
  return ethernet(fromHex(body), { etherType: 0x0806, vlans, padTo: 60 })
}

function frames(): readonly Uint8Array[] {
  const big = 'x'.repeat(1400)
  return [
    tcpFrame({ ...A, ...WEB, flags: SYN, seq: 1 }),
    tcpFrame({ ...B, ...BACK, flags: SYN | ACK, seq: 1, ack: 2 }),
    tcpFrame({ ...A, ...WEB, flags: ACK, seq: 2, ack: 2 }),
    tcpFrame({ ...A, ...WEB, flags: PSH | ACK, payload: GET }),
    tcpFrame({ ...B, ...BACK, flags: ACK, payload: big }),
    tcpFrame({ ...B, ...BACK, flags: FIN | ACK }),
    tcpFrame({ ...A, ...WEB, flags: RST }),
    tcpFrame({ ...A, ...WEB, flags: ACK | URG, urgent: 3, payload: 'abc' }),
    tcpFrame({ ...A, ...WEB, flags: PSH | ACK, payload: GET, options: fromHex('0101080a0000000100000002') }),
    tcpFrame({ ...A, ...WEB, flags: PSH | ACK, payload: GET, ipv4: { options: fromHex('94040000') } }),
    tcpFrame({ ...A, sourcePort: 40_001, destinationPort: 443, flags: SYN }),
    tcpFrame({ ...A, sourcePort: 22, destinationPort: 6000, flags: ACK, payload: 'SSH-2.0' }),
    tcpFrame({ ...A, ...WEB, flags: ACK, ethernet: { vlans: [100] }, payload: GET }),
    tcpFrame({ ...B, ...BACK, flags: ACK, ethernet: { vlans: [200, 300] } }),
    tcpFrame({ ...A, ...WEB, ethernet: { vlans: [{ id: 5, tpid: 0x88a8 }, 100] } }),
    tcpFrame({ ...SIX, ...WEB, flags: SYN }),
    tcpFrame({ ...SIX, ...WEB, flags: PSH | ACK, payload: GET }),
    tcpFrame({ ...SIX, ...WEB, ethernet: { vlans: [100] } }),
    udpFrame({ ...A, sourcePort: 5353, destinationPort: 53, payload: 'query' }),
    udpFrame({ ...B, sourcePort: 53, destinationPort: 5353, payload: 'answer' }),
    udpFrame({ ...SIX, sourcePort: 546, destinationPort: 547, payload: 'dhcp' }),
    udpFrame({ source: '10.0.0.1', destination: '239.1.2.3', sourcePort: 1900, destinationPort: 1900 }),
    udpFrame({
      source: '0.0.0.0',
      destination: '255.255.255.255',
      sourcePort: 68,
      destinationPort: 67,
      ethernet: { destinationMac: fromHex('ffffffffffff') },
    }),
    icmpFrame({ ...A, type: 8, id: 1, seq: 1, payload: 'ping' }),
    icmpFrame({ ...B, type: 0, id: 1, seq: 1, payload: 'ping' }),
    icmpFrame({ ...B, type: 3, code: 1, payload: 'unreachable' }),
    icmpFrame({ ...SIX, type: 128, payload: 'ping' }),
    icmpFrame({ ...SIX, type: 135, payload: 'neighbour' }),
    ...fragmentIpv4(
      udp({ ...A, sourcePort: 2000, destinationPort: 53, payload: big }),
      { ...A, protocol: 17 },
      512,
    ).map((packet) => ethernet(packet)),
    ...fragmentIpv6(
      tcp({ ...SIX, ...WEB, payload: big }),
      { source: SIX.source, destination: SIX.destination, protocol: 6 },
      800,
    ).map((packet) => ethernet(packet)),
    ethernet(ipv4(udp({ ...A, sourcePort: 1, destinationPort: 2 }), { ...A, protocol: 47 })),
    ethernet(ipv4(fromHex('00000000'), { ...A, protocol: 2, ttl: 1 })),
    ethernet(ipv4(ipv4(tcp({ ...A, ...WEB }), { ...A, protocol: 6 }), { ...B, protocol: 4 })),
    ethernet(ipv6(icmp({ ...SIX, type: 129 }), { ...SIX, protocol: 58, hopLimit: 255, trafficClass: 0xb8 })),
    ethernet(ipv6(tcp({ ...SIX, ...WEB }), { ...SIX, protocol: 0, payloadLength: 4 })),
    ethernet(
      ipv6(udp({ ...SIX, sourcePort: 9, destinationPort: 53 }), {
        ...SIX,
        protocol: 17,
        extensions: [{ type: 60, body: fromHex('00000000000000') }],
      }),
    ),
    ethernet(ipv4(fromHex(''), { ...A, protocol: 132 })),
    ethernet(ipv4(fromHex('0011'), { ...A, protocol: 50, tos: 0xb8, dontFragment: true })),
    arp(1),
    arp(2),
    arp(1, [100]),
    ethernet(fromHex('aaaa03 000000 0800'), { etherType: 7, padTo: 60 }),
    ethernet(fromHex('424203 0000000000 80'), { etherType: 38, destinationMac: fromHex('0180c2000000') }),
    ethernet(fromHex('0201'), { etherType: 0x88cc, destinationMac: fromHex('0180c200000e'), padTo: 60 }),
    ethernet(concat(fromHex('000640ff'), ipv4(tcp({ ...A, ...WEB }), { ...A, protocol: 6 })), {
      etherType: 0x8847,
    }),
    ethernet(concat(fromHex('110000010032 0021'), ipv4(tcp({ ...A, ...WEB }), { ...A, protocol: 6 })), {
      etherType: 0x8864,
    }),
    // Cut short, at every place where a filter looks.
    ...[13, 14, 15, 20, 24, 30, 34, 35, 38, 47, 48].map((length) =>
      tcpFrame({ ...A, ...WEB, flags: SYN, payload: GET }).subarray(0, length),
    ),
    ethernet(ipv4(tcp({ ...A, ...WEB, flags: SYN }), { ...A, protocol: 6, headerWords: 15 })),
    ethernet(ipv4(tcp({ ...A, ...WEB, flags: SYN }), { ...A, protocol: 6, headerWords: 0 })),
    tcpFrame({ ...A, ...WEB, flags: PSH | ACK, headerWords: 15, payload: GET }),
    fromHex('ffff'),
  ]
}

/** Packet number i (from 0) has the time i seconds. Cut frames say how long they were. */
export function traffic(): readonly Required<CapturedFrame>[] {
  return frames().map((frame, i) => ({
    frame,
    seconds: i,
    nanoseconds: 0,
    wireLength: frame.length < 50 ? 97 : frame.length,
  }))
}
