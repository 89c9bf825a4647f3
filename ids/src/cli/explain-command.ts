/** `weir explain`: why a rule did or did not alert, flow by flow. */
import { loadRuleConfiguration, stackOptionsOf } from '../config/index.js'
import {
  DEFAULT_FLOWS,
  Explainer,
  explanationJson,
  explanationText,
  notLoadedJson,
  notLoadedText,
} from '../explain/index.js'
import { cacheDirectory, createEngines, type Engines } from '../match/index.js'
import { BufferedWriter, visible } from '../output/index.js'
import type { CommandCall } from './commands.js'
import { CliError, EXIT, type ExitCode, usageError } from './errors.js'
import { checkInputs, readInputs } from './inputs.js'
import { say } from './io.js'
import { Progress } from './progress.js'
import { inputSettings, ruleSettings } from './run-settings.js'
import { StopSwitch } from './stop-switch.js'

const enginesFor = ({ flags, io }: CommandCall): Engines => {
  try {
    const cache = cacheDirectory(flags.cache === undefined ? io.env : { WEIR_CACHE: flags.cache })
    return createEngines({ engine: flags.engine, cache })
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    throw new CliError(message, EXIT.FAILURE, { cause: error })
  }
}

export const runExplain = async (call: CommandCall): Promise<ExitCode> => {
  const { io, flags } = call
  if (flags.read.length === 0) throw usageError('nothing to read: give -r FILE')
  if (flags.sid.length === 0) throw usageError('which rule? give --sid SID')
  const input = inputSettings(flags)
  checkInputs(input, 1)
  const settings = ruleSettings(flags, flags.rules)
  const { loaded, directives } = loadRuleConfiguration(settings)
  const engines = enginesFor(call)
  const explainer = new Explainer({
    loaded,
    ids: flags.sid,
    matcherEngine: engines.matcher,
    regexEngine: engines.regex,
    filters: {
      eventFilters: directives.eventFilters,
      suppressions: directives.suppressions,
      rateFilters: directives.rateFilters,
      eventQueue: { ...directives.eventQueue, ...settings.eventQueue },
    },
    checksums: input.checksums ?? directives.checksums ?? 'verify',
    stream: stackOptionsOf(directives.stream),
  })
  const stop = new StopSwitch(io)
  const writer = new BufferedWriter(io.stdout, () => stop.stop())
  const progress = new Progress(io, flags.quiet)
  // JSON escapes what needs it.
  const line = (text: string): void => writer.write(`${flags.json ? text : visible(text)}\n`)
  try {
    for (const one of explainer.missing) line(flags.json ? notLoadedJson(one) : notLoadedText(one))
    let intact = true
    if (explainer.hasRules) {
      intact = await readInputs(input, explainer, {
        signal: stop.signal,
        onProgress: (read, total) => progress.update(read, total, explainer.stack.counters.packets),
        onError: (error) => {
          progress.clear()
          say(io, `weir: ${error.message}`)
        },
      })
    }
    const { rules } = explainer.finish()
    rules.forEach((rule, i) => {
      if (!flags.json && i + explainer.missing.length > 0) line('')
      const lines = flags.json ? explanationJson(rule) : explanationText(rule, flags.flows ?? DEFAULT_FLOWS)
      for (const text of lines) line(text)
    })
    writer.flush()
    if (!intact) return EXIT.FAILURE
    return explainer.missing.length > 0 ? EXIT.CONFIG : EXIT.DONE
  } finally {
    progress.clear()
    stop.release()
  }
}
