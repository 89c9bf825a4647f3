/**
 * The end of an alert's way: filters (detection_filter, rate_filter, threshold, event_filter, suppress), the event queue
 * where it has been left to us, counts, outputs.
 */

import { type FilteredMatch, OUTCOME } from '../detect/alert-filter.js'
import type { Engine, MatchGate } from '../detect/engine.js'
import type { AlertOutputs, LoggedFrame } from '../output/index.js'
import type { Rule, RuleAction } from '../rules/index.js'
import { type AlertItem, TAGGED } from './alert-item.js'

const NO_TEXTS: readonly string[] = []

export class AlertDelivery {
  readonly #rules: readonly Rule[]
  readonly #gate: MatchGate | undefined
  readonly #outputs: AlertOutputs
  readonly #counts: Float64Array
  /** Matches of a unit that are decided on together, as far as they have come. */
  #unit: AlertItem[] = []
  /** A unit's only match. */
  readonly #one = new Int32Array(1)
  /** Alerts reported. */
  total = 0

  /** @param gate undefined when everything has been decided already */
  constructor(rules: Engine['rules'], gate: MatchGate | undefined, outputs: AlertOutputs) {
    this.#rules = rules
    this.#gate = gate
    this.#outputs = outputs
    this.#counts = new Float64Array(rules.length)
  }

  /**
   * Counts a match and says with which action it is reported; undefined = not at all. To be asked in the order of
   * `compareItems`.
   * @param rule index in `Engine.rules`
   * @param own action so far
   */
  decide(rule: number, own: RuleAction, match: FilteredMatch): RuleAction | undefined {
    if (this.#gate === undefined) return own
    const { filter } = this.#gate
    const outcome = filter.report(this.#rules[rule]!, match)
    return outcome === OUTCOME.REPORTED ? filter.action : undefined
  }

  /** Matches of a unit are waiting for the last. */
  get gathers(): boolean {
    return this.#unit.length > 0
  }

  /** Whether a match that is not decided yet, and the only one of its unit, stands: then it is to be decided as any other. */
  admitsAlone(rule: number, match: FilteredMatch): boolean {
    const { filter, queue } = this.#gate!
    if (!filter.admits(this.#rules[rule]!, match)) return false
    this.#one[0] = rule
    return queue.select(this.#one, 1) > 0
  }

  /** Counts and writes an alert that was decided on. `log` rules go to the log of packets only. Never throws. */
  write(rule: number, action: RuleAction, texts: readonly string[], frame: LoggedFrame | undefined): void {
    this.total += 1
    this.#counts[rule]! += 1
    this.#outputs.write(action === 'log' ? NO_TEXTS : texts, frame)
  }

  /** Logs a packet by itself. Never throws. */
  log(frame: LoggedFrame): void {
    this.#outputs.write(NO_TEXTS, frame)
  }

  /** Both. Matches that are not decided yet wait for the last of their unit. */
  deliver(item: AlertItem): void {
    if (item.rule === TAGGED) {
      this.log(item.frame!)
      return
    }
    if (item.undecided === 0) {
      this.#deliver(item)
      return
    }
    this.#unit.push(item)
    if (item.undecided > 1) return
    const unit = this.#unit
    this.#unit = []
    const { filter, queue } = this.#gate!
    const admitted = unit.filter((item) => filter.admits(this.#rules[item.rule]!, item))
    if (admitted.length === 0) return
    const fired = Int32Array.from(admitted, ({ rule }) => rule)
    const reported = queue.select(fired, fired.length)
    for (const rule of fired.subarray(0, reported)) this.#deliver(admitted.find((one) => one.rule === rule)!)
  }

  #deliver(item: AlertItem): void {
    const { rule, texts, changed, frame } = item
    const action = this.decide(rule, item.action, item)
    if (action === undefined) return
    const other = changed.find((one) => one.action === action)
    this.write(rule, action, other === undefined ? texts : other.texts, frame)
  }

  /** Number of rules that alerted. */
  get alertingRules(): number {
    return this.#counts.reduce((sum, count) => sum + (count > 0 ? 1 : 0), 0)
  }

  /** Most frequent first, then by gid and sid. */
  top(limit: number): readonly (readonly [rule: Rule, count: number])[] {
    return this.#rules
      .map((rule, index) => [rule, this.#counts[index]!] as const)
      .filter(([, count]) => count > 0)
      .sort(([a, x], [b, y]) => y - x || a.gid - b.gid || a.sid - b.sid)
      .slice(0, limit)
  }
}
