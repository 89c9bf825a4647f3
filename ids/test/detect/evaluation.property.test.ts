/**
 * Option evaluation against a brute-force evaluator written from the description of the options alone: it tries every
 * position a positive content may match at, in every combination, with no search algorithm, no pruning and no budget.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BUF } from '../../src/inspect/buffers.js'
import type { ByteTestOption, ContentOption, Dialect, IsDataAtOption } from '../../src/rules/model.js'
import { evaluate } from './rules.js'

type NaiveOption = ContentOption | IsDataAtOption | ByteTestOption

const lower = (byte: number): number => (byte >= 65 && byte <= 90 ? byte + 32 : byte)

function standsAt(payload: Uint8Array, option: ContentOption, at: number): boolean {
  return option.bytes.every((byte, i) =>
    option.nocase ? lower(payload[at + i]!) === lower(byte) : payload[at + i] === byte,
  )
}

/** `undefined` = the option fails whatever its negation says. */
function positions(
  payload: Uint8Array,
  option: ContentOption,
  cursor: number,
  dialect: Dialect,
): number[] | undefined {
  let low = (option.relative ? cursor : 0) + (option.offset as number)
  let high =
    option.depth === undefined ? payload.length : Math.min(payload.length, low + (option.depth as number))
  if (low < 0) {
    if (dialect === 'snort2' && (option.depth === undefined || high <= 0)) return undefined
    if (option.depth === undefined) high = payload.length
    low = 0
  }
  const found: number[] = []
  for (let at = low; at + option.bytes.length <= high; at++) if (standsAt(payload, option, at)) found.push(at)
  return found
}

function byteValue(payload: Uint8Array, option: ByteTestOption, cursor: number): number | undefined {
  const at = (option.relative ? cursor : 0) + (option.offset as number)
  if (at < 0 || at + option.count > payload.length) return undefined
  const bytes = [...payload.subarray(at, at + option.count)]
  if (option.littleEndian) bytes.reverse()
  return bytes.reduce((sum, byte) => sum * 256 + byte, 0)
}

function compare(op: ByteTestOption['op'], value: number, to: number): boolean {
  if (op === '<') return value < to
  if (op === '>') return value > to
  if (op === '=') return value === to
  if (op === '<=') return value <= to
  if (op === '>=') return value >= to
  if (op === '&') return (BigInt(value) & BigInt(to)) !== 0n
  return value !== to
}

function naive(payload: Uint8Array, options: readonly NaiveOption[], dialect: Dialect, cursor = 0): boolean {
  const [option, ...rest] = options
  if (option === undefined) return true
  if (option.kind === 'isdataat') {
    const exists = (option.relative ? cursor : 0) + (option.at as number) < payload.length
    return exists !== option.negated && naive(payload, rest, dialect, cursor)
  }
  if (option.kind === 'byte_test') {
    const value = byteValue(payload, option, cursor)
    if (value === undefined) return false
    return (
      compare(option.op, value, option.value as number) !== option.negated &&
      naive(payload, rest, dialect, cursor)
    )
  }
  const found = positions(payload, option, cursor, dialect)
  if (found === undefined) return false
  if (option.negated) {
    // Snort 2: a content that is not relative forgets the cursor, whether it is found or not.
    const after = option.relative || dialect === 'snort3' ? cursor : 0
    return found.length === 0 && naive(payload, rest, dialect, after)
  }
  const next = rest[0]
  const tried = next?.relative === true ? found : found.slice(0, 1)
  return tried.some((at) => naive(payload, rest, dialect, at + option.bytes.length))
}

const byte = fc.constantFrom(0x61, 0x62, 0x41, 0x42, 0x00)
const payloads = fc
  .uint8Array({ maxLength: 40 })
  .map((bytes) => bytes.map((b) => [0x61, 0x62, 0x41, 0x42, 0][b % 5]!))

const contents: fc.Arbitrary<NaiveOption> = fc
  .record({
    bytes: fc.array(byte, { minLength: 1, maxLength: 4 }).map((list) => Uint8Array.from(list)),
    negated: fc.boolean(),
    nocase: fc.boolean(),
    relative: fc.boolean(),
    offset: fc.integer({ min: -6, max: 12 }),
    slack: fc.option(fc.nat(10), { nil: undefined }),
  })
  .map(({ bytes, negated, nocase, relative, offset, slack }) => ({
    kind: 'content',
    buffer: BUF.PKT_DATA,
    bytes,
    negated,
    nocase,
    relative,
    offset,
    depth: slack === undefined ? undefined : bytes.length + slack,
    fastPattern: undefined,
  }))

const isDataAt: fc.Arbitrary<NaiveOption> = fc.record({
  kind: fc.constant('isdataat' as const),
  buffer: fc.constant(BUF.PKT_DATA),
  at: fc.nat(20),
  negated: fc.boolean(),
  relative: fc.boolean(),
})

const byteTest: fc.Arbitrary<NaiveOption> = fc.record({
  kind: fc.constant('byte_test' as const),
  buffer: fc.constant(BUF.PKT_DATA),
  count: fc.integer({ min: 1, max: 4 }),
  offset: fc.integer({ min: -4, max: 8 }),
  relative: fc.boolean(),
  littleEndian: fc.boolean(),
  textBase: fc.constant(undefined),
  dce: fc.constant(false),
  bitmask: fc.constant(undefined),
  op: fc.constantFrom('<', '>', '=', '<=', '>=', '&', '^'),
  negated: fc.boolean(),
  value: fc.constantFrom(0, 0x61, 0x6161, 0x61_62_41_42, 0x80),
})

const chains = fc.array(fc.oneof({ weight: 5, arbitrary: contents }, isDataAt, byteTest), {
  minLength: 1,
  maxLength: 5,
})

describe('option evaluation', () => {
  for (const dialect of ['snort2', 'snort3'] as const) {
    it(`gives the verdict of the brute-force evaluator (${dialect})`, () => {
      fc.assert(
        fc.property(chains, payloads, (options, payload) => {
          expect(evaluate(options, payload, { dialect })).toBe(naive(payload, options, dialect))
        }),
        { numRuns: 20_000 },
      )
    })
  }
})
