/**
 * Rule files into rules and problems. One bad rule never stops the others.
 *
 * Reads rules, `include`, `var`/`ipvar`/`portvar`, `config classification` and `config reference`; every other
 * directive goes to the caller's `directive` hook (that is how a whole snort.conf is read), or is reported.
 */
import { dirname, isAbsolute, resolve } from 'node:path'
import { ParseCache } from './cache.js'
import { Classifications } from './classification.js'
import { type DialectChoice, detectDialect } from './dialect.js'
import { isAction } from './header.js'
import type { Dialect, Rule } from './model.js'
import { guessSid, parseRule, UnsupportedRule } from './parse.js'
import type { Outcome, ParsedFiles } from './parsed-file.js'
import { ProblemLog, quote, RuleTextError, syntaxError, valueError } from './problem.js'
import { References } from './reference.js'
import { RuleFileError, type RuleSource, readRuleFile, sourceFromBytes, sourceFromText } from './source.js'
import { MAX_STATEMENT, splitSnort2 } from './split-snort2.js'
import { splitSnort3 } from './split-snort3.js'
import type { Statement } from './statement.js'
import { type FileReport, type MutableFileReport, newFileReport, OptionUse } from './statistics.js'
import { Variables } from './variables.js'

export interface RuleFileInput {
  /** Where it is read from, unless `text` is given; what positions quote in either case. */
  readonly path: string
  /** Characters or bytes; read from `path` when absent. */
  readonly text?: string | Uint8Array
  /** Overrides the choice for this file. */
  readonly dialect?: Dialect
}

/** A line that is not a rule: `preprocessor stream5_tcp: policy windows`. */
export interface Directive {
  /** First word, lower case. */
  readonly keyword: string
  /** What follows it, trimmed. */
  readonly rest: string
  /** Offset of `rest` in the statement. */
  readonly restAt: number
  readonly statement: Statement
}

export interface LoadRulesOptions {
  readonly files: readonly RuleFileInput[]
  /** `auto` (the default) decides for each file; see `detectDialect`. */
  readonly dialect?: Dialect | 'auto'
  /** The stock variables unless given; definitions in the files are added to it. */
  readonly variables?: Variables
  readonly classifications?: Classifications
  readonly references?: References
  /** Problems kept; all are counted. Default 10,000. */
  readonly maxProblems?: number
  /** Nesting of `include`. Default 16. */
  readonly maxIncludeDepth?: number
  /** Parsed files of earlier loads; none by default. */
  readonly parsed?: ParsedFiles
  /**
   * Takes directives the loader does not know; returns false to have one reported, or what to say of one that was taken.
   * May throw RuleTextError.
   */
  readonly directive?: (directive: Directive) => boolean | string
}

export interface LoadedRules {
  /** One per gid:sid, in the order read. */
  readonly rules: readonly Rule[]
  /** The first `maxProblems` in the order met. */
  readonly log: ProblemLog
  readonly problems: ProblemLog['problems']
  /** In the order opened, included files too. */
  readonly files: readonly FileReport[]
  readonly optionUse: OptionUse
  readonly variables: Variables
  readonly classifications: Classifications
  readonly references: References
}

const DEFAULT_MAX_PROBLEMS = 10_000
const DEFAULT_MAX_INCLUDE_DEPTH = 16
/** A file whose first statements are all wrong, this many, is given up. */
const HOPELESS = 10_000

/** Files opened in one load. */
const MAX_FILES = 1000

/** Never throws for anything in the files; unreadable ones are problems of kind `file`. */
export function loadRules(options: LoadRulesOptions): LoadedRules {
  const loader = new Loader(options)
  for (const file of options.files) loader.load(file, undefined)
  return loader.result()
}

class Loader {
  private readonly options: LoadRulesOptions
  private readonly log: ProblemLog
  private readonly caches: Readonly<Record<Dialect, ParseCache>> = {
    snort2: new ParseCache(),
    snort3: new ParseCache(),
  }
  private readonly files: MutableFileReport[] = []
  private readonly optionUse = new OptionUse()
  private readonly variables: Variables
  private readonly classifications: Classifications
  private readonly references: References
  private readonly rules: (Rule | undefined)[] = []
  private readonly reports: MutableFileReport[] = []
  private readonly indexById = new Map<string, number>()
  /** What is being read, unless it cannot be kept. */
  private recording: { readonly outcomes: Outcome[]; readonly optionUse: OptionUse } | undefined
  /** Absolute paths of the files being read: an include cycle comes round to one of them. */
  private readonly open: string[] = []

  constructor(options: LoadRulesOptions) {
    this.options = options
    this.log = new ProblemLog(options.maxProblems ?? DEFAULT_MAX_PROBLEMS)
    this.variables = options.variables ?? new Variables()
    this.classifications = options.classifications ?? new Classifications()
    this.references = options.references ?? new References()
  }

  /** @param from the include statement that names the file */
  load(input: RuleFileInput, from: Statement | undefined): void {
    let source: RuleSource
    try {
      if (this.files.length >= MAX_FILES) {
        throw new RuleFileError('read-error', input.path, `more than ${MAX_FILES} files`)
      }
      if (input.text === undefined) source = readRuleFile(input.path)
      else if (typeof input.text === 'string') source = sourceFromText(input.path, input.text)
      else source = sourceFromBytes(input.path, input.text)
    } catch (error) {
      if (!(error instanceof RuleFileError)) throw error
      if (this.files.length < MAX_FILES) {
        const report = newFileReport(input.path)
        report.error = error
        this.files.push(report)
      }
      const position = from?.position(0) ?? { file: input.path, line: 1, column: 1 }
      const message = from === undefined ? error.message : `${input.path}: ${error.message}`
      this.log.add('error', 'file', `cannot read file: ${error.code}`, message, position, undefined)
      return
    }
    this.read(source, this.chooseDialect(input, source))
  }

  result(): LoadedRules {
    return {
      rules: this.rules.filter((rule) => rule !== undefined),
      log: this.log,
      problems: this.log.problems,
      files: this.files,
      optionUse: this.optionUse,
      variables: this.variables,
      classifications: this.classifications,
      references: this.references,
    }
  }

  private chooseDialect(input: RuleFileInput, source: RuleSource): DialectChoice {
    const given = input.dialect ?? this.options.dialect ?? 'auto'
    return given === 'auto' ? detectDialect(source) : { dialect: given, reason: 'as told' }
  }

  private read(source: RuleSource, choice: DialectChoice): void {
    const report = newFileReport(source.path)
    report.dialect = choice.dialect
    report.dialectReason = choice.reason
    this.files.push(report)
    this.open.push(resolve(source.path))
    const { parsed } = this.options
    const key = parsed?.key(source, choice.dialect, this.variables, this.classifications, this.references)
    const known = key === undefined ? undefined : parsed!.read(key)
    if (known !== undefined) {
      for (const outcome of known.outcomes) this.accept(outcome, report)
      this.optionUse.merge(known.optionUse)
      this.open.pop()
      return
    }
    const recording = { outcomes: [], optionUse: new OptionUse() }
    this.recording = key === undefined ? undefined : recording
    const context = {
      dialect: choice.dialect,
      variables: this.variables,
      classifications: this.classifications,
      references: this.references,
      cache: this.caches[choice.dialect],
    }
    const hasNul = source.text.includes('\0')
    const handle = (statement: Statement, overlong: boolean): boolean => {
      try {
        if (overlong) {
          throw valueError('statement too long', `longer than ${MAX_STATEMENT} characters; skipped`, 0)
        }
        if (hasNul) refuseNul(statement.text)
        this.statement(statement, report, context)
      } catch (error) {
        if (!(error instanceof RuleTextError)) throw error
        this.failed(statement, error, report)
        if (report.failed >= HOPELESS && report.rules + report.disabled + report.duplicates === 0) {
          const message = `not a rule file: the first ${HOPELESS} statements are wrong; the rest is not read`
          this.log.add('error', 'file', 'not a rule file', message, statement.position(0), undefined)
          this.recording = undefined
          return false
        }
      }
      return true
    }
    const unclosed = choice.dialect === 'snort2' ? splitSnort2(source, handle) : splitSnort3(source, handle)
    if (unclosed !== undefined) {
      report.warnings++
      const message = 'the comment that begins here is never closed: what follows is not read'
      this.log.add('warning', 'syntax', 'unclosed comment', message, unclosed, undefined)
      this.recording = undefined
    }
    if (key !== undefined && this.recording === recording && !this.log.full) {
      parsed!.add(key, { outcomes: recording.outcomes, optionUse: recording.optionUse.all() })
    }
    this.recording = undefined
    this.open.pop()
  }

  private count(optionNames: readonly string[]): void {
    this.optionUse.add(optionNames)
    this.recording?.optionUse.add(optionNames)
  }

  private failed(statement: Statement, error: RuleTextError, report: MutableFileReport): void {
    if (error instanceof UnsupportedRule) this.count(error.optionNames)
    const position = statement.position(Math.min(error.offset, statement.text.length))
    const hint = this.log.full ? '' : (error.hint?.() ?? '')
    const sid = this.log.full ? undefined : guessSid(statement.text)
    const { kind, reason, message } = error
    this.accept({ rule: undefined, error: { kind, reason, message: message + hint, position, sid } }, report)
  }

  private statement(
    statement: Statement,
    report: MutableFileReport,
    context: Parameters<typeof parseRule>[1],
  ): void {
    const { text } = statement
    const word = /^[A-Za-z_]+(?=[\s(:]|$)/.exec(text)?.[0]
    if (word === undefined || isAction(word)) {
      this.rule(statement, report, context)
      return
    }
    // What a directive does is not kept with the file.
    this.recording = undefined
    const keyword = word.toLowerCase()
    const lead = /^[\s:]*/.exec(text.slice(word.length))![0].length
    const restAt = word.length + lead
    const directive = { keyword, rest: text.slice(restAt), restAt, statement }
    const taken = this.known(directive) || (this.options.directive?.(directive) ?? false)
    if (taken !== true) {
      if (taken === false && !DIRECTIVES.has(keyword)) {
        // Not a directive either: let the header parser say what it thinks of it.
        this.rule(statement, report, context)
        return
      }
      report.warnings++
      const message = taken === false ? this.notTaken(directive) : taken
      this.log.add(
        'warning',
        'unsupported',
        `directive: ${keyword}`,
        message,
        statement.position(0),
        undefined,
      )
    }
  }

  private notTaken({ keyword, rest }: Directive): string {
    if (this.options.directive === undefined) return `'${keyword}' is not read from rule files`
    const what = /^[\w.]+/.exec(rest)?.[0]
    return `'${what === undefined ? keyword : `${keyword} ${what}`}' is not used`
  }

  private rule(
    statement: Statement,
    report: MutableFileReport,
    context: Parameters<typeof parseRule>[1],
  ): void {
    const { rule, warnings, optionNames } = parseRule(statement, context)
    this.count(optionNames)
    const placed = warnings.map(({ kind, reason, message, offset }) => ({
      kind,
      reason,
      message,
      position: statement.position(offset),
      sid: rule.sid,
    }))
    this.accept({ rule, warnings: placed }, report)
  }

  /** Takes what became of one statement, read now or in an earlier load. */
  private accept(outcome: Outcome, report: MutableFileReport): void {
    this.recording?.outcomes.push(outcome)
    if (outcome.rule === undefined) {
      const { kind, reason, message, position, sid } = outcome.error
      if (kind === 'unsupported') report.disabled++
      else report.failed++
      this.log.add('error', kind, reason, message, position, sid)
      return
    }
    const { rule, warnings } = outcome
    for (const { kind, reason, message, position, sid } of warnings) {
      report.warnings++
      this.log.add('warning', kind, reason, message, position, sid)
    }
    const id = `${rule.gid}:${rule.sid}`
    const index = this.indexById.get(id)
    if (index === undefined) {
      this.indexById.set(id, this.rules.length)
      this.rules.push(rule)
      this.reports.push(report)
      report.rules++
      return
    }
    const earlier = this.rules[index]!
    const wins = rule.rev > earlier.rev
    const [kept, dropped] = wins ? [rule, earlier] : [earlier, rule]
    const { file, line } = kept.position
    const message = `rule ${id} rev ${dropped.rev} is left out: rev ${kept.rev} stands in ${file}:${line}`
    this.log.add('warning', 'duplicate', 'duplicate rule', message, dropped.position, rule.sid)
    if (wins) {
      this.reports[index]!.rules--
      this.reports[index]!.duplicates++
      this.rules[index] = undefined
      this.indexById.set(id, this.rules.length)
      this.rules.push(rule)
      this.reports.push(report)
      report.rules++
    } else {
      report.duplicates++
    }
  }

  /** Directives the loader itself carries out. @throws RuleTextError */
  private known(directive: Directive): boolean {
    const { keyword, rest, restAt, statement } = directive
    if (keyword === 'include') {
      this.include(rest, restAt, statement)
      return true
    }
    if (keyword === 'var' || keyword === 'ipvar' || keyword === 'portvar') {
      this.define(keyword, rest, restAt)
      return true
    }
    if (keyword !== 'config') return false
    const match = /^(classification|reference)\s*:\s*/i.exec(rest)
    if (match === null) return false
    const table = match[1]!.toLowerCase() === 'classification' ? this.classifications : this.references
    table.parse(rest.slice(match[0].length), restAt + match[0].length)
    return true
  }

  private define(keyword: string, rest: string, restAt: number): void {
    const match = /^(\S+)\s+(.+)$/s.exec(rest)
    if (match === null)
      throw syntaxError('bad variable definition', `${keyword} needs a name and a value`, restAt)
    const value = match[2]!
    const valueAt = restAt + rest.length - value.length
    if (keyword === 'ipvar') this.variables.addresses(value, valueAt)
    else if (keyword === 'portvar') this.variables.ports(value, valueAt)
    this.variables.define(match[1]!, value)
  }

  private include(rest: string, restAt: number, statement: Statement): void {
    const name = this.variables.substitute(rest.replace(/^(["'])(.*)\1$/, '$2'), restAt)
    if (name === '') throw syntaxError('include without file', "'include' needs a file", restAt)
    const base = statement.file === '-' ? '.' : dirname(statement.file)
    const path = isAbsolute(name) ? name : base === '.' ? name : `${base}/${name}`
    const limit = this.options.maxIncludeDepth ?? DEFAULT_MAX_INCLUDE_DEPTH
    if (this.open.length > limit) {
      throw valueError('include nested too deeply', `files include each other deeper than ${limit}`, restAt)
    }
    if (this.open.includes(resolve(path))) {
      throw valueError('include cycle', `${quote(path)} is being read already`, restAt)
    }
    this.load({ path }, statement)
  }
}

/** Snort reads a line up to its first NUL byte, and so gets a broken rule. @throws RuleTextError */
function refuseNul(text: string): void {
  const at = text.indexOf('\0')
  if (at < 0) return
  throw syntaxError('NUL byte', 'a NUL byte stands here; inside a content it is written |00|', at)
}

/** Snort 2.9 directives that belong in a configuration file. */
const DIRECTIVES: ReadonlySet<string> = new Set([
  'attribute_table',
  'config',
  'dynamicdetection',
  'dynamicengine',
  'dynamicoutput',
  'dynamicpreprocessor',
  'event_filter',
  'file',
  'output',
  'preprocessor',
  'rate_filter',
  'rule_state',
  'ruletype',
  'sidechannel',
  'suppress',
  'threshold',
])
