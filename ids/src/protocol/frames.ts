/**
 * Cuts one direction of a stream into messages that tell their own length.
 *
 * In: in-order bytes, cut anywhere. Out: whole messages, where they lie in the caller's bytes or, when they came in
 * pieces, in a buffer of the cutter's own. Used by the parsers of DNP3, Modbus and IEC 60870-5-104. Bounded: one
 * message per direction, as long as the format allows.
 */
import { copyBytes } from '../inspect/copy.js'
import type { Direction } from '../inspect/unit.js'
import type { ProtocolFacts } from './facts.js'
import type { MessageListener, MessageParser } from './message-parser.js'

export interface FrameFormat {
  /** Bytes that tell a message's length. */
  readonly header: number
  /** Longest message there is. */
  readonly longest: number
  /** Length of the message that begins at `start`, whose header is there; -1: no message begins there. */
  length(bytes: Uint8Array, start: number): number
}

const EMPTY = new Uint8Array(0)

export class FrameCutter {
  /** The message, once `take` has said that there is one; valid until the next call. */
  bytes: Uint8Array = EMPTY
  start = 0
  end = 0
  /** `bytes[start, end)` is a whole message. */
  whole = false
  /** What came was no message: nothing more is cut until `resume`. */
  lost = false
  readonly #format: FrameFormat
  #held: Uint8Array = EMPTY
  #length = 0

  constructor(format: FrameFormat) {
    this.#format = format
  }

  /** A message may begin with the next byte. */
  resume(): void {
    this.lost = false
    this.#length = 0
  }

  /** Bytes are missing. */
  lose(): void {
    this.lost = true
  }

  /** Takes bytes from `at` on, to the end of a message at most; returns the index behind them. */
  take(bytes: Uint8Array, at: number, end: number): number {
    const format = this.#format
    this.whole = false
    if (this.#length === 0 && end - at >= format.header) {
      const length = this.#lengthOf(bytes, at)
      if (length < 0) return end
      if (length <= end - at) {
        this.#found(bytes, at, at + length)
        return at + length
      }
    }
    if (this.#held.length < format.longest) this.#held = new Uint8Array(format.longest)
    const held = this.#held
    let next = at
    if (this.#length < format.header) {
      next = this.#hold(bytes, next, end, format.header)
      if (this.#length < format.header) return next
    }
    const length = this.#lengthOf(held, 0)
    if (length < 0) return end
    next = this.#hold(bytes, next, end, length)
    if (this.#length === length) {
      this.#length = 0
      this.#found(held, 0, length)
    }
    return next
  }

  #lengthOf(bytes: Uint8Array, at: number): number {
    const length = this.#format.length(bytes, at)
    if (length >= this.#format.header && length <= this.#format.longest) return length
    this.lost = true
    return -1
  }

  #found(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes
    this.start = start
    this.end = end
    this.whole = true
  }

  /** Holds bytes until `upTo` of them are held. */
  #hold(bytes: Uint8Array, at: number, end: number, upTo: number): number {
    const take = Math.min(end - at, upTo - this.#length)
    copyBytes(this.#held, this.#length, bytes, at, at + take)
    this.#length += take
    return at + take
  }
}

/** The parser of a protocol whose stream is nothing but such messages. */
export abstract class FrameParser implements MessageParser {
  readonly #sides: readonly [FrameCutter, FrameCutter]

  constructor(format: FrameFormat) {
    this.#sides = [new FrameCutter(format), new FrameCutter(format)]
  }

  gap(direction: Direction): void {
    this.#sides[direction].lose()
  }

  feed<Flow>(
    flow: Flow,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
    turn: boolean,
    facts: ProtocolFacts,
    listener: MessageListener<Flow>,
  ): void {
    const cutter = this.#sides[direction]
    if (turn && cutter.lost) cutter.resume()
    for (let at = start; at < end && !cutter.lost; ) {
      at = cutter.take(bytes, at, end)
      if (cutter.whole) this.frame(flow, direction, cutter.bytes, cutter.start, cutter.end, facts, listener)
    }
  }

  /** A whole message, `bytes[start, end)`. */
  protected abstract frame<Flow>(
    flow: Flow,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
    facts: ProtocolFacts,
    listener: MessageListener<Flow>,
  ): void
}
