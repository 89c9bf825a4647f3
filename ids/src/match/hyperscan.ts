import { type PackedPatterns, packPatterns } from './literals.js'
import type { Matcher, MatcherEngine, MatcherStream, Pattern } from './matcher.js'
import type { HyperscanBinding } from './native.js'

const HS_FLAG_CASELESS = 1
const HS_FLAG_SINGLEMATCH = 8

const NO_HITS = new Uint32Array(0)
const CLOSED = -1
/** "WHS1", little-endian: first word of a serialised matcher. */
const MAGIC = 0x31534857

/** A native handle that outlives a forgotten wrapper is closed when the wrapper is collected. */
interface Handle {
  value: number
  readonly close: (value: number) => void
}

const forgotten = new FinalizationRegistry<Handle>(release)

function release(handle: Handle): void {
  if (handle.value !== CLOSED) handle.close(handle.value)
  handle.value = CLOSED
}

/** Native errors name the pattern at fault in a property; people need it in the text. */
function compile(binding: HyperscanBinding, packed: PackedPatterns, streaming: 0 | 1): number {
  // A search reports each pattern once, so block scans stop looking for what they have found. In a stream a pattern
  // must be found again in a later piece; there the addon alone removes repetitions.
  const once = streaming === 0 ? HS_FLAG_SINGLEMATCH : 0
  const flags = Uint32Array.from(packed.nocase, (nocase) => once | (nocase === 1 ? HS_FLAG_CASELESS : 0))
  try {
    return binding.compileLiterals(packed.bytes, packed.lengths, flags, streaming)
  } catch (error) {
    const { message, pattern } = error as Error & { pattern?: number }
    const where = pattern === undefined || pattern < 0 ? '' : `pattern ${pattern}: `
    throw new Error(`Hyperscan: ${where}${message}`)
  }
}

/** Search by Hyperscan. Every thread that compiles the same patterns shares one database in memory. */
export class HyperscanEngine implements MatcherEngine {
  readonly name = 'hyperscan'
  readonly description: string
  readonly #binding: HyperscanBinding

  constructor(binding: HyperscanBinding) {
    this.#binding = binding
    this.description = `Hyperscan ${binding.version.trim()}`
  }

  compile(patterns: readonly Pattern[]): HyperscanMatcher {
    const packed = packPatterns(patterns)
    return new HyperscanMatcher(
      this.#binding,
      packed,
      packed.lengths.length === 0 ? CLOSED : compile(this.#binding, packed, 0),
    )
  }

  /**
   * The reverse of `HyperscanMatcher.serialize`. The bytes must be from this machine and this version of Hyperscan.
   * @throws Error when they are cut short or Hyperscan refuses them.
   */
  deserialize(bytes: Uint8Array): HyperscanMatcher {
    const header = new Uint32Array(bytes.slice(0, 16).buffer)
    const [magic = 0, count = 0, patternBytes = 0, databaseBytes = 0] = header
    const expected = 16 + count * 5 + patternBytes + databaseBytes
    if (header.length < 4 || magic !== MAGIC || bytes.length !== expected)
      throw new Error('not a serialised matcher')
    let offset = 16
    const take = (length: number): Uint8Array => {
      offset += length
      return bytes.slice(offset - length, offset)
    }
    const lengths = new Uint32Array(take(count * 4).buffer)
    const nocase = take(count)
    const packed: PackedPatterns = {
      lengths,
      nocase,
      bytes: take(patternBytes),
      longest: lengths.reduce((longest, length) => Math.max(longest, length), 0),
    }
    const database = count === 0 ? CLOSED : this.#binding.deserialize(take(databaseBytes), count, 0)
    return new HyperscanMatcher(this.#binding, packed, database)
  }
}

export class HyperscanMatcher implements Matcher {
  readonly patternCount: number
  readonly longest: number
  hits: Uint32Array
  readonly #binding: HyperscanBinding
  readonly #packed: PackedPatterns
  readonly #block: Handle
  readonly #blockHits: Uint32Array
  #streaming: Handle | undefined
  #streamingHits: Uint32Array = NO_HITS

  /** `block` is the database for whole buffers, CLOSED when there are no patterns. */
  constructor(binding: HyperscanBinding, packed: PackedPatterns, block: number) {
    this.#binding = binding
    this.#packed = packed
    this.patternCount = packed.lengths.length
    this.longest = packed.longest
    this.#block = { value: block, close: (value) => binding.close(value) }
    this.#blockHits = block === CLOSED ? NO_HITS : binding.hits(block)
    this.hits = this.#blockHits
    forgotten.register(this, this.#block, this.#block)
  }

  search(bytes: Uint8Array, start: number, end: number): number {
    if (this.patternCount === 0) return 0
    this.hits = this.#blockHits
    return this.#binding.scan(this.#block.value, bytes, start, end)
  }

  /** The streaming database is another automaton; it is compiled when the first stream is opened. */
  openStream(): MatcherStream {
    if (this.patternCount === 0) return new EmptyStream()
    if (this.#streaming === undefined) {
      const database = compile(this.#binding, this.#packed, 1)
      this.#streaming = { value: database, close: this.#block.close }
      this.#streamingHits = this.#binding.hits(database)
      forgotten.register(this, this.#streaming, this.#streaming)
    }
    return new HyperscanStream(this, this.#binding, this.#streaming.value, this.#streamingHits)
  }

  /** What Hyperscan says of the block database (version, features, mode) and its size in bytes. */
  info(): { text: string; bytes: number } {
    if (this.#block.value === CLOSED) return { text: '', bytes: 0 }
    return { text: this.#binding.info(this.#block.value), bytes: this.#binding.size(this.#block.value) }
  }

  /** Patterns and compiled block database, for `HyperscanEngine.deserialize` in another thread or a later run. */
  serialize(): Uint8Array {
    const { bytes, lengths, nocase } = this.#packed
    const database = this.patternCount === 0 ? new Uint8Array(0) : this.#binding.serialize(this.#block.value)
    const header = Uint32Array.of(MAGIC, lengths.length, bytes.length, database.length)
    const parts = [header, lengths, nocase, bytes, database]
    return new Uint8Array(
      Buffer.concat(parts.map((part) => new Uint8Array(part.buffer, part.byteOffset, part.byteLength))),
    )
  }

  close(): void {
    for (const handle of [this.#block, this.#streaming]) {
      if (handle === undefined) continue
      forgotten.unregister(handle)
      release(handle)
    }
  }
}

class HyperscanStream implements MatcherStream {
  readonly #matcher: HyperscanMatcher
  readonly #binding: HyperscanBinding
  readonly #stream: Handle
  readonly #hits: Uint32Array

  constructor(matcher: HyperscanMatcher, binding: HyperscanBinding, database: number, hits: Uint32Array) {
    this.#matcher = matcher
    this.#binding = binding
    this.#hits = hits
    this.#stream = { value: binding.openStream(database), close: (value) => binding.closeStream(value) }
    forgotten.register(this, this.#stream, this.#stream)
  }

  search(bytes: Uint8Array, start: number, end: number): number {
    this.#matcher.hits = this.#hits
    return this.#binding.scanStream(this.#stream.value, bytes, start, end)
  }

  reset(): void {
    this.#binding.resetStream(this.#stream.value)
  }

  close(): void {
    forgotten.unregister(this.#stream)
    release(this.#stream)
  }
}

class EmptyStream implements MatcherStream {
  search(): number {
    return 0
  }
  reset(): void {}
  close(): void {}
}
