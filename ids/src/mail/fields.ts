/**
 * The header of a message or part, read line by line as it comes: what is said about its content.
 *
 * In: bytes of header lines, cut anywhere, and line ends. Out: `ContentInfo` with the boundary, the transfer encoding and
 * whether the content is a message itself (RFC 2045, 2046, 2183). Lines that say nothing about that are not stored.
 */
import { copyBytes } from '../inspect/copy.js'
import type { BufferPool } from '../inspect/pool.js'
import { TRANSFER, type TransferId } from './transfer.js'

const SPACE = 0x20
const TAB = 9
const COLON = 0x3a
const SEMICOLON = 0x3b
const COMMA = 0x2c
const EQUALS = 0x3d
const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN = 0x28
const CLOSE = 0x29
const LOWER_C = 0x63

const NONE = new Uint8Array(0)

/** Bytes of a header field that are looked at, its folded lines joined. */
export const FIELD_BYTES = 4096
/** Bytes of a boundary; longer ones are compared as far as that. RFC 2046 allows 70. */
export const BOUNDARY_BYTES = 128

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0))
const CONTENT_TYPE = ascii('content-type')
const TRANSFER_ENCODING = ascii('content-transfer-encoding')
const MESSAGE = ascii('message/')
const BOUNDARY = ascii('boundary')
const ENCODINGS: readonly { readonly name: Uint8Array; readonly id: TransferId }[] = [
  { name: ascii('base64'), id: TRANSFER.BASE64 },
  { name: ascii('quoted-printable'), id: TRANSFER.QUOTED_PRINTABLE },
  { name: ascii('uuencode'), id: TRANSFER.UUENCODE },
  { name: ascii('x-uuencode'), id: TRANSFER.UUENCODE },
  { name: ascii('x-uue'), id: TRANSFER.UUENCODE },
  { name: ascii('uue'), id: TRANSFER.UUENCODE },
]

export class FieldReader {
  /** What the fields so far say. */
  encoding: TransferId = TRANSFER.IDENTITY
  /** A Content-Transfer-Encoding was given, whichever. */
  encoded = false
  /** The content is a message with a header of its own. */
  message = false
  readonly boundary = new Uint8Array(BOUNDARY_BYTES)
  boundaryLength = 0
  /** Bytes of all lines so far. */
  total = 0
  /** The field being read, as far as it is of interest. */
  private bytes: Uint8Array = NONE
  private length = 0
  private wanted = false
  private atStart = true

  reset(): void {
    this.encoding = TRANSFER.IDENTITY
    this.encoded = false
    this.message = false
    this.boundaryLength = 0
    this.total = 0
    this.length = 0
    this.wanted = false
    this.atStart = true
  }

  /** A line begins; `first` is its first byte. One that begins with a blank goes on with the field before. */
  line(first: number): void {
    if (first === SPACE || first === TAB) return
    this.endField()
    this.atStart = true
  }

  /** Bytes of a line, without its end. False when there is no memory for them. */
  append(bytes: Uint8Array, start: number, end: number, pool: BufferPool): boolean {
    this.total += end - start
    if (start === end) return true
    if (this.atStart) {
      this.atStart = false
      this.wanted = (bytes[start]! | 0x20) === LOWER_C
    }
    if (!this.wanted) return true
    const room = FIELD_BYTES - this.length
    const count = end - start < room ? end - start : room
    if (this.length + count > this.bytes.length) {
      const larger = pool.take(this.length + count)
      if (larger === null) return false
      copyBytes(larger, 0, this.bytes, 0, this.length)
      if (this.bytes !== NONE) pool.give(this.bytes)
      this.bytes = larger
    }
    copyBytes(this.bytes, this.length, bytes, start, start + count)
    this.length += count
    return true
  }

  /** The header is over; what it says stays until `reset`. */
  finish(pool: BufferPool): void {
    this.endField()
    this.release(pool)
  }

  release(pool: BufferPool): void {
    if (this.bytes !== NONE) pool.give(this.bytes)
    this.bytes = NONE
    this.length = 0
    this.wanted = false
  }

  private endField(): void {
    if (this.wanted) this.read(this.bytes, this.length)
    this.length = 0
    this.wanted = false
  }

  private read(bytes: Uint8Array, end: number): void {
    let colon = 0
    while (colon < end && bytes[colon] !== COLON) colon++
    if (colon === end) return
    let nameEnd = colon
    while (nameEnd > 0 && isBlank(bytes[nameEnd - 1]!)) nameEnd--
    const at = skipBlanks(bytes, colon + 1, end)
    if (nameEnd === CONTENT_TYPE.length && startsWith(bytes, 0, nameEnd, CONTENT_TYPE)) {
      this.message = startsWith(bytes, at, end, MESSAGE) && isMessage(bytes, at + MESSAGE.length, end)
      this.readBoundary(bytes, at, end)
    } else if (nameEnd === TRANSFER_ENCODING.length && startsWith(bytes, 0, nameEnd, TRANSFER_ENCODING)) {
      this.encoded = true
      this.encoding = encodingAt(bytes, at, end)
    }
  }

  /** Looks through the parameters; the last boundary counts. */
  private readBoundary(bytes: Uint8Array, start: number, end: number): void {
    let at = nextParameter(bytes, start, end)
    while (at < end) {
      at = skipBlanks(bytes, at, end)
      if (startsWith(bytes, at, end, BOUNDARY)) {
        const equals = skipBlanks(bytes, at + BOUNDARY.length, end)
        if (equals < end && bytes[equals] === EQUALS) {
          this.readValue(bytes, skipBlanks(bytes, equals + 1, end), end)
        }
      }
      at = nextParameter(bytes, at, end)
    }
  }

  private readValue(bytes: Uint8Array, start: number, end: number): void {
    const quoted = start < end && bytes[start] === QUOTE
    let length = 0
    for (let i = quoted ? start + 1 : start; i < end && length < BOUNDARY_BYTES; i++) {
      let byte = bytes[i]!
      if (quoted) {
        if (byte === QUOTE) break
        if (byte === BACKSLASH && i + 1 < end) byte = bytes[++i]!
      } else if (byte === SEMICOLON || isBlank(byte)) break
      this.boundary[length++] = byte
    }
    // A blank at the end of a line may have been added on the way (RFC 2046 section 5.1.1).
    while (length > 0 && isBlank(this.boundary[length - 1]!)) length--
    this.boundaryLength = length
  }
}

/** Index behind the next `;` that stands neither in quotes nor in a comment; `end` when there is none. */
function nextParameter(bytes: Uint8Array, start: number, end: number): number {
  let quoted = false
  let depth = 0
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!
    if (byte === BACKSLASH && (quoted || depth > 0)) i++
    else if (byte === QUOTE && depth === 0) quoted = !quoted
    else if (quoted) continue
    else if (byte === OPEN) depth++
    else if (byte === CLOSE && depth > 0) depth--
    else if (byte === SEMICOLON && depth === 0) return i + 1
  }
  return end
}

/** `message/rfc822` and `message/global`; the other subtypes are not messages. */
function isMessage(bytes: Uint8Array, start: number, end: number): boolean {
  return startsWith(bytes, start, end, RFC822) || startsWith(bytes, start, end, GLOBAL)
}
const RFC822 = ascii('rfc822')
const GLOBAL = ascii('global')

function encodingAt(bytes: Uint8Array, start: number, end: number): TransferId {
  let from = start
  while (from < end && (bytes[from] === QUOTE || isBlank(bytes[from]!))) from++
  let to = from
  while (to < end && !endsToken(bytes[to]!)) to++
  for (const { name, id } of ENCODINGS) {
    if (name.length === to - from && startsWith(bytes, from, to, name)) return id
  }
  return TRANSFER.IDENTITY
}

function endsToken(byte: number): boolean {
  return isBlank(byte) || byte === SEMICOLON || byte === COMMA || byte === QUOTE || byte === OPEN
}

function isBlank(byte: number): boolean {
  return byte === SPACE || byte === TAB
}

function skipBlanks(bytes: Uint8Array, start: number, end: number): number {
  let i = start
  while (i < end && isBlank(bytes[i]!)) i++
  return i
}

/** @param word lower case */
function startsWith(bytes: Uint8Array, start: number, end: number, word: Uint8Array): boolean {
  if (end - start < word.length) return false
  for (let k = 0; k < word.length; k++) {
    const byte = bytes[start + k]!
    if ((byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte) !== word[k]) return false
  }
  return true
}
