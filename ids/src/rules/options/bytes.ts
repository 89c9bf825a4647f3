/**
 * Options that read numbers from the buffer: byte_test, byte_jump, byte_extract, byte_math; and isdataat.
 */
import { BUF } from '../../inspect/buffers.js'
import { argumentParts, required, splitWord, unknownArgument } from '../arguments.js'
import type { Mutable, OptionText, Part, RuleBuilder } from '../builder.js'
import type { ByteMathOption, ByteRead, ByteTestOption, Dialect } from '../model.js'
import { parseInteger } from '../numbers.js'
import { quote, syntaxError, valueError } from '../problem.js'
import type { OptionSpec } from '../registry.js'

const BOTH: readonly Dialect[] = ['snort2', 'snort3']
const MAX_OFFSET = 65_535
const MAX_VALUE = 0xffffffff

type Base = 8 | 10 | 16

/** What the words common to all byte options say. */
interface Words {
  relative: boolean
  order: 'big' | 'little' | 'dce' | undefined
  text: boolean
  base: Base | undefined
  bitmask: number | undefined
}

function noWords(): Words {
  return { relative: false, order: undefined, text: false, base: undefined, bitmask: undefined }
}

const BASES: Readonly<Record<string, Base>> = { hex: 16, dec: 10, oct: 8 }

/** Reads one of the common words; false when it is none of them. @throws RuleTextError */
function commonWord(words: Words, option: OptionText, part: Part): boolean {
  const { word, rest } = splitWord(part)
  switch (word) {
    case 'relative':
      words.relative = true
      break
    case 'big':
    case 'little':
    case 'dce':
      if (words.order !== undefined && words.order !== word) {
        const message = `${option.name}: '${word}' contradicts '${words.order}'`
        throw valueError('contradicting byte orders', message, part.at)
      }
      words.order = word
      break
    case 'string':
      words.text = true
      if (rest !== undefined) words.base = base(option, rest)
      return true
    case 'hex':
    case 'dec':
    case 'oct':
      words.base = base(option, part)
      return true
    case 'bitmask': {
      const value = required(option, part, rest)
      words.bitmask = parseInteger(value.text, 1, MAX_VALUE, 'bitmask', value.at)
      return true
    }
    default:
      return false
  }
  if (rest !== undefined) throw unknownArgument(option, part)
  return true
}

function base(option: OptionText, part: Part): Base {
  const value = BASES[part.text.toLowerCase()]
  if (value === undefined) throw unknownArgument(option, part)
  return value
}

/** The `ByteRead` part of an option. `defaultBase` is that of text numbers without hex, dec or oct. */
function byteRead(
  rule: RuleBuilder,
  option: OptionText,
  words: Words,
  count: Part,
  offset: Part,
  defaultBase: 0 | 10,
  lowestCount = 1,
): Mutable<ByteRead> {
  if (words.base !== undefined && !words.text) {
    const message = `${option.name}: hex, dec and oct need 'string'`
    throw valueError('number base without string', message, option.at)
  }
  const highest = words.text ? 10 : 4
  return {
    buffer: rule.sticky,
    count: parseInteger(count.text, lowestCount, highest, `${option.name} byte count`, count.at),
    offset: rule.numberOrVariable(offset, -MAX_OFFSET, MAX_OFFSET, `${option.name} offset`),
    relative: words.relative,
    littleEndian: words.order === 'little',
    textBase: words.text ? (words.base ?? defaultBase) : undefined,
    dce: words.order === 'dce',
    bitmask: words.bitmask,
  }
}

/** The first `count` parts, which must be there. */
function positional(
  option: OptionText,
  parts: readonly Part[],
  count: number,
  names: string,
): readonly Part[] {
  if (parts.length < count || parts.slice(0, count).some((part) => part.text === '')) {
    throw syntaxError(`missing argument of ${option.name}`, `${option.name} needs ${names}`, option.valueAt)
  }
  return parts
}

/** A value as strtoul reads it: 0x… hexadecimal, 0… octal. */
function value(rule: RuleBuilder, part: Part, what: string): number | string {
  if (/^0[0-7]+$/.test(part.text)) {
    const octal = Number.parseInt(part.text, 8)
    return parseInteger(String(octal), 0, MAX_VALUE, what, part.at)
  }
  return rule.numberOrVariable(part, 0, MAX_VALUE, what)
}

function parseByteTest(rule: RuleBuilder, option: OptionText): void {
  const parts = positional(option, argumentParts(option), 4, '<count>,<operator>,<value>,<offset>')
  const words = noWords()
  for (const part of parts.slice(4)) if (!commonWord(words, option, part)) throw unknownArgument(option, part)
  const operator = /^(!?)\s*(<=|>=|[<>=&^])?$/.exec(parts[1]!.text)
  if (operator === null || (operator[1] === '' && operator[2] === undefined)) {
    const message = `byte_test: ${quote(parts[1]!.text)} is not an operator`
    throw valueError('bad byte_test operator', message, parts[1]!.at)
  }
  rule.push({
    kind: 'byte_test',
    ...byteRead(rule, option, words, parts[0]!, parts[3]!, 0),
    op: (operator[2] ?? '=') as ByteTestOption['op'],
    negated: operator[1] === '!',
    value: value(rule, parts[2]!, 'byte_test value'),
  })
}

function parseByteJump(rule: RuleBuilder, option: OptionText): void {
  const parts = positional(option, argumentParts(option), 2, '<count>,<offset>')
  const words = noWords()
  let multiplier = 1
  let align: 1 | 2 | 4 = 1
  let from: 'here' | 'beginning' | 'end' = 'here'
  let postOffset: number | string = 0
  for (const part of parts.slice(2)) {
    if (commonWord(words, option, part)) continue
    const { word, rest } = splitWord(part)
    if (word === 'align') align = alignment(rest, 4)
    else if (word === 'multiplier') multiplier = multiple(option, part, rest)
    else if (word === 'from_beginning' && from !== 'end') from = 'beginning'
    else if (word === 'from_end' && from !== 'beginning') from = 'end'
    else if (word === 'post_offset') {
      const text = required(option, part, rest)
      postOffset = rule.numberOrVariable(text, -MAX_OFFSET, MAX_OFFSET, 'post_offset')
    } else throw unknownArgument(option, part)
  }
  rule.push({
    kind: 'byte_jump',
    ...byteRead(rule, option, words, parts[0]!, parts[1]!, 0, 0),
    multiplier,
    align,
    from,
    postOffset,
  })
}

function alignment(rest: Part | undefined, implied: 4): 1 | 2 | 4 {
  if (rest === undefined) return implied
  const number = parseInteger(rest.text, 0, 4, 'align', rest.at)
  if (number === 2 || number === 4) return number
  if (number === 0 || number === 1) return 1
  throw valueError('number out of range for align', 'align must be 2 or 4', rest.at)
}

function multiple(option: OptionText, part: Part, rest: Part | undefined): number {
  const text = required(option, part, rest)
  return parseInteger(text.text, 1, MAX_OFFSET, 'multiplier', text.at)
}

function parseByteExtract(rule: RuleBuilder, option: OptionText): void {
  const parts = positional(option, argumentParts(option), 3, '<count>,<offset>,<name>')
  const words = noWords()
  let multiplier = 1
  let align: 1 | 2 | 4 = 1
  for (const part of parts.slice(3)) {
    if (commonWord(words, option, part)) continue
    const { word, rest } = splitWord(part)
    if (word === 'align') align = alignment(rest, 4)
    else if (word === 'multiplier') multiplier = multiple(option, part, rest)
    else throw unknownArgument(option, part)
  }
  const read = byteRead(rule, option, words, parts[0]!, parts[1]!, 10)
  rule.push({
    kind: 'byte_extract',
    ...read,
    name: rule.defineVariable(parts[2]!.text, parts[2]!.at),
    multiplier,
    align,
  })
}

function parseByteMath(rule: RuleBuilder, option: OptionText): void {
  const words = noWords()
  const named = new Map<string, Part>()
  for (const part of argumentParts(option)) {
    if (commonWord(words, option, part)) continue
    const { word, rest } = splitWord(part)
    const text = required(option, part, rest)
    if (word === 'endian') {
      if (!commonWord(words, option, text)) throw unknownArgument(option, part)
    } else if (['bytes', 'offset', 'oper', 'rvalue', 'result'].includes(word)) {
      if (named.has(word))
        throw valueError('byte_math argument twice', `byte_math: '${word}' stands twice`, part.at)
      named.set(word, text)
    } else throw unknownArgument(option, part)
  }
  const get = (word: string): Part => {
    const part = named.get(word)
    if (part === undefined) {
      throw syntaxError('missing argument of byte_math', `byte_math needs '${word}'`, option.valueAt)
    }
    return part
  }
  const operator = get('oper')
  if (!/^(?:[-+*/]|<<|>>)$/.test(operator.text)) {
    const message = `byte_math: ${quote(operator.text)} is not an operator`
    throw valueError('bad byte_math operator', message, operator.at)
  }
  const right = value(rule, get('rvalue'), 'rvalue')
  if (right === 0 && operator.text === '/') {
    throw valueError('division by zero', 'byte_math: division by zero', get('rvalue').at)
  }
  if (operator.text.length === 2 && typeof right === 'number' && right > 32) {
    throw valueError('number out of range for rvalue', 'byte_math: a shift must be 0…32', get('rvalue').at)
  }
  const read = byteRead(rule, option, words, get('bytes'), get('offset'), 0)
  const result = get('result')
  rule.push({
    kind: 'byte_math',
    ...read,
    op: operator.text as ByteMathOption['op'],
    value: right,
    name: rule.defineVariable(result.text, result.at),
  })
}

function parseIsDataAt(rule: RuleBuilder, option: OptionText): void {
  const parts = argumentParts(option)
  const first = parts[0]!
  const negated = first.text.startsWith('!')
  const digits = negated ? first.text.slice(1).trimStart() : first.text
  const at = rule.numberOrVariable(
    { text: digits, at: first.at + first.text.length - digits.length },
    -MAX_OFFSET,
    MAX_OFFSET,
    'isdataat',
  )
  let relative = false
  let raw = false
  for (const part of parts.slice(1)) {
    const word = part.text.toLowerCase()
    if (word === 'relative') relative = true
    else if (word === 'rawbytes' && rule.dialect === 'snort2') raw = true
    else throw unknownArgument(option, part)
  }
  rule.push({ kind: 'isdataat', buffer: raw ? BUF.RAW_DATA : rule.sticky, at, negated, relative })
}

const COMMON = 'relative, big|little|dce, string, hex|dec|oct, bitmask <mask>'

export const byteOptions: readonly OptionSpec[] = [
  {
    name: 'byte_test',
    dialects: BOTH,
    status: 'evaluated',
    argument: `<count>, !?(<|>|=|<=|>=|&|^), <value>, <offset>[, ${COMMON}]`,
    help: 'compares a number in the buffer',
    section: '3.5.31',
    parse: parseByteTest,
  },
  {
    name: 'byte_jump',
    dialects: BOTH,
    status: 'evaluated',
    argument: `<count>, <offset>[, ${COMMON}, multiplier <n>, align, from_beginning|from_end, post_offset <n>]`,
    help: 'moves the cursor by a number in the buffer',
    section: '3.5.32',
    parse: parseByteJump,
  },
  {
    name: 'byte_extract',
    dialects: BOTH,
    status: 'evaluated',
    argument: `<count>, <offset>, <name>[, ${COMMON}, multiplier <n>, align <n>]`,
    help: 'keeps a number in the buffer under a name',
    section: '3.5.33',
    parse: parseByteExtract,
  },
  {
    name: 'byte_math',
    dialects: BOTH,
    status: 'evaluated',
    argument: `bytes <n>, offset <n>, oper +|-|*|/|<<|>>, rvalue <n>, result <name>[, ${COMMON}, endian big|little]`,
    help: 'computes with a number in the buffer and keeps the result under a name',
    section: '3.5.34',
    parse: parseByteMath,
  },
  {
    name: 'isdataat',
    dialects: BOTH,
    status: 'evaluated',
    argument: '!?<n>|<variable>[, relative][, rawbytes]',
    help: 'byte number n exists',
    section: '3.5.25',
    parse: parseIsDataAt,
  },
]
