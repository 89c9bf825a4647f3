/** What `weir explain` says must be what detection does: the same flows alert, rule by rule. */
import { readFileSync } from 'node:fs'
import { openCapture } from '@weir/stack'
import { describe, expect, it } from 'vitest'
import { runRules } from '../../test/support/run.js'
import { sharedPath } from '../../test/support/shared.js'
import { Explainer } from '../src/explain/index.js'
import { createEngines } from '../src/match/index.js'
import { loadRules } from '../src/rules/index.js'

/** Every so manieth rule is explained. */
const SETS = [
  ['http-community', 53],
  ['nonhttp-community', 23],
] as const

describe('explanations agree with detection', () => {
  for (const [name, step] of SETS) {
    const capture = sharedPath('oracle', `${name}.pcap.gz`)
    const path = sharedPath('oracle', `${name}.rules`)
    it.skipIf(capture === undefined || path === undefined)(name, { timeout: 180_000 }, async () => {
      const files = [{ path: path!, text: readFileSync(path!) }]
      const loaded = loadRules({ files })
      const ids = loaded.rules.filter((_, i) => i % step === 7).map(({ gid, sid }) => ({ gid, sid }))
      const engines = createEngines()
      const explainer = new Explainer({
        loaded,
        ids,
        matcherEngine: engines.matcher,
        regexEngine: engines.regex,
        filters: { eventFilters: [], suppressions: [] },
        checksums: 'verify',
      })
      await openCapture(capture!).run(explainer)
      const { rules, missing } = explainer.finish()
      expect(missing).toEqual([])
      const found = rules.flatMap(({ gid, sid, flows }) =>
        flows
          .filter(({ cause }) => cause === 'alerted')
          .map(({ client, clientPort }) => `${gid}:${sid} ${client}:${clientPort ?? 0}`),
      )
      // Those asked for, and all that may set their flowbits.
      const asked = new Set(ids.map(({ sid }) => sid))
      const needed = loaded.rules.filter(({ sid, text }) => asked.has(sid) || text.includes('flowbits'))
      const text = needed.map((rule) => rule.text).join('\n')
      const { alerts } = await runRules({
        rules: [{ path: path!, text, dialect: 'snort3' }],
        capture: capture!,
      })
      const wanted = alerts
        .filter(({ gid, sid }) => ids.some((id) => id.gid === gid && id.sid === sid))
        .map(({ gid, sid, flow }) => `${gid}:${sid} ${flow}`)
      const sorted = (list: readonly string[]): string[] =>
        [...new Set(list.map((one) => one.replace(/:\d+$/, '')))].sort()
      expect(found.length).toBeGreaterThan(5)
      expect(sorted(found)).toEqual(sorted(wanted))
      const texts = rules.flatMap(({ flows }) => flows.map(({ text }) => text))
      for (const one of texts) expect(one.length).toBeLessThan(1500)
    })
  }
})
