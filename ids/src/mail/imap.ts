/**
 * An IMAP conversation (RFC 9051, 3501): where in it mails are.
 *
 * In: the bytes of both sides. Out: to the MIME parser, the literals in which a server answers FETCH and a client sends
 * APPEND. A literal is announced by `{N}` at the end of a line (RFC 7888 adds `{N+}`), and the line goes on behind it.
 */
import { IMAP_GID, MAIL_EVENT } from '../builtin/index.js'
import { type Direction, SERVICE, TO_CLIENT, TO_SERVER } from '../inspect/unit.js'
import type { Dialogue } from './dialogue.js'
import { ImapLine } from './events.js'
import type { MailContext } from './mail-context.js'
import type { MimeParser } from './mime.js'

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0))
const FETCH = ascii('fetch')
const APPEND = ascii('append')
const STARTTLS = ascii('starttls')
const COMPRESS = ascii('compress')
const OK = ascii('ok')

const LF = 10
const CR = 13
const SPACE = 0x20
const STAR = 0x2a
const PLUS = 0x2b
const OPEN = 0x7b
const CLOSE = 0x7d

/** Words of a line that are looked at, and letters of each. */
const WORDS = 4
const LETTERS = 12

/** Shortest literal that may be a mail: less is a mailbox name or a flag. */
const SHORTEST_MAIL = 8

/** One side: lines with literals in them. */
class ImapSide<Flow> {
  readonly direction: Direction
  /** Octets of the present literal that are to come. */
  literal = 0
  /** The mail it is. */
  mime: MimeParser<Flow> | null = null
  /** First words of the line, lower case: word w has `sizes[w]` letters at `letters[w * LETTERS]`. */
  readonly letters = new Uint8Array(WORDS * LETTERS)
  readonly sizes = new Uint8Array(WORDS)
  word = 0
  /** `{N}` at the end of the line: 0 none so far, 1 behind the brace, 2 behind `+`, 3 complete, 4 and CR. */
  brace = 0
  count = 0
  /** The line so far, while events are wanted. */
  readonly line: ImapLine | undefined

  constructor(direction: Direction, judged: boolean) {
    this.direction = direction
    this.line = judged ? new ImapLine() : undefined
  }

  reset(): void {
    this.literal = 0
    this.beginLine()
  }

  beginLine(): void {
    this.sizes.fill(0)
    this.word = 0
    this.brace = 0
    this.line?.clear()
  }

  /** One byte of a line that is not its LF. */
  add(byte: number): void {
    this.line?.add(byte)
    if (this.brace === 1 && byte >= 0x30 && byte <= 0x39) {
      if (this.count < Number.MAX_SAFE_INTEGER / 16) this.count = this.count * 10 + byte - 0x30
    } else if (this.brace === 1 && byte === PLUS) this.brace = 2
    else if ((this.brace === 1 || this.brace === 2) && byte === CLOSE) this.brace = 3
    else if (this.brace === 3 && byte === CR) this.brace = 4
    else if (byte === OPEN) {
      this.brace = 1
      this.count = 0
    } else this.brace = 0
    if (this.word === WORDS) return
    const size = this.sizes[this.word]!
    if (byte === SPACE) {
      if (size > 0) this.word++
    } else if (byte !== CR && size < LETTERS) {
      this.letters[this.word * LETTERS + size] = byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte
      this.sizes[this.word] = size + 1
    }
  }

  has(word: number, text: Uint8Array): boolean {
    if (this.sizes[word] !== text.length) return false
    for (let k = 0; k < text.length; k++) if (this.letters[word * LETTERS + k] !== text[k]) return false
    return true
  }
}

export class ImapDialogue<Flow> implements Dialogue<Flow> {
  readonly service = SERVICE.IMAP
  private readonly mail: MailContext<Flow>
  private readonly client: ImapSide<Flow>
  private readonly server: ImapSide<Flow>
  /** STARTTLS or COMPRESS has been said, and not been answered. */
  private changeAsked = false
  private unreadable = false

  constructor(mail: MailContext<Flow>) {
    this.mail = mail
    this.client = new ImapSide(TO_SERVER, mail.judges)
    this.server = new ImapSide(TO_CLIENT, mail.judges)
  }

  data(flow: Flow, direction: Direction, bytes: Uint8Array, start: number, end: number): void {
    const side = direction === TO_SERVER ? this.client : this.server
    let i = start
    while (i < end && !this.unreadable) {
      if (side.literal > 0) {
        const to = end - i < side.literal ? end : i + side.literal
        if (side.mime !== null) side.mime.feed(flow, bytes, i, to)
        side.literal -= to - i
        i = to
        if (side.literal === 0) this.endLiteral(flow, side)
        continue
      }
      const byte = bytes[i++]!
      if (byte === LF) this.onLineEnd(flow, side)
      else side.add(byte)
    }
  }

  gap(flow: Flow, direction: Direction): void {
    const side = direction === TO_SERVER ? this.client : this.server
    this.endLiteral(flow, side)
    side.reset()
  }

  close(flow: Flow): void {
    this.endLiteral(flow, this.client)
    this.endLiteral(flow, this.server)
  }

  private onLineEnd(flow: Flow, side: ImapSide<Flow>): void {
    if (side.brace >= 3) {
      // The line goes on behind the literal, so its words stay.
      side.literal = side.count
      side.brace = 0
      if (side.count >= SHORTEST_MAIL && this.carriesMail(side)) {
        side.mime = this.mail.begin(side.direction, this.service)
      }
      return
    }
    if (side.line !== undefined) this.judge(flow, side, side.line)
    if (side === this.client) {
      if (side.has(1, STARTTLS) || side.has(1, COMPRESS)) this.changeAsked = true
    } else if (this.changeAsked && side.sizes[0]! > 0 && side.letters[0] !== STAR) {
      this.changeAsked = false
      if (side.has(1, OK)) {
        this.endLiteral(flow, this.client)
        this.endLiteral(flow, this.server)
        this.unreadable = true
        this.mail.context.counters.mailEncrypted++
      }
    }
    side.beginLine()
  }

  private judge(flow: Flow, side: ImapSide<Flow>, line: ImapLine): void {
    const { events, context } = this.mail
    if (side === this.client && !line.isCommand) events.add(MAIL_EVENT.UNKNOWN_COMMAND)
    else if (side === this.server && !line.isResponse) events.add(MAIL_EVENT.UNKNOWN_RESPONSE)
    else return
    context.raise(flow, side.direction, this.service, IMAP_GID, events, line.bytes, 0, line.length)
  }

  /** `* 12 FETCH (…` of a server, `tag APPEND mailbox …` of a client. */
  private carriesMail(side: ImapSide<Flow>): boolean {
    return side === this.server ? side.has(2, FETCH) : side.has(1, APPEND)
  }

  private endLiteral(flow: Flow, side: ImapSide<Flow>): void {
    if (side.mime === null) return
    this.mail.finish(flow, side.mime)
    side.mime = null
  }
}
