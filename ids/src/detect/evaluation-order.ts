/**
 * The order in which the rules that match one unit are evaluated. It matters where one rule changes a flowbit that another
 * checks in the same unit.
 *
 * In: rules as given. Out: the same rules; those without flowbits keep their places among themselves. Called once by the
 * rule set. Snort 3 looks at the head of a message before its body, and at each of them in this order: rules that a
 * pattern has woken and that check no flowbits; woken rules that do; rules without a pattern. So a rule without a pattern
 * sets its bit too late for a rule with one that checks it. Within each step a rule that checks a bit comes after every
 * rule that changes it, as far as there are no cycles.
 */
import { BUF, type BufferId, isPartSlot } from '../inspect/buffers.js'
import type { HttpPart } from '../inspect/http-part.js'
import type { FlowbitsOption, Rule, RuleOption } from '../rules/model.js'
import type { CompiledRule } from './compile.js'

/** Rounds of ordering rules that check flowbits after those that set them; longer chains keep the rules' order. */
const MAX_DEPTH = 16

const isFlowbits = (option: RuleOption): option is FlowbitsOption =>
  option.kind === 'flowbits' && option.action !== 'noalert'

const isCheck = ({ action }: FlowbitsOption): boolean => action === 'isset' || action === 'isnotset'

export function inEvaluationOrder(rules: readonly CompiledRule[]): readonly CompiledRule[] {
  const own = rules.filter(({ facts }) => facts.flowbits.some(isFlowbits))
  if (own.length === 0) return rules
  const depths = depthsOf(own)
  const keyed = own.map((rule, i) => ({ rule, key: rule.facts.step * (MAX_DEPTH + 1) + depths[i]! }))
  keyed.sort((a, b) => a.key - b.key)
  const others = rules.filter(({ facts }) => !facts.flowbits.some(isFlowbits))
  return [...keyed.map(({ rule }) => rule), ...others]
}

/** Woken without a check, woken with one, not woken; for rules that read nothing but the head of a message, then all. */
export function stepOf(rule: Rule): number {
  const { options } = rule
  const woken = options.some(isWaking)
  const step = !woken ? 2 : options.some((option) => isFlowbits(option) && isCheck(option)) ? 1 : 0
  return readsHeadOnly(options) ? step : step + 3
}

/** Parts of a message that Snort searches for no pattern. */
const UNSEARCHED: ReadonlySet<string> = new Set([
  'raw_cookie',
  'raw_request',
  'raw_status',
  'raw_body',
  'raw_trailer',
  'param',
  'true_ip',
  'version',
])

/** The option's content may be a fast pattern in Snort 3. */
function isWaking(option: RuleOption, _: number, options: readonly RuleOption[]): boolean {
  if (option.kind !== 'content' || option.negated) return false
  const { buffer } = option
  if (!isPartSlot(buffer)) return buffer !== BUF.HTTP_RAW_COOKIE && buffer !== BUF.BASE64_DATA
  const part = partIn(buffer, options)
  return part !== undefined && !part.request && !UNSEARCHED.has(part.name)
}

/** What a rule has in one of its slots for parts. */
function partIn(buffer: BufferId, options: readonly RuleOption[]): HttpPart | undefined {
  for (const option of options)
    if (option.kind === 'set_buffer' && option.buffer === buffer) return option.part
  return undefined
}

const BEHIND_HEAD: ReadonlySet<string> = new Set(['raw_body', 'trailer', 'raw_trailer'])

function isInHead(buffer: BufferId, options: readonly RuleOption[]): boolean {
  if (!isPartSlot(buffer)) return buffer >= BUF.HTTP_URI && buffer <= BUF.HTTP_STAT_MSG
  const part = partIn(buffer, options)
  return part !== undefined && !BEHIND_HEAD.has(part.name)
}

function readsHeadOnly(options: readonly RuleOption[]): boolean {
  let reads = false
  for (const option of options) {
    if (!('buffer' in option)) continue
    if (!isInHead(option.buffer, options)) return false
    reads = true
  }
  return reads
}

/** Names of bits, and of the group that any of them may be meant by; no name of a bit has a blank. */
function bitsAndGroup({ names, group }: FlowbitsOption): readonly string[] {
  return group === undefined ? names : [...names, `group ${group}`]
}

/** How many rules, one behind the other, have to be evaluated before each. */
function depthsOf(rules: readonly CompiledRule[]): Int32Array {
  const depthOfBit = new Map<string, number>()
  const depths = new Int32Array(rules.length)
  const bitsOf = rules.map(({ facts }) => {
    const flowbits = facts.flowbits.filter(isFlowbits)
    return {
      checks: flowbits.filter(isCheck).flatMap(bitsAndGroup),
      changes: flowbits.filter((option) => !isCheck(option)).flatMap(bitsAndGroup),
    }
  })
  for (let round = 0; round < MAX_DEPTH; round++) {
    let changed = false
    bitsOf.forEach(({ checks, changes }, i) => {
      let depth = 0
      for (const bit of checks) depth = Math.max(depth, (depthOfBit.get(bit) ?? -1) + 1)
      if (depth > MAX_DEPTH) depth = MAX_DEPTH
      depths[i] = depth
      for (const bit of changes) {
        if ((depthOfBit.get(bit) ?? -1) < depth) {
          depthOfBit.set(bit, depth)
          changed = true
        }
      }
    })
    if (!changed) break
  }
  return depths
}
