/**
 * What is expected of rule text that asks for something else than the text a case's answers are for.
 *
 * The answers are those of Snort 3 to Snort 3 text. No real Snort 2.9 has run the 2.9 text, which was made from it: there a
 * plain content sees heads and lines cut by segments, options are missing, and so are rules. What holds there is what
 * Suricata 7.0.10 raises for the very same text, which `suricataAnswers` asks again where Suricata is installed. In: a case.
 * Out: the sids that are to alert. Used by the tests of the cases.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Dialect } from 'weir'
import type { DetectionCase } from './cases.js'

const HEADS = 'plain contents of 2.9 text see the whole message, head included'
const SEGMENTS =
  '2.9 text sees every segment by itself, too, and so does Suricata: dsize and flags hold on HTTP'
const OVER_SMB = '2.9 text cannot ask for DCE/RPC over TCP alone, and the calls are over SMB'
const UDP = 'the 2.9 text asks for UDP, the traffic is TCP'

export interface OtherAnswer {
  readonly name: string
  readonly dialect: Dialect
  readonly sids: readonly number[]
  readonly why: string
}

const snort2 = (name: string, sids: readonly number[], why: string): OtherAnswer => ({
  name,
  dialect: 'snort2',
  sids,
  why,
})

export const OTHER_ANSWERS: readonly OtherAnswer[] = [
  snort2('sv/bug-130', [9000000, 9000001, 9000002], HEADS),
  snort2('sv/bug-2491-01', [1, 2], HEADS),
  snort2(
    'sv/http-chunked',
    [11, 12, 13, 14, 15, 16, 21, 23, 24, 25, 26, 31, 32, 33, 34, 35, 36, 41, 43, 44, 45, 46],
    HEADS,
  ),
  snort2(
    'sv/tcp-rst-unacked-stream-05-http-nogap',
    [1],
    'a plain content of 2.9 text is found across segments',
  ),
  snort2(
    'sv/tcp-rst-unacked-stream-06-http-nogap-ips',
    [1],
    'a plain content of 2.9 text is found across segments',
  ),
  snort2('sv/flowbits-prefilter-06-opdir', [1, 2], SEGMENTS),
  snort2('sv/flowbits-prefilter-09-iponly-onedir', [1, 2], SEGMENTS),
  snort2('sv/flowbits-prefilter-10-iponly-opdir', [1, 2], SEGMENTS),
  snort2('sv/flowbits-prefilter-11-pkt-auto', [11, 22], SEGMENTS),
  snort2('sv/flowbits-toggle-pre-9', [11, 22], SEGMENTS),
  snort2('sv/dcerpc-smb-fail', [1, 2, 3], OVER_SMB),
  snort2('sv/dcerpc/dcerpc-smb-ctxid', [1], OVER_SMB),
  snort2('sv/dns/task-7018-dns-ips-stream-rule', [], UDP),
  snort2('sv/dns/task-7018-ids-dns-stream-rule', [], UDP),
  snort2('sv/filemagic-flowbits', [5, 7], 'the 2.9 text lacks the rule that sets the bit'),
  snort2('sv/exception-policy-midstream-07', [1], 'the 2.9 text asks for TCP, not for SMB'),
]

export function otherAnswer(id: string, dialect: Dialect): OtherAnswer | undefined {
  return OTHER_ANSWERS.find((answer) => answer.dialect === dialect && answer.name === id)
}

export function hasSuricata(): boolean {
  try {
    execFileSync('suricata', ['-V'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Sids that the installed Suricata raises for the 2.9 text of a case, sorted. @throws Error when it cannot run */
export function suricataAnswers(entry: DetectionCase, capture: string): number[] {
  const folder = mkdtempSync(join(tmpdir(), 'weir-suricata-'))
  try {
    const rules = join(folder, 'case.rules')
    writeFileSync(rules, entry.rules.snort2 ?? '')
    const settings = ['stream.midstream=true', 'stream.async-oneside=true', 'packet-alert-max=64']
    execFileSync(
      'suricata',
      [
        ...['-r', capture, '-S', rules, '-l', folder, '-k', 'none'],
        ...(entry.inline === true ? ['--simulate-ips'] : []),
        ...settings.flatMap((setting) => ['--set', setting]),
      ],
      { stdio: 'ignore' },
    )
    const events = readFileSync(join(folder, 'eve.json'), 'utf8').trim().split('\n')
    const sids = events
      .map((line) => JSON.parse(line) as { alert?: { signature_id: number } })
      .flatMap(({ alert }) => (alert === undefined ? [] : [alert.signature_id]))
    return [...new Set(sids)].sort((a, b) => a - b)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
