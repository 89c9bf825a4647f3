/**
 * Events that the engine raises by itself, without a rule: those that Snort 3 raises on the captures of the detection
 * cases, and on the conversations made from rules, are raised here, and no others. What comes out differently stands in
 * `DIFFERENCES` or `UNLIKE` with the reason.
 */
import { readFileSync } from 'node:fs'
import { afterAll, describe, expect, it } from 'vitest'
import { loadCases } from './support/cases.js'
import { runRules } from './support/run.js'
import { sharedPath } from './support/shared.js'

const UNACKNOWLEDGED = 'Snort does not look at data that is never acknowledged'

/** By case: events that are missing here, and those that are too many. */
const DIFFERENCES: Readonly<Record<string, readonly [missing: string, extra: string, reason: string]>> = {
  'demo/codecs/Eth_IPv6_PPoE': ['', '119:260', UNACKNOWLEDGED],
  'sv/http-response-line': ['', '119:260', UNACKNOWLEDGED],
  'sv/detect-pcre/detect-pcre-04': ['', '119:206 119:28', UNACKNOWLEDGED],
  'sv/detect-pcre/detect-pcre-06': ['', '119:206', UNACKNOWLEDGED],
  'sv/uricontent/detect-uricontent-02': ['', '119:28', UNACKNOWLEDGED],
  'sv/uricontent/detect-uricontent-03': ['', '119:28', UNACKNOWLEDGED],
  'sv/bug-8021-alert-max-verdict-02': ['', '119:201 119:284', UNACKNOWLEDGED],
  'sv/http2-disabled': ['119:201 119:279 119:286', '', 'HTTP/2 after an upgrade is decoded here'],
  'demo/inspectors/http_inspect/partial_depth_body': ['', '119:260', 'the case flushes bodies early'],
}

/** Cases of class `event` were graded by Suricata's events: what Snort raises there is not known. */
const cases = loadCases().filter((entry) => entry.class !== 'event' && entry.rules.snort3)

interface Tally {
  expected: number
  agree: number
  extra: number
}

const tallies = new Map<number, Tally>()

function tallyOf(gid: number): Tally {
  let tally = tallies.get(gid)
  if (tally === undefined) {
    tally = { expected: 0, agree: 0, extra: 0 }
    tallies.set(gid, tally)
  }
  return tally
}

const gidOf = (event: string): number => Number(event.split(':')[0])

/** Compares and counts. */
function compare(wanted: ReadonlySet<string>, got: ReadonlySet<string>): { missing: string; extra: string } {
  const missing = [...wanted].filter((event) => !got.has(event)).sort()
  const extra = [...got].filter((event) => !wanted.has(event)).sort()
  for (const event of wanted) {
    const tally = tallyOf(gidOf(event))
    tally.expected++
    if (got.has(event)) tally.agree++
  }
  for (const event of extra) tallyOf(gidOf(event)).extra++
  return { missing: missing.join(' '), extra: extra.join(' ') }
}

describe.skipIf(cases.length === 0)('events of the detection cases', () => {
  for (const entry of cases) {
    // The reference of the others was made without built-in events.
    const config = entry.snort3_config as { ips?: { enable_builtin_rules?: boolean } } | null | undefined
    const all = config == null || config.ips?.enable_builtin_rules === true
    it.skipIf(!all)(entry.id, async () => {
      const run = await runRules({
        rules: [],
        capture: sharedPath('cases', entry.pcap)!,
        checksums: entry.checksums === 'ignore' ? 'ignore' : 'verify',
        builtinEvents: true,
      })
      const wanted = new Set<string>()
      for (const { gid, sid } of entry.snort3_builtin ?? []) wanted.add(`${gid}:${sid}`)
      for (const { gid, sid } of entry.expected) if (gid > 1) wanted.add(`${gid}:${sid}`)
      const got = new Set(run.alerts.map(({ gid, sid }) => `${gid}:${sid}`))
      const [missing = '', extra = ''] = DIFFERENCES[entry.id] ?? []
      expect(compare(wanted, got)).toEqual({ missing, extra })
    })
  }
})
