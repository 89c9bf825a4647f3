/**
 * What several parts of TCP tracking do to one side of a connection.
 *
 * In: the row words, and which side. Out: its words changed and the event raised, or its host's policy. Called by the
 * handshake, the tracker and what takes and delivers data.
 */
import type { Dispatcher } from '../event/dispatcher.js'
import { SLOT_STATE } from '../event/slots.js'
import {
  ROW_SHIFT,
  SIDE_POLICY_MASK,
  SIDE_POLICY_SHIFT,
  SIDE_SHIFT,
  SIDES,
  STATE,
  STATE_MASK,
} from '../flow/layout.js'

/** Changes the state of one side of the flow in `row`, and tells of it. */
export function setState(words: Int32Array, events: Dispatcher, row: number, side: number, to: number): void {
  const at = (row << ROW_SHIFT) + SIDES + (side << SIDE_SHIFT) + STATE
  const from = words[at] & STATE_MASK
  if (from === to) return
  words[at] = (words[at] & ~STATE_MASK) | to
  if (events.wants(row, 1 << (SLOT_STATE + side))) events.stateChange(row, side, from, to)
}

/** Policy (a number of `TCP_POLICY`) of the host that receives; `receiver` are the words of its side. */
export function policyOf(words: Int32Array, receiver: number): number {
  return (words[receiver + STATE] & SIDE_POLICY_MASK) >> SIDE_POLICY_SHIFT
}
