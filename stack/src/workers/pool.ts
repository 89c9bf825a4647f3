/** The main thread's side of a pool: starts workers, merges what they emit, notices when one fails. */
import { Worker as Thread } from 'node:worker_threads'
import type { RingOptions } from '../capture/ring.js'
import { DEFAULT_STACK_OPTIONS, type StackOptionsInput, stackOptions } from '../options.js'
import { Backlog } from './backlog.js'
import { mergeCounters } from './counters.js'
import { OrderedMerger } from './merger.js'
import type { InputError, WorkerJob, WorkerMessage } from './messages.js'

/** The script that starts a worker. */
const ENTRY = new URL('../../bin/worker.mjs', import.meta.url)
const MAX_WORKERS = 1024

/** What `createWorkerPool` takes. */
export interface WorkerPoolOptions {
  /** Threads, 1 to 1,024. */
  readonly workers: number
  /** The module that exports `work` (see `Work`), as a URL; undefined when `entry` brings it. */
  readonly module?: URL
  /** Handed to `work`; whatever survives structured cloning. */
  readonly data?: unknown
  /**
   * Options of every worker's stack. `maxFlows` and `maxTimers` are those of all together. `shard.by` says what keeps flows
   * together; index and count are set by the pool, and a random `seed` when there is none.
   */
  readonly stack?: Omit<StackOptionsInput, 'shard'>
  /** What decides which worker has a flow, see `Shard`. Default 'flow'. */
  readonly shardBy?: 'flow' | 'addresses'
  /** Captures to be read one after the other; every worker reads them. */
  readonly captures?: readonly string[]
  /**
   * In place of captures: an interface (Linux), whose frames the kernel shares out among the workers. What they emit comes
   * in the order it is sent in.
   */
  readonly live?: { readonly interfaceName: string; readonly options?: Omit<RingOptions, 'fanout'> }
  /** Script that starts a thread, in place of the pool's own: it is to call `runWorker`. */
  readonly entry?: URL
}

/** What `WorkerPool.run` tells while it is under way. */
export interface PoolEvents<Item> {
  /** Ends reading; what was read is finished. */
  readonly signal?: AbortSignal
  /** What a worker emits, in order. `worker` is its index. */
  onItem?(item: Item, worker: number): void
  /** What a worker posts, at once. */
  onMessage?(message: unknown, worker: number): void
  /** How far the first worker is. */
  onProgress?(bytesRead: number, bytesTotal: number | undefined, packets: number): void
}

/** What a pool has come to. */
export interface PoolOutcome<Result> {
  /** What `finish` of each worker returned, by index. */
  readonly results: readonly Result[]
  /** Of all workers together, what `StackCounters.toJSON` gives for one stack: see `mergeCounters`. */
  readonly counters: Record<string, unknown>
  /** CPU time of each worker, seconds, start-up not included; undefined where the system does not tell (Linux does). */
  readonly cpuSeconds: readonly (number | undefined)[]
  /** A capture that could not be read to its end. Packets before that count, captures after it were not read. */
  readonly inputError: InputError | undefined
}

/** Workers that have not been started yet. */
export interface WorkerPool<Item, Result> {
  /**
   * Starts the workers and waits for them. To be called once.
   * @throws WorkerError when a worker fails or ends early; what `onItem` throws. The others have been ended then.
   */
  run(events?: PoolEvents<Item>): Promise<PoolOutcome<Result>>
  /** Ends all threads where they are: `run` rejects with a WorkerError. */
  terminate(): Promise<void>
}

/** A worker that failed. `cause` is what it threw, if it did. */
export class WorkerError extends Error {
  /** Its index, from 0. */
  readonly worker: number

  /** `text` says what happened. */
  constructor(worker: number, count: number, text: string, cause?: unknown) {
    super(`worker ${worker + 1} of ${count}: ${text}`, cause === undefined ? {} : { cause })
    this.name = 'WorkerError'
    this.worker = worker
  }
}

/**
 * A pool of threads that share the flows of captures, or of an interface. Results do not depend on the number of threads,
 * as long as no limit is reached: each worker has its share of `maxFlows`, and the limits on memory to itself.
 * @throws RangeError when an option is out of range
 */
export function createWorkerPool<Item = unknown, Result = unknown>(
  options: WorkerPoolOptions,
): WorkerPool<Item, Result> {
  const { workers: count, module, entry, live } = options
  if (!Number.isInteger(count) || count < 1 || count > MAX_WORKERS) {
    throw new RangeError(`workers must be an integer from 1 to ${MAX_WORKERS}, not ${count}`)
  }
  if (module === undefined && entry === undefined)
    throw new RangeError('a worker pool needs a module or an entry')
  const seed = options.stack?.seed ?? Math.floor(Math.random() * 2 ** 32)
  const share = (name: 'maxFlows' | 'maxTimers'): number =>
    Math.ceil((options.stack?.[name] ?? DEFAULT_STACK_OPTIONS[name]) / count)
  const fanout = { group: 1 + Math.floor(Math.random() * 0xffff), defragment: true }
  const jobs = Array.from({ length: count }, (_, index): Omit<WorkerJob, 'backlog'> => {
    // The kernel has shared the frames of an interface out already.
    const shard =
      live === undefined ? { index, count, by: options.shardBy ?? 'flow' } : { index: 0, count: 1 }
    const stack = {
      ...options.stack,
      seed,
      maxFlows: share('maxFlows'),
      maxTimers: share('maxTimers'),
      shard,
    }
    stackOptions(stack)
    return {
      index,
      count,
      module: module?.href,
      data: options.data,
      stack,
      captures: options.captures ?? [],
      live: live && {
        interfaceName: live.interfaceName,
        options: { ...live.options, ...(count > 1 ? { fanout } : {}) },
      },
    }
  })
  return new Pool<Item, Result>(jobs, entry ?? ENTRY, live === undefined)
}

type Done = Extract<WorkerMessage, { readonly kind: 'done' }>
type Items = Extract<WorkerMessage, { readonly kind: 'items' }>

/** An item, and what it counts against the backlog. */
interface Sized {
  readonly item: unknown
  readonly size: number
}

class Pool<Item, Result> implements WorkerPool<Item, Result> {
  private readonly jobs: readonly Omit<WorkerJob, 'backlog'>[]
  private readonly entry: URL
  private readonly ordered: boolean
  private readonly threads: Thread[] = []
  private readonly backlog: Backlog
  private started = false

  constructor(jobs: readonly Omit<WorkerJob, 'backlog'>[], entry: URL, ordered: boolean) {
    this.jobs = jobs
    this.entry = entry
    this.ordered = ordered
    this.backlog = Backlog.create(jobs.length)
  }

  async run(events: PoolEvents<Item> = {}): Promise<PoolOutcome<Result>> {
    if (this.started) throw new Error('a worker pool runs once')
    this.started = true
    const { signal } = events
    const deliver = ({ item, size }: Sized, lane: number): void => {
      this.backlog.remove(lane, size)
      events.onItem?.(item as Item, lane)
    }
    const merger = this.ordered ? new OrderedMerger<Sized>(this.jobs.length, deliver) : undefined
    const take = (lane: number, { items, watermark }: Items): void => {
      const sized = items.map(([order, item, size]) => [order, { item, size }] as const)
      if (merger !== undefined) merger.add(lane, sized, watermark)
      else for (const [, item] of sized) deliver(item, lane)
    }
    const stop = (): void => {
      this.backlog.stop()
      for (const thread of this.threads) thread.postMessage('stop')
    }
    signal?.addEventListener('abort', stop, { once: true })
    try {
      const lanes = this.jobs.map((job) => this.lane(job, take, events))
      if (signal?.aborted === true) stop()
      const done = await Promise.all(lanes)
      merger?.finish()
      const inputError = done.find((one) => one.inputError !== undefined)?.inputError
      return {
        results: done.map(({ result }) => result as Result),
        counters: mergeCounters(
          done.map(({ counters }) => counters),
          this.ordered,
        ),
        cpuSeconds: done.map(({ cpuSeconds }) => cpuSeconds),
        inputError,
      }
    } finally {
      signal?.removeEventListener('abort', stop)
      await this.terminate()
    }
  }

  async terminate(): Promise<void> {
    // Threads that wait for the backlog would not notice.
    this.backlog.stop()
    await Promise.all(this.threads.map((thread) => thread.terminate()))
  }

  /** Starts one worker. @returns its last message */
  private lane(
    job: Omit<WorkerJob, 'backlog'>,
    take: (lane: number, items: Items) => void,
    events: PoolEvents<Item>,
  ): Promise<Done> {
    const { index, count } = job
    const workerData: WorkerJob = { ...job, backlog: this.backlog.shared }
    const thread = new Thread(this.entry, { workerData, execArgv: threadArgv(process.execArgv) })
    this.threads.push(thread)
    return new Promise((resolve, reject) => {
      thread.on('message', (message: WorkerMessage) => {
        try {
          if (message.kind === 'done') resolve(message)
          else if (message.kind === 'items') take(index, message)
          else if (message.kind === 'message') events.onMessage?.(message.message, index)
          else events.onProgress?.(message.bytesRead, message.bytesTotal, message.packets)
        } catch (error) {
          reject(error)
        }
      })
      thread.on('messageerror', (error) => {
        reject(new WorkerError(index, count, `sent what cannot be read: ${textOf(error)}`, error))
      })
      thread.on('error', (error) => reject(new WorkerError(index, count, textOf(error), error)))
      thread.on('exit', (code) => {
        reject(new WorkerError(index, count, `the thread ended early (exit code ${code})`))
      })
    })
  }
}

/** Node's own options without those that say what the main thread runs. */
function threadArgv(argv: readonly string[]): string[] {
  const own = /^(-e|--eval|-p|--print|-pe)$/
  return argv.filter((word, i) => {
    return !own.test(word) && !own.test(argv[i - 1] ?? '') && !word.startsWith('--input-type')
  })
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
