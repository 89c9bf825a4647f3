/** Objects that the conversations of one worker borrow while they hold something. */
import { Http2Connection, Http2Memory } from '../http2/index.js'
import type { InspectionContext } from '../inspect/context.js'
import { StreamCollector } from '../inspect/stream.js'
import { Conversation } from './conversation.js'
import { HttpMessage } from './message.js'
import { RequestQueue } from './queue.js'

/** Idle objects kept of each kind. */
const KEEP = 4096

export class ConversationPool<Flow> {
  readonly context: InspectionContext<Flow>
  private readonly conversations: Conversation<Flow>[] = []
  private readonly messages: HttpMessage<Flow>[] = []
  private readonly collectors: StreamCollector<Flow>[] = []
  private readonly queues: RequestQueue[] = []
  private readonly http2: Http2Connection<Flow>[] = []
  private http2Memory: Http2Memory<Flow> | null = null

  constructor(context: InspectionContext<Flow>) {
    this.context = context
  }

  /** @param midstream the flow's beginning was not seen: HTTP may begin at any turn, from the second packet on */
  open(midstream: boolean): Conversation<Flow> {
    const conversation = this.conversations.pop() ?? new Conversation(this)
    conversation.resynchronise = midstream
    conversation.waiting = midstream
    if (this.context.limits.rawStreams) conversation.keepRaw()
    return conversation
  }

  takeHttp2(): Http2Connection<Flow> {
    this.http2Memory ??= new Http2Memory(this.context)
    return this.http2.pop() ?? new Http2Connection(this, this.http2Memory)
  }

  giveHttp2(connection: Http2Connection<Flow>): void {
    if (this.http2.length < 64) this.http2.push(connection)
  }

  takeMessage(): HttpMessage<Flow> {
    return this.messages.pop() ?? new HttpMessage(this.context)
  }

  giveMessage(message: HttpMessage<Flow>): void {
    if (this.messages.length < KEEP) this.messages.push(message)
  }

  takeCollector(): StreamCollector<Flow> {
    return this.collectors.pop() ?? new StreamCollector(this.context)
  }

  giveCollector(collector: StreamCollector<Flow>): void {
    if (this.collectors.length < KEEP) this.collectors.push(collector)
  }

  takeQueue(): RequestQueue {
    return this.queues.pop() ?? new RequestQueue(this.context.limits.outstandingRequests)
  }

  giveQueue(queue: RequestQueue): void {
    if (this.queues.length < KEEP) this.queues.push(queue)
  }

  giveConversation(conversation: Conversation<Flow>): void {
    if (this.conversations.length < KEEP) this.conversations.push(conversation)
  }
}
