/** An option that makes a buffer the one that what follows looks at. */
import type { BufferId } from '../../inspect/buffers.js'
import type { RuleBuilder } from '../builder.js'
import type { Dialect } from '../model.js'
import type { OptionSpec } from '../registry.js'

export function selectBuffer(rule: RuleBuilder, buffer: BufferId): void {
  rule.sticky = buffer
  rule.push({ kind: 'set_buffer', buffer })
}

export function sticky(
  name: string,
  buffer: BufferId,
  help: string,
  dialects: readonly Dialect[] = ['snort2', 'snort3'],
  section = '3.5',
): OptionSpec {
  return {
    name,
    dialects,
    status: 'evaluated',
    argument: '',
    help,
    section,
    parse: (rule) => selectBuffer(rule, buffer),
  }
}
