/** What the main thread and its workers tell each other. Everything here survives structured cloning. */
import type { CaptureError } from '../capture/error.js'
import type { RingOptions } from '../capture/ring.js'
import type { StackOptionsInput } from '../options.js'
import type { ItemOrder } from './merger.js'

/** The job of one worker, its `workerData`. */
export interface WorkerJob {
  readonly index: number
  readonly count: number
  /** URL of the module that exports `work`; undefined when the script that starts the thread brings its own. */
  readonly module: string | undefined
  readonly data: unknown
  /** Complete: with seed and shard. */
  readonly stack: StackOptionsInput
  readonly captures: readonly string[]
  readonly live: { readonly interfaceName: string; readonly options: RingOptions } | undefined
  /** See `Backlog`. */
  readonly backlog: SharedArrayBuffer
}

/** What a `CaptureError` says; as the error itself it would not survive the way to another thread. */
export type InputError = Pick<CaptureError, 'code' | 'path' | 'message' | 'packetNumber' | 'byteOffset'>

export type WorkerMessage =
  | {
      readonly kind: 'items'
      /** With what each counts against the backlog. */
      readonly items: readonly (readonly [order: ItemOrder, item: unknown, size: number])[]
      readonly watermark: number
    }
  | { readonly kind: 'message'; readonly message: unknown }
  | {
      readonly kind: 'progress'
      readonly bytesRead: number
      readonly bytesTotal: number | undefined
      readonly packets: number
    }
  | {
      readonly kind: 'done'
      readonly result: unknown
      readonly counters: Record<string, unknown>
      /** CPU time of the thread since its work began, seconds; undefined where the system does not tell. */
      readonly cpuSeconds: number | undefined
      readonly inputError: InputError | undefined
    }
