/** The two formats made of selectable fields: csv and json, one alert per line. */
import type { AlertRecord } from './alert.js'
import { snortTimestamps } from './fast.js'
import {
  CSV_DEFAULT_FIELDS,
  CSV_SNORT2_FIELDS,
  csvValue,
  type FieldName,
  type FieldSource,
  type FieldValue,
  fieldValue,
  JSON_DEFAULT_FIELDS,
} from './fields.js'
import type { AlertFormatter, FormatOptions } from './formatter.js'
import type { PacketFacts } from './packet-facts.js'
import { visible } from './text.js'
import type { SnortTimestamps } from './timestamp.js'

/** Makes the view the field table reads. */
class FieldSources {
  readonly #options: FormatOptions
  readonly #timestamps: SnortTimestamps

  constructor(options: FormatOptions) {
    this.#options = options
    this.#timestamps = snortTimestamps(options)
  }

  of(record: AlertRecord, packet: PacketFacts | undefined): FieldSource {
    return {
      record,
      packet: record.fromStream ? undefined : packet,
      timestamp: this.#timestamps.format(record.seconds, record.nanoseconds),
      interfaceName: this.#options.interfaceName,
      payloadLimit: this.#options.payloadLimit,
    }
  }
}

export class JsonFormatter implements AlertFormatter {
  readonly #fields: readonly FieldName[]
  readonly #sources: FieldSources

  constructor(options: FormatOptions) {
    this.#fields = options.fields ?? JSON_DEFAULT_FIELDS
    this.#sources = new FieldSources(options)
  }

  format(record: AlertRecord, packet: PacketFacts | undefined): string {
    const source = this.#sources.of(record, packet)
    const line: Record<string, FieldValue> = {}
    for (const name of this.#fields) line[name] = fieldValue(name, source)
    return `${JSON.stringify(line)}\n`
  }
}

/** Fields that are always quoted, as Snort does. */
const QUOTED: ReadonlySet<FieldName> = new Set(['msg', 'b64_data'])

const NEEDS_QUOTES = /[",]/

/** A csv value: quoted where Snort quotes it and where it would not survive otherwise, quotes doubled (RFC 4180). */
const csvText = (name: FieldName, value: FieldValue): string => {
  if (value === undefined) return ''
  const text = visible(String(value))
  return QUOTED.has(name) || NEEDS_QUOTES.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** Snort 3 separates by `, `, Snort 2 by `,`; each has its default columns. */
export class CsvFormatter implements AlertFormatter {
  readonly #fields: readonly FieldName[]
  readonly #separator: string
  readonly #sources: FieldSources

  constructor(options: FormatOptions) {
    const snort2 = options.style === 'snort2'
    this.#fields = options.fields ?? (snort2 ? CSV_SNORT2_FIELDS : CSV_DEFAULT_FIELDS)
    this.#separator = snort2 ? ',' : ', '
    this.#sources = new FieldSources(options)
  }

  format(record: AlertRecord, packet: PacketFacts | undefined): string {
    const source = this.#sources.of(record, packet)
    const columns = this.#fields.map((name) => csvText(name, csvValue(name, source)))
    return `${columns.join(this.#separator)}\n`
  }
}
