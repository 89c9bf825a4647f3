/** The fast pattern of a rule in the rule's own words. */
import { formatLiteral } from '../rules/format.js'
import type { Rule } from '../rules/model.js'

const lowerCase = (text: string): string => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase())

/** Fast patterns are searched for in lower case; in the rule they may be written otherwise, or stand in an expression. */
export const asWritten = (rule: Rule, folded: string): string => {
  for (const option of rule.options) {
    if (option.kind !== 'content') continue
    const bytes = Buffer.from(option.bytes)
    const at = lowerCase(bytes.toString('latin1')).indexOf(folded)
    if (at >= 0) return formatLiteral(bytes.subarray(at, at + folded.length))
  }
  return `${formatLiteral(Buffer.from(folded, 'latin1'))} (of a pcre, in any case)`
}
