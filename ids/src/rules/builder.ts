/**
 * A rule while its options are read: what the option parsers write to, and how that becomes an immutable `Rule`.
 */
import { BUF, type BufferId, HTTP_PARTS, isPartSlot, partSlot } from '../inspect/buffers.js'
import type { HttpPart, HttpPartName } from '../inspect/http-part.js'
import type { ParseCache } from './cache.js'
import type { Classifications } from './classification.js'
import type {
  ContentOption,
  Dialect,
  FastPatternMark,
  NumberOrVariable,
  PcreOption,
  RuleHeader,
  RuleOption,
  RuleReference,
} from './model.js'
import { parseInteger, toInteger } from './numbers.js'
import { quote, RuleTextError, valueError } from './problem.js'
import type { References } from './reference.js'

/** One option as cut from the rule body. */
export interface OptionText {
  /** Lower case. */
  readonly name: string
  /** Offset of the name in the statement. */
  readonly at: number
  /** Text after the colon, trimmed; undefined when there is no colon. */
  readonly value: string | undefined
  /** Offset of the value in the statement (of the name's end when there is none). */
  readonly valueAt: number
}

export interface Part {
  readonly text: string
  readonly at: number
}

export type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** A content whose modifiers may still come. */
export interface ContentDraft extends Mutable<ContentOption> {
  /** Offset of the option, for errors found at the end. */
  at: number
  offsetSet: boolean
  depthSet: boolean
  distanceSet: boolean
  withinSet: boolean
  /** Buffer named by a Snort 2.9 modifier (`http_uri`, `rawbytes`). */
  ownBuffer: BufferId | undefined
  uricontent: boolean
  /** Offset of its fast_pattern. */
  markAt: number
}

export interface PcreDraft extends Mutable<PcreOption> {
  ownBuffer: boolean
}

export type OptionDraft = Mutable<RuleOption> | ContentDraft

export interface RuleContext {
  readonly dialect: Dialect
  readonly classifications: Classifications
  readonly references: References
  readonly cache: ParseCache
}

export interface Warning {
  readonly kind: 'value' | 'unsupported'
  readonly reason: string
  readonly message: string
  readonly offset: number
}

const MAX_VARIABLES = 2
const VARIABLE_NAME = /^[A-Za-z_][\w.-]*$/
const MAX_OFFSET = 65_535

export class RuleBuilder {
  readonly dialect: Dialect
  readonly context: RuleContext
  readonly header: RuleHeader

  gid = 1
  sid: number | undefined
  rev = 0
  msg = ''
  classtype: string | undefined
  priority: number | undefined
  readonly references: RuleReference[] = []
  metadata: readonly (readonly [string, string])[] = []
  readonly services: string[] = []

  readonly drafts: OptionDraft[] = []
  readonly warnings: Warning[] = []
  /** First thing in the rule that is not evaluated: the rule is correct, but cannot be loaded. */
  unsupported: RuleTextError | undefined

  /** Buffer that options without one of their own look at. */
  sticky: BufferId = BUF.PKT_DATA
  /** The content that Snort 2.9 modifiers belong to. */
  lastContent: ContentDraft | undefined
  /** The content marked as fast pattern. */
  fastPattern: ContentDraft | undefined
  /** Names of options seen that may stand only once. */
  readonly seen: string[] = []
  private readonly variables: string[] = []
  private readonly parts: HttpPart[] = []

  constructor(context: RuleContext, header: RuleHeader) {
    this.context = context
    this.dialect = context.dialect
    this.header = header
  }

  warn(reason: string, message: string, offset: number, kind: Warning['kind'] = 'value'): void {
    this.warnings.push({ kind, reason, message, offset })
  }

  /** The rule will be refused as "not evaluated" unless a real error is found in it. */
  notEvaluated(reason: string, message: string, offset: number): void {
    this.unsupported ??= new RuleTextError('unsupported', reason, message, offset)
  }

  push(draft: OptionDraft): void {
    this.drafts.push(draft)
  }

  /** @throws RuleTextError when the rule has more variables than Snort allows */
  defineVariable(name: string, offset: number): string {
    if (!VARIABLE_NAME.test(name)) {
      throw valueError('bad variable name', `${quote(name)} is not a name for a variable`, offset)
    }
    if (!this.variables.includes(name)) this.variables.push(name)
    if (this.variables.length > MAX_VARIABLES) {
      throw valueError('too many variables', `a rule may extract at most ${MAX_VARIABLES} variables`, offset)
    }
    return name
  }

  /** A number or the name of a variable that an earlier option extracts. @throws RuleTextError */
  numberOrVariable(part: Part, low: number, high: number, what: string): NumberOrVariable {
    const value = toInteger(part.text)
    if (Number.isNaN(value) && VARIABLE_NAME.test(part.text)) {
      if (!this.variables.includes(part.text)) {
        const message = `${what}: no byte_extract or byte_math before this defines ${quote(part.text)}`
        throw valueError('undefined byte_extract variable', message, part.at)
      }
      return part.text
    }
    return parseInteger(part.text, low, high, what, part.at)
  }

  startContent(
    content: Pick<ContentDraft, 'bytes' | 'negated' | 'at' | 'ownBuffer' | 'uricontent'>,
  ): ContentDraft {
    const draft: ContentDraft = {
      kind: 'content',
      buffer: this.sticky,
      nocase: false,
      relative: false,
      offset: 0,
      depth: undefined,
      fastPattern: undefined,
      offsetSet: false,
      depthSet: false,
      distanceSet: false,
      withinSet: false,
      markAt: content.at,
      ...content,
    }
    this.drafts.push(draft)
    this.lastContent = draft
    return draft
  }

  /** The slot for a part of an HTTP message that the rule names. @throws RuleTextError when it names too many */
  partSlot(part: HttpPart): BufferId {
    const index = this.parts.findIndex((known) => isSamePart(known, part))
    if (index >= 0) return partSlot(index)
    if (this.parts.length === HTTP_PARTS) {
      const message = `a rule may name at most ${HTTP_PARTS} different parts of HTTP messages`
      throw valueError('too many HTTP parts', message, 0)
    }
    this.parts.push(part)
    return partSlot(this.parts.length - 1)
  }

  /** Buffers that Snort 3 has no pattern search for. */
  isSearched(buffer: BufferId): boolean {
    if (!isPartSlot(buffer)) return buffer !== BUF.HTTP_RAW_COOKIE && buffer !== BUF.BASE64_DATA
    const { name, request } = this.parts[buffer - BUF.HTTP_PART]!
    return !request && !UNSEARCHED_PARTS.has(name)
  }

  markFastPattern(content: ContentDraft, mark: FastPatternMark, offset: number): void {
    if (this.fastPattern !== undefined && this.fastPattern !== content) {
      throw valueError('several fast patterns', 'only one content of a rule may be its fast pattern', offset)
    }
    this.fastPattern = content
    content.fastPattern = mark
    content.markAt = offset
  }

  /** Sets offset, depth, distance or within. @throws RuleTextError */
  position(content: ContentDraft, which: 'offset' | 'depth' | 'distance' | 'within', part: Part): void {
    const flag = `${which}Set` as const
    if (content[flag])
      throw valueError(`${which} given twice`, `${which} is given twice for one content`, part.at)
    content[flag] = true
    const extent = which === 'depth' || which === 'within'
    const value = this.numberOrVariable(part, -MAX_OFFSET, MAX_OFFSET, which)
    const relative = which === 'distance' || which === 'within'
    if (relative ? content.offsetSet || content.depthSet : content.distanceSet || content.withinSet) {
      const message = `${which} cannot be combined with ${relative ? 'offset or depth' : 'distance or within'}`
      throw valueError('absolute and relative position mixed', message, part.at)
    }
    if (relative) content.relative = true
    if (!extent) {
      content.offset = value
      return
    }
    // Snort 3: 0 means no limit.
    if (value === 0 && this.dialect === 'snort3') return
    if (typeof value === 'number' && value < content.bytes.length) {
      const message = `${which} ${value} is less than the length of the pattern, ${content.bytes.length}`
      throw valueError(`${which} less than pattern length`, message, part.at)
    }
    content.depth = value
  }

  /** Options in their final form. @throws RuleTextError for combinations that are only known to be wrong now */
  finishOptions(): RuleOption[] {
    const options: RuleOption[] = []
    if (this.dialect === 'snort2') this.resolveBuffers()
    else if (this.drafts.some((draft) => draft.kind === 'flow' && draft.direction === 'to_client'))
      this.askRequest()
    let before: OptionDraft | undefined
    for (const draft of this.drafts) {
      if (before !== undefined) this.checkBehindOnly(before, draft)
      before = draft
      if (draft.kind === 'content') options.push(finishContent(this, draft as ContentDraft))
      else if (draft.kind === 'pcre') options.push(finishPcre(draft as PcreDraft))
      else options.push(draft)
    }
    return options
  }

  /** Snort 2.9: what has `fast_pattern:only` is looked for anywhere, and moves no cursor. Snort warns, too. */
  private checkBehindOnly(before: OptionDraft, draft: OptionDraft): void {
    if (before.kind !== 'content' || before.fastPattern?.only !== true) return
    if (!('relative' in draft) || !draft.relative) return
    const message =
      "the option behind a 'fast_pattern:only' content is relative, but that content moves no cursor: it counts from where the cursor was"
    this.warn('relative option behind fast_pattern:only', message, (before as ContentDraft).markAt)
  }

  /** Snort 3: on a response, buffers that only requests have are those of the request it answers. */
  private askRequest(): void {
    for (const draft of this.drafts) {
      if (draft.kind === 'set_buffer' && draft.part !== undefined) {
        if (REQUEST_PARTS.has(draft.part.name)) draft.part = { ...draft.part, request: true }
      } else if ('buffer' in draft && REQUEST_BUFFERS.has(draft.buffer)) {
        const name = REQUEST_BUFFERS.get(draft.buffer)!
        const part = { name, component: undefined, field: undefined, nocase: false, request: true } as const
        draft.buffer = this.partSlot(part)
        if (draft.kind === 'set_buffer') draft.part = part
      }
    }
  }

  /**
   * Snort 2.9: relative options without a buffer of their own look where the content before them looked, so that
   * `content:"x"; http_uri; isdataat:100,relative` means the URI.
   */
  private resolveBuffers(): void {
    let cursor: BufferId = BUF.PKT_DATA
    for (const draft of this.drafts) {
      switch (draft.kind) {
        case 'set_buffer':
          cursor = draft.buffer
          break
        case 'content': {
          const content = draft as ContentDraft
          if (content.ownBuffer !== undefined) content.buffer = content.ownBuffer
          if (content.fastPattern?.only !== true) cursor = content.buffer
          break
        }
        case 'pcre': {
          const pcre = draft as PcreDraft
          if (pcre.relative && !pcre.ownBuffer) pcre.buffer = cursor
          if (pcre.movesCursor) cursor = pcre.buffer
          break
        }
        case 'byte_jump':
        case 'byte_extract':
          if (draft.relative) draft.buffer = cursor
          else cursor = draft.buffer
          break
        case 'isdataat':
          if (draft.relative && draft.buffer !== BUF.RAW_DATA) draft.buffer = cursor
          break
        case 'byte_test':
        case 'byte_math':
        case 'base64_decode':
        case 'asn1':
          if (draft.relative) draft.buffer = cursor
          break
        case 'ftpbounce':
          draft.buffer = cursor
          break
        default:
      }
    }
  }
}

const REQUEST_BUFFERS: ReadonlyMap<BufferId, HttpPartName> = new Map([
  [BUF.HTTP_URI, 'uri'],
  [BUF.HTTP_RAW_URI, 'raw_uri'],
  [BUF.HTTP_METHOD, 'method'],
])

const REQUEST_PARTS: ReadonlySet<HttpPartName> = new Set<HttpPartName>([
  'uri',
  'raw_uri',
  'raw_request',
  'true_ip',
  'param',
])

/** Parts that Snort 3 has no pattern search for. */
const UNSEARCHED_PARTS: ReadonlySet<HttpPartName> = new Set<HttpPartName>([
  'raw_body',
  'raw_cookie',
  'raw_request',
  'raw_status',
  'param',
  'true_ip',
  'version',
])

function isSamePart(a: HttpPart, b: HttpPart): boolean {
  return (
    a.name === b.name &&
    a.component === b.component &&
    a.nocase === b.nocase &&
    a.request === b.request &&
    String(a.field) === String(b.field)
  )
}

/** HTTP buffers whose contents Snort 2.9 may use as fast patterns. */
const ELIGIBLE_SNORT2: ReadonlySet<BufferId> = new Set([
  BUF.PKT_DATA,
  BUF.RAW_DATA,
  BUF.FILE_DATA,
  BUF.HTTP_URI,
  BUF.HTTP_HEADER,
  BUF.HTTP_CLIENT_BODY,
])

function finishContent(rule: RuleBuilder, draft: ContentDraft): ContentOption {
  const mark = draft.fastPattern
  if (mark !== undefined) checkFastPattern(rule, draft, mark)
  return {
    kind: 'content',
    buffer: draft.buffer,
    bytes: draft.bytes,
    negated: draft.negated,
    nocase: draft.nocase,
    relative: draft.relative,
    offset: draft.offset,
    depth: draft.depth,
    fastPattern: draft.fastPattern,
  }
}

function checkFastPattern(rule: RuleBuilder, draft: ContentDraft, mark: FastPatternMark): void {
  const fail = (message: string): Error =>
    valueError('fast_pattern not allowed', `fast_pattern ${message}`, draft.markAt)
  const positioned = draft.offsetSet || draft.depthSet || draft.relative
  if (mark.slice !== undefined) {
    const [from, length] = mark.slice
    if (length < 1 || from + length > draft.bytes.length) {
      throw fail(`${from},${length} reaches beyond the ${draft.bytes.length} bytes of the pattern`)
    }
  }
  if (rule.dialect === 'snort2') {
    if (!ELIGIBLE_SNORT2.has(draft.buffer)) {
      if (mark.only) throw fail("'only' is not allowed for this buffer")
      rule.warn(
        'fast_pattern ignored',
        'fast_pattern is ignored: Snort 2.9 forbids it for this buffer',
        draft.markAt,
      )
      draft.fastPattern = undefined
      return
    }
    if (mark.only && draft.negated) throw fail("'only' is not allowed for a negated content")
    if (mark.only && positioned) {
      throw fail("'only' is not allowed with offset, depth, distance or within")
    }
    if (draft.negated && positioned) {
      throw fail('is not allowed for a negated content with offset, depth, distance or within')
    }
  } else if (!rule.isSearched(draft.buffer)) {
    rule.warn(
      'fast_pattern ignored',
      'fast_pattern is ignored: this buffer has no pattern search',
      draft.markAt,
    )
    draft.fastPattern = undefined
  }
}

function finishPcre(draft: PcreDraft): PcreOption {
  const { ownBuffer: _, ...option } = draft
  return option
}
