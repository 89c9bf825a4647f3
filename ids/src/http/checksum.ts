/** Checksums of compressed data: CRC-32 (RFC 1952 section 8) and Adler-32 (RFC 1950 section 8.2), continued piece by piece. */
import * as zlib from 'node:zlib'

/** Of the zlib that comes with Node, where there is one to call (20.15, 22.2 and later): several times as fast. */
type NativeCrc = (bytes: Uint8Array, value: number) => number
const native = (zlib as { crc32?: NativeCrc }).crc32

const TABLE = new Uint32Array(256)
for (let n = 0; n < 256; n++) {
  let value = n
  for (let bit = 0; bit < 8; bit++) value = (value & 1) !== 0 ? 0xedb88320 ^ (value >>> 1) : value >>> 1
  TABLE[n] = value
}

/** @param crc that of what comes before; 0 at the beginning. Returns an unsigned number. */
export function crc32(crc: number, bytes: Uint8Array, start: number, end: number): number {
  if (native !== undefined) return native(bytes.subarray(start, end), crc)
  let value = ~crc
  for (let i = start; i < end; i++) value = TABLE[(value ^ bytes[i]!) & 0xff]! ^ (value >>> 8)
  return ~value >>> 0
}

function crc32Byte(crc: number, byte: number): number {
  const value = ~crc
  return ~(TABLE[(value ^ byte) & 0xff]! ^ (value >>> 8)) >>> 0
}

const MODULUS = 65_521
/** Bytes whose sums stay below 2^32. */
const PIECE = 3000

/** @param adler that of what comes before; 1 at the beginning. Returns an unsigned number. */
export function adler32(adler: number, bytes: Uint8Array, start: number, end: number): number {
  let low = adler & 0xffff
  let high = adler >>> 16
  for (let i = start; i < end; ) {
    const stop = end - i > PIECE ? i + PIECE : end
    for (; i < stop; i++) {
      low += bytes[i]!
      high += low
    }
    low %= MODULUS
    high %= MODULUS
  }
  return (high * 65_536 + low) >>> 0
}

/** Checksum and length of what has come out of a gzip member or a zlib stream, to be held against its trailer. */
export class Integrity {
  /** The bytes behind the data. */
  readonly trailer = new Uint8Array(8)
  private readonly view = new DataView(this.trailer.buffer)
  private gzip = false
  private header = 0
  private sum = 0
  /** `add` has been given everything up to here. */
  private summed = 0
  /** Bytes that had come out before this member. */
  private before = 0

  /** @param history bytes that have come out so far, of all members */
  beginGzip(history: number): void {
    this.gzip = true
    this.header = 0
    this.sum = 0
    this.before = history
  }

  beginZlib(): void {
    this.gzip = false
    this.sum = 1
  }

  /** What comes out from now on begins at index `at`. */
  start(at: number): void {
    this.summed = at
  }

  add(output: Uint8Array, end: number): void {
    const { summed, sum } = this
    if (summed === end) return
    this.sum = this.gzip ? crc32(sum, output, summed, end) : adler32(sum, output, summed, end)
    this.summed = end
  }

  addHeaderByte(byte: number): void {
    this.header = crc32Byte(this.header, byte)
  }

  /** CRC of the gzip header so far, as the header holds it. */
  get headerCrc(): number {
    return this.header & 0xffff
  }

  holds(history: number): boolean {
    if (!this.gzip) return this.view.getUint32(0) === this.sum
    return this.view.getUint32(0, true) === this.sum && this.view.getUint32(4, true) === history - this.before
  }
}
