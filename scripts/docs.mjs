#!/usr/bin/env node
// Writes docs/cli.md from the built command line's tables, and docs/api/ from the docstrings of the stack. Tests fail when
// these files are behind.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { commandReference } from '../ids/dist/cli/reference.js'
import { apiReference } from './api-docs.mjs'

const docs = new URL('../docs/', import.meta.url)
const api = new URL('api/', docs)
rmSync(api, { recursive: true, force: true })
mkdirSync(api, { recursive: true })
writeFileSync(new URL('cli.md', docs), commandReference())
const { pages, problems } = apiReference()
for (const [name, text] of pages) writeFileSync(new URL(name, api), text)
for (const problem of problems) console.warn(problem)
