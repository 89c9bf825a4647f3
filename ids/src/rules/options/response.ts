/**
 * Options that act after a match, or on the packet, and cannot change whether the rule matches: accepted, with a
 * warning that what they would do is not done.
 */
import type { Dialect } from '../model.js'
import type { OptionSpec } from '../registry.js'

const BOTH: readonly Dialect[] = ['snort2', 'snort3']
const SNORT2: readonly Dialect[] = ['snort2']

function row(
  name: string,
  dialects: readonly Dialect[],
  argument: string,
  help: string,
  section: string,
): OptionSpec {
  return {
    name,
    dialects,
    status: 'no-effect',
    argument,
    help,
    section,
    parse: (rule, option) => {
      const message = `'${name}' is accepted, but not carried out (${help})`
      rule.warn(`option without effect: ${name}`, message, option.at, 'unsupported')
    },
  }
}

export const responseOptions: readonly OptionSpec[] = [
  row('logto', SNORT2, '"file"', 'logs to a file of its own', '3.7.1'),
  row('session', SNORT2, 'printable|binary|all', 'logs the data of the session', '3.7.2'),
  row('resp', SNORT2, '<mechanism>, …', 'closes the connection', '3.7.3'),
  row('react', SNORT2, '[<arguments>]', 'sends a page to the browser', '3.7.4'),
  row('stream_reassemble', BOTH, '<arguments>', 'switches reassembly of the stream', '3.6.21'),
]
