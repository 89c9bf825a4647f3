/**
 * The event queue as users write it, in snort.conf (`config event_queue`, `config order`) and on the command line.
 */
import { EVENT_ORDERS, type EventQueueSettings } from '../detect/event-queue.js'
import { RULE_ACTIONS, type RuleAction } from '../rules/index.js'

const MAX_EVENTS = 100_000

type QueueLimits = Partial<Pick<EventQueueSettings, 'maxQueue' | 'log' | 'orderEvents'>>

/** `max_queue 8 log 3 order_events priority`, in any order, with or without commas. @returns a message when wrong */
export const parseEventQueue = (text: string): QueueLimits | string => {
  const words = text.split(/[\s,]+/).filter((word) => word !== '')
  const result: { maxQueue?: number; log?: number; orderEvents?: (typeof EVENT_ORDERS)[number] } = {}
  for (let i = 0; i < words.length; i += 2) {
    const key = words[i]!
    const value = words[i + 1]
    if (value === undefined) return `${key} needs a value`
    if (key === 'order_events') {
      const order = EVENT_ORDERS.find((one) => one === value)
      if (order === undefined) return `order_events must be ${EVENT_ORDERS.join(' or ')}`
      result.orderEvents = order
      continue
    }
    if (key !== 'max_queue' && key !== 'log')
      return `unknown setting '${key}'; there are max_queue, log and order_events`
    const count = Number(value)
    if (!/^\d+$/.test(value) || count < 1 || count > MAX_EVENTS)
      return `${key} must be a whole number, 1 to ${MAX_EVENTS}`
    if (key === 'log') result.log = count
    else result.maxQueue = count
  }
  const { maxQueue, log } = result
  if (maxQueue !== undefined && log !== undefined && log > maxQueue) return 'log cannot be above max_queue'
  return result
}

/** Rule types of Snort 2 that no rule here can have. */
const GONE: readonly string[] = ['activation', 'dynamic']

/** `pass drop alert log`. @returns a message when wrong */
export const parseActionOrder = (text: string): readonly RuleAction[] | string => {
  const actions: RuleAction[] = []
  for (const word of text.split(/[\s,]+/).filter((one) => one !== '' && !GONE.includes(one))) {
    const action = RULE_ACTIONS.find((one) => one === word)
    if (action === undefined) return `unknown action '${word}'; there are ${RULE_ACTIONS.join(', ')}`
    if (actions.includes(action)) return `${word} stands twice`
    actions.push(action)
  }
  return actions.length === 0 ? 'it names no action' : actions
}

/** `--alert-before-pass`: Snort 3's order with `pass` behind `alert`. */
export const ALERT_BEFORE_PASS: readonly RuleAction[] = [
  'reject',
  'react',
  'block',
  'drop',
  'sdrop',
  'rewrite',
  'alert',
  'pass',
  'log',
]
