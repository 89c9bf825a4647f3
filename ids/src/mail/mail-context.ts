/** What the mail trackers of one worker share: the inspection context, the place in the present turn, idle MIME parsers. */
import type { InspectionContext } from '../inspect/context.js'
import { EventList } from '../inspect/event-list.js'
import type { Direction, ServiceId } from '../inspect/unit.js'
import { TurnPosition } from './file-body.js'
import type { LineHead } from './lines.js'
import { MimeParser } from './mime.js'

/** Idle parsers kept. */
const KEEP = 256

export class MailContext<Flow> {
  readonly context: InspectionContext<Flow>
  readonly turn = new TurnPosition()
  /** Events of the line at hand; handed out by `tell`. */
  readonly events = new EventList()
  private readonly idle: MimeParser<Flow>[] = []

  constructor(context: InspectionContext<Flow>) {
    this.context = context
  }

  /** Events are wanted. */
  get judges(): boolean {
    return this.context.needs.events
  }

  /** Hands out the events about a line. */
  tell(flow: Flow, direction: Direction, service: ServiceId, gid: number, line: LineHead): void {
    if (this.events.count > 0)
      this.context.raise(flow, direction, service, gid, this.events, line.bytes, 0, line.length)
  }

  /** A parser for a mail that begins. */
  begin(direction: Direction, service: ServiceId): MimeParser<Flow> {
    const parser = this.idle.pop() ?? new MimeParser(this.context, this.turn)
    parser.begin(direction, service)
    this.context.counters.mails++
    return parser
  }

  /** The mail is over; the parser must not be used afterwards. */
  finish(flow: Flow, parser: MimeParser<Flow>): void {
    parser.finish(flow)
    if (this.idle.length < KEEP) this.idle.push(parser)
  }
}
