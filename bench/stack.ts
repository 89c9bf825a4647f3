/**
 * Speed of the stack alone: captures with ON_NEW_DATA going to an empty handler.
 *
 * In: captures on the command line. Out: a table of packets per CPU second, user and system time of the whole process,
 * start-up taken off: the same command on ten packets is measured in the same round and subtracted. Run by people:
 * `npm run bench:stack -- CAPTURE…`.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { createStack, ON_NEW_DATA, openCapture } from '@weir/stack'
import { type Command, copyHead, countPackets, cpuSeconds, median } from './measure.js'

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

function measure(capture: string, head: string): number {
  const flags = ['--once', ...(values['no-data'] ? ['--no-data'] : [])]
  if (values.checksums) flags.push('--checksums')
  const command = (path: string): Command => ({
    name: 'stack',
    argv: [process.execPath, fileURLToPath(import.meta.url), ...flags, path],
  })
  return cpuSeconds(command(capture)) - cpuSeconds(command(head))
}

function table(captures: readonly string[]): void {
  const work = mkdtempSync(join(tmpdir(), 'weir-bench-'))
  console.log('capture             packets   CPU s   Mpkt/s   Gbit/s')
  for (const capture of captures) {
    const head = join(work, 'head.pcap')
    copyHead(capture, 10, head)
    const packets = countPackets(capture)
    const bits = statSync(capture).size * 8
    const times = Array.from({ length: Number(values.rounds) }, () => measure(capture, head))
    const seconds = median(times)
    const columns = [
      basename(capture).padEnd(16),
      String(packets).padStart(10),
      seconds.toFixed(3).padStart(7),
      (packets / seconds / 1e6).toFixed(2).padStart(8),
      (bits / seconds / 1e9).toFixed(2).padStart(8),
    ]
    console.log(columns.join(' '))
  }
  rmSync(work, { recursive: true })
}

if (values.once) await run(positionals[0]!)
else table(positionals)
