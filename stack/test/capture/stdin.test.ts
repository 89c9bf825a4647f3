import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { pcapBytes } from '../../../test/support/pcap.js'
import { runInChild } from './support.js'

const packets = Array.from({ length: 300 }, (_, i) => ({
  frame: new Uint8Array((i * 37) % 1400).fill(i),
  seconds: i,
  nanoseconds: 0,
}))
const pcap = pcapBytes(packets)

describe('standard input', () => {
  /** Reads '-' in a child process; the capture comes through a pipe, in pieces. */
  const readThroughPipe = (pieces: readonly Uint8Array[]): Promise<string> =>
    runInChild(
      `const source = openCapture('-')
       let error = ''
       await source.run({ frame() {} }).catch((e) => { error = e.message })
       print({ ...source.counters, error })`,
      pieces,
    )

  it('ends when aborted while nothing comes', async () => {
    const output = await runInChild(
      `const controller = new AbortController()
       setTimeout(() => controller.abort(), 100)
       await openCapture('-').run({ frame() {} }, { signal: controller.signal })
       print('ended')`,
      [pcap.subarray(0, 100)],
      true,
    )
    expect(JSON.parse(output)).toBe('ended')
  })

  it('reads plain and compressed captures from a pipe', async () => {
    const pieces = [pcap.subarray(0, 3), pcap.subarray(3, 1000), pcap.subarray(1000)]
    const frameBytes = packets.reduce((sum, { frame }) => sum + frame.length, 0)
    const [plain, packed, cut] = await Promise.all([
      readThroughPipe(pieces),
      readThroughPipe([gzipSync(pcap)]),
      readThroughPipe([pcap.subarray(0, 30)]),
    ])
    expect(JSON.parse(plain)).toEqual({ frames: 300, frameBytes, bytesRead: pcap.length, error: '' })
    expect(JSON.parse(packed)).toMatchObject({ frames: 300, error: '' })
    expect(JSON.parse(cut)).toMatchObject({
      frames: 0,
      error: 'standard input: packet 1 at byte 24: the capture ends within this packet',
    })
  })
})
