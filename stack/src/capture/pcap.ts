/** Classic pcap files: both byte orders, microseconds or nanoseconds, and the 'modified' variant. */
import { CaptureError } from './error.js'
import { type FrameParser, MAX_FRAME_LENGTH, readUint16, readUint32 } from './parser.js'
import type { FrameSink } from './source.js'

export const PCAP_MAGIC = {
  MICROSECONDS: 0xa1b2c3d4,
  NANOSECONDS: 0xa1b23c4d,
  /** Linux 2.2 era variant: microseconds, eight more bytes in each record header (interface, protocol, direction). */
  MODIFIED: 0xa1b2cd34,
} as const

export const PCAP_HEADER = {
  MAGIC: 0,
  MAJOR_VERSION: 4,
  MINOR_VERSION: 6,
  SNAPLEN: 16,
  LINK_TYPE: 20,
  LENGTH: 24,
} as const
export const PCAP_RECORD = { SECONDS: 0, FRACTION: 4, CAPTURED: 8, WIRE: 12, LENGTH: 16 } as const
const MODIFIED_RECORD_LENGTH = 24

/** The field also says, in its upper bits, how many frame check bytes follow each frame. */
const LINK_TYPE_MASK = 0x03ff_ffff

/** Byte order of a pcap file by its magic number, or undefined when it is none. */
export function pcapByteOrder(
  b: Uint8Array,
): { readonly bigEndian: boolean; readonly magic: number } | undefined {
  for (const bigEndian of [false, true]) {
    const magic = readUint32(b, 0, bigEndian)
    if (
      magic === PCAP_MAGIC.MICROSECONDS ||
      magic === PCAP_MAGIC.NANOSECONDS ||
      magic === PCAP_MAGIC.MODIFIED
    ) {
      return { bigEndian, magic }
    }
  }
  return undefined
}

export class PcapParser implements FrameParser {
  frames = 0
  frameBytes = 0
  stopped = false
  private readonly path: string
  private bigEndian = false
  /** Of one unit of the fraction field. */
  private nanosecondsPerUnit = 1000
  private unitsPerSecond = 1_000_000
  private recordLength: number = PCAP_RECORD.LENGTH
  private linkType = -1

  constructor(path: string) {
    this.path = path
  }

  parse(buffer: Uint8Array, start: number, end: number, base: number, sink: FrameSink): number {
    let at = start
    if (this.linkType < 0) {
      if (end - at < PCAP_HEADER.LENGTH) return at
      this.readHeader(buffer, at)
      at += PCAP_HEADER.LENGTH
    }
    const { bigEndian, recordLength, linkType, unitsPerSecond, nanosecondsPerUnit } = this
    while (end - at >= recordLength && !this.stopped) {
      const captured = readUint32(buffer, at + PCAP_RECORD.CAPTURED, bigEndian)
      if (captured > MAX_FRAME_LENGTH) {
        throw new CaptureError(
          'corrupt',
          this.path,
          `record of ${captured} bytes, the limit is ${MAX_FRAME_LENGTH}`,
          this.frames + 1,
          base + at,
        )
      }
      const frame = at + recordLength
      if (captured > end - frame) break
      const wire = readUint32(buffer, at + PCAP_RECORD.WIRE, bigEndian)
      let seconds = readUint32(buffer, at + PCAP_RECORD.SECONDS, bigEndian)
      let fraction = readUint32(buffer, at + PCAP_RECORD.FRACTION, bigEndian)
      if (fraction >= unitsPerSecond) {
        const carry = Math.floor(fraction / unitsPerSecond)
        seconds += carry
        fraction -= carry * unitsPerSecond
      }
      this.frames++
      this.frameBytes += captured
      sink.frame(
        buffer,
        frame,
        captured,
        Math.max(wire, captured),
        seconds,
        fraction * nanosecondsPerUnit,
        linkType,
        0,
      )
      at = frame + captured
    }
    return at
  }

  finish(rest: number, at: number): void {
    if (this.linkType < 0) throw new CaptureError('truncated', this.path, 'pcap file header cut short', 0, at)
    if (rest > 0) {
      throw new CaptureError(
        'truncated',
        this.path,
        'the capture ends within this packet',
        this.frames + 1,
        at,
      )
    }
  }

  private readHeader(b: Uint8Array, at: number): void {
    const order = pcapByteOrder(b.subarray(at, at + 4))
    if (order === undefined) throw new CaptureError('unknown-format', this.path, 'not a pcap file', 0, 0)
    const { bigEndian, magic } = order
    const major = readUint16(b, at + PCAP_HEADER.MAJOR_VERSION, bigEndian)
    const minor = readUint16(b, at + PCAP_HEADER.MINOR_VERSION, bigEndian)
    if (major !== 2) {
      throw new CaptureError('unsupported', this.path, `pcap version ${major}.${minor}, known is 2.4`, 0, 0)
    }
    this.bigEndian = bigEndian
    if (magic === PCAP_MAGIC.NANOSECONDS) {
      this.nanosecondsPerUnit = 1
      this.unitsPerSecond = 1_000_000_000
    }
    if (magic === PCAP_MAGIC.MODIFIED) this.recordLength = MODIFIED_RECORD_LENGTH
    this.linkType = readUint32(b, at + PCAP_HEADER.LINK_TYPE, bigEndian) & LINK_TYPE_MASK
  }
}
