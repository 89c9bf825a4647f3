/**
 * TCP tracking: follows both endpoints of a connection through the states of RFC 9293, from the packets between them.
 *
 * In: a TCP packet, the row of its flow and its sender. Out: the updated row, CONN_START, TCP_STATE_CHANGE and REXMIT
 * events, and what the reassembler is to deliver after POST_TCP. SYNs are judged by handshake.ts, FINs and RSTs by
 * closing.ts; acknowledgements and data here. `s` and `S` are the side that sent the packet and its words in the row, `r`
 * and `R` those of the receiver. Called by the packet path.
 */
import { C } from '../counters.js'
import { STREAM_ERROR } from '../event/anomaly.js'
import type { Dispatcher } from '../event/dispatcher.js'
import { SLOT_ANOMALY, SLOT_CONFLICT } from '../event/slots.js'
import {
  ACKED,
  FLAG_ESTABLISHED,
  FLAG_MIDSTREAM,
  FLAG_RESET,
  FLAG_RST,
  FLAG_RST_SIDE,
  FLAGS,
  HELD_COUNT,
  ISN,
  PROBE_BYTE,
  RECEIVED,
  ROW_SHIFT,
  SENT,
  SIDE_ACK,
  SIDE_FIN,
  SIDE_GOT_FIN,
  SIDE_PROBE,
  SIDE_RECEIVED,
  SIDE_SCALE_MASK,
  SIDE_SCALE_SHIFT,
  SIDE_SCALED,
  SIDE_SENT,
  SIDE_SHIFT,
  SIDE_SYN,
  SIDE_WAITS,
  SIDE_WATCHED,
  SIDE_WITHHELD,
  SIDES,
  STATE,
  STATE_MASK,
  WINDOW,
  WITHHELD,
} from '../flow/layout.js'
import type { FlowTable } from '../flow/table.js'
import { type Packet, TCP_FLAG } from '../wire/index.js'
import type { Closing, END_FIN, END_RST } from './closing.js'
import type { SegmentDoubt } from './doubt.js'
import type { Handshake } from './handshake.js'
import type { Reassembler } from './reassembly.js'
import { TCP_STATE } from './state.js'
import type { SegmentWatch } from './watch.js'
import { farApart, HALF_WINDOW, inWindow } from './window.js'

const { FIN, SYN, RST, ACK } = TCP_FLAG
const { ESTABLISHED } = TCP_STATE

/** Largest window scale (RFC 7323 section 2.3): taken for a side whose SYN was not seen. */
const MAX_SCALE = 14
/** A side of a connection in which nothing out of the ordinary goes on: established, all numbers known. */
const PLAIN = ESTABLISHED | SIDE_ACK | SIDE_SENT | SIDE_RECEIVED
const PLAIN_MASK = STATE_MASK | PLAIN | SIDE_FIN | SIDE_GOT_FIN | SIDE_PROBE | SIDE_WITHHELD | SIDE_WAITS

export class TcpTracker {
  /** Set by `segment`: the connection is over, by FIN or by RST; else 0. */
  ended: 0 | typeof END_FIN | typeof END_RST = 0
  private readonly words: Int32Array
  private readonly events: Dispatcher
  private readonly reassembler: Reassembler
  private readonly counts: Float64Array
  private readonly packet: Packet
  private readonly opening: Handshake
  private readonly closing: Closing
  private readonly watch: SegmentWatch
  private readonly doubt: SegmentDoubt

  constructor(
    table: FlowTable,
    events: Dispatcher,
    reassembler: Reassembler,
    counts: Float64Array,
    packet: Packet,
    opening: Handshake,
    closing: Closing,
    watch: SegmentWatch,
    doubt: SegmentDoubt,
  ) {
    this.doubt = doubt
    this.watch = watch
    this.words = table.words
    this.events = events
    this.reassembler = reassembler
    this.counts = counts
    this.packet = packet
    this.opening = opening
    this.closing = closing
  }

  /** Whether the current packet, sent by `s`, brings again what a verdict kept from the receiver after its delivery. */
  isWithheld(row: number, s: number): boolean {
    const words = this.words
    const p = this.packet
    const at = row << ROW_SHIFT
    if ((words[at + SIDES + (s << SIDE_SHIFT) + STATE] & SIDE_WITHHELD) === 0) return false
    return p.payloadWireLength > 0 && ((this.dataStart() - words[at + WITHHELD + s]) | 0) < 0
  }

  /**
   * The current packet, sent by `s`, has been dropped after its data was taken. Everything up to its end is to be dropped
   * when it is sent again: the receiver has not got it, and gets nothing beyond it.
   */
  withhold(row: number, s: number): void {
    const words = this.words
    const p = this.packet
    const at = row << ROW_SHIFT
    if (p.payloadWireLength === 0 || !this.reassembler.needed(row, 1 - s)) return
    const S = at + SIDES + (s << SIDE_SHIFT)
    const end = (this.dataStart() + p.payloadWireLength) | 0
    if ((words[S + STATE] & SIDE_WITHHELD) === 0 || ((end - words[at + WITHHELD + s]) | 0) > 0) {
      words[at + WITHHELD + s] = end
    }
    words[S + STATE] |= SIDE_WITHHELD
  }

  /** Whether the current packet, sent by `s`, is a SYN for a new connection, in place of one that was reset. */
  opensAfterReset(row: number, s: number): boolean {
    const words = this.words
    const p = this.packet
    const at = row << ROW_SHIFT
    if ((words[at + FLAGS] & FLAG_RESET) === 0 || (p.tcpFlags & (SYN | ACK | RST)) !== SYN) return false
    const S = at + SIDES + (s << SIDE_SHIFT)
    return (words[S + STATE] & SIDE_SYN) === 0 || words[S + ISN] !== p.tcpSeq
  }

  private dataStart(): number {
    const p = this.packet
    return (p.tcpSeq + ((p.tcpFlags & SYN) !== 0 ? 1 : 0)) | 0
  }

  /** A closed connection whose RST the sender of this packet itself had sent, goes on: the RST was not for real. */
  contradictsRst(row: number, s: number): boolean {
    const flags = this.words[(row << ROW_SHIFT) + FLAGS]
    return (flags & FLAG_RST) !== 0 && ((flags & FLAG_RST_SIDE) !== 0 ? 1 : 0) === s
  }

  /**
   * The common case, in one go (header prediction, after Van Jacobson): on an established connection the next bytes,
   * inside the window, or none, and an acknowledgement; nothing held on either side.
   * @returns false, with nothing done, for any other packet
   */
  expected(row: number, s: number): boolean {
    const words = this.words
    const p = this.packet
    const S = (row << ROW_SHIFT) + SIDES + (s << SIDE_SHIFT)
    const R = (row << ROW_SHIFT) + SIDES + ((1 - s) << SIDE_SHIFT)
    this.reassembler.begin()
    const sequence = p.tcpSeq
    if ((p.tcpFlags & (FIN | SYN | RST | ACK)) !== ACK || sequence !== words[R + RECEIVED]) return false
    if ((words[S + STATE] & PLAIN_MASK) !== PLAIN || (words[R + STATE] & PLAIN_MASK) !== PLAIN) return false
    if ((words[S + HELD_COUNT] | words[R + HELD_COUNT]) !== 0) return false
    const ack = p.tcpAck
    const progress = (ack - words[S + ACKED]) | 0
    if (progress < 0 || progress > HALF_WINDOW || ((ack - words[R + SENT]) | 0) > 0) return false
    const length = p.payloadLength
    if (length !== p.payloadWireLength) return false
    const end = (sequence + length) | 0
    if (((end - words[R + ACKED]) | 0) > words[R + WINDOW]) return false
    if (this.doubt.suspects(row, s)) return false
    if ((words[S + STATE] & SIDE_WATCHED) !== 0 && !this.watch.expected(row, s, S, R)) return false
    words[S + ACKED] = ack
    words[S + WINDOW] = this.window(S, R)
    if (length === 0) return true
    if (((end - words[S + SENT]) | 0) > 0) words[S + SENT] = end
    this.reassembler.acceptNext(row, 1 - s, R, sequence, length)
    return true
  }

  /**
   * Updates the connection by the current packet, sent by `s`, whatever it is. `first`: `start` was just called for it.
   * Sets `ended`.
   */
  segment(row: number, s: number, first: boolean): void {
    const words = this.words
    const p = this.packet
    const S = (row << ROW_SHIFT) + SIDES + (s << SIDE_SHIFT)
    const R = (row << ROW_SHIFT) + SIDES + ((1 - s) << SIDE_SHIFT)
    const flags = p.tcpFlags
    this.ended = 0
    this.reassembler.begin()
    if ((words[S + STATE] & SIDE_WATCHED) !== 0 || this.events.wants(row, 3 << SLOT_ANOMALY)) {
      if (!this.watch.segment(row, s, S, R, first)) return
    }
    this.doubt.learn(row, s)
    if ((flags & RST) !== 0) {
      this.ended = this.closing.rst(row, s, S, R)
      return
    }
    let sequence = p.tcpSeq
    const syn = (flags & SYN) !== 0
    if (syn) {
      if (!this.opening.syn(row, s, S, R, first)) return
      sequence = (sequence + 1) | 0
    }
    if ((flags & ACK) !== 0) {
      if (!this.ack(row, s, S, R)) return
    } else if (!syn) {
      // RFC 9293 3.10.7.4: "if the ACK bit is off, drop the segment".
      this.counts[C.withoutAck]++
      return
    }
    const fin = (flags & FIN) !== 0
    if (p.payloadWireLength > 0) {
      if (syn && (flags & ACK) === 0) this.earlyData(row, s, S, sequence)
      else this.data(row, s, S, R, sequence)
    } else if (!fin && !syn && ((sequence - words[R + RECEIVED]) | 0) === -1) {
      if ((words[R + STATE] & SIDE_RECEIVED) !== 0) this.counts[C.keepAlives]++
    }
    if (fin) this.closing.fin(row, s, S, R, (sequence + p.payloadWireLength) | 0)
    if (((words[S + STATE] | words[R + STATE]) & SIDE_FIN) !== 0)
      this.ended = this.closing.close(row, s, S, R)
  }

  /** The acknowledgement and window of the packet. False when it cannot belong to the connection. */
  private ack(row: number, s: number, S: number, R: number): boolean {
    const words = this.words
    const ack = this.packet.tcpAck
    const state = words[S + STATE]
    if ((state & SIDE_ACK) === 0) {
      if ((words[R + STATE] & SIDE_SENT) !== 0 && farApart(ack, words[R + SENT])) {
        this.unusable(row, 1 - s)
        return false
      }
      words[S + ACKED] = ack
      words[S + STATE] |= SIDE_ACK
      if ((state & SIDE_RECEIVED) === 0) {
        words[S + RECEIVED] = ack
        words[S + STATE] |= SIDE_RECEIVED
      }
    } else {
      if (farApart(ack, words[S + ACKED])) {
        this.unusable(row, 1 - s)
        return false
      }
      const progress = (ack - words[S + ACKED]) | 0
      if (progress < 0) return true
      if (progress > 0 && this.packet.payloadWireLength > 0 && this.acksUnsent(S, R, ack, progress)) {
        this.unusable(row, 1 - s)
        return false
      }
      // Its data waits for what it acknowledges, and so does the acknowledgement.
      if (this.reassembler.order.waits && this.packet.payloadWireLength > 0 && this.isAhead(R, ack))
        return true
      words[S + ACKED] = ack
    }
    words[S + WINDOW] = this.window(S, R)
    if ((words[(row << ROW_SHIFT) + FLAGS] & FLAG_ESTABLISHED) === 0)
      this.opening.acknowledged(row, s, S, R, ack)
    if ((words[S + STATE] & SIDE_PROBE) !== 0) this.probeAnswered(row, s, S, ack)
    if (words[S + HELD_COUNT] !== 0) {
      if (this.reassembler.order.waits || (words[S + STATE] & SIDE_WAITS) !== 0) this.reassembler.wake(s)
      this.reassembler.noteHole(row, s)
    }
    return true
  }

  /**
   * Whether a segment acknowledges what was never sent: more than the window beyond all that its receiver was seen to send
   * and all that was acknowledged before. Hosts drop such a segment with its data (RFC 9293 3.10.7.4). The window is for
   * what the capture shows late, or not at all; acknowledgements without data are believed, so that losses of any length
   * are overcome.
   */
  private acksUnsent(S: number, R: number, ack: number, progress: number): boolean {
    const words = this.words
    if ((words[R + STATE] & SIDE_SENT) === 0) return false
    const window = words[S + WINDOW]
    const allowed = window > 0xffff ? window : 0xffff
    return progress > allowed && ((ack - words[R + SENT]) | 0) > allowed
  }

  /** Whether `ack` is for more than the peer was seen to send. */
  private isAhead(R: number, ack: number): boolean {
    return (this.words[R + STATE] & SIDE_SENT) !== 0 && ((ack - this.words[R + SENT]) | 0) > 0
  }

  /** The window of the packet in bytes. Without the SYNs the scale is not known: it is taken for the largest. */
  private window(S: number, R: number): number {
    const words = this.words
    const window = this.packet.tcpWindow
    if ((this.packet.tcpFlags & SYN) !== 0) return window
    const own = words[S + STATE]
    const peer = words[R + STATE]
    if ((own & SIDE_SYN) !== 0) {
      if ((own & SIDE_SCALED) === 0 || (peer & (SIDE_SYN | SIDE_SCALED)) === SIDE_SYN) return window
      return window << ((own & SIDE_SCALE_MASK) >> SIDE_SCALE_SHIFT)
    }
    return (peer & (SIDE_SYN | SIDE_SCALED)) === SIDE_SYN ? window : window << MAX_SCALE
  }

  /** Data of an opening SYN (RFC 7413): the peer may or may not take it. */
  private earlyData(row: number, s: number, S: number, sequence: number): void {
    const p = this.packet
    this.words[S + SENT] = (sequence + p.payloadWireLength) | 0
    this.reassembler.acceptEarly(row, 1 - s, sequence, p.payloadLength)
  }

  /** Payload: whatever state the receiver is in, what lies in its window is taken. */
  private data(row: number, s: number, S: number, R: number, sequence: number): void {
    const words = this.words
    const p = this.packet
    const wireLength = p.payloadWireLength
    if ((words[R + STATE] & SIDE_RECEIVED) === 0) {
      words[R + RECEIVED] = sequence
      words[R + STATE] |= SIDE_RECEIVED
    }
    const doubt = this.doubt.ofData(row, s, S, R, sequence)
    const end = (sequence + wireLength) | 0
    let next = words[R + RECEIVED]
    if (((sequence - next) | 0) < 0 && this.beginsEarlier(row, R, sequence)) {
      words[R + RECEIVED] = sequence
      next = sequence
    }
    if (((end - next) | 0) <= 0) {
      this.oldData(row, s, R, sequence, (sequence - next) | 0, wireLength)
      return
    }
    if (!inWindow(words, R, sequence, end)) {
      this.unusable(row, 1 - s)
      return
    }
    if (wireLength === 1 && sequence === next && words[R + WINDOW] === 0) {
      if ((words[R + STATE] & SIDE_ACK) !== 0 && words[R + ACKED] === sequence) {
        this.probe(row, s, R)
        return
      }
    }
    if ((words[S + STATE] & SIDE_SENT) === 0 || ((end - words[S + SENT]) | 0) > 0) {
      words[S + SENT] = end
      words[S + STATE] |= SIDE_SENT
    }
    words[R + STATE] &= ~SIDE_PROBE
    this.reassembler.accept(row, 1 - s, sequence, p.payloadLength, wireLength, doubt)
  }

  /**
   * Whether a stream picked up midstream begins with this segment: all that was seen before is an acknowledgement of it,
   * which the capture shows early.
   */
  private beginsEarlier(row: number, R: number, sequence: number): boolean {
    const words = this.words
    if ((words[(row << ROW_SHIFT) + FLAGS] & FLAG_MIDSTREAM) === 0 || this.reassembler.offset(R) !== 0)
      return false
    return words[R + HELD_COUNT] === 0 && ((words[R + RECEIVED] - sequence) | 0) <= 0xffff
  }

  /** Nothing in the segment is new. */
  private oldData(row: number, s: number, R: number, sequence: number, ahead: number, length: number): void {
    const words = this.words
    if (length === 1 && ahead === -1 && (words[R + STATE] & SIDE_ACK) !== 0) {
      if (((words[R + ACKED] - sequence) | 0) > 0) {
        this.counts[C.keepAlives]++
        return
      }
    }
    if (this.reassembler.offset(R) + ahead < 0 || ahead < -HALF_WINDOW) {
      this.unusable(row, 1 - s)
      return
    }
    if (this.events.wants(row, 1 << (SLOT_CONFLICT + 1 - s))) {
      this.reassembler.comparison.tell(row, 1 - s, R, sequence, this.packet.payloadLength)
    }
    this.reassembler.tellRepeated(row, 1 - s, R, sequence, length)
  }

  /** One byte sent into a closed window: the receiver may or may not take it. It counts once it is acknowledged. */
  private probe(row: number, s: number, R: number): void {
    const p = this.packet
    this.counts[C.zeroWindowProbes]++
    if (p.payloadLength === 0) return
    this.words[R + STATE] |= SIDE_PROBE
    this.words[(row << ROW_SHIFT) + PROBE_BYTE + 1 - s] = p.buffer[p.payloadOffset]
  }

  private probeAnswered(row: number, s: number, S: number, ack: number): void {
    const words = this.words
    if (((ack - words[S + RECEIVED]) | 0) <= 0) return
    words[S + STATE] &= ~SIDE_PROBE
    this.reassembler.acceptByte(row, s, words[(row << ROW_SHIFT) + PROBE_BYTE + s])
  }

  /** Something outside of the window of `side` came. */
  private unusable(row: number, side: number): void {
    this.counts[C.outOfWindow]++
    this.events.error(row, side, STREAM_ERROR.OUT_OF_WINDOW)
  }
}
