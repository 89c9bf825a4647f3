/**
 * A rule as the naive evaluator has it, and what its readers share. Buffers go by Snort's names; a part of an HTTP message
 * by its name and argument (`http_header:field x`), what a response's request had by `request ` before that.
 */
import type { BufferId } from '../../ids/src/inspect/buffers.js'
import type { ContentOption, Dialect, NumericTest, RuleOption } from '../../ids/src/rules/model.js'

/** What a message of a protocol is about; see `naive-protocols`. */
type FactOf = (name: string) => number | string | undefined

/** A model of the option with the name of its buffer in place of a number. */
type Named<T> = T extends { readonly buffer: BufferId } ? Omit<T, 'buffer'> & { readonly buffer: string } : T

type HttpKinds = 'set_buffer' | 'http_number' | 'http_version_match' | 'http_field_test'

export type NaiveOption =
  | Named<Exclude<RuleOption, { readonly kind: HttpKinds }>>
  | { readonly kind: 'set_buffer'; readonly buffer: string }
  /** A number about the head of a message; `versions` in place of a test. */
  | {
      readonly kind: 'http_number'
      readonly what: string
      readonly holds: (value: number) => boolean
    }
  /** A condition on what a message is about. */
  | { readonly kind: 'message_fact'; readonly holds: (of: FactOf) => boolean }
  | {
      readonly kind: 'http_field_test'
      readonly buffer: string
      readonly check: NumericTest | undefined
      readonly numeric: boolean | undefined
      readonly absent: boolean
    }

export type NaiveContent = Named<ContentOption>

export interface NaiveHeader {
  readonly protocol: string
  readonly bidirectional: boolean
  readonly source: NaiveEnd
  readonly destination: NaiveEnd
}

export interface NaiveEnd {
  readonly address: (address: string) => boolean
  readonly port: (port: number) => boolean
}

export interface NaiveRule {
  readonly sid: number
  readonly dialect: Dialect
  readonly header: NaiveHeader
  readonly services: readonly string[]
  readonly options: readonly NaiveOption[]
}

/** What stands behind the word, `offset 3` → `3`. */
export function argumentOf(words: readonly string[], word: string): string | undefined {
  return words.find((one) => one.startsWith(`${word} `))?.slice(word.length + 1)
}

export function alignment(words: readonly string[]): 1 | 2 | 4 {
  if (words.includes('align')) return 4
  return Number(argumentOf(words, 'align') ?? 1) as 1 | 2 | 4
}

export function matchOf(text: string): 'exact' | 'all' | 'any' | 'none' {
  return text.includes('+') ? 'all' : text.includes('*') ? 'any' : text.includes('!') ? 'none' : 'exact'
}

export function numericTest(text: string, between: 'inclusive' | 'exclusive'): NumericTest {
  const range = /^(\d+)(<>|<=>|-)(\d+)$/.exec(text)
  if (range !== null) {
    const op = range[2] === '<>' ? (`range-${between}` as const) : 'range-inclusive'
    return { op, lo: Number(range[1]), hi: Number(range[3]) }
  }
  const [, op, digits] = /^(<=|>=|!=|[<>=!]?)(\d+)$/.exec(text)!
  const lo = Number(digits)
  return { op: op === '' ? '=' : op === '!' ? '!=' : (op as '<'), lo, hi: lo }
}

export function holds({ op, lo, hi }: NumericTest, value: number): boolean {
  switch (op) {
    case '=':
      return value === lo
    case '!=':
      return value !== lo
    case '<':
      return value < lo
    case '>':
      return value > lo
    case '<=':
      return value <= lo
    case '>=':
      return value >= lo
    case 'range-inclusive':
      return value >= lo && value <= hi
    case 'range-exclusive':
      return value > lo && value < hi
  }
}
