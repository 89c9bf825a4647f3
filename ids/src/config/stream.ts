/**
 * Snort 2.9's stream5_tcp and frag3_engine: which policy the hosts of which networks have, and the limits.
 *
 * In: `preprocessor stream5_tcp: policy linux, bind_to 10.0.0.0/8, timeout 180` and the like (README.stream5,
 * README.frag3). Out: options of the stack. A line without `bind_to` sets the default. Of a line with it the policy
 * counts: limits are the stack's, for all flows. Called by the configuration reader.
 */
import type { FragmentPolicy, StackOptionsInput, TcpPolicy } from '@weir/stack'
import { type Directive, formatNetwork, RuleTextError, type Variables } from '../rules/index.js'

/** What the lines of all files came to. Survives structured cloning. */
export interface StreamSettings {
  tcpPolicy: TcpPolicy
  readonly tcpTargets: { readonly network: string; readonly policy: TcpPolicy }[]
  fragmentPolicy: FragmentPolicy | undefined
  readonly fragmentTargets: { readonly network: string; readonly policy: FragmentPolicy }[]
  /** Values of the settings with a number, by the stack's name for them. */
  readonly numbers: Partial<Record<NumberName, number>>
}

/** Snort's default for TCP is `bsd`, in 2.9 and in 3. */
export const newStreamSettings = (): StreamSettings => ({
  tcpPolicy: 'bsd',
  tcpTargets: [],
  fragmentPolicy: undefined,
  fragmentTargets: [],
  numbers: {},
})

const TCP_NAMES: Readonly<Record<string, TcpPolicy>> = {
  first: 'first',
  last: 'last',
  bsd: 'bsd',
  linux: 'linux',
  'old-linux': 'old-linux',
  old_linux: 'old-linux',
  windows: 'windows',
  win2003: 'win2003',
  win2k3: 'win2003',
  win_2003: 'win2003',
  vista: 'vista',
  solaris: 'solaris',
  hpux: 'hpux11',
  hpux11: 'hpux11',
  hpux10: 'hpux10',
  irix: 'irix',
  macos: 'macos',
}
const FRAGMENT_NAMES: Readonly<Record<string, FragmentPolicy>> = {
  first: 'first',
  last: 'last',
  bsd: 'bsd',
  'bsd-right': 'bsd-right',
  linux: 'linux',
  windows: 'windows',
  solaris: 'solaris',
}

type NumberName =
  | 'established'
  | 'maxWindow'
  | 'overlapLimit'
  | 'smallCount'
  | 'smallBytes'
  | 'sideBytes'
  | 'sideSegments'
  | 'fragmentTimeout'
  | 'fragmentOverlaps'
  | 'tinyBytes'

interface NumberSetting {
  readonly name: NumberName
  readonly low: number
  readonly high: number
}

/** Settings with a number, and their ranges in Snort. */
const TCP_NUMBERS: Readonly<Record<string, NumberSetting>> = {
  timeout: { name: 'established', low: 1, high: 86_400 },
  max_window: { name: 'maxWindow', low: 0, high: 1_073_725_440 },
  overlap_limit: { name: 'overlapLimit', low: 0, high: 255 },
  max_queued_bytes: { name: 'sideBytes', low: 0, high: 1_073_741_823 },
  max_queued_segs: { name: 'sideSegments', low: 0, high: 1_073_741_823 },
}
const FRAGMENT_NUMBERS: Readonly<Record<string, NumberSetting>> = {
  timeout: { name: 'fragmentTimeout', low: 1, high: 3600 },
  overlap_limit: { name: 'fragmentOverlaps', low: 0, high: 65_535 },
  min_fragment_length: { name: 'tinyBytes', low: 0, high: 65_535 },
}

const wrong = (directive: Directive, message: string): RuleTextError =>
  new RuleTextError('value', `bad ${directive.keyword}`, `${directive.keyword}: ${message}`, directive.restAt)

/**
 * Takes a preprocessor line if it is one of ours.
 * @returns whether it is, or which of its settings mean nothing here
 * @throws RuleTextError when it is, and is wrong
 */
export const takePreprocessor = (
  directive: Directive,
  into: StreamSettings,
  variables: Variables,
): boolean | string => {
  const match = /^(stream5_tcp|frag3_engine)\s*(?::(.*))?$/s.exec(directive.rest.trim())
  if (match === null) return false
  const [, which, text = ''] = match
  const unused: string[] = []
  const given = new Map<string, string>()
  // frag3_engine has no commas between its settings.
  for (const [key, value] of which === 'frag3_engine' ? spaced(text) : commas(text)) {
    if (given.has(key) && key !== 'ports') throw wrong(directive, `${key} given twice`)
    given.set(key, value)
  }
  const tcp = which === 'stream5_tcp'
  const numbers = tcp ? TCP_NUMBERS : FRAGMENT_NUMBERS
  const bound = given.get('bind_to')
  for (const [key, value] of given) {
    if (key === 'bind_to' || key === 'policy') continue
    if (key === 'small_segments' && tcp) smallSegments(directive, value, into)
    else if (Object.hasOwn(numbers, key)) {
      const { name, low, high } = numbers[key]!
      const number = integer(directive, key, value, low, high)
      if (bound === undefined) into.numbers[name] = number
      else unused.push(key)
    } else unused.push(key)
  }
  const networks = bound === undefined ? undefined : networksOf(directive, variables, bound)
  const name = given.get('policy')?.toLowerCase()
  if (tcp) {
    const policy = policyOf(directive, TCP_NAMES, name ?? 'bsd')
    if (networks === undefined) into.tcpPolicy = policy
    else for (const network of networks) into.tcpTargets.push({ network, policy })
  } else {
    const policy = policyOf(directive, FRAGMENT_NAMES, name ?? 'linux')
    if (networks === undefined) into.fragmentPolicy = policy
    else for (const network of networks) into.fragmentTargets.push({ network, policy })
  }
  return unused.length === 0 ? true : `${which}: not used: ${unused.join(', ')}`
}

/** The stack's options for the settings. @param inline packets are held back until they have been inspected */
export const stackOptionsOf = (
  settings: StreamSettings,
  inline = false,
): Pick<StackOptionsInput, 'tcp' | 'defrag' | 'outOfOrder' | 'timeouts'> => {
  const { numbers, fragmentPolicy } = settings
  const { established, sideBytes, sideSegments, fragmentTimeout } = numbers
  const { fragmentOverlaps, tinyBytes } = numbers
  return {
    tcp: {
      policy: settings.tcpPolicy,
      targets: settings.tcpTargets,
      // As Snort does on every connection.
      timestamps: 'check',
      doubtful: inline ? 'use' : 'wait',
      maxWindow: numbers.maxWindow ?? 0,
      overlapLimit: numbers.overlapLimit ?? 0,
      smallSegments: { count: numbers.smallCount ?? 0, bytes: numbers.smallBytes ?? 0 },
    },
    defrag: {
      targets: settings.fragmentTargets,
      ...(fragmentPolicy === undefined ? {} : { policy: fragmentPolicy }),
      ...(fragmentTimeout === undefined ? {} : { timeout: fragmentTimeout }),
      ...(fragmentOverlaps === undefined ? {} : { overlapLimit: fragmentOverlaps }),
      ...(tinyBytes === undefined ? {} : { tinyBytes }),
    },
    outOfOrder: {
      acrossSides: !inline,
      ...(sideBytes === undefined ? {} : { sideBytes }),
      ...(sideSegments === undefined ? {} : { sideSegments }),
    },
    timeouts: established === undefined ? {} : { established },
  }
}

/** `key value, key value, flag`. */
const commas = (text: string): [key: string, value: string][] =>
  text
    .split(/,(?![^[]*\])/)
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => {
      const [, key, value] = /^(\S+)\s*(.*)$/s.exec(part)!
      return [key!, value!]
    })

/** `key value key value flag`. */
const spaced = (text: string): [key: string, value: string][] => {
  const words = text.match(/\[[^\]]*\]|[^\s,]+/g) ?? []
  const pairs: [string, string][] = []
  for (let i = 0; i < words.length; i++) {
    const key = words[i]!
    pairs.push([key, key === 'detect_anomalies' ? '' : (words[++i] ?? '')])
  }
  return pairs
}

/** `small_segments 3 bytes 150 [ignore_ports ...]` */
const smallSegments = (directive: Directive, value: string, into: StreamSettings): void => {
  const match = /^(\d+)\s+bytes\s+(\d+)$/.exec(value)
  if (match === null) throw wrong(directive, "small_segments takes 'COUNT bytes SIZE'")
  into.numbers.smallCount = integer(directive, 'small_segments', match[1]!, 0, 2048)
  into.numbers.smallBytes = integer(directive, 'small_segments', match[2]!, 0, 2048)
}

const integer = (directive: Directive, key: string, text: string, low: number, high: number): number => {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < low || value > high) throw wrong(directive, `${key} cannot be ${text}`)
  return value
}

const policyOf = <T>(directive: Directive, names: Readonly<Record<string, T>>, name: string): T => {
  if (Object.hasOwn(names, name)) return names[name]!
  throw wrong(directive, `no policy '${name}'; there are ${Object.keys(names).join(', ')}`)
}

const networksOf = (directive: Directive, variables: Variables, text: string): string[] => {
  const set = variables.addresses(text, directive.restAt)
  if (set.exclude.length > 0) throw wrong(directive, 'bind_to takes no exceptions')
  return set.any ? ['0.0.0.0/0', '::/0'] : set.include.map(formatNetwork)
}
