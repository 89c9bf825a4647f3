/**
 * Requests and the responses that answer them, on one connection.
 *
 * In: the head of every message, when it is there. Out: how its body is framed, which for a response depends on what was
 * asked; whether the connection goes over to something else. Told by `HttpMessage`, asked by `Conversation`.
 */
import { HTTP_EVENT } from '../builtin/http.js'
import { judgeTunnel } from './conversation-events.js'
import type { ConversationPool } from './conversation-pool.js'
import { askedBy, upgradesToHttp2 } from './facts.js'
import { FRAMING, type FramingId, type HeadListener } from './framing.js'
import { type HttpHead, METHOD, VERSION_09 } from './head.js'
import type { HttpMessage } from './message.js'
import { ASKED, type RequestQueue } from './queue.js'

/** Snort calls more than this many requests without an answer an event. */
const MOST_OUTSTANDING = 100

export class Exchanges<Flow> implements HeadListener<Flow> {
  /** Requests that wait for their response; held while there are any. */
  queue: RequestQueue | null = null
  /** What came before is not known: a response may answer what was not seen. */
  unpaired = false
  /** A CONNECT or an upgrade has been accepted. */
  tunnelled = false
  /** What the connection goes over to is HTTP/2. */
  upgraded = false
  /** A gap in the responses: how many of them it held is not known. */
  private responsesLost = false
  /** The last request was a CONNECT, to which there is no answer yet. */
  connecting = false
  /** Its body has not come to its end. */
  private connectOpen = false
  private anyRequest = false
  /** A request of HTTP/0.9 has been seen, which ought to be the last. */
  private simpleRequest = false
  private readonly pool: ConversationPool<Flow>

  constructor(pool: ConversationPool<Flow>) {
    this.pool = pool
  }

  reset(): void {
    this.dropQueue()
    this.unpaired = false
    this.tunnelled = false
    this.upgraded = false
    this.responsesLost = false
    this.connecting = false
    this.connectOpen = false
    this.anyRequest = false
    this.simpleRequest = false
  }

  headComplete(message: HttpMessage<Flow>, bytes: Uint8Array, at: number): FramingId {
    return message.request ? this.requestHead(message, bytes, at) : this.responseHead(message, bytes, at)
  }

  /** The server begins to speak. */
  serverTurn(): void {
    if (!this.responsesLost) return
    // What was asked before the last request has been answered in the gap, or never will be.
    this.responsesLost = false
    if (this.queue !== null) this.queue.keepLast()
  }

  /** Bytes of the server are missing. */
  loseResponses(): void {
    this.responsesLost = true
    if (this.queue !== null) this.queue.keepLast()
  }

  /** A request has been read to its end. */
  requestDone(): void {
    this.connectOpen = false
  }

  /** A response has been read to its end. */
  responseDone(status: number): void {
    if (this.queue === null || this.upgraded) return
    if (this.queue.length === 0) this.dropQueue()
    else if (!isInterim(status)) this.queue.release()
  }

  /** The requests that wait, for whom answers them from now on. */
  takeQueue(): RequestQueue | null {
    const { queue } = this
    this.queue = null
    return queue
  }

  dropQueue(): void {
    if (this.queue === null) return
    this.queue.clear(this.pool.context.pool)
    this.pool.giveQueue(this.queue)
    this.queue = null
  }

  private requestHead(message: HttpMessage<Flow>, bytes: Uint8Array, at: number): FramingId {
    const { head } = message
    const { context } = this.pool
    if (head.method === METHOD.HTTP2_PREFACE) return FRAMING.NO_MESSAGE
    if (this.queue === null) this.queue = this.pool.takeQueue()
    const asked = context.needs.events ? askedBy(head, bytes, at) : 0
    if (!this.queue.push(head, bytes, at, context.pool, asked)) context.counters.tooManyOutstanding++
    const framing = this.requestFraming(head)
    this.connecting = head.method === METHOD.CONNECT
    this.connectOpen = this.connecting && framing !== FRAMING.NO_BODY
    if (context.needs.events) this.examineRequest(head, this.queue)
    return framing
  }

  private requestFraming(head: HttpHead): FramingId {
    if (this.usesTransferEncoding(head)) return head.chunked ? FRAMING.CHUNKED : FRAMING.NO_BODY
    return head.contentLength > 0 ? FRAMING.LENGTH : FRAMING.NO_BODY
  }

  private examineRequest({ version }: HttpHead, queue: RequestQueue): void {
    const { events } = this.pool.context
    if (queue.length === MOST_OUTSTANDING + 1) events.add(HTTP_EVENT.MANY_OUTSTANDING)
    if (this.connectOpen) events.add(HTTP_EVENT.CONNECT_BODY)
    if (this.simpleRequest) events.add(HTTP_EVENT.REQUEST_AFTER_0_9)
    else if (version === VERSION_09 && this.anyRequest) events.add(HTTP_EVENT.LATE_0_9)
    this.anyRequest = true
    if (version === VERSION_09) this.simpleRequest = true
  }

  private responseHead(message: HttpMessage<Flow>, bytes: Uint8Array, at: number): FramingId {
    const { head } = message
    const { status } = head
    const { queue } = this
    const { context } = this.pool
    const expected = queue !== null && queue.length > 0
    if (!expected && !this.unpaired) context.events.add(HTTP_EVENT.RESPONSE_BEFORE_REQUEST)
    if (isInterim(status)) {
      if (status === 100 && expected && context.needs.events) this.examineContinue(queue)
      return FRAMING.NO_BODY
    }
    if (queue !== null) queue.shift()
    if (status === 206 && expected && (queue.asked & ASKED.RANGE) === 0)
      context.events.add(HTTP_EVENT.UNASKED_RANGE)
    const method = queue === null ? METHOD.OTHER : queue.method
    if (method === METHOD.CONNECT) {
      judgeTunnel(context, head, this.connectOpen)
      this.connecting = false
    }
    if (status === 101 || (method === METHOD.CONNECT && status >= 200 && status <= 299)) {
      this.tunnelled = true
      this.upgraded = status === 101 && upgradesToHttp2(bytes, at, at + head.length)
      return FRAMING.NO_BODY
    }
    if (status === 204 || status === 304 || method === METHOD.HEAD) return FRAMING.NO_BODY
    if (this.usesTransferEncoding(head)) return head.chunked ? FRAMING.CHUNKED : FRAMING.TO_CLOSE
    if (head.contentLength > 0) return FRAMING.LENGTH
    return head.contentLength === 0 ? FRAMING.NO_BODY : FRAMING.TO_CLOSE
  }

  private examineContinue(queue: RequestQueue): void {
    const { events } = this.pool.context
    const asked = queue.nextAsked
    if ((asked & ASKED.CONTINUED) !== 0) events.add(HTTP_EVENT.REPEATED_100)
    else if ((asked & ASKED.CONTINUE) === 0) events.add(HTTP_EVENT.UNASKED_100)
    queue.continued()
  }

  /** HTTP/1.0 knows no transfer codings; some clients undo them all the same. */
  private usesTransferEncoding({ transferEncoding, version }: HttpHead): boolean {
    return transferEncoding && (version !== 10 || this.pool.context.limits.lenientHttp)
  }
}

/** 1xx: the answer proper follows. (101 is one itself: the protocol changes after it.) */
function isInterim(status: number): boolean {
  return status >= 100 && status <= 199 && status !== 101
}
