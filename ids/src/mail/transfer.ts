/**
 * Content-Transfer-Encodings (RFC 2045 section 6) and uuencode, decoded as the bytes come.
 *
 * In: the lines of a part's body, cut anywhere. Out: decoded bytes written into a sliding area, in which the caller has
 * reserved room: at most as many bytes as were read, and `HELD_BYTES` that had waited. What is not well formed is read as
 * mail programs read it: foreign characters in base64 are skipped, a stray `=` of quoted-printable stands for itself.
 */
import type { SlidingArea } from '../inspect/area.js'
import { copyBytes } from '../inspect/copy.js'

export const TRANSFER = { IDENTITY: 0, BASE64: 1, QUOTED_PRINTABLE: 2, UUENCODE: 3 } as const
export type TransferId = (typeof TRANSFER)[keyof typeof TRANSFER]

/** Most bytes that come out beyond the number of bytes read, in one call of `run`, `finish` included. */
export const HELD_BYTES = 4

const LF = 10
const CR = 13
const SPACE = 0x20
const TAB = 9
const EQUALS = 0x3d

const SKIP = 64
const PAD = 65
const BASE64 = new Uint8Array(256).fill(SKIP)
{
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
  for (let i = 0; i < alphabet.length; i++) BASE64[alphabet.charCodeAt(i)] = i
  BASE64[EQUALS] = PAD
}

const NOT_HEX = 16
const HEX = new Uint8Array(256).fill(NOT_HEX)
for (let digit = 0; digit < 16; digit++) {
  HEX[digit.toString(16).charCodeAt(0)] = digit
  HEX[digit.toString(16).toUpperCase().charCodeAt(0)] = digit
}

/** Quoted-printable: what has been read of an escape. */
const QP = { PLAIN: 0, EQUALS: 1, DIGIT: 2, BLANK: 3, CR: 4 } as const

/** Uuencode: outside of a file, in its `begin` line, in the length of a line, in its data, behind them. */
const UU = { SEEK: 0, OTHER: 1, BEGIN: 2, LENGTH: 3, DATA: 4, REST: 5 } as const
const BEGIN = Uint8Array.from('begin ', (char) => char.charCodeAt(0))
/** First byte of `end`: no length of a line looks like it. */
const END = 0x65

export class TransferDecoder {
  private kind: TransferId = TRANSFER.IDENTITY
  /** Bits not given out yet, and how many groups of six they are. */
  private bits = 0
  private groups = 0
  private state = 0
  private first = 0
  /** Uuencode: characters of `begin ` seen; decoded bytes left in the line. */
  private seen = 0
  private left = 0

  begin(kind: TransferId): void {
    this.kind = kind
    this.bits = 0
    this.groups = 0
    this.state = 0
    this.seen = 0
    this.left = 0
  }

  /** Line ends mean nothing in this encoding. */
  get ignoresLineEnds(): boolean {
    return this.kind === TRANSFER.BASE64
  }

  /**
   * Decodes from `bytes[start]` until `end`, or until `target` holds `limit` bytes; returns where it stopped. There is
   * room for `end - start + HELD_BYTES` bytes.
   */
  run(bytes: Uint8Array, start: number, end: number, target: SlidingArea, limit: number): number {
    switch (this.kind) {
      case TRANSFER.BASE64:
        return this.base64(bytes, start, end, target, limit)
      case TRANSFER.QUOTED_PRINTABLE:
        return this.quotedPrintable(bytes, start, end, target, limit)
      case TRANSFER.UUENCODE:
        return this.uuencode(bytes, start, end, target, limit)
      default: {
        const room = limit - target.length
        const to = end - start < room ? end : start + room
        copyBytes(target.bytes, target.length, bytes, start, to)
        target.length += to - start
        return to
      }
    }
  }

  /** The body is over: gives out what waited; at most `HELD_BYTES`. */
  finish(target: SlidingArea): void {
    if (this.kind === TRANSFER.BASE64) target.length = this.flushGroups(target.bytes, target.length)
    else if (this.kind === TRANSFER.QUOTED_PRINTABLE) target.length = this.giveUp(target.bytes, target.length)
  }

  private base64(bytes: Uint8Array, start: number, end: number, target: SlidingArea, limit: number): number {
    const out = target.bytes
    let to = target.length
    let { bits, groups } = this
    let i = start
    while (i < end && to < limit) {
      const value = BASE64[bytes[i++]!]!
      if (value < SKIP) {
        bits = ((bits << 6) | value) & 0xff_ffff
        if (++groups < 4) continue
        out[to] = bits >> 16
        out[to + 1] = bits >> 8
        out[to + 2] = bits
        to += 3
        groups = 0
      } else if (value === PAD) {
        // What follows padding is a text of its own.
        this.bits = bits
        this.groups = groups
        to = this.flushGroups(out, to)
        groups = 0
      }
    }
    this.bits = bits
    this.groups = groups
    target.length = to
    return i
  }

  private flushGroups(out: Uint8Array, at: number): number {
    const { bits, groups } = this
    this.groups = 0
    if (groups === 2) {
      out[at] = bits >> 4
      return at + 1
    }
    if (groups === 3) {
      out[at] = bits >> 10
      out[at + 1] = bits >> 2
      return at + 2
    }
    return at
  }

  private quotedPrintable(
    bytes: Uint8Array,
    start: number,
    end: number,
    target: SlidingArea,
    limit: number,
  ): number {
    const out = target.bytes
    let to = target.length
    let i = start
    while (i < end && to < limit) {
      const byte = bytes[i]!
      if (this.state === QP.PLAIN) {
        i++
        if (byte === EQUALS) this.state = QP.EQUALS
        else out[to++] = byte
        continue
      }
      if (this.state === QP.DIGIT) {
        const low = HEX[byte]!
        if (low === NOT_HEX) {
          to = this.giveUp(out, to)
          continue
        }
        out[to++] = (HEX[this.first]! << 4) | low
        this.state = QP.PLAIN
        i++
        continue
      }
      // A line that ends in `=`, or in `=` and blanks, goes on in the next one.
      if (byte === LF) {
        this.state = QP.PLAIN
        i++
      } else if (byte === CR && this.state !== QP.CR) {
        this.state = QP.CR
        i++
      } else if ((byte === SPACE || byte === TAB) && this.state !== QP.CR) {
        this.state = QP.BLANK
        i++
      } else if (this.state === QP.EQUALS && HEX[byte]! !== NOT_HEX) {
        this.first = byte
        this.state = QP.DIGIT
        i++
      } else {
        to = this.giveUp(out, to)
      }
    }
    target.length = to
    return i
  }

  /** It was no escape: its characters stand for themselves (a run of blanks for one). */
  private giveUp(out: Uint8Array, at: number): number {
    const { state } = this
    let to = at
    if (state !== QP.PLAIN) out[to++] = EQUALS
    if (state === QP.DIGIT) out[to++] = this.first
    else if (state === QP.BLANK) out[to++] = SPACE
    else if (state === QP.CR) out[to++] = CR
    this.state = QP.PLAIN
    return to
  }

  private uuencode(
    bytes: Uint8Array,
    start: number,
    end: number,
    target: SlidingArea,
    limit: number,
  ): number {
    const out = target.bytes
    let to = target.length
    let i = start
    while (i < end && to < limit) {
      const byte = bytes[i++]!
      if (byte === LF) {
        if (this.state >= UU.LENGTH || this.state === UU.BEGIN) this.state = UU.LENGTH
        else this.state = UU.SEEK
        this.seen = 0
        continue
      }
      switch (this.state) {
        case UU.SEEK:
          if (byte !== BEGIN[this.seen]) this.state = UU.OTHER
          else if (++this.seen === BEGIN.length) this.state = UU.BEGIN
          break
        case UU.LENGTH:
          if (byte === CR) break
          if (byte === END) this.state = UU.OTHER
          else {
            this.left = (byte - SPACE) & 63
            this.bits = 0
            this.groups = 0
            this.state = this.left === 0 ? UU.REST : UU.DATA
          }
          break
        case UU.DATA:
          if (byte === CR) break
          this.bits = ((this.bits << 6) | ((byte - SPACE) & 63)) & 0xff_ffff
          if (++this.groups < 4) break
          this.groups = 0
          for (let shift = 16; shift >= 0 && this.left > 0; shift -= 8, this.left--) {
            out[to++] = this.bits >> shift
          }
          if (this.left === 0) this.state = UU.REST
          break
        default:
      }
    }
    target.length = to
    return i
  }
}
