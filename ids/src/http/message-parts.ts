/**
 * Parts and numbers that a rule asks of a message: its own, or those of the request that it answers.
 *
 * In: what the rule names, during inspection. Out: one slot of the unit's `BufferSet`, or a number. Called by
 * `HttpMessage` when an option of a rule gets that far.
 */
import { BUF, type BufferId, type BufferSet, HTTP_BODY } from '../inspect/buffers.js'
import type { InspectionContext } from '../inspect/context.js'
import type { HttpNumber, HttpPart } from '../inspect/http-part.js'
import { WHOLE_PARTS } from './asked-request.js'
import type { HeadSource } from './head-lines.js'
import { headNumber } from './head-number.js'
import { fillPart } from './parts.js'
import type { RequestQueue } from './queue.js'
import type { Trailer } from './trailer.js'

/** Fills `slot`; false when there is no such part. `queue` holds the request that a response answers. */
export function fillMessagePart<Flow>(
  part: HttpPart,
  own: HeadSource,
  trailer: Trailer,
  queue: RequestQueue | null,
  set: BufferSet,
  slot: BufferId,
  { partMemory, askedRequest, limits }: InspectionContext<Flow>,
): boolean {
  if (part.name === 'raw_body') return copyBuffer(set, set.has(HTTP_BODY) ? HTTP_BODY : BUF.FILE_DATA, slot)
  const whole = part.component === undefined && part.field === undefined ? WHOLE_PARTS[part.name] : undefined
  let source = own
  if (part.request && !own.request) {
    if (!askedRequest.read(queue, own.framed, limits)) return false
    if (whole !== undefined) return askedRequest.fill(whole, set, slot, limits)
    source = askedRequest
  } else if (whole !== undefined) return copyBuffer(set, whole, slot)
  return fillPart(part, source, trailer.bytes, trailer.end, set, slot, partMemory)
}

function copyBuffer(set: BufferSet, id: BufferId, slot: BufferId): boolean {
  if (!set.has(id)) return false
  set.setWindow(slot, set.bytes[id]!, set.start[id]!, set.end[id]!, set.fresh[id]!, set.base[id]!)
  return true
}

/** A number about the head; -1: there is none. */
export function messageNumber<Flow>(
  what: HttpNumber,
  ofRequest: boolean,
  own: HeadSource,
  trailer: Trailer,
  queue: RequestQueue | null,
  { askedRequest, limits }: InspectionContext<Flow>,
): number {
  let source = own
  if (ofRequest && !own.request) {
    if (!askedRequest.read(queue, own.framed, limits)) return -1
    source = askedRequest
  }
  return headNumber(what, source, trailer.bytes, trailer.end)
}
