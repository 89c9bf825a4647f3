/** The multi-line format (alert_full): the alert, its class, the packet's headers, and where to read more. */
import type { Rule, RuleReference } from '../rules/model.js'
import type { AlertRecord } from './alert.js'
import { classification, endpoints, identification, snortTimestamps } from './fast.js'
import type { AlertFormatter, AlertStyle, FormatOptions } from './formatter.js'
import { headerLines } from './header-lines.js'
import type { PacketFacts } from './packet-facts.js'
import { visible } from './text.js'
import type { SnortTimestamps } from './timestamp.js'

/** The link of a reference, or `system,id` when there is none. */
export const referenceText = (reference: RuleReference, url: string | undefined): string =>
  url ?? `${reference.system},${reference.id}`

export class FullFormatter implements AlertFormatter {
  readonly #style: AlertStyle
  readonly #timestamps: SnortTimestamps
  readonly #url: FormatOptions['referenceUrl']
  readonly #fixed = new WeakMap<Rule, { readonly head: string; readonly tail: string }>()

  constructor(options: FormatOptions) {
    this.#style = options.style
    this.#timestamps = snortTimestamps(options)
    this.#url = options.referenceUrl
  }

  format(record: AlertRecord, packet: PacketFacts | undefined): string {
    const { head, tail } = this.#ruleText(record.rule)
    const single = record.fromStream ? undefined : packet
    const time = this.#timestamps.format(record.seconds, record.nanoseconds)
    const headers = single === undefined ? '' : headerLines(single, record.protocol)
    return `${head}${time} ${endpoints(record, single)}\n${headers}${tail}\n`
  }

  #ruleText(rule: Rule): { readonly head: string; readonly tail: string } {
    let text = this.#fixed.get(rule)
    if (text === undefined) {
      const links = rule.references
        .map((one) => `[Xref => ${visible(referenceText(one, this.#url(one)))}]`)
        .join('')
      text = {
        head: `${identification(rule, this.#style)}\n${classification(rule)} \n`,
        tail: links === '' ? '' : `${links}\n`,
      }
      this.#fixed.set(rule, text)
    }
    return text
  }
}
