/**
 * The commands: which flags each takes, and what runs it. Parents stand before their children.
 */
import { runDetection } from './detection-run.js'
import type { ExitCode } from './errors.js'
import { runExplain } from './explain-command.js'
import type { FlagName, FlagValues } from './flags.js'
import { runFlows } from './flows-command.js'
import type { Io } from './io.js'
import { runRulesCheck } from './rules-check.js'
import { runRulesKeywords } from './rules-keywords.js'
import { runRulesStats } from './rules-stats.js'

export const PROGRAM = 'weir'

export interface CommandCall {
  readonly io: Io
  readonly flags: FlagValues
  readonly operands: readonly string[]
  readonly version: string
}

export interface CommandSpec {
  /** Words after `weir`; empty for the detection run itself. */
  readonly path: readonly string[]
  readonly summary: string
  readonly flags: readonly FlagName[]
  readonly operand?: { readonly spelling: string; readonly help: string }
  readonly examples: readonly (readonly [command: string, meaning: string])[]
  /** undefined for a word that only groups others. */
  readonly run: ((call: CommandCall) => Promise<ExitCode>) | undefined
}

const RULE_TEXT_FLAGS = ['set', 'classification', 'references'] as const satisfies readonly FlagName[]

export const COMMANDS: readonly CommandSpec[] = [
  {
    path: [],
    summary:
      'Intrusion detection with Snort rules on reassembled flows. Alerts go to standard output, the rest to standard error',
    flags: [
      'read',
      'interface',
      'inline',
      'bpf',
      'snaplen',
      'count',
      'checksums',
      'rules',
      'rule',
      'conf',
      ...RULE_TEXT_FLAGS,
      'strict',
      'builtin',
      'lenientHttp',
      'rawStreams',
      'eventQueue',
      'order',
      'alertBeforePass',
      'processAllEvents',
      'engine',
      'cache',
      'jobs',
      'share',
      'maxPacketThreads',
      'alert',
      'alertStyle',
      'fields',
      'logDir',
      'log',
      'utc',
      'year',
      'payloadBytes',
      'communityId',
      'test',
      'quiet',
    ],
    examples: [
      ['weir -r capture.pcap', 'inspect a capture with the bundled signatures'],
      [
        'weir -r a.pcap b.pcapng.gz -R community.rules -A json',
        'two captures, your rules, one JSON object per alert',
      ],
      [
        'weir -i eth0 -R community.rules -S HOME_NET=10.0.0.0/8 -A eve -l /var/log/weir',
        'live, EVE alerts to a file',
      ],
      ['weir -T -R local.rules --strict', 'are the rules good? exit code 0 if so, 3 if not'],
    ],
    run: runDetection,
  },
  {
    path: ['rules'],
    summary: 'Look at rule files',
    flags: [],
    examples: [],
    run: undefined,
  },
  {
    path: ['rules', 'check'],
    summary: 'Load rule files and report what could not be loaded, and why',
    flags: ['rules', ...RULE_TEXT_FLAGS, 'strict', 'json', 'quiet'],
    operand: { spelling: '[file...]', help: 'rule files; -R names them, too' },
    examples: [['weir rules check *.rules', 'every problem as file:line:column, then the sums']],
    run: runRulesCheck,
  },
  {
    path: ['rules', 'stats'],
    summary: 'Count what rule files are made of: actions, services, options, fast patterns',
    flags: ['rules', ...RULE_TEXT_FLAGS, 'json'],
    operand: { spelling: '[file...]', help: 'rule files; -R names them, too' },
    examples: [],
    run: runRulesStats,
  },
  {
    path: ['rules', 'keywords'],
    summary: 'List the rule options that are understood, per dialect',
    flags: ['json'],
    examples: [],
    run: runRulesKeywords,
  },
  {
    path: ['explain'],
    summary: 'Tell why a rule did or did not alert on each flow of captures',
    flags: [
      'read',
      'bpf',
      'count',
      'checksums',
      'sid',
      'rules',
      'rule',
      'conf',
      ...RULE_TEXT_FLAGS,
      'eventQueue',
      'order',
      'alertBeforePass',
      'processAllEvents',
      'engine',
      'cache',
      'flows',
      'json',
      'quiet',
    ],
    examples: [
      ['weir explain -r capture.pcap -R community.rules --sid 2100498', 'one paragraph per flow'],
      [
        'weir explain -r capture.pcap -R local.rules --sid 1000001,1000002 --json',
        'one JSON object per flow',
      ],
    ],
    run: runExplain,
  },
  {
    path: ['flows'],
    summary: 'List the flows of captures: addresses, state, packets, bytes, times, how each ended',
    flags: ['read', 'bpf', 'count', 'checksums', 'utc', 'json', 'quiet'],
    examples: [['weir flows -r capture.pcap --json', 'one JSON object per flow']],
    run: runFlows,
  },
]
