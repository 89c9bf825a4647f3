/** pcapng files: any number of sections (each in its byte order) and interfaces; unknown blocks are stepped over. */
import { CaptureError } from './error.js'
import { type FrameParser, MAX_FRAME_LENGTH, MAX_RECORD_LENGTH, readUint16, readUint32 } from './parser.js'
import type { FrameSink } from './source.js'
import { TimestampReader } from './timestamp.js'

/** Block types. That of the section header reads the same in both byte orders. */
export const PCAPNG_BLOCK = {
  SECTION: 0x0a0d0d0a,
  INTERFACE: 1,
  /** Obsolete packet block, still found in old captures. */
  PACKET: 2,
  SIMPLE_PACKET: 3,
  ENHANCED_PACKET: 6,
} as const

const BYTE_ORDER_MAGIC = 0x1a2b3c4d
const BYTE_ORDER_MAGIC_SWAPPED = 0x4d3c2b1a
/** Type and length before the body, the length again behind it. */
const HEAD = 8
const TAIL = 4
const MIN_BLOCK = HEAD + TAIL

/** Offsets from the begin of the block, and the shortest whole block of each type. */
const SECTION = { MAGIC: 8, MAJOR_VERSION: 12, MIN: 28 } as const
const INTERFACE = { LINK_TYPE: 8, SNAPLEN: 12, OPTIONS: 16, MIN: 20 } as const
const ENHANCED = { INTERFACE: 8, HIGH: 12, LOW: 16, CAPTURED: 20, WIRE: 24, DATA: 28, MIN: 32 } as const
/** Like the enhanced block, with a 16-bit interface number and drop count. */
const OBSOLETE = { INTERFACE: 8 } as const
const SIMPLE = { WIRE: 8, DATA: 12, MIN: 16 } as const

const OPTION_END = 0
const OPTION_TIMESTAMP_RESOLUTION = 9
const OPTION_TIMESTAMP_OFFSET = 14

/** Interfaces over all sections. Captures of 'any' on big routers have thousands. */
const MAX_INTERFACES = 65_536

class CaptureInterface {
  readonly index: number
  readonly linkType: number
  /** 0: no limit. */
  readonly snaplen: number
  readonly time: TimestampReader
  constructor(index: number, linkType: number, snaplen: number, time: TimestampReader) {
    this.index = index
    this.linkType = linkType
    this.snaplen = snaplen
    this.time = time
  }
}

export class PcapngParser implements FrameParser {
  frames = 0
  frameBytes = 0
  stopped = false
  private readonly path: string
  private bigEndian = false
  private started = false
  /** Of the current section. */
  private interfaces: CaptureInterface[] = []
  private interfaceTotal = 0
  /** Bytes of an unknown block still to be stepped over, before its trailing length. */
  private skip = 0
  /** Trailing length expected after `skip`; 0 when no block is being stepped over. */
  private skipTail = 0

  constructor(path: string) {
    this.path = path
  }

  parse(buffer: Uint8Array, start: number, end: number, base: number, sink: FrameSink): number {
    let at = start
    while (!this.stopped) {
      if (this.skipTail !== 0) {
        const step = Math.min(this.skip, end - at)
        at += step
        this.skip -= step
        if (this.skip > 0 || end - at < TAIL) return at
        this.checkTail(buffer, at, this.skipTail, base)
        at += TAIL
        this.skipTail = 0
      }
      if (end - at < MIN_BLOCK) return at
      let type = readUint32(buffer, at, this.bigEndian)
      if (type === PCAPNG_BLOCK.SECTION) {
        this.readByteOrder(buffer, at, base)
        type = PCAPNG_BLOCK.SECTION
      } else if (!this.started) {
        throw new CaptureError('unknown-format', this.path, 'not a pcapng file', 0, base + at)
      }
      const length = readUint32(buffer, at + 4, this.bigEndian)
      if (length < MIN_BLOCK || (length & 3) !== 0) this.damaged(`block of length ${length}`, base + at)
      if (!isKnown(type)) {
        this.skip = length - TAIL
        this.skipTail = length
        continue
      }
      if (length > MAX_RECORD_LENGTH) {
        this.damaged(`block of ${length} bytes, the limit is ${MAX_RECORD_LENGTH}`, base + at)
      }
      if (length > end - at) return at
      this.checkTail(buffer, at + length - TAIL, length, base)
      this.readBlock(buffer, at, type, length, base, sink)
      at += length
    }
    return at
  }

  finish(rest: number, at: number): void {
    if (rest > 0 || this.skipTail !== 0) {
      throw new CaptureError('truncated', this.path, 'the capture ends within a block', this.frames + 1, at)
    }
  }

  private readBlock(
    b: Uint8Array,
    at: number,
    type: number,
    length: number,
    base: number,
    sink: FrameSink,
  ): void {
    switch (type) {
      case PCAPNG_BLOCK.ENHANCED_PACKET:
      case PCAPNG_BLOCK.PACKET:
        this.readPacket(b, at, type, length, base, sink)
        return
      case PCAPNG_BLOCK.SIMPLE_PACKET:
        this.readSimplePacket(b, at, length, base, sink)
        return
      case PCAPNG_BLOCK.INTERFACE:
        this.readInterface(b, at, length, base)
        return
      default:
        this.readSection(b, at, length, base)
    }
  }

  private readByteOrder(b: Uint8Array, at: number, base: number): void {
    const magic = readUint32(b, at + SECTION.MAGIC, true)
    if (magic !== BYTE_ORDER_MAGIC && magic !== BYTE_ORDER_MAGIC_SWAPPED) {
      throw new CaptureError('corrupt', this.path, 'section header without byte-order magic', 0, base + at)
    }
    this.bigEndian = magic === BYTE_ORDER_MAGIC
  }

  private readSection(b: Uint8Array, at: number, length: number, base: number): void {
    if (length < SECTION.MIN) this.damaged(`section header of length ${length}`, base + at)
    const major = readUint16(b, at + SECTION.MAJOR_VERSION, this.bigEndian)
    if (major !== 1) {
      throw new CaptureError('unsupported', this.path, `pcapng version ${major}, known is 1`, 0, base + at)
    }
    this.started = true
    this.interfaces = []
  }

  private readInterface(b: Uint8Array, at: number, length: number, base: number): void {
    if (length < INTERFACE.MIN) this.damaged(`interface description of length ${length}`, base + at)
    if (this.interfaceTotal === MAX_INTERFACES)
      this.damaged(`more than ${MAX_INTERFACES} interfaces`, base + at)
    const big = this.bigEndian
    const end = at + length - TAIL
    let resolution = 6
    let offset = 0
    for (let option = at + INTERFACE.OPTIONS; end - option >= 4; ) {
      const code = readUint16(b, option, big)
      const size = readUint16(b, option + 2, big)
      if (code === OPTION_END) break
      if (size > end - option - 4) this.damaged('interface option cut short', base + at)
      if (code === OPTION_TIMESTAMP_RESOLUTION && size === 1) resolution = b[option + 4]!
      if (code === OPTION_TIMESTAMP_OFFSET && size === 8) {
        const first = readUint32(b, option + 4, big)
        const second = readUint32(b, option + 8, big)
        offset = ((big ? first : second) | 0) * 0x1_0000_0000 + (big ? second : first)
      }
      option += 4 + ((size + 3) & ~3)
    }
    this.interfaces.push(
      new CaptureInterface(
        this.interfaceTotal++,
        readUint16(b, at + INTERFACE.LINK_TYPE, big),
        readUint32(b, at + INTERFACE.SNAPLEN, big),
        new TimestampReader(resolution, offset),
      ),
    )
  }

  private readPacket(
    b: Uint8Array,
    at: number,
    type: number,
    length: number,
    base: number,
    sink: FrameSink,
  ): void {
    if (length < ENHANCED.MIN) this.damaged(`packet block of length ${length}`, base + at)
    const big = this.bigEndian
    const id =
      type === PCAPNG_BLOCK.PACKET
        ? readUint16(b, at + OBSOLETE.INTERFACE, big)
        : readUint32(b, at + ENHANCED.INTERFACE, big)
    const captured = readUint32(b, at + ENHANCED.CAPTURED, big)
    if (captured > MAX_FRAME_LENGTH || captured > length - ENHANCED.MIN) {
      this.damaged(`captured length ${captured} in a block of ${length} bytes`, base + at)
    }
    const source = this.interfaceOf(id, base + at)
    source.time.read(readUint32(b, at + ENHANCED.HIGH, big), readUint32(b, at + ENHANCED.LOW, big))
    const wire = readUint32(b, at + ENHANCED.WIRE, big)
    this.deliver(b, at + ENHANCED.DATA, captured, wire, source, sink)
  }

  /** Simple packets have no time stamp (it is delivered as 0) and belong to the first interface. */
  private readSimplePacket(b: Uint8Array, at: number, length: number, base: number, sink: FrameSink): void {
    if (length < SIMPLE.MIN) this.damaged(`simple packet block of length ${length}`, base + at)
    const source = this.interfaceOf(0, base + at)
    const wire = readUint32(b, at + SIMPLE.WIRE, this.bigEndian)
    const captured = source.snaplen === 0 ? wire : Math.min(wire, source.snaplen)
    if (captured > MAX_FRAME_LENGTH || captured > length - SIMPLE.MIN) {
      this.damaged(`captured length ${captured} in a block of ${length} bytes`, base + at)
    }
    source.time.seconds = 0
    source.time.nanoseconds = 0
    this.deliver(b, at + SIMPLE.DATA, captured, wire, source, sink)
  }

  private deliver(
    b: Uint8Array,
    at: number,
    captured: number,
    wire: number,
    source: CaptureInterface,
    sink: FrameSink,
  ): void {
    this.frames++
    this.frameBytes += captured
    const { time } = source
    sink.frame(
      b,
      at,
      captured,
      Math.max(wire, captured),
      time.seconds,
      time.nanoseconds,
      source.linkType,
      source.index,
    )
  }

  private interfaceOf(id: number, offset: number): CaptureInterface {
    const source = this.interfaces[id]
    if (source === undefined) this.damaged(`interface ${id} has not been described`, offset)
    return source
  }

  private checkTail(b: Uint8Array, at: number, length: number, base: number): void {
    const tail = readUint32(b, at, this.bigEndian)
    if (tail !== length) {
      this.damaged(`block length ${length} at its begin but ${tail} at its end`, base + at + TAIL - length)
    }
  }

  private damaged(message: string, offset: number): never {
    throw new CaptureError('corrupt', this.path, message, this.frames + 1, offset)
  }
}

function isKnown(type: number): boolean {
  return (
    type === PCAPNG_BLOCK.ENHANCED_PACKET ||
    type === PCAPNG_BLOCK.PACKET ||
    type === PCAPNG_BLOCK.SIMPLE_PACKET ||
    type === PCAPNG_BLOCK.INTERFACE ||
    type === PCAPNG_BLOCK.SECTION
  )
}
