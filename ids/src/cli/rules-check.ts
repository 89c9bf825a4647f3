/** `weir rules check`: loads and compiles rule files and reports every problem. */
import { BufferedWriter } from '../output/index.js'
import { visible } from '../output/text.js'
import { formatProblem, type RuleProblem } from '../rules/index.js'
import type { CommandCall } from './commands.js'
import { EXIT, type ExitCode } from './errors.js'
import { type LoadedEngine, loadEngine } from './loaded-engine.js'
import { countText, plural } from './numbers.js'
import { namedRuleFiles, ruleSettings } from './run-settings.js'

export const runRulesCheck = async ({ io, flags, operands }: CommandCall): Promise<ExitCode> => {
  const files = namedRuleFiles(flags, operands)
  const result = loadEngine(ruleSettings(flags, files), {})
  const writer = new BufferedWriter(io.stdout, () => {})
  if (flags.json) writer.write(jsonReport(result))
  else if (!flags.quiet) for (const line of textReport(result, files)) writer.write(`${visible(line)}\n`)
  writer.flush()
  const usable = result.engine.rules.length > 0
  return usable && !(flags.strict && result.errorCount > 0) ? EXIT.DONE : EXIT.CONFIG
}

function* textReport(result: LoadedEngine, asked: readonly string[]): Generator<string> {
  const { configuration, engine, errors, warnings, errorCount, warningCount } = result
  for (const problem of inFileOrder(errors)) yield formatProblem(problem)
  for (const problem of inFileOrder(warnings)) yield formatProblem(problem)
  const unshown = errorCount + warningCount - errors.length - warnings.length
  if (unshown > 0) yield `… and ${plural(unshown, 'more problem')}`
  for (const file of configuration.loaded.files) {
    if (file.dialect === undefined) continue
    const refused = refusedIn(result, file.path)
    const failed = file.disabled + file.failed + refused
    // classification.config and the like were not asked about.
    const rules = file.rules - refused
    if (rules + failed === 0 && !asked.includes(file.path)) continue
    const skipped = failed === 0 ? '' : `, ${countText(failed)} skipped`
    const dialect = file.dialect === 'snort2' ? 'Snort 2.9' : 'Snort 3'
    yield `${file.path}: ${plural(rules, 'rule')}${skipped}; read as ${dialect} text: ${file.dialectReason}`
  }
  if (result.skipped.length > 0) {
    yield 'skipped, by reason:'
    const sorted = [...result.skipped].sort(([, a], [, b]) => b - a)
    for (const [reason, count] of sorted) yield `${countText(count).padStart(8)}  ${reason}`
  }
  yield `${plural(engine.rules.length, 'rule')} can be used, ${plural(errorCount, 'problem')}, ${plural(warningCount, 'warning')}`
}

/** Rules of a file that were read, and then could not be compiled. */
const refusedIn = ({ engine }: LoadedEngine, path: string): number =>
  engine.problems.filter(({ severity, position }) => severity === 'error' && position.file === path).length

/** What compiling found goes among what reading found; files in the order in which they have problems. */
const inFileOrder = (problems: readonly RuleProblem[]): readonly RuleProblem[] => {
  const files = [...new Set(problems.map(({ position }) => position.file))]
  const order = new Map(files.map((file, i) => [file, i]))
  return [...problems].sort(
    (a, b) =>
      order.get(a.position.file)! - order.get(b.position.file)! ||
      a.position.line - b.position.line ||
      a.position.column - b.position.column,
  )
}

const jsonReport = (result: LoadedEngine): string => {
  const { configuration, engine, errors, warnings, errorCount, warningCount, skipped } = result
  const report = {
    rules: engine.rules.length,
    errors: errorCount,
    warnings: warningCount,
    skipped: skipped.map(([reason, count]) => ({ reason, count })),
    files: configuration.loaded.files.map((file) => ({
      file: file.path,
      dialect: file.dialect,
      rules: file.rules - refusedIn(result, file.path),
      disabled: file.disabled + refusedIn(result, file.path),
      failed: file.failed,
      duplicates: file.duplicates,
      warnings: file.warnings,
      error: file.error?.message,
    })),
    problems: [...errors, ...warnings].map(({ position, severity, kind, reason, message, sid }) => ({
      ...position,
      severity,
      kind,
      sid,
      reason,
      message,
    })),
  }
  return `${JSON.stringify(report, null, 2)}\n`
}
