import { REGEX_MATCH, type Regex, type RegexEngine, RegexError, type RegexFlags } from './matcher.js'
import type { Pcre2Binding } from './native.js'

/** Bits of the addon's `compile`, in its order. */
const FLAG_BITS: readonly (readonly [keyof RegexFlags, number])[] = [
  ['caseless', 1],
  ['dotAll', 2],
  ['multiline', 4],
  ['extended', 8],
  ['anchored', 16],
  ['dollarEndOnly', 32],
  ['ungreedy', 64],
]

const CLOSED = -1

interface Handle {
  value: number
  readonly binding: Pcre2Binding
}

function release(handle: Handle): void {
  if (handle.value !== CLOSED) handle.binding.close(handle.value)
  handle.value = CLOSED
}

const forgotten = new FinalizationRegistry<Handle>(release)

/** PCRE2. Expressions are checked when compiled, and become machine code, where the library can, at first use. */
export class Pcre2Engine implements RegexEngine {
  readonly name = 'pcre2'
  readonly description: string
  readonly #binding: Pcre2Binding
  readonly #match: Int32Array

  constructor(binding: Pcre2Binding) {
    this.#binding = binding
    this.#match = binding.match()
    this.description = `PCRE2 ${binding.version}${binding.jit ? ' with JIT' : ''}`
  }

  /** `matchLimit` 0 stands for the library's own limit, 10 million steps: hostile bytes may not hold a thread for ever. */
  compile(pattern: string, flags: RegexFlags, matchLimit: number): Regex {
    for (let index = 0; index < pattern.length; index++) {
      if (pattern.charCodeAt(index) > 0xff)
        throw new RegexError('pattern holds a character above 0xff', index)
    }
    let bits = 0
    for (const [name, bit] of FLAG_BITS) if (flags[name]) bits |= bit
    let expression: number
    try {
      expression = this.#binding.compile(Buffer.from(pattern, 'latin1'), bits, matchLimit)
    } catch (error) {
      const { message, offset } = error as Error & { offset?: number }
      throw new RegexError(message, offset ?? -1)
    }
    return new Pcre2Regex({ value: expression, binding: this.#binding }, this.#match)
  }
}

class Pcre2Regex implements Regex {
  matchStart = 0
  matchEnd = 0
  readonly minLength: number
  readonly #handle: Handle
  readonly #binding: Pcre2Binding
  readonly #match: Int32Array

  constructor(handle: Handle, match: Int32Array) {
    this.#handle = handle
    this.#binding = handle.binding
    this.minLength = handle.binding.minLength(handle.value)
    this.#match = match
    forgotten.register(this, handle, handle)
  }

  exec(bytes: Uint8Array, start: number, end: number, from: number): number {
    const result = this.#binding.exec(this.#handle.value, bytes, start, end, from)
    if (result === REGEX_MATCH) {
      this.matchStart = this.#match[0]!
      this.matchEnd = this.#match[1]!
    }
    return result
  }

  close(): void {
    forgotten.unregister(this.#handle)
    release(this.#handle)
  }
}
