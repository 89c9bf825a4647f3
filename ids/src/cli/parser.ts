/**
 * Command line → one invocation. Made from the command and flag tables; decides nothing itself.
 */
import { Command, CommanderError, Option } from 'commander'
import { didYouMean } from '../rules/index.js'
import { COMMANDS, type CommandSpec, PROGRAM } from './commands.js'
import { CliError, EXIT, type ExitCode } from './errors.js'
import { FLAGS, type Flag, type FlagName, type FlagValues } from './flags.js'
import type { Io } from './io.js'

export interface Invocation {
  readonly command: CommandSpec
  readonly flags: FlagValues
  readonly operands: readonly string[]
}

const HELP_WIDTH = 100

/** What `--help` and the reference show of a flag. */
export const flagHelp = (flag: Flag): string =>
  flag.fallback === undefined ? flag.help : `${flag.help} (default: ${flag.fallback})`

const absent = (flag: Flag): unknown => {
  if (flag.kind === 'switch') return false
  return flag.kind === 'list' ? [] : undefined
}

const commanderOption = (flag: Flag): Option => {
  const option = new Option(flag.spelling, flagHelp(flag)).helpGroup(`${flag.group}:`)
  if (flag.kind === 'single') option.argParser(flag.parse)
  if (flag.kind === 'list') {
    option.argParser((text: string, earlier: readonly unknown[] | undefined) => [
      ...(earlier ?? []),
      ...flag.parse(text),
    ])
  }
  return option
}

const collectFlags = (given: Readonly<Record<string, unknown>>): FlagValues => {
  const values: Record<string, unknown> = {}
  for (const [name, flag] of Object.entries(FLAGS) as [FlagName, Flag][])
    values[name] = given[name] ?? absent(flag)
  return values as unknown as FlagValues
}

/** Commander prints `error: …` and a suggestion on a line of its own; here an error is one line. */
const oneLine = (text: string): string =>
  text
    .replace(/^error: /, '')
    .trim()
    .replace(/\s*\n\s*/g, ' ')

/**
 * @returns what to run, or the exit code when `--help` or `--version` was all there was to do
 * @throws CliError (usage)
 */
export const parseCommandLine = (argv: readonly string[], version: string, io: Io): Invocation | ExitCode => {
  let invocation: Invocation | undefined
  const program = buildProgram(version, io, (found) => {
    invocation = found
  })
  try {
    program.parse([...argv], { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return EXIT.DONE
    const message =
      error.code === 'commander.excessArguments' ? unexpected(program.args) : oneLine(error.message)
    throw new CliError(message, EXIT.USAGE, { cause: error })
  }
  return invocation ?? EXIT.DONE
}

/** A word where none belongs is most likely a command misspelt. */
const unexpected = (words: readonly string[]): string => {
  const [first, second] = words
  const children = COMMANDS.filter(({ path }) => path.length === 2 && path[0] === first)
  if (first !== undefined && second !== undefined && children.length > 0) {
    const names = children.map(({ path }) => path[1]!)
    return `${first}: no command '${second}'${didYouMean(second, names)}`
  }
  const word = first ?? ''
  const names = COMMANDS.filter(({ path }) => path.length === 1).map(({ path }) => path[0]!)
  return `unexpected argument '${word}'${didYouMean(word, names)}`
}

/** The whole command tree, for parsing and for help. */
export const buildProgram = (version: string, io: Io, found: (invocation: Invocation) => void): Command => {
  const program = new Command(PROGRAM)
  const output = {
    writeOut: (text: string) => io.stdout.write(Buffer.from(text)),
    // Errors are thrown and printed by the caller, in one line; help asked for goes to standard output.
    writeErr: () => {},
    getOutHelpWidth: () => HELP_WIDTH,
  }
  const settle = (command: Command): Command =>
    command
      .exitOverride()
      .configureOutput(output)
      .helpOption('-h, --help', 'show this help')
      .helpCommand(false)
  settle(program).version(version, '-V, --version', 'show the version').enablePositionalOptions()

  for (const spec of COMMANDS) {
    const command = settle(spec.path.length === 0 ? program : subcommand(program, spec.path, settle))
    command.description(spec.summary)
    for (const name of spec.flags) command.addOption(commanderOption(FLAGS[name]))
    if (spec.operand !== undefined) command.argument(spec.operand.spelling, spec.operand.help)
    if (spec.examples.length > 0) command.addHelpText('after', `\n${examplesText(spec)}`)
    if (spec.run === undefined) {
      command.action(() => {
        throw new CliError(`${spec.path.join(' ')}: which one? ${children(spec)}`, EXIT.USAGE)
      })
      continue
    }
    command.action((...given: unknown[]) => {
      const operands = spec.operand === undefined ? [] : (given[0] as string[])
      found({ command: spec, flags: collectFlags(command.opts()), operands })
    })
  }
  return program
}

const children = (spec: CommandSpec): string =>
  COMMANDS.filter((one) => one.path.length === spec.path.length + 1 && one.path[0] === spec.path[0])
    .map((one) => one.path.at(-1))
    .join(', ')

/** Parents stand before their children in the table. */
const subcommand = (
  program: Command,
  path: readonly string[],
  settle: (command: Command) => Command,
): Command => {
  const parent = path.slice(0, -1).reduce<Command>((at, name) => {
    const next = at.commands.find((command) => command.name() === name)
    if (next === undefined) throw new Error(`command table: ${path.join(' ')} stands before its parent`)
    return next
  }, program)
  return settle(parent.command(path.at(-1)!))
}

const examplesText = (spec: CommandSpec): string => {
  const lines = spec.examples.map(([command, meaning]) => `  ${command}\n      ${meaning}`)
  return `Examples:\n${lines.join('\n')}`
}
