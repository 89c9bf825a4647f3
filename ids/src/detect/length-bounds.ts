/**
 * Bounds on the length of one buffer, outside of which a rule cannot match: most tries of most rules end here.
 *
 * In: a rule's options. Out: the buffer with the tightest lower bound and, if it has one, its upper bound. Read by the
 * detector before anything else of a candidate is looked at.
 */
import { BUF, type BufferId, type BufferSet, isPartSlot } from '../inspect/buffers.js'
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
  let best: Bound = [BUF.PKT_DATA, 0, NO_MAX]
  for (const option of options) {
    const bound = boundOf(option, leastMatch)
    if (
      bound === undefined ||
      bound[0] === BUF.BASE64_DATA ||
      bound[0] === BUF.RAW_DATA ||
      isPartSlot(bound[0])
    )
      continue
    // An upper bound is worth more than a lower one; among lower ones the highest.
    const better = bound[2] !== best[2] ? bound[2] < best[2] : bound[1] > best[1]
    if (better) best = bound
  }
  const [buffer, min, max] = best
  return { buffer, min, max }
}

/** The lengths of a unit's buffers, measured once for all rules. */
export class UnitLengths {
  /** By buffer: the longest and the shortest that a rule may see there; less than 0 = absent. */
  readonly #most = new Int32Array(BUF.HTTP_PART)
  readonly #least = new Int32Array(BUF.HTTP_PART)

  /** @param http packet data may be the body alone, so either must do */
  measure(buffers: BufferSet, http: boolean): void {
    const { start, end, base } = buffers
    const most = this.#most
    const least = this.#least
    for (let id = 0; id < BUF.HTTP_PART; id++) {
      const before = base[id]!
      const length = end[id]! - start[id]! + (before > LONG ? LONG : before | 0)
      most[id] = length
      least[id] = length
    }
    if (!http) return
    const body = most[BUF.FILE_DATA]!
    if (body > most[BUF.PKT_DATA]!) most[BUF.PKT_DATA] = body
    if (body < least[BUF.PKT_DATA]!) least[BUF.PKT_DATA] = body
  }

  /** The buffer is too short or too long for a rule. */
  excludes(id: number, min: number, max: number): boolean {
    return this.#most[id]! < min || this.#least[id]! > max
  }
}
