import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { pcapBytes } from '../../../test/support/pcap.js'
import { openCapture, PcapWriter, type PcapWriterOptions } from '../../src/capture/index.js'

const directory = mkdtempSync(join(tmpdir(), 'capture-'))
afterAll(() => rmSync(directory, { recursive: true }))

const packets = Array.from({ length: 1000 }, (_, i) => ({
  frame: Uint8Array.from({ length: (i * 31) % 1500 }, (_, at) => (at + i) & 0xff),
  seconds: 4_000_000_000 + i,
  nanoseconds: 999_999_000 - i,
}))

function write(writer: PcapWriter, linkType = 1): void {
  for (const { frame, seconds, nanoseconds } of packets) {
    writer.frame(frame, 0, frame.length, frame.length, seconds, nanoseconds, linkType)
  }
}

/** Byte by byte comparison by the test framework takes seconds on captures of this size. */
function expectSame(actual: Uint8Array, expected: Uint8Array): void {
  expect(Buffer.compare(actual, expected)).toBe(0)
}

function inMemory(options: PcapWriterOptions, linkType?: number): Uint8Array {
  const writer = new PcapWriter(options)
  write(writer, linkType)
  return writer.bytes()
}

describe('PcapWriter', () => {
  it('writes to memory, with microseconds or nanoseconds', () => {
    expectSame(inMemory({}), pcapBytes(packets))
    expectSame(inMemory({ nanoseconds: true }), pcapBytes(packets, { nanoseconds: true }))
    expectSame(inMemory({}, 101), pcapBytes(packets, { linkType: 101 }))
    expectSame(inMemory({ snaplen: 100 }), pcapBytes(packets, { snaplen: 100 }))
  })

  it('writes to a file descriptor', () => {
    const path = join(directory, 'out.pcap')
    const fd = openSync(path, 'w')
    const writer = new PcapWriter({ fd, path })
    write(writer)
    writer.flush()
    closeSync(fd)
    expectSame(new Uint8Array(readFileSync(path)), pcapBytes(packets))
    expect(() => {
      write(writer)
    }).toThrow(`${path}: `)
  })

  it('writes an empty capture when no frame came', () => {
    expectSame(new PcapWriter().bytes(), pcapBytes([]))
    expectSame(new PcapWriter({ linkType: 12 }).bytes(), pcapBytes([], { linkType: 12 }))
  })

  it('leaves out frames of another link type, and counts them', () => {
    const writer = new PcapWriter()
    writer.frame(Uint8Array.of(1), 0, 1, 1, 0, 0, 113)
    writer.frame(Uint8Array.of(2), 0, 1, 1, 0, 0, 1)
    expect([writer.frames, writer.skipped]).toEqual([1, 1])
    expectSame(
      writer.bytes(),
      pcapBytes([{ frame: Uint8Array.of(1), seconds: 0, nanoseconds: 0 }], { linkType: 113 }),
    )
  })

  it('copies a capture when a source runs into it', async () => {
    const path = join(directory, 'copy.pcap')
    const fd = openSync(path, 'w')
    const original = new PcapWriter({ fd, nanoseconds: true })
    write(original)
    original.flush()
    closeSync(fd)
    const copy = new PcapWriter({ nanoseconds: true })
    await openCapture(path).run(copy)
    expectSame(copy.bytes(), new Uint8Array(readFileSync(path)))
  })
})
