/**
 * What became of a rule's matches: reported, or held back by its own filter, by a suppression, by an event filter.
 *
 * The filters are detection's, in three stages that see the same matches: the first that refuses is the reason.
 */
import { AlertFilter, type AlertFilterSettings } from '../detect/alert-filter.js'
import { Counters } from '../detect/counters.js'
import type { AlertRecord } from '../output/alert.js'
import type { RateOption, Rule } from '../rules/model.js'
import type { Cause } from './findings.js'

export interface Outcome {
  readonly cause: Cause
  readonly text: string
}

/** Times remembered per address to tell how many matches there were. */
const MAX_TIMES = 10_000

const isRate = (option: { readonly kind: string }): option is RateOption =>
  option.kind === 'detection_filter' || option.kind === 'threshold'

export class MatchFilter {
  readonly #settings: AlertFilterSettings
  readonly #rule: Rule
  readonly #own: Rule
  readonly #stages: readonly AlertFilter[]
  readonly #times = new Map<string, number[]>()

  constructor(rule: Rule, settings: AlertFilterSettings) {
    this.#settings = settings
    this.#rule = rule
    this.#own = { ...rule, options: rule.options.filter(({ kind }) => kind === 'detection_filter') }
    const stage = (part: Partial<AlertFilterSettings>): AlertFilter =>
      new AlertFilter({ ...settings, ...part }, new Counters())
    this.#stages = [stage({ eventFilters: [], suppressions: [] }), stage({ eventFilters: [] }), stage({})]
  }

  decide(record: AlertRecord): Outcome {
    const { sourceAddress: source, destinationAddress: destination, seconds } = record
    this.#remember(`by_src ${source}`, seconds)
    this.#remember(`by_dst ${destination}`, seconds)
    const [first, second, third] = this.#stages.map((filter, i) =>
      filter.accept(i === 2 ? this.#rule : this.#own, source, destination, seconds),
    )
    const rates = this.#rule.options.filter(isRate)
    if (first !== true) {
      const option = rates.find(({ kind }) => kind === 'detection_filter')!
      return { cause: 'detection_filter', text: this.#rateText(option, record) }
    }
    if (second !== true) {
      return {
        cause: 'suppressed',
        text: 'a suppress line of the configuration is for this rule and address',
      }
    }
    if (third === true) return { cause: 'alerted', text: '' }
    const own = rates.find(({ kind }) => kind === 'threshold')
    if (own !== undefined) return { cause: 'event_filter', text: this.#rateText(own, record) }
    const { gid, sid } = this.#rule
    const { eventFilters } = this.#settings
    const filter =
      eventFilters.find((one) => one.gid === gid && one.sid === sid) ??
      eventFilters.find((one) => one.sid === 0)!
    return {
      cause: 'event_filter',
      text: `event_filter of the configuration: ${this.#rateText(filter, record)}`,
    }
  }

  #rateText(
    rate: Omit<RateOption, 'kind' | 'type'> & { readonly type?: RateOption['type'] },
    record: AlertRecord,
  ): string {
    const bySource = rate.track === 'by_src'
    const address = bySource ? record.sourceAddress : record.destinationAddress
    const times = this.#times.get(`${rate.track} ${address}`)!
    const recent = times.filter((time) => record.seconds - time < rate.seconds).length
    const { count, seconds, track } = rate
    const type = rate.type === undefined ? '' : `type ${rate.type}, `
    return `match ${recent} for ${address} within ${seconds} s (${type}track ${track}, count ${count}, seconds ${seconds})`
  }

  #remember(key: string, seconds: number): void {
    const times = this.#times.get(key)
    if (times === undefined) this.#times.set(key, [seconds])
    else if (times.length < MAX_TIMES) times.push(seconds)
  }
}
