/**
 * Outcomes of decoding a frame, and the counters kept per outcome. Codes are dense from 0, so that they index arrays.
 */

/** Outcomes of decoding. STATUS_TEXT has the words. */
export const STATUS = {
  /** Every header the decoder knows was read and is consistent. */
  DECODED: 0,
  /** A healthy frame that carries no IP packet (ARP, LLDP, spanning tree...). */
  NOT_IP: 1,
  LINK_TYPE_UNSUPPORTED: 2,
  ETHERNET_TRUNCATED: 3,
  VLAN_TRUNCATED: 4,
  VLAN_TOO_DEEP: 5,
  COOKED_TRUNCATED: 6,
  LOOPBACK_TRUNCATED: 7,
  IP_EMPTY: 8,
  IP_VERSION: 9,
  IPV4_TRUNCATED: 10,
  IPV4_HEADER_LENGTH: 11,
  IPV4_OPTIONS_TRUNCATED: 12,
  IPV4_LENGTH_BELOW_HEADER: 13,
  IPV4_LENGTH_ABOVE_FRAME: 14,
  IPV6_TRUNCATED: 15,
  IPV6_LENGTH_ABOVE_FRAME: 16,
  IPV6_LENGTH_ZERO: 17,
  IPV6_JUMBO: 18,
  IPV6_EXTENSION_TRUNCATED: 19,
  IPV6_EXTENSIONS_TOO_MANY: 20,
  FRAGMENT_ABOVE_64K: 21,
  TCP_TRUNCATED: 22,
  TCP_HEADER_LENGTH: 23,
  TCP_OPTIONS_TRUNCATED: 24,
  UDP_TRUNCATED: 25,
  UDP_LENGTH_BELOW_HEADER: 26,
  UDP_LENGTH_ABOVE_IP: 27,
  ICMP_TRUNCATED: 28,
  ICMP6_TRUNCATED: 29,
  IPV4_CHECKSUM: 30,
  TCP_CHECKSUM: 31,
  UDP_CHECKSUM: 32,
  ICMP_CHECKSUM: 33,
  ICMP6_CHECKSUM: 34,
  AH_MALFORMED: 35,
  NFLOG_MALFORMED: 36,
  CHDLC_TRUNCATED: 37,
  PPP_TRUNCATED: 38,
} as const
/** An outcome of decoding. */
export type DecodeStatus = (typeof STATUS)[keyof typeof STATUS]

/** One line per outcome, for people; indexed by status code. */
export const STATUS_TEXT: readonly string[] = Object.freeze([
  'decoded',
  'no IP packet inside the frame',
  'link type not supported',
  'Ethernet header cut short',
  'VLAN tag cut short',
  'more VLAN tags than the limit',
  'Linux cooked header cut short',
  'loopback header cut short',
  'frame ends where the IP header should begin',
  'IP version is neither 4 nor 6, or contradicts the link layer',
  'IPv4 header cut short',
  'IPv4 header length below 20 bytes',
  'IPv4 header length goes beyond the captured bytes',
  'IPv4 total length below the header length',
  'IPv4 total length goes beyond the frame',
  'IPv6 header cut short',
  'IPv6 payload length goes beyond the frame',
  'IPv6 payload length is zero but a payload is announced',
  'IPv6 jumbo payload option malformed or contradicted',
  'IPv6 extension header cut short',
  'more IPv6 extension headers than the limit',
  'fragment ends beyond 65,535 bytes',
  'TCP header cut short',
  'TCP header length below 20 bytes',
  'TCP header length goes beyond the packet',
  'UDP header cut short',
  'UDP length below 8 bytes',
  'UDP length goes beyond the IP payload',
  'ICMP header cut short',
  'ICMPv6 header cut short',
  'IPv4 header checksum wrong',
  'TCP checksum wrong',
  'UDP checksum wrong',
  'ICMP checksum wrong',
  'ICMPv6 checksum wrong',
  'IPsec authentication header malformed or repeated beyond the limit',
  'netfilter log record malformed, or none with a packet',
  'Cisco HDLC header cut short',
  'PPP header cut short',
])

/** Names as in `STATUS`, indexed by status code; stable, for machines. */
export const STATUS_NAME: readonly string[] = Object.freeze(
  Object.entries(STATUS)
    .sort((a, b) => a[1] - b[1])
    .map(([name]) => name.toLowerCase()),
)

/** How many outcomes there are. */
export const STATUS_COUNT = STATUS_NAME.length

/**
 * Running totals of one decoder. `outcomes[status]` counts frames by outcome: every frame decoded is counted exactly
 * once by `decodeFrame`; a wrong checksum found later by `verifyChecksums` moves the frame from `DECODED` to its reason.
 */
export class DecodeCounters {
  /** Frames by outcome: indexed by `STATUS` code. */
  readonly outcomes = new Float64Array(STATUS_COUNT)
  /** Frames whose capture is shorter than the packet on the wire, and that lost transport payload by it. */
  truncated = 0
  /** Fragments of IP packets (the first ones included). */
  fragments = 0
  /** Packets whose transport checksum could not be verified: cut by the capture, or a fragment. */
  unverifiable = 0

  /** Frames seen, whatever became of them. */
  get frames(): number {
    let sum = 0
    for (let i = 0; i < STATUS_COUNT; i++) sum += this.outcomes[i]!
    return sum
  }

  /** Frames that are malformed, of an unsupported link type, or fail their checksum. */
  get malformed(): number {
    return this.frames - this.outcomes[STATUS.DECODED]! - this.outcomes[STATUS.NOT_IP]!
  }

  /** Outcomes that occurred, by name. */
  toJSON(): Record<string, number> {
    const result: Record<string, number> = {}
    for (let i = 0; i < STATUS_COUNT; i++) {
      if (this.outcomes[i]! > 0) result[STATUS_NAME[i]!] = this.outcomes[i]!
    }
    result.truncated = this.truncated
    result.fragments = this.fragments
    result.unverifiable = this.unverifiable
    return result
  }
}
