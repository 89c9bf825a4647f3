/** `weir rules stats`: what rule files are made of. */
import { loadRuleConfiguration } from '../config/index.js'
import { chooseFastPattern } from '../detect/fast-pattern.js'
import { BUFFER_NAMES } from '../inspect/buffers.js'
import { BufferedWriter } from '../output/index.js'
import { visible } from '../output/text.js'
import { type Rule, ruleStatistics } from '../rules/index.js'
import type { CommandCall } from './commands.js'
import { EXIT, type ExitCode } from './errors.js'
import { countText, plural } from './numbers.js'
import { namedRuleFiles, ruleSettings } from './run-settings.js'

/** Fast patterns of rules: how many per length, per buffer, and rules without one. */
interface FastPatternStatistics {
  readonly none: number
  readonly byBuffer: Readonly<Record<string, number>>
  readonly byLength: Readonly<Record<string, number>>
}

const fastPatterns = (rules: readonly Rule[]): FastPatternStatistics => {
  const byBuffer: Record<string, number> = {}
  const byLength: Record<string, number> = {}
  let none = 0
  for (const rule of rules) {
    const pattern = chooseFastPattern(rule, 0)
    if (pattern === undefined) {
      none += 1
      continue
    }
    const buffer = BUFFER_NAMES[pattern.buffer]!
    byBuffer[buffer] = (byBuffer[buffer] ?? 0) + 1
    const length = String(pattern.text.length)
    byLength[length] = (byLength[length] ?? 0) + 1
  }
  return { none, byBuffer, byLength }
}

const LIST_LIMIT = 20

export const runRulesStats = async ({ io, flags, operands }: CommandCall): Promise<ExitCode> => {
  const { loaded } = loadRuleConfiguration(ruleSettings(flags, namedRuleFiles(flags, operands)))
  const statistics = ruleStatistics(loaded)
  const patterns = fastPatterns(loaded.rules)
  const writer = new BufferedWriter(io.stdout, () => {})
  if (flags.json) {
    const { files: _, problems: __, ...counts } = statistics
    writer.write(`${JSON.stringify({ ...counts, fastPatterns: patterns }, null, 2)}\n`)
  } else {
    const { disabled, failed, duplicates } = statistics
    writer.write(
      `${plural(statistics.rules, 'rule')}; left out: ${countText(disabled)} not evaluated, ` +
        `${countText(failed)} wrong, ${plural(duplicates, 'duplicate')}\n`,
    )
    writeCounts(writer, 'action', Object.entries(statistics.byAction))
    writeCounts(writer, 'protocol', Object.entries(statistics.byProtocol))
    writeCounts(writer, 'service', Object.entries(statistics.byService))
    writeCounts(writer, 'class', Object.entries(statistics.byClasstype))
    writeCounts(
      writer,
      'option (rules that use it)',
      statistics.options.map(({ name, rules }) => [name, rules]),
    )
    writeCounts(writer, 'fast pattern buffer', [
      ...Object.entries(patterns.byBuffer),
      ['(none)', patterns.none],
    ])
    writeCounts(writer, 'fast pattern length', Object.entries(patterns.byLength))
  }
  writer.flush()
  return statistics.rules > 0 ? EXIT.DONE : EXIT.CONFIG
}

const writeCounts = (
  writer: BufferedWriter,
  title: string,
  counts: readonly (readonly [string, number])[],
): void => {
  const sorted = counts.filter(([, count]) => count > 0).sort(([, a], [, b]) => b - a)
  if (sorted.length === 0) return
  writer.write(`\n${title}\n`)
  for (const [name, count] of sorted.slice(0, LIST_LIMIT)) {
    writer.write(`${countText(count).padStart(8)}  ${visible(name === '' ? '(none)' : name)}\n`)
  }
  const rest = sorted.slice(LIST_LIMIT).reduce((sum, [, count]) => sum + count, 0)
  if (rest > 0) writer.write(`${countText(rest).padStart(8)}  (others)\n`)
}
