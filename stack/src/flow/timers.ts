/** Timeout classes of flows: which time-out applies, and the timer armed for it. */
import { FLAG_CLASS, FLAGS, ROW_SHIFT } from './layout.js'
import type { FlowTable } from './table.js'
import { CLASS_ESTABLISHED } from './timeouts.js'
import type { TimerWheel } from './wheel.js'

export class FlowTimers {
  /** Microseconds by class, see timeouts.ts. */
  readonly timeouts: Float64Array
  private readonly words: Int32Array
  private readonly wheel: TimerWheel

  constructor(table: FlowTable, wheel: TimerWheel, timeouts: Float64Array) {
    this.words = table.words
    this.wheel = wheel
    this.timeouts = timeouts
  }

  setClass(row: number, timeoutClass: number): void {
    const words = this.words
    const at = row << ROW_SHIFT
    words[at + FLAGS] = (words[at + FLAGS] & ~FLAG_CLASS) | timeoutClass
    // The embryonic timer is still armed: when it comes up, it is put off by the longer time-out.
    if (timeoutClass !== CLASS_ESTABLISHED) this.wheel.arm(row, this.timeouts[timeoutClass] / 1e6)
  }
}
