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
import type { InspectionContext } from '../inspect/context.js'
import { SERVICE, type ServiceId, TO_CLIENT, TO_SERVER } from '../inspect/unit.js'
import { BODY_FLAW, BodyDecoder } from './body.js'
import { addBodyEvents } from './body-events.js'
import { CHARSET } from './charset.js'
import { CHUNK, ChunkParser } from './chunks.js'
import { CODING } from './content-coding.js'
import { FRAMING, type FramingId, type HeadListener } from './framing.js'
import { HttpHead, VERSION_09 } from './head.js'
import { addTooLong, examineHead, examineTrailer } from './head-events.js'
import { MessageWindows } from './message-windows.js'
import type { RequestQueue } from './queue.js'

const LF = 10
const CR = 13

export class HttpMessage<Flow> {
  readonly head = new HttpHead()
  request = false
  /** The message has ended; what follows is not part of it. */
  done = true
  /** It ended early for want of memory; the bytes that were not taken have not been inspected. */
  abandoned = false
  framing: FramingId = FRAMING.NO_BODY
  private readonly context: InspectionContext<Flow>
  private readonly area = new SlidingArea()
  private readonly windows: MessageWindows<Flow>
  private ending = false
  private readonly decoder = new BodyDecoder()
  private readonly chunks = new ChunkParser()
  private listener: HeadListener<Flow> | null = null
  private inHead = true
  /** Nothing but CRs since the last LF of the stored head: the next LF ends it. */
  private blank = false
  /** Position in the message where the present window ends. */
  private windowEnd = 0
  /** Bytes of a LENGTH body still to come. */
  private remaining = 0

  constructor(context: InspectionContext<Flow>) {
    this.context = context
    this.windows = new MessageWindows(context, this.head)
  }

  begin(
    request: boolean,
    listener: HeadListener<Flow>,
    queue: RequestQueue | null,
    service: ServiceId = SERVICE.HTTP,
  ): void {
    this.request = request
    this.listener = listener
    this.windows.begin(request, queue, service)
    this.done = false
    this.abandoned = false
    this.inHead = true
    this.framing = FRAMING.NO_BODY
    this.windowEnd = this.context.limits.window
    this.head.startLineComplete = false
    this.decoder.begin(CODING.IDENTITY)
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

  /** Lines behind the body, when they come apart from it. */
  keepTrailer(bytes: Uint8Array, end: number): void {
    if (this.context.needs.trailer) this.windows.trailer.keep(bytes, 0, end, this.context)
  }

  /** The message ends here, complete or not: what has not been inspected is, and the memory goes back. */
  finish(flow: Flow): void {
    if (this.done) return
    if (!this.inHead && this.decoder.active && !this.ending) {
      this.endBody(flow)
      if (this.done) return
    }
    if (!this.inHead && this.context.needs.events) this.raiseTruncated(flow)
    if (this.inHead) {
      const { area, context } = this
      if (context.needs.events && area.length > 0 && !this.head.startLineComplete) this.raisePartial(flow)
      if (area.length > 0) {
        const { limits, scanner } = context
        this.head.parse(area.bytes, 0, area.length, this.request, true, limits, scanner)
        this.headDone(flow, area.bytes, 0, false)
        this.inspectStored(flow, true)
      }
    } else if (this.area.fresh > 0 || this.windows.wire.fresh > 0) {
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
    if (this.area.fresh > 0 || this.windows.wire.fresh > 0) {
      this.windows.wire.full = true
      this.inspectStored(flow, ends)
      this.windows.wire.full = false
    }
    if (ends) {
      this.close()
      return true
    }
    if (this.framing === FRAMING.LENGTH) this.remaining -= length
    if (this.framing === FRAMING.CHUNKED) this.chunks.take(length)
    this.decoder.skip(this.context)
    this.windows.clientBody.skip(length)
    this.windows.text.skip(length)
    this.windows.wire.skip(length)
    this.area.skip(length, this.head.length)
    this.windowEnd = this.area.position + this.context.limits.window
    return true
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
    let whole = -1
    if (this.framing === FRAMING.NO_MESSAGE) {
      this.close()
      return headEnd
    }
    if (this.framing === FRAMING.NO_BODY) whole = headEnd
    else if (
      this.framing === FRAMING.LENGTH &&
      !this.decoder.active &&
      this.head.contentLength <= end - headEnd
    ) {
      whole = headEnd + this.head.contentLength
      if (whole - start > this.windowEnd) whole = -1
    }
    if (whole >= 0) {
      const bodiless = this.framing === FRAMING.NO_BODY
      this.windows.inspect(flow, bytes, start, start, start, whole, 0, bodiless, true)
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
    if (this.framing === FRAMING.NO_MESSAGE) this.close()
    else if (this.framing === FRAMING.NO_BODY) {
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
      const { events } = this.context
      if (this.framing !== FRAMING.NO_MESSAGE) examineHead(this.windows.source(bytes, at), events)
      if (cut) addTooLong(this.request, head.startLineComplete, events)
      this.raise(flow, bytes, at, at + head.length)
    }
    if (cut) {
      counters.headTooLong++
      this.framing = FRAMING.TO_CLOSE
    }
    if (this.windowEnd < this.head.length) this.windowEnd = this.head.length
    if (this.framing === FRAMING.LENGTH) this.remaining = head.contentLength
    else if (this.framing === FRAMING.CHUNKED) this.chunks.reset()
    this.windows.clientBody.begin()
    if (this.request && head.multipartEnd > 0 && this.framing !== FRAMING.NO_BODY)
      this.windows.startParts(bytes, at)
    const bodiless = this.framing === FRAMING.NO_BODY
    this.windows.text.begin(this.request || bodiless ? CHARSET.NONE : head.charset)
    if (!bodiless) {
      this.decoder.begin(head.coding)
    }
  }

  /** The body is, or was said to be, in chunks. */
  private get chunked(): boolean {
    const broken =
      this.framing === FRAMING.TO_CLOSE && this.head.chunked && this.chunks.state === CHUNK.BROKEN
    return this.framing === FRAMING.CHUNKED || broken
  }

  private raiseBody(flow: Flow): void {
    const { context, area } = this
    const { trailer } = this.windows
    const deflate = this.head.coding === CODING.DEFLATE
    addBodyEvents(this.chunked ? this.chunks.flaws : 0, this.decoder.flaws, deflate, context.events)
    if (trailer.end > 0) examineTrailer(this.windows.own(), trailer.bytes, trailer.end, context.events)
    this.raise(flow, area.bytes, 0, Math.min(this.head.length, area.length))
  }

  /** Hands out what has been added to the context's events. */
  private raise(flow: Flow, bytes: Uint8Array, start: number, end: number): void {
    const { context, request } = this
    const direction = request ? TO_SERVER : TO_CLIENT
    context.raise(flow, direction, this.windows.service, HTTP_GID, context.events, bytes, start, end)
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
    if (this.decoder.active) this.endBody(flow)
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
      if (before === CHUNK.TRAILER && this.context.needs.trailer)
        this.windows.trailer.keep(bytes, from, to, this.context)
      while (this.windows.wire.active && from < to) from = this.keepWire(flow, bytes, from, to)
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

  /** Takes body bytes, without the framing of chunks. Returns `end`, or where the message was given up. */
  private body(flow: Flow, bytes: Uint8Array, start: number, end: number): number {
    let from = start
    while (from < end && !this.done) {
      const to = this.windows.wire.active ? this.keepWire(flow, bytes, from, end) : end
      from = this.decoder.active ? this.decode(flow, bytes, from, to) : this.add(flow, bytes, from, to)
    }
    return from
  }

  private decode(flow: Flow, bytes: Uint8Array, start: number, end: number): number {
    const { decoder } = this
    let from = start
    while (decoder.next(bytes, from, end, this.context)) {
      from = decoder.position
      this.add(flow, decoder.output, decoder.start, decoder.end)
      if (this.done) return from
    }
    // What does not stand up to its checksum is not shown, unless some of it has been.
    if ((decoder.flaws & BODY_FLAW.CORRUPT) !== 0) this.area.truncate(this.head.length)
    return end
  }

  /** No more body comes: what the decoder holds comes out. */
  private endBody(flow: Flow): void {
    const { decoder } = this
    // Storing what comes out may fail, which ends the message too.
    this.ending = true
    if (decoder.finish(this.context)) this.add(flow, decoder.output, decoder.start, decoder.end)
    this.ending = false
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
    if (!this.context.needs.wire) return
    if (this.framing === FRAMING.CHUNKED || this.decoder.active)
      this.windows.wire.start(this.area, this.context)
  }

  /** Keeps as many of the bytes as fit the window, at least one; returns the index of the next one. */
  private keepWire(flow: Flow, bytes: Uint8Array, start: number, end: number): number {
    const { context } = this
    const { wire } = this.windows
    if (wire.room(context) === 0) {
      wire.full = true
      this.inspectStored(flow, false)
      wire.full = false
    }
    const room = wire.room(context)
    const to = end - start < room ? end : start + room
    return wire.keep(bytes, start, to, context) ? to : end
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
    const base = area.positionOf(start)
    const bodiless = this.framing === FRAMING.NO_BODY
    this.windows.inspect(flow, area.bytes, 0, start, area.inspected, area.length, base, bodiless, last)
    area.mark()
  }

  private close(): void {
    this.done = true
    this.area.release(this.context.pool)
    if (this.decoder.active) this.decoder.release(this.context)
    this.windows.close()
    this.listener = null
  }
}
