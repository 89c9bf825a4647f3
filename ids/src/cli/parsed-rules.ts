/** Rules parsed in earlier runs, kept beside the compiled pattern databases. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { StartupCache } from '../match/cache.js'
import { ParsedFiles } from '../rules/index.js'

/** The compiler's record of the build: it names every source file with a hash of what is in it. */
const BUILD_RECORD = new URL('../.tsbuildinfo', import.meta.url)

/** undefined: there is no cache, or no telling whether this is the program that has parsed what is in it. */
export const parsedRules = (
  cache: StartupCache | undefined,
  regexEngine: string,
): ParsedFiles | undefined => {
  if (cache === undefined) return undefined
  try {
    const build = createHash('sha256').update(readFileSync(BUILD_RECORD)).digest('hex')
    return new ParsedFiles(cache, `${build} ${regexEngine}`)
  } catch {
    return undefined
  }
}
