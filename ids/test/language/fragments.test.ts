/** Packets of other protocols, and fragments, as rules see them. */
import type { CapturedFrame } from '../../../test/support/conversation.js'
import { ethernet, fragmentIpv4, ipv4, udp } from '../../../test/support/frames.js'
import { FIRES, SILENT, table } from './table.js'

const ENDS = { source: '10.1.0.1', destination: '192.0.2.80' }
const packet = (protocol: number, payload: string): readonly CapturedFrame[] => [
  {
    frame: ethernet(ipv4(Buffer.from(payload, 'latin1'), { ...ENDS, protocol })),
    seconds: 1,
    nanoseconds: 0,
  },
]
const ip = (options: string): string => `alert ip any any -> any any (${options} sid:1;)`

table('other protocols', 'both', [
  [ip('ip_proto:89;'), packet(89, 'hello ospf'), FIRES, 'ip_proto'],
  [ip('ip_proto:ospf;'), packet(89, 'hello ospf'), FIRES, 'by name'],
  [ip('ip_proto:!89;'), packet(89, 'hello ospf'), SILENT, 'negated'],
  [ip('ip_proto:>80;'), packet(89, 'hello ospf'), FIRES, 'greater'],
  [
    ip('ip_proto:89; content:"ospf";'),
    packet(89, 'hello ospf'),
    FIRES,
    'content: what the IP packet carries',
  ],
  [ip('content:"ospf",offset 6,depth 4;'), packet(89, 'hello ospf'), FIRES, 'without ip_proto, too'],
  [ip('content:"nope";'), packet(89, 'hello ospf'), SILENT, 'content'],
  [ip('dsize:10;'), packet(89, 'hello ospf'), FIRES, 'dsize'],
  [ip('ttl:64;'), packet(2, 'igmp'), FIRES, 'ttl'],
  [ip('ip_proto:6; content:"said";'), 'it is said', FIRES, 'ip_proto of TCP: its data'],
  [ip('ip_proto:tcp; content:"said"; pcre:"/is said$/";'), 'it is said', FIRES, 'ip_proto of TCP: its data'],
  [ip('ip_proto:!6; content:"said";'), 'it is said', SILENT, 'not TCP'],
  [ip('ip_proto:17; content:"said";'), 'it is said', SILENT, 'another protocol'],
  [ip('ip_proto:>5; ip_proto:<7; content:"said";'), 'it is said', FIRES, 'two bounds'],
  [ip('ip_proto:6; flow:to_server,established; content:"said";'), 'it is said', FIRES, 'with flow'],
  [ip('ip_proto:6; flags:S;'), 'it is said', FIRES, 'options of TCP hold for its packets'],
  [ip('itype:8;'), 'it is said', SILENT, 'options of ICMP do not'],
  [ip('flowbits:isnotset,x; content:"ospf";'), packet(89, 'hello ospf'), FIRES, 'they have flows, too'],
  ['alert udp any any -> any any (ttl:64; sid:1;)', packet(2, 'igmp'), SILENT, 'rules for another protocol'],
  ['alert ip !10.1.0.1 any -> any any (ip_proto:2; sid:1;)', packet(2, 'igmp'), SILENT, 'addresses'],
])

const datagram = udp({
  ...ENDS,
  sourcePort: 1025,
  destinationPort: 53,
  payload: `${'a'.repeat(60)}needle${'b'.repeat(60)}`,
})
const options = { ...ENDS, protocol: 17, dontFragment: false }
const timed = (packets: readonly Uint8Array[]): readonly CapturedFrame[] =>
  packets.map((one, i) => ({ frame: ethernet(one), seconds: 1, nanoseconds: i * 1000 }))
const whole = timed([ipv4(datagram, options)])
const pieces = timed(fragmentIpv4(datagram, options, 64))

table('fragments', 'both', [
  ['alert udp any any -> any 53 (content:"needle"; sid:1;)', pieces, FIRES, 'put together'],
  [ip('fragbits:M;'), pieces, FIRES, 'each is seen by itself'],
  [ip('fragbits:M+;'), pieces, FIRES, 'each is seen by itself'],
  [ip('fragbits:M;'), whole, SILENT, 'a whole packet'],
  [ip('fragoffset:>0;'), pieces, FIRES, 'a later one'],
  [ip('fragoffset:64;'), pieces, FIRES, 'in bytes'],
  [ip('fragoffset:0; fragbits:M;'), pieces, FIRES, 'the first'],
  [ip('flow:only_frag;'), pieces, FIRES, 'only_frag'],
  [ip('flow:only_frag;'), whole, SILENT, 'only_frag: a whole packet'],
  [
    ip('flow:no_frag; content:"needle";'),
    pieces,
    FIRES,
    'no_frag: what has been put together is no fragment',
  ],
])
