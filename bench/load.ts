/**
 * What more rules cost: loading and inspecting with 300, 3,000 and all rules there are, beside Suricata where it is installed.
 *
 * In: a directory of rule files and a capture of HTTP on the command line. Out: a table of CPU seconds to load (with an
 * empty cache and with a full one), peak memory, and packets per CPU second, start-up taken off. Suricata reads the same
 * files and leaves out what it refuses. Run by people: `npm run bench:load -- --rules DIRECTORY CAPTURE`.
 */
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type Command, copyHead, countPackets, cpuSeconds, isInstalled, median } from './measure.js'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rules: { type: 'string' },
    'http-rules': { type: 'string', default: 'http-3000.rules' },
    rounds: { type: 'string', default: '3' },
    'suricata-config': { type: 'string' },
  },
})
const [capture] = positionals
if (values.rules === undefined || capture === undefined) {
  console.error(
    'usage: load --rules DIRECTORY [--http-rules NAME] [--suricata-config FILE] [--rounds N] CAPTURE',
  )
  process.exit(2)
}

const WEIR = fileURLToPath(new URL('../../ids/bin/weir.mjs', import.meta.url))
const FEW = 300
const work = mkdtempSync(join(tmpdir(), 'weir-load-'))
const config = values['suricata-config']
const withSuricata = config !== undefined && isInstalled('suricata')

interface RuleSet {
  readonly files: readonly string[]
  /** As written, the same rule in two files twice. */
  readonly rules: number
}

function rulesIn(text: string): string[] {
  return text.split('\n').filter((line) => /^(alert|log|pass|drop|reject)\s/.test(line))
}

function ruleSets(directory: string, http: string): RuleSet[] {
  const some = join(directory, http)
  const few = join(work, 'few.rules')
  writeFileSync(few, `${rulesIn(readFileSync(some, 'utf8')).slice(0, FEW).join('\n')}\n`)
  const all = readdirSync(directory)
    .filter((name) => name.endsWith('.rules'))
    .sort()
    .map((name) => join(directory, name))
  const set = (files: readonly string[]): RuleSet => ({
    files,
    rules: files.reduce((sum, file) => sum + rulesIn(readFileSync(file, 'utf8')).length, 0),
  })
  return [set([few]), set([some]), set(all)]
}

let directories = 0
function newDirectory(): string {
  const path = join(work, String(directories++))
  mkdirSync(path, { mode: 0o700 })
  return path
}

function weir({ files }: RuleSet, input: string, cache: string): Command {
  const rules = ['-R', ...files, '-S', 'HTTP_PORTS=80']
  const argv = ['node', WEIR, '-r', input, ...rules, '-k', 'none', '-A', 'fast', '-l', work, '-q']
  return { name: 'weir', argv: [...argv, '--cache', cache] }
}

/** One file, because Suricata takes only one. */
function suricata({ files }: RuleSet, input: string): Command {
  const target = join(work, 'suricata.rules')
  writeFileSync(target, files.map((file) => readFileSync(file, 'latin1')).join('\n'), 'latin1')
  const argv = ['suricata', '-c', config!, '-S', target, '-r', input, '-k', 'none', '--runmode', 'single']
  return { name: 'suricata', argv: [...argv, '-l', work] }
}

const POLL_MILLISECONDS = 10

/** Peak resident memory of a run, from the kernel's own account. @returns MB */
async function peakMemory({ argv }: Command): Promise<number> {
  const child = spawn(argv[0]!, argv.slice(1), { stdio: 'ignore' })
  let peak = 0
  const timer = setInterval(() => {
    try {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
      peak = Math.max(peak, Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0))
    } catch {
      // Not started yet, or just over.
    }
  }, POLL_MILLISECONDS)
  await new Promise((resolve) => child.on('exit', resolve))
  clearInterval(timer)
  return peak / 1024
}

const head = join(work, 'head.pcap')
copyHead(capture, 10, head)
const packets = countPackets(capture)
const rounds = Number(values.rounds)

interface Row {
  readonly cold: number | undefined
  readonly warm: number
  readonly megabytes: number
  /** Packets per CPU second. */
  readonly rate: number
}

async function measure(
  coldStart: (() => Command) | undefined,
  warmStart: Command,
  full: Command,
): Promise<Row> {
  const cold: number[] = []
  const warm: number[] = []
  const net: number[] = []
  cpuSeconds(warmStart)
  for (let round = 0; round < rounds; round++) {
    if (coldStart !== undefined) cold.push(cpuSeconds(coldStart()))
    const start = cpuSeconds(warmStart)
    warm.push(start)
    net.push(cpuSeconds(full) - start)
  }
  return {
    cold: coldStart === undefined ? undefined : median(cold),
    warm: median(warm),
    megabytes: await peakMemory(full),
    rate: packets / median(net),
  }
}

function print(rules: number, name: string, row: Row, first: Row | undefined): void {
  const seconds = (value: number | undefined): string => (value === undefined ? '-' : value.toFixed(2))
  const share = first === undefined ? '' : `${Math.round((100 * row.rate) / first.rate)} %`
  const cells = [
    rules.toLocaleString('en').padStart(7),
    name.padEnd(9),
    seconds(row.cold).padStart(10),
    seconds(row.warm).padStart(10),
    row.megabytes.toFixed(0).padStart(9),
    Math.round(row.rate).toLocaleString('en').padStart(15),
    share.padStart(8),
  ]
  console.log(cells.join('  '))
}

console.log('  rules  program    load cold   load warm  memory MB   packets/CPU s  of the first')
const first: Row[] = []
for (const set of ruleSets(values.rules, values['http-rules'])) {
  const cache = newDirectory()
  const row = await measure(
    () => weir(set, head, newDirectory()),
    weir(set, head, cache),
    weir(set, capture, cache),
  )
  print(set.rules, 'weir', row, first[0])
  first[0] ??= row
  if (!withSuricata) continue
  const peer = await measure(undefined, suricata(set, head), suricata(set, capture))
  print(set.rules, 'suricata', peer, first[1])
  first[1] ??= peer
}
if (withSuricata) {
  const { stdout } = spawnSync('suricata', ['-V'], { encoding: 'utf8' })
  console.log(`\n${stdout.trim()}; it keeps no cache, and leaves out rules it refuses`)
}
rmSync(work, { recursive: true, force: true })
