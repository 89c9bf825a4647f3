/**
 * Holes that were acknowledged: bytes that the receiver got, and that the capture lost or shows late.
 *
 * In: the held segments (held.ts), the acknowledgements of the receiver, trace time. Out: whether there is evidence enough
 * to give a hole up, and the giving up (ON_GAP and what lies behind, by delivery.ts). Called by the reassembler after each
 * packet that leaves something held, and by the flows' lifecycle when the timer of a silent connection comes up. The row
 * words it is given are those of the receiving side.
 */
import {
  ACKED,
  FIN_SEQ,
  HELD_HEAD,
  HOLE_TIME,
  OTHER_SIDE,
  RECEIVED,
  ROW_SHIFT,
  SIDE_ACK,
  SIDE_EVIDENCE_MASK,
  SIDE_EVIDENCE_ONE,
  SIDE_EVIDENCE_SHIFT,
  SIDE_FIN,
  SIDE_SHIFT,
  SIDES,
  STATE,
} from '../flow/layout.js'
import type { FlowTable } from '../flow/table.js'
import type { TimerWheel } from '../flow/wheel.js'
import type { Packet } from '../wire/index.js'
import type { StreamDelivery } from './delivery.js'
import type { HeldSegments } from './held.js'
import type { DeliveryOrder } from './waiting.js'

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

export class AckedHoles {
  private readonly words: Int32Array
  private readonly times: Float64Array
  private readonly wheel: TimerWheel
  private readonly packet: Packet
  private readonly held: HeldSegments
  private readonly order: DeliveryOrder
  private readonly delivery: StreamDelivery
  /** Packets after which an acknowledged hole is given up. */
  private readonly patience: number

  constructor(
    table: FlowTable,
    wheel: TimerWheel,
    packet: Packet,
    held: HeldSegments,
    order: DeliveryOrder,
    delivery: StreamDelivery,
  ) {
    this.words = table.words
    this.times = table.times
    this.wheel = wheel
    this.packet = packet
    this.held = held
    this.order = order
    this.delivery = delivery
    this.patience = order.across ? HOLE_PACKETS_ACROSS : HOLE_PACKETS
  }

  /**
   * Looks for a hole that `side` has acknowledged all the same: evidence that the capture lost it.
   * @returns true when there is enough evidence: it is to be given up
   */
  note(row: number, side: number): boolean {
    const words = this.words
    const receiver = (row << ROW_SHIFT) + SIDES + (side << SIDE_SHIFT)
    if (!this.isAcked(receiver) && !this.order.blockedAcked(row, side, receiver)) return false
    const times = this.times
    const at = ((row << ROW_SHIFT) + HOLE_TIME + 2 * side) >> 1
    const now = this.packet.time
    const seen = (words[receiver + STATE] & SIDE_EVIDENCE_MASK) >> SIDE_EVIDENCE_SHIFT
    if (seen === 0) {
      times[at] = now
      this.wheel.arm(row, HOLE_TIMER)
    }
    if (seen + 1 >= this.patience || now - times[at] >= HOLE_MICROS) return true
    words[receiver + STATE] += SIDE_EVIDENCE_ONE
    return false
  }

  /**
   * Timer of a silent connection: gives up the holes that were acknowledged a while ago.
   * @returns true when one was acknowledged too recently: the timer is to come again soon
   */
  expire(row: number, now: number): boolean {
    let again = false
    for (let side = 0; side < 2; side++) {
      const at = row << ROW_SHIFT
      if ((this.words[at + SIDES + (side << SIDE_SHIFT) + STATE] & SIDE_EVIDENCE_MASK) === 0) continue
      if (now - this.times[(at + HOLE_TIME + 2 * side) >> 1] >= HOLE_MICROS) this.giveUp(row, side)
      else again = true
    }
    return again
  }

  /** Gives up the holes that `side` has acknowledged, and delivers what lies behind them. */
  giveUp(row: number, side: number): void {
    const receiver = (row << ROW_SHIFT) + SIDES + (side << SIDE_SHIFT)
    for (;;) {
      if (this.isAcked(receiver))
        this.delivery.skipTo(row, side, receiver, this.held.sequence(this.words[receiver + HELD_HEAD]))
      else if (this.order.blockedAcked(row, side, receiver)) this.skipPeer(row, side, receiver)
      else return
      this.delivery.drain(row, side, receiver)
    }
  }

  /** The receiver has acknowledged the first byte behind a hole. */
  private isAcked(receiver: number): boolean {
    const words = this.words
    const head = words[receiver + HELD_HEAD]
    if (head === 0 || (words[receiver + STATE] & SIDE_ACK) === 0) return false
    const start = this.held.sequence(head)
    return ((start - words[receiver + RECEIVED]) | 0) > 0 && ((words[receiver + ACKED] - start) | 0) >= 0
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
        this.delivery.skipTo(row, 1 - side, sender, stop)
        this.delivery.drain(row, 1 - side, sender, true)
      }
      this.order.forced = false
      if (!this.order.isBlocked(row, side, receiver)) return
      this.order.forced = true
      this.delivery.drain(row, side, receiver, true)
    } finally {
      this.order.forced = false
    }
  }
}
