/**
 * Rule text read a second time, for the naive evaluator: only what the fuzzer writes, only by the reference, nothing of
 * the rule parser.
 */
import type { Dialect, NumberOrVariable } from '../../ids/src/rules/model.js'
import {
  alignment,
  argumentOf,
  type NaiveContent,
  type NaiveEnd,
  type NaiveOption,
  type NaiveRule,
  numericTest,
} from './naive-model.js'
import { readHeaderTest, readSession } from './naive-parse-tests.js'
import { readProtocolTest } from './naive-protocols.js'

export function naiveParse(text: string, dialect: Dialect): NaiveRule {
  const open = text.indexOf('(')
  const words = text.slice(0, open).trim().split(/\s+/)
  const [, protocol, source, sourcePorts, direction, destination, destinationPorts] = words as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ]
  const reader = new OptionReader(dialect)
  for (const option of text.slice(open + 1, text.lastIndexOf(')')).split(/(?<!\\);/)) {
    const [, name, value] = /^\s*(\w*)\s*(?::(.*))?$/s.exec(option)!
    if (name !== '') reader.read(name!, value?.trim() ?? '')
  }
  const end = (addresses: string, ports: string): NaiveEnd => ({
    address: memberOf(addresses, (item, address) => inNetwork(item, address)),
    port: memberOf(ports, (item, port) => inPorts(item, port)),
  })
  return {
    sid: reader.sid,
    dialect,
    header: {
      protocol,
      bidirectional: direction === '<>',
      source: end(source, sourcePorts),
      destination: end(destination, destinationPorts),
    },
    services: reader.services,
    options: reader.options,
  }
}

/** `any`, an item, `!item`, or a list of such: in one of the positive ones, if there are any, and in no negated one. */
function memberOf<T>(text: string, isIn: (item: string, value: T) => boolean): (value: T) => boolean {
  if (text.startsWith('!')) {
    const inner = memberOf(text.slice(1), isIn)
    return (value) => !inner(value)
  }
  if (!text.startsWith('[')) return (value) => text === 'any' || isIn(text, value)
  const items = text.slice(1, -1).split(',')
  const positive = items.filter((item) => !item.startsWith('!'))
  const negative = items.filter((item) => item.startsWith('!')).map((item) => item.slice(1))
  return (value) =>
    (positive.length === 0 || positive.some((item) => isIn(item, value))) &&
    !negative.some((item) => isIn(item, value))
}

function inNetwork(network: string, address: string): boolean {
  const [base, prefix = '32'] = network.split('/')
  const bits = (text: string): string =>
    text
      .split('.')
      .map((octet) => Number(octet).toString(2).padStart(8, '0'))
      .join('')
  return bits(base!).slice(0, Number(prefix)) === bits(address).slice(0, Number(prefix))
}

function inPorts(range: string, port: number): boolean {
  const [low, high = low] = range.split(':')
  return port >= Number(low === '' ? 0 : low) && port <= Number(high === '' ? 65_535 : high)
}

const SNORT2_MODIFIERS: readonly string[] = [
  'http_uri',
  'http_raw_uri',
  'http_header',
  'http_raw_header',
  'http_cookie',
  'http_raw_cookie',
  'http_method',
  'http_stat_code',
  'http_stat_msg',
  'http_client_body',
]
const PCRE_BUFFERS: Readonly<Record<string, string>> = {
  U: 'http_uri',
  I: 'http_raw_uri',
  H: 'http_header',
  D: 'http_raw_header',
  C: 'http_cookie',
  K: 'http_raw_cookie',
  M: 'http_method',
  S: 'http_stat_code',
  Y: 'http_stat_msg',
  P: 'http_client_body',
  B: 'raw_data',
}
/** Only requests have them: on a response they are those of the request answered. */
const ASKED = /^http_(?:uri|raw_uri|method|raw_request|true_ip|param)\b/
const STICKY =
  /^(?:(?:pkt|file|raw|base64|dce_stub|dnp3|modbus)_data|sip_(?:header|body)|http_(?:uri|raw_uri|header|raw_header|cookie|raw_cookie|method|stat_code|stat_msg|client_body|version|raw_request|raw_status|raw_body|trailer|raw_trailer|true_ip|param))$/

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

class OptionReader {
  readonly options: Mutable<NaiveOption>[] = []
  readonly services: string[] = []
  sid = 0
  private readonly dialect: Dialect
  private sticky = 'pkt_data'
  private content: Mutable<NaiveContent> | undefined

  constructor(dialect: Dialect) {
    this.dialect = dialect
  }

  read(name: string, value: string): void {
    const words = value.split(',').map((word) => word.trim())
    if (this.dialect === 'snort2' && this.modifies(name, value)) return
    if (STICKY.test(name)) {
      this.select(name, value)
      return
    }
    switch (name) {
      case 'sid':
        this.sid = Number(value)
        return
      case 'service':
        this.services.push(value)
        return
      case 'metadata':
        this.services.push(value.replace(/^service /, ''))
        return
      case 'content':
      case 'uricontent':
        this.readContent(value)
        if (name === 'uricontent') this.content!.buffer = 'http_uri'
        return
      case 'pcre':
        this.readPcre(value)
        return
      case 'isdataat': {
        const negated = value.startsWith('!')
        const relative = words.includes('relative')
        const at = number(words[0]!.replace(/^!/, ''))
        const buffer = words.includes('rawbytes') ? 'raw_data' : this.looksAt(relative)
        this.options.push({ kind: 'isdataat', buffer, at, negated, relative })
        return
      }
      case 'byte_test': {
        const [, not, op] = /^(!?)(.*)$/.exec(words[1]!)!
        this.options.push({
          kind: 'byte_test',
          ...this.byteRead(words[0]!, words[3]!, words.slice(4), 0),
          op: (op === '' ? '=' : op) as '=',
          negated: not === '!',
          value: number(words[2]!),
        })
        return
      }
      case 'byte_jump': {
        const read = this.byteRead(words[0]!, words[1]!, words.slice(2), 0)
        this.options.push({
          kind: 'byte_jump',
          ...read,
          multiplier: Number(argumentOf(words, 'multiplier') ?? 1),
          align: alignment(words),
          from: words.includes('from_beginning') ? 'beginning' : words.includes('from_end') ? 'end' : 'here',
          postOffset: number(argumentOf(words, 'post_offset') ?? '0'),
        })
        return
      }
      case 'byte_extract': {
        const read = this.byteRead(words[0]!, words[1]!, words.slice(3), 10)
        this.options.push({
          kind: 'byte_extract',
          ...read,
          name: words[2]!,
          multiplier: Number(argumentOf(words, 'multiplier') ?? 1),
          align: alignment(words),
        })
        return
      }
      case 'byte_math': {
        const get = (word: string): string => argumentOf(words, word)!
        const rest = words.map((word) => word.replace(/^endian /, ''))
        const base = argumentOf(words, 'string')
        if (base !== undefined) rest.push('string', base)
        this.options.push({
          kind: 'byte_math',
          ...this.byteRead(get('bytes'), get('offset'), rest, 0),
          op: get('oper') as '+',
          value: number(get('rvalue')),
          name: get('result'),
        })
        return
      }
      case 'base64_decode':
        this.options.push({
          kind: 'base64_decode',
          buffer: this.looksAt(words.includes('relative')),
          bytes: argumentOf(words, 'bytes') === undefined ? undefined : Number(argumentOf(words, 'bytes')),
          offset: Number(argumentOf(words, 'offset') ?? 0),
          relative: words.includes('relative'),
        })
        return
      case 'md5':
      case 'sha256':
      case 'sha512':
        this.options.push({
          kind: 'hash',
          buffer: this.sticky,
          algorithm: name,
          digest: Uint8Array.from(Buffer.from(/"(.*)"/.exec(value)![1]!, 'hex')),
          length: Number(argumentOf(words, 'length')),
          offset: Number(argumentOf(words, 'offset') ?? 0),
          relative: words.includes('relative'),
          negated: value.startsWith('!'),
        })
        return
      case 'ber_data':
      case 'ber_skip':
        this.options.push({
          kind: name,
          buffer: this.sticky,
          type: Number(words[0]),
          optional: words.includes('optional'),
        })
        return
      case 'sd_pattern': {
        const [, pattern, , threshold] = /^"(.*?)"(,threshold (\d+))?$/.exec(value)!
        this.options.push({
          kind: 'sd_pattern',
          buffer: this.sticky,
          pattern: pattern!.replace(/\\(["\\;])/g, '$1'),
          threshold: Number(threshold ?? 1),
        })
        return
      }
      case 'rpc': {
        const [program, version, procedure] = words.map((word) => (word === '*' ? undefined : Number(word)))
        this.options.push({ kind: 'rpc', program: program!, version, procedure })
        return
      }
      case 'cvs':
        this.options.push({ kind: 'cvs', buffer: this.sticky })
        return
      case 'ftpbounce':
        this.options.push({ kind: 'ftpbounce', buffer: this.looksAt(true) })
        return
      case 'urilen':
        this.options.push({
          kind: 'buffer_length',
          buffer: words.includes('norm') ? 'http_uri' : 'http_raw_uri',
          test: numericTest(words[0]!, 'inclusive'),
          relative: false,
        })
        return
      case 'bufferlen':
        this.options.push({
          kind: 'buffer_length',
          buffer: this.sticky,
          test: numericTest(words[0]!, 'exclusive'),
          relative: words.includes('relative'),
        })
        return
      case 'dsize': {
        const between = this.dialect === 'snort2' ? 'inclusive' : 'exclusive'
        this.options.push({ kind: 'dsize', test: numericTest(value, between) })
        return
      }
      case 'stream_size':
        this.streamSize(words)
        return
      default:
        this.options.push(
          readProtocolTest(name, value) ??
            readSession(name, value, words) ??
            readHeaderTest(name, value, words),
        )
    }
  }

  /** Snort 2: a word about the content before it. */
  private modifies(name: string, value: string): boolean {
    const { content } = this
    if (content === undefined) return false
    if (SNORT2_MODIFIERS.includes(name) || name === 'rawbytes') {
      content.buffer = name === 'rawbytes' ? 'raw_data' : name
      return true
    }
    return this.modify(content, name, value)
  }

  private modify(content: Mutable<NaiveContent>, name: string, value: string): boolean {
    switch (name) {
      case 'nocase':
        content.nocase = true
        return true
      case 'distance':
      case 'offset':
        content.offset = number(value)
        content.relative ||= name === 'distance'
        return true
      case 'within':
      case 'depth':
        content.depth = number(value)
        content.relative ||= name === 'within'
        return true
      case 'fast_pattern':
        content.fastPattern = { only: value === 'only', slice: undefined }
        return true
      case 'fast_pattern_offset':
      case 'fast_pattern_length':
        return true
      default:
        return false
    }
  }

  private readContent(value: string): void {
    const [, not, text, rest] = /^(!?)"((?:[^"\\]|\\.)*)"(.*)$/s.exec(value)!
    const content: Mutable<NaiveContent> = {
      kind: 'content',
      buffer: this.sticky,
      bytes: literalBytes(text!),
      negated: not === '!',
      nocase: false,
      relative: false,
      offset: 0,
      depth: undefined,
      fastPattern: undefined,
    }
    for (const word of rest!.split(',').slice(1)) {
      const [name, number = ''] = word.trim().split(/\s+/)
      this.modify(content, name!, number)
    }
    this.content = content
    this.options.push(content)
  }

  private readPcre(value: string): void {
    const [, not, pattern, flags] = /^(!?)"\/(.*)\/(\w*)"$/s.exec(value)!
    const letter = [...flags!].find((flag) => PCRE_BUFFERS[flag] !== undefined)
    const relative = flags!.includes('R')
    const own = letter === undefined ? undefined : PCRE_BUFFERS[letter]!
    const movesCursor = not === '' && (letter === undefined || letter === 'B')
    const buffer = own ?? this.looksAt(relative)
    this.options.push({
      kind: 'pcre',
      buffer,
      pattern: pattern!,
      flags: {
        caseless: flags!.includes('i'),
        dotAll: flags!.includes('s'),
        multiline: flags!.includes('m'),
        extended: flags!.includes('x'),
        anchored: flags!.includes('A'),
        dollarEndOnly: flags!.includes('E'),
        ungreedy: flags!.includes('G'),
      },
      negated: not === '!',
      relative,
      ignoreLimits: flags!.includes('O'),
      movesCursor,
    })
  }

  private select(name: string, value: string): void {
    const words = value.split(',').map((word) => word.trim())
    const plain = words.filter((word) => word !== 'request' && word !== '').join(',')
    const asks = words.includes('request') || (ASKED.test(name) && this.options.some(isToClient))
    this.sticky = `${asks ? 'request ' : ''}${name}${plain === '' ? '' : `:${plain.toLowerCase()}`}`
    this.content = undefined
    this.options.push({ kind: 'set_buffer', buffer: this.sticky })
  }

  private streamSize(words: readonly string[]): void {
    const names: Readonly<Record<string, 'client' | 'server'>> = { to_server: 'client', to_client: 'server' }
    if (this.dialect === 'snort2') {
      const test = numericTest(`${words[1]}${words[2]}`, 'exclusive')
      this.options.push({ kind: 'stream_size', side: words[0] as 'both', test })
      return
    }
    const side = names[words[1] ?? ''] ?? ((words[1] ?? 'either') as 'both')
    this.options.push({ kind: 'stream_size', side, test: numericTest(words[0]!, 'exclusive') })
  }

  private byteRead(count: string, offset: string, words: readonly string[], base: 0 | 10) {
    const relative = words.includes('relative')
    const bitmask = argumentOf(words, 'bitmask')
    const named = words.includes('hex') ? 16 : words.includes('dec') ? 10 : words.includes('oct') ? 8 : base
    return {
      buffer: this.looksAt(relative),
      count: Number(count),
      offset: number(offset),
      relative,
      littleEndian: words.includes('little'),
      textBase: words.includes('string') ? (named as 0 | 8 | 10 | 16) : undefined,
      dce: words.includes('dce'),
      bitmask: bitmask === undefined ? undefined : Number(bitmask),
    }
  }

  private looksAt(relative: boolean): string {
    return relative && this.dialect === 'snort2' ? this.pointed() : this.sticky
  }

  /** Snort 2: the buffer that the options before looked at; one that a content was not in, too (sid 32665 means that). */
  private pointed(): string {
    let pointed = 'pkt_data'
    for (const option of this.options) {
      if (option.kind === 'set_buffer') pointed = option.buffer
      else if (option.kind === 'content') {
        if (option.fastPattern?.only !== true) pointed = option.buffer
      } else if (option.kind === 'byte_jump' || option.kind === 'byte_extract') pointed = option.buffer
      else if (option.kind === 'pcre' && option.movesCursor) pointed = option.buffer
    }
    return pointed
  }
}

function isToClient(option: NaiveOption): boolean {
  return option.kind === 'flow' && option.direction === 'to_client'
}

function number(text: string): NumberOrVariable {
  return /^[a-z_]/i.test(text) ? text : Number(text)
}

function literalBytes(text: string): Uint8Array {
  return Uint8Array.from(
    text.split('|').flatMap((part, i) =>
      i % 2 === 1
        ? part
            .trim()
            .split(/\s+/)
            .map((hex) => Number.parseInt(hex, 16))
        : [...part.replace(/\\(.)/g, '$1')].map((letter) => letter.charCodeAt(0)),
    ),
  )
}
