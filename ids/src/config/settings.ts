/**
 * What one run is told to do, after the command line has been checked.
 *
 * In: built by the command line (and by tests). Out: read by the run, which hands each part to its package.
 */
import type { EventQueueSettings } from '../detect/event-queue.js'
import type { EngineChoice } from '../match/index.js'
import type { AlertFormat, AlertStyle, FieldName } from '../output/index.js'

export interface InputSettings {
  /** Capture files in reading order; `-` is standard input. Empty when live. */
  readonly files: readonly string[]
  /** Interface to capture from; `a:b` inline. */
  readonly interfaceName: string | undefined
  /** Actions of rules are taken on the traffic. */
  readonly inline: boolean
  /** libpcap filter expression, live only. */
  readonly filter: string | undefined
  /** Bytes captured of each packet, live only. */
  readonly snaplen: number
  /** Packets to process, all inputs together. */
  readonly packetCount: number | undefined
  /** undefined = what the configuration says, else `verify`. */
  readonly checksums: 'verify' | 'ignore' | undefined
}

export interface RuleSettings {
  /** snort.conf; its rules come before those of `files`. */
  readonly configuration: string | undefined
  /** Empty, with no `texts` and no `configuration` either = the bundled signatures. */
  readonly files: readonly string[]
  readonly texts: readonly string[]
  /** Later entries win. */
  readonly variables: readonly (readonly [name: string, value: string])[]
  /** classification.config; undefined = the one beside each rule file, else the built-in table. */
  readonly classification: string | undefined
  /** reference.config; likewise. */
  readonly references: string | undefined
  /** A rule that cannot be loaded ends the run. */
  readonly strict: boolean
  /** What the command line says of the event queue; it goes before the configuration. */
  readonly eventQueue: Partial<EventQueueSettings>
  /** Built-in events are reported. */
  readonly builtin: boolean
  /** Malformed HTTP bodies that Snort gives up are inspected. */
  readonly lenientHttp: boolean
  /** No service is looked for. */
  readonly rawStreams: boolean
}

export interface OutputSettings {
  /** Empty = no alert output (`-A none`). */
  readonly formats: readonly AlertFormat[]
  readonly style: AlertStyle
  readonly fields: readonly FieldName[] | undefined
  readonly directory: string | undefined
  readonly logPackets: boolean
  readonly utc: boolean
  readonly year: boolean
  readonly payloadLimit: number
  readonly communityId: boolean
}

export interface RunSettings {
  readonly input: InputSettings
  readonly rules: RuleSettings
  readonly output: OutputSettings
  /** undefined = what the environment variable WEIR_ENGINE says, else the fastest there is. */
  readonly engine: EngineChoice | undefined
  /** Directory of parsed rules and compiled patterns; undefined = none are kept. */
  readonly cache: string | undefined
  /** Threads that inspect, at least 1. */
  readonly jobs: number
  /** What threads share; undefined: what the rules need. */
  readonly share: 'flows' | 'hosts' | undefined
  readonly quiet: boolean
  /** Load everything, read nothing. */
  readonly testOnly: boolean
}

/** Defaults of the values that have one: shown in the help, used by the flag table. */
export const DEFAULTS = {
  format: 'fast',
  style: 'snort3',
  checksums: 'all',
  engine: 'auto',
  snaplen: 65_535,
  payloadLimit: 4096,
} as const
