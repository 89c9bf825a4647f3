// Step 5: stack/dist and ids/dist. `tsc -b` is incremental, but starting it takes longer than looking whether any source
// changed.

import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { digest, fileVersion, lastLines, ROOT, run, SetupError, say } from './state.mjs'

const PROJECTS = ['stack', 'ids']
const CONFIGS = ['tsconfig.json', 'tsconfig.base.json', 'package-lock.json']

function sources(project) {
  const folder = join(ROOT, project, 'src')
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort()
}

function key() {
  const files = CONFIGS.map((name) => join(ROOT, name))
  for (const project of PROJECTS) files.push(join(ROOT, project, 'tsconfig.json'), ...sources(project))
  return digest(files.map(fileVersion))
}

function built() {
  return PROJECTS.every((project) => existsSync(join(ROOT, project, 'dist', 'index.js')))
}

export function buildTypeScript(state) {
  const now = key()
  if (state.typescript === now && built()) return
  say('building TypeScript')
  const result = run(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-b'])
  if (!result.ok) throw new SetupError(`the TypeScript build failed:\n${lastLines(result.output, 30)}`)
  state.typescript = now
}
