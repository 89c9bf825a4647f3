/**
 * How near sequence numbers have to be to each other to belong to one connection.
 *
 * In: sequence numbers, and the words of the receiver (`R`, as in tracker.ts). Out: yes or no; nothing is changed. Called
 * by the tracker, for data and acknowledgements, and by what ends connections, for FINs.
 */
import { ACKED, RECEIVED, SIDE_ACK, STATE, WINDOW } from '../flow/layout.js'

/** Sequence numbers further apart than this have nothing to do with each other. */
export const HALF_WINDOW = 0x4000_0000

/** Whether two sequence numbers have nothing to do with each other. */
export function farApart(a: number, b: number): boolean {
  const distance = (a - b) | 0
  return distance > HALF_WINDOW || distance < -HALF_WINDOW
}

/**
 * Whether `[sequence, end)` may be meant for the receiver: not beyond its window by more than one further window (or
 * 64 KiB). The allowance is for window updates that the capture lost or shows late.
 */
export function inWindow(words: Int32Array, R: number, sequence: number, end: number): boolean {
  if (((sequence - words[R + RECEIVED]) | 0) < -HALF_WINDOW) return false
  if ((words[R + STATE] & SIDE_ACK) === 0) return ((end - words[R + RECEIVED]) | 0) < HALF_WINDOW
  const ahead = (end - words[R + ACKED]) | 0
  const window = words[R + WINDOW]
  return ahead > -HALF_WINDOW && ahead <= window + (window > 0xffff ? window : 0xffff)
}
