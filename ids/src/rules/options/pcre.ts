/**
 * pcre: a regular expression with PCRE and Snort flags.
 */
import { BUF, type BufferId } from '../../inspect/buffers.js'
import type { OptionText, PcreDraft, RuleBuilder } from '../builder.js'
import type { Dialect } from '../model.js'
import { quote, syntaxError, valueError } from '../problem.js'
import type { OptionSpec } from '../registry.js'
import { isBlank } from '../statement.js'

const BOTH: readonly Dialect[] = ['snort2', 'snort3']

/** Snort 2.9 flags that choose an HTTP buffer. */
export const BUFFER_FLAGS: Readonly<Record<string, BufferId>> = {
  U: BUF.HTTP_URI,
  I: BUF.HTTP_RAW_URI,
  P: BUF.HTTP_CLIENT_BODY,
  H: BUF.HTTP_HEADER,
  D: BUF.HTTP_RAW_HEADER,
  C: BUF.HTTP_COOKIE,
  K: BUF.HTTP_RAW_COOKIE,
  M: BUF.HTTP_METHOD,
  S: BUF.HTTP_STAT_CODE,
  Y: BUF.HTTP_STAT_MSG,
}

interface Expression {
  readonly negated: boolean
  readonly pattern: string
  readonly flags: string
  /** Offsets in the statement. */
  readonly flagsAt: number
}

/** `!"m?pattern?flags"`; the last delimiter ends the pattern, so it need not be escaped inside. */
function cut(option: OptionText): Expression {
  const text = option.value!
  let at = 0
  const skip = (): void => {
    while (isBlank(text.charCodeAt(at))) at++
  }
  const negated = text.charCodeAt(0) === 33
  if (negated) {
    at = 1
    skip()
  }
  let end = text.length
  if (text.charCodeAt(at) === 34) {
    if (end - at < 2 || text.charCodeAt(end - 1) !== 34) {
      throw syntaxError('unclosed quote', 'the quoted text is not closed', option.valueAt + at)
    }
    at++
    end--
  }
  skip()
  const fail = (message: string): Error => syntaxError('bad pcre', `pcre: ${message}`, option.valueAt + at)
  if (text.charCodeAt(at) === 109) {
    at++
    if (at >= end) throw fail('the delimiter is missing')
  } else if (text.charCodeAt(at) !== 47) {
    throw fail("the pattern must begin with '/' or 'm' and a delimiter")
  }
  const delimiter = text[at]!
  const close = text.lastIndexOf(delimiter, end - 1)
  if (close <= at) throw fail(`the closing ${delimiter} is missing`)
  return {
    negated,
    pattern: text.slice(at + 1, close),
    flags: text.slice(close + 1, end).trimEnd(),
    flagsAt: option.valueAt + close + 1,
  }
}

function parsePcre(rule: RuleBuilder, option: OptionText): void {
  const { negated, pattern, flags, flagsAt } = cut(option)
  if (pattern === '') throw valueError('empty pattern', 'pcre: the pattern is empty', option.valueAt)
  const regex = {
    caseless: false,
    dotAll: false,
    multiline: false,
    extended: false,
    anchored: false,
    dollarEndOnly: false,
    ungreedy: false,
  }
  let relative = false
  let ignoreLimits = false
  let own: BufferId | undefined
  const bufferFlag = (flag: string, buffer: BufferId, at: number): void => {
    if (rule.dialect === 'snort3') {
      const message = `pcre: flag ${flag} is Snort 2.9 text; Snort 3 names the buffer before the option`
      throw valueError('Snort 2.9 pcre flag', message, at)
    }
    if (own !== undefined && own !== buffer) {
      throw valueError(
        'several buffers in pcre flags',
        `pcre: flags ${quote(flags)} name several buffers`,
        at,
      )
    }
    own = buffer
  }
  for (let i = 0; i < flags.length; i++) {
    const flag = flags[i]!
    const at = flagsAt + i
    switch (flag) {
      case 'i':
        regex.caseless = true
        break
      case 's':
        regex.dotAll = true
        break
      case 'm':
        regex.multiline = true
        break
      case 'x':
        regex.extended = true
        break
      case 'A':
        regex.anchored = true
        break
      case 'E':
        regex.dollarEndOnly = true
        break
      case 'G':
        regex.ungreedy = true
        break
      case 'R':
        relative = true
        break
      case 'O':
        ignoreLimits = true
        break
      case 'B':
        bufferFlag(flag, BUF.RAW_DATA, at)
        break
      default: {
        const buffer = BUFFER_FLAGS[flag]
        if (buffer === undefined) {
          throw valueError('unknown pcre flag', `pcre: unknown flag ${quote(flag)}`, at)
        }
        bufferFlag(flag, buffer, at)
      }
    }
  }
  if (relative && own !== undefined && own !== BUF.RAW_DATA) {
    rule.warn(
      'pcre flag R with an HTTP buffer',
      'pcre: Snort 2.9 forbids flag R with an HTTP buffer; the expression begins at the cursor, as in Suricata',
      flagsAt,
    )
  }
  const http = own !== undefined && own !== BUF.RAW_DATA
  const draft: PcreDraft = {
    kind: 'pcre',
    buffer: own ?? rule.sticky,
    pattern,
    flags: regex,
    negated,
    relative,
    ignoreLimits,
    movesCursor: !negated && !http,
    ownBuffer: own !== undefined,
  }
  rule.push(draft)
}

export const pcreOptions: readonly OptionSpec[] = [
  {
    name: 'pcre',
    dialects: BOTH,
    status: 'evaluated',
    argument: '!?"/<regex>/[ismxAEGRO][UIPHDCKMSYB]"',
    help: 'regular expression; R = from the cursor, O = no match limit, U I P H D C K M S Y B = buffer (2.9)',
    section: '3.5.26',
    parse: parsePcre,
  },
]
