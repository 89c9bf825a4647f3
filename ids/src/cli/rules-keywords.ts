/** `weir rules keywords`: the rule options that are understood, straight from the option registry. */
import { BufferedWriter } from '../output/index.js'
import { DIALECT_NAMES, OPTIONS } from '../rules/index.js'
import type { CommandCall } from './commands.js'
import { EXIT, type ExitCode } from './errors.js'

export const runRulesKeywords = async ({ io, flags }: CommandCall): Promise<ExitCode> => {
  const writer = new BufferedWriter(io.stdout, () => {})
  const rows = [...OPTIONS].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
  if (flags.json) {
    const list = rows.map(({ name, dialects, status, argument, help }) => ({
      name,
      dialects,
      status,
      argument,
      help,
    }))
    writer.write(`${JSON.stringify(list, null, 2)}\n`)
  } else {
    for (const { name, dialects, status, argument, help } of rows) {
      const who = dialects.map((dialect) => DIALECT_NAMES[dialect]).join(', ')
      writer.write(`${argument === '' ? name : `${name}:${argument}`}\n    ${help} (${who}; ${status})\n`)
    }
  }
  writer.flush()
  return EXIT.DONE
}
