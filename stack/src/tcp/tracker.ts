/**
 * TCP tracking: follows both endpoints of a connection through the states of RFC 9293, from the packets between them.
 *
 * In: a TCP packet, the row of its flow and its sender. Out: the updated row, CONN_START, TCP_STATE_CHANGE and REXMIT
 * events, and what the reassembler is to deliver after POST_TCP. `s` and `S` are the side that sent the packet and its
 * words in the row, `r` and `R` those of the receiver. Called by the stack.
 */
import { C } from '../counters.js'
import type { Dispatcher } from '../event/dispatcher.js'
import { SLOT_REXMIT, SLOT_START, SLOT_STATE } from '../event/forest.js'
import {
  ACKED,
  FIN_SEQ,
  FLAG_CLASS,
  FLAG_ENDED,
  FLAG_ESTABLISHED,
  FLAG_MIDSTREAM,
  FLAG_NEW_SYN,
  FLAG_NEW_SYN_SIDE,
  FLAG_RST,
  FLAG_RST_SIDE,
  FLAGS,
  HELD_COUNT,
  ISN,
  NEW_SYN_SEQ,
  NEW_SYN_WINDOW,
  PACKETS,
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
  SIDES,
  STATE,
  STATE_MASK,
  WINDOW,
} from '../flow/layout.js'
import type { FlowTable } from '../flow/table.js'
import { CLASS_CLOSING, CLASS_EMBRYONIC, CLASS_ESTABLISHED } from '../flow/timeouts.js'
import { type Packet, parseTcpOptions, TCP_FLAG, TcpOptions } from '../wire/index.js'
import type { Reassembler } from './reassembly.js'
import { AFTER_FIN_ACKED, AFTER_FIN_RECEIVED, AFTER_FIN_SENT, TCP_STATE } from './state.js'

const { FIN, SYN, RST, ACK } = TCP_FLAG
const { CLOSED, LISTEN, SYN_SENT, SYN_RCVD, ESTABLISHED, CLOSING, LAST_ACK, TIME_WAIT } = TCP_STATE

/** Sequence numbers further apart than this have nothing to do with each other. */
const HALF_WINDOW = 0x4000_0000
const MAX_SCALE = 14
/** A side of a connection in which nothing out of the ordinary goes on: established, all numbers known. */
const PLAIN = ESTABLISHED | SIDE_ACK | SIDE_SENT | SIDE_RECEIVED
const PLAIN_MASK = STATE_MASK | PLAIN | SIDE_FIN | SIDE_GOT_FIN | SIDE_PROBE
/** Events at the start of a connection. */
const STARTS = (1 << SLOT_START) | (3 << SLOT_STATE)

/** How a connection is over. */
export const END_FIN = 1
export const END_RST = 2

/** What a SYN on a known connection means. */
export const SYN_NOT_NEW = 0
/** It opens a new connection: the old one is over. */
export const SYN_NEW = 1
/** The peer answers an earlier SYN that opens a new connection. */
export const SYN_ANSWERED = 2

export class TcpTracker {
  /** Set by `segment`: the connection is over, by FIN or by RST; else 0. */
  ended: 0 | typeof END_FIN | typeof END_RST = 0
  private readonly words: Int32Array
  private readonly events: Dispatcher
  private readonly reassembler: Reassembler
  private readonly counts: Float64Array
  private readonly packet: Packet
  private readonly setClass: (row: number, timeoutClass: number) => void
  private readonly options = new TcpOptions()

  constructor(
    table: FlowTable,
    events: Dispatcher,
    reassembler: Reassembler,
    counts: Float64Array,
    packet: Packet,
    setClass: (row: number, timeoutClass: number) => void,
  ) {
    this.words = table.words
    this.events = events
    this.reassembler = reassembler
    this.counts = counts
    this.packet = packet
    this.setClass = setClass
  }

  /**
   * What the SYN in the current packet, sent by `s`, means for the connection in `row`. One that would displace a live
   * connection counts only once the peer has answered it: a SYN alone, which the peer may ignore (RFC 5961 section 4),
   * must not make the stack lose sight of the connection.
   */
  judgeSyn(row: number, s: number): number {
    const words = this.words
    const at = row << ROW_SHIFT
    const S = at + SIDES + (s << SIDE_SHIFT)
    const R = at + SIDES + ((1 - s) << SIDE_SHIFT)
    const flags = words[at + FLAGS]
    const p = this.packet
    if ((p.tcpFlags & ACK) !== 0) {
      const answers =
        (flags & FLAG_NEW_SYN) !== 0 &&
        ((flags & FLAG_NEW_SYN_SIDE) !== 0 ? 1 : 0) === 1 - s &&
        p.tcpAck === ((words[at + NEW_SYN_SEQ] + 1) | 0)
      return answers ? SYN_ANSWERED : SYN_NOT_NEW
    }
    if ((flags & FLAG_ENDED) !== 0) return SYN_NEW
    const state = words[S + STATE]
    if ((state & SIDE_SYN) !== 0 && words[S + ISN] === p.tcpSeq) return SYN_NOT_NEW
    const peer = words[R + STATE]
    if (words[S + PACKETS] === 0 && (peer & STATE_MASK) === SYN_SENT) return SYN_NOT_NEW // simultaneous open
    if (isClosing(state & STATE_MASK) || isClosing(peer & STATE_MASK)) return SYN_NEW
    if (words[R + PACKETS] === 0) return SYN_NEW
    parseTcpOptions(p, this.options)
    words[at + FLAGS] = (flags & ~FLAG_NEW_SYN_SIDE) | FLAG_NEW_SYN | (s === 1 ? FLAG_NEW_SYN_SIDE : 0)
    words[at + NEW_SYN_SEQ] = p.tcpSeq
    words[at + NEW_SYN_WINDOW] = p.tcpWindow | ((this.options.windowScale + 1) << 16)
    return SYN_NOT_NEW
  }

  /** The sender of a midstream packet is the server if the packet says so, or else if its port is the lower one. */
  sentByServer(): boolean {
    const p = this.packet
    return (p.tcpFlags & SYN) !== 0 || p.sourcePort < p.destinationPort
  }

  /** A closed connection whose RST the sender of this packet itself had sent, goes on: the RST was not for real. */
  contradictsRst(row: number, s: number): boolean {
    const flags = this.words[(row << ROW_SHIFT) + FLAGS]
    return (flags & FLAG_RST) !== 0 && ((flags & FLAG_RST_SIDE) !== 0 ? 1 : 0) === s
  }

  /**
   * Starts the connection in a new row, for the packet that brought it: a SYN, or one of a connection under way.
   * @param answered sequence number and window of an earlier SYN of the client, which the packet answers
   */
  start(row: number, s: number, answered: boolean, synSequence: number, synWindow: number): void {
    const words = this.words
    const at = row << ROW_SHIFT
    const client = at + SIDES
    const server = client + (1 << SIDE_SHIFT)
    const syn = (this.packet.tcpFlags & SYN) !== 0
    let clientState: number = ESTABLISHED
    let serverState: number = ESTABLISHED
    if (answered) {
      const scale = (synWindow >>> 16) - 1
      this.open(client, server, synSequence, synWindow & 0xffff, scale)
      clientState = SYN_SENT
      serverState = SYN_RCVD
    } else if (syn && s === 0) {
      parseTcpOptions(this.packet, this.options)
      this.open(client, server, this.packet.tcpSeq, this.packet.tcpWindow, this.options.windowScale)
      clientState = SYN_SENT
      serverState = SYN_RCVD
    } else {
      words[at + FLAGS] |= FLAG_MIDSTREAM
      this.counts[C.midstreamFlows]++
      if (syn) {
        clientState = SYN_SENT
        serverState = SYN_RCVD
      } else {
        words[at + FLAGS] |= FLAG_ESTABLISHED
        this.setClass(row, CLASS_ESTABLISHED)
      }
    }
    words[client + STATE] |= clientState
    words[server + STATE] |= serverState
    if (this.events.wants(row, STARTS)) this.tellStart(row, clientState, serverState)
  }

  private tellStart(row: number, clientState: number, serverState: number): void {
    const { events } = this
    if (events.wants(row, 1 << SLOT_START)) events.packetEvent(row, SLOT_START)
    if (events.wants(row, 1 << SLOT_STATE)) events.stateChange(row, 0, CLOSED, clientState)
    if (events.wants(row, 2 << SLOT_STATE)) events.stateChange(row, 1, LISTEN, serverState)
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
    if (progress < 0 || progress > HALF_WINDOW) return false
    const length = p.payloadLength
    if (length !== p.payloadWireLength) return false
    const end = (sequence + length) | 0
    if (((end - words[R + ACKED]) | 0) > words[R + WINDOW]) return false
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
    if ((flags & RST) !== 0) {
      this.rst(row, s, S, R)
      return
    }
    let sequence = p.tcpSeq
    const syn = (flags & SYN) !== 0
    if (syn) {
      if (!this.syn(row, s, S, R, first)) return
      sequence = (sequence + 1) | 0
    }
    if ((flags & ACK) !== 0 && !this.ack(row, s, S, R)) return
    const fin = (flags & FIN) !== 0
    if (p.payloadWireLength > 0) {
      if (syn && (flags & ACK) === 0) this.earlyData(row, s, S, sequence)
      else this.data(row, s, S, R, sequence)
    } else if (!fin && !syn && ((sequence - words[R + RECEIVED]) | 0) === -1) {
      if ((words[R + STATE] & SIDE_RECEIVED) !== 0) this.counts[C.keepAlives]++
    }
    if (fin) this.fin(row, s, S, R, (sequence + p.payloadWireLength) | 0)
    if (((words[S + STATE] | words[R + STATE]) & SIDE_FIN) !== 0) this.close(row, s, S, R)
  }

  /** True for a SYN or SYN+ACK that is to be used. */
  private syn(row: number, s: number, S: number, R: number, first: boolean): boolean {
    const words = this.words
    const p = this.packet
    const seq = p.tcpSeq
    const state = words[S + STATE]
    if ((p.tcpFlags & ACK) === 0) {
      if (first) return true
      if ((state & SIDE_SYN) !== 0 && words[S + ISN] === seq) {
        this.repeatedSyn(row, 1 - s, seq)
        return false
      }
      if ((words[(row << ROW_SHIFT) + FLAGS] & FLAG_NEW_SYN) !== 0 || words[S + PACKETS] !== 1) {
        this.counts[C.synIgnored]++
        return false
      }
      // Simultaneous open: both have sent a SYN, both now wait for its acknowledgement.
      parseTcpOptions(p, this.options)
      this.open(S, R, seq, p.tcpWindow, this.options.windowScale)
      this.setState(row, 1 - s, SYN_RCVD)
      return true
    }
    const acked = (p.tcpAck - words[R + ISN]) | 0
    const peerKnown = (words[R + STATE] & SIDE_SYN) !== 0
    if (peerKnown && (acked <= 0 || ((words[R + SENT] - p.tcpAck) | 0) < 0)) {
      this.counts[C.synIgnored]++
      return false
    }
    if ((state & SIDE_SYN) !== 0) {
      if (words[S + ISN] === seq) {
        // In a simultaneous open the SYN+ACK repeats the SYN, and the first one is no retransmission.
        if ((state & SIDE_ACK) !== 0) this.repeatedSyn(row, 1 - s, seq)
        return true
      }
      // Another SYN+ACK before the peer has acknowledged one: the peer takes whichever it likes, the last is as good.
      if ((words[R + STATE] & SIDE_ACK) !== 0) {
        this.counts[C.synIgnored]++
        return false
      }
    } else if ((words[R + STATE] & SIDE_RECEIVED) !== 0 && words[R + RECEIVED] !== ((seq + 1) | 0)) {
      this.counts[C.synIgnored]++
      return false
    }
    parseTcpOptions(p, this.options)
    this.open(S, R, seq, p.tcpWindow, this.options.windowScale)
    if (peerKnown && ((words[R + SENT] - words[R + ISN]) | 0) > 1) {
      if (acked > 1) {
        this.reassembler.wake(s)
      } else {
        // The data of the SYN was not taken: it will be sent again.
        this.reassembler.held.clear(S)
        words[R + SENT] = (words[R + ISN] + 1) | 0
      }
    }
    const peer = words[R + STATE] & STATE_MASK
    if (peer === SYN_SENT) this.setState(row, 1 - s, ESTABLISHED)
    return true
  }

  private repeatedSyn(row: number, side: number, seq: number): void {
    this.counts[C.retransmissions]++
    if (this.events.wants(row, 1 << (SLOT_REXMIT + side))) {
      this.events.retransmission(row, side, seq, 0, -1, true, false)
    }
  }

  /** Notes a SYN of the side `S`. */
  private open(S: number, R: number, seq: number, window: number, scale: number): void {
    const words = this.words
    const next = (seq + 1) | 0
    words[S + ISN] = seq
    if ((words[S + STATE] & SIDE_SENT) === 0 || ((next - words[S + SENT]) | 0) > 0) words[S + SENT] = next
    words[S + WINDOW] = window
    words[S + STATE] =
      (words[S + STATE] & ~(SIDE_SCALE_MASK | SIDE_SCALED)) |
      SIDE_SYN |
      SIDE_SENT |
      (scale >= 0 ? SIDE_SCALED | ((scale > MAX_SCALE ? MAX_SCALE : scale) << SIDE_SCALE_SHIFT) : 0)
    if ((words[R + STATE] & SIDE_RECEIVED) === 0 || (words[R + STATE] & SIDE_ACK) === 0) {
      words[R + RECEIVED] = next
      words[R + STATE] |= SIDE_RECEIVED
    }
  }

  /** The acknowledgement and window of the packet. False when it cannot belong to the connection. */
  private ack(row: number, s: number, S: number, R: number): boolean {
    const words = this.words
    const ack = this.packet.tcpAck
    const state = words[S + STATE]
    if ((state & SIDE_ACK) === 0) {
      if ((words[R + STATE] & SIDE_SENT) !== 0 && farApart(ack, words[R + SENT])) {
        this.counts[C.outOfWindow]++
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
        this.counts[C.outOfWindow]++
        return false
      }
      const progress = (ack - words[S + ACKED]) | 0
      if (progress < 0) return true
      words[S + ACKED] = ack
    }
    words[S + WINDOW] = this.window(S, R)
    if ((words[(row << ROW_SHIFT) + FLAGS] & FLAG_ESTABLISHED) === 0) this.handshake(row, s, S, R, ack)
    if ((words[S + STATE] & SIDE_PROBE) !== 0) this.probeAnswered(row, s, S, ack)
    if (words[S + HELD_COUNT] !== 0) this.reassembler.noteHole(row, s)
    return true
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

  /** What an acknowledgement by `s` means for the handshake; a SYN+ACK may have been lost by the capture. */
  private handshake(row: number, s: number, S: number, R: number, ack: number): void {
    const words = this.words
    const plain = (this.packet.tcpFlags & SYN) === 0
    const peer = words[R + STATE]
    const unseen = (peer & SIDE_SYN) === 0
    const acksSyn = unseen || (((ack - words[R + ISN]) | 0) > 0 && ((words[R + SENT] - ack) | 0) >= 0)
    if (plain && unseen && (words[S + STATE] & STATE_MASK) === SYN_SENT) this.setState(row, s, ESTABLISHED)
    const peerState = peer & STATE_MASK
    if (acksSyn && (peerState === SYN_RCVD || (peerState === SYN_SENT && plain))) {
      this.setState(row, 1 - s, ESTABLISHED)
    }
    if ((words[S + STATE] & STATE_MASK) < ESTABLISHED || (words[R + STATE] & STATE_MASK) < ESTABLISHED) return
    words[(row << ROW_SHIFT) + FLAGS] |= FLAG_ESTABLISHED
    if ((words[(row << ROW_SHIFT) + FLAGS] & FLAG_CLASS) === CLASS_EMBRYONIC)
      this.setClass(row, CLASS_ESTABLISHED)
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
    const end = (sequence + wireLength) | 0
    const next = words[R + RECEIVED]
    if (((end - next) | 0) <= 0) {
      this.oldData(row, s, R, sequence, (sequence - next) | 0, wireLength)
      return
    }
    if (!this.inWindow(R, sequence, end)) {
      this.counts[C.outOfWindow]++
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
    this.reassembler.accept(row, 1 - s, sequence, p.payloadLength, wireLength)
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
    if (this.reassembler.offset(R) + ahead < 0 || ahead < -HALF_WINDOW) this.counts[C.outOfWindow]++
    else this.reassembler.tellRepeated(row, 1 - s, R, sequence, length)
  }

  /**
   * Whether `[sequence, end)` may be meant for the receiver: not beyond its window by more than one further window (or
   * 64 KiB). The allowance is for window updates that the capture lost or shows late.
   */
  private inWindow(R: number, sequence: number, end: number): boolean {
    const words = this.words
    if (((sequence - words[R + RECEIVED]) | 0) < -HALF_WINDOW) return false
    if ((words[R + STATE] & SIDE_ACK) === 0) return ((end - words[R + RECEIVED]) | 0) < HALF_WINDOW
    const ahead = (end - words[R + ACKED]) | 0
    const window = words[R + WINDOW]
    return ahead > -HALF_WINDOW && ahead <= window + (window > 0xffff ? window : 0xffff)
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

  private fin(row: number, s: number, S: number, R: number, sequence: number): void {
    const words = this.words
    if ((words[R + STATE] & SIDE_RECEIVED) === 0) {
      words[R + RECEIVED] = sequence
      words[R + STATE] |= SIDE_RECEIVED
    }
    const state = words[S + STATE]
    if ((state & SIDE_FIN) !== 0) {
      if (words[S + FIN_SEQ] === sequence) {
        this.counts[C.retransmissions]++
        if (this.events.wants(row, 1 << (SLOT_REXMIT + 1 - s))) {
          const offset = this.reassembler.offset(R) + ((sequence - words[R + RECEIVED]) | 0)
          this.events.retransmission(row, 1 - s, sequence, 0, offset, false, true)
        }
        return
      }
      // Data has gone on beyond the earlier FIN, so that one was not for real.
      if (((words[R + RECEIVED] - words[S + FIN_SEQ]) | 0) <= 0) {
        this.counts[C.finIgnored]++
        return
      }
    }
    if (((sequence - words[R + RECEIVED]) | 0) < 0 || !this.inWindow(R, sequence, sequence)) {
      this.counts[C.finIgnored]++
      return
    }
    const end = (sequence + 1) | 0
    words[S + FIN_SEQ] = sequence
    if ((state & SIDE_SENT) === 0 || ((end - words[S + SENT]) | 0) > 0) words[S + SENT] = end
    words[S + STATE] |= SIDE_FIN | SIDE_SENT
    if ((words[(row << ROW_SHIFT) + FLAGS] & FLAG_CLASS) !== CLASS_CLOSING) this.setClass(row, CLASS_CLOSING)
  }

  /** State changes once a FIN has been sent: first those of the sender of this packet, then the receiver's. */
  private close(row: number, s: number, S: number, R: number): void {
    const words = this.words
    const r = 1 - s
    const peer = words[R + STATE]
    const finAcked =
      (peer & SIDE_FIN) !== 0 &&
      (words[S + STATE] & SIDE_ACK) !== 0 &&
      ((words[S + ACKED] - words[R + FIN_SEQ]) | 0) > 0
    if (finAcked) this.gotFin(row, s, S)
    if ((words[S + STATE] & SIDE_FIN) !== 0)
      this.setState(row, s, AFTER_FIN_SENT[words[S + STATE] & STATE_MASK])
    if (finAcked) this.setState(row, r, AFTER_FIN_ACKED[words[R + STATE] & STATE_MASK])
    if ((words[S + STATE] & SIDE_FIN) !== 0 && (words[R + STATE] & SIDE_GOT_FIN) === 0) {
      if (((this.reassembler.position(r, R) - words[S + FIN_SEQ]) | 0) >= 0) this.gotFin(row, r, R)
    }
    if (isOver(words[S + STATE] & STATE_MASK) && isOver(words[R + STATE] & STATE_MASK)) this.ended = END_FIN
  }

  private gotFin(row: number, side: number, X: number): void {
    const words = this.words
    if ((words[X + STATE] & SIDE_GOT_FIN) !== 0) return
    words[X + STATE] |= SIDE_GOT_FIN
    this.setState(row, side, AFTER_FIN_RECEIVED[words[X + STATE] & STATE_MASK])
  }

  /**
   * RST: obeyed at exactly the number the receiver expects next, as RFC 5961 section 3 has it; one in answer to a SYN,
   * when it acknowledges the SYN.
   */
  private rst(row: number, s: number, S: number, R: number): void {
    const words = this.words
    const p = this.packet
    const peer = words[R + STATE]
    const answersSyn = (peer & STATE_MASK) === SYN_SENT && (peer & SIDE_SYN) !== 0
    const obeyed = answersSyn
      ? (p.tcpFlags & ACK) !== 0 &&
        ((p.tcpAck - words[R + ISN]) | 0) > 0 &&
        ((words[R + SENT] - p.tcpAck) | 0) >= 0
      : this.expectedRst(p.tcpSeq, S, R)
    if (!obeyed) {
      this.counts[C.rstIgnored]++
      return
    }
    words[(row << ROW_SHIFT) + FLAGS] |= FLAG_RST | (s === 1 ? FLAG_RST_SIDE : 0)
    this.setState(row, s, CLOSED)
    this.setState(row, 1 - s, CLOSED)
    this.ended = END_RST
  }

  private expectedRst(sequence: number, S: number, R: number): boolean {
    const words = this.words
    const acked = (words[R + STATE] & SIDE_ACK) !== 0
    const sent = (words[S + STATE] & SIDE_SENT) !== 0
    if (!acked && !sent) return true
    return (
      (acked && sequence === words[R + ACKED]) ||
      (sent && sequence === words[S + SENT]) ||
      ((words[R + STATE] & SIDE_RECEIVED) !== 0 && sequence === words[R + RECEIVED])
    )
  }

  private setState(row: number, side: number, to: number): void {
    const at = (row << ROW_SHIFT) + SIDES + (side << SIDE_SHIFT) + STATE
    const from = this.words[at] & STATE_MASK
    if (from === to) return
    this.words[at] = (this.words[at] & ~STATE_MASK) | to
    if (this.events.wants(row, 1 << (SLOT_STATE + side))) this.events.stateChange(row, side, from, to)
  }
}

function farApart(a: number, b: number): boolean {
  const distance = (a - b) | 0
  return distance > HALF_WINDOW || distance < -HALF_WINDOW
}

/** The connection has nothing more to say: a new SYN may take its place. */
function isClosing(state: number): boolean {
  return state === CLOSING || state === LAST_ACK || state === TIME_WAIT
}

function isOver(state: number): boolean {
  return state === TIME_WAIT || state === CLOSED
}
