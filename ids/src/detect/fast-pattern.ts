/**
 * The fast pattern of a rule: the one literal that is given to the multi-pattern search of its group.
 *
 * In: a rule's options. Out: the literal and the pattern set it goes into, or undefined when the rule has none and must
 * be evaluated on every unit of its group. The choice never changes what a rule matches, only how often it is tried, as
 * long as the literal is one that every match holds; so negated contents are never chosen.
 */
import { losesBytes } from '../http/field-norms.js'
import { BUF, type BufferId, isPartSlot } from '../inspect/buffers.js'
import type { ContentOption, Rule } from '../rules/model.js'
import { pcreFacts } from './options/pcre-facts.js'
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
export const SET_OF_BUFFER: readonly (PatternSetId | undefined)[] = (() => {
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
  sets[BUF.SIP_HEADER] = SET.PLAIN
  sets[BUF.SIP_BODY] = SET.PLAIN
  sets[BUF.DCE_STUB_DATA] = SET.PLAIN
  return sets
})()

export interface FastPattern {
  /** Buffer the literal stands in. */
  readonly buffer: BufferId
  readonly set: PatternSetId
  /** What is searched for, ASCII lower case, one character for each byte. */
  readonly text: string
  /** The file data must be searched too: the literal may stand in decoded data only. */
  readonly inFileData: boolean
  /** The bytes as they came must be searched too, where packet data is decoded. */
  readonly inRawData: boolean
  /** Found in nearly every HTTP message: searching for it costs more than trying the rule each time. */
  readonly commonplace: boolean
}

/** A literal that every match of a rule holds in one of its buffers. */
export interface Literal {
  readonly buffer: BufferId
  readonly bytes: Uint8Array
  readonly content: ContentOption | undefined
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

/** What nearly every request holds: a rule woken by a piece of this is woken all the time. */
const COMMON_IN_REQUESTS = Buffer.from(
  [
    'get / http/1.1\r\nhost: www.\r\n',
    'user-agent: mozilla/5.0 (windows nt 10.0; win64; x64) applewebkit/537.36 (khtml, like gecko) chrome/',
    ' safari/537.36\r\naccept: */*\r\naccept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n',
    'accept-language: en-us,en;q=0.5\r\naccept-encoding: gzip, deflate\r\ncookie: \r\nreferer: http://www.\r\n',
    'connection: keep-alive\r\n\r\n',
  ].join('\n'),
)

/** The same for responses. */
const COMMON_IN_RESPONSES = Buffer.from(
  [
    'http/1.1 200 ok\r\ndate: \r\nserver: apache\r\nlast-modified: \r\netag: \r\naccept-ranges: bytes\r\ncontent-length: ',
    '\r\nconnection: keep-alive\r\ncontent-type: text/html\r\n\r\n',
    '<html><head><title></title></head><body></body></html>',
  ].join('\n'),
)

/** The same for URIs, and for the small buffers that hold one word. */
const COMMON_IN_URIS = Buffer.from('/')
const COMMON_IN_SMALL = Buffer.from('get post head 200 ok')

function commonText(buffer: BufferId): readonly [inRequests: Buffer, inResponses: Buffer] {
  switch (buffer) {
    case BUF.HTTP_URI:
    case BUF.HTTP_RAW_URI:
      return [COMMON_IN_URIS, COMMON_IN_URIS]
    case BUF.HTTP_METHOD:
    case BUF.HTTP_STAT_CODE:
    case BUF.HTTP_STAT_MSG:
      return [COMMON_IN_SMALL, COMMON_IN_SMALL]
    default:
      return [COMMON_IN_REQUESTS, COMMON_IN_RESPONSES]
  }
}

/** How much shorter a commonplace literal counts. */
const COMMONPLACE_DISCOUNT = 16

/** Buffers whose patterns are looked for in the raw bytes, which hold them in one direction only. */
const REQUEST_ONLY: readonly BufferId[] = [BUF.HTTP_RAW_URI, BUF.HTTP_METHOD]
const RESPONSE_ONLY: readonly BufferId[] = [BUF.HTTP_STAT_CODE, BUF.HTTP_STAT_MSG]

/** What the choice for one rule depends on, besides its literals. */
export interface Choice {
  readonly rule: Rule
  readonly toServer: boolean
  readonly toClient: boolean
}

/**
 * How well a literal tells a rule's traffic from other: its length, without leading NUL bytes, which are everywhere; and
 * much less for what stands in ordinary HTTP traffic.
 */
export function weight(choice: Choice, { buffer, bytes }: Pick<Literal, 'buffer' | 'bytes'>): number {
  let zeros = 0
  while (zeros < bytes.length && bytes[zeros] === 0) zeros++
  // All-NUL contents come after every other one.
  if (zeros === bytes.length) return bytes.length / 4096
  const length = bytes.length - zeros
  const folded = Buffer.from(foldBytes(bytes))
  const [inRequests, inResponses] = commonText(buffer)
  const common =
    (choice.toServer && inRequests.includes(folded)) || (choice.toClient && inResponses.includes(folded))
  return common ? length / COMMONPLACE_DISCOUNT : length
}

/** Literals up to this weight (commonplace ones, single bytes) are not worth searching for in HTTP messages. */
const USELESS = 1

/** Literals up to this weight are bad enough to look in all buffers, and in regular expressions, for a better one. */
const WEAK = 3

function heaviest(choice: Choice, literals: readonly Literal[]): Literal | undefined {
  let best: Literal | undefined
  let bestWeight = 0
  for (const literal of literals) {
    const own = weight(choice, literal)
    if (best === undefined || own > bestWeight) {
      best = literal
      bestWeight = own
    }
  }
  return best
}

export function isEligible(choice: Choice, buffer: BufferId): boolean {
  if (choice.toClient && REQUEST_ONLY.includes(buffer)) return false
  if (choice.toServer && RESPONSE_ONLY.includes(buffer)) return false
  return SET_OF_BUFFER[buffer] !== undefined
}

function contentLiterals(choice: Choice): Literal[] {
  const literals: Literal[] = []
  for (const option of choice.rule.options) {
    if (option.kind !== 'content' || option.negated) continue
    if (isPartSlot(option.buffer)) {
      const literal = partLiteral(choice.rule, option)
      if (literal !== undefined) literals.push(literal)
      continue
    }
    if (!isEligible(choice, option.buffer)) continue
    literals.push({ buffer: option.buffer, bytes: option.bytes, content: option })
  }
  return literals
}

/**
 * A piece of a content in a header field that stands in the raw header as it is: no blank, which may be a fold there, and
 * no comma, which may join two lines; nothing of a field whose values are shown without blanks.
 */
function partLiteral(rule: Rule, content: ContentOption): Literal | undefined {
  const part = rule.options.find((option) => option.kind === 'set_buffer' && option.buffer === content.buffer)
  if (part?.kind !== 'set_buffer' || part.part === undefined || part.part.request) return undefined
  if (part.part.name !== 'header' && part.part.name !== 'raw_header') return undefined
  const { name, field } = part.part
  if (name === 'header' && field !== undefined && losesBytes(field)) return undefined
  let best = content.bytes.subarray(0, 0)
  let start = 0
  for (let at = 0; at <= content.bytes.length; at++) {
    const byte = content.bytes[at]
    if (byte !== undefined && byte > 0x20 && byte !== 0x2c) continue
    if (at - start > best.length) best = content.bytes.subarray(start, at)
    start = at + 1
  }
  return best.length === 0 ? undefined : { buffer: BUF.HTTP_RAW_HEADER, bytes: best, content: undefined }
}

function pcreLiterals(choice: Choice): Literal[] {
  const literals: Literal[] = []
  for (const option of choice.rule.options) {
    if (option.kind !== 'pcre' || option.negated || !isEligible(choice, option.buffer)) continue
    for (const bytes of pcreFacts(option).literals) {
      literals.push({ buffer: option.buffer, bytes, content: undefined })
    }
  }
  return literals
}

export function choiceFor(rule: Rule): Choice {
  let direction: string | undefined
  for (const option of rule.options) if (option.kind === 'flow') direction ??= option.direction
  return { rule, toServer: direction !== 'to_client', toClient: direction !== 'to_server' }
}

/**
 * Snort 2: the flagged content, else the longest of the URI, header and body buffers, else the longest plain one.
 * Snort 3: the flagged one, else the longest of any buffer. Where that would be a commonplace or very short literal, the
 * best of all buffers and regular expressions is taken instead. The choice decides nothing but speed.
 */
function choose(choice: Choice): Literal | undefined {
  const contents = contentLiterals(choice)
  const flagged = contents.find(({ content }) => content?.fastPattern !== undefined)
  if (flagged !== undefined && weight(choice, flagged) > WEAK) return flagged
  const among = (buffers: readonly BufferId[]): Literal | undefined =>
    heaviest(
      choice,
      contents.filter(({ buffer }) => buffers.includes(buffer)),
    )
  const usual =
    choice.rule.dialect === 'snort3'
      ? among([...HTTP_CHOICE, ...PLAIN_CHOICE])
      : (among(HTTP_CHOICE) ?? among(PLAIN_CHOICE))
  if (usual !== undefined && weight(choice, usual) > WEAK) return usual
  const others = [flagged, usual, among([...HTTP_CHOICE, ...PLAIN_CHOICE]), among(SMALL_CHOICE)]
  const literals = [...others, ...pcreLiterals(choice)].filter((literal) => literal !== undefined)
  return heaviest(choice, literals)
}

/** Some HTTP message may show the rule its (decoded) body as packet data; see `CompiledRule.seesBodyOnly`. */
export function maySeeBodyOnly(rule: Rule): boolean {
  const { sourcePorts, destinationPorts } = rule.header
  return (
    rule.dialect === 'snort3' ||
    (rule.services.includes('http') && !(sourcePorts.any && destinationPorts.any))
  )
}

/** The content of `fast_pattern:only`, which is only ever looked for anywhere in its buffer, in any case. */
export function onlyContent(rule: Rule): ContentOption | undefined {
  for (const option of rule.options) {
    if (option.kind === 'content' && option.fastPattern?.only === true && !option.negated) return option
  }
  return undefined
}

/** @param maxLength longest prefix given to the matcher; 0 = all of it */
export function chooseFastPattern(rule: Rule, maxLength: number): FastPattern | undefined {
  const choice = choiceFor(rule)
  const literal = choose(choice)
  if (literal === undefined) return undefined
  const { buffer, content } = literal
  const mark = content?.fastPattern
  let { bytes } = literal
  if (mark?.slice !== undefined) bytes = bytes.subarray(mark.slice[0], mark.slice[0] + mark.slice[1])
  if (maxLength > 0 && bytes.length > maxLength) bytes = bytes.subarray(0, maxLength)
  if (bytes.length === 0) return undefined
  const plain = buffer === BUF.PKT_DATA || buffer === BUF.RAW_DATA
  return {
    buffer,
    set: SET_OF_BUFFER[buffer]!,
    text: Buffer.from(foldBytes(bytes)).toString('latin1'),
    inFileData: buffer === BUF.FILE_DATA || (plain && maySeeBodyOnly(rule)),
    inRawData: buffer === BUF.RAW_DATA,
    commonplace: weight(choice, { buffer, bytes }) <= USELESS,
  }
}
