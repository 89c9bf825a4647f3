#!/usr/bin/env node
// Runs detection with the bundled signatures on the bundled capture: alerts, then the summary. `npm start` ends here.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url))
const weir = path('ids/bin/weir.mjs')
const capture = path('signatures/demo.pcap')

console.error('$ weir -r signatures/demo.pcap\n')
const { status } = spawnSync(process.execPath, [weir, '-r', capture], { stdio: 'inherit' })
if (status === 0) {
  console.error('\nNext: node ids/bin/weir.mjs --help, or with your own rules:')
  console.error('  node ids/bin/weir.mjs -r capture.pcap -R your.rules')
}
process.exit(status ?? 1)
