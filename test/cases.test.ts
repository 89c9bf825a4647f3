/**
 * Detection cases from the public test suites of Snort 3 and Suricata: the rules that alert must be those that alert
 * there. How often they do is compared where the case asks for it, but an inline run and a passive one count
 * differently, so only the set of rules fails a test.
 *
 * A case whose rules do not all load is left out: the loader says which option is missing. A case that comes out
 * differently stands in `DIFFERENCES` with the reason.
 */
import type { TcpPolicy } from '@weir/stack'
import { afterAll, describe, expect, it } from 'vitest'
import { checksumsOf, expectedOf, judge, loadCases, settingsOf, summary } from './support/cases.js'
import { hasSuricata, otherAnswer, suricataAnswers } from './support/cases-answers.js'
import { runRules } from './support/run.js'
import { sharedPath } from './support/shared.js'

const UNCHECKED =
  "the list leaves out a rule that Suricata's test of the case does not check; no such list names one, not even a rule whose flowbit an expected alert needs"
const FLOWBITS_29 =
  '2.9 text: the rule that sets the bit sees the stream, which comes after the packet in which the bit is asked for; Snort 2.9 and Suricata look for contents in the packet, too'

/** By the beginning of the case's name. */
const DIFFERENCES: readonly (readonly [name: string, reason: string])[] = [
  [
    'sv/exception-policy-midstream-07',
    'Snort follows SMB here (133:59) but tries no rule without options on its messages, all of which carry data; on those of HTTP it does',
  ],
  ['sv/bug-6149-exception-policy-auto-ids', UNCHECKED],
  ['sv/detect-bidir-flowbits', UNCHECKED],
  ['sv/flow-drop-iponly-01', UNCHECKED],
  ['sv/flowbits-prefilter-11', FLOWBITS_29],
  ['sv/flowbits-toggle-pre-9', FLOWBITS_29],
  [
    'sv/defrag/bug-6942-6887-defrag-eth-ip-gre-ppp-ip-udp-data',
    'fragments of 65,535 bytes within PPP within GRE: put together here, as in Suricata; Snort reports nothing of them at all, and no other case holds such packets',
  ],
  [
    'sv/defrag/bug-6887-defrag-ppp-ipv4-tcp-syn',
    'fragments on a PPP line: decoded and put together here, as in Suricata; Snort 3 as shipped has no codec for that link type, and was shown the frames as Ethernet',
  ],
  [
    'sv/tcp-rst-unacked-stream-',
    'a first request in four segments: Snort 3 looks for plain contents in each alone and misses the one that straddles two',
  ],
  [
    'sv/dcerpc/dcerpc-3109',
    'the capture begins with the opening of a pipe: Snort follows pipes whose session setup and tree connect it has seen (dcerpc-smb-fail, smb-dce_iface), we this one, too, as Suricata does',
  ],
  [
    'sv/detect-http-uri/DetectEngineHttpRawUriTest28',
    '2.9 text: in Snort 2.9 a regular expression with an HTTP flag does not move the cursor, so the content behind it is looked for from the beginning; in Suricata it does',
  ],
  [
    'sv/security-4710-02',
    'an injected reset that the server does not obey: Snort reports the data behind it (129:8) and inspects none, which is the evasion; it is picked up midstream here, as in Suricata',
  ],
]

/** Some cases name the receiver's policy. */
const policyOf = (id: string): TcpPolicy => (id.endsWith('-policy-oldlinux') ? 'old-linux' : 'bsd')

/** Those that some case has needed. */
const used = new Set<(typeof DIFFERENCES)[number]>()

const cases = loadCases().filter((entry) => entry.class !== 'event')

interface Tally {
  right: number
  different: number
  notLoaded: number
}

/** By class and rule text. */
const tallies = new Map<string, Tally>()

function tallyOf(name: string): Tally {
  let tally = tallies.get(name)
  if (tally === undefined) {
    tally = { right: 0, different: 0, notLoaded: 0 }
    tallies.set(name, tally)
  }
  return tally
}

const share = ({ right, different, notLoaded }: Tally): number => right / (right + different + notLoaded)

/** Least share of the cases of a class that come out right. */
const FLOORS: readonly (readonly [group: string, floor: number])[] = [
  ['core, snort3', 0.98],
  ['core, snort2', 0.98],
  ['protocol, snort3', 0.97],
  ['protocol, snort2', 0.97],
]

describe.skipIf(cases.length === 0)('detection cases', () => {
  for (const entry of cases) {
    for (const dialect of ['snort3', 'snort2'] as const) {
      const text = entry.rules[dialect]
      if (!text) continue
      it(`${entry.id}, ${dialect} text`, async (context) => {
        const run = await runRules({
          rules: [{ path: `${dialect}.rules`, text, dialect }],
          capture: sharedPath('cases', entry.pcap)!,
          checksums: checksumsOf(entry),
          policy: policyOf(entry.id),
          settings: settingsOf(entry),
        })
        const tally = tallyOf(`${entry.class}, ${dialect}`)
        if (run.loaded.problems.some(({ severity }) => severity === 'error')) {
          tally.notLoaded++
          context.skip()
        }
        const expected = expectedOf(entry, text, dialect)
        const { alerts } = run
        const wrong = judge(expected, alerts, text) === 'wrong'
        tally[wrong ? 'different' : 'right']++
        const reason = wrong ? DIFFERENCES.find(([name]) => entry.id.startsWith(name)) : undefined
        if (reason !== undefined) used.add(reason)
        else if (wrong) expect(summary(alerts, text)).toBe(summary(expected, text))
      })
    }
  }

  // What is expected of 2.9 text that differs from what the case says.
  const others = cases.filter(({ id }) => otherAnswer(id, 'snort2') !== undefined)
  it.skipIf(!hasSuricata()).each(others.map((entry) => [entry.id, entry] as const))(
    '%s: Suricata answers the 2.9 text as is expected here',
    (id, entry) => {
      const answers = suricataAnswers(entry, sharedPath('cases', entry.pcap)!)
      expect(answers).toEqual(otherAnswer(id, 'snort2')!.sids)
    },
  )

  it('no difference is listed that there is not', (context) => {
    // Only a run of all cases can tell.
    const ran = [...tallies.values()].reduce(
      (sum, { right, different, notLoaded }) => sum + right + different + notLoaded,
      0,
    )
    const texts = cases.flatMap(({ rules }) => [rules.snort3, rules.snort2]).filter(Boolean)
    if (ran < texts.length) context.skip()
    expect(DIFFERENCES.filter((entry) => !used.has(entry))).toEqual([])
  })

  it.each(FLOORS)('%s text: at least %d right', (group, floor) => {
    expect(share(tallyOf(group))).toBeGreaterThanOrEqual(floor)
  })

  afterAll(() => {
    const lines = [...tallies].map(([group, tally]) => {
      const { right, different, notLoaded } = tally
      const percent = (share(tally) * 100).toFixed(1)
      return `  ${group} text: ${percent} % right (${right}; ${different} listed differences, ${notLoaded} do not load)`
    })
    console.log(`detection cases:\n${lines.sort().join('\n')}`)
  })
})
