/**
 * base64_decode: decodes part of a buffer for `base64_data`.
 */
import { argumentParts, required, splitWord, unknownArgument } from '../arguments.js'
import type { OptionText, RuleBuilder } from '../builder.js'
import { parseInteger } from '../numbers.js'
import type { OptionSpec } from '../registry.js'

const MAX_OFFSET = 65_535

function parseBase64Decode(rule: RuleBuilder, option: OptionText): void {
  let bytes: number | undefined
  let offset = 0
  let relative = false
  for (const part of argumentParts(option)) {
    const { word, rest } = splitWord(part)
    if (word === 'relative' && rest === undefined) relative = true
    else if (word === 'bytes') {
      const text = required(option, part, rest)
      bytes = parseInteger(text.text, 1, MAX_OFFSET, 'base64_decode bytes', text.at)
    } else if (word === 'offset') {
      const text = required(option, part, rest)
      offset = parseInteger(text.text, 0, MAX_OFFSET, 'base64_decode offset', text.at)
    } else throw unknownArgument(option, part)
  }
  rule.push({ kind: 'base64_decode', buffer: rule.sticky, bytes, offset, relative })
}

export const base64Options: readonly OptionSpec[] = [
  {
    name: 'base64_decode',
    dialects: ['snort2', 'snort3'],
    status: 'evaluated',
    argument: '[bytes <n>, offset <n>, relative]',
    help: 'decodes base64 for base64_data',
    section: '3.5.29',
    once: true,
    parse: parseBase64Decode,
  },
]
