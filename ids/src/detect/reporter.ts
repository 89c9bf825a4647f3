/**
 * From the rules that match a unit to its alerts: duplicates, detection_filter, the event queue, filters, the sink.
 *
 * In: matches of one unit, in evaluation order. Out: alerts, and the action they come to. One instance per detector.
 * When filters are deferred (several workers), what depends on a detection_filter is left to whoever merges the alerts:
 * all matches of such a unit are handed out, marked as not decided.
 */
import type { Packet } from '@weir/stack'
import { type InspectionUnit, UNIT } from '../inspect/unit.js'
import type { AlertSink } from '../output/alert.js'
import { dispositionOf } from '../output/disposition.js'
import type { RuleAction } from '../rules/model.js'
import { type AlertFilter, OUTCOME } from './alert-filter.js'
import { AlertView } from './alert-view.js'
import type { CompiledRule } from './compile.js'
import type { Counters } from './counters.js'
import type { EventQueue } from './event-queue.js'
import type { DetectFlow, FlowContext } from './flow-context.js'
import type { DetectObserver } from './observer.js'
import type { RuleSet } from './rule-set.js'
import type { Tagger } from './tagger.js'

/** Rules remembered of the packets whose bytes no stream unit has covered yet (Snort keeps as many). */
const MAX_PACKET_MATCHES = 8
const TCP = 6

/** Why a match is not reported, for observers. */
export const SILENCE = {
  NOALERT: 1,
  DUPLICATE: 2,
  BELOW: 3,
} as const
export type Silence = (typeof SILENCE)[keyof typeof SILENCE]

/** Takes the actions of the rules reported for a unit. */
export interface ActionTaker {
  /** @param flow undefined when the packet belongs to none */
  act(action: RuleAction, flow: DetectFlow | undefined, rule: CompiledRule, unit: InspectionUnit): void
}

export class Reporter {
  readonly #rules: readonly CompiledRule[]
  readonly #counters: Counters
  readonly #filter: AlertFilter | undefined
  readonly #queue: EventQueue
  readonly #packet: Packet
  readonly #sink: AlertSink
  readonly #open: (flow: DetectFlow) => FlowContext
  readonly #observer: DetectObserver | undefined
  readonly #taker: ActionTaker | undefined
  readonly #tagger: Tagger | undefined
  readonly #view = new AlertView()
  /** The view holds the present unit. */
  #filled = false
  readonly #fired: Int32Array
  #count = 0
  /** A rule with a detection_filter that nobody here can decide on is among them. */
  #undecided = false
  /** By rule index. */
  readonly #alertsOf: Float64Array

  constructor(
    set: RuleSet,
    queue: EventQueue,
    filter: AlertFilter | undefined,
    packet: Packet,
    sink: AlertSink,
    counters: Counters,
    open: (flow: DetectFlow) => FlowContext,
    taker: ActionTaker | undefined,
    tagger: Tagger | undefined,
    observer: DetectObserver | undefined,
  ) {
    const count = set.rules.length
    this.#rules = set.rules
    this.#queue = queue
    this.#filter = filter
    this.#packet = packet
    this.#sink = sink
    this.#counters = counters
    this.#open = open
    this.#taker = taker
    this.#tagger = tagger
    this.#observer = observer
    this.#fired = new Int32Array(count)
    this.#alertsOf = new Float64Array(count)
  }

  /** Alerts reported so far, by rule index. */
  get alertsOf(): Readonly<Float64Array> {
    return this.#alertsOf
  }

  /** Rules of the present unit that are to be reported, if the event queue lets them. */
  get fired(): readonly number[] {
    return Array.from(this.#fired.subarray(0, this.#count))
  }

  /** Starts anew for a unit. */
  begin(): void {
    this.#count = 0
    this.#filled = false
    this.#undecided = false
  }

  /** False when the rule has a detection_filter that does not hold: then it has not matched. */
  admits(flow: DetectFlow | undefined, rule: CompiledRule, index: number, unit: InspectionUnit): boolean {
    if (!rule.hasDetectionFilter) return true
    const filter = this.#filter
    if (filter === undefined) {
      this.#undecided = true
      return true
    }
    const view = this.#fill(flow, unit)
    view.rule = rule.rule
    this.#observer?.counted(index, view)
    if (filter.admits(rule.rule, view)) return true
    this.#observer?.silent(index, SILENCE.BELOW, view)
    return false
  }

  /** A rule has matched. */
  add(flow: DetectFlow | undefined, rule: CompiledRule, index: number, unit: InspectionUnit): void {
    if (rule.noalert) this.#observer?.silent(index, SILENCE.NOALERT)
    else if (this.#isDuplicate(flow, rule, index, unit)) this.#observer?.silent(index, SILENCE.DUPLICATE)
    else this.#fired[this.#count++] = index
  }

  /** The unit has been evaluated: reports what is to be reported. */
  finish(flow: DetectFlow | undefined, unit: InspectionUnit): void {
    if (this.#count > 0) {
      const view = this.#fill(flow, unit)
      if (this.#undecided) this.#handOut(view, flow, unit)
      else {
        const fired = this.#fired
        const reported = this.#queue.select(fired, this.#count)
        for (let i = 0; i < reported; i++) this.#emit(view, fired[i]!, flow, unit)
        if (unit.kind === UNIT.PACKET && flow !== undefined && flow.protocol === TCP) {
          for (let i = 0; i < reported; i++) this.#remember(flow, fired[i]!, unit)
          const next = reported < this.#count ? fired[reported]! : -1
          if (next >= 0 && this.#rules[next]!.rule.header.action === 'pass') this.#remember(flow, next, unit)
        }
      }
    }
  }

  /** Reports one rule, which stands for something an inspector has found in the unit. */
  event(flow: DetectFlow | undefined, unit: InspectionUnit, index: number): void {
    this.begin()
    this.#emit(this.#fill(flow, unit), index, flow, unit)
  }

  /** The stream unit that covers the packets so far in this direction has been inspected to its end. */
  covered(context: FlowContext, unit: InspectionUnit): void {
    if (context.packetMatches !== undefined) context.packetMatches[unit.direction] = undefined
  }

  #fill(flow: DetectFlow | undefined, unit: InspectionUnit): AlertView {
    if (!this.#filled) {
      this.#view.fill(unit, this.#packet, flow)
      this.#filled = true
    }
    return this.#view
  }

  /** All matches, for somebody else to decide on. */
  #handOut(view: AlertView, flow: DetectFlow | undefined, unit: InspectionUnit): void {
    const count = this.#count
    for (let i = 0; i < count; i++) {
      const index = this.#fired[i]!
      view.undecided = count - i
      const compiled = this.#rules[index]!
      this.#hand(view, index, compiled.rule.header.action)
      if (compiled.facts.tag !== undefined) this.#tagger?.add(compiled.facts.tag, view)
      if (unit.kind === UNIT.PACKET && flow !== undefined && flow.protocol === TCP)
        this.#remember(flow, index, unit)
    }
    view.undecided = 0
  }

  /** Hands out the alert that has been filled in, unless a filter holds it back; its action is taken anyway. */
  #emit(view: AlertView, index: number, flow: DetectFlow | undefined, unit: InspectionUnit): void {
    const compiled = this.#rules[index]!
    const { rule } = compiled
    const filter = this.#filter
    let { action } = rule.header
    let reported = true
    if (filter !== undefined) {
      const outcome = filter.report(rule, view)
      action = filter.action
      reported = outcome === OUTCOME.REPORTED
      if (this.#observer !== undefined) {
        view.rule = rule
        this.#observer.filtered(index, outcome, action, view)
      }
    }
    if (this.#taker !== undefined) this.#taker.act(action, flow, compiled, unit)
    if (!reported) return
    this.#hand(view, index, action)
    if (compiled.facts.tag !== undefined) this.#tagger?.add(compiled.facts.tag, view)
  }

  #hand(view: AlertView, index: number, action: RuleAction): void {
    view.rule = this.#rules[index]!.rule
    view.action = action
    view.disposition = dispositionOf(action, this.#taker !== undefined)
    this.#counters.alerts++
    this.#alertsOf[index]!++
    this.#sink.alert(view)
  }

  /**
   * A rule that looks at packets and at streams does not count again for the stream unit that covers a packet it has
   * been reported for, or has passed: neither its alert nor, if it is a `pass` rule, its passing. So does Snort.
   */
  #isDuplicate(
    flow: DetectFlow | undefined,
    rule: CompiledRule,
    index: number,
    unit: InspectionUnit,
  ): boolean {
    if (!rule.onStreams || unit.kind === UNIT.PACKET) return false
    const earlier = flow?.uctx?.packetMatches?.[unit.direction]
    if (earlier === undefined || !earlier.includes(index)) return false
    this.#counters.duplicates++
    return true
  }

  /** A rule has been reported for a packet, or has passed it. */
  #remember(flow: DetectFlow, index: number, unit: InspectionUnit): void {
    const earlier = flow.uctx?.packetMatches?.[unit.direction]
    if (earlier === undefined) {
      const context = flow.uctx ?? this.#open(flow)
      context.packetMatches ??= [undefined, undefined]
      context.packetMatches[unit.direction] = [index]
    } else if (!earlier.includes(index)) {
      if (earlier.length === MAX_PACKET_MATCHES) earlier.shift()
      earlier.push(index)
    }
  }
}
