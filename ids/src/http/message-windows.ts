/**
 * What detection is shown of one message: its windows, one after the other, as units.
 *
 * In: the stored or received bytes of a window and the parsed head, from `HttpMessage`. Out: a filled unit for the sink,
 * and what rules and alerts ask of the message during that call. Reused with the message it belongs to.
 */
import { HTTP_EVENT, HTTP_GID } from '../builtin/http.js'
import type { SlidingArea } from '../inspect/area.js'
import { BUF, BUFFER_COUNT, type BufferId, type BufferSet, HTTP_BODY } from '../inspect/buffers.js'
import type { InspectionContext } from '../inspect/context.js'
import type { HttpNumber, HttpPart } from '../inspect/http-part.js'
import type { MessageSource, Unit } from '../inspect/inspection-unit.js'
import { SERVICE, type ServiceId, TO_CLIENT } from '../inspect/unit.js'
import type { AlertHttp } from '../output/alert.js'
import { ClientBody } from './client-body.js'
import { factsOf } from './facts.js'
import { fillRequest, fillResponse, headScratch } from './fill.js'
import type { HttpHead } from './head.js'
import type { HeadSource } from './head-lines.js'
import { fillMessagePart, messageNumber } from './message-parts.js'
import type { RequestQueue } from './queue.js'
import { TextBody } from './text-body.js'
import { Trailer } from './trailer.js'
import type { UploadParts } from './upload.js'
import { WireCopy } from './wire-copy.js'

const NONE = new Uint8Array(0)

export class MessageWindows<Flow> implements MessageSource {
  /** The message as it came, when rules ask for it and the body is not stored that way. */
  readonly wire = new WireCopy()
  readonly trailer = new Trailer()
  readonly clientBody = new ClientBody()
  readonly text: TextBody
  service: ServiceId = SERVICE.HTTP
  private readonly context: InspectionContext<Flow>
  private readonly head: HttpHead
  private request = false
  /** Requests outstanding, for the facts of a response. */
  private queue: RequestQueue | null = null
  /** The body is an upload in parts. */
  private parts: UploadParts<Flow> | null = null
  private sequence = 0
  private pending: Int32Array | null = null
  /** Where the head of the unit being inspected lies. */
  private headBytes: Uint8Array = NONE
  private headAt = 0

  constructor(context: InspectionContext<Flow>, head: HttpHead) {
    this.context = context
    this.head = head
    this.text = new TextBody(context.limits)
  }

  begin(request: boolean, queue: RequestQueue | null, service: ServiceId): void {
    this.service = service
    this.request = request
    this.queue = queue
    this.sequence = 0
    this.wire.begin()
    this.text.none()
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
    if (this.parts !== null) this.inspectParts(flow, unit, last)
    else this.send(flow, unit, last)
  }

  /** The body is in parts (RFC 7578), as the Content-Type of the head at `bytes[at]` says: each part is file data. */
  startParts(bytes: Uint8Array, at: number): void {
    const { context, head } = this
    const parts = context.takeUpload()
    if (parts.begin(this, bytes, at + head.multipartStart, at + head.multipartEnd)) this.parts = parts
    else context.giveUpload(parts)
  }

  /** A window of the body of an upload, and the parts of which it brings something. */
  private inspectParts(flow: Flow, unit: Unit, last: boolean): void {
    const set = unit.buffers
    const parts = this.parts!
    this.clientBody.fill(set, this.context, last && this.sequence === 0, last)
    const body = set.has(BUF.FILE_DATA)
    if (body) {
      const id = BUF.FILE_DATA
      set.setWindow(HTTP_BODY, set.bytes[id]!, set.start[id]!, set.end[id]!, set.fresh[id]!, set.base[id]!)
      set.remove(id)
    }
    this.deliver(flow, unit, false)
    if (body) parts.feed(flow, set.bytes[HTTP_BODY]!, set.fresh[HTTP_BODY]!, set.end[HTTP_BODY]!)
    if (last) {
      parts.finish(flow)
      this.parts = null
      this.context.giveUpload(parts)
      for (let id = 0; id < BUFFER_COUNT; id++) set.fresh[id] = set.end[id]!
      this.deliver(flow, unit, true)
    }
    set.remove(HTTP_BODY)
  }

  /** Shows a window of a part. @param anew rules on the rest of the message are tried again */
  showPart(flow: Flow, area: SlidingArea, anew: boolean): void {
    const unit = this.context.requestUnit
    const set = unit.buffers
    for (let id = 0; id < BUFFER_COUNT; id++) {
      const head = id >= BUF.HTTP_URI && id <= BUF.HTTP_CLIENT_BODY
      set.fresh[id] = anew && head ? set.start[id]! : set.end[id]!
    }
    const start = area.windowStart(this.context.limits.lookBack)
    set.setWindow(BUF.FILE_DATA, area.bytes, start, area.length, area.inspected, area.positionOf(start))
    this.deliver(flow, unit, false)
    set.remove(BUF.FILE_DATA)
  }

  /** The message is over: its memory goes back. */
  close(): void {
    const { context } = this
    if (this.parts !== null) {
      this.parts.cancel()
      context.giveUpload(this.parts)
      this.parts = null
    }
    if (this.wire.active) this.wire.release(context)
    this.trailer.release(context)
    if (this.request) this.clientBody.release(context)
    else if (this.text.active) this.text.release(context)
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
    const set = unit.buffers
    if (this.request) this.clientBody.fill(set, this.context, last && this.sequence === 0, last)
    else if (this.text.active) {
      this.text.fill(set, this.context, last)
      if (last && this.text.failed && this.context.needs.events) this.raiseBadText(flow)
    }
    this.deliver(flow, unit, last)
    set.remove(HTTP_BODY)
  }

  private raiseBadText(flow: Flow): void {
    const { context, head } = this
    context.events.add(HTTP_EVENT.BAD_UTF)
    const end = this.headAt + head.length
    context.raise(flow, TO_CLIENT, this.service, HTTP_GID, context.events, this.headBytes, this.headAt, end)
  }

  private deliver(flow: Flow, unit: Unit, last: boolean): void {
    const { context } = this
    if (this.request) context.counters.requestUnits++
    else context.counters.responseUnits++
    unit.sequence = this.sequence++
    unit.last = last
    unit.pending = this.pending
    context.sink.inspect(flow, unit)
    this.pending = last ? null : unit.pending
  }
}
