/**
 * The `flow_id` of EVE alerts and of `weir flows`: a hash of what identifies a flow, so it is the same in every run over
 * the same packets, whatever the number of threads, and joins alerts to flows.
 */
import type { AlertRecord } from './alert.js'
import { hasPorts } from './text.js'

export interface FlowIdentity {
  readonly protocol: number
  readonly vlan: number
  readonly client: string
  readonly clientPort: number
  readonly server: string
  readonly serverPort: number
  /** Microseconds since 1970. */
  readonly start: number
}

const FNV_PRIME = 0x0100_0193
const FNV_BASIS = 0x811c_9dc5
const SECOND_BASIS = 0x5bd1_e995
/** 21 bits above 32 make 53. */
const HIGH_BITS = 0x1f_ffff
const HIGH_FACTOR = 0x1_0000_0000

/** A whole number from 0 to 2^53 - 1. */
export const flowId = (flow: FlowIdentity): number => {
  const ports = hasPorts(flow.protocol) ? `${flow.clientPort} ${flow.serverPort}` : ''
  const text = `${flow.protocol} ${flow.vlan} ${flow.client} ${flow.server} ${ports} ${flow.start}`
  let low = FNV_BASIS
  let high = SECOND_BASIS
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    low = Math.imul(low ^ code, FNV_PRIME)
    high = Math.imul(high ^ low ^ (low >>> 15), FNV_PRIME)
  }
  return ((high ^ (high >>> 11)) & HIGH_BITS) * HIGH_FACTOR + ((low ^ (low >>> 16)) >>> 0)
}

/** Text that tells the flow of an alert from all others of a run, whatever the number of threads. */
export const flowKeyOf = (record: AlertRecord): string => {
  const source = `${record.sourceAddress} ${record.sourcePort}`
  const destination = `${record.destinationAddress} ${record.destinationPort}`
  const ends = record.direction === 'S2C' ? `${destination} ${source}` : `${source} ${destination}`
  return `${ends} ${record.protocol} ${record.vlan} ${record.flowStart}`
}

/** That of the flow behind an alert; undefined when there is none. */
export const alertFlowId = (record: AlertRecord): number | undefined => {
  if (record.flowId < 0) return undefined
  const reverse = record.direction === 'S2C'
  return flowId({
    protocol: record.protocol,
    vlan: record.vlan,
    client: reverse ? record.destinationAddress : record.sourceAddress,
    clientPort: reverse ? record.destinationPort : record.sourcePort,
    server: reverse ? record.sourceAddress : record.destinationAddress,
    serverPort: reverse ? record.sourcePort : record.destinationPort,
    start: record.flowStart,
  })
}
