/**
 * Every option of every command, once: spelling, meaning, how its value is read. The parser, the help and docs/cli.md
 * are made from this table.
 */
import { InvalidArgumentError } from 'commander'
import { DEFAULTS, parseActionOrder, parseEventQueue } from '../config/index.js'
import { ACTION_ORDER } from '../detect/event-queue.js'
import { DEFAULT_FLOWS, type RuleId } from '../explain/index.js'
import { ENGINE_CHOICES } from '../match/index.js'
import {
  ALERT_FORMATS,
  ALERT_STYLES,
  type AlertFormat,
  FIELD_NAMES,
  type FieldName,
  isFieldName,
} from '../output/index.js'

export const GROUPS = ['Input', 'Rules', 'Detection', 'Alerts', 'General'] as const
export type FlagGroup = (typeof GROUPS)[number]

interface FlagBase {
  /** As commander reads it: `-r, --read <file...>`. */
  readonly spelling: string
  readonly group: FlagGroup
  /** One line, no full stop. */
  readonly help: string
  /** Shown as `(default: …)`. */
  readonly fallback?: string | number
}

/** Given or not. */
interface Switch extends FlagBase {
  readonly kind: 'switch'
}

/** One value; the last one given counts. */
interface Single<T> extends FlagBase {
  readonly kind: 'single'
  /** @throws InvalidArgumentError */
  readonly parse: (text: string) => T
}

/** Any number of values, in order; one text may hold several. */
interface List<T> extends FlagBase {
  readonly kind: 'list'
  /** @throws InvalidArgumentError */
  readonly parse: (text: string) => readonly T[]
}

export type Flag = Switch | Single<unknown> | List<unknown>

const wrong = (message: string): never => {
  throw new InvalidArgumentError(message)
}

const text = (value: string): string => (value === '' ? wrong('It is empty.') : value)
const texts = (value: string): readonly string[] => [text(value)]

const wholeNumber =
  (low: number, high: number) =>
  (value: string): number => {
    const number = Number(value)
    if (!/^\d+$/.test(value) || number < low || number > high)
      wrong(`Expected a whole number, ${low} to ${high}.`)
    return number
  }

const SHARES = ['flows', 'hosts'] as const

const oneOf =
  <T extends string>(choices: readonly T[]) =>
  (value: string): T =>
    choices.find((choice) => choice === value) ?? wrong(`Choose from ${choices.join(', ')}.`)

const listOf = (value: string): string[] => value.split(/[\s,]+/).filter((word) => word !== '')

/** Words Snort users type for the same thing. `console` is Snort 2's fast format on standard output. */
const FORMAT_SYNONYMS: Readonly<Record<string, AlertFormat | 'none'>> = {
  console: 'fast',
  alert_fast: 'fast',
  alert_full: 'full',
  alert_csv: 'csv',
  alert_json: 'json',
}

export type FormatChoice = AlertFormat | 'none'
const FORMAT_CHOICES: readonly FormatChoice[] = [...ALERT_FORMATS, 'none']

const formats = (value: string): readonly FormatChoice[] => {
  const words = listOf(value)
  if (words.length === 0) wrong(`Choose from ${FORMAT_CHOICES.join(', ')}.`)
  return words.map((word) => FORMAT_SYNONYMS[word] ?? oneOf(FORMAT_CHOICES)(word))
}

const fieldNames = (value: string): readonly FieldName[] =>
  listOf(value).map((name) =>
    isFieldName(name) ? name : wrong(`Unknown field ${name}; fields are ${FIELD_NAMES.join(' ')}.`),
  )

const variable = (value: string): readonly (readonly [string, string])[] => {
  const match = /^\$?([A-Za-z_][A-Za-z0-9_.-]*)=(.+)$/s.exec(value)
  if (match === null) wrong('Expected NAME=VALUE.')
  return [[match![1]!, match![2]!]]
}

const MAX_ID = 0xffff_ffff

const ruleIds = (value: string): readonly RuleId[] => {
  const words = listOf(value)
  if (words.length === 0) wrong('Expected SID or GID:SID.')
  return words.map((word) => {
    const match = /^(?:(\d{1,10}):)?(\d{1,10})$/.exec(word)
    const [gid, sid] = [Number(match?.[1] ?? 1), Number(match?.[2] ?? 0)]
    if (match === null || gid > MAX_ID || sid < 1 || sid > MAX_ID) wrong('Expected SID or GID:SID.')
    return { gid, sid }
  })
}

const parsed = <T>(result: T | string): T =>
  typeof result === 'string' ? wrong(`${result.charAt(0).toUpperCase()}${result.slice(1)}.`) : result

const CHECKSUM_MODES = ['all', 'none'] as const

const checksums = (value: string): 'verify' | 'ignore' =>
  oneOf(CHECKSUM_MODES)(value) === 'all' ? 'verify' : 'ignore'

export const FLAGS = {
  read: {
    kind: 'list',
    parse: texts,
    spelling: '-r, --read <file...>',
    group: 'Input',
    help: 'read these captures, one after the other: pcap or pcapng, plain or gzip, - for standard input',
  },
  interface: {
    kind: 'single',
    parse: text,
    spelling: '-i, --interface <name>',
    group: 'Input',
    help: 'capture live from this interface; FIRST:SECOND with -Q',
  },
  inline: {
    kind: 'switch',
    spelling: '-Q, --inline',
    group: 'Input',
    help: 'take the actions of rules: drop packets, block and reset flows. With -i FIRST:SECOND forward between two interfaces (Linux), with -r show what would have come of it',
  },
  bpf: {
    kind: 'single',
    parse: text,
    spelling: '--bpf <expression>',
    group: 'Input',
    help: 'look only at packets that match, written as for tcpdump; they keep their number in the capture, -n counts them',
  },
  snaplen: {
    kind: 'single',
    parse: wholeNumber(64, DEFAULTS.snaplen),
    spelling: '-s, --snaplen <bytes>',
    group: 'Input',
    help: 'capture this much of each packet; needs -i',
    fallback: DEFAULTS.snaplen,
  },
  count: {
    kind: 'single',
    parse: wholeNumber(1, Number.MAX_SAFE_INTEGER),
    spelling: '-n, --count <packets>',
    group: 'Input',
    help: 'stop after this many packets',
  },
  checksums: {
    kind: 'single',
    parse: checksums,
    spelling: '-k, --checksums <mode>',
    group: 'Input',
    help: 'all: ignore packets with a wrong checksum, as their receiver would; none: do not look at checksums',
    fallback: DEFAULTS.checksums,
  },
  rules: {
    kind: 'list',
    parse: texts,
    spelling: '-R, --rules <file...>',
    group: 'Rules',
    help: 'load these rule files, Snort 2 or Snort 3 text; inspection without any rules uses the bundled signatures',
  },
  rule: {
    kind: 'list',
    parse: texts,
    spelling: '--rule <text>',
    group: 'Rules',
    help: 'load this rule as well; may be repeated',
  },
  conf: {
    kind: 'single',
    parse: text,
    spelling: '-c, --conf <file>',
    group: 'Rules',
    help: 'read variables, includes, rules, filters, suppressions and stream policies from this snort.conf; the rest is reported',
  },
  set: {
    kind: 'list',
    parse: variable,
    spelling: '-S, --set <name=value>',
    group: 'Rules',
    help: 'set a rule variable, for example HOME_NET=10.0.0.0/8; may be repeated',
  },
  classification: {
    kind: 'single',
    parse: text,
    spelling: '--classification <file>',
    group: 'Rules',
    help: 'read class names and priorities from this classification.config instead of the one beside the rules',
  },
  references: {
    kind: 'single',
    parse: text,
    spelling: '--references <file>',
    group: 'Rules',
    help: 'read reference URLs from this reference.config instead of the one beside the rules',
  },
  strict: {
    kind: 'switch',
    spelling: '--strict',
    group: 'Rules',
    help: 'end with exit code 3 when any rule cannot be loaded',
  },
  eventQueue: {
    kind: 'single',
    parse: (value) => parsed(parseEventQueue(value)),
    spelling: '--event-queue <limits>',
    group: 'Detection',
    help: "limits for what one packet or message reports; Snort's own are 'max_queue 8 log 3 order_events content_length'",
    fallback: 'max_queue 256 log 256 order_events content_length',
  },
  order: {
    kind: 'single',
    parse: (value) => parsed(parseActionOrder(value)),
    spelling: '--order <actions>',
    group: 'Detection',
    help: 'order of rule actions: only the first that has a match is reported',
    fallback: ACTION_ORDER.join(' '),
  },
  alertBeforePass: {
    kind: 'switch',
    spelling: '--alert-before-pass',
    group: 'Detection',
    help: 'report alert rules although a pass rule matches, too',
  },
  processAllEvents: {
    kind: 'switch',
    spelling: '--process-all-events',
    group: 'Detection',
    help: 'report the matches of every action, not only of the first that has any',
  },
  builtin: {
    kind: 'switch',
    spelling: '--builtin',
    group: 'Detection',
    help: "report what is found without a rule, as Snort's built-in rules do: odd packets, connections, HTTP and other protocols",
  },
  lenientHttp: {
    kind: 'switch',
    spelling: '--lenient-http',
    group: 'Detection',
    help: 'inspect malformed HTTP bodies that Snort gives up: behind bad status lines, in codings it does not undo, with bad checksums',
  },
  rawStreams: {
    kind: 'switch',
    spelling: '--raw-streams',
    group: 'Detection',
    help: 'look for no services: streams and datagrams are bytes, as in Snort without wizard and binder',
  },
  engine: {
    kind: 'single',
    parse: oneOf(ENGINE_CHOICES),
    spelling: '--engine <name>',
    group: 'Detection',
    help: 'pattern matcher: hyperscan, aho-corasick, or auto for the fastest there is',
    fallback: DEFAULTS.engine,
  },
  cache: {
    kind: 'single',
    parse: text,
    spelling: '--cache <directory>',
    group: 'Detection',
    help: 'keep parsed rules and compiled patterns here for the next start; off: make them every time',
    fallback: 'weir in the cache directory of the user',
  },
  jobs: {
    kind: 'single',
    parse: wholeNumber(0, 64),
    spelling: '-j, --jobs <threads>',
    group: 'Detection',
    help: 'inspect captures with this many threads, 0 for one per processor; alerts come out as with one',
    fallback: 1,
  },
  share: {
    kind: 'single',
    parse: oneOf(SHARES),
    spelling: '--share <what>',
    group: 'Detection',
    help: 'threads share single flows, or all flows of two hosts together, so that FTP data is known for what it is',
    fallback: 'hosts if any rule is for ftp-data, else flows',
  },
  maxPacketThreads: {
    kind: 'single',
    parse: wholeNumber(0, 64),
    spelling: '-z, --max-packet-threads <threads>',
    group: 'Detection',
    help: "Snort's name for -j",
  },
  alert: {
    kind: 'list',
    parse: formats,
    spelling: '-A, --alert <format>',
    group: 'Alerts',
    help: `alert format, or several with commas when -l is given: ${FORMAT_CHOICES.join(', ')}`,
    fallback: DEFAULTS.format,
  },
  alertStyle: {
    kind: 'single',
    parse: oneOf(ALERT_STYLES),
    spelling: '--alert-style <snort>',
    group: 'Alerts',
    help: 'spelling of fast, full, cmg and csv: snort3, or snort2 (message without quotes, 27-column csv)',
    fallback: DEFAULTS.style,
  },
  fields: {
    kind: 'list',
    parse: fieldNames,
    spelling: '--fields <names>',
    group: 'Alerts',
    help: "fields of csv and json, with commas or spaces between; Snort 3's names",
  },
  logDir: {
    kind: 'single',
    parse: text,
    spelling: '-l, --log-dir <directory>',
    group: 'Alerts',
    help: 'append alerts to files in this directory instead of writing them to standard output',
  },
  log: {
    kind: 'single',
    parse: oneOf(['pcap', 'none']),
    spelling: '-L, --log <type>',
    group: 'Alerts',
    help: 'pcap: save the packets that raised alerts as log.pcap.<epoch> in the log directory',
    fallback: 'none',
  },
  utc: {
    kind: 'switch',
    spelling: '-U, --utc',
    group: 'Alerts',
    help: 'times in UTC instead of local time',
  },
  year: {
    kind: 'switch',
    spelling: '-y, --year',
    group: 'Alerts',
    help: 'times with the year',
  },
  payloadBytes: {
    kind: 'single',
    parse: wholeNumber(0, 65_536),
    spelling: '--payload-bytes <bytes>',
    group: 'Alerts',
    help: 'payload shown per alert at most (eve, cmg, b64_data)',
    fallback: DEFAULTS.payloadLimit,
  },
  communityId: {
    kind: 'switch',
    spelling: '--community-id',
    group: 'Alerts',
    help: 'add community_id, the flow hash other tools use, to eve alerts',
  },
  test: {
    kind: 'switch',
    spelling: '-T, --test',
    group: 'General',
    help: 'load rules and configuration, say what was found, and exit',
  },
  quiet: {
    kind: 'switch',
    spelling: '-q, --quiet',
    group: 'General',
    help: 'print alerts and errors only',
  },
  sid: {
    kind: 'list',
    parse: ruleIds,
    spelling: '--sid <ids>',
    group: 'Rules',
    help: 'explain these rules: SID or GID:SID, with commas between',
  },
  flows: {
    kind: 'single',
    parse: wholeNumber(0, 1_000_000),
    spelling: '--flows <count>',
    group: 'General',
    help: 'flows shown per rule, those where the rule came furthest first',
    fallback: DEFAULT_FLOWS,
  },
  json: {
    kind: 'switch',
    spelling: '--json',
    group: 'General',
    help: 'write JSON instead of a table',
  },
} as const satisfies Record<string, Flag>

export type FlagName = keyof typeof FLAGS

type ValueOf<F> = F extends { kind: 'switch' }
  ? boolean
  : F extends { kind: 'single'; parse: (text: string) => infer T }
    ? T | undefined
    : F extends { kind: 'list'; parse: (text: string) => readonly (infer T)[] }
      ? readonly T[]
      : never

/** What a command line gave: every flag of the table, absent ones as `false`, `undefined` or `[]`. */
export type FlagValues = { readonly [Name in FlagName]: ValueOf<(typeof FLAGS)[Name]> }
