/**
 * Snort 2.9 text into statements: one per line, `\` at the end of a line continues it, `#` begins a comment line.
 */
import type { TextRun } from './model.js'
import type { RuleSource } from './source.js'
import { isBlank, Statement } from './statement.js'

/** Longest statement read; beyond it the statement is reported and skipped. ET lists of addresses stay below 16 KiB. */
export const MAX_STATEMENT = 256 * 1024

/** Return false to stop. `overlong` statements hold only their beginning. */
export type StatementHandler = (statement: Statement, overlong: boolean) => boolean

/** @returns where a comment begins that is never closed: Snort 2.9 has none of that kind */
export function splitSnort2(source: RuleSource, handle: StatementHandler): undefined {
  const { text } = source
  let line = 0
  let at = 0
  let joined = ''
  let runs: TextRun[] = []
  let overlong = false

  const emit = (): boolean => {
    if (runs.length === 0) return true
    const statement = new Statement(source.path, joined, runs, source.multibyte)
    const wasOverlong = overlong
    joined = ''
    runs = []
    overlong = false
    return handle(statement, wasOverlong)
  }

  while (at < text.length) {
    line++
    let end = text.indexOf('\n', at)
    if (end < 0) end = text.length
    const lineStart = at
    let start = at
    let stop = end
    at = end + 1
    while (start < stop && isBlank(text.charCodeAt(start))) start++
    while (stop > start && isBlank(text.charCodeAt(stop - 1))) stop--
    if (start === stop) {
      // An empty line ends a continuation that leads nowhere.
      if (!emit()) return
      continue
    }
    if (text.charCodeAt(start) === 35) continue
    const continued = text.charCodeAt(stop - 1) === 92
    if (continued) stop--
    if (joined.length + stop - start > MAX_STATEMENT) {
      if (runs.length === 0) {
        runs.push({ offset: 0, line, column: start - lineStart + 1 })
        joined = text.slice(start, start + 1024)
      }
      overlong = true
    } else if (!overlong) {
      runs.push({ offset: joined.length, line, column: start - lineStart + 1 })
      joined = joined.length === 0 ? text.slice(start, stop) : joined + text.slice(start, stop)
    }
    if (!continued && !emit()) return
  }
  emit()
}
