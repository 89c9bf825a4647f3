/**
 * Why a rule did not alert: for every flow of a capture the first condition of the rule that failed, furthest into it.
 *
 * In: loaded rules, the ids of those to explain, frames. Out: an `Explanation`, and its lines of text or JSON. Detection
 * itself runs, with the rules needed, and is watched: what it decides is never decided again here. Called by
 * `weir explain`; detection without it pays one test of a field per unit.
 */
export { Explainer, type ExplainerOptions, type Explanation, type RuleId } from './explainer.js'
export type { Cause, FailedOption, FlowVerdict, NotLoaded, RuleExplanation } from './findings.js'
export { DEFAULT_FLOWS, explanationJson, explanationText, notLoadedJson, notLoadedText } from './report.js'
