/**
 * Text in UTF-16 and UTF-32 made readable byte by byte, as rules are written.
 *
 * In: decoded body bytes in pieces of any size. Out: the same text in at most as many bytes and a half: characters below
 * 256 as one byte, the others in UTF-8. Which form it is comes from the Content-Type or from the byte order mark.
 */

export const CHARSET = {
  /** Bytes as they are. */
  NONE: 0,
  /** Text that may begin with a byte order mark. */
  UNKNOWN: 1,
  UTF16LE: 2,
  UTF16BE: 3,
  UTF32LE: 4,
  UTF32BE: 5,
} as const
export type CharsetId = (typeof CHARSET)[keyof typeof CHARSET]

const QUOTE = 0x22
const SLASH = 0x2f
const EQUALS = 0x3d

const NAMES: readonly (readonly [name: string, charset: CharsetId])[] = [
  ['utf-16le', CHARSET.UTF16LE],
  ['utf-16be', CHARSET.UTF16BE],
  ['utf-32le', CHARSET.UTF32LE],
  ['utf-32be', CHARSET.UTF32BE],
  ['utf-16', CHARSET.UNKNOWN],
  ['utf-32', CHARSET.UNKNOWN],
]

/** What a Content-Type `bytes[start, end)` says: of text it may be told by its first bytes, of the rest only by name. */
export function charsetOf(bytes: Uint8Array, start: number, end: number): CharsetId {
  let text = isAt(bytes, start, end, 'text/')
  for (let i = start + 4; i < end; i++) {
    const byte = bytes[i]!
    if (byte === EQUALS && isAt(bytes, i - 7, end, 'charset=')) {
      const value = bytes[i + 1] === QUOTE ? i + 2 : i + 1
      for (const [name, charset] of NAMES) if (isAt(bytes, value, end, name)) return charset
      return CHARSET.NONE
    }
    if (byte === SLASH && isAt(bytes, i + 1, end, 'text')) text = true
  }
  return text ? CHARSET.UNKNOWN : CHARSET.NONE
}

function isAt(bytes: Uint8Array, at: number, end: number, word: string): boolean {
  if (at < 0 || end - at < word.length) return false
  for (let i = 0; i < word.length; i++) {
    const byte = bytes[at + i]!
    if ((byte >= 65 && byte <= 90 ? byte | 0x20 : byte) !== word.charCodeAt(i)) return false
  }
  return true
}

/** Bytes of output that one byte of input may become at most. */
const GROWTH = 2
/** A byte order mark of UTF-32, and the largest unit. */
const LONGEST = 4
/** Bytes looked at to tell wide characters without a mark. */
const SAMPLE = 32
const BYTE_ORDER_MARK = 0xfeff

export class CharsetDecoder {
  active = false
  /** Text made of the last piece: `output[0, length)`. */
  output: Uint8Array = new Uint8Array(0)
  length = 0
  /** Characters that are not of the first 256, which Snort does not convert. */
  failed = false
  private charset: CharsetId = CHARSET.NONE
  /** Bytes of a unit, or of a mark, that is not complete. */
  private readonly held = new Uint8Array(SAMPLE)
  private heldCount = 0
  private high = 0
  /** A mark may come although the charset is known: it is no text (RFC 3629 section 6). */
  private atStart = false

  begin(charset: CharsetId): void {
    this.charset = charset
    this.atStart = charset >= CHARSET.UTF16LE
    this.active = charset !== CHARSET.NONE
    this.heldCount = 0
    this.high = 0
    this.failed = false
  }

  /** Whether the first bytes of text show that it is neither marked nor wide; if so, nothing is to be done with the rest. */
  isPlain(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.charset !== CHARSET.UNKNOWN || this.heldCount > 0 || start + 1 >= end) return false
    const first = bytes[start]!
    if (first >= 0xfe || first === 0 || bytes[start + 1] === 0) return false
    this.active = false
    return true
  }

  /** Bytes are missing: what was held belongs to nothing. */
  skip(): void {
    this.heldCount = 0
    this.high = 0
    if (this.charset === CHARSET.UNKNOWN) this.charset = CHARSET.NONE
  }

  /** Decodes a piece into `output`. `last`: nothing follows, so what waits comes out as it is. */
  decode(bytes: Uint8Array, start: number, end: number, last: boolean): void {
    const most = (end - start + SAMPLE) * GROWTH
    if (this.output.length < most) this.output = new Uint8Array(most)
    this.length = 0
    let at = start
    if (this.charset === CHARSET.UNKNOWN) {
      while (at < end && !this.decide(false)) this.held[this.heldCount++] = bytes[at++]!
      if (this.charset === CHARSET.UNKNOWN && !this.decide(last)) return
    }
    if (this.charset === CHARSET.NONE) {
      this.flushHeld()
      this.output.set(bytes.subarray(at, end), this.length)
      this.length += end - at
      return
    }
    const size = this.charset >= CHARSET.UTF32LE ? 4 : 2
    while (at < end || this.heldCount >= size) {
      while (this.heldCount < size && at < end) this.held[this.heldCount++] = bytes[at++]!
      if (this.heldCount < size) break
      this.unit(size)
    }
    if (last) this.flushHeld()
  }

  /** Tells by what is held which charset it is; false when more bytes are needed, which `last` says there are not. */
  private decide(last: boolean): boolean {
    const { held, heldCount: count } = this
    if (count < 2) {
      if (last) this.charset = CHARSET.NONE
      return last
    }
    const [first, second, third, fourth] = held as unknown as readonly [number, number, number, number]
    if (first === 0xfe && second === 0xff) return this.marked(CHARSET.UTF16BE, 2)
    if (first === 0xff && second === 0xfe) {
      if (count < LONGEST && !last && (count < 3 || third === 0)) return false
      const wide = count >= LONGEST && third === 0 && fourth === 0
      return wide ? this.marked(CHARSET.UTF32LE, 4) : this.marked(CHARSET.UTF16LE, 2)
    }
    if (first !== 0 && second !== 0) {
      this.charset = CHARSET.NONE
      return true
    }
    if (count < LONGEST && !last) return false
    if (first === 0 && second === 0 && third === 0xfe && fourth === 0xff && count >= LONGEST)
      return this.marked(CHARSET.UTF32BE, 4)
    if (count < SAMPLE && !last) return false
    this.charset = count < LONGEST ? CHARSET.NONE : this.guess(first, second, third, fourth)
    return true
  }

  private marked(charset: CharsetId, length: number): boolean {
    this.charset = charset
    this.held.copyWithin(0, length, this.heldCount)
    this.heldCount -= length
    return true
  }

  /** Without a mark: zeros where ASCII has them in wide characters tell which, if they are all there. */
  private guess(first: number, second: number, third: number, fourth: number): CharsetId {
    let charset: CharsetId = CHARSET.NONE
    if (first === 0 && third === 0 && fourth !== 0) charset = second === 0 ? CHARSET.UTF32BE : CHARSET.UTF16BE
    else if (first !== 0 && second === 0 && fourth === 0)
      charset = third === 0 ? CHARSET.UTF32LE : CHARSET.UTF16LE
    if (charset === CHARSET.NONE) return charset
    const size = charset >= CHARSET.UTF32LE ? 4 : 2
    const low = charset === CHARSET.UTF16LE || charset === CHARSET.UTF32LE ? 0 : size - 1
    for (let i = 0; i < this.heldCount; i++) {
      if (i % size === low || this.held[i] === 0) continue
      this.failed = true
      return CHARSET.NONE
    }
    return charset
  }

  private flushHeld(): void {
    for (let i = 0; i < this.heldCount; i++) this.output[this.length++] = this.held[i]!
    this.heldCount = 0
  }

  private unit(size: number): void {
    const { held, charset } = this
    let code: number
    if (charset === CHARSET.UTF16LE) code = held[0]! | (held[1]! << 8)
    else if (charset === CHARSET.UTF16BE) code = (held[0]! << 8) | held[1]!
    else if (charset === CHARSET.UTF32LE)
      code = (held[0]! | (held[1]! << 8) | (held[2]! << 16) | (held[3]! << 24)) >>> 0
    else code = ((held[0]! << 24) | (held[1]! << 16) | (held[2]! << 8) | held[3]!) >>> 0
    held.copyWithin(0, size, this.heldCount)
    this.heldCount -= size
    if (this.atStart) {
      this.atStart = false
      if (code === BYTE_ORDER_MARK) return
    }
    if (size === 2 && code >= 0xd800 && code <= 0xdbff) {
      this.high = code
      return
    }
    if (size === 2 && code >= 0xdc00 && code <= 0xdfff && this.high !== 0) {
      code = 0x10000 + ((this.high - 0xd800) << 10) + (code - 0xdc00)
    }
    this.high = 0
    this.write(code)
  }

  private write(code: number): void {
    const { output } = this
    if (code < 0x100) {
      output[this.length++] = code
      return
    }
    this.failed = true
    if (code < 0x800) {
      output[this.length++] = 0xc0 | (code >> 6)
      output[this.length++] = 0x80 | (code & 0x3f)
    } else if (code < 0x10000) {
      output[this.length++] = 0xe0 | (code >> 12)
      output[this.length++] = 0x80 | ((code >> 6) & 0x3f)
      output[this.length++] = 0x80 | (code & 0x3f)
    } else {
      output[this.length++] = 0xf0 | ((code >>> 18) & 7)
      output[this.length++] = 0x80 | ((code >> 12) & 0x3f)
      output[this.length++] = 0x80 | ((code >> 6) & 0x3f)
      output[this.length++] = 0x80 | (code & 0x3f)
    }
  }
}
