/** Formats and destinations put together: the `AlertSink` that detection writes to. */
import { join } from 'node:path'
import type { AlertRecord, AlertSink } from './alert.js'
import {
  type AlertFormat,
  type AlertFormatter,
  createFormatter,
  type FormatOptions,
  formatFile,
} from './formatter.js'
import type { PacketFacts } from './packet-facts.js'
import { BufferedWriter, type ByteTarget, FileTarget, type OutputError } from './writer.js'

/** Takes the packets that raised alerts. */
export interface PacketLog {
  /** Never throws. */
  add(packet: PacketFacts): void
  /** @throws OutputError */
  flush(): void
  /** @throws OutputError */
  close(): void
}

export interface OutputOptions extends FormatOptions {
  readonly formats: readonly AlertFormat[]
  /** Alert files go here; undefined = to `standardOutput`, which then takes at most one format. */
  readonly directory: string | undefined
  readonly standardOutput: ByteTarget
  readonly packetLog: PacketLog | undefined
  /** The packet being processed, to go with alerts that carry its number. */
  readonly currentPacket: () => PacketFacts | undefined
  /** Told of the first failed write, from inside it: the moment to stop reading. */
  readonly onFailure: (error: OutputError) => void
}

interface Output {
  readonly formatter: AlertFormatter
  readonly writer: BufferedWriter
}

/** @throws OutputError when a file cannot be opened */
export const createAlertSink = (options: OutputOptions): AlertSink => {
  const outputs = options.formats.map((format): Output => {
    const { directory } = options
    const target =
      directory === undefined
        ? options.standardOutput
        : FileTarget.append(join(directory, formatFile(format)))
    return {
      formatter: createFormatter(format, options),
      writer: new BufferedWriter(target, options.onFailure),
    }
  })
  return new FormattedSink(outputs, options.packetLog, options.currentPacket)
}

/** A flow's last data may be inspected while a packet of another flow is current: when a timeout ends it. */
const belongs = (packet: PacketFacts, record: AlertRecord): boolean => {
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

class FormattedSink implements AlertSink {
  readonly #outputs: readonly Output[]
  readonly #packetLog: PacketLog | undefined
  readonly #currentPacket: () => PacketFacts | undefined

  constructor(
    outputs: readonly Output[],
    packetLog: PacketLog | undefined,
    currentPacket: () => PacketFacts | undefined,
  ) {
    this.#outputs = outputs
    this.#packetLog = packetLog
    this.#currentPacket = currentPacket
  }

  alert(record: AlertRecord): void {
    const current = this.#currentPacket()
    const packet = current?.number === record.packetNumber ? current : undefined
    for (const { formatter, writer } of this.#outputs) writer.write(formatter.format(record, packet))
    if (packet !== undefined && this.#packetLog !== undefined && belongs(packet, record))
      this.#packetLog.add(packet)
  }

  async flush(): Promise<void> {
    for (const { writer } of this.#outputs) writer.flush()
    this.#packetLog?.flush()
  }

  /** Closes every output, then reports the first that failed. */
  async close(): Promise<void> {
    const failures: unknown[] = []
    const attempt = (close: () => void): void => {
      try {
        close()
      } catch (error) {
        failures.push(error)
      }
    }
    for (const { writer } of this.#outputs) attempt(() => writer.close())
    if (this.#packetLog !== undefined) attempt(() => this.#packetLog?.close())
    if (failures.length > 0) throw failures[0]
  }
}
