/**
 * An alert on its way from detection to the outputs: composed, and with what is needed to put alerts into the order in
 * which every run over the same packets reports them, whatever the number of threads.
 *
 * The order is that of packet numbers. Behind the alerts of a packet's own flow come the late ones: of flows whose last
 * data was inspected at that moment because they timed out, or because the input ended. Those are ordered by the start
 * of their flow, since the order in which a stack comes upon them depends on which flows it has.
 */
import {
  type AlertComposer,
  type AlertRecord,
  copyFrame,
  type LoggedFrame,
  type PacketFacts,
} from '../output/index.js'

export interface AlertItem {
  readonly packetNumber: number
  readonly late: boolean
  /** Order among late ones. */
  readonly flowStart: number
  readonly flowKey: string
  /** Index in `Engine.rules`. */
  readonly rule: number
  /** What filters go by. */
  readonly source: string
  readonly destination: string
  readonly seconds: number
  /** One per alert format. */
  readonly texts: readonly string[]
  readonly frame: LoggedFrame | undefined
}

/** For a stable sort: equal for the alerts of one flow at one packet, which are in order already. */
export const compareItems = (a: AlertItem, b: AlertItem): number => {
  if (a.packetNumber !== b.packetNumber) return a.packetNumber - b.packetNumber
  if (a.late !== b.late) return a.late ? 1 : -1
  if (!a.late) return 0
  if (a.flowStart !== b.flowStart) return a.flowStart - b.flowStart
  if (a.flowKey === b.flowKey) return 0
  return a.flowKey < b.flowKey ? -1 : 1
}

const flowKey = (record: AlertRecord): string => {
  const source = `${record.sourceAddress} ${record.sourcePort}`
  const destination = `${record.destinationAddress} ${record.destinationPort}`
  const ends = record.direction === 'S2C' ? `${destination} ${source}` : `${source} ${destination}`
  return `${ends} ${record.protocol} ${record.vlan}`
}

/**
 * @param own the packet being processed when it is of the alert's flow (`isPacketOf`), else undefined: the alert is late
 * @param rule index of the record's rule in `Engine.rules`
 * @param logFrame keep a copy of the packet
 */
export const makeItem = (
  record: AlertRecord,
  own: PacketFacts | undefined,
  rule: number,
  composer: AlertComposer,
  logFrame: boolean,
): AlertItem => ({
  packetNumber: record.packetNumber,
  late: own === undefined,
  flowStart: own === undefined ? record.flowStart : 0,
  flowKey: own === undefined ? flowKey(record) : '',
  rule,
  source: record.sourceAddress,
  destination: record.destinationAddress,
  seconds: record.seconds,
  texts: composer.compose(record, own),
  frame: own !== undefined && logFrame ? copyFrame(own) : undefined,
})
