/**
 * The bytes of the datagrams under construction: each has a space of addresses, in chunks that are taken when it is
 * written to.
 *
 * In: a datagram's row, an address, bytes. Out: the same bytes. When the memory is used up, `makeRoom` gives up another
 * datagram. Called by the defragmenter only.
 */
import type { MemoryBudget } from '../flow/memory.js'
import { MAX_IP_LENGTH } from '../wire/index.js'
import { CHUNK_BYTES, CHUNK_SHIFT, ChunkPool } from './fragment-store.js'

/** Room for the headers in front of the payload. */
export const HEADER_BYTES = 2048
/** Addresses of one datagram. */
export const DATAGRAM_BYTES = HEADER_BYTES + MAX_IP_LENGTH + 1
const DATAGRAM_CHUNKS = DATAGRAM_BYTES >> CHUNK_SHIFT
const CHUNK_MASK = CHUNK_BYTES - 1
/** Below this many bytes a loop is faster than a view and a bulk copy. */
const BULK_COPY = 96

export class DatagramBytes {
  private readonly chunks: ChunkPool
  /** Chunks of each row, by place; 0 where none is taken. */
  private readonly chunkOf: Int32Array
  private readonly makeRoom: (row: number) => void

  /**
   * @param bytes at most, of all datagrams
   * @param makeRoom frees the memory of another datagram than that of `row`
   */
  constructor(datagrams: number, bytes: number, memory: MemoryBudget, makeRoom: (row: number) => void) {
    this.chunkOf = new Int32Array((datagrams + 1) * DATAGRAM_CHUNKS)
    this.chunks = new ChunkPool(bytes >> CHUNK_SHIFT, memory)
    this.makeRoom = makeRoom
  }

  /** Chunks taken. */
  get inUse(): number {
    return this.chunks.inUse
  }

  write(row: number, address: number, buffer: Uint8Array, start: number, length: number): void {
    const { chunks, chunkOf } = this
    for (let done = 0; done < length; ) {
      const place = row * DATAGRAM_CHUNKS + ((address + done) >> CHUNK_SHIFT)
      let chunk = chunkOf[place]
      while (chunk === 0) {
        chunk = chunks.take()
        if (chunk === 0) this.makeRoom(row)
      }
      chunkOf[place] = chunk
      const inside = (address + done) & CHUNK_MASK
      const count = Math.min(length - done, CHUNK_BYTES - inside)
      copy(buffer, start + done, chunks.bytes(chunk), chunks.start(chunk) + inside, count)
      done += count
    }
  }

  /** The bytes must have been written. */
  read(row: number, address: number, target: Uint8Array, start: number, length: number): void {
    const { chunks, chunkOf } = this
    for (let done = 0; done < length; ) {
      const chunk = chunkOf[row * DATAGRAM_CHUNKS + ((address + done) >> CHUNK_SHIFT)]
      const inside = (address + done) & CHUNK_MASK
      const count = Math.min(length - done, CHUNK_BYTES - inside)
      copy(chunks.bytes(chunk), chunks.start(chunk) + inside, target, start + done, count)
      done += count
    }
  }

  /** Whether `buffer` from `start` differs from the payload bytes `[from, to)`; bytes not there do not count. */
  differs(row: number, buffer: Uint8Array, start: number, from: number, to: number): boolean {
    const { chunks, chunkOf } = this
    for (let done = from; done < to; ) {
      const address = HEADER_BYTES + done
      const chunk = chunkOf[row * DATAGRAM_CHUNKS + (address >> CHUNK_SHIFT)]
      const inside = address & CHUNK_MASK
      const count = Math.min(to - done, CHUNK_BYTES - inside)
      if (chunk !== 0) {
        const bytes = chunks.bytes(chunk)
        const origin = chunks.start(chunk) + inside
        const other = start + done - from
        for (let i = 0; i < count; i++) if (bytes[origin + i] !== buffer[other + i]) return true
      }
      done += count
    }
    return false
  }

  release(row: number): void {
    const { chunks, chunkOf } = this
    const places = row * DATAGRAM_CHUNKS
    for (let i = places; i < places + DATAGRAM_CHUNKS; i++) {
      if (chunkOf[i] === 0) continue
      chunks.release(chunkOf[i])
      chunkOf[i] = 0
    }
  }
}

function copy(from: Uint8Array, start: number, to: Uint8Array, at: number, length: number): void {
  if (length >= BULK_COPY) to.set(from.subarray(start, start + length), at)
  else for (let i = 0; i < length; i++) to[at + i] = from[start + i]
}
