/** `flow` and `flowbits`: what the session is and what earlier rules noted about it. */
import { UNIT } from '../../inspect/unit.js'
import type { FlowbitsOption, FlowOption } from '../../rules/model.js'
import type { Evaluation, Evaluator } from '../evaluation.js'

/**
 * The parts of `flow` that are seldom written. Direction and `established` are no evaluator's work: rules are filed by
 * direction, and `established` is looked at before a rule's options are.
 */
export class FlowEvaluator implements Evaluator {
  readonly #notEstablished: boolean
  readonly #stream: FlowOption['stream']
  readonly #frag: FlowOption['frag']

  constructor(option: FlowOption) {
    this.#notEstablished = option.state === 'not_established'
    this.#stream = option.stream
    this.#frag = option.frag
  }

  test(state: Evaluation): boolean {
    if (this.#notEstablished && state.established) return false
    if (this.#stream === 'no_stream' && state.kind !== UNIT.PACKET) return false
    if (this.#stream === 'only_stream' && state.kind === UNIT.PACKET) return false
    if (this.#frag === undefined) return true
    return (state.packet?.isFragment ?? false) === (this.#frag === 'only_frag')
  }
}

/** Numbers for the names of flowbits, shared by all rules of an engine. */
export class FlowbitNames {
  readonly #numbers = new Map<string, number>()
  readonly #groups = new Map<string, number[]>()

  number(name: string): number {
    const known = this.#numbers.get(name)
    if (known !== undefined) return known
    this.#numbers.set(name, this.#numbers.size)
    return this.#numbers.size - 1
  }

  join(group: string, bits: readonly number[]): void {
    this.members(group).push(...bits)
  }

  /** Bits of a group; the list grows while rules are compiled. */
  members(group: string): number[] {
    let members = this.#groups.get(group)
    if (members === undefined) {
      members = []
      this.#groups.set(group, members)
    }
    return members
  }

  /** 32-bit words a flow needs to hold every bit. */
  get words(): number {
    return Math.max(1, (this.#numbers.size + 31) >> 5)
  }
}

export function isBitSet(bits: Uint32Array | undefined, bit: number): boolean {
  return bits !== undefined && (bits[bit >> 5]! & (1 << (bit & 31))) !== 0
}

/** `isset` and `isnotset`. Fails without a flow. */
export class FlowbitsTestEvaluator implements Evaluator {
  readonly #bits: readonly number[]
  readonly #any: boolean
  readonly #wanted: boolean

  constructor(option: FlowbitsOption, names: FlowbitNames) {
    // isset,any,group and isset,all,group: the bits of the group.
    const group = option.names.length === 0 ? option.group : undefined
    this.#bits = group === undefined ? option.names.map((name) => names.number(name)) : names.members(group)
    this.#any = option.combine === 'any'
    this.#wanted = option.action === 'isset'
  }

  test(state: Evaluation): boolean {
    if (state.flow === undefined) return false
    const bits = state.bits
    let holds = !this.#any
    for (const bit of this.#bits) {
      if (isBitSet(bits, bit) === this.#any) {
        holds = this.#any
        break
      }
    }
    return holds === this.#wanted
  }
}

/** `set`, `setx`, `unset`, `toggle`, `reset`: applied once the whole rule has matched. */
export class FlowbitsChange {
  readonly #action: 'set' | 'setx' | 'unset' | 'toggle' | 'reset'
  readonly #bits: readonly number[]
  readonly #group: readonly number[] | undefined

  constructor(
    option: FlowbitsOption & { action: 'set' | 'setx' | 'unset' | 'toggle' | 'reset' },
    names: FlowbitNames,
  ) {
    this.#action = option.action
    this.#bits = option.names.map((name) => names.number(name))
    if (option.group !== undefined) {
      if (option.action === 'set' || option.action === 'setx' || option.action === 'toggle') {
        names.join(option.group, this.#bits)
      }
      this.#group = names.members(option.group)
    }
  }

  apply(bits: Uint32Array): void {
    switch (this.#action) {
      case 'set':
        for (const bit of this.#bits) bits[bit >> 5]! |= 1 << (bit & 31)
        break
      case 'setx':
        for (const bit of this.#group ?? []) bits[bit >> 5]! &= ~(1 << (bit & 31))
        for (const bit of this.#bits) bits[bit >> 5]! |= 1 << (bit & 31)
        break
      case 'unset':
        for (const bit of this.#bits.length > 0 ? this.#bits : (this.#group ?? [])) {
          bits[bit >> 5]! &= ~(1 << (bit & 31))
        }
        break
      case 'toggle':
        for (const bit of this.#bits.length > 0 ? this.#bits : (this.#group ?? [])) {
          bits[bit >> 5]! ^= 1 << (bit & 31)
        }
        break
      case 'reset':
        if (this.#group === undefined) bits.fill(0)
        else for (const bit of this.#group) bits[bit >> 5]! &= ~(1 << (bit & 31))
        break
    }
  }
}
