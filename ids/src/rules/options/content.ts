/**
 * content, uricontent and their modifiers.
 *
 * Snort 2.9 writes modifiers as options of their own that apply to the content before them (and accepts them after a
 * comma too); Snort 3 only knows the comma.
 */
import { BUF, type BufferId } from '../../inspect/buffers.js'
import { argumentParts, required, splitCommas, splitWord, unknownArgument } from '../arguments.js'
import type { ContentDraft, OptionText, Part, RuleBuilder } from '../builder.js'
import { parseLiteral } from '../literal.js'
import type { Dialect } from '../model.js'
import { parseInteger } from '../numbers.js'
import { syntaxError, valueError } from '../problem.js'
import type { OptionSpec } from '../registry.js'
import { isBlank } from '../statement.js'

const BOTH: readonly Dialect[] = ['snort2', 'snort3']
const SNORT2: readonly Dialect[] = ['snort2']
const MAX_PATTERN_OFFSET = 65_535

/** Buffers that Snort 2.9 names by a modifier of the content. */
const BUFFER_MODIFIERS: Readonly<Record<string, BufferId>> = {
  http_uri: BUF.HTTP_URI,
  http_raw_uri: BUF.HTTP_RAW_URI,
  http_header: BUF.HTTP_HEADER,
  http_raw_header: BUF.HTTP_RAW_HEADER,
  http_cookie: BUF.HTTP_COOKIE,
  http_raw_cookie: BUF.HTTP_RAW_COOKIE,
  http_method: BUF.HTTP_METHOD,
  http_stat_code: BUF.HTTP_STAT_CODE,
  http_stat_msg: BUF.HTTP_STAT_MSG,
  http_client_body: BUF.HTTP_CLIENT_BODY,
}

function parseContent(rule: RuleBuilder, option: OptionText): void {
  const text = option.value!
  let at = 0
  const negated = text.charCodeAt(0) === 33
  if (negated) {
    at = 1
    while (isBlank(text.charCodeAt(at))) at++
  }
  if (text.charCodeAt(at) !== 34) {
    const message = `the pattern of ${option.name} must stand in quotes`
    throw syntaxError('pattern not in quotes', message, option.valueAt + at)
  }
  const literal = parseLiteral(text, at, option.valueAt, rule.dialect)
  const uricontent = option.name === 'uricontent'
  const content = rule.startContent({
    bytes: literal.bytes,
    negated,
    at: option.at,
    ownBuffer: uricontent ? BUF.HTTP_URI : undefined,
    uricontent,
  })
  at = literal.end
  while (isBlank(text.charCodeAt(at))) at++
  if (at === text.length) return
  if (text.charCodeAt(at) !== 44) {
    throw syntaxError('text after the pattern', 'unexpected text after the pattern', option.valueAt + at)
  }
  for (const part of splitCommas(text.slice(at + 1), option.valueAt + at + 1)) {
    applyCommaModifier(rule, content, option, part)
  }
  if (content.fastPattern?.slice?.[1] === -1) {
    const from = content.fastPattern.slice[0]
    content.fastPattern = { only: false, slice: [from, content.bytes.length - from] }
  }
}

function applyCommaModifier(rule: RuleBuilder, content: ContentDraft, option: OptionText, part: Part): void {
  const { word, rest } = splitWord(part)
  switch (word) {
    case 'nocase':
      content.nocase = true
      return
    case 'offset':
    case 'depth':
    case 'distance':
    case 'within':
      rule.position(content, word, required(option, part, rest))
      return
    case 'fast_pattern':
      if (rest !== undefined) throw unknownArgument(option, rest)
      rule.markFastPattern(content, content.fastPattern ?? { only: false, slice: undefined }, part.at)
      return
    case 'fast_pattern_offset':
    case 'fast_pattern_length': {
      const value = required(option, part, rest)
      const length = word === 'fast_pattern_length'
      const number = parseInteger(value.text, length ? 1 : 0, MAX_PATTERN_OFFSET, word, value.at)
      // A length of -1 stands for "to the end" until every modifier is read.
      const before = content.fastPattern?.slice ?? [0, -1]
      const slice = length ? ([before[0], number] as const) : ([number, before[1]] as const)
      rule.markFastPattern(content, { only: false, slice }, part.at)
      return
    }
    default:
      if (rule.dialect === 'snort2' && (word === 'rawbytes' || word in BUFFER_MODIFIERS)) {
        setBuffer(content, word, part.at)
        return
      }
      throw unknownArgument(option, part)
  }
}

/** The content a Snort 2.9 modifier belongs to. @throws RuleTextError */
function owner(rule: RuleBuilder, option: OptionText): ContentDraft {
  if (rule.lastContent === undefined) {
    throw valueError('modifier without content', `'${option.name}' must follow a content`, option.at)
  }
  return rule.lastContent
}

function setBuffer(content: ContentDraft, name: string, offset: number): void {
  const buffer = name === 'rawbytes' ? BUF.RAW_DATA : BUFFER_MODIFIERS[name]!
  if (content.ownBuffer !== undefined && content.ownBuffer !== buffer) {
    throw valueError(
      'several buffers for one content',
      `'${name}': the content already names a buffer`,
      offset,
    )
  }
  content.ownBuffer = buffer
}

/** On `uricontent` Snort accepts it and looks at the URI all the same. */
function parseRawBytes(rule: RuleBuilder, option: OptionText): void {
  const content = owner(rule, option)
  if (content.uricontent) {
    const message = "'rawbytes' has no effect on uricontent"
    rule.warn('rawbytes on uricontent', message, option.at)
  } else {
    setBuffer(content, option.name, option.at)
  }
}

function parsePosition(rule: RuleBuilder, option: OptionText): void {
  const which = option.name as 'offset' | 'depth' | 'distance' | 'within'
  rule.position(owner(rule, option), which, { text: option.value!, at: option.valueAt })
}

function parseFastPattern(rule: RuleBuilder, option: OptionText): void {
  const content = owner(rule, option)
  const parts = argumentParts(option)
  const first = parts[0]
  if (first === undefined) {
    rule.markFastPattern(content, { only: false, slice: undefined }, option.at)
  } else if (parts.length === 1 && first.text.toLowerCase() === 'only') {
    rule.markFastPattern(content, { only: true, slice: undefined }, option.at)
  } else if (parts.length === 2) {
    const [from, length] = parts.map((part) =>
      parseInteger(part.text, 0, MAX_PATTERN_OFFSET, option.name, part.at),
    ) as [number, number]
    rule.markFastPattern(content, { only: false, slice: [from, length] }, option.at)
  } else {
    throw unknownArgument(option, first)
  }
}

const MODIFIERS = 'nocase, offset n, depth n, distance n, within n, fast_pattern'

function bufferModifier(name: string, help: string, section: string): OptionSpec {
  return {
    name,
    dialects: SNORT2,
    status: 'evaluated',
    argument: '',
    help: `the content before it looks at ${help}`,
    section,
    parse: (rule, option) => setBuffer(owner(rule, option), name, option.at),
  }
}

function position(name: string, argument: string, help: string, section: string): OptionSpec {
  return { name, dialects: SNORT2, status: 'evaluated', argument, help, section, parse: parsePosition }
}

export const contentOptions: readonly OptionSpec[] = [
  {
    name: 'content',
    dialects: BOTH,
    status: 'evaluated',
    argument: `!?"text |hex|"[, ${MODIFIERS}]`,
    help: 'bytes to look for; ! = must not be there',
    section: '3.5.1',
    parse: parseContent,
  },
  {
    name: 'uricontent',
    dialects: SNORT2,
    status: 'evaluated',
    argument: '!?"text |hex|"',
    help: 'content in the normalised URI',
    section: '3.5.23',
    parse: parseContent,
  },
  {
    name: 'nocase',
    dialects: SNORT2,
    status: 'evaluated',
    argument: '',
    help: 'ASCII case does not matter',
    section: '3.5.5',
    parse: (rule, option) => {
      owner(rule, option).nocase = true
    },
  },
  position('offset', '<n>|<variable>', 'where the search begins', '3.5.8'),
  position('depth', '<n>|<variable>', 'how many bytes are searched', '3.5.7'),
  position('distance', '<n>|<variable>', 'how far from the last match the search begins', '3.5.9'),
  position('within', '<n>|<variable>', 'how many bytes from the last match are searched', '3.5.10'),
  {
    name: 'rawbytes',
    dialects: SNORT2,
    status: 'evaluated',
    argument: '',
    help: 'the content before it looks at the packet as it came, before any decoding',
    section: '3.5.6',
    parse: parseRawBytes,
  },
  bufferModifier('http_client_body', 'the body of the request', '3.5.11'),
  bufferModifier('http_cookie', 'the cookies', '3.5.12'),
  bufferModifier('http_raw_cookie', 'the cookies, not normalised', '3.5.13'),
  bufferModifier('http_header', 'the headers', '3.5.14'),
  bufferModifier('http_raw_header', 'the headers, not normalised', '3.5.15'),
  bufferModifier('http_method', 'the method', '3.5.16'),
  bufferModifier('http_uri', 'the normalised URI', '3.5.17'),
  bufferModifier('http_raw_uri', 'the URI as sent', '3.5.18'),
  bufferModifier('http_stat_code', 'the status code of the response', '3.5.19'),
  bufferModifier('http_stat_msg', 'the status text of the response', '3.5.20'),
  {
    name: 'fast_pattern',
    dialects: SNORT2,
    status: 'evaluated',
    argument: '[only|<offset>,<length>]',
    help: 'the content before it goes into the multi-pattern search',
    section: '3.5.22',
    parse: parseFastPattern,
  },
]
