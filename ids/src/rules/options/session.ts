/**
 * Options on how much a session has carried: stream_size.
 */
import { argumentParts, unknownArgument } from '../arguments.js'
import type { OptionText, Part, RuleBuilder } from '../builder.js'
import type { StreamSizeOption } from '../model.js'
import { parseTest, type TestGrammar } from '../numbers.js'
import { syntaxError } from '../problem.js'
import type { OptionSpec } from '../registry.js'

const SIDES: Readonly<Record<string, StreamSizeOption['side']>> = {
  client: 'client',
  to_server: 'client',
  server: 'server',
  to_client: 'server',
  either: 'either',
  both: 'both',
}

const GRAMMAR: TestGrammar = { what: 'stream_size', low: 0, high: 0xffffffff, between: 'range-exclusive' }

function side(option: OptionText, part: Part): StreamSizeOption['side'] {
  const word = part.text.toLowerCase()
  if (!Object.hasOwn(SIDES, word)) throw unknownArgument(option, part)
  return SIDES[word]!
}

/** Snort 2.9: side, operator, number. Snort 3: range, and a direction that may be left out. */
function parseStreamSize(rule: RuleBuilder, option: OptionText): void {
  const parts = argumentParts(option)
  if (rule.dialect === 'snort2') {
    if (parts.length !== 3) {
      const message = 'stream_size needs <client|server|either|both>,<operator>,<bytes>'
      throw syntaxError('bad argument of stream_size', message, option.valueAt)
    }
    const test = parseTest(`${parts[1]!.text}${parts[2]!.text}`, GRAMMAR, parts[1]!.at)
    rule.push({ kind: 'stream_size', side: side(option, parts[0]!), test })
    return
  }
  if (parts.length > 2) throw unknownArgument(option, parts[2]!)
  const test = parseTest(parts[0]!.text, GRAMMAR, parts[0]!.at)
  const which = parts[1] === undefined ? 'either' : side(option, parts[1])
  rule.push({ kind: 'stream_size', side: which, test })
}

export const sessionOptions: readonly OptionSpec[] = [
  {
    name: 'stream_size',
    dialects: ['snort2', 'snort3'],
    status: 'evaluated',
    argument: '<side>,<operator>,<bytes> | <range>[,<direction>]',
    help: 'bytes seen on the stream',
    section: '3.5.43',
    parse: parseStreamSize,
  },
]
