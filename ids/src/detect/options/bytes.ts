/** `byte_test`, `byte_jump`, `byte_extract`, `byte_math` (snort-manual 3.5.33 and following): numbers in the payload. */
import type { BufferId } from '../../inspect/buffers.js'
import { FACTS } from '../../protocol/facts.js'
import type {
  ByteExtractOption,
  ByteJumpOption,
  ByteMathOption,
  ByteRead,
  ByteTestOption,
} from '../../rules/model.js'
import type { Evaluation, Evaluator } from '../evaluation.js'
import type { Operand, VariableNames } from './numbers.js'

const MAX_UINT32 = 2 ** 32

function digitOf(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const lower = byte | 0x20
  return lower >= 0x61 && lower <= 0x7a ? lower - 0x61 + 10 : 36
}

/** strtoul over at most `count` bytes, as an unsigned 32-bit number; -1 when it does not begin with a number. */
export function parseText(
  bytes: Uint8Array,
  start: number,
  count: number,
  textBase: 0 | 8 | 10 | 16,
): number {
  const end = start + count
  let at = start
  while (at < end && (bytes[at] === 0x20 || (bytes[at]! >= 0x09 && bytes[at]! <= 0x0d))) at++
  let negative = false
  if (at < end && (bytes[at] === 0x2b || bytes[at] === 0x2d)) negative = bytes[at++] === 0x2d
  let base: number = textBase
  const zero = at < end && bytes[at] === 0x30
  const prefixed = zero && at + 2 < end && (bytes[at + 1]! | 0x20) === 0x78 && digitOf(bytes[at + 2]!) < 16
  if (prefixed && (base === 0 || base === 16)) {
    at += 2
    base = 16
  } else if (base === 0) base = zero ? 8 : 10
  const first = at
  let value = 0
  for (; at < end; at++) {
    const digit = digitOf(bytes[at]!)
    if (digit >= base) break
    value = value * base + digit
  }
  if (at === first) return -1
  return (negative ? -value : value) >>> 0
}

function trailingZeros(mask: number): number {
  return mask === 0 ? 0 : 31 - Math.clz32(mask & -mask)
}

/** Reads the number; `at` is left behind it. */
export class ByteReader {
  readonly buffer: BufferId
  /** Index behind the bytes of the last read. */
  at = 0
  readonly #count: number
  readonly #offset: Operand
  readonly #relative: boolean
  readonly #little: boolean
  readonly #textBase: 0 | 8 | 10 | 16 | undefined
  readonly #dce: boolean
  readonly #bitmask: number
  readonly #shift: number

  constructor(read: ByteRead, variables: VariableNames) {
    this.buffer = read.buffer
    this.#count = read.count
    this.#offset = variables.resolve(read.offset)
    this.#relative = read.relative
    this.#little = read.littleEndian
    this.#textBase = read.textBase
    this.#dce = read.dce
    this.#bitmask = read.bitmask ?? 0xffff_ffff
    this.#shift = read.bitmask === undefined ? 0 : trailingZeros(read.bitmask)
  }

  /** The unsigned 32-bit value, or -1: bytes not wholly inside the buffer, no number there, cursor out of bounds. */
  read(state: Evaluation, slot: BufferId): number {
    const buffers = state.buffers
    const end = buffers.end[slot]!
    if (end < 0) return -1
    const start = buffers.start[slot]!
    const from = this.#relative ? state.origin(slot) : start - buffers.base[slot]!
    const at = from + this.#offset.get(state)
    let count = this.#count
    // Snort 3 reads a number in text form as far as the buffer goes.
    if (this.#textBase !== undefined && state.snort3 && at < end) count = Math.min(count, end - at)
    if (at < start || at + count > end) return -1
    this.at = at + count
    const bytes = buffers.bytes[slot]!
    let value = 0
    if (this.#textBase !== undefined) {
      value = parseText(bytes, at, count, this.#textBase)
      if (value < 0) return -1
    } else {
      const little = this.#dce ? dceLittleEndian(state) : this.#little ? 1 : 0
      if (little < 0) return -1
      value = little === 1 ? readLittle(bytes, at, count) : readBig(bytes, at, count)
    }
    return ((value & this.#bitmask) >>> 0) >>> this.#shift
  }
}

function readBig(bytes: Uint8Array, at: number, count: number): number {
  let value = 0
  for (let i = 0; i < count; i++) value = (value << 8) | bytes[at + i]!
  return value >>> 0
}

function readLittle(bytes: Uint8Array, at: number, count: number): number {
  let value = 0
  for (let i = count - 1; i >= 0; i--) value = (value << 8) | bytes[at + i]!
  return value >>> 0
}

/** Byte order of the DCE/RPC message: 1 little, 0 big, -1 when the unit is none. */
function dceLittleEndian(state: Evaluation): number {
  const { facts } = state
  if (facts.kind !== FACTS.DCE) return -1
  return facts.dceLittleEndian ? 1 : 0
}

function align(value: number, to: number): number {
  return to === 1 ? value : Math.ceil(value / to) * to
}

export class ByteTestEvaluator implements Evaluator {
  readonly #reader: ByteReader
  readonly #op: ByteTestOption['op']
  readonly #negated: boolean
  readonly #value: Operand

  constructor(option: ByteTestOption, variables: VariableNames) {
    this.#reader = new ByteReader(option, variables)
    this.#op = option.op
    this.#negated = option.negated
    this.#value = variables.resolve(option.value)
  }

  test(state: Evaluation): boolean {
    const value = this.#reader.read(state, state.slot(this.#reader.buffer))
    if (value < 0) return false
    return this.#compare(value, this.#value.get(state) >>> 0) !== this.#negated
  }

  #compare(value: number, to: number): boolean {
    switch (this.#op) {
      case '<':
        return value < to
      case '>':
        return value > to
      case '=':
        return value === to
      case '<=':
        return value <= to
      case '>=':
        return value >= to
      case '&':
        return (value & to) !== 0
      case '^':
        return value !== to
    }
  }
}

export class ByteJumpEvaluator implements Evaluator {
  readonly #reader: ByteReader
  readonly #multiplier: number
  readonly #align: number
  readonly #from: ByteJumpOption['from']
  readonly #postOffset: Operand

  constructor(option: ByteJumpOption, variables: VariableNames) {
    this.#reader = new ByteReader(option, variables)
    this.#multiplier = option.multiplier
    this.#align = option.align
    this.#from = option.from
    this.#postOffset = variables.resolve(option.postOffset)
  }

  test(state: Evaluation): boolean {
    const slot = state.slot(this.#reader.buffer)
    const value = this.#reader.read(state, slot)
    if (value < 0) return false
    const { buffers } = state
    const start = buffers.start[slot]!
    const end = buffers.end[slot]!
    let from = this.#reader.at
    if (this.#from === 'beginning') from = start - buffers.base[slot]!
    else if (this.#from === 'end') from = end
    const target = from + align(value * this.#multiplier, this.#align) + this.#postOffset.get(state)
    if (target < start || target > end) return false
    state.setCursor(slot, target)
    return true
  }
}

export class ByteExtractEvaluator implements Evaluator {
  readonly #reader: ByteReader
  readonly #relative: boolean
  readonly #variable: number
  readonly #multiplier: number
  readonly #align: number

  constructor(option: ByteExtractOption, variables: VariableNames) {
    this.#reader = new ByteReader(option, variables)
    this.#relative = option.relative
    this.#variable = variables.define(option.name)
    this.#multiplier = option.multiplier
    this.#align = option.align
  }

  test(state: Evaluation): boolean {
    // Snort 2 does not let a relative byte_extract start from a cursor that no option has set.
    if (this.#relative && !state.snort3 && state.cursorSlot < 0) return false
    const slot = state.slot(this.#reader.buffer)
    const value = this.#reader.read(state, slot)
    if (value < 0) return false
    state.variables[this.#variable] = align(value * this.#multiplier, this.#align) % MAX_UINT32
    state.setCursor(slot, this.#reader.at)
    return true
  }
}

export class ByteMathEvaluator implements Evaluator {
  readonly #reader: ByteReader
  readonly #op: ByteMathOption['op']
  readonly #value: Operand
  readonly #variable: number

  constructor(option: ByteMathOption, variables: VariableNames) {
    this.#reader = new ByteReader(option, variables)
    this.#op = option.op
    this.#value = variables.resolve(option.value)
    this.#variable = variables.define(option.name)
  }

  test(state: Evaluation): boolean {
    const value = this.#reader.read(state, state.slot(this.#reader.buffer))
    if (value < 0) return false
    const by = this.#value.get(state)
    let result: number
    switch (this.#op) {
      case '+':
        result = value + by
        break
      case '-':
        result = value - by
        break
      case '*':
        result = Math.imul(value, by)
        break
      case '/':
        if (by === 0) return false
        result = Math.floor(value / by)
        break
      case '<<':
        result = by > 31 ? 0 : value << by
        break
      case '>>':
        result = by > 31 ? 0 : value >>> by
        break
    }
    state.variables[this.#variable] = result >>> 0
    return true
  }
}
