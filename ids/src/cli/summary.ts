/** The report at the end of a run: a few lines, each only when it has something to say. */
import type { Rule } from '../rules/model.js'
import { bytesText, countText, plural } from './numbers.js'
import type { RunTotals } from './run-totals.js'

export type Count = readonly [what: string, count: number]

export interface RunSummary {
  readonly totals: RunTotals
  readonly cpuSeconds: number
  readonly alerts: number
  readonly alertingRules: number
  /** Most frequent first; may be shorter than `alertingRules`. */
  readonly top: readonly (readonly [rule: Rule, count: number])[]
  readonly rulesLoaded: number
  /** Rules left out, by reason. */
  readonly skipped: readonly Count[]
  readonly engine: string
}

const TOP_REASONS = 5

/** `3 × a, 1 × b, 7 × others`, most frequent first. */
const listed = (counts: readonly Count[]): string => {
  const sorted = [...counts].sort(([, a], [, b]) => b - a)
  const shown = sorted.slice(0, TOP_REASONS).map(([what, count]) => `${countText(count)} × ${what}`)
  const rest = sorted.slice(TOP_REASONS).reduce((sum, [, count]) => sum + count, 0)
  if (rest > 0) shown.push(`${countText(rest)} × other reasons`)
  return shown.join(', ')
}

const total = (counts: readonly Count[]): number => counts.reduce((sum, [, count]) => sum + count, 0)

const NO_OFFLOAD_BELOW = 0.5

/** A host that captures its own traffic sees checksums its network card has yet to compute. */
const checksumHint = ({ checksumErrors, packets }: Pick<RunTotals, 'checksumErrors' | 'packets'>): string =>
  checksumErrors > packets * NO_OFFLOAD_BELOW
    ? '; most packets are concerned, so checksum offload is likely: use -k none'
    : '; if the capturing host sent them itself (checksum offload), use -k none'

/** Of packets left out because of their checksum. */
export const checksumLine = (totals: Pick<RunTotals, 'checksumErrors' | 'packets'>): string =>
  `wrong checksum: ${plural(totals.checksumErrors, 'packet')} ignored${checksumHint(totals)}`

export const summaryLines = (summary: RunSummary): readonly string[] => {
  const { totals, alerts, skipped } = summary
  const { packets, bytes, flows, malformed, limits, checksumErrors } = totals
  const lines = [
    `${plural(packets, 'packet')}, ${bytesText(bytes)}, ${plural(flows, 'flow')}, ${summary.cpuSeconds.toFixed(2)} s CPU`,
    `engine: ${summary.engine}`,
    `rules: ${countText(summary.rulesLoaded)} loaded${
      skipped.length === 0 ? '' : `, ${countText(total(skipped))} skipped: ${listed(skipped)}`
    }`,
  ]
  if (malformed.length > 0)
    lines.push(`not decoded: ${plural(total(malformed), 'packet')}: ${listed(malformed)}`)
  if (checksumErrors > 0) lines.push(checksumLine(totals))
  if (totals.gaps > 0)
    lines.push(`missing: ${plural(totals.gaps, 'gap')} in streams, ${bytesText(totals.gapBytes)}`)
  if (limits.length > 0) lines.push(`limits reached: ${listed(limits)}`)
  lines.push(...totals.notes)
  lines.push(
    alerts === 0 ? 'no alerts' : `${plural(alerts, 'alert')} by ${plural(summary.alertingRules, 'rule')}:`,
  )
  for (const [rule, count] of summary.top) {
    lines.push(`${countText(count).padStart(10)}  ${rule.gid}:${rule.sid}:${rule.rev}  ${rule.msg}`)
  }
  const unlisted = summary.alertingRules - summary.top.length
  if (unlisted > 0) lines.push(`            and ${plural(unlisted, 'more rule')}`)
  return lines
}
