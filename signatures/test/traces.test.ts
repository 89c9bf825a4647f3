import { spawn, spawnSync } from 'node:child_process'
import { afterAll, describe, expect, it } from 'vitest'
import { pcapPackets } from '../../test/support/pcap.js'
import { sharedPath } from '../../test/support/shared.js'
import { Detection } from './detect.js'
import { loadSignatures } from './signatures.js'

/** Recorded traffic of a web server and its clients, without attacks. */
const TRACES = ['http-64', 'http-1024', 'http-8192', 'http-65536']
const SAMPLE_PACKETS = 20_000
/** More than enough for that many packets. */
const SAMPLE_BYTES = 24 * 1024 * 1024

const paths = TRACES.map((name) => sharedPath('traces', `${name}.pcap.zst`))
const missing = paths.includes(undefined)
  ? 'the traces are not beside the repository'
  : spawnSync('zstd', ['--version']).error && 'zstd is not installed'

/** The first bytes of what a zstd file unpacks to. */
function unpackStart(path: string, bytes: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const zstd = spawn('zstd', ['-dc', '--long=27', path], { stdio: ['ignore', 'pipe', 'ignore'] })
    const chunks: Buffer[] = []
    let length = 0
    zstd.stdout.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      length += chunk.length
      if (length >= bytes) zstd.kill()
    })
    zstd.on('error', reject)
    zstd.on('close', () => resolve(Buffer.concat(chunks)))
  })
}

describe.skipIf(missing)(`ordinary web traffic${missing ? ` (skipped: ${missing})` : ''}`, () => {
  const detection = new Detection(loadSignatures().rules)
  afterAll(() => detection.close())

  it.each(TRACES.map((name, i) => [name, paths[i]!] as const))('%s raises nothing', async (_name, path) => {
    const packets = pcapPackets(await unpackStart(path, SAMPLE_BYTES)).slice(0, SAMPLE_PACKETS)
    expect(packets.length).toBe(SAMPLE_PACKETS)
    expect(detection.run(packets)).toEqual([])
  })
})
