/** Options about where and how long: `isdataat`, `urilen`/`bufferlen`, `dsize`, and the buffer selectors. */
import { BUF, type BufferId } from '../../inspect/buffers.js'
import { SERVICE, UNIT } from '../../inspect/unit.js'
import type { BufferLengthOption, DsizeOption, IsDataAtOption, SetBufferOption } from '../../rules/model.js'
import type { Evaluation, Evaluator } from '../evaluation.js'
import { compileNumericTest, type Operand, type VariableNames } from './numbers.js'

const TCP = 6

/** True when byte number `at`, counted from the buffer start or the cursor, exists. */
export class IsDataAtEvaluator implements Evaluator {
  readonly #buffer: BufferId
  readonly #at: Operand
  readonly #negated: boolean
  readonly #relative: boolean

  constructor(option: IsDataAtOption, variables: VariableNames) {
    this.#buffer = option.buffer
    this.#at = variables.resolve(option.at)
    this.#negated = option.negated
    this.#relative = option.relative
  }

  test(state: Evaluation): boolean {
    const slot = state.slot(this.#buffer)
    const buffers = state.buffers
    const end = buffers.end[slot]!
    if (end < 0) return false
    const from = this.#relative ? state.origin(slot) : buffers.start[slot]! - buffers.base[slot]!
    return from + this.#at.get(state) < end !== this.#negated
  }
}

/** Length of a whole buffer; `relative`: of what follows the cursor. */
export class BufferLengthEvaluator implements Evaluator {
  readonly #buffer: BufferId
  readonly #relative: boolean
  readonly #test: (value: number) => boolean

  constructor(option: BufferLengthOption) {
    this.#buffer = option.buffer
    this.#relative = option.relative
    this.#test = compileNumericTest(option.test)
  }

  test(state: Evaluation): boolean {
    const slot = state.slot(this.#buffer)
    const buffers = state.buffers
    const end = buffers.end[slot]!
    if (end < 0) return false
    const from = this.#relative ? state.origin(slot) : buffers.start[slot]! - buffers.base[slot]!
    return this.#test(end - from)
  }
}

/** Payload length of a single packet, or of what was sent in place of one in pieces; never true on other data. */
export class DsizeEvaluator implements Evaluator {
  readonly #test: (value: number) => boolean

  constructor(option: DsizeOption) {
    this.#test = compileNumericTest(option.test)
  }

  test(state: Evaluation): boolean {
    const { packet, buffers } = state
    if (state.kind !== UNIT.PACKET) return false
    // What came in several segments is shown as one packet, which is none of those there were.
    if (packet !== undefined && packet.protocol !== TCP) return this.#test(packet.payloadLength)
    const length = buffers.length(BUF.PKT_DATA)
    // Snort 3 does not look at the segments of a connection once it inspects it as HTTP.
    if (state.snort3 && length > 0 && state.unit?.service === SERVICE.HTTP) return false
    return this.#test(length)
  }
}

/** `file_data`, `pkt_data`, `base64_data`, Snort 3 buffers: the cursor goes to the start of the buffer. */
export class SetBufferEvaluator implements Evaluator {
  readonly #buffer: BufferId

  constructor(option: SetBufferOption) {
    this.#buffer = option.buffer
  }

  test(state: Evaluation): boolean {
    const slot = state.slot(this.#buffer)
    if (state.buffers.end[slot]! < 0) return false
    state.setCursor(slot, state.buffers.start[slot]!)
    return true
  }
}
