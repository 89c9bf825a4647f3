/** A rule that was asked for and is not in use: what is known of it. */
import {
  didYouMean,
  formatProblem,
  type LoadedRules,
  RuleFileError,
  type RuleSource,
  readRuleFile,
} from '../rules/index.js'
import type { NotLoaded } from './findings.js'

const MAX_POSITIONS = 3

/** Lines that hold the rule behind a `#`. */
const commentedOut = (loaded: LoadedRules, sid: number): string[] => {
  const pattern = new RegExp(`\\(.*\\bsid\\s*:\\s*${sid}\\s*[;)]`)
  const places: string[] = []
  for (const { path, error } of loaded.files) {
    // What came from standard input or the command line cannot be read again.
    if (error !== undefined || path === '-' || path.startsWith('--rule ')) continue
    let source: RuleSource
    try {
      source = readRuleFile(path)
    } catch (problem) {
      if (problem instanceof RuleFileError) continue
      throw problem
    }
    source.text.split('\n').forEach((line, i) => {
      if (places.length < MAX_POSITIONS && /^\s*#/.test(line) && pattern.test(line))
        places.push(`${path}:${i + 1}`)
    })
  }
  return places
}

export const findOutside = (loaded: LoadedRules, gid: number, sid: number): NotLoaded => {
  const problems = loaded.problems.filter((one) => one.sid === sid && one.severity === 'error')
  if (problems.length > 0) {
    const text = problems.map((problem) => formatProblem(problem)).join('; ')
    return { gid, sid, state: 'not_loaded', text }
  }
  const places = commentedOut(loaded, sid)
  if (places.length > 0)
    return { gid, sid, state: 'not_loaded', text: `commented out at ${places.join(', ')}` }
  const other = loaded.rules.filter((rule) => rule.sid === sid).map((rule) => `${rule.gid}:${rule.sid}`)
  const hint =
    other.length > 0
      ? `; there is ${other.join(', ')}`
      : didYouMean(
          String(sid),
          loaded.rules.filter((rule) => rule.gid === gid).map((rule) => String(rule.sid)),
        )
  return {
    gid,
    sid,
    state: 'unknown',
    text: `no rule ${gid}:${sid} among ${loaded.rules.length} loaded${hint}`,
  }
}
