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
