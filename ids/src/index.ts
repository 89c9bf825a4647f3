/**
 * Weir as a library: Snort-compatible detection on flows of `@weir/stack`.
 *
 * In: rule text (`loadRules`), a stack (`createStack` of `@weir/stack`), a sink for alerts. Out: an `Engine`
 * (`createEngine`) whose `attach` inspects the stack's flows. The command line is a program written against this.
 */
export type {
  AlertFilter,
  AlertFilterSettings,
  EventFilter,
  RateFilter,
  Suppression,
} from './detect/alert-filter.js'
export { Counters } from './detect/counters.js'
export { createEngine, type Engine, type EngineOptions, type MatchGate } from './detect/engine.js'
export {
  ACTION_ORDER,
  DEFAULT_EVENT_QUEUE,
  type EventOrder,
  type EventQueue,
  type EventQueueSettings,
} from './detect/event-queue.js'
export type { Inspector } from './detect/inspector.js'
export { DEFAULT_DETECT_SETTINGS, type DetectSettings } from './detect/settings.js'
export { DEFAULT_LIMITS, InspectCounters, type InspectLimits } from './inspect/index.js'
export { createEngines, type Engines } from './match/index.js'
export type { MatcherEngine, RegexEngine } from './match/matcher.js'
export type { AlertHttp, AlertRecord, AlertSink } from './output/alert.js'
export type { Disposition } from './output/disposition.js'
export * from './rules/index.js'
