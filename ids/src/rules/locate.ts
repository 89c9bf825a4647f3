/**
 * Where in its file an option of a rule stands, for problems that show only after the rule has been read.
 */
import { isUtf8 } from 'node:buffer'
import type { Rule, SourcePosition } from './model.js'
import { eachOption, findBody } from './parse.js'
import { RuleTextError } from './problem.js'
import { Statement } from './statement.js'

/** Position of the value of the option `name` that stands `nth` (from 0) among those of its name; else of the rule. */
export function locateOption(rule: Rule, name: string, nth: number): SourcePosition {
  const { text, position } = rule
  const runs = rule.runs ?? [{ offset: 0, line: position.line, column: position.column }]
  let left = nth
  let found = -1
  try {
    eachOption(text, findBody(text) + 1, text.lastIndexOf(')'), rule.dialect === 'snort3', (option) => {
      if (option.name === name && left-- === 0) found = option.valueAt
    })
  } catch (error) {
    if (!(error instanceof RuleTextError)) throw error
  }
  if (found < 0) return position
  const multibyte = isUtf8(Buffer.from(text, 'latin1'))
  return new Statement(position.file, text, runs, multibyte).position(found)
}
