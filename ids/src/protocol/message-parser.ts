/** Parsers of protocols that have messages inside a stream or datagram, which rules are evaluated on one by one. */
import type { BufferId } from '../inspect/buffers.js'
import type { Direction } from '../inspect/unit.js'
import type { ProtocolFacts } from './facts.js'

export interface MessageListener<Flow> {
  /** Something of Snort's `gid` and `sid` in a message, `bytes[start, end)`. Not to be called for what is usual. */
  event(
    flow: Flow,
    direction: Direction,
    gid: number,
    sid: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void
  /**
   * A message: `bytes[start, end)` as it came, the facts filled in for it. `data[dataStart, dataEnd)` is what the
   * protocol's own buffer shows of it; no buffer is set when `buffer` is undefined.
   */
  message(
    flow: Flow,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
    buffer: BufferId | undefined,
    data: Uint8Array,
    dataStart: number,
    dataEnd: number,
  ): void
}

export interface MessageParser {
  /** @param turn a message may begin here even when the bytes before it did not parse */
  feed<Flow>(
    flow: Flow,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
    turn: boolean,
    facts: ProtocolFacts,
    listener: MessageListener<Flow>,
  ): void
  /** Bytes are missing. */
  gap(direction: Direction): void
}
