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
  'sv/http2-disabled': ['119:201 119:279 119:286', '', 'HTTP/2 after an upgrade is decoded here'],
  'demo/inspectors/http_inspect/partial_depth_body': ['', '119:260', 'the case flushes bodies early'],
  'demo/inspectors/iec104/paf': ['151:9', '', 'the elements of an ASDU are not looked at here'],
  'sv/bug-3286-03-windows-evasion': [
    '',
    '129:8',
    'an RST answers the SYN, then the connection goes on: Snort begins anew with the SYN+ACK and forgets the RST',
  ],
  'sv/exception-policy-midstream-07': ['133:59', '', 'encrypted SMB 3 is not looked into here'],
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

const TLS_WIZARD =
  'to Snort a stream that begins with 16 03 is TLS; here the header of a record must be there'
const HTTP_WIZARD =
  'to Snort a stream that begins with a method is HTTP, with or without a blank behind it; then it cannot be read'
const PARTIAL =
  'Snort waits for the end of the line; here the bytes already tell that no request begins there'

/** By set and event: flows on which it is missing or extra here. */
const UNLIKE: readonly (readonly [set: string, events: string, flows: string, reason: string])[] = [
  ['nonhttp-community', '137:2', '6.114 6.115 6.230', TLS_WIZARD],
  ['nonhttp-community', '119:201 119:284', '0.108 0.246', HTTP_WIZARD],
  [
    'nonhttp-community',
    '119:201 119:281',
    '0.3 1.229 3.110 3.111 3.65 3.66 3.68 3.69 3.70 3.71 3.72 3.73 3.74 6.75',
    HTTP_WIZARD,
  ],
  ['nonhttp-community', '119:201 119:279 119:281', '4.165 4.169', HTTP_WIZARD],
  ['nonhttp-community', '119:201 119:279 119:284', '4.168', HTTP_WIZARD],
  ['nonhttp-community', '119:201 119:281', '6.236', 'no blank before HTTP/1.1: a request of HTTP/0.9 here'],
  ['http-community', '119:201 119:281', '6.109', PARTIAL],
  [
    'http-community',
    '119:203',
    '3.224',
    'a first line that is no request is not HTTP here, so what precedes it is not blank',
  ],
  [
    'http-community',
    '119:201 119:28 119:281',
    '6.17',
    'CR CR LF ends the head to Snort, and the rest is no request',
  ],
  [
    'http-community',
    '119:211',
    '4.68',
    'Snort has no path in an absolute URI that ends behind its authority',
  ],
]

/** Events of a flow, by the address of the client: `gid:sid address`. */
function expectedEvents(set: string): Set<string> {
  const lines = readFileSync(sharedPath('oracle', `${set}.builtin.tsv`)!, 'utf8')
    .trim()
    .split('\n')
    .slice(1)
  return new Set(
    lines.map((line) => {
      const [event, flow] = line.split('\t') as [string, string]
      return `${event} ${flow.replace(/:\d+$/, '')}`
    }),
  )
}

/** Events of single packets name the sender, which may be the server. */
function clients(set: string): Map<string, string> {
  const lines = readFileSync(sharedPath('oracle', `${set}.flows.tsv`)!, 'utf8')
    .trim()
    .split('\n')
    .slice(1)
  return new Map(
    lines.map((line) => {
      const [, , , client, server] = line.split('\t') as [string, string, string, string, string]
      return [server.replace(/:\d+$/, ''), client.replace(/:\d+$/, '')] as const
    }),
  )
}

describe.skipIf(sharedPath('oracle') === undefined)('events of conversations made from rules', () => {
  it.each(['http-community', 'nonhttp-community'])('%s', { timeout: 60_000 }, async (set) => {
    const run = await runRules({
      rules: [],
      capture: sharedPath('oracle', `${set}.pcap.gz`)!,
      builtinEvents: true,
    })
    const clientOf = clients(set)
    const got = new Set(
      run.alerts.map(({ gid, sid, flow }) => {
        const address = flow.replace(/:\d+$/, '')
        return `${gid}:${sid} ${clientOf.get(address) ?? address}`
      }),
    )
    const wanted = expectedEvents(set)
    const differing = [...new Set([...wanted, ...got])]
      .filter((row) => wanted.has(row) !== got.has(row))
      .sort()
    compare(wanted, got)
    const listed = UNLIKE.filter(([name]) => name === set).flatMap(([, events, flows]) =>
      events.split(' ').flatMap((event) => flows.split(' ').map((flow) => `${event} 10.0.${flow}`)),
    )
    expect(differing).toEqual(listed.sort())
  })
})

/** Least share of Snort's events that are raised here, by generator. */
const FLOORS: readonly (readonly [gid: number, floor: number])[] = [
  [106, 1],
  [116, 1],
  [119, 0.93],
  [123, 1],
  [124, 1],
  [125, 1],
  [128, 1],
  [129, 1],
  [133, 0.75],
  [141, 1],
  [142, 1],
]

describe.skipIf(cases.length === 0)('events by generator', () => {
  it.each(FLOORS)('%d: at least %d of them', (gid, floor) => {
    const { expected, agree } = tallyOf(gid)
    // Nothing was counted when only some of the tests ran.
    if (expected > 0) expect(agree / expected).toBeGreaterThanOrEqual(floor)
  })

  afterAll(() => {
    for (const [gid, { expected, agree, extra }] of [...tallies].sort(([a], [b]) => a - b))
      console.log(`events of generator ${gid}: ${agree} of Snort's ${expected} agree, ${extra} are extra`)
  })
})
