/**
 * Speed of the stack alone: captures with ON_NEW_DATA going to an empty handler.
 *
 * In: captures on the command line. Out: a table of CPU seconds, user and system time of the whole process, start-up
 * taken off in two ways: `once` is the run over the capture less a run over ten packets of it; `again` is what the capture
 * costs when it comes a second time in the same run, when the hot functions have been compiled. Run by people:
 * `npm run bench:stack -- CAPTURE…`.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { createStack, ON_NEW_DATA, openCapture } from '@weir/stack'
import { type Command, copyHead, copyTwice, countPackets, cpuSeconds, median } from './measure.js'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '3' },
    /** Leave reassembly out: no handler at all. */
    'no-data': { type: 'boolean', default: false },
    checksums: { type: 'boolean', default: false },
    /** Only run the capture, print what was seen. */
    once: { type: 'boolean', default: false },
  },
})
if (positionals.length === 0) {
  console.error('usage: stack [--rounds N] [--no-data] [--checksums] CAPTURE…')
  process.exit(2)
}

async function run(capture: string): Promise<void> {
  const stack = createStack({ checksums: values.checksums ? 'verify' : 'ignore' })
  if (!values['no-data']) stack.monitorStream().on(ON_NEW_DATA, () => {})
  await openCapture(capture).run(stack)
  stack.finish()
  const { packets, flows, gaps, outOfOrder } = stack.counters
  console.log(JSON.stringify({ packets, flows, gaps, outOfOrder }))
}

function command(capture: string): Command {
  const flags = ['--once', ...(values['no-data'] ? ['--no-data'] : [])]
  if (values.checksums) flags.push('--checksums')
  return { name: 'stack', argv: [process.execPath, fileURLToPath(import.meta.url), ...flags, capture] }
}

function table(captures: readonly string[]): void {
  const work = mkdtempSync(join(tmpdir(), 'weir-bench-'))
  const head = join(work, 'head.pcap')
  const twice = join(work, 'twice.pcap')
  console.log('capture             packets   once s   Mpkt/s  again s   Mpkt/s   Gbit/s')
  for (const capture of captures) {
    copyHead(capture, 10, head)
    copyTwice(capture, twice)
    const packets = countPackets(capture)
    const once: number[] = []
    const again: number[] = []
    for (let round = 0; round < Number(values.rounds); round++) {
      const single = cpuSeconds(command(capture))
      once.push(single - cpuSeconds(command(head)))
      again.push(cpuSeconds(command(twice)) - single)
    }
    const columns = [
      basename(capture).padEnd(16),
      String(packets).padStart(10),
      median(once).toFixed(3).padStart(8),
      (packets / median(once) / 1e6).toFixed(2).padStart(8),
      median(again).toFixed(3).padStart(8),
      (packets / median(again) / 1e6).toFixed(2).padStart(8),
      ((statSync(capture).size * 8) / median(again) / 1e9).toFixed(2).padStart(8),
    ]
    console.log(columns.join(' '))
  }
  rmSync(work, { recursive: true })
}

if (values.once) await run(positionals[0]!)
else table(positionals)
