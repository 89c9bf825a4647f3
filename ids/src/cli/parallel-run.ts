/**
 * A run in several threads: every worker reads the input and inspects its share of the flows; here their alerts, which
 * come in the order of a run in one thread, are filtered and written.
 *
 * When rules ask for FTP data, flows are shared out by their addresses alone: a data connection is then inspected by the
 * worker that has the control connection which announced it.
 */

import { createWorkerPool } from '@weir/stack'
import { stackOptionsOf } from '../config/index.js'
import type { AlertItem } from './alert-item.js'
import type { AlertDelivery } from './delivery.js'
import { mergeTotals, type RunTotals } from './run-totals.js'
import type { InputErrorMessage, WorkerData, WorkerResult } from './worker-messages.js'

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

/**
 * @param workers threads
 * @throws WorkerError when a worker fails
 */
export const runInWorkers = async (
  workers: number,
  data: WorkerData,
  delivery: AlertDelivery,
  events: ParallelEvents,
): Promise<ParallelResult> => {
  const pool = createWorkerPool<AlertItem, WorkerResult>({
    workers,
    entry: new URL('../../bin/worker.mjs', import.meta.url),
    data,
    stack: { ...stackOptionsOf(data.stream, data.input.inline), checksums: data.checksums, midstream: true },
    shardBy: data.shardBy,
  })
  const { results } = await pool.run({
    signal: events.signal,
    onItem: (item) => delivery.deliver(item),
    onMessage: (message) => events.onInputError((message as InputErrorMessage).inputError),
    onProgress: events.onProgress,
  })
  return {
    intact: results.every(({ intact }) => intact),
    totals: mergeTotals(results.map(({ totals }) => totals)),
  }
}
