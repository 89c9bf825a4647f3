/**
 * What more rules cost: loading and inspecting with 300, 3,000 and all rules there are, beside Suricata where it is installed.
 *
 * In: a directory of rule files and a capture of HTTP on the command line. Out: a table of CPU seconds to load (with an
 * empty cache and with a full one), peak memory, and packets per CPU second, start-up taken off as in `bench:ids`: `once`
 * over the capture, `again` when it comes a second time. Suricata reads the same files and leaves out what it refuses. Run by people: `npm run bench:load -- --rules DIRECTORY CAPTURE`.
 */
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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
const twice = join(work, 'twice.pcap')
copyTwice(capture, twice)
const packets = countPackets(capture)
const rounds = Number(values.rounds)

interface Row {
  readonly cold: number | undefined
  readonly warm: number
  readonly megabytes: number
  /** Packets per CPU second. */
  readonly once: number
  readonly again: number
}

/** One program with one set of rules. */
class Contestant {
  readonly name: string
  readonly rules: number
  readonly #coldStart: (() => Command) | undefined
  readonly #of: (input: string) => Command
  readonly #cold: number[] = []
  readonly #warm: number[] = []
  readonly #once: number[] = []
  readonly #again: number[] = []

  constructor(rules: number, of: (input: string) => Command, coldStart: (() => Command) | undefined) {
    this.name = of(head).name
    this.rules = rules
    this.#of = of
    this.#coldStart = coldStart
  }

  /** So that whatever it keeps between runs is there. */
  warmUp(): void {
    cpuSeconds(this.#of(head))
  }

  run(): void {
    if (this.#coldStart !== undefined) this.#cold.push(cpuSeconds(this.#coldStart()))
    const start = cpuSeconds(this.#of(head))
    const single = cpuSeconds(this.#of(capture!))
    this.#warm.push(start)
    this.#once.push(single - start)
    this.#again.push(cpuSeconds(this.#of(twice)) - single)
  }

  async row(): Promise<Row> {
    return {
      cold: this.#coldStart === undefined ? undefined : median(this.#cold),
      warm: median(this.#warm),
      megabytes: await peakMemory(this.#of(capture!)),
      once: packets / median(this.#once),
      again: packets / median(this.#again),
    }
  }
}

function print(rules: number, name: string, row: Row, first: Row | undefined): void {
  const seconds = (value: number | undefined): string => (value === undefined ? '-' : value.toFixed(2))
  const rate = (value: number): string => Math.round(value).toLocaleString('en').padStart(10)
  const share = (of: 'once' | 'again'): string =>
    (first === undefined ? '' : `${Math.round((100 * row[of]) / first[of])} %`).padStart(5)
  const cells = [
    rules.toLocaleString('en').padStart(7),
    name.padEnd(9),
    seconds(row.cold).padStart(9),
    seconds(row.warm).padStart(9),
    row.megabytes.toFixed(0).padStart(9),
    `${rate(row.once)} ${share('once')}`,
    `${rate(row.again)} ${share('again')}`,
  ]
  console.log(cells.join('  '))
}

console.log('                                                packets per CPU second, share of the first')
console.log('  rules  program    load cold  load warm  memory MB            once             again')
const contestants = ruleSets(values.rules, values['http-rules']).flatMap((set) => {
  const cache = newDirectory()
  const cold = (): Command => weir(set, head, newDirectory())
  const own = new Contestant(set.rules, (input) => weir(set, input, cache), cold)
  const peer = (input: string): Command => suricata(set, input)
  return withSuricata ? [own, new Contestant(set.rules, peer, undefined)] : [own]
})
for (const one of contestants) one.warmUp()
// In turn within each round, so that a slow spell of the machine hits all of them.
for (let round = 0; round < rounds; round++) for (const one of contestants) one.run()
const first = new Map<string, Row>()
for (const one of contestants) {
  const row = await one.row()
  print(one.rules, one.name, row, first.get(one.name))
  if (!first.has(one.name)) first.set(one.name, row)
}
if (withSuricata) {
  const { stdout } = spawnSync('suricata', ['-V'], { encoding: 'utf8' })
  console.log(`\n${stdout.trim()}; it keeps no cache, and leaves out rules it refuses`)
}
rmSync(work, { recursive: true, force: true })
