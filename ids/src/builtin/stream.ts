/** Events of TCP connections: what the stack tells as ON_ANOMALY, by Snort 3's numbers. */
import { ANOMALY_GID, ANOMALY_TEXT } from '@weir/stack'
import type { EventTable } from './rules.js'

export const STREAM_GID = ANOMALY_GID

export const STREAM_EVENTS: EventTable = {
  gid: STREAM_GID,
  inspector: 'stream_tcp',
  texts: Object.fromEntries(ANOMALY_TEXT.flatMap((text, sid) => (text === '' ? [] : [[sid, text]]))),
}
