/**
 * Reassembly of TCP streams, one direction of a connection at a time.
 *
 * In: the payload of accepted segments, with their sequence numbers. Out: contiguous bytes (ON_NEW_DATA), straight from
 * the packet's buffer when they are in order, and ON_GAP for bytes that will not come. Work on a packet has two steps:
 * `accept` while the connection is updated, `deliver` after POST_TCP. Called by the TCP tracker; the row words it is
 * given are those of the receiving side.
 */
import { C } from '../counters.js'
import { STREAM_ERROR, type StreamErrorCode } from '../event/anomaly.js'
import type { Dispatcher } from '../event/dispatcher.js'
import {
  NEEDS_STREAM,
  SLOT_CONFLICT,
  SLOT_DATA,
  SLOT_GAP,
  SLOT_OUT_OF_ORDER,
  SLOT_REXMIT,
} from '../event/slots.js'
import {
  ACKED,
  FIN_SEQ,
  FLAG_ESTABLISHED,
  FLAGS,
  HELD_BYTES,
  HELD_COUNT,
  HELD_HEAD,
  HOLE_TIME,
  OFFSET,
  OTHER_SIDE,
  RECEIVED,
  ROW_SHIFT,
  SIDE_ACK,
  SIDE_EVIDENCE_MASK,
  SIDE_EVIDENCE_ONE,
  SIDE_EVIDENCE_SHIFT,
  SIDE_FIN,
  SIDE_POLICY_MASK,
  SIDE_POLICY_SHIFT,
  SIDE_SHIFT,
  SIDE_WAITS,
  SIDE_WATCHED,
  SIDE_WORDS,
  SIDES,
  STATE,
} from '../flow/layout.js'
import type { MemoryBudget } from '../flow/memory.js'
import type { FlowTable } from '../flow/table.js'
import type { TimerWheel } from '../flow/wheel.js'
import type { Retention } from '../monitor/retention.js'
import type { Packet } from '../wire/index.js'
import { OverlapComparison } from './conflict.js'
import { HELD_OK, type HeldLimits, HeldSegments } from './held.js'
import { everNew, TCP_POLICY, TRAITS } from './policy.js'
import { DeliveryOrder, UNBOUNDED } from './waiting.js'
import type { SegmentWatch } from './watch.js'

/**
 * A hole that the receiver has acknowledged was lost by the capture, unless the capture merely put packets in another
 * order. It is given up after this many packets of the connection that came after the acknowledgement was noticed...
 */
const HOLE_PACKETS = 4
/** ... or this many where packets of the other direction may come late, too (at most 15: 4 bits count them) ... */
const HOLE_PACKETS_ACROSS = 12
/** ... or when this much trace time (microseconds) has passed since. */
const HOLE_MICROS = 500_000
/** Seconds after which a connection that falls silent with an acknowledged hole is looked at. */
const HOLE_TIMER = 2

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

export class Reassembler {
  readonly held: HeldSegments
  private readonly words: Int32Array
  private readonly times: Float64Array
  private readonly events: Dispatcher
  private readonly wheel: TimerWheel
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
  /** Packets after which an acknowledged hole is given up. */
  private readonly patience: number

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
    this.patience = across ? HOLE_PACKETS_ACROSS : HOLE_PACKETS
    this.watch = watch
    this.words = table.words
    this.times = table.times
    this.events = events
    this.wheel = wheel
    this.counts = counts
    this.packet = packet
    this.held = new HeldSegments(table.words, limits, memory)
    this.order = new DeliveryOrder(table.words, events, this.held, across, doubts)
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
    const policy = doubt > 0 ? TCP_POLICY.first : this.policy(receiver)
    held.doubt = doubt
    held.stamped = this.order.across
    held.acknowledgement = packet.tcpAck
    const limit = held.insert(receiver, policy, from, packet.buffer, this.from + skip, length - skip)
    if (limit !== HELD_OK) {
      this.waiting = side
      this.order.forced = true
      // Beyond a hole it is counted when the hole is given up for it.
      if (inOrder) this.hitLimit(row, side, limit)
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
    this.held.insert(receiver, this.policy(receiver), sequence, buffer, payloadOffset, length)
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
    this.held.insert(receiver, this.policy(receiver), next, Uint8Array.of(byte), 0, 1)
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
      if ((awake & 1) !== 0) this.drain(row, 0, (row << ROW_SHIFT) + SIDES)
      if ((awake & 2) !== 0) this.drain(row, 1, (row << ROW_SHIFT) + SIDES + (1 << SIDE_SHIFT))
    }
    const side = this.waiting
    if (side >= 0) {
      this.waiting = -1
      this.deliverSegment(row, side)
    }
    const giveUp = this.giveUp
    if (giveUp !== 0) {
      this.giveUp = 0
      if ((giveUp & 1) !== 0) this.giveUpAcked(row, 0)
      if ((giveUp & 2) !== 0) this.giveUpAcked(row, 1)
    }
    if (this.order.waits && (awake | giveUp) !== 0) this.settle(row)
  }

  /** Delivers what waited for data of the other direction that has come, and what waited for that in turn. */
  private settle(row: number): void {
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

  /** Gives up the data of the other direction that the next bytes for `side` wait for. */
  private skipPeer(row: number, side: number, receiver: number): void {
    const { words, held } = this
    const sender = receiver ^ OTHER_SIDE
    const target = held.ahead(words[receiver + HELD_HEAD], 0)
    const fin = (words[receiver + STATE] & SIDE_FIN) !== 0 ? words[receiver + FIN_SEQ] : target
    const end = ((fin - target) | 0) < 0 ? fin : target
    this.order.forced = true
    try {
      while (((words[sender + RECEIVED] - end) | 0) < 0) {
        const head = words[sender + HELD_HEAD]
        const stop = head !== 0 && ((held.sequence(head) - end) | 0) < 0 ? held.sequence(head) : end
        this.skipTo(row, 1 - side, sender, stop)
        this.drain(row, 1 - side, sender, true)
      }
      this.order.forced = false
      if (!this.order.isBlocked(row, side, receiver)) return
      this.order.forced = true
      this.drain(row, side, receiver, true)
    } finally {
      this.order.forced = false
    }
  }

  /**
   * Looks for a hole that `side` has acknowledged all the same: evidence that the capture lost it. After enough evidence
   * `deliver` gives it up.
   */
  noteHole(row: number, side: number): void {
    const words = this.words
    const receiver = (row << ROW_SHIFT) + SIDES + (side << SIDE_SHIFT)
    if (!this.holeAcked(receiver) && !this.order.blockedAcked(row, side, receiver)) return
    const times = this.times
    const at = ((row << ROW_SHIFT) + HOLE_TIME + 2 * side) >> 1
    const now = this.packet.time
    const seen = (words[receiver + STATE] & SIDE_EVIDENCE_MASK) >> SIDE_EVIDENCE_SHIFT
    if (seen === 0) {
      times[at] = now
      this.wheel.arm(row, HOLE_TIMER)
    }
    if (seen + 1 >= this.patience || now - times[at] >= HOLE_MICROS) this.giveUp |= 1 << side
    else words[receiver + STATE] += SIDE_EVIDENCE_ONE
  }

  /**
   * Timer of a silent connection: gives up the holes that were acknowledged a while ago.
   * @returns true when one was acknowledged too recently: the timer is to come again soon
   */
  expireHoles(row: number, now: number): boolean {
    let again = false
    for (let side = 0; side < 2; side++) {
      const at = row << ROW_SHIFT
      if ((this.words[at + SIDES + (side << SIDE_SHIFT) + STATE] & SIDE_EVIDENCE_MASK) === 0) continue
      if (now - this.times[(at + HOLE_TIME + 2 * side) >> 1] >= HOLE_MICROS) this.giveUpAcked(row, side)
      else again = true
    }
    return again
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
    if ((words[sender + STATE] & SIDE_FIN) !== 0 && this.needed(row, side)) {
      this.skipTo(row, side, receiver, words[sender + FIN_SEQ])
    }
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
      if (!TRAITS[this.policy(receiver)].untilAcked) words[receiver + STATE] &= ~SIDE_WAITS
      if (words[receiver + HELD_COUNT] !== 0) this.wake(side)
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

  // ---- Steps --------------------------------------------------------------------------------------------------

  private policy(receiver: number): number {
    return (this.words[receiver + STATE] & SIDE_POLICY_MASK) >> SIDE_POLICY_SHIFT
  }

  /** Sequence number up to which bytes of a stream that waits may be delivered. */
  private bound(row: number, receiver: number): number {
    const words = this.words
    if ((words[(row << ROW_SHIFT) + FLAGS] & FLAG_ESTABLISHED) === 0) {
      if (words[receiver + HELD_BYTES] <= EARLY_BYTES) return words[receiver + RECEIVED]
    } else if (TRAITS[this.policy(receiver)].untilAcked) {
      // Without acknowledgements in the capture there is nothing to wait for.
      if ((words[receiver + STATE] & SIDE_ACK) !== 0) return words[receiver + ACKED]
    } else {
      words[receiver + STATE] &= ~SIDE_WAITS
    }
    return (words[receiver + RECEIVED] + UNBOUNDED) | 0
  }

  /** Sequence number up to which bytes have come without a hole: delivered, or about to be, or waiting. */
  private ready(side: number, receiver: number): number {
    const words = this.words
    const next = words[receiver + RECEIVED]
    if (words[receiver + HELD_COUNT] === 0) return next
    const waits = (this.awake & (1 << side)) !== 0 || (words[receiver + STATE] & SIDE_WAITS) !== 0
    return waits || this.order.waits ? this.order.contiguousEnd(receiver, next) : next
  }

  private deliverSegment(row: number, side: number): void {
    const words = this.words
    const receiver = (row << ROW_SHIFT) + SIDES + (side << SIDE_SHIFT)
    const { sequence, from, length } = this
    const buffer = this.packet.buffer
    for (;;) {
      const done = (words[receiver + RECEIVED] - sequence) | 0
      if (done >= length) break
      if (done < 0) {
        // Beyond a hole, and a limit kept it from being held: make room, by giving up holes from the oldest on.
        if (!this.needed(row, side)) break
        const limit = this.held.insert(receiver, this.policy(receiver), sequence, buffer, from, length)
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
    if (this.cut > 0 && words[receiver + RECEIVED] === ((sequence + length) | 0)) {
      // The capture cut the packet short: no other packet will bring these bytes.
      const end = (sequence + length + this.cut) | 0
      const head = words[receiver + HELD_HEAD]
      const stop = head !== 0 && ((this.held.sequence(head) - end) | 0) < 0 ? this.held.sequence(head) : end
      this.skipTo(row, side, receiver, stop)
      this.drain(row, side, receiver, true)
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

  private hitLimit(row: number, side: number, limit: number): void {
    this.counts[LIMIT_COUNTER[limit]]++
    this.events.error(row, side, LIMIT_ERROR[limit])
  }

  private skipTo(row: number, side: number, receiver: number, sequence: number): void {
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

  private holeAcked(receiver: number): boolean {
    const words = this.words
    const head = words[receiver + HELD_HEAD]
    if (head === 0 || (words[receiver + STATE] & SIDE_ACK) === 0) return false
    const start = this.held.sequence(head)
    return ((start - words[receiver + RECEIVED]) | 0) > 0 && ((words[receiver + ACKED] - start) | 0) >= 0
  }

  private giveUpAcked(row: number, side: number): void {
    const receiver = (row << ROW_SHIFT) + SIDES + (side << SIDE_SHIFT)
    for (;;) {
      if (this.holeAcked(receiver))
        this.skipTo(row, side, receiver, this.held.sequence(this.words[receiver + HELD_HEAD]))
      else if (this.order.blockedAcked(row, side, receiver)) this.skipPeer(row, side, receiver)
      else return
      this.drain(row, side, receiver)
    }
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
    const policy = this.policy(receiver)
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
