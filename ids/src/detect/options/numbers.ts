/**
 * Numbers in rule options: either written in the rule or the value of a `byte_extract`/`byte_math` variable; and the
 * comparisons of `dsize`, `urilen`, `ttl` and the like.
 */
import type { NumberOrVariable, NumericTest } from '../../rules/model.js'
import { type Evaluation, MAX_VARIABLES } from '../evaluation.js'

/** Variables of one rule, numbered in the order they are set. */
export class VariableNames {
  readonly #numbers = new Map<string, number>()

  get used(): boolean {
    return this.#numbers.size > 0
  }

  /** @throws Error when the rule sets too many variables */
  define(name: string): number {
    const known = this.#numbers.get(name)
    if (known !== undefined) return known
    if (this.#numbers.size === MAX_VARIABLES) throw new Error(`more than ${MAX_VARIABLES} variables`)
    this.#numbers.set(name, this.#numbers.size)
    return this.#numbers.size - 1
  }

  /** @throws Error when no earlier option sets the variable */
  resolve(value: NumberOrVariable): Operand {
    if (typeof value === 'number') return new Operand(value, -1)
    const number = this.#numbers.get(value)
    if (number === undefined) throw new Error(`variable '${value}' is used before it is set`)
    return new Operand(0, number)
  }
}

export class Operand {
  readonly #value: number
  readonly variable: number

  constructor(value: number, variable: number) {
    this.#value = value
    this.variable = variable
  }

  get(state: Evaluation): number {
    return this.variable < 0 ? this.#value : state.variables[this.variable]!
  }
}

export function compileNumericTest(test: NumericTest): (value: number) => boolean {
  const { lo, hi } = test
  switch (test.op) {
    case '=':
      return (value) => value === lo
    case '!=':
      return (value) => value !== lo
    case '<':
      return (value) => value < lo
    case '>':
      return (value) => value > lo
    case '<=':
      return (value) => value <= lo
    case '>=':
      return (value) => value >= lo
    case 'range-inclusive':
      return (value) => value >= lo && value <= hi
    case 'range-exclusive':
      return (value) => value > lo && value < hi
  }
}
