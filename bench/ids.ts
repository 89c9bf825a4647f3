/**
 * The IDS over captures of HTTP pages with a few thousand signatures, beside Suricata where it is installed.
 *
 * In: a rule file and captures on the command line. Out: a table of packets per CPU second, start-up taken off: the
 * same command on ten packets is measured in the same round and subtracted. The programs run in turn within each round,
 * so that a slow spell of the machine hits both. Run by people: `npm run bench:ids -- --rules F CAPTURE…`.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type Command, copyHead, countPackets, cpuSeconds, isInstalled, median } from './measure.js'

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

console.log('capture            packets   program    CPU s net   packets/CPU s   start-up s   ratio')
for (const capture of positionals) {
  const head = join(work, 'head.pcap')
  copyHead(capture, 10, head)
  const packets = countPackets(capture)
  const full = commands(capture)
  const startUp = commands(head)
  const net: number[][] = full.map(() => [])
  const start: number[][] = full.map(() => [])
  for (let round = 0; round < Number(values.rounds); round++) {
    for (let i = 0; i < full.length; i++) {
      const base = cpuSeconds(startUp[i]!)
      start[i]!.push(base)
      net[i]!.push(cpuSeconds(full[i]!) - base)
    }
  }
  const peer = full.length > 1 ? median(net[1]!) : undefined
  for (let i = 0; i < full.length; i++) {
    const seconds = median(net[i]!)
    const ratio = peer === undefined ? '' : `${(peer / seconds).toFixed(2)}x`
    const rate = Math.round(packets / seconds).toLocaleString('en')
    console.log(
      `${basename(capture).padEnd(16)} ${String(packets).padStart(9)}   ${full[i]!.name.padEnd(9)} ${seconds.toFixed(2).padStart(10)} ${rate.padStart(15)} ${median(start[i]!).toFixed(2).padStart(12)}   ${ratio}`,
    )
  }
}
rmSync(work, { recursive: true, force: true })
