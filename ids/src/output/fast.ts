/** The one-line format (alert_fast), in Snort 3's and Snort 2's spelling. */
import type { Rule } from '../rules/model.js'
import type { AlertRecord } from './alert.js'
import type { Disposition } from './disposition.js'
import { portsShown } from './fields.js'
import type { AlertFormatter, AlertStyle, FormatOptions } from './formatter.js'
import type { PacketFacts } from './packet-facts.js'
import { snort2Protocol, snort3Protocol, visible } from './text.js'
import { SnortTimestamps } from './timestamp.js'

/** `SIP:SP -> DIP:DP`, without ports where there are none. */
export const endpoints = (record: AlertRecord, packet: PacketFacts | undefined): string =>
  portsShown(record, packet)
    ? `${record.sourceAddress}:${record.sourcePort} -> ${record.destinationAddress}:${record.destinationPort}`
    : `${record.sourceAddress} -> ${record.destinationAddress}`

/** `[**] [gid:sid:rev] "msg" [**]`; Snort 2 leaves out the quotes. */
export const identification = (rule: Rule, style: AlertStyle): string => {
  const message = visible(rule.msg)
  const shown = style === 'snort3' ? `"${message}"` : message
  return `[**] [${rule.gid}:${rule.sid}:${rule.rev}] ${shown} [**]`
}

/** `[Classification: text] [Priority: N]`. */
export const classification = (rule: Rule): string => {
  const text = rule.classText === undefined ? '' : `[Classification: ${visible(rule.classText)}] `
  return `${text}[Priority: ${rule.priority}]`
}

/** Snort 2: the packet was dropped, or would have been by an inline sensor. */
const SNORT2_DROP = ' [Drop]'
const SNORT2_WOULD_DROP = ' [WDrop]'

const actionMark = (disposition: Disposition, style: AlertStyle): string => {
  if (disposition === 'allow') return ''
  if (style === 'snort3') return ` [${disposition}]`
  return disposition.startsWith('would_') ? SNORT2_WOULD_DROP : SNORT2_DROP
}

export const snortTimestamps = (options: FormatOptions): SnortTimestamps =>
  new SnortTimestamps({ utc: options.utc, year: options.year, yearFirst: options.style === 'snort3' })

/** Snort 3 `alert_fast`; Snort 2 puts a space of its own after the time. */
export class FastFormatter implements AlertFormatter {
  readonly #style: AlertStyle
  readonly #timestamps: SnortTimestamps
  readonly #protocol: (protocol: number) => string
  /** The part of the line that only depends on the rule and, seldom, on what a rate_filter has made of it. */
  readonly #middle = new WeakMap<Rule, { readonly disposition: Disposition; readonly text: string }>()

  constructor(options: FormatOptions) {
    this.#style = options.style
    this.#timestamps = snortTimestamps(options)
    this.#protocol = options.style === 'snort3' ? snort3Protocol : snort2Protocol
  }

  format(record: AlertRecord, packet: PacketFacts | undefined): string {
    const time = this.#timestamps.format(record.seconds, record.nanoseconds)
    const protocol = this.#protocol(record.protocol)
    return `${time}${this.#ruleText(record)}{${protocol}} ${endpoints(record, packet)}\n`
  }

  #ruleText({ rule, disposition }: AlertRecord): string {
    const known = this.#middle.get(rule)
    if (known?.disposition === disposition) return known.text
    const style = this.#style
    const gap = style === 'snort3' ? ' ' : '  '
    const mark = actionMark(disposition, style)
    const head = mark === '' ? gap : `${gap.slice(1)}${mark} `
    const text = `${head}${identification(rule, style)} ${classification(rule)} `
    this.#middle.set(rule, { disposition, text })
    return text
  }
}
