/** Options of defragmentation and of tunnels, with their defaults and checks. */
import { FRAGMENT_POLICIES, type FragmentPolicy } from './fragment-policy.js'
import { NetworkTable } from './network.js'

/** The policy of the hosts in one network. */
export interface FragmentTarget {
  /** Destination network, `ADDRESS/LENGTH`. */
  readonly network: string
  /** Who wins where fragments to these hosts overlap. */
  readonly policy: FragmentPolicy
}

/** Reassembly of IP fragments. */
export interface DefragOptions {
  /** false: fragments are seen by raw sockets and ON_FRAGMENT only. Default true. */
  readonly enabled: boolean
  /** Who wins where IPv4 fragments overlap. Default 'linux', as Snort 3's stream_ip. */
  readonly policy: FragmentPolicy
  /** The same for IPv6. Default 'drop' (RFC 5722). */
  readonly ipv6Policy: FragmentPolicy
  /** Exceptions by destination; the longest matching network counts. Default none. */
  readonly targets: readonly FragmentTarget[]
  /** Seconds (trace time, from its first fragment) after which an incomplete datagram is dropped. Default 60. */
  readonly timeout: number
  /** Datagrams under construction, 1 to 1,048,576; beyond that the oldest is dropped. Default 8192. */
  readonly maxDatagrams: number
  /** Pieces of one datagram, 1 to 8192; a fragment that would need more is dropped. Default 1024. */
  readonly maxFragments: number
  /** More overlapping fragments of one datagram than this are an anomaly; 0 for no limit. Default 0. */
  readonly overlapLimit: number
  /** Fragments of at most this many bytes, the last one aside, are an anomaly; 0 for none. Default 0. */
  readonly tinyBytes: number
  /** Memory for fragments in bytes; beyond that the oldest datagram is dropped. Default 16 MiB. */
  readonly totalBytes: number
}

/** The defaults of `StackOptions.defrag`. */
export const DEFAULT_DEFRAG_OPTIONS: DefragOptions = Object.freeze({
  enabled: true,
  policy: 'linux',
  ipv6Policy: 'drop',
  targets: Object.freeze([]),
  timeout: 60,
  maxDatagrams: 8192,
  maxFragments: 1024,
  overlapLimit: 0,
  tinyBytes: 0,
  totalBytes: 16 * 1024 * 1024,
})

/** Which encapsulations are removed; all by default. */
export interface TunnelOptions {
  /** IPv4 or IPv6 right inside IPv4 or IPv6 (protocols 4 and 41: IP-in-IP, 6in4, 4in6, 6in6). */
  readonly ipInIp: boolean
  /** GRE: plain (RFC 2784, 2890, 1701), PPTP (RFC 2637), Ethernet, PPP and MPLS inside; over UDP (RFC 8086). */
  readonly gre: boolean
  /** Mirrored Ethernet frames inside GRE: ERSPAN types I, II and III. Needs `gre`. */
  readonly erspan: boolean
  /** Label stacks behind EtherTypes 0x8847 and 0x8848, in GRE and in IP (RFC 4023). */
  readonly mpls: boolean
  /** PPPoE sessions (RFC 2516). */
  readonly pppoe: boolean
  /** IPv6 over UDP over IPv4 (RFC 4380). */
  readonly teredo: boolean
  /** Ethernet frames over UDP (RFC 7348). */
  readonly vxlan: boolean
  /** Ethernet frames or IP packets over UDP (RFC 8926). */
  readonly geneve: boolean
  /** User data of GTP version 1. */
  readonly gtp: boolean
  /** UDP ports of the tunnels over UDP: the destination's, for Teredo and GTP either one. */
  readonly ports: {
    /** Default 3544. */
    readonly teredo: readonly number[]
    /** Default 4789. */
    readonly vxlan: readonly number[]
    /** Default 6081. */
    readonly geneve: readonly number[]
    /** Default 2152. */
    readonly gtp: readonly number[]
    /** Default 4754. */
    readonly gre: readonly number[]
  }
  /** Encapsulations removed from one packet at most, 0 to 32; deeper ones stay payload. Default 5. */
  readonly maxDepth: number
}

/** The defaults of `StackOptions.tunnels`. */
export const DEFAULT_TUNNEL_OPTIONS: TunnelOptions = Object.freeze({
  ipInIp: true,
  gre: true,
  erspan: true,
  mpls: true,
  pppoe: true,
  teredo: true,
  vxlan: true,
  geneve: true,
  gtp: true,
  ports: Object.freeze({
    teredo: Object.freeze([3544]),
    vxlan: Object.freeze([4789]),
    geneve: Object.freeze([6081]),
    gtp: Object.freeze([2152]),
    gre: Object.freeze([4754]),
  }),
  maxDepth: 5,
})

/** What `createStack` takes: every option may be left out. */
export type DefragOptionsInput = Partial<DefragOptions>
/** What `createStack` takes: every option may be left out. */
export type TunnelOptionsInput = Partial<Omit<TunnelOptions, 'ports'>> & {
  readonly ports?: Partial<TunnelOptions['ports']>
}

/** Fills in the defaults. @throws RangeError for a value out of range */
export function defragOptions(input: DefragOptionsInput = {}): DefragOptions {
  const options: DefragOptions = { ...DEFAULT_DEFRAG_OPTIONS, ...input }
  for (const policy of [options.policy, options.ipv6Policy, ...options.targets.map((t) => t.policy)]) {
    if (!FRAGMENT_POLICIES.includes(policy)) {
      throw new RangeError(`no such fragment policy: ${JSON.stringify(policy)}`)
    }
  }
  range('defrag.timeout', options.timeout, 1, 86_400)
  range('defrag.maxDatagrams', options.maxDatagrams, 1, 1_048_576)
  range('defrag.maxFragments', options.maxFragments, 1, 8192)
  range('defrag.overlapLimit', options.overlapLimit, 0, 65_535)
  range('defrag.tinyBytes', options.tinyBytes, 0, 65_535)
  // One datagram of full size must fit.
  range('defrag.totalBytes', options.totalBytes, 131_072, 0x3fff_ffff)
  // Throws for a text that is not a network.
  new NetworkTable(options.targets.map(({ network, policy }) => [network, policy] as const))
  return options
}

/** Fills in the defaults. @throws RangeError for a value out of range */
export function tunnelOptions(input: TunnelOptionsInput = {}): TunnelOptions {
  const ports = { ...DEFAULT_TUNNEL_OPTIONS.ports, ...input.ports }
  const options: TunnelOptions = { ...DEFAULT_TUNNEL_OPTIONS, ...input, ports }
  for (const [name, list] of Object.entries(ports)) {
    for (const port of list) range(`tunnels.ports.${name}`, port, 1, 65_535)
  }
  range('tunnels.maxDepth', options.maxDepth, 0, 32)
  return options
}

function range(name: string, value: number, low: number, high: number): void {
  if (!Number.isSafeInteger(value) || value < low || value > high) {
    throw new RangeError(`${name} must be an integer from ${low} to ${high}, not ${value}`)
  }
}
