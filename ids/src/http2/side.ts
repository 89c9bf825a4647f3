/** One direction of an HTTP/2 connection: the frame being read and the header block being put together. */
import { HTTP2_EVENT } from '../builtin/http2.js'
import type { InspectionContext } from '../inspect/context.js'
import { copyBytes } from '../inspect/copy.js'
import type { StreamCollector } from '../inspect/stream.js'
import { FLAG, FRAME, FrameHeader } from './frames.js'
import { HpackDecoder } from './hpack.js'

const NONE = new Uint8Array(0)
/** Fields before the content of a frame: padding length, then priority or promised stream. */
const LONGEST_PREFIX = 6
/** Bytes of one setting, and of an error code or an increment. */
const SETTING = 6
const WORD = 4

export class Http2Side<Flow> {
  readonly frame = new FrameHeader()
  readonly hpack = new HpackDecoder()
  /** Bytes of the connection preface still to come. */
  preface = 0
  /** Frames can no longer be told apart: what comes is raw data. */
  broken = false
  /** What is wrong with what has just been read (`HTTP2_EVENT`); 0: nothing is. */
  fault = 0
  collector: StreamCollector<Flow> | null = null
  /** Content of the present frame still to come, without padding. */
  content = 0
  /** Bytes of the prefix still to come. */
  prefixLeft = 0
  private readonly prefix = new Uint8Array(LONGEST_PREFIX)
  private prefixLength = 0
  /** The header block, and the frame that opened it. */
  block: Uint8Array = NONE
  blockLength = 0
  blockOpen = false
  blockStream = 0
  blockEnds = false
  /** Stream promised by the block; 0: it is no promise. */
  promised = 0
  continuations = 0

  open(preface: number): void {
    this.frame.reset()
    this.preface = preface
    this.broken = false
    this.fault = 0
    this.blockOpen = false
    this.blockLength = 0
  }

  /** The header of a frame is there. False when it cannot stand here (RFC 9113 sections 4.3 and 6). */
  beginFrame(): boolean {
    const { type, flags, stream, remaining } = this.frame
    if (
      this.blockOpen
        ? type !== FRAME.CONTINUATION || stream !== this.blockStream
        : type === FRAME.CONTINUATION
    ) {
      this.fault = this.blockOpen ? HTTP2_EVENT.NO_CONTINUATION : HTTP2_EVENT.STRAY_CONTINUATION
      return false
    }
    this.judgeLength()
    let prefix = 0
    if (type === FRAME.DATA || type === FRAME.HEADERS || type === FRAME.PUSH_PROMISE) {
      if (stream === 0) return false
      if ((flags & FLAG.PADDED) !== 0) prefix = 1
      if (type === FRAME.HEADERS && (flags & FLAG.PRIORITY) !== 0) prefix += 5
      if (type === FRAME.PUSH_PROMISE) prefix += 4
    }
    if (prefix > remaining) {
      if (type === FRAME.PUSH_PROMISE) this.fault = HTTP2_EVENT.SHORT_PROMISE
      else if (remaining === 0 && (flags & FLAG.PADDED) !== 0) this.fault = HTTP2_EVENT.NO_PADDING
      return false
    }
    this.prefixLeft = prefix
    this.prefixLength = prefix
    this.content = remaining - prefix
    if (type === FRAME.HEADERS || type === FRAME.PUSH_PROMISE) {
      this.blockOpen = true
      this.blockLength = 0
      this.blockStream = stream
      this.blockEnds = type === FRAME.HEADERS && (flags & FLAG.END_STREAM) !== 0
      this.continuations = 0
      this.promised = 0
    }
    return prefix > 0 || this.endPrefix()
  }

  /** Frames of a fixed length, and settings, which no stream has. The connection goes on behind them. */
  private judgeLength(): void {
    const { type, flags, stream, remaining } = this.frame
    if (type === FRAME.SETTINGS) {
      const wrong = stream !== 0 || remaining % SETTING !== 0 || ((flags & FLAG.ACK) !== 0 && remaining > 0)
      if (wrong) this.fault = HTTP2_EVENT.BAD_SETTINGS
    } else if (type === FRAME.RST_STREAM) {
      if (stream === 0 || remaining !== WORD) this.fault = HTTP2_EVENT.BAD_RESET
    } else if (type === FRAME.WINDOW_UPDATE && remaining !== WORD)
      this.fault = HTTP2_EVENT.WINDOW_UPDATE_LENGTH
  }

  /** Takes one byte of the prefix; false when what it says cannot be. */
  takePrefix(byte: number): boolean {
    this.prefix[this.prefixLength - this.prefixLeft] = byte
    return --this.prefixLeft > 0 || this.endPrefix()
  }

  private endPrefix(): boolean {
    const { prefix, frame } = this
    let at = 0
    if ((frame.flags & FLAG.PADDED) !== 0 && this.prefixLength > 0) {
      const padding = prefix[at++]!
      if (padding > this.content) {
        this.fault = HTTP2_EVENT.LONG_PADDING
        return false
      }
      this.content -= padding
    }
    if (frame.type === FRAME.PUSH_PROMISE) {
      this.promised =
        ((prefix[at]! & 0x7f) << 24) | (prefix[at + 1]! << 16) | (prefix[at + 2]! << 8) | prefix[at + 3]!
      return this.promised !== 0
    }
    return true
  }

  /** Adds to the header block; false when it is too long, or there is no memory. */
  addToBlock(
    bytes: Uint8Array,
    start: number,
    end: number,
    { limits, pool, counters }: InspectionContext<Flow>,
  ): boolean {
    const needed = this.blockLength + end - start
    if (needed > limits.http2HeaderBlock) {
      counters.http2HeaderBlockTooLong++
      return false
    }
    if (needed > this.block.length) {
      const larger = pool.take(needed)
      if (larger === null) {
        counters.bufferBudgetReached++
        return false
      }
      copyBytes(larger, 0, this.block, 0, this.blockLength)
      if (this.block !== NONE) pool.give(this.block)
      this.block = larger
    }
    copyBytes(this.block, this.blockLength, bytes, start, end)
    this.blockLength = needed
    return true
  }

  /** The header block has been dealt with. */
  closeBlock({ pool }: InspectionContext<Flow>): void {
    this.blockOpen = false
    this.blockLength = 0
    if (this.block !== NONE) pool.give(this.block)
    this.block = NONE
  }
}
