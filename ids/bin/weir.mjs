#!/usr/bin/env node
// Starts the built command line.
import { program } from './program.mjs'

const { main, processIo } = await program()
// Everything is written synchronously, so leaving at once loses nothing and an open stdin cannot hold us back.
process.exit(await main(process.argv.slice(2), processIo()))
