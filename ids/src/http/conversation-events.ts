/** What the conversation finds between messages, handed out when events are wanted. */
import { HTTP_EVENT, HTTP_GID, type HttpEventId } from '../builtin/http.js'
import type { InspectionContext } from '../inspect/context.js'
import { type Direction, SERVICE, TO_CLIENT, TO_SERVER } from '../inspect/unit.js'
import type { HttpHead } from './head.js'
import { beginsLikeStatus } from './probe.js'
import type { Side } from './side.js'

const NONE = new Uint8Array(0)
const LF = 10
const CR = 13
/** Bytes of white space before a message that Snort takes. */
const MOST_BLANKS = 20

function raise<Flow>(
  context: InspectionContext<Flow>,
  flow: Flow,
  direction: Direction,
  event: HttpEventId,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  if (!context.needs.events) return
  context.events.add(event)
  context.raise(flow, direction, SERVICE.HTTP, HTTP_GID, context.events, bytes, start, end)
}

/** `bytes[start, end)` begin no message, where one should. Counted, whether events are wanted or not. */
export function raiseLostSync<Flow>(
  context: InspectionContext<Flow>,
  flow: Flow,
  direction: Direction,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  context.counters.desynchronised++
  if (context.needs.events && direction === TO_CLIENT && beginsLikeStatus(bytes, start, end)) {
    let i = start
    while (i < end && bytes[i] !== CR && bytes[i] !== LF) i++
    if (i + 1 < end && bytes[i] === CR && bytes[i + 1] !== LF)
      raise(context, flow, direction, HTTP_EVENT.CR_WITHOUT_LF, bytes, start, i)
  }
  const line = direction === TO_SERVER ? HTTP_EVENT.BAD_REQUEST_LINE : HTTP_EVENT.BAD_STATUS_LINE
  raise(context, flow, direction, line, NONE, 0, 0)
  raise(context, flow, direction, HTTP_EVENT.LOSS_OF_SYNC, NONE, 0, 0)
}

/** The server answers in HTTP what was none. @param partial what was said may have been the beginning of a request */
export function raiseNoRequest<Flow>(context: InspectionContext<Flow>, flow: Flow, partial: boolean): void {
  const line = partial ? HTTP_EVENT.PARTIAL_START_LINE : HTTP_EVENT.BAD_REQUEST_LINE
  raise(context, flow, TO_SERVER, line, NONE, 0, 0)
  raise(context, flow, TO_SERVER, HTTP_EVENT.LOSS_OF_SYNC, NONE, 0, 0)
}

/** Bytes skipped before a message; empty lines are common there. Told once between two messages. */
export function raiseBlanks<Flow>(
  context: InspectionContext<Flow>,
  flow: Flow,
  direction: Direction,
  side: Side<Flow>,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  if (!context.needs.events) return
  const before = side.blankBytes
  side.blankBytes += end - start
  if (before <= MOST_BLANKS && side.blankBytes > MOST_BLANKS) {
    context.events.add(HTTP_EVENT.LEADING_WHITE_SPACE)
    raise(context, flow, direction, HTTP_EVENT.LOSS_OF_SYNC, NONE, 0, 0)
  }
  if (side.blanksTold) return
  for (let i = start; i < end; i++) {
    if (bytes[i] === CR || bytes[i] === LF) continue
    side.blanksTold = true
    raise(context, flow, direction, HTTP_EVENT.WHITE_SPACE_BETWEEN, bytes, start, end)
    return
  }
}

/** The answer to a CONNECT: adds to the events of its head. @param early the request is not complete */
export function judgeTunnel<Flow>(
  { events, needs }: InspectionContext<Flow>,
  head: HttpHead,
  early: boolean,
): void {
  if (!needs.events) return
  if (early) events.add(HTTP_EVENT.EARLY_CONNECT_RESPONSE)
  if (head.status >= 100 && head.status <= 199) events.add(HTTP_EVENT.CONNECT_INTERIM)
  if (head.status < 200 || head.status > 299) return
  if (head.transferEncoding) events.add(HTTP_EVENT.CONNECT_CHUNKED)
  else if (head.contentLength >= 0) events.add(HTTP_EVENT.CONNECT_LENGTH)
}

/** The client goes on before its CONNECT has been answered. */
export function raiseEarlyTraffic<Flow>(context: InspectionContext<Flow>, flow: Flow): void {
  raise(context, flow, TO_SERVER, HTTP_EVENT.TRAFFIC_BEFORE_TUNNEL, NONE, 0, 0)
}

/** The flow ends in the first line of a message. */
export function raisePartial<Flow>(context: InspectionContext<Flow>, flow: Flow, direction: Direction): void {
  raise(context, flow, direction, HTTP_EVENT.PARTIAL_START_LINE, NONE, 0, 0)
  raise(context, flow, direction, HTTP_EVENT.LOSS_OF_SYNC, NONE, 0, 0)
}
