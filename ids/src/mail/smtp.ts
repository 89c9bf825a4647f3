/**
 * An SMTP conversation (RFC 5321, 3030 for BDAT, 3207 for STARTTLS): where in it mails are.
 *
 * In: the bytes of both sides. Out: the mails the client sends, to the MIME parser. Commands may be pipelined (RFC 2920):
 * replies are counted, so that the one to DATA is known. Where the replies are not seen, the client is believed.
 */
import { SMTP_GID } from '../builtin/index.js'
import { type Direction, SERVICE, TO_SERVER } from '../inspect/unit.js'
import type { Dialogue } from './dialogue.js'
import { judgeSmtp, LINE_ENDS, type LineEnds } from './events.js'
import { DottedMessage, LineHead } from './lines.js'
import type { MailContext } from './mail-context.js'
import type { MimeParser } from './mime.js'

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0))
const DATA = ascii('data')
const BDAT = ascii('bdat')
const LAST = ascii('last')
const STARTTLS = ascii('starttls')
const RSET = ascii('rset')

const DASH = 0x2d
/** What the client is sending. */
const IN = {
  COMMANDS: 0,
  /** DATA has been said, and not been answered. */
  DATA_ASKED: 1,
  MESSAGE: 2,
  CHUNK: 3,
  /** STARTTLS has been said, and not been answered. */
  TLS_ASKED: 4,
  /** Nothing that can be read. */
  ENCRYPTED: 5,
} as const

/** The server asks for more of an authentication exchange: what follows is no command. */
const AUTH_CONTINUES = 334
const START_INPUT = 354
const READY = 220
/** First byte of a TLS record that begins a handshake. */
const TLS_HANDSHAKE = 0x16

export class SmtpDialogue<Flow> implements Dialogue<Flow> {
  readonly service = SERVICE.SMTP
  private readonly mail: MailContext<Flow>
  /** The mail that has been begun (by BDAT, which may come several times for one). */
  private mime: MimeParser<Flow> | null = null
  private readonly message = new DottedMessage()
  private readonly command = new LineHead()
  private readonly reply = new LineHead()
  private state: (typeof IN)[keyof typeof IN] = IN.COMMANDS
  private lastChunk = false
  private chunkLeft = 0
  /** Commands that have not been answered. */
  private outstanding = 0
  private lastCode = 0
  private lineEnds: LineEnds = LINE_ENDS.NONE

  constructor(mail: MailContext<Flow>) {
    this.mail = mail
  }

  data(flow: Flow, direction: Direction, bytes: Uint8Array, start: number, end: number): void {
    if (this.state === IN.ENCRYPTED) return
    if (direction === TO_SERVER) this.fromClient(flow, bytes, start, end)
    else this.fromServer(flow, bytes, start, end)
  }

  gap(flow: Flow, direction: Direction): void {
    if (direction === TO_SERVER) {
      // A mail goes on behind the gap, but what its parts are is not known any more.
      if (this.state !== IN.MESSAGE) this.toCommands(flow)
      this.finish(flow)
      this.command.clear()
    } else {
      this.reply.clear()
      this.outstanding = 0
    }
  }

  close(flow: Flow): void {
    this.finish(flow)
  }

  private fromClient(flow: Flow, bytes: Uint8Array, start: number, end: number): void {
    let i = start
    while (i < end) {
      switch (this.state) {
        case IN.COMMANDS:
          i = this.command.read(bytes, i, end)
          if (i < 0) return
          this.onCommand(flow)
          this.command.clear()
          break
        case IN.DATA_ASKED:
          this.state = IN.MESSAGE
          break
        case IN.MESSAGE:
          i = this.message.feed(flow, this.begin(), bytes, i, end)
          if (this.message.done) {
            this.mail.turn.at = i
            this.outstanding++
            this.toCommands(flow)
          }
          break
        case IN.CHUNK: {
          const to = end - i < this.chunkLeft ? end : i + this.chunkLeft
          this.begin().feed(flow, bytes, i, to)
          this.chunkLeft -= to - i
          i = to
          if (this.chunkLeft === 0) this.endChunk(flow)
          break
        }
        case IN.TLS_ASKED:
          // The server has not been seen to agree; a client that has no answer either goes on in clear.
          if (bytes[i] === TLS_HANDSHAKE) this.encrypted(flow)
          else this.state = IN.COMMANDS
          break
        default:
          return
      }
    }
  }

  private onCommand(flow: Flow): void {
    const { command } = this
    if (this.lastCode === AUTH_CONTINUES) {
      this.lastCode = 0
      this.outstanding++
      return
    }
    if (this.mail.judges) {
      this.lineEnds = judgeSmtp(this.mail.events, command, this.lineEnds)
      this.mail.tell(flow, TO_SERVER, this.service, SMTP_GID, command)
    }
    this.outstanding++
    if (command.isCommand(DATA)) {
      this.finish(flow)
      this.message.begin()
      this.state = IN.DATA_ASKED
    } else if (command.isCommand(BDAT)) {
      const at = command.nextWord(0)
      const size = command.number(at)
      if (size < 0) return
      this.chunkLeft = size
      this.lastChunk = command.hasWord(command.nextWord(at), LAST)
      this.state = IN.CHUNK
      if (size === 0) this.endChunk(flow)
    } else if (command.isCommand(STARTTLS)) {
      this.state = IN.TLS_ASKED
    } else if (command.isCommand(RSET)) {
      this.finish(flow)
    }
  }

  private endChunk(flow: Flow): void {
    this.state = IN.COMMANDS
    if (this.lastChunk) this.finish(flow)
  }

  private fromServer(flow: Flow, bytes: Uint8Array, start: number, end: number): void {
    let i = start
    while (i < end) {
      i = this.reply.read(bytes, i, end)
      if (i < 0) return
      const code = this.reply.number(0)
      const ends = this.reply.length < 4 || this.reply.bytes[3] !== DASH
      this.reply.clear()
      if (ends && code >= 200 && code <= 599) this.onReply(flow, code)
      if (this.state === IN.ENCRYPTED) return
    }
  }

  private onReply(flow: Flow, code: number): void {
    this.lastCode = code
    if (this.outstanding > 0) this.outstanding--
    if (this.state === IN.DATA_ASKED) {
      if (code === START_INPUT) {
        this.outstanding = 0
        this.state = IN.MESSAGE
      } else if (code >= 400 && this.outstanding === 0) this.state = IN.COMMANDS
    } else if (this.state === IN.TLS_ASKED) {
      if (code === READY) this.encrypted(flow)
      else if (code >= 400 && this.outstanding === 0) this.state = IN.COMMANDS
    }
  }

  private encrypted(flow: Flow): void {
    this.finish(flow)
    this.state = IN.ENCRYPTED
    this.mail.context.counters.mailEncrypted++
  }

  private begin(): MimeParser<Flow> {
    this.mime ??= this.mail.begin(TO_SERVER, this.service)
    return this.mime
  }

  private toCommands(flow: Flow): void {
    this.finish(flow)
    this.state = IN.COMMANDS
  }

  private finish(flow: Flow): void {
    if (this.mime === null) return
    this.mail.finish(flow, this.mime)
    this.mime = null
  }
}
