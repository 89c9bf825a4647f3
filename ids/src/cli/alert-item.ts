/**
 * An alert on its way from detection to the outputs: composed, and with what is needed to put alerts into the order in
 * which every run over the same packets reports them, whatever the number of threads.
 *
 * The order is that of packet numbers. Behind the alerts of a packet's own flow come the late ones: of flows whose last
 * data was inspected at that moment because they timed out, or because the input ended. Those are ordered by the start
 * of their flow, since the order in which a stack comes upon them depends on which flows it has.
 */
import type { FilteredMatch } from '../detect/alert-filter.js'
import {
  type AlertComposer,
  type AlertRecord,
  copyFrame,
  type LoggedFrame,
  type PacketFacts,
  withAction,
} from '../output/index.js'
import type { RuleAction } from '../rules/index.js'

export interface AlertItem extends FilteredMatch {
  readonly packetNumber: number
  readonly late: boolean
  /** Order among late ones. */
  readonly flowStart: number
  /** See `AlertRecord.undecided`. */
  readonly undecided: number
  /** Index in `Engine.rules`; `TAGGED` for a packet that is only logged. */
  readonly rule: number
  readonly action: RuleAction
  /** One per alert format. */
  readonly texts: readonly string[]
  /** The same for the actions that a rate_filter may give the rule. */
  readonly changed: readonly ChangedTexts[]
  readonly frame: LoggedFrame | undefined
}

/** For a stable sort: equal for the alerts of one flow at one packet, which are in order already. */
export const compareItems = (a: AlertItem, b: AlertItem): number => {
  if (a.packetNumber !== b.packetNumber) return a.packetNumber - b.packetNumber
  if (a.late !== b.late) return a.late ? 1 : -1
  if (!a.late) return 0
  if (a.flowStart !== b.flowStart) return a.flowStart - b.flowStart
  if (a.flowKey === b.flowKey) return 0
  return a.flowKey < b.flowKey ? -1 : 1
}

const NO_CHANGE: readonly ChangedTexts[] = []

/** Stands in the place of a rule's index: no alert, but a packet that a tag asks for. */
export const TAGGED = -1

export const makeTagged = (packet: LoggedFrame): AlertItem => ({
  packetNumber: packet.number,
  late: false,
  flowStart: 0,
  flowKey: '',
  undecided: 0,
  rule: TAGGED,
  action: 'log',
  sourceAddress: '',
  destinationAddress: '',
  seconds: packet.seconds,
  texts: [],
  changed: NO_CHANGE,
  frame: copyFrame(packet),
})

/** What an alert looks like when its action is another. */
export interface ChangedTexts {
  readonly action: RuleAction
  readonly texts: readonly string[]
}

/** @param actions those that a rate_filter may give the rule */
export const changedTexts = (
  record: AlertRecord,
  own: PacketFacts | undefined,
  composer: AlertComposer,
  actions: readonly RuleAction[],
): readonly ChangedTexts[] =>
  actions.map((action) => ({ action, texts: composer.compose(withAction(record, action), own) }))

/**
 * @param own the packet being processed; undefined when the alert is late
 * @param rule index of the record's rule in `Engine.rules`
 * @param logFrame keep a copy of the packet
 * @param actions those that a rate_filter may give the rule
 */
export const makeItem = (
  record: AlertRecord,
  own: PacketFacts | undefined,
  rule: number,
  composer: AlertComposer,
  logFrame: boolean,
  actions: readonly RuleAction[],
): AlertItem => ({
  packetNumber: record.packetNumber,
  late: own === undefined,
  flowStart: own === undefined ? record.flowStart : 0,
  flowKey: record.flowKey,
  undecided: record.undecided,
  rule,
  action: record.action,
  sourceAddress: record.sourceAddress,
  destinationAddress: record.destinationAddress,
  seconds: record.seconds,
  texts: composer.compose(record, own),
  changed: actions.length === 0 ? NO_CHANGE : changedTexts(record, own, composer, actions),
  frame: own !== undefined && logFrame ? copyFrame(own) : undefined,
})
