/**
 * Options on messages of protocols other than HTTP: ssl_state, ssl_version, sip_*, dce_*.
 */
import { BUF } from '../../inspect/buffers.js'
import { SSL_STATE, SSL_VERSION } from '../../protocol/facts.js'
import { argumentParts, splitWord, unknownArgument } from '../arguments.js'
import type { OptionText, Part, RuleBuilder } from '../builder.js'
import type {
  DceIfaceOption,
  DceOpnumOption,
  Dialect,
  NumericTest,
  SipMethodOption,
  SipStatCodeOption,
  SslStateOption,
  SslVersionOption,
} from '../model.js'
import { parseInteger, parseTest } from '../numbers.js'
import { quote, valueError } from '../problem.js'
import type { OptionSpec } from '../registry.js'
import { sticky } from './sticky.js'

const BOTH: readonly Dialect[] = ['snort2', 'snort3']

const STATES: Readonly<Record<string, number>> = {
  client_hello: SSL_STATE.CLIENT_HELLO,
  server_hello: SSL_STATE.SERVER_HELLO,
  client_keyx: SSL_STATE.CLIENT_KEYX,
  server_keyx: SSL_STATE.SERVER_KEYX,
  unknown: SSL_STATE.UNKNOWN,
}

const VERSIONS: Readonly<Record<string, number>> = {
  sslv2: SSL_VERSION.SSL2,
  sslv3: SSL_VERSION.SSL3,
  'tls1.0': SSL_VERSION.TLS10,
  'tls1.1': SSL_VERSION.TLS11,
  'tls1.2': SSL_VERSION.TLS12,
  'tls1.3': SSL_VERSION.TLS13,
}

/** `a,b,!c`: the bits of the plain names, and of the negated ones. */
function bits(
  option: OptionText,
  table: Readonly<Record<string, number>>,
): { plain: number; negated: number } {
  let plain = 0
  let negated = 0
  for (const part of listParts(option)) {
    const not = part.text.startsWith('!')
    const name = (not ? part.text.slice(1).trim() : part.text).toLowerCase()
    if (!Object.hasOwn(table, name)) throw unknownArgument(option, part)
    if (not) negated |= table[name]!
    else plain |= table[name]!
  }
  return { plain, negated }
}

/** Parts between commas, of the argument without the quotes Snort 3 puts around lists. */
function listParts(option: OptionText): Part[] {
  const value = option.value ?? ''
  if (!/^".*"$/s.test(value)) return argumentParts(option)
  return argumentParts({ ...option, value: value.slice(1, -1), valueAt: option.valueAt + 1 })
}

function parseSslState(rule: RuleBuilder, option: OptionText): void {
  const { plain, negated } = bits(option, STATES)
  rule.push({ kind: 'ssl_state', states: plain, not: negated })
}

function parseSslVersion(rule: RuleBuilder, option: OptionText): void {
  const { plain, negated } = bits(option, VERSIONS)
  rule.push({ kind: 'ssl_version', versions: plain, not: negated })
}

function parseSipMethod(rule: RuleBuilder, option: OptionText): void {
  const methods: string[] = []
  let negated = false
  for (const part of listParts(option)) {
    const text = part.text.replace(/^!\s*/, '')
    if (!/^[\w!%*'.+~-]+$/.test(text)) throw unknownArgument(option, part)
    if (text !== part.text) negated = true
    methods.push(text.toLowerCase())
  }
  if (negated && methods.length > 1) {
    throw valueError('several negated methods', 'sip_method: only one method may be negated', option.valueAt)
  }
  rule.push({ kind: 'sip_method', methods, negated })
}

function parseSipStatCode(rule: RuleBuilder, option: OptionText): void {
  const codes: number[] = []
  for (const part of listParts(option)) {
    const code = parseInteger(part.text, 1, 999, 'sip_stat_code', part.at)
    if (code > 9 && code < 100) {
      throw valueError(
        'number out of range for sip_stat_code',
        `sip_stat_code: ${code} is no status`,
        part.at,
      )
    }
    codes.push(code)
  }
  rule.push({ kind: 'sip_stat_code', codes })
}

const UUID = /^([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})$/i

function parseDceIface(rule: RuleBuilder, option: OptionText): void {
  let uuid: Uint8Array | undefined
  let version: NumericTest | undefined
  let anyFragment = false
  for (const part of argumentParts(option)) {
    const { word, rest } = splitWord(part)
    const id = word === 'uuid' && rest !== undefined ? rest : part
    if (UUID.test(id.text)) uuid = Uint8Array.from(Buffer.from(id.text.replaceAll('-', ''), 'hex'))
    else if (word === 'any_frag' && rest === undefined) anyFragment = true
    else if (word === 'version' && rest !== undefined) version = interfaceVersion(rest)
    else if (/^[<>=!]/.test(part.text)) version = interfaceVersion(part)
    else throw unknownArgument(option, part)
  }
  if (uuid === undefined) {
    throw valueError('missing uuid of dce_iface', 'dce_iface needs the UUID of an interface', option.valueAt)
  }
  rule.push({ kind: 'dce_iface', uuid, version, anyFragment })
}

function interfaceVersion(part: Part): NumericTest {
  const text = part.text.replace(/^([<>=!]+)\s+/, '$1')
  return parseTest(
    text,
    { what: 'dce_iface version', low: 0, high: 65_535, between: 'range-inclusive' },
    part.at,
  )
}

function parseDceOpnum(rule: RuleBuilder, option: OptionText): void {
  const ranges: [number, number][] = []
  for (const part of listParts(option)) {
    const match = /^(\d+)\s*(?:-\s*(\d+))?$/.exec(part.text)
    if (match === null) {
      throw valueError('bad number for dce_opnum', `dce_opnum: ${quote(part.text)} is no number`, part.at)
    }
    const low = parseInteger(match[1]!, 0, 65_535, 'dce_opnum', part.at)
    const high = match[2] === undefined ? low : parseInteger(match[2], 0, 65_535, 'dce_opnum', part.at)
    if (high < low) {
      throw valueError('reversed range for dce_opnum', `dce_opnum: ${low} is greater than ${high}`, part.at)
    }
    ranges.push([low, high])
  }
  rule.push({ kind: 'dce_opnum', ranges: merged(ranges) })
}

/** Sorted, neighbours joined. */
function merged(ranges: readonly (readonly [number, number])[]): [number, number][] {
  const out: [number, number][] = []
  for (const [low, high] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const last = out.at(-1)
    if (last !== undefined && low <= last[1] + 1) last[1] = Math.max(last[1], high)
    else out.push([low, high])
  }
  return out
}

function names(bitsOf: number, table: Readonly<Record<string, number>>): string[] {
  return Object.entries(table)
    .filter(([, bit]) => (bitsOf & bit) !== 0)
    .map(([name]) => name)
}

function withNegated(plain: number, not: number, table: Readonly<Record<string, number>>): string {
  return [...names(plain, table), ...names(not, table).map((name) => `!${name}`)].join(',')
}

/** The option as text. */
export function formatProtocolOption(
  option:
    | SslStateOption
    | SslVersionOption
    | SipMethodOption
    | SipStatCodeOption
    | DceIfaceOption
    | DceOpnumOption,
  dialect: Dialect,
): string {
  switch (option.kind) {
    case 'ssl_state':
      return `ssl_state:${withNegated(option.states, option.not, STATES)}`
    case 'ssl_version':
      return `ssl_version:${withNegated(option.versions, option.not, VERSIONS)}`
    case 'sip_method':
      return `sip_method:${option.negated ? '!' : ''}${option.methods.join(',')}`
    case 'sip_stat_code':
      return `sip_stat_code:${option.codes.join(',')}`
    case 'dce_iface': {
      const hex = Buffer.from(option.uuid).toString('hex')
      const uuid = hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
      const { version } = option
      const own = version === undefined ? '' : `${version.op === '!=' ? '!' : version.op}${version.lo}`
      const words = own === '' ? [] : [dialect === 'snort3' ? `version ${own}` : own]
      if (option.anyFragment) words.push('any_frag')
      return `dce_iface:${[dialect === 'snort3' ? `uuid ${uuid}` : uuid, ...words].join(',')}`
    }
    case 'dce_opnum': {
      const list = option.ranges.map(([low, high]) => (low === high ? `${low}` : `${low}-${high}`)).join(',')
      return `dce_opnum:${dialect === 'snort3' ? `"${list}"` : list}`
    }
  }
}

export const protocolOptions: readonly OptionSpec[] = [
  {
    name: 'ssl_state',
    dialects: BOTH,
    status: 'evaluated',
    argument: '[!]client_hello|server_hello|client_keyx|server_keyx|unknown[,…]',
    help: 'messages of the SSL/TLS handshake',
    section: '3.5',
    parse: parseSslState,
  },
  {
    name: 'ssl_version',
    dialects: BOTH,
    status: 'evaluated',
    argument: '[!]sslv2|sslv3|tls1.0|tls1.1|tls1.2|tls1.3[,…]',
    help: 'version of SSL/TLS',
    section: '3.5',
    parse: parseSslVersion,
  },
  {
    name: 'sip_method',
    dialects: BOTH,
    status: 'evaluated',
    argument: '[!]<method>[,<method>…]',
    help: 'method of the SIP request',
    section: '3.5',
    parse: parseSipMethod,
  },
  {
    name: 'sip_stat_code',
    dialects: BOTH,
    status: 'evaluated',
    argument: '<code>|<first digit>[,…]',
    help: 'status code of the SIP response',
    section: '3.5',
    parse: parseSipStatCode,
  },
  sticky('sip_header', BUF.SIP_HEADER, 'what follows looks at the header of the SIP message'),
  sticky('sip_body', BUF.SIP_BODY, 'what follows looks at the body of the SIP message'),
  {
    name: 'dce_iface',
    dialects: BOTH,
    status: 'evaluated',
    argument: '[uuid ]<uuid>[,[version ]<|>|=|!<version>][,any_frag]',
    help: 'interface of the DCE/RPC request',
    section: '3.5',
    parse: parseDceIface,
  },
  {
    name: 'dce_opnum',
    dialects: BOTH,
    status: 'evaluated',
    argument: '<number>[-<number>][,…]',
    help: 'operation of the DCE/RPC request',
    section: '3.5',
    parse: parseDceOpnum,
  },
  sticky('dce_stub_data', BUF.DCE_STUB_DATA, 'what follows looks at the stub data of the DCE/RPC request'),
]
