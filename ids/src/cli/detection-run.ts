/**
 * `weir` itself: rules, captures or an interface, detection, alerts, summary.
 */
import type { OutputSettings, RunSettings } from '../config/index.js'
import { Counters } from '../detect/counters.js'
import { AlertOutputs, OutputError, PcapLog } from '../output/index.js'
import type { CommandCall } from './commands.js'
import { AlertDelivery } from './delivery.js'
import { EXIT, type ExitCode } from './errors.js'
import { checkInputs } from './inputs.js'
import { inspectHere, inspectInWorkers, type RunContext } from './inspection.js'
import { type Io, say } from './io.js'
import { engineText, type LoadedEngine, loadEngine, requireUsable, sayProblems } from './loaded-engine.js'
import { countText, plural } from './numbers.js'
import { Progress } from './progress.js'
import { runSettings } from './run-settings.js'
import { filterLimits, type RunTotals } from './run-totals.js'
import { StopSwitch } from './stop-switch.js'
import { summaryLines } from './summary.js'

/** Rules named in the summary. */
const TOP_RULES = 10

export const runDetection = async ({ io, flags, version }: CommandCall): Promise<ExitCode> => {
  const settings = runSettings(flags, io.env)
  if (!settings.testOnly) checkInputs(settings.input, settings.jobs)
  const loaded = loadEngine(settings.rules, settings, settings.input.inline)
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
  const stop = new StopSwitch(io)
  const progress = new Progress(io, settings.quiet)
  const startCpu = io.cpuSeconds()
  try {
    const frameLog = openFrameLog(io, settings.output, stop)
    const outputs = new AlertOutputs({
      ...settings.output,
      standardOutput: io.stdout,
      frameLog,
      onFailure: () => stop.stop(),
    })
    const filterCounters = new Counters()
    const { engine } = loaded
    const gate = engine.settings.deferFilters ? engine.createGate(filterCounters) : undefined
    const delivery = new AlertDelivery(engine.rules, gate, outputs)
    const context: RunContext = { io, settings, loaded, outputs, delivery, stop, progress }
    const { intact, totals } = await (settings.jobs > 1 ? inspectInWorkers(context) : inspectHere(context))
    progress.clear()
    const outcome = closeOutputs(io, outputs)
    if (!settings.quiet && outcome !== 'reader-gone') {
      if (stop.received !== undefined) say(io, `stopped by ${stop.received}`)
      sayFrameLog(io, frameLog)
      const cpuSeconds = io.cpuSeconds() - startCpu
      const limits = [...totals.limits, ...filterLimits(filterCounters)]
      const notes = withCacheTrouble(totals.notes, loaded.cacheTrouble)
      for (const line of summary({ ...totals, limits, notes }, delivery, loaded, cpuSeconds)) say(io, line)
    }
    return intact && outcome !== 'failed' ? EXIT.DONE : EXIT.FAILURE
  } finally {
    progress.clear()
    stop.release()
  }
}

/** The cache of parsed rules and that of databases are one directory, and mostly have the same to say. */
const withCacheTrouble = (notes: readonly string[], trouble: string): readonly string[] =>
  trouble === '' ? notes : [...new Set([...notes, `cache: ${trouble}`])]

const openFrameLog = (io: Io, output: OutputSettings, stop: StopSwitch): PcapLog | undefined =>
  output.logPackets
    ? new PcapLog(output.directory ?? '.', Math.floor(io.now() / 1000), () => stop.stop())
    : undefined

/** `reader-gone`: standard output is a pipe that nobody reads any more, which is no failure. */
type OutputOutcome = 'written' | 'failed' | 'reader-gone'

const closeOutputs = (io: Io, outputs: AlertOutputs): OutputOutcome => {
  try {
    outputs.close()
    return 'written'
  } catch (error) {
    if (!(error instanceof OutputError)) throw error
    if (error.code === 'EPIPE') return 'reader-gone'
    say(io, `weir: ${error.message}`)
    return 'failed'
  }
}

const sayFrameLog = (io: Io, frameLog: PcapLog | undefined): void => {
  if (frameLog === undefined) return
  const { path, packets, skipped } = frameLog
  const left = skipped === 0 ? '' : `, ${plural(skipped, 'packet')} of another link type left out`
  say(io, `${path}: ${plural(packets, 'packet')}${left}`)
}

const summary = (
  totals: RunTotals,
  delivery: AlertDelivery,
  loaded: LoadedEngine,
  cpuSeconds: number,
): readonly string[] =>
  summaryLines({
    totals,
    cpuSeconds,
    alerts: delivery.total,
    alertingRules: delivery.alertingRules,
    top: delivery.top(TOP_RULES),
    rulesLoaded: loaded.engine.rules.length,
    skipped: loaded.skipped,
    engine: engineText(loaded.engines),
  })
