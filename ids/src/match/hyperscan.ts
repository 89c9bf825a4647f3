import { createHash } from 'node:crypto'
import { type PackedPatterns, packPatterns } from './literals.js'
import type { Matcher, MatcherEngine, MatcherStream, Pattern, Searcher } from './matcher.js'
import type { HyperscanBinding } from './native.js'

const HS_FLAG_CASELESS = 1
const HS_FLAG_MULTILINE = 4
const HS_FLAG_SINGLEMATCH = 8

const NO_HITS = new Uint32Array(0)
const CLOSED = -1

/** Where compiled databases are kept between runs (cache.ts). Never throws. */
export interface DatabaseStore {
  /** Bytes that `write` was given for this key, or undefined. */
  read(key: string): Uint8Array | undefined
  write(key: string, bytes: Uint8Array): void
  /** The bytes of this key turned out to be of no use. */
  discard(key: string): void
}

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

/** Search by Hyperscan. Every thread that compiles the same patterns shares one database in memory. */
export class HyperscanEngine implements MatcherEngine {
  readonly name = 'hyperscan'
  readonly description: string
  readonly #compiler: Compiler

  constructor(binding: HyperscanBinding, store?: DatabaseStore) {
    this.#compiler = new Compiler(binding, store)
    this.description = `Hyperscan ${binding.version.trim()}`
  }

  compile(patterns: readonly Pattern[]): HyperscanMatcher {
    const packed = packPatterns(patterns)
    const block = packed.lengths.length === 0 ? CLOSED : this.#compiler.open(packed, 0)
    return new HyperscanMatcher(this.#compiler, packed, block)
  }

  compileMixed(literals: readonly Pattern[], expressions: readonly string[]): Searcher {
    const database = this.#compiler.openMixed(literals, expressions)
    return new MixedSearcher(this.#compiler.binding, database, literals.length + expressions.length)
  }
}

interface CompileJob {
  readonly packed: PackedPatterns
  readonly flags: Uint32Array
  /** The patterns are literals, not expressions. */
  readonly literal: boolean
  readonly streaming: 0 | 1
}

/** Makes databases, or gets them from the store. */
class Compiler {
  readonly binding: HyperscanBinding
  readonly #store: DatabaseStore | undefined

  constructor(binding: HyperscanBinding, store: DatabaseStore | undefined) {
    this.binding = binding
    this.#store = store
  }

  /** @throws Error with Hyperscan's message and the pattern at fault */
  open(packed: PackedPatterns, streaming: 0 | 1): number {
    // A search reports each pattern once, so block scans stop looking for what they have found. In a stream a pattern
    // must be found again in a later piece; there the addon alone removes repetitions.
    const once = streaming === 0 ? HS_FLAG_SINGLEMATCH : 0
    const flags = Uint32Array.from(packed.nocase, (nocase) => once | (nocase === 1 ? HS_FLAG_CASELESS : 0))
    return this.#open({ packed, flags, literal: true, streaming })
  }

  /** As `open`, for whole buffers. The expressions are numbered after the literals. */
  openMixed(literals: readonly Pattern[], expressions: readonly string[]): number {
    const latin1 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'))
    const packed = packPatterns([
      ...literals.map(({ bytes, nocase }) => ({ bytes: latin1(escaped(bytes)), nocase })),
      ...expressions.map((text) => ({ bytes: latin1(text), nocase: false })),
    ])
    const flags = Uint32Array.from(packed.nocase, (nocase, i) => {
      if (i >= literals.length) return HS_FLAG_SINGLEMATCH | HS_FLAG_MULTILINE
      return HS_FLAG_SINGLEMATCH | (nocase === 1 ? HS_FLAG_CASELESS : 0)
    })
    return this.#open({ packed, flags, literal: false, streaming: 0 })
  }

  #open(job: CompileJob): number {
    const { packed, flags, literal, streaming } = job
    const store = this.#store
    if (store === undefined) return this.#compile(job)
    const { bytes, lengths } = packed
    const { version, platform } = this.binding
    // Everything that a compiled database depends on.
    const header = JSON.stringify([version, platform, process.arch, literal, streaming, lengths.length])
    const key = createHash('sha256').update(header).update(lengths).update(flags).update(bytes).digest('hex')
    const saved = store.read(key)
    if (saved !== undefined) {
      try {
        return literal
          ? this.binding.restoreLiterals(bytes, lengths, flags, streaming, saved)
          : this.binding.restoreExpressions(bytes, lengths, flags, streaming, saved)
      } catch {
        store.discard(key)
      }
    }
    const database = this.#compile(job)
    store.write(key, this.binding.serialize(database))
    return database
  }

  #compile({ packed, flags, literal, streaming }: CompileJob): number {
    const { bytes, lengths } = packed
    return attempt(() =>
      literal
        ? this.binding.compileLiterals(bytes, lengths, flags, streaming)
        : this.binding.compileExpressions(bytes, lengths, flags, streaming),
    )
  }
}

/** The expression that matches exactly these bytes. */
function escaped(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex').replace(/../g, '\\x$&')
}

/** Native errors name the pattern at fault in a property; people need it in the text. */
function attempt(compile: () => number): number {
  try {
    return compile()
  } catch (error) {
    const { message, pattern } = error as Error & { pattern?: number }
    const where = pattern === undefined || pattern < 0 ? '' : `pattern ${pattern}: `
    throw new Error(`Hyperscan: ${where}${message}`)
  }
}

class MixedSearcher implements Searcher {
  readonly patternCount: number
  readonly hits: Uint32Array
  readonly #binding: HyperscanBinding
  readonly #database: Handle

  constructor(binding: HyperscanBinding, database: number, count: number) {
    this.patternCount = count
    this.hits = binding.hits(database)
    this.#binding = binding
    this.#database = { value: database, close: (value) => binding.close(value) }
    forgotten.register(this, this.#database, this.#database)
  }

  search(bytes: Uint8Array, start: number, end: number): number {
    return this.#binding.scan(this.#database.value, bytes, start, end)
  }

  close(): void {
    forgotten.unregister(this.#database)
    release(this.#database)
  }
}

export class HyperscanMatcher implements Matcher {
  readonly patternCount: number
  readonly longest: number
  hits: Uint32Array
  readonly #compiler: Compiler
  readonly #binding: HyperscanBinding
  readonly #packed: PackedPatterns
  readonly #block: Handle
  readonly #blockHits: Uint32Array
  #streaming: Handle | undefined
  #streamingHits: Uint32Array = NO_HITS

  /** `block` is the database for whole buffers, CLOSED when there are no patterns. */
  constructor(compiler: Compiler, packed: PackedPatterns, block: number) {
    const { binding } = compiler
    this.#compiler = compiler
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
      const database = this.#compiler.open(this.#packed, 1)
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
