/**
 * Which dialect a file is written in.
 *
 * Each of the first rules votes for the dialect that alone has the options it uses: `nocase;` or `depth:5;` standing
 * alone, `uricontent`, `urilen`, pcre buffer flags for Snort 2.9; `service`, `bufferlen`, `raw_data`, a header without
 * addresses, modifiers after the content's comma, an `http_…` buffer before any content, a rule over several lines
 * without `\` for Snort 3. The majority decides; without evidence it is Snort 2.9, and then both read the same.
 */
import { isAction, isProtocol } from './header.js'
import type { Dialect } from './model.js'
import { eachOption, findBody } from './parse.js'
import { RuleTextError } from './problem.js'
import { findOption } from './registry.js'
import type { RuleSource } from './source.js'
import { splitSnort2 } from './split-snort2.js'

/** Rules looked at. */
const SAMPLE = 200

export interface DialectChoice {
  readonly dialect: Dialect
  /** For people. */
  readonly reason: string
}

interface Vote {
  readonly dialect: Dialect
  readonly mark: string
}

export function detectDialect(source: RuleSource): DialectChoice {
  const votes: Record<Dialect, number> = { snort2: 0, snort3: 0 }
  const first: Partial<Record<Dialect, string>> = {}
  let rules = 0
  splitSnort2(source, (statement, overlong) => {
    if (overlong) return true
    const { text } = statement
    const word = /^[A-Za-z]+/.exec(text)?.[0]
    if (word === undefined || !isAction(word)) return true
    rules++
    const vote = voteOf(text)
    if (vote !== undefined) {
      votes[vote.dialect]++
      first[vote.dialect] ??= `${vote.mark} in line ${statement.line}`
    }
    return rules < SAMPLE
  })
  const dialect: Dialect = votes.snort3 > votes.snort2 ? 'snort3' : 'snort2'
  if (votes.snort2 + votes.snort3 === 0) {
    return { dialect, reason: 'nothing in it belongs to one dialect only' }
  }
  const reason = `${votes[dialect]} of the ${rules} rules looked at say so (${first[dialect]})`
  return { dialect, reason }
}

function voteOf(text: string): Vote | undefined {
  const open = findBody(text)
  const close = text.lastIndexOf(')')
  if (open < 0 || close < open) return { dialect: 'snort3', mark: 'a rule over several lines' }
  const header = text.slice(0, open).trim().split(/\s+/, 4)
  if (header.length === 2) return { dialect: 'snort3', mark: 'a header without addresses' }
  const protocol = header[1]?.toLowerCase()
  if (protocol !== undefined && !isProtocol(protocol) && /^[a-z][\w-]+$/.test(protocol)) {
    return { dialect: 'snort3', mark: `'${protocol}' in place of a protocol` }
  }
  let two: string | undefined
  let three: string | undefined
  let twos = 0
  let threes = 0
  const vote = (dialect: Dialect, mark: string): void => {
    if (dialect === 'snort2') {
      twos++
      two ??= mark
    } else {
      threes++
      three ??= mark
    }
  }
  let contents = 0
  try {
    eachOption(text, open + 1, close, false, ({ name, value }) => {
      const in2 = findOption(name, 'snort2') !== undefined
      const in3 = findOption(name, 'snort3') !== undefined
      if (in2 !== in3) vote(in2 ? 'snort2' : 'snort3', `'${name}'`)
      else if (name === 'content') {
        contents++
        if (value !== undefined && /"\s*,\s*[a-z_]+(?:\s+[\w-]+)?(?:,[^"]*)?$/.test(value)) {
          vote('snort3', 'modifiers after a comma')
        }
      } else if (name === 'pcre') {
        if (value !== undefined && /[ismxAEGRO]*[UIPHDCKMSYB][ismxAEGRO]*"$/.test(value.slice(-16))) {
          if (/\/[A-Za-z]*"$/.test(value.slice(-16))) vote('snort2', 'a pcre buffer flag')
        }
      } else if (contents === 0 && name.startsWith('http_')) vote('snort3', `'${name}' before any content`)
    })
  } catch (error) {
    if (!(error instanceof RuleTextError)) throw error
  }
  if (twos === threes) return undefined
  return twos > threes ? { dialect: 'snort2', mark: two! } : { dialect: 'snort3', mark: three! }
}
