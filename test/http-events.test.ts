/**
 * Events of the HTTP inspector: those that Snort 3 raises on the captures of the detection cases are raised here, and
 * no others. A case that comes out differently stands in `DIFFERENCES` with the reason.
 */
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
const isHttp = (gid: number): boolean => gid === 119 || gid === 120
const tally = { expected: 0, agree: 0, extra: 0 }

describe.skipIf(cases.length === 0)('events of the HTTP inspector', () => {
  for (const entry of cases) {
    it(entry.id, async () => {
      const run = await runRules({
        rules: [],
        capture: sharedPath('cases', entry.pcap)!,
        checksums: entry.checksums === 'ignore' ? 'ignore' : 'verify',
        builtinEvents: true,
      })
      const wanted = new Set<string>()
      for (const { gid, sid } of entry.snort3_builtin ?? []) if (isHttp(gid)) wanted.add(`${gid}:${sid}`)
      const got = new Set<string>()
      for (const { gid, sid } of run.alerts) if (isHttp(gid)) got.add(`${gid}:${sid}`)
      const missing = [...wanted].filter((event) => !got.has(event)).sort()
      const extra = [...got].filter((event) => !wanted.has(event)).sort()
      tally.expected += wanted.size
      tally.agree += wanted.size - missing.length
      tally.extra += extra.length
      const [missed = '', added = ''] = DIFFERENCES[entry.id] ?? []
      expect({ missing: missing.join(' '), extra: extra.join(' ') }).toEqual({
        missing: missed,
        extra: added,
      })
    })
  }

  afterAll(() => {
    const { expected, agree, extra } = tally
    console.log(`events of generators 119 and 120: ${agree} of Snort's ${expected} agree, ${extra} are extra`)
  })
})
