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
export { HTTP2_EVENT, HTTP2_EVENTS, HTTP2_GID } from './http2.js'
export { builtinRules, type EventTable, isRaised } from './rules.js'
export {
  FTP_EVENT,
  FTP_GID,
  IEC104_EVENT,
  IEC104_GID,
  IMAP_GID,
  MAIL_EVENT,
  POP_GID,
  RPC_EVENT,
  RPC_GID,
  SMB_EVENT,
  SMB_GID,
  SMTP_EVENT,
  SMTP_GID,
  SSH_EVENT,
  SSH_GID,
  SSL_EVENT,
  SSL_GID,
} from './services.js'
export {
  isAnomaly,
  SESSION_EVENT,
  SESSION_EVENTS,
  SESSION_GID,
  STREAM_EVENTS,
  STREAM_GID,
} from './stream.js'
