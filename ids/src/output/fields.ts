/**
 * The selectable fields of the csv and json formats, under Snort 3's names: one table, one line per field.
 *
 * A field that does not apply (ports of an ICMP packet, header fields behind reassembled data) has no value: csv
 * leaves its column empty, json leaves the key out.
 */
import type { AlertRecord } from './alert.js'
import {
  ethernetDestination,
  ethernetSource,
  ethernetType,
  icmpId,
  icmpSequence,
  type PacketFacts,
  udpLength,
} from './packet-facts.js'
import { hasPorts, hex, isIcmp, PROTOCOL, snort3Protocol, tcpFlagText } from './text.js'

/** One alert as the field table sees it. `packet` is set for alerts on a single packet only. */
export interface FieldSource {
  readonly record: AlertRecord
  readonly packet: PacketFacts | undefined
  readonly timestamp: string
  /** Capture interface, when live. */
  readonly interfaceName: string | undefined
  /** Bytes of payload to encode at most. */
  readonly payloadLimit: number
}

export type FieldValue = string | number | undefined

interface Field {
  readonly value: (alert: FieldSource) => FieldValue
  /** How csv writes it, where that differs from json. */
  readonly csv?: (alert: FieldSource) => FieldValue
}

const MICROSECONDS = 1e6

const fromHeader = (
  alert: FieldSource,
  read: (packet: PacketFacts) => number | string | undefined,
): FieldValue => (alert.packet === undefined ? undefined : read(alert.packet))

const fromIp = (alert: FieldSource, read: (packet: PacketFacts) => number | string): FieldValue =>
  alert.packet === undefined || alert.packet.ipVersion === 0 ? undefined : read(alert.packet)

const isLaterFragment = (packet: PacketFacts | undefined): boolean =>
  packet !== undefined && packet.fragOffset > 0

const fromTransport = (
  alert: FieldSource,
  protocol: boolean,
  read: (packet: PacketFacts) => number | string,
): FieldValue =>
  protocol && alert.packet !== undefined && alert.packet.transportOffset >= 0 ? read(alert.packet) : undefined

const isTcp = (alert: FieldSource): boolean => alert.record.protocol === PROTOCOL.TCP
const icmp = (alert: FieldSource): boolean => isIcmp(alert.record.protocol)

/** Ports are meaningless for other protocols and absent from later fragments. */
export const portsShown = (record: AlertRecord, packet: PacketFacts | undefined): boolean =>
  hasPorts(record.protocol) && !isLaterFragment(packet)

const sourcePort = (alert: FieldSource): number | undefined =>
  portsShown(alert.record, alert.packet) ? alert.record.sourcePort : undefined
const destinationPort = (alert: FieldSource): number | undefined =>
  portsShown(alert.record, alert.packet) ? alert.record.destinationPort : undefined

const payloadSize = (record: AlertRecord): number => record.payloadEnd - record.payloadStart

/** The first `limit` bytes of the inspected payload, as base64. */
export const payloadBase64 = (record: AlertRecord, limit: number): string => {
  const size = Math.min(payloadSize(record), limit)
  const { buffer, byteOffset } = record.payload
  return Buffer.from(buffer, byteOffset + record.payloadStart, size).toString('base64')
}

const ETHERNET_HEADER = 14

const FIELDS = {
  action: { value: (a) => a.record.disposition },
  b64_data: {
    value: (a) =>
      payloadSize(a.record) > 0 && a.payloadLimit > 0 ? payloadBase64(a.record, a.payloadLimit) : undefined,
  },
  class: { value: (a) => a.record.rule.classText ?? 'none' },
  client_bytes: { value: (a) => a.record.bytesToServer },
  client_pkts: { value: (a) => a.record.packetsToServer },
  dir: { value: (a) => a.record.direction },
  dst_addr: { value: (a) => a.record.destinationAddress },
  dst_ap: { value: (a) => `${a.record.destinationAddress}:${destinationPort(a) ?? 0}` },
  dst_port: { value: destinationPort },
  eth_dst: { value: (a) => fromHeader(a, ethernetDestination) },
  eth_len: {
    value: (a) =>
      fromHeader(a, (p) => (ethernetType(p) === undefined ? undefined : p.wireLength - ETHERNET_HEADER)),
  },
  eth_src: { value: (a) => fromHeader(a, ethernetSource) },
  eth_type: {
    value: (a) =>
      fromHeader(a, (p) => {
        const type = ethernetType(p)
        return type === undefined ? undefined : hex(type)
      }),
  },
  flowstart_time: {
    value: (a) => (a.record.flowId < 0 ? undefined : Math.trunc(a.record.flowStart / MICROSECONDS)),
  },
  gid: { value: (a) => a.record.rule.gid },
  icmp_code: { value: (a) => (icmp(a) ? a.record.destinationPort : undefined) },
  icmp_id: { value: (a) => fromTransport(a, icmp(a), icmpId) },
  icmp_seq: { value: (a) => fromTransport(a, icmp(a), icmpSequence) },
  icmp_type: { value: (a) => (icmp(a) ? a.record.sourcePort : undefined) },
  iface: { value: (a) => a.interfaceName },
  ip_id: { value: (a) => fromIp(a, (p) => p.ipId) },
  ip_len: { value: (a) => fromIp(a, (p) => p.ipTotalLength - p.ipHeaderLength) },
  msg: { value: (a) => a.record.rule.msg },
  pkt_gen: { value: (a) => (a.record.fromStream ? 'stream_tcp' : 'raw') },
  pkt_len: {
    value: (a) =>
      a.packet !== undefined && a.packet.ipVersion !== 0 ? a.packet.ipTotalLength : payloadSize(a.record),
  },
  pkt_num: { value: (a) => a.record.packetNumber },
  priority: { value: (a) => a.record.rule.priority },
  proto: { value: (a) => snort3Protocol(a.record.protocol) },
  rev: { value: (a) => a.record.rule.rev },
  rule: { value: (a) => `${a.record.rule.gid}:${a.record.rule.sid}:${a.record.rule.rev}` },
  seconds: { value: (a) => a.record.seconds },
  server_bytes: { value: (a) => a.record.bytesToClient },
  server_pkts: { value: (a) => a.record.packetsToClient },
  service: { value: (a) => a.record.service },
  sid: { value: (a) => a.record.rule.sid },
  src_addr: { value: (a) => a.record.sourceAddress },
  src_ap: { value: (a) => `${a.record.sourceAddress}:${sourcePort(a) ?? 0}` },
  src_port: { value: sourcePort },
  tcp_ack: {
    value: (a) => fromTransport(a, isTcp(a), (p) => p.tcpAck >>> 0),
    csv: (a) => fromTransport(a, isTcp(a), (p) => hex(p.tcpAck)),
  },
  tcp_flags: { value: (a) => fromTransport(a, isTcp(a), (p) => tcpFlagText(p.tcpFlags)) },
  tcp_len: { value: (a) => fromTransport(a, isTcp(a), (p) => p.tcpHeaderLength) },
  tcp_seq: {
    value: (a) => fromTransport(a, isTcp(a), (p) => p.tcpSeq >>> 0),
    csv: (a) => fromTransport(a, isTcp(a), (p) => hex(p.tcpSeq)),
  },
  tcp_win: {
    value: (a) => fromTransport(a, isTcp(a), (p) => p.tcpWindow),
    csv: (a) => fromTransport(a, isTcp(a), (p) => hex(p.tcpWindow)),
  },
  timestamp: { value: (a) => a.timestamp },
  tos: { value: (a) => fromIp(a, (p) => p.tos) },
  ttl: { value: (a) => fromIp(a, (p) => p.ttl) },
  udp_len: { value: (a) => fromTransport(a, a.record.protocol === PROTOCOL.UDP, udpLength) },
  vlan: { value: (a) => (a.record.vlan < 0 ? undefined : a.record.vlan) },
} as const satisfies Record<string, Field>

export type FieldName = keyof typeof FIELDS

export const FIELD_NAMES = Object.keys(FIELDS) as readonly FieldName[]

export const isFieldName = (name: string): name is FieldName => Object.hasOwn(FIELDS, name)

export const fieldValue = (name: FieldName, alert: FieldSource): FieldValue => FIELDS[name].value(alert)

export const csvValue = (name: FieldName, alert: FieldSource): FieldValue => {
  const field: Field = FIELDS[name]
  return (field.csv ?? field.value)(alert)
}

/** What `-A json` writes unless told otherwise. */
export const JSON_DEFAULT_FIELDS: readonly FieldName[] = [
  'timestamp',
  'pkt_num',
  'gid',
  'sid',
  'rev',
  'msg',
  'class',
  'priority',
  'proto',
  'src_addr',
  'src_port',
  'dst_addr',
  'dst_port',
  'dir',
  'action',
]

/** What `-A csv` writes unless told otherwise: Snort 3's default. */
export const CSV_DEFAULT_FIELDS: readonly FieldName[] = [
  'timestamp',
  'pkt_num',
  'proto',
  'pkt_gen',
  'pkt_len',
  'dir',
  'src_ap',
  'dst_ap',
  'rule',
  'action',
]

/** The 27 columns of Snort 2's csv "default", in its order. */
export const CSV_SNORT2_FIELDS: readonly FieldName[] = [
  'timestamp',
  'gid',
  'sid',
  'rev',
  'msg',
  'proto',
  'src_addr',
  'src_port',
  'dst_addr',
  'dst_port',
  'eth_src',
  'eth_dst',
  'eth_len',
  'tcp_flags',
  'tcp_seq',
  'tcp_ack',
  'tcp_len',
  'tcp_win',
  'ttl',
  'tos',
  'ip_id',
  'pkt_len',
  'ip_len',
  'icmp_type',
  'icmp_code',
  'icmp_id',
  'icmp_seq',
]
