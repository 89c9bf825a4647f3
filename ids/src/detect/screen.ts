/**
 * The screen of a rule: a part of one of its regular expressions that is searched for before the rule is tried.
 *
 * In: a rule that has no fast pattern worth searching for. Out: an expression for the screens of its group, or undefined
 * when the rule must be tried on every message. Like fast patterns, screens decide nothing but speed: where the part is
 * not found, the rule's own expression cannot match.
 */
import { BUF, type BufferId } from '../inspect/buffers.js'
import { regexFactors } from '../match/regex-factor.js'
import { parseRegex } from '../match/regex-parse.js'
import type { Node } from '../match/regex-syntax.js'
import type { PcreOption, Rule } from '../rules/model.js'
import {
  choiceFor,
  isEligible,
  maySeeBodyOnly,
  type PatternSetId,
  SET_OF_BUFFER,
  weight,
} from './fast-pattern.js'

export interface Screen {
  /** Buffer the expression looks at. */
  readonly buffer: BufferId
  readonly set: PatternSetId
  readonly text: string
  /** It may match in file data that is not part of the raw bytes. */
  readonly inFileData: boolean
  /** The bytes as they came must be searched too, where packet data is decoded. */
  readonly inRawData: boolean
}

/** A part that says less than this is found everywhere. */
const MIN_BITS = 20

export function chooseScreen(rule: Rule): Screen | undefined {
  const choice = choiceFor(rule)
  const bodyOnly = maySeeBodyOnly(rule)
  let best: Screen | undefined
  let most = MIN_BITS
  for (const option of rule.options) {
    if (option.kind !== 'pcre' || option.negated || !isEligible(choice, option.buffer)) continue
    const { buffer } = option
    const raw = buffer === BUF.PKT_DATA || buffer === BUF.RAW_DATA
    // Lines begin where the search does only if it begins where the subject does.
    const lineStarts = buffer === BUF.PKT_DATA && !bodyOnly && !option.relative
    for (const factor of factorsOf(option, lineStarts)) {
      const { literal } = factor
      const bits = literal === undefined ? factor.bits : 8 * weight(choice, { buffer, bytes: literal })
      if (bits <= most) continue
      most = bits
      best = {
        buffer,
        set: SET_OF_BUFFER[buffer]!,
        text: factor.text,
        inFileData: buffer === BUF.FILE_DATA || (raw && bodyOnly),
        inRawData: buffer === BUF.RAW_DATA,
      }
    }
  }
  return best
}

function factorsOf({ pattern, flags }: PcreOption, lineStarts: boolean): ReturnType<typeof regexFactors> {
  let root: Node
  try {
    root = parseRegex(pattern, flags).root
  } catch {
    return []
  }
  return regexFactors(root, lineStarts)
}

/** Windows of long messages show pieces of these buffers; all others are there in full from the first window on. */
export const SLIDING: readonly BufferId[] = [BUF.PKT_DATA, BUF.FILE_DATA, BUF.RAW_DATA]

export function isSliding(buffer: number): boolean {
  return buffer === BUF.PKT_DATA || buffer === BUF.RAW_DATA || buffer === BUF.FILE_DATA
}
