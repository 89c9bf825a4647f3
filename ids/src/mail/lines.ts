/**
 * Line-oriented parts of a dialogue: the beginning of a command or status line, and messages that end in a line with a
 * single dot. Both take bytes cut anywhere and hold nothing but a few of them.
 */
import type { MimeParser } from './mime.js'

const LF = 10
const CR = 13
const DOT = 0x2e
const SPACE = 0x20

/** Bytes of a line that are kept; what follows them is not looked at. */
const KEPT = 64

/** The first bytes of a line. */
export class LineHead {
  readonly bytes = new Uint8Array(KEPT)
  length = 0
  /** Bytes of the line, its end aside; of a line that `read` has read to its end. */
  total = 0
  /** The line ends in CR and LF. */
  crlf = false
  private last = 0

  clear(): void {
    this.length = 0
    this.total = 0
    this.last = 0
  }

  /** Reads on; returns the index behind the line's LF, or -1 when the bytes run out before it. */
  read(bytes: Uint8Array, start: number, end: number): number {
    let i = start
    while (i < end) {
      const byte = bytes[i++]!
      if (byte === LF) {
        this.crlf = this.last === CR
        if (this.crlf && this.length === this.total) this.length--
        if (this.crlf) this.total--
        return i
      }
      this.total++
      this.last = byte
      if (this.length < KEPT) this.bytes[this.length++] = byte
    }
    return -1
  }

  /** The line begins with the word (lower case here, any case there) and then ends or goes on with a blank. */
  isCommand(word: Uint8Array): boolean {
    return this.hasWord(0, word)
  }

  hasWord(at: number, word: Uint8Array): boolean {
    const end = at + word.length
    if (end > this.length) return false
    for (let k = 0; k < word.length; k++) {
      const byte = this.bytes[at + k]!
      if ((byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte) !== word[k]) return false
    }
    return end === this.length || this.bytes[end] === SPACE
  }

  /** Start of the word behind the one at `at`; `length` when there is none. */
  nextWord(at: number): number {
    let i = at
    while (i < this.length && this.bytes[i] !== SPACE) i++
    while (i < this.length && this.bytes[i] === SPACE) i++
    return i
  }

  /** The decimal number at `at`, at most 2^53; -1 when there is none. */
  number(at: number): number {
    let value = -1
    for (let i = at; i < this.length; i++) {
      const digit = this.bytes[i]! - 0x30
      if (digit < 0 || digit > 9) break
      value = (value < 0 ? 0 : value) * 10 + digit
      if (value > Number.MAX_SAFE_INTEGER) return Number.MAX_SAFE_INTEGER
    }
    return value
  }
}

/** Where in a line a dot-stuffed message stands. */
const AT = { START: 0, DOT: 1, DOT_CR: 2, INSIDE: 3 } as const

/** A message in which a dot at the start of a line is doubled and a line with one dot is the end (RFC 5321 4.5.2). */
export class DottedMessage {
  /** The last `feed` saw the end. */
  done = false
  private at: (typeof AT)[keyof typeof AT] = AT.START

  begin(): void {
    this.done = false
    this.at = AT.START
  }

  /** Passes the message on; returns the index behind its end, or `end`. */
  feed<Flow>(flow: Flow, mime: MimeParser<Flow>, bytes: Uint8Array, start: number, end: number): number {
    let from = start
    let i = start
    while (i < end) {
      const byte = bytes[i]!
      switch (this.at) {
        case AT.START:
          if (byte === DOT) {
            if (i > from) mime.feed(flow, bytes, from, i)
            from = i + 1
            this.at = AT.DOT
            i++
            break
          }
          this.at = AT.INSIDE
          break
        case AT.DOT:
          if (byte === LF) {
            this.done = true
            return i + 1
          }
          if (byte === CR) {
            from = i + 1
            this.at = AT.DOT_CR
            i++
            break
          }
          // A dot that was added on the way is left out.
          from = i
          this.at = AT.INSIDE
          break
        case AT.DOT_CR:
          if (byte === LF) {
            this.done = true
            return i + 1
          }
          // A dot and a lone CR are no end; neither means anything.
          from = i
          this.at = AT.INSIDE
          break
        default:
          while (i < end && bytes[i] !== LF) i++
          if (i < end) {
            i++
            this.at = AT.START
          }
      }
    }
    if (end > from) mime.feed(flow, bytes, from, end)
    return end
  }
}
