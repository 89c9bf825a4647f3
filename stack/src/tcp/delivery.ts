/**
 * Delivery of a stream: what of it is handed on, and when, once it is known to have come or to be lost.
 *
 * In: the current segment, what is held (held.ts), and what that waits for (waiting.ts). Out: contiguous bytes
 * (ON_NEW_DATA), ON_GAP, and the receiver's position moved on before each. Called by the reassembler for all but the
 * segment in order with nothing held, which it hands on itself; by the flows' lifecycle at the end of a flow. The row
 * words it is given are those of the receiving side.
 */
import { C } from '../counters.js'
import { STREAM_ERROR, type StreamErrorCode } from '../event/anomaly.js'
import type { Dispatcher } from '../event/dispatcher.js'
import { NEEDS_STREAM, SLOT_DATA, SLOT_GAP } from '../event/slots.js'
import {
  ACKED,
  FIN_SEQ,
  FLAG_ESTABLISHED,
  FLAGS,
  HELD_BYTES,
  HELD_COUNT,
  HELD_HEAD,
  OFFSET,
  OTHER_SIDE,
  RECEIVED,
  ROW_SHIFT,
  SIDE_ACK,
  SIDE_EVIDENCE_MASK,
  SIDE_FIN,
  SIDE_SHIFT,
  SIDE_WAITS,
  SIDE_WORDS,
  SIDES,
  STATE,
} from '../flow/layout.js'
import type { FlowTable } from '../flow/table.js'
import type { Packet } from '../wire/index.js'
import { policyOf } from './endpoint.js'
import { HELD_OK, type HeldSegments } from './held.js'
import { TRAITS } from './policy.js'
import { type DeliveryOrder, UNBOUNDED } from './waiting.js'

/** Bytes that wait for the end of the handshake, per side: more than a host sends into a connection before it. */
const EARLY_BYTES = 65_536

/** Counter of each limit that `HeldSegments.insert` may run into. */
const LIMIT_COUNTER: readonly number[] = [
  -1,
  C.heldBytesLimit,
  C.heldSegmentsLimit,
  C.heldTotalLimit,
  C.heldFlowMemoryLimit,
  C.heldMemoryLimit,
]
const LIMIT_ERROR: readonly StreamErrorCode[] = [
  STREAM_ERROR.HELD_BYTES_LIMIT, // Never looked up: HELD_OK is no limit.
  STREAM_ERROR.HELD_BYTES_LIMIT,
  STREAM_ERROR.HELD_SEGMENTS_LIMIT,
  STREAM_ERROR.HELD_TOTAL_LIMIT,
  STREAM_ERROR.FLOW_MEMORY_LIMIT,
  STREAM_ERROR.MEMORY_LIMIT,
]

export class StreamDelivery {
  private readonly words: Int32Array
  private readonly times: Float64Array
  private readonly events: Dispatcher
  private readonly counts: Float64Array
  private readonly packet: Packet
  private readonly held: HeldSegments
  private readonly order: DeliveryOrder

  constructor(
    table: FlowTable,
    events: Dispatcher,
    counts: Float64Array,
    packet: Packet,
    held: HeldSegments,
    order: DeliveryOrder,
  ) {
    this.words = table.words
    this.times = table.times
    this.events = events
    this.counts = counts
    this.packet = packet
    this.held = held
    this.order = order
  }

  /**
   * Hands on the payload of the current packet, `[sequence, sequence + length)` of the stream, from index `from` of the
   * packet's buffer on, around what is held and stays; `cut` more bytes were cut off by the capture.
   */
  segment(row: number, side: number, sequence: number, from: number, length: number, cut: number): void {
    const words = this.words
    const receiver = (row << ROW_SHIFT) + SIDES + (side << SIDE_SHIFT)
    const buffer = this.packet.buffer
    for (;;) {
      const done = (words[receiver + RECEIVED] - sequence) | 0
      if (done >= length) break
      if (done < 0) {
        // Beyond a hole, and a limit kept it from being held: make room, by giving up holes from the oldest on.
        if (!this.events.wants(row, NEEDS_STREAM << side)) break
        const limit = this.held.insert(receiver, policyOf(words, receiver), sequence, buffer, from, length)
        if (limit === HELD_OK) break
        this.hitLimit(row, side, limit)
        const head = words[receiver + HELD_HEAD]
        const stop =
          head !== 0 && ((this.held.sequence(head) - sequence) | 0) < 0 ? this.held.sequence(head) : sequence
        this.skipTo(row, side, receiver, stop)
        this.drain(row, side, receiver, true)
        continue
      }
      // What is still held has been found to stay: the packet fills in before it and after it.
      const head = words[receiver + HELD_HEAD]
      const untilHeld = head === 0 ? length : (this.held.sequence(head) - sequence) | 0
      const stop = untilHeld < length ? untilHeld : length
      if (stop > done) this.pass(row, side, receiver, buffer, from + done, from + stop)
      if (words[receiver + HELD_HEAD] === 0) continue
      // What waits lies behind the packet: it does not hold up the packet itself.
      const reached = (words[receiver + RECEIVED] - sequence) | 0
      if (reached < length && this.order.isBlocked(row, side, receiver)) this.order.forced = true
      this.drain(row, side, receiver, true)
    }
    if (cut > 0 && words[receiver + RECEIVED] === ((sequence + length) | 0)) {
      // The capture cut the packet short: no other packet will bring these bytes.
      const end = (sequence + length + cut) | 0
      const head = words[receiver + HELD_HEAD]
      const stop = head !== 0 && ((this.held.sequence(head) - end) | 0) < 0 ? this.held.sequence(head) : end
      this.skipTo(row, side, receiver, stop)
      this.drain(row, side, receiver, true)
    }
  }

  /** Delivers held data that has become contiguous; `all`: also what is to wait. */
  drain(row: number, side: number, receiver: number, all = false): void {
    const { words, held } = this
    for (let head = words[receiver + HELD_HEAD]; head !== 0; head = words[receiver + HELD_HEAD]) {
      const before = (words[receiver + RECEIVED] - held.sequence(head)) | 0
      if (before < 0 || this.order.isBlocked(row, side, receiver)) return
      const length = held.length(head)
      const start = held.start(head)
      if (!all && (words[receiver + STATE] & SIDE_WAITS) !== 0) {
        const open = (this.bound(row, receiver) - held.sequence(head)) | 0
        if (open <= before) return
        if (open < length) {
          this.pass(row, side, receiver, held.bytes(head), start + before, start + open)
          // Unless a handler let go of it.
          if (words[receiver + HELD_HEAD] === head) held.dropFront(receiver, head, words[receiver + RECEIVED])
          return
        }
      }
      words[receiver + STATE] &= ~SIDE_EVIDENCE_MASK
      held.unlink(receiver, head)
      try {
        if (length > before) {
          this.pass(row, side, receiver, held.bytes(head), start + before, start + length)
        }
      } finally {
        held.release(head)
      }
    }
  }

  /** Delivers what waited for data of the other direction that has come, and what waited for that in turn. */
  settle(row: number): void {
    const { words } = this
    const client = (row << ROW_SHIFT) + SIDES
    const server = client + SIDE_WORDS
    while ((words[client + HELD_COUNT] | words[server + HELD_COUNT]) !== 0) {
      const before = words[client + RECEIVED]
      const other = words[server + RECEIVED]
      this.drain(row, 0, client)
      this.drain(row, 1, server)
      if (words[client + RECEIVED] === before && words[server + RECEIVED] === other) return
    }
  }

  /** Delivers all that is held for a side, with gaps, and tells of what is missing before the FIN of the other side. */
  flush(row: number, side: number): void {
    const words = this.words
    const receiver = (row << ROW_SHIFT) + SIDES + (side << SIDE_SHIFT)
    const sender = (row << ROW_SHIFT) + SIDES + ((1 - side) << SIDE_SHIFT)
    if (this.order.waits) this.dropUntaken(row, side, receiver)
    this.order.forced = true
    try {
      while (words[receiver + HELD_HEAD] !== 0) {
        this.drain(row, side, receiver, true)
        const head = words[receiver + HELD_HEAD]
        if (head !== 0) this.skipTo(row, side, receiver, this.held.sequence(head))
      }
    } finally {
      this.order.forced = false
    }
    if ((words[sender + STATE] & SIDE_FIN) !== 0 && this.events.wants(row, NEEDS_STREAM << side)) {
      this.skipTo(row, side, receiver, words[sender + FIN_SEQ])
    }
  }

  /** Gives up what is missing up to `sequence`, with a gap. */
  skipTo(row: number, side: number, receiver: number, sequence: number): void {
    const length = (sequence - this.words[receiver + RECEIVED]) | 0
    if (length <= 0) return
    const at = (receiver + OFFSET) >> 1
    const offset = this.times[at]
    this.words[receiver + RECEIVED] = sequence
    this.words[receiver + STATE] &= ~SIDE_EVIDENCE_MASK
    this.times[at] = offset + length
    this.counts[C.gaps]++
    this.counts[C.gapBytes] += length
    if (this.events.wants(row, 1 << (SLOT_GAP + side))) this.events.missing(row, side, offset, length)
  }

  /** Counts and tells of a limit that kept data from being held. @param limit as `HeldSegments.insert` returns it */
  hitLimit(row: number, side: number, limit: number): void {
    this.counts[LIMIT_COUNTER[limit]]++
    this.events.error(row, side, LIMIT_ERROR[limit])
  }

  /** Sequence number up to which bytes of a stream that waits may be delivered. */
  private bound(row: number, receiver: number): number {
    const words = this.words
    if ((words[(row << ROW_SHIFT) + FLAGS] & FLAG_ESTABLISHED) === 0) {
      if (words[receiver + HELD_BYTES] <= EARLY_BYTES) return words[receiver + RECEIVED]
    } else if (TRAITS[policyOf(words, receiver)].untilAcked) {
      // Without acknowledgements in the capture there is nothing to wait for.
      if ((words[receiver + STATE] & SIDE_ACK) !== 0) return words[receiver + ACKED]
    } else {
      words[receiver + STATE] &= ~SIDE_WAITS
    }
    return (words[receiver + RECEIVED] + UNBOUNDED) | 0
  }

  /** Drops doubtful bytes that the receiver has not taken: it has taken all before them, and the connection is over. */
  private dropUntaken(row: number, side: number, receiver: number): void {
    const { words, held } = this
    const sender = receiver ^ OTHER_SIDE
    this.drain(row, side, receiver)
    for (let head = words[receiver + HELD_HEAD]; head !== 0; head = words[receiver + HELD_HEAD]) {
      const start = held.sequence(head)
      const fin = (words[sender + STATE] & SIDE_FIN) !== 0 && ((start - words[sender + FIN_SEQ]) | 0) >= 0
      const acked = (words[receiver + STATE] & SIDE_ACK) !== 0 && this.order.ackedData(receiver) === start
      if (held.doubtOf(head) === 0 || start !== words[receiver + RECEIVED] || !(fin || acked)) return
      held.unlink(receiver, head)
      held.release(head)
    }
  }

  /** Hands on bytes that begin at the receiver's position, and moves it past them first. */
  private pass(
    row: number,
    side: number,
    receiver: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    const at = (receiver + OFFSET) >> 1
    const offset = this.times[at]
    this.words[receiver + RECEIVED] = (this.words[receiver + RECEIVED] + end - start) | 0
    this.times[at] = offset + (end - start)
    if (this.events.wants(row, 1 << (SLOT_DATA + side))) {
      this.events.newData(row, side, offset, bytes, start, end)
    }
  }
}
