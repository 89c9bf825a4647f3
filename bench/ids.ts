/**
 * The IDS over captures of HTTP pages with a few thousand signatures, beside Suricata where it is installed.
 *
 * In: a rule file and captures on the command line. Out: a table of CPU seconds, start-up taken off in two ways: `once`
 * is the run over the capture less a run over ten packets of it; `again` is what the capture costs when it comes a second
 * time in the same run, when a program that compiles itself as it goes has done so. The programs run in turn within each
 * round, so that a slow spell of the machine hits both. Run by people: `npm run bench:ids -- --rules F CAPTURE…`.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import {
  type Command,
  copyHead,
  copyTwice,
  countPackets,
  cpuSeconds,
  isInstalled,
  median,
} from './measure.js'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rules: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    'suricata-config': { type: 'string' },
  },
})
if (values.rules === undefined || positionals.length === 0) {
  console.error('usage: ids --rules FILE [--suricata-config FILE] [--rounds N] CAPTURE…')
  process.exit(2)
}

const WEIR = fileURLToPath(new URL('../../ids/bin/weir.mjs', import.meta.url))
const work = mkdtempSync(join(tmpdir(), 'weir-bench-'))
const suricataConfig = values['suricata-config']
const withSuricata = suricataConfig !== undefined && isInstalled('suricata')
const rules = withSuricata ? rulesBothAccept(values.rules, suricataConfig) : values.rules

/** Suricata refuses some Snort 2.9 rules; they are left out for both, so that the work is the same. */
function rulesBothAccept(file: string, config: string): string {
  const args = ['-T', '-c', config, '-S', file, '-l', work]
  const { stdout, stderr } = spawnSync('suricata', args, { encoding: 'utf8', maxBuffer: 1 << 28 })
  const refused = new Set(
    [...`${stdout}${stderr}`.matchAll(/ at line (\d+)/g)].map((match) => Number(match[1])),
  )
  const kept = readFileSync(file, 'utf8')
    .split('\n')
    .filter((_, index) => !refused.has(index + 1))
  const target = join(work, 'rules.rules')
  writeFileSync(target, kept.join('\n'))
  console.log(`${refused.size} rules that Suricata refuses are left out on both sides`)
  return target
}

function commands(capture: string): Command[] {
  const weir = [
    'node',
    WEIR,
    '-r',
    capture,
    '-R',
    rules,
    '-S',
    'HTTP_PORTS=80',
    '-k',
    'none',
    '-A',
    'fast',
    '-l',
    work,
    '-q',
  ]
  const list: Command[] = [{ name: 'weir', argv: weir }]
  if (withSuricata) {
    const options = ['-S', rules, '-r', capture, '-k', 'none', '--runmode', 'single', '-l', work]
    list.push({ name: 'suricata', argv: ['suricata', '-c', suricataConfig!, ...options] })
  }
  return list
}

console.log(
  'capture            packets   program     start-up s   once s    ratio  again s    ratio  packets/CPU s',
)
const twice = join(work, 'twice.pcap')
const head = join(work, 'head.pcap')
for (const capture of positionals) {
  copyHead(capture, 10, head)
  copyTwice(capture, twice)
  const packets = countPackets(capture)
  const [starts, singles, doubles] = [head, capture, twice].map(commands) as [Command[], Command[], Command[]]
  const start: number[][] = starts.map(() => [])
  const once: number[][] = starts.map(() => [])
  const again: number[][] = starts.map(() => [])
  for (let round = 0; round < Number(values.rounds); round++) {
    for (let i = 0; i < starts.length; i++) {
      const base = cpuSeconds(starts[i]!)
      const single = cpuSeconds(singles[i]!)
      start[i]!.push(base)
      once[i]!.push(single - base)
      again[i]!.push(cpuSeconds(doubles[i]!) - single)
    }
  }
  const ratio = (of: readonly (readonly number[])[], i: number): string =>
    of.length > 1 ? `${(median(of[1]!) / median(of[i]!)).toFixed(2)}x` : ''
  for (let i = 0; i < starts.length; i++) {
    const columns = [
      basename(capture).padEnd(16),
      String(packets).padStart(9),
      `  ${starts[i]!.name.padEnd(9)}`,
      median(start[i]!).toFixed(2).padStart(12),
      median(once[i]!).toFixed(2).padStart(8),
      ratio(once, i).padStart(8),
      median(again[i]!).toFixed(2).padStart(8),
      ratio(again, i).padStart(8),
      Math.round(packets / median(again[i]!))
        .toLocaleString('en')
        .padStart(14),
    ]
    console.log(columns.join(' '))
  }
}
rmSync(work, { recursive: true, force: true })
