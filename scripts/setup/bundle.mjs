// Step 6: ids/dist/bundle, the built command line as one file with its compiled code (see ids/bin/program.mjs). Everything
// works without it; starting takes longer. `npm run build` ends here, too.

import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { ROOT, say } from './state.mjs'

const DIST = { weir: join(ROOT, 'ids', 'dist'), '@weir/stack': join(ROOT, 'stack', 'dist') }
const TARGET = join(DIST.weir, 'bundle')
const BUNDLE = join(TARGET, 'weir.cjs')
const CODE = join(TARGET, 'weir.code')
const SIGNATURES = join(ROOT, 'signatures')

const modified = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0

function isNewest() {
  const bundle = modified(BUNDLE)
  const builds = Object.values(DIST).map((folder) => modified(join(folder, '.tsbuildinfo')))
  return existsSync(CODE) && builds.every((build) => build <= bundle)
}

export async function bundle() {
  if (isNewest()) return
  say('bundling')
  try {
    await writeBundle()
    // A process of its own, because what it compiles must be the program and nothing else.
    const { status, stderr } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), 'practise'], {
      encoding: 'utf8',
    })
    if (status !== 0) throw new Error(stderr.trim())
  } catch (error) {
    rmSync(TARGET, { recursive: true, force: true })
    say(`no bundle, weir will start slower: ${error.message.split('\n', 1)[0]}`)
  }
}

async function writeBundle() {
  const { rolldown } = await import('rolldown')
  const build = await rolldown({
    input: join(DIST.weir, 'cli', 'index.js'),
    platform: 'node',
    logLevel: 'silent',
    plugins: [{ name: 'module-urls', transform: (code, id) => withModuleUrl(code, id) }],
  })
  const { output } = await build.generate({
    format: 'cjs',
    codeSplitting: false,
    minify: { compress: false, mangle: false, codegen: { removeWhitespace: true } },
  })
  await build.close()
  if (output.length !== 1) throw new Error(`expected one file, got ${output.length}`)
  mkdirSync(TARGET, { recursive: true })
  rmSync(CODE, { force: true })
  replace(BUNDLE, `// ${randomBytes(16).toString('hex')}\n${output[0].code}`)
}

/** Every module finds the files beside it where they were before it became part of another. */
function withModuleUrl(code, id) {
  if (!code.includes('import.meta')) return null
  const [name, folder] = Object.entries(DIST).find(([, folder]) => id.startsWith(folder + sep)) ?? []
  if (name === undefined) return null
  const path = `${name}/${relative(folder, id).split(sep).join('/')}`
  return { code: code.replaceAll('import.meta.url', `moduleUrl(${JSON.stringify(path)})`), map: null }
}

function replace(path, content) {
  const temporary = `${path}.${process.pid}`
  writeFileSync(temporary, content)
  renameSync(temporary, path)
}

/** Runs the program as users do, so that the functions they need are compiled, and keeps what was compiled. */
async function practise() {
  setFlagsFromString('--no-flush-bytecode')
  const { loadBundle } = await import('../../ids/bin/program.mjs')
  const { program, script, id } = loadBundle()
  const cache = mkdtempSync(join(tmpdir(), 'weir-practise-'))
  const ignore = { write() {}, close() {}, isTTY: false }
  const io = {
    stdout: ignore,
    stderr: ignore,
    env: {},
    onStop: () => () => {},
    now: Date.now,
    cpuSeconds: () => process.cpuUsage().user / 1e6,
  }
  try {
    const read = ['-r', join(SIGNATURES, 'demo.pcap'), '--cache', join(cache, 'weir')]
    const runs = [read, [...read, '-A', 'json'], [...read, '-A', 'none', '-q'], ['-T'], ['--version']]
    for (const argv of runs) {
      const code = await program.main(argv, io)
      if (code !== 0) throw new Error(`weir ${argv.join(' ')} ended with ${code}`)
    }
  } finally {
    rmSync(cache, { recursive: true, force: true })
  }
  // Flags are part of what is compared when the code is loaded.
  setFlagsFromString('--flush-bytecode')
  replace(CODE, Buffer.concat([Buffer.from(id), script.createCachedData()]))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv[2] === 'practise') await practise()
  else await bundle()
}
