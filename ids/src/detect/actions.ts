/**
 * Takes the actions of rules on the traffic: what an inline sensor does and a passive one only talks about.
 *
 * In: the action of a rule that has been reported for the current packet, or for data it completes. Out: decisions about
 * the packet and its flow, which the stack obeys: `drop` holds back the packet, `block` the flow from here on, `reject`
 * the same and tells both ends, `rewrite` puts what the rule's `replace` says in its place. `pass`, `alert` and `log` change nothing. As in Snort, a `drop` does not end the flow.
 */
import type { Packet } from '@weir/stack'
import type { InspectionUnit } from '../inspect/unit.js'
import type { RuleAction } from '../rules/model.js'
import type { CompiledRule } from './compile.js'
import type { Counters } from './counters.js'
import type { DetectFlow } from './flow-context.js'
import { ReplaceEvaluator } from './options/replace.js'
import type { ActionTaker } from './reporter.js'

/** Snort 3 has an action for it; in Snort 2 any rule that reports may rewrite. */
const rewrites = (action: RuleAction, { rule }: CompiledRule): boolean =>
  action === 'rewrite' || (rule.dialect === 'snort2' && (action === 'alert' || action === 'log'))

export class InlineActions implements ActionTaker {
  readonly #packet: Packet
  readonly #counters: Counters

  constructor(packet: Packet, counters: Counters) {
    this.#packet = packet
    this.#counters = counters
  }

  act(action: RuleAction, flow: DetectFlow | undefined, rule: CompiledRule, unit: InspectionUnit): void {
    if (rule.facts.replaces && rewrites(action, rule)) this.#rewrite(rule, unit)
    switch (action) {
      case 'drop':
      case 'sdrop':
      case 'react':
        this.#drop()
        break
      case 'block':
        if (flow === undefined) this.#drop()
        else this.#end(flow)
        break
      case 'reject':
        if (flow === undefined) this.#drop()
        else {
          this.#end(flow)
          flow.reset()
        }
    }
  }

  #rewrite({ steps }: CompiledRule, unit: InspectionUnit): void {
    for (const { evaluator } of steps) {
      if (!(evaluator instanceof ReplaceEvaluator)) continue
      if (evaluator.apply(unit, this.#packet)) this.#counters.rewrites++
      else this.#counters.lateActions++
    }
  }

  #drop(): void {
    if (this.#packet.drop()) this.#counters.droppedPackets++
    else this.#counters.lateActions++
  }

  #end(flow: DetectFlow): void {
    const context = flow.uctx
    if (context?.blocked === true) return
    if (context !== undefined) context.blocked = true
    this.#counters.blockedFlows++
    flow.block()
  }
}
