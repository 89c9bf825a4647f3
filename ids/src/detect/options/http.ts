/** Parts of HTTP messages and tests on their heads (Snort 3: `http_header: field`, `http_num_headers`…). */
import type { BufferId } from '../../inspect/buffers.js'
import type { HttpNumber, HttpPart } from '../../inspect/http-part.js'
import type { HttpFieldTestOption, HttpNumberOption, HttpVersionMatchOption } from '../../rules/model.js'
import type { Evaluation, Evaluator } from '../evaluation.js'
import { compileNumericTest } from './numbers.js'

/** Makes the part and puts the cursor at its start. What is empty is not there. */
export class HttpPartEvaluator implements Evaluator {
  readonly #part: HttpPart
  readonly #slot: BufferId

  constructor(part: HttpPart, slot: BufferId) {
    this.#part = part
    this.#slot = slot
  }

  test(state: Evaluation): boolean {
    const slot = this.#slot
    const { buffers } = state
    if (!state.fillPart(this.#part, slot) || buffers.end[slot]! <= buffers.start[slot]!) return false
    state.setCursor(slot, buffers.start[slot]!)
    return true
  }
}

export class HttpNumberEvaluator implements Evaluator {
  readonly #what: HttpNumber
  readonly #request: boolean
  readonly #test: (value: number) => boolean

  constructor(option: HttpNumberOption | HttpVersionMatchOption) {
    this.#request = option.request
    if (option.kind === 'http_number') {
      this.#what = option.what
      this.#test = compileNumericTest(option.test)
    } else {
      const { versions } = option
      this.#what = 'version'
      this.#test = (value) => versions.includes(value)
    }
  }

  test(state: Evaluation): boolean {
    const value = state.headNumber(this.#what, this.#request)
    return value >= 0 && this.#test(value)
  }
}

/** Longest value read as a number. */
const DIGITS = 15

export class HttpFieldTestEvaluator implements Evaluator {
  readonly #option: HttpFieldTestOption
  readonly #check: ((value: number) => boolean) | undefined

  constructor(option: HttpFieldTestOption) {
    this.#option = option
    this.#check = option.check === undefined ? undefined : compileNumericTest(option.check)
  }

  test(state: Evaluation): boolean {
    const { part, slot, numeric, absent } = this.#option
    if (!state.fillPart(part, slot)) return absent && state.headNumber('num_headers', part.request) >= 0
    if (absent) return false
    const value = numberAt(state.buffers.bytes[slot]!, state.buffers.start[slot]!, state.buffers.end[slot]!)
    if (numeric !== undefined && numeric !== value >= 0) return false
    return this.#check === undefined || (value >= 0 && this.#check(value))
  }
}

function numberAt(bytes: Uint8Array, start: number, end: number): number {
  if (end === start || end - start > DIGITS) return -1
  let value = 0
  for (let i = start; i < end; i++) {
    const digit = bytes[i]! - 48
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
  }
  return value
}
