import { describe, expect, it } from 'vitest'
import { communityId } from '../src/output/community-id.js'
import { FIELD_NAMES } from '../src/output/fields.js'
import { createFormatter } from '../src/output/formatter.js'
import { testOptions, testPacket, testRecord, testRule, withAction } from './output-support.js'

const parse = (line: string): Record<string, unknown> => JSON.parse(line) as Record<string, unknown>

const ODD = 'q"\\\n\u0000\u2028\ud800 end'

describe('alert_csv', () => {
  it("writes Snort 3's default columns", () => {
    const line = createFormatter('csv', testOptions()).format(testRecord(), undefined)
    expect(line).toBe(
      '11/14-22:13:20.001234, 7, TCP, stream_tcp, 18, C2S, 10.0.0.1:20001, 172.16.0.1:80, 1:2001:3, allow\n',
    )
  })

  it("writes Snort 2's 27 columns", () => {
    const line = createFormatter('csv', testOptions({ style: 'snort2' })).format(
      testRecord({ fromStream: false, rule: testRule({ msg: 'say "hi", twice' }) }),
      testPacket(),
    )
    expect(line).toBe(
      '11/14-22:13:20.001234,1,2001,3,"say ""hi"", twice",TCP,10.0.0.1,20001,172.16.0.1,80,' +
        '02:00:00:00:00:01,02:00:00:00:00:02,299,***AP***,0x1234ABCD,0xFEDCBA98,20,0x14B,50,0,59202,299,279,,,,\n',
    )
  })

  it('keeps the number of columns whatever is missing', () => {
    const fields = FIELD_NAMES
    const csv = createFormatter('csv', testOptions({ style: 'snort2', fields }))
    const bare = csv.format(testRecord({ protocol: 47, fromStream: false, flowId: -1 }), undefined)
    expect(bare.split(',')).toHaveLength(fields.length)
  })

  it('keeps odd messages on one line', () => {
    const fields = ['sid', 'msg'] as const
    const line = createFormatter('csv', testOptions({ fields })).format(
      testRecord({ rule: testRule({ msg: ODD }) }),
      undefined,
    )
    expect(line.slice(0, -1)).toBe('2001, "q""\\\\x0a\\x00\\u{2028}\ud800 end"')
  })
})

describe('alert_json', () => {
  it("writes Snort 3's names in the documented order", () => {
    const line = createFormatter('json', testOptions()).format(testRecord(), undefined)
    expect(line).toBe(
      '{"timestamp":"11/14-22:13:20.001234","pkt_num":7,"gid":1,"sid":2001,"rev":3,"msg":"WEB probe",' +
        '"class":"Web Application Attack","priority":1,"proto":"TCP","src_addr":"10.0.0.1","src_port":20001,' +
        '"dst_addr":"172.16.0.1","dst_port":80,"dir":"C2S","action":"allow"}\n',
    )
  })

  it('leaves out what does not apply', () => {
    const record = testRecord({ protocol: 1, rule: testRule({ classText: undefined }), direction: 'UNK' })
    const object = parse(createFormatter('json', testOptions()).format(record, undefined))
    expect(object).not.toHaveProperty('src_port')
    expect(object.class).toBe('none')
    expect(object.dir).toBe('UNK')
  })

  it('writes numbers where csv writes hex, and the action of a passive sensor', () => {
    const fields = ['tcp_ack', 'tcp_win', 'eth_type', 'tcp_flags', 'action'] as const
    const object = parse(
      createFormatter('json', testOptions({ fields })).format(
        testRecord({ fromStream: false, rule: withAction('block') }),
        testPacket(),
      ),
    )
    expect(object).toEqual({
      tcp_ack: 0xfedcba98,
      tcp_win: 331,
      eth_type: '0x800',
      tcp_flags: '***AP***',
      action: 'would_block',
    })
  })

  it('is valid JSON whatever the message holds', () => {
    const line = createFormatter('json', testOptions()).format(
      testRecord({ rule: testRule({ msg: ODD }) }),
      undefined,
    )
    expect(line.indexOf('\n')).toBe(line.length - 1)
    expect(parse(Buffer.from(line, 'utf8').toString('utf8')).msg).toBe(ODD)
  })
})

/** Keys of an EVE alert in Suricata's order, with the type each must have. */
const EVE_KEYS: readonly (readonly [string, string])[] = [
  ['timestamp', 'string'],
  ['flow_id', 'number'],
  ['in_iface', 'string'],
  ['pcap_cnt', 'number'],
  ['event_type', 'string'],
  ['vlan', 'object'],
  ['src_ip', 'string'],
  ['src_port', 'number'],
  ['dest_ip', 'string'],
  ['dest_port', 'number'],
  ['proto', 'string'],
  ['ip_v', 'number'],
  ['icmp_type', 'number'],
  ['icmp_code', 'number'],
  ['pkt_src', 'string'],
  ['community_id', 'string'],
  ['alert', 'object'],
  ['http', 'object'],
  ['app_proto', 'string'],
  ['direction', 'string'],
  ['flow', 'object'],
  ['payload', 'string'],
  ['payload_printable', 'string'],
  ['payload_length', 'number'],
  ['stream', 'number'],
]

const checkSchema = (event: Record<string, unknown>): void => {
  const order = Object.keys(event).map((key) => EVE_KEYS.findIndex(([name]) => name === key))
  expect(order).not.toContain(-1)
  expect(order).toEqual([...order].sort((a, b) => a - b))
  for (const [name, type] of EVE_KEYS) if (name in event) expect(typeof event[name], name).toBe(type)
  expect(event.timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}[+-]\d{4}$/)
  expect(event.event_type).toBe('alert')
  expect(Number.isSafeInteger(event.flow_id ?? 0)).toBe(true)
}

describe('EVE', () => {
  it('writes the event Suricata writes', () => {
    const rule = testRule({
      metadata: [
        ['policy', 'a'],
        ['__proto__', 'x'],
        ['policy', 'b'],
      ],
      references: [{ system: 'cve', id: '2014-6271' }],
    })
    const http = {
      hostname: 'www.example.com',
      url: '/index.html',
      userAgent: 'test/1.0',
      method: 'GET',
      status: undefined,
    }
    const line = createFormatter('eve', testOptions()).format(testRecord({ rule, http, vlan: 12 }), undefined)
    checkSchema(parse(line))
    const { flow_id } = parse(line)
    expect(line).toBe(
      `{"timestamp":"2023-11-14T22:13:20.001234+0000","flow_id":${flow_id},` +
        '"pcap_cnt":7,"event_type":"alert","vlan":[12],' +
        '"src_ip":"10.0.0.1","src_port":20001,"dest_ip":"172.16.0.1","dest_port":80,"proto":"TCP","ip_v":4,' +
        '"pkt_src":"wire/pcap","alert":{"action":"allowed","gid":1,"signature_id":2001,"rev":3,' +
        '"signature":"WEB probe","category":"Web Application Attack","severity":1,' +
        '"metadata":{"policy":["a","b"],"__proto__":["x"]},' +
        '"references":["http://cve.example/2014-6271"]},' +
        '"http":{"hostname":"www.example.com","url":"/index.html","http_user_agent":"test/1.0","http_method":"GET"},' +
        '"app_proto":"http","direction":"to_server","flow":{"pkts_toserver":4,"pkts_toclient":3,' +
        '"bytes_toserver":293,"bytes_toclient":265,"start":"2023-11-14T22:13:20.000200+0000","src_ip":"10.0.0.1",' +
        '"dest_ip":"172.16.0.1","src_port":20001,"dest_port":80},"payload":"R0VUIC8gSFRUUC8xLjENCg0K",' +
        '"payload_printable":"GET / HTTP/1.1\\r\\n\\r\\n","payload_length":18,"stream":1}\n',
    )
  })

  it('names the client of the flow even when the server spoke', () => {
    const record = testRecord({
      direction: 'S2C',
      sourceAddress: '172.16.0.1',
      sourcePort: 80,
      destinationAddress: '10.0.0.1',
      destinationPort: 20001,
    })
    const event = parse(createFormatter('eve', testOptions()).format(record, undefined))
    checkSchema(event)
    expect(event).toMatchObject({
      src_ip: '172.16.0.1',
      direction: 'to_client',
      flow: { src_ip: '10.0.0.1', src_port: 20001, dest_ip: '172.16.0.1', dest_port: 80 },
    })
  })

  it('says where a live packet came from instead of counting', () => {
    const event = parse(
      createFormatter('eve', testOptions({ interfaceName: 'eth0' })).format(testRecord(), undefined),
    )
    checkSchema(event)
    expect(event.in_iface).toBe('eth0')
    expect(event).not.toHaveProperty('pcap_cnt')
  })

  it('bounds the payload and keeps any byte valid', () => {
    const payload = new Uint8Array(300).map((_, index) => index)
    const record = testRecord({ payload, payloadStart: 0, payloadEnd: 300, flowId: -1, protocol: 1 })
    const event = parse(createFormatter('eve', testOptions({ payloadLimit: 256 })).format(record, undefined))
    checkSchema(event)
    expect(Buffer.from(String(event.payload), 'base64')).toEqual(Buffer.from(payload.subarray(0, 256)))
    expect(event.payload_length).toBe(300)
    expect(event).not.toHaveProperty('flow')
    expect(event).not.toHaveProperty('src_port')
  })

  it('is valid JSON whatever the rule and the request hold', () => {
    const rule = testRule({ msg: ODD, metadata: [[ODD, ODD]] })
    const http = { hostname: ODD, url: ODD, userAgent: ODD, method: ODD, status: 200 }
    const line = createFormatter('eve', testOptions()).format(testRecord({ rule, http }), undefined)
    expect(line.indexOf('\n')).toBe(line.length - 1)
    expect(parse(line)).toMatchObject({ http: { url: ODD } })
  })
})

describe('community id', () => {
  // The reference implementation's answers (community-id-spec, baseline, seed 0).
  const tcp = {
    sourceAddress: '128.232.110.120',
    destinationAddress: '66.35.250.204',
    sourcePort: 34855,
    destinationPort: 80,
  }

  it('agrees with the published example, in both directions', () => {
    expect(communityId(testRecord(tcp))).toBe('1:LQU9qZlK+B5F3KDmev6m5PMibrg=')
    const reverse = testRecord({
      sourceAddress: tcp.destinationAddress,
      destinationAddress: tcp.sourceAddress,
      sourcePort: 80,
      destinationPort: 34855,
    })
    expect(communityId(reverse)).toBe('1:LQU9qZlK+B5F3KDmev6m5PMibrg=')
  })

  it('gives an echo and its reply one id', () => {
    const echo = {
      protocol: 1,
      sourceAddress: '192.168.0.89',
      destinationAddress: '192.168.0.1',
      sourcePort: 8,
      destinationPort: 0,
    }
    const reply = {
      protocol: 1,
      sourceAddress: '192.168.0.1',
      destinationAddress: '192.168.0.89',
      sourcePort: 0,
      destinationPort: 0,
    }
    expect(communityId(testRecord(echo))).toBe('1:X0snYXpgwiv9TZtqg64sgzUn6Dk=')
    expect(communityId(testRecord(reply))).toBe('1:X0snYXpgwiv9TZtqg64sgzUn6Dk=')
  })

  it('reads IPv6 addresses in any spelling', () => {
    const short = { sourceAddress: 'fe80::1', destinationAddress: '::1' }
    const long = { sourceAddress: 'fe80:0:0:0:0:0:0:1', destinationAddress: '0:0:0:0:0:0:0:1' }
    expect(communityId(testRecord(short))).toBe(communityId(testRecord(long)))
  })

  it('goes into EVE when asked for', () => {
    const event = parse(
      createFormatter('eve', testOptions({ communityId: true })).format(testRecord(tcp), undefined),
    )
    checkSchema(event)
    expect(event.community_id).toBe('1:LQU9qZlK+B5F3KDmev6m5PMibrg=')
  })
})

describe('flow_id', () => {
  const idOf = (changes: Parameters<typeof testRecord>[0]): unknown =>
    parse(createFormatter('eve', testOptions()).format(testRecord(changes), undefined)).flow_id

  it('is one number for both directions of a flow, however the stack numbers it', () => {
    const back = {
      direction: 'S2C',
      sourceAddress: '172.16.0.1',
      sourcePort: 80,
      destinationAddress: '10.0.0.1',
      destinationPort: 20001,
    } as const
    expect(idOf({})).toBe(idOf({ ...back, flowId: 7 }))
    expect(Number.isSafeInteger(idOf({}))).toBe(true)
  })

  it('differs between flows, and between flows on the same addresses and ports', () => {
    const ids = new Set<unknown>()
    for (let port = 1; port <= 2000; port++) ids.add(idOf({ sourcePort: port }))
    for (let start = 0; start < 2000; start++) ids.add(idOf({ flowStart: start }))
    expect(ids.size).toBe(4000)
  })

  it('does not depend on the type of an ICMP message', () => {
    const icmp = { protocol: 1, destinationPort: 0 } as const
    expect(idOf({ ...icmp, sourcePort: 8 })).toBe(idOf({ ...icmp, sourcePort: 0 }))
    expect(idOf({ ...icmp, flowId: -1 })).toBeUndefined()
  })
})
