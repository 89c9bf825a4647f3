// Step 3: node_modules as package-lock.json has it.

import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { digest, lastLines, ROOT, run, SetupError, say } from './state.mjs'
import { findHeader } from './system.mjs'

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
}

/** npm leaves a copy of the lock file in node_modules: what it says is installed is what counts. */
function upToDate() {
  const wanted = readJson(join(ROOT, 'package-lock.json'))?.packages
  const installed = readJson(join(ROOT, 'node_modules', '.package-lock.json'))?.packages
  if (wanted === undefined) throw new SetupError('package-lock.json is missing or damaged')
  if (installed === undefined) return false
  return Object.entries(wanted).every(([path, entry]) => {
    if (!path.startsWith('node_modules/') || entry.optional) return true
    return installed[path]?.version === entry.version && existsSync(join(ROOT, path))
  })
}

/** Live capture is optional; its addon needs libpcap and the headers of this Node.js. */
function captureKey() {
  const header = findHeader('pcap.h')
  if (header === undefined || existsSync(join(ROOT, 'node_modules/cap/build/Release/cap.node')))
    return undefined
  return digest([process.version, header])
}

function npm(args) {
  // Node's own headers lie beside it in most installations; node-gyp would otherwise download them.
  const prefix = dirname(dirname(process.execPath))
  const headers = existsSync(join(prefix, 'include/node/node.h')) ? { npm_config_nodedir: prefix } : {}
  const script = process.env.npm_execpath
  const [program, first] = script?.endsWith('.js') ? [process.execPath, [script]] : ['npm', []]
  return run(program, [...first, ...args], { env: { ...headers, ...process.env } })
}

export function installPackages(state) {
  const capture = captureKey()
  // The capture library is tried once for each version of what it is built with.
  if (upToDate() && (capture === undefined || capture === state.capture)) return
  say('installing npm packages')
  const result = npm(['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'])
  if (!result.ok) throw new SetupError(`npm ci failed:\n${lastLines(result.output, 30)}`)
  state.capture = captureKey()
  if (state.capture !== undefined || findHeader('pcap.h') === undefined) {
    say('the capture library "cap" is not built: live capture (-i) will not work, reading files will')
  }
}
