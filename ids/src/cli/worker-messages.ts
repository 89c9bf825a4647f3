/** What the main thread and its workers tell each other. Everything here survives structured cloning. */
import type { InputSettings } from '../config/index.js'
import type { DetectSettings } from '../detect/settings.js'
import type { EngineChoice } from '../match/index.js'
import type { AlertFormat, FormatOptions } from '../output/index.js'
import type { Rule } from '../rules/index.js'
import type { AlertItem } from './alert-item.js'
import type { RunTotals } from './run-totals.js'

/** The job of one worker. */
export interface WorkerJob {
  readonly index: number
  readonly count: number
  /** Of the flow hash: the same for all workers. */
  readonly seed: number
  readonly rules: readonly Rule[]
  readonly settings: Partial<DetectSettings>
  readonly engine: EngineChoice | undefined
  readonly cache: string | undefined
  readonly input: InputSettings
  readonly checksums: 'verify' | 'ignore'
  readonly maxFlows: number
  readonly formats: readonly AlertFormat[]
  readonly format: Omit<FormatOptions, 'referenceUrl'>
  /** Reference systems and their URL prefixes. */
  readonly references: readonly (readonly [system: string, prefix: string])[]
  readonly logFrames: boolean
  /** Memory shared by all: see `Backlog`. */
  readonly backlog: SharedArrayBuffer
}

export type WorkerMessage =
  /** Alerts, in the order of `compareItems`; none of a packet before `watermark` will follow. */
  | { readonly kind: 'alerts'; readonly items: readonly AlertItem[]; readonly watermark: number }
  | {
      readonly kind: 'progress'
      readonly bytesRead: number
      readonly bytesTotal: number | undefined
      readonly packets: number
    }
  /** A capture that cannot be read to its end. */
  | { readonly kind: 'input-error'; readonly message: string }
  | { readonly kind: 'done'; readonly intact: boolean; readonly totals: RunTotals }

/**
 * How much text each worker has sent that has not been written yet, so that workers wait for a slow output instead of
 * filling the memory; and the order to stop.
 */
export class Backlog {
  readonly shared: SharedArrayBuffer
  readonly #cells: Int32Array

  constructor(shared: SharedArrayBuffer) {
    this.shared = shared
    this.#cells = new Int32Array(shared)
  }

  static create(workers: number): Backlog {
    return new Backlog(new SharedArrayBuffer((workers + 1) * Int32Array.BYTES_PER_ELEMENT))
  }

  /** Worker: `amount` more is on its way. */
  add(worker: number, amount: number): void {
    Atomics.add(this.#cells, worker + 1, amount)
  }

  /** Main thread: `amount` has been written. */
  remove(worker: number, amount: number): void {
    Atomics.sub(this.#cells, worker + 1, amount)
    Atomics.notify(this.#cells, worker + 1)
  }

  /**
   * Worker: waits while more than `limit` is waiting, but not for ever: what waits may be alerts of the packet this very
   * worker is at, which cannot be written before it moves on.
   */
  wait(worker: number, limit: number, milliseconds: number): void {
    const cell = worker + 1
    const level = Atomics.load(this.#cells, cell)
    if (level > limit && !this.stopped) Atomics.wait(this.#cells, cell, level, milliseconds)
  }

  stop(): void {
    Atomics.store(this.#cells, 0, 1)
    for (let cell = 1; cell < this.#cells.length; cell++) Atomics.notify(this.#cells, cell)
  }

  get stopped(): boolean {
    return Atomics.load(this.#cells, 0) === 1
  }
}

/** What counts against the backlog; more than nothing, so that alerts without a text count too. */
export const itemSize = ({ texts, frame }: AlertItem): number =>
  texts.reduce((sum, text) => sum + text.length, 64 + (frame?.frameLength ?? 0))
