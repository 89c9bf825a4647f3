/** The end of an alert's way: filters (detection_filter, threshold, event_filter, suppress), counts, outputs. */
import type { AlertFilter } from '../detect/alert-filter.js'
import type { AlertOutputs, LoggedFrame } from '../output/index.js'
import type { Rule } from '../rules/index.js'
import type { AlertItem } from './alert-item.js'

export class AlertDelivery {
  readonly #rules: readonly Rule[]
  readonly #filter: AlertFilter
  readonly #outputs: AlertOutputs
  readonly #counts: Float64Array
  /** Alerts reported. */
  total = 0

  constructor(rules: readonly Rule[], filter: AlertFilter, outputs: AlertOutputs) {
    this.#rules = rules
    this.#filter = filter
    this.#outputs = outputs
    this.#counts = new Float64Array(rules.length)
  }

  /**
   * Counts a match and says whether it is reported. To be asked in the order of `compareItems`.
   * @param rule index in `Engine.rules`
   * @param seconds packet time
   */
  admits(rule: number, source: string, destination: string, seconds: number): boolean {
    return this.#filter.accept(this.#rules[rule]!, source, destination, seconds)
  }

  /** Counts and writes an alert that was admitted. Never throws. */
  write(rule: number, texts: readonly string[], frame: LoggedFrame | undefined): void {
    this.total += 1
    this.#counts[rule]! += 1
    this.#outputs.write(texts, frame)
  }

  /** Both. */
  deliver(item: AlertItem): void {
    const { rule, source, destination, seconds } = item
    if (this.admits(rule, source, destination, seconds)) this.write(rule, item.texts, item.frame)
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
