/**
 * Snort 3 text into statements: a rule runs to its closing parenthesis, over as many lines as it likes; quoted strings
 * hide separators; comments are `# …`, slash-star blocks and `#begin` … `#end`.
 *
 * A rule that is never closed must not swallow the rest of the file: a line that begins like a rule ends it.
 */

import type { SourcePosition, TextRun } from './model.js'
import { opensString } from './parse.js'
import type { RuleSource } from './source.js'
import { MAX_STATEMENT, type StatementHandler } from './split-snort2.js'
import { isBlank, Statement } from './statement.js'

const RULE_START =
  /^(?:alert|block|drop|log|pass|react|reject|rewrite|sdrop)\s+(?:\(|[a-z0-9-]+\s+(?:\(|\S+\s+\S+\s+(?:->|<>)))/

/** Only these begin something that may go on in the next line. */
const ACTION = /^(?:alert|block|drop|log|pass|react|reject|rewrite|sdrop)(?:\s|\(|$)/

/** A line that is not part of a rule and stands alone. */
const DIRECTIVE = /^(?:include|ipvar|portvar|var|config)\s/

class Builder {
  text = ''
  runs: TextRun[] = []
  overlong = false
  isRule = false

  /** Adds `text[start, end)`, which stands on `line` and begins at `column`. */
  add(text: string, start: number, end: number, line: number, column: number): void {
    if (start >= end || this.overlong) return
    if (this.runs.length > 0) this.text += ' '
    else this.isRule = ACTION.test(text.slice(start, Math.min(end, start + 16)))
    this.runs.push({ offset: this.text.length, line, column })
    if (this.text.length + end - start > MAX_STATEMENT) {
      this.overlong = true
      this.text += text.slice(start, start + 1024)
    } else {
      this.text += text.slice(start, end)
    }
  }
}

/** @returns where a comment begins that is never closed */
export function splitSnort3(source: RuleSource, handle: StatementHandler): SourcePosition | undefined {
  const { text } = source
  let line = 0
  let at = 0
  let current = new Builder()
  let depth = 0
  let quoted = false
  let blockComment = false
  let commentRegion = false
  /** Of the last comment that can stretch over lines. */
  let commentAt: SourcePosition | undefined

  /** Characters that mean something outside and inside quotes, and the line's end, which bounds the search. */
  const special = /["\\#()*\n]/g
  const closing = /["\\\n]/g

  const emit = (): boolean => {
    const done = current
    current = new Builder()
    depth = 0
    quoted = false
    if (done.runs.length === 0) return true
    return handle(new Statement(source.path, done.text, done.runs, source.multibyte), done.overlong)
  }

  while (at < text.length) {
    line++
    const lineStart = at
    let end = text.indexOf('\n', at)
    if (end < 0) end = text.length
    at = end + 1
    let start = lineStart
    while (end > start && isBlank(text.charCodeAt(end - 1))) end--
    while (start < end && isBlank(text.charCodeAt(start))) start++
    if (start === end) continue

    if (commentRegion) {
      if (text.startsWith('#end', start)) commentRegion = false
      continue
    }
    if (!blockComment && text.charCodeAt(start) === 35 && !quoted) {
      if (text.startsWith('#begin', start)) {
        commentRegion = true
        commentAt = { file: source.path, line, column: start - lineStart + 1 }
      }
      continue
    }
    const lead = text.slice(start, Math.min(end, start + 512))
    if (!blockComment && current.runs.length > 0 && RULE_START.test(lead) && !emit()) return
    if (!blockComment && current.runs.length === 0 && DIRECTIVE.test(lead)) {
      current.add(text, start, end, line, start - lineStart + 1)
      if (!emit()) return
      continue
    }

    // Walk the line, cutting out comments and ending the statement at the parenthesis that closes it.
    let from = start
    let i = start
    while (i < end) {
      const next = quoted ? closing : special
      next.lastIndex = i
      i = next.test(text) ? next.lastIndex - 1 : end
      if (i >= end) break
      const c = text.charCodeAt(i)
      if (blockComment) {
        if (c === 42 && text.charCodeAt(i + 1) === 47) {
          blockComment = false
          i++
          from = i + 1
        }
      } else if (c === 92) {
        if (depth > 0) i++
      } else if (c === 34) {
        quoted = depth > 0 && !quoted && (i === start || opensString(text, i))
      } else if (c === 42) {
        if (i > from && text.charCodeAt(i - 1) === 47) {
          current.add(text, from, i - 1, line, from - lineStart + 1)
          blockComment = true
          commentAt = { file: source.path, line, column: i - lineStart }
        }
      } else if (c === 35 && (i === start || isBlank(text.charCodeAt(i - 1)))) {
        end = i
        break
      } else if (c === 40) {
        depth++
      } else if (c === 41 && --depth <= 0) {
        current.add(text, from, i + 1, line, from - lineStart + 1)
        if (!emit()) return
        from = i + 1
        while (from < end && isBlank(text.charCodeAt(from))) from++
        i = from - 1
      }
      i++
    }
    if (!blockComment) {
      let stop = end
      // A trailing backslash joins lines in Snort 2.9; here lines join anyway.
      if (!quoted && stop > from && text.charCodeAt(stop - 1) === 92) stop--
      current.add(text, from, stop, line, from - lineStart + 1)
    }
    // A line outside parentheses that does not begin with an action is nonsense; report it alone.
    if (depth <= 0 && current.runs.length > 0 && !current.isRule && !emit()) return
  }
  emit()
  return blockComment || commentRegion ? commentAt : undefined
}
