/**
 * How the TCP of operating systems differs where the standards leave room: what the stack has to know of a receiver to
 * see the bytes that the receiver sees.
 *
 * In: the name of a policy. Out: its number (which flows keep per side) and its traits, read by the reassembler and the
 * tracker. Names and traits are those of Snort's stream_tcp (`policy`), so that a configuration means the same here.
 *
 * Sources, by trait:
 * - overlap: Novak and Sturges, "Target-Based TCP Stream Reassembly" (2007), who measured what each system does with a
 *   queued segment that a new one overlaps; Shankar and Paxson, "Active Mapping" (2003), for the method and the BSD, Linux
 *   and Solaris rules. Where the later implementations, Snort 3's overlap resolver and Suricata's host-os-policy, differ
 *   (irix and hpux10, new segment of the same beginning that is longer), it is Snort's rule.
 * - untilAcked: observed: Snort and Suricata let a later copy of bytes in order win with `old-linux` as long as they have
 *   not been acknowledged, and keep the first with `bsd`.
 * - reset: RFC 9293 3.10.7.4 obeys a reset inside the window, RFC 5961 3.2 at the next byte only; which system does which:
 *   Snort 3's normalizers.
 * - timestamps: RFC 7323 5.3; deviations: Snort 3's normalizers.
 *
 * What does not differ: data on a SYN counts if the peer's SYN+ACK acknowledges it (RFC 7413), and urgent data stays in
 * the stream (an application may ask its system for it, SO_OOBINLINE, so no property of the host tells; Snort 3.12 keeps
 * it as well).
 */

/** The policies, by their names in Snort's stream_tcp. */
export const TCP_POLICIES = [
  'first',
  'last',
  'bsd',
  'linux',
  'old-linux',
  'windows',
  'win2003',
  'vista',
  'solaris',
  'hpux10',
  'hpux11',
  'irix',
  'macos',
] as const
/**
 * - `first`, `last`: the copy that came first, or last, counts always.
 * - `bsd` (FreeBSD 4 and later, NetBSD 2, OpenBSD 3), `macos` (10.3 and later), `windows` (95 to XP), `win2003`: a new
 *   segment wins over queued ones that begin after it.
 * - `linux` (2.4 and later), `irix` (6 and later), `hpux10`: likewise, and over one that begins with it and ends earlier.
 * - `old-linux` (2.2 and earlier): likewise, and over one that begins and ends with it.
 * - `vista` (Windows Vista and later): as `first`.
 * - `solaris` (9 and later), `hpux11`: a new segment wins unless the queued one goes on beyond it, or began before and
 *   ends with it.
 */
export type TcpPolicy = (typeof TCP_POLICIES)[number]

/** Which resets a host obeys: at the next byte it expects; inside its window; at the next byte or anywhere behind it. */
export type ResetRule = 'next' | 'window' | 'beyond'

/** What tells one policy from another. */
export interface TcpTraits {
  /**
   * Who keeps the bytes that a new segment shares with a queued one: `q` the queued one, `n` the new one. Row: the new
   * segment begins before, with, after the queued one; place in the row: it ends before, with, after it.
   */
  readonly overlap: readonly [before: string, same: string, after: string]
  /** Bytes in order are open to later copies until the receiver has acknowledged them, and are delivered then. */
  readonly untilAcked: boolean
  /** Which resets are obeyed. */
  readonly reset: ResetRule
  /** How far a timestamp may lie before the last one. */
  readonly timestampSlack: 0 | 1
  /**
   * A timestamp of 0 in a SYN: a value like any other; a sign that the connection has no timestamps; or one that the
   * first segment in order replaces, whatever it has.
   */
  readonly zeroTimestamp: 'value' | 'none' | 'replaced'
  /** Segments out of order are checked as well. */
  readonly timestampsOutOfOrder: boolean
  /** A segment without timestamps ends the checks of the connection. */
  readonly missingTimestampEnds: boolean
}

const BSD_OVERLAP = ['nnn', 'qqq', 'qqq'] as const
const LINUX_OVERLAP = ['nnn', 'qqn', 'qqq'] as const
const FIRST_OVERLAP = ['qqq', 'qqq', 'qqq'] as const
const SOLARIS_OVERLAP = ['qnn', 'qnn', 'qqn'] as const

const FIRST: TcpTraits = {
  overlap: FIRST_OVERLAP,
  untilAcked: false,
  reset: 'next',
  timestampSlack: 0,
  zeroTimestamp: 'value',
  timestampsOutOfOrder: true,
  missingTimestampEnds: false,
}

/** The traits of every policy. */
export const TCP_TRAITS: Readonly<Record<TcpPolicy, TcpTraits>> = Object.freeze({
  first: FIRST,
  last: { ...FIRST, overlap: ['nnn', 'nnn', 'nnn'], untilAcked: true },
  bsd: { ...FIRST, overlap: BSD_OVERLAP, reset: 'window' },
  linux: { ...FIRST, overlap: LINUX_OVERLAP, reset: 'window', timestampSlack: 1, zeroTimestamp: 'none' },
  'old-linux': {
    ...FIRST,
    overlap: ['nnn', 'qnn', 'qqq'],
    untilAcked: true,
    reset: 'window',
    zeroTimestamp: 'replaced',
  },
  windows: { ...FIRST, overlap: BSD_OVERLAP, zeroTimestamp: 'replaced' },
  win2003: { ...FIRST, overlap: BSD_OVERLAP, zeroTimestamp: 'none' },
  vista: { ...FIRST, zeroTimestamp: 'replaced' },
  solaris: {
    ...FIRST,
    overlap: SOLARIS_OVERLAP,
    untilAcked: true,
    reset: 'window',
    missingTimestampEnds: true,
  },
  hpux10: { ...FIRST, overlap: LINUX_OVERLAP },
  hpux11: {
    ...FIRST,
    overlap: SOLARIS_OVERLAP,
    untilAcked: true,
    reset: 'beyond',
    timestampsOutOfOrder: false,
  },
  irix: { ...FIRST, overlap: LINUX_OVERLAP },
  macos: { ...FIRST, overlap: BSD_OVERLAP },
})

/** Number of a policy, its place in `TCP_POLICIES`: fits 4 bits, and 0 is 'first'. */
export const TCP_POLICY = Object.freeze(
  Object.fromEntries(TCP_POLICIES.map((name, i) => [name, i])),
) as Readonly<Record<TcpPolicy, number>>

/** Traits by the number of the policy. */
export const TRAITS: readonly TcpTraits[] = TCP_POLICIES.map((name) => TCP_TRAITS[name])

/** By policy: bit `3 * row + place` of the overlap table is set where the new segment wins. */
const NEW_WINS = Int32Array.from(TRAITS, ({ overlap }) =>
  [...overlap.join('')].reduce((bits, winner, i) => (winner === 'n' ? bits | (1 << i) : bits), 0),
)

/** Whether the policy ever lets a new segment win. */
export const everNew = (policy: number): boolean => NEW_WINS[policy] !== 0

/**
 * Whether a new segment `[from, to)` gets the bytes it shares with a queued run of bytes `[start, end)`. Sequence
 * numbers; the two do overlap.
 */
export function newWins(policy: number, start: number, end: number, from: number, to: number): boolean {
  const begins = (from - start) | 0
  const ends = (to - end) | 0
  const row = begins < 0 ? 0 : begins === 0 ? 3 : 6
  const place = ends < 0 ? 0 : ends === 0 ? 1 : 2
  return (NEW_WINS[policy] & (1 << (row + place))) !== 0
}
