/**
 * Writes the fields of an HTTP/2 header block as the head of an HTTP/1 message, as Snort's http2_inspect does: the request
 * line has the URI in absolute form, the status line no reason, names stay in lower case.
 *
 * In: fields from the HPACK decoder. Out: `bytes[0, length)` for `HttpMessage`. One per worker. What would end a line or
 * the head early within a field becomes a blank, so a field cannot make another.
 */
import { copyBytes } from '../inspect/copy.js'
import type { FieldSink } from './hpack.js'

const LF = 10
const CR = 13
const SPACE = 0x20
const COLON = 0x3a

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0))
const VERSION = ascii(' HTTP/1.1\r\n')
const STATUS = ascii('HTTP/1.1 ')
const SEPARATOR = ascii('://')
const DEFAULT_METHOD = ascii('GET')

/** Pseudo fields (RFC 9113 section 8.3). */
const PSEUDO = [':method', ':scheme', ':authority', ':path', ':status'].map(ascii)
const METHOD = 0
const SCHEME = 1
const AUTHORITY = 2
const PATH = 3
const STATUS_CODE = 4

export class HeadBuilder implements FieldSink {
  bytes: Uint8Array
  length = 0
  /** Fields did not fit and were left out. */
  cut = false
  /** Values of the pseudo fields, and the lines of the others. */
  private readonly pseudo: Uint8Array
  private pseudoEnd = 0
  private readonly starts = new Int32Array(PSEUDO.length)
  private readonly ends = new Int32Array(PSEUDO.length)
  private readonly lines: Uint8Array
  private linesEnd = 0

  /** @param most bytes of a head */
  constructor(most: number) {
    this.bytes = new Uint8Array(most)
    this.pseudo = new Uint8Array(most)
    this.lines = new Uint8Array(most)
  }

  begin(): void {
    this.length = 0
    this.cut = false
    this.pseudoEnd = 0
    this.linesEnd = 0
    this.starts.fill(0)
    this.ends.fill(-1)
  }

  /** The block has a status: it is the head of a response (else that of a request, or a trailer). */
  get hasStatus(): boolean {
    return this.ends[STATUS_CODE]! >= 0
  }

  get hasMethod(): boolean {
    return this.ends[METHOD]! >= 0
  }

  /** Lines of the ordinary fields: what a trailer is. */
  get trailer(): Uint8Array {
    return this.lines
  }

  get trailerEnd(): number {
    return this.linesEnd
  }

  field(
    nameBytes: Uint8Array,
    nameStart: number,
    nameEnd: number,
    valueBytes: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): void {
    if (nameEnd > nameStart && nameBytes[nameStart] === COLON) {
      this.pseudoField(nameBytes, nameStart, nameEnd, valueBytes, valueStart, valueEnd)
      return
    }
    const length = nameEnd - nameStart + valueEnd - valueStart + 4
    let to = this.linesEnd
    const { lines } = this
    if (to + length > lines.length) {
      this.cut = true
      return
    }
    to = copyLine(lines, to, nameBytes, nameStart, nameEnd)
    lines[to++] = COLON
    lines[to++] = SPACE
    to = copyLine(lines, to, valueBytes, valueStart, valueEnd)
    lines[to++] = CR
    lines[to++] = LF
    this.linesEnd = to
  }

  private pseudoField(
    nameBytes: Uint8Array,
    nameStart: number,
    nameEnd: number,
    valueBytes: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): void {
    const which = PSEUDO.findIndex((name) => equals(name, nameBytes, nameStart, nameEnd))
    if (which < 0 || this.ends[which]! >= 0) return
    if (this.pseudoEnd + valueEnd - valueStart > this.pseudo.length) {
      this.cut = true
      return
    }
    this.starts[which] = this.pseudoEnd
    this.pseudoEnd = copyLine(this.pseudo, this.pseudoEnd, valueBytes, valueStart, valueEnd)
    this.ends[which] = this.pseudoEnd
  }

  /** Writes the head of a request. */
  request(): void {
    if (this.ends[METHOD]! >= 0) this.putPseudo(METHOD)
    else this.put(DEFAULT_METHOD, 0, DEFAULT_METHOD.length)
    this.putByte(SPACE)
    const authority = this.ends[AUTHORITY]! > this.starts[AUTHORITY]!
    if (this.ends[PATH]! < 0) {
      // CONNECT has an authority alone.
      this.putPseudo(AUTHORITY)
    } else {
      if (authority && this.ends[SCHEME]! > this.starts[SCHEME]!) {
        this.putPseudo(SCHEME)
        this.put(SEPARATOR, 0, SEPARATOR.length)
        this.putPseudo(AUTHORITY)
      }
      this.putPseudo(PATH)
    }
    this.put(VERSION, 0, VERSION.length)
    this.putLines()
  }

  /** Writes the head of a response; returns its status. */
  response(): number {
    this.put(STATUS, 0, STATUS.length)
    this.putPseudo(STATUS_CODE)
    this.putByte(SPACE)
    this.putByte(CR)
    this.putByte(LF)
    this.putLines()
    let status = 0
    for (let i = this.starts[STATUS_CODE]!; i < this.ends[STATUS_CODE]!; i++) {
      const digit = this.pseudo[i]! - 48
      if (digit < 0 || digit > 9 || status > 99) return 0
      status = status * 10 + digit
    }
    return status
  }

  /** As many lines as fit, and the end of the head. */
  private putLines(): void {
    let end = this.linesEnd
    const room = this.bytes.length - this.length - 2
    if (end > room) {
      this.cut = true
      end = room > 0 ? this.lines.lastIndexOf(LF, room - 1) + 1 : 0
    }
    this.put(this.lines, 0, end)
    this.putByte(CR)
    this.putByte(LF)
  }

  private putPseudo(which: number): void {
    if (this.ends[which]! >= 0) this.put(this.pseudo, this.starts[which]!, this.ends[which]!)
  }

  private put(bytes: Uint8Array, start: number, end: number): void {
    // Room is kept for the rest of the start line and the end of the head.
    const room = this.bytes.length - this.length - 2
    const to = end - start > room ? start + Math.max(0, room) : end
    if (to < end) this.cut = true
    copyBytes(this.bytes, this.length, bytes, start, to)
    this.length += to - start
  }

  private putByte(byte: number): void {
    if (this.length < this.bytes.length) this.bytes[this.length++] = byte
  }
}

/** Copies without anything that ends a line. */
function copyLine(target: Uint8Array, at: number, bytes: Uint8Array, start: number, end: number): number {
  let to = at
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!
    target[to++] = byte === CR || byte === LF ? SPACE : byte
  }
  return to
}

function equals(name: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start !== name.length) return false
  for (let i = 0; i < name.length; i++) if (bytes[start + i] !== name[i]) return false
  return true
}
