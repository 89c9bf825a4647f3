/** `dnp3_*`, `modbus_*`, `iec104_*`: tests of what the protocol's parser found in the message. */
import { FACTS, type FactsKind } from '../../protocol/facts.js'
import type { Dnp3IndOption, Dnp3ObjOption, MessageNumberOption } from '../../rules/model.js'
import type { Evaluation, Evaluator } from '../evaluation.js'

const KIND_OF: Readonly<Record<MessageNumberOption['keyword'], FactsKind>> = {
  dnp3_func: FACTS.DNP3,
  modbus_func: FACTS.MODBUS,
  modbus_unit: FACTS.MODBUS,
  iec104_apci_type: FACTS.IEC104,
  iec104_asdu_func: FACTS.IEC104,
}

export class MessageNumberEvaluator implements Evaluator {
  readonly #kind: FactsKind
  /** The number is the message's unit (Modbus) or format (IEC 104), not its function or type. */
  readonly #ofUnit: boolean
  readonly #value: number

  constructor(option: MessageNumberOption) {
    this.#kind = KIND_OF[option.keyword]
    this.#ofUnit = option.keyword === 'modbus_unit' || option.keyword === 'iec104_apci_type'
    this.#value = option.value
  }

  test({ facts }: Evaluation): boolean {
    return facts.kind === this.#kind && (this.#ofUnit ? facts.unit : facts.code) === this.#value
  }
}

export class Dnp3IndEvaluator implements Evaluator {
  readonly #bits: number

  constructor(option: Dnp3IndOption) {
    this.#bits = option.bits
  }

  test({ facts }: Evaluation): boolean {
    return facts.kind === FACTS.DNP3 && (facts.indications & this.#bits) !== 0
  }
}

export class Dnp3ObjEvaluator implements Evaluator {
  readonly #group: number
  readonly #variation: number

  constructor(option: Dnp3ObjOption) {
    this.#group = option.group
    this.#variation = option.variation
  }

  test({ facts }: Evaluation): boolean {
    return (
      facts.kind === FACTS.DNP3 &&
      facts.objectGroup === this.#group &&
      facts.objectVariation === this.#variation
    )
  }
}
