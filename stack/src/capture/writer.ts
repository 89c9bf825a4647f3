/** Writes classic pcap captures (little endian, microseconds or nanoseconds) to memory or to a file descriptor. */
import { writeSync } from 'node:fs'
import { LINK_TYPE } from '../wire/link-type.js'
import { systemError } from './error.js'
import { MAX_FRAME_LENGTH } from './parser.js'
import { PCAP_HEADER, PCAP_MAGIC, PCAP_RECORD } from './pcap.js'
import type { FrameSink } from './source.js'

/** What `PcapWriter` takes. */
export interface PcapWriterOptions {
  /** Default: that of the first frame; Ethernet when there is none. */
  readonly linkType?: number
  /** Longer frames are cut; default 262,144. */
  readonly snaplen?: number
  /** Nanosecond time stamps; default microseconds, which every reader understands. */
  readonly nanoseconds?: boolean
  /** File descriptor to write to, which stays the caller's to close. Default: memory, see `bytes`. */
  readonly fd?: number
  /** Name for error messages. */
  readonly path?: string
}

const BUFFER_SIZE = 256 * 1024
const DEFAULT_SNAPLEN = 262_144

/**
 * A sink that keeps what it is given. A pcap file has a single link type: frames of another one are not written, and
 * are counted in `skipped`. Writing to a descriptor is buffered: call `flush` at the end.
 */
export class PcapWriter implements FrameSink {
  /** Frames written. */
  frames = 0
  /** Frames left out because of their link type. */
  skipped = 0
  private readonly options: PcapWriterOptions
  private readonly snaplen: number
  private readonly nanoseconds: boolean
  private linkType: number
  private headerWritten = false
  private buffer = new Uint8Array(BUFFER_SIZE)
  private used = 0

  /** Writes to memory, or to a descriptor. */
  constructor(options: PcapWriterOptions = {}) {
    this.options = options
    this.snaplen = Math.min(options.snaplen ?? DEFAULT_SNAPLEN, MAX_FRAME_LENGTH)
    this.nanoseconds = options.nanoseconds ?? false
    this.linkType = options.linkType ?? -1
  }

  /**
   * Appends one frame (parameters as in `FrameSink.frame`).
   * @throws CaptureError when the descriptor cannot be written to
   */
  frame(
    buffer: Uint8Array,
    offset: number,
    capturedLength: number,
    wireLength: number,
    seconds: number,
    nanoseconds: number,
    linkType: number,
  ): void {
    if (this.linkType < 0) this.linkType = linkType
    if (linkType !== this.linkType) {
      this.skipped++
      return
    }
    this.writeHeader()
    const length = Math.min(capturedLength, this.snaplen)
    this.reserve(PCAP_RECORD.LENGTH + length)
    const at = this.used
    this.putWord(at + PCAP_RECORD.SECONDS, seconds)
    this.putWord(at + PCAP_RECORD.FRACTION, this.nanoseconds ? nanoseconds : Math.floor(nanoseconds / 1000))
    this.putWord(at + PCAP_RECORD.CAPTURED, length)
    this.putWord(at + PCAP_RECORD.WIRE, wireLength)
    this.buffer.set(buffer.subarray(offset, offset + length), at + PCAP_RECORD.LENGTH)
    this.used = at + PCAP_RECORD.LENGTH + length
    this.frames++
  }

  /** Writes out what is buffered (and the file header, if no frame came); does nothing for memory. */
  flush(): void {
    this.writeHeader()
    const { fd, path } = this.options
    if (fd === undefined) return
    try {
      for (let at = 0; at < this.used; ) at += writeSync(fd, this.buffer, at, this.used - at)
    } catch (error) {
      throw systemError(path ?? `file descriptor ${fd}`, error)
    }
    this.used = 0
  }

  /** The capture so far, when writing to memory: a copy. */
  bytes(): Uint8Array {
    this.writeHeader()
    return this.buffer.slice(0, this.used)
  }

  private writeHeader(): void {
    if (this.headerWritten) return
    this.headerWritten = true
    if (this.linkType < 0) this.linkType = LINK_TYPE.ETHERNET
    this.reserve(PCAP_HEADER.LENGTH)
    const at = this.used
    this.putWord(at, this.nanoseconds ? PCAP_MAGIC.NANOSECONDS : PCAP_MAGIC.MICROSECONDS)
    this.putWord(at + PCAP_HEADER.MAJOR_VERSION, 2 | (4 << 16))
    this.putWord(at + 8, 0)
    this.putWord(at + 12, 0)
    this.putWord(at + PCAP_HEADER.SNAPLEN, this.snaplen)
    this.putWord(at + PCAP_HEADER.LINK_TYPE, this.linkType)
    this.used = at + PCAP_HEADER.LENGTH
  }

  /** Makes room: by writing out, or by growing when writing to memory. */
  private reserve(length: number): void {
    if (length <= this.buffer.length - this.used) return
    if (this.options.fd !== undefined) this.flush()
    if (length <= this.buffer.length - this.used) return
    const larger = new Uint8Array(Math.max(2 * this.buffer.length, this.used + length))
    larger.set(this.buffer.subarray(0, this.used))
    this.buffer = larger
  }

  private putWord(at: number, value: number): void {
    const b = this.buffer
    b[at] = value
    b[at + 1] = value >>> 8
    b[at + 2] = value >>> 16
    b[at + 3] = value >>> 24
  }
}
