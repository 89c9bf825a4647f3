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

/** Next states by state, for an event that only some states take notice of. */
function transitions(...changes: readonly (readonly [from: TcpState, to: TcpState])[]): Uint8Array {
  const table = Uint8Array.from({ length: TCP_STATE_NAME.length }, (_, state) => state)
  for (const [from, to] of changes) table[from] = to
  return table
}

/** State of a side after it sends a FIN. */
export const AFTER_FIN_SENT = transitions(
  [TCP_STATE.SYN_SENT, TCP_STATE.FIN_WAIT_1],
  [TCP_STATE.SYN_RCVD, TCP_STATE.FIN_WAIT_1],
  [TCP_STATE.ESTABLISHED, TCP_STATE.FIN_WAIT_1],
  [TCP_STATE.CLOSE_WAIT, TCP_STATE.LAST_ACK],
)

/** State of a side after the peer's FIN has reached it in order. */
export const AFTER_FIN_RECEIVED = transitions(
  [TCP_STATE.LISTEN, TCP_STATE.CLOSE_WAIT],
  [TCP_STATE.SYN_SENT, TCP_STATE.CLOSE_WAIT],
  [TCP_STATE.SYN_RCVD, TCP_STATE.CLOSE_WAIT],
  [TCP_STATE.ESTABLISHED, TCP_STATE.CLOSE_WAIT],
  [TCP_STATE.FIN_WAIT_1, TCP_STATE.CLOSING],
  [TCP_STATE.FIN_WAIT_2, TCP_STATE.TIME_WAIT],
)

/** State of a side after its own FIN has been acknowledged. */
export const AFTER_FIN_ACKED = transitions(
  [TCP_STATE.FIN_WAIT_1, TCP_STATE.FIN_WAIT_2],
  [TCP_STATE.CLOSING, TCP_STATE.TIME_WAIT],
  [TCP_STATE.LAST_ACK, TCP_STATE.CLOSED],
)
