/**
 * Why a match was not reported, in words. What became of it has been decided by detection; here it only gets the numbers
 * that led to it.
 */
import type { AlertFilterSettings, EventFilter, Suppression } from '../detect/alert-filter.js'
import { OUTCOME, type Outcome } from '../detect/alert-filter.js'
import { FATE, type Fate } from '../detect/event-queue.js'
import type { AlertRecord } from '../output/alert.js'
import type { RateOption, Rule, RuleAction, Track } from '../rules/model.js'
import type { Cause } from './findings.js'

export interface Finding {
  readonly cause: Cause
  readonly text: string
}

/** Times remembered per address to tell how many matches there were. */
const MAX_TIMES = 10_000

const isRate = (option: { readonly kind: string }): option is RateOption =>
  option.kind === 'detection_filter' || option.kind === 'threshold'

const named = (rule: Rule): string => `${rule.gid}:${rule.sid}`

const subjectOf = (track: Track, record: AlertRecord): string => {
  const { sourceAddress: source, destinationAddress: destination } = record
  switch (track) {
    case 'by_src':
      return source
    case 'by_dst':
      return destination
    case 'by_rule':
      return 'the rule'
    case 'by_flow':
      return `flow ${record.flowId}`
    case 'by_both':
      return source < destination ? `${source} and ${destination}` : `${destination} and ${source}`
  }
}

const TRACKS: readonly Track[] = ['by_src', 'by_dst', 'by_rule', 'by_flow', 'by_both']

type RateWords = Pick<RateOption, 'type' | 'track' | 'count' | 'seconds'>

/** Follows the matches of one rule. */
export class MatchWords {
  readonly #rule: Rule
  readonly #filters: readonly EventFilter[]
  readonly #suppressions: readonly Suppression[]
  readonly #times = new Map<string, number[]>()

  constructor(rule: Rule, settings: Pick<AlertFilterSettings, 'eventFilters' | 'suppressions'>) {
    this.#rule = rule
    this.#suppressions = settings.suppressions
    this.#filters = settings.eventFilters
  }

  /** Remembers a match, to tell later how many there were. */
  remember(record: AlertRecord): void {
    for (const track of TRACKS) {
      const key = `${track} ${subjectOf(track, record)}`
      const times = this.#times.get(key)
      if (times === undefined) this.#times.set(key, [record.seconds])
      else if (times.length < MAX_TIMES) times.push(record.seconds)
    }
  }

  /** A detection_filter did not hold. */
  below(record: AlertRecord): Finding {
    const option = this.#rates().find(({ kind }) => kind === 'detection_filter')!
    const text = `${this.#rateText(option, record)}: the rule alerts from match ${option.count + 1} on`
    return { cause: 'detection_filter', text }
  }

  filtered(outcome: Outcome, action: RuleAction, record: AlertRecord): Finding {
    switch (outcome) {
      case OUTCOME.SUPPRESSED:
        return {
          cause: 'suppressed',
          text: this.#suppressText(record),
        }
      case OUTCOME.LIMITED:
        return { cause: 'event_filter', text: this.#limitText(record) }
      case OUTCOME.PASSED:
        return {
          cause: 'rate_filter',
          text: `a rate_filter of the configuration has made it a ${action} rule`,
        }
      case OUTCOME.SILENT:
        return { cause: 'noalert', text: 'sdrop rules drop without a word' }
      default:
        return { cause: 'alerted', text: '' }
    }
  }

  #suppressText({ sourceAddress, destinationAddress }: AlertRecord): string {
    const { gid, sid } = this.#rule
    const lines = this.#suppressions
      .filter(
        (one) =>
          (one.gid === gid && one.sid === sid) || (one.sid === 0 && (one.gid === gid || one.gid === 0)),
      )
      .map(
        ({ gid, sid, track }) =>
          `gen_id ${gid}, sig_id ${sid}${track === undefined ? '' : `, track ${track}`}`,
      )
    return `suppressed by the configuration (${lines.join('; ')}), from ${sourceAddress} to ${destinationAddress}`
  }

  #rates(): RateOption[] {
    return this.#rule.options.filter(isRate)
  }

  #limitText(record: AlertRecord): string {
    const own = this.#rates().find(({ kind }) => kind === 'threshold')
    if (own !== undefined) return this.#rateText(own, record)
    const { gid, sid } = this.#rule
    const filter =
      this.#filters.find((one) => one.gid === gid && one.sid === sid) ??
      this.#filters.find((one) => one.sid === 0)!
    return `event_filter of the configuration: ${this.#rateText(filter, record)}`
  }

  #rateText(rate: RateWords, record: AlertRecord): string {
    const { count, seconds, track } = rate
    const subject = subjectOf(track, record)
    const times = this.#times.get(`${track} ${subject}`)!
    const recent = times.filter((time) => record.seconds - time < seconds).length
    const type = rate.type === undefined ? '' : `type ${rate.type}, `
    return `match ${recent} for ${subject} within ${seconds} s (${type}track ${track}, count ${count}, seconds ${seconds})`
  }
}

/** What the event queue made of a match, given the rules that matched the same unit. */
export const queueFinding = (own: Rule, fate: Fate, fired: readonly Rule[], limit: number): Finding => {
  if (fate === FATE.PASSED) {
    if (own.header.action === 'pass') return { cause: 'passed', text: 'it is a pass rule itself' }
    const pass = fired.find(({ header }) => header.action === 'pass')!
    return { cause: 'passed', text: `pass rule ${named(pass)} matched the same data` }
  }
  if (fate === FATE.OUTRANKED) {
    const { action } = own.header
    const other = fired.find(({ header }) => header.action !== action && header.action !== 'pass')!
    const text = `${other.header.action} rule ${named(other)} matched the same data; ${action} rules come after it`
    return { cause: 'outranked', text }
  }
  const text = `the event queue is full: ${fired.length} rules matched the same data, ${limit} are reported`
  return { cause: 'alert_limit', text }
}
