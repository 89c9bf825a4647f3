/** Public rule sets, read whole: nothing in them may be misread. */
import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { describe, expect, it } from 'vitest'
import { sharedPath } from '../../../test/support/shared.js'
import {
  formatProblem,
  formatRule,
  type LoadedRules,
  loadRules,
  type Rule,
  ruleStatistics,
} from '../../src/rules/index.js'

/** Commented-out rules count too. */
function uncommented(path: string): Buffer {
  const lines = readFileSync(path, 'latin1').split('\n')
  const text = lines.map((line) => /^\s*#+\s*((?:alert|drop|pass|log)\s.*\(.*)$/.exec(line)?.[1] ?? line)
  return Buffer.from(text.join('\n'), 'latin1')
}

function reasons(loaded: LoadedRules): Record<string, number> {
  return Object.fromEntries(loaded.log.byReason().map(({ reason, count }) => [reason, count]))
}

const COMMUNITY = {}

const SETS: readonly {
  readonly file: string
  readonly dialect: 'snort2' | 'snort3'
  readonly rules: number
  readonly reasons: Readonly<Record<string, number>>
}[] = [
  { file: 'http-3000.rules', dialect: 'snort2', rules: 3005, reasons: { 'rawbytes on uricontent': 2 } },
  {
    file: 'snort29-community-2017.rules',
    dialect: 'snort2',
    rules: 3528,
    reasons: COMMUNITY,
  },
  {
    file: 'snort29-community-2021.rules',
    dialect: 'snort2',
    rules: 3957,
    reasons: COMMUNITY,
  },
  {
    file: 'snort29-gpl-2011-http.rules',
    dialect: 'snort2',
    rules: 1055,
    reasons: { 'rawbytes on uricontent': 2 },
  },
  { file: 'et-open-http-server-2017.rules', dialect: 'snort2', rules: 6034, reasons: {} },
  { file: 'et-open-http-client-2017.rules', dialect: 'snort2', rules: 813, reasons: {} },
  {
    file: 'snort3-community-2025.rules',
    dialect: 'snort3',
    rules: 4018,
    reasons: {},
  },
]

/** Their rules are in the other sets as well. */
const SUBSETS: ReadonlySet<string> = new Set(['http-3000.rules', 'snort29-community-2017.rules'])

describe.each(SETS)('$file', ({ file, dialect, rules, reasons: expected }) => {
  const path = sharedPath('rules', file)
  const present = it.skipIf(path === undefined)

  present('loads every rule, commented-out ones too, but for what is not evaluated', () => {
    const loaded = loadRules({ files: [{ path: path!, text: uncommented(path!) }] })
    expect(loaded.files[0]!.dialect).toBe(dialect)
    expect(loaded.problems.filter((p) => p.kind === 'syntax').map(formatProblem)).toEqual([])
    expect(reasons(loaded)).toEqual(expected)
    const statistics = ruleStatistics(loaded)
    expect(statistics.failed).toBe(0)
    expect(statistics.rules).toBe(rules)
  })

  if (SUBSETS.has(file)) return
  present('says the same again after being written out and read back', () => {
    const first = loadRules({ files: [{ path: path!, text: uncommented(path!) }] }).rules
    const text = first.map(formatRule).join('\n')
    const second = loadRules({ files: [{ path: 'written', text, dialect }] }).rules
    expect(second.length).toBe(first.length)
    const meaning = (rule: (typeof first)[number]) => ({ ...rule, text: '', position: undefined })
    const different = first.filter((rule, i) => !isDeepStrictEqual(meaning(rule), meaning(second[i]!)))
    expect(different.map(formatRule)).toEqual([])
  })
})

describe('one signature in both dialects', () => {
  const two = sharedPath('rules', 'snort29-community-2021.rules')
  const three = sharedPath('rules', 'snort3-community-2025.rules')

  /** What a rule looks for: order of names and the choice of fast pattern are spelt differently. */
  const meaning = (rule: Rule) =>
    rule.options
      // Snort 3 has no ftpbounce: its inspector does that.
      .filter((option) => option.kind !== 'set_buffer' && option.kind !== 'ftpbounce')
      .map((option) => {
        if (option.kind === 'flowbits') return { ...option, names: [...option.names].sort() }
        if (option.kind !== 'content' || option.fastPattern === undefined) return option
        // `fast_pattern:only` ignores case; the Snort 3 form says so.
        return { ...option, nocase: option.nocase || option.fastPattern.only, fastPattern: undefined }
      })
      .map((option) => (option.kind === 'pcre' ? { ...option, movesCursor: undefined } : option))
      .map((option) => (option.kind === 'content' ? { ...option, fastPattern: undefined } : option))

  it.skipIf(two === undefined || three === undefined)('means the same', () => {
    const load = (path: string) => loadRules({ files: [{ path, text: uncommented(path) }] }).rules
    const id = (rule: Rule) => `${rule.gid}:${rule.sid}:${rule.rev}`
    const others = new Map(load(three!).map((rule) => [id(rule), rule]))
    const pairs = load(two!).flatMap((rule) => {
      const other = others.get(id(rule))
      return other === undefined ? [] : [[rule, other] as const]
    })
    expect(pairs.length).toBeGreaterThan(3700)
    const different = pairs.filter(
      ([a, b]) =>
        !isDeepStrictEqual(meaning(a), meaning(b)) ||
        !isDeepStrictEqual(a.header, b.header) ||
        a.msg !== b.msg ||
        a.priority !== b.priority ||
        !isDeepStrictEqual([...a.services].sort(), [...b.services].sort()),
    )
    expect(different.map(([a, b]) => [formatRule(a), formatRule(b)])).toEqual([])
  })
})

describe('configuration files of a rule set', () => {
  const classification = sharedPath('rules', 'classification.config')
  const reference = sharedPath('rules', 'reference.config')

  it.skipIf(classification === undefined || reference === undefined)('are read without a problem', () => {
    const loaded = loadRules({ files: [{ path: classification! }, { path: reference! }] })
    expect(loaded.problems).toEqual([])
    expect(loaded.classifications.find('trojan-activity')).toEqual({
      name: 'trojan-activity',
      text: 'A Network Trojan was Detected',
      priority: 1,
    })
    expect(loaded.references.url({ system: 'CVE', id: '2014-6271' })).toMatch(/^http.*2014-6271$/)
  })
})

describe('speed', () => {
  const path = sharedPath('rules', 'snort29-community-2021.rules')

  it.skipIf(path === undefined)('reads 3,900 rules in a fraction of a second of CPU', () => {
    const before = process.cpuUsage()
    loadRules({ files: [{ path: path!, text: uncommented(path!) }] })
    const { user, system } = process.cpuUsage(before)
    // Ten times what it takes, so that a busy machine does not fail the test; a quadratic loop would.
    expect((user + system) / 1e6).toBeLessThan(2)
  })
})
