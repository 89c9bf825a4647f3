/**
 * Who wins where fragments overlap: the rules of the operating systems that receive them.
 *
 * A datagram under construction is a row of pieces: runs of bytes that came in one fragment and were not overwritten
 * since. A rule decides for a piece `[start, end)` that overlaps a new fragment `[from, to)` whether the piece keeps its
 * bytes or the fragment replaces them.
 *
 * Sources. Shankar and Paxson, "Active Mapping" (2003), names and defines first, last, bsd, bsd-right and linux; Novak,
 * "Target-Based Fragmentation Reassembly" (2005), says which systems follow which, and gives the test pattern the tests
 * use. RFC 791 (section 3.2, example procedure) is 'last'. BSD: ip_reass of 4.4BSD. Linux: ip_frag_queue up to 4.18.
 * The two exceptions of bsd-right and the rules of windows and solaris are observed behaviour, as Snort 3's stream_ip
 * plays it. 'drop' is RFC 5722 and RFC 8200 4.5, and Linux since 4.19 for IPv4 as well.
 */

export const FRAGMENT_POLICIES = [
  'first',
  'last',
  'bsd',
  'bsd-right',
  'linux',
  'windows',
  'solaris',
  'drop',
] as const

/**
 * - `first`: bytes that came first stay (HP-UX 11, older SunOS and MacOS).
 * - `last`: bytes that came last win (Cisco IOS, RFC 791).
 * - `bsd`: a piece stays if it begins at or before the new fragment (FreeBSD, AIX, IRIX, HP-UX 10).
 * - `bsd-right`: a new fragment wins over pieces that begin at or before it, unless they reach its end; a piece that
 *   begins later stays unless it is covered (HP JetDirect).
 * - `linux`: a piece stays if it begins before the new fragment (Linux up to 4.18, OpenBSD).
 * - `windows`: as `first`, but a fragment that begins before a piece and ends behind it replaces it.
 * - `solaris`: as `first`, but a fragment that begins before a piece and covers it replaces it.
 * - `drop`: a datagram with overlapping fragments is dropped; exact repetitions are ignored.
 */
export type FragmentPolicy = (typeof FRAGMENT_POLICIES)[number]

/** Number of a policy, its place in `FRAGMENT_POLICIES`. */
export const POLICY = Object.freeze(
  Object.fromEntries(FRAGMENT_POLICIES.map((name, i) => [name, i])),
) as Readonly<Record<FragmentPolicy, number>>

const { first, last, bsd, linux, windows, solaris } = POLICY
const bsdRight = POLICY['bsd-right']

/** Whether the piece `[start, end)` keeps the bytes it shares with the new fragment `[from, to)`; they do overlap. */
export function pieceStays(policy: number, start: number, end: number, from: number, to: number): boolean {
  switch (policy) {
    case first:
      return true
    case last:
      return false
    case bsd:
      return start <= from
    case bsdRight:
      return start < from ? end >= to : end > to
    case linux:
      return start < from
    case windows:
      return !(from < start && to > end)
    case solaris:
      return !(from < start && to >= end)
    default:
      return true
  }
}
