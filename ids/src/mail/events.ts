/**
 * What the two sides of mail conversations say that they should not: words no server knows, lines too long or ended now
 * one way, now another (generators 124, 141, 142). Called by the dialogues while such events are wanted.
 */
import { SMTP_EVENT } from '../builtin/index.js'
import type { EventList } from '../inspect/event-list.js'
import { asciiText } from '../service/patterns.js'
import type { LineHead } from './lines.js'

const words = (text: string): string[] => text.trim().split(/\s+/)

/** Commands and the longest line that Snort 3 lets each have. */
const SMTP_COMMANDS: ReadonlyMap<string, number> = new Map(
  (
    [
      [246, 'AUTH DATA ONEX QUEU QUIT SAML SEND SOML STARTTLS TICK TIME TURN TURNME VERB'],
      [246, 'X-EXPS X-LINK2STATE XADR XAUTH XCIR XEXCH50 XGEN XLICENSE XQUE XSTA XTRN XUSR'],
      [255, 'ATRN BDAT CHUNKING DEBUG EMAL ESAM ESND ESOM EVFY EXPN IDENT NOOP RSET SIZE VRFY'],
      [260, 'MAIL'],
      [300, 'RCPT'],
      [500, 'EHLO ETRN HELO HELP'],
    ] as const
  ).flatMap(([length, commands]) => words(commands).map((command) => [command, length] as const)),
)

/** How the lines of one conversation end so far. */
export const LINE_ENDS = { NONE: 0, LF: 1, CRLF: 2, MIXED: 3 } as const
export type LineEnds = (typeof LINE_ENDS)[keyof typeof LINE_ENDS]

/** One command line of a client. @returns how lines end, with this one */
export function judgeSmtp(events: EventList, line: LineHead, ends: LineEnds): LineEnds {
  const text = asciiText(line.bytes, 0, line.length)
  const command = /^[^ :]*/.exec(text)![0]!.toUpperCase()
  const longest = SMTP_COMMANDS.get(command)
  if (longest === undefined) {
    events.add(SMTP_EVENT.UNKNOWN_COMMAND)
    return ends
  }
  if (line.total > longest) events.add(SMTP_EVENT.LONG_COMMAND)
  const end = line.crlf ? LINE_ENDS.CRLF : LINE_ENDS.LF
  if (ends === LINE_ENDS.NONE || ends === end) return end
  if (ends !== LINE_ENDS.MIXED) events.add(SMTP_EVENT.MIXED_LINE_ENDS)
  return LINE_ENDS.MIXED
}

const POP_COMMANDS: ReadonlySet<string> = new Set(
  words('APOP AUTH CAPA DELE LIST NOOP PASS QUIT RETR RSET STAT STLS TOP UIDL USER'),
)

export function isPopCommand(line: LineHead): boolean {
  return POP_COMMANDS.has(/^[^ ]*/.exec(asciiText(line.bytes, 0, line.length))![0]!.toUpperCase())
}

// As Snort does, anywhere in the line.
const IMAP_COMMAND = new RegExp(
  words(`APPEND AUTHENTICATE CAPABILITY CHECK CLOSE COMPARATOR COMPRESS CONVERSIONS COPY CREATE DELETE DONE EXAMINE
    EXPUNGE FETCH GETACL GETMETADATA GETQUOTA IDLE LIST LISTRIGHTS LOGIN LOGOUT LSUB MYRIGHTS NOOP NOTIFY RENAME SEARCH
    SELECT SETACL SETMETADATA SETQUOTA SORT STARTTLS STATUS STORE SUBSCRIBE THREAD UID UNSELECT X`).join('|'),
  'i',
)
const IMAP_RESPONSE = new RegExp(
  words(
    'CAPABILITY LIST LSUB STATUS SEARCH FLAGS EXISTS RECENT EXPUNGE FETCH BAD BYE NO OK PREAUTH ENABLED',
  ).join('|'),
  'i',
)

/** Bytes of an IMAP line that are looked at. */
const LONGEST = 1024

/** A line of an IMAP conversation, as far as it is kept. */
export class ImapLine {
  readonly bytes = new Uint8Array(LONGEST)
  length = 0

  clear(): void {
    this.length = 0
  }

  add(byte: number): void {
    if (this.length < this.bytes.length) this.bytes[this.length++] = byte
  }

  get isCommand(): boolean {
    return this.length === 0 || IMAP_COMMAND.test(this.#text)
  }

  /** Untagged data and requests for more may be anything. */
  get isResponse(): boolean {
    const first = this.length === 0 ? 0x0d : this.bytes[0]
    return first === 0x2a || first === 0x2b || first === 0x0d || IMAP_RESPONSE.test(this.#text)
  }

  get #text(): string {
    return asciiText(this.bytes, 0, this.length)
  }
}
