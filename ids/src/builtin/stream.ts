/** Events of TCP connections: what the stack tells as ON_ANOMALY, by Snort 3's numbers. */
import {
  ANOMALY,
  ANOMALY_GID,
  ANOMALY_TEXT,
  type AnomalyCode,
  type Packet,
  parseTcpOptions,
  TCP_FLAG,
  TcpOptions,
} from '@weir/stack'
import type { EventTable } from './rules.js'

export const STREAM_GID = ANOMALY_GID

export const STREAM_EVENTS: EventTable = {
  gid: STREAM_GID,
  inspector: 'stream_tcp',
  texts: Object.fromEntries(ANOMALY_TEXT.flatMap((text, sid) => (text === '' ? [] : [[sid, text]]))),
  // Snort 3: not raised any more; packets.address_anomaly checks; stream_tcp.require_3whs.
  onRequest: [ANOMALY.BAD_SEGMENT, ANOMALY.CLIENT_HIJACKED, ANOMALY.SERVER_HIJACKED, ANOMALY.NO_HANDSHAKE],
}

/** Codes that Snort raises under a narrower condition than the stack. */
const CONDITIONS: ReadonlyMap<AnomalyCode, (packet: Packet) => boolean> = new Map([
  // Not of a SYN+ACK.
  [ANOMALY.DATA_ON_SYN, ({ tcpFlags }: Packet) => (tcpFlags & TCP_FLAG.ACK) === 0],
  // In the RST itself.
  [ANOMALY.DATA_AFTER_RST_RECEIVED, ({ tcpFlags }: Packet) => (tcpFlags & TCP_FLAG.RST) !== 0],
  [ANOMALY.FOUR_WAY_HANDSHAKE, (packet: Packet) => packet.payloadWireLength > 0 || scalesWindow(packet)],
])

function scalesWindow(packet: Packet): boolean {
  const options = new TcpOptions()
  parseTcpOptions(packet, options)
  return options.windowScale >= 0
}

/** Whether Snort raises an event for what the stack tells. */
export function isAnomaly(code: AnomalyCode, packet: Packet): boolean {
  return CONDITIONS.get(code)?.(packet) ?? true
}

/** Events of connections themselves, for rate filters (Snort: internal events). */
export const SESSION_GID = 135

export const SESSION_EVENT = { SYN: 1, ESTABLISHED: 2, CLOSED: 3 } as const

export const SESSION_EVENTS: EventTable = {
  gid: SESSION_GID,
  inspector: 'stream_tcp',
  texts: {
    1: 'SYN received',
    2: 'TCP session established',
    3: 'TCP session cleared',
  },
  onRequest: Object.values(SESSION_EVENT),
}
