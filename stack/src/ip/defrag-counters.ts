/** What defragmentation counts, and the anomalies it reports. */

/** Oddities of fragments, as told to `Defragmenter.onAnomaly`. */
export type FragmentAnomaly =
  /** Bytes that were there already came again in another fragment, unchanged. */
  | 'overlap'
  /** Bytes that were there already came again and differ. */
  | 'overlap-conflict'
  /** A last fragment ends before known bytes, or elsewhere than an earlier one (teardrop); or bytes behind the end. */
  | 'end-conflict'
  /** A fragment without payload. */
  | 'empty'
  /** A fragment that is not the last has a length that is no multiple of 8 (bonk, jolt). */
  | 'bad-length'
  /** The whole datagram would exceed 65,535 bytes (ping of death). */
  | 'oversized'
  /** More pieces than `maxFragments`. */
  | 'too-many'

/** Running totals. */
export class DefragCounters {
  /** Fragments handed to the defragmenter. */
  fragments = 0
  /** Datagrams begun. */
  datagrams = 0
  /** Datagrams put together, and their bytes with header. */
  reassembled = 0
  reassembledBytes = 0
  /** Incomplete datagrams dropped: too old, too many, out of memory, end of the input. */
  timedOut = 0
  evictedDatagrams = 0
  evictedMemory = 0
  incomplete = 0
  /** Datagrams dropped because fragments overlap (policy 'drop'). */
  overlapDropped = 0
  /** Fragments that bring bytes already there; of these, exact repetitions of a piece; of these, with other bytes. */
  overlaps = 0
  duplicates = 0
  overlapConflicts = 0
  /** Fragments not used, by reason. */
  endConflicts = 0
  empty = 0
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

  toJSON(): Record<string, number> {
    return Object.fromEntries(Object.entries(this))
  }
}
