/**
 * EVE: Suricata's JSON, one event per line, `event_type` "alert". Key names and order are Suricata's, so that what
 * reads eve.json reads this.
 */
import type { Rule } from '../rules/model.js'
import type { AlertHttp, AlertRecord } from './alert.js'
import { communityId } from './community-id.js'
import type { Disposition } from './disposition.js'
import { payloadBase64, portsShown } from './fields.js'
import { alertFlowId } from './flow-id.js'
import type { AlertFormatter, FormatOptions } from './formatter.js'
import { referenceText } from './full.js'
import type { PacketFacts } from './packet-facts.js'
import { eveProtocol, isIcmp } from './text.js'
import { IsoTimestamps } from './timestamp.js'

const MICROSECONDS = 1e6

/** Printable ASCII and line ends as they are, a dot for the rest. */
const printable = (bytes: Uint8Array, start: number, end: number): string => {
  let text = ''
  for (let index = start; index < end; index++) {
    const value = bytes[index]!
    const keep = (value >= 0x20 && value < 0x7f) || value === 0x0a || value === 0x0d
    text += keep ? String.fromCharCode(value) : '.'
  }
  return text
}

/** Repeated keys collect their values; a key may be any text, so the object has no prototype. */
const metadataObject = (rule: Rule): Record<string, string[]> | undefined => {
  if (rule.metadata.length === 0) return undefined
  const object: Record<string, string[]> = Object.create(null)
  for (const [key, value] of rule.metadata) {
    const values = object[key]
    if (values === undefined) object[key] = [value]
    else values.push(value)
  }
  return object
}

interface AlertFields {
  readonly action: 'allowed' | 'blocked'
  readonly gid: number
  readonly signature_id: number
  readonly rev: number
  readonly signature: string
  readonly category: string
  readonly severity: number
  readonly metadata: Record<string, string[]> | undefined
  readonly references: readonly string[] | undefined
}

const BLOCKED: ReadonlySet<Disposition> = new Set(['drop', 'block', 'reset'])

const alertFields = (rule: Rule, url: FormatOptions['referenceUrl']): AlertFields => ({
  action: 'allowed',
  gid: rule.gid,
  signature_id: rule.sid,
  rev: rule.rev,
  signature: rule.msg,
  category: rule.classText ?? '',
  severity: rule.priority,
  metadata: metadataObject(rule),
  references:
    rule.references.length === 0 ? undefined : rule.references.map((one) => referenceText(one, url(one))),
})

const httpFields = (http: AlertHttp): object => ({
  hostname: http.hostname,
  url: http.url,
  http_user_agent: http.userAgent,
  http_method: http.method,
  status: http.status,
})

const DIRECTION = { C2S: 'to_server', S2C: 'to_client', UNK: undefined } as const

export class EveFormatter implements AlertFormatter {
  readonly #options: FormatOptions
  readonly #timestamps: IsoTimestamps
  readonly #starts: IsoTimestamps
  readonly #alerts = new WeakMap<Rule, AlertFields>()

  constructor(options: FormatOptions) {
    this.#options = options
    this.#timestamps = new IsoTimestamps(options.utc)
    this.#starts = new IsoTimestamps(options.utc)
  }

  format(record: AlertRecord, packet: PacketFacts | undefined): string {
    const { interfaceName } = this.#options
    const ports = portsShown(record, record.fromStream ? undefined : packet)
    const icmp = isIcmp(record.protocol)
    const event = {
      timestamp: this.#timestamps.format(record.seconds, record.nanoseconds),
      flow_id: alertFlowId(record),
      in_iface: interfaceName,
      pcap_cnt: interfaceName === undefined ? record.packetNumber : undefined,
      event_type: 'alert',
      vlan: record.vlan < 0 ? undefined : [record.vlan],
      src_ip: record.sourceAddress,
      src_port: ports ? record.sourcePort : undefined,
      dest_ip: record.destinationAddress,
      dest_port: ports ? record.destinationPort : undefined,
      proto: eveProtocol(record.protocol),
      ip_v: record.ipVersion,
      icmp_type: icmp ? record.sourcePort : undefined,
      icmp_code: icmp ? record.destinationPort : undefined,
      pkt_src: 'wire/pcap',
      community_id: this.#options.communityId ? communityId(record) : undefined,
      alert: this.#alertFields(record),
      http: record.http === undefined ? undefined : httpFields(record.http),
      app_proto: record.service === 'unknown' ? undefined : record.service,
      direction: DIRECTION[record.direction],
      flow: record.flowId < 0 ? undefined : this.#flowFields(record, ports),
      ...this.#payloadFields(record),
      stream: record.fromStream ? 1 : 0,
    }
    return `${JSON.stringify(event)}\n`
  }

  #alertFields({ rule, disposition }: AlertRecord): AlertFields {
    let fields = this.#alerts.get(rule)
    if (fields === undefined) {
      fields = alertFields(rule, this.#options.referenceUrl)
      this.#alerts.set(rule, fields)
    }
    return BLOCKED.has(disposition) ? { ...fields, action: 'blocked' } : fields
  }

  /** Addresses and ports as of the client, whatever the direction of the alert. */
  #flowFields(record: AlertRecord, ports: boolean): object {
    const swap = record.direction === 'S2C'
    const seconds = Math.floor(record.flowStart / MICROSECONDS)
    const micros = record.flowStart - seconds * MICROSECONDS
    const client = swap ? record.destinationPort : record.sourcePort
    const server = swap ? record.sourcePort : record.destinationPort
    return {
      pkts_toserver: record.packetsToServer,
      pkts_toclient: record.packetsToClient,
      bytes_toserver: record.bytesToServer,
      bytes_toclient: record.bytesToClient,
      start: this.#starts.format(seconds, micros * 1000),
      src_ip: swap ? record.destinationAddress : record.sourceAddress,
      dest_ip: swap ? record.sourceAddress : record.destinationAddress,
      src_port: ports ? client : undefined,
      dest_port: ports ? server : undefined,
    }
  }

  #payloadFields(record: AlertRecord): object {
    const size = record.payloadEnd - record.payloadStart
    const limit = this.#options.payloadLimit
    if (size <= 0 || limit === 0) return {}
    const end = record.payloadStart + Math.min(size, limit)
    return {
      payload: payloadBase64(record, limit),
      payload_printable: printable(record.payload, record.payloadStart, end),
      payload_length: size,
    }
  }
}
