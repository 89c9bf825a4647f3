/**
 * Rules remembered from one window of a message or turn to the next: those that wait for more, and those that have fired.
 *
 * In: what became of each candidate. Out: `InspectionUnit.pending`, and from it the candidates of the next window. Owned by
 * the detector.
 */
import type { BufferSet } from '../inspect/buffers.js'
import type { InspectionUnit } from '../inspect/unit.js'
import type { Candidates } from './candidates.js'
import type { Counters } from './counters.js'
import { STAY } from './rule-set.js'
import { SLIDING } from './screen.js'

export class PendingRules {
  /** Limit of the look-back of windows. */
  lookBack = 0
  readonly #candidates: Candidates
  readonly #counters: Counters
  /** `n` waiting, `~n` fired. */
  readonly #entries: Int32Array
  #count = 0

  constructor(capacity: number, candidates: Candidates, counters: Counters) {
    this.#entries = new Int32Array(capacity)
    this.#candidates = candidates
    this.#counters = counters
  }

  /** Starts anew for a unit. */
  begin(): void {
    this.#count = 0
  }

  /** Rules that have fired on an earlier window of the message are kept out. Called before the searches. */
  excludeFired(pending: Int32Array): void {
    for (let i = 0; i < pending.length; i++) {
      const entry = pending[i]!
      if (entry >= 0) continue
      this.#candidates.exclude(~entry)
      this.#keep(entry)
    }
  }

  /** Candidates of earlier windows of the message. Called after the searches. */
  resume(pending: Int32Array): void {
    for (let i = 0; i < pending.length; i++) {
      const entry = pending[i]!
      if (entry >= 0) this.#candidates.resume(entry)
    }
  }

  fired(index: number): void {
    this.#keep(~index)
  }

  /**
   * A rule does not hold yet.
   * @param stay `STAY` of the rule
   * @param slidesOn of the present window
   */
  wait(index: number, stay: number, slidesOn: boolean): void {
    if (stay === STAY.ON || (stay === STAY.IN_SIGHT && !(slidesOn && this.#candidates.isUnseen(index))))
      this.#keep(index)
  }

  /** What lies before the new bytes of this window is out of sight in the next. */
  slidesOn(buffers: BufferSet): boolean {
    for (const slot of SLIDING) {
      const end = buffers.end[slot]!
      if (end >= 0 && end - buffers.fresh[slot]! < this.lookBack) return false
    }
    return true
  }

  /** Leaves in the unit what the later windows of its message need. */
  leaveIn(unit: InspectionUnit): void {
    if (this.#count > 0) unit.pending = this.#entries.slice(0, this.#count)
    else if (unit.sequence === 0) unit.pending = null
  }

  #keep(entry: number): void {
    if (this.#count < this.#entries.length) this.#entries[this.#count++] = entry
    else this.#counters.pendingLimit++
  }
}
