/**
 * Options that test a length: dsize, urilen (Snort 2.9), bufferlen (Snort 3).
 */
import { BUF } from '../../inspect/buffers.js'
import { argumentParts, unknownArgument } from '../arguments.js'
import type { OptionText, RuleBuilder } from '../builder.js'
import { parseTest, type TestGrammar } from '../numbers.js'
import type { OptionSpec } from '../registry.js'

const MAX_LENGTH = 65_535

/** Snort 2.9 counts both ends of `a<>b` for these; Snort 3 never does. */
function grammar(rule: RuleBuilder, what: string): TestGrammar {
  return {
    what,
    low: 0,
    high: MAX_LENGTH,
    between: rule.dialect === 'snort2' ? 'range-inclusive' : 'range-exclusive',
  }
}

function parseDsize(rule: RuleBuilder, option: OptionText): void {
  rule.push({ kind: 'dsize', test: parseTest(option.value!, grammar(rule, 'dsize'), option.valueAt) })
}

function parseUrilen(rule: RuleBuilder, option: OptionText): void {
  const parts = argumentParts(option)
  const first = parts[0]!
  const test = parseTest(first.text, grammar(rule, 'urilen'), first.at)
  let normalised = false
  for (const part of parts.slice(1)) {
    const word = part.text.toLowerCase()
    if (word === 'norm') normalised = true
    else if (word !== 'raw') throw unknownArgument(option, part)
  }
  const buffer = normalised ? BUF.HTTP_URI : BUF.HTTP_RAW_URI
  rule.push({ kind: 'buffer_length', buffer, test, relative: false })
}

function parseBufferlen(rule: RuleBuilder, option: OptionText): void {
  const parts = argumentParts(option)
  const first = parts[0]!
  const test = parseTest(first.text, grammar(rule, 'bufferlen'), first.at)
  let relative = false
  for (const part of parts.slice(1)) {
    if (part.text.toLowerCase() !== 'relative') throw unknownArgument(option, part)
    relative = true
  }
  rule.push({ kind: 'buffer_length', buffer: rule.sticky, test, relative })
}

const TEST = '<n>|<<n>|><n>|<a><><b>'

export const lengthOptions: readonly OptionSpec[] = [
  {
    name: 'dsize',
    dialects: ['snort2', 'snort3'],
    status: 'evaluated',
    argument: TEST,
    help: 'length of the packet payload; never true for reassembled data',
    section: '3.6.7',
    once: true,
    parse: parseDsize,
  },
  {
    name: 'urilen',
    dialects: ['snort2'],
    status: 'evaluated',
    argument: `${TEST}[,raw|norm]`,
    help: 'length of the URI, as sent unless norm',
    section: '3.5.24',
    once: true,
    parse: parseUrilen,
  },
  {
    name: 'bufferlen',
    dialects: ['snort3'],
    status: 'evaluated',
    argument: `${TEST}|<a><=><b>[,relative]`,
    help: 'length of the current buffer, or of what is left after the cursor',
    section: 'S3',
    parse: parseBufferlen,
  },
]
