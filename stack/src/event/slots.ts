/** Slots of an invocation forest: an event at a hook, or concerning a side. Bits of the forests' masks. */
import { EVENT, type EventNumber, type Hook, PRE_TCP } from './builtin.js'

export const SLOT_PKT_PRE = 0
export const SLOT_PKT_POST = 1
export const SLOT_START = 2
/** Those with two slots: plus the side concerned. */
export const SLOT_STATE = 3
export const SLOT_REXMIT = 5
export const SLOT_DATA = 7
export const SLOT_GAP = 9
export const SLOT_END = 11
export const SLOT_TIMEOUT = 12
export const SLOT_HALF_CLOSE = 13
export const SLOT_OUT_OF_ORDER = 15
export const SLOT_ERROR = 17
export const SLOT_ANOMALY = 19
export const SLOT_DATAGRAM = 21
export const SLOT_CONFLICT = 23
/** At most 31: a mask of all slots is a small integer, and not OUT_OF_DATE. */
export const SLOT_COUNT = 25

/** Slots whose handlers need the stream that the client receives; shifted left by one for the server's. */
export const NEEDS_STREAM = (1 << SLOT_DATA) | (1 << SLOT_GAP) | (1 << SLOT_CONFLICT)

const pair = (slot: number): readonly number[] => [slot, slot + 1]
const SLOTS: Readonly<Record<EventNumber, readonly number[]>> = {
  [EVENT.PKT_IN]: [SLOT_PKT_POST],
  [EVENT.CONN_START]: [SLOT_START],
  [EVENT.TCP_STATE_CHANGE]: pair(SLOT_STATE),
  [EVENT.REXMIT]: pair(SLOT_REXMIT),
  [EVENT.NEW_DATA]: pair(SLOT_DATA),
  [EVENT.GAP]: pair(SLOT_GAP),
  [EVENT.CONN_END]: [SLOT_END],
  [EVENT.TIMEOUT]: [SLOT_TIMEOUT],
  [EVENT.HALF_CLOSE]: pair(SLOT_HALF_CLOSE),
  [EVENT.OUT_OF_ORDER]: pair(SLOT_OUT_OF_ORDER),
  [EVENT.ERROR]: pair(SLOT_ERROR),
  [EVENT.ANOMALY]: pair(SLOT_ANOMALY),
  [EVENT.DATAGRAM]: pair(SLOT_DATAGRAM),
  [EVENT.OVERLAP_CONFLICT]: pair(SLOT_CONFLICT),
}

export function slotsOf(event: EventNumber, hook: Hook | undefined): readonly number[] {
  return event === EVENT.PKT_IN && hook === PRE_TCP ? [SLOT_PKT_PRE] : SLOTS[event]
}

/** Side of each slot, or -1. */
const SIDES_OF_SLOTS = new Int8Array(SLOT_COUNT).fill(-1)
for (const slots of Object.values(SLOTS)) {
  if (slots.length === 2) SIDES_OF_SLOTS.set([0, 1], slots[0])
}

/** The side a slot concerns, or -1. */
export function sideOf(slot: number): number {
  return SIDES_OF_SLOTS[slot]
}

/** Whether the slot's event is about a reassembled stream. */
export function ofStream(slot: number): boolean {
  return (slot >= SLOT_DATA && slot < SLOT_END) || slot === SLOT_CONFLICT || slot === SLOT_CONFLICT + 1
}
