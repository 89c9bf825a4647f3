/**
 * `weir` itself: rules, captures or an interface, detection, alerts, summary.
 */
import { createStack, type Stack } from '@weir/stack'
import type { OutputSettings, RunSettings } from '../config/index.js'
import type { Inspector } from '../detect/inspector.js'
import { createAlertSink, OutputError, PcapPacketLog } from '../output/index.js'
import type { CommandCall } from './commands.js'
import { EXIT, type ExitCode } from './errors.js'
import { checkInputs, readInputs } from './inputs.js'
import { type Io, say } from './io.js'
import { engineText, type LoadedEngine, loadEngine, requireUsable, sayProblems } from './loaded-engine.js'
import { countText, plural } from './numbers.js'
import { Progress } from './progress.js'
import { decodeProblems, limitsReached, wrongChecksums } from './run-counters.js'
import { runSettings } from './run-settings.js'
import { StopSwitch } from './stop-switch.js'
import { summaryLines } from './summary.js'
import { AlertTally } from './tally.js'

/** Milliseconds between two flushes of the outputs in a live run. */
const LIVE_FLUSH = 500

/** Live packets after which wrong checksums are worth a word. */
const OFFLOAD_SAMPLE = 10

/** Rules named in the summary. */
const TOP_RULES = 10

export const runDetection = async ({ io, flags, version }: CommandCall): Promise<ExitCode> => {
  const settings = runSettings(flags)
  if (!settings.testOnly) checkInputs(settings.input)
  const loaded = loadEngine(settings.rules, settings.engine)
  try {
    const strict = settings.rules.strict
    if (!settings.quiet || strict) sayProblems(io, loaded.errors, loaded.errorCount)
    requireUsable(loaded, strict)
    if (settings.testOnly) return reportTest(io, settings, loaded)
    if (!settings.quiet) sayStart(io, version, loaded)
    return await inspect(io, settings, loaded)
  } finally {
    loaded.engine.close()
  }
}

const sayStart = (io: Io, version: string, loaded: LoadedEngine): void => {
  const { engine, engines, errorCount, configuration } = loaded
  const skipped = errorCount === 0 ? '' : `, ${countText(errorCount)} skipped`
  const which = configuration.bundled ? 'bundled signatures, ' : ''
  say(io, `weir ${version}: ${which}${plural(engine.rules.length, 'rule')}${skipped}; ${engineText(engines)}`)
}

const reportTest = (io: Io, settings: RunSettings, loaded: LoadedEngine): ExitCode => {
  if (!settings.quiet) {
    const { engine, engines, errorCount, warningCount } = loaded
    say(io, engineText(engines))
    const problems = `${plural(errorCount, 'rule')} skipped, ${plural(warningCount, 'warning')}`
    say(io, `configuration is valid: ${plural(engine.rules.length, 'rule')} loaded, ${problems}`)
  }
  return EXIT.DONE
}

const inspect = async (io: Io, settings: RunSettings, loaded: LoadedEngine): Promise<ExitCode> => {
  const stack = createStack({
    checksums: settings.input.checksums ?? loaded.configuration.directives.checksums ?? 'verify',
    midstream: true,
  })
  const stop = new StopSwitch(io)
  const progress = new Progress(io, settings.quiet)
  const startCpu = io.cpuSeconds()
  try {
    const packetLog = openPacketLog(io, settings.output, stop)
    const sink = new AlertTally(
      createAlertSink({
        ...settings.output,
        referenceUrl: (reference) => loaded.configuration.loaded.references.url(reference),
        interfaceName: settings.input.interfaceName,
        standardOutput: io.stdout,
        packetLog,
        currentPacket: () => stack.packet,
        onFailure: () => stop.stop(),
      }),
    )
    const inspector = loaded.engine.attach(stack, sink)
    const intact = await read(io, settings, stack, sink, stop, progress)
    stack.finish()
    progress.clear()
    const outcome = await closeOutputs(io, sink)
    if (!settings.quiet && outcome !== 'reader-gone') {
      if (stop.received !== undefined) say(io, `stopped by ${stop.received}`)
      sayPacketLog(io, packetLog)
      const cpuSeconds = io.cpuSeconds() - startCpu
      for (const line of summary(stack, inspector, sink, loaded, cpuSeconds)) say(io, line)
    }
    return intact && outcome !== 'failed' ? EXIT.DONE : EXIT.FAILURE
  } finally {
    progress.clear()
    stop.release()
  }
}

const openPacketLog = (io: Io, output: OutputSettings, stop: StopSwitch): PcapPacketLog | undefined =>
  output.logPackets
    ? new PcapPacketLog(output.directory ?? '.', Math.floor(io.now() / 1000), () => stop.stop())
    : undefined

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

/** @returns whether all input was read */
const read = async (
  io: Io,
  settings: RunSettings,
  stack: Stack,
  sink: AlertTally,
  stop: StopSwitch,
  progress: Progress,
): Promise<boolean> => {
  const live = settings.input.interfaceName !== undefined
  const warning = new ChecksumWarning(io, stack)
  const tick = (): void => {
    warning.check()
    // A failed write has been noted by the output itself and stops the run.
    sink.flush().catch(() => stop.stop())
  }
  const timer = live ? setInterval(tick, LIVE_FLUSH) : undefined
  try {
    return await readInputs(settings.input, stack, {
      signal: stop.signal,
      onProgress: (bytesRead, total) => progress.update(bytesRead, total, stack.counters.packets),
      onError: (error) => {
        progress.clear()
        say(io, `weir: ${error.message}`)
      },
    })
  } finally {
    clearInterval(timer)
  }
}

/** `reader-gone`: standard output is a pipe that nobody reads any more, which is no failure. */
type OutputOutcome = 'written' | 'failed' | 'reader-gone'

const closeOutputs = async (io: Io, sink: AlertTally): Promise<OutputOutcome> => {
  try {
    await sink.close()
    return 'written'
  } catch (error) {
    if (!(error instanceof OutputError)) throw error
    if (error.code === 'EPIPE') return 'reader-gone'
    say(io, `weir: ${error.message}`)
    return 'failed'
  }
}

const sayPacketLog = (io: Io, packetLog: PcapPacketLog | undefined): void => {
  if (packetLog === undefined) return
  const skipped =
    packetLog.skipped === 0 ? '' : `, ${plural(packetLog.skipped, 'packet')} of another link type left out`
  say(io, `${packetLog.path}: ${plural(packetLog.packets, 'packet')}${skipped}`)
}

const summary = (
  stack: Stack,
  inspector: Inspector,
  sink: AlertTally,
  loaded: LoadedEngine,
  cpuSeconds: number,
): readonly string[] => {
  const { counters } = stack
  return summaryLines({
    packets: counters.packets,
    bytes: counters.bytes,
    flows: counters.flows,
    cpuSeconds,
    alerts: sink.total,
    alertingRules: sink.rules,
    top: sink.top(TOP_RULES),
    rulesLoaded: loaded.engine.rules.length,
    skipped: loaded.skipped,
    engine: engineText(loaded.engines),
    malformed: decodeProblems(counters.decode),
    checksumErrors: wrongChecksums(counters.decode),
    gaps: counters.gaps,
    gapBytes: counters.gapBytes,
    limits: limitsReached(counters, inspector),
  })
}
