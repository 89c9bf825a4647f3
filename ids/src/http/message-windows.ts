/**
 * What detection is shown of one message: its windows, one after the other, as units.
 *
 * In: the stored or received bytes of a window and the parsed head, from `HttpMessage`. Out: a filled unit for the sink,
 * and what rules and alerts ask of the message during that call. Reused with the message it belongs to.
 */
import { BUF, type BufferId, type BufferSet } from '../inspect/buffers.js'
import type { InspectionContext } from '../inspect/context.js'
import type { HttpNumber, HttpPart } from '../inspect/http-part.js'
import type { MessageSource, Unit } from '../inspect/inspection-unit.js'
import { SERVICE, type ServiceId } from '../inspect/unit.js'
import type { AlertHttp } from '../output/alert.js'
import { ClientBody } from './client-body.js'
import { factsOf } from './facts.js'
import { fillRequest, fillResponse, headScratch } from './fill.js'
import type { HttpHead } from './head.js'
import { fillMessagePart, messageNumber } from './message-parts.js'
import type { HeadSource } from './parts.js'
import type { RequestQueue } from './queue.js'
import { Trailer } from './trailer.js'
import { WireCopy } from './wire-copy.js'

const NONE = new Uint8Array(0)

export class MessageWindows<Flow> implements MessageSource {
  /** The message as it came, when rules ask for it and the body is not stored that way. */
  readonly wire = new WireCopy()
  readonly trailer = new Trailer()
  readonly clientBody = new ClientBody()
  service: ServiceId = SERVICE.HTTP
  private readonly context: InspectionContext<Flow>
  private readonly head: HttpHead
  private request = false
  /** Requests outstanding, for the facts of a response. */
  private queue: RequestQueue | null = null
  private sequence = 0
  private pending: Int32Array | null = null
  /** Where the head of the unit being inspected lies. */
  private headBytes: Uint8Array = NONE
  private headAt = 0

  constructor(context: InspectionContext<Flow>, head: HttpHead) {
    this.context = context
    this.head = head
  }

  begin(request: boolean, queue: RequestQueue | null, service: ServiceId): void {
    this.service = service
    this.request = request
    this.queue = queue
    this.sequence = 0
    this.wire.begin()
  }

  /**
   * Hands out the window `bytes[start, end)`, new from `fresh`, whose first byte is at position `base` of the message;
   * the head lies at `bytes[headAt]`.
   */
  inspect(
    flow: Flow,
    bytes: Uint8Array,
    headAt: number,
    start: number,
    fresh: number,
    end: number,
    base: number,
    bodiless: boolean,
    last: boolean,
  ): void {
    const { context, head, request } = this
    const { limits, counters, scratch } = context
    const unit = request ? context.requestUnit : context.responseUnit
    const set = unit.buffers
    scratch.reset(headScratch(head.length) + limits.window + limits.lookBack)
    if (request) fillRequest(set, head, bytes, headAt, scratch, limits, counters)
    else fillResponse(set, head, bytes, headAt, scratch)
    if (this.sequence > 0) {
      // The head has been searched with the first window.
      for (let id: number = BUF.HTTP_URI; id <= BUF.HTTP_STAT_MSG; id++) set.fresh[id] = set.end[id]!
    }
    set.setWindow(BUF.PKT_DATA, bytes, start, end, fresh, base)
    if (this.wire.active) this.wire.fill(set, last, context)
    else set.setWindow(BUF.RAW_DATA, bytes, start, end, fresh, base)
    unit.service = this.service
    unit.source = this
    this.headBytes = bytes
    this.headAt = headAt
    const headEnd = headAt + head.length
    const from = headEnd > start ? headEnd : start
    if (bodiless || from >= end) {
      set.remove(BUF.FILE_DATA)
    } else {
      const position = base + (from - start) - head.length
      set.setWindow(BUF.FILE_DATA, bytes, from, end, fresh > from ? fresh : from, position)
    }
    this.send(flow, unit, last)
  }

  /** The message is over: its memory goes back. */
  close(): void {
    const { context } = this
    if (this.wire.active) this.wire.release(context)
    this.trailer.release(context)
    if (this.request) this.clientBody.release(context)
    this.pending = null
    this.queue = null
    this.headBytes = NONE
  }

  httpFacts(): AlertHttp | undefined {
    return factsOf(this.own(), this.queue)
  }

  fillPart(part: HttpPart, set: BufferSet, slot: BufferId): boolean {
    return fillMessagePart(part, this.own(), this.trailer, this.queue, set, slot, this.context)
  }

  headNumber(what: HttpNumber, ofRequest: boolean): number {
    return messageNumber(what, ofRequest, this.own(), this.trailer, this.queue, this.context)
  }

  /** Head of the unit being inspected. */
  own(): HeadSource {
    return this.source(this.headBytes, this.headAt)
  }

  source(bytes: Uint8Array, at: number): HeadSource {
    return { head: this.head, bytes, at, request: this.request, framed: this.service === SERVICE.HTTP2 }
  }

  private send(flow: Flow, unit: Unit, last: boolean): void {
    const { context } = this
    if (this.request) {
      this.clientBody.fill(unit.buffers, context, last && this.sequence === 0, last)
      context.counters.requestUnits++
    } else {
      context.counters.responseUnits++
    }
    unit.sequence = this.sequence++
    unit.last = last
    unit.pending = this.pending
    context.sink.inspect(flow, unit)
    this.pending = last ? null : unit.pending
  }
}
