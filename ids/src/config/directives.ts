/**
 * snort.conf lines that are not rules and mean something here: filters, `config checksum_mode`, `config event_queue`,
 * `config order`, the preprocessors of stream.ts. Every other directive of Snort's is left to the loader, which reports it.
 */
import type { EventFilter, RateFilter, Suppression } from '../detect/alert-filter.js'
import type { EventQueueSettings } from '../detect/event-queue.js'
import type { Directive, Variables } from '../rules/index.js'
import { eventFilter, rateFilter, suppression, wrong } from './filter-directives.js'
import { parseActionOrder, parseEventQueue } from './queue-settings.js'
import { newStreamSettings, type StreamSettings, takePreprocessor } from './stream.js'

/** What the directives of all files came to. */
export interface ConfigDirectives {
  readonly eventFilters: EventFilter[]
  readonly suppressions: Suppression[]
  readonly rateFilters: RateFilter[]
  eventQueue: Partial<EventQueueSettings>
  checksums: 'verify' | 'ignore' | undefined
  readonly stream: StreamSettings
}

export const newConfigDirectives = (): ConfigDirectives => ({
  eventFilters: [],
  suppressions: [],
  rateFilters: [],
  eventQueue: {},
  checksums: undefined,
  stream: newStreamSettings(),
})

/**
 * Takes a directive if it is one of ours.
 * @returns whether it is, or which part of it means nothing here
 * @throws RuleTextError when it is, and is wrong
 */
export const takeDirective = (
  directive: Directive,
  into: ConfigDirectives,
  variables: Variables,
): boolean | string => {
  switch (directive.keyword) {
    case 'event_filter':
    case 'threshold':
      into.eventFilters.push(eventFilter(directive))
      return true
    case 'suppress':
      into.suppressions.push(suppression(directive, variables))
      return true
    case 'rate_filter':
      into.rateFilters.push(rateFilter(directive, variables))
      return true
    case 'config':
      return configLine(directive, into)
    case 'preprocessor':
      return takePreprocessor(directive, into.stream, variables)
    default:
      return false
  }
}

const configLine = (directive: Directive, into: ConfigDirectives): boolean => {
  const match = /^(\w+)\s*:\s*(.+)$/s.exec(directive.rest.trim())
  if (match === null) return false
  const value = match[2]!.trim()
  const parsed = <T>(result: T | string): T => {
    if (typeof result === 'string') throw wrong(directive, `${match[1]}: ${result}`)
    return result
  }
  switch (match[1]!.toLowerCase()) {
    case 'checksum_mode':
      return checksumMode(value, into)
    case 'event_queue':
      into.eventQueue = { ...into.eventQueue, ...parsed(parseEventQueue(value)) }
      return true
    case 'order':
      into.eventQueue = { ...into.eventQueue, actionOrder: parsed(parseActionOrder(value)) }
      return true
    default:
      return false
  }
}

const checksumMode = (value: string, into: ConfigDirectives): boolean => {
  const mode = value.toLowerCase()
  if (mode !== 'all' && mode !== 'none') return false
  into.checksums = mode === 'all' ? 'verify' : 'ignore'
  return true
}
