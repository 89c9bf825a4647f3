/**
 * One mail message, read as it comes (RFC 5322, RFC 2045-2049): headers, nested multiparts, the content of each part.
 *
 * In: the bytes of a message as it was before it was sent (dots unstuffed), cut anywhere. Out: for each part that is a
 * file (every part of a multipart, and a body with a Content-Transfer-Encoding; what stands before the first boundary and
 * behind the last is neither) its content to `FileBody`. Memory is constant but for one header field and the windows;
 * time is linear: a line that begins with `--` is compared once with each of at most `DEPTH` boundaries.
 */
import type { InspectionContext } from '../inspect/context.js'
import type { Direction, ServiceId } from '../inspect/unit.js'
import { BOUNDARY_BYTES, FieldReader } from './fields.js'
import { FileBody, type FileOutlet, type TurnPosition } from './file-body.js'
import { TRANSFER } from './transfer.js'

const LF = 10
const CR = 13
const DASH = 0x2d

/** Multiparts inside each other whose boundaries are looked for. */
export const DEPTH = 8
/** `--`, boundary, `--`. */
const HELD_BYTES = BOUNDARY_BYTES + 4

const LINE_END = Uint8Array.of(CR, LF)

/** Where in a line the parser is. */
const AT = {
  /** At its start, or behind a CR at its start. */
  START: 0,
  START_CR: 1,
  /** In a line that may be a boundary; it is held. */
  HELD: 2,
  INSIDE: 3,
  /** In a line that means nothing: the rest of a boundary. */
  SKIPPED: 4,
} as const

/** What lines are. */
const IN = { HEADER: 0, BODY: 1 } as const

export class MimeParser<Flow> {
  private readonly context: InspectionContext<Flow>
  private readonly turn: TurnPosition
  private readonly fields = new FieldReader()
  private readonly file: FileBody<Flow>
  private readonly boundaries = new Uint8Array(DEPTH * BOUNDARY_BYTES)
  private readonly lengths = new Int32Array(DEPTH)
  private depth = 0
  /** Bytes of the longest boundary in use. */
  private longest = 0
  private parts = 0
  private where: (typeof IN)[keyof typeof IN] = IN.HEADER
  private at: (typeof AT)[keyof typeof AT] = AT.START
  private readonly held = new Uint8Array(HELD_BYTES)
  private heldLength = 0
  /** Of the body: the last line's end (0: none, 1: LF, 2: CRLF), which belongs to a boundary if one follows. */
  private lineEnd = 0
  /** A CR that may be the first half of a line end. */
  private carriage = false

  /** @param outlet takes the files; null: they are units of their own */
  constructor(context: InspectionContext<Flow>, turn: TurnPosition, outlet: FileOutlet<Flow> | null = null) {
    this.context = context
    this.turn = turn
    this.file = new FileBody(context, turn, outlet)
  }

  /** A boundary is known that has not been closed. */
  get multipart(): boolean {
    return this.depth > 0
  }

  begin(direction: Direction, service: ServiceId): void {
    this.file.direction = direction
    this.file.service = service
    this.depth = 0
    this.longest = 0
    this.parts = 0
    this.beginHeader()
  }

  /** Bytes of the message; they lie in the bytes at hand of the turn. */
  feed(flow: Flow, bytes: Uint8Array, start: number, end: number): void {
    const { turn } = this
    let i = start
    while (i < end) {
      switch (this.at) {
        case AT.START: {
          const byte = bytes[i]!
          turn.at = i
          if (byte === DASH && this.depth > 0) {
            this.heldLength = 0
            this.at = AT.HELD
          } else if (this.where === IN.HEADER && byte === CR) {
            this.at = AT.START_CR
            i++
          } else if (this.where === IN.HEADER && byte === LF) {
            i++
            this.endHeader()
          } else {
            this.beginLine(flow, byte)
          }
          break
        }
        case AT.START_CR:
          turn.at = i
          if (bytes[i] === LF) {
            i++
            this.endHeader()
          } else {
            this.beginLine(flow, CR)
            this.carriage = true
          }
          break
        case AT.HELD:
          i = this.hold(flow, bytes, i, end)
          break
        case AT.INSIDE:
          i = this.inside(flow, bytes, i, end)
          break
        default:
          while (i < end && bytes[i] !== LF) i++
          if (i < end) {
            i++
            this.at = AT.START
          }
      }
    }
    turn.at = end
  }

  /** The message is complete, or no more of it will come. */
  finish(flow: Flow): void {
    if (this.at === AT.HELD && !this.isBoundary(flow)) this.giveBack(flow)
    if (this.carriage && this.where === IN.BODY) this.give(flow, LINE_END, 0, 1)
    // The last line end belongs to the dot, the literal or the closing boundary that ends the message.
    this.file.finish(flow)
    this.fields.release(this.context.pool)
    this.carriage = false
    this.lineEnd = 0
  }

  private beginHeader(): void {
    this.fields.reset()
    this.where = IN.HEADER
    this.at = AT.START
    this.lineEnd = 0
    this.carriage = false
  }

  private endHeader(): void {
    const { fields, context } = this
    fields.finish(context.pool)
    this.at = AT.START
    this.where = IN.BODY
    this.lineEnd = 0
    this.carriage = false
    if (fields.boundaryLength > 0) {
      if (this.depth < DEPTH) {
        this.push()
        return
      }
      context.counters.mailTooDeep++
    } else if (fields.message && fields.encoding === TRANSFER.IDENTITY) {
      this.beginHeader()
      return
    }
    if (!fields.encoded && this.depth === 0) return
    if (this.parts >= context.limits.mailParts) {
      context.counters.mailTooManyParts++
      return
    }
    this.parts++
    this.file.begin(fields.encoding)
  }

  private push(): void {
    const { boundary, boundaryLength } = this.fields
    const base = this.depth * BOUNDARY_BYTES
    for (let k = 0; k < boundaryLength; k++) this.boundaries[base + k] = boundary[k]!
    this.lengths[this.depth++] = boundaryLength
    this.measure()
  }

  private measure(): void {
    let longest = 0
    for (let level = 0; level < this.depth; level++) {
      if (this.lengths[level]! > longest) longest = this.lengths[level]!
    }
    this.longest = longest
  }

  /** A line begins that is no boundary and does not end the header. */
  private beginLine(flow: Flow, first: number): void {
    if (this.where === IN.HEADER) this.fields.line(first)
    else if (this.lineEnd > 0 && this.file.active && !this.file.ignoresLineEnds) {
      this.file.write(flow, LINE_END, this.lineEnd === 2 ? 0 : 1, 2, false)
    }
    this.lineEnd = 0
    this.at = AT.INSIDE
  }

  /** Bytes within a line, up to its end. */
  private inside(flow: Flow, bytes: Uint8Array, start: number, end: number): number {
    let i = start
    if (this.carriage) {
      this.carriage = false
      this.turn.at = start
      if (bytes[i] === LF) {
        this.endLine(2)
        return i + 1
      }
      this.turn.at = start - 1
      this.give(flow, LINE_END, 0, 1)
      this.turn.at = start
    }
    while (i < end && bytes[i] !== LF) i++
    let to = i
    if (to > start && bytes[to - 1] === CR) to--
    if (to > start) {
      if (this.where === IN.BODY) {
        if (this.file.active) this.file.write(flow, bytes, start, to, true)
      } else this.give(flow, bytes, start, to)
    }
    this.turn.at = i
    if (i === end) {
      this.carriage = to < i
      return i
    }
    this.endLine(i - to + 1)
    return i + 1
  }

  /** Bytes of a line that are not those at hand, or belong to a header. */
  private give(flow: Flow, bytes: Uint8Array, start: number, end: number): void {
    const { fields, context } = this
    if (this.where === IN.BODY) {
      if (this.file.active) this.file.write(flow, bytes, start, end, false)
      return
    }
    if (!fields.append(bytes, start, end, context.pool)) context.counters.bufferBudgetReached++
  }

  /** @param length of the line end: 1 for LF, 2 for CRLF */
  private endLine(length: number): void {
    this.at = AT.START
    if (this.where === IN.BODY) {
      this.lineEnd = length
      return
    }
    this.fields.total += length
    if (this.fields.total > this.context.limits.mailHeaderBytes) {
      this.context.counters.mailHeaderTooLong++
      this.endHeader()
    }
  }

  /** Collects a line that begins with a dash until it is clear whether it is a boundary. */
  private hold(flow: Flow, bytes: Uint8Array, start: number, end: number): number {
    const { held } = this
    const most = this.longest + 4
    let i = start
    while (i < end) {
      const byte = bytes[i]!
      const length = this.heldLength
      const complete = byte === LF || length === most
      if (complete || (length === 1 && byte !== DASH)) {
        this.turn.at = i
        if (complete && this.isBoundary(flow)) return i
        this.giveBack(flow)
        return i
      }
      held[length] = byte
      this.heldLength = length + 1
      i++
    }
    return i
  }

  /** The held line is no boundary: it is dealt with like any other. */
  private giveBack(flow: Flow): void {
    const { held } = this
    let length = this.heldLength
    this.beginLine(flow, DASH)
    if (held[length - 1] === CR) {
      length--
      this.carriage = true
    }
    this.give(flow, held, 0, length)
  }

  /** Compares the held line with the boundaries, innermost and longest first, and acts on it when it is one. */
  private isBoundary(flow: Flow): boolean {
    const { held, boundaries, lengths } = this
    const end = this.heldLength
    let found = -1
    for (let level = this.depth - 1; level >= 0; level--) {
      const length = lengths[level]!
      if (length + 2 > end || (found >= 0 && length <= lengths[found]!)) continue
      const base = level * BOUNDARY_BYTES
      let k = 0
      while (k < length && held[k + 2] === boundaries[base + k]) k++
      if (k === length) found = level
    }
    if (found < 0) return false
    const behind = 2 + lengths[found]!
    const closes = end >= behind + 2 && held[behind] === DASH && held[behind + 1] === DASH
    this.file.finish(flow)
    this.depth = closes ? found : found + 1
    this.measure()
    if (closes) {
      if (this.where === IN.HEADER) this.fields.finish(this.context.pool)
      this.where = IN.BODY
    } else {
      this.fields.release(this.context.pool)
      this.beginHeader()
    }
    this.lineEnd = 0
    this.carriage = false
    this.at = AT.SKIPPED
    return true
  }
}
