import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { concat, fromHex } from '../../../test/support/frames.js'
import { type PcapOptions, pcapBytes } from '../../../test/support/pcap.js'
import { CaptureError, MAX_FRAME_LENGTH } from '../../src/capture/index.js'
import { read } from './support.js'

const directory = mkdtempSync(join(tmpdir(), 'capture-'))
afterAll(() => rmSync(directory, { recursive: true }))

let files = 0
function file(bytes: Uint8Array): string {
  const path = join(directory, `${++files}.pcap`)
  writeFileSync(path, bytes)
  return path
}

function frameOf(text: string): Uint8Array {
  return Uint8Array.from(text, (c) => c.charCodeAt(0))
}

const packets = [
  { frame: frameOf('first frame'), seconds: 1_700_000_000, nanoseconds: 123_456_789 },
  { frame: frameOf(''), seconds: 1_700_000_001, nanoseconds: 0 },
  { frame: frameOf('third'), seconds: 4_294_967_295, nanoseconds: 999_999_999, wireLength: 1500 },
]

describe('pcap', () => {
  const variants: PcapOptions[] = [false, true].flatMap((bigEndian) =>
    [false, true].map((nanoseconds) => ({ bigEndian, nanoseconds, linkType: 101 })),
  )

  it.each(variants)('reads %o', async (options) => {
    const { frames, error } = await read(file(pcapBytes(packets, options)))
    expect(error).toBeUndefined()
    expect(frames.map((frame) => [frame.bytes, frame.wireLength])).toEqual([
      ['first frame', 11],
      ['', 0],
      ['third', 1500],
    ])
    expect(frames.map((frame) => [frame.seconds, frame.nanoseconds])).toEqual([
      [1_700_000_000, options.nanoseconds ? 123_456_789 : 123_456_000],
      [1_700_000_001, 0],
      [4_294_967_295, options.nanoseconds ? 999_999_999 : 999_999_000],
    ])
    expect(frames.every((frame) => frame.linkType === 101 && frame.interfaceIndex === 0)).toBe(true)
  })

  it('reads the modified format, whose record headers are longer', async () => {
    const header = pcapBytes([])
    header.set(fromHex('34cdb2a1'))
    const record = fromHex('01000000 02000000 03000000 03000000 05000000 0800 00 00')
    const { frames } = await read(file(concat(header, record, frameOf('abc'), record, frameOf('def'))))
    expect(frames.map((frame) => frame.bytes)).toEqual(['abc', 'def'])
    expect(frames[0]).toMatchObject({ seconds: 1, nanoseconds: 2000 })
  })

  it('reads a capture without packets', async () => {
    expect(await read(file(pcapBytes([])))).toEqual({ frames: [], error: undefined })
  })

  it('ignores the frame check length in the link type field', async () => {
    const bytes = pcapBytes(packets)
    new DataView(bytes.buffer).setUint32(20, 0x24000001, true)
    expect((await read(file(bytes))).frames[0]!.linkType).toBe(1)
  })

  it('carries fractions of a second or more into the seconds', async () => {
    const bytes = pcapBytes([{ frame: frameOf('x'), seconds: 10, nanoseconds: 0 }])
    new DataView(bytes.buffer).setUint32(28, 2_000_001, true)
    expect((await read(file(bytes))).frames[0]).toMatchObject({ seconds: 12, nanoseconds: 1000 })
  })

  it('never gives a wire length below the captured length', async () => {
    const { frames } = await read(
      file(pcapBytes([{ frame: frameOf('abcdef'), seconds: 1, nanoseconds: 0, wireLength: 2 }])),
    )
    expect(frames[0]!.wireLength).toBe(6)
  })

  it('delivers all whole packets of a capture cut anywhere, then says where it was cut', async () => {
    const bytes = pcapBytes(packets)
    const starts = [24, 24 + 27, 24 + 27 + 16, bytes.length]
    for (let length = 1; length < bytes.length; length++) {
      const { frames, error } = await read(file(bytes.subarray(0, length)))
      const whole = starts.filter((start) => start <= length).length - 1
      if (starts.includes(length)) {
        expect([frames.length, error]).toEqual([whole, undefined])
      } else if (length < 4) {
        expect(error).toMatchObject({ code: 'unknown-format' })
      } else if (length < 24) {
        expect(error).toMatchObject({ code: 'truncated', packetNumber: 0, byteOffset: 0 })
      } else {
        expect(frames.length).toBe(whole)
        expect(error).toBeInstanceOf(CaptureError)
        expect(error).toMatchObject({
          code: 'truncated',
          packetNumber: whole + 1,
          byteOffset: starts[whole]!,
        })
      }
    }
  })

  it('reports a record of impossible length with packet and offset, and does not allocate for it', async () => {
    for (const captured of [MAX_FRAME_LENGTH + 1, 0x7fffffff, 0xffffffff]) {
      const bytes = pcapBytes(packets)
      new DataView(bytes.buffer).setUint32(24 + 27 + 8, captured, true)
      const path = file(bytes)
      const { frames, error } = await read(path)
      expect(frames.length).toBe(1)
      expect(error).toMatchObject({ code: 'corrupt', path, packetNumber: 2, byteOffset: 51 })
      expect((error as Error).message).toBe(
        `${path}: packet 2 at byte 51: record of ${captured} bytes, the limit is ${MAX_FRAME_LENGTH}`,
      )
    }
  })

  it('accepts the longest frame allowed', async () => {
    const bytes = pcapBytes([{ frame: new Uint8Array(MAX_FRAME_LENGTH), seconds: 1, nanoseconds: 0 }], {
      snaplen: MAX_FRAME_LENGTH,
    })
    for (const chunkSize of [1000, undefined]) {
      expect((await read(file(bytes), chunkSize)).frames[0]!.bytes.length).toBe(MAX_FRAME_LENGTH)
    }
  })

  it('refuses versions it does not know', async () => {
    const bytes = pcapBytes(packets)
    bytes[4] = 3
    expect((await read(file(bytes))).error).toMatchObject({ code: 'unsupported' })
  })
})
