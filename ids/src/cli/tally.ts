/** Counts alerts by rule on their way to the outputs. */
import type { AlertRecord, AlertSink } from '../output/index.js'
import type { Rule } from '../rules/model.js'

export class AlertTally implements AlertSink {
  readonly #sink: AlertSink
  readonly #counts = new Map<Rule, number>()
  /** Alerts in all. */
  total = 0

  constructor(sink: AlertSink) {
    this.#sink = sink
  }

  /** Rules that alerted. */
  get rules(): number {
    return this.#counts.size
  }

  alert(record: AlertRecord): void {
    this.total += 1
    this.#counts.set(record.rule, (this.#counts.get(record.rule) ?? 0) + 1)
    this.#sink.alert(record)
  }

  flush(): Promise<void> {
    return this.#sink.flush()
  }

  close(): Promise<void> {
    return this.#sink.close()
  }

  /** Most frequent first, then by gid and sid. */
  top(limit: number): readonly (readonly [rule: Rule, count: number])[] {
    return [...this.#counts].sort(([a, x], [b, y]) => y - x || a.gid - b.gid || a.sid - b.sid).slice(0, limit)
  }
}
