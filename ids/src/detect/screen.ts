/**
 * The screen of a rule: a part of one of its regular expressions, or a content and what must not follow it, that is
 * searched for before the rule is tried.
 *
 * In: a rule that has no fast pattern worth searching for. Out: words of which one is always there, to be searched for
 * with the fast patterns; else an expression for the screens of its group; or undefined when the rule must be tried on
 * every message. Like fast patterns, screens decide nothing but speed: where the part is not found, the rule's own
 * expression cannot match.
 */
import { BUF, type BufferId } from '../inspect/buffers.js'
import { regexFactors } from '../match/regex-factor.js'
import { parseRegex } from '../match/regex-parse.js'
import type { Node } from '../match/regex-syntax.js'
import { requiredWords } from '../match/regex-words.js'
import type { PcreOption, Rule } from '../rules/model.js'
import {
  type Choice,
  choiceFor,
  isEligible,
  maySeeBodyOnly,
  type PatternSetId,
  SET_OF_BUFFER,
  weight,
} from './fast-pattern.js'
import { contentScreen } from './screen-content.js'

export interface Screen {
  /** Buffer the expression looks at. */
  readonly buffer: BufferId
  readonly set: PatternSetId
  readonly text: string
  /** Instead of the expression: one of these is found where it is, in some case. One character for each byte. */
  readonly words: readonly string[] | undefined
  /** It may match in file data that is not part of the raw bytes. */
  readonly inFileData: boolean
  /** The bytes as they came must be searched too, where packet data is decoded. */
  readonly inRawData: boolean
}

/** A part that says less than this is found everywhere. */
const MIN_BITS = 20
/** Weight of the least telling word, likewise. */
const MIN_WORD = 4

export function chooseScreen(rule: Rule): Screen | undefined {
  const choice = choiceFor(rule)
  const bodyOnly = maySeeBodyOnly(rule)
  let best: Screen | undefined
  let most = MIN_BITS
  let worded: Screen | undefined
  let heaviest = MIN_WORD
  for (const option of rule.options) {
    if (option.kind !== 'pcre' || option.negated || !isEligible(choice, option.buffer)) continue
    const { buffer } = option
    // Lines begin where the search does only if it begins where the subject does.
    const lineStarts = buffer === BUF.PKT_DATA && !bodyOnly && !option.relative
    const root = rootOf(option)
    if (root === undefined) continue
    const place = placeOf(buffer, bodyOnly)
    for (const words of requiredWords(root)) {
      const lightest = Math.min(
        ...words.map((word) => weight(choice, { buffer, bytes: Buffer.from(word, 'latin1') })),
      )
      if (lightest <= heaviest) continue
      heaviest = lightest
      worded = { ...place, text: '', words }
    }
    for (const factor of regexFactors(root, lineStarts)) {
      const { literal } = factor
      const bits = literal === undefined ? factor.bits : 8 * weight(choice, { buffer, bytes: literal })
      if (bits <= most) continue
      most = bits
      best = { ...place, text: factor.text, words: undefined }
    }
  }
  return worded ?? best ?? besideContent(rule, choice, bodyOnly)
}

function besideContent(rule: Rule, choice: Choice, bodyOnly: boolean): Screen | undefined {
  const screen = contentScreen(rule.options, (buffer) => isEligible(choice, buffer))
  if (screen === undefined) return undefined
  return { ...placeOf(screen.buffer, bodyOnly), text: screen.text, words: undefined }
}

/** Where the screen is searched for. `bodyOnly`: packet data may be the body of a message. */
function placeOf(buffer: BufferId, bodyOnly: boolean): Omit<Screen, 'text' | 'words'> {
  const raw = buffer === BUF.PKT_DATA || buffer === BUF.RAW_DATA
  return {
    buffer,
    set: SET_OF_BUFFER[buffer]!,
    inFileData: buffer === BUF.FILE_DATA || (raw && bodyOnly),
    inRawData: buffer === BUF.RAW_DATA,
  }
}

function rootOf({ pattern, flags }: PcreOption): Node | undefined {
  try {
    return parseRegex(pattern, flags).root
  } catch {
    return undefined
  }
}

/** Windows of long messages show pieces of these buffers; all others are there in full from the first window on. */
export const SLIDING: readonly BufferId[] = [BUF.PKT_DATA, BUF.FILE_DATA, BUF.RAW_DATA]

export function isSliding(buffer: number): boolean {
  return buffer === BUF.PKT_DATA || buffer === BUF.RAW_DATA || buffer === BUF.FILE_DATA
}
