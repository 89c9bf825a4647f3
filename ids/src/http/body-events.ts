/** What is wrong with the framing and the coding of a body, by Snort's event numbers. */
import { HTTP_EVENT, type HttpEventId } from '../builtin/http.js'
import type { EventList } from '../inspect/event-list.js'
import { BODY_FLAW } from './body.js'
import { CHUNK_FLAW } from './chunks.js'

type Row = readonly [flaw: number, event: HttpEventId]

const CHUNKS: readonly Row[] = [
  [CHUNK_FLAW.OPTIONS, HTTP_EVENT.CHUNK_OPTIONS],
  [CHUNK_FLAW.WHITE_SPACE, HTTP_EVENT.CHUNK_WHITE_SPACE],
  [CHUNK_FLAW.ZEROS, HTTP_EVENT.CHUNK_ZEROS],
  [CHUNK_FLAW.BARE_LF, HTTP_EVENT.CHUNK_BARE_LF],
  [CHUNK_FLAW.BAD_END, HTTP_EVENT.CHUNK_BAD_END],
  [CHUNK_FLAW.BROKEN, HTTP_EVENT.BROKEN_CHUNK],
]

const BODY: readonly Row[] = [
  [BODY_FLAW.FAILED, HTTP_EVENT.BAD_COMPRESSION],
  [BODY_FLAW.EXCESSIVE, HTTP_EVENT.EXCESSIVE_COMPRESSION],
  [BODY_FLAW.EXTRA, HTTP_EVENT.GZIP_EXTRA],
  [BODY_FLAW.RESERVED, HTTP_EVENT.GZIP_RESERVED],
]

/** @param deflate the coding is deflate, whose failure is an event of its own */
export function addBodyEvents(
  chunkFlaws: number,
  bodyFlaws: number,
  deflate: boolean,
  events: EventList,
): void {
  for (const [flaw, event] of CHUNKS) if ((chunkFlaws & flaw) !== 0) events.add(event)
  for (const [flaw, event] of BODY) {
    const other = deflate && event === HTTP_EVENT.BAD_COMPRESSION
    if ((bodyFlaws & flaw) !== 0) events.add(other ? HTTP_EVENT.BAD_DEFLATE : event)
  }
  // What follows broken data is not a second piece of it.
  const trailing = (bodyFlaws & BODY_FLAW.TRAILING) !== 0 && (bodyFlaws & BODY_FLAW.FAILED) === 0
  if (trailing) events.add(HTTP_EVENT.GZIP_EARLY_END)
}
