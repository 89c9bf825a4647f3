/**
 * One request or response while it is read.
 *
 * In: the bytes of one direction from the first byte of a message, in pieces of any size. Out: one unit when the message
 * is complete, or one per window when it is longer than a window. Objects are reused; memory for the bytes is taken from
 * the pool when a message does not lie in one piece, and given back when it is done.
 *
 * The head stays at the front of the stored bytes for as long as the message lasts: its buffers belong to every window.
 * Windows end at fixed positions of the message (the first after `window` bytes or the head, whichever is longer), so
 * segmentation never shows.
 */
import { HTTP_EVENT, HTTP_GID } from '../builtin/http.js'
import { SlidingArea } from '../inspect/area.js'
import { BUF, type BufferId, type BufferSet } from '../inspect/buffers.js'
import type { InspectionContext } from '../inspect/context.js'
import { copyBytes } from '../inspect/copy.js'
import type { HttpNumber, HttpPart } from '../inspect/http-part.js'
import type { MessageSource, Unit } from '../inspect/inspection-unit.js'
import { SERVICE, TO_CLIENT, TO_SERVER } from '../inspect/unit.js'
import type { AlertHttp } from '../output/alert.js'
import { BodyDecoder } from './body.js'
import { addBodyEvents } from './body-events.js'
import { CHARSET, CharsetDecoder } from './charset.js'
import { CHUNK, ChunkParser } from './chunks.js'
import { ClientBody } from './client-body.js'
import { hostOf, latin1, userAgentOf } from './facts.js'
import { fillRequest, fillResponse, headScratch } from './fill.js'
import { CODING, HttpHead, VERSION_09 } from './head.js'
import { examineHead } from './head-events.js'
import { fillPart, type HeadSource, headNumber } from './parts.js'
import type { RequestQueue } from './queue.js'

const LF = 10
const CR = 13
const NONE = new Uint8Array(0)

/** How the end of the body is known. */
export const FRAMING = { NO_BODY: 0, LENGTH: 1, CHUNKED: 2, TO_CLOSE: 3 } as const
export type FramingId = (typeof FRAMING)[keyof typeof FRAMING]

/** Told when a head is complete; answers how the end of the body is known. */
export interface HeadListener<Flow> {
  /** The head is `bytes[at, at + message.head.length)`. For LENGTH, `head.contentLength` counts. */
  headComplete(message: HttpMessage<Flow>, bytes: Uint8Array, at: number): FramingId
}

export class HttpMessage<Flow> implements MessageSource {
  readonly head = new HttpHead()
  request = false
  /** The message has ended; what follows is not part of it. */
  done = true
  /** It ended early for want of memory; the bytes that were not taken have not been inspected. */
  abandoned = false
  framing: FramingId = FRAMING.NO_BODY
  private readonly context: InspectionContext<Flow>
  private readonly area = new SlidingArea()
  /** The message as it came, when rules ask for it and the body is not stored that way. */
  private readonly wire = new SlidingArea()
  private wired = false
  /** Trailer lines, when rules ask for them. */
  private trailer: Uint8Array = NONE
  private trailerEnd = 0
  private ending = false
  /** The window is handed out because `wire` is full, or will not go on where it ends. */
  private wireFull = false
  private readonly decoder = new BodyDecoder()
  private readonly charset = new CharsetDecoder()
  private readonly clientBody = new ClientBody()
  private readonly chunks = new ChunkParser()
  private listener: HeadListener<Flow> | null = null
  /** Requests outstanding, for the facts of a response. */
  private queue: RequestQueue | null = null
  private inHead = true
  /** Nothing but CRs since the last LF of the stored head: the next LF ends it. */
  private blank = false
  /** Position in the message where the present window ends. */
  private windowEnd = 0
  /** Bytes of a LENGTH body still to come. */
  private remaining = 0
  private sequence = 0
  private pending: Int32Array | null = null
  /** Where the head of the unit being inspected lies. */
  private factsBytes: Uint8Array = NONE
  private factsAt = 0

  constructor(context: InspectionContext<Flow>) {
    this.context = context
  }

  begin(request: boolean, listener: HeadListener<Flow>, queue: RequestQueue | null): void {
    this.request = request
    this.listener = listener
    this.queue = queue
    this.done = false
    this.abandoned = false
    this.inHead = true
    this.framing = FRAMING.NO_BODY
    this.windowEnd = this.context.limits.window
    this.sequence = 0
    this.head.startLineComplete = false
    this.decoder.begin(CODING.IDENTITY)
    this.charset.begin(CHARSET.NONE)
    this.wired = false
    if (request) this.context.counters.requests++
    else this.context.counters.responses++
  }

  /** Starts a response without a head (HTTP/0.9): all that follows is body. */
  beginHeadless(listener: HeadListener<Flow>, queue: RequestQueue | null): void {
    this.begin(false, listener, queue)
    this.head.clear()
    this.inHead = false
    this.framing = FRAMING.TO_CLOSE
  }

  /** True while the head is one line without a version: HTTP/0.9 unless more follows in this turn. */
  get maybeSimple(): boolean {
    return this.inHead && this.request && this.head.startLineComplete && this.head.version === VERSION_09
  }

  /** True in a body whose end is not known, which a new message may follow all the same. */
  get openEnded(): boolean {
    return !this.inHead && this.framing === FRAMING.TO_CLOSE
  }

  /** Takes bytes of the message; returns the index of the first byte that is not part of it. Sets `done` at its end. */
  feed(flow: Flow, bytes: Uint8Array, start: number, end: number): number {
    let from = start
    if (this.inHead) {
      from =
        this.area.length === 0
          ? this.headInPlace(flow, bytes, start, end)
          : this.headStored(flow, bytes, start, end)
      if (this.done || this.inHead) return from
    }
    if (this.framing === FRAMING.CHUNKED) from = this.chunkedBody(flow, bytes, from, end)
    if (this.framing === FRAMING.LENGTH) from = this.lengthBody(flow, bytes, from, end)
    if (this.framing === FRAMING.TO_CLOSE) from = this.body(flow, bytes, from, end)
    return from
  }

  /** The message ends here, complete or not: what has not been inspected is, and the memory goes back. */
  finish(flow: Flow): void {
    if (this.done) return
    if (!this.inHead && this.decodes && !this.ending) {
      this.endBody(flow)
      if (this.done) return
    }
    if (!this.inHead && this.context.needs.events) this.raiseTruncated(flow)
    if (this.inHead) {
      const { area } = this
      if (this.context.needs.events && area.length > 0 && !this.head.startLineComplete)
        this.raisePartial(flow)
      if (area.length > 0) {
        const { limits, scanner } = this.context
        this.head.parse(area.bytes, 0, area.length, this.request, true, limits, scanner)
        this.headDone(flow, area.bytes, 0, false)
        this.inspectStored(flow, true)
      }
    } else if (this.area.fresh > 0 || (this.wired && this.wire.fresh > 0)) {
      this.inspectStored(flow, true)
    }
    this.close()
  }

  /**
   * `length` bytes of this direction are missing. Returns true when they lie in the body and the message goes on behind
   * them; false when it cannot be told where it goes on (the caller finishes it).
   */
  skip(flow: Flow, length: number): boolean {
    if (this.inHead) return false
    if (this.framing === FRAMING.LENGTH) {
      if (length > this.remaining) return false
    } else if (this.framing === FRAMING.CHUNKED) {
      if (this.chunks.state !== CHUNK.DATA || length > this.chunks.remaining) return false
    }
    const ends = this.framing === FRAMING.LENGTH && length === this.remaining
    if (this.area.fresh > 0 || (this.wired && this.wire.fresh > 0)) {
      this.wireFull = true
      this.inspectStored(flow, ends)
      this.wireFull = false
    }
    if (ends) {
      this.close()
      return true
    }
    if (this.framing === FRAMING.LENGTH) this.remaining -= length
    if (this.framing === FRAMING.CHUNKED) this.chunks.take(length)
    this.decoder.skip(this.context)
    this.clientBody.skip(length)
    this.wire.skip(length, 0)
    this.area.skip(length, this.head.length)
    this.windowEnd = this.area.position + this.context.limits.window
    return true
  }

  httpFacts(): AlertHttp | undefined {
    const { head, queue } = this
    const status = this.request || head.status === 0 ? undefined : head.status
    let bytes = this.factsBytes
    let start = this.factsAt
    let end = start + head.length
    let uriStart = start + head.uriStart
    let uriEnd = start + head.uriEnd
    if (!this.request) {
      if (queue === null || queue.start < 0) {
        return { hostname: undefined, url: undefined, userAgent: undefined, method: undefined, status }
      }
      bytes = queue.bytes
      start = queue.start
      end = queue.end
      uriStart = queue.uriStart
      uriEnd = queue.uriEnd
    }
    let methodEnd = start
    while (methodEnd < end && bytes[methodEnd]! > 0x20) methodEnd++
    return {
      hostname: hostOf(bytes, start, end),
      url: uriEnd > uriStart ? latin1(bytes, uriStart, uriEnd) : undefined,
      userAgent: userAgentOf(bytes, start, end),
      method: latin1(bytes, start, methodEnd),
      status,
    }
  }

  fillPart(part: HttpPart, set: BufferSet, slot: BufferId): boolean {
    const { context } = this
    const { partMemory, askedRequest, limits } = context
    if (part.name === 'raw_body') {
      if (!set.has(BUF.FILE_DATA)) return false
      const id = BUF.FILE_DATA
      set.setWindow(slot, set.bytes[id]!, set.start[id]!, set.end[id]!, set.fresh[id]!, set.base[id]!)
      return true
    }
    let source: HeadSource = this.own()
    if (part.request && !this.request) {
      if (!askedRequest.read(this.queue, limits)) return false
      if (
        part.component === undefined &&
        part.field === undefined &&
        askedRequest.fill(part.name, set, slot, limits)
      )
        return true
      source = askedRequest
    }
    return fillPart(part, source, this.trailer, this.trailerEnd, set, slot, partMemory)
  }

  headNumber(what: HttpNumber, ofRequest: boolean): number {
    const { askedRequest, limits } = this.context
    let source: HeadSource = this.own()
    if (ofRequest && !this.request) {
      if (!askedRequest.read(this.queue, limits)) return -1
      source = askedRequest
    }
    return headNumber(what, source, this.trailer, this.trailerEnd)
  }

  private own(): HeadSource {
    return { head: this.head, bytes: this.factsBytes, at: this.factsAt, request: this.request }
  }

  /** Nothing is stored: parses where the bytes lie, and inspects there when the whole message is there. */
  private headInPlace(flow: Flow, bytes: Uint8Array, start: number, end: number): number {
    const { limits, scanner } = this.context
    const cut = end - start >= limits.headBytes
    const limit = cut ? start + limits.headBytes : end
    if (!this.head.parse(bytes, start, limit, this.request, false, limits, scanner)) {
      if (!cut) {
        let last = end
        while (last > start && bytes[last - 1] === CR) last--
        this.blank = last > start && bytes[last - 1] === LF
        return this.store(bytes, start, end, 0) ? end : this.abandon(flow, start)
      }
      this.head.parse(bytes, start, limit, this.request, true, limits, scanner)
    }
    this.headDone(flow, bytes, start, cut && !this.head.complete)
    const headEnd = start + this.head.length
    if (this.charset.active && headEnd < end && !this.decoder.active && this.framing !== FRAMING.CHUNKED)
      this.charset.isPlain(bytes[headEnd]!)
    let whole = -1
    if (this.framing === FRAMING.NO_BODY) whole = headEnd
    else if (this.framing === FRAMING.LENGTH && !this.decodes && this.head.contentLength <= end - headEnd) {
      whole = headEnd + this.head.contentLength
      if (whole - start > this.windowEnd) whole = -1
    }
    if (whole >= 0) {
      this.inspect(flow, bytes, start, start, start, whole, 0, true)
      this.close()
      return whole
    }
    let size = this.head.length + limits.window + limits.lookBack
    if (this.framing === FRAMING.LENGTH) {
      if (this.head.contentLength < size) size = this.head.length + this.head.contentLength
    } else {
      size = end - start + 1024
    }
    if (!this.store(bytes, start, headEnd, size)) return this.abandon(flow, start)
    this.startWire()
    return headEnd
  }

  /** Part of the head is stored: looks for its end in the new bytes, then parses the whole. */
  private headStored(flow: Flow, bytes: Uint8Array, start: number, end: number): number {
    const { limits, scanner } = this.context
    const { area } = this
    const room = limits.headBytes - area.length
    const limit = end - start > room ? start + room : end
    let { blank } = this
    let found = false
    let line = false
    let i = start
    for (; i < limit && !found; i++) {
      const byte = bytes[i]!
      if (byte === LF) {
        found = blank
        blank = true
        line = true
      } else if (byte !== CR) {
        blank = false
      }
    }
    this.blank = blank
    if (!this.store(bytes, start, i, 0)) return this.abandon(flow, start)
    const cut = !found && area.length >= limits.headBytes
    if (!found && !cut) {
      // Only the first line says whether this may be HTTP/0.9.
      if (line && !this.head.startLineComplete) {
        this.head.parse(area.bytes, 0, area.length, this.request, false, limits, scanner)
      }
      return i
    }
    this.head.parse(area.bytes, 0, area.length, this.request, true, limits, scanner)
    this.headDone(flow, area.bytes, 0, cut)
    if (this.framing === FRAMING.NO_BODY) {
      this.inspectStored(flow, true)
      this.close()
    } else {
      this.startWire()
    }
    return i
  }

  private headDone(flow: Flow, bytes: Uint8Array, at: number, cut: boolean): void {
    const { head } = this
    const { counters } = this.context
    if (head.tooManyLines) counters.tooManyHeaders++
    if (head.badLength) counters.badContentLength++
    if (head.conflictingLength) counters.conflictingContentLength++
    if (head.badTransferEncoding) counters.badTransferEncoding++
    this.inHead = false
    this.context.events.clear()
    this.framing = this.listener!.headComplete(this, bytes, at)
    if (this.context.needs.events) {
      examineHead({ head, bytes, at, request: this.request }, this.context.events)
      this.raise(flow, bytes, at, at + head.length)
    }
    if (cut) {
      counters.headTooLong++
      this.framing = FRAMING.TO_CLOSE
    }
    if (this.windowEnd < this.head.length) this.windowEnd = this.head.length
    if (this.framing === FRAMING.LENGTH) this.remaining = head.contentLength
    else if (this.framing === FRAMING.CHUNKED) this.chunks.reset()
    this.clientBody.begin()
    if (this.framing !== FRAMING.NO_BODY) {
      this.decoder.begin(head.coding)
      if (!this.request) this.charset.begin(head.charset)
    }
  }

  /** Hands out what has been added to the context's events. */
  private raise(flow: Flow, bytes: Uint8Array, start: number, end: number): void {
    const { context } = this
    const direction = this.request ? TO_SERVER : TO_CLIENT
    context.raise(flow, direction, SERVICE.HTTP, HTTP_GID, context.events, bytes, start, end)
  }

  /** The body is, or was said to be, in chunks. */
  private get chunked(): boolean {
    const broken =
      this.framing === FRAMING.TO_CLOSE && this.head.chunked && this.chunks.state === CHUNK.BROKEN
    return this.framing === FRAMING.CHUNKED || broken
  }

  private raiseBody(flow: Flow): void {
    addBodyEvents(this.chunked ? this.chunks.flaws : 0, this.decoder.flaws, this.context.events)
    this.raise(flow, this.area.bytes, 0, Math.min(this.head.length, this.area.length))
  }

  private raisePartial(flow: Flow): void {
    const { events } = this.context
    events.add(HTTP_EVENT.PARTIAL_START_LINE)
    events.add(HTTP_EVENT.LOSS_OF_SYNC)
    this.raise(flow, this.area.bytes, 0, this.area.length)
  }

  /** The message ends before its body does. */
  private raiseTruncated(flow: Flow): void {
    const { events } = this.context
    if (this.framing === FRAMING.LENGTH) events.add(HTTP_EVENT.TRUNCATED_LENGTH)
    else if (this.chunked && this.chunks.state !== CHUNK.TRAILER) events.add(HTTP_EVENT.TRUNCATED_CHUNKS)
    this.raiseBody(flow)
  }

  private lengthBody(flow: Flow, bytes: Uint8Array, start: number, end: number): number {
    const to = end - start > this.remaining ? start + this.remaining : end
    this.remaining -= to - start
    const next = this.body(flow, bytes, start, to)
    if (this.remaining === 0 && !this.done) this.complete(flow)
    return next
  }

  /** The body is all there. */
  private complete(flow: Flow): void {
    if (this.decodes) this.endBody(flow)
    if (this.done) return
    if (this.context.needs.events) this.raiseBody(flow)
    this.inspectStored(flow, true)
    this.close()
  }

  private chunkedBody(flow: Flow, bytes: Uint8Array, start: number, end: number): number {
    const { chunks } = this
    const { limits, counters } = this.context
    let from = start
    while (from < end && !this.done) {
      if (chunks.state === CHUNK.DATA) {
        const to = end - from > chunks.remaining ? from + chunks.remaining : end
        chunks.take(to - from)
        from = this.body(flow, bytes, from, to)
        continue
      }
      const before = chunks.state
      const to = chunks.framing(bytes, from, end, limits, counters)
      if (before === CHUNK.TRAILER && this.context.needs.trailer) this.keepTrailer(bytes, from, to)
      while (this.wired && from < to) from = this.keepWire(flow, bytes, from, to)
      from = to
      if (chunks.state === CHUNK.DONE) this.complete(flow)
      else if (chunks.state === CHUNK.BROKEN) {
        // Not chunks any more: the rest is body, until the flow ends or another message begins.
        this.framing = FRAMING.TO_CLOSE
        return from
      }
    }
    return from
  }

  /** Keeps the trailer, as far as a line may be long. */
  private keepTrailer(bytes: Uint8Array, start: number, end: number): void {
    const { limits, pool, counters } = this.context
    if (this.trailer === NONE) {
      const taken = pool.take(limits.chunkLine)
      if (taken === null) {
        counters.bufferBudgetReached++
        return
      }
      this.trailer = taken
    }
    const room = limits.chunkLine - this.trailerEnd
    const to = end - start < room ? end : start + room
    if (to > start) copyBytes(this.trailer, this.trailerEnd, bytes, start, to)
    this.trailerEnd += to - start
  }

  /** Takes body bytes, without the framing of chunks. Returns `end`, or where the message was given up. */
  private body(flow: Flow, bytes: Uint8Array, start: number, end: number): number {
    let from = start
    while (from < end && !this.done) {
      const to = this.wired ? this.keepWire(flow, bytes, from, end) : end
      from = this.decoder.active ? this.decode(flow, bytes, from, to) : this.text(flow, bytes, from, to)
    }
    return from
  }

  private decode(flow: Flow, bytes: Uint8Array, start: number, end: number): number {
    const { decoder } = this
    let from = start
    while (decoder.next(bytes, from, end, this.context)) {
      from = decoder.position
      this.text(flow, decoder.output, decoder.start, decoder.end)
      if (this.done) return from
    }
    return end
  }

  /** The body's character set is undone last. */
  private text(flow: Flow, bytes: Uint8Array, start: number, end: number): number {
    const { charset } = this
    if (!charset.active || charset.isPlain(bytes[start]!)) return this.add(flow, bytes, start, end)
    charset.decode(bytes, start, end, false)
    this.add(flow, charset.output, 0, charset.length)
    return end
  }

  /** No more body comes: what decoders hold comes out. */
  private endBody(flow: Flow): void {
    const { decoder, charset } = this
    // Storing what comes out may fail, which ends the message too.
    this.ending = true
    if (decoder.active && decoder.finish(this.context)) {
      this.text(flow, decoder.output, decoder.start, decoder.end)
    }
    if (charset.active && !this.done) {
      charset.decode(NONE, 0, 0, true)
      this.add(flow, charset.output, 0, charset.length)
    }
    this.ending = false
  }

  /** What is stored is not the body as it was sent. */
  private get decodes(): boolean {
    return this.decoder.active || this.charset.active
  }

  /** Stores bytes behind the head, handing out windows as they fill. Returns `end`, or where the message was given up. */
  private add(flow: Flow, bytes: Uint8Array, start: number, end: number): number {
    const { area } = this
    const { limits } = this.context
    let from = start
    while (from < end) {
      let room = this.windowEnd - area.position
      if (room === 0) {
        this.inspectStored(flow, false)
        room = limits.window
        this.windowEnd += room
      }
      const to = end - from < room ? end : from + room
      if (!this.store(bytes, from, to, 2 * (area.length + to - from))) return this.abandon(flow, from)
      from = to
    }
    return from
  }

  /** The head is stored and a body follows: begins to keep the message as it comes, where that differs. */
  private startWire(): void {
    const asSent = this.framing !== FRAMING.CHUNKED && !this.decodes
    if (!this.context.needs.wire || asSent) return
    const { limits, pool, counters } = this.context
    const { area, wire } = this
    if (!wire.reserve(area.length, limits.headBytes, 0, limits, pool, counters)) return
    wire.append(area.bytes, 0, area.length)
    this.wired = true
  }

  /** Keeps as many of the bytes as fit the window, at least one; returns the index of the next one. */
  private keepWire(flow: Flow, bytes: Uint8Array, start: number, end: number): number {
    const { limits, pool, counters } = this.context
    const { wire } = this
    if (wire.fresh >= limits.window) {
      this.wireFull = true
      this.inspectStored(flow, false)
      this.wireFull = false
    }
    const room = limits.window - wire.fresh
    const to = end - start < room ? end : start + room
    if (wire.reserve(to - start, limits.headBytes, 2 * (wire.length + to - start), limits, pool, counters)) {
      wire.append(bytes, start, to)
      return to
    }
    this.wired = false
    wire.release(pool)
    return end
  }

  private store(bytes: Uint8Array, start: number, end: number, hint: number): boolean {
    const { limits, pool, counters } = this.context
    const pin = this.inHead ? limits.headBytes : this.head.length
    if (!this.area.reserve(end - start, pin, hint, limits, pool, counters)) return false
    this.area.append(bytes, start, end)
    return true
  }

  /** No memory: what is stored is inspected and the message given up; the caller deals with the bytes from `at` on. */
  private abandon(flow: Flow, at: number): number {
    this.finish(flow)
    this.abandoned = true
    return at
  }

  private inspectStored(flow: Flow, last: boolean): void {
    const { area } = this
    const start = area.windowStart(this.context.limits.lookBack)
    this.inspect(flow, area.bytes, 0, start, area.inspected, area.length, area.positionOf(start), last)
    area.mark()
  }

  /**
   * Hands out the window `bytes[start, end)`, new from `fresh`, whose first byte is at position `base` of the message;
   * the head lies at `bytes[headAt]`.
   */
  private inspect(
    flow: Flow,
    bytes: Uint8Array,
    headAt: number,
    start: number,
    fresh: number,
    end: number,
    base: number,
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
    if (this.wired) this.fillWire(set, last)
    else set.setWindow(BUF.RAW_DATA, bytes, start, end, fresh, base)
    unit.service = SERVICE.HTTP
    unit.source = this
    this.factsBytes = bytes
    this.factsAt = headAt
    const headEnd = headAt + head.length
    const from = headEnd > start ? headEnd : start
    if (this.framing === FRAMING.NO_BODY || from >= end) {
      set.remove(BUF.FILE_DATA)
    } else {
      const position = base + (from - start) - head.length
      set.setWindow(BUF.FILE_DATA, bytes, from, end, fresh > from ? fresh : from, position)
    }
    this.send(flow, unit, last)
  }

  /** Only when it is full or complete: in between, how far it reaches would depend on segmentation. */
  private fillWire(set: BufferSet, last: boolean): void {
    const { wire } = this
    if (!last && !this.wireFull) {
      set.remove(BUF.RAW_DATA)
      return
    }
    const start = wire.windowStart(this.context.limits.lookBack)
    set.setWindow(BUF.RAW_DATA, wire.bytes, start, wire.length, wire.inspected, wire.positionOf(start))
    wire.mark()
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

  private close(): void {
    this.done = true
    this.area.release(this.context.pool)
    if (this.decoder.active) this.decoder.release(this.context)
    if (this.wired) this.wire.release(this.context.pool)
    if (this.trailer !== NONE) {
      this.context.pool.give(this.trailer)
      this.trailer = NONE
      this.trailerEnd = 0
    }
    if (this.request) this.clientBody.release(this.context)
    this.pending = null
    this.listener = null
    this.queue = null
    this.factsBytes = NONE
  }
}
