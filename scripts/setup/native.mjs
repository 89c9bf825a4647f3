// Step 4: ids/native/build/weir_native.node, by one call of the C++ compiler.

import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { digest, fileVersion, findProgram, lastLines, ROOT, run, say } from './state.mjs'
import { findCompiler, findHeader } from './system.mjs'

const SOURCES = join(ROOT, 'ids/native/src')
const TARGET = join(ROOT, 'ids/native/build/weir_native.node')
const NODE_HEADERS = join(ROOT, 'node_modules/node-api-headers/include')

const FLAGS = ['-O2', '-std=c++17', '-fPIC', '-fvisibility=hidden', '-fno-exceptions', '-Wall', '-Wextra']
// On macOS the symbols of Node.js are looked up when the addon is loaded, which has to be said.
const LINK = process.platform === 'darwin' ? ['-bundle', '-undefined', 'dynamic_lookup'] : ['-shared']

function words(text) {
  return (text ?? '').split(/\s+/).filter((word) => word !== '')
}

/** Flags for the two libraries: from pkg-config where it knows them, else the compiler's own folders. */
function libraryFlags(headers) {
  if (findProgram('pkg-config') !== undefined) {
    const result = run('pkg-config', ['--cflags', '--libs', 'libhs', 'libpcre2-8'])
    if (result.ok) return words(result.stdout)
  }
  const prefixes = new Set(headers.map((header) => header.replace(/\/include\/.*$/, '')))
  prefixes.delete('/usr')
  const folders = [...prefixes].flatMap((prefix) => [`-I${prefix}/include`, `-L${prefix}/lib`])
  return [...folders, '-lhs', '-lpcre2-8']
}

/** Why the addon at TARGET cannot be loaded, or ''. */
function loadFailure() {
  try {
    createRequire(import.meta.url)(TARGET)
    return ''
  } catch (error) {
    return error.message
  }
}

export function buildNative(state) {
  if (process.env.WEIR_NO_NATIVE === '1') return
  const compiler = findCompiler()
  const headers = ['hs/hs.h', 'pcre2.h'].map(findHeader)
  if (compiler === undefined || headers.includes(undefined)) {
    if (!existsSync(TARGET))
      say(
        'no compiler or libraries for the native engines: detection will run on the TypeScript ones, slower',
      )
    return
  }
  const sources = readdirSync(SOURCES).map((name) => join(SOURCES, name))
  const extra = [...words(process.env.CXXFLAGS), ...words(process.env.LDFLAGS)]
  const read = [...sources, join(NODE_HEADERS, '../package.json')]
  const inputs = [...read.map((path) => readFileSync(path, 'utf8')), ...FLAGS, ...LINK, ...extra]
  const tools = [compiler, ...headers].map(fileVersion)
  const key = digest([...inputs, ...tools, process.platform, process.arch])
  const failed = `failed ${key}`
  if ((state.native === key && existsSync(TARGET)) || state.native === failed) return

  say('building the native engines')
  mkdirSync(dirname(TARGET), { recursive: true })
  // Built aside and renamed: a process that has the old one loaded keeps it.
  const fresh = `${TARGET}.${process.pid}`
  const objects = sources.filter((path) => path.endsWith('.cc'))
  const result = run(compiler, [
    ...FLAGS,
    ...words(process.env.CXXFLAGS),
    ...LINK,
    '-isystem',
    NODE_HEADERS,
    ...objects,
    '-o',
    fresh,
    ...libraryFlags(headers),
    ...words(process.env.LDFLAGS),
  ])
  if (result.ok) renameSync(fresh, TARGET)
  else rmSync(fresh, { force: true })
  const failure = result.ok ? loadFailure() : result.output
  state.native = failure === '' ? key : failed
  if (failure !== '') {
    rmSync(TARGET, { force: true })
    say(
      `the native engines could not be built; detection will run on the TypeScript ones:\n${lastLines(failure)}`,
    )
  } else if (result.output !== '') {
    say(`the compiler warns:\n${lastLines(result.output)}`)
  }
}
