/**
 * The rules an explanation needs: those asked for, the rules that change flowbits they check, rules whose action goes
 * before theirs, and the rules that change flowbits any of these check. All rules, when the event queue is so short that
 * any of them may be the one too many.
 */
import { ACTION_ORDER, DEFAULT_EVENT_QUEUE, type EventQueueSettings } from '../detect/event-queue.js'
import type { FlowbitsOption, Rule } from '../rules/model.js'

const isCheck = ({ action }: FlowbitsOption): boolean => action === 'isset' || action === 'isnotset'

const flowbitsOf = (rule: Rule): FlowbitsOption[] =>
  rule.options.filter((option): option is FlowbitsOption => option.kind === 'flowbits')

/** Names and groups (`group `…) an option is about. */
const subjects = ({ names, group }: FlowbitsOption): string[] =>
  group === undefined ? [...names] : [...names, `group ${group}`]

/** Whether the rule turns on the bit, or a bit of the group. */
export const setsBit = (rule: Rule, subject: string): boolean =>
  flowbitsOf(rule).some(
    (option) =>
      (option.action === 'set' || option.action === 'setx' || option.action === 'toggle') &&
      subjects(option).includes(subject),
  )

/** In the order of `rules`. */
export const neededRules = (
  rules: readonly Rule[],
  targets: readonly Rule[],
  queue: Partial<EventQueueSettings> = {},
): readonly Rule[] => {
  const { maxQueue, log, actionOrder, processAllEvents } = { ...DEFAULT_EVENT_QUEUE, ...queue }
  if (Math.min(maxQueue, log) < DEFAULT_EVENT_QUEUE.log) return rules
  const order = [...new Set([...actionOrder, ...ACTION_ORDER])]
  const last = Math.max(...targets.map(({ header }) => order.indexOf(header.action)))
  const changers = new Map<string, Rule[]>()
  for (const rule of rules) {
    for (const option of flowbitsOf(rule)) {
      if (isCheck(option)) continue
      for (const subject of subjects(option)) {
        const list = changers.get(subject)
        if (list === undefined) changers.set(subject, [rule])
        else list.push(rule)
      }
    }
  }
  const needed = new Set<Rule>(targets)
  for (const rule of rules) {
    const { action } = rule.header
    if (action === 'pass' || (!processAllEvents && order.indexOf(action) < last)) needed.add(rule)
  }
  // A set that grows is walked to its end.
  for (const rule of needed) {
    for (const option of flowbitsOf(rule)) {
      if (!isCheck(option)) continue
      for (const subject of subjects(option)) for (const one of changers.get(subject) ?? []) needed.add(one)
    }
  }
  return rules.filter((rule) => needed.has(rule))
}
