/**
 * The fast pattern of a rule: the one literal that is given to the multi-pattern search of its group.
 *
 * In: a rule's options. Out: the literal and the pattern set it goes into, or undefined when the rule has none and must
 * be evaluated on every unit of its group. The choice never changes what a rule matches, only how often it is tried, as
 * long as the literal is one that every match holds; so negated contents are never chosen.
 */
import { BUF, type BufferId } from '../inspect/buffers.js'
import type { ContentOption, Rule } from '../rules/model.js'
import { foldBytes } from './search.js'

/**
 * Pattern sets of a rule group. PLAIN is searched in the raw bytes and in file data outside of them, so it also serves
 * the HTTP buffers that are verbatim parts of the raw message (method, raw URI, raw header, status line).
 */
export const SET = { PLAIN: 0, URI: 1, HEADER: 2, CLIENT_BODY: 3, COOKIE: 4, RAW_COOKIE: 5 } as const
export type PatternSetId = (typeof SET)[keyof typeof SET]
export const SET_COUNT = 6
/** Buffer each set is searched in; PLAIN: besides file data. */
export const SET_BUFFERS: readonly BufferId[] = [
  BUF.PKT_DATA,
  BUF.HTTP_URI,
  BUF.HTTP_HEADER,
  BUF.HTTP_CLIENT_BODY,
  BUF.HTTP_COOKIE,
  BUF.HTTP_RAW_COOKIE,
]

/** undefined: contents of this buffer cannot be fast patterns. */
const SET_OF_BUFFER: readonly (PatternSetId | undefined)[] = (() => {
  const sets: (PatternSetId | undefined)[] = []
  sets[BUF.PKT_DATA] = SET.PLAIN
  sets[BUF.RAW_DATA] = SET.PLAIN
  sets[BUF.FILE_DATA] = SET.PLAIN
  sets[BUF.HTTP_URI] = SET.URI
  sets[BUF.HTTP_RAW_URI] = SET.PLAIN
  sets[BUF.HTTP_HEADER] = SET.HEADER
  sets[BUF.HTTP_RAW_HEADER] = SET.PLAIN
  sets[BUF.HTTP_METHOD] = SET.PLAIN
  sets[BUF.HTTP_STAT_CODE] = SET.PLAIN
  sets[BUF.HTTP_STAT_MSG] = SET.PLAIN
  sets[BUF.HTTP_CLIENT_BODY] = SET.CLIENT_BODY
  sets[BUF.HTTP_COOKIE] = SET.COOKIE
  sets[BUF.HTTP_RAW_COOKIE] = SET.RAW_COOKIE
  sets[BUF.BASE64_DATA] = undefined
  return sets
})()

export interface FastPattern {
  readonly option: ContentOption
  readonly set: PatternSetId
  /** What is searched for, ASCII lower case. */
  readonly bytes: Uint8Array
  /** The file data must be searched too: the literal may stand in decoded data only. */
  readonly inFileData: boolean
}

const HTTP_CHOICE: readonly BufferId[] = [BUF.HTTP_URI, BUF.HTTP_HEADER, BUF.HTTP_CLIENT_BODY]
const PLAIN_CHOICE: readonly BufferId[] = [BUF.PKT_DATA, BUF.RAW_DATA, BUF.FILE_DATA]
const SMALL_CHOICE: readonly BufferId[] = [
  BUF.HTTP_RAW_URI,
  BUF.HTTP_RAW_HEADER,
  BUF.HTTP_COOKIE,
  BUF.HTTP_RAW_COOKIE,
  BUF.HTTP_STAT_MSG,
  BUF.HTTP_METHOD,
  BUF.HTTP_STAT_CODE,
]

/** Length that says something: without leading NUL bytes, which are everywhere. */
function weight(content: ContentOption): number {
  const { bytes } = content
  let zeros = 0
  while (zeros < bytes.length && bytes[zeros] === 0) zeros++
  // All-NUL contents come after every other one.
  return zeros === bytes.length ? bytes.length / 4096 : bytes.length - zeros
}

function longest(contents: readonly ContentOption[]): ContentOption | undefined {
  let best: ContentOption | undefined
  for (const content of contents) if (best === undefined || weight(content) > weight(best)) best = content
  return best
}

/**
 * Snort 2: the flagged content, else the longest of the URI, header and body buffers, else the longest plain one.
 * Snort 3: the flagged one, else the longest of any buffer. What neither would take (method, raw buffers…) is used last.
 */
function choose(rule: Rule): ContentOption | undefined {
  const eligible = rule.options.filter(
    (option): option is ContentOption =>
      option.kind === 'content' && !option.negated && SET_OF_BUFFER[option.buffer] !== undefined,
  )
  const flagged = eligible.find((content) => content.fastPattern !== undefined)
  if (flagged !== undefined) return flagged
  const among = (buffers: readonly BufferId[]): ContentOption | undefined =>
    longest(eligible.filter((content) => buffers.includes(content.buffer)))
  if (rule.dialect === 'snort3') return among([...HTTP_CHOICE, ...PLAIN_CHOICE]) ?? among(SMALL_CHOICE)
  return among(HTTP_CHOICE) ?? among(PLAIN_CHOICE) ?? among(SMALL_CHOICE)
}

/** Some HTTP message may show the rule its (decoded) body as packet data; see `CompiledRule.seesBodyOnly`. */
function maySeeBodyOnly(rule: Rule): boolean {
  const { sourcePorts, destinationPorts } = rule.header
  return (
    rule.dialect === 'snort3' ||
    (rule.services.includes('http') && !(sourcePorts.any && destinationPorts.any))
  )
}

/** Longest prefix given to the matcher; 0 = all of it. */
export function chooseFastPattern(rule: Rule, maxLength: number): FastPattern | undefined {
  const option = choose(rule)
  if (option === undefined) return undefined
  const slice = option.fastPattern?.slice
  let bytes = slice === undefined ? option.bytes : option.bytes.subarray(slice[0], slice[0] + slice[1])
  if (maxLength > 0 && bytes.length > maxLength) bytes = bytes.subarray(0, maxLength)
  if (bytes.length === 0) return undefined
  const plain = option.buffer === BUF.PKT_DATA || option.buffer === BUF.RAW_DATA
  return {
    option,
    set: SET_OF_BUFFER[option.buffer]!,
    bytes: foldBytes(bytes),
    inFileData: option.buffer === BUF.FILE_DATA || (plain && maySeeBodyOnly(rule)),
  }
}
