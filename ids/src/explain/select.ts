/**
 * The rules an explanation needs: those asked for, the rules that change flowbits they check, `pass` rules, and the rules
 * that change flowbits any of these check.
 */
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
export const neededRules = (rules: readonly Rule[], targets: readonly Rule[]): Rule[] => {
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
  for (const rule of rules) if (rule.header.action === 'pass') needed.add(rule)
  // A set that grows is walked to its end.
  for (const rule of needed) {
    for (const option of flowbitsOf(rule)) {
      if (!isCheck(option)) continue
      for (const subject of subjects(option)) for (const one of changers.get(subject) ?? []) needed.add(one)
    }
  }
  return rules.filter((rule) => needed.has(rule))
}
