/**
 * Reassembly of TCP streams, one direction of a connection at a time.
 *
 * In: the payload of accepted segments, with their sequence numbers. Out: contiguous bytes (ON_NEW_DATA), straight from
 * the packet's buffer when they are in order; what cannot be handed on at once is held (held.ts), and handed on by
 * delivery.ts once it may be, or once holes.ts has given up what is missing. Work on a packet has two steps: `accept`
 * while the connection is updated, `deliver` after POST_TCP. Called by the TCP tracker, the handshake and the packet
 * path; the row words it is given are those of the receiving side.
 */
import { C } from '../counters.js'
import type { Dispatcher } from '../event/dispatcher.js'
import { NEEDS_STREAM, SLOT_CONFLICT, SLOT_DATA, SLOT_OUT_OF_ORDER, SLOT_REXMIT } from '../event/slots.js'
import {
  HELD_COUNT,
  OFFSET,
  OTHER_SIDE,
  RECEIVED,
  ROW_SHIFT,
  SIDE_SHIFT,
  SIDE_WAITS,
  SIDE_WATCHED,
  SIDES,
  STATE,
} from '../flow/layout.js'
import type { MemoryBudget } from '../flow/memory.js'
import type { FlowTable } from '../flow/table.js'
import type { TimerWheel } from '../flow/wheel.js'
import type { Retention } from '../monitor/retention.js'
import type { Packet } from '../wire/index.js'
import { OverlapComparison } from './conflict.js'
import { StreamDelivery } from './delivery.js'
import { policyOf } from './endpoint.js'
import { HELD_OK, type HeldLimits, HeldSegments } from './held.js'
import { AckedHoles } from './holes.js'
import { everNew, TCP_POLICY, TRAITS } from './policy.js'
import { DeliveryOrder } from './waiting.js'
import type { SegmentWatch } from './watch.js'

export class Reassembler {
  readonly held: HeldSegments
  private readonly words: Int32Array
  private readonly times: Float64Array
  private readonly events: Dispatcher
  private readonly counts: Float64Array
  private readonly packet: Packet
  readonly comparison: OverlapComparison
  private readonly watch: SegmentWatch
  /** Sequence number the receiver will have reached when the waiting segment is delivered. */
  private reach = 0
  /** Receiving side of the segment waiting for `deliver`, or -1. */
  private waiting = -1
  private sequence = 0
  private from = 0
  private length = 0
  /** Bytes of the segment that the capture cut off. */
  private cut = 0
  /** Bit per receiving side: an acknowledged hole is to be given up. */
  private giveUp = 0
  /** Bit per receiving side: held data has become contiguous without a segment. */
  private awake = 0
  /** What of the held data waits for more than the bytes before it. */
  readonly order: DeliveryOrder
  /** Hands on what `deliver` does not by itself. */
  readonly delivery: StreamDelivery
  /** Holes acknowledged all the same. */
  readonly holes: AckedHoles

  constructor(
    table: FlowTable,
    events: Dispatcher,
    wheel: TimerWheel,
    counts: Float64Array,
    packet: Packet,
    limits: HeldLimits,
    memory: MemoryBudget,
    retention: Retention,
    watch: SegmentWatch,
    across: boolean,
    doubts: boolean,
  ) {
    this.watch = watch
    this.words = table.words
    this.times = table.times
    this.events = events
    this.counts = counts
    this.packet = packet
    this.held = new HeldSegments(table.words, limits, memory)
    this.order = new DeliveryOrder(table.words, events, this.held, across, doubts)
    this.delivery = new StreamDelivery(table, events, counts, packet, this.held, this.order)
    this.holes = new AckedHoles(table, wheel, packet, this.held, this.order, this.delivery)
    this.comparison = new OverlapComparison(table, events, packet, this.held, retention)
  }

  /** Something is left for `deliver`. */
  get pending(): boolean {
    return this.waiting >= 0 || (this.giveUp | this.awake) !== 0
  }

  /** Leaves the current segment undelivered. @returns false when there is none, or it is held already */
  withdraw(): boolean {
    const there = this.waiting >= 0
    this.waiting = -1
    return there
  }

  /** Forgets what an exception in a handler left undelivered. */
  begin(): void {
    this.waiting = -1
    this.giveUp = 0
    this.awake = 0
    this.order.forced = false
  }

  /** Stream offset of the next byte; `receiver` are the words of a side. */
  offset(receiver: number): number {
    return this.times[(receiver + OFFSET) >> 1]
  }

  /** Sequence number that `side` will have reached without a hole once the current packet's data is delivered. */
  position(side: number, receiver: number): number {
    if (this.waiting === side) return this.reach
    const next = this.words[receiver + RECEIVED]
    return this.words[receiver + HELD_COUNT] === 0 ? next : this.order.contiguousEnd(receiver, next)
  }

  /** Held data of `side` that waited for more than the bytes before it may be delivered. */
  wake(side: number): void {
    this.awake |= 1 << side
  }

  /** A FIN, as doubtful as given, ends the stream at `sequence`: what more doubtful segments show beyond is none of it. */
  endsAt(receiver: number, sequence: number, doubt: number): void {
    if (this.order.waits && this.words[receiver + HELD_COUNT] !== 0)
      this.held.dropDoubtfulBeyond(receiver, sequence, doubt)
  }

  /** Whether anyone wants the stream that `side` receives. */
  needed(row: number, side: number): boolean {
    return this.events.wants(row, NEEDS_STREAM << side)
  }

  /**
   * Takes the packet's payload as bytes of the stream that `side` receives, from `sequence` on; some of them are new.
   * Tells of repeated bytes.
   * @param length captured bytes
   * @param wireLength bytes on the wire, at least 1
   * @param doubt how doubtful they are, see doubt.ts
   */
  accept(
    row: number,
    side: number,
    sequence: number,
    length: number,
    wireLength: number,
    doubt: number,
  ): void {
    const words = this.words
    const receiver = (row << ROW_SHIFT) + SIDES + (side << SIDE_SHIFT)
    const next = words[receiver + RECEIVED]
    const ahead = (sequence - next) | 0
    const end = (sequence + wireLength) | 0
    if (this.events.wants(row, 1 << (SLOT_CONFLICT + side))) {
      this.comparison.tell(row, side, receiver, sequence, length)
    }
    if ((words[receiver + STATE] & SIDE_WATCHED) !== 0 && words[receiver + HELD_COUNT] !== 0) {
      this.watch.overlap(row, 1 - side, this.comparison.judge(receiver, sequence, length))
    }
    if (ahead < 0) {
      // What lies before the first byte of the stream repeats nothing.
      const passed = this.times[(receiver + OFFSET) >> 1]
      const length = -ahead < passed ? -ahead : passed
      if (length > 0) this.tellRepeated(row, side, receiver, (next - length) | 0, length)
    }
    const inOrder = ahead <= 0 || ((sequence - this.ready(side, receiver)) | 0) <= 0
    if (!inOrder && this.events.wants(row, 1 << (SLOT_OUT_OF_ORDER + side))) {
      this.events.outOfOrder(row, side, sequence, wireLength, this.times[(receiver + OFFSET) >> 1] + ahead)
    }
    if (!this.needed(row, side)) {
      // Nobody reads this stream: its position follows the highest number seen.
      words[receiver + RECEIVED] = end
      this.times[(receiver + OFFSET) >> 1] += ahead + wireLength
      return
    }
    this.sequence = sequence
    this.from = this.packet.payloadOffset
    this.length = length
    this.cut = wireLength - length
    let waits = (words[receiver + STATE] & SIDE_WAITS) !== 0
    if (this.order.waits) {
      const position = this.order.peerPosition(row, side)
      const ahead = ((this.packet.tcpAck - position) | 0) > 0
      if (!ahead && words[receiver + HELD_COUNT] !== 0) {
        // Its receiver has dropped what acknowledged bytes it had not sent, say: this comes in its place.
        this.held.dropDoubtful(receiver, sequence, end, position, doubt)
      }
      if (ahead || doubt > 0 || this.order.isBlocked(row, side, receiver)) waits = true
      // Data of the other direction may have waited for this.
      if (words[(receiver ^ OTHER_SIDE) + HELD_COUNT] !== 0) this.wake(1 - side)
    }
    if (inOrder && !waits) {
      this.waiting = side
      this.reach = end
      if (words[receiver + HELD_COUNT] !== 0) this.overlapsHeld(row, side, receiver, end)
      return
    }
    this.reach = inOrder ? end : next
    if (!inOrder) this.counts[C.outOfOrder]++
    const skip = ahead < 0 ? -ahead : 0
    if (skip >= length) return
    const from = (sequence + skip) | 0
    const { held, packet } = this
    const policy = doubt > 0 ? TCP_POLICY.first : policyOf(words, receiver)
    held.doubt = doubt
    held.stamped = this.order.across
    held.acknowledgement = packet.tcpAck
    const limit = held.insert(receiver, policy, from, packet.buffer, this.from + skip, length - skip)
    if (limit !== HELD_OK) {
      this.waiting = side
      this.order.forced = true
      // Beyond a hole it is counted when the hole is given up for it.
      if (inOrder) this.delivery.hitLimit(row, side, limit)
    }
    held.stamped = false
    held.doubt = 0
    if (held.repeatedFrom !== held.repeatedTo) {
      this.tellRepeated(row, side, receiver, held.repeatedFrom, (held.repeatedTo - held.repeatedFrom) | 0)
    }
    if (waits) this.wake(side)
    this.noteHole(row, side)
  }

  /** Takes a payload that is exactly what the receiver waits for; nothing is held, and nothing was cut off. */
  acceptNext(row: number, side: number, receiver: number, sequence: number, length: number): void {
    if (!this.needed(row, side)) {
      this.words[receiver + RECEIVED] = (sequence + length) | 0
      this.times[(receiver + OFFSET) >> 1] += length
      return
    }
    this.waiting = side
    this.sequence = sequence
    this.from = this.packet.payloadOffset
    this.length = length
    this.cut = 0
    this.reach = (sequence + length) | 0
  }

  /** Holds the data of a SYN until the peer says whether it took it. */
  acceptEarly(row: number, side: number, sequence: number, length: number): void {
    if (length === 0 || !this.needed(row, side)) return
    const receiver = (row << ROW_SHIFT) + SIDES + (side << SIDE_SHIFT)
    const { buffer, payloadOffset } = this.packet
    this.held.insert(receiver, policyOf(this.words, receiver), sequence, buffer, payloadOffset, length)
  }

  /** Takes one byte, next in the stream of `side`, that came in an earlier packet. */
  acceptByte(row: number, side: number, byte: number): void {
    const receiver = (row << ROW_SHIFT) + SIDES + (side << SIDE_SHIFT)
    const next = this.words[receiver + RECEIVED]
    if (!this.needed(row, side)) {
      this.words[receiver + RECEIVED] = (next + 1) | 0
      this.times[(receiver + OFFSET) >> 1]++
      return
    }
    this.held.insert(receiver, policyOf(this.words, receiver), next, Uint8Array.of(byte), 0, 1)
    this.wake(side)
  }

  /** Delivers, after POST_TCP, what the current packet made available. */
  deliver(row: number): void {
    const { words, times, waiting: side, sequence, length } = this
    const receiver = (row << ROW_SHIFT) + SIDES + (side << SIDE_SHIFT)
    // The common case apart from the others: bytes in order, nothing held.
    const next =
      side >= 0 &&
      (this.awake | this.giveUp | this.cut) === 0 &&
      words[receiver + HELD_COUNT] === 0 &&
      words[receiver + RECEIVED] === sequence
    if (!next) {
      this.deliverAny(row)
      return
    }
    this.waiting = -1
    const offset = times[(receiver + OFFSET) >> 1]
    words[receiver + RECEIVED] = (sequence + length) | 0
    times[(receiver + OFFSET) >> 1] = offset + length
    if (this.events.wants(row, 1 << (SLOT_DATA + side))) {
      this.events.newData(row, side, offset, this.packet.buffer, this.from, this.from + length)
    }
  }

  private deliverAny(row: number): void {
    const awake = this.awake
    if (awake !== 0) {
      this.awake = 0
      if ((awake & 1) !== 0) this.delivery.drain(row, 0, (row << ROW_SHIFT) + SIDES)
      if ((awake & 2) !== 0) this.delivery.drain(row, 1, (row << ROW_SHIFT) + SIDES + (1 << SIDE_SHIFT))
    }
    const side = this.waiting
    if (side >= 0) {
      this.waiting = -1
      this.delivery.segment(row, side, this.sequence, this.from, this.length, this.cut)
    }
    const giveUp = this.giveUp
    if (giveUp !== 0) {
      this.giveUp = 0
      if ((giveUp & 1) !== 0) this.holes.giveUp(row, 0)
      if ((giveUp & 2) !== 0) this.holes.giveUp(row, 1)
    }
    if (this.order.waits && (awake | giveUp) !== 0) this.delivery.settle(row)
  }

  /** Looks for a hole that `side` has acknowledged; `deliver` gives it up when there is evidence enough. */
  noteHole(row: number, side: number): void {
    if (this.holes.note(row, side)) this.giveUp |= 1 << side
  }

  /** Frees what is held for both sides. */
  drop(row: number): void {
    const client = (row << ROW_SHIFT) + SIDES
    this.held.clear(client)
    this.held.clear(client + (1 << SIDE_SHIFT))
  }

  /** The handshake is over: what waited for it may be delivered, unless it waits for its acknowledgement. */
  established(row: number): void {
    const words = this.words
    for (let side = 0; side < 2; side++) {
      const receiver = (row << ROW_SHIFT) + SIDES + (side << SIDE_SHIFT)
      if (!TRAITS[policyOf(words, receiver)].untilAcked) words[receiver + STATE] &= ~SIDE_WAITS
      if (words[receiver + HELD_COUNT] !== 0) this.wake(side)
    }
  }

  // ---- Steps --------------------------------------------------------------------------------------------------

  /** Sequence number up to which bytes have come without a hole: delivered, or about to be, or waiting. */
  private ready(side: number, receiver: number): number {
    const words = this.words
    const next = words[receiver + RECEIVED]
    if (words[receiver + HELD_COUNT] === 0) return next
    const waits = (this.awake & (1 << side)) !== 0 || (words[receiver + STATE] & SIDE_WAITS) !== 0
    return waits || this.order.waits ? this.order.contiguousEnd(receiver, next) : next
  }

  /** An in-order segment may reach into held data. */
  private overlapsHeld(row: number, side: number, receiver: number, end: number): void {
    const { held, sequence } = this
    this.reach = this.order.contiguousEnd(receiver, end)
    const next = this.words[receiver + RECEIVED]
    const from = ((sequence - next) | 0) > 0 ? sequence : next
    const to = (sequence + this.length) | 0
    if (((to - from) | 0) <= 0 || !held.overlap(receiver, from, to)) return
    const { repeatedFrom, repeatedTo } = held
    const policy = policyOf(this.words, receiver)
    if (everNew(policy)) held.giveWay(receiver, policy, from, to)
    this.tellRepeated(row, side, receiver, repeatedFrom, (repeatedTo - repeatedFrom) | 0)
  }

  /** Tells of repeated bytes `[sequence, sequence + length)` of the stream. */
  tellRepeated(row: number, side: number, receiver: number, sequence: number, length: number): void {
    this.counts[C.retransmissions]++
    if (!this.events.wants(row, 1 << (SLOT_REXMIT + side))) return
    const offset = this.times[(receiver + OFFSET) >> 1] + ((sequence - this.words[receiver + RECEIVED]) | 0)
    this.events.retransmission(row, side, sequence, length, offset, false, false)
  }
}
