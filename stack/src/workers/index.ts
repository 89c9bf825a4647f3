/**
 * Several threads that share the flows of one input, and bring what they say into the order of one thread.
 *
 * In: captures (or an interface), and a module whose `work` function registers handlers at the stack it is given. Out:
 * what the handlers emit, in an order that does not depend on the number of threads, a result and counters. Nothing is
 * shared between threads but the input: every thread has a stack of its own and the flows whose addresses fall to it
 * (flow/shard.ts). Called by applications; `runWorker` by the script that starts a thread.
 */
export { Backlog } from './backlog.js'
export { mergeCounters } from './counters.js'
export { type ItemOrder, OrderedMerger, STAGE } from './merger.js'
export type { InputError } from './messages.js'
export {
  createWorkerPool,
  type PoolEvents,
  type PoolOutcome,
  WorkerError,
  type WorkerPool,
  type WorkerPoolOptions,
} from './pool.js'
export { runWorker, type Work, type Worker, type WorkerInput, type WorkerTask } from './worker.js'
