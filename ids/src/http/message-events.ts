/** Hands out what the inspector has found about a message, when events are wanted. */
import { HTTP_EVENT, HTTP_GID } from '../builtin/http.js'
import type { InspectionContext } from '../inspect/context.js'
import { SERVICE, TO_CLIENT, TO_SERVER } from '../inspect/unit.js'

/** Raises the events that have been added to the context's list, about `bytes[start, end)`. */
export function raiseOfMessage<Flow>(
  context: InspectionContext<Flow>,
  flow: Flow,
  request: boolean,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  const direction = request ? TO_SERVER : TO_CLIENT
  context.raise(flow, direction, SERVICE.HTTP, HTTP_GID, context.events, bytes, start, end)
}

/** The message ends in its first line. */
export function raisePartialHead<Flow>(
  context: InspectionContext<Flow>,
  flow: Flow,
  request: boolean,
  bytes: Uint8Array,
  length: number,
): void {
  context.events.add(HTTP_EVENT.PARTIAL_START_LINE)
  context.events.add(HTTP_EVENT.LOSS_OF_SYNC)
  raiseOfMessage(context, flow, request, bytes, 0, length)
}
