/** What detection tells whoever explains it (explain/tracer.ts). Detection itself works without. */
import type { InspectionUnit } from '../inspect/unit.js'
import type { AlertRecord } from '../output/alert.js'
import type { RuleAction } from '../rules/model.js'
import type { Outcome } from './alert-filter.js'
import type { Evaluation } from './evaluation.js'
import type { DetectFlow } from './flow-context.js'
import type { GroupTable } from './groups.js'
import type { UnitJudge } from './judge.js'
import type { Silence } from './reporter.js'

/** Told of every unit and what became of it. */
export interface DetectObserver {
  /** A unit is looked at with the rules of this table (of both, when the direction is not known). */
  enter(table: GroupTable): void
  /** A rule has matched the unit; whether it is reported is decided later. */
  matched(rule: number): void
  /** A rule has matched and counts: every detection_filter is asked this, held or not. */
  counted(rule: number, record: AlertRecord): void
  /** A match is not reported, whatever else matches. */
  silent(rule: number, why: Silence, record?: AlertRecord): void
  /** All matches of the unit are known; of these rules the event queue makes its choice. */
  decided(fired: readonly number[]): void
  /** What filters made of a match that the event queue let through, and the action it came to. */
  filtered(rule: number, outcome: Outcome, action: RuleAction, record: AlertRecord): void
  /** The unit has been dealt with; `state` and `judge` are filled for it. */
  inspected(flow: DetectFlow | undefined, unit: InspectionUnit, state: Evaluation, judge: UnitJudge): void
}
