/**
 * Alert outputs: what detection found, as lines in files or on standard output.
 *
 * In: an `AlertRecord` per alert, from detection, through the `AlertSink` interface (alert.ts).
 * Out: Snort's text formats (fast, full, cmg, csv), JSON, Suricata's EVE, and a capture of the packets that alerted.
 * Called by the command line, which chooses formats and files; formatters are pure and can be used on their own.
 */
export type { AlertHttp, AlertRecord, AlertSink } from './alert.js'
export type { FieldName } from './fields.js'
export { FIELD_NAMES, isFieldName, JSON_DEFAULT_FIELDS } from './fields.js'
export type { AlertFormat, AlertFormatter, AlertStyle, FormatOptions } from './formatter.js'
export { ALERT_FORMATS, ALERT_STYLES, createFormatter } from './formatter.js'
export type { PacketFacts } from './packet-facts.js'
export { PcapPacketLog } from './packet-log.js'
export type { OutputOptions, PacketLog } from './sink.js'
export { createAlertSink } from './sink.js'
export { visible } from './text.js'
export type { ByteTarget } from './writer.js'
export { BufferedWriter, FileTarget, OutputError } from './writer.js'
