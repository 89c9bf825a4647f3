/** What rules remember: flowbits, counts, bytes seen. */
import { type CapturedFrame, conversation, udpExchange } from '../../../test/support/conversation.js'
import { FIRES, SILENT, table } from './table.js'

/** Turns of one connection: client, server, client… */
const talk = (...lines: readonly string[]): readonly CapturedFrame[] => {
  const one = conversation({ serverPort: 7777 }).handshake()
  lines.forEach((line, i) => {
    if (i % 2 === 0) one.client(line)
    else one.server(line)
  })
  return one.close().packets()
}

const tcp = (body: string, sid: number): string => `alert tcp any any -> any any (${body} sid:${sid};)`
const rules = (...bodies: readonly string[]): string =>
  bodies.map((body, i) => tcp(body, i === bodies.length - 1 ? 1 : i + 2)).join('\n')

table('flowbits', 'both', [
  [
    rules('content:"a"; flowbits:set,x;', 'content:"b"; flowbits:isset,x;'),
    talk('a', 'b'),
    FIRES,
    'set by an earlier packet',
  ],
  [
    rules('content:"a"; flowbits:set,x;', 'content:"b"; flowbits:isset,x;'),
    talk('b', 'a'),
    SILENT,
    'set too late',
  ],
  [
    rules('content:"a"; flowbits:set,x;', 'content:"a"; flowbits:isset,x;'),
    talk('a'),
    FIRES,
    'set by the same packet: setters come first',
  ],
  [rules('content:"a"; flowbits:set,x;', 'content:"b"; flowbits:isnotset,x;'), talk('b'), FIRES, 'isnotset'],
  [
    rules('content:"a"; flowbits:set,x;', 'content:"b"; flowbits:isnotset,x;'),
    talk('a', 'b'),
    SILENT,
    'isnotset',
  ],
  [
    rules('flowbits:set,x; content:"a"; content:"zz";', 'content:"b"; flowbits:isset,x;'),
    talk('a', 'b'),
    SILENT,
    'a rule that fails sets nothing',
  ],
  [
    rules('content:"a"; flowbits:set,x;', 'content:"c"; flowbits:unset,x;', 'content:"b"; flowbits:isset,x;'),
    talk('a', '-', 'c', 'b'),
    SILENT,
    'unset',
  ],
  [
    rules('content:"a"; flowbits:toggle,x;', 'content:"b"; flowbits:isset,x;'),
    talk('a', '-', 'b'),
    FIRES,
    'toggle: set',
  ],
  [
    rules('content:"a"; flowbits:toggle,x;', 'content:"b"; flowbits:isset,x;'),
    talk('a', '-', 'a', '-', 'b'),
    SILENT,
    'toggle: and unset',
  ],
  [
    rules('content:"a"; flowbits:set,x&y;', 'content:"b"; flowbits:isset,x&y;'),
    talk('a', 'b'),
    FIRES,
    '& sets all',
  ],
  [
    rules('content:"a"; flowbits:set,x;', 'content:"b"; flowbits:isset,x&y;'),
    talk('a', 'b'),
    SILENT,
    'isset a&b: all',
  ],
  [
    rules('content:"a"; flowbits:set,x;', 'content:"b"; flowbits:isset,y|x;'),
    talk('a', 'b'),
    FIRES,
    'isset a|b: any',
  ],
  [
    rules('content:"a"; flowbits:set,x;', 'content:"b"; flowbits:isnotset,x&y;'),
    talk('a', 'b'),
    FIRES,
    'isnotset a&b: unless all are set',
  ],
  [
    rules('content:"a"; flowbits:set,x;', 'content:"b"; flowbits:isnotset,x|y;'),
    talk('a', 'b'),
    SILENT,
    'isnotset a|b: unless any is set',
  ],
  [tcp('content:"a"; flowbits:set,x; flowbits:noalert;', 1), talk('a'), SILENT, 'noalert'],
  [
    rules('content:"a"; flowbits:set,x; flowbits:noalert;', 'content:"b"; flowbits:isset,x;'),
    talk('a', 'b'),
    FIRES,
    'noalert: its bits are set all the same',
  ],
  [
    rules('content:"a"; flowbits:set,x;', 'content:"c"; flowbits:reset;', 'content:"b"; flowbits:isset,x;'),
    talk('a', '-', 'c', 'b'),
    SILENT,
    'reset',
  ],
  [
    rules('content:"a"; flowbits:set,x;', 'content:"b"; flowbits:isset,X;'),
    talk('a', 'b'),
    SILENT,
    'names know case',
  ],
  [
    rules('content:"a"; flowbits:SET , x;', 'content:"b"; flowbits: isset, x ;'),
    talk('a', 'b'),
    FIRES,
    'words do not, and blanks are free',
  ],
  [
    'alert udp any any -> any any (content:"a"; flowbits:set,x; sid:2;)\nalert udp any any -> any any (content:"b"; flowbits:isset,x; sid:1;)',
    udpExchange([
      ['client', 'a'],
      ['server', 'b'],
    ]),
    FIRES,
    'UDP has flows, too',
  ],
])

table('groups of flowbits', '2.9', [
  [
    rules('content:"a"; flowbits:set,x,g;', 'content:"b"; flowbits:isset,any,g;'),
    talk('a', 'b'),
    FIRES,
    'any of a group',
  ],
  [
    rules(
      'content:"a"; flowbits:set,x,g;',
      'content:"q"; flowbits:set,y,g;',
      'content:"b"; flowbits:isset,all,g;',
    ),
    talk('a', 'b'),
    SILENT,
    'all of a group',
  ],
  [
    rules(
      'content:"a"; flowbits:set,x,g;',
      'content:"c"; flowbits:setx,y,g;',
      'content:"b"; flowbits:isset,x;',
    ),
    talk('a', '-', 'c', 'b'),
    SILENT,
    'setx: of the group only this',
  ],
  [
    rules(
      'content:"a"; flowbits:set,x,g;',
      'content:"c"; flowbits:reset,g;',
      'content:"b"; flowbits:isset,x;',
    ),
    talk('a', '-', 'c', 'b'),
    SILENT,
    'reset of a group',
  ],
  [
    rules('content:"a"; flowbits:set,x;', 'content:"c"; flowbits:reset,g;', 'content:"b"; flowbits:isset,x;'),
    talk('a', '-', 'c', 'b'),
    FIRES,
    '… of another group',
  ],
  [
    rules(
      'content:"a"; flowbits:set,x,g;',
      'content:"c"; flowbits:unset,all,g;',
      'content:"b"; flowbits:isset,x;',
    ),
    talk('a', '-', 'c', 'b'),
    SILENT,
    'unset of a group',
  ],
])

table('stream_size', '2.9', [
  ['stream_size:client,>,2; content:"abc";', talk('abc', 'x'), FIRES, 'bytes of the client'],
  ['stream_size:client,>,3; content:"abc";', talk('abc', 'x'), SILENT, 'bytes of the client'],
  ['stream_size:client,=,3; content:"abc";', talk('abc', 'x'), FIRES, 'exactly'],
  ['stream_size:server,<,1; content:"abc";', talk('abc', 'x'), FIRES, 'bytes of the server'],
  ['stream_size:server,>=,2; content:"xy";', talk('abc', 'xy'), FIRES, 'bytes of the server'],
  ['stream_size:either,>,2; content:"xy";', talk('abc', 'xy'), FIRES, 'of either'],
  ['stream_size:both,>,2; content:"xy";', talk('abc', 'xy'), SILENT, 'of both'],
  ['stream_size:both,!=,9; content:"xy";', talk('abc', 'xy'), FIRES, 'of both'],
])

table('stream_size', '3', [
  ['stream_size:>2,to_server; content:"abc";', talk('abc', 'x'), FIRES, 'bytes of the client'],
  ['stream_size:3<=>5,to_server; content:"abc";', talk('abc', 'x'), FIRES, 'a range'],
  ['stream_size:>2; content:"abc";', talk('abc', 'x'), FIRES, 'either unless said'],
  ['stream_size:>2,both; content:"xy";', talk('abc', 'xy'), SILENT, 'of both'],
])

/** Datagrams from one client, seconds apart. */
const datagrams = (...seconds: readonly number[]): readonly CapturedFrame[] =>
  seconds.flatMap((second) => udpExchange([['client', 'x']], { start: second, clientPort: 40_000 + second }))
const counted = (option: string): string => `alert udp any any -> any any (content:"x"; ${option} sid:1;)`

table('detection_filter', 'both', [
  [
    counted('detection_filter:track by_src, count 2, seconds 60;'),
    datagrams(1, 2),
    SILENT,
    'up to the count: silent',
  ],
  [
    counted('detection_filter:track by_src, count 2, seconds 60;'),
    datagrams(1, 2, 3),
    FIRES,
    'beyond it: fires',
  ],
  [
    counted('detection_filter:count 2, seconds 60, track by_dst;'),
    datagrams(1, 2, 3),
    FIRES,
    'in any order, by destination',
  ],
  [
    counted('detection_filter:track by_src, count 2, seconds 5;'),
    datagrams(1, 2, 20),
    SILENT,
    'the time is over: counted anew',
  ],
  [
    counted('content:"zz"; detection_filter:track by_src, count 1, seconds 60;'),
    datagrams(1, 2, 3),
    SILENT,
    'only matches count',
  ],
])

table('threshold', '2.9', [
  [
    counted('threshold:type limit, track by_src, count 1, seconds 60;'),
    datagrams(1, 2),
    FIRES,
    'limit: the first ones',
  ],
  [
    counted('threshold:type threshold, track by_src, count 3, seconds 60;'),
    datagrams(1, 2),
    SILENT,
    'threshold: every third',
  ],
  [
    counted('threshold:type threshold, track by_src, count 3, seconds 60;'),
    datagrams(1, 2, 3),
    FIRES,
    'threshold: every third',
  ],
  [
    counted('threshold: type both , track by_dst , count 2 , seconds 60;'),
    datagrams(1, 2, 3, 4),
    FIRES,
    'both: once, at the second',
  ],
  [
    counted('threshold:type both, track by_src, count 5, seconds 60;'),
    datagrams(1, 2, 3, 4),
    SILENT,
    'both: not before',
  ],
])
