// Starts a worker thread of the built command line.
import { workerData } from 'node:worker_threads'
import { program } from './program.mjs'

const { work } = await program()
await work(workerData)
