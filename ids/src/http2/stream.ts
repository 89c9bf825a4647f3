/** One stream of an HTTP/2 connection: a request and its response, each read by an `HttpMessage`. */
import { FRAMING, type FramingId, type HeadListener } from '../http/framing.js'
import type { HttpMessage } from '../http/message.js'
import { RequestQueue } from '../http/queue.js'
import type { InspectionContext } from '../inspect/context.js'

export class Http2Stream<Flow> implements HeadListener<Flow> {
  id = 0
  /** Open messages, by direction. */
  readonly messages: [HttpMessage<Flow> | null, HttpMessage<Flow> | null] = [null, null]
  /** What has come: see `connection.ts`. */
  state = 0
  /** The message whose head is being read has no body. */
  bodiless = false
  /** Bytes of the bodies so far, by direction. */
  readonly received: [number, number] = [0, 0]
  /** There were more of them than announced, which has been told. */
  readonly overrun: [boolean, boolean] = [false, false]
  /** The request, for alerts on the response and rules that name it. */
  asked: RequestQueue
  private readonly own = new RequestQueue(1)
  private readonly context: InspectionContext<Flow>

  constructor(context: InspectionContext<Flow>) {
    this.context = context
    this.asked = this.own
  }

  open(id: number): void {
    this.id = id
    this.state = 0
    this.received[0] = 0
    this.received[1] = 0
    this.overrun[0] = false
    this.overrun[1] = false
    this.asked = this.own
  }

  headComplete(message: HttpMessage<Flow>, bytes: Uint8Array, at: number): FramingId {
    if (message.request) this.asked.push(message.head, bytes, at, this.context.pool, 0)
    else if (this.asked.length > 0 && !isInterim(message.head.status)) this.asked.shift()
    return this.bodiless ? FRAMING.NO_BODY : FRAMING.TO_CLOSE
  }

  close(): void {
    this.asked.clear(this.context.pool)
  }
}

function isInterim(status: number): boolean {
  return status >= 100 && status <= 199
}
