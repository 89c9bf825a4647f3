/**
 * The screen of a content that stands in ordinary traffic, but that something ordinary must not follow.
 *
 * In: `content:"HTTP/"; isdataat:5,relative; content:!"1.1"; within:3; content:!"1.0"; within:3;` and the like. Out: one
 * expression for the content and whatever is behind it but these. Called by `chooseScreen`.
 */
import type { BufferId } from '../inspect/buffers.js'
import type { ContentOption, IsDataAtOption, RuleOption } from '../rules/model.js'

export interface ContentScreen {
  readonly buffer: BufferId
  readonly text: string
}

type Refused = Pick<ContentOption, 'bytes' | 'nocase'>

/** Longer or more contents are not ordinary traffic. */
const MAX_REFUSED = 16

/** The first such content of a rule that `isEligible` lets be searched for. */
export function contentScreen(
  options: readonly RuleOption[],
  isEligible: (buffer: BufferId) => boolean,
): ContentScreen | undefined {
  for (const [i, option] of options.entries()) {
    if (option.kind !== 'content' || option.negated || !isEligible(option.buffer)) continue
    const refused = refusedBehind(option, options.slice(i + 1))
    if (refused.length > 0) return { buffer: option.buffer, text: literal(option) + without(refused) }
  }
  return undefined
}

/** What must not follow the content, as far as there are bytes enough for all of it. */
function refusedBehind({ buffer }: ContentOption, options: readonly RuleOption[]): Refused[] {
  const refused: ContentOption[] = []
  let room = 0
  for (const option of options) {
    if (option.kind === 'isdataat' && option.buffer === buffer) {
      if (isRoom(option)) room = Math.max(room, option.at + 1)
    } else if (option.kind === 'content' && option.buffer === buffer && isPinned(option)) refused.push(option)
    else break
  }
  // At the end of the buffer a content that does not fit is not found, and the rule may match.
  return refused.filter(({ bytes }) => bytes.length <= room).slice(0, MAX_REFUSED)
}

function isRoom(option: IsDataAtOption): option is IsDataAtOption & { readonly at: number } {
  return option.relative && !option.negated && typeof option.at === 'number'
}

/** A negated content that must not stand right behind the cursor, among other places. It does not move the cursor. */
function isPinned({ negated, relative, offset, depth, bytes }: ContentOption): boolean {
  if (!negated || !relative || offset !== 0 || bytes.length > MAX_REFUSED) return false
  return depth === undefined || (typeof depth === 'number' && depth >= bytes.length)
}

const hex = (byte: number): string => `\\x${byte.toString(16).padStart(2, '0')}`

function casesOf(byte: number, nocase: boolean): number[] {
  const letter = (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a
  return nocase && letter ? [byte & ~0x20, byte | 0x20] : [byte]
}

function literal({ bytes, nocase }: Refused): string {
  return Array.from(bytes, (byte) => `[${casesOf(byte, nocase).map(hex).join('')}]`).join('')
}

/** What begins with none of the words, none of which is empty. */
function without(words: readonly Refused[]): string {
  const behind = new Map<number, Refused[]>()
  for (const { bytes, nocase } of words) {
    for (const byte of casesOf(bytes[0]!, nocase)) {
      const rest = { bytes: bytes.subarray(1), nocase }
      behind.set(byte, [...(behind.get(byte) ?? []), rest])
    }
  }
  const branches = [`[^${[...behind.keys()].map(hex).join('')}]`]
  for (const [byte, rest] of behind) {
    if (rest.every(({ bytes }) => bytes.length > 0)) branches.push(hex(byte) + without(rest))
  }
  return `(?:${branches.join('|')})`
}
