/** The command line reference (docs/cli.md), made from the command and flag tables. */
import { FIELD_NAMES } from '../output/index.js'
import { COMMANDS, type CommandSpec, PROGRAM } from './commands.js'
import { FLAGS, type Flag, GROUPS } from './flags.js'
import { flagHelp } from './parser.js'

const HEAD = `# Command line

Made from the option table by \`npm run docs\`; \`${PROGRAM} --help\` shows the same.
`

const EXIT_CODES = `## Exit codes

| code | meaning |
|---|---|
| 0 | done; also after SIGINT or SIGTERM, when everything read so far has been inspected and written |
| 1 | something failed while running: a capture that cannot be read or is cut short, an output that cannot be written |
| 2 | the command line is wrong |
| 3 | rules or configuration cannot be used: no rule could be loaded, or with \`--strict\` not all |

Whether there were alerts does not change the exit code. A reader that closes the pipe (\`| head\`) ends the run quietly
with code 0.
`

const FILES = `## Files

With \`-l DIRECTORY\` alerts are appended to \`alert_fast.txt\`, \`alert_full.txt\`, \`alert_cmg.txt\`, \`alert_csv.txt\`,
\`alert_json.txt\` and \`eve.json\` there, created with mode 0600 when absent. \`-L pcap\` writes \`log.pcap.EPOCH\` there, or
in the current directory without \`-l\`; it never overwrites an earlier one.

A \`classification.config\` or \`reference.config\` beside a rule file is read with it.
`

const ENVIRONMENT = `## Environment

| variable | meaning |
|---|---|
| \`TZ\` | time zone of times in alerts, unless \`-U\` |
| \`WEIR_ENGINE\` | pattern matcher when \`--engine\` is not given |
| \`WEIR_CACHE\` | cache directory when \`--cache\` is not given, or off |
| \`WEIR_DEBUG=1\` | show the stack of an internal error |
`

const code = (text: string): string => `\`${text.replaceAll('|', '\\|')}\``
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;')

const flagTable = (spec: CommandSpec): string => {
  const flags: Flag[] = spec.flags.map((name) => FLAGS[name])
  const parts = GROUPS.map((group) => {
    const rows = flags
      .filter((flag) => flag.group === group)
      .map((flag) => `| ${code(flag.spelling)} | ${cell(flagHelp(flag))} |`)
    return rows.length === 0 ? '' : `| ${group} | |\n|---|---|\n${rows.join('\n')}\n`
  })
  return parts.filter((part) => part !== '').join('\n')
}

const section = (spec: CommandSpec): string => {
  const words = [PROGRAM, ...spec.path, ...(spec.operand === undefined ? [] : [spec.operand.spelling])]
  const parts = [`## \`${words.join(' ')}\`\n\n${spec.summary}.\n`, flagTable(spec)]
  if (spec.examples.length > 0) {
    const lines = spec.examples.map(([command, meaning]) => `${command}    # ${meaning}`)
    parts.push(`\`\`\`sh\n${lines.join('\n')}\n\`\`\`\n`)
  }
  return parts.filter((part) => part !== '').join('\n')
}

/** Markdown. */
export const commandReference = (): string => {
  const sections = COMMANDS.filter((spec) => spec.run !== undefined).map(section)
  const fields = `## Fields of csv and json\n\n${FIELD_NAMES.map((name) => `\`${name}\``).join(' ')}\n`
  return [HEAD, ...sections, fields, FILES, EXIT_CODES, ENVIRONMENT].join('\n')
}
