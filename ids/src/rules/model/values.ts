/** Values that rules are made of: where they stand, addresses, ports, numbers, what they count by. */

export type Dialect = 'snort2' | 'snort3'

export const RULE_ACTIONS = [
  'alert',
  'log',
  'pass',
  'drop',
  'sdrop',
  'reject',
  'block',
  'react',
  'rewrite',
] as const
export type RuleAction = (typeof RULE_ACTIONS)[number]

/** `http`, `ssl`… (Snort 3: a service in place of a protocol) are `tcp` with that service. */
export type RuleProtocol = 'tcp' | 'udp' | 'icmp' | 'ip'

/** Where a piece of rule text stands: 1-based line and column (in characters). */
export interface SourcePosition {
  readonly file: string
  readonly line: number
  readonly column: number
}

/** From `offset` in a statement's text on, characters stand at consecutive columns of `line`. */
export interface TextRun {
  readonly offset: number
  readonly line: number
  readonly column: number
}

/** An IPv4 network is stored as its IPv4-mapped IPv6 form (`::ffff:a.b.c.d`, prefix + 96). */
export interface IpNetwork {
  /** 16 bytes, network order, host bits zero. */
  readonly address: Uint8Array
  /** 0…128 */
  readonly prefix: number
}

/** An address matches when it is in any of `include` (or `include` is empty) and in none of `exclude`. */
export interface IpSet {
  readonly any: boolean
  readonly include: readonly IpNetwork[]
  readonly exclude: readonly IpNetwork[]
}

/** Sorted, disjoint, inclusive ranges, already complemented for negations. `any` is 0…65535. */
export interface PortSet {
  readonly any: boolean
  readonly ranges: readonly (readonly [low: number, high: number])[]
}

/** A number written in the rule, or the name of a `byte_extract`/`byte_math` variable. */
export type NumberOrVariable = number | string

/** Comparison as written; `lo`/`hi` are inclusive for `<>` in Snort 2 text; for the others only `lo` counts. */
export interface NumericTest {
  readonly op: '=' | '!=' | '<' | '>' | '<=' | '>=' | 'range-inclusive' | 'range-exclusive'
  readonly lo: number
  readonly hi: number
}

/** What matches are counted for: an address, the rule as a whole, a flow, a pair of addresses. */
export const TRACKS = ['by_src', 'by_dst', 'by_rule', 'by_flow', 'by_both'] as const
export type Track = (typeof TRACKS)[number]
