import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { concat, fromHex } from '../../../test/support/frames.js'
import { TimestampReader } from '../../src/capture/timestamp.js'
import { PcapngBuilder } from './pcapng-builder.js'
import { type ReadResult, read } from './support.js'

const directory = mkdtempSync(join(tmpdir(), 'capture-'))
afterAll(() => rmSync(directory, { recursive: true }))

let files = 0
function readBytes(bytes: Uint8Array, chunkSize?: number): Promise<ReadResult> {
  const path = join(directory, `${++files}.pcapng`)
  writeFileSync(path, bytes)
  return read(path, chunkSize)
}

function frameOf(text: string): Uint8Array {
  return Uint8Array.from(text, (c) => c.charCodeAt(0))
}

const MICROSECONDS = 1_700_000_000_123_456n

describe('pcapng', () => {
  it.each([false, true])('reads all three kinds of packet blocks (big endian: %s)', async (bigEndian) => {
    const bytes = new PcapngBuilder(bigEndian)
      .section()
      .interface(1)
      .packet(frameOf('enhanced'), { time: MICROSECONDS, wire: 100 })
      .obsoletePacket(frameOf('obsolete'), 0, MICROSECONDS)
      .simplePacket(frameOf('simple'))
      .bytes()
    const { frames, error } = await readBytes(bytes)
    expect(error).toBeUndefined()
    expect(frames).toEqual([
      {
        bytes: 'enhanced',
        wireLength: 100,
        seconds: 1_700_000_000,
        nanoseconds: 123_456_000,
        linkType: 1,
        interfaceIndex: 0,
      },
      {
        bytes: 'obsolete',
        wireLength: 8,
        seconds: 1_700_000_000,
        nanoseconds: 123_456_000,
        linkType: 1,
        interfaceIndex: 0,
      },
      { bytes: 'simple', wireLength: 6, seconds: 0, nanoseconds: 0, linkType: 1, interfaceIndex: 0 },
    ])
  })

  it('cuts simple packets at the snapshot length of the interface', async () => {
    const bytes = new PcapngBuilder().section().interface(1, [], 4).simplePacket(frameOf('abcd'), 60).bytes()
    expect((await readBytes(bytes)).frames[0]).toMatchObject({ bytes: 'abcd', wireLength: 60 })
  })

  it('keeps interfaces apart, each with its link type, resolution and offset', async () => {
    const offset = new PcapngBuilder().words(-100 >>> 0, -1 >>> 0)
    const bytes = new PcapngBuilder()
      .section()
      .interface(1)
      .interface(101, [[9, Uint8Array.of(9)]])
      .interface(113, [
        [9, Uint8Array.of(0x80 | 10)],
        [14, offset],
      ])
      .packet(frameOf('a'), { interface: 2, time: (1000n << 10n) | 512n })
      .packet(frameOf('b'), { interface: 1, time: 1_700_000_000_123_456_789n })
      .packet(frameOf('c'), { interface: 0, time: 5n })
      .bytes()
    const { frames } = await readBytes(bytes)
    expect(frames).toMatchObject([
      { bytes: 'a', linkType: 113, interfaceIndex: 2, seconds: 900, nanoseconds: 500_000_000 },
      { bytes: 'b', linkType: 101, interfaceIndex: 1, seconds: 1_700_000_000, nanoseconds: 123_456_789 },
      { bytes: 'c', linkType: 1, interfaceIndex: 0, seconds: 0, nanoseconds: 5000 },
    ])
  })

  it('reads several sections of different byte order, and numbers interfaces through', async () => {
    const bytes = new PcapngBuilder()
      .section()
      .interface(1)
      .packet(frameOf('little'))
      .append(new PcapngBuilder(true).section().interface(101).packet(frameOf('big')))
      .append(new PcapngBuilder().section().interface(12).packet(frameOf('little again')))
      .bytes()
    const { frames, error } = await readBytes(bytes)
    expect(error).toBeUndefined()
    expect(frames.map((frame) => [frame.bytes, frame.linkType, frame.interfaceIndex])).toEqual([
      ['little', 1, 0],
      ['big', 101, 1],
      ['little again', 12, 2],
    ])
  })

  it('steps over blocks it does not know, however long', async () => {
    for (const size of [0, 4, 100, 3_000_000]) {
      const bytes = new PcapngBuilder()
        .section()
        .block(0x0bad, new Uint8Array(size))
        .interface(1)
        .block(4, new Uint8Array(size))
        .packet(frameOf('here'))
        .block(5, new Uint8Array(size))
        .bytes()
      for (const chunkSize of [1000, undefined]) {
        const { frames, error } = await readBytes(bytes, chunkSize)
        expect([error, frames.map((frame) => frame.bytes)]).toEqual([undefined, ['here']])
      }
    }
  })

  it('reads options behind packets and unknown interface options', async () => {
    const bytes = new PcapngBuilder()
      .section()
      .interface(1, [
        [2, frameOf('eth0')],
        [9, Uint8Array.of(3)],
        [12, frameOf('linux')],
      ])
      .block(
        6,
        concat(
          new PcapngBuilder().words(0, 0, 1500, 3, 3),
          frameOf('abc\0'),
          fromHex('01000500 68656c6c 6f000000 00000000'),
        ),
      )
      .bytes()
    expect((await readBytes(bytes)).frames[0]).toMatchObject({
      bytes: 'abc',
      seconds: 1,
      nanoseconds: 500_000_000,
    })
  })

  const good = (): PcapngBuilder => new PcapngBuilder().section().interface(1).packet(frameOf('good'))

  it.each([
    [
      'a length at the end that differs from the begin',
      good().block(6, new Uint8Array(24), { tail: 40 }),
      /block length 36 .* 40 at its end/,
    ],
    [
      'that in an unknown block',
      good().block(99, new Uint8Array(24), { tail: 40 }),
      /block length 36 .* 40 at its end/,
    ],
    ['a length below the minimum', good().block(6, new Uint8Array(0), { head: 8 }), /block of length 8/],
    [
      'a length not divisible by four',
      good().block(6, new Uint8Array(24), { head: 33 }),
      /block of length 33/,
    ],
    [
      'a packet of an interface that is not described',
      good().packet(frameOf('x'), { interface: 1 }),
      /interface 1 has not been described/,
    ],
    [
      'a captured length beyond the block',
      good().packet(frameOf('abcd'), { captured: 5 }),
      /captured length 5/,
    ],
    [
      'an enormous captured length',
      good().packet(frameOf('abcd'), { captured: 0xffffffff }),
      /captured length 4294967295/,
    ],
    [
      'a packet block too short for its fields',
      good().block(6, new Uint8Array(16)),
      /packet block of length 28/,
    ],
    [
      'an interface block too short for its fields',
      good().block(1, new Uint8Array(4)),
      /interface description of length 16/,
    ],
    [
      'an interface option cut short',
      good()
        .interface(1, [[9, new Uint8Array(0)]])
        .block(1, fromHex('0100 0000 00000000 0900 ff00')),
      /interface option cut short/,
    ],
    [
      'a section header without byte-order magic',
      good().block(0x0a0d0d0a, new Uint8Array(16)),
      /byte-order magic/,
    ],
    ['a simple packet beyond its block', good().simplePacket(frameOf('abcd'), 9), /captured length 9/],
    [
      'a packet block of impossible length',
      good().block(6, new Uint8Array(20), { head: 0x10000000 }),
      /block of 268435456 bytes/,
    ],
  ])('reports %s, after the packets before it', async (_, builder, message) => {
    const { frames, error } = await readBytes(builder.bytes())
    expect(frames.map((frame) => frame.bytes)).toEqual(['good'])
    expect(error).toMatchObject({ name: 'CaptureError', code: 'corrupt' })
    expect((error as Error).message).toMatch(message)
    expect((error as Error).message).not.toContain('\n')
  })

  it('refuses a version it does not know', async () => {
    expect((await readBytes(new PcapngBuilder().section(2).bytes())).error).toMatchObject({
      code: 'unsupported',
    })
  })

  it('limits the number of interfaces', async () => {
    const one = new PcapngBuilder().interface(1).bytes()
    const many = new Uint8Array(one.length * 65_537)
    for (let at = 0; at < many.length; at += one.length) many.set(one, at)
    const { error } = await readBytes(concat(new PcapngBuilder().section().bytes(), many))
    expect((error as Error).message).toMatch(/more than 65536 interfaces/)
  })

  it('delivers all whole packets of a capture cut anywhere', async () => {
    const head = new PcapngBuilder().section().interface(1).bytes()
    const bytes = concat(
      head,
      new PcapngBuilder().packet(frameOf('one')).block(77, new Uint8Array(20)).packet(frameOf('two')).bytes(),
    )
    const boundaries = [28, 48, 48 + 36, 48 + 36 + 32, bytes.length]
    for (let length = 4; length < bytes.length; length++) {
      const { frames, error } = await readBytes(bytes.subarray(0, length))
      expect(frames.length).toBe(length >= 84 ? 1 : 0)
      if (boundaries.includes(length)) expect(error).toBeUndefined()
      else expect(error).toMatchObject({ code: 'truncated', packetNumber: frames.length + 1 })
    }
  })
})

describe('time stamps', () => {
  it('are exact for every resolution', () => {
    const resolution = fc.oneof(
      fc.nat(25),
      fc.nat(70).map((n) => n | 0x80),
      fc.constantFrom(6, 9, 0),
    )
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), resolution, (stamp, code) => {
        const reader = new TimestampReader(code)
        reader.read(Number(stamp >> 32n), Number(stamp & 0xffffffffn))
        const units = (code & 0x80) !== 0 ? 2n ** BigInt(code & 0x7f) : 10n ** BigInt(code)
        const seconds = stamp / units
        expect(reader.seconds).toBe(Number(seconds > 0xffffffffn ? 0xffffffffn : seconds))
        const exact = Number(((stamp % units) * 1_000_000_000n) / units)
        expect(Math.abs(reader.nanoseconds - exact)).toBeLessThanOrEqual(1)
        if (code <= 9) expect(reader.nanoseconds).toBe(exact)
      }),
      { numRuns: 2000 },
    )
  })

  it('stay within range whatever the offset', () => {
    const before = new TimestampReader(0, -10)
    before.read(0, 3)
    expect(before.seconds).toBe(0)
    const after = new TimestampReader(0, 2 ** 40)
    after.read(0, 3)
    expect(after.seconds).toBe(0xffffffff)
  })
})
