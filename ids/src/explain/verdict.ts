/** What was traced of a rule on one flow → the one cause to name, and its wording. */
import { STREAM_ERROR_TEXT } from '@weir/stack'
import { SERVICE_FIT } from '../detect/header-test.js'
import { BUFFER_NAMES } from '../inspect/buffers.js'
import { SERVICE, type ServiceId, TO_CLIENT, TO_SERVER } from '../inspect/unit.js'
import { eveProtocol, hasPorts, isIcmp } from '../output/text.js'
import type { Rule } from '../rules/model.js'
import { CAUSES, type Cause, type FastPatternReport, type FlowVerdict } from './findings.js'
import type { FlowRecord } from './flow-log.js'
import type { HeaderFit } from './header-fit.js'
import { type Target, Trace } from './tracer.js'

const TCP = 6
const UDP = 17

/** Whether the rule is for the flow's protocol at all. */
export const isForProtocol = ({ header }: Rule, protocol: number): boolean => {
  if (header.serviceOnly === true) return protocol === TCP || protocol === UDP
  switch (header.protocol) {
    case 'tcp':
      return protocol === TCP
    case 'udp':
      return protocol === UDP
    case 'icmp':
      return isIcmp(protocol)
    case 'ip':
      return true
  }
}

interface Judgement {
  readonly cause: Cause
  readonly text: string
  /** Orders flows of the same cause. */
  readonly depth?: number
}

const NO_TRACE = new Trace()

const packetList = (packets: readonly number[]): string => {
  const shown = packets.slice(0, 10).join(', ')
  return `${packets.length === 1 ? 'packet' : 'packets'} ${shown}${packets.length > 10 ? ', …' : ''}`
}

const count = (value: number, noun: string): string => `${value} ${noun}${value === 1 ? '' : 's'}`

export const fastPatternReport = (
  { compiled, patternText }: Target,
  trace: Trace,
): FastPatternReport | undefined => {
  const { fastPattern } = compiled
  if (fastPattern === undefined || trace.units === 0 || trace.patternUnits > 0) return undefined
  return {
    pattern: patternText,
    buffer: BUFFER_NAMES[fastPattern.buffer]!,
    units: trace.units,
    searched: trace.searched,
    bytes: trace.bytes,
    elsewhere: trace.elsewhere,
    sample: trace.sample,
  }
}

const fastPatternText = (report: FastPatternReport): string => {
  const { pattern, buffer, units, bytes, elsewhere, sample } = report
  const searched =
    report.searched === 0
      ? `${count(units, 'unit')} without that buffer`
      : `${count(report.searched, 'unit')}, ${count(bytes, 'byte')} searched`
  const shown = sample === undefined ? 'which is empty or absent' : sample
  const other = elsewhere.length === 0 ? '' : `; found in ${elsewhere.join(', ')}, the rule wants ${buffer}`
  return `fast pattern ${pattern} not found in ${buffer} ${shown} (${searched})${other}`
}

const judgeUnits = (trace: Trace, report: FastPatternReport | undefined): Judgement | undefined => {
  if (trace.units === 0) return undefined
  if (report !== undefined) return { cause: 'fast_pattern', text: fastPatternText(report) }
  const { failed } = trace
  if (trace.stepLimit)
    return { cause: 'step_limit', text: 'the contents were tried too often; the limit on retries ended it' }
  if (failed === undefined) return undefined
  const text = `option ${failed.number} of ${failed.of}, ${failed.text}: ${failed.found} (packet ${failed.packet})`
  return { cause: 'option', text, depth: trace.rank }
}

const firstBytes = ({ first }: FlowRecord): string => {
  const client = first[0] === undefined ? 'nothing' : first[0]
  const server = first[1] === undefined ? 'nothing' : first[1]
  return `the client began with ${client}, the server with ${server}`
}

const opaqueText = ({ opaque }: Trace): string =>
  `contents are not looked for in encrypted records of TLS, nor in its alerts (${opaque} ${opaque === 1 ? 'stretch' : 'stretches'} of data)`

/** No unit reached the options of the rule: why. */
const judgeFlow = (target: Target, record: FlowRecord, trace: Trace, fit: HeaderFit): Judgement => {
  const { compiled } = target
  const { rule } = compiled
  const mismatch = fit.mismatch(record)
  if (mismatch !== undefined)
    return { cause: 'header', text: mismatch.text, depth: 4 - mismatch.parts.length }
  if (!record.isFlow && record.wrongChecksums > 0) {
    const text = `all ${count(record.wrongChecksums, 'packet')} had wrong checksums: try -k none`
    return { cause: 'checksum', text }
  }
  if (trace.notEstablished > 0 || (compiled.needsEstablished && !record.established)) {
    const states = record.states === '' ? '' : ` (client/server state ${record.states})`
    const reason = record.isFlow ? 'no complete handshake was seen' : 'the packets belong to no connection'
    return { cause: 'not_established', text: `not established: ${reason}${states}` }
  }
  const { protocol, bytes } = record
  const [toServer, toClient] = bytes
  const single = protocol !== TCP || compiled.onTcpPackets
  if (toServer + toClient === 0 && !single) return { cause: 'no_data', text: 'no data was exchanged' }
  const needsData = protocol === TCP ? compiled.onStreams && !compiled.facts.headerOnly : protocol === UDP
  const fitting = fit.directions(record)
  if (needsData && record.isFlow && fitting.length === 1 && bytes[fitting[0]!] === 0) {
    const way = fitting[0] === TO_SERVER ? 'to the server' : 'to the client'
    const other = fitting[0] === TO_SERVER ? 'server' : 'client'
    const sent = count(Math.max(toServer, toClient), 'byte')
    return {
      cause: 'direction',
      text: `the rule looks at data ${way}, but nothing was sent that way; the ${other} sent ${sent}`,
    }
  }
  const service = record.serviceId as ServiceId
  const known = service !== SERVICE.UNKNOWN
  const wanted = rule.services.join(', ')
  if (known && (compiled.header.fits(service) === SERVICE_FIT.NO || trace.lateForService > 0)) {
    return { cause: 'service', text: `the service is ${record.service}, the rule is for ${wanted}` }
  }
  if (!known && rule.header.serviceOnly === true) {
    return {
      cause: 'service',
      text: `no service was recognised, the rule is for ${wanted}; ${firstBytes(record)}`,
    }
  }
  if (compiled.httpOnly) {
    const missing = ([TO_SERVER, TO_CLIENT] as const).filter(
      (direction) => compiled.mayTravel(direction) && !record.http[direction],
    )
    const wrong = missing.map((direction) => (direction === TO_SERVER ? 'request' : 'response'))
    const what = wrong.length === 1 ? `no HTTP ${wrong[0]}` : 'not HTTP'
    if (wrong.length > 0 && compiled.onFiles) {
      const web = rule.services.length === 0 || rule.services.includes('http')
      const seen = web ? `${what} and no other file` : 'no file was sent'
      const text = `${seen}, but the rule needs file_data; ${firstBytes(record)}`
      return { cause: 'not_file', text }
    }
    if (wrong.length > 0) {
      return { cause: 'not_http', text: `${what}, but the rule needs HTTP buffers; ${firstBytes(record)}` }
    }
  }
  if (compiled.onPdus) {
    const what =
      record.service === 'dcerpc'
        ? 'no complete DCE/RPC call on an interface bound before'
        : 'no DCE/RPC message'
    return { cause: 'not_pdu', text: `${what}, but the rule needs one; ${firstBytes(record)}` }
  }
  if (trace.opaque > 0) return { cause: 'encrypted', text: opaqueText(trace) }
  if (toServer + toClient === 0) return { cause: 'no_data', text: 'no data was exchanged' }
  if (known && rule.services.length > 0 && !rule.services.includes(record.service)) {
    return { cause: 'service', text: `the service is ${record.service}, the rule is for ${wanted}` }
  }
  return {
    cause: 'packet_rule',
    text: `nothing of the kind the rule looks at was inspected; ${firstBytes(record)}`,
  }
}

const judgeMatches = (trace: Trace): Judgement | undefined => {
  if (trace.alerts.length > 0) return { cause: 'alerted', text: `alerted at ${packetList(trace.alerts)}` }
  if (trace.unreported === undefined) return undefined
  const { cause, text, packet } = trace.unreported
  return { cause, text: `matched at packet ${packet}, not reported: ${text}`, depth: trace.matches }
}

const notesOf = (record: FlowRecord, trace: Trace, cause: Cause): string[] => {
  const notes: string[] = []
  if (trace.opaque > 0 && cause !== 'encrypted' && cause !== 'alerted') notes.push(opaqueText(trace))
  if (record.wrongChecksums > 0 && cause !== 'checksum') {
    notes.push(`${count(record.wrongChecksums, 'packet')} with wrong checksums left out: try -k none`)
  }
  if (cause === 'alerted') return notes
  if (record.gaps > 0) {
    notes.push(`${count(record.gaps, 'gap')} in the stream, ${count(record.gapBytes, 'byte')} missing`)
  }
  for (const [text, times] of [...record.events].filter(([text]) => !isAboutUri(text)).slice(0, MAX_EVENTS)) {
    notes.push(`${text}${times > 1 ? `: ${count(times, 'time')}` : ''}`)
  }
  for (const [code, times] of record.errors) {
    notes.push(`${STREAM_ERROR_TEXT[code]}: ${count(times, 'time')}`)
  }
  const [fromClient, fromServer] = record.packets
  if (record.protocol === TCP && record.isFlow && (fromClient === 0) !== (fromServer === 0)) {
    notes.push(`only packets of the ${fromClient > 0 ? 'client' : 'server'} were captured`)
  }
  if (record.midstream) notes.push('picked up midstream: no handshake was seen')
  if (record.midstream && fromClient + fromServer === 1) {
    notes.push('one packet of a connection says nothing about its service')
  }
  return notes
}

/** Events noted of one flow. */
const MAX_EVENTS = 6

/** How a URI is written keeps no rule from matching: it is normalised. */
const isAboutUri = (event: string): boolean => /^119:(\d|1\d|33) /.test(event)

/** How much the causes stand apart in `progress`. */
const CAUSE_STEP = 100_000

export const verdictOf = (target: Target, record: FlowRecord, fit: HeaderFit): FlowVerdict => {
  const trace = target.traces.get(record) ?? NO_TRACE
  const report = fastPatternReport(target, trace)
  const judgement = judgeMatches(trace) ?? judgeUnits(trace, report) ?? judgeFlow(target, record, trace, fit)
  const { cause, text, depth = 0 } = judgement
  const ports = hasPorts(record.protocol)
  return {
    cause,
    text,
    protocol: eveProtocol(record.protocol),
    client: record.client,
    clientPort: ports ? record.clientPort : undefined,
    server: record.server,
    serverPort: ports ? record.serverPort : undefined,
    service: record.service,
    firstPacket: record.firstPacket,
    alerts: trace.alerts,
    matches: trace.matches,
    failed: cause === 'option' || cause === 'fast_pattern' ? trace.failed : undefined,
    fastPattern: report,
    headerParts: cause === 'header' ? (fit.mismatch(record)?.parts ?? []) : undefined,
    notes: notesOf(record, trace, cause),
    progress: CAUSES.indexOf(cause) * CAUSE_STEP + Math.min(depth, CAUSE_STEP - 1),
  }
}
