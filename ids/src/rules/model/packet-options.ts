/** Options that look at packets and connections, not at bytes; and what is done with matches. */
import type { NumericTest, Track } from './values.js'

export interface FlowOption {
  readonly kind: 'flow'
  readonly direction: 'to_server' | 'to_client' | undefined
  readonly state: 'established' | 'not_established' | 'stateless' | undefined
  readonly stream: 'no_stream' | 'only_stream' | undefined
  readonly frag: 'no_frag' | 'only_frag' | undefined
}

export interface FlowbitsOption {
  readonly kind: 'flowbits'
  readonly action: 'set' | 'setx' | 'unset' | 'toggle' | 'isset' | 'isnotset' | 'reset' | 'noalert'
  /** Empty with a `group`: every name of the group (`isset,any,group`). */
  readonly names: readonly string[]
  /** How several names combine: `a&b` all, `a|b` any. */
  readonly combine: 'all' | 'any'
  readonly group: string | undefined
}

export interface DsizeOption {
  readonly kind: 'dsize'
  readonly test: NumericTest
}

export interface TcpFlagsOption {
  readonly kind: 'flags'
  /** FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32, ECE 64, CWR 128. */
  readonly flags: number
  /** Removed from the packet's flags before the test. */
  readonly ignore: number
  readonly match: 'exact' | 'all' | 'any' | 'none'
}

/** Equality or range on one header field. */
export interface HeaderNumberOption {
  readonly kind: 'header_number'
  readonly field:
    | 'ttl'
    | 'tos'
    | 'id'
    | 'fragoffset'
    | 'ip_proto'
    | 'seq'
    | 'ack'
    | 'window'
    | 'itype'
    | 'icode'
    | 'icmp_id'
    | 'icmp_seq'
    | 'urg'
    | 'wscale'
    | 'geneve_vni'
    | 'pkt_num'
  readonly test: NumericTest
}

export interface FragBitsOption {
  readonly kind: 'fragbits'
  /** more fragments 1, don't fragment 2, reserved 4 */
  readonly bits: number
  readonly match: 'exact' | 'all' | 'any' | 'none'
}

export interface IpOptsOption {
  readonly kind: 'ipopts'
  /** IP option type, or 'any'. */
  readonly option: number | 'any'
}

export interface SameIpOption {
  readonly kind: 'sameip'
}

export interface RateOption {
  readonly kind: 'detection_filter' | 'threshold'
  readonly type: 'limit' | 'threshold' | 'both' | undefined
  readonly track: Track
  readonly count: number
  readonly seconds: number
}

export interface StreamSizeOption {
  readonly kind: 'stream_size'
  readonly side: 'client' | 'server' | 'either' | 'both'
  readonly test: NumericTest
}

/** Packets that follow are logged, too: of the flow, or of a host. A metric of 0 sets no end. */
export interface TagOption {
  readonly kind: 'tag'
  readonly by: 'session' | 'source' | 'destination'
  readonly packets: number
  readonly seconds: number
  readonly bytes: number
}

/** The rule stands for an event that the engine raises itself (by gid and sid), and matches nothing. */
export interface EngineEventOption {
  readonly kind: 'engine_event'
}
