/**
 * How long a flow may stay silent, by what is known of it. All times are trace time.
 *
 * Defaults are those of Snort 3's stream modules (embryonic 30 s, idle 3600 s, session 180 s, UDP 30 s, ICMP and other IP
 * 60 s); `linger` is the time a closed connection still absorbs late packets, in place of 2 MSL.
 */

/** Timeout classes, stored in the flow's flags; they index `TimeoutTable`. */
export const CLASS_EMBRYONIC = 0
export const CLASS_ESTABLISHED = 1
export const CLASS_CLOSING = 2
export const CLASS_LINGER = 3
export const CLASS_UDP = 4
export const CLASS_ICMP = 5
export const CLASS_IP = 6
const CLASS_COUNT = 7

/** Seconds without a packet (at least 1, at most 1,000,000) after which a flow ends with reason 'timeout'. */
export interface Timeouts {
  /** TCP before the handshake is complete. Default 30. */
  readonly embryonic: number
  /** TCP after the handshake. Default 3600. */
  readonly established: number
  /** TCP after the first FIN. Default 180. */
  readonly closing: number
  /** TCP after the end: late packets are orphans of the old connection, not a new one. Default 10. */
  readonly linger: number
  /** UDP. Default 30. */
  readonly udp: number
  /** ICMP and ICMPv6. Default 60. */
  readonly icmp: number
  /** Other IP protocols, and fragments. Default 60. */
  readonly ip: number
}

/** The defaults of `StackOptions.timeouts`, seconds. */
export const DEFAULT_TIMEOUTS: Timeouts = Object.freeze({
  embryonic: 30,
  established: 3600,
  closing: 180,
  linger: 10,
  udp: 30,
  icmp: 60,
  ip: 60,
})

const MAX_TIMEOUT = 1_000_000

/** Timeouts in microseconds, indexed by class. @throws RangeError for a value out of range */
export function timeoutTable(timeouts: Partial<Timeouts> = {}): Float64Array {
  const all = { ...DEFAULT_TIMEOUTS, ...timeouts }
  for (const [name, value] of Object.entries(all)) {
    if (!(value >= 1 && value <= MAX_TIMEOUT)) {
      throw new RangeError(`timeout ${name} must be 1 to ${MAX_TIMEOUT} seconds, not ${value}`)
    }
  }
  const table = new Float64Array(CLASS_COUNT)
  table[CLASS_EMBRYONIC] = all.embryonic * 1e6
  table[CLASS_ESTABLISHED] = all.established * 1e6
  table[CLASS_CLOSING] = all.closing * 1e6
  table[CLASS_LINGER] = all.linger * 1e6
  table[CLASS_UDP] = all.udp * 1e6
  table[CLASS_ICMP] = all.icmp * 1e6
  table[CLASS_IP] = all.ip * 1e6
  return table
}
