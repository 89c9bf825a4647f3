/**
 * What can be wrong with a rule, and where problems are collected.
 *
 * Parsers throw a `RuleTextError` with an offset into the statement they were given; the loader turns it into a
 * `RuleProblem` with file, line and column. The log keeps a bounded number of them and counts all.
 */
import type { RuleProblem, SourcePosition } from './model.js'

export type ProblemKind = NonNullable<RuleProblem['kind']>

/** Thrown while a statement is parsed; never leaves the loader. */
export class RuleTextError extends Error {
  readonly kind: ProblemKind
  /** Groups equal causes. */
  readonly reason: string
  /** Offset in the statement's text. */
  readonly offset: number
  /** Adds to the message what is too dear to work out for a problem nobody will read. */
  readonly hint: (() => string) | undefined

  constructor(kind: ProblemKind, reason: string, message: string, offset: number, hint?: () => string) {
    super(message)
    this.name = 'RuleTextError'
    this.kind = kind
    this.reason = reason
    this.offset = offset
    this.hint = hint
  }
}

export function syntaxError(
  reason: string,
  message: string,
  offset: number,
  hint?: () => string,
): RuleTextError {
  return new RuleTextError('syntax', reason, message, offset, hint)
}

/** Well-formed text that asks for something impossible or forbidden. */
export function valueError(
  reason: string,
  message: string,
  offset: number,
  hint?: () => string,
): RuleTextError {
  return new RuleTextError('value', reason, message, offset, hint)
}

const MAX_QUOTED = 60

/** Rule text for use inside a message: shortened, control characters made visible. */
export function quote(text: string): string {
  const cut = text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text
  return `'${cut.replace(/[\x00-\x1f\x7f]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`)}'`
}

/** `file:line:column: message`, as compilers print it. */
export function formatProblem(problem: RuleProblem): string {
  const { file, line, column } = problem.position
  const warning = problem.severity === 'warning' ? 'warning: ' : ''
  return `${file}:${line}:${column}: ${warning}${problem.message}`
}

/** Rule text quoted in a problem cannot make it longer than this. */
const MAX_REASON = 80
const MAX_MESSAGE = 500

/** Reasons beyond this number of different ones are counted together, so that garbage cannot grow the table. */
const MAX_REASONS = 1000
const OTHER_REASONS = 'other'

export interface ReasonCount {
  readonly reason: string
  readonly severity: RuleProblem['severity']
  readonly kind: ProblemKind
  readonly count: number
}

/** Keeps the first `limit` problems and counts every one by reason. */
export class ProblemLog {
  readonly problems: RuleProblem[] = []
  errors = 0
  warnings = 0
  private readonly limit: number
  private readonly counts = new Map<string, { -readonly [K in keyof ReasonCount]: ReasonCount[K] }>()

  constructor(limit: number) {
    this.limit = limit
  }

  /** Problems that were counted but not kept. */
  get omitted(): number {
    return this.errors + this.warnings - this.problems.length
  }

  /** Further problems will be counted, but not kept. */
  get full(): boolean {
    return this.problems.length >= this.limit
  }

  add(
    severity: RuleProblem['severity'],
    kind: ProblemKind,
    cause: string,
    message: string,
    position: SourcePosition,
    sid: number | undefined,
  ): void {
    const reason = cause.slice(0, MAX_REASON)
    if (severity === 'error') this.errors++
    else this.warnings++
    let key = `${severity} ${kind} ${reason}`
    let entry = this.counts.get(key)
    if (entry === undefined) {
      let name = reason
      if (this.counts.size >= MAX_REASONS) {
        name = OTHER_REASONS
        key = `${severity} ${kind} ${name}`
        entry = this.counts.get(key)
      }
      if (entry === undefined) {
        entry = { reason: name, severity, kind, count: 0 }
        this.counts.set(key, entry)
      }
    }
    entry.count++
    if (this.problems.length < this.limit) {
      this.problems.push({ position, severity, kind, reason, message: message.slice(0, MAX_MESSAGE), sid })
    }
  }

  /** Most frequent first; equal counts in order of appearance. */
  byReason(): ReasonCount[] {
    return [...this.counts.values()].map((entry) => ({ ...entry })).sort((a, b) => b.count - a.count)
  }
}
