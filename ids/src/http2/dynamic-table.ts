/**
 * The dynamic table of an HPACK decoder (RFC 7541 sections 2.3.2 and 4): the header fields seen last.
 *
 * Bytes lie in one buffer of the pool, oldest first; when its end is reached they are moved to the front. Sizes are
 * bounded by what the decoder allows, so a table never holds more than one buffer.
 */
import { copyBytes } from '../inspect/copy.js'
import type { BufferPool } from '../inspect/pool.js'

const NONE = new Uint8Array(0)
/** What an entry counts beside its bytes (section 4.1). */
const OVERHEAD = 32
const DEFAULT_SIZE = 4096
/** Integers per entry: start, length of the name, length of the value. */
const STRIDE = 3

export class DynamicTable {
  bytes: Uint8Array = NONE
  /** Most the entries may count, as the encoder has said. */
  maxSize = DEFAULT_SIZE
  count = 0
  private size = 0
  /** Where the next entry's bytes go. */
  private end = 0
  /** Ring of entries; `first` is the oldest. */
  private entries = new Int32Array((DEFAULT_SIZE / OVERHEAD) * STRIDE)
  private first = 0

  reset(pool: BufferPool): void {
    if (this.bytes !== NONE) pool.give(this.bytes)
    this.bytes = NONE
    this.maxSize = DEFAULT_SIZE
    this.clear()
  }

  private clear(): void {
    this.count = 0
    this.size = 0
    this.end = 0
    this.first = 0
  }

  /** The encoder will keep no more than `maxSize`. */
  resize(maxSize: number): void {
    this.evict(maxSize)
    this.maxSize = maxSize
  }

  /** Start of entry `index` (0 is the newest); its name and value lie there one after the other. */
  start(index: number): number {
    return this.entries[this.slot(index)]!
  }

  nameLength(index: number): number {
    return this.entries[this.slot(index) + 1]!
  }

  valueLength(index: number): number {
    return this.entries[this.slot(index) + 2]!
  }

  /**
   * Adds a field as the newest entry. Its bytes must not lie in the table. Returns the number of bytes moved; -1 when
   * there is no memory.
   */
  add(
    nameBytes: Uint8Array,
    nameStart: number,
    nameEnd: number,
    valueBytes: Uint8Array,
    valueStart: number,
    valueEnd: number,
    pool: BufferPool,
  ): number {
    const nameLength = nameEnd - nameStart
    const valueLength = valueEnd - valueStart
    const length = nameLength + valueLength
    const counted = length + OVERHEAD
    if (counted > this.maxSize) {
      // Section 4.4: an entry that does not fit empties the table.
      this.clear()
      return 0
    }
    this.evict(this.maxSize - counted)
    let moved = length
    if (this.end + length > this.bytes.length) {
      if (this.bytes.length < this.maxSize) {
        const larger = pool.take(this.maxSize)
        if (larger === null) return -1
        copyBytes(larger, 0, this.bytes, 0, this.end)
        if (this.bytes !== NONE) pool.give(this.bytes)
        this.bytes = larger
        moved += this.end
      }
      if (this.end + length > this.bytes.length) moved += this.compact()
    }
    if (this.count * STRIDE === this.entries.length) this.grow()
    const slot = ((this.first + this.count) * STRIDE) % this.entries.length
    this.count++
    this.size += counted
    this.entries[slot] = this.end
    this.entries[slot + 1] = nameLength
    this.entries[slot + 2] = valueLength
    copyBytes(this.bytes, this.end, nameBytes, nameStart, nameEnd)
    copyBytes(this.bytes, this.end + nameLength, valueBytes, valueStart, valueEnd)
    this.end += length
    return moved
  }

  private slot(index: number): number {
    return ((this.first + this.count - 1 - index) * STRIDE) % this.entries.length
  }

  private evict(size: number): void {
    while (this.size > size && this.count > 0) {
      const slot = (this.first * STRIDE) % this.entries.length
      this.size -= this.entries[slot + 1]! + this.entries[slot + 2]! + OVERHEAD
      this.first++
      if (this.first * STRIDE === this.entries.length) this.first = 0
      this.count--
    }
    if (this.count === 0) this.clear()
  }

  private compact(): number {
    const low = this.count > 0 ? this.start(this.count - 1) : this.end
    this.bytes.copyWithin(0, low, this.end)
    for (let index = 0; index < this.count; index++) this.entries[this.slot(index)]! -= low
    this.end -= low
    return this.end + this.count
  }

  private grow(): void {
    const larger = new Int32Array(this.entries.length * 2)
    for (let n = 0; n < this.count; n++) {
      const slot = ((this.first + n) * STRIDE) % this.entries.length
      for (let field = 0; field < STRIDE; field++) larger[n * STRIDE + field] = this.entries[slot + field]!
    }
    this.entries = larger
    this.first = 0
  }
}
