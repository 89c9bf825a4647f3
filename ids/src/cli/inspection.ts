/** The inspection itself, in this thread or in workers: input through stack and engine to the delivery of alerts. */
import { createStack, type Stack } from '@weir/stack'
import { type RunSettings, stackOptionsOf } from '../config/index.js'
import { AlertComposer, type AlertOutputs, type FormatOptions } from '../output/index.js'
import { packRules } from '../rules/index.js'
import type { AlertDelivery } from './delivery.js'
import { readInputs } from './inputs.js'
import { type Io, say } from './io.js'
import type { LoadedEngine } from './loaded-engine.js'
import { LocalSink } from './local-sink.js'
import { countText, plural } from './numbers.js'
import { unoptimised } from './optimiser.js'
import { type ParallelResult, runInWorkers } from './parallel-run.js'
import type { Progress } from './progress.js'
import { runTotals, wrongChecksums } from './run-totals.js'
import type { StopSwitch } from './stop-switch.js'
import type { WorkerData } from './worker-messages.js'

export interface RunContext {
  readonly io: Io
  readonly settings: RunSettings
  readonly loaded: LoadedEngine
  readonly outputs: AlertOutputs
  readonly delivery: AlertDelivery
  readonly stop: StopSwitch
  readonly progress: Progress
}

const checksumsOf = ({ settings, loaded }: RunContext): 'verify' | 'ignore' =>
  settings.input.checksums ?? loaded.configuration.directives.checksums ?? 'verify'

const formatOf = ({ settings }: RunContext): Omit<FormatOptions, 'referenceUrl'> => {
  const { style, utc, year, fields, payloadLimit, communityId } = settings.output
  const { interfaceName } = settings.input
  return { style, utc, year, fields, payloadLimit, communityId, interfaceName }
}

/** Milliseconds between two flushes of the outputs in a live run. */
const LIVE_FLUSH = 500

export const inspectHere = async (context: RunContext): Promise<ParallelResult> => {
  const { io, settings, loaded, outputs, delivery, stop, progress } = context
  const stack = createStack({
    ...stackOptionsOf(loaded.configuration.directives.stream, settings.input.inline),
    checksums: checksumsOf(context),
    midstream: true,
  })
  const { references } = loaded.configuration.loaded
  const composer = new AlertComposer(settings.output.formats, {
    ...formatOf(context),
    referenceUrl: (reference) => references.url(reference),
  })
  const { engine } = loaded
  const sink = new LocalSink(engine, composer, settings.output.logPackets, delivery, stack.packet)
  const inspector = unoptimised(() => engine.attach(stack, sink))
  const warning = new ChecksumWarning(io, stack)
  const tick = (): void => {
    warning.check()
    sink.release()
    try {
      outputs.flush()
    } catch {
      // The output has reported itself and stopped the run; closing it tells the user.
    }
  }
  const timer = settings.input.interfaceName === undefined ? undefined : setInterval(tick, LIVE_FLUSH)
  try {
    const intact = await readInputs(settings.input, stack, {
      signal: stop.signal,
      onProgress: (bytesRead, total) => progress.update(bytesRead, total, stack.counters.packets),
      onError: (error) => inputError(context, error.message),
      onDropped: (packets) => inputError(context, `${plural(packets, 'packet')} lost: they came too fast`),
    })
    stack.finish()
    sink.release()
    return { intact, totals: runTotals(stack, inspector, loaded.engines) }
  } finally {
    clearInterval(timer)
  }
}

export const inspectInWorkers = (context: RunContext): Promise<ParallelResult> => {
  const { settings, loaded, delivery, stop, progress } = context
  const { references } = loaded.configuration.loaded
  const announced = loaded.engine.rules.some(({ services }) => services.includes('ftp-data'))
  const facts = loaded.engine.facts()
  const data: WorkerData = {
    shardBy: (settings.share ?? (announced ? 'hosts' : 'flows')) === 'hosts' ? 'addresses' : 'flow',
    rules: packRules(loaded.engine.rules, (rule) => facts.get(rule)),
    // The rules of built-in events are among the engine's.
    settings: { ...loaded.engine.settings, builtinEvents: false },
    engine: settings.engine,
    cache: settings.cache,
    input: settings.input,
    checksums: checksumsOf(context),
    stream: loaded.configuration.directives.stream,
    formats: settings.output.formats,
    format: formatOf(context),
    references: references
      .systems()
      .map((system) => [system, references.url({ system, id: '' }) ?? ''] as const),
    logFrames: settings.output.logPackets,
  }
  return runInWorkers(settings.jobs, data, delivery, {
    signal: stop.signal,
    onProgress: (bytesRead, total, packets) => progress.update(bytesRead, total, packets),
    onInputError: (message) => inputError(context, message),
  })
}

const inputError = ({ io, progress }: RunContext, message: string): void => {
  progress.clear()
  say(io, `weir: ${message}`)
}

/** Live packets after which wrong checksums are worth a word. */
const OFFLOAD_SAMPLE = 10

/** Tells a live run at once, not at its end, that most of what it sees is being ignored. */
class ChecksumWarning {
  readonly #io: Io
  readonly #stack: Stack
  #said = false

  constructor(io: Io, stack: Stack) {
    this.#io = io
    this.#stack = stack
  }

  check(): void {
    const { packets, decode } = this.#stack.counters
    if (this.#said || packets < OFFLOAD_SAMPLE) return
    const wrong = wrongChecksums(decode)
    if (wrong <= packets / 2) return
    this.#said = true
    const share = `${countText(wrong)} of ${countText(packets)} packets`
    say(this.#io, `weir: ${share} have wrong checksums and are ignored: checksum offload? use -k none`)
  }
}
