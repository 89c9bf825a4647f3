/** Rule headers (protocol, addresses, ports, direction) and tests of packet headers. */
import { type CapturedFrame, conversation, udpExchange } from '../../../test/support/conversation.js'
import { icmpFrame, TCP_FLAG, tcpFrame, udpFrame } from '../../../test/support/frames.js'
import { geneve } from '../../../test/support/tunnels.js'
import { clientSays } from '../detect/harness.js'
import { FIRES, SILENT, table } from './table.js'

const { SYN, FIN, PSH, ACK, RST, URG } = TCP_FLAG
const FROM = '10.1.0.1'
const TO = '192.0.2.80'

const one = (frame: Uint8Array): readonly CapturedFrame[] => [{ frame, seconds: 1, nanoseconds: 0 }]
const tcp = (fields: Partial<Parameters<typeof tcpFrame>[0]> = {}): readonly CapturedFrame[] =>
  one(
    tcpFrame({ source: FROM, destination: TO, sourcePort: 1025, destinationPort: 80, flags: SYN, ...fields }),
  )
const icmp = (fields: Partial<Parameters<typeof icmpFrame>[0]> = {}): readonly CapturedFrame[] =>
  one(
    icmpFrame({
      source: FROM,
      destination: TO,
      type: 8,
      code: 0,
      id: 666,
      seq: 5,
      payload: 'ping',
      ...fields,
    }),
  )
const udp = (fields: Partial<Parameters<typeof udpFrame>[0]> = {}): readonly CapturedFrame[] =>
  one(
    udpFrame({
      source: FROM,
      destination: TO,
      sourcePort: 1025,
      destinationPort: 53,
      payload: 'query',
      ...fields,
    }),
  )
const tcp6 = tcp({ source: '2001:db8::1', destination: '2001:db8:2::80' })

const inGeneve = udp({
  destinationPort: 6081,
  payload: geneve(tcp()[0]!.frame.subarray(14), { network: 77, type: 0x0800 }),
})

const from = (address: string, port = 'any'): string =>
  `alert tcp ${address} ${port} -> any any (flags:S; sid:1;)`
const to = (address: string, port = 'any'): string =>
  `alert tcp any any -> ${address} ${port} (flags:S; sid:1;)`

table('addresses', 'both', [
  [from('10.1.0.1'), tcp(), FIRES, 'one address'],
  [from('10.1.0.2'), tcp(), SILENT, 'another one'],
  [from('10.1.0.0/16'), tcp(), FIRES, 'a network'],
  [from('10.1.0.0/255.255.0.0'), tcp(), FIRES, 'a network with its mask'],
  [from('10.1.9.9/16'), tcp(), FIRES, 'host bits of a network mean nothing'],
  [from('10.0.0.0/15'), tcp(), FIRES, 'a prefix inside a byte'],
  [from('10.2.0.0/15'), tcp(), SILENT, 'a prefix inside a byte'],
  [from('!10.1.0.1'), tcp(), SILENT, 'negated'],
  [from('!10.2.0.0/16'), tcp(), FIRES, 'negated'],
  [from('[10.1.0.2,10.1.0.1]'), tcp(), FIRES, 'a list'],
  [from('[10.1.0.2, 10.1.0.1]'), tcp(), FIRES, 'a list with blanks'],
  [from('[10.0.0.0/8,!10.1.0.0/16]'), tcp(), SILENT, 'a list with a hole'],
  [from('[10.0.0.0/8,!10.2.0.0/16]'), tcp(), FIRES, 'a list with a hole elsewhere'],
  [from('[!10.2.0.0/16,!10.3.0.0/16]'), tcp(), FIRES, 'only negated members: all others'],
  [from('![10.2.0.0/16,10.1.0.0/16]'), tcp(), SILENT, 'a negated list'],
  [from('[!10.2.0.0/16,![10.1.0.0/16]]'), tcp(), SILENT, 'a negated list in a list'],
  [from('![!10.1.0.1]'), tcp(), FIRES, 'two negations cancel out'],
  [from('$HOME_NET'), tcp(), FIRES, 'a variable: any, as shipped'],
  [`ipvar OURS [10.1.0.0/16,!10.1.0.9]\n${from('$OURS')}`, tcp(), FIRES, 'a variable with a hole'],
  [`ipvar OURS 10.1.0.0/16\n${from('!$OURS')}`, tcp(), SILENT, 'a negated variable'],
  [`ipvar OURS 10.1.0.0/16\n${from('[10.0.0.0/8,!$OURS]')}`, tcp(), SILENT, 'a negated variable in a list'],
  [`ipvar A 10.1.0.0/16\nipvar B [$A,10.2.0.0/16]\n${from('$B')}`, tcp(), FIRES, 'variables in variables'],
  [`var A 10.1.0.0/16\n${from('$A')}`, tcp(), FIRES, 'var is ipvar here'],
  [from('2001:db8::/32'), tcp6, FIRES, 'IPv6'],
  [from('[2001:db8::1,10.9.0.0/16]'), tcp6, FIRES, 'IPv6 and IPv4 in one list'],
  [from('10.0.0.0/8'), tcp6, SILENT, 'IPv6 is in no network of IPv4'],
  [from('!10.0.0.0/8'), tcp6, FIRES, '… so outside each'],
  [from('0.0.0.0/0'), tcp(), FIRES, 'all of IPv4'],
  [from('::/0'), tcp6, FIRES, 'all of IPv6'],
])

table('ports', 'both', [
  [to('any', '80'), tcp(), FIRES, 'one port'],
  [to('any', '81'), tcp(), SILENT, 'another'],
  [to('any', '!80'), tcp(), SILENT, 'negated'],
  [to('any', '!81'), tcp(), FIRES, 'negated'],
  [to('any', '80:90'), tcp(), FIRES, 'a range has its ends'],
  [to('any', '70:80'), tcp(), FIRES, 'a range has its ends'],
  [to('any', ':80'), tcp(), FIRES, 'up to'],
  [to('any', '80:'), tcp(), FIRES, 'from'],
  [to('any', '81:'), tcp(), SILENT, 'from'],
  [to('any', '!80:90'), tcp(), SILENT, 'a negated range'],
  [to('any', '[70,80:81]'), tcp(), FIRES, 'a list'],
  [to('any', '[1:100,!80]'), tcp(), SILENT, 'a list with a hole'],
  [to('any', '[!80,!81]'), tcp(), SILENT, 'only negated: all others'],
  [to('any', '[!70,!81]'), tcp(), FIRES, 'only negated: all others'],
  [to('any', '![70,80]'), tcp(), SILENT, 'a negated list'],
  [to('any', '$HTTP_PORTS'), tcp(), FIRES, 'a variable'],
  [to('any', '!$HTTP_PORTS'), tcp(), SILENT, 'a negated variable'],
  [to('any', '[$SSH_PORTS,80]'), tcp(), FIRES, 'a variable in a list'],
  [to('any', '[1:1000,!$HTTP_PORTS]'), tcp(), SILENT, 'a negated variable in a list'],
  [`portvar P [70,80]\n${to('any', '$P')}`, tcp(), FIRES, 'a variable of the file'],
  [from('any', '1024:'), tcp(), FIRES, 'of the sender'],
  [to('any', '0'), tcp({ destinationPort: 0 }), FIRES, 'port 0'],
  [
    'alert icmp any 1 -> any 2 (itype:8; sid:1;)',
    icmp(),
    FIRES,
    'ICMP has none: what is written does not count',
  ],
  ['alert ip any 1 -> any 2 (ip_proto:17; sid:1;)', udp(), FIRES, 'nor have rules for ip'],
])

table('protocols and directions', 'both', [
  ['alert udp any any -> any 53 (content:"query"; sid:1;)', udp(), FIRES, 'udp'],
  ['alert tcp any any -> any 53 (content:"query"; sid:1;)', udp(), SILENT, 'tcp is not udp'],
  ['alert ip any any -> any any (content:"query"; sid:1;)', udp(), FIRES, 'ip: the payload of UDP'],
  ['alert ip any any -> any any (content:"ping"; sid:1;)', icmp(), FIRES, 'ip: the payload of ICMP'],
  ['alert ip any any -> any any (content:"said"; sid:1;)', clientSays('said'), FIRES, 'ip: the data of TCP'],
  ['alert ip any any -> any any (ip_proto:17; content:"query"; sid:1;)', udp(), FIRES, 'ip_proto'],
  ['alert ip any any -> any any (ip_proto:udp; sid:1;)', udp(), FIRES, 'ip_proto by name'],
  ['alert ip any any -> any any (ip_proto:!17; sid:1;)', udp(), SILENT, 'ip_proto negated'],
  ['alert ip any any -> any any (ip_proto:>16; sid:1;)', udp(), FIRES, 'ip_proto greater'],
  ['alert ip any any -> any any (ip_proto:<17; sid:1;)', udp(), SILENT, 'ip_proto less'],
  ['alert tcp 192.0.2.80 80 -> any any (flags:S; sid:1;)', tcp(), SILENT, '-> is from left to right'],
  ['alert tcp 192.0.2.80 80 <> any any (flags:S; sid:1;)', tcp(), FIRES, '<> is either way'],
  ['alert tcp 192.0.2.80 any <> 10.1.0.1 80 (flags:S; sid:1;)', tcp(), SILENT, '<> turns whole ends round'],
])

table('left out in Snort 3 text', '3', [
  ['alert udp (content:"query"; sid:1;)', udp(), FIRES, 'all of it'],
  ['alert udp any -> any (content:"query"; sid:1;)', udp(), FIRES, 'ports'],
  ['alert udp any -> any 53 (content:"query"; sid:1;)', udp(), FIRES, 'a port of one side'],
  ['alert udp any -> 192.0.2.80 (content:"query"; sid:1;)', udp(), FIRES, 'the ports of an address'],
  ['alert udp\nany any\n  -> any 53\n(\n  content:"query";\n  sid:1;\n)', udp(), FIRES, 'over several lines'],
  [
    'alert udp any any -> any 53 (\n# a comment\ncontent:"que" ; /* and another */ content:"ry",distance 0; sid:1;)',
    udp(),
    FIRES,
    'with comments',
  ],
  [
    '#begin\nalert udp any any -> any any (sid:1;)\n#end\nalert udp any any -> any 54 (sid:1;)',
    udp(),
    SILENT,
    '#begin … #end are no rules',
  ],
])

table('TCP flags', 'both', [
  ['flags:S;', tcp({ flags: SYN }), FIRES, 'exactly'],
  ['flags:S;', tcp({ flags: SYN | ACK }), SILENT, 'exactly'],
  ['flags:S+;', tcp({ flags: SYN | ACK }), FIRES, '+: these and any others'],
  ['flags:+SA;', tcp({ flags: SYN }), SILENT, '+: all of these'],
  ['flags:*SA;', tcp({ flags: SYN }), FIRES, '*: any of these'],
  ['flags:SA*;', tcp({ flags: FIN }), SILENT, '*: any of these'],
  ['flags:!SA;', tcp({ flags: FIN }), FIRES, '!: none of these'],
  ['flags:!SA;', tcp({ flags: SYN }), SILENT, '!: none of these'],
  ['flags:0;', tcp({ flags: 0 }), FIRES, '0: none at all'],
  ['flags:S;', tcp({ flags: SYN | 0xc0 }), SILENT, 'ECN bits count'],
  ['flags:S,12;', tcp({ flags: SYN | 0xc0 }), FIRES, '… unless they are masked'],
  ['flags:S,CE;', tcp({ flags: SYN | 0xc0 }), FIRES, '… by their other names, too'],
  ['flags:S,12;', tcp({ flags: SYN }), FIRES, 'a mask asks for nothing'],
  ['flags:SF12;', tcp({ flags: SYN | FIN | 0xc0 }), FIRES, 'without a comma 1 and 2 are asked for'],
  ['flags:SF12;', tcp({ flags: SYN | FIN }), SILENT, 'without a comma 1 and 2 are asked for'],
  ['flags:C;', tcp({ flags: 0x80 }), FIRES, 'C is 1'],
  ['flags:E;', tcp({ flags: 0x40 }), FIRES, 'E is 2'],
  ['flags:FPU;', tcp({ flags: FIN | PSH | URG }), FIRES, 'in any order'],
  ['flags:R;', tcp({ flags: RST }), FIRES, 'a reset'],
])

table('TCP and IP fields', 'both', [
  ['seq:7;', tcp({ seq: 7 }), FIRES, 'seq'],
  ['seq:4294967295;', tcp({ seq: 0xffffffff }), FIRES, 'seq is unsigned'],
  ['ack:7;', tcp({ ack: 7 }), FIRES, 'ack'],
  ['window:512;', tcp({ window: 512 }), FIRES, 'window'],
  ['window:!512;', tcp({ window: 512 }), SILENT, 'window negated'],
  ['window:0x200;', tcp({ window: 512 }), FIRES, 'window in hex'],
  ['ttl:64; flags:S;', tcp({ ipv4: { ttl: 64 } }), FIRES, 'ttl'],
  ['ttl:<64; flags:S;', tcp({ ipv4: { ttl: 63 } }), FIRES, 'ttl less'],
  ['ttl:>64; flags:S;', tcp({ ipv4: { ttl: 64 } }), SILENT, 'ttl greater'],
  ['ttl:<=64; flags:S;', tcp({ ipv4: { ttl: 64 } }), FIRES, 'ttl at most'],
  ['ttl:>=64; flags:S;', tcp({ ipv4: { ttl: 64 } }), FIRES, 'ttl at least'],
  ['ttl:=64; flags:S;', tcp({ ipv4: { ttl: 64 } }), FIRES, 'ttl with ='],
  ['tos:16; flags:S;', tcp({ ipv4: { tos: 16 } }), FIRES, 'tos'],
  ['tos:!16; flags:S;', tcp({ ipv4: { tos: 16 } }), SILENT, 'tos negated'],
  ['id:77; flags:S;', tcp({ ipv4: { id: 77 } }), FIRES, 'id'],
  ['fragbits:D; flags:S;', tcp({ ipv4: { dontFragment: true } }), FIRES, 'fragbits exactly'],
  [
    'fragbits:D; flags:S;',
    tcp({ ipv4: { dontFragment: true, reservedBit: true } }),
    SILENT,
    'fragbits exactly',
  ],
  ['fragbits:D+; flags:S;', tcp({ ipv4: { dontFragment: true, reservedBit: true } }), FIRES, 'fragbits +'],
  ['fragbits:*MR; flags:S;', tcp({ ipv4: { dontFragment: true, reservedBit: true } }), FIRES, 'fragbits *'],
  ['fragbits:!MR; flags:S;', tcp({ ipv4: { dontFragment: true } }), FIRES, 'fragbits !'],
  ['fragoffset:0; flags:S;', tcp(), FIRES, 'fragoffset of a whole packet'],
  ['fragoffset:>0; flags:S;', tcp(), SILENT, 'fragoffset of a whole packet'],
  ['ipopts:rr; flags:S;', tcp({ ipv4: { options: Uint8Array.of(7, 7, 4, 0, 0, 0, 0, 0) } }), FIRES, 'ipopts'],
  [
    'ipopts:ts; flags:S;',
    tcp({ ipv4: { options: Uint8Array.of(1, 68, 4, 5, 0, 0, 0, 0) } }),
    FIRES,
    'ipopts behind a no-operation',
  ],
  [
    'ipopts:lsrr; flags:S;',
    tcp({ ipv4: { options: Uint8Array.of(0, 131, 3, 4) } }),
    SILENT,
    'ipopts: not behind the end',
  ],
  ['ipopts:any; flags:S;', tcp(), SILENT, 'ipopts any: there are none'],
  ['sameip; flags:S;', tcp({ destination: FROM }), FIRES, 'sameip'],
  ['sameip; flags:S;', tcp(), SILENT, 'sameip'],
])

table('TCP, tunnel and packet numbers of Snort 3', '3', [
  ['urg:5;', tcp({ flags: SYN | URG, urgent: 5 }), FIRES, 'urg: the urgent pointer'],
  ['urg:>5;', tcp({ flags: SYN | URG, urgent: 5 }), SILENT, 'urg with a comparison'],
  ['wscale:7;', tcp({ options: Uint8Array.of(1, 3, 3, 7) }), FIRES, 'wscale: the window scale option'],
  ['wscale:<7;', tcp({ options: Uint8Array.of(1, 3, 3, 7) }), SILENT, 'wscale with a comparison'],
  ['wscale:<=14;', tcp(), SILENT, 'wscale: there is none'],
  ['alert udp (pkt_num:1; sid:1;)', udp(), FIRES, 'pkt_num counts from 1'],
  ['alert udp (pkt_num:2; sid:1;)', udp(), SILENT, 'pkt_num counts from 1'],
  ['geneve_vni:77; flags:S;', inGeneve, FIRES, 'geneve_vni: of the tunnel that the packet came in'],
  ['geneve_vni:70<=>76; flags:S;', inGeneve, SILENT, 'geneve_vni with a range'],
  ['geneve_vni:>=0; flags:S;', tcp(), SILENT, 'geneve_vni: no tunnel'],
])

table('ttl', '2.9', [
  ['ttl:60-70; flags:S;', tcp({ ipv4: { ttl: 70 } }), FIRES, 'a-b has its ends'],
  ['ttl:60-70; flags:S;', tcp({ ipv4: { ttl: 71 } }), SILENT, 'a-b has its ends'],
  ['ttl:60-; flags:S;', tcp({ ipv4: { ttl: 60 } }), FIRES, 'a-'],
  ['ttl:-60; flags:S;', tcp({ ipv4: { ttl: 61 } }), SILENT, '-b'],
])

table('ICMP', 'both', [
  ['alert icmp any any -> any any (itype:8; sid:1;)', icmp(), FIRES, 'itype'],
  ['alert icmp any any -> any any (itype:>7; sid:1;)', icmp(), FIRES, 'itype greater'],
  ['alert icmp any any -> any any (itype:7<>9; sid:1;)', icmp(), FIRES, 'a<>b excludes its ends'],
  ['alert icmp any any -> any any (itype:8<>10; sid:1;)', icmp(), SILENT, 'a<>b excludes its ends'],
  ['alert icmp any any -> any any (icode:0; sid:1;)', icmp(), FIRES, 'icode'],
  ['alert icmp any any -> any any (icode:<1; sid:1;)', icmp(), FIRES, 'icode less'],
  ['alert icmp any any -> any any (icmp_id:666; sid:1;)', icmp(), FIRES, 'icmp_id of an echo'],
  ['alert icmp any any -> any any (icmp_seq:5; sid:1;)', icmp(), FIRES, 'icmp_seq of an echo'],
  ['alert icmp any any -> any any (icmp_id:666; sid:1;)', icmp({ type: 0 }), FIRES, 'icmp_id of an answer'],
  [
    'alert icmp any any -> any any (icmp_id:666; sid:1;)',
    icmp({ type: 13 }),
    SILENT,
    'other messages have none',
  ],
  [
    'alert icmp any any -> any any (content:"ping",depth 4; sid:1;)',
    icmp(),
    FIRES,
    'the payload begins behind eight bytes',
  ],
  ['alert icmp any any -> any any (dsize:4; sid:1;)', icmp(), FIRES, 'dsize'],
])

const segments = conversation({ serverPort: 7777 }).handshake().client('abc').close().packets()
const long = conversation({ serverPort: 7777, mss: 10 }).handshake().client('x'.repeat(25)).close().packets()

table('dsize', 'both', [
  ['dsize:3;', segments, FIRES, 'the payload of one packet'],
  ['dsize:>3;', segments, SILENT, 'greater'],
  ['dsize:<4; content:"abc";', segments, FIRES, 'with a content'],
  ['dsize:25;', long, SILENT, 'not of what was put together'],
  ['dsize:10;', long, FIRES, 'of each segment'],
  ['dsize:25; content:"xx";', long, FIRES, 'with a content also of what was sent in pieces'],
  ['alert udp any any -> any any (dsize:5; sid:1;)', udp(), FIRES, 'of a datagram'],
  ['alert udp any any -> any any (dsize:0; sid:1;)', udp({ payload: '' }), FIRES, 'of an empty datagram'],
])

table('dsize ranges', '2.9', [
  ['dsize:3<>9;', segments, FIRES, '<> has its ends'],
  ['dsize:1<>3;', segments, FIRES, '<> has its ends'],
])
table('dsize ranges', '3', [
  ['dsize:3<>9;', segments, SILENT, '<> excludes its ends'],
  ['dsize:3<=>9;', segments, FIRES, '<=> has its ends'],
])

const answered = udpExchange([
  ['client', 'ask'],
  ['server', 'tell'],
])

table('flow', 'both', [
  ['flow:to_server; content:"abc";', segments, FIRES, 'to_server'],
  ['flow:from_client; content:"abc";', segments, FIRES, 'from_client is to_server'],
  ['flow:to_client; content:"abc";', segments, SILENT, 'to_client'],
  ['flow:from_server; content:"abc";', segments, SILENT, 'from_server is to_client'],
  ['flow:established; content:"abc";', segments, FIRES, 'established'],
  ['flow:TO_SERVER , Established; content:"abc";', segments, FIRES, 'words know no case, blanks are free'],
  ['flow:not_established; content:"abc";', segments, SILENT, 'not_established'],
  ['flow:not_established; flags:S;', segments, FIRES, 'not_established: the SYN'],
  ['flow:established; flags:S;', segments, SILENT, 'established: not the SYN'],
  ['flow:stateless; content:"abc";', segments, FIRES, 'stateless: any state'],
  ['flow:stateless; flags:S;', segments, FIRES, 'stateless: any state'],
  ['flow:no_stream; content:"abc";', segments, FIRES, 'no_stream: in the segment'],
  [
    'flow:no_stream; content:"xxxxxxxxxxx";',
    long,
    FIRES,
    'no_stream: what was sent in pieces is shown as one packet, too; cutting it hides nothing',
  ],
  ['flow:only_stream; content:"xxxxxxxxxxx";', long, FIRES, 'only_stream: across segments'],
  ['flow:no_frag; content:"abc";', segments, FIRES, 'no_frag'],
  ['flow:only_frag; content:"abc";', segments, SILENT, 'only_frag'],
  [
    'alert udp any any -> any any (flow:to_server; content:"ask"; sid:1;)',
    answered,
    FIRES,
    'UDP: who spoke first is the client',
  ],
  [
    'alert udp any any -> any any (flow:to_client; content:"tell"; sid:1;)',
    answered,
    FIRES,
    'UDP: the other is the server',
  ],
  [
    'alert udp any any -> any any (flow:established; content:"ask"; sid:1;)',
    answered,
    SILENT,
    'UDP: established when both have spoken',
  ],
  [
    'alert udp any any -> any any (flow:established; content:"tell"; sid:1;)',
    answered,
    FIRES,
    'UDP: established when both have spoken',
  ],
])
