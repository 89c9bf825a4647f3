#!/usr/bin/env node
// Starts the built command line; says what to do when it has not been built.
import { existsSync } from 'node:fs'

const entry = new URL('../dist/cli/index.js', import.meta.url)
if (!existsSync(entry)) {
  console.error(
    'weir: not built yet: run "npm start" (sets up, builds, runs a demonstration) or "npm run build"',
  )
  process.exit(1)
}
const { main, processIo } = await import(entry.href)
// Everything is written synchronously, so leaving at once loses nothing and an open stdin cannot hold us back.
process.exit(await main(process.argv.slice(2), processIo()))
