/**
 * The buffers of the request that a response answers, for rules on responses that name them.
 *
 * In: the kept head of that request. Out: ranges, valid until the next `read`. One per worker; used when such a rule is
 * evaluated, not before.
 */
import { BUF, type BufferId, BufferSet } from '../inspect/buffers.js'
import type { HttpPartName } from '../inspect/http-part.js'
import { InspectCounters, type InspectLimits } from '../inspect/limits.js'
import { Scanner } from '../inspect/scanner.js'
import { Scratch } from '../inspect/scratch.js'
import { fillRequest, headScratch } from './fill.js'
import { HttpHead } from './head.js'
import type { HeadSource } from './head-lines.js'
import type { RequestQueue } from './queue.js'

/** Parts of which, when they are named whole, every request has a buffer. */
export const WHOLE_PARTS: Readonly<Partial<Record<HttpPartName, BufferId>>> = {
  uri: BUF.HTTP_URI,
  raw_uri: BUF.HTTP_RAW_URI,
  header: BUF.HTTP_HEADER,
  raw_header: BUF.HTTP_RAW_HEADER,
  cookie: BUF.HTTP_COOKIE,
  raw_cookie: BUF.HTTP_RAW_COOKIE,
  method: BUF.HTTP_METHOD,
}

export class AskedRequest implements HeadSource {
  readonly head = new HttpHead()
  bytes: Uint8Array = new Uint8Array(0)
  at = 0
  readonly request = true
  framed = false
  private readonly set = new BufferSet()
  private readonly scratch = new Scratch()
  private readonly scanner = new Scanner()
  /** The request was counted when it was inspected itself. */
  private readonly counters = new InspectCounters()

  /** Reads the head of the current request of the queue; false when it was not kept. @param framed HTTP/2 */
  read(queue: RequestQueue | null, framed: boolean, limits: InspectLimits): boolean {
    this.framed = framed
    if (queue === null || queue.start < 0) return false
    this.bytes = queue.bytes
    this.at = queue.start
    this.head.parse(queue.bytes, queue.start, queue.end, true, true, limits, this.scanner)
    return true
  }

  /** Fills `slot` of `set` with a buffer of the request read last; false when it has none of that kind. */
  fill(id: BufferId, set: BufferSet, slot: BufferId, limits: InspectLimits): boolean {
    const { head, bytes, at, scratch } = this
    scratch.reset(headScratch(head.length))
    fillRequest(this.set, head, bytes, at, scratch, limits, this.counters)
    if (!this.set.has(id)) return false
    set.set(slot, this.set.bytes[id]!, this.set.start[id]!, this.set.end[id]!)
    return true
  }
}
