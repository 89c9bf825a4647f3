/**
 * Search engines: many literal patterns at once, and single PCRE expressions.
 *
 * In: patterns from rules, byte ranges from inspection buffers. Out: pattern numbers and match offsets (matcher.ts has
 * the interfaces). Called by detection, which asks `createEngines` once per thread; nobody else chooses an engine.
 * Native engines (Hyperscan, PCRE2) when the addon is built, otherwise pure TypeScript with the same answers.
 */

import { AhoCorasickEngine } from './aho-corasick.js'
import { type CacheCounters, StartupCache } from './cache.js'
import { HyperscanEngine } from './hyperscan.js'
import type { MatcherEngine, RegexEngine } from './matcher.js'
import { loadNative } from './native.js'
import { Pcre2Engine } from './pcre2.js'
import { RegexpEngine } from './regexp.js'
import { missesPatterns } from './self-test.js'

export { type CacheCounters, cacheDirectory, DEFAULT_CACHE_BYTES } from './cache.js'
export * from './matcher.js'

export const ENGINE_CHOICES = ['auto', 'hyperscan', 'aho-corasick'] as const
export type EngineChoice = (typeof ENGINE_CHOICES)[number]

export interface EngineOptions {
  /**
   * `auto`: native where possible. `hyperscan`: native or an error. `aho-corasick`: pure TypeScript, also for regular
   * expressions. Default: the environment variable WEIR_ENGINE, else `auto`.
   */
  readonly engine?: EngineChoice | undefined
  /**
   * Directory to keep compiled Hyperscan databases in, made when it is missing; see `cacheDirectory` for the usual one.
   * Only its owner may be able to write to it, or it is not used. Default: none, databases are compiled every time.
   */
  readonly cache?: string | undefined
  /** Limit of all files in `cache`; those not used for longest go first. Default 256 MiB. */
  readonly cacheBytes?: number | undefined
}

/** What the cache of compiled databases has done so far. */
export interface CacheReport {
  readonly directory: string
  readonly counters: Readonly<CacheCounters>
  /** The first thing that went wrong with it, in words for the user; '' = nothing. */
  readonly trouble: string
}

export interface Engines {
  readonly matcher: MatcherEngine
  readonly regex: RegexEngine
  /** For the user: why an engine is not the fast one. Empty when nothing is amiss. */
  readonly notes: readonly string[]
  /** undefined: no cache, because none was asked for or Hyperscan is not in use. */
  readonly cache: CacheReport | undefined
}

/** @throws Error when the choice is unknown, or is `hyperscan` and that cannot be used here. */
export function createEngines(options: EngineOptions = {}): Engines {
  const engine = options.engine ?? process.env.WEIR_ENGINE ?? 'auto'
  if (!ENGINE_CHOICES.some((choice) => choice === engine)) {
    throw new Error(`unknown engine "${engine}": expected ${ENGINE_CHOICES.join(', ')}`)
  }
  if (engine === 'aho-corasick') {
    return { matcher: new AhoCorasickEngine(), regex: new RegexpEngine(), notes: [], cache: undefined }
  }
  const { addon, reason } = loadNative()
  if (addon === undefined) {
    if (engine === 'hyperscan') throw new Error(`Hyperscan cannot be used: ${reason}`)
    return {
      matcher: new AhoCorasickEngine(reason),
      regex: new RegexpEngine(reason),
      notes: [slower(reason)],
      cache: undefined,
    }
  }
  const regex = new Pcre2Engine(addon.pcre2)
  const trouble = !addon.hyperscan.usable
    ? 'this processor lacks instructions it needs'
    : missesPatterns(new HyperscanEngine(addon.hyperscan))
      ? `version ${addon.hyperscan.version.trim()} misses patterns on this processor`
      : ''
  if (trouble === '') {
    const cache = databaseCache(options)
    return { matcher: new HyperscanEngine(addon.hyperscan, cache), regex, notes: [], cache }
  }
  if (engine === 'hyperscan') throw new Error(`Hyperscan cannot be used: ${trouble}`)
  return { matcher: new AhoCorasickEngine(trouble), regex, notes: [slower(trouble)], cache: undefined }
}

function databaseCache({ cache, cacheBytes }: EngineOptions): StartupCache | undefined {
  if (cache === undefined) return undefined
  return new StartupCache({
    directory: cache,
    ...(cacheBytes === undefined ? {} : { maxBytes: cacheBytes }),
  })
}

function slower(reason: string): string {
  return `searching without Hyperscan, slower: ${reason}`
}
