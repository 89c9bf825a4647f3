/**
 * One rule statement into one typed rule.
 */
import { isRaised } from '../builtin/index.js'
import { BUF } from '../inspect/buffers.js'
import { type OptionText, RuleBuilder, type RuleContext, type Warning } from './builder.js'
import type { ParseCache } from './cache.js'
import { FILE_SERVICES, type ParsedHeader, parseHeader } from './header.js'
import type { Rule, RuleOption } from './model.js'
import { RuleTextError, syntaxError, valueError } from './problem.js'
import { applyOption } from './registry.js'
import { isBlank, type Statement } from './statement.js'
import type { Variables } from './variables.js'

export interface ParseContext extends RuleContext {
  readonly variables: Variables
  readonly cache: ParseCache
}

export interface ParsedRule {
  readonly rule: Rule
  readonly warnings: readonly Warning[]
  /** Lower-case names, as often as they stand in the rule. */
  readonly optionNames: readonly string[]
}

/** Offset of the parenthesis that opens the body: the first that is not part of `$(NAME)`; -1 = none. */
export function findBody(text: string): number {
  let at = text.indexOf('(')
  while (at > 0 && text.charCodeAt(at - 1) === 36) at = text.indexOf('(', at + 1)
  return at
}

/**
 * Offset of the `;` that ends the option beginning at `from`, or `end`: the first without a backslash, quotes or not.
 * So Snort 2.9 reads, and rules rely on it: patterns hold unescaped quotes.
 */
function optionEnd(text: string, from: number, end: number): number {
  for (let at = text.indexOf(';', from); at >= 0 && at < end; at = text.indexOf(';', at + 1)) {
    if (text.charCodeAt(at - 1) !== 92) return at
    let slashes = 0
    while (at - slashes > from && text.charCodeAt(at - slashes - 1) === 92) slashes++
    if ((slashes & 1) === 0) return at
  }
  return end
}

/** The same in Snort 3 text, where quotes hide it. @throws RuleTextError */
function quotedOptionEnd(text: string, from: number, end: number): number {
  const special = /[;"\\]/g
  const closing = /["\\]/g
  let open = -1
  let at = from
  while (at < end) {
    const next = open < 0 ? special : closing
    next.lastIndex = at
    if (!next.test(text)) break
    at = next.lastIndex
    if (at > end) break
    const c = text.charCodeAt(at - 1)
    if (c === 92) at++
    else if (c === 34) open = open < 0 && opensString(text, at - 1) ? at - 1 : -1
    else return at - 1
  }
  if (open >= 0) throw syntaxError('unclosed quote', 'a quoted text is not closed', open)
  return end
}

/** In Snort 3 text a quote begins a string only where a word could begin; `msg:x";` holds a plain quote. */
export function opensString(text: string, at: number): boolean {
  const before = text.charCodeAt(at - 1)
  return isBlank(before) || before === 58 || before === 44 || before === 33 || before === 40 || before === 59
}

/** Blanks and control characters: compared in place, because this runs for every option of every rule. */
const BLANK = 32

/** Calls `handle` for every option of the body `text[from, end)`. @throws RuleTextError, and what `handle` throws */
export function eachOption(
  text: string,
  from: number,
  end: number,
  quotes: boolean,
  handle: (option: OptionText) => void,
): void {
  let at = from
  while (at < end) {
    while (at < end && text.charCodeAt(at) <= BLANK) at++
    if (at >= end) return
    const stop = quotes ? quotedOptionEnd(text, at, end) : optionEnd(text, at, end)
    const option = cutOption(text, at, stop)
    // An empty option (`;;`) says nothing.
    if (option !== undefined) handle(option)
    at = stop + 1
  }
}

function cutOption(text: string, from: number, stop: number): OptionText | undefined {
  let end = stop
  while (end > from && text.charCodeAt(end - 1) <= BLANK) end--
  if (end === from) return undefined
  // Searched in the option only: a search in all of the text would make many options cost the square of their number.
  const option = text.slice(from, end)
  const colon = option.indexOf(':')
  if (colon < 0) return { name: option.toLowerCase(), at: from, value: undefined, valueAt: end }
  const name = option.slice(0, colon).trimEnd().toLowerCase()
  let valueAt = from + colon + 1
  while (valueAt < end && text.charCodeAt(valueAt) <= BLANK) valueAt++
  return { name, at: from, value: text.slice(valueAt, end), valueAt }
}

/** Equal headers share one object. @throws RuleTextError */
function header(text: string, end: number, context: ParseContext): ParsedHeader {
  const { headers } = context.cache
  if (context.cache.variablesVersion !== context.variables.version) {
    headers.clear()
    context.cache.variablesVersion = context.variables.version
  }
  const key = text.slice(0, end)
  let head = headers.get(key)
  if (head === undefined) {
    head = parseHeader(text, end, context.dialect, context.variables)
    headers.set(key, head)
  }
  return head
}

/** @throws RuleTextError */
export function parseRule(statement: Statement, context: ParseContext): ParsedRule {
  const { text } = statement
  const { dialect } = context
  const open = findBody(text)
  const head = header(text, open < 0 ? text.length : open, context)
  if (open < 0) throw syntaxError('rule without options', "the rule has no options in '(' … ')'", text.length)
  const close = text.lastIndexOf(')')
  if (close < open) throw syntaxError('unclosed rule', "the rule is not closed by ')'", text.length)
  for (let at = close + 1; at < text.length; at++) {
    if (!isBlank(text.charCodeAt(at)))
      throw syntaxError('text after the rule', "unexpected text after ')'", at)
  }

  const builder = new RuleBuilder(context, head.header)
  if (head.unsupported !== undefined) {
    builder.notEvaluated(head.unsupported.reason, head.unsupported.message, 0)
  }
  if (head.service === 'file') builder.services.push(...FILE_SERVICES)
  else if (head.service !== undefined) builder.services.push(head.service)
  const optionNames: string[] = []
  eachOption(text, open + 1, close, dialect === 'snort3', (option) => {
    optionNames.push(applyOption(builder, option).name)
  })
  const options = builder.finishOptions()
  if (head.service === 'file' && !options.some(isFileData)) {
    builder.notEvaluated(
      'file rule without file_data',
      "a 'file' rule is evaluated with 'file_data' only",
      open,
    )
  }
  if (builder.sid === undefined) {
    if (dialect === 'snort2') throw valueError('missing sid', 'the rule has no sid', close)
    builder.warn('missing sid', 'the rule has no sid; it is numbered 0', close)
  }
  if (head.event === true) checkEvent(builder, options, open)
  if (builder.unsupported !== undefined) throw new UnsupportedRule(builder.unsupported, optionNames)

  const classification =
    builder.classtype === undefined ? undefined : context.classifications.find(builder.classtype)
  return {
    rule: {
      gid: builder.gid,
      sid: builder.sid ?? 0,
      rev: builder.rev,
      msg: builder.msg,
      classtype: builder.classtype,
      classText: classification?.text,
      priority: builder.priority ?? classification?.priority ?? 0,
      references: builder.references,
      metadata: builder.metadata,
      services: builder.services,
      header: head.header,
      options: head.event === true ? ENGINE_EVENT : options,
      dialect,
      position: statement.position(0),
      text,
      ...(statement.runs.length > 1 ? { runs: statement.runs } : undefined),
    },
    warnings: builder.warnings,
    optionNames,
  }
}

function isFileData(option: RuleOption): boolean {
  return option.kind === 'set_buffer' && option.buffer === BUF.FILE_DATA
}

const ENGINE_EVENT: readonly RuleOption[] = [{ kind: 'engine_event' }]

/** @throws RuleTextError when the rule detects something, which takes a protocol */
function checkEvent(builder: RuleBuilder, options: readonly RuleOption[], at: number): void {
  if (builder.gid === 1 || options.length > 0) {
    throw syntaxError('missing protocol', 'the rule has no protocol, addresses and ports', at)
  }
  if (isRaised(builder.gid, builder.sid ?? 0)) return
  builder.warn('event not raised', `event ${builder.gid}:${builder.sid ?? 0} is never raised here`, 0)
}

/** A rule without any error that uses something not evaluated. */
export class UnsupportedRule extends RuleTextError {
  readonly optionNames: readonly string[]

  constructor(cause: RuleTextError, optionNames: readonly string[]) {
    super('unsupported', cause.reason, cause.message, cause.offset)
    this.name = 'UnsupportedRule'
    this.optionNames = optionNames
  }
}

/** The sid of a rule that could not be parsed, if it can be made out. */
export function guessSid(text: string): number | undefined {
  const match = /[(;\s]sid\s*:\s*(\d{1,10})(?!\d)/i.exec(text)
  return match === null ? undefined : Number(match[1])
}
