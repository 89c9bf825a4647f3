/**
 * Events that the engine itself raises, without a rule written by anyone: what Snort calls built-in rules.
 *
 * In: tables of events, one per inspector, by Snort's generator and event numbers. Out: rules that match nothing by
 * themselves; inspectors raise them by number (`UnitSink.event`), and from there they go the way of every alert: filters,
 * suppression, outputs. Used by the engine when built-in events are switched on.
 */

export { DECODE_EVENT, DECODE_EVENTS, DECODE_GID, STATUS_EVENT } from './decode.js'
export { FRAGMENT_EVENTS, FRAGMENT_GID } from './fragment.js'
export { HTTP_EVENT, HTTP_EVENTS, HTTP_GID } from './http.js'
export { builtinRules, type EventTable, isRaised } from './rules.js'
export {
  isAnomaly,
  SESSION_EVENT,
  SESSION_EVENTS,
  SESSION_GID,
  STREAM_EVENTS,
  STREAM_GID,
} from './stream.js'
