/** What the parsers of the capture formats have in common. */
import type { FrameSink } from './source.js'

/**
 * Longest frame accepted: libpcap's largest snapshot length (256 KiB), plus room for the pseudo headers some link types
 * put before it. A longer record is damage: it is reported, never allocated for.
 */
export const MAX_FRAME_LENGTH = 256 * 1024 + 4096

/**
 * Longest record a parser may ask to see whole: a frame with its headers, and the options of a pcapng block. Input
 * buffers are that much larger than their chunks.
 */
export const MAX_RECORD_LENGTH = MAX_FRAME_LENGTH + 128 * 1024

/** Reads one capture format; fed with consecutive bytes, calls the sink for every whole frame. */
export interface FrameParser {
  /** Frames delivered. */
  frames: number
  /** Captured bytes of these frames. */
  frameBytes: number
  /** Set from outside: parsing ends after the frame being delivered. */
  stopped: boolean
  /**
   * Consumes the whole records in `buffer[start, end)`.
   * @param base offset in the capture of `buffer[0]`, for messages
   * @returns offset of the first byte not consumed; when `MAX_RECORD_LENGTH` bytes are there, some are consumed
   * @throws CaptureError at the first damaged record, after the frames before it
   */
  parse(buffer: Uint8Array, start: number, end: number, base: number, sink: FrameSink): number
  /**
   * The input has ended with `rest` bytes not consumed, the first of them at offset `at` in the capture.
   * @throws CaptureError 'truncated' when the input ends within a record
   */
  finish(rest: number, at: number): void
}

export function readUint32(b: Uint8Array, at: number, bigEndian: boolean): number {
  return bigEndian
    ? ((b[at]! << 24) | (b[at + 1]! << 16) | (b[at + 2]! << 8) | b[at + 3]!) >>> 0
    : ((b[at + 3]! << 24) | (b[at + 2]! << 16) | (b[at + 1]! << 8) | b[at]!) >>> 0
}

export function readUint16(b: Uint8Array, at: number, bigEndian: boolean): number {
  return bigEndian ? (b[at]! << 8) | b[at + 1]! : (b[at + 1]! << 8) | b[at]!
}
