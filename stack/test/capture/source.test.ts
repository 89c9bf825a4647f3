import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import { concat, fromHex } from '../../../test/support/frames.js'
import { pcapBytes } from '../../../test/support/pcap.js'
import { sharedPath } from '../../../test/support/shared.js'
import { CaptureError, type FrameSink, openCapture } from '../../src/capture/index.js'
import { DecodeCounters, decodeFrame, Packet, verifyChecksums } from '../../src/wire/index.js'
import { PcapngBuilder } from './pcapng-builder.js'
import { Collector, countPcapRecords, type Frame, read } from './support.js'

const directory = mkdtempSync(join(tmpdir(), 'capture-'))
afterAll(() => rmSync(directory, { recursive: true }))

let files = 0
function file(bytes: Uint8Array): string {
  const path = join(directory, `capture-${++files}`)
  writeFileSync(path, bytes)
  return path
}

const packets = Array.from({ length: 300 }, (_, i) => ({
  frame: Uint8Array.from({ length: (i * 37) % 1400 }, (_, at) => (at * (i + 1) * 7919) & 0xff),
  seconds: 1000 + i,
  nanoseconds: i * 1000,
}))
const pcap = pcapBytes(packets)
const pcapng = packets
  .reduce((builder, { frame, seconds, nanoseconds }) => {
    const time = BigInt(seconds) * 1_000_000n + BigInt(nanoseconds / 1000)
    return builder.packet(frame, { time }).block(0x4242, frame)
  }, new PcapngBuilder(true).section().interface(1))
  .bytes()
const expected: Frame[] = packets.map(({ frame, seconds, nanoseconds }) => ({
  bytes: Buffer.from(frame).toString('latin1'),
  wireLength: frame.length,
  seconds,
  nanoseconds,
  linkType: 1,
  interfaceIndex: 0,
}))

describe('reading in chunks', () => {
  it.each([
    ['pcap', pcap],
    ['pcapng', pcapng],
    ['pcap in gzip', gzipSync(pcap)],
    ['pcapng in gzip', gzipSync(pcapng)],
    ['pcap in several gzip members', concat(gzipSync(pcap.subarray(0, 5000)), gzipSync(pcap.subarray(5000)))],
  ])('gives the same frames of %s whatever the size of the chunks', async (_, bytes) => {
    const path = file(bytes)
    for (const chunkSize of [7, 100, 1399, 65_536, 1 << 24, undefined]) {
      const { frames, error } = await read(path, chunkSize)
      expect(error).toBeUndefined()
      expect(frames).toEqual(expected)
    }
  })

  it('counts, and reports progress', async () => {
    const source = openCapture(file(pcap), { chunkSize: 50_000 })
    const progress: (readonly [number, number | undefined])[] = []
    await source.run(new Collector(), { onProgress: (done, total) => progress.push([done, total]) })
    const frameBytes = packets.reduce((sum, { frame }) => sum + frame.length, 0)
    expect(source.counters).toEqual({ frames: 300, frameBytes, bytesRead: pcap.length })
    expect(progress.length).toBeGreaterThan(3)
    expect(progress.at(-1)).toEqual([pcap.length, pcap.length])
    expect(progress.every(([done], i) => i === 0 || done >= progress[i - 1]![0])).toBe(true)
  })

  it('lets other work happen between chunks', async () => {
    let turns = 0
    const timer = setInterval(() => turns++, 0)
    await openCapture(file(pcap), { chunkSize: 100 }).run({ frame: () => {} })
    clearInterval(timer)
    expect(turns).toBeGreaterThan(2)
  })

  it.each([
    ['pcap', pcap],
    ['pcapng', pcapng],
    ['gzip', gzipSync(pcap)],
  ])('stops right after the frame during which it is aborted (%s)', async (_, bytes) => {
    const controller = new AbortController()
    const source = openCapture(file(bytes))
    let frames = 0
    await source.run(
      { frame: () => void (++frames === 5 && controller.abort()) },
      { signal: controller.signal },
    )
    expect([frames, source.counters.frames]).toEqual([5, 5])
    await openCapture(file(bytes)).run({ frame: () => frames++ }, { signal: controller.signal })
    expect(frames).toBe(5)
  })

  it('passes on what the sink throws', async () => {
    const sink: FrameSink = {
      frame() {
        throw new RangeError('of the sink')
      },
    }
    await expect(openCapture(file(pcap)).run(sink)).rejects.toThrow('of the sink')
  })
})

describe('damaged and foreign input', () => {
  it.each([
    ['an empty file', new Uint8Array(0), 'empty', /empty, not a capture/],
    [
      'text',
      Buffer.from('hello, world'),
      'unknown-format',
      /not a pcap or pcapng capture \(it begins with 68 65 6c 6c\)/,
    ],
    ['three bytes', fromHex('d4c3b2'), 'unknown-format', /not a pcap/],
    ['zstd', fromHex('28b52ffd 00000000'), 'unknown-format', /compressed with zstd/],
    ['an empty gzip file', gzipSync(''), 'empty', /empty/],
    ['text in gzip', gzipSync('hello'), 'unknown-format', /not a pcap/],
    ['a gzip header and nothing more', fromHex('1f8b08'), 'truncated', /ends too early/],
    ['a gzip header and garbage', fromHex('1f8b0800000000000003ffffffffffffffff'), 'corrupt', /damaged gzip/],
  ])('names the file and the trouble: %s', async (_, bytes, code, message) => {
    const path = file(bytes)
    const { error } = await read(path)
    expect(error).toBeInstanceOf(CaptureError)
    expect(error).toMatchObject({ code, path })
    expect((error as Error).message).toMatch(message)
    expect((error as Error).message.startsWith(`${path}: `)).toBe(true)
    expect((error as Error).message).not.toContain('\n')
  })

  it('tells a missing file from a directory', async () => {
    const missing = join(directory, 'missing.pcap')
    expect((await read(missing)).error).toMatchObject({
      code: 'not-found',
      message: `${missing}: no such file`,
    })
    expect((await read(directory)).error).toMatchObject({
      code: 'is-directory',
      message: `${directory}: is a directory, not a capture file`,
    })
  })

  it('delivers what can be unpacked of a gzip file cut short', async () => {
    const packed = gzipSync(pcap)
    const { frames, error } = await read(file(packed.subarray(0, packed.length >> 1)))
    expect(error).toMatchObject({ code: 'truncated' })
    expect(frames.length).toBeGreaterThan(100)
    expect(frames).toEqual(expected.slice(0, frames.length))
    const almost = await read(file(packed.subarray(0, packed.length - 4)))
    expect([almost.frames.length, (almost.error as CaptureError).code]).toEqual([300, 'truncated'])
  })

  it('survives any damage to any format', async () => {
    let seed = 1
    const random = (limit: number): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff
      return seed % limit
    }
    const small = packets.slice(0, 6).map((packet) => ({ ...packet, frame: packet.frame.subarray(0, 40) }))
    const builder = new PcapngBuilder().section().interface(1)
    for (const { frame } of small) builder.packet(frame)
    for (const bytes of [pcapBytes(small), builder.bytes(), gzipSync(pcapBytes(small))]) {
      for (let round = 0; round < 120; round++) {
        const damaged = Uint8Array.from(bytes)
        for (let i = 0; i < 4; i++) damaged[random(damaged.length)] = random(256)
        const { error } = await read(file(damaged), 1 + random(100))
        if (error !== undefined) expect(error).toBeInstanceOf(CaptureError)
        files--
      }
    }
  })
})

describe('captures beside the repository', () => {
  const folders = [sharedPath('captures'), sharedPath('cases', 'pcaps')].filter((path) => path !== undefined)

  it.skipIf(folders.length === 0)('are read and decoded, every packet accounted for', async () => {
    let count = 0
    for (const folder of folders) {
      for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
        const path = join(folder, name)
        if (!/\.(pcap|pcapng|gz)$/.test(name) || !statSync(path).isFile()) continue
        const packet = new Packet()
        const counters = new DecodeCounters()
        const source = openCapture(path)
        await source
          .run({
            frame(...frame) {
              decodeFrame(packet, counters, ...frame)
              verifyChecksums(packet, counters)
            },
          })
          .catch((error) => expect(error).toBeInstanceOf(CaptureError))
        expect(counters.frames).toBe(source.counters.frames)
        if (name.endsWith('.pcap')) {
          expect([name, source.counters.frames]).toEqual([name, countPcapRecords(path)])
        }
        count++
      }
    }
    expect(count).toBeGreaterThan(100)
  })
})
