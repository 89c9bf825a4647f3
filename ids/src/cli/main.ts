/** From argv to an exit code. Every failure ends here as one line on standard error. */
import { readFileSync } from 'node:fs'
import { CaptureError } from '@weir/stack'
import { ConfigurationError } from '../config/index.js'
import { OutputError } from '../output/index.js'
import { PROGRAM } from './commands.js'
import { CliError, EXIT, type ExitCode } from './errors.js'
import { type Io, say } from './io.js'
import { parseCommandLine } from './parser.js'

/** Of the package this file belongs to. */
export const packageVersion = (): string => {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : '?'
}

/**
 * Runs one command line. Writes to `io` only, never exits the process.
 * @param argv the words after the program's name
 */
export const main = async (argv: readonly string[], io: Io): Promise<ExitCode> => {
  try {
    const version = packageVersion()
    const parsed = parseCommandLine(argv, version, io)
    if (typeof parsed === 'number') return parsed
    const { command, flags, operands } = parsed
    return await command.run!({ io, flags, operands, version })
  } catch (error) {
    return report(error, io)
  }
}

/** Standard output was closed by its reader (`| head`): nothing is wrong. */
const isBrokenPipe = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'EPIPE'

const report = (error: unknown, io: Io): ExitCode => {
  if (isBrokenPipe(error)) return EXIT.DONE
  if (error instanceof CliError) {
    const hint = error.exitCode === EXIT.USAGE ? ` (try ${PROGRAM} --help)` : ''
    say(io, `${PROGRAM}: ${error.message}${hint}`)
    return error.exitCode
  }
  if (error instanceof ConfigurationError) {
    say(io, `${PROGRAM}: ${error.message}`)
    return EXIT.CONFIG
  }
  if (error instanceof CaptureError || error instanceof OutputError) {
    say(io, `${PROGRAM}: ${error.message}`)
    return EXIT.FAILURE
  }
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  say(io, `${PROGRAM}: internal error, please report it: ${message}`)
  if (io.env.WEIR_DEBUG === '1' && error instanceof Error) io.stderr.write(`${error.stack}\n`)
  return EXIT.FAILURE
}
