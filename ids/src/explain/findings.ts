/**
 * What is known about why a rule did not match, as data: the text and the JSON of `weir explain` are made from it.
 */

/** Order of increasing progress into the rule; the flows with the furthest come first. */
export const CAUSES = [
  'checksum',
  'header',
  'direction',
  'no_data',
  'not_established',
  'not_http',
  'not_file',
  'not_pdu',
  'service',
  'encrypted',
  'packet_rule',
  'fast_pattern',
  'option',
  'step_limit',
  'noalert',
  'passed',
  'outranked',
  'duplicate',
  'alert_limit',
  'detection_filter',
  'suppressed',
  'event_filter',
  'rate_filter',
  'alerted',
] as const
export type Cause = (typeof CAUSES)[number]

/** How the closing summary words each cause, for a number of flows. */
export const CAUSE_TEXT: Readonly<Record<Cause, string>> = {
  checksum: 'wrong checksums',
  header: 'addresses or ports of the rule do not fit',
  direction: 'data in the other direction only',
  no_data: 'no data',
  not_established: 'not established',
  not_http: 'not HTTP',
  not_file: 'no file data',
  not_pdu: 'no DCE/RPC message',
  service: 'another service',
  encrypted: 'only encrypted data',
  packet_rule: 'no packet of the kind the rule looks at',
  fast_pattern: 'fast pattern absent',
  option: 'an option failed',
  step_limit: 'limit on retries reached',
  noalert: 'matched, noalert',
  passed: 'matched, passed',
  outranked: 'matched, but a rule whose action goes first did too',
  duplicate: 'matched, reported for the packet already',
  alert_limit: 'matched, limit on alerts reached',
  detection_filter: 'matched, held back by detection_filter',
  suppressed: 'matched, suppressed',
  event_filter: 'matched, held back by a threshold',
  rate_filter: 'matched, passed because of a rate_filter',
  alerted: 'alerted',
}

/** One option of the rule that did not hold. */
export interface FailedOption {
  /** Place among the options that test something, from 1, and how many there are. */
  readonly number: number
  readonly of: number
  /** As rule text. */
  readonly text: string
  /** Name of the buffer it reads, if it reads one. */
  readonly buffer: string | undefined
  /** What was there instead, one phrase. */
  readonly found: string
  /** Numbers behind the phrase. */
  readonly facts: Readonly<Record<string, string | number | boolean | readonly string[]>>
  /** The packet during whose processing it was tried. */
  readonly packet: number
}

export interface FastPatternReport {
  /** As rule text. */
  readonly pattern: string
  readonly buffer: string
  /** Units the rule was tried on; those that have the buffer; bytes searched in them. */
  readonly units: number
  readonly searched: number
  readonly bytes: number
  /** Other buffers that hold it. */
  readonly elsewhere: readonly string[]
  /** The beginning of what was searched. */
  readonly sample: string | undefined
}

export interface FlowVerdict {
  readonly cause: Cause
  /** The explanation, one line. */
  readonly text: string
  readonly protocol: string
  readonly client: string
  readonly clientPort: number | undefined
  readonly server: string
  readonly serverPort: number | undefined
  readonly service: string
  readonly firstPacket: number
  /** Packet numbers of alerts, and of matches that were not reported. */
  readonly alerts: readonly number[]
  readonly matches: number
  readonly failed: FailedOption | undefined
  readonly fastPattern: FastPatternReport | undefined
  /** Parts of the header that do not fit, when that is the cause. */
  readonly headerParts: readonly string[] | undefined
  /** What else may have kept the rule from matching. */
  readonly notes: readonly string[]
  /** Orders flows: higher = further into the rule. */
  readonly progress: number
}

/** A rule that is not in use, or not known. */
export interface NotLoaded {
  readonly gid: number
  readonly sid: number
  readonly state: 'not_loaded' | 'unknown'
  readonly text: string
}

export interface RuleExplanation {
  readonly gid: number
  readonly sid: number
  readonly rev: number
  readonly msg: string
  /** file:line:column */
  readonly position: string
  readonly rule: string
  readonly flows: readonly FlowVerdict[]
  /** Flows of other protocols, which the rule is not for. */
  readonly otherFlows: number
  /** The same by protocol. */
  readonly otherProtocols: Readonly<Record<string, number>>
  /** Packets that could not be decoded to their end, by reason; ARP and its like among them. */
  readonly undecoded: Readonly<Record<string, number>>
  /** Flows that were not followed because there were too many. */
  readonly unfollowed: number
  readonly packets: number
  readonly wrongChecksums: number
}
