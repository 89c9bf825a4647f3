/**
 * Ordinary web traffic, recorded from a real server and client: published rule sets must raise exactly what Snort 3
 * raises on it, which is next to nothing.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readTable } from './support/oracle.js'
import { runRules } from './support/run.js'
import { sharedPath } from './support/shared.js'

const TRACES = ['http-64', 'http-1024', 'http-8192', 'http-65536']
const RULE_SETS = ['http-3000', 'snort3-community-2025', 'snort29-gpl-2011-http']

const available = sharedPath('traces') !== undefined && spawnSync('zstd', ['--version']).status === 0

/** Unpacks a trace through a named pipe: unpacked, the four hold more than a gigabyte. */
async function withTrace<T>(trace: string, use: (path: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'weir-trace-'))
  const pipe = join(directory, 'trace.pcap')
  execFileSync('mkfifo', [pipe])
  const source = sharedPath('traces', `${trace}.pcap.zst`)!
  const command = 'exec zstd -dc --long=27 "$0" > "$1"'
  const zstd: ChildProcess = spawn('sh', ['-c', command, source, pipe], { stdio: 'ignore' })
  try {
    return await use(pipe)
  } finally {
    zstd.kill()
    rmSync(directory, { recursive: true, force: true })
  }
}

describe.skipIf(!available)('ordinary web traffic', () => {
  for (const trace of TRACES) {
    for (const set of RULE_SETS) {
      it(`${set} on ${trace}: the alerts of Snort 3, no others`, { timeout: 300_000 }, async () => {
        const expected = Object.fromEntries(
          readTable('traces.expected.tsv')
            .filter((entry) => entry.rules === set && entry.trace === trace)
            .map(({ sid, count }) => [sid!, Number(count)]),
        )
        const rules = [{ path: sharedPath('rules', `${set}.rules`)! }]
        const variables = { HTTP_PORTS: '80' }
        const counts: Record<string, number> = {}
        const { alerts } = await withTrace(trace, (capture) =>
          runRules({ rules, capture, variables, checksums: 'ignore' }),
        )
        for (const { sid } of alerts) counts[sid] = (counts[sid] ?? 0) + 1
        expect(counts).toEqual(expected)
      })
    }
  }
})
