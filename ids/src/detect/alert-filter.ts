/**
 * What stands between a match and its alert: detection_filter and threshold of the rule, suppress and event_filter of
 * the configuration (snort-manual 2.4 and 3.7).
 *
 * In: matches in packet order, with the addresses of the inspected bytes. Out: whether the alert is reported. Called by
 * the inspector, or, when several workers share the work, by whoever merges their alerts: the states are keyed on
 * addresses, not on flows, so they must see all workers' matches in packet order. Time is that of the packets.
 */
import type { IpSet, RateOption, Rule } from '../rules/model.js'
import { type AddressTest, compileAddresses, parseAddress } from './addresses.js'
import type { Counters } from './counters.js'

export interface EventFilter {
  readonly gid: number
  /** 0 = every rule of the gid. */
  readonly sid: number
  readonly type: 'limit' | 'threshold' | 'both'
  readonly track: 'by_src' | 'by_dst'
  /** -1 = no limit (a filter that exempts a rule from a wider one). */
  readonly count: number
  readonly seconds: number
}

export interface Suppression {
  readonly gid: number
  /** 0 = every rule of the gid. */
  readonly sid: number
  readonly track: 'by_src' | 'by_dst' | undefined
  /** undefined = every address. */
  readonly addresses: IpSet | undefined
}

export interface AlertFilterSettings {
  readonly eventFilters: readonly EventFilter[]
  readonly suppressions: readonly Suppression[]
  /** States kept (one per filter and address); beyond, the oldest is forgotten. */
  readonly maxFilterStates: number
}

interface State {
  start: number
  count: number
  /** Matches in the window just before this one; 0 when there was none. */
  previous: number
}

interface Filter {
  /** Tells its states from those of others. */
  readonly id: number
  readonly kind: 'detection_filter' | 'limit' | 'threshold' | 'both'
  readonly bySource: boolean
  readonly count: number
  readonly seconds: number
}

interface CompiledSuppression {
  readonly bySource: boolean | undefined
  readonly test: AddressTest | undefined
}

const NO_FILTERS: readonly Filter[] = []

export class AlertFilter {
  readonly #settings: AlertFilterSettings
  readonly #counters: Counters
  readonly #filters = new Map<Rule, readonly Filter[]>()
  readonly #suppressions = new Map<Rule, readonly CompiledSuppression[]>()
  /** In order of creation, which is what is given up first. */
  readonly #states = new Map<string, State>()
  readonly #eventFilterIds: readonly number[]
  #nextId = 0

  constructor(settings: AlertFilterSettings, counters: Counters) {
    this.#settings = settings
    this.#counters = counters
    this.#eventFilterIds = settings.eventFilters.map(() => this.#nextId++)
  }

  get states(): number {
    return this.#states.size
  }

  /**
   * Counts a match and says whether it is reported.
   * @param seconds packet time, whole seconds
   */
  accept(rule: Rule, source: string, destination: string, seconds: number): boolean {
    const filters = this.#filters.get(rule) ?? this.#prepare(rule)
    let accepted = true
    let at = 0
    // A detection_filter belongs to the rule: when it does not hold there is no match to be counted further.
    for (; at < filters.length && filters[at]!.kind === 'detection_filter'; at++) {
      accepted = this.#count(filters[at]!, source, destination, seconds) && accepted
    }
    if (accepted) accepted = !this.#isSuppressed(rule, source, destination)
    for (; accepted && at < filters.length; at++) {
      accepted = this.#count(filters[at]!, source, destination, seconds)
    }
    if (!accepted) this.#counters.filtered++
    return accepted
  }

  #prepare(rule: Rule): readonly Filter[] {
    const { eventFilters, suppressions } = this.#settings
    const own = rule.options.filter(
      (option): option is RateOption => option.kind === 'detection_filter' || option.kind === 'threshold',
    )
    const filters: Filter[] = own
      .map((option) => ({
        id: this.#nextId++,
        kind: option.kind === 'detection_filter' ? ('detection_filter' as const) : (option.type ?? 'limit'),
        bySource: option.track === 'by_src',
        count: option.count,
        seconds: option.seconds,
      }))
      .sort((a, b) => Number(a.kind !== 'detection_filter') - Number(b.kind !== 'detection_filter'))
    // The filter of the rule itself goes before that of all rules of its gid.
    const applies = (sid: number, gid: number): boolean => gid === rule.gid && sid === rule.sid
    let chosen = eventFilters.findIndex((filter) => applies(filter.sid, filter.gid))
    if (chosen < 0) {
      chosen = eventFilters.findIndex(
        (filter) => filter.sid === 0 && (filter.gid === rule.gid || filter.gid === 0),
      )
    }
    const event = eventFilters[chosen]
    if (event !== undefined && event.count >= 0) {
      const { type: kind, track, count, seconds } = event
      filters.push({ id: this.#eventFilterIds[chosen]!, kind, bySource: track === 'by_src', count, seconds })
    }
    this.#suppressions.set(
      rule,
      suppressions
        .filter(({ gid, sid }) => applies(sid, gid) || (sid === 0 && (gid === rule.gid || gid === 0)))
        .map(({ track, addresses }) => ({
          bySource: track === undefined ? undefined : track === 'by_src',
          test: addresses === undefined ? undefined : compileAddresses(addresses),
        })),
    )
    const prepared = filters.length === 0 ? NO_FILTERS : filters
    this.#filters.set(rule, prepared)
    return prepared
  }

  #isSuppressed(rule: Rule, source: string, destination: string): boolean {
    for (const { bySource, test } of this.#suppressions.get(rule)!) {
      if (bySource === undefined || test === undefined) return true
      const words = parseAddress(bySource ? source : destination)
      if (words !== undefined && test.matches(words[0]!, words[1]!, words[2]!, words[3]!)) return true
    }
    return false
  }

  #count(filter: Filter, source: string, destination: string, seconds: number): boolean {
    const state = this.#state(`${filter.id} ${filter.bySource ? source : destination}`, seconds)
    const elapsed = seconds - state.start
    if (elapsed >= filter.seconds) {
      state.previous = elapsed > 2 * filter.seconds ? 0 : state.count
      state.start = seconds
      state.count = 0
    }
    state.count++
    switch (filter.kind) {
      case 'detection_filter':
        return state.count > filter.count || state.previous > filter.count
      case 'limit':
        return state.count <= filter.count
      case 'threshold':
        if (state.count < filter.count) return false
        state.count = 0
        return true
      case 'both':
        return state.count === filter.count
    }
  }

  #state(key: string, seconds: number): State {
    const known = this.#states.get(key)
    if (known !== undefined) return known
    if (this.#states.size >= this.#settings.maxFilterStates) {
      const oldest = this.#states.keys().next().value
      if (oldest !== undefined) this.#states.delete(oldest)
      this.#counters.filterTableLimit++
    }
    const state = { start: seconds, count: 0, previous: 0 }
    this.#states.set(key, state)
    return state
  }
}
