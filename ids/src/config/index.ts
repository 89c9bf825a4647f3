/**
 * Configuration: what a run is told to do, and the rule set it works with.
 *
 * In: the checked command line, rule files, snort.conf, classification.config and reference.config. Out: `RunSettings`
 * and `RuleConfiguration`, which detection, outputs and the commands read. Called by the command line.
 */
export { type ConfigDirectives, newConfigDirectives } from './directives.js'
export { ALERT_BEFORE_PASS, parseActionOrder, parseEventQueue } from './queue-settings.js'
export {
  bundledRuleFiles,
  ConfigurationError,
  loadRuleConfiguration,
  type RuleConfiguration,
} from './rule-configuration.js'
export {
  DEFAULTS,
  type InputSettings,
  type OutputSettings,
  type RuleSettings,
  type RunSettings,
} from './settings.js'
export { newStreamSettings, type StreamSettings, stackOptionsOf } from './stream.js'
