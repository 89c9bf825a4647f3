/**
 * Options on structures inside the payload: rpc, asn1, ftpbounce, cvs, ber_data, ber_skip, sd_pattern.
 */
import { argumentParts, required, splitWord, unknownArgument } from '../arguments.js'
import type { Mutable, OptionText, Part, RuleBuilder } from '../builder.js'
import type { Asn1Option, Dialect } from '../model.js'
import { parseInteger } from '../numbers.js'
import { syntaxError, valueError } from '../problem.js'
import type { OptionSpec } from '../registry.js'

const BOTH: readonly Dialect[] = ['snort2', 'snort3']
const SNORT3: readonly Dialect[] = ['snort3']
const MAX_UINT32 = 0xffffffff
const MAX_OFFSET = 65_535

function parseRpc(rule: RuleBuilder, option: OptionText): void {
  const parts = argumentParts(option)
  if (parts.length > 3) throw unknownArgument(option, parts[3]!)
  const number = (part: Part | undefined, what: string): number | undefined =>
    part === undefined || part.text === '*'
      ? undefined
      : parseInteger(part.text, 0, MAX_UINT32, what, part.at)
  const program = parseInteger(parts[0]!.text, 0, MAX_UINT32, 'rpc program', parts[0]!.at)
  const version = number(parts[1], 'rpc version')
  rule.push({ kind: 'rpc', program, version, procedure: number(parts[2], 'rpc procedure') })
}

function parseAsn1(rule: RuleBuilder, option: OptionText): void {
  const asn1: Mutable<Asn1Option> = {
    kind: 'asn1',
    buffer: rule.sticky,
    bitstringOverflow: false,
    doubleOverflow: false,
    oversizeLength: undefined,
    offset: 0,
    relative: false,
  }
  for (const part of argumentParts(option)) {
    const { word, rest } = splitWord(part)
    if (word === 'bitstring_overflow' && rest === undefined) asn1.bitstringOverflow = true
    else if (word === 'double_overflow' && rest === undefined) asn1.doubleOverflow = true
    else if (word === 'print' && rest === undefined) {
      rule.warn('asn1 print', "asn1: 'print' tests nothing and prints nothing", part.at, 'unsupported')
    } else if (word === 'oversize_length') {
      const text = required(option, part, rest)
      asn1.oversizeLength = parseInteger(text.text, 0, MAX_UINT32, 'asn1 oversize_length', text.at)
    } else if (word === 'offset' || word === 'absolute_offset' || word === 'relative_offset') {
      const text = required(option, part, rest)
      asn1.offset = parseInteger(text.text, -MAX_OFFSET, MAX_OFFSET, `asn1 ${word}`, text.at)
      asn1.relative = word === 'relative_offset'
    } else throw unknownArgument(option, part)
  }
  rule.push(asn1)
}

function parseCvs(rule: RuleBuilder, option: OptionText): void {
  if (option.value?.toLowerCase() !== 'invalid-entry') {
    throw syntaxError('bad argument of cvs', "cvs takes 'invalid-entry'", option.valueAt)
  }
  rule.push({ kind: 'cvs', buffer: rule.sticky })
}

function parseBer(rule: RuleBuilder, option: OptionText): void {
  const parts = argumentParts(option)
  const type = parseInteger(parts[0]!.text, 0, 255, `${option.name} type`, parts[0]!.at)
  let optional = false
  for (const part of parts.slice(1)) {
    if (option.name !== 'ber_skip' || part.text.toLowerCase() !== 'optional')
      throw unknownArgument(option, part)
    optional = true
  }
  const kind = option.name === 'ber_skip' ? 'ber_skip' : 'ber_data'
  rule.push({ kind, buffer: rule.sticky, type, optional })
}

function parseSdPattern(rule: RuleBuilder, option: OptionText): void {
  const match = /^"((?:[^"\\]|\\.)*)"\s*(?:,\s*(.*))?$/s.exec(option.value!)
  const plain = /^([^",]+?)\s*(?:,\s*(.*))?$/s.exec(option.value!)
  const found = match ?? plain
  if (found === null) {
    throw syntaxError('bad argument of sd_pattern', 'sd_pattern needs a pattern in quotes', option.valueAt)
  }
  // In quotes only \" \; and \\ stand for something else.
  const pattern = found[1]!.replace(/\\(["\\;])/g, '$1')
  if (pattern === '') throw valueError('empty pattern', 'sd_pattern: the pattern is empty', option.valueAt)
  let threshold = 1
  if (found[2] !== undefined) {
    const at = option.valueAt + option.value!.length - found[2].length
    const { word, rest } = splitWord({ text: found[2].trim(), at })
    if (word !== 'threshold' || rest === undefined) throw unknownArgument(option, { text: found[2], at })
    threshold = parseInteger(rest.text, 1, MAX_UINT32, 'sd_pattern threshold', rest.at)
  }
  rule.push({ kind: 'sd_pattern', buffer: rule.sticky, pattern, threshold })
}

export const structureOptions: readonly OptionSpec[] = [
  {
    name: 'rpc',
    dialects: BOTH,
    status: 'evaluated',
    argument: '<program>,<version>|*,<procedure>|*',
    help: 'program, version and procedure of an ONC RPC call',
    section: '3.6.15',
    parse: parseRpc,
  },
  {
    name: 'asn1',
    dialects: BOTH,
    status: 'evaluated',
    argument: 'bitstring_overflow|double_overflow|oversize_length <n>|offset <n>|relative_offset <n>[,…]',
    help: 'malformed or oversized ASN.1 elements',
    section: '3.5.41',
    parse: parseAsn1,
  },
  {
    name: 'ftpbounce',
    dialects: ['snort2'],
    status: 'evaluated',
    argument: '',
    help: 'the address at the cursor is not that of the sender',
    section: '3.5.40',
    parse: (rule) => rule.push({ kind: 'ftpbounce', buffer: rule.sticky }),
  },
  {
    name: 'cvs',
    dialects: BOTH,
    status: 'evaluated',
    argument: 'invalid-entry',
    help: 'an invalid CVS Entry line',
    section: '3.5.42',
    parse: parseCvs,
  },
  {
    name: 'ber_data',
    dialects: SNORT3,
    status: 'evaluated',
    argument: '<type>',
    help: 'moves the cursor into the BER element of this type',
    section: 'S3',
    parse: parseBer,
  },
  {
    name: 'ber_skip',
    dialects: SNORT3,
    status: 'evaluated',
    argument: '<type>[,optional]',
    help: 'moves the cursor behind the BER element of this type',
    section: 'S3',
    parse: parseBer,
  },
  {
    name: 'sd_pattern',
    dialects: SNORT3,
    status: 'evaluated',
    argument: '"<expression>|credit_card|us_social|us_social_nodashes|email"[,threshold <n>]',
    help: 'sensitive data, at least <n> times',
    section: 'S3',
    parse: parseSdPattern,
  },
]
