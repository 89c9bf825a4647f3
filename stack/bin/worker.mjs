// Starts a worker thread of a pool (`createWorkerPool`).
import { runWorker } from '@weir/stack'

await runWorker()
