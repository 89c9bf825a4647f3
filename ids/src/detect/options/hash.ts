/** `sha256`, `sha512`, `md5`: the hash of some bytes of the buffer (Snort 3). */
import { createHash } from 'node:crypto'
import type { BufferId } from '../../inspect/buffers.js'
import type { HashOption } from '../../rules/model.js'
import type { Evaluation, Evaluator } from '../evaluation.js'

export class HashEvaluator implements Evaluator {
  readonly #buffer: BufferId
  readonly #option: HashOption
  readonly #digest: Buffer

  constructor(option: HashOption) {
    this.#buffer = option.buffer
    this.#option = option
    this.#digest = Buffer.from(option.digest)
  }

  /** The cursor goes behind the bytes hashed. Bytes that are not all there match neither way. */
  test(state: Evaluation): boolean {
    const { algorithm, length, offset, relative, negated } = this.#option
    const slot = state.slot(this.#buffer)
    const { buffers } = state
    const end = buffers.end[slot]!
    if (end < 0) return false
    const start = buffers.start[slot]!
    const at = (relative ? state.origin(slot) : start - buffers.base[slot]!) + offset
    if (at < start || at + length > end) return false
    const hash = createHash(algorithm)
      .update(buffers.bytes[slot]!.subarray(at, at + length))
      .digest()
    if (hash.equals(this.#digest) === negated) return false
    if (!negated) state.setCursor(slot, at + length)
    return true
  }
}
