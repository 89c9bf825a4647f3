/**
 * An HTTP/2 connection in the clear (RFC 9113): frames in, requests and responses out, as those of HTTP/1.
 *
 * In: the bytes of both directions from the preface on (or from the answer to an upgrade), by way of `Conversation`. Out:
 * units of the requests and responses of every stream, with `SERVICE.HTTP2`. Header blocks are decoded whole, bodies are
 * inspected as they come. After an error, or a limit on which the rest depends, the direction is inspected as raw data.
 */
import { HTTP_EVENT, HTTP_GID, type HttpEventId } from '../builtin/http.js'
import { HTTP2_EVENT, HTTP2_GID } from '../builtin/http2.js'
import type { ConversationPool } from '../http/conversation-pool.js'
import type { HttpMessage } from '../http/message.js'
import type { RequestQueue } from '../http/queue.js'
import type { InspectionContext } from '../inspect/context.js'
import { type Direction, SERVICE, TO_CLIENT, TO_SERVER } from '../inspect/unit.js'
import { FLAG, FRAME } from './frames.js'
import { HeadBuilder } from './head-builder.js'
import { HpackMemory } from './hpack.js'
import { Http2Side } from './side.js'
import { Http2Stream } from './stream.js'

/** What clients begin with (section 3.4). */
const PREFACE = Uint8Array.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', (char) => char.charCodeAt(0))
/** What is left of it when the beginning has been read as a request head. */
export const PREFACE_REST = 6
export const PREFACE_LENGTH = PREFACE.length

const NONE = new Uint8Array(0)

/** Bits of `Http2Stream.state`, shifted by the direction. */
const HEAD_SEEN = 1
const ENDED = 4
const ALL_ENDED = ENDED | (ENDED << 1)

/** What the connections of one worker share. */
export class Http2Memory<Flow> {
  readonly builder: HeadBuilder
  readonly hpack = new HpackMemory()
  readonly streams: Http2Stream<Flow>[] = []
  private readonly context: InspectionContext<Flow>

  constructor(context: InspectionContext<Flow>) {
    this.context = context
    this.builder = new HeadBuilder(context.limits.headBytes)
  }

  takeStream(id: number): Http2Stream<Flow> {
    const stream = this.streams.pop() ?? new Http2Stream(this.context)
    stream.open(id)
    return stream
  }

  giveStream(stream: Http2Stream<Flow>): void {
    stream.close()
    if (this.streams.length < 1024) this.streams.push(stream)
  }
}

export class Http2Connection<Flow> {
  private readonly pool: ConversationPool<Flow>
  private readonly memory: Http2Memory<Flow>
  private readonly sides: readonly [Http2Side<Flow>, Http2Side<Flow>] = [new Http2Side(), new Http2Side()]
  private readonly streams = new Map<number, Http2Stream<Flow>>()

  constructor(pool: ConversationPool<Flow>, memory: Http2Memory<Flow>) {
    this.pool = pool
    this.memory = memory
  }

  /** @param preface bytes of the preface that the client has still to send */
  open(preface: number): void {
    this.sides[TO_SERVER].open(preface)
    this.sides[TO_CLIENT].open(0)
    this.pool.context.counters.http2Flows++
  }

  /** The first stream answers a request that came before the connection went over to HTTP/2. */
  upgraded(request: RequestQueue): void {
    const stream = this.memory.takeStream(1)
    stream.asked = request
    stream.state = (HEAD_SEEN | ENDED) << TO_SERVER
    this.streams.set(1, stream)
  }

  /** In-order bytes `bytes[start, end)`, valid during the call. */
  data(flow: Flow, direction: Direction, bytes: Uint8Array, start: number, end: number): void {
    const side = this.sides[direction]
    const { frame } = side
    let from = start
    while (from < end) {
      if (side.broken) {
        side.collector ??= this.pool.takeCollector()
        side.collector.append(flow, direction, SERVICE.HTTP2, bytes, from, end)
        return
      }
      let good = true
      if (side.preface > 0) {
        good = bytes[from++] === PREFACE[PREFACE.length - side.preface--]
        if (!good) side.fault = HTTP2_EVENT.BAD_PREFACE
      } else if (!frame.complete) {
        from = frame.read(bytes, from, end)
        if (!frame.complete) return
        if (frame.type === FRAME.PUSH_PROMISE && direction === TO_SERVER)
          side.fault = HTTP2_EVENT.PROMISE_OF_CLIENT
        good = side.beginFrame() && this.countFrame(side)
        if (good && frame.remaining === 0) good = this.endFrame(flow, direction, side)
      } else {
        const to = end - from < frame.remaining ? end : from + frame.remaining
        frame.remaining -= to - from
        const next = this.payload(flow, direction, side, bytes, from, to)
        good = next >= 0
        if (good && frame.remaining === 0) good = this.endFrame(flow, direction, side)
        // What has not been read is raw data.
        from = next < 0 ? ~next : to
      }
      if (side.fault !== 0) this.tell(flow, direction, side)
      if (!good) this.giveUp(flow, direction, side)
    }
  }

  /** Hands out what is wrong, when such events are wanted. */
  private tell(flow: Flow, direction: Direction, side: Http2Side<Flow>): void {
    const { context } = this.pool
    if (context.needs.events) {
      context.events.add(side.fault)
      context.raise(flow, direction, SERVICE.HTTP2, HTTP2_GID, context.events, NONE, 0, 0)
    }
    side.fault = 0
  }

  /** A frame of a body has ended: what has come of it against what was announced. */
  private judgeBody(flow: Flow, direction: Direction, id: number, flags: number): void {
    const stream = this.streams.get(id)
    const announced = stream?.messages[direction]?.head.contentLength ?? -1
    if (stream === undefined || announced < 0) return
    const received = stream.received[direction]
    if (received > announced && !stream.overrun[direction]) {
      stream.overrun[direction] = true
      this.raise(flow, direction, HTTP_EVENT.HTTP2_BODY_TOO_LONG)
    }
    if ((flags & FLAG.END_STREAM) !== 0 && received < announced)
      this.raise(flow, direction, HTTP_EVENT.HTTP2_BODY_TOO_SHORT)
  }

  private raise(flow: Flow, direction: Direction, event: HttpEventId): void {
    const { context } = this.pool
    context.events.add(event)
    context.raise(flow, direction, SERVICE.HTTP2, HTTP_GID, context.events, NONE, 0, 0)
  }

  /** `length` bytes will never come. Only within bodies and frames of no interest is it known where it goes on. */
  gap(flow: Flow, direction: Direction, length: number): void {
    const side = this.sides[direction]
    if (side.broken) {
      this.endRaw(flow, direction, side)
      return
    }
    const { frame } = side
    const inContent = frame.complete && side.prefixLeft === 0 && length <= side.content
    if (!inContent || side.blockOpen || length >= frame.remaining || frame.type === FRAME.RST_STREAM) {
      this.giveUp(flow, direction, side)
      return
    }
    frame.remaining -= length
    side.content -= length
    const stream = this.streams.get(frame.stream)
    const message = stream?.messages[direction]
    if (stream === undefined || !message) return
    message.skip(flow, length)
  }

  /** The flow has ended. */
  close(flow: Flow): void {
    const { context } = this.pool
    for (const stream of this.streams.values()) {
      for (const direction of [TO_SERVER, TO_CLIENT] as const) {
        if (stream.messages[direction] === null) continue
        context.counters.truncatedMessages++
        this.finish(flow, stream, direction)
      }
      this.memory.giveStream(stream)
    }
    this.streams.clear()
    for (const direction of [TO_SERVER, TO_CLIENT] as const) {
      const side = this.sides[direction]
      this.endRaw(flow, direction, side)
      side.closeBlock(context)
      side.hpack.reset(context)
    }
  }

  /** False when there are more continuations than any header block needs. */
  private countFrame(side: Http2Side<Flow>): boolean {
    if (side.frame.type !== FRAME.CONTINUATION) return true
    const { limits, counters } = this.pool.context
    if (++side.continuations <= limits.http2Continuations) return true
    counters.http2HeaderBlockTooLong++
    return false
  }

  /** Returns `end`, or the complement of the index behind which frames can no longer be read. */
  private payload(
    flow: Flow,
    direction: Direction,
    side: Http2Side<Flow>,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): number {
    let from = start
    while (side.prefixLeft > 0 && from < end) if (!side.takePrefix(bytes[from++]!)) return ~from
    const to = end - from < side.content ? end : from + side.content
    if (to === from) return end
    side.content -= to - from
    if (side.blockOpen) {
      const room = this.pool.context.limits.http2HeaderBlock - side.blockLength
      if (side.addToBlock(bytes, from, to, this.pool.context)) return end
      return ~(to - from > room ? from + room : from)
    }
    if (side.frame.type === FRAME.DATA) {
      const stream = this.streams.get(side.frame.stream)
      const message = stream?.messages[direction]
      if (stream !== undefined && message) {
        stream.received[direction] += to - from
        const taken = message.done ? from : message.feed(flow, bytes, from, to)
        if (taken < to) this.inspectRaw(flow, direction, bytes, taken, to)
      }
    }
    return end
  }

  private endFrame(flow: Flow, direction: Direction, side: Http2Side<Flow>): boolean {
    const { type, flags, stream: id } = side.frame
    side.frame.reset()
    if (side.blockOpen) {
      if ((flags & FLAG.END_HEADERS) === 0) return true
      const good = this.headers(flow, direction, side)
      side.closeBlock(this.pool.context)
      return good
    }
    if (type === FRAME.DATA && this.pool.context.needs.events) this.judgeBody(flow, direction, id, flags)
    const ends = type === FRAME.RST_STREAM || (type === FRAME.DATA && (flags & FLAG.END_STREAM) !== 0)
    const stream = ends ? this.streams.get(id) : undefined
    if (stream === undefined) return true
    if (type === FRAME.RST_STREAM) this.finish(flow, stream, direction === TO_SERVER ? TO_CLIENT : TO_SERVER)
    this.finish(flow, stream, direction)
    if (type === FRAME.RST_STREAM || (stream.state & ALL_ENDED) === ALL_ENDED) this.forget(stream)
    return true
  }

  /** A header block is complete. False when it cannot be decoded. */
  private headers(flow: Flow, direction: Direction, side: Http2Side<Flow>): boolean {
    const { context } = this.pool
    const { builder, hpack } = this.memory
    builder.begin()
    if (!side.hpack.decode(side.block, 0, side.blockLength, builder, hpack, context)) {
      side.fault = HTTP2_EVENT.BAD_HEADER_BLOCK
      return false
    }
    const id = side.promised || side.blockStream
    const known = this.streams.get(id)
    // Promises are requests that the server makes in the client's name.
    const way: Direction = side.promised !== 0 ? TO_SERVER : direction
    if (known !== undefined && (known.state & (HEAD_SEEN << way)) !== 0) {
      known.messages[way]?.keepTrailer(builder.trailer, builder.trailerEnd)
    } else if (way === TO_SERVER || builder.hasStatus) {
      if (way === TO_SERVER && !builder.hasMethod) side.fault = HTTP2_EVENT.NO_METHOD
      this.head(flow, way, id, known, side.blockEnds || side.promised !== 0)
    } else side.fault = HTTP2_EVENT.NO_STATUS
    if (builder.cut) context.counters.headTooLong++
    const stream = this.streams.get(id)
    if (stream !== undefined && (side.blockEnds || side.promised !== 0)) {
      this.finish(flow, stream, way)
      if ((stream.state & ALL_ENDED) === ALL_ENDED) this.forget(stream)
    }
    return true
  }

  /** @param ends no body follows */
  private head(
    flow: Flow,
    direction: Direction,
    id: number,
    known: Http2Stream<Flow> | undefined,
    ends: boolean,
  ): void {
    const { context } = this.pool
    const { builder } = this.memory
    const request = direction === TO_SERVER
    let interim = false
    if (request) builder.request()
    else {
      const status = builder.response()
      interim = status >= 100 && status <= 199 && !ends
    }
    // Beyond the limit heads are inspected, bodies are not.
    const tracked = known !== undefined || this.streams.size < context.limits.http2Streams
    const stream = known ?? this.memory.takeStream(id)
    if (known === undefined) {
      if (tracked) this.streams.set(id, stream)
      else context.counters.http2TooManyStreams++
      context.counters.http2Streams++
    }
    const message = this.pool.takeMessage()
    stream.bodiless = ends || interim || !tracked
    message.begin(request, stream, request ? null : stream.asked, SERVICE.HTTP2)
    message.feed(flow, builder.bytes, 0, builder.length)
    if (message.abandoned) {
      // No memory for what is to follow the head, but the head itself needs none.
      stream.bodiless = true
      message.begin(request, stream, request ? null : stream.asked, SERVICE.HTTP2)
      message.feed(flow, builder.bytes, 0, builder.length)
    }
    if (message.done) this.pool.giveMessage(message)
    else stream.messages[direction] = message
    if (!tracked) this.memory.giveStream(stream)
    else if (!interim) stream.state |= HEAD_SEEN << direction
  }

  /** Part of a body for which there is no memory. */
  private inspectRaw(flow: Flow, direction: Direction, bytes: Uint8Array, start: number, end: number): void {
    const collector = this.pool.takeCollector()
    collector.append(flow, direction, SERVICE.HTTP2, bytes, start, end)
    collector.finish(flow, direction, SERVICE.HTTP2)
    this.pool.giveCollector(collector)
  }

  /** Nothing more comes in this direction of the stream. */
  private finish(flow: Flow, stream: Http2Stream<Flow>, direction: Direction): void {
    stream.state |= ENDED << direction
    const message: HttpMessage<Flow> | null = stream.messages[direction] ?? null
    if (message === null) return
    stream.messages[direction] = null
    message.finish(flow)
    this.pool.giveMessage(message)
  }

  private forget(stream: Http2Stream<Flow>): void {
    this.streams.delete(stream.id)
    this.memory.giveStream(stream)
  }

  /** Frames, or header blocks, can no longer be read: what is there is inspected, and the rest as it comes. */
  private giveUp(flow: Flow, direction: Direction, side: Http2Side<Flow>): void {
    const { context } = this.pool
    context.counters.http2Errors++
    side.broken = true
    side.closeBlock(context)
    for (const stream of this.streams.values()) this.finish(flow, stream, direction)
  }

  private endRaw(flow: Flow, direction: Direction, side: Http2Side<Flow>): void {
    const { collector } = side
    if (collector === null) return
    side.collector = null
    collector.finish(flow, direction, SERVICE.HTTP2)
    this.pool.giveCollector(collector)
  }
}
