/**
 * Random rules for the fuzzer, cut from what somebody says: chains of options that match the bytes at hand, or fail by
 * one. Both dialects, as text.
 */
import { BUF, type BufferId } from '../../ids/src/inspect/buffers.js'
import {
  below,
  chance,
  pick,
  type Random,
  SERVER_PORTS,
  type TrafficKind,
  type Turn,
} from './naive-traffic.js'

export type Dialect = 'snort2' | 'snort3'

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
const SNORT2_BUFFERS: readonly (readonly [BufferId, name: string, flag: string])[] = [
  [BUF.HTTP_URI, 'http_uri', 'U'],
  [BUF.HTTP_RAW_URI, 'http_raw_uri', 'I'],
  [BUF.HTTP_HEADER, 'http_header', 'H'],
  [BUF.HTTP_RAW_HEADER, 'http_raw_header', 'D'],
  [BUF.HTTP_COOKIE, 'http_cookie', 'C'],
  [BUF.HTTP_RAW_COOKIE, 'http_raw_cookie', 'K'],
  [BUF.HTTP_METHOD, 'http_method', 'M'],
  [BUF.HTTP_STAT_CODE, 'http_stat_code', 'S'],
  [BUF.HTTP_STAT_MSG, 'http_stat_msg', 'Y'],
  [BUF.HTTP_CLIENT_BODY, 'http_client_body', 'P'],
]
const NAMES: ReadonlyMap<BufferId, string> = new Map([
  ...SNORT2_BUFFERS.map(([id, name]) => [id, name] as const),
  [BUF.FILE_DATA, 'file_data'],
  [BUF.PKT_DATA, 'pkt_data'],
])
/** Buffers that only requests have. */
const ASKED: readonly BufferId[] = [BUF.HTTP_URI, BUF.HTTP_RAW_URI, BUF.HTTP_METHOD]
const TO_SERVER = 'flow:to_server;'
const TO_CLIENT = 'flow:to_client;'
/** Buffers whose contents Snort 2 lets be fast patterns. */
const MAY_BE_FAST: readonly BufferId[] = [
  BUF.PKT_DATA,
  BUF.FILE_DATA,
  BUF.HTTP_URI,
  BUF.HTTP_HEADER,
  BUF.HTTP_CLIENT_BODY,
]

export function writeRule(random: Random, kind: TrafficKind, turn: Turn): WrittenRule {
  return new RuleWriter(random, kind, turn).write()
}

class RuleWriter {
  private readonly random: Random
  private readonly kind: TrafficKind
  private readonly turn: Turn
  private readonly dialect: Dialect
  private readonly options: string[] = []
  /** What plain options look at, and what it holds. */
  private sticky: BufferId = BUF.PKT_DATA
  /** Where the cursor stands if everything so far has matched where it was taken from. */
  private cursor = 0
  private cursorBuffer: BufferId | undefined
  private readonly variables: { readonly name: string; readonly value: number }[] = []
  private fastPattern = false
  private positive = false

  constructor(random: Random, kind: TrafficKind, turn: Turn) {
    this.random = random
    this.kind = kind
    this.turn = turn
    this.dialect = chance(random, 0.5) ? 'snort2' : 'snort3'
  }

  write(): WrittenRule {
    const { random } = this
    if (chance(random, 0.5)) {
      const right = chance(random, 0.9) === this.turn.fromClient
      this.options.push(right ? TO_SERVER : TO_CLIENT)
    }
    if (chance(random, 0.25)) this.retries()
    else {
      const steps = 1 + below(random, 5)
      for (let i = 0; i < steps; i++) this.step()
    }
    if (!this.positive) this.content(false)
    const dsize = this.kind !== 'http' && chance(random, 0.06)
    if (dsize) this.options.push(`dsize:${this.test(this.turn.bytes.length)};`)
    else if (chance(random, 0.25)) this.flowbits()
    return { dialect: this.dialect, header: this.header(), options: this.options }
  }

  private header(): string {
    const protocol = this.kind === 'udp' ? 'udp' : 'tcp'
    if (chance(this.random, 0.7)) return `alert ${protocol} any any -> any any`
    const port = pick(this.random, SERVER_PORTS[this.kind])
    return this.turn.fromClient
      ? `alert ${protocol} any any -> any ${port}`
      : `alert ${protocol} any ${port} -> any any`
  }

  private step(): void {
    const { random } = this
    const roll = random()
    if (this.kind === 'http' && roll < 0.3) this.changeBuffer()
    if (roll < 0.55) this.content(false)
    else if (roll < 0.68) this.content(true)
    else if (roll < 0.76) this.pcre()
    else if (roll < 0.82) this.isDataAt()
    else if (roll < 0.88) this.byteTest()
    else if (roll < 0.92) this.byteJump()
    else if (roll < 0.95) this.byteExtract()
    else if (roll < 0.97) this.byteMath()
    else this.length()
  }

  /**
   * Short contents that stand in many places, and options behind them that are easily not satisfied by the first:
   * evaluation has to go back, over options that move the cursor and set variables.
   */
  private retries(): void {
    const { random } = this
    const place = (words: readonly string[]): string =>
      this.dialect === 'snort3'
        ? `${words.map((word) => `, ${word}`).join('')};`
        : `; ${words.map((word) => `${word.replace(' ', ':')};`).join(' ')}`
    const count = 3 + below(random, 4)
    let variable = 'v0'
    const number = (): string =>
      this.variables.length > 0 && chance(random, 0.5) ? variable : `${below(random, 4)}`
    for (let i = 0; i < count; i++) {
      const what = pick(random, ['a', 'b', 'ab', 'ba', 'aab', '|01|', '|02|', 'x'])
      const length = what.startsWith('|') ? 1 : what.length
      const negated = i > 0 && chance(random, 0.08) ? '!' : ''
      const reach =
        this.variables.length > 0 && chance(random, 0.4) ? variable : `${length + below(random, 6)}`
      const shape = i === 0 ? 0 : pick(random, [0, 1, 1, 1, 4, 4, 4, 7, 7, 8, 9, 10, 11])
      if (shape === 0)
        this.options.push(`content:"${what}"${place(chance(random, 0.2) ? [`offset ${number()}`] : [])}`)
      else if (shape < 4) this.options.push(`content:${negated}"${what}"${place([`distance ${number()}`])}`)
      else if (shape < 7) {
        const words = chance(random, 0.5) ? [`within ${reach}`] : [`distance ${number()}`, `within ${reach}`]
        this.options.push(`content:${negated}"${what}"${place(words)}`)
      } else if (shape === 7) this.options.push('byte_jump:1,0,relative;')
      else if (shape === 8 && this.variables.length < 2) {
        variable = this.newVariable(1)
        this.options.push(`byte_extract:1,${below(random, 2)},${variable},relative;`)
      } else if (shape === 9)
        this.options.push(`pcre:"/${pick(random, ['a+b', '[ab]x', '^.{0,2}b', 'b'])}/sR";`)
      else if (shape === 10) this.options.push(`isdataat:${negated}${number()},relative;`)
      else
        this.options.push(
          `byte_test:1,${pick(random, ['=', '<', '>'])},${pick(random, ['1', '97', '98'])},0,relative;`,
        )
    }
    this.positive = true
  }

  private get name(): string {
    return NAMES.get(this.sticky)!
  }

  private bytesOf(buffer: BufferId): Uint8Array {
    const bodyOnly = buffer === BUF.PKT_DATA && this.kind === 'http' && this.dialect === 'snort3'
    const slot = bodyOnly ? BUF.FILE_DATA : buffer
    const asked = this.asks && ASKED.includes(slot) ? this.turn.asked : undefined
    return (asked ?? this.turn).buffers.get(slot) ?? new Uint8Array(0)
  }

  /** In Snort 3, rules for responses may name the request's buffers. */
  private get asks(): boolean {
    return this.dialect === 'snort3' && this.options[0] === TO_CLIENT
  }

  /** Snort 3 switches buffers by an option, Snort 2 so for two of them only. */
  private changeBuffer(): void {
    const { random } = this
    const present = [...this.turn.buffers.keys(), ...(this.asks ? ASKED : [])]
    const buffer = pick(random, chance(random, 0.95) ? present : [...NAMES.keys()])
    const any = this.dialect === 'snort3' || buffer === BUF.FILE_DATA || buffer === BUF.PKT_DATA
    if (!any) return
    this.sticky = buffer
    this.options.push(`${this.name};`)
    this.moveTo(buffer, 0)
  }

  private moveTo(buffer: BufferId, cursor: number): void {
    this.cursorBuffer = buffer
    this.cursor = cursor
  }

  /** Counting from the cursor makes sense in the buffer it stands in; elsewhere it is done now and then. */
  private isRelative(buffer: BufferId): boolean {
    return chance(this.random, this.cursorBuffer === buffer ? 0.65 : 0.08)
  }

  private originIn(buffer: BufferId, relative: boolean): number {
    return relative && this.cursorBuffer === buffer ? this.cursor : 0
  }

  /** The number, or one beside it. */
  private near(value: number): number {
    return chance(this.random, 0.7) ? value : value + below(this.random, 5) - 2
  }

  /** A number as an option may give it: now and then by a variable that (nearly) has this value. */
  private operand(value: number): string {
    const { random, variables } = this
    const known = variables.filter((variable) => Math.abs(variable.value - value) <= 2)
    if (known.length > 0 && chance(random, 0.6)) return pick(random, known).name
    if (variables.length > 0 && chance(random, 0.1)) return pick(random, variables).name
    return String(value)
  }

  private content(negated: boolean): void {
    const { random, dialect } = this
    let buffer = this.sticky
    let modifier = ''
    if (dialect === 'snort2' && this.kind === 'http' && chance(random, 0.6)) {
      const present = SNORT2_BUFFERS.filter(([id]) => this.turn.buffers.has(id))
      const again = SNORT2_BUFFERS.filter(([id]) => id === this.cursorBuffer)
      const among = again.length > 0 && chance(random, 0.6) ? again : present
      const [id, name] = pick(random, chance(random, 0.95) ? among : SNORT2_BUFFERS)
      buffer = id
      modifier = name
    }
    const bytes = this.bytesOf(buffer)
    const relative = this.isRelative(buffer)
    const origin = this.originIn(buffer, relative)
    const length = Math.min(1 + below(random, chance(random, 0.8) ? 4 : 9), Math.max(1, bytes.length))
    const at = Math.min(Math.max(0, origin + below(random, 10) - 1), Math.max(0, bytes.length - length))
    const pattern = this.patternFrom(bytes.subarray(at, at + length))
    const parts: string[] = []
    const nocase = chance(random, 0.3)
    if (nocase) parts.push('nocase')
    const [offset, depth] = relative ? ['distance', 'within'] : ['offset', 'depth']
    let from = 0
    let placed = false
    if (chance(random, relative ? 0.7 : 0.35)) {
      from = this.near(at - origin)
      parts.push(`${offset} ${this.operand(from)}`)
      placed = true
    } else if (relative) {
      parts.push(`${offset} 0`)
      placed = true
    }
    if (chance(random, 0.45)) {
      const reach = Math.max(pattern.length, this.near(at + pattern.length - origin - from))
      parts.push(`${depth} ${this.operand(reach)}`)
      placed = true
    }
    this.mark(parts, { negated, placed, relative, buffer, length: pattern.length })
    const text = `${negated ? '!' : ''}"${literal(pattern)}"`
    if (dialect === 'snort3') {
      this.options.push(`content:${[text, ...parts].join(', ')};`)
    } else {
      const words = [...(modifier === '' ? [] : [modifier]), ...parts.map((part) => part.replace(' ', ':'))]
      // The buffer may be named before or after the other modifiers.
      if (chance(random, 0.5)) words.reverse()
      this.options.push(`content:${text}; ${words.map((word) => `${word};`).join(' ')}`.trimEnd())
    }
    if (negated) return
    this.positive = true
    if (!parts.some((part) => part.endsWith('only'))) this.moveTo(buffer, at + pattern.length)
  }

  /** Makes the content the rule's fast pattern where that is allowed. */
  private mark(
    parts: string[],
    what: { negated: boolean; placed: boolean; relative: boolean; buffer: BufferId; length: number },
  ): void {
    const { random } = this
    if (this.fastPattern || !chance(random, 0.2) || !MAY_BE_FAST.includes(what.buffer)) return
    if (what.negated && (what.placed || chance(random, 0.8))) return
    this.fastPattern = true
    const start = below(random, what.length)
    const length = 1 + below(random, what.length - start)
    if (this.dialect === 'snort3') {
      if (chance(random, 0.6)) parts.push('fast_pattern')
      else parts.push(`fast_pattern_offset ${start}`, `fast_pattern_length ${length}`)
    } else if (!what.placed && !what.negated && chance(random, 0.5)) parts.push('fast_pattern only')
    else parts.push(chance(random, 0.5) ? 'fast_pattern' : `fast_pattern ${start},${length}`)
  }

  /** The bytes themselves, or with one changed, or in another case. */
  private patternFrom(bytes: Uint8Array): Uint8Array {
    const { random } = this
    const pattern = Uint8Array.from(bytes.length === 0 ? [0x61] : bytes)
    if (chance(random, 0.08)) pattern[below(random, pattern.length)] = 0x61 + below(random, 3)
    if (chance(random, 0.15)) {
      const text = Buffer.from(pattern).toString('latin1')
      const other = chance(random, 0.5) ? text.toUpperCase() : text.toLowerCase()
      if (/^[\0-\x7f]*$/.test(text)) return Buffer.from(other, 'latin1')
    }
    return pattern
  }

  private pcre(): void {
    const { random, dialect } = this
    let buffer = this.sticky
    let flag = ''
    if (dialect === 'snort2' && this.kind === 'http' && chance(random, 0.6)) {
      const present = SNORT2_BUFFERS.filter(([id]) => this.turn.buffers.has(id))
      const [id, , letter] = pick(random, present)
      buffer = id
      flag = letter
    }
    const bytes = this.bytesOf(buffer)
    const relative = flag === '' && this.isRelative(buffer)
    const origin = this.originIn(buffer, relative)
    const length = 1 + below(random, 5)
    const at = Math.min(origin + below(random, 6), Math.max(0, bytes.length - length))
    const part = this.patternFrom(bytes.subarray(at, at + length))
    const caseless = chance(random, 0.3) && part.every((byte) => byte < 0x80)
    const negated = chance(random, 0.15)
    const anchor = chance(random, 0.15) ? '^' : ''
    const end = chance(random, 0.1) ? '$' : ''
    const expression = Array.from(part, (byte) => this.atom(byte, caseless)).join('')
    const flags = `s${caseless ? 'i' : ''}${end === '' ? '' : 'E'}${relative ? 'R' : ''}${flag}`
    this.options.push(`pcre:${negated ? '!' : ''}"/${anchor}${expression}${end}/${flags}";`)
    if (!negated && flag === '') this.moveTo(buffer, at + part.length)
  }

  private atom(byte: number, caseless: boolean): string {
    const { random } = this
    const letter = String.fromCharCode(byte)
    const plain = /[a-zA-Z0-9]/.test(letter) ? letter : `\\x${byte.toString(16).padStart(2, '0')}`
    switch (below(random, 12)) {
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
        return `(${plain})\\1*?`.replace('\\1*?', '')
      default:
        return plain
    }
  }

  private isDataAt(): void {
    const { random } = this
    const buffer = this.plainBuffer()
    const relative = this.isRelative(buffer)
    const left = this.bytesOf(buffer).length - this.originIn(buffer, relative)
    const at = Math.max(0, this.near(chance(random, 0.6) ? left : below(random, 10)))
    this.options.push(
      `isdataat:${chance(random, 0.4) ? '!' : ''}${this.operand(at)}${relative ? ',relative' : ''};`,
    )
  }

  /** In Snort 2, a relative option looks where the cursor is, any other in the sticky buffer. */
  private plainBuffer(): BufferId {
    return this.dialect === 'snort2' ? (this.cursorBuffer ?? this.sticky) : this.sticky
  }

  /** A number in the buffer: where it stands and how it is read. */
  private number(): { words: string[]; count: number; offset: number; value: number; end: number } {
    const { random } = this
    const relative = this.isRelative(this.plainBuffer())
    const buffer = relative ? this.plainBuffer() : this.sticky
    const bytes = this.bytesOf(buffer)
    const origin = this.originIn(buffer, relative)
    const words: string[] = relative ? ['relative'] : []
    let at = Math.max(0, origin + below(random, 8))
    if (chance(random, 0.3)) {
      const text = Buffer.from(bytes).toString('latin1')
      const digits = /[0-9 ][0-9a-fx]*/g
      digits.lastIndex = at
      const found = digits.exec(text)
      const base = pick(random, ['', 'dec', 'hex', 'oct'])
      words.push('string', ...(base === '' ? [] : [base]))
      const count = Math.min(10, Math.max(1, this.near(found?.[0].length ?? 2)))
      if (found !== null) at = found.index
      const value = Number.parseInt(text.slice(at, at + count), { hex: 16, oct: 8 }[base] ?? 10)
      return { words, count, offset: at - origin, value: Number.isNaN(value) ? 1 : value, end: at + count }
    }
    const count = 1 + below(random, 4)
    if (at + count > bytes.length && chance(random, 0.8)) at = Math.max(0, bytes.length - count)
    const part = [...bytes.subarray(at, at + count)]
    if (chance(random, 0.4)) {
      words.push('little')
      part.reverse()
    }
    return {
      words,
      count,
      offset: at - origin,
      value: part.reduce((sum, byte) => sum * 256 + byte, 0),
      end: at + count,
    }
  }

  private byteTest(): void {
    const { random } = this
    const { words, count, offset, value } = this.number()
    if (chance(random, 0.15)) words.push(`bitmask 0x${(1 + below(random, 255)).toString(16)}`)
    const operator = pick(random, ['<', '>', '=', '<=', '>=', '&', '^', '!=', '!&', '!<'])
    const to = this.operand(Math.max(0, this.near(value)))
    this.options.push(`byte_test:${[count, operator, to, this.operand(offset), ...words].join(',')};`)
  }

  private byteJump(): void {
    const { random } = this
    const { words, count, offset, value, end } = this.number()
    const buffer = words.includes('relative') ? this.plainBuffer() : this.sticky
    let target = end + value
    if (chance(random, 0.2)) {
      words.push('from_beginning')
      target = value
    } else if (chance(random, 0.1)) {
      words.push('from_end', 'post_offset -3')
      target = this.bytesOf(buffer).length - 3
    } else if (random() > 0.8) {
      words.push(`post_offset ${below(random, 5) - 2}`)
    }
    if (chance(random, 0.15)) words.push('align')
    if (chance(random, 0.15)) words.push('multiplier 2')
    this.options.push(`byte_jump:${[count, this.operand(offset), ...words].join(',')};`)
    this.moveTo(buffer, Math.min(target, this.bytesOf(buffer).length))
  }

  private newVariable(value: number): string {
    const name = `v${this.variables.length}`
    this.variables.push({ name, value })
    return name
  }

  private byteExtract(): void {
    if (this.variables.length === 2) {
      this.byteTest()
      return
    }
    const { words, count, offset, value, end } = this.number()
    const buffer = words.includes('relative') ? this.plainBuffer() : this.sticky
    const at = this.operand(offset)
    if (chance(this.random, 0.15)) words.push('multiplier 2')
    this.options.push(`byte_extract:${[count, at, this.newVariable(value), ...words].join(',')};`)
    this.moveTo(buffer, end)
  }

  private byteMath(): void {
    if (this.variables.length === 2) {
      this.byteTest()
      return
    }
    const { random } = this
    const { words, count, offset, value } = this.number()
    const operator = pick(random, ['+', '-', '*', '/', '<<', '>>'])
    const by = 1 + below(random, 4)
    const result = { '+': value + by, '-': value - by, '*': value * by, '/': Math.floor(value / by) }[
      operator
    ]
    const order = words.includes('little') ? ['endian little'] : []
    const rest = words.filter((word) => word !== 'little' && !['dec', 'hex', 'oct', 'string'].includes(word))
    const base = words.find((word) => ['dec', 'hex', 'oct'].includes(word))
    const text = words.includes('string') ? [`string${base === undefined ? '' : ` ${base}`}`] : []
    const bytes = text.length === 0 ? count : Math.min(count, 10)
    const at = `offset ${this.operand(offset)}`
    const name = this.newVariable(result ?? value)
    const parts = [`bytes ${bytes}`, at, `oper ${operator}`, `rvalue ${by}`, `result ${name}`]
    this.options.push(`byte_math:${[...parts, ...order, ...text, ...rest].join(',')};`)
  }

  private test(length: number): string {
    const near = Math.max(1, this.near(length))
    const between = this.dialect === 'snort3' && chance(this.random, 0.5) ? '<=>' : '<>'
    return pick(this.random, [
      `${near}`,
      `<${near + 1}`,
      `>${near - 1}`,
      `${Math.max(0, near - 2)}${between}${near}`,
    ])
  }

  private length(): void {
    if (this.dialect === 'snort3') {
      const relative = this.isRelative(this.sticky)
      const left = this.bytesOf(this.sticky).length - this.originIn(this.sticky, relative)
      this.options.push(`bufferlen:${this.test(Math.max(1, left))}${relative ? ',relative' : ''};`)
    } else if (this.kind === 'http' && !this.options.some((option) => option.startsWith('urilen'))) {
      const norm = chance(this.random, 0.5)
      const length = this.bytesOf(norm ? BUF.HTTP_URI : BUF.HTTP_RAW_URI).length
      this.options.push(`urilen:${this.test(Math.max(1, length))}${norm ? ',norm' : ''};`)
    } else this.content(false)
  }

  /**
   * What several rules do to one bit on one message comes out the same in any order, because no documentation tells the
   * order: b0 and b1 are set, b2 is toggled, b3 is set by the client's messages and unset by the server's.
   */
  private flowbits(): void {
    const { random } = this
    const level = below(random, BIT_LEVELS)
    const bit = (of: number): string => `l${of}b${below(random, 4)}`
    if (level > 0) {
      const names = chance(random, 0.3) ? [bit(level - 1), bit(level - 1)] : [bit(level - 1)]
      const list = names.join(pick(random, ['&', '|']))
      this.options.push(`flowbits:${chance(random, 0.75) ? 'isset' : 'isnotset'},${list};`)
    }
    if (level < BIT_LEVELS - 1 || chance(random, 0.3)) {
      const changes = ['set,b0', 'set,b1', 'toggle,b2']
      if (this.options.includes(TO_SERVER)) changes.push('set,b3')
      if (this.options.includes(TO_CLIENT)) changes.push('unset,b3')
      const [action, name] = pick(random, changes).split(',')
      this.options.push(`flowbits:${action},l${level}${name};`)
    }
    if (chance(random, 0.15)) this.options.push('flowbits:noalert;')
  }
}

function literal(pattern: Uint8Array): string {
  return Array.from(pattern, (byte) => {
    const letter = String.fromCharCode(byte)
    return /[a-zA-Z0-9/=.?-]/.test(letter) ? letter : `|${byte.toString(16).padStart(2, '0')}|`
  }).join('')
}
