/**
 * Chunked transfer coding (RFC 9112 section 7.1), one byte or many at a time.
 *
 * In: the bytes after a head. Out: how many bytes belong to the framing or to the current chunk. `HttpMessage` moves the
 * data; this class only keeps the state, so a chunk may be cut anywhere.
 */
import type { InspectCounters, InspectLimits } from '../inspect/limits.js'

const LF = 10
const CR = 13
const SPACE = 0x20
const TAB = 9
const SEMICOLON = 0x3b

export const CHUNK = {
  /** In a chunk-size line. */
  SIZE: 0,
  /** `remaining` bytes of data follow. */
  DATA: 1,
  /** The line end after the data. */
  DATA_END: 2,
  /** Trailer lines, up to an empty one. */
  TRAILER: 3,
  /** The message is complete. */
  DONE: 4,
  /** Not chunked coding (any more). */
  BROKEN: 5,
} as const
export type ChunkState = (typeof CHUNK)[keyof typeof CHUNK]

/** Bits of `ChunkParser.flaws`: what senders should not do. */
export const CHUNK_FLAW = {
  OPTIONS: 1,
  WHITE_SPACE: 2,
  ZEROS: 4,
  BARE_LF: 8,
  BAD_END: 16,
  BROKEN: 32,
} as const

/** More leading zeros of a size are a flaw. */
const MOST_ZEROS = 5

/** Where in a chunk-size line. */
const LEADING = 0
const DIGITS = 1
const AFTER_DIGITS = 2
const EXTENSION = 3

const HUGE_CHUNK = 2 ** 48

export class ChunkParser {
  state: ChunkState = CHUNK.SIZE
  /** Bytes of data left in the current chunk. */
  remaining = 0
  /** What was odd so far. */
  flaws = 0
  private zeros = 0
  private cr = false
  private part = LEADING
  private size = 0
  private line = 0

  reset(): void {
    this.state = CHUNK.SIZE
    this.flaws = 0
    this.startLine()
  }

  /** Bytes `count` of chunk data have been taken (or lost). */
  take(count: number): void {
    this.remaining -= count
    if (this.remaining === 0) {
      this.state = CHUNK.DATA_END
      this.line = 0
    }
  }

  /** Reads framing from `bytes[start, end)`; returns where it stopped: at data, at the trailer, at the end of the message
   * or of the bytes. */
  framing(
    bytes: Uint8Array,
    start: number,
    end: number,
    limits: InspectLimits,
    counters: InspectCounters,
  ): number {
    let i = start
    while (i < end) {
      if (this.state === CHUNK.SIZE) i = this.sizeLine(bytes, i, end, limits, counters)
      else if (this.state === CHUNK.DATA_END) i = this.dataEnd(bytes, i, end, counters)
      else if (this.state === CHUNK.TRAILER) {
        // The caller may want the trailer apart from what leads up to it.
        if (i > start) return i
        i = this.trailer(bytes, i, end, limits, counters)
      } else return i
    }
    return i
  }

  private startLine(): void {
    this.part = LEADING
    this.size = 0
    this.line = 0
    this.zeros = 0
    this.cr = false
  }

  private sizeLine(
    bytes: Uint8Array,
    start: number,
    end: number,
    limits: InspectLimits,
    counters: InspectCounters,
  ): number {
    let i = start
    while (i < end) {
      const byte = bytes[i]!
      if (byte === LF) {
        i++
        if (this.part === LEADING) {
          // An empty line before the size: tolerated by clients.
          this.flaws |= CHUNK_FLAW.BAD_END
          this.line++
          if (this.line > limits.chunkLine) return this.broken(i, counters)
          continue
        }
        if (!this.cr) this.flaws |= CHUNK_FLAW.BARE_LF
        if (this.size === 0) {
          this.state = CHUNK.TRAILER
          this.line = 0
        } else {
          this.remaining = this.size
          this.state = CHUNK.DATA
        }
        this.startLine()
        return i
      }
      if (++this.line > limits.chunkLine) {
        counters.chunkLineTooLong++
        return this.broken(i, counters)
      }
      if (this.part !== EXTENSION) {
        const digit = hexDigit(byte)
        if (digit >= 0 && this.part !== AFTER_DIGITS) {
          this.part = DIGITS
          if (this.size === 0 && digit === 0 && ++this.zeros > MOST_ZEROS) this.flaws |= CHUNK_FLAW.ZEROS
          this.size = this.size * 16 + digit
          if (this.size > HUGE_CHUNK) this.size = HUGE_CHUNK
        } else if (byte === SEMICOLON && this.part !== LEADING) {
          this.part = EXTENSION
          this.flaws |= CHUNK_FLAW.OPTIONS
        } else if (byte === SPACE || byte === TAB || byte === CR) {
          if (this.part === DIGITS) this.part = AFTER_DIGITS
          if (byte !== CR) this.flaws |= CHUNK_FLAW.WHITE_SPACE
          else if (this.part === LEADING) this.flaws |= CHUNK_FLAW.BAD_END
        } else {
          return this.broken(i, counters)
        }
      }
      this.cr = byte === CR
      i++
    }
    return i
  }

  private dataEnd(bytes: Uint8Array, start: number, end: number, counters: InspectCounters): number {
    let i = start
    while (i < end) {
      const byte = bytes[i]!
      i++
      if (byte === LF) {
        if (this.line === 0) this.flaws |= CHUNK_FLAW.BAD_END
        this.state = CHUNK.SIZE
        this.startLine()
        return i
      }
      if (byte !== CR || ++this.line > 1) return this.broken(i - 1, counters)
    }
    return i
  }

  private trailer(
    bytes: Uint8Array,
    start: number,
    end: number,
    limits: InspectLimits,
    counters: InspectCounters,
  ): number {
    let i = start
    while (i < end) {
      const byte = bytes[i]!
      i++
      if (byte === LF) {
        // `line` counts the bytes of the line that are not a CR.
        if (this.line === 0) {
          this.state = CHUNK.DONE
          return i
        }
        this.line = 0
      } else if (byte !== CR && ++this.line > limits.chunkLine) {
        counters.chunkLineTooLong++
        return this.broken(i - 1, counters)
      }
    }
    return i
  }

  private broken(at: number, counters: InspectCounters): number {
    counters.badChunk++
    this.state = CHUNK.BROKEN
    this.flaws |= CHUNK_FLAW.BROKEN
    return at
  }
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48
  const lower = byte | 0x20
  return lower >= 97 && lower <= 102 ? lower - 87 : -1
}
