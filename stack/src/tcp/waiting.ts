/**
 * Which held bytes, although all before them are there, are not to be delivered yet: what acknowledges data of the other
 * direction that has not come (`outOfOrder.acrossSides`), and doubtful data that its receiver has not acknowledged
 * (`tcp.doubtful`).
 *
 * In: the words of both sides and the held segments. Out: answers; nothing is changed. Called by the reassembler; the row
 * words it is given are those of the receiving side.
 */
import type { Dispatcher } from '../event/dispatcher.js'
import { NEEDS_STREAM } from '../event/slots.js'
import {
  ACKED,
  FIN_SEQ,
  HELD_HEAD,
  OTHER_SIDE,
  PACKETS,
  RECEIVED,
  ROW_SHIFT,
  SIDE_ACK,
  SIDE_FIN,
  SIDE_RECEIVED,
  SIDE_SHIFT,
  SIDES,
  STATE,
} from '../flow/layout.js'
import type { HeldSegments } from './held.js'

/** Further than any sequence number in a window. */
export const UNBOUNDED = 0x4000_0000

export class DeliveryOrder {
  /** Data waits for what its sender has acknowledged. */
  readonly across: boolean
  /** Held data may wait for more than the bytes before it. */
  readonly waits: boolean
  /** Held data is delivered whatever it waits for: a limit has been reached, or nothing more is to come. */
  forced = false
  private readonly words: Int32Array
  private readonly events: Dispatcher
  private readonly held: HeldSegments

  constructor(words: Int32Array, events: Dispatcher, held: HeldSegments, across: boolean, doubts: boolean) {
    this.words = words
    this.events = events
    this.held = held
    this.across = across
    this.waits = across || doubts
  }

  /**
   * Sequence number up to which the sender of the stream to `side` has got the other stream, as far as seen. When it has
   * acknowledged more, data of the other side is late in the capture or was lost by it; or no such data was ever sent, and
   * hosts drop the segment (RFC 9293 3.10.7.4).
   */
  peerPosition(row: number, side: number): number {
    const words = this.words
    const receiver = (row << ROW_SHIFT) + SIDES + (side << SIDE_SHIFT)
    const sender = receiver ^ OTHER_SIDE
    const seen =
      this.across && (words[sender + STATE] & SIDE_RECEIVED) !== 0 && words[receiver + PACKETS] !== 0
    const next = words[sender + RECEIVED]
    if (!seen || !this.events.wants(row, NEEDS_STREAM << (1 - side))) return (next + UNBOUNDED) | 0
    return (words[receiver + STATE] & SIDE_FIN) !== 0 && next === words[receiver + FIN_SEQ]
      ? (next + 1) | 0
      : next
  }

  /** The next bytes for `side` are there, and wait: for data of the other direction, or, doubtful, for the receiver. */
  isBlocked(row: number, side: number, receiver: number): boolean {
    const words = this.words
    const head = words[receiver + HELD_HEAD]
    if (!this.waits || this.forced || head === 0) return false
    const start = this.held.sequence(head)
    if (((start - words[receiver + RECEIVED]) | 0) > 0) return false
    if (this.held.doubtOf(head) > 0 && this.isUnacked(receiver, start)) return true
    return this.held.ahead(head, this.peerPosition(row, side)) > 0
  }

  /** The receiver sends acknowledgements, and none of them for the byte numbered `sequence`. */
  isUnacked(receiver: number, sequence: number): boolean {
    if ((this.words[receiver + STATE] & SIDE_ACK) === 0) return false
    return ((this.ackedData(receiver) - sequence) | 0) <= 0
  }

  /** Sequence number up to which the receiver has acknowledged data; a FIN is none. */
  ackedData(receiver: number): number {
    const words = this.words
    const sender = receiver ^ OTHER_SIDE
    const acked = words[receiver + ACKED]
    const fin = (words[sender + STATE] & SIDE_FIN) !== 0 && acked === ((words[sender + FIN_SEQ] + 1) | 0)
    return fin ? words[sender + FIN_SEQ] : acked
  }

  /** `isBlocked`, and the receiver has acknowledged the bytes: it had sent what they acknowledge. */
  blockedAcked(row: number, side: number, receiver: number): boolean {
    if (!this.isBlocked(row, side, receiver)) return false
    return !this.isUnacked(receiver, this.held.sequence(this.words[receiver + HELD_HEAD]))
  }

  contiguousEnd(receiver: number, sequence: number): number {
    const acks = (this.words[receiver + STATE] & SIDE_ACK) !== 0
    const sure = acks ? this.ackedData(receiver) : (sequence + UNBOUNDED) | 0
    return this.held.contiguousEnd(receiver, sequence, sure)
  }
}
