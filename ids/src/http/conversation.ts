/**
 * One TCP conversation as detection sees it: in-order bytes of both directions in, inspection units out.
 *
 * In: the stack's events for one flow (data, gaps, the end), by way of detection. Out: units of kind HTTP_REQUEST and
 * HTTP_RESPONSE where the bytes are HTTP, of kind STREAM where they are not. Each direction is told apart by the first
 * bytes of its turns; bytes whose kind is not clear yet wait. No byte is lost: what is not a message is a stream unit.
 */
import { type Http2Connection, PREFACE_LENGTH, PREFACE_REST } from '../http2/index.js'
import type { StreamCollector } from '../inspect/stream.js'
import { type Direction, SERVICE, type ServiceId, TO_CLIENT, TO_SERVER } from '../inspect/unit.js'
import {
  raiseBlanks,
  raiseEarlyTraffic,
  raiseLostSync,
  raiseNoRequest,
  raisePartial,
} from './conversation-events.js'
import type { ConversationPool } from './conversation-pool.js'
import { Exchanges } from './exchanges.js'
import { FRAMING } from './framing.js'
import { METHOD } from './head.js'
import {
  PROBE,
  type ProbeResult,
  probe,
  probeNextRequest,
  probeRequest,
  probeStatusLine,
  skipBlanks,
} from './probe.js'
import type { RequestQueue } from './queue.js'
import { MODE, Side } from './side.js'

/** Bytes after which a beginning that might be HTTP no longer is; more than any line the probe looks at. */
const PROBE_BYTES = 2304

export class Conversation<Flow> {
  /** HTTP once a message has been recognised; UNKNOWN before that and in tunnels. */
  service: ServiceId = SERVICE.UNKNOWN
  /**
   * Picked up midstream and nothing but its first packet seen: the bytes wait. Only when a second packet of the flow has
   * come (`confirm`) is it asked what they are; if none comes they are a raw turn. So does Snort.
   */
  waiting = false
  private readonly pool: ConversationPool<Flow>
  private readonly client = new Side<Flow>()
  private readonly server = new Side<Flow>()
  private readonly exchanges: Exchanges<Flow>
  /** Direction of the last data; -1 before the first. */
  private turn = -1
  /** Takes all bytes once it is there. */
  private http2: Http2Connection<Flow> | null = null

  constructor(pool: ConversationPool<Flow>) {
    this.pool = pool
    this.exchanges = new Exchanges(pool)
  }

  /** A later turn may begin a message even though earlier bytes did not. */
  set resynchronise(value: boolean) {
    this.exchanges.unpaired = value
  }

  /** Bytes of `direction` come next: what the other side has said is inspected before they count. */
  turnTo(flow: Flow, direction: Direction): void {
    if (this.http2 === null && direction !== this.turn) this.startTurn(flow, direction)
  }

  /** In-order bytes `bytes[start, end)` travelling in `direction`; valid during the call only. */
  data(flow: Flow, direction: Direction, bytes: Uint8Array, start: number, end: number): void {
    if (start >= end) return
    if (this.http2 !== null) {
      this.http2.data(flow, direction, bytes, start, end)
      return
    }
    this.turnTo(flow, direction)
    if (this.waiting && this.hold(direction, bytes, start, end)) return
    const side = direction === TO_SERVER ? this.client : this.server
    let from = start
    while (from < end) {
      if (side.mode === MODE.MESSAGE) from = this.feed(flow, side, bytes, from, end)
      else if (side.mode === MODE.PROBE) from = this.probe(flow, direction, side, bytes, from, end)
      else {
        this.rest(flow, direction, side, bytes, from, end)
        return
      }
    }
  }

  /** A second packet of a flow picked up midstream has come: what has waited is looked at. */
  confirm(flow: Flow): void {
    this.waiting = false
    if (this.turn < 0) return
    const side = this.turn === TO_SERVER ? this.client : this.server
    if (side.collector !== null) this.replay(flow, this.turn as Direction, side, side.collector, 0)
  }

  /** Keeps the bytes of a first packet. False when they do not fit: then they wait no longer. */
  private hold(direction: Direction, bytes: Uint8Array, start: number, end: number): boolean {
    const side = direction === TO_SERVER ? this.client : this.server
    this.waiting = this.collector(side).hold(bytes, start, end)
    return this.waiting
  }

  /** Bytes that are no HTTP/1. */
  private rest(
    flow: Flow,
    direction: Direction,
    side: Side<Flow>,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    if (this.http2 !== null) this.http2.data(flow, direction, bytes, start, end)
    else this.collector(side).append(flow, direction, this.service, bytes, start, end)
  }

  /** `length` bytes of `direction` will never come. */
  gap(flow: Flow, direction: Direction, length: number): void {
    const { counters } = this.pool.context
    counters.gaps++
    if (this.http2 !== null) {
      this.http2.gap(flow, direction, length)
      return
    }
    const side = direction === TO_SERVER ? this.client : this.server
    if (side.message !== null && side.collector === null && side.message.skip(flow, length)) {
      if (side.message.done) this.messageDone(side)
      return
    }
    this.flush(flow, direction, side)
    this.exchanges.unpaired = true
    if (direction === TO_CLIENT) this.exchanges.loseResponses()
  }

  /** The flow has ended, or nothing more of it will be looked at. The object must not be used afterwards. */
  close(flow: Flow): void {
    // In the order of the last turn: what was said first is inspected first.
    if (this.turn === TO_SERVER) {
      this.flush(flow, TO_CLIENT, this.server)
      this.flush(flow, TO_SERVER, this.client)
    } else {
      this.flush(flow, TO_SERVER, this.client)
      this.flush(flow, TO_CLIENT, this.server)
    }
    if (this.http2 !== null) {
      this.http2.close(flow)
      this.pool.giveHttp2(this.http2)
      this.http2 = null
    }
    this.exchanges.reset()
    this.client.reset()
    this.server.reset()
    this.service = SERVICE.UNKNOWN
    this.waiting = false
    this.turn = -1
    this.pool.giveConversation(this)
  }

  private startTurn(flow: Flow, direction: Direction): void {
    const before = this.turn
    this.turn = direction
    if (before >= 0) {
      const other = direction === TO_SERVER ? this.server : this.client
      this.endTurn(flow, before as Direction, other)
    }
    if (direction === TO_CLIENT) this.exchanges.serverTurn()
    const side = direction === TO_SERVER ? this.client : this.server
    if (side.mode === MODE.RAW) {
      if (this.exchanges.unpaired || this.service === SERVICE.HTTP) this.expect(side, false)
    } else if (side.mode === MODE.MESSAGE && side.message!.openEnded) {
      // A body without a known end: a new message may begin here.
      side.mode = MODE.PROBE
      side.following = false
    }
  }

  /** The other side has begun to send. */
  private endTurn(flow: Flow, direction: Direction, side: Side<Flow>): void {
    if (side.mode === MODE.MESSAGE) {
      if (side.message!.maybeSimple) {
        side.message!.finish(flow)
        this.messageDone(side)
      }
    } else if (side.message === null && side.collector !== null) {
      if (side.mode === MODE.PROBE) {
        if (this.service === SERVICE.UNKNOWN) {
          side.mode = MODE.RAW
          side.undecided = true
        } else if (side.following) raisePartial(this.pool.context, flow, direction)
      }
      this.endRaw(flow, direction, side)
    }
  }

  /** Decides what the next bytes are; returns the index up to which they have been dealt with. */
  private probe(
    flow: Flow,
    direction: Direction,
    side: Side<Flow>,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): number {
    let from = start
    const { collector } = side
    const { limits } = this.pool.context
    const most = limits.window < PROBE_BYTES ? limits.window : PROBE_BYTES
    let result: ProbeResult
    // Where the bytes that decide begin: blank lines before a message mean nothing (RFC 9112 section 2.2).
    let first: number
    if (collector === null) {
      if (side.following) {
        from = skipBlanks(bytes, from, end)
        raiseBlanks(this.pool.context, flow, direction, side, bytes, start, from)
        if (from === end) {
          side.blanks = true
          return end
        }
        side.blanks = false
        if (direction === TO_SERVER && this.exchanges.connecting) {
          this.exchanges.connecting = false
          raiseEarlyTraffic(this.pool.context, flow)
        }
      }
      const to = end - from < most ? end : from + most
      first = side.message === null ? skipBlanks(bytes, from, to) : from
      result = this.look(direction, side, bytes, first, to)
      if (result === PROBE.UNSURE) {
        if (to - from < most || first === to) {
          this.collector(side).append(flow, direction, this.service, bytes, from, to)
          // Nothing but blank lines says nothing about what comes behind them.
          if (to - from === most) this.endRaw(flow, direction, side)
          return to
        }
        result = PROBE.NOT_HTTP
      }
    } else {
      const room = most - collector.held
      const to = end - from < room ? end : from + room
      collector.append(flow, direction, this.service, bytes, from, to)
      from = to
      first = side.message === null ? skipBlanks(collector.heldBytes, 0, collector.held) : 0
      result = this.look(direction, side, collector.heldBytes, first, collector.held)
      if (result === PROBE.UNSURE) {
        if (collector.held < most) return from
        if (first === collector.held && side.message === null) {
          this.endRaw(flow, direction, side)
          return from
        }
        result = PROBE.NOT_HTTP
      }
    }
    const { message } = side
    const { context } = this.pool
    const { queue } = this.exchanges
    // What has been looked at: `seen[begin, stop)`.
    const seen = collector === null ? bytes : collector.heldBytes
    const begin = collector === null ? from : 0
    const stop = collector === null ? end : collector.held
    if (result === PROBE.HTTP) {
      if (message !== null) {
        message.finish(flow)
        this.messageDone(side)
      }
      raiseBlanks(context, flow, direction, side, seen, begin, first)
      this.beginMessage(flow, direction, side)
    } else if (message !== null) {
      side.mode = MODE.MESSAGE
    } else if (
      direction === TO_CLIENT &&
      this.service === SERVICE.HTTP &&
      queue !== null &&
      queue.length > 0 &&
      (limits.lenientHttp || queue.nextIsSimple)
    ) {
      // An answer without a head: HTTP/0.9, or something that only looks as if.
      queue.shift()
      side.message = this.pool.takeMessage()
      side.message.beginHeadless(this.exchanges, queue)
      side.mode = MODE.MESSAGE
    } else {
      if (this.service === SERVICE.HTTP) {
        raiseBlanks(context, flow, direction, side, seen, begin, first)
        raiseLostSync(context, flow, direction, seen, first, stop)
      }
      side.mode = MODE.RAW
      // What has been collected stays there: it is the beginning of the raw turn.
      return from
    }
    if (collector === null) return result === PROBE.HTTP ? first : from
    this.replay(flow, direction, side, collector, result === PROBE.HTTP ? first : 0)
    return from
  }

  /** Recognised late: the collected bytes are fed from the collector, which then is free again. */
  private replay(
    flow: Flow,
    direction: Direction,
    side: Side<Flow>,
    collector: StreamCollector<Flow>,
    start: number,
  ): void {
    side.collector = null
    const held = collector.held
    let at = start
    while (at < held) {
      if (side.mode === MODE.MESSAGE) at = this.feed(flow, side, collector.heldBytes, at, held)
      else if (side.mode === MODE.PROBE) at = this.probe(flow, direction, side, collector.heldBytes, at, held)
      else {
        this.rest(flow, direction, side, collector.heldBytes, at, held)
        break
      }
    }
    collector.reset()
    this.pool.giveCollector(collector)
  }

  private look(
    direction: Direction,
    side: Side<Flow>,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): ProbeResult {
    if (direction === TO_SERVER) {
      // No HTTP server greets: `COPY …` or `DELETE …` behind a greeting are the words of another protocol.
      const greeted = this.service === SERVICE.UNKNOWN && this.server.mode === MODE.RAW
      return side.following ? probeNextRequest(bytes, start, end) : probeRequest(bytes, start, end, !greeted)
    }
    return !this.pool.context.limits.lenientHttp
      ? probeStatusLine(bytes, start, end)
      : probe(bytes, start, end, direction)
  }

  private beginMessage(flow: Flow, direction: Direction, side: Side<Flow>): void {
    if (this.service !== SERVICE.HTTP) {
      this.service = SERVICE.HTTP
      this.pool.context.counters.httpFlows++
      if (direction === TO_CLIENT && this.client.mode === MODE.RAW) {
        raiseNoRequest(this.pool.context, flow, this.client.undecided)
      }
    }
    const message = this.pool.takeMessage()
    message.begin(direction === TO_SERVER, this.exchanges, this.queueFor(direction))
    side.message = message
    side.mode = MODE.MESSAGE
    side.blanks = false
    side.blanksTold = false
    side.blankBytes = 0
  }

  private queueFor(direction: Direction): RequestQueue | null {
    return direction === TO_CLIENT ? this.exchanges.queue : null
  }

  private feed(flow: Flow, side: Side<Flow>, bytes: Uint8Array, start: number, end: number): number {
    const message = side.message!
    const from = message.feed(flow, bytes, start, end)
    if (message.done) {
      this.messageDone(side)
      if (message.abandoned) side.mode = MODE.RAW
    }
    return from
  }

  /** A message is over: the direction waits for the next one, or both become a tunnel. */
  private messageDone(side: Side<Flow>): void {
    const message = side.message!
    if (message.request && message.head.method === METHOD.HTTP2_PREFACE) {
      side.message = null
      this.pool.giveMessage(message)
      this.startHttp2(PREFACE_REST)
      return
    }
    side.message = null
    this.expect(side, true)
    this.pool.giveMessage(message)
    const { exchanges } = this
    if (message.request) exchanges.requestDone()
    else exchanges.responseDone(message.head.status)
    if (exchanges.tunnelled) {
      exchanges.tunnelled = false
      if (exchanges.upgraded) {
        this.startHttp2(PREFACE_LENGTH)
        return
      }
      this.pool.context.counters.tunnels++
      this.service = SERVICE.UNKNOWN
      exchanges.unpaired = true
      if (this.client.mode === MODE.PROBE) this.client.following = false
      if (this.server.mode === MODE.PROBE) this.server.following = false
      exchanges.dropQueue()
    }
  }

  /** From here on both directions are frames. @param preface bytes of the preface that the client has still to send */
  private startHttp2(preface: number): void {
    const http2 = this.pool.takeHttp2()
    this.http2 = http2
    this.service = SERVICE.HTTP2
    this.client.mode = MODE.RAW
    this.server.mode = MODE.RAW
    http2.open(preface)
    const asked = this.exchanges.upgraded ? this.exchanges.takeQueue() : null
    if (asked !== null) http2.upgraded(asked)
    else this.exchanges.dropQueue()
  }

  private expect(side: Side<Flow>, following: boolean): void {
    side.mode = this.pool.context.limits.rawStreams ? MODE.RAW : MODE.PROBE
    side.following = following
  }

  /** Both directions are bytes from the beginning. */
  keepRaw(): void {
    this.expect(this.client, false)
    this.expect(this.server, false)
  }

  /** Inspects everything a direction holds. */
  private flush(flow: Flow, direction: Direction, side: Side<Flow>): void {
    if (side.message !== null) {
      // Bytes that might have begun a new message belong to this one after all.
      const { collector, message } = side
      if (collector !== null) {
        side.collector = null
        message.feed(flow, collector.heldBytes, 0, collector.held)
        collector.reset()
        this.pool.giveCollector(collector)
      }
      if (!message.done && message.framing !== FRAMING.TO_CLOSE)
        this.pool.context.counters.truncatedMessages++
      message.finish(flow)
      this.messageDone(side)
    } else if (side.collector !== null) {
      if (side.mode === MODE.PROBE && side.following && this.service === SERVICE.HTTP) {
        raisePartial(this.pool.context, flow, direction)
      }
      this.endRaw(flow, direction, side)
    } else if (side.mode === MODE.PROBE && side.blanks) {
      raisePartial(this.pool.context, flow, direction)
    }
    this.expect(side, false)
  }

  private endRaw(flow: Flow, direction: Direction, side: Side<Flow>): void {
    const collector = side.collector!
    side.collector = null
    collector.finish(flow, direction, this.service)
    this.pool.giveCollector(collector)
  }

  private collector(side: Side<Flow>): StreamCollector<Flow> {
    if (side.collector === null) side.collector = this.pool.takeCollector()
    return side.collector
  }
}
