/**
 * Cutting an option's argument into its comma-separated parts.
 */
import type { OptionText, Part } from './builder.js'
import { syntaxError } from './problem.js'
import { isBlank } from './statement.js'

/** Parts between commas, trimmed; empty parts are kept. */
export function splitCommas(text: string, at: number): Part[] {
  const parts: Part[] = []
  let from = 0
  for (;;) {
    let to = text.indexOf(',', from)
    const last = to < 0
    if (last) to = text.length
    parts.push(trimmed(text, from, to, at))
    if (last) return parts
    from = to + 1
  }
}

function trimmed(text: string, from: number, to: number, at: number): Part {
  let start = from
  let end = to
  while (start < end && isBlank(text.charCodeAt(start))) start++
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--
  return { text: text.slice(start, end), at: at + start }
}

/** The argument's parts; none when there is no argument. */
export function argumentParts(option: OptionText): Part[] {
  return option.value === undefined || option.value === '' ? [] : splitCommas(option.value, option.valueAt)
}

/** `offset 10` → name and value. */
export function splitWord(part: Part): { readonly word: string; readonly rest: Part | undefined } {
  const match = /^(\S+)(?:\s+(.+))?$/s.exec(part.text)
  if (match === null) return { word: '', rest: undefined }
  const rest = match[2]
  return {
    word: match[1]!.toLowerCase(),
    rest: rest === undefined ? undefined : { text: rest, at: part.at + part.text.length - rest.length },
  }
}

export function unknownArgument(option: OptionText, part: Part): Error {
  const what = part.text === '' ? 'an empty argument' : `'${part.text.slice(0, 60)}'`
  return syntaxError(`bad argument of ${option.name}`, `${option.name}: ${what} is not understood`, part.at)
}

/** A word whose value must follow. @throws RuleTextError */
export function required(option: OptionText, part: Part, rest: Part | undefined): Part {
  if (rest === undefined) {
    const message = `${option.name}: '${part.text.slice(0, 60)}' needs a value`
    throw syntaxError(`bad argument of ${option.name}`, message, part.at)
  }
  return rest
}
