/**
 * The rule header: action, protocol, addresses, ports, direction.
 *
 * Snort 2.9 wants all seven parts; Snort 3 lets addresses, ports and direction be left out and takes a service name in
 * place of a protocol. A header that is only an action (`alert ( … )`) switches an event of the engine itself.
 */
import { ANY_ADDRESS } from './ip-set.js'
import type { Dialect, RuleAction, RuleHeader, RuleProtocol } from './model.js'
import { ANY_PORT } from './port-set.js'
import { quote, syntaxError } from './problem.js'
import { isBlank } from './statement.js'
import { didYouMean } from './suggest.js'
import type { Variables } from './variables.js'

interface ActionRow {
  readonly name: string
  readonly dialects: readonly Dialect[]
  readonly action: RuleAction | undefined
}

const BOTH: readonly Dialect[] = ['snort2', 'snort3']

/** Actions without a value in the model are recognised and not carried out. */
export const ACTIONS: readonly ActionRow[] = [
  { name: 'alert', dialects: BOTH, action: 'alert' },
  { name: 'log', dialects: BOTH, action: 'log' },
  { name: 'pass', dialects: BOTH, action: 'pass' },
  { name: 'drop', dialects: BOTH, action: 'drop' },
  { name: 'block', dialects: BOTH, action: 'block' },
  { name: 'sdrop', dialects: ['snort2'], action: 'sdrop' },
  { name: 'sblock', dialects: ['snort2'], action: 'sdrop' },
  { name: 'reject', dialects: BOTH, action: 'reject' },
  { name: 'react', dialects: ['snort3'], action: 'react' },
  { name: 'rewrite', dialects: ['snort3'], action: 'rewrite' },
  { name: 'activate', dialects: ['snort2'], action: undefined },
  { name: 'dynamic', dialects: ['snort2'], action: undefined },
]

const ACTION_BY_NAME = new Map(ACTIONS.map((row) => [row.name, row]))

export function isAction(word: string): boolean {
  return ACTION_BY_NAME.has(word) || ACTION_BY_NAME.has(word.toLowerCase())
}

const PROTOCOLS: ReadonlySet<string> = new Set(['tcp', 'udp', 'icmp', 'ip'])

export function isProtocol(word: string): boolean {
  return PROTOCOLS.has(word)
}

/** `file` in place of a protocol: files, whichever of these services carries them. */
export const FILE_SERVICES: readonly string[] = [
  'file',
  'http',
  'http2',
  'smtp',
  'imap',
  'pop3',
  'ftp-data',
  'netbios-ssn',
]

/** Services that run over UDP; every other one is taken to run over TCP. */
const UDP_SERVICES: ReadonlySet<string> = new Set([
  'bacnet',
  'dhcp',
  'gtp',
  'ike',
  'isakmp',
  'mdns',
  'mgcp',
  'netbios-dgm',
  'netbios-ns',
  'ntp',
  'openvpn',
  'radius',
  'rtp',
  'sip',
  'snmp',
  'ssdp',
  'stun',
  'syslog',
  'teredo',
  'tftp',
])

export interface ParsedHeader {
  readonly header: RuleHeader
  /** The service written in place of a protocol (Snort 3). */
  readonly service: string | undefined
  /** Why a rule with this header is not evaluated. */
  readonly unsupported: { readonly reason: string; readonly message: string } | undefined
  /** Only an action: the rule switches on an event of the engine. */
  readonly event?: boolean
}

interface Token {
  readonly text: string
  readonly offset: number
}

/** Blank-separated words; brackets, and the parentheses of `$(NAME:?text)`, hold words together. */
function tokenise(text: string, end: number): Token[] {
  const tokens: Token[] = []
  let at = 0
  while (at < end) {
    while (at < end && isBlank(text.charCodeAt(at))) at++
    if (at >= end) break
    const start = at
    let depth = 0
    while (at < end) {
      const c = text.charCodeAt(at)
      if (c === 91 || c === 40) depth++
      else if (c === 93 || c === 41) depth--
      else if (isBlank(c) && depth <= 0) break
      at++
    }
    tokens.push({ text: text.slice(start, at), offset: start })
  }
  return tokens
}

/**
 * @param end offset of the parenthesis that opens the rule body
 * @throws RuleTextError
 */
export function parseHeader(text: string, end: number, dialect: Dialect, variables: Variables): ParsedHeader {
  const tokens = tokenise(text, end)
  const first = tokens[0]
  if (first === undefined) throw syntaxError('missing rule header', 'the rule has no header', 0)
  const row = ACTION_BY_NAME.get(first.text.toLowerCase())
  if (row === undefined) throw unknownAction(first.text, first.offset)
  const action = row.action ?? 'alert'
  let unsupported: ParsedHeader['unsupported']
  if (row.action === undefined) {
    unsupported = {
      reason: `action not evaluated: ${row.name}`,
      message: `rules with action '${row.name}' are not evaluated`,
    }
  }

  const any = {
    action,
    source: ANY_ADDRESS,
    sourcePorts: ANY_PORT,
    bidirectional: false,
    destination: ANY_ADDRESS,
    destinationPorts: ANY_PORT,
  }
  if (tokens.length === 1) {
    return { header: { ...any, protocol: 'ip' }, service: undefined, unsupported, event: true }
  }

  const protocolToken = tokens[1]!
  const word = protocolToken.text.toLowerCase()
  let protocol: RuleProtocol
  let service: string | undefined
  if (PROTOCOLS.has(word)) {
    protocol = word as RuleProtocol
  } else if (dialect === 'snort3' && /^[a-z][\w-]*$/.test(word)) {
    protocol = UDP_SERVICES.has(word) ? 'udp' : 'tcp'
    service = word
  } else {
    const service = /^(?:http2?|ssl|tls|dns|smtp|ftp|smb|ssh|imap|pop3)$/.test(word)
    const hint = () => (service ? '; a service in its place is Snort 3 text' : didYouMean(word, PROTOCOLS))
    throw syntaxError('unknown protocol', `unknown protocol ${quote(word)}`, protocolToken.offset, hint)
  }
  if (tokens.length === 2 && dialect === 'snort3')
    return { header: withService({ ...any, protocol }, service), service, unsupported }
  if (tokens.length === 2) {
    throw syntaxError('incomplete rule header', 'addresses, ports and direction are missing', end)
  }

  const arrow = tokens.findIndex((token, i) => i >= 2 && /^(?:->|<>|<-)$/.test(token.text))
  if (arrow < 0) throw missingDirection(tokens)
  const direction = tokens[arrow]!
  if (direction.text === '<-') {
    throw syntaxError(
      "direction '<-'",
      "'<-' is not a direction; swap the sides and write '->'",
      direction.offset,
    )
  }
  const elided = dialect === 'snort3'
  const [source, sourcePorts] = endpoint(tokens, 2, arrow, end, elided)
  const [destination, destinationPorts] = endpoint(tokens, arrow + 1, tokens.length, end, elided)
  const ports = (token: Token) => variables.ports(token.text, token.offset)
  const header: RuleHeader = {
    action,
    protocol,
    source: variables.addresses(source.text, source.offset),
    sourcePorts: ports(sourcePorts),
    bidirectional: direction.text === '<>',
    destination: variables.addresses(destination.text, destination.offset),
    destinationPorts: ports(destinationPorts),
  }
  // Ports of protocols without ports are read, then ignored, as Snort does.
  const portless = protocol === 'icmp' || protocol === 'ip'
  return {
    header: portless
      ? { ...header, sourcePorts: ANY_PORT, destinationPorts: ANY_PORT }
      : withService(header, service),
    service,
    unsupported,
  }
}

function withService(header: RuleHeader, service: string | undefined): RuleHeader {
  return service === undefined ? header : { ...header, serviceOnly: true }
}

const ANY: Token = { text: 'any', offset: 0 }

/** Address and port of one side; Snort 3 lets the port, or both, be left out. */
function endpoint(
  tokens: readonly Token[],
  from: number,
  to: number,
  end: number,
  elided: boolean,
): readonly [Token, Token] {
  const count = to - from
  if (count > 2) {
    const extra = tokens[from + 2]!
    throw syntaxError('extra text in rule header', `unexpected ${quote(extra.text)}`, extra.offset)
  }
  if (count < 2 && !elided) {
    const at = to < tokens.length ? tokens[to]!.offset : end
    const what = count === 0 ? 'an address and a port are' : 'a port is'
    throw syntaxError('incomplete rule header', `${what} missing here`, at)
  }
  return [count > 0 ? tokens[from]! : ANY, count > 1 ? tokens[from + 1]! : ANY]
}

/** What stands where a direction should is the likeliest mistake; a list that is never closed hides all behind it. */
function missingDirection(tokens: readonly Token[]): Error {
  const open = tokens.find(({ text }) => text.includes('[') && !closes(text))
  if (open !== undefined) {
    const at = open.offset + open.text.indexOf('[')
    return syntaxError('unclosed list', "the list is not closed by ']'", at)
  }
  const wrong = tokens.find(({ text }, i) => i >= 2 && /^[-=<>~]+$/.test(text))
  if (wrong !== undefined) {
    const message = `${quote(wrong.text)} is not a direction; it is '->' or '<>'`
    return syntaxError('missing direction', message, wrong.offset)
  }
  return syntaxError('missing direction', "the header has no '->' or '<>'", tokens.at(-1)!.offset)
}

function closes(text: string): boolean {
  let depth = 0
  for (const c of text) depth += c === '[' ? 1 : c === ']' ? -1 : 0
  return depth <= 0
}

function unknownAction(word: string, offset: number): Error {
  const hint = () =>
    word.includes('/') || /\.(?:rules|conf|lua)$/.test(word)
      ? '; to read a file write: include <file>'
      : didYouMean(word.toLowerCase(), ACTION_BY_NAME.keys())
  return syntaxError('unknown rule action', `unknown rule action ${quote(word)}`, offset, hint)
}
