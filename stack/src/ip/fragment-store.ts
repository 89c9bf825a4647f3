/**
 * Memory of the datagrams under construction: chunks of bytes and records of pieces, in two pools with fixed limits.
 *
 * A datagram's bytes lie at the place they will have, in chunks taken when first touched; its pieces (see
 * fragment-policy.ts) are a list sorted by offset. In: numbers of chunks and pieces. Called by the defragmenter only.
 */

import { MEMORY, type MemoryBudget } from '../flow/memory.js'

export const CHUNK_SHIFT = 10
export const CHUNK_BYTES = 1 << CHUNK_SHIFT
/** Chunks of one slab; slabs are allocated as the pool grows. */
const SLAB_SHIFT = 7
const SLAB_MASK = (1 << SLAB_SHIFT) - 1

const START = 0
const END = 1
const NEXT = 2
const PIECE_WORDS = 3

/** Chunks by number, from 1; 0 is none. */
export class ChunkPool {
  inUse = 0
  private readonly limit: number
  private readonly memory: MemoryBudget
  private readonly slabs: Uint8Array[] = []
  private readonly free: Int32Array
  private freeCount = 0
  private fresh = 1

  /** @param limit chunks at most */
  constructor(limit: number, memory: MemoryBudget) {
    this.limit = limit
    this.memory = memory
    this.free = new Int32Array(limit)
  }

  /** A chunk with unspecified content, or 0 when the limit is reached. */
  take(): number {
    if (this.inUse === this.limit || !this.memory.has(MEMORY.FRAGMENTS, CHUNK_BYTES)) return 0
    this.inUse++
    this.memory.add(MEMORY.FRAGMENTS, CHUNK_BYTES)
    if (this.freeCount > 0) return this.free[--this.freeCount]
    const chunk = this.fresh++
    if (chunk >> SLAB_SHIFT === this.slabs.length) this.slabs.push(new Uint8Array(CHUNK_BYTES << SLAB_SHIFT))
    return chunk
  }

  release(chunk: number): void {
    this.free[this.freeCount++] = chunk
    this.inUse--
    this.memory.remove(MEMORY.FRAGMENTS, CHUNK_BYTES)
  }

  /** The memory that holds the chunk, from `start(chunk)`. */
  bytes(chunk: number): Uint8Array {
    return this.slabs[chunk >> SLAB_SHIFT]
  }

  start(chunk: number): number {
    return (chunk & SLAB_MASK) << CHUNK_SHIFT
  }
}

/** Lists of pieces `[start, end)`, by number, from 1; 0 is none. */
export class PiecePool {
  inUse = 0
  private readonly limit: number
  private words = new Int32Array(PIECE_WORDS * 1024)
  private free = 0
  private fresh = 1

  /** @param limit pieces at most */
  constructor(limit: number) {
    this.limit = limit
  }

  /** A new piece in front of `next`, or 0 when the limit is reached. */
  take(start: number, end: number, next: number): number {
    if (this.inUse === this.limit) return 0
    this.inUse++
    let piece = this.free
    if (piece !== 0) {
      this.free = this.words[piece * PIECE_WORDS + NEXT]
    } else {
      piece = this.fresh++
      if ((piece + 1) * PIECE_WORDS > this.words.length) this.grow()
    }
    const at = piece * PIECE_WORDS
    this.words[at + START] = start
    this.words[at + END] = end
    this.words[at + NEXT] = next
    return piece
  }

  release(piece: number): void {
    this.words[piece * PIECE_WORDS + NEXT] = this.free
    this.free = piece
    this.inUse--
  }

  start(piece: number): number {
    return this.words[piece * PIECE_WORDS + START]
  }

  end(piece: number): number {
    return this.words[piece * PIECE_WORDS + END]
  }

  next(piece: number): number {
    return this.words[piece * PIECE_WORDS + NEXT]
  }

  setStart(piece: number, start: number): void {
    this.words[piece * PIECE_WORDS + START] = start
  }

  setEnd(piece: number, end: number): void {
    this.words[piece * PIECE_WORDS + END] = end
  }

  setNext(piece: number, next: number): void {
    this.words[piece * PIECE_WORDS + NEXT] = next
  }

  private grow(): void {
    const words = new Int32Array(this.words.length * 2)
    words.set(this.words)
    this.words = words
  }
}
