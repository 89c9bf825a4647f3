/** Rules and alert records for tests of the outputs. */
import type { AlertRecord } from '../src/output/alert.js'
import { dispositionOf } from '../src/output/disposition.js'
import type { FormatOptions } from '../src/output/formatter.js'
import type { PacketFacts } from '../src/output/packet-facts.js'
import type { Rule } from '../src/rules/model.js'

const anyIp = { any: true, include: [], exclude: [] }
const anyPort = { any: true, ranges: [] }

export const testRule = (changes: Partial<Rule> = {}): Rule => ({
  gid: 1,
  sid: 2001,
  rev: 3,
  msg: 'WEB probe',
  classtype: 'web-application-attack',
  classText: 'Web Application Attack',
  priority: 1,
  references: [],
  metadata: [],
  services: [],
  header: {
    action: 'alert',
    protocol: 'tcp',
    source: anyIp,
    sourcePorts: anyPort,
    bidirectional: false,
    destination: anyIp,
    destinationPorts: anyPort,
  },
  options: [],
  dialect: 'snort2',
  position: { file: 'test.rules', line: 1, column: 1 },
  text: '',
  ...changes,
})

export const withAction = (action: Rule['header']['action']): Rule => {
  const rule = testRule()
  return { ...rule, header: { ...rule.header, action } }
}

/** 2023-11-14T22:13:20Z */
export const SECONDS = 1_700_000_000

export const testRecord = (changes: Partial<AlertRecord> = {}): AlertRecord => ({
  rule: testRule(),
  action: changes.rule?.header.action ?? 'alert',
  disposition: dispositionOf(changes.action ?? changes.rule?.header.action ?? 'alert', false),
  undecided: 0,
  seconds: SECONDS,
  nanoseconds: 1_234_567,
  packetNumber: 7,
  protocol: 6,
  ipVersion: 4,
  sourceAddress: '10.0.0.1',
  destinationAddress: '172.16.0.1',
  sourcePort: 20001,
  destinationPort: 80,
  direction: 'C2S',
  vlan: -1,
  fromStream: true,
  late: false,
  flowId: 42,
  flowKey: 'flow 42',
  service: 'http',
  payload: new TextEncoder().encode('xxGET / HTTP/1.1\r\n\r\nyy'),
  payloadStart: 2,
  payloadEnd: 20,
  packetsToServer: 4,
  packetsToClient: 3,
  bytesToServer: 293,
  bytesToClient: 265,
  flowStart: SECONDS * 1e6 + 200,
  http: undefined,
  ...changes,
})

export const testOptions = (changes: Partial<FormatOptions> = {}): FormatOptions => ({
  style: 'snort3',
  utc: true,
  year: false,
  fields: undefined,
  payloadLimit: 4096,
  referenceUrl: ({ system, id }) => (system.toLowerCase() === 'cve' ? `http://cve.example/${id}` : undefined),
  interfaceName: undefined,
  communityId: false,
  ...changes,
})

/** A TCP packet as the stack would show it: Ethernet, IPv4, 20 bytes of TCP header, then `options`. */
export const testPacket = (changes: Partial<PacketFacts> = {}): PacketFacts => {
  const buffer = new Uint8Array(14 + 20 + 60)
  buffer.set([0x02, 0, 0, 0, 0, 2, 0x02, 0, 0, 0, 0, 1, 8, 0])
  return {
    number: 7,
    buffer,
    frameOffset: 0,
    frameLength: buffer.length,
    wireLength: 313,
    seconds: SECONDS,
    nanoseconds: 1_234_567,
    linkType: 1,
    etherType: 0x800,
    ipVersion: 4,
    ipOffset: 14,
    ipHeaderLength: 20,
    ipTotalLength: 299,
    ttl: 50,
    tos: 0,
    ipId: 59202,
    fragOffset: 0,
    moreFragments: false,
    dontFragment: true,
    reservedBit: false,
    transportOffset: 34,
    tcpSeq: 0x1234abcd | 0,
    tcpAck: 0xfedcba98 | 0,
    tcpFlags: 0x18,
    tcpWindow: 0x14b,
    tcpUrgent: 0,
    tcpHeaderLength: 20,
    sourcePort: 20001,
    destinationPort: 80,
    address: (end) => (end === 0 ? '10.0.0.1' : '172.16.0.1'),
    ...changes,
  }
}
