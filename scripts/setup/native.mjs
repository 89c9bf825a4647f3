// Step 4: the native addons, each by one call of the C++ compiler.
//
//   ids/native/build/weir_native.node  Hyperscan and PCRE2; needs both
//   stack/native/build/weir_net.node   libpcap's filter compiler, AF_PACKET (Linux); has what there are headers for

import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { digest, fileVersion, findProgram, lastLines, ROOT, run, say } from './state.mjs'
import { findCompiler, findHeader } from './system.mjs'

const NODE_HEADERS = join(ROOT, 'node_modules/node-api-headers/include')

const FLAGS = ['-O2', '-std=c++17', '-fPIC', '-fvisibility=hidden', '-fno-exceptions', '-Wall', '-Wextra']
// On macOS the symbols of Node.js are looked up when the addon is loaded, which has to be said.
const LINK = process.platform === 'darwin' ? ['-bundle', '-undefined', 'dynamic_lookup'] : ['-shared']

function words(text) {
  return (text ?? '').split(/\s+/).filter((word) => word !== '')
}

/** Flags for libraries: from pkg-config where it knows them, else the folders their headers lie in. */
function libraryFlags(packages, libraries, headers) {
  if (findProgram('pkg-config') !== undefined) {
    const result = run('pkg-config', ['--cflags', '--libs', ...packages])
    if (result.ok) return words(result.stdout)
  }
  const prefixes = new Set(headers.map((header) => header.replace(/\/include\/.*$/, '')))
  prefixes.delete('/usr')
  const folders = [...prefixes].flatMap((prefix) => [`-I${prefix}/include`, `-L${prefix}/lib`])
  return [...folders, ...libraries.map((name) => `-l${name}`)]
}

/** Why the addon cannot be loaded, or ''. */
function loadFailure(target) {
  try {
    createRequire(import.meta.url)(target)
    return ''
  } catch (error) {
    return error.message
  }
}

/** The detection engines: all or nothing. */
function detectionAddon() {
  const headers = ['hs/hs.h', 'pcre2.h'].map(findHeader)
  return {
    key: 'native',
    name: 'the native engines',
    without: 'detection will run on the TypeScript ones',
    sources: join(ROOT, 'ids/native/src'),
    target: join(ROOT, 'ids/native/build/weir_native.node'),
    headers,
    possible: !headers.includes(undefined),
    flags: () => libraryFlags(['libhs', 'libpcre2-8'], ['hs', 'pcre2-8'], headers),
  }
}

function networkAddon() {
  const pcap = findHeader('pcap/pcap.h')
  const packet = process.platform === 'linux' ? findHeader('linux/if_packet.h') : undefined
  return {
    key: 'network',
    name: 'the native network addon',
    without: 'filter expressions (--bpf on files) and AF_PACKET rings will not work',
    sources: join(ROOT, 'stack/native/src'),
    target: join(ROOT, 'stack/native/build/weir_net.node'),
    headers: [pcap, packet].filter((header) => header !== undefined),
    possible: pcap !== undefined || packet !== undefined,
    flags: () => [
      '-pthread',
      ...(packet === undefined ? [] : ['-DWEIR_PACKET']),
      ...(pcap === undefined ? [] : ['-DWEIR_PCAP', ...libraryFlags(['libpcap'], ['pcap'], [pcap])]),
    ],
  }
}

export function buildNative(state) {
  if (process.env.WEIR_NO_NATIVE === '1') return
  for (const addon of [detectionAddon(), networkAddon()]) build(state, addon)
}

function build(state, addon) {
  const { target } = addon
  const compiler = findCompiler()
  if (compiler === undefined || !addon.possible) {
    if (!existsSync(target)) say(`no compiler or libraries for ${addon.name}: ${addon.without}`)
    return
  }
  const sources = readdirSync(addon.sources).map((name) => join(addon.sources, name))
  const extra = [...words(process.env.CXXFLAGS), ...words(process.env.LDFLAGS)]
  const inputs = [...sources.map((path) => readFileSync(path, 'utf8')), ...FLAGS, ...LINK, ...extra]
  const tools = [compiler, ...addon.headers, join(NODE_HEADERS, 'node_api.h')].map(fileVersion)
  const key = digest([...inputs, ...tools, process.platform, process.arch])
  const failed = `failed ${key}`
  if ((state[addon.key] === key && existsSync(target)) || state[addon.key] === failed) return

  say(`building ${addon.name}`)
  mkdirSync(dirname(target), { recursive: true })
  // Built aside and renamed: a process that has the old one loaded keeps it.
  const fresh = `${target}.${process.pid}`
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
    ...addon.flags(),
    ...words(process.env.LDFLAGS),
  ])
  if (result.ok) renameSync(fresh, target)
  else rmSync(fresh, { force: true })
  const failure = result.ok ? loadFailure(target) : result.output
  state[addon.key] = failure === '' ? key : failed
  if (failure !== '') {
    rmSync(target, { force: true })
    say(`${addon.name} could not be built; ${addon.without}:\n${lastLines(failure)}`)
  } else if (result.output !== '') {
    say(`the compiler warns:\n${lastLines(result.output)}`)
  }
}
