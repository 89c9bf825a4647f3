/**
 * Options that identify and describe a rule: msg, sid, gid, rev, classtype, priority, reference, metadata, service.
 */
import { argumentParts } from '../arguments.js'
import type { OptionText, RuleBuilder } from '../builder.js'
import { unquote } from '../literal.js'
import type { Dialect } from '../model.js'
import { parseInteger } from '../numbers.js'
import { quote, syntaxError } from '../problem.js'
import type { OptionSpec } from '../registry.js'
import { displayText } from '../source.js'

const BOTH: readonly Dialect[] = ['snort2', 'snort3']
const MAX_ID = 0xffffffff

function number(option: OptionText, low: number): number {
  return parseInteger(option.value!, low, MAX_ID, option.name, option.valueAt)
}

function parseMsg(rule: RuleBuilder, option: OptionText): void {
  const text = option.value!
  // A quote that is never closed would hide all options up to the next one.
  const inner = rule.dialect === 'snort3' ? /^"(?:[^"\\]|\\.)*"(?=.)/s.exec(text) : null
  if (inner !== null) {
    const at = option.valueAt + inner[0].length
    throw syntaxError('text after the quote', 'unexpected text behind the quote that ends the msg', at)
  }
  rule.msg = displayText(unquote(text))
}

function parseClasstype(rule: RuleBuilder, option: OptionText): void {
  const name = unquote(option.value!)
  rule.classtype = name
  if (rule.context.classifications.find(name) === undefined) {
    const message = `classtype ${quote(name)} is not in the classification table`
    rule.warn(`unknown classtype: ${name}`, message, option.valueAt)
  }
}

/** `system,id`; a malformed one costs the reference, not the rule. */
function parseReference(rule: RuleBuilder, option: OptionText): void {
  const value = option.value!
  const comma = value.indexOf(',')
  const system = comma < 0 ? value : value.slice(0, comma).trim()
  const id = comma < 0 ? '' : unquote(value.slice(comma + 1).trim())
  if (system === '' || id === '') {
    rule.warn('bad reference', `reference ${quote(value)} is not <system>,<id>`, option.valueAt)
    return
  }
  rule.references.push({ system: displayText(system), id: displayText(id.replaceAll('\\', '')) })
}

function parseMetadata(rule: RuleBuilder, option: OptionText): void {
  if (option.value === undefined) return
  const { metadata } = rule.context.cache
  let pairs = metadata.get(option.value)
  if (pairs === undefined) {
    pairs = metadataPairs(option)
    metadata.set(option.value, pairs)
  }
  rule.metadata = rule.metadata.length === 0 ? pairs : [...rule.metadata, ...pairs]
  if (rule.dialect !== 'snort2') return
  for (const [key, value] of pairs) {
    if (key === 'service') addServices(rule, value)
    else if (key === 'engine' && value === 'shared') {
      rule.notEvaluated(
        'shared-object rule',
        'the rule is a stub for a compiled shared-object rule',
        option.at,
      )
    }
  }
}

function metadataPairs(option: OptionText): (readonly [string, string])[] {
  const pairs: (readonly [string, string])[] = []
  for (const { text } of argumentParts(option)) {
    const blank = text.search(/\s/)
    if (blank >= 0) pairs.push([text.slice(0, blank), text.slice(blank).trimStart()])
    else if (text !== '') pairs.push([text, ''])
  }
  return pairs
}

function addServices(rule: RuleBuilder, names: string): void {
  for (const name of names.toLowerCase().split(/\s+/)) {
    if (name !== '' && !rule.services.includes(name)) rule.services.push(name)
  }
}

function parseService(rule: RuleBuilder, option: OptionText): void {
  for (const part of argumentParts(option)) {
    if (!/^[\w-]+$/.test(part.text)) {
      throw syntaxError('bad service', `${quote(part.text)} is not a service name`, part.at)
    }
    addServices(rule, part.text)
  }
}

function parseEnable(rule: RuleBuilder, option: OptionText): void {
  const value = option.value!.toLowerCase()
  if (value === 'no') rule.notEvaluated('disabled by enable:no', "the rule says 'enable:no'", option.at)
  else if (value !== 'yes' && value !== 'inherit') {
    throw syntaxError(
      'bad argument of enable',
      `enable: ${quote(value)} is not yes, no or inherit`,
      option.valueAt,
    )
  }
}

export const generalOptions: readonly OptionSpec[] = [
  {
    name: 'msg',
    dialects: BOTH,
    status: 'information',
    argument: '"text"',
    help: 'text printed with the alert',
    section: '3.4.1',
    once: true,
    parse: parseMsg,
  },
  {
    name: 'sid',
    dialects: BOTH,
    status: 'information',
    argument: '<number>',
    help: 'number of the rule',
    section: '3.4.4',
    once: true,
    parse: (rule, option) => {
      rule.sid = number(option, 1)
    },
  },
  {
    name: 'gid',
    dialects: BOTH,
    status: 'information',
    argument: '<number>',
    help: 'generator of the rule; 1 unless given',
    section: '3.4.3',
    once: true,
    parse: (rule, option) => {
      rule.gid = number(option, 1)
    },
  },
  {
    name: 'rev',
    dialects: BOTH,
    status: 'information',
    argument: '<number>',
    help: 'revision; of two rules with one gid:sid the higher is kept',
    section: '3.4.5',
    once: true,
    parse: (rule, option) => {
      rule.rev = number(option, 0)
    },
  },
  {
    name: 'classtype',
    dialects: BOTH,
    status: 'information',
    argument: '<name>',
    help: 'class from classification.config; gives the priority',
    section: '3.4.6',
    once: true,
    parse: parseClasstype,
  },
  {
    name: 'priority',
    dialects: BOTH,
    status: 'information',
    argument: '<number>',
    help: 'urgency, 1 = most urgent; overrides that of the class',
    section: '3.4.7',
    once: true,
    parse: (rule, option) => {
      rule.priority = number(option, 0)
    },
  },
  {
    name: 'reference',
    dialects: BOTH,
    status: 'information',
    argument: '<system>,<id>',
    help: 'where the attack is described',
    section: '3.4.2',
    parse: parseReference,
  },
  {
    name: 'metadata',
    dialects: BOTH,
    status: 'evaluated',
    argument: '[<key> <value>, …]',
    help: "free keys and values; in Snort 2.9 'service <name>' ties the rule to a service",
    section: '3.4.8',
    parse: parseMetadata,
  },
  {
    name: 'service',
    dialects: ['snort3'],
    status: 'evaluated',
    argument: '<name>, …',
    help: 'services the rule applies to',
    section: 'S3',
    parse: parseService,
  },
  {
    name: 'enable',
    dialects: ['snort3'],
    status: 'evaluated',
    argument: 'yes|no|inherit',
    help: 'switches the rule on or off',
    section: 'S3',
    once: true,
    parse: parseEnable,
  },
  {
    name: 'rem',
    dialects: ['snort3'],
    status: 'information',
    argument: '"text"',
    help: 'a comment',
    section: 'S3',
    parse: () => {},
  },
  {
    name: 'soid',
    dialects: BOTH,
    status: 'information',
    argument: '<gid>|<sid>',
    help: 'name of the shared-object rule this one stands for',
    section: '3.4.8',
    parse: () => {},
  },
  {
    name: 'target',
    dialects: ['snort3'],
    status: 'information',
    argument: 'src_ip|dst_ip',
    help: 'which side is the target of the attack',
    section: 'S3',
    parse: () => {},
  },
]
