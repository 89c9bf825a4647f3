/**
 * Streaming decompression of gzip, zlib and raw deflate (RFC 1950 to 1952), stopping and going on at any byte.
 *
 * In: compressed bytes of a message body, a window at a time. Out: decompressed bytes in `output`, in portions of the
 * size the caller asks for. Written here because Node's synchronous zlib calls cannot be fed in pieces, and bodies must
 * be inspected as they come, with bounded memory. Checksums are verified, when asked for, of data that comes to no more
 * than the history: of longer data most has been looked at before its checksum is there.
 */
import { Integrity } from './checksum.js'
import {
  CODE_ORDER,
  DISTANCE_BASE,
  DISTANCE_BITS,
  FIXED_LENGTHS,
  LENGTH_BASE,
  LENGTH_BITS,
} from './deflate-tables.js'
import { HuffmanCode, NO_SYMBOL } from './huffman.js'

export const INFLATE = {
  /** All input has been used. */
  NEED_INPUT: 0,
  /** The portion asked for is full. */
  OUTPUT_FULL: 1,
  /** The compressed data has ended; the rest of the input was not read. */
  DONE: 2,
  /** Not valid; the input from `position` on was not understood. */
  ERROR: 3,
} as const
export type InflateStatus = (typeof INFLATE)[keyof typeof INFLATE]

/** How far back a match may reach. */
const HISTORY = 32768
/** Bytes that `output` must hold: the history and the largest portion. */
export const INFLATE_OUTPUT = HISTORY + 32768

const STATE = {
  MAGIC: 0,
  GZIP_HEAD: 1,
  GZIP_EXTRA_LENGTH: 2,
  GZIP_EXTRA: 3,
  GZIP_NAME: 4,
  GZIP_COMMENT: 5,
  GZIP_CRC: 6,
  BLOCK: 7,
  STORED_LENGTH: 8,
  STORED: 9,
  DYNAMIC_COUNTS: 10,
  CODE_LENGTHS: 11,
  LENGTHS: 12,
  SYMBOL: 13,
  LENGTH_EXTRA: 14,
  DISTANCE: 15,
  DISTANCE_EXTRA: 16,
  COPY: 17,
  TRAILER: 18,
  DONE: 19,
  ERROR: 20,
} as const
type State = (typeof STATE)[keyof typeof STATE]

/** What the deflate data is wrapped in. */
const RAW = 0
const ZLIB = 1
const GZIP = 2

export class Inflater {
  /** Decompressed bytes of the last portion: `output[start, end)`. */
  output: Uint8Array = new Uint8Array(0)
  start = 0
  end = 0
  /** Index in the input of the first byte not used. */
  position = 0
  private state: State = STATE.MAGIC
  private rawAllowed = false
  private wrapper: typeof RAW | typeof ZLIB | typeof GZIP = RAW
  private hold = 0
  private bits = 0
  private lastBlock = false
  private need = 0
  /** Flags of the gzip header, once it has been read. */
  gzipFlags = 0
  /** The error is a checksum or length that does not fit what has come out. */
  corrupt = false
  private verify = false
  private readonly integrity = new Integrity()
  private lengthSymbols = 0
  private distanceSymbols = 0
  private codeSymbols = 0
  private index = 0
  private matchLength = 0
  private matchDistance = 0
  private symbol = 0
  /** Bytes of history that exist. */
  private history = 0
  private readonly lengths = new Uint8Array(288 + 32)
  private readonly codeCode = new HuffmanCode(19)
  private readonly literalCode = new HuffmanCode(288)
  private readonly distanceCode = new HuffmanCode(32)

  /**
   * @param output at least `INFLATE_OUTPUT` bytes, lent until the next `reset`
   * @param rawAllowed data without a gzip or zlib header is taken to be raw deflate (else it is an error)
   * @param verify wrong checksums are errors, and so is another wrapper than the coding's
   */
  reset(output: Uint8Array, rawAllowed: boolean, verify: boolean): void {
    this.verify = verify
    this.corrupt = false
    this.output = output
    this.start = 0
    this.end = 0
    this.position = 0
    this.state = STATE.MAGIC
    this.rawAllowed = rawAllowed
    this.wrapper = RAW
    this.hold = 0
    this.bits = 0
    this.lastBlock = false
    this.history = 0
    this.gzipFlags = 0
  }

  /**
   * Decompresses `input[from, to)` until it is used up, `most` bytes (at most 32,768) have come out, or the data ends.
   * Bits read but not used are kept, so the next call goes on with the bytes from `position`.
   */
  run(input: Uint8Array, from: number, to: number, most: number): InflateStatus {
    const { output } = this
    if (this.end + most > INFLATE_OUTPUT) {
      const keep = this.history < HISTORY ? this.history : HISTORY
      output.copyWithin(0, this.end - keep, this.end)
      this.end = keep
    }
    this.start = this.end
    this.integrity.start(this.end)
    this.position = from
    const status = this.decompress(input, to, this.end + most)
    this.addToSum()
    return status
  }

  private decompress(input: Uint8Array, to: number, limit: number): InflateStatus {
    const { output } = this
    while (true) {
      switch (this.state) {
        case STATE.SYMBOL:
        case STATE.LENGTH_EXTRA:
        case STATE.DISTANCE:
        case STATE.DISTANCE_EXTRA:
        case STATE.COPY: {
          const status = this.symbols(input, to, limit)
          if (status >= 0) return status as InflateStatus
          break
        }
        case STATE.STORED: {
          let count = to - this.position
          if (count > this.need) count = this.need
          if (count > limit - this.end) count = limit - this.end
          for (let i = 0; i < count; i++) output[this.end++] = input[this.position++]!
          this.need -= count
          this.history += count
          if (this.need === 0) this.endBlock()
          else return this.end === limit ? INFLATE.OUTPUT_FULL : INFLATE.NEED_INPUT
          break
        }
        case STATE.DONE:
          return INFLATE.DONE
        case STATE.ERROR:
          return INFLATE.ERROR
        default:
          if (!this.step(input, to)) return INFLATE.NEED_INPUT
      }
    }
  }

  private endBlock(): void {
    if (!this.lastBlock) {
      this.state = STATE.BLOCK
      return
    }
    if (this.wrapper === RAW) {
      this.state = STATE.DONE
      return
    }
    this.dropBits()
    this.need = this.wrapper === GZIP ? 8 : 4
    this.state = STATE.TRAILER
  }

  /** Data of which most has been handed out is not judged by its checksum. */
  private get judged(): boolean {
    return this.verify && this.history <= HISTORY
  }

  private addToSum(): void {
    if (this.judged && this.wrapper !== RAW) this.integrity.add(this.output, this.end)
  }

  private fail(): true {
    this.corrupt = true
    this.state = STATE.ERROR
    return true
  }

  /** One byte of the gzip header, which is in `hold`. */
  private takeHeaderByte(): number {
    const byte = this.take(8)
    if (this.verify) this.integrity.addHeaderByte(byte)
    return byte
  }

  /** Goes back to a byte boundary; whole bytes in `hold` stay there. */
  private dropBits(): void {
    const odd = this.bits & 7
    this.hold >>>= odd
    this.bits -= odd
  }

  /** Makes `count` (at most 16) bits available in `hold`. */
  private fill(input: Uint8Array, to: number, count: number): boolean {
    while (this.bits < count) {
      if (this.position === to) return false
      this.hold |= input[this.position++]! << this.bits
      this.bits += 8
    }
    return true
  }

  private take(count: number): number {
    const value = this.hold & ((1 << count) - 1)
    this.hold >>>= count
    this.bits -= count
    return value
  }

  /** One step of headers and block heads. Returns false when input is missing. */
  private step(input: Uint8Array, to: number): boolean {
    switch (this.state) {
      case STATE.MAGIC: {
        if (!this.fill(input, to, 16)) return false
        const first = this.hold & 0xff
        const second = (this.hold >>> 8) & 0xff
        // Strictly, what is called gzip is gzip and what is called deflate is not.
        if (first === 0x1f && second === 0x8b && !(this.verify && this.rawAllowed)) {
          this.integrity.beginGzip(this.history)
          this.takeHeaderByte()
          this.takeHeaderByte()
          this.wrapper = GZIP
          this.need = 8
          this.state = STATE.GZIP_HEAD
        } else if (
          (first & 15) === 8 &&
          (first * 256 + second) % 31 === 0 &&
          (this.rawAllowed || !this.verify)
        ) {
          this.take(16)
          this.wrapper = ZLIB
          this.integrity.beginZlib()
          // A preset dictionary is never used by HTTP.
          this.state = (second & 0x20) !== 0 ? STATE.ERROR : STATE.BLOCK
        } else {
          this.wrapper = RAW
          this.state = this.rawAllowed ? STATE.BLOCK : STATE.ERROR
        }
        return true
      }
      case STATE.GZIP_HEAD:
        // Method, flags, time (4), extra flags, system.
        if (!this.fill(input, to, 8)) return false
        if (this.need === 7) this.gzipFlags = this.hold & 0xff
        if (this.need === 8 && (this.hold & 0xff) !== 8) {
          this.state = STATE.ERROR
          return true
        }
        this.takeHeaderByte()
        if (--this.need === 0) this.state = STATE.GZIP_EXTRA_LENGTH
        return true
      case STATE.GZIP_EXTRA_LENGTH:
        if ((this.gzipFlags & 4) !== 0) {
          if (!this.fill(input, to, 16)) return false
          this.need = this.takeHeaderByte()
          this.need += this.takeHeaderByte() << 8
        } else {
          this.need = 0
        }
        this.state = STATE.GZIP_EXTRA
        return true
      case STATE.GZIP_EXTRA:
        while (this.need > 0) {
          if (!this.fill(input, to, 8)) return false
          this.takeHeaderByte()
          this.need--
        }
        this.state = STATE.GZIP_NAME
        return true
      case STATE.GZIP_NAME:
        if ((this.gzipFlags & 8) !== 0 && !this.skipText(input, to)) return false
        this.state = STATE.GZIP_COMMENT
        return true
      case STATE.GZIP_COMMENT:
        if ((this.gzipFlags & 16) !== 0 && !this.skipText(input, to)) return false
        this.state = STATE.GZIP_CRC
        return true
      case STATE.GZIP_CRC:
        if ((this.gzipFlags & 2) !== 0) {
          if (!this.fill(input, to, 16)) return false
          if (this.take(16) !== this.integrity.headerCrc && this.verify) return this.fail()
        }
        this.state = STATE.BLOCK
        return true
      case STATE.TRAILER:
        while (this.need > 0) {
          if (!this.fill(input, to, 8)) return false
          const length = this.wrapper === GZIP ? 8 : 4
          this.integrity.trailer[length - this.need] = this.take(8)
          this.need--
        }
        this.addToSum()
        if (this.judged && !this.integrity.holds(this.history)) return this.fail()
        if (this.wrapper !== GZIP) {
          this.state = STATE.DONE
          return true
        }
        // Another member may follow.
        if (!this.fill(input, to, 16)) return false
        if ((this.hold & 0xffff) === 0x8b1f) {
          this.lastBlock = false
          this.state = STATE.MAGIC
        } else {
          this.state = STATE.DONE
        }
        return true
      default:
        return this.blockHead(input, to)
    }
  }

  private skipText(input: Uint8Array, to: number): boolean {
    while (this.fill(input, to, 8)) if (this.takeHeaderByte() === 0) return true
    return false
  }

  private blockHead(input: Uint8Array, to: number): boolean {
    switch (this.state) {
      case STATE.BLOCK: {
        if (!this.fill(input, to, 3)) return false
        this.lastBlock = this.take(1) === 1
        const kind = this.take(2)
        if (kind === 0) {
          this.dropBits()
          this.state = STATE.STORED_LENGTH
          this.need = -1
        } else if (kind === 1) {
          this.literalCode.build(FIXED_LENGTHS, 0, 288)
          this.distanceCode.build(FIXED_LENGTHS, 288, 32)
          this.state = STATE.SYMBOL
        } else {
          this.state = kind === 2 ? STATE.DYNAMIC_COUNTS : STATE.ERROR
        }
        return true
      }
      case STATE.STORED_LENGTH: {
        if (!this.fill(input, to, 16)) return false
        const value = this.take(16)
        if (this.need < 0) {
          this.need = value
          return true
        }
        this.state = value === (this.need ^ 0xffff) ? STATE.STORED : STATE.ERROR
        // `fill` never reads ahead of what it is asked for, so `hold` is empty here.
        return true
      }
      case STATE.DYNAMIC_COUNTS:
        if (!this.fill(input, to, 14)) return false
        this.lengthSymbols = this.take(5) + 257
        this.distanceSymbols = this.take(5) + 1
        this.codeSymbols = this.take(4) + 4
        this.index = 0
        this.lengths.fill(0, 0, 19)
        this.state = this.lengthSymbols > 286 || this.distanceSymbols > 30 ? STATE.ERROR : STATE.CODE_LENGTHS
        return true
      case STATE.CODE_LENGTHS:
        while (this.index < this.codeSymbols) {
          if (!this.fill(input, to, 3)) return false
          this.lengths[CODE_ORDER[this.index++]!] = this.take(3)
        }
        this.state = this.codeCode.build(this.lengths, 0, 19) ? STATE.LENGTHS : STATE.ERROR
        this.index = 0
        return true
      case STATE.LENGTHS:
        return this.codeLengths(input, to)
      default:
        this.state = STATE.ERROR
        return true
    }
  }

  private codeLengths(input: Uint8Array, to: number): boolean {
    const total = this.lengthSymbols + this.distanceSymbols
    const { lengths } = this
    while (this.index < total) {
      let entry = this.codeCode.decode(this.hold, this.bits)
      while (entry === NO_SYMBOL) {
        if (!this.fill(input, to, this.bits + 1)) return false
        entry = this.codeCode.decode(this.hold, this.bits)
      }
      if (entry < 0) {
        this.state = STATE.ERROR
        return true
      }
      const symbol = entry >> 4
      const codeBits = entry & 15
      if (symbol < 16) {
        this.take(codeBits)
        lengths[this.index++] = symbol
        continue
      }
      const extra = symbol === 16 ? 2 : symbol === 17 ? 3 : 7
      if (!this.fill(input, to, codeBits + extra)) return false
      this.take(codeBits)
      const repeat = this.take(extra) + (symbol === 18 ? 11 : 3)
      if (this.index + repeat > total || (symbol === 16 && this.index === 0)) {
        this.state = STATE.ERROR
        return true
      }
      const value = symbol === 16 ? lengths[this.index - 1]! : 0
      lengths.fill(value, this.index, this.index + repeat)
      this.index += repeat
    }
    const good =
      lengths[256] !== 0 &&
      this.literalCode.build(lengths, 0, this.lengthSymbols) &&
      this.distanceCode.build(lengths, this.lengthSymbols, this.distanceSymbols)
    this.state = good ? STATE.SYMBOL : STATE.ERROR
    return true
  }

  /** Literals and matches. Returns -1 when the block has ended or the data is bad, else the reason to stop. */
  private symbols(input: Uint8Array, to: number, limit: number): number {
    const { output, literalCode, distanceCode } = this
    while (true) {
      if (this.state === STATE.SYMBOL) {
        if (this.end === limit) return INFLATE.OUTPUT_FULL
        let entry = literalCode.decode(this.hold, this.bits)
        while (entry === NO_SYMBOL) {
          if (!this.fill(input, to, this.bits + 1)) return INFLATE.NEED_INPUT
          entry = literalCode.decode(this.hold, this.bits)
        }
        if (entry < 0) return this.bad()
        this.take(entry & 15)
        const symbol = entry >> 4
        if (symbol < 256) {
          output[this.end++] = symbol
          this.history++
          continue
        }
        if (symbol === 256) {
          this.endBlock()
          return -1
        }
        if (symbol > 285) return this.bad()
        this.symbol = symbol - 257
        this.state = STATE.LENGTH_EXTRA
      }
      if (this.state === STATE.LENGTH_EXTRA) {
        const extra = LENGTH_BITS[this.symbol]!
        if (!this.fill(input, to, extra)) return INFLATE.NEED_INPUT
        this.matchLength = LENGTH_BASE[this.symbol]! + this.take(extra)
        this.state = STATE.DISTANCE
      }
      if (this.state === STATE.DISTANCE) {
        let entry = distanceCode.decode(this.hold, this.bits)
        while (entry === NO_SYMBOL) {
          if (!this.fill(input, to, this.bits + 1)) return INFLATE.NEED_INPUT
          entry = distanceCode.decode(this.hold, this.bits)
        }
        if (entry < 0) return this.bad()
        this.take(entry & 15)
        this.symbol = entry >> 4
        if (this.symbol > 29) return this.bad()
        this.state = STATE.DISTANCE_EXTRA
      }
      if (this.state === STATE.DISTANCE_EXTRA) {
        const extra = DISTANCE_BITS[this.symbol]!
        if (!this.fill(input, to, extra)) return INFLATE.NEED_INPUT
        this.matchDistance = DISTANCE_BASE[this.symbol]! + this.take(extra)
        if (this.matchDistance > this.history) return this.bad()
        this.state = STATE.COPY
      }
      let count = this.matchLength
      if (count > limit - this.end) count = limit - this.end
      let from = this.end - this.matchDistance
      let at = this.end
      for (let i = 0; i < count; i++) output[at++] = output[from++]!
      this.end = at
      this.history += count
      this.matchLength -= count
      if (this.matchLength > 0) return INFLATE.OUTPUT_FULL
      this.state = STATE.SYMBOL
    }
  }

  private bad(): number {
    this.state = STATE.ERROR
    return -1
  }
}
