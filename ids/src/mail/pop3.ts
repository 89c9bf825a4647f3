/**
 * A POP3 conversation (RFC 1939, 2449, 2595): where in it mails are.
 *
 * In: the bytes of both sides. Out: the mails the server sends in answer to RETR and TOP, to the MIME parser. Commands
 * may be pipelined; what was asked is remembered in order. Where the commands were not seen, an answer that names a
 * number of octets is taken to be a mail.
 */
import { MAIL_EVENT, POP_GID } from '../builtin/index.js'
import { type Direction, SERVICE, TO_CLIENT, TO_SERVER } from '../inspect/unit.js'
import type { Dialogue } from './dialogue.js'
import { isPopCommand } from './events.js'
import { DottedMessage, LineHead } from './lines.js'
import type { MailContext } from './mail-context.js'
import type { MimeParser } from './mime.js'

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0))
const OK = ascii('+ok')
const ERROR = ascii('-err')
const OCTETS = ascii('octets')
const STLS = ascii('stls')
const MAILS: readonly Uint8Array[] = [ascii('retr'), ascii('top')]
/** Answered by several lines, always or without an argument. */
const LISTS: readonly Uint8Array[] = [ascii('capa')]
const LISTS_IF_BARE: readonly Uint8Array[] = [ascii('list'), ascii('uidl'), ascii('auth')]

const PLUS = 0x2b

/** What a command is answered by when it succeeds. */
const ANSWER = { NOT_SEEN: 0, LINE: 1, LIST: 2, MAIL: 3, TLS: 4 } as const

/** Commands remembered; those beyond are taken to be answered by a line. */
const QUEUE = 32

/** What the server is sending. */
const IN = { STATUS: 0, LIST: 1, MAIL: 2, ENCRYPTED: 3 } as const

export class Pop3Dialogue<Flow> implements Dialogue<Flow> {
  readonly service = SERVICE.POP3
  private readonly mail: MailContext<Flow>
  /** The mail that has been begun. */
  private mime: MimeParser<Flow> | null = null
  private readonly message = new DottedMessage()
  private readonly command = new LineHead()
  private readonly status = new LineHead()
  private readonly queue = new Uint8Array(QUEUE)
  private first = 0
  private count = 0
  private state: (typeof IN)[keyof typeof IN] = IN.STATUS
  /** The greeting has been seen, or commands without it. */
  private greeted = false
  /** The server asked for more of an authentication exchange: the next line is no command. */
  private continued = false

  constructor(mail: MailContext<Flow>) {
    this.mail = mail
  }

  data(flow: Flow, direction: Direction, bytes: Uint8Array, start: number, end: number): void {
    if (this.state === IN.ENCRYPTED) return
    if (direction === TO_SERVER) this.fromClient(flow, bytes, start, end)
    else this.fromServer(flow, bytes, start, end)
  }

  gap(flow: Flow, direction: Direction): void {
    if (direction === TO_CLIENT) {
      this.finish(flow)
      this.status.clear()
      if (this.state === IN.LIST) this.state = IN.STATUS
    } else this.command.clear()
    if (this.state === IN.STATUS) this.count = 0
  }

  close(flow: Flow): void {
    this.finish(flow)
  }

  private fromClient(flow: Flow, bytes: Uint8Array, start: number, end: number): void {
    let i = start
    while (i < end) {
      i = this.command.read(bytes, i, end)
      if (i < 0) return
      if (this.continued) this.continued = false
      else {
        if (this.mail.judges && !isPopCommand(this.command))
          this.tell(flow, TO_SERVER, MAIL_EVENT.UNKNOWN_COMMAND)
        this.push(this.answerTo())
      }
      this.command.clear()
    }
  }

  private answerTo(): number {
    const { command } = this
    const is = (word: Uint8Array): boolean => command.isCommand(word)
    if (MAILS.some(is)) return ANSWER.MAIL
    if (LISTS.some(is)) return ANSWER.LIST
    if (LISTS_IF_BARE.some(is)) return command.nextWord(0) === command.length ? ANSWER.LIST : ANSWER.LINE
    return command.isCommand(STLS) ? ANSWER.TLS : ANSWER.LINE
  }

  private push(answer: number): void {
    if (this.count === QUEUE) {
      this.mail.context.counters.mailCommandsLost++
      return
    }
    this.queue[(this.first + this.count++) % QUEUE] = answer
  }

  private shift(): number {
    if (this.count === 0) return ANSWER.NOT_SEEN
    const answer = this.queue[this.first]!
    this.first = (this.first + 1) % QUEUE
    this.count--
    return answer
  }

  private fromServer(flow: Flow, bytes: Uint8Array, start: number, end: number): void {
    let i = start
    while (i < end) {
      switch (this.state) {
        case IN.STATUS:
          i = this.status.read(bytes, i, end)
          if (i < 0) return
          this.onStatus(flow)
          this.status.clear()
          break
        case IN.LIST:
          i = this.status.read(bytes, i, end)
          if (i < 0) return
          if (this.status.length === 1 && this.status.bytes[0] === 0x2e) this.state = IN.STATUS
          this.status.clear()
          break
        case IN.MAIL:
          this.mime ??= this.mail.begin(TO_CLIENT, this.service)
          i = this.message.feed(flow, this.mime, bytes, i, end)
          if (this.message.done) {
            this.mail.turn.at = i
            this.finish(flow)
            this.state = IN.STATUS
          }
          break
        default:
          return
      }
    }
  }

  private onStatus(flow: Flow): void {
    const { status } = this
    if (status.length > 0 && status.bytes[0] === PLUS && (status.length === 1 || status.bytes[1] === 0x20)) {
      this.continued = true
      return
    }
    const ok = status.hasWord(0, OK)
    if (!ok && !status.hasWord(0, ERROR)) {
      if (this.mail.judges) this.tell(flow, TO_CLIENT, MAIL_EVENT.UNKNOWN_RESPONSE)
      return
    }
    if (!this.greeted) {
      this.greeted = true
      // The greeting answers nothing.
      if (this.count === 0) return
    }
    const answer = this.shift()
    if (!ok) return
    if (answer === ANSWER.MAIL || (answer === ANSWER.NOT_SEEN && this.namesOctets())) {
      this.message.begin()
      this.state = IN.MAIL
    } else if (answer === ANSWER.LIST) this.state = IN.LIST
    else if (answer === ANSWER.TLS) {
      this.finish(flow)
      this.state = IN.ENCRYPTED
      this.mail.context.counters.mailEncrypted++
    }
  }

  private namesOctets(): boolean {
    const { status } = this
    for (let at = status.nextWord(0); at < status.length; at = status.nextWord(at)) {
      if (status.hasWord(at, OCTETS)) return true
    }
    return false
  }

  private tell(flow: Flow, direction: Direction, sid: number): void {
    this.mail.events.add(sid)
    this.mail.tell(
      flow,
      direction,
      this.service,
      POP_GID,
      direction === TO_SERVER ? this.command : this.status,
    )
  }

  private finish(flow: Flow): void {
    if (this.mime === null) return
    this.mail.finish(flow, this.mime)
    this.mime = null
  }
}
