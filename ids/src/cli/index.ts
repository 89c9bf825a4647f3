/**
 * The `weir` command.
 *
 * In: argv and the outside world (`Io`). Out: an exit code; alerts on standard output or in files, everything else on
 * standard error. Called by bin/weir.mjs and by tests. flags.ts and commands.ts are the tables everything else follows.
 */
export { EXIT, type ExitCode } from './errors.js'
export { type Io, processIo } from './io.js'
export { main } from './main.js'
export { work } from './worker.js'
