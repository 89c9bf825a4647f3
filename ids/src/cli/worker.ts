/**
 * A worker thread: reads all of the input, inspects its share of the flows, sends the alerts to the main thread. Called
 * by bin/worker.mjs.
 */
import { parentPort } from 'node:worker_threads'
import { createStack, type Stack } from '@weir/stack'
import { createEngine } from '../detect/engine.js'
import { createEngines } from '../match/index.js'
import { AlertComposer, type AlertRecord, type AlertSink, isPacketOf } from '../output/index.js'
import type { Rule } from '../rules/index.js'
import { type AlertItem, makeItem } from './alert-item.js'
import { readInputs } from './inputs.js'
import { runTotals } from './run-totals.js'
import { Backlog, itemSize, type WorkerJob, type WorkerMessage } from './worker-messages.js'

/** Characters of alert text per message. */
const BATCH = 1 << 16
/** Characters on their way beyond which a worker waits, and how long at a time. */
const MAX_BACKLOG = 1 << 24
const WAIT_MILLISECONDS = 1000

const post = (message: WorkerMessage): void => parentPort!.postMessage(message)

class WorkerSink implements AlertSink {
  readonly #job: WorkerJob
  readonly #stack: Stack
  readonly #composer: AlertComposer
  readonly #backlog: Backlog
  readonly #indices: ReadonlyMap<Rule, number>
  #items: AlertItem[] = []
  #size = 0
  /** No waiting any more: everything that is left belongs to the last packet. */
  finishing = false

  constructor(job: WorkerJob, stack: Stack, backlog: Backlog) {
    const urls = new Map(job.references)
    this.#job = job
    this.#stack = stack
    this.#backlog = backlog
    this.#indices = new Map(job.rules.map((rule, index) => [rule, index]))
    this.#composer = new AlertComposer(job.formats, {
      ...job.format,
      referenceUrl: ({ system, id }) => {
        const prefix = urls.get(system.toLowerCase())
        return prefix === undefined ? undefined : prefix + id
      },
    })
  }

  alert(record: AlertRecord): void {
    const { packet } = this.#stack
    const own = isPacketOf(packet, record) ? packet : undefined
    const rule = this.#indices.get(record.rule)!
    const item = makeItem(record, own, rule, this.#composer, this.#job.logFrames)
    this.#items.push(item)
    this.#size += itemSize(item)
    if (this.#size >= BATCH) this.send()
  }

  /** Sends what is held. Alerts of the current packet may still follow. */
  send(): void {
    const { index } = this.#job
    this.#backlog.add(index, this.#size)
    post({ kind: 'alerts', items: this.#items, watermark: this.#stack.packet.number })
    this.#items = []
    this.#size = 0
    if (!this.finishing) this.#backlog.wait(index, MAX_BACKLOG, WAIT_MILLISECONDS)
  }

  async flush(): Promise<void> {}

  async close(): Promise<void> {}
}

export const work = async (job: WorkerJob): Promise<void> => {
  const engines = createEngines({ engine: job.engine, cache: job.cache })
  const engine = createEngine({
    rules: job.rules,
    matcherEngine: engines.matcher,
    regexEngine: engines.regex,
    settings: job.settings,
  })
  const stack = createStack({
    checksums: job.checksums,
    midstream: true,
    maxFlows: job.maxFlows,
    seed: job.seed,
    shard: { index: job.index, count: job.count },
  })
  const backlog = new Backlog(job.backlog)
  const sink = new WorkerSink(job, stack, backlog)
  const inspector = engine.attach(stack, sink)
  const stop = new AbortController()
  parentPort!.on('message', () => stop.abort())
  const first = job.index === 0
  const intact = await readInputs(job.input, stack, {
    signal: stop.signal,
    onProgress: (bytesRead, bytesTotal) => {
      sink.send()
      if (first) post({ kind: 'progress', bytesRead, bytesTotal, packets: stack.counters.packets })
    },
    onError: (error) => {
      if (first) post({ kind: 'input-error', message: error.message })
    },
  })
  sink.finishing = true
  stack.finish()
  sink.send()
  post({ kind: 'done', intact, totals: runTotals(stack, inspector, engines) })
  parentPort!.close()
  engine.close()
}
