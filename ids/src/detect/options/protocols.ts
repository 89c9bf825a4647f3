/** `ssl_state`, `ssl_version`, `sip_method`, `sip_stat_code`, `dce_iface`, `dce_opnum`: tests of the protocol's facts. */
import { FACTS } from '../../protocol/facts.js'
import type {
  DceIfaceOption,
  DceOpnumOption,
  SipMethodOption,
  SipStatCodeOption,
  SslStateOption,
  SslVersionOption,
} from '../../rules/model.js'
import type { Evaluation, Evaluator } from '../evaluation.js'
import { compileNumericTest } from './numbers.js'

/** Any of the named bits is set, or any of the negated ones is not. */
function anyHolds(present: number, wanted: number, unwanted: number): boolean {
  return (present & wanted) !== 0 || (unwanted & ~present) !== 0
}

export class SslStateEvaluator implements Evaluator {
  readonly #states: number
  readonly #not: number

  constructor(option: SslStateOption) {
    this.#states = option.states
    this.#not = option.not
  }

  test(state: Evaluation): boolean {
    const { facts } = state
    return facts.kind === FACTS.SSL && anyHolds(facts.sslStates, this.#states, this.#not)
  }
}

export class SslVersionEvaluator implements Evaluator {
  readonly #versions: number
  readonly #not: number

  constructor(option: SslVersionOption) {
    this.#versions = option.versions
    this.#not = option.not
  }

  /** False as long as no version is known. */
  test(state: Evaluation): boolean {
    const { facts } = state
    if (facts.kind !== FACTS.SSL || facts.sslVersions === 0) return false
    return anyHolds(facts.sslVersions, this.#versions, this.#not)
  }
}

/** Requests only. */
export class SipMethodEvaluator implements Evaluator {
  readonly #methods: readonly string[]
  readonly #negated: boolean

  constructor(option: SipMethodOption) {
    this.#methods = option.methods
    this.#negated = option.negated
  }

  test(state: Evaluation): boolean {
    const { facts } = state
    if (facts.kind !== FACTS.SIP || facts.sipMethod === '') return false
    return this.#methods.includes(facts.sipMethod) !== this.#negated
  }
}

/** Responses only. */
export class SipStatCodeEvaluator implements Evaluator {
  readonly #codes: readonly number[]

  constructor(option: SipStatCodeOption) {
    this.#codes = option.codes
  }

  test(state: Evaluation): boolean {
    const { facts } = state
    if (facts.kind !== FACTS.SIP || facts.sipStatus === 0) return false
    return this.#codes.includes(facts.sipStatus) || this.#codes.includes(Math.floor(facts.sipStatus / 100))
  }
}

export class DceIfaceEvaluator implements Evaluator {
  readonly #uuid: Uint8Array
  readonly #version: ((value: number) => boolean) | undefined
  readonly #anyFragment: boolean

  constructor(option: DceIfaceOption) {
    this.#uuid = option.uuid
    this.#version = option.version === undefined ? undefined : compileNumericTest(option.version)
    this.#anyFragment = option.anyFragment
  }

  test(state: Evaluation): boolean {
    const { facts } = state
    if (facts.kind !== FACTS.DCE) return false
    if (!facts.dceFirst && !this.#anyFragment) return false
    for (let i = 0; i < 16; i++) if (facts.dceInterface[i] !== this.#uuid[i]) return false
    return this.#version === undefined || this.#version(facts.dceVersion)
  }
}

export class DceOpnumEvaluator implements Evaluator {
  readonly #ranges: DceOpnumOption['ranges']

  constructor(option: DceOpnumOption) {
    this.#ranges = option.ranges
  }

  test(state: Evaluation): boolean {
    const { facts } = state
    if (facts.kind !== FACTS.DCE) return false
    for (const [low, high] of this.#ranges) {
      if (facts.dceOpnum >= low && facts.dceOpnum <= high) return true
    }
    return false
  }
}
