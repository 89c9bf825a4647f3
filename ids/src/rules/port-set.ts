/**
 * Port lists of rule headers: `any`, N, N:M, N:, :N, lists, variables, negation of each.
 *
 * A list of only negated members is the complement of their union; otherwise negated members are taken away.
 */
import type { PortSet } from './model.js'
import { quote, syntaxError, valueError } from './problem.js'
import { isBlank } from './statement.js'

export type PortRange = readonly [low: number, high: number]

const MAX_PORT = 65_535
const MAX_NESTING = 32

export const ANY_PORT: PortSet = { any: true, ranges: [[0, MAX_PORT]] }

/** Looks a variable up as a set of ports. @throws RuleTextError when undefined or wrong */
export type PortVariable = (name: string, offset: number) => PortSet

interface Item {
  readonly negated: boolean
  readonly ranges: readonly PortRange[]
  readonly end: number
}

/** @throws RuleTextError with offsets counted from `base` */
export function parsePortSet(text: string, base: number, variable: PortVariable): PortSet {
  if (text === 'any') return ANY_PORT
  const { negated, ranges, end } = item(text, 0, base, variable, 0)
  if (end !== text.length) {
    throw syntaxError('bad port', `unexpected ${quote(text.slice(end))} after the port`, base + end)
  }
  const result = negated ? complement(ranges) : ranges
  if (result.length === 0)
    throw valueError('port list matches nothing', 'the ports listed exclude each other', base)
  const any = result.length === 1 && result[0]![0] === 0 && result[0]![1] === MAX_PORT
  return any ? ANY_PORT : { any: false, ranges: result }
}

function item(text: string, from: number, base: number, variable: PortVariable, nesting: number): Item {
  let at = skipBlanks(text, from)
  let negated = false
  while (text.charCodeAt(at) === 33) {
    negated = !negated
    at = skipBlanks(text, at + 1)
  }
  if (text.charCodeAt(at) === 91) {
    const inner = list(text, at, base, variable, nesting + 1)
    return { negated, ranges: inner.ranges, end: inner.end }
  }
  // `$(NAME:?text)` may hold blanks.
  let end = text.startsWith('$(', at) ? Math.max(at, text.indexOf(')', at)) : at
  while (end < text.length && !isDelimiter(text.charCodeAt(end))) end++
  const word = text.slice(at, end)
  if (word === '') throw syntaxError('bad port', 'a port is missing', base + at)
  let ranges: readonly PortRange[]
  if (word.charCodeAt(0) === 36) ranges = variable(word, base + at).ranges
  else if (word.toLowerCase() === 'any') ranges = ANY_PORT.ranges
  else ranges = [range(word, base + at)]
  if (negated && complement(ranges).length === 0) {
    throw valueError("'!any' is not allowed", "'!any' matches nothing and is not allowed", base + at)
  }
  return { negated, ranges, end: skipBlanks(text, end) }
}

function list(
  text: string,
  open: number,
  base: number,
  variable: PortVariable,
  nesting: number,
): { ranges: readonly PortRange[]; end: number } {
  if (nesting > MAX_NESTING) {
    throw valueError('list nested too deeply', `lists nest deeper than ${MAX_NESTING}`, base + open)
  }
  const positive: PortRange[] = []
  const negative: PortRange[] = []
  let onlyNegated = true
  let at = open + 1
  for (;;) {
    const member = item(text, at, base, variable, nesting)
    if (!member.negated) onlyNegated = false
    const target = member.negated ? negative : positive
    for (const r of member.ranges) target.push(r)
    at = member.end
    const c = text.charCodeAt(at)
    if (c === 44) at++
    else if (c === 93) break
    else if (at >= text.length)
      throw syntaxError('unclosed list', "the list is not closed by ']'", base + open)
    else throw syntaxError('bad port', `expected ',' or ']' before ${quote(text.slice(at))}`, base + at)
  }
  const excluded = complement(normalise(negative))
  const ranges = onlyNegated ? excluded : intersect(normalise(positive), excluded)
  return { ranges, end: skipBlanks(text, at + 1) }
}

const RANGE = /^(\d{1,5})?(?:(:)(\d{1,5})?)?$/

function range(word: string, offset: number): PortRange {
  const match = RANGE.exec(word)
  if (match === null || (match[1] === undefined && match[3] === undefined)) {
    throw valueError('bad port', `${quote(word)} is not a port or a range of ports`, offset)
  }
  const low = match[1] === undefined ? 0 : Number(match[1])
  const high = match[2] === undefined ? low : match[3] === undefined ? MAX_PORT : Number(match[3])
  if (low > MAX_PORT || high > MAX_PORT) {
    throw valueError('bad port', `port ${Math.max(low, high)} is greater than ${MAX_PORT}`, offset)
  }
  if (low > high) throw valueError('reversed port range', `port range ${word} runs backwards`, offset)
  return [low, high]
}

function isDelimiter(code: number): boolean {
  return code === 44 || code === 93 || code === 91 || isBlank(code)
}

function skipBlanks(text: string, at: number): number {
  let i = at
  while (isBlank(text.charCodeAt(i))) i++
  return i
}

function normalise(ranges: PortRange[]): PortRange[] {
  ranges.sort((a, b) => a[0] - b[0])
  const out: [number, number][] = []
  for (const [low, high] of ranges) {
    const last = out.at(-1)
    if (last !== undefined && low <= last[1] + 1) last[1] = Math.max(last[1], high)
    else out.push([low, high])
  }
  return out
}

function complement(ranges: readonly PortRange[]): PortRange[] {
  const out: PortRange[] = []
  let next = 0
  for (const [low, high] of ranges) {
    if (low > next) out.push([next, low - 1])
    next = high + 1
  }
  if (next <= MAX_PORT) out.push([next, MAX_PORT])
  return out
}

function intersect(a: readonly PortRange[], b: readonly PortRange[]): PortRange[] {
  const out: PortRange[] = []
  let i = 0
  let j = 0
  while (i < a.length && j < b.length) {
    const low = Math.max(a[i]![0], b[j]![0])
    const high = Math.min(a[i]![1], b[j]![1])
    if (low <= high) out.push([low, high])
    if (a[i]![1] < b[j]![1]) i++
    else j++
  }
  return out
}

/** `any`, `80`, `[80,8000:8080]`. */
export function formatPorts(set: PortSet): string {
  if (set.any) return 'any'
  const parts = set.ranges.map(([low, high]) => (low === high ? String(low) : `${low}:${high}`))
  return parts.length === 1 ? parts[0]! : `[${parts.join(',')}]`
}
