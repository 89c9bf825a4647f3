#!/usr/bin/env node
// Writes docs/cli.md from the built command line's tables. A test fails when the file is behind.
import { mkdirSync, writeFileSync } from 'node:fs'
import { commandReference } from '../ids/dist/cli/reference.js'

const docs = new URL('../docs/', import.meta.url)
mkdirSync(docs, { recursive: true })
writeFileSync(new URL('cli.md', docs), commandReference())
