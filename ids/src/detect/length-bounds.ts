/**
 * Bounds on the length of one buffer, outside of which a rule cannot match: most tries of most rules end here.
 *
 * In: a rule's options. Out: the buffer with the tightest lower bound and, if it has one, its upper bound. Read by the
 * detector before anything else of a candidate is looked at.
 */
import { BUF, type BufferId, type BufferSet, HTTP_BODY, isPartSlot } from '../inspect/buffers.js'
import type { NumericTest, PcreOption, RuleOption } from '../rules/model.js'

export const NO_MAX = 0x7fff_ffff
/** More than any bound a rule can ask for. */
const LONG = 0x3fff_ffff

export interface LengthBounds {
  readonly buffer: BufferId
  /** Bytes, inclusive. */
  readonly min: number
  readonly max: number
}

type Bound = readonly [buffer: BufferId, min: number, max: number]

function ofTest({ op, lo, hi }: NumericTest): readonly [min: number, max: number] {
  switch (op) {
    case '=':
      return [lo, lo]
    case '<':
      return [0, lo - 1]
    case '<=':
      return [0, lo]
    case '>':
      return [lo + 1, NO_MAX]
    case '>=':
      return [lo, NO_MAX]
    case 'range-inclusive':
      return [lo, hi]
    case 'range-exclusive':
      return [lo + 1, hi - 1]
    case '!=':
      return [0, NO_MAX]
  }
}

/** What one option demands; undefined = nothing that holds for every match. */
function boundOf(option: RuleOption, leastMatch: (option: PcreOption) => number): Bound | undefined {
  switch (option.kind) {
    case 'content':
      return option.negated ? undefined : [option.buffer, option.bytes.length, NO_MAX]
    case 'pcre':
      return option.negated ? undefined : [option.buffer, leastMatch(option), NO_MAX]
    case 'dsize':
      return [BUF.PKT_DATA, ...ofTest(option.test)]
    case 'buffer_length':
      return option.relative ? undefined : [option.buffer, ...ofTest(option.test)]
    case 'isdataat':
      if (option.relative || typeof option.at !== 'number') return undefined
      return option.negated ? [option.buffer, 0, option.at] : [option.buffer, option.at + 1, NO_MAX]
    default:
      return undefined
  }
}

/** @param leastMatch bytes that a match of an expression has at least */
export function lengthBounds(
  options: readonly RuleOption[],
  leastMatch: (option: PcreOption) => number,
): LengthBounds {
  const bounds: Bound[] = []
  for (const option of options) {
    const bound = boundOf(option, leastMatch)
    if (bound !== undefined && isBounded(bound[0])) bounds.push(bound)
  }
  let [buffer, min, max]: Bound = [BUF.PKT_DATA, 0, NO_MAX]
  for (const bound of bounds) {
    // An upper bound is worth more than a lower one; among lower ones the highest.
    const better = bound[2] !== max ? bound[2] < max : bound[1] > min
    if (better) [buffer, min, max] = bound
  }
  for (const bound of bounds) {
    if (bound[0] !== buffer) continue
    min = Math.max(min, bound[1])
    max = Math.min(max, bound[2])
  }
  return { buffer, min, max }
}

function isBounded(buffer: BufferId): boolean {
  return buffer !== BUF.BASE64_DATA && buffer !== BUF.RAW_DATA && !isPartSlot(buffer)
}

/** The lengths of a unit's buffers, as rules see them. */
export class UnitLengths {
  #buffers: BufferSet | undefined
  #packet = 0
  /** What is packet data to rules that see the body of a message alone. */
  #body = 0

  /** @param http packet data may be the body alone, so either must do */
  measure(buffers: BufferSet, http: boolean): void {
    this.#buffers = buffers
    this.#packet = lengthOf(buffers, BUF.PKT_DATA)
    const body = buffers.has(HTTP_BODY) ? HTTP_BODY : BUF.FILE_DATA
    this.#body = http ? Math.max(0, lengthOf(buffers, body)) : this.#packet
  }

  /** The buffer is too short or too long for a rule. */
  excludes(id: number, min: number, max: number): boolean {
    if (id !== BUF.PKT_DATA) {
      const length = lengthOf(this.#buffers!, id)
      return length < min || length > max
    }
    const packet = this.#packet
    if (packet >= min && packet <= max) return false
    const body = this.#body
    return body < min || body > max
  }
}

/** Bytes from the logical start on; -1 = absent. */
function lengthOf({ start, end, base }: BufferSet, id: number): number {
  const last = end[id]!
  if (last < 0) return -1
  const before = base[id]!
  return last - start[id]! + (before > LONG ? LONG : before | 0)
}
