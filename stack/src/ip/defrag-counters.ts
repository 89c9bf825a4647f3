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
