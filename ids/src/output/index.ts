/**
 * Alert outputs: what detection found, as lines in files or on standard output.
 *
 * In: an `AlertRecord` per alert, from detection. Out: Snort's text formats (fast, full, cmg, csv), JSON, Suricata's EVE,
 * and a capture of the packets that alerted. `AlertComposer` makes the texts, `AlertOutputs` writes them; the two may
 * work in different threads. Called by the command line, which chooses formats and files.
 */
export type { AlertHttp, AlertRecord, AlertSink } from './alert.js'
export { AlertComposer } from './composer.js'
export { type Disposition, withAction } from './disposition.js'
export type { FieldName } from './fields.js'
export { FIELD_NAMES, isFieldName, JSON_DEFAULT_FIELDS } from './fields.js'
export type { AlertFormat, AlertFormatter, AlertStyle, FormatOptions } from './formatter.js'
export { ALERT_FORMATS, ALERT_STYLES, createFormatter } from './formatter.js'
export type { OutputOptions } from './outputs.js'
export { AlertOutputs } from './outputs.js'
export type { PacketFacts } from './packet-facts.js'
export type { FrameLog, LoggedFrame } from './packet-log.js'
export { copyFrame, PcapLog } from './packet-log.js'
export { visible } from './text.js'
export type { ByteTarget } from './writer.js'
export { BufferedWriter, FileTarget, OutputError } from './writer.js'
