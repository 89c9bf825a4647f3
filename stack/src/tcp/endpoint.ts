/** What both parts of TCP tracking do to one side of a connection. */
import type { Dispatcher } from '../event/dispatcher.js'
import { SLOT_STATE } from '../event/slots.js'
import { ROW_SHIFT, SIDE_SHIFT, SIDES, STATE, STATE_MASK } from '../flow/layout.js'

/** Changes the state of one side of the flow in `row`, and tells of it. */
export function setState(words: Int32Array, events: Dispatcher, row: number, side: number, to: number): void {
  const at = (row << ROW_SHIFT) + SIDES + (side << SIDE_SHIFT) + STATE
  const from = words[at] & STATE_MASK
  if (from === to) return
  words[at] = (words[at] & ~STATE_MASK) | to
  if (events.wants(row, 1 << (SLOT_STATE + side))) events.stateChange(row, side, from, to)
}
