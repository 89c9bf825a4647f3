/** The connection states of RFC 9293 (section 3.3.2), as numbers that fit the low bits of a side's state word. */

export const TCP_STATE = {
  CLOSED: 0,
  LISTEN: 1,
  SYN_SENT: 2,
  SYN_RCVD: 3,
  ESTABLISHED: 4,
  FIN_WAIT_1: 5,
  FIN_WAIT_2: 6,
  CLOSE_WAIT: 7,
  CLOSING: 8,
  LAST_ACK: 9,
  TIME_WAIT: 10,
} as const
export type TcpState = (typeof TCP_STATE)[keyof typeof TCP_STATE]

/** RFC 9293's name of each state, indexed by `TcpState`. */
export const TCP_STATE_NAME: readonly string[] = Object.freeze([
  'CLOSED',
  'LISTEN',
  'SYN-SENT',
  'SYN-RECEIVED',
  'ESTABLISHED',
  'FIN-WAIT-1',
  'FIN-WAIT-2',
  'CLOSE-WAIT',
  'CLOSING',
  'LAST-ACK',
  'TIME-WAIT',
])

/** State of a side after it sends a FIN. */
export function afterFinSent(state: number): number {
  switch (state) {
    case TCP_STATE.SYN_SENT:
    case TCP_STATE.SYN_RCVD:
    case TCP_STATE.ESTABLISHED:
      return TCP_STATE.FIN_WAIT_1
    case TCP_STATE.CLOSE_WAIT:
      return TCP_STATE.LAST_ACK
    default:
      return state
  }
}

/** State of a side after the peer's FIN has reached it in order. */
export function afterFinReceived(state: number): number {
  switch (state) {
    case TCP_STATE.LISTEN:
    case TCP_STATE.SYN_SENT:
    case TCP_STATE.SYN_RCVD:
    case TCP_STATE.ESTABLISHED:
      return TCP_STATE.CLOSE_WAIT
    case TCP_STATE.FIN_WAIT_1:
      return TCP_STATE.CLOSING
    case TCP_STATE.FIN_WAIT_2:
      return TCP_STATE.TIME_WAIT
    default:
      return state
  }
}

/** State of a side after its own FIN has been acknowledged. */
export function afterFinAcked(state: number): number {
  switch (state) {
    case TCP_STATE.FIN_WAIT_1:
      return TCP_STATE.FIN_WAIT_2
    case TCP_STATE.CLOSING:
      return TCP_STATE.TIME_WAIT
    case TCP_STATE.LAST_ACK:
      return TCP_STATE.CLOSED
    default:
      return state
  }
}
