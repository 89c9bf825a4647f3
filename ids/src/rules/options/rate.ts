/**
 * Options that count matches: detection_filter, threshold (Snort 2.9).
 */
import { argumentParts, required, splitWord, unknownArgument } from '../arguments.js'
import type { OptionText, RuleBuilder } from '../builder.js'
import { type RateOption, TRACKS } from '../model.js'
import { parseInteger } from '../numbers.js'
import { syntaxError, valueError } from '../problem.js'
import type { OptionSpec } from '../registry.js'

const MAX_COUNT = 0xffffffff

function parseRate(rule: RuleBuilder, option: OptionText): void {
  const kind = option.name as RateOption['kind']
  const other = kind === 'threshold' ? 'detection_filter' : 'threshold'
  if (rule.seen.includes(other)) {
    throw valueError(
      'threshold with detection_filter',
      `'${kind}' cannot be combined with '${other}'`,
      option.at,
    )
  }
  const found = new Map<string, string | number>()
  for (const part of argumentParts(option)) {
    const { word, rest } = splitWord(part)
    const value = required(option, part, rest)
    const text = value.text.toLowerCase()
    if (found.has(word)) {
      throw valueError(`bad argument of ${kind}`, `${kind}: '${word}' stands twice`, part.at)
    }
    if (word === 'count' || word === 'seconds') {
      found.set(
        word,
        parseInteger(value.text, word === 'count' ? 1 : 0, MAX_COUNT, `${kind} ${word}`, value.at),
      )
    } else if (
      (word === 'track' && TRACKS.some((track) => track === text)) ||
      (word === 'type' &&
        kind === 'threshold' &&
        (text === 'limit' || text === 'threshold' || text === 'both'))
    ) {
      found.set(word, text)
    } else throw unknownArgument(option, part)
  }
  const wanted = kind === 'threshold' ? ['type', 'track', 'count', 'seconds'] : ['track', 'count', 'seconds']
  const missing = wanted.find((word) => !found.has(word))
  if (missing !== undefined) {
    throw syntaxError(`missing argument of ${kind}`, `${kind} needs '${missing}'`, option.valueAt)
  }
  rule.push({
    kind,
    type: found.get('type') as RateOption['type'],
    track: found.get('track') as RateOption['track'],
    count: found.get('count') as number,
    seconds: found.get('seconds') as number,
  })
}

export const rateOptions: readonly OptionSpec[] = [
  {
    name: 'detection_filter',
    dialects: ['snort2', 'snort3'],
    status: 'evaluated',
    argument: 'track by_src|by_dst|by_rule|by_flow|by_both, count <n>, seconds <n>',
    help: 'the rule fires only beyond n matches from one address in that time',
    section: '3.7.10',
    once: true,
    parse: parseRate,
  },
  {
    name: 'threshold',
    dialects: ['snort2'],
    status: 'evaluated',
    argument:
      'type limit|threshold|both, track by_src|by_dst|by_rule|by_flow|by_both, count <n>, seconds <n>',
    help: 'thins out the alerts of the rule',
    section: '3.8',
    once: true,
    parse: parseRate,
  },
]
