/**
 * The beginning of TCP connections: SYNs, what they mean for a connection that exists, and the way to ESTABLISHED.
 *
 * In: SYN and SYN+ACK packets, first packets of connections taken up midstream, and acknowledgements until both sides
 * are established. Out: the endpoints' initial numbers and states, CONN_START, repeated SYNs. Called by the stack (for a
 * packet that may open a connection) and by the tracker; names as in tracker.ts.
 */
import { C } from '../counters.js'
import { STREAM_ERROR } from '../event/anomaly.js'
import type { Dispatcher } from '../event/dispatcher.js'
import { SLOT_REXMIT, SLOT_START, SLOT_STATE } from '../event/slots.js'
import {
  CLIENT_ADDRESS,
  FLAG_CLASS,
  FLAG_ENDED,
  FLAG_ESTABLISHED,
  FLAG_MIDSTREAM,
  FLAG_NEW_SYN,
  FLAG_NEW_SYN_SIDE,
  FLAGS,
  HELD_COUNT,
  ISN,
  LINK,
  NEW_SYN_SEQ,
  NEW_SYN_WINDOW,
  PACKETS,
  RECEIVED,
  ROW_SHIFT,
  SENT,
  SERVER_ADDRESS,
  SIDE_ACK,
  SIDE_POLICY_MASK,
  SIDE_POLICY_SHIFT,
  SIDE_RECEIVED,
  SIDE_SCALE_MASK,
  SIDE_SCALE_SHIFT,
  SIDE_SCALED,
  SIDE_SENT,
  SIDE_SHIFT,
  SIDE_SYN,
  SIDE_WAITS,
  SIDES,
  STATE,
  STATE_MASK,
  WINDOW,
} from '../flow/layout.js'
import { type FlowTable, linkIpVersion } from '../flow/table.js'
import { CLASS_EMBRYONIC, CLASS_ESTABLISHED } from '../flow/timeouts.js'
import type { FlowTimers } from '../flow/timers.js'
import { type Packet, parseTcpOptions, TCP_FLAG, TcpOptions } from '../wire/index.js'
import { setState } from './endpoint.js'
import type { HostPolicies } from './options.js'
import { TRAITS } from './policy.js'
import type { Reassembler } from './reassembly.js'
import { TCP_STATE } from './state.js'
import type { SegmentWatch } from './watch.js'

const { SYN, ACK } = TCP_FLAG
const { CLOSED, LISTEN, SYN_SENT, SYN_RCVD, ESTABLISHED, CLOSING, LAST_ACK, TIME_WAIT } = TCP_STATE

/** RFC 7323 section 2.3. */
const MAX_SCALE = 14
/** Events at the start of a connection. */
const STARTS = (1 << SLOT_START) | (3 << SLOT_STATE)

/** What a SYN on a known connection means. */
export const SYN_NOT_NEW = 0
/** It opens a new connection: the old one is over. */
export const SYN_NEW = 1
/** The peer answers an earlier SYN that opens a new connection. */
export const SYN_ANSWERED = 2

export class Handshake {
  private readonly words: Int32Array
  private readonly events: Dispatcher
  private readonly reassembler: Reassembler
  private readonly counts: Float64Array
  private readonly packet: Packet
  private readonly timers: FlowTimers
  private readonly hosts: HostPolicies
  private readonly watch: SegmentWatch
  private readonly options = new TcpOptions()

  constructor(
    table: FlowTable,
    events: Dispatcher,
    reassembler: Reassembler,
    counts: Float64Array,
    packet: Packet,
    timers: FlowTimers,
    hosts: HostPolicies,
    watch: SegmentWatch,
  ) {
    this.watch = watch
    this.words = table.words
    this.events = events
    this.reassembler = reassembler
    this.counts = counts
    this.packet = packet
    this.timers = timers
    this.hosts = hosts
  }

  /** Gives the sides of a new row the policies of their hosts. */
  bind(row: number): void {
    const words = this.words
    const at = row << ROW_SHIFT
    const version = linkIpVersion(words[at + LINK])
    const client = this.hosts.find(version, words, at + CLIENT_ADDRESS)
    const server = this.hosts.find(version, words, at + SERVER_ADDRESS)
    words[at + SIDES + STATE] |= client << SIDE_POLICY_SHIFT
    words[at + SIDES + (1 << SIDE_SHIFT) + STATE] |= server << SIDE_POLICY_SHIFT
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
    if (words[R + PACKETS] === 0) {
      if (this.precedes(row, S, R)) words[S + PACKETS]++
      return SYN_NEW
    }
    parseTcpOptions(p, this.options)
    words[at + FLAGS] = (flags & ~FLAG_NEW_SYN_SIDE) | FLAG_NEW_SYN | (s === 1 ? FLAG_NEW_SYN_SIDE : 0)
    words[at + NEW_SYN_SEQ] = p.tcpSeq
    words[at + NEW_SYN_WINDOW] = p.tcpWindow | ((this.options.windowScale + 1) << 16)
    return SYN_NOT_NEW
  }

  /**
   * Whether the SYN in the current packet is the one before the first byte that its sender was seen to send: the capture
   * shows it late. Its connection then begins anew all the same (who knows whether the peer has taken bytes sent before
   * the SYN), but what has come is known to be of a connection under way: the SYN counts as one of its packets.
   */
  private precedes(row: number, S: number, R: number): boolean {
    const words = this.words
    if ((words[(row << ROW_SHIFT) + FLAGS] & FLAG_MIDSTREAM) === 0 || (words[S + STATE] & SIDE_SYN) !== 0)
      return false
    return ((words[R + RECEIVED] - this.reassembler.offset(R)) | 0) === ((this.packet.tcpSeq + 1) | 0)
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
    this.watch.begin(row)
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
      this.watch.syn(row, 0, client, server)
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
        this.timers.setClass(row, CLASS_ESTABLISHED)
      }
    }
    words[client + STATE] |= clientState
    words[server + STATE] |= serverState
    const established = (words[at + FLAGS] & FLAG_ESTABLISHED) !== 0
    if (!established || this.untilAcked(client)) words[client + STATE] |= SIDE_WAITS
    if (!established || this.untilAcked(server)) words[server + STATE] |= SIDE_WAITS
    if (this.events.wants(row, STARTS)) this.tellStart(row, clientState, serverState)
  }

  private untilAcked(side: number): boolean {
    return TRAITS[(this.words[side + STATE] & SIDE_POLICY_MASK) >> SIDE_POLICY_SHIFT].untilAcked
  }

  private tellStart(row: number, clientState: number, serverState: number): void {
    const { events } = this
    if (events.wants(row, 1 << SLOT_START)) events.packetEvent(row, SLOT_START)
    if (events.wants(row, 1 << SLOT_STATE)) events.stateChange(row, 0, CLOSED, clientState)
    if (events.wants(row, 2 << SLOT_STATE)) events.stateChange(row, 1, LISTEN, serverState)
  }

  /** True for a SYN or SYN+ACK that is to be used. */
  syn(row: number, s: number, S: number, R: number, first: boolean): boolean {
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
      const known = (words[(row << ROW_SHIFT) + FLAGS] & FLAG_NEW_SYN) !== 0 || words[S + PACKETS] !== 1
      if (known || this.contradictsStream(R, seq)) {
        this.ignored(row, 1 - s)
        return false
      }
      // Simultaneous open: both have sent a SYN, both now wait for its acknowledgement.
      parseTcpOptions(p, this.options)
      this.open(S, R, seq, p.tcpWindow, this.options.windowScale)
      this.watch.syn(row, s, S, R)
      setState(this.words, this.events, row, 1 - s, SYN_RCVD)
      return true
    }
    const acked = (p.tcpAck - words[R + ISN]) | 0
    const peerKnown = (words[R + STATE] & SIDE_SYN) !== 0
    if (peerKnown && (acked <= 0 || ((words[R + SENT] - p.tcpAck) | 0) < 0)) {
      this.ignored(row, 1 - s)
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
        this.ignored(row, 1 - s)
        return false
      }
    } else if (this.contradictsStream(R, seq)) {
      this.ignored(row, 1 - s)
      return false
    }
    parseTcpOptions(p, this.options)
    this.open(S, R, seq, p.tcpWindow, this.options.windowScale)
    this.watch.syn(row, s, S, R)
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
    if (peer === SYN_SENT) setState(this.words, this.events, row, 1 - s, ESTABLISHED)
    return true
  }

  /** Whether the receiver `R` waits for another byte than the one after a SYN numbered `seq`. */
  private contradictsStream(R: number, seq: number): boolean {
    return (this.words[R + STATE] & SIDE_RECEIVED) !== 0 && this.words[R + RECEIVED] !== ((seq + 1) | 0)
  }

  private ignored(row: number, side: number): void {
    this.counts[C.synIgnored]++
    this.events.error(row, side, STREAM_ERROR.SYN_IGNORED)
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
    // Data that the capture shows before its SYN counts; what belonged to another SYN does not.
    const known = words[S + STATE] & (SIDE_SENT | SIDE_SYN)
    if (known !== SIDE_SENT || ((next - words[S + SENT]) | 0) > 0) words[S + SENT] = next
    words[S + WINDOW] = window
    words[S + STATE] =
      (words[S + STATE] & ~(SIDE_SCALE_MASK | SIDE_SCALED)) |
      SIDE_SYN |
      SIDE_SENT |
      (scale >= 0 ? SIDE_SCALED | ((scale > MAX_SCALE ? MAX_SCALE : scale) << SIDE_SCALE_SHIFT) : 0)
    if ((words[R + STATE] & SIDE_RECEIVED) === 0 || (words[R + STATE] & SIDE_ACK) === 0) {
      words[R + RECEIVED] = next
      words[R + STATE] |= SIDE_RECEIVED
      // Data of an earlier SYN with other numbers.
      if (words[R + HELD_COUNT] !== 0) this.reassembler.held.clear(R)
    }
  }

  /** What an acknowledgement by `s` means for the handshake; a SYN+ACK may have been lost by the capture. */
  acknowledged(row: number, s: number, S: number, R: number, ack: number): void {
    const words = this.words
    const plain = (this.packet.tcpFlags & SYN) === 0
    const peer = words[R + STATE]
    const unseen = (peer & SIDE_SYN) === 0
    const acksSyn = unseen || (((ack - words[R + ISN]) | 0) > 0 && ((words[R + SENT] - ack) | 0) >= 0)
    if (plain && unseen && (words[S + STATE] & STATE_MASK) === SYN_SENT)
      setState(this.words, this.events, row, s, ESTABLISHED)
    // Where the capture shows the server alone, its data says that the client has answered.
    if (plain && (words[S + STATE] & STATE_MASK) === SYN_RCVD && words[R + PACKETS] === 0)
      setState(this.words, this.events, row, s, ESTABLISHED)
    const peerState = peer & STATE_MASK
    if (acksSyn && (peerState === SYN_RCVD || (peerState === SYN_SENT && plain))) {
      setState(this.words, this.events, row, 1 - s, ESTABLISHED)
    }
    if ((words[S + STATE] & STATE_MASK) < ESTABLISHED || (words[R + STATE] & STATE_MASK) < ESTABLISHED) return
    words[(row << ROW_SHIFT) + FLAGS] |= FLAG_ESTABLISHED
    this.reassembler.established(row)
    if ((words[(row << ROW_SHIFT) + FLAGS] & FLAG_CLASS) === CLASS_EMBRYONIC)
      this.timers.setClass(row, CLASS_ESTABLISHED)
  }
}

/** The connection has nothing more to say: a new SYN may take its place. */
function isClosing(state: number): boolean {
  return state === CLOSING || state === LAST_ACK || state === TIME_WAIT
}
