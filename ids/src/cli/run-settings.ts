/** Flag values → settings of a detection run. What single values cannot tell is checked here: combinations. */
import { availableParallelism } from 'node:os'
import {
  ALERT_BEFORE_PASS,
  DEFAULTS,
  type InputSettings,
  type OutputSettings,
  type RuleSettings,
  type RunSettings,
} from '../config/index.js'
import type { EventQueueSettings } from '../detect/event-queue.js'
import { cacheDirectory } from '../match/index.js'
import type { AlertFormat } from '../output/index.js'
import { usageError } from './errors.js'
import type { FlagValues } from './flags.js'

const STDIN = '-'

/** @throws CliError (usage) */
export const runSettings = (
  flags: FlagValues,
  env: Readonly<Record<string, string | undefined>>,
): RunSettings => {
  checkInput(flags)
  return {
    input: inputSettings(flags),
    rules: ruleSettings(flags, flags.rules),
    output: outputSettings(flags),
    engine: flags.engine,
    cache: cacheDirectory(flags.cache === undefined ? env : { WEIR_CACHE: flags.cache }),
    jobs: jobCount(flags),
    share: flags.share,
    quiet: flags.quiet,
    testOnly: flags.test,
  }
}

export const inputSettings = (flags: FlagValues): InputSettings => ({
  files: flags.read,
  interfaceName: flags.interface,
  inline: flags.inline,
  filter: flags.bpf,
  snaplen: flags.snaplen ?? DEFAULTS.snaplen,
  packetCount: flags.count,
  checksums: flags.checksums,
})

/** The files that `weir rules` looks at. @throws CliError when there are none */
export const namedRuleFiles = (flags: FlagValues, operands: readonly string[]): readonly string[] => {
  const files = [...operands, ...flags.rules]
  if (files.length === 0) throw usageError('no rule files are named')
  return files
}

/** `files` come from -R, or from the operands of `weir rules`. */
export const ruleSettings = (flags: FlagValues, files: readonly string[]): RuleSettings => ({
  configuration: flags.conf,
  files,
  texts: flags.rule,
  variables: flags.set,
  classification: flags.classification,
  references: flags.references,
  strict: flags.strict,
  builtin: flags.builtin,
  lenientHttp: flags.lenientHttp,
  rawStreams: flags.rawStreams,
  eventQueue: queueSettings(flags),
})

const queueSettings = (flags: FlagValues): Partial<EventQueueSettings> => {
  if (flags.alertBeforePass && flags.order !== undefined)
    throw usageError('--order and --alert-before-pass exclude each other')
  const order = flags.alertBeforePass ? ALERT_BEFORE_PASS : flags.order
  return {
    ...flags.eventQueue,
    ...(order === undefined ? {} : { actionOrder: order }),
    ...(flags.processAllEvents ? { processAllEvents: true } : {}),
  }
}

/** 0 asks for as many threads as there are processors. */
const jobCount = (flags: FlagValues): number => {
  const given = flags.jobs ?? flags.maxPacketThreads ?? 1
  const jobs = given === 0 ? availableParallelism() : given
  if (jobs > 1 && flags.interface !== undefined)
    throw usageError('-j is for captures (-r); a live run uses one thread')
  return jobs
}

const checkInput = (flags: FlagValues): void => {
  const live = flags.interface !== undefined
  if (!live && flags.read.length === 0 && !flags.test) {
    throw usageError('nothing to inspect: give -r FILE or -i INTERFACE')
  }
  if (flags.inline && jobCount(flags) > 1) throw usageError('-Q works with one thread')
  const pair = flags.interface?.split(':') ?? []
  if (flags.inline && live && (pair.length !== 2 || pair.includes('')))
    throw usageError('-Q needs two interfaces: -i FIRST:SECOND')
  if (flags.inline && live && flags.count !== undefined) throw usageError('-n is not for -Q on interfaces')
  if (live && flags.read.length > 0) throw usageError('-r and -i exclude each other')
  if (!live && flags.snaplen !== undefined) throw usageError('-s is for live captures (-i) only')
  const standardInputs = [...flags.read, ...flags.rules].filter((file) => file === STDIN)
  if (standardInputs.length > 1) throw usageError('standard input (-) can be read once only')
}

const outputSettings = (flags: FlagValues): OutputSettings => {
  const formats = alertFormats(flags)
  const fields = flags.fields.length === 0 ? undefined : flags.fields
  if (fields !== undefined && !formats.some((format) => format === 'csv' || format === 'json')) {
    throw usageError('--fields is for -A csv and -A json')
  }
  return {
    formats,
    style: flags.alertStyle ?? DEFAULTS.style,
    fields,
    directory: flags.logDir,
    logPackets: flags.log === 'pcap',
    utc: flags.utc,
    year: flags.year,
    payloadLimit: flags.payloadBytes ?? DEFAULTS.payloadLimit,
    communityId: flags.communityId,
  }
}

const alertFormats = (flags: FlagValues): readonly AlertFormat[] => {
  if (flags.alert.length === 0) return [DEFAULTS.format]
  const formats = [...new Set(flags.alert)]
  const chosen = formats.filter((format) => format !== 'none')
  if (chosen.length > 0 && chosen.length < formats.length) throw usageError('-A none excludes other formats')
  if (chosen.length > 1 && flags.logDir === undefined) {
    throw usageError('several alert formats need a directory to go to: give -l DIRECTORY')
  }
  return chosen
}
