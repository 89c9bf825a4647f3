/**
 * Rules: text in Snort 2.9 or Snort 3 syntax into typed rules (`Rule`), with problems by file, line and column.
 *
 * In: rule files, variables, classification.config and reference.config. Out: `LoadedRules`, read by detection, outputs
 * and `weir rules`. Called by the configuration once at start-up. The options are rows of one table (`registry.ts`);
 * what the dialects write differently is the same in the model (`model.ts`).
 */
export { type Classification, Classifications } from './classification.js'
export { type DialectChoice, detectDialect } from './dialect.js'
export { formatLiteral, formatOption, formatRule } from './format.js'
export { ACTIONS } from './header.js'
export { ANY_ADDRESS, formatNetwork, parseNetwork } from './ip-set.js'
export {
  type Directive,
  type LoadedRules,
  type LoadRulesOptions,
  loadRules,
  type RuleFileInput,
} from './load.js'
export { locateOption } from './locate.js'
export type * from './model.js'
export { RULE_ACTIONS, TRACKS } from './model.js'
export { packRules, plainRule, type RuleNote, unpackRules } from './packed.js'
export { type ParsedFileStore, ParsedFiles } from './parsed-file.js'
export { ANY_PORT, formatPorts } from './port-set.js'
export { formatProblem, ProblemLog, type ReasonCount, RuleTextError } from './problem.js'
export { References } from './reference.js'
export { DIALECT_NAMES, findOption, OPTIONS, type OptionSpec, type OptionStatus } from './registry.js'
export { RuleFileError, type RuleSource, readRuleFile, sourceFromText } from './source.js'
export { Statement } from './statement.js'
export { type FileReport, type OptionCount, type RuleStatistics, ruleStatistics } from './statistics.js'
export { didYouMean } from './suggest.js'
export { STOCK_VARIABLES, Variables } from './variables.js'
