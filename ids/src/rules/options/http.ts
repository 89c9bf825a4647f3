/**
 * Snort 3's HTTP buffers and tests: sticky buffers with their arguments (a header field, a piece of the URI, the request
 * a response answers), numbers of headers, versions, tests of header values.
 *
 * Buffers that every message has are fixed ones; the others are parts (`HttpPart`), which take one of the rule's slots.
 */
import { BUF, type BufferId } from '../../inspect/buffers.js'
import {
  HTTP_VERSIONS,
  type HttpNumber,
  type HttpPart,
  type HttpPartName,
  type UriComponent,
} from '../../inspect/http-part.js'
import { argumentParts, required, splitWord, unknownArgument } from '../arguments.js'
import type { OptionText, Part, RuleBuilder } from '../builder.js'
import { unquote } from '../literal.js'
import type { Dialect, HttpFieldTestOption, HttpVersionMatchOption, NumericTest } from '../model.js'
import { parseTest } from '../numbers.js'
import { quote, syntaxError, valueError } from '../problem.js'
import type { OptionSpec } from '../registry.js'

const SNORT3: readonly Dialect[] = ['snort3']

const COMPONENTS: readonly UriComponent[] = ['scheme', 'host', 'port', 'path', 'query', 'fragment']
/** When a rule is to be looked at; a message is inspected as a whole, so each of them holds. */
const MOMENTS: readonly string[] = ['with_header', 'with_body', 'with_trailer']

const FIXED: Readonly<Partial<Record<HttpPartName, BufferId>>> = {
  uri: BUF.HTTP_URI,
  raw_uri: BUF.HTTP_RAW_URI,
  header: BUF.HTTP_HEADER,
  raw_header: BUF.HTTP_RAW_HEADER,
  cookie: BUF.HTTP_COOKIE,
  raw_cookie: BUF.HTTP_RAW_COOKIE,
  method: BUF.HTTP_METHOD,
}

/** What may stand after the name. */
interface Words {
  readonly components?: boolean
  readonly field?: boolean
  readonly request?: boolean
}

const FIELD_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/

function fieldName(option: OptionText, part: Part): Uint8Array {
  const text = unquote(part.text)
  if (!FIELD_NAME.test(text)) {
    throw syntaxError(
      'bad header name',
      `${option.name}: ${quote(text)} is not the name of a header`,
      part.at,
    )
  }
  return Uint8Array.from(text.toLowerCase(), (char) => char.charCodeAt(0))
}

function readPart(option: OptionText, name: HttpPartName, words: Words): HttpPart {
  let component: UriComponent | undefined
  let field: Uint8Array | undefined
  let request = false
  for (const part of argumentParts(option)) {
    const { word, rest } = splitWord(part)
    if (word === 'request' && words.request === true && rest === undefined) request = true
    else if (word === 'field' && words.field === true) field = fieldName(option, required(option, part, rest))
    else if (words.components === true && COMPONENTS.includes(word as UriComponent) && rest === undefined)
      component = word as UriComponent
    else if (!MOMENTS.includes(word)) throw unknownArgument(option, part)
  }
  return { name, component, field, nocase: false, request }
}

function select(rule: RuleBuilder, part: HttpPart): void {
  const fixed = FIXED[part.name]
  const whole = part.component === undefined && part.field === undefined && !part.request
  if (fixed !== undefined && whole) {
    rule.sticky = fixed
    rule.push({ kind: 'set_buffer', buffer: fixed })
  } else {
    rule.sticky = rule.partSlot(part)
    rule.push({ kind: 'set_buffer', buffer: rule.sticky, part })
  }
}

function buffer(name: HttpPartName, words: Words, help: string): OptionSpec {
  const known: string[] = []
  if (words.field === true) known.push('field <name>')
  if (words.components === true) known.push(...COMPONENTS)
  if (words.request === true) known.push('request')
  return {
    name: `http_${name}`,
    dialects: SNORT3,
    status: 'evaluated',
    argument: known.length === 0 ? '[with_header|with_body|with_trailer]' : `[${known.join('|')}]`,
    help,
    section: 'S3',
    parse: (rule, option) => select(rule, readPart(option, name, words)),
  }
}

function responseBuffer(name: string, id: BufferId, help: string): OptionSpec {
  return {
    name,
    dialects: SNORT3,
    status: 'evaluated',
    argument: '[with_body|with_trailer]',
    help,
    section: 'S3',
    parse: (rule, option) => {
      for (const part of argumentParts(option))
        if (!MOMENTS.includes(part.text)) throw unknownArgument(option, part)
      rule.sticky = id
      rule.push({ kind: 'set_buffer', buffer: id })
    },
  }
}

function parseParam(rule: RuleBuilder, option: OptionText): void {
  const [first, ...others] = argumentParts(option)
  const name = unquote(first!.text)
  if (name === '')
    throw valueError('empty parameter name', 'http_param needs the name of a parameter', first!.at)
  let nocase = false
  let request = false
  for (const part of others) {
    const word = part.text.toLowerCase()
    if (word === 'nocase') nocase = true
    else if (word === 'request') request = true
    else if (!MOMENTS.includes(word)) throw unknownArgument(option, part)
  }
  const field = Uint8Array.from(name, (char) => char.charCodeAt(0) & 0xff)
  select(rule, { name: 'param', component: undefined, field, nocase, request })
}

const MAX_NUMBER = 65_535

function number(what: Exclude<HttpNumber, 'version'>, help: string): OptionSpec {
  return {
    name: `http_${what}`,
    dialects: SNORT3,
    status: 'evaluated',
    argument: '<n>|<<n>|><n>|<a><><b>|<a><=><b>[,request]',
    help,
    section: 'S3',
    parse: (rule, option) => {
      const [first, ...others] = argumentParts(option)
      const grammar = { what: option.name, low: 0, high: MAX_NUMBER, between: 'range-exclusive' } as const
      const test = parseTest(first!.text, grammar, first!.at)
      rule.push({ kind: 'http_number', what, test, request: isRequest(option, others) })
    },
  }
}

/** `request` among the words behind the first argument. */
function isRequest(option: OptionText, parts: readonly Part[]): boolean {
  let request = false
  for (const part of parts) {
    const word = part.text.toLowerCase()
    if (word === 'request') request = true
    else if (!MOMENTS.includes(word)) throw unknownArgument(option, part)
  }
  return request
}

function parseVersionMatch(rule: RuleBuilder, option: OptionText): void {
  const [first, ...others] = argumentParts(option)
  const versions: number[] = []
  for (const word of unquote(first!.text).toLowerCase().split(/\s+/)) {
    if (word === '') continue
    if (!Object.hasOwn(HTTP_VERSIONS, word)) {
      const message = `http_version_match: ${quote(word)} is not one of ${Object.keys(HTTP_VERSIONS).join(', ')}`
      throw valueError('bad HTTP version', message, first!.at)
    }
    versions.push(HTTP_VERSIONS[word]!)
  }
  if (versions.length === 0) throw unknownArgument(option, first!)
  rule.push({ kind: 'http_version_match', versions, request: isRequest(option, others) })
}

function fieldTest(name: 'header' | 'trailer'): OptionSpec {
  return {
    name: `http_${name}_test`,
    dialects: SNORT3,
    status: 'evaluated',
    argument: 'field <name>[,check <range>][,numeric true|false][,absent][,request]',
    help: `test of the value of a ${name} field`,
    section: 'S3',
    parse: (rule, option) => parseFieldTest(rule, option, name),
  }
}

function parseFieldTest(rule: RuleBuilder, option: OptionText, name: 'header' | 'trailer'): void {
  let field: Uint8Array | undefined
  let check: ReturnType<typeof parseTest> | undefined
  let numeric: boolean | undefined
  let absent = false
  let request = false
  for (const part of argumentParts(option)) {
    const { word, rest } = splitWord(part)
    if (word === 'field') field = fieldName(option, required(option, part, rest))
    else if (word === 'check') {
      const value = required(option, part, rest)
      const grammar = { what: option.name, low: 0, high: MAX_NUMBER, between: 'range-exclusive' } as const
      check = parseTest(value.text, grammar, value.at)
    } else if (word === 'numeric') {
      const value = required(option, part, rest).text.toLowerCase()
      if (value !== 'true' && value !== 'false') throw unknownArgument(option, part)
      numeric = value === 'true'
    } else if (word === 'absent') absent = true
    else if (word === 'request') request = true
    else if (!MOMENTS.includes(word)) throw unknownArgument(option, part)
  }
  if (field === undefined) {
    throw valueError('missing field', `${option.name} needs 'field <name>'`, option.at)
  }
  const part: HttpPart = { name, component: undefined, field, nocase: false, request }
  const test = { kind: 'http_field_test', part, slot: rule.partSlot(part), check, numeric, absent } as const
  rule.push(test)
}

/** A buffer as it is written. */
export function formatPart(part: HttpPart): string {
  const words: string[] = []
  if (part.name === 'param') words.push(`"${text(part.field!)}"`)
  else if (part.field !== undefined) words.push(`field ${text(part.field)}`)
  if (part.component !== undefined) words.push(part.component)
  if (part.nocase) words.push('nocase')
  if (part.request) words.push('request')
  return words.length === 0 ? `http_${part.name}` : `http_${part.name}:${words.join(',')}`
}

export function formatHttpTest(
  option: HttpVersionMatchOption | HttpFieldTestOption,
  formatTest: (test: NumericTest) => string,
): string {
  if (option.kind === 'http_version_match') {
    const names = Object.entries(HTTP_VERSIONS).filter(([, value]) => option.versions.includes(value))
    const request = option.request ? ',request' : ''
    return `http_version_match:"${names.map(([name]) => name).join(' ')}"${request}`
  }
  const { part, check, numeric, absent } = option
  const words = [`field ${text(part.field!)}`]
  if (check !== undefined) words.push(`check ${formatTest(check)}`)
  if (numeric !== undefined) words.push(`numeric ${numeric}`)
  if (absent) words.push('absent')
  if (part.request) words.push('request')
  return `http_${part.name}_test:${words.join(',')}`
}

function text(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes)
}

export const httpOptions: readonly OptionSpec[] = [
  buffer('uri', { components: true, request: true }, 'the normalised URI'),
  buffer('raw_uri', { components: true, request: true }, 'the URI as sent'),
  buffer('header', { field: true, request: true }, 'the headers'),
  buffer('raw_header', { field: true, request: true }, 'the headers, not normalised'),
  buffer('cookie', { request: true }, 'the cookies'),
  buffer('raw_cookie', { request: true }, 'the cookies, not normalised'),
  buffer('method', { request: true }, 'the method'),
  buffer('version', { request: true }, 'the version of the message'),
  buffer('raw_request', { request: true }, 'the request line'),
  buffer('raw_status', {}, 'the status line'),
  buffer('raw_body', {}, 'the body, before character sets are converted'),
  buffer('trailer', { field: true }, 'the trailer lines'),
  buffer('raw_trailer', { field: true }, 'the trailer lines, not normalised'),
  buffer('true_ip', { request: true }, 'the address of the client as a proxy gave it'),
  responseBuffer('http_stat_code', BUF.HTTP_STAT_CODE, 'the status code of the response'),
  responseBuffer('http_stat_msg', BUF.HTTP_STAT_MSG, 'the status text of the response'),
  {
    name: 'http_param',
    dialects: SNORT3,
    status: 'evaluated',
    argument: '"name"[,nocase][,request]',
    help: 'the decoded values of a parameter, in the query or a urlencoded body',
    section: 'S3',
    parse: parseParam,
  },
  number('num_headers', 'number of header lines'),
  number('num_trailers', 'number of trailer lines'),
  number('num_cookies', 'number of cookies'),
  number('max_header_line', 'length of the longest header line'),
  number('max_trailer_line', 'length of the longest trailer line'),
  {
    name: 'http_version_match',
    dialects: SNORT3,
    status: 'evaluated',
    argument: '"malformed|other|0.9|1.0|1.1|2.0|3.0 …"[,request]',
    help: 'version of the message is one of these',
    section: 'S3',
    parse: parseVersionMatch,
  },
  fieldTest('header'),
  fieldTest('trailer'),
]
