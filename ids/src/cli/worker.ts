/**
 * A worker thread: reads all of the input, inspects its share of the flows, sends the alerts to the main thread. Called
 * by bin/worker.mjs.
 */
import { runWorker, STAGE, type Work, type Worker } from '@weir/stack'
import { createEngine, type Engine } from '../detect/engine.js'
import type { RuleFacts } from '../detect/rule-facts.js'
import { createEngines } from '../match/index.js'
import { AlertComposer, type AlertRecord, type AlertSink, type LoggedFrame } from '../output/index.js'
import { type Rule, unpackRules } from '../rules/index.js'
import { type AlertItem, makeItem, makeTagged } from './alert-item.js'
import { readInputs } from './inputs.js'
import { runTotals } from './run-totals.js'
import { type InputErrorMessage, itemSize, type WorkerData, type WorkerResult } from './worker-messages.js'

class WorkerSink implements AlertSink {
  readonly #worker: Worker<WorkerData, AlertItem>
  readonly tagged?: (packet: LoggedFrame) => void
  readonly #engine: Engine
  readonly #composer: AlertComposer
  readonly #indices: ReadonlyMap<Rule, number>

  constructor(worker: Worker<WorkerData, AlertItem>, engine: Engine, rules: readonly Rule[]) {
    const { references, formats, format } = worker.data
    const urls = new Map(references)
    this.#worker = worker
    this.#engine = engine
    if (worker.data.logFrames) this.tagged = (packet) => this.#log(packet)
    this.#indices = new Map(rules.map((rule, index) => [rule, index]))
    this.#composer = new AlertComposer(formats, {
      ...format,
      referenceUrl: ({ system, id }) => {
        const prefix = urls.get(system.toLowerCase())
        return prefix === undefined ? undefined : prefix + id
      },
    })
  }

  #log(packet: LoggedFrame): void {
    const item = makeTagged(packet)
    const { packetNumber, flowStart, flowKey } = item
    this.#worker.emit(item, itemSize(item), { packetNumber, stage: STAGE.PACKET, flowStart, flowKey })
  }

  alert(record: AlertRecord): void {
    const { stack, data } = this.#worker
    const own = record.late ? undefined : stack.packet
    const rule = this.#indices.get(record.rule)!
    const actions = this.#engine.changedActions(record.rule)
    const item = makeItem(record, own, rule, this.#composer, data.logFrames, actions)
    const { packetNumber, late, flowStart, flowKey } = item
    const stage = late ? STAGE.LATE : STAGE.PACKET
    this.#worker.emit(item, itemSize(item), { packetNumber, stage, flowStart, flowKey })
  }

  async flush(): Promise<void> {}

  async close(): Promise<void> {}
}

const inspect: Work<WorkerData, AlertItem, WorkerResult> = (worker) => {
  const { data, stack } = worker
  const engines = createEngines({ engine: data.engine, cache: data.cache })
  const { rules, notes } = unpackRules(data.rules)
  const facts = new Map(rules.map((rule, i) => [rule, notes[i] as RuleFacts | undefined]))
  const engine = createEngine({
    rules,
    factsOf: (rule) => facts.get(rule),
    matcherEngine: engines.matcher,
    regexEngine: engines.regex,
    settings: data.settings,
  })
  const inspector = engine.attach(stack, new WorkerSink(worker, engine, rules))
  let intact = true
  return {
    input: {
      run: async (sink, { signal, onProgress }) => {
        intact = await readInputs(data.input, sink, {
          signal: signal ?? new AbortController().signal,
          onProgress: (bytesRead, bytesTotal) => onProgress?.(bytesRead, bytesTotal),
          onError: (error) => {
            if (worker.index === 0) worker.post({ inputError: error.message } satisfies InputErrorMessage)
          },
        })
      },
    },
    finish: () => {
      const totals = runTotals(stack, inspector, engines)
      engine.close()
      return { intact, totals }
    },
  }
}

export const work = (): Promise<void> => runWorker(inspect)
