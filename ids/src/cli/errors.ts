/** Exit codes, and the errors that stand for them. Every message is one line, complete in itself. */

export const EXIT = {
  DONE: 0,
  /** Something failed at run time: a capture that cannot be read, an output that cannot be written. */
  FAILURE: 1,
  /** The command line is wrong. */
  USAGE: 2,
  /** Rules or configuration cannot be used. */
  CONFIG: 3,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** An error meant for the user: `message` is what is printed. */
export class CliError extends Error {
  readonly exitCode: ExitCode
  constructor(message: string, exitCode: ExitCode, options?: ErrorOptions) {
    super(message, options)
    this.name = 'CliError'
    this.exitCode = exitCode
  }
}

export const usageError = (message: string): CliError => new CliError(message, EXIT.USAGE)
export const configError = (message: string): CliError => new CliError(message, EXIT.CONFIG)
export const failure = (message: string): CliError => new CliError(message, EXIT.FAILURE)
