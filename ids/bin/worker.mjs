// Starts a worker thread of the built command line.
import { program } from './program.mjs'

const { work } = await program()
await work()
