/** Rules parsed in earlier runs, kept beside the compiled pattern databases. */
import { statSync } from 'node:fs'
import { StartupCache } from '../match/cache.js'
import { ParsedFiles } from '../rules/index.js'

/** Written by the compiler with every build that changes anything. */
const BUILD_RECORD = new URL('../.tsbuildinfo', import.meta.url)

/** undefined: there is no cache, or no telling whether this is the program that has parsed what is in it. */
export const parsedRules = (directory: string | undefined): ParsedFiles | undefined => {
  if (directory === undefined) return undefined
  const build = statSync(BUILD_RECORD, { throwIfNoEntry: false })
  if (build === undefined) return undefined
  return new ParsedFiles(new StartupCache({ directory }), `${build.size} ${build.mtimeMs}`)
}
