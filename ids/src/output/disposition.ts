/** What becomes of the packet behind an alert, in Snort 3's words. */
import type { RuleAction } from '../rules/model.js'
import type { AlertRecord } from './alert.js'

export type Disposition =
  | 'allow'
  | 'drop'
  | 'would_drop'
  | 'block'
  | 'would_block'
  | 'reset'
  | 'would_reset'
  | 'rewrite'
  | 'would_rewrite'

/** By an inline sensor, and what a passive one says of what an inline one would have done. */
const DISPOSITIONS: Readonly<Record<RuleAction, readonly [inline: Disposition, passive: Disposition]>> = {
  alert: ['allow', 'allow'],
  log: ['allow', 'allow'],
  pass: ['allow', 'allow'],
  drop: ['drop', 'would_drop'],
  sdrop: ['drop', 'would_drop'],
  reject: ['reset', 'would_reset'],
  block: ['block', 'would_block'],
  react: ['drop', 'would_drop'],
  rewrite: ['rewrite', 'would_rewrite'],
}

/** The alert as it is when a rate_filter has changed its action. For a passive sensor. */
export const withAction = (record: AlertRecord, action: RuleAction): AlertRecord => ({
  ...record,
  http: record.http,
  flowKey: record.flowKey,
  action,
  disposition: dispositionOf(action, false),
})

export const dispositionOf = (action: RuleAction, inline: boolean): Disposition =>
  DISPOSITIONS[action][inline ? 0 : 1]
