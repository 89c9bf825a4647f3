/**
 * Detection cases with known answers: a capture, rules, and the alerts that real engines raised.
 *
 * In: `cases.json` beside the captures. Out: the cases, and the verdict on a run. Called by the case tests.
 */
import { readFileSync } from 'node:fs'
import { type DetectSettings, loadRules, Variables } from 'weir'
import { newConfigDirectives, takeDirective } from '../../ids/src/config/directives.js'
import { otherAnswer } from './cases-answers.js'
import type { FlowAlert } from './run.js'
import { sharedPath } from './shared.js'

export interface DetectionCase {
  readonly id: string
  readonly class: 'core' | 'protocol' | 'event'
  readonly pcap: string
  readonly rules: { readonly snort3?: string | null; readonly snort2?: string | null }
  readonly checksums?: string
  readonly truth: string
  readonly exact: boolean
  readonly expected: readonly { readonly gid: number; readonly sid: number; readonly count: number }[]
  /** Snort was inline: actions were taken. */
  readonly inline?: boolean
  /** Snort's configuration where it is not the stock one. */
  readonly snort3_config?: Snort3Config
  /** Filters in the words of threshold.conf. */
  readonly threshold_config?: string | null
  readonly snort3_builtin?: readonly { readonly gid: number; readonly sid: number; readonly count: number }[]
  readonly note: string
}

interface Snort3Suppression {
  readonly gid: number
  readonly sid: number
  readonly track?: 'by_src' | 'by_dst'
  readonly ip?: string
}

interface Snort3RateFilter {
  readonly gid: number
  readonly sid: number
  readonly track: string
  readonly count: number
  readonly seconds: number
  readonly timeout: number
  readonly new_action: string
}

/** The parts of a Snort 3 configuration that say what is reported. */
interface Snort3Config {
  readonly wizard?: unknown
  readonly binder?: unknown
  readonly event_queue?: { readonly max_queue?: number; readonly log?: number }
  readonly suppress?: readonly Snort3Suppression[]
  readonly rate_filter?: readonly Snort3RateFilter[]
}

/** What detection is told for a case. @throws Error for a filter that cannot be read */
export function settingsOf(entry: DetectionCase): Partial<DetectSettings> {
  const directives = newConfigDirectives()
  const { event_queue: queue, suppress, rate_filter: rates, wizard, binder } = entry.snort3_config ?? {}
  // The stock configuration has both.
  const rawStreams = entry.snort3_config != null && wizard === undefined && binder === undefined
  const suppressed = suppress?.map(
    ({ gid, sid, track, ip }) =>
      `suppress gen_id ${gid}, sig_id ${sid}${ip === undefined ? '' : `, track ${track}, ip ${ip}`}`,
  )
  const limited = rates?.map(
    ({ gid, sid, track, count, seconds, timeout, new_action }) =>
      `rate_filter gen_id ${gid}, sig_id ${sid}, track ${track}, count ${count}, seconds ${seconds}, new_action ${new_action}, timeout ${timeout}`,
  )
  const variables = new Variables()
  const text = [entry.threshold_config ?? '', ...(suppressed ?? []), ...(limited ?? [])].join('\n')
  loadRules({
    files: [{ path: 'case.conf', text }],
    variables,
    directive: (directive) => takeDirective(directive, directives, variables),
  })
  const { eventFilters, suppressions, rateFilters } = directives
  const { max_queue: maxQueue, log } = queue ?? {}
  return {
    inline: entry.inline === true,
    inspection: { rawStreams },
    eventFilters,
    suppressions,
    rateFilters,
    eventQueue: {
      ...(maxQueue === undefined ? {} : { maxQueue }),
      ...(log === undefined ? {} : { log }),
    },
  }
}

export function loadCases(): DetectionCase[] {
  const path = sharedPath('cases', 'cases.json')
  return path === undefined ? [] : (JSON.parse(readFileSync(path, 'utf8')) as DetectionCase[])
}

export type Verdict = 'exact' | 'present' | 'wrong'

/** What is expected of the rules in `text`: some cases expect alerts of rules that only another engine's text has. */
export function expectedOf(
  entry: DetectionCase,
  text: string,
  dialect: 'snort2' | 'snort3',
): DetectionCase['expected'] {
  const other = otherAnswer(entry.id, dialect)
  if (other !== undefined) return other.sids.map((sid) => ({ gid: 1, sid, count: 1 }))
  const sids = new Set([0, ...[...text.matchAll(/\bsid\s*:\s*(\d+)/g)].map((match) => Number(match[1]))])
  return entry.expected.filter(({ sid }) => sids.has(sid))
}

/** Whether bad checksums are passed over. The field of one case contradicts its note, which says how it was run. */
export function checksumsOf(entry: DetectionCase): 'ignore' | 'verify' {
  const ignore = entry.checksums === 'ignore' || entry.note.endsWith('run with -k none')
  return ignore ? 'ignore' : 'verify'
}

/** `gid:sid` of the rules in `text` that stand for events of the engine. */
function eventsIn(text: string): Set<string> {
  const stubs = [...text.matchAll(/^\s*\w+\s*\(.*\bsid\s*:\s*(\d+).*\)\s*$/gm)]
  return new Set(stubs.map(([stub, sid]) => `${/\bgid\s*:\s*(\d+)/.exec(stub)?.[1] ?? 1}:${sid}`))
}

/** `exact`: the counts agree; `present`: the same rules alert, how often differs; `wrong`: another set of rules. */
export function judge(
  expected: DetectionCase['expected'],
  alerts: readonly FlowAlert[],
  text: string,
): Verdict {
  const events = eventsIn(text)
  const counts = ({ gid, sid }: { gid: number; sid: number }): boolean =>
    gid === 1 || events.has(`${gid}:${sid}`)
  const wanted = new Map<string, number>()
  for (const entry of expected) if (counts(entry)) wanted.set(`${entry.gid}:${entry.sid}`, entry.count)
  const got = new Map<string, number>()
  for (const alert of alerts) {
    const key = `${alert.gid}:${alert.sid}`
    if (counts(alert)) got.set(key, (got.get(key) ?? 0) + 1)
  }
  if (wanted.size !== got.size || [...wanted.keys()].some((key) => !got.has(key))) return 'wrong'
  return [...wanted].every(([key, count]) => got.get(key) === count) ? 'exact' : 'present'
}

/** `sid×count` (`gid:sid×count` for events that `text` has a rule for), sorted: what a message about a difference shows. */
export function summary(
  alerts: readonly { gid: number; sid: number; count?: number }[],
  text: string,
): string {
  const events = eventsIn(text)
  const counts = new Map<string, number>()
  for (const { gid, sid, count } of alerts) {
    const key = gid === 1 ? `${sid}` : `${gid}:${sid}`
    if (gid === 1 || events.has(key)) counts.set(key, (counts.get(key) ?? 0) + (count ?? 1))
  }
  const entries = [...counts].sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }))
  return entries.map(([sid, count]) => `${sid}×${count}`).join(' ') || 'none'
}
