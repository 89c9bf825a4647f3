/**
 * Anomalies of connections that show in one segment and the state of the connection before it.
 *
 * In: a segment, before it changes the connection. Out: ON_ANOMALY, for every line of the table that applies. Only called
 * for flows with a handler for it, by the watch; names as in tracker.ts. Conditions are those of Snort 3's stream_tcp.
 */
import { ANOMALY, type AnomalyCode } from '../event/anomaly.js'
import type { Dispatcher } from '../event/dispatcher.js'
import {
  ACKED,
  FIN_SEQ,
  FLAG_ESTABLISHED,
  FLAG_MIDSTREAM,
  FLAG_NEW_SYN,
  FLAGS,
  ISN,
  PACKETS,
  RECEIVED,
  ROW_SHIFT,
  SIDE_ACK,
  SIDE_FIN,
  SIDE_RECEIVED,
  SIDE_SCALE_MASK,
  SIDE_SCALE_SHIFT,
  SIDE_SCALED,
  SIDE_SYN,
  STATE,
  WINDOW,
} from '../flow/layout.js'
import { type Packet, TCP_FLAG } from '../wire/index.js'

const { FIN, SYN, RST, PSH, ACK, URG } = TCP_FLAG
const ANY_FLAG = FIN | SYN | RST | PSH | ACK | URG
/** A window of at most this many bytes in the client's first acknowledgement is closed on purpose. */
const SLAMMED_WINDOW = 4

/** A segment and what is known of its connection. */
export interface Segment {
  readonly words: Int32Array
  readonly p: Packet
  /** Words of its sender and of its receiver. */
  S: number
  R: number
  /** Side that sent it. */
  s: number
  first: boolean
  flags: number
  /** Payload bytes, and the sequence number after them. */
  length: number
  end: number
  /** State words of the sender, the receiver and the flow. */
  own: number
  peer: number
  flow: number
  window: number
  readonly maxWindow: number
}

/** Each anomaly with its condition, in the order they are told. A reset is looked at by its own lines alone. */
const ON_RESET: readonly (readonly [AnomalyCode, (v: Segment) => boolean])[] = [
  [ANOMALY.BAD_RST, (v) => outside(v.words, v.R, v.p.tcpSeq)],
  [ANOMALY.DATA_AFTER_RST_RECEIVED, (v) => v.length > 0],
]
const ON_SEGMENT: readonly (readonly [AnomalyCode, (v: Segment) => boolean])[] = [
  [ANOMALY.SYN_ON_ESTABLISHED, (v) => isOtherSyn(v) && (v.flow & FLAG_ESTABLISHED) !== 0],
  [
    ANOMALY.FOUR_WAY_HANDSHAKE,
    (v) =>
      isOtherSyn(v) && (v.flow & (FLAG_ESTABLISHED | FLAG_NEW_SYN)) === 0 && v.words[v.S + PACKETS] === 1,
  ],
  [ANOMALY.DATA_ON_SYN, (v) => v.length > 0 && (v.flags & SYN) !== 0],
  [ANOMALY.DATA_WITHOUT_FLAGS, (v) => v.length > 0 && (v.flags & ANY_FLAG) === 0],
  [ANOMALY.NO_HANDSHAKE, (v) => v.length > 0 && v.first && (v.flow & FLAG_MIDSTREAM) !== 0],
  [ANOMALY.DATA_ON_CLOSED, (v) => v.length > 0 && goesBeyondFin(v)],
  [ANOMALY.BAD_FIN, (v) => (v.flags & FIN) !== 0 && goesBeyondFin(v)],
  [
    ANOMALY.BAD_ACK,
    (v) =>
      (v.flags & ACK) !== 0 && (v.peer & SIDE_FIN) !== 0 && ((v.p.tcpAck - v.words[v.R + FIN_SEQ]) | 0) > 1,
  ],
  [ANOMALY.WINDOW_TOO_LARGE, (v) => v.maxWindow > 0 && v.window > v.maxWindow],
  [
    ANOMALY.WINDOW_SLAM,
    (v) =>
      v.s === 0 &&
      (v.flags & (ACK | SYN | FIN)) === ACK &&
      (v.flow & FLAG_MIDSTREAM) === 0 &&
      (v.peer & SIDE_SYN) !== 0 &&
      v.p.tcpAck === ((v.words[v.R + ISN] + 1) | 0) &&
      v.window <= SLAMMED_WINDOW,
  ],
]

/**
 * What `tellAnomalies` looks at, to be made once.
 * @param maxWindow larger windows are an anomaly; 0 for no limit
 */
export const segmentOf = (words: Int32Array, p: Packet, maxWindow: number): Segment => ({
  words,
  p,
  S: 0,
  R: 0,
  s: 0,
  first: false,
  flags: 0,
  length: 0,
  end: 0,
  own: 0,
  peer: 0,
  flow: 0,
  window: 0,
  maxWindow,
})

/** `first`: the current packet is the first of its connection. */
export function tellAnomalies(
  segment: Segment,
  events: Dispatcher,
  row: number,
  s: number,
  S: number,
  R: number,
  first: boolean,
): void {
  const { words, p } = segment
  segment.s = s
  segment.S = S
  segment.R = R
  segment.first = first
  segment.flags = p.tcpFlags
  segment.length = p.payloadWireLength
  segment.end = (p.tcpSeq + ((p.tcpFlags & SYN) !== 0 ? 1 : 0) + p.payloadWireLength) | 0
  segment.own = words[S + STATE]
  segment.peer = words[R + STATE]
  segment.flow = words[(row << ROW_SHIFT) + FLAGS]
  segment.window = windowOf(words, p, S, R)
  const table = (p.tcpFlags & RST) !== 0 ? ON_RESET : ON_SEGMENT
  for (let i = 0; i < table.length; i++) {
    if (table[i][1](segment)) events.anomaly(row, s, table[i][0])
  }
}

/** A SYN alone that is not the one which opened the connection. */
function isOtherSyn(v: Segment): boolean {
  if ((v.flags & (SYN | ACK)) !== SYN || v.first) return false
  return (v.own & SIDE_SYN) === 0 || v.words[v.S + ISN] !== v.p.tcpSeq
}

function goesBeyondFin(v: Segment): boolean {
  return (v.own & SIDE_FIN) !== 0 && ((v.end - v.words[v.S + FIN_SEQ]) | 0) > 0
}

/** The segment's window in bytes; without the SYNs the scale is not known, and taken for 0. */
function windowOf(words: Int32Array, p: Packet, S: number, R: number): number {
  const both = words[S + STATE] & words[R + STATE]
  if ((p.tcpFlags & SYN) !== 0 || (both & SIDE_SCALED) === 0) return p.tcpWindow
  return p.tcpWindow << ((words[S + STATE] & SIDE_SCALE_MASK) >> SIDE_SCALE_SHIFT)
}

/** Whether `sequence` is outside of the window of the side `R`, as far as that is known. */
function outside(words: Int32Array, R: number, sequence: number): boolean {
  const state = words[R + STATE]
  if ((state & SIDE_RECEIVED) !== 0 && ((sequence - words[R + RECEIVED]) | 0) >= 0) {
    return (state & SIDE_ACK) !== 0 && ((sequence - words[R + ACKED]) | 0) > words[R + WINDOW]
  }
  return (state & (SIDE_RECEIVED | SIDE_ACK)) !== 0 && ((sequence - words[R + ACKED]) | 0) < 0
}
