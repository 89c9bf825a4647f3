/** Tells capture formats apart by their first bytes. */
import { CaptureError } from './error.js'
import type { FrameParser } from './parser.js'
import { readUint32 } from './parser.js'
import { PcapParser, pcapByteOrder } from './pcap.js'
import { PCAPNG_BLOCK, PcapngParser } from './pcapng.js'

/** Bytes needed to tell the format. */
export const MAGIC_LENGTH = 4

export function isGzip(b: Uint8Array, length: number): boolean {
  return length >= 2 && b[0] === 0x1f && b[1] === 0x8b
}

/** Formats people mistake for readable ones: first bytes, and what to say. */
const OTHERS: readonly { readonly magic: readonly number[]; readonly hint: string }[] = [
  { magic: [0x28, 0xb5, 0x2f, 0xfd], hint: 'compressed with zstd; unpack it first' },
  { magic: [0xfd, 0x37, 0x7a, 0x58], hint: 'compressed with xz; unpack it first' },
  { magic: [0x42, 0x5a, 0x68], hint: 'compressed with bzip2; unpack it first' },
  { magic: [0x04, 0x22, 0x4d, 0x18], hint: 'compressed with lz4; unpack it first' },
  { magic: [0x50, 0x4b, 0x03, 0x04], hint: 'a zip archive; unpack it first' },
  { magic: [0x73, 0x6e, 0x6f, 0x6f], hint: 'a snoop capture; convert it to pcap first' },
]

/**
 * The parser for a capture that begins with the first `length` bytes of `b`.
 * @throws CaptureError 'empty' or 'unknown-format'
 */
export function parserFor(path: string, b: Uint8Array, length: number): FrameParser {
  if (length === 0) throw new CaptureError('empty', path, 'empty, not a capture')
  if (length >= MAGIC_LENGTH) {
    if (pcapByteOrder(b) !== undefined) return new PcapParser(path)
    if (readUint32(b, 0, true) === PCAPNG_BLOCK.SECTION) return new PcapngParser(path)
  }
  const known = OTHERS.find(({ magic }) => length >= magic.length && magic.every((byte, i) => b[i] === byte))
  const bytes = Array.from(b.subarray(0, Math.min(length, MAGIC_LENGTH)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  )
  throw new CaptureError(
    'unknown-format',
    path,
    known?.hint ?? `not a pcap or pcapng capture (it begins with ${bytes.join(' ')})`,
  )
}
