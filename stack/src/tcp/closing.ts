/**
 * How connections end: FINs and the states behind them, and resets.
 *
 * In: a packet with FIN or RST, or any packet after a FIN. Out: the updated row, TCP_STATE_CHANGE and HALF_CLOSE events,
 * whether the connection is over. Called by the tracker; names as in tracker.ts.
 */
import { C } from '../counters.js'
import { STREAM_ERROR } from '../event/anomaly.js'
import type { Dispatcher } from '../event/dispatcher.js'
import { SLOT_HALF_CLOSE, SLOT_REXMIT } from '../event/slots.js'
import {
  ACKED,
  FIN_SEQ,
  FLAG_CLASS,
  FLAG_RST,
  FLAG_RST_SIDE,
  FLAGS,
  ISN,
  RECEIVED,
  ROW_SHIFT,
  SENT,
  SIDE_ACK,
  SIDE_FIN,
  SIDE_GOT_FIN,
  SIDE_RECEIVED,
  SIDE_SENT,
  SIDE_SHIFT,
  SIDE_SYN,
  SIDES,
  STATE,
  STATE_MASK,
  WINDOW,
} from '../flow/layout.js'
import type { FlowTable } from '../flow/table.js'
import { CLASS_CLOSING, CLASS_LINGER } from '../flow/timeouts.js'
import type { FlowTimers } from '../flow/timers.js'
import { type Packet, TCP_FLAG } from '../wire/index.js'
import type { SegmentDoubt } from './doubt.js'
import { policyOf, setState } from './endpoint.js'
import { TRAITS } from './policy.js'
import type { Reassembler } from './reassembly.js'
import { AFTER_FIN_ACKED, AFTER_FIN_RECEIVED, AFTER_FIN_SENT, TCP_STATE } from './state.js'
import { inWindow } from './window.js'

const { ACK } = TCP_FLAG
const { CLOSED, SYN_SENT, TIME_WAIT } = TCP_STATE

/** How a connection is over. */
export const END_FIN = 1
export const END_RST = 2

export class Closing {
  private readonly words: Int32Array
  private readonly events: Dispatcher
  private readonly reassembler: Reassembler
  private readonly counts: Float64Array
  private readonly packet: Packet
  private readonly timers: FlowTimers
  private readonly doubt: SegmentDoubt

  constructor(
    table: FlowTable,
    events: Dispatcher,
    reassembler: Reassembler,
    counts: Float64Array,
    packet: Packet,
    timers: FlowTimers,
    doubt: SegmentDoubt,
  ) {
    this.words = table.words
    this.events = events
    this.reassembler = reassembler
    this.counts = counts
    this.packet = packet
    this.timers = timers
    this.doubt = doubt
  }

  /** A FIN of `s`, numbered `sequence`: taken, repeated or ignored. */
  fin(row: number, s: number, S: number, R: number, sequence: number): void {
    const words = this.words
    if ((words[R + STATE] & SIDE_RECEIVED) === 0) {
      words[R + RECEIVED] = sequence
      words[R + STATE] |= SIDE_RECEIVED
    }
    const state = words[S + STATE]
    const doubt = this.doubt.ofData(row, s, S, R, sequence)
    if ((state & SIDE_FIN) !== 0) {
      if (words[S + FIN_SEQ] === sequence) {
        this.counts[C.retransmissions]++
        if (this.events.wants(row, 1 << (SLOT_REXMIT + 1 - s))) {
          const offset = this.reassembler.offset(R) + ((sequence - words[R + RECEIVED]) | 0)
          this.events.retransmission(row, 1 - s, sequence, 0, offset, false, true)
        }
        return
      }
      // Data has gone on beyond the earlier FIN, or the stream ends before it, so that one was not for real.
      const sooner = this.doubt.enabled && doubt === 0 && ((sequence - words[S + FIN_SEQ]) | 0) < 0
      if (!sooner && ((words[R + RECEIVED] - words[S + FIN_SEQ]) | 0) <= 0) {
        this.counts[C.finIgnored]++
        this.events.error(row, 1 - s, STREAM_ERROR.FIN_IGNORED)
        return
      }
    }
    if (((sequence - words[R + RECEIVED]) | 0) < 0 || !inWindow(words, R, sequence, sequence)) {
      this.counts[C.finIgnored]++
      this.events.error(row, 1 - s, STREAM_ERROR.FIN_IGNORED)
      return
    }
    const end = (sequence + 1) | 0
    words[S + FIN_SEQ] = sequence
    if ((state & SIDE_SENT) === 0 || ((end - words[S + SENT]) | 0) > 0) words[S + SENT] = end
    words[S + STATE] |= SIDE_FIN | SIDE_SENT
    this.reassembler.endsAt(R, sequence, doubt)
    const timeout = words[(row << ROW_SHIFT) + FLAGS] & FLAG_CLASS
    if (timeout !== CLASS_CLOSING && timeout !== CLASS_LINGER) this.timers.setClass(row, CLASS_CLOSING)
  }

  /**
   * State changes once a FIN has been sent: first those of the sender of this packet, then the receiver's.
   * @returns END_FIN when the connection is over
   */
  close(row: number, s: number, S: number, R: number): 0 | typeof END_FIN {
    const words = this.words
    const r = 1 - s
    const peer = words[R + STATE]
    const finAcked =
      (peer & SIDE_FIN) !== 0 &&
      (words[S + STATE] & SIDE_ACK) !== 0 &&
      ((words[S + ACKED] - words[R + FIN_SEQ]) | 0) > 0
    if (finAcked) this.gotFin(row, s, S)
    if ((words[S + STATE] & SIDE_FIN) !== 0)
      setState(this.words, this.events, row, s, AFTER_FIN_SENT[words[S + STATE] & STATE_MASK])
    if (finAcked) setState(this.words, this.events, row, r, AFTER_FIN_ACKED[words[R + STATE] & STATE_MASK])
    if ((words[S + STATE] & SIDE_FIN) !== 0 && (words[R + STATE] & SIDE_GOT_FIN) === 0) {
      if (((this.reassembler.position(r, R) - words[S + FIN_SEQ]) | 0) >= 0) this.gotFin(row, r, R)
    }
    if (!isOver(words[S + STATE] & STATE_MASK) || !isOver(words[R + STATE] & STATE_MASK)) return 0
    // Where the capture shows packets late, what was sent before the FINs may still come.
    if (this.complete(row, 0) && this.complete(row, 1)) return END_FIN
    if ((words[(row << ROW_SHIFT) + FLAGS] & FLAG_CLASS) !== CLASS_LINGER)
      this.timers.setClass(row, CLASS_LINGER)
    return 0
  }

  /**
   * RST: obeyed as the receiver's policy says; one in answer to a SYN, when it acknowledges the SYN.
   * @returns END_RST when it is obeyed: the connection is over
   */
  rst(row: number, s: number, S: number, R: number): 0 | typeof END_RST {
    const words = this.words
    const p = this.packet
    const peer = words[R + STATE]
    const answersSyn = (peer & STATE_MASK) === SYN_SENT && (peer & SIDE_SYN) !== 0
    const obeyed = answersSyn
      ? (p.tcpFlags & ACK) !== 0 &&
        ((p.tcpAck - words[R + ISN]) | 0) > 0 &&
        ((words[R + SENT] - p.tcpAck) | 0) >= 0
      : this.expectedRst(p.tcpSeq, s, S, R) || this.allowedRst(p.tcpSeq, R)
    if (!obeyed || (!answersSyn && this.doubt.ofReset(row, s, this.expectedRst(p.tcpSeq, s, S, R)))) {
      this.counts[C.rstIgnored]++
      this.events.error(row, 1 - s, STREAM_ERROR.RST_IGNORED)
      return 0
    }
    words[(row << ROW_SHIFT) + FLAGS] |= FLAG_RST | (s === 1 ? FLAG_RST_SIDE : 0)
    setState(this.words, this.events, row, s, CLOSED)
    setState(this.words, this.events, row, 1 - s, CLOSED)
    return END_RST
  }

  /** Whether the stream that `side` receives is there up to the FIN, or nobody wants it. */
  private complete(row: number, side: number): boolean {
    const at = (row << ROW_SHIFT) + SIDES
    const sender = at + ((1 - side) << SIDE_SHIFT)
    if ((this.words[sender + STATE] & SIDE_FIN) === 0 || !this.reassembler.needed(row, side)) return true
    return this.reassembler.position(side, at + (side << SIDE_SHIFT)) === this.words[sender + FIN_SEQ]
  }

  private gotFin(row: number, side: number, X: number): void {
    const words = this.words
    if ((words[X + STATE] & SIDE_GOT_FIN) !== 0) return
    words[X + STATE] |= SIDE_GOT_FIN
    setState(this.words, this.events, row, side, AFTER_FIN_RECEIVED[words[X + STATE] & STATE_MASK])
    const peer = 1 - side
    const P = (row << ROW_SHIFT) + SIDES + (peer << SIDE_SHIFT)
    if ((words[P + STATE] & SIDE_GOT_FIN) === 0 && this.events.wants(row, 1 << (SLOT_HALF_CLOSE + peer))) {
      this.events.halfClosed(row, peer)
    }
  }

  /** Policies that obey more than the next number (RFC 5961 section 3 does not). */
  private allowedRst(sequence: number, R: number): boolean {
    const words = this.words
    const state = words[R + STATE]
    const rule = TRAITS[policyOf(words, R)].reset
    if (rule === 'next') return false
    if (rule === 'beyond') return (state & SIDE_RECEIVED) !== 0 && ((sequence - words[R + RECEIVED]) | 0) >= 0
    if ((state & SIDE_ACK) === 0) return false
    const ahead = (sequence - words[R + ACKED]) | 0
    return ahead >= 0 && ahead <= words[R + WINDOW]
  }

  /** At the next byte that the receiver expects: the one it has acknowledged, or that it should have by now. */
  private expectedRst(sequence: number, s: number, S: number, R: number): boolean {
    const words = this.words
    const state = words[R + STATE]
    if ((state & SIDE_ACK) !== 0 && sequence === words[R + ACKED]) return true
    if ((state & SIDE_RECEIVED) !== 0) {
      const next = this.reassembler.position(1 - s, R)
      const fin = (words[S + STATE] & SIDE_FIN) !== 0 && next === words[S + FIN_SEQ]
      return sequence === ((next + (fin ? 1 : 0)) | 0)
    }
    return (words[S + STATE] & SIDE_SENT) === 0 ? (state & SIDE_ACK) === 0 : sequence === words[S + SENT]
  }
}

/** Whether an endpoint in this state has nothing more to send or to receive. */
export function isOver(state: number): boolean {
  return state === TIME_WAIT || state === CLOSED
}
