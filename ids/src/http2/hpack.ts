/**
 * HPACK decoder (RFC 7541) of one direction of an HTTP/2 connection.
 *
 * In: complete header blocks, in the order they were sent. Out: header fields through `FieldSink`, as ranges that are
 * valid during the call. Every block costs time in proportion to its bytes: what copying table entries may add is
 * bounded, and beyond that bound, as after any error, the rest of the direction cannot be decoded.
 */
import type { InspectionContext } from '../inspect/context.js'
import { DynamicTable } from './dynamic-table.js'
import { decodeHuffman } from './huffman.js'
import { STATIC_BYTES, STATIC_ENTRIES, STATIC_START, STATIC_VALUE } from './static-table.js'

/** Bytes that the entries of one block may move, per byte of the largest block; ordinary blocks move their own length. */
const WORK_FACTOR = 64

export interface FieldSink {
  field(
    nameBytes: Uint8Array,
    nameStart: number,
    nameEnd: number,
    valueBytes: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): void
}

/** Memory for the strings of one field; one per worker. */
export class HpackMemory {
  name = new Uint8Array(0)
  value = new Uint8Array(0)

  /** Makes room for any string in a block of `length` bytes, or in a table of `table` bytes. */
  reserve(length: number, table: number): void {
    const size = Math.max(table, Math.ceil((length * 8) / 5) + 8)
    if (this.name.length >= size) return
    this.name = new Uint8Array(size)
    this.value = new Uint8Array(size)
  }
}

export class HpackDecoder {
  private readonly table = new DynamicTable()
  private bytes: Uint8Array = new Uint8Array(0)
  private position = 0
  private end = 0
  /** Range of the string read last. */
  private stringBytes: Uint8Array = new Uint8Array(0)
  private stringStart = 0
  private stringEnd = 0

  reset<Flow>(context: InspectionContext<Flow>): void {
    this.table.reset(context.pool)
    this.bytes = new Uint8Array(0)
    this.stringBytes = this.bytes
  }

  /** Decodes the block `bytes[start, end)`. False: it cannot be decoded, nor can any later one. */
  decode<Flow>(
    bytes: Uint8Array,
    start: number,
    end: number,
    sink: FieldSink,
    memory: HpackMemory,
    context: InspectionContext<Flow>,
  ): boolean {
    const { limits, counters } = context
    memory.reserve(end - start, limits.http2Table)
    this.bytes = bytes
    this.position = start
    this.end = end
    let work = WORK_FACTOR * limits.http2HeaderBlock
    while (this.position < end) {
      const first = bytes[this.position]!
      if ((first & 0x80) !== 0) {
        if (!this.indexed(this.integer(0x7f), sink)) return false
      } else if ((first & 0xe0) === 0x20) {
        const size = this.integer(0x1f)
        if (size < 0) return false
        if (size > limits.http2Table) {
          counters.http2TableTooLarge++
          return false
        }
        this.table.resize(size)
      } else {
        const kept = (first & 0x40) !== 0
        const spent = this.literal(kept, this.integer(kept ? 0x3f : 0x0f), sink, memory, context)
        if (spent < 0) return false
        work -= spent
        if (work < 0) {
          counters.http2HeaderWork++
          return false
        }
      }
    }
    return true
  }

  private indexed(index: number, sink: FieldSink): boolean {
    const { table } = this
    if (index <= 0 || index > STATIC_ENTRIES + table.count) return false
    if (index <= STATIC_ENTRIES) {
      const value = STATIC_VALUE[index]!
      sink.field(STATIC_BYTES, STATIC_START[index]!, value, STATIC_BYTES, value, STATIC_START[index + 1]!)
      return true
    }
    const entry = index - STATIC_ENTRIES - 1
    const start = table.start(entry)
    const value = start + table.nameLength(entry)
    sink.field(table.bytes, start, value, table.bytes, value, value + table.valueLength(entry))
    return true
  }

  /** Returns the bytes moved, -1 when it cannot be read. */
  private literal<Flow>(
    kept: boolean,
    index: number,
    sink: FieldSink,
    memory: HpackMemory,
    context: InspectionContext<Flow>,
  ): number {
    const { table } = this
    if (index < 0 || index > STATIC_ENTRIES + table.count) return -1
    let nameBytes: Uint8Array = STATIC_BYTES
    let nameStart: number
    let nameEnd: number
    let work = 0
    if (index === 0) {
      if (!this.string(memory.name)) return -1
      nameBytes = this.stringBytes
      nameStart = this.stringStart
      nameEnd = this.stringEnd
    } else if (index <= STATIC_ENTRIES) {
      nameStart = STATIC_START[index]!
      nameEnd = STATIC_VALUE[index]!
    } else {
      const entry = index - STATIC_ENTRIES - 1
      nameBytes = table.bytes
      nameStart = table.start(entry)
      nameEnd = nameStart + table.nameLength(entry)
      if (kept) {
        // Adding may drop or move the entry it is taken from.
        work = nameEnd - nameStart
        for (let i = 0; i < work; i++) memory.name[i] = nameBytes[nameStart + i]!
        nameBytes = memory.name
        nameStart = 0
        nameEnd = work
      }
    }
    if (!this.string(memory.value)) return -1
    const { stringBytes, stringStart, stringEnd } = this
    sink.field(nameBytes, nameStart, nameEnd, stringBytes, stringStart, stringEnd)
    if (!kept) return work
    const { pool, counters } = context
    const moved = table.add(nameBytes, nameStart, nameEnd, stringBytes, stringStart, stringEnd, pool)
    if (moved >= 0) return work + moved
    counters.bufferBudgetReached++
    return -1
  }

  /** Reads a string; one in Huffman code is decoded to `target`. */
  private string(target: Uint8Array): boolean {
    if (this.position >= this.end) return false
    const coded = (this.bytes[this.position]! & 0x80) !== 0
    const length = this.integer(0x7f)
    if (length < 0 || length > this.end - this.position) return false
    const start = this.position
    this.position += length
    if (!coded) {
      this.stringBytes = this.bytes
      this.stringStart = start
      this.stringEnd = this.position
      return true
    }
    const to = decodeHuffman(this.bytes, start, this.position, target, 0)
    this.stringBytes = target
    this.stringStart = 0
    this.stringEnd = to
    return to >= 0
  }

  /** An integer whose first bits are those of `mask` (section 5.1); -1 when it is cut or above 2^28. */
  private integer(mask: number): number {
    const { bytes, end } = this
    let value = bytes[this.position++]! & mask
    if (value < mask) return value
    for (let shift = 0; shift <= 21; shift += 7) {
      if (this.position >= end) return -1
      const byte = bytes[this.position++]!
      value += (byte & 0x7f) << shift
      if ((byte & 0x80) === 0) return value
    }
    return -1
  }
}
