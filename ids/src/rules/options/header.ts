/**
 * Options that test fields of the packet headers.
 */
import { argumentParts, unknownArgument } from '../arguments.js'
import type { OptionText, RuleBuilder } from '../builder.js'
import type { Dialect, FragBitsOption, HeaderNumberOption, TcpFlagsOption } from '../model.js'
import { parseTest, toInteger } from '../numbers.js'
import { quote, syntaxError, valueError } from '../problem.js'
import type { OptionSpec } from '../registry.js'

const BOTH: readonly Dialect[] = ['snort2', 'snort3']
const SNORT3: readonly Dialect[] = ['snort3']
const MAX_16 = 0xffff
const MAX_24 = 0xffffff
const MAX_32 = 0xffffffff

interface NumberRow {
  readonly field: HeaderNumberOption['field']
  readonly high: number
  readonly help: string
  readonly section: string
  /** `a-b` (Snort 2.9 ttl). */
  readonly dash?: boolean
  /** Protocol that has the field; any when absent. */
  readonly protocol?: 'tcp' | 'icmp'
  /** In Snort 3 only. */
  readonly snort3?: boolean
}

const NUMBERS: readonly NumberRow[] = [
  { field: 'ttl', high: 255, help: 'IP time to live', section: '3.6.2', dash: true },
  { field: 'tos', high: 255, help: 'IP type of service', section: '3.6.3' },
  { field: 'id', high: MAX_16, help: 'IP identification', section: '3.6.4' },
  { field: 'fragoffset', high: MAX_16, help: 'IP fragment offset', section: '3.6.1' },
  { field: 'seq', high: MAX_32, help: 'TCP sequence number', section: '3.6.11', protocol: 'tcp' },
  { field: 'ack', high: MAX_32, help: 'TCP acknowledgement number', section: '3.6.12', protocol: 'tcp' },
  { field: 'window', high: MAX_16, help: 'TCP window', section: '3.6.13', protocol: 'tcp' },
  { field: 'itype', high: 255, help: 'ICMP type', section: '3.6.14', protocol: 'icmp' },
  { field: 'icode', high: 255, help: 'ICMP code', section: '3.6.15', protocol: 'icmp' },
  { field: 'icmp_id', high: MAX_16, help: 'ICMP echo identifier', section: '3.6.16', protocol: 'icmp' },
  { field: 'icmp_seq', high: MAX_16, help: 'ICMP echo sequence number', section: '3.6.17', protocol: 'icmp' },
  { field: 'urg', high: MAX_16, help: 'TCP urgent pointer', section: 'S3', protocol: 'tcp', snort3: true },
  {
    field: 'wscale',
    high: 255,
    help: 'TCP window scale option',
    section: 'S3',
    protocol: 'tcp',
    snort3: true,
  },
  { field: 'geneve_vni', high: MAX_24, help: 'GENEVE network identifier', section: 'S3', snort3: true },
  { field: 'pkt_num', high: MAX_32, help: 'number of the packet, from 1', section: 'S3', snort3: true },
]

/** Snort refuses a rule that could never match; rules for any protocol may. @throws RuleTextError */
function needsProtocol(rule: RuleBuilder, option: OptionText, needed: 'tcp' | 'icmp'): void {
  const { protocol, serviceOnly } = rule.header
  if (protocol === needed || protocol === 'ip' || serviceOnly === true) return
  const message = `'${option.name}' is for ${needed} rules, this is one for ${protocol}`
  throw valueError(`${option.name} outside ${needed} rules`, message, option.at)
}

function numberOption(row: NumberRow): OptionSpec {
  return {
    name: row.field,
    dialects: row.snort3 === true ? SNORT3 : BOTH,
    status: 'evaluated',
    argument: row.dash === true ? '<n>|<<n>|><n>|<a>-<b>|<a><><b>' : '!?<n>|<<n>|><n>|<a><><b>',
    help: row.help,
    section: row.section,
    parse: (rule, option) => {
      if (row.protocol !== undefined) needsProtocol(rule, option, row.protocol)
      const dash = row.dash === true && rule.dialect === 'snort2'
      const grammar = { what: row.field, low: 0, high: row.high, between: 'range-exclusive' as const, dash }
      rule.push({
        kind: 'header_number',
        field: row.field,
        test: parseTest(option.value!, grammar, option.valueAt),
      })
    },
  }
}

const IP_PROTOCOLS: Readonly<Record<string, number>> = {
  ip: 0,
  icmp: 1,
  igmp: 2,
  ggp: 3,
  ipencap: 4,
  ipip: 4,
  tcp: 6,
  egp: 8,
  pup: 12,
  udp: 17,
  hmp: 20,
  'xns-idp': 22,
  rdp: 27,
  'iso-tp4': 29,
  dccp: 33,
  xtp: 36,
  ddp: 37,
  ipv6: 41,
  'ipv6-route': 43,
  'ipv6-frag': 44,
  rsvp: 46,
  gre: 47,
  esp: 50,
  ah: 51,
  'ipv6-icmp': 58,
  'ipv6-nonxt': 59,
  'ipv6-opts': 60,
  eigrp: 88,
  ospf: 89,
  etherip: 97,
  encap: 98,
  pim: 103,
  ipcomp: 108,
  vrrp: 112,
  l2tp: 115,
  isis: 124,
  sctp: 132,
  udplite: 136,
}

/** `[!<>]` and a number or name; only in `ip` rules. */
function parseIpProto(rule: RuleBuilder, option: OptionText): void {
  if (rule.header.protocol !== 'ip') {
    throw valueError('ip_proto outside an ip rule', "ip_proto is for rules with protocol 'ip'", option.at)
  }
  const match = /^(!|<|>|=)?\s*(\S+)$/.exec(option.value!)
  const name = match?.[2]?.toLowerCase() ?? ''
  const number = Object.hasOwn(IP_PROTOCOLS, name) ? IP_PROTOCOLS[name]! : toInteger(name)
  if (Number.isNaN(number) || number < 0 || number > 255) {
    const message = `ip_proto: ${quote(option.value!)} is not a protocol`
    throw valueError('bad number for ip_proto', message, option.valueAt)
  }
  const op = match![1] === '!' ? '!=' : ((match![1] ?? '=') as '<' | '>' | '=')
  rule.push({ kind: 'header_number', field: 'ip_proto', test: { op, lo: number, hi: number } })
}

export const TCP_FLAGS: Readonly<Record<string, number>> = {
  F: 1,
  S: 2,
  R: 4,
  P: 8,
  A: 16,
  U: 32,
  E: 64,
  2: 64,
  C: 128,
  1: 128,
  0: 0,
}

export const FRAG_BITS: Readonly<Record<string, number>> = { M: 1, D: 2, R: 4 }

type BitMatch = TcpFlagsOption['match'] & FragBitsOption['match']

export const MATCH_SIGNS: Readonly<Record<string, BitMatch>> = { '+': 'all', '*': 'any', '!': 'none' }

/** Letters and at most one of `+ * !`, before or after them. @throws RuleTextError */
function parseBits(
  option: OptionText,
  text: string,
  at: number,
  letters: Readonly<Record<string, number>>,
): { readonly bits: number; readonly match: BitMatch } {
  let bits = 0
  let match: BitMatch | undefined
  let any = false
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!.toUpperCase()
    const sign = MATCH_SIGNS[c]
    if (sign !== undefined) {
      if (match !== undefined) {
        throw valueError(`bad argument of ${option.name}`, `${option.name}: several of + * !`, at + i)
      }
      match = sign
    } else if (Object.hasOwn(letters, c)) {
      bits |= letters[c]!
      any = true
    } else if (c !== ' ') {
      throw valueError(`bad argument of ${option.name}`, `${option.name}: unknown flag ${quote(c)}`, at + i)
    }
  }
  if (!any) throw syntaxError(`bad argument of ${option.name}`, `${option.name}: no flag is named`, at)
  return { bits, match: match ?? 'exact' }
}

function parseFlags(rule: RuleBuilder, option: OptionText): void {
  needsProtocol(rule, option, 'tcp')
  const parts = argumentParts(option)
  if (parts.length > 2) throw unknownArgument(option, parts[2]!)
  const first = parts[0]!
  const second = parts[1]
  const { bits, match } = parseBits(option, first.text, first.at, TCP_FLAGS)
  let ignore = 0
  if (second !== undefined) {
    const mask = parseBits(option, second.text, second.at, TCP_FLAGS)
    if (mask.match !== 'exact') throw unknownArgument(option, second)
    ignore = mask.bits
  }
  rule.push({ kind: 'flags', flags: bits, ignore, match })
}

function parseFragBits(rule: RuleBuilder, option: OptionText): void {
  const { bits, match } = parseBits(option, option.value!, option.valueAt, FRAG_BITS)
  rule.push({ kind: 'fragbits', bits, match })
}

export const IP_OPTIONS: Readonly<Record<string, number | 'any'>> = {
  eol: 0,
  nop: 1,
  rr: 7,
  ts: 68,
  sec: 130,
  lsrr: 131,
  lsrre: 132,
  esec: 133,
  satid: 136,
  ssrr: 137,
  any: 'any',
}

function parseIpOpts(rule: RuleBuilder, option: OptionText): void {
  const name = option.value!.toLowerCase()
  if (!Object.hasOwn(IP_OPTIONS, name)) {
    const message = `ipopts: ${quote(option.value!)} is not an IP option`
    throw valueError('bad argument of ipopts', message, option.valueAt)
  }
  rule.push({ kind: 'ipopts', option: IP_OPTIONS[name]! })
}

export const headerOptions: readonly OptionSpec[] = [
  ...NUMBERS.map(numberOption),
  {
    name: 'ip_proto',
    dialects: BOTH,
    status: 'evaluated',
    argument: '![<>]?<number>|<name>',
    help: 'IP protocol, in rules for any protocol',
    section: '3.6.19',
    parse: parseIpProto,
  },
  {
    name: 'flags',
    dialects: BOTH,
    status: 'evaluated',
    argument: '(!|*|+)?<FSRPAUCE120>[,<ignored>]',
    help: 'TCP flags; + all and others, * any, ! none',
    section: '3.6.8',
    once: true,
    parse: parseFlags,
  },
  {
    name: 'fragbits',
    dialects: BOTH,
    status: 'evaluated',
    argument: '(!|*|+)?<MDR>',
    help: 'IP fragment bits: More fragments, Do not fragment, Reserved',
    section: '3.6.6',
    parse: parseFragBits,
  },
  {
    name: 'ipopts',
    dialects: BOTH,
    status: 'evaluated',
    argument: Object.keys(IP_OPTIONS).join('|'),
    help: 'an IP option is present',
    section: '3.6.5',
    parse: parseIpOpts,
  },
  {
    name: 'sameip',
    dialects: BOTH,
    status: 'evaluated',
    argument: '',
    help: 'source and destination address are equal',
    section: '3.6.20',
    parse: (rule) => rule.push({ kind: 'sameip' }),
  },
]
