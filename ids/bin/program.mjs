// Loads the built program: as one file with its compiled code where there is such a bundle (scripts/setup/bundle.mjs),
// which takes a quarter of the time of loading a module after the other; else, and for those who look into it, from the
// modules. Says what to do when nothing has been built.
import { existsSync, readFileSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Script } from 'node:vm'

const here = (path) => new URL(path, import.meta.url)

const ENTRY = here('../dist/cli/index.js')
const BUNDLE = here('../dist/bundle/weir.cjs')
const CODE = here('../dist/bundle/weir.code')
/** What the compiler writes with every build: a bundle that is older was made from something else. */
const BUILDS = ['../dist/.tsbuildinfo', '../../stack/dist/.tsbuildinfo']
/** First line of the bundle, first bytes of the code: both are from the same run of the bundler. */
const ID = /^\/\/ ([0-9a-f]{32})\n/

/** Reads modules better by their own names and lines than in a bundle. */
const WATCHED = /^--(inspect|cpu-prof|heap-prof|prof|enable-source-maps)/

export const program = async () => {
  const bundled = usesModules() ? undefined : loadBundle()
  if (bundled !== undefined) return bundled.program
  if (!existsSync(ENTRY)) {
    console.error(
      'weir: not built yet: run "npm start" (sets up, builds, runs a demonstration) or "npm run build"',
    )
    process.exit(1)
  }
  return import(ENTRY.href)
}

const usesModules = () =>
  process.env.WEIR_DEBUG === '1' ||
  process.sourceMapsEnabled === true ||
  process.execArgv.some((argument) => WATCHED.test(argument)) ||
  !isNewest()

const modified = (url) => statSync(url, { throwIfNoEntry: false })?.mtimeMs ?? 0

const isNewest = () => {
  const bundle = modified(BUNDLE)
  return bundle > 0 && BUILDS.every((path) => modified(here(path)) <= bundle)
}

/** @returns the program, and its script for the bundler; undefined = there is no bundle */
export const loadBundle = () => {
  const text = read(BUNDLE)?.toString('utf8')
  const id = text === undefined ? undefined : ID.exec(text)?.[1]
  if (id === undefined) return undefined
  const code = read(CODE)
  const isOurs = code?.toString('latin1', 0, id.length) === id
  const script = new Script(`(function (exports, require, moduleUrl) {${text}\n})`, {
    filename: fileURLToPath(BUNDLE),
    // V8 looks whether it was made by the same version with the same flags, and compiles anew if not.
    ...(isOurs ? { cachedData: code.subarray(id.length) } : {}),
  })
  const program = {}
  script.runInThisContext()(program, createRequire(BUNDLE), moduleUrl)
  return { program, script, id }
}

const read = (url) => {
  try {
    return readFileSync(url)
  } catch {
    return undefined
  }
}

let stack

/** What `import.meta.url` is in a module: `weir/cli/main.js`, `@weir/stack/native.js`. */
const moduleUrl = (name) => {
  if (name.startsWith('weir/')) return here(`../dist/${name.slice('weir/'.length)}`).href
  stack ??= pathToFileURL(createRequire(import.meta.url).resolve('@weir/stack'))
  return new URL(name.slice('@weir/stack/'.length), stack).href
}
