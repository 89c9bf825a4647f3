/**
 * Which of the rules that match one unit are reported, and in which order (snort-manual 2.4, `config event_queue` and
 * `config order`; Snort 3: event_queue, alerts.order).
 *
 * In: the rules of the engine, once; the rules that have matched a unit. Out: those to report, in order. Rules stand in
 * groups by action; unless all are asked for, only the first group that has matched is reported. A `pass` rule ends the
 * list. Within a group the order is by content or by priority. Used by detection, or, when the alerts of several workers
 * are merged, by whoever merges them.
 */
import type { Rule, RuleAction } from '../rules/model.js'
import type { Counters } from './counters.js'

/** Snort 3's order. */
export const ACTION_ORDER: readonly RuleAction[] = [
  'pass',
  'reject',
  'react',
  'block',
  'drop',
  'sdrop',
  'rewrite',
  'alert',
  'log',
]

export const EVENT_ORDERS = ['content_length', 'priority'] as const
export type EventOrder = (typeof EVENT_ORDERS)[number]

export interface EventQueueSettings {
  /** Matches of one unit that are considered (Snort: max_queue 8). */
  readonly maxQueue: number
  /** Alerts of one unit that are reported (Snort: log 3). */
  readonly log: number
  /** The longest fast pattern first, then the higher sid; or the most urgent priority first, then the lower sid. */
  readonly orderEvents: EventOrder
  /** Actions not named come behind, in Snort 3's order. */
  readonly actionOrder: readonly RuleAction[]
  /** Report the matches of every action, not only those of the first that has any (Snort: process_all_events). */
  readonly processAllEvents: boolean
}

/**
 * Snort's own limits (8 and 3) hide matches where many rules look at the same traffic; these are out of reach of any
 * rule set in use.
 */
export const DEFAULT_EVENT_QUEUE: EventQueueSettings = {
  maxQueue: 256,
  log: 256,
  orderEvents: 'content_length',
  actionOrder: ACTION_ORDER,
  processAllEvents: false,
}

/** A rule and what the order goes by. */
export interface RankedRule {
  readonly rule: Rule
  /** Length of the pattern by which the rule is found; 0 = none. */
  readonly patternLength: number
}

/** Why a match was not reported. */
export const FATE = {
  REPORTED: 0,
  /** A `pass` rule matched the same unit, or this is one. */
  PASSED: 1,
  /** Rules of an action that goes first matched the same unit. */
  OUTRANKED: 2,
  /** More rules matched than are reported. */
  OVER_LIMIT: 3,
} as const
export type Fate = (typeof FATE)[keyof typeof FATE]

export class EventQueue {
  readonly settings: EventQueueSettings
  /** By rule index: place in the order of report, and number of the action's group. */
  readonly #rank: Int32Array
  readonly #group: Uint8Array
  readonly #passGroup: number
  readonly #counters: Counters
  #fate: Fate = FATE.REPORTED

  /** @param rules by rule index */
  constructor(rules: readonly RankedRule[], settings: EventQueueSettings, counters: Counters) {
    this.settings = settings
    this.#counters = counters
    const order = [...new Set([...settings.actionOrder, ...ACTION_ORDER])]
    this.#group = Uint8Array.from(rules, ({ rule }) => order.indexOf(rule.header.action))
    this.#passGroup = order.indexOf('pass')
    this.#rank = rankOf(rules, this.#group, settings.orderEvents)
  }

  /**
   * Puts `fired[0, count)` into the order of report.
   * @returns how many of them are reported; the others, behind them, have been counted
   */
  select(fired: Int32Array, count: number): number {
    const reported = this.#cut(fired, count)
    if (reported === count) return count
    const left = count - reported
    if (this.#fate === FATE.PASSED) this.#counters.passed += left
    else if (this.#fate === FATE.OUTRANKED) this.#counters.outranked += left
    else this.#counters.alertLimit += left
    return reported
  }

  /** What becomes of a rule, given all that have matched the unit. Counts nothing. */
  fateOf(rule: number, fired: readonly number[]): Fate {
    const order = Int32Array.from(fired)
    const reported = this.#cut(order, order.length)
    return order.indexOf(rule) < reported ? FATE.REPORTED : this.#fate
  }

  /** Orders, and finds where the report ends; `#fate` is that of all behind. */
  #cut(fired: Int32Array, count: number): number {
    const group = this.#group
    if (count > 1) sortByRank(fired, count, this.#rank)
    const first = group[fired[0]!]!
    const { maxQueue, log, processAllEvents } = this.settings
    const limit = Math.min(maxQueue, log)
    for (let i = 0; i < count; i++) {
      const own = group[fired[i]!]!
      if (own === this.#passGroup) this.#fate = FATE.PASSED
      else if (own !== first && !processAllEvents) this.#fate = FATE.OUTRANKED
      else if (i === limit) this.#fate = FATE.OVER_LIMIT
      else continue
      return i
    }
    return count
  }
}

/** Lists up to this length are sorted in place. */
const INSERTION_SORT = 32

function sortByRank(list: Int32Array, count: number, rank: Int32Array): void {
  if (count > INSERTION_SORT) {
    list.set(Array.from(list.subarray(0, count)).sort((a, b) => rank[a]! - rank[b]!))
    return
  }
  for (let i = 1; i < count; i++) {
    const value = list[i]!
    const place = rank[value]!
    let at = i - 1
    while (at >= 0 && rank[list[at]!]! > place) {
      list[at + 1] = list[at]!
      at--
    }
    list[at + 1] = value
  }
}

function rankOf(rules: readonly RankedRule[], group: Uint8Array, orderEvents: EventOrder): Int32Array {
  const lowest = Number.MAX_SAFE_INTEGER
  const byPriority = ({ rule: x }: RankedRule, { rule: y }: RankedRule): number =>
    (x.priority || lowest) - (y.priority || lowest) || x.gid - y.gid || x.sid - y.sid
  const byContent = (x: RankedRule, y: RankedRule): number =>
    y.patternLength - x.patternLength || y.rule.sid - x.rule.sid || x.rule.gid - y.rule.gid
  const compare = orderEvents === 'priority' ? byPriority : byContent
  const order = rules.map((_, index) => index)
  order.sort((a, b) => group[a]! - group[b]! || compare(rules[a]!, rules[b]!) || a - b)
  const rank = new Int32Array(rules.length)
  order.forEach((index, place) => {
    rank[index] = place
  })
  return rank
}
