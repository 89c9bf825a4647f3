/**
 * `var`, `ipvar` and `portvar`: names for address and port lists, with Snort's stock values.
 *
 * One name space serves all three kinds; what a variable holds is decided by where it is used. Sets are parsed once per
 * spelling and shared, so rules with equal headers hold the identical set objects.
 */
import { parseIpSet } from './ip-set.js'
import type { IpSet, PortSet } from './model.js'
import { parsePortSet } from './port-set.js'
import { quote, RuleTextError, syntaxError, valueError } from './problem.js'

const HTTP_PORTS =
  '[80,81,311,383,591,593,901,1220,1414,1741,1830,2301,2381,2809,3037,3128,3702,4343,4848,5250,6988,7000,7001,' +
  '7144,7145,7510,7777,7779,8000,8008,8014,8028,8080,8085,8088,8090,8118,8123,8180,8181,8243,8280,8300,8800,8888,' +
  '8899,9000,9060,9080,9090,9091,9443,9999,11371,34443,34444,41080,50002,55555]'

/** What snort.conf defines as shipped. */
export const STOCK_VARIABLES: Readonly<Record<string, string>> = {
  HOME_NET: 'any',
  EXTERNAL_NET: 'any',
  DNS_SERVERS: '$HOME_NET',
  FTP_SERVERS: '$HOME_NET',
  HTTP_SERVERS: '$HOME_NET',
  SIP_SERVERS: '$HOME_NET',
  SMTP_SERVERS: '$HOME_NET',
  SNMP_SERVERS: '$HOME_NET',
  SQL_SERVERS: '$HOME_NET',
  SSH_SERVERS: '$HOME_NET',
  TELNET_SERVERS: '$HOME_NET',
  AIM_SERVERS:
    '[64.12.24.0/23,64.12.28.0/23,64.12.161.0/24,64.12.163.0/24,64.12.200.0/24,205.188.3.0/24,205.188.5.0/24,' +
    '205.188.7.0/24,205.188.9.0/24,205.188.153.0/24,205.188.179.0/24,205.188.248.0/24]',
  HTTP_PORTS,
  SHELLCODE_PORTS: '!80',
  ORACLE_PORTS: '1024:',
  SSH_PORTS: '22',
  FTP_PORTS: '[21,2100,3535]',
  SIP_PORTS: '[5060,5061,5600]',
  MAIL_PORTS: '[110,143]',
  FILE_DATA_PORTS: '[$HTTP_PORTS,110,143]',
  GTP_PORTS: '[2123,2152,3386]',
  DNP3_PORTS: '20000',
  MODBUS_PORTS: '502',
}

/** `$NAME`, `$(NAME)`, `$(NAME:-default)`, `$(NAME:?message)`. */
const REFERENCE = /^\$(?:(\w+)|\((\w+)(?::([-?])([^)]*))?\))$/
const NAME = /^\w+$/
const MAX_DEPTH = 32
const MAX_TEXT = 4096

interface Definition {
  readonly value: string
  readonly pinned: boolean
}

export class Variables {
  /** Changes with every definition: what was parsed under another version is stale. */
  version = 0
  private readonly definitions = new Map<string, Definition>()
  private readonly ipSets = new Map<string, IpSet>()
  private readonly portSets = new Map<string, PortSet>()
  private readonly texts = new Map<string, string>()
  /** Names being expanded: a cycle comes round to one of them. */
  private readonly open: string[] = []

  /** @param initial name → value; the stock ones unless given */
  constructor(initial: Readonly<Record<string, string>> = STOCK_VARIABLES) {
    for (const [name, value] of Object.entries(initial)) this.define(name, value)
  }

  /**
   * Defines or redefines a variable; rules parsed from here on see the new value.
   * @throws RuleTextError when the name is not one
   */
  define(name: string, value: string): void {
    if (this.definitions.get(name)?.pinned === true) return
    this.set(name, value, false)
  }

  /** Like `define`, but later definitions in files do not change it (`-S NAME=VALUE`). */
  pin(name: string, value: string): void {
    this.set(name, value, true)
  }

  get(name: string): string | undefined {
    return this.definitions.get(name)?.value
  }

  names(): string[] {
    return [...this.definitions.keys()]
  }

  /** @throws RuleTextError with offsets counted from `base` */
  addresses(text: string, base: number): IpSet {
    let set = this.ipSets.get(text)
    if (set === undefined) {
      set = parseIpSet(text, base, (name, offset) =>
        this.expand(name, offset, (value, at) => this.addresses(value, at)),
      )
      this.ipSets.set(text, set)
    }
    return set
  }

  /** @throws RuleTextError with offsets counted from `base` */
  ports(text: string, base: number): PortSet {
    let set = this.portSets.get(text)
    if (set === undefined) {
      set = parsePortSet(text, base, (name, offset) =>
        this.expand(name, offset, (value, at) => this.ports(value, at)),
      )
      this.portSets.set(text, set)
    }
    return set
  }

  /** Replaces every `$NAME` in `text` by its value, as in `include $RULE_PATH/x.rules`. */
  substitute(text: string, offset: number): string {
    let out = this.texts.get(text)
    if (out === undefined) {
      out = text.replace(/\$(?:\w+|\(\w+(?::[-?][^)]*)?\))/g, (reference) =>
        this.expand(reference, offset, (value) => this.substitute(value, offset)),
      )
      if (out.length > MAX_TEXT) {
        throw valueError('expansion too long', `variables expand to more than ${MAX_TEXT} characters`, offset)
      }
      this.texts.set(text, out)
    }
    return out
  }

  private set(name: string, value: string, pinned: boolean): void {
    if (!NAME.test(name)) throw syntaxError('bad variable name', `${quote(name)} is not a variable name`, 0)
    this.definitions.set(name, { value: value.trim(), pinned })
    this.version++
    this.ipSets.clear()
    this.portSets.clear()
    this.texts.clear()
  }

  private expand<T>(reference: string, offset: number, parse: (value: string, offset: number) => T): T {
    const match = REFERENCE.exec(reference)
    if (match === null) {
      throw syntaxError('bad variable name', `${quote(reference)} is not a variable`, offset)
    }
    const name = (match[1] ?? match[2])!
    let value = this.definitions.get(name)?.value
    if (value === undefined) {
      if (match[3] === '-') value = match[4]!.trim()
      else {
        const hint = match[3] === '?' ? `: ${match[4]}` : ''
        throw valueError(`undefined variable $${name}`, `variable $${name} is not defined${hint}`, offset)
      }
    }
    if (this.open.includes(name) || this.open.length >= MAX_DEPTH) {
      const path = [...this.open, name].map((n) => `$${n}`).join(' → ')
      throw valueError('variable defined by itself', `variables refer to each other: ${path}`, offset)
    }
    this.open.push(name)
    try {
      return parse(value, 0)
    } catch (error) {
      if (!(error instanceof RuleTextError)) throw error
      // The innermost variable is the one that is wrong.
      const named = error.message.startsWith('in $')
      const message = named ? error.message : `in $${name} (${quote(value)}): ${error.message}`
      throw new RuleTextError(error.kind, error.reason, message, offset)
    } finally {
      this.open.pop()
    }
  }
}
