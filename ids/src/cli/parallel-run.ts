/**
 * A run in several threads: every worker reads the input and inspects its share of the flows; here their alerts are
 * brought into the order of a run in one thread, filtered and written.
 */
import { Worker } from 'node:worker_threads'
import { type AlertItem, compareItems } from './alert-item.js'
import type { AlertDelivery } from './delivery.js'
import { mergeTotals, type RunTotals } from './run-totals.js'
import { Backlog, itemSize, type WorkerJob, type WorkerMessage } from './worker-messages.js'

export interface ParallelEvents {
  readonly signal: AbortSignal
  readonly onProgress: (bytesRead: number, bytesTotal: number | undefined, packets: number) => void
  readonly onInputError: (message: string) => void
}

export interface ParallelResult {
  /** All input was read. */
  readonly intact: boolean
  readonly totals: RunTotals
}

/** What one worker has sent. */
interface Lane {
  /** In order, not delivered yet. */
  items: AlertItem[]
  /** No alert of an earlier packet will come. */
  watermark: number
}

/** Puts the alerts of all lanes in order and delivers those that nothing can come before. */
export class AlertMerger {
  readonly #lanes: readonly Lane[]
  readonly #delivery: AlertDelivery
  readonly #onDelivered: (lane: number, item: AlertItem) => void

  constructor(lanes: number, delivery: AlertDelivery, onDelivered: (lane: number, item: AlertItem) => void) {
    this.#lanes = Array.from({ length: lanes }, () => ({ items: [], watermark: 0 }))
    this.#delivery = delivery
    this.#onDelivered = onDelivered
  }

  add(lane: number, items: readonly AlertItem[], watermark: number): void {
    const to = this.#lanes[lane]!
    for (const item of items) to.items.push(item)
    to.watermark = watermark
    this.#release(Math.min(...this.#lanes.map((one) => one.watermark)))
  }

  /** Delivers what is left. */
  finish(): void {
    this.#release(Number.POSITIVE_INFINITY)
  }

  /** Alerts of packets before `limit`. */
  #release(limit: number): void {
    const ready: { readonly lane: number; readonly item: AlertItem }[] = []
    this.#lanes.forEach((from, lane) => {
      let count = 0
      while (count < from.items.length && from.items[count]!.packetNumber < limit) count += 1
      for (const item of from.items.splice(0, count)) ready.push({ lane, item })
    })
    ready.sort((a, b) => compareItems(a.item, b.item))
    for (const { lane, item } of ready) {
      this.#delivery.deliver(item)
      this.#onDelivered(lane, item)
    }
  }
}

/**
 * @param jobs one per worker
 * @throws Error when a worker fails
 */
export const runInWorkers = async (
  jobs: readonly Omit<WorkerJob, 'backlog'>[],
  delivery: AlertDelivery,
  events: ParallelEvents,
): Promise<ParallelResult> => {
  const backlog = Backlog.create(jobs.length)
  const merger = new AlertMerger(jobs.length, delivery, (lane, item) => backlog.remove(lane, itemSize(item)))
  const workers: Worker[] = []
  const stop = (): void => {
    backlog.stop()
    for (const worker of workers) worker.postMessage('stop')
  }
  events.signal.addEventListener('abort', stop, { once: true })
  try {
    const results = await Promise.all(
      jobs.map((job, lane) => {
        const workerData: WorkerJob = { ...job, backlog: backlog.shared }
        const worker = new Worker(new URL('../../bin/worker.mjs', import.meta.url), { workerData })
        workers.push(worker)
        return workerResult(worker, lane, merger, events)
      }),
    )
    merger.finish()
    return {
      intact: results.every(({ intact }) => intact),
      totals: mergeTotals(results.map(({ totals }) => totals)),
    }
  } finally {
    events.signal.removeEventListener('abort', stop)
    await Promise.all(workers.map((worker) => worker.terminate()))
  }
}

const workerResult = (
  worker: Worker,
  lane: number,
  merger: AlertMerger,
  events: ParallelEvents,
): Promise<ParallelResult> =>
  new Promise((resolve, reject) => {
    worker.on('message', (message: WorkerMessage) => {
      switch (message.kind) {
        case 'alerts':
          merger.add(lane, message.items, message.watermark)
          break
        case 'progress':
          events.onProgress(message.bytesRead, message.bytesTotal, message.packets)
          break
        case 'input-error':
          events.onInputError(message.message)
          break
        case 'done':
          resolve({ intact: message.intact, totals: message.totals })
      }
    })
    worker.on('error', reject)
    worker.on('exit', (code) => reject(new Error(`a worker thread ended early (code ${code})`)))
  })
