/**
 * Counts over what was loaded, for `weir rules check` and `weir rules stats`.
 */
import type { LoadedRules } from './load.js'
import type { Dialect, Rule } from './model.js'
import type { ReasonCount } from './problem.js'
import type { RuleFileError } from './source.js'

export interface MutableFileReport {
  readonly path: string
  /** Undefined when the file could not be read. */
  dialect: Dialect | undefined
  /** Why this dialect. */
  dialectReason: string
  /** Rules in use. */
  rules: number
  /** Correct rules that use something not evaluated. */
  disabled: number
  /** Statements that are wrong. */
  failed: number
  /** Rules left out because another has the same gid:sid. */
  duplicates: number
  warnings: number
  /** Why the file could not be read. */
  error: RuleFileError | undefined
}

export type FileReport = Readonly<MutableFileReport>

export function newFileReport(path: string): MutableFileReport {
  return {
    path,
    dialect: undefined,
    dialectReason: '',
    rules: 0,
    disabled: 0,
    failed: 0,
    duplicates: 0,
    warnings: 0,
    error: undefined,
  }
}

export interface OptionCount {
  readonly name: string
  /** Rules that hold it. */
  readonly rules: number
  readonly occurrences: number
}

/** How often each option stands in rules that parse, evaluated or not. */
export class OptionUse {
  private readonly counts = new Map<string, { rules: number; occurrences: number; last: number }>()
  private serial = 0

  /** @param names option names of one rule, as often as they stand in it */
  add(names: readonly string[]): void {
    const serial = ++this.serial
    for (const name of names) {
      const entry = this.counts.get(name)
      if (entry === undefined) this.counts.set(name, { rules: 1, occurrences: 1, last: serial })
      else {
        entry.occurrences++
        if (entry.last !== serial) {
          entry.last = serial
          entry.rules++
        }
      }
    }
  }

  /** Adds what was counted elsewhere. */
  merge(counts: readonly OptionCount[]): void {
    for (const { name, rules, occurrences } of counts) {
      const entry = this.counts.get(name)
      if (entry === undefined) this.counts.set(name, { rules, occurrences, last: 0 })
      else {
        entry.rules += rules
        entry.occurrences += occurrences
      }
    }
  }

  /** Most used first, then by name. */
  all(): OptionCount[] {
    return [...this.counts]
      .map(([name, { rules, occurrences }]) => ({ name, rules, occurrences }))
      .sort((a, b) => b.rules - a.rules || (a.name < b.name ? -1 : 1))
  }
}

export interface RuleStatistics {
  readonly rules: number
  readonly disabled: number
  readonly failed: number
  readonly duplicates: number
  readonly warnings: number
  readonly files: LoadedRules['files']
  readonly byDialect: Readonly<Record<Dialect, number>>
  readonly byAction: Readonly<Record<string, number>>
  readonly byProtocol: Readonly<Record<string, number>>
  readonly byService: Readonly<Record<string, number>>
  readonly byClasstype: Readonly<Record<string, number>>
  readonly problems: readonly ReasonCount[]
  readonly options: readonly OptionCount[]
}

/** Numbers over one load. */
export function ruleStatistics(loaded: LoadedRules): RuleStatistics {
  const { rules, files } = loaded
  const sum = (field: 'disabled' | 'failed' | 'duplicates' | 'warnings'): number =>
    files.reduce((total, file) => total + file[field], 0)
  const dialects = tally(rules, (rule) => [rule.dialect])
  return {
    rules: rules.length,
    disabled: sum('disabled'),
    failed: sum('failed'),
    duplicates: sum('duplicates'),
    warnings: sum('warnings'),
    files,
    byDialect: { snort2: dialects.snort2 ?? 0, snort3: dialects.snort3 ?? 0 },
    byAction: tally(rules, (rule) => [rule.header.action]),
    byProtocol: tally(rules, (rule) => [rule.header.protocol]),
    byService: tally(rules, (rule) => rule.services),
    byClasstype: tally(rules, (rule) => [rule.classtype ?? '']),
    problems: loaded.log.byReason(),
    options: loaded.optionUse.all(),
  }
}

/** Most frequent first. */
function tally(rules: readonly Rule[], keys: (rule: Rule) => readonly string[]): Record<string, number> {
  const counts = new Map<string, number>()
  for (const rule of rules) for (const key of keys(rule)) counts.set(key, (counts.get(key) ?? 0) + 1)
  return Object.fromEntries([...counts].sort((a, b) => b[1] - a[1]))
}
