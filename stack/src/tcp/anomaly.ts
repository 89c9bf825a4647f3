/**
 * Anomalies of connections that show in one segment and the state of the connection before it.
 *
 * In: a segment that is not simply the next one, before it changes the connection. Out: ON_ANOMALY. Only called for flows
 * with a handler for it, by the tracker; names as in tracker.ts.
 */
import { ANOMALY } from '../event/anomaly.js'
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
  SIDE_SYN,
  STATE,
  WINDOW,
} from '../flow/layout.js'
import { type Packet, TCP_FLAG } from '../wire/index.js'

const { FIN, SYN, RST, PSH, ACK, URG } = TCP_FLAG
const ANY_FLAG = FIN | SYN | RST | PSH | ACK | URG

/** `first`: the segment is the first of its connection. */
export function tellAnomalies(
  words: Int32Array,
  events: Dispatcher,
  p: Packet,
  row: number,
  s: number,
  S: number,
  R: number,
  first: boolean,
): void {
  const flags = p.tcpFlags
  const length = p.payloadWireLength
  const flowFlags = words[(row << ROW_SHIFT) + FLAGS]
  const syn = (flags & SYN) !== 0
  const end = (p.tcpSeq + (syn ? 1 : 0) + length) | 0
  const own = words[S + STATE]
  if ((flags & RST) !== 0) {
    if (outside(words, R, p.tcpSeq)) events.anomaly(row, s, ANOMALY.BAD_RST)
    return
  }
  if (syn && !first && (flags & ACK) === 0 && ((own & SIDE_SYN) === 0 || words[S + ISN] !== p.tcpSeq)) {
    if ((flowFlags & FLAG_ESTABLISHED) !== 0) events.anomaly(row, s, ANOMALY.SYN_ON_ESTABLISHED)
    else if ((flowFlags & FLAG_NEW_SYN) === 0 && words[S + PACKETS] === 1) {
      events.anomaly(row, s, ANOMALY.FOUR_WAY_HANDSHAKE)
    }
  }
  if (length > 0) {
    if (syn) events.anomaly(row, s, ANOMALY.DATA_ON_SYN)
    if ((flags & ANY_FLAG) === 0) events.anomaly(row, s, ANOMALY.DATA_WITHOUT_FLAGS)
    if (first && (flowFlags & FLAG_MIDSTREAM) !== 0) events.anomaly(row, s, ANOMALY.NO_HANDSHAKE)
  }
  if ((own & SIDE_FIN) !== 0 && ((end - words[S + FIN_SEQ]) | 0) > 0) {
    if (length > 0) events.anomaly(row, s, ANOMALY.DATA_ON_CLOSED)
    if ((flags & FIN) !== 0) events.anomaly(row, s, ANOMALY.BAD_FIN)
  }
  if ((flags & ACK) !== 0 && (words[R + STATE] & SIDE_FIN) !== 0) {
    if (((p.tcpAck - words[R + FIN_SEQ]) | 0) > 1) events.anomaly(row, s, ANOMALY.BAD_ACK)
  }
}

/** Whether `sequence` is outside of the window of the side `R`, as far as that is known. */
function outside(words: Int32Array, R: number, sequence: number): boolean {
  const state = words[R + STATE]
  if ((state & SIDE_RECEIVED) !== 0 && ((sequence - words[R + RECEIVED]) | 0) >= 0) {
    return (state & SIDE_ACK) !== 0 && ((sequence - words[R + ACKED]) | 0) > words[R + WINDOW]
  }
  return (state & (SIDE_RECEIVED | SIDE_ACK)) !== 0 && ((sequence - words[R + ACKED]) | 0) < 0
}
