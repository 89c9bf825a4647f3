/**
 * What is asked of the trackers of the mail protocols, and who makes them.
 *
 * In: the service of a connection, and the windows of its turns. Out: a tracker for the mail services, undefined for the
 * others. A tracker is kept with the flow; it holds memory worth mentioning only while a mail is on its way.
 */
import type { BufferSet } from '../inspect/buffers.js'
import { BUF } from '../inspect/buffers.js'
import { type Direction, SERVICE, type ServiceId } from '../inspect/unit.js'
import { ImapDialogue } from './imap.js'
import type { MailContext } from './mail-context.js'
import { Pop3Dialogue } from './pop3.js'
import { SmtpDialogue } from './smtp.js'

export interface Dialogue<Flow> {
  readonly service: ServiceId
  /** New bytes of a turn; the shared `TurnPosition` holds the window they are the end of. */
  data(flow: Flow, direction: Direction, bytes: Uint8Array, start: number, end: number): void
  /** Bytes of `direction` are missing. */
  gap(flow: Flow, direction: Direction): void
  /** No more bytes will come: what is held is handed out. */
  close(flow: Flow): void
}

export function openDialogue<Flow>(mail: MailContext<Flow>, service: ServiceId): Dialogue<Flow> | undefined {
  switch (service) {
    case SERVICE.SMTP:
      return new SmtpDialogue(mail)
    case SERVICE.POP3:
      return new Pop3Dialogue(mail)
    case SERVICE.IMAP:
      return new ImapDialogue(mail)
    default:
      return undefined
  }
}

/** Gives a tracker the new bytes of a window that has been inspected. */
export function follow<Flow>(
  mail: MailContext<Flow>,
  dialogue: Dialogue<Flow>,
  flow: Flow,
  direction: Direction,
  buffers: BufferSet,
): void {
  const bytes = buffers.bytes[BUF.PKT_DATA]!
  mail.turn.begin(buffers)
  dialogue.data(flow, direction, bytes, buffers.fresh[BUF.PKT_DATA]!, buffers.end[BUF.PKT_DATA]!)
  mail.turn.end()
}
