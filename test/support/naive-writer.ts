/**
 * Random rules for the fuzzer, cut from what somebody says: chains of options that match the bytes at hand, or fail by
 * one. Both dialects, as text.
 */
import {
  writeBase64,
  writeBer,
  writeByteExtract,
  writeByteJump,
  writeByteMath,
  writeByteTest,
  writeHash,
  writeIsDataAt,
  writeLength,
  writeSensitive,
  writeStructure,
} from './naive-bytes.js'
import { type Dialect, literal, RuleDraft, TO_CLIENT, TO_SERVER } from './naive-draft.js'
import { writeProtocolTest } from './naive-protocols.js'
import {
  writeCount,
  writeFlowbits,
  writeHeader,
  writeHeadTest,
  writePacketTest,
  writeStreamSize,
} from './naive-tests.js'
import { chance, isProtocolKind, pick, type Random, type Talk, transportOf } from './naive-traffic.js'

export interface WrittenRule {
  readonly dialect: Dialect
  readonly header: string
  /** Each with its modifiers, so that any of them can be left out. */
  readonly options: readonly string[]
}

export function ruleText(rule: WrittenRule, sid: number): string {
  return `${rule.header} ( ${rule.options.join(' ')} sid:${sid}; )`
}

/** Flowbits by level: a rule checks bits of lower levels and changes one of its own, so that the order is plain. */
export const BIT_LEVELS = 3

/** Buffers a Snort 2 content can name, and the pcre flag for each. */
const SNORT2_BUFFERS: readonly (readonly [name: string, flag: string])[] = [
  ['http_uri', 'U'],
  ['http_raw_uri', 'I'],
  ['http_header', 'H'],
  ['http_raw_header', 'D'],
  ['http_cookie', 'C'],
  ['http_raw_cookie', 'K'],
  ['http_method', 'M'],
  ['http_stat_code', 'S'],
  ['http_stat_msg', 'Y'],
  ['http_client_body', 'P'],
]
/** Sticky buffers that messages without them are looked at for now and then. */
const ABSENT: readonly string[] = [
  'http_uri',
  'http_cookie',
  'http_client_body',
  'http_stat_msg',
  'file_data',
  'http_header:field x-empty',
  'http_uri:query',
]
/** Buffers whose contents Snort 2 lets be fast patterns. */
const MAY_BE_FAST: readonly string[] = [
  'pkt_data',
  'file_data',
  'http_uri',
  'http_header',
  'http_client_body',
]
const NEVER_FAST =
  /^(?:base64_data|raw_data|http_raw_cookie|http_version|http_raw_(?:request|status|body)|http_true_ip|http_param)/

export function writeRule(random: Random, talk: Talk): WrittenRule {
  const dialect = chance(random, 0.5) ? 'snort2' : 'snort3'
  const draft = new RuleDraft(random, talk, pick(random, talk.turns), dialect)
  writeFlow(draft)
  if (isProtocolKind(talk.kind)) return writeProtocolRule(draft)
  if (chance(random, 0.25)) writeRetries(draft)
  else {
    const steps = 1 + draft.below(5)
    for (let i = 0; i < steps; i++) writeStep(draft)
  }
  if (!draft.positive) writeContent(draft, false)
  writeSession(draft)
  // Buffers that are empty now and then, which is enough for the rule to fail.
  if (draft.http && draft.snort3 && draft.chance(0.05))
    draft.push(
      draft.pick(['http_header:field x-empty;', 'http_raw_header:field x-empty;', 'http_uri:query;']),
    )
  const header = writeHeader(draft)
  if (draft.http && !header.includes('<>') && draft.chance(0.15)) {
    draft.push(draft.snort3 ? 'service:http;' : 'metadata:service http;')
  }
  return { dialect, header, options: draft.options }
}

/** A rule about messages of a protocol. */
function writeProtocolRule(draft: RuleDraft): WrittenRule {
  writeProtocolTest(draft)
  const own = draft.present.filter((name) => !/^(?:pkt|raw)_data$/.test(name))
  const steps = draft.below(4)
  for (let i = 0; i < steps; i++) {
    if (own.length > 0 && draft.chance(0.4)) {
      draft.sticky = draft.pick(draft.chance(0.7) ? own : ['pkt_data'])
      draft.push(`${draft.sticky};`)
      draft.moveTo(draft.sticky, 0)
    }
    writeStep(draft)
  }
  if (steps > 0 && !draft.positive) writeContent(draft, false)
  if (draft.chance(0.1)) writeCount(draft)
  return { dialect: draft.dialect, header: writeHeader(draft), options: draft.options }
}

function writeFlow(draft: RuleDraft): void {
  const { kind } = draft.talk
  const { fromClient } = draft.turn
  if (kind === 'icmp') return
  // What is said of answers is of the call that they answer.
  if (kind === 'dce') {
    draft.push(TO_SERVER)
    return
  }
  if (draft.chance(0.5)) {
    const right = draft.chance(0.9) === fromClient
    const plain = right ? TO_SERVER : TO_CLIENT
    const other = right ? 'from_client' : 'from_server'
    if (draft.chance(0.8)) draft.push(plain)
    else if (!(draft.snort3 && draft.http)) draft.push(`flow:${draft.pick([`${other},established`, other])};`)
  } else if (draft.chance(0.2)) {
    const last = transportOf(kind) === 'udp' ? 'not_established' : 'only_stream'
    draft.push(`flow:${draft.pick(['established', 'stateless', last])};`)
  }
}

/** What is about the flow, the packet or the count of matches; of these, at most one kind. */
function writeSession(draft: RuleDraft): void {
  const { kind } = draft.talk
  const roll = draft.random()
  const flow = draft.options.find((option) => option.startsWith('flow:'))
  if (kind !== 'http' && flow === undefined && roll < (kind === 'tcp' ? 0.25 : 0.35)) {
    writePacketTest(draft)
    return
  }
  if (kind !== 'icmp' && roll < 0.55) {
    if (roll < 0.4) writeFlowbits(draft, BIT_LEVELS)
    return
  }
  if (roll < 0.62) writeCount(draft)
  else if (roll < 0.68 && (kind === 'tcp' || kind === 'http')) writeStreamSize(draft)
  else if (roll < 0.7) draft.push('sameip;')
}

function writeStep(draft: RuleDraft): void {
  if (draft.http && draft.chance(0.3)) changeBuffer(draft)
  if (draft.http && draft.snort3 && draft.chance(0.04)) writeHeadTest(draft)
  const roll = draft.random()
  if (roll < 0.5) writeContent(draft, false)
  else if (roll < 0.62) writeContent(draft, true)
  else if (roll < 0.7) writePcre(draft)
  else if (roll < 0.75) writeIsDataAt(draft)
  else if (roll < 0.8) writeByteTest(draft)
  else if (roll < 0.84) writeByteJump(draft)
  else if (roll < 0.87) writeByteExtract(draft)
  else if (roll < 0.9) writeByteMath(draft)
  else if (roll < 0.93) writeLength(draft)
  else if (roll < 0.955) writeBase64(draft)
  else if (roll < 0.97) writeStructure(draft)
  else if (!draft.snort3) writePcre(draft)
  else if (roll < 0.98) writeSensitive(draft)
  else if (roll < 0.99) writeBer(draft)
  else writeHash(draft)
}

/**
 * Short contents that stand in many places, and options behind them that are easily not satisfied by the first:
 * evaluation has to go back, over options that move the cursor and set variables.
 */
function writeRetries(draft: RuleDraft): void {
  const { snort3 } = draft
  const place = (words: readonly string[]): string =>
    snort3
      ? `${words.map((word) => `, ${word}`).join('')};`
      : `; ${words.map((word) => `${word.replace(' ', ':')};`).join(' ')}`
  const count = 3 + draft.below(4)
  let variable = 'v0'
  const known = (): boolean => draft.variables.length > 0
  const number = (): string => (known() && draft.chance(0.5) ? variable : `${draft.below(4)}`)
  const distance = (): string => (draft.chance(0.15) ? `-${1 + draft.below(3)}` : number())
  for (let i = 0; i < count; i++) {
    const what = draft.pick(['a', 'b', 'ab', 'ba', 'aab', '|01|', '|02|', 'x'])
    const length = what.startsWith('|') ? 1 : what.length
    const negated = i > 0 && draft.chance(0.08) ? '!' : ''
    const reach = known() && draft.chance(0.4) ? variable : `${length + draft.below(6)}`
    const shape = i === 0 ? 0 : draft.pick([0, 1, 1, 1, 4, 4, 4, 7, 7, 8, 9, 9, 10, 11, 12, 13])
    if (shape === 0) draft.push(`content:"${what}"${place(draft.chance(0.2) ? [`offset ${number()}`] : [])}`)
    else if (shape < 4) draft.push(`content:${negated}"${what}"${place([`distance ${distance()}`])}`)
    else if (shape < 7) {
      const words = draft.chance(0.5) ? [`within ${reach}`] : [`distance ${distance()}`, `within ${reach}`]
      draft.push(`content:${negated}"${what}"${place(words)}`)
    } else if (shape === 7) draft.push('byte_jump:1,0,relative;')
    else if (shape === 8 && draft.variables.length < 2) {
      variable = draft.newVariable(1)
      draft.push(`byte_extract:1,${draft.below(2)},${variable},relative;`)
    } else if (shape === 9) {
      const expressions = [
        'a+b/sR',
        '[ab]x/sR',
        '^.{0,2}b/sR',
        'b/sR',
        'ab?/sRG',
        '[ab]/sRA',
        '(a|b)\\1/sR',
        '(?:^|b)a/sR',
        '(?<!b)[ab]/sR',
        '(?:^|a)[bx]/sR',
        'a(?=b)/s',
      ]
      draft.push(`pcre:"/${draft.pick(expressions)}";`)
    } else if (shape === 13) {
      // Behind what does not count from the cursor nothing is tried again.
      draft.push(draft.pick(['isdataat:1;', 'byte_test:1,>=,0,0;', 'isdataat:!900;']))
    } else if (shape === 10) draft.push(`isdataat:${negated}${number()},relative;`)
    else if (shape === 12) {
      if (snort3)
        draft.push(draft.pick([`bufferlen:>${draft.below(20)},relative;`, 'ber_skip:2;', 'ber_data:2;']))
      else draft.push('ftpbounce;')
    } else
      draft.push(`byte_test:1,${draft.pick(['=', '<', '>'])},${draft.pick(['1', '97', '98'])},0,relative;`)
  }
  draft.positive = true
}

/** Snort 3 switches buffers by an option, Snort 2 so for some of them only. */
function changeBuffer(draft: RuleDraft): void {
  const buffer = draft.pick(draft.chance(0.92) ? draft.present : ABSENT)
  const any = draft.snort3 || buffer === 'file_data' || buffer === 'pkt_data'
  if (!any || (draft.snort3 && buffer === 'http_client_body' && draft.asks)) return
  draft.sticky = buffer
  draft.push(`${buffer};`)
  draft.moveTo(buffer, 0)
}

/** Snort 2: the buffer that the content's modifier names. */
function modifierOf(draft: RuleDraft): string {
  if (draft.chance(0.04)) return 'raw_data'
  if (!draft.http || !draft.chance(0.6)) return draft.sticky
  const present = SNORT2_BUFFERS.filter(([name]) => draft.turn.buffers.has(name))
  const again = SNORT2_BUFFERS.filter(([name]) => name === draft.cursorBuffer)
  const among = again.length > 0 && draft.chance(0.6) ? again : present
  return draft.pick(draft.chance(0.95) ? among : SNORT2_BUFFERS)[0]
}

function writeContent(draft: RuleDraft, negated: boolean): void {
  const { snort3 } = draft
  const buffer = snort3 ? draft.sticky : modifierOf(draft)
  const modifier = buffer === draft.sticky ? '' : buffer === 'raw_data' ? 'rawbytes' : buffer
  const bytes = draft.bytesOf(buffer)
  const relative = draft.isRelative(buffer)
  const origin = draft.originIn(buffer, relative)
  const length = Math.min(1 + draft.below(draft.chance(0.8) ? 4 : 9), Math.max(1, bytes.length))
  const back = draft.chance(0.15) ? draft.below(8) : 1
  const at = Math.min(Math.max(0, origin + draft.below(10) - back), Math.max(0, bytes.length - length))
  const pattern = patternFrom(draft, bytes.subarray(at, at + length))
  const parts: string[] = []
  if (draft.chance(0.3)) parts.push('nocase')
  const [offset, depth] = relative ? ['distance', 'within'] : ['offset', 'depth']
  let from = 0
  let placed = false
  if (draft.chance(relative ? 0.7 : 0.35)) {
    from = draft.near(at - origin)
    parts.push(`${offset} ${draft.operand(from)}`)
    placed = true
  } else if (relative) {
    parts.push(`${offset} 0`)
    placed = true
  }
  if (draft.chance(0.45)) {
    const reach = Math.max(pattern.length, draft.near(at + pattern.length - origin - from))
    parts.push(`${depth} ${draft.operand(reach)}`)
    placed = true
  }
  mark(draft, parts, { negated, placed, relative, buffer, length: pattern.length })
  const text = `${negated ? '!' : ''}"${literal(pattern)}"`
  if (snort3) draft.push(`content:${[text, ...parts].join(', ')};`)
  else {
    const words = [...(modifier === '' ? [] : [modifier]), ...parts.map((part) => part.replace(' ', ':'))]
    // The buffer may be named before or after the other modifiers.
    if (draft.chance(0.5)) words.reverse()
    const uri = modifier === 'http_uri' && draft.chance(0.3)
    if (uri) words.splice(words.indexOf(modifier), 1)
    draft.push(`${uri ? 'uri' : ''}content:${text}; ${words.map((word) => `${word};`).join(' ')}`.trimEnd())
  }
  if (negated) return
  draft.positive = true
  if (!parts.some((part) => part.endsWith('only'))) draft.moveTo(buffer, at + pattern.length)
}

/** Makes the content the rule's fast pattern where that is allowed. */
function mark(
  draft: RuleDraft,
  parts: string[],
  what: { negated: boolean; placed: boolean; relative: boolean; buffer: string; length: number },
): void {
  if (draft.fastPattern || !draft.chance(0.2)) return
  if (draft.snort3 ? NEVER_FAST.test(what.buffer) : !MAY_BE_FAST.includes(what.buffer)) return
  if (what.negated && (what.placed || draft.chance(0.8))) return
  draft.fastPattern = true
  const start = draft.below(what.length)
  const length = 1 + draft.below(what.length - start)
  if (draft.snort3) {
    if (draft.chance(0.6)) parts.push('fast_pattern')
    else parts.push(`fast_pattern_offset ${start}`, `fast_pattern_length ${length}`)
  } else if (!what.placed && !what.negated && draft.chance(0.5)) parts.push('fast_pattern only')
  else parts.push(draft.chance(0.5) ? 'fast_pattern' : `fast_pattern ${start},${length}`)
}

/** The bytes themselves, or with one changed, or in another case. */
function patternFrom(draft: RuleDraft, bytes: Uint8Array): Uint8Array {
  const pattern = Uint8Array.from(bytes.length === 0 ? [0x61] : bytes)
  if (draft.chance(0.08)) pattern[draft.below(pattern.length)] = 0x61 + draft.below(3)
  if (draft.chance(0.15)) {
    const text = Buffer.from(pattern).toString('latin1')
    const other = draft.chance(0.5) ? text.toUpperCase() : text.toLowerCase()
    if (/^[\0-\x7f]*$/.test(text)) return Buffer.from(other, 'latin1')
  }
  return pattern
}

function writePcre(draft: RuleDraft): void {
  let buffer = draft.plainBuffer
  let letter = ''
  if (!draft.snort3 && draft.http && draft.chance(0.6)) {
    const present = SNORT2_BUFFERS.filter(([name]) => draft.turn.buffers.has(name))
    ;[buffer, letter] = draft.pick(present)
  } else if (!draft.snort3 && draft.chance(0.08)) {
    buffer = 'raw_data'
    letter = 'B'
  }
  const relative = (letter === '' || letter === 'B') && draft.isRelative(buffer)
  if (letter === '' && !relative) buffer = draft.sticky
  const bytes = draft.bytesOf(buffer)
  const origin = draft.originIn(buffer, relative)
  const length = 1 + draft.below(5)
  const at = Math.min(origin + draft.below(6), Math.max(0, bytes.length - length))
  const part = patternFrom(draft, bytes.subarray(at, at + length))
  const caseless = draft.chance(0.3) && part.every((byte) => byte < 0x80)
  const negated = draft.chance(0.15)
  const anchor = draft.chance(0.15) ? draft.pick(['^', '^', '(?:^|a)']) : ''
  const end = draft.chance(0.1) ? '$' : ''
  const blank = draft.chance(0.15) ? ' ' : ''
  const expression = Array.from(part, (byte) => atom(draft, byte, caseless)).join(blank)
  const flags = ['s', 'm', 'A', 'E', 'G'].filter((flag) => draft.chance(flag === 's' ? 0.7 : 0.08))
  if (caseless) flags.push('i')
  if (blank !== '' || draft.chance(0.03)) flags.push('x')
  if (relative) flags.push('R')
  draft.push(`pcre:${negated ? '!' : ''}"/${anchor}${expression}${end}/${flags.join('')}${letter}";`)
  if (!negated && (letter === '' || letter === 'B')) draft.moveTo(buffer, at + part.length)
}

function atom(draft: RuleDraft, byte: number, caseless: boolean): string {
  const letter = String.fromCharCode(byte)
  const plain = /[a-zA-Z0-9]/.test(letter) ? letter : `\\x${byte.toString(16).padStart(2, '0')}`
  switch (draft.below(16)) {
    case 0:
      return '.'
    case 1:
      return `${plain}+`
    case 2:
      return `(?:${plain}|ab)`
    case 3:
      return /[0-9]/.test(letter) ? '\\d' : `[${plain}b-d]`
    case 4:
      return `${plain}.{0,2}`
    case 5:
      return caseless ? plain : `[^${plain}]?${plain}`
    case 6:
      return `(?=${plain})${plain}`
    case 7:
      return `${plain}(?!b)`
    case 8:
      return `${plain}*?`
    case 9:
      return `(?:${plain})??${plain}`
    default:
      return plain
  }
}
