/**
 * The steps of a compiled rule, wrapped so that every failure of an option is told. The evaluators are those of
 * detection, run by the same `Evaluation`, so the outcome is detection's own.
 */
import type { Evaluation, RetryEvaluator, Step } from '../detect/evaluation.js'
import type { RuleOption } from '../rules/model.js'

export interface FailureListener {
  /**
   * @param depth how many steps have held before, on this attempt
   * @param cursor and `cursorSlot` as they were before the option was tried
   */
  failed(
    option: RuleOption,
    depth: number,
    state: Evaluation,
    cursor: number,
    cursorSlot: number,
    limitHit: boolean,
  ): void
}

class TracingEvaluator implements RetryEvaluator {
  readonly #step: Step
  readonly #depth: number
  readonly #listener: FailureListener

  constructor(step: Step, depth: number, listener: FailureListener) {
    this.#step = step
    this.#depth = depth
    this.#listener = listener
  }

  test(state: Evaluation): boolean {
    const { cursor, cursorSlot } = state
    const limits = state.counters.pcreLimit
    if (this.#step.evaluator.test(state)) return true
    const limitHit = state.counters.pcreLimit > limits
    this.#listener.failed(this.#step.option, this.#depth, state, cursor, cursorSlot, limitHit)
    return false
  }

  again(state: Evaluation, matchAt: number, windowStart: number, windowEnd: number): boolean {
    return this.#step.retry!.again(state, matchAt, windowStart, windowEnd)
  }
}

export const tracingSteps = (steps: readonly Step[], listener: FailureListener): Step[] =>
  steps.map((step, depth) => {
    const evaluator = new TracingEvaluator(step, depth, listener)
    return { ...step, evaluator, retry: step.retry === undefined ? undefined : evaluator }
  })
