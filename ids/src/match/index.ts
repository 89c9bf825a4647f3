/**
 * Search engines: many literal patterns at once, and single PCRE expressions.
 *
 * In: patterns from rules, byte ranges from inspection buffers. Out: pattern numbers and match offsets (matcher.ts has
 * the interfaces). Called by detection, which asks `createEngines` once per thread; nobody else chooses an engine.
 * Native engines (Hyperscan, PCRE2) when the addon is built, otherwise pure TypeScript with the same answers.
 */

import { AhoCorasickEngine } from './aho-corasick.js'
import { HyperscanEngine } from './hyperscan.js'
import type { MatcherEngine, RegexEngine } from './matcher.js'
import { loadNative } from './native.js'
import { Pcre2Engine } from './pcre2.js'
import { RegexpEngine } from './regexp.js'
import { missesPatterns } from './self-test.js'

export * from './matcher.js'

export const ENGINE_CHOICES = ['auto', 'hyperscan', 'aho-corasick'] as const
export type EngineChoice = (typeof ENGINE_CHOICES)[number]

export interface EngineOptions {
  /**
   * `auto`: native where possible. `hyperscan`: native or an error. `aho-corasick`: pure TypeScript, also for regular
   * expressions. Default: the environment variable WEIR_ENGINE, else `auto`.
   */
  readonly engine?: EngineChoice | undefined
}

export interface Engines {
  readonly matcher: MatcherEngine
  readonly regex: RegexEngine
  /** For the user: why an engine is not the fast one. Empty when nothing is amiss. */
  readonly notes: readonly string[]
}

/** @throws Error when the choice is unknown, or is `hyperscan` and that cannot be used here. */
export function createEngines(options: EngineOptions = {}): Engines {
  const engine = options.engine ?? process.env.WEIR_ENGINE ?? 'auto'
  if (!ENGINE_CHOICES.some((choice) => choice === engine)) {
    throw new Error(`unknown engine "${engine}": expected ${ENGINE_CHOICES.join(', ')}`)
  }
  if (engine === 'aho-corasick') {
    return { matcher: new AhoCorasickEngine(), regex: new RegexpEngine(), notes: [] }
  }
  const { addon, reason } = loadNative()
  if (addon === undefined) {
    if (engine === 'hyperscan') throw new Error(`Hyperscan cannot be used: ${reason}`)
    return {
      matcher: new AhoCorasickEngine(reason),
      regex: new RegexpEngine(reason),
      notes: [slower(reason)],
    }
  }
  const regex = new Pcre2Engine(addon.pcre2)
  const hyperscan = new HyperscanEngine(addon.hyperscan)
  const trouble = !addon.hyperscan.usable
    ? 'this processor lacks instructions it needs'
    : missesPatterns(hyperscan)
      ? `version ${addon.hyperscan.version.trim()} misses patterns on this processor`
      : ''
  if (trouble === '') return { matcher: hyperscan, regex, notes: [] }
  if (engine === 'hyperscan') throw new Error(`Hyperscan cannot be used: ${trouble}`)
  return { matcher: new AhoCorasickEngine(trouble), regex, notes: [slower(trouble)] }
}

function slower(reason: string): string {
  return `searching without Hyperscan, slower: ${reason}`
}
