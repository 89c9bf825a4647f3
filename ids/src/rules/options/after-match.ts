/**
 * Options that act once the whole rule has matched: tag logs packets that follow, replace rewrites what was found.
 */
import { BUF } from '../../inspect/buffers.js'
import { argumentParts, required, splitWord, unknownArgument } from '../arguments.js'
import type { OptionText, RuleBuilder } from '../builder.js'
import { parseLiteral } from '../literal.js'
import type { TagOption } from '../model.js'
import { parseInteger } from '../numbers.js'
import { syntaxError, valueError } from '../problem.js'
import type { OptionSpec } from '../registry.js'

const MAX_COUNT = 0xffffffff
const METRICS = ['packets', 'seconds', 'bytes'] as const

/** `session`, `host,300,seconds,src`; Snort 3: `host_src, seconds 300`. */
function parseTag(rule: RuleBuilder, option: OptionText): void {
  const [first, ...rest] = argumentParts(option)
  if (first === undefined) throw syntaxError('missing argument of tag', 'tag needs a type', option.at)
  const type = first.text.toLowerCase()
  const host = type === 'host' || type === 'host_src' || type === 'host_dst'
  if (!host && type !== 'session') throw unknownArgument(option, first)
  const tag = { packets: 0, seconds: 0, bytes: 0 }
  let by: TagOption['by'] = type === 'host_dst' ? 'destination' : host ? 'source' : 'session'
  for (let i = 0; i < rest.length; i++) {
    const part = rest[i]!
    const { word, rest: value } = splitWord(part)
    if (type === 'session' && word === 'exclusive' && rule.dialect === 'snort2') {
      const message = "tag: 'exclusive' is accepted, but not carried out: sessions are tagged each time"
      rule.warn('tag exclusive', message, part.at, 'unsupported')
      continue
    }
    const metric = METRICS.find((one) => one === word)
    if (metric !== undefined) {
      const { text, at } = required(option, part, value)
      tag[metric] = parseInteger(text, 0, MAX_COUNT, `tag ${metric}`, at)
    } else if (type === 'host' && (word === 'src' || word === 'dst')) {
      by = word === 'src' ? 'source' : 'destination'
    } else {
      const own = METRICS.find((one) => one === rest[i + 1]?.text.toLowerCase())
      if (own === undefined) throw unknownArgument(option, part)
      tag[own] = parseInteger(part.text, 0, MAX_COUNT, `tag ${own}`, part.at)
      i++
    }
  }
  rule.push({ kind: 'tag', by, ...tag })
}

/** As long as the content before it, which must be one of packet data. */
function parseReplace(rule: RuleBuilder, option: OptionText): void {
  const { value = '', valueAt } = option
  if (!value.startsWith('"'))
    throw syntaxError('bad argument of replace', 'replace needs quoted text', valueAt)
  const { bytes } = parseLiteral(value, 0, valueAt, rule.dialect)
  const content = rule.lastContent
  if (content === undefined || content.negated)
    throw valueError('replace without content', 'replace needs a content before it', option.at)
  if (content.bytes.length !== bytes.length)
    throw valueError('replace of another length', 'replace must be as long as its content', valueAt)
  if (content.buffer !== BUF.PKT_DATA && content.buffer !== BUF.RAW_DATA)
    throw valueError('replace outside packet data', 'replace needs a content of packet data', option.at)
  rule.push({ kind: 'replace', buffer: content.buffer, bytes })
}

export const afterMatchOptions: readonly OptionSpec[] = [
  {
    name: 'tag',
    dialects: ['snort2', 'snort3'],
    status: 'evaluated',
    argument: '<type>[,<count>,<metric>[,<direction>]]',
    help: 'logs packets that follow (-L pcap)',
    section: '3.7.5',
    once: true,
    parse: parseTag,
  },
  {
    name: 'replace',
    dialects: ['snort2', 'snort3'],
    status: 'evaluated',
    argument: '"text"',
    help: 'rewrites the content in the packet (-Q)',
    section: '3.7.9',
    parse: parseReplace,
  },
]
