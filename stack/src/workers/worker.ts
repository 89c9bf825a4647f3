/** A worker's side of a pool: a stack of its own, the input, and the way to the main thread. */
import { readFileSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { CaptureError } from '../capture/error.js'
import { openCapture } from '../capture/file-source.js'
import { openRing } from '../capture/ring.js'
import type { FrameSink, PacketSource, RunOptions } from '../capture/source.js'
import { ROW_SHIFT, START_TIME } from '../flow/layout.js'
import { createStack, type Stack } from '../stack.js'
import { Backlog } from './backlog.js'
import { type ItemOrder, STAGE } from './merger.js'
import type { InputError, WorkerJob, WorkerMessage } from './messages.js'

/** What `work` gets. */
export interface Worker<Data = unknown, Item = unknown> {
  readonly index: number
  readonly count: number
  /** `WorkerPoolOptions.data`. */
  readonly data: Data
  /** Handlers are to be registered here. It sees every packet, and has this worker's share of the flows. */
  readonly stack: Stack
  /**
   * Sends something to the main thread, which gets it in the order of packets: to be called by handlers of flows, or with an
   * order of one's own. Handlers of global timers are called in every worker.
   * @param item whatever survives structured cloning
   * @param size what it counts against what may be on its way, some 16 million; default 256
   */
  emit(item: Item, size?: number, order?: ItemOrder): void
  /** Sends something to the main thread, at once and in no particular order. */
  post(message: unknown): void
  /** CPU time of this thread so far, seconds; undefined where the system does not tell (Linux does). */
  cpuSeconds(): number | undefined
}

/** Where packets come from: a source, or several that act as one. */
export interface WorkerInput {
  /** Like `PacketSource.run`. */
  run(sink: FrameSink, options: RunOptions): Promise<void>
}

/** What `work` returns. */
export interface WorkerTask<Result = unknown> {
  /** In place of the pool's captures. It has to give all workers the same packets. */
  readonly input?: WorkerInput
  /** Called when the input has ended and the stack is finished. What it returns is the worker's result. */
  finish?(): Result | Promise<Result>
}

/** What a worker's module exports as `work`: called once, before the first packet. */
export type Work<Data = unknown, Item = unknown, Result = unknown> = (
  worker: Worker<Data, Item>,
  // biome-ignore lint/suspicious/noConfusingVoidType: a function that returns nothing fits too
) => WorkerTask<Result> | void | Promise<WorkerTask<Result> | void>

/** Sizes of items held back before they are sent, and on their way, beyond which a worker waits; for how long at a time. */
const BATCH = 1 << 16
const MAX_BACKLOG = 1 << 24
const WAIT_MILLISECONDS = 1000
const DEFAULT_SIZE = 256

const post = (message: WorkerMessage): void => parentPort?.postMessage(message)

class PoolWorker implements Worker {
  readonly index: number
  readonly count: number
  readonly data: unknown
  readonly stack: Stack
  private readonly backlog: Backlog
  private items: (readonly [ItemOrder, unknown, number])[] = []
  private size = 0
  /** The input has ended: what is left belongs to the last packet, so waiting would be for nothing. */
  finishing = false

  constructor(job: WorkerJob, stack: Stack) {
    this.index = job.index
    this.count = job.count
    this.data = job.data
    this.stack = stack
    this.backlog = new Backlog(job.backlog)
  }

  emit(item: unknown, size = DEFAULT_SIZE, order: ItemOrder = this.order()): void {
    this.items.push([order, item, size])
    this.size += size
    if (this.size >= BATCH) this.send()
  }

  post(message: unknown): void {
    post({ kind: 'message', message })
  }

  readonly cpuSeconds = threadCpu

  /** Sends what is held. Items of the current packet may still follow. */
  send(): void {
    this.backlog.add(this.index, this.size)
    post({ kind: 'items', items: this.items, watermark: this.stack.packet.number })
    this.items = []
    this.size = 0
    if (!this.finishing) this.backlog.wait(this.index, MAX_BACKLOG, WAIT_MILLISECONDS)
  }

  private order(): ItemOrder {
    const { packet, events, table } = this.stack
    const row = events.current
    const packetNumber = packet.number
    const late = packet.locked || this.finishing
    const stage = late ? STAGE.LATE : packet.isFragment ? STAGE.FRAGMENT : STAGE.PACKET
    if (!late || row === 0) return { packetNumber, stage, flowStart: 0, flowKey: '' }
    const at = row << ROW_SHIFT
    // The words that identify it: addresses, ports, link.
    const flowKey = table.words.subarray(at, at + 10).join(' ')
    const flowStart = table.times[(at + START_TIME) >> 1]
    return { packetNumber, stage, flowStart, flowKey }
  }
}

/** The captures of the job, one after the other; or its interface. */
class JobInput implements WorkerInput {
  private readonly job: WorkerJob

  constructor(job: WorkerJob) {
    this.job = job
  }

  async run(sink: FrameSink, options: RunOptions): Promise<void> {
    const { captures, live } = this.job
    if (live !== undefined) {
      await openRing(live.interfaceName, live.options).run(sink, options)
      return
    }
    let before = 0
    for (const path of captures) {
      if (options.signal?.aborted === true) return
      const source: PacketSource = openCapture(path)
      const { onProgress } = options
      await source.run(sink, {
        ...options,
        onProgress: (bytesRead, total) =>
          onProgress?.(before + bytesRead, captures.length === 1 ? total : undefined),
      })
      before += source.counters.bytesRead
    }
  }
}

/**
 * Does a worker's part, and ends its thread. Called by the script that starts it.
 * @param own the `work` function, when the pool was not given a module
 */
export async function runWorker(own?: Work<never, never>): Promise<void> {
  const job = workerData as WorkerJob
  const work = (own ?? (await load(job))) as Work
  const stack = createStack(job.stack)
  const worker = new PoolWorker(job, stack)
  const stop = new AbortController()
  parentPort?.on('message', () => stop.abort())
  const task = (await work(worker)) ?? {}
  const input = task.input ?? new JobInput(job)
  const start = threadCpu()
  let inputError: InputError | undefined
  try {
    await input.run(stack, {
      signal: stop.signal,
      onProgress: (bytesRead, bytesTotal) => {
        worker.send()
        if (job.index === 0) post({ kind: 'progress', bytesRead, bytesTotal, packets: stack.packet.number })
      },
    })
  } catch (error) {
    // What handlers throw is not the input's fault.
    if (!(error instanceof CaptureError)) throw error
    const { code, path, message, packetNumber, byteOffset } = error
    inputError = { code, path, message, packetNumber, byteOffset }
  }
  worker.finishing = true
  stack.finish()
  const result = await task.finish?.()
  worker.send()
  const end = threadCpu()
  const cpuSeconds = start === undefined || end === undefined ? undefined : end - start
  post({ kind: 'done', result, counters: stack.counters.toJSON(), cpuSeconds, inputError })
  parentPort?.close()
}

async function load({ module }: WorkerJob): Promise<unknown> {
  const loaded = (await import(module ?? '')) as { readonly work?: unknown }
  if (typeof loaded.work !== 'function') throw new TypeError(`${module} exports no function "work"`)
  return loaded.work
}

/** CPU time of this thread so far, seconds. */
function threadCpu(): number | undefined {
  try {
    return Number(readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ')[0]) / 1e9
  } catch {
    return undefined
  }
}
