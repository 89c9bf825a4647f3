/** What defragmentation counts, and the anomalies it reports. */

/** Oddities of fragments, as told to `Defragmenter.onAnomaly`. */
export type FragmentAnomaly =
  /** Bytes that were there already came again in another fragment, unchanged. */
  | 'overlap'
  /** Bytes that were there already came again and differ. */
  | 'overlap-conflict'
  /** More such fragments than `overlapLimit`. */
  | 'many-overlaps'
  /** A last fragment ends before known bytes, or elsewhere than an earlier one. */
  | 'teardrop'
  /** A fragment that is not the last goes on behind the known end. */
  | 'behind-end'
  /** A fragment without payload. */
  | 'empty'
  /** A fragment that is not the last has a length that is no multiple of 8 (bonk, jolt). */
  | 'bad-length'
  /** The whole datagram would exceed 65,535 bytes (ping of death). */
  | 'oversized'
  /** Fragments other than the first have headers of different lengths. */
  | 'options'
  /** A fragment that is not the last has at most `tinyBytes`. */
  | 'tiny'
  /** More pieces than `maxFragments`. */
  | 'too-many'

/** gid of the Snort events that `FRAGMENT_ANOMALY_SID` has the sids of. */
export const FRAGMENT_ANOMALY_GID = 123

/** The sid of Snort's event (stream_ip, frag3) for each anomaly; 0 where Snort has none. */
export const FRAGMENT_ANOMALY_SID: Readonly<Record<FragmentAnomaly, number>> = Object.freeze({
  options: 1,
  teardrop: 2,
  'bad-length': 3,
  'behind-end': 4,
  empty: 5,
  oversized: 7,
  overlap: 8,
  'overlap-conflict': 8,
  'many-overlaps': 12,
  tiny: 13,
  'too-many': 0,
})

/** Running totals. */
export class DefragCounters {
  /** Fragments handed to the defragmenter. */
  fragments = 0
  /** Datagrams begun. */
  datagrams = 0
  /** Datagrams put together. */
  reassembled = 0
  /** Their bytes, header included. */
  reassembledBytes = 0
  /** Incomplete datagrams dropped because they were too old. */
  timedOut = 0
  /** Because there were too many (`maxDatagrams`). */
  evictedDatagrams = 0
  /** Because the memory was used up (`totalBytes`). */
  evictedMemory = 0
  /** Because the input ended. */
  incomplete = 0
  /** Datagrams dropped because fragments overlap (policy 'drop'). */
  overlapDropped = 0
  /** Fragments that bring bytes already there. */
  overlaps = 0
  /** Of these, exact repetitions of a piece. */
  duplicates = 0
  /** Of these, with other bytes than before. */
  overlapConflicts = 0
  /** Fragments not used, because they contradict where the datagram ends. */
  endConflicts = 0
  /** Without payload. */
  empty = 0
  /** More than `maxFragments`. */
  tooMany = 0
  /** Cut by the capture. */
  truncated = 0
  /** Header before the fragment header longer than 2,048 bytes. */
  longHeader = 0
  /** Of a datagram dropped before. */
  late = 0
  /** Not the last, length not a multiple of 8: cut to one (not used with 'bsd' and 'bsd-right'). */
  badLength = 0
  /** Datagrams dropped because they would exceed 65,535 bytes. */
  oversized = 0

  /** All of them as a plain object. */
  toJSON(): Record<string, number> {
    return Object.fromEntries(Object.entries(this))
  }
}
