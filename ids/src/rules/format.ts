/**
 * A typed rule back into rule text of its dialect, in one canonical spelling: what was understood, with variables
 * expanded. Loading it again gives an equal rule (apart from `text` and `position`).
 */
import { BUF, BUFFER_NAMES, type BufferId } from '../inspect/buffers.js'
import { formatNetwork } from './ip-set.js'
import type {
  ByteRead,
  ContentOption,
  Dialect,
  FlowbitsOption,
  IpSet,
  NumericTest,
  PcreOption,
  Rule,
  RuleOption,
  TagOption,
} from './model.js'
import { FRAG_BITS, IP_OPTIONS, MATCH_SIGNS, TCP_FLAGS } from './options/header.js'
import { formatHttpTest, formatPart } from './options/http.js'
import { formatIndustrialOption } from './options/industrial.js'
import { BUFFER_FLAGS } from './options/pcre.js'
import { formatProtocolOption } from './options/protocols.js'
import { formatPorts } from './port-set.js'
import { displayText } from './source.js'

export function formatRule(rule: Rule): string {
  const { header, dialect } = rule
  const direction = header.bidirectional ? '<>' : '->'
  const source = `${formatIpSet(header.source)} ${formatPorts(header.sourcePorts)}`
  const destination = `${formatIpSet(header.destination)} ${formatPorts(header.destinationPorts)}`
  const parts: string[] = [`msg:"${escapeText(rule.msg)}"`]
  let sticky: BufferId = BUF.PKT_DATA
  for (const option of rule.options) {
    parts.push(formatOption(option, dialect, sticky))
    if (option.kind === 'set_buffer') sticky = option.buffer
  }
  if (rule.metadata.length > 0) {
    parts.push(
      `metadata:${rule.metadata.map(([key, value]) => (value === '' ? key : `${key} ${value}`)).join(', ')}`,
    )
  }
  if (dialect === 'snort3' && rule.services.length > 0) parts.push(`service:${rule.services.join(',')}`)
  for (const { system, id } of rule.references)
    parts.push(`reference:${system},${id.replace(/[;"]/g, '\\$&')}`)
  if (rule.classtype !== undefined) parts.push(`classtype:${rule.classtype}`)
  if (rule.priority !== 0) parts.push(`priority:${rule.priority}`)
  if (rule.gid !== 1) parts.push(`gid:${rule.gid}`)
  if (rule.sid !== 0) parts.push(`sid:${rule.sid}`)
  parts.push(`rev:${rule.rev}`)
  if (rule.options[0]?.kind === 'engine_event') {
    return `${header.action} (${parts.filter((part) => part !== '').join('; ')};)`
  }
  const protocol = header.serviceOnly === true ? rule.services[0]! : header.protocol
  return `${header.action} ${protocol} ${source} ${direction} ${destination} (${parts.join('; ')};)`
}

function formatIpSet(set: IpSet): string {
  if (set.any) return 'any'
  const members = [...set.include.map(formatNetwork), ...set.exclude.map((n) => `!${formatNetwork(n)}`)]
  return members.length === 1 ? members[0]! : `[${members.join(',')}]`
}

function escapeText(text: string): string {
  return text.replace(/[\\";:]/g, '\\$&')
}

/** One option. `sticky` is the buffer chosen by the options before it. */
export function formatOption(option: RuleOption, dialect: Dialect, sticky: BufferId): string {
  switch (option.kind) {
    case 'content':
      return formatContent(option, dialect, sticky)
    case 'pcre':
      return formatPcre(option, dialect, sticky)
    case 'isdataat': {
      const raw = dialect === 'snort2' && option.buffer === BUF.RAW_DATA
      return `isdataat:${option.negated ? '!' : ''}${option.at}${flag('relative', option.relative)}${flag('rawbytes', raw)}`
    }
    case 'byte_test': {
      const operator = `${option.negated ? '!' : ''}${option.op}`
      return `byte_test:${option.count},${operator},${option.value},${option.offset}${byteWords(option)}`
    }
    case 'byte_jump': {
      const from = option.from === 'here' ? '' : `,from_${option.from}`
      const post = option.postOffset === 0 ? '' : `,post_offset ${option.postOffset}`
      return `byte_jump:${option.count},${option.offset}${byteWords(option)}${scale(option)}${from}${post}`
    }
    case 'byte_extract':
      return `byte_extract:${option.count},${option.offset},${option.name}${byteWords(option)}${scale(option)}`
    case 'byte_math': {
      const { count, offset, op, value, name } = option
      const numbers = `bytes ${count},offset ${offset},oper ${op},rvalue ${value},result ${name}`
      return `byte_math:${numbers}${byteWords(option)}`
    }
    case 'flow': {
      const words = [option.direction, option.state, option.stream, option.frag]
      return `flow:${words.filter((word) => word !== undefined).join(',')}`
    }
    case 'flowbits':
      return formatFlowbits(option)
    case 'set_buffer':
      return option.part === undefined ? BUFFER_NAMES[option.buffer]! : formatPart(option.part)
    case 'base64_decode': {
      const words: string[] = []
      if (option.bytes !== undefined) words.push(`bytes ${option.bytes}`)
      if (option.offset !== 0) words.push(`offset ${option.offset}`)
      if (option.relative) words.push('relative')
      return words.length === 0 ? 'base64_decode' : `base64_decode:${words.join(',')}`
    }
    case 'buffer_length':
      return dialect === 'snort2'
        ? `urilen:${formatTest(option.test, dialect)},${option.buffer === BUF.HTTP_URI ? 'norm' : 'raw'}`
        : `bufferlen:${formatTest(option.test, dialect)}${flag('relative', option.relative)}`
    case 'dsize':
      return `dsize:${formatTest(option.test, dialect)}`
    case 'flags': {
      const ignored = option.ignore === 0 ? '' : `,${letters(option.ignore, TCP_FLAGS)}`
      return `flags:${sign(option.match)}${letters(option.flags, TCP_FLAGS) || '0'}${ignored}`
    }
    case 'fragbits':
      return `fragbits:${sign(option.match)}${letters(option.bits, FRAG_BITS)}`
    case 'header_number':
      return `${option.field}:${formatTest(option.test, dialect, option.field === 'ttl')}`
    case 'ipopts':
      return `ipopts:${Object.entries(IP_OPTIONS).find(([, value]) => value === option.option)![0]}`
    case 'engine_event':
      return ''
    case 'sameip':
      return 'sameip'
    case 'hash': {
      const words = [`"${Buffer.from(option.digest).toString('hex')}"`, `length ${option.length}`]
      if (option.offset !== 0) words.push(`offset ${option.offset}`)
      if (option.relative) words.push('relative')
      return `${option.algorithm}:${option.negated ? '!' : ''}${words.join(',')}`
    }
    case 'http_number':
      return `http_${option.what}:${formatTest(option.test, dialect)}${flag('request', option.request)}`
    case 'http_version_match':
    case 'http_field_test':
      return formatHttpTest(option, (test) => formatTest(test, dialect))
    case 'ssl_state':
    case 'ssl_version':
    case 'sip_method':
    case 'sip_stat_code':
    case 'dce_iface':
    case 'dce_opnum':
      return formatProtocolOption(option, dialect)
    case 'message_number':
    case 'dnp3_ind':
    case 'dnp3_obj':
      return formatIndustrialOption(option, dialect)
    case 'rpc': {
      const words = [option.program, option.version ?? '*', option.procedure ?? '*']
      return `rpc:${words.join(',')}`
    }
    case 'asn1': {
      const words: string[] = []
      if (option.bitstringOverflow) words.push('bitstring_overflow')
      if (option.doubleOverflow) words.push('double_overflow')
      if (option.oversizeLength !== undefined) words.push(`oversize_length ${option.oversizeLength}`)
      words.push(`${option.relative ? 'relative_offset' : 'offset'} ${option.offset}`)
      return `asn1:${words.join(',')}`
    }
    case 'ftpbounce':
      return 'ftpbounce'
    case 'cvs':
      return 'cvs:invalid-entry'
    case 'ber_data':
      return `ber_data:${hexByte(option.type)}`
    case 'ber_skip':
      return `ber_skip:${hexByte(option.type)}${flag('optional', option.optional)}`
    case 'stream_size': {
      const { side, test } = option
      if (dialect === 'snort2') return `stream_size:${side},${test.op},${test.lo}`
      const word = side === 'client' ? 'to_server' : side === 'server' ? 'to_client' : side
      return `stream_size:${formatTest(test, dialect)},${word}`
    }
    case 'sd_pattern':
      return `sd_pattern:"${option.pattern.replace(/[\\";]/g, '\\$&')}",threshold ${option.threshold}`
    case 'tag':
      return formatTag(option, dialect)
    case 'replace':
      return `replace:${formatLiteral(option.bytes)}`
    case 'threshold':
    case 'detection_filter': {
      const type = option.type === undefined ? '' : `type ${option.type}, `
      return `${option.kind}:${type}track ${option.track}, count ${option.count}, seconds ${option.seconds}`
    }
  }
}

function formatTag({ by, packets, seconds, bytes }: TagOption, dialect: Dialect): string {
  const metrics = Object.entries({ packets, seconds, bytes }).filter(([, count]) => count > 0)
  const host = by === 'session' ? 'session' : by === 'source' ? 'host_src' : 'host_dst'
  if (dialect === 'snort3') return `tag:${[host, ...metrics.map(([name, n]) => `${name} ${n}`)].join(',')}`
  const words = [by === 'session' ? by : 'host', ...metrics.map(([name, n]) => `${n},${name}`)]
  if (by !== 'session') words.push(by === 'source' ? 'src' : 'dst')
  return `tag:${words.join(',')}`
}

function hexByte(value: number): string {
  return `0x${value.toString(16).padStart(2, '0')}`
}

function flag(word: string, on: boolean): string {
  return on ? `,${word}` : ''
}

/** `"text|0D 0A|"` with every byte that is not plain text in hex. */
export function formatLiteral(bytes: Uint8Array): string {
  let out = ''
  let hex: string[] = []
  const flush = (): void => {
    if (hex.length > 0) out += `|${hex.join(' ')}|`
    hex = []
  }
  for (const byte of bytes) {
    const plain = byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x3a && byte !== 0x3b
    if (plain && byte !== 0x5c && byte !== 0x7c) {
      flush()
      out += String.fromCharCode(byte)
    } else {
      hex.push(byte.toString(16).toUpperCase().padStart(2, '0'))
    }
  }
  flush()
  return `"${out}"`
}

function formatContent(option: ContentOption, dialect: Dialect, sticky: BufferId): string {
  const words: string[] = []
  const mark = option.fastPattern
  if (option.nocase) words.push('nocase')
  const [offset, depth] = option.relative ? ['distance', 'within'] : ['offset', 'depth']
  if (option.offset !== 0 || (option.relative && option.depth === undefined))
    words.push(`${offset} ${option.offset}`)
  if (option.depth !== undefined) words.push(`${depth} ${option.depth}`)
  const head = `content:${option.negated ? '!' : ''}${formatLiteral(option.bytes)}`
  if (dialect === 'snort3') {
    if (mark !== undefined && mark.slice === undefined) words.push('fast_pattern')
    if (mark?.slice !== undefined) {
      words.push(`fast_pattern_offset ${mark.slice[0]}`, `fast_pattern_length ${mark.slice[1]}`)
    }
    return [head, ...words].join(',')
  }
  const own = words.map((word) => word.replace(' ', ':'))
  if (mark !== undefined) {
    own.push(
      mark.only ? 'fast_pattern:only' : mark.slice ? `fast_pattern:${mark.slice.join(',')}` : 'fast_pattern',
    )
  }
  if (option.buffer === BUF.RAW_DATA) own.push('rawbytes')
  else if (option.buffer !== sticky) own.push(BUFFER_NAMES[option.buffer]!)
  return [head, ...own].join('; ')
}

function formatPcre(option: PcreOption, dialect: Dialect, sticky: BufferId): string {
  const { flags } = option
  let letters = ''
  if (flags.caseless) letters += 'i'
  if (flags.dotAll) letters += 's'
  if (flags.multiline) letters += 'm'
  if (flags.extended) letters += 'x'
  if (flags.anchored) letters += 'A'
  if (flags.dollarEndOnly) letters += 'E'
  if (flags.ungreedy) letters += 'G'
  if (option.relative) letters += 'R'
  if (option.ignoreLimits) letters += 'O'
  if (dialect === 'snort2') {
    if (option.buffer === BUF.RAW_DATA) letters += 'B'
    else if (!option.relative && option.buffer !== sticky) {
      letters += Object.entries(BUFFER_FLAGS).find(([, buffer]) => buffer === option.buffer)![0]
    }
  }
  const shown = displayText(option.pattern)
  // Bytes that are no UTF-8 text cannot be written as themselves.
  const pattern =
    shown === option.pattern
      ? shown.replace(/[\x80-\xff]/g, (c) => `\\x${c.charCodeAt(0).toString(16)}`)
      : shown
  return `pcre:${option.negated ? '!' : ''}"/${pattern}/${letters}"`
}

function byteWords(option: ByteRead): string {
  const bases = { 0: '', 8: ',oct', 10: ',dec', 16: ',hex' } as const
  const text = option.textBase === undefined ? '' : `,string${bases[option.textBase]}`
  const mask = option.bitmask === undefined ? '' : `,bitmask 0x${option.bitmask.toString(16)}`
  const order = option.dce ? ',dce' : flag('little', option.littleEndian)
  return `${flag('relative', option.relative)}${order}${text}${mask}`
}

function scale(option: { readonly multiplier: number; readonly align: 1 | 2 | 4 }): string {
  const multiplier = option.multiplier === 1 ? '' : `,multiplier ${option.multiplier}`
  return option.align === 1 ? multiplier : `${multiplier},align ${option.align}`
}

function formatFlowbits(option: FlowbitsOption): string {
  const words: string[] = [option.action]
  if (option.names.length > 0) words.push(option.names.join(option.combine === 'any' ? '|' : '&'))
  else if (option.group !== undefined && option.action !== 'reset') words.push(option.combine)
  if (option.group !== undefined) words.push(option.group)
  return `flowbits:${words.join(',')}`
}

function formatTest(test: NumericTest, dialect: Dialect, dash = false): string {
  if (dash && dialect === 'snort2' && test.op === 'range-inclusive') return `${test.lo}-${test.hi}`
  switch (test.op) {
    case '=':
      return String(test.lo)
    case '!=':
      return `!${test.lo}`
    case 'range-inclusive':
      return dialect === 'snort2' ? `${test.lo}<>${test.hi}` : `${test.lo}<=>${test.hi}`
    case 'range-exclusive':
      return `${test.lo}<>${test.hi}`
    default:
      return `${test.op}${test.lo}`
  }
}

function sign(match: 'exact' | 'all' | 'any' | 'none'): string {
  return Object.entries(MATCH_SIGNS).find(([, value]) => value === match)?.[0] ?? ''
}

/** Flag letters of `bits`; the digits that name the same bits are not used. */
function letters(bits: number, table: Readonly<Record<string, number>>): string {
  return Object.entries(table)
    .filter(([letter, bit]) => /[A-Z]/.test(letter) && (bits & bit) !== 0)
    .map(([letter]) => letter)
    .join('')
}
