/** Settings of the detection engine and their defaults. */
import type { InspectLimits } from '../inspect/index.js'
import type { AlertFilterSettings } from './alert-filter.js'
import type { EventQueueSettings } from './event-queue.js'

export interface DetectSettings extends AlertFilterSettings {
  /** Backtracking steps of one regular expression on one buffer; 0 = no limit (Snort: pcre_match_limit). */
  readonly pcreMatchLimit: number
  /**
   * Work of one rule on one unit when its contents are tried again: one step a try, one for every 64 bytes looked
   * through. Beyond, the rule does not match.
   */
  readonly maxSteps: number
  /** Which matches of one unit are reported, and in which order; what is left out has its default. */
  readonly eventQueue: Partial<EventQueueSettings>
  /** Take the actions of rules (drop, block, reject) on the traffic, instead of only saying what they would be. */
  readonly inline: boolean
  /** Tags (flows and hosts whose packets are logged) at a time; beyond, the oldest is forgotten. */
  readonly maxTags: number
  /** Rules remembered between the windows of one long message. */
  readonly maxPendingRules: number
  /** Longest literal prefix given to the multi-pattern search (Snort: max-pattern-len); 0 = the whole literal. */
  readonly maxPatternLength: number
  /** Server ports whose rule groups are made ready before the first packet. */
  readonly warmUpPorts: readonly number[]
  /**
   * Report every match and leave detection_filter, threshold, event_filter and suppress to whoever merges the alerts of
   * several workers (`Engine.createFilter`).
   */
  readonly deferFilters: boolean
  /** Report what the inspectors find by themselves (Snort: enable_builtin_rules). */
  readonly builtinEvents: boolean
  /** Limits of stream and HTTP inspection; those left out have their defaults. */
  readonly inspection: Partial<InspectLimits>
}

export const DEFAULT_DETECT_SETTINGS: DetectSettings = {
  pcreMatchLimit: 100_000,
  maxSteps: 50_000,
  eventQueue: {},
  inline: false,
  maxTags: 4096,
  maxPendingRules: 512,
  maxPatternLength: 0,
  warmUpPorts: [80, 8080],
  deferFilters: false,
  builtinEvents: false,
  inspection: {},
  eventFilters: [],
  suppressions: [],
  rateFilters: [],
  maxFilterStates: 65_536,
}
