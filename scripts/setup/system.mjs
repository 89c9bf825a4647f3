// Step 2: the compiler and libraries that native code needs. What is there is seen by looking for files, so that a
// machine already set up (by whatever package manager) costs nothing.

import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { digest, findProgram, lastLines, run, say } from './state.mjs'

export const INCLUDE_FOLDERS = [
  ...(process.env.CPATH ?? '').split(delimiter).filter((folder) => folder !== ''),
  '/usr/include',
  '/usr/local/include',
  '/opt/homebrew/include',
]

/** First existing header of that name in the usual folders, or undefined. */
export function findHeader(name) {
  return INCLUDE_FOLDERS.map((folder) => join(folder, name)).find((path) => existsSync(path))
}

export function findCompiler() {
  const names = process.env.CXX ? [process.env.CXX] : ['c++', 'g++', 'clang++']
  return names.map(findProgram).find((path) => path !== undefined)
}

// Vectorscan is Hyperscan's port to other processors, with the same header and library names.
const HYPERSCAN = ['libhyperscan-dev', 'libvectorscan-dev']
const SCANNERS = process.arch === 'x64' ? HYPERSCAN : [...HYPERSCAN].reverse()

/** What is needed and for what, the Debian package that has it, and how to see it. */
const NEEDED = [
  {
    name: 'a C++ compiler',
    use: 'native search',
    debian: 'g++',
    present: () => findCompiler() !== undefined,
  },
  { name: 'make', use: 'live capture', debian: 'make', present: () => findProgram('make') !== undefined },
  {
    name: 'python3',
    use: 'live capture',
    debian: 'python3',
    present: () => findProgram('python3') !== undefined,
  },
  {
    name: 'Hyperscan',
    use: 'native search',
    debian: SCANNERS[0],
    present: () => findHeader('hs/hs.h') !== undefined,
  },
  {
    name: 'PCRE2',
    use: 'native search',
    debian: 'libpcre2-dev',
    present: () => findHeader('pcre2.h') !== undefined,
  },
  {
    name: 'libpcap',
    use: 'live capture',
    debian: 'libpcap-dev',
    present: () => findHeader('pcap.h') !== undefined,
  },
]

/** The prefix that makes apt-get run as root: [] or ['sudo', …]; undefined when there is no way. */
function asRoot() {
  if (process.getuid?.() === 0) return []
  return findProgram('sudo') !== undefined && run('sudo', ['-n', 'true']).ok ? ['sudo', '-n'] : undefined
}

function apt(prefix, args) {
  const command = [...prefix, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', ...args]
  return run(command[0], command.slice(1))
}

/** Installs, refreshing the package lists only when that is needed; returns apt-get's complaint or ''. */
function install(prefix, packages) {
  const attempt = (names) => apt(prefix, ['install', '-y', '-q', '--no-install-recommends', ...names])
  const alternatives = SCANNERS.map((scanner) =>
    packages.map((name) => (HYPERSCAN.includes(name) ? scanner : name)),
  )
  let result = attempt(packages)
  if (!result.ok) {
    const update = apt(prefix, ['update', '-q'])
    if (!update.ok) return update.output
    for (const names of alternatives) {
      if (!result.ok) result = attempt(names)
    }
  }
  return result.ok ? '' : result.output
}

export function installSystem(state) {
  if (process.env.WEIR_SKIP_SYSTEM === '1') return
  const missing = NEEDED.filter((need) => !need.present())
  if (missing.length === 0) {
    state.system = undefined
    return
  }
  const names = missing.map(({ name, use }) => `${name} (for ${use})`).join(', ')
  const packages = missing.map((need) => need.debian)
  const manual = `apt-get install -y ${packages.join(' ')}`
  const key = digest([process.getuid?.(), ...packages])
  const advice =
    findProgram('apt-get') !== undefined
      ? `install with: sudo ${manual}`
      : 'install them with your package manager'
  // What failed once is not tried again; it is looked for each time, and found when somebody installs it.
  if (state.system === key) {
    say(`not installed: ${names}; ${advice}`)
    return
  }
  state.system = key
  const prefix = findProgram('apt-get') === undefined ? undefined : asRoot()
  if (prefix === undefined) {
    say(`not installed: ${names}; ${advice}`)
    return
  }
  say(`installing system packages: ${packages.join(' ')}`)
  const complaint = install(prefix, packages)
  if (complaint === '') state.system = undefined
  else say(`apt-get failed, going on without ${names} (${advice}):\n${lastLines(complaint)}`)
}
