import { describe, expect, it } from 'vitest'
import {
  type CapturedFrame,
  conversation,
  drop,
  feed,
  merge,
  type TestPacket,
  udpExchange,
} from '../../test/support/conversation.js'
import {
  Explainer,
  type ExplainerOptions,
  type FlowVerdict,
  type RuleExplanation,
} from '../src/explain/index.js'
import { explanationJson, explanationText } from '../src/explain/report.js'
import { createEngines } from '../src/match/index.js'
import { loadRules, Variables } from '../src/rules/index.js'

const engines = createEngines({ engine: 'aho-corasick' })

interface Options {
  readonly variables?: Readonly<Record<string, string>>
  readonly filters?: ExplainerOptions['filters']
  readonly checksums?: 'verify' | 'ignore'
}

const explainerFor = (rules: string, sid: number, options: Options = {}): Explainer => {
  const variables = new Variables()
  for (const [name, value] of Object.entries(options.variables ?? {})) variables.pin(name, value)
  const loaded = loadRules({ files: [{ path: 'test.rules', text: rules }], variables })
  return new Explainer({
    loaded,
    ids: [{ gid: 1, sid }],
    matcherEngine: engines.matcher,
    regexEngine: engines.regex,
    filters: options.filters ?? {},
    checksums: options.checksums ?? 'verify',
  })
}

const explain = (
  rules: string,
  packets: readonly CapturedFrame[],
  options: Options = {},
  sid = 1,
): RuleExplanation => {
  const explainer = explainerFor(rules, sid, options)
  feed(explainer, packets)
  return explainer.finish().rules[0]!
}

/** The only flow. */
const verdict = (rules: string, packets: readonly CapturedFrame[], options: Options = {}): FlowVerdict => {
  const { flows } = explain(rules, packets, options)
  expect(flows).toHaveLength(1)
  return flows[0]!
}

const web = (uri: string, port = 80, headers = ''): TestPacket[] =>
  conversation({ serverPort: port })
    .handshake()
    .client(`GET ${uri} HTTP/1.1\r\nHost: example.com\r\n${headers}\r\n`)
    .server('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    .close()
    .packets()

const talk = (client: string, server = 'bye\r\n', port = 7777): TestPacket[] =>
  conversation({ serverPort: port }).handshake().client(client).server(server).close().packets()

const tcp = (options: string, ports = 'any', sid = 1): string =>
  `alert tcp any any -> any ${ports} (msg:"m"; ${options} sid:${sid};)`

describe('rules that alert', () => {
  it('tells the packets', () => {
    const one = verdict(tcp('content:"/attack"; http_uri;'), web('/attack'))
    expect(one.cause).toBe('alerted')
    expect(one.alerts).toEqual([4])
    expect(one.text).toBe('alerted at packet 4')
    expect(one.service).toBe('http')
  })
})

describe('conditions before the options', () => {
  const portRule = 'alert tcp any any -> $HOME_NET $HTTP_PORTS (msg:"m"; content:"abc"; sid:1;)'

  it('names the port that does not fit and the value of the variable', () => {
    const one = verdict(portRule, talk('xx abc'), { variables: { HTTP_PORTS: '[80,8080]' } })
    expect(one.cause).toBe('header')
    expect(one.headerParts).toEqual(['destination port'])
    expect(one.text).toBe('destination port 7777 is not in $HTTP_PORTS (HTTP_PORTS=[80,8080])')
  })

  it('names the address that does not fit', () => {
    const one = verdict(portRule, web('/abc'), { variables: { HOME_NET: '10.0.0.0/8' } })
    expect(one.text).toBe('destination address 192.0.2.80 is not in $HOME_NET (HOME_NET=10.0.0.0/8)')
  })

  it('counts flows of other protocols', () => {
    const result = explain(tcp('content:"abc";'), udpExchange([['client', 'abc']]))
    expect(result.flows).toEqual([])
    expect(result.otherFlows).toBe(1)
  })

  it('says when no handshake was completed', () => {
    const packets = web('/abc').slice(0, 1)
    const one = verdict(tcp('flow:established,to_server; content:"abc";'), packets)
    expect(one.cause).toBe('not_established')
    expect(one.text).toContain('SYN-SENT')
  })

  it('notes flows whose beginning was not captured', () => {
    const one = verdict(tcp('content:"nothere";'), talk('hello world').slice(3))
    expect(one.notes).toContain('picked up midstream: no handshake was seen')
  })

  it('notes flows of one packet, which have no service', () => {
    const one = verdict(tcp('content:"/abc"; http_uri;'), web('/abc').slice(3, 4))
    expect(one.cause).toBe('not_http')
    expect(one.notes).toContain('one packet of a connection says nothing about its service')
  })

  it('says when the direction carried no data', () => {
    const packets = conversation({ serverPort: 7777 }).handshake().client('only me').close().packets()
    const one = verdict(tcp('flow:to_client; content:"abc";'), packets)
    expect(one.cause).toBe('direction')
    expect(one.text).toBe(
      'the rule looks at data to the client, but nothing was sent that way; the client sent 7 bytes',
    )
  })

  it('says when there was no data', () => {
    const packets = conversation({ serverPort: 7777 }).handshake().close().packets()
    expect(verdict(tcp('content:"abc";'), packets).cause).toBe('no_data')
  })

  it('says when the flow is not HTTP, with its first bytes', () => {
    const one = verdict(tcp('content:"abc"; http_uri;'), talk('EHLO abc\r\n', '250 ok\r\n'))
    expect(one.cause).toBe('not_http')
    expect(one.text).toContain('the client began with "EHLO abc\\r\\n"')
  })

  it('says when the service is another', () => {
    const rule = 'alert http (msg:"m"; content:"abc"; sid:1;)'
    const one = verdict(rule, talk('abc def'))
    expect(one.cause).toBe('service')
    expect(one.text).toContain('no service was recognised, the rule is for http')
  })

  it('counts packets with wrong checksums', () => {
    const packets = conversation({ serverPort: 7777 })
      .handshake()
      .segment('client', { flags: 0x18, payload: 'xx abc', checksum: 1 })
      .packets()
    const one = verdict(tcp('content:"abc";'), packets)
    expect(one.cause).toBe('no_data')
    expect(one.notes).toEqual(['1 packet with wrong checksums left out: try -k none'])
    expect(verdict(tcp('content:"abc";'), packets, { checksums: 'ignore' }).cause).toBe('alerted')
  })

  it('reports flows all of whose packets have wrong checksums', () => {
    const packets = conversation({ serverPort: 7777 })
      .segment('client', { flags: 0x18, payload: 'xx abc', checksum: 1 })
      .packets()
    const one = verdict(tcp('content:"abc";'), packets)
    expect(one.cause).toBe('checksum')
  })

  it('notes gaps in the stream', () => {
    const whole = conversation({ serverPort: 7777, mss: 10 })
      .handshake()
      .client('0123456789abcdefghijKLMNOPQRST')
      .server('bye')
      .close()
      .packets()
    const one = verdict(
      tcp('content:"jabcdef";'),
      drop(whole, (_, i) => i === 4),
    )
    expect(one.notes).toEqual(['1 gap in the stream, 10 bytes missing'])
  })
})

describe('fast patterns', () => {
  it('tells what was searched', () => {
    const one = verdict(tcp('content:"/attack"; http_uri; content:"x";'), web('/index.html'))
    expect(one.cause).toBe('fast_pattern')
    expect(one.text).toBe(
      'fast pattern "/attack" not found in http_uri "/index.html" (1 unit, 11 bytes searched)',
    )
    expect(one.fastPattern).toMatchObject({
      buffer: 'http_uri',
      units: 2,
      searched: 1,
      bytes: 11,
      elsewhere: [],
    })
  })

  it('tells of other buffers that hold it', () => {
    const one = verdict(
      tcp('flow:to_server; content:"evilagent"; http_uri;'),
      web('/', 80, 'User-Agent: evilagent\r\n'),
    )
    expect(one.fastPattern?.elsewhere).toContain('http_header')
    expect(one.text).toContain('found in http_header, http_raw_header, the rule wants http_uri')
  })
})

/** [what, options, what the client sends, expected option number, expected text] on one TCP turn. */
const OPTIONS: readonly (readonly [
  what: string,
  options: string,
  data: string,
  number: number,
  text: string,
])[] = [
  [
    'a content beyond its depth',
    'content:"needle"; content:"end"; depth:10;',
    'needle and then the end',
    2,
    'content "end" found in pkt_data at offset 20, allowed is 0 to 7',
  ],
  [
    'a content that is not there',
    'content:"needle"; content:"abc";',
    'needle and then',
    2,
    'content "abc" not found in pkt_data "needle and then"',
  ],
  [
    'a content in other case',
    'content:"needle"; content:"abc";',
    'needle ABC',
    2,
    'in other case it is at offset 7 (nocase is not set)',
  ],
  [
    'a negated content',
    'content:"needle"; content:!"abc";',
    'needle abc',
    2,
    'content "abc" must not be in pkt_data, but is at offset 7',
  ],
  [
    'a relative content',
    'content:"needle"; content:"x"; within:2;',
    'needle---x',
    2,
    'content "x" found in pkt_data at offset 9, 3 bytes behind the cursor at 6, allowed is 6 to 7',
  ],
  [
    'byte_test',
    'content:"needle"; byte_test:1,>,100,0,relative;',
    'needle\x05',
    2,
    '1 byte at offset 6 of pkt_data is "\\x05" = 5, wanted > 100',
  ],
  [
    'byte_test beyond the end',
    'content:"needle"; byte_test:4,>,100,0,relative;',
    'needle\x05',
    2,
    '4 bytes at offset 6 of pkt_data are not there: it has 7',
  ],
  [
    'byte_jump',
    'content:"needle"; byte_jump:1,0,relative; content:"x";',
    'needle\x50x',
    2,
    'which leads out of the buffer',
  ],
  [
    'isdataat',
    'content:"needle"; isdataat:10,relative;',
    'needle 123',
    2,
    'pkt_data has 4 bytes after the cursor at 6, wanted more than 10',
  ],
  [
    'pcre',
    'content:"needle"; pcre:"/needle\\d+/";',
    'needle abc',
    2,
    'the expression does not match in pkt_data "needle abc"',
  ],
  [
    'a flowbit nothing sets',
    'content:"needle"; flowbits:isset,login;',
    'needle',
    2,
    'flowbit login is not set; no rule in use sets it',
  ],
  [
    'stream_size',
    'content:"needle"; stream_size:client,>,100;',
    'needle',
    2,
    'the client has sent 6 bytes, the server',
  ],
]

describe('options', () => {
  it.each(OPTIONS)('%s', (_, options, data, number, text) => {
    const one = verdict(tcp(`flow:to_server; ${options}`), talk(data))
    expect(one.text).toContain(text)
    expect(one.cause).toBe('option')
    expect(one.failed).toMatchObject({ number: number + 1 })
    expect(one.failed!.of).toBeGreaterThanOrEqual(number + 1)
  })

  it('names the buffer length', () => {
    const one = verdict(tcp('content:"abc"; http_uri; urilen:>100;'), web('/abc123'))
    expect(one.text).toBe('option 2 of 2, urilen:>100,raw: http_raw_uri has length 7: "/abc123" (packet 4)')
  })

  it('names a buffer that is not there', () => {
    const one = verdict(tcp('content:"abc"; http_uri; content:!"x"; http_cookie;'), web('/abc'))
    expect(one.text).toContain('there is no http_cookie in this HTTP request')
  })

  it.each([
    ['dsize:>100;', 'the payload has 5 bytes'],
    ['flags:SF;', 'the packet has flags'],
    ['ttl:<5;', 'ttl is 64'],
  ])('%s', (options, text) => {
    const result = explain(tcp(`${options}`), talk('hello', '', 7777))
    expect(result.flows[0]!.cause).toBe('option')
    expect(result.flows[0]!.text).toContain(text)
  })

  it('names the rules that set a flowbit, and whether they matched', () => {
    const rules = [
      tcp('content:"USER"; flowbits:set,login; flowbits:noalert;', 'any', 2),
      tcp('content:"ROOT"; flowbits:set,login; flowbits:noalert;', 'any', 3),
      tcp('flow:to_server; content:"CMD"; flowbits:isset,login;'),
    ].join('\n')
    const one = verdict(rules, talk('CMD ls'))
    expect(one.text).toContain(
      'flowbit login is not set; set by 1:2 (has not matched on this flow), 1:3 (has not matched on this flow)',
    )
    expect(verdict(rules, talk('USER x CMD ls')).cause).toBe('alerted')
    const late = conversation({ serverPort: 7777 })
      .handshake()
      .client('CMD')
      .server('a')
      .client('USER')
      .close()
    expect(verdict(rules, late.packets()).cause).toBe('option')
  })

  it('puts the deepest attempt first, of all retries and units', () => {
    const rule = tcp(
      'flow:to_server; content:"a"; content:"b"; distance:0; within:1; content:"c"; distance:0; within:1;',
    )
    const one = verdict(rule, talk('a-ab-abd'))
    expect(one.failed).toMatchObject({ number: 4 })
  })
})

describe('matches that are not reported', () => {
  const rule = tcp('content:"abc"; flowbits:noalert;')

  it('noalert', () => expect(verdict(rule, talk('xabc')).cause).toBe('noalert'))

  it('a pass rule', () => {
    const pass = 'pass tcp any any -> any any (msg:"p"; content:"bc"; sid:9;)'
    const one = verdict(`${pass}\n${tcp('content:"abc";')}`, talk('xabc'))
    expect(one.cause).toBe('passed')
    expect(one.text).toContain('pass rule 1:9 matched the same data')
  })

  it('a rule whose action goes first', () => {
    const other = 'drop tcp any any -> any any (msg:"d"; content:"abc"; sid:2;)'
    const { cause, text } = verdict(`${rule.replace(' flowbits:noalert;', '')}\n${other}`, talk('xabc'))
    expect(cause).toBe('outranked')
    expect(text).toContain('drop rule 1:2 matched the same data; alert rules come after it')
  })

  it('the event queue', () => {
    const others = [2, 3, 4].map((sid) => `alert tcp any any -> any any (content:"abc"; sid:${sid};)`)
    const rules = [rule.replace(' flowbits:noalert;', ''), ...others].join('\n')
    const { cause, text } = verdict(rules, talk('xabc'), { filters: { eventQueue: { log: 3 } } })
    expect(cause).toBe('alert_limit')
    expect(text).toContain('the event queue is full: 4 rules matched the same data, 3 are reported')
  })

  it('a rate_filter', () => {
    const rate = { gid: 1, sid: 1, track: 'by_rule', count: 1, seconds: 0, timeout: 0 } as const
    const rateFilters = [{ ...rate, newAction: 'pass', applyTo: undefined }] as const
    const twice = [1, 2].flatMap((client) =>
      conversation({ clientPort: 4000 + client, serverPort: 7777, start: client })
        .handshake()
        .client('xabc')
        .close()
        .packets(),
    )
    const { flows } = explain(rule.replace(' flowbits:noalert;', ''), twice, { filters: { rateFilters } })
    expect(flows.map(({ cause }) => cause).sort()).toEqual(['alerted', 'rate_filter'])
  })

  it('detection_filter', () => {
    const one = verdict(
      tcp('content:"abc"; detection_filter:track by_src, count 5, seconds 60;'),
      talk('xabc'),
    )
    expect(one.cause).toBe('detection_filter')
    expect(one.text).toContain('match 1 for 203.0.113.5 within 60 s (track by_src, count 5, seconds 60)')
  })

  it('suppress and event_filter', () => {
    const suppressions = [{ gid: 1, sid: 1, track: undefined, addresses: undefined }]
    expect(verdict(tcp('content:"abc";'), talk('xabc'), { filters: { suppressions } }).cause).toBe(
      'suppressed',
    )
    const eventFilters = [
      { gid: 1, sid: 1, type: 'threshold', track: 'by_src', count: 3, seconds: 60 } as const,
    ]
    const one = verdict(tcp('content:"abc";'), talk('xabc'), { filters: { eventFilters } })
    expect(one.cause).toBe('event_filter')
    expect(one.text).toContain('type threshold, track by_src, count 3')
  })
})

describe('order and other protocols', () => {
  it('puts the flows with the furthest progress first', () => {
    const packets = merge(
      web('/index', 80),
      conversation({ clientPort: 40001, serverPort: 80 })
        .handshake()
        .client('GET /attack HTTP/1.1\r\n\r\n')
        .close()
        .packets(),
      conversation({ clientPort: 40002, serverPort: 7777 }).handshake().client('hi').close().packets(),
    )
    const rule = tcp('flow:to_server,established; content:"/attack"; http_uri; urilen:>50;', '80')
    const { flows } = explain(rule, packets)
    expect(flows.map(({ cause }) => cause)).toEqual(['option', 'fast_pattern', 'header'])
  })

  it('explains datagrams', () => {
    const rule = 'alert udp any any -> any 53 (msg:"m"; content:"abc"; content:"zz"; sid:1;)'
    const packets = udpExchange([['client', 'xabc']], { serverPort: 53 })
    const one = verdict(rule, packets)
    expect(one.cause).toBe('option')
    expect(one.protocol).toBe('UDP')
    expect(one.failed!.found).toBe('content "zz" not found in pkt_data "xabc"')
  })
})

describe('rules that are not in use', () => {
  it('gives the reason, or suggests', () => {
    const rules = `${tcp('content:"abc";', 'any', 1000001)}\n${tcp('content:"abc"; nosuch:1;', 'any', 7)}`
    expect(explainerFor(rules, 1000011).missing).toEqual([
      {
        gid: 1,
        sid: 1000011,
        state: 'unknown',
        text: "no rule 1:1000011 among 1 loaded; did you mean '1000001'?",
      },
    ])
    const [broken] = explainerFor(rules, 7).missing
    expect(broken).toMatchObject({ sid: 7, state: 'not_loaded' })
    expect(broken!.text).toContain('test.rules:2')
  })
})

describe('limits', () => {
  it('follows flows of hostile traffic: many ports, odd bytes, no handshakes', () => {
    const packets = Array.from({ length: 300 }, (_, i) =>
      conversation({ clientPort: 1024 + i, serverPort: 80 })
        .segment('client', { flags: i & 0xff, payload: Uint8Array.of(i & 0xff, 0x1b, 0x22, 0x5c) })
        .packets(),
    ).flat()
    const { flows } = explain(tcp('content:"abc"; http_uri;', '80'), packets)
    expect(flows.length).toBeGreaterThan(100)
    for (const { text } of flows) expect(text).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/)
  })
})

describe('messages of one direction', () => {
  it('says when only the other side speaks HTTP', () => {
    const packets = talk('\x13\x00', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', 80)
    const one = verdict(tcp('flow:to_server; content:"abc"; http_uri;', '80'), packets)
    expect(one.cause).toBe('not_http')
    expect(one.text).toContain('"\\x13\\x00"')
  })

  it('says when no datagram went the way of the rule', () => {
    const packets = udpExchange([['client', 'xabc']], { serverPort: 53 })
    const rule = 'alert udp any 53 -> any any (msg:"m"; flow:to_client; content:"abc"; sid:1;)'
    const one = verdict(rule, packets)
    expect(one.cause).toBe('direction')
  })
})

describe('the words of the rule and of the traffic', () => {
  it('shows a fast pattern as the rule has it', () => {
    expect(verdict(tcp('content:"NeeDLE"; nocase;'), talk('xabc')).text).toContain(
      'fast pattern "NeeDLE" not found',
    )
    expect(verdict(tcp('pcre:"/AbCdEf/i";'), talk('x')).text).toContain('"abcdef" (of a pcre, in any case)')
  })

  it('says when the window of a content lies behind the end', () => {
    const one = verdict(tcp('content:"abc"; offset:500;'), talk('xabc'))
    expect(one.failed!.found).toBe(
      'content "abc" found in pkt_data at offset 1, allowed is from 500 on; there are 4 bytes',
    )
  })

  it('says when the header fits the other direction', () => {
    const one = verdict(tcp('flow:to_client,established; content:"abc";', '7777'), talk('xabc'))
    expect(one.text).toBe(
      'destination port 40000 is not in 7777; the header fits what the client sends, but the rule says flow:to_client',
    )
  })

  it('says which message of a protocol it was', () => {
    const invite = 'INVITE sip:a SIP/2.0\r\nCSeq: 1 INVITE\r\n\r\n'
    const packets = udpExchange([['client', invite]], { serverPort: 5060 })
    const rule = (option: string): string => `alert udp any any -> any 5060 (msg:"m"; ${option}; sid:1;)`
    expect(verdict(rule('sip_method:bye'), packets).failed!.found).toBe('it is a request, method invite')
    expect(verdict(rule('dce_opnum:1'), packets).failed!.found).toContain(
      'this is not a DCE/RPC call: pkt_data "INVITE',
    )
  })

  it('names the suppress line', () => {
    const suppressions = [{ gid: 1, sid: 1, track: undefined, addresses: undefined }]
    const one = verdict(tcp('content:"abc";'), talk('xabc'), { filters: { suppressions } })
    expect(one.text).toContain('suppressed by the configuration (gen_id 1, sig_id 1), from 203.0.113.5 to')
  })

  it('says from which match on a detection_filter lets through', () => {
    const one = verdict(tcp('content:"abc"; detection_filter:track by_src,count 5,seconds 60;'), talk('xabc'))
    expect(one.text).toContain('the rule alerts from match 6 on')
  })

  it('notes that only one side was captured', () => {
    const packets = web('/').filter((_, i) => i !== 1)
    const client = packets.filter(
      ({ frame }) => frame[26] === packets[0]!.frame[26] && frame[29] === packets[0]!.frame[29],
    )
    const one = explain(tcp('flow:to_client; content:"abc";'), client).flows[0]!
    expect(one.notes).toContain('only packets of the client were captured')
  })

  it('notes what the stack did not use', () => {
    const packets = conversation({ serverPort: 7777 })
      .handshake()
      .segment('client', { flags: 0x18, payload: 'abc', seq: 0x4000_0000 })
      .packets()
    const one = explain(tcp('flow:to_server; content:"xyz";'), packets).flows[0]!
    expect(one.notes.join()).toContain('outside the window')
  })

  it('names the option that fails first in the rule, whatever is cheapest to test', () => {
    const one = verdict(tcp('flowbits:isset,never; content:"abc"; dsize:>100;'), talk('xabc'))
    expect(one.failed).toMatchObject({ number: 1, of: 3, text: 'flowbits:isset,never' })
    const implied = verdict(tcp('content:"abc"; nocase; pcre:"/abcd/i";'), talk('xABCx'))
    expect(implied.text).toContain('"abcd" (of a pcre, in any case)')
  })

  it('says that packet data of a message is its body', () => {
    const rule = 'alert http any any -> any any (msg:"m"; flow:to_server; content:"Host"; sid:1;)'
    const one = verdict(rule, web('/'))
    expect(one.failed!.found).toBe('there is no pkt_data (of an HTTP message, its body) in this HTTP request')
    expect(one.failed!.buffer).toBe('pkt_data (of an HTTP message, its body)')
  })

  it('tells what inspectors found odd about the flow', () => {
    const packets = conversation({ serverPort: 80 })
      .handshake()
      .client('GET /%61 HTTP/1.1\r\nHost: h\r\n\r\n')
      .server('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nxyz')
      .close()
      .packets()
    const { notes } = verdict(tcp('file_data; content:"absent";'), packets)
    expect(notes).toContain('119:213 (http_inspect) HTTP chunk misformatted')
    // How a URI is written hides nothing.
    expect(notes.join()).not.toContain('119:1 ')
    expect(verdict(tcp('content:"GET";', '80'), packets).notes).toEqual([])
  })

  it('names the first match that led nowhere, not what repeats it', () => {
    const pass = verdict('pass tcp any any -> any any (msg:"p"; content:"abc"; sid:1;)', talk('xabc'))
    expect(pass.text).toContain('it is a pass rule itself')
    const both = 'pass tcp any any -> any any (sid:1;)'
    expect(verdict(both, talk('xabc')).text).toMatch(/matched at packet 1, .* it is a pass rule itself/)
  })

  it('says that encrypted data are not searched', () => {
    const hello = (type: number): string =>
      `\x16\x03\x03\x00\x06${String.fromCharCode(type)}\x00\x00\x02\x03\x03`
    const data = (text: string): string => `\x17\x03\x03\x00${String.fromCharCode(text.length)}${text}`
    const packets = conversation({ serverPort: 443 })
      .handshake()
      .client(hello(1))
      .server(hello(2))
      .client(data('secret'))
      .server(data('answer'))
      .close()
      .packets()
    const one = verdict(tcp('flow:to_server; content:"secret";', '443'), packets)
    expect([one.text, ...one.notes].join()).toContain('not looked for in encrypted records of TLS')
  })

  it('counts packets that could not be decoded, and flows of other protocols', () => {
    const arp = Uint8Array.from([...new Array(12).fill(2), 8, 6, ...new Array(28).fill(0)])
    const cut = Uint8Array.from([...new Array(12).fill(2), 8, 0, 0x45, 0, 0])
    const frames = [arp, cut].map((frame) => ({ frame, seconds: 1, nanoseconds: 0 }))
    const packets = udpExchange([['client', 'x']], { serverPort: 53 })
    const told = explain(tcp('content:"x";'), [...packets, ...frames])
    expect(told.otherProtocols).toEqual({ UDP: 1 })
    expect(Object.values(told.undecoded)).toEqual([1, 1])
    const text = explanationText(told, 10)
    expect(text).toContain('no flow of its protocol: 3 packets, 1 flow of others (UDP 1)')
    expect(text.join('\n')).toMatch(/2 packets of 3 not decoded \(.*IPv4.* 1\)/)
    expect(JSON.parse(explanationJson(told).at(-1)!)).toMatchObject({
      otherProtocols: { UDP: 1 },
      undecoded: told.undecoded,
    })
  })

  it('says what file data a rule on mail misses', () => {
    const packets = talk('EHLO x\r\n', '220 mx ESMTP\r\n', 25)
    const rule = 'alert smtp any any -> any any (msg:"m"; file_data; content:"abc"; sid:1;)'
    expect(verdict(rule, packets).text).not.toContain('HTTP')
  })
})
