/** One alert in every chosen format. Knows nothing of files, so it can work in another thread than the writers. */
import type { AlertRecord } from './alert.js'
import { type AlertFormat, type AlertFormatter, createFormatter, type FormatOptions } from './formatter.js'
import type { PacketFacts } from './packet-facts.js'

export class AlertComposer {
  readonly #formatters: readonly AlertFormatter[]

  constructor(formats: readonly AlertFormat[], options: FormatOptions) {
    this.#formatters = formats.map((format) => createFormatter(format, options))
  }

  /** The texts to append, in the order of the formats. */
  compose(record: AlertRecord, packet: PacketFacts | undefined): readonly string[] {
    return this.#formatters.map((formatter) => formatter.format(record, packet))
  }
}

/**
 * Whether a packet is of the flow of an alert. A flow's last data may be inspected while a packet of another flow is
 * current: when a timeout ends the flow, or the input.
 */
export const isPacketOf = (packet: PacketFacts, record: AlertRecord): boolean => {
  if (packet.number !== record.packetNumber) return false
  const source = packet.address(0)
  const destination = packet.address(1)
  return (
    (source === record.sourceAddress &&
      destination === record.destinationAddress &&
      packet.sourcePort === record.sourcePort) ||
    (source === record.destinationAddress &&
      destination === record.sourceAddress &&
      packet.sourcePort === record.destinationPort)
  )
}
