/** Random options that read numbers, lengths and structures from the buffer, for the fuzzer's rules. */
import { createHash } from 'node:crypto'
import type { RuleDraft } from './naive-draft.js'
import { berElement, decodedBase64 } from './naive-values.js'

export function writeIsDataAt(draft: RuleDraft): void {
  const raw = !draft.snort3 && draft.chance(0.1)
  const buffer = raw ? 'raw_data' : draft.plainBuffer
  const relative = draft.isRelative(buffer)
  const left = draft.bytesOf(buffer).length - draft.originIn(buffer, relative)
  const at = Math.max(0, draft.near(draft.chance(0.6) ? left : draft.below(10)))
  const not = draft.chance(0.4) ? '!' : ''
  draft.push(`isdataat:${not}${draft.operand(at)}${relative ? ',relative' : ''}${raw ? ',rawbytes' : ''};`)
}

interface WrittenNumber {
  readonly words: string[]
  readonly buffer: string
  readonly count: number
  readonly offset: number
  readonly value: number
  readonly end: number
}

/** A number in the buffer: where it stands and how it is read. */
function numberIn(draft: RuleDraft): WrittenNumber {
  const relative = draft.isRelative(draft.plainBuffer)
  const buffer = relative ? draft.plainBuffer : draft.sticky
  const bytes = draft.bytesOf(buffer)
  const origin = draft.originIn(buffer, relative)
  const words: string[] = relative ? ['relative'] : []
  let at = Math.max(0, origin + draft.below(9) - (draft.chance(0.2) ? 4 : 0))
  if (draft.chance(0.3)) {
    const text = Buffer.from(bytes).toString('latin1')
    const digits = /[0-9 ][0-9a-fx]*/g
    digits.lastIndex = at
    const found = digits.exec(text)
    const base = draft.pick(['', 'dec', 'hex', 'oct'])
    words.push('string', ...(base === '' ? [] : [base]))
    const count = Math.min(10, Math.max(1, draft.near(found?.[0].length ?? 2)))
    if (found !== null) at = found.index
    const value = Number.parseInt(text.slice(at, at + count), { hex: 16, oct: 8 }[base] ?? 10)
    return {
      words,
      buffer,
      count,
      offset: at - origin,
      value: Number.isNaN(value) ? 1 : value,
      end: at + count,
    }
  }
  const count = draft.chance(0.4) ? 1 : 1 + draft.below(4)
  if (at + count > bytes.length && draft.chance(0.8)) at = Math.max(0, bytes.length - count)
  const part = [...bytes.subarray(at, at + count)]
  if (draft.talk.kind === 'dce' && draft.chance(0.3)) {
    words.push('dce')
    if (draft.turn.facts?.get('dce_little') === 1) part.reverse()
  } else if (draft.chance(0.4)) {
    words.push('little')
    part.reverse()
  }
  return {
    words,
    buffer,
    count,
    offset: at - origin,
    value: part.reduce((sum, byte) => sum * 256 + byte, 0),
    end: at + count,
  }
}

function addBitmask(draft: RuleDraft, words: string[]): void {
  if (draft.chance(0.15)) words.push(`bitmask 0x${(1 + draft.below(255)).toString(16)}`)
}

export function writeByteTest(draft: RuleDraft): void {
  const { words, count, offset, value } = numberIn(draft)
  addBitmask(draft, words)
  const operator = draft.pick(['<', '>', '=', '<=', '>=', '&', '^', '!=', '!', '!&', '!<', '!>', '!^'])
  const to = draft.operand(Math.max(0, draft.near(value)))
  draft.push(`byte_test:${[count, operator, to, draft.operand(offset), ...words].join(',')};`)
}

/** Adds words for a multiple, and for rounding up; what the value is with them. */
function scaled(
  draft: RuleDraft,
  words: string[],
  value: number,
  aligns: Readonly<Record<string, number>>,
): number {
  let result = value
  if (draft.chance(0.15)) {
    words.push('multiplier 2')
    result *= 2
  }
  if (draft.chance(0.25)) {
    const word = draft.pick(Object.keys(aligns))
    words.push(word)
    result = Math.ceil(result / aligns[word]!) * aligns[word]!
  }
  return result
}

export function writeByteJump(draft: RuleDraft): void {
  const { words, buffer, count, offset, value, end } = numberIn(draft)
  const jump = scaled(draft, words, value, { align: 4, 'align 4': 4, 'align 2': 2 })
  let target = end + jump
  const roll = draft.random()
  if (roll < 0.2) {
    words.push('from_beginning')
    target = jump
  } else if (roll < 0.3) {
    const after = jump + draft.below(6)
    words.push('from_end', `post_offset -${Math.min(after, 65_535)}`)
    target = draft.bytesOf(buffer).length + jump - after
  } else if (roll < 0.45) {
    const after = draft.below(5) - 2
    words.push(`post_offset ${draft.operand(after)}`)
    target += after
  }
  if (draft.chance(0.5)) addBitmask(draft, words)
  draft.push(`byte_jump:${[count, draft.operand(offset), ...words].join(',')};`)
  draft.moveTo(buffer, Math.max(0, Math.min(target, draft.bytesOf(buffer).length)))
}

export function writeByteExtract(draft: RuleDraft): void {
  if (draft.variables.length === 2) {
    writeByteTest(draft)
    return
  }
  const { words, buffer, count, offset, value, end } = numberIn(draft)
  const at = draft.operand(offset)
  const kept = scaled(draft, words, value, { 'align 4': 4, 'align 2': 2 })
  if (draft.chance(0.5)) addBitmask(draft, words)
  draft.push(`byte_extract:${[count, at, draft.newVariable(kept), ...words].join(',')};`)
  draft.moveTo(buffer, end)
}

export function writeByteMath(draft: RuleDraft): void {
  if (draft.variables.length === 2) {
    writeByteTest(draft)
    return
  }
  const { words, count, offset, value } = numberIn(draft)
  const operator = draft.pick(['+', '-', '*', '/', '<<', '>>'])
  const by = 1 + draft.below(4)
  const results: Readonly<Record<string, number>> = {
    '+': value + by,
    '-': value - by,
    '*': value * by,
    '/': Math.floor(value / by),
  }
  const order = words.includes('little') ? ['endian little'] : []
  const rest = words.filter((word) => !['little', 'dec', 'hex', 'oct', 'string'].includes(word))
  addBitmask(draft, rest)
  const base = words.find((word) => ['dec', 'hex', 'oct'].includes(word))
  const text = words.includes('string') ? [`string${base === undefined ? '' : ` ${base}`}`] : []
  const at = `offset ${draft.operand(offset)}`
  const by_ = draft.operand(by)
  const name = draft.newVariable(results[operator] ?? value)
  const parts = [`bytes ${count}`, at, `oper ${operator}`, `rvalue ${by_}`, `result ${name}`]
  draft.push(`byte_math:${[...parts, ...order, ...text, ...rest].join(',')};`)
}

/** `urilen`, `bufferlen`. */
export function writeLength(draft: RuleDraft): void {
  if (draft.snort3) {
    const relative = draft.isRelative(draft.sticky)
    const left = draft.bytesOf(draft.sticky).length - draft.originIn(draft.sticky, relative)
    draft.push(`bufferlen:${draft.test(Math.max(1, left))}${relative ? ',relative' : ''};`)
  } else if (draft.http && !draft.options.some((option) => option.startsWith('urilen'))) {
    const norm = draft.chance(0.5)
    const length = draft.bytesOf(norm ? 'http_uri' : 'http_raw_uri').length
    draft.push(`urilen:${draft.test(Math.max(1, length))}${norm ? ',norm' : draft.pick(['', ',raw'])};`)
  } else writeIsDataAt(draft)
}

/** `base64_decode` and `base64_data`, once in a rule. */
export function writeBase64(draft: RuleDraft): void {
  if (draft.base64 !== undefined) {
    writeByteTest(draft)
    return
  }
  const relative = draft.isRelative(draft.plainBuffer)
  const buffer = relative ? draft.plainBuffer : draft.sticky
  const bytes = draft.bytesOf(buffer)
  const origin = draft.originIn(buffer, relative)
  const offset = draft.below(Math.max(1, Math.min(12, bytes.length - origin)))
  const words = offset === 0 && draft.chance(0.5) ? [] : [`offset ${offset}`]
  const most = draft.chance(0.4) ? 1 + draft.below(12) : undefined
  if (most !== undefined) words.push(`bytes ${most}`)
  if (relative) words.push('relative')
  draft.push(`base64_decode${words.length === 0 ? '' : `:${words.join(', ')}`};`)
  const from = origin + offset
  draft.base64 = decodedBase64(bytes.subarray(from, most === undefined ? undefined : from + most))
  draft.push('base64_data;')
  draft.sticky = 'base64_data'
  draft.moveTo('base64_data', 0)
}

export function writeHash(draft: RuleDraft): void {
  const bytes = draft.bytesOf(draft.sticky)
  const relative = draft.isRelative(draft.sticky)
  const origin = draft.originIn(draft.sticky, relative)
  const far = draft.chance(0.15) ? bytes.length - 4 : 0
  const offset = far + draft.below(8) - (relative ? 2 : 0)
  const length = 1 + draft.below(6)
  const part = Uint8Array.from(
    bytes.subarray(Math.max(0, origin + offset), Math.max(0, origin + offset) + length),
  )
  if (draft.chance(0.15)) part[0] = 0x61
  const name = draft.pick(['md5', 'sha256', 'sha512'])
  const digest = createHash(name).update(part).digest('hex')
  const not = draft.chance(0.3) ? '!' : ''
  const words = [`length ${length}`]
  if (offset !== 0 || draft.chance(0.5)) words.push(`offset ${offset}`)
  if (relative) words.push('relative')
  draft.push(`${name}:${not}"${digest}",${words.join(',')};`)
  if (not === '') draft.moveTo(draft.sticky, Math.min(bytes.length, origin + offset + length))
}

/** At the cursor, which is put before an element first when there is one. */
export function writeBer(draft: RuleDraft): void {
  const bytes = draft.bytesOf(draft.sticky)
  const starts = [...bytes.keys()].filter((at) => [2, 4, 0x30].includes(bytes[at]!) && at > 0)
  if (starts.length > 0 && draft.chance(0.8)) {
    const at = draft.pick(starts)
    const before = bytes[at - 1]!.toString(16).padStart(2, '0')
    draft.push(`content:"|${before}|", offset ${at - 1}${draft.chance(0.5) ? '' : ', depth 1'};`)
    draft.positive = true
    draft.moveTo(draft.sticky, at)
  }
  const count = 1 + draft.below(3)
  for (let i = 0; i < count; i++) {
    const at = draft.originIn(draft.sticky, true)
    const element = berElement(bytes, at)
    const type = draft.near(element?.type ?? 2) & 255
    const skip = draft.chance(0.6)
    const optional = skip && draft.chance(0.3)
    draft.push(`ber_${skip ? 'skip' : 'data'}:${type}${optional ? ',optional' : ''};`)
    if (element === undefined) continue
    const next = skip ? element.content + (element.length ?? 0) : element.content
    draft.moveTo(draft.sticky, Math.min(bytes.length, next))
  }
}

export function writeSensitive(draft: RuleDraft): void {
  const pattern = draft.pick([
    'us_social',
    'us_social_nodashes',
    'credit_card',
    '[ab]+',
    'a.b',
    '\\\\d{2}',
    '(?:ab)+x?',
    'b*',
  ])
  const threshold = draft.chance(0.5) ? '' : `,threshold ${1 + draft.below(4)}`
  draft.push(`sd_pattern:"${pattern}"${threshold};`)
}

/** `rpc`: of the call at hand, or another. */
function writeRpc(draft: RuleDraft): void {
  const bytes = Buffer.from(draft.bytesOf('pkt_data'))
  const [program, version, procedure] =
    bytes.length < 24 ? [1, 1, 1] : [12, 16, 20].map((at) => bytes.readUInt32BE(at))
  const near = (value: number): string =>
    draft.chance(0.3) ? '*' : `${draft.chance(0.9) ? value : value + 1}`
  draft.push(`rpc:${program},${near(version!)},${near(procedure!)};`)
}

/** `rpc`, `cvs`, `ftpbounce`: on what the buffer holds, or not. */
export function writeStructure(draft: RuleDraft): void {
  if (draft.talk.kind === 'udp' && draft.chance(0.5)) {
    writeRpc(draft)
    return
  }
  if (draft.chance(0.4)) {
    draft.push('cvs:invalid-entry;')
    return
  }
  if (draft.snort3) {
    writeBer(draft)
    return
  }
  const digits = /[ \t]*\d+,/.exec(Buffer.from(draft.bytesOf(draft.sticky)).toString('latin1'))
  if (digits !== null && digits.index > 0 && draft.chance(0.9)) {
    const before = draft.bytesOf(draft.sticky)[digits.index - 1]!.toString(16).padStart(2, '0')
    draft.push(`content:"|${before}|"; offset:${digits.index - 1};`)
    draft.positive = true
    draft.moveTo(draft.sticky, digits.index)
  }
  draft.push('ftpbounce;')
}
