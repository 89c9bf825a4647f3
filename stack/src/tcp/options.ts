/** Options of TCP: which policy the hosts of which networks have, and from where on behaviour is an anomaly. */
import { NetworkTable } from '../ip/network.js'
import { TCP_POLICIES, TCP_POLICY, type TcpPolicy } from './policy.js'

/** The policy of the hosts in one network. */
export interface TcpTarget {
  /** `ADDRESS` or `ADDRESS/LENGTH`. */
  readonly network: string
  /** How these hosts treat overlaps, resets and timestamps. */
  readonly policy: TcpPolicy
}

/** What is known of the hosts, and limits beyond which behaviour is an anomaly. */
export interface TcpTrackingOptions {
  /** How receivers treat overlaps, resets and timestamps. Default 'first'. */
  readonly policy: TcpPolicy
  /** Exceptions by the receiver's address; the longest matching network counts. Default none. */
  readonly targets: readonly TcpTarget[]
  /**
   * 'check' leaves out segments that the receiver drops for their timestamps (PAWS, RFC 7323 section 5), on connections
   * whose handshake agreed on timestamps. It costs a look at every segment of those. Default 'ignore'.
   */
  readonly timestamps: 'check' | 'ignore'
  /**
   * What becomes of data that not every host takes, or that may not reach the receiver: with a TTL lower than that of the
   * handshake, beyond the window, with an acknowledgement long outdated or an unexpected signature. 'use': it counts. 'wait':
   * it is delivered once the receiver has acknowledged it, and until then gives way to other data with the same numbers;
   * likewise RSTs with a lower TTL, or with another number than the next, end nothing. Not for inline use: data is
   * delivered after its packet. Default 'use'.
   */
  readonly doubtful: 'use' | 'wait'
  /** Windows larger than this, bytes, are an anomaly (WINDOW_TOO_LARGE); 0 for no limit. Default 0. */
  readonly maxWindow: number
  /** More overlapping segments than this, per side, are an anomaly (EXCESSIVE_OVERLAP); 0 for no limit. Default 0. */
  readonly overlapLimit: number
  /** `count` segments in a row with less than `bytes` are an anomaly (SMALL_SEGMENTS); 0 for no limit. Default 0. */
  readonly smallSegments: { readonly count: number; readonly bytes: number }
}

/** What `createStack` takes: every option may be left out. */
export type TcpTrackingOptionsInput = Partial<TcpTrackingOptions>

/** The defaults of `StackOptions.tcp`. */
export const DEFAULT_TCP_OPTIONS: TcpTrackingOptions = Object.freeze({
  policy: 'first',
  targets: Object.freeze([]),
  timestamps: 'ignore',
  doubtful: 'use',
  maxWindow: 0,
  overlapLimit: 0,
  smallSegments: Object.freeze({ count: 0, bytes: 0 }),
})

/** Fills in the defaults. @throws RangeError for a value out of range */
export function tcpOptions(input: TcpTrackingOptionsInput = {}): TcpTrackingOptions {
  const options = { ...DEFAULT_TCP_OPTIONS, ...input }
  for (const policy of [options.policy, ...options.targets.map((target) => target.policy)])
    checkPolicy(policy)
  if (options.timestamps !== 'check' && options.timestamps !== 'ignore') {
    throw new RangeError(`tcp.timestamps must be 'check' or 'ignore'`)
  }
  if (options.doubtful !== 'use' && options.doubtful !== 'wait') {
    throw new RangeError(`tcp.doubtful must be 'use' or 'wait'`)
  }
  range('tcp.maxWindow', options.maxWindow, 0x3fff_ffff)
  range('tcp.overlapLimit', options.overlapLimit, 0x3fff_ffff)
  range('tcp.smallSegments.count', options.smallSegments.count, 0x7fff)
  range('tcp.smallSegments.bytes', options.smallSegments.bytes, 65_535)
  // Throws for a text that is not a network.
  new HostPolicies(options)
  return options
}

/** @throws RangeError */
export function checkPolicy(policy: TcpPolicy): void {
  if (!TCP_POLICIES.includes(policy)) throw new RangeError(`no such TCP policy: ${JSON.stringify(policy)}`)
}

/** Policies by address. */
export class HostPolicies {
  private readonly standard: number
  private readonly targets: NetworkTable<number> | undefined

  constructor({ policy, targets }: Pick<TcpTrackingOptions, 'policy' | 'targets'>) {
    this.standard = TCP_POLICY[policy]
    this.targets =
      targets.length === 0
        ? undefined
        : new NetworkTable(targets.map((target) => [target.network, TCP_POLICY[target.policy]] as const))
  }

  /** The number of the policy of the address in four words from `at` on. */
  find(ipVersion: number, words: Int32Array, at: number): number {
    const { targets } = this
    if (targets === undefined) return this.standard
    return targets.find(ipVersion, words[at], words[at + 1], words[at + 2], words[at + 3]) ?? this.standard
  }
}

function range(name: string, value: number, high: number): void {
  if (!Number.isSafeInteger(value) || value < 0 || value > high) {
    throw new RangeError(`${name} must be an integer from 0 to ${high}, not ${value}`)
  }
}
