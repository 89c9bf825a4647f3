// What the set-up steps share: where things are, what was done before, running a command quietly.

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The repository. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Ends the set-up with a message for the user. */
export class SetupError extends Error {}

export function say(message) {
  process.stderr.write(`weir set-up: ${message}\n`)
}

// Lives with the npm packages: who deletes node_modules starts afresh.
const STATE_FILE = join(ROOT, 'node_modules', '.weir', 'setup.json')

/** One entry per step: a key of the inputs it last ran with. */
export function readState() {
  try {
    return JSON.parse(readFileSync(STATE_FILE, 'utf8'))
  } catch {
    return {}
  }
}

export function writeState(state) {
  const text = `${JSON.stringify(state, null, 2)}\n`
  if (existsSync(STATE_FILE) && readFileSync(STATE_FILE, 'utf8') === text) return
  mkdirSync(dirname(STATE_FILE), { recursive: true })
  writeFileSync(STATE_FILE, text)
}

export function digest(parts) {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(String(part)).update('\0')
  return hash.digest('hex')
}

/** Names a file's version without reading it. */
export function fileVersion(path) {
  const { mtimeMs, size } = statSync(path)
  return `${path} ${mtimeMs} ${size}`
}

/** Full path of a program on the PATH, or undefined. */
export function findProgram(name) {
  if (name.includes('/')) return existsSync(name) ? name : undefined
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, name)
    if (folder !== '' && existsSync(path)) return path
  }
  return undefined
}

/** Runs without a shell, output kept. `ok` is false when it cannot start or ends with an error. */
export function run(program, args, options = {}) {
  const result = spawnSync(program, args, {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 1 << 26,
    ...options,
  })
  const output = `${result.stdout ?? ''}${result.stderr ?? ''}${result.error ? `${result.error.message}\n` : ''}`
  return { ok: result.status === 0, stdout: result.stdout ?? '', output: output.trim() }
}

/** The end of a long output, indented: enough to see what went wrong. */
export function lastLines(output, count = 12) {
  return output
    .split('\n')
    .slice(-count)
    .map((line) => `    ${line}`)
    .join('\n')
}
