/**
 * What stands between a match and its alert: detection_filter and threshold of the rule, suppress, event_filter and
 * rate_filter of the configuration (snort-manual 2.4 and 3.7).
 *
 * In: matches in packet order, with the addresses of the inspected bytes. Out: whether the match counts (`admits`),
 * whether it is reported and with which action (`report`). Called by the inspector, or, when several workers share the
 * work, by whoever merges their alerts: the states are keyed on addresses, not on flows, so they must see all workers'
 * matches in packet order. Time is that of the packets.
 */
import type { IpSet, RateOption, Rule, RuleAction, Track } from '../rules/model.js'
import { type AddressTest, compileAddresses, parseAddress } from './addresses.js'
import type { Counters } from './counters.js'
import { type RateLimit, RateStates, type WindowCount, WindowStates } from './filter-states.js'

export interface EventFilter {
  readonly gid: number
  /** 0 = every rule of the gid. */
  readonly sid: number
  readonly type: 'limit' | 'threshold' | 'both'
  readonly track: Track
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

/** Changes the action of a rule that matches too often. */
export interface RateFilter extends RateLimit {
  readonly gid: number
  readonly sid: number
  readonly track: Track
  readonly newAction: RuleAction
  /** Only for these (the source, or with `by_dst` the destination); undefined = all. */
  readonly applyTo: IpSet | undefined
}

export interface AlertFilterSettings {
  readonly eventFilters: readonly EventFilter[]
  readonly suppressions: readonly Suppression[]
  readonly rateFilters: readonly RateFilter[]
  /** States kept of each kind (one per filter and address); beyond, the oldest is forgotten. */
  readonly maxFilterStates: number
}

/** What became of a match. */
export const OUTCOME = {
  REPORTED: 0,
  /** A detection_filter of the rule did not hold. */
  BELOW: 1,
  SUPPRESSED: 2,
  /** A threshold or event_filter held it back. */
  LIMITED: 3,
  /** A rate_filter has made a pass rule of it. */
  PASSED: 4,
  /** `sdrop`: the packet is dropped without a word. */
  SILENT: 5,
} as const
export type Outcome = (typeof OUTCOME)[keyof typeof OUTCOME]

interface TrackedWindow extends WindowCount {
  readonly id: number
  readonly track: Track
}

interface TrackedRate {
  readonly id: number
  readonly filter: RateFilter
  readonly test: AddressTest | undefined
}

interface CompiledSuppression {
  readonly bySource: boolean | undefined
  readonly test: AddressTest | undefined
}

/** Everything that is in the way of one rule's matches. */
interface RuleFilters {
  readonly detection: readonly TrackedWindow[]
  readonly events: readonly TrackedWindow[]
  readonly rates: readonly TrackedRate[]
  readonly suppressions: readonly CompiledSuppression[]
}

const NOTHING: RuleFilters = { detection: [], events: [], rates: [], suppressions: [] }

/** What filters go by. */
export interface FilteredMatch {
  readonly sourceAddress: string
  readonly destinationAddress: string
  /** Packet time, whole seconds. */
  readonly seconds: number
  /** Tells flows apart; asked for only when something counts by flow. */
  readonly flowKey: string
}

export class AlertFilter {
  /** Of the match last reported: that of its rule, or what a rate_filter has made of it. */
  action: RuleAction = 'alert'
  readonly #settings: AlertFilterSettings
  readonly #counters: Counters
  readonly #filters = new Map<Rule, RuleFilters>()
  readonly #windows: WindowStates
  readonly #rates: RateStates
  readonly #eventFilterIds: readonly number[]
  readonly #rateFilterIds: readonly number[]
  #nextId = 0

  constructor(settings: AlertFilterSettings, counters: Counters) {
    this.#settings = settings
    this.#counters = counters
    const forgotten = (): void => {
      counters.filterTableLimit++
    }
    this.#windows = new WindowStates(settings.maxFilterStates, forgotten)
    this.#rates = new RateStates(settings.maxFilterStates, forgotten)
    this.#eventFilterIds = settings.eventFilters.map(() => this.#nextId++)
    this.#rateFilterIds = settings.rateFilters.map(() => this.#nextId++)
  }

  get states(): number {
    return this.#windows.size + this.#rates.size
  }

  /**
   * Counts a match and says whether it is one: whether the detection_filter of its rule holds. To be asked once for a
   * match, before `report`.
   */
  admits(rule: Rule, match: FilteredMatch): boolean {
    const { detection } = this.#filters.get(rule) ?? this.#prepare(rule)
    let admitted = true
    for (const window of detection) {
      const key = keyOf(window.id, window.track, match)
      admitted = this.#windows.count(key, window, match.seconds) && admitted
    }
    if (!admitted) this.#counters.filtered++
    return admitted
  }

  /** Decides on a match that `admits` let through; `action` is what it comes to, reported or not. */
  report(rule: Rule, match: FilteredMatch): Outcome {
    const filters = this.#filters.get(rule) ?? this.#prepare(rule)
    this.action = rule.header.action
    if (filters === NOTHING) return this.#spoken()
    const { sourceAddress: source, destinationAddress: destination, seconds } = match
    let tripped = false
    for (const { id, filter, test } of filters.rates) {
      if (test !== undefined && !holds(test, filter.track === 'by_dst' ? destination : source)) continue
      const key = keyOf(id, filter.track, match)
      const state = this.#rates.count(key, filter, seconds)
      if (!state.active) continue
      this.action = filter.newAction
      tripped ||= state.fresh
    }
    if (isSuppressed(filters.suppressions, source, destination)) return this.#held(OUTCOME.SUPPRESSED)
    for (const window of filters.events) {
      const key = keyOf(window.id, window.track, match)
      // The match that trips a rate_filter is reported whatever an event_filter says, as in Snort.
      if (!this.#windows.count(key, window, seconds) && !tripped) return this.#held(OUTCOME.LIMITED)
    }
    if (this.action !== 'pass') return this.#spoken()
    this.#counters.passed++
    return OUTCOME.PASSED
  }

  #spoken(): Outcome {
    return this.action === 'sdrop' ? OUTCOME.SILENT : OUTCOME.REPORTED
  }

  #held(outcome: Outcome): Outcome {
    this.#counters.filtered++
    return outcome
  }

  #prepare(rule: Rule): RuleFilters {
    const { eventFilters, suppressions, rateFilters } = this.#settings
    const own = (kind: RateOption['kind']): TrackedWindow[] =>
      rule.options
        .filter((option): option is RateOption => option.kind === kind)
        .map(({ type, track, count, seconds }) => ({
          id: this.#nextId++,
          kind: kind === 'detection_filter' ? ('detection_filter' as const) : (type ?? 'limit'),
          track,
          count,
          seconds,
        }))
    const events = own('threshold')
    // The filter of the rule itself goes before that of all rules of its gid.
    const isOwn = ({ gid, sid }: Named): boolean => gid === rule.gid && sid === rule.sid
    const isWide = ({ gid, sid }: Named): boolean => sid === 0 && (gid === rule.gid || gid === 0)
    let chosen = eventFilters.findIndex(isOwn)
    if (chosen < 0) chosen = eventFilters.findIndex(isWide)
    const event = eventFilters[chosen]
    if (event !== undefined && event.count >= 0) {
      const { type: kind, track, count, seconds } = event
      events.push({ id: this.#eventFilterIds[chosen]!, kind, track, count, seconds })
    }
    const filters: RuleFilters = {
      detection: own('detection_filter'),
      events,
      rates: rateFilters.flatMap((filter, i) =>
        isOwn(filter) ? [{ id: this.#rateFilterIds[i]!, filter, test: testOf(filter.applyTo) }] : [],
      ),
      suppressions: suppressions
        .filter((one) => isOwn(one) || isWide(one))
        .map(({ track, addresses }) => ({
          bySource: track === undefined ? undefined : track === 'by_src',
          test: testOf(addresses),
        })),
    }
    const prepared = Object.values(filters).every((list) => list.length === 0) ? NOTHING : filters
    this.#filters.set(rule, prepared)
    return prepared
  }
}

type Named = Pick<EventFilter, 'gid' | 'sid'>

const testOf = (addresses: IpSet | undefined): AddressTest | undefined =>
  addresses === undefined ? undefined : compileAddresses(addresses)

const holds = (test: AddressTest, address: string): boolean => {
  const words = parseAddress(address)
  return words !== undefined && test.matches(words[0]!, words[1]!, words[2]!, words[3]!)
}

const isSuppressed = (
  suppressions: readonly CompiledSuppression[],
  source: string,
  destination: string,
): boolean =>
  suppressions.some(
    ({ bySource, test }) =>
      bySource === undefined || test === undefined || holds(test, bySource ? source : destination),
  )

function keyOf(id: number, track: Track, match: FilteredMatch): string {
  const { sourceAddress: source, destinationAddress: destination } = match
  switch (track) {
    case 'by_src':
      return `${id} ${source}`
    case 'by_dst':
      return `${id} ${destination}`
    case 'by_rule':
      return `${id}`
    case 'by_flow':
      return `${id} ${match.flowKey}`
    case 'by_both':
      return source < destination ? `${id} ${source} ${destination}` : `${id} ${destination} ${source}`
  }
}
