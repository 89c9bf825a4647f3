/**
 * Formats by name. A formatter turns one alert into the text to append to its output, and keeps nothing of it.
 */
import type { RuleReference } from '../rules/model.js'
import type { AlertRecord } from './alert.js'
import { CmgFormatter } from './cmg.js'
import { CsvFormatter, JsonFormatter } from './delimited.js'
import { EveFormatter } from './eve.js'
import { FastFormatter } from './fast.js'
import type { FieldName } from './fields.js'
import { FullFormatter } from './full.js'
import type { PacketFacts } from './packet-facts.js'

export interface AlertFormatter {
  /** `packet` is the packet that completed the inspected data, when it is still at hand. */
  format(record: AlertRecord, packet: PacketFacts | undefined): string
}

export type AlertStyle = 'snort2' | 'snort3'
export const ALERT_STYLES: readonly AlertStyle[] = ['snort3', 'snort2']

/** Everything the formatters can be told. */
export interface FormatOptions {
  /** Spelling of the text formats: Snort 3 quotes the message, Snort 2 does not. */
  readonly style: AlertStyle
  readonly utc: boolean
  readonly year: boolean
  /** Fields of csv and json instead of the default ones. */
  readonly fields: readonly FieldName[] | undefined
  /** Payload bytes encoded or dumped per alert, at most. */
  readonly payloadLimit: number
  /** The link of a reference, undefined when its system is not known. */
  readonly referenceUrl: (reference: RuleReference) => string | undefined
  /** Capture interface; undefined when reading files. */
  readonly interfaceName: string | undefined
  readonly communityId: boolean
}

interface FormatEntry {
  /** File name under `-l DIR`. */
  readonly file: string
  readonly create: (options: FormatOptions) => AlertFormatter
}

const FORMATS = {
  fast: { file: 'alert_fast.txt', create: (o) => new FastFormatter(o) },
  full: { file: 'alert_full.txt', create: (o) => new FullFormatter(o) },
  cmg: { file: 'alert_cmg.txt', create: (o) => new CmgFormatter(o) },
  csv: { file: 'alert_csv.txt', create: (o) => new CsvFormatter(o) },
  json: { file: 'alert_json.txt', create: (o) => new JsonFormatter(o) },
  eve: { file: 'eve.json', create: (o) => new EveFormatter(o) },
} as const satisfies Record<string, FormatEntry>

export type AlertFormat = keyof typeof FORMATS

export const ALERT_FORMATS = Object.keys(FORMATS) as readonly AlertFormat[]

export const formatFile = (format: AlertFormat): string => FORMATS[format].file

export const createFormatter = (format: AlertFormat, options: FormatOptions): AlertFormatter =>
  FORMATS[format].create(options)
