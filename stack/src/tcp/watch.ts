/**
 * What takes a look at every segment of a connection: timestamps (PAWS), and the anomalies that need memory.
 *
 * In: the segments of flows whose timestamps are checked, or whose anomalies somebody wants to know; such sides are
 * SIDE_WATCHED and their segments leave the short way through the tracker. Out: ON_ANOMALY, and whether the receiver drops
 * the segment. Its memory grows with the rows in use, from the first watched flow on. Called by the tracker, the handshake
 * and the reassembler; names as in tracker.ts.
 */
import { C } from '../counters.js'
import { ANOMALY } from '../event/anomaly.js'
import type { Dispatcher } from '../event/dispatcher.js'
import { SLOT_ANOMALY } from '../event/slots.js'
import {
  ACKED,
  FLAG_ESTABLISHED,
  FLAGS,
  RECEIVED,
  ROW_SHIFT,
  SIDE_POLICY_MASK,
  SIDE_POLICY_SHIFT,
  SIDE_SHIFT,
  SIDE_TIMESTAMP_ZERO,
  SIDE_TIMESTAMPS,
  SIDE_WATCHED,
  SIDES,
  STATE,
} from '../flow/layout.js'
import type { FlowTable } from '../flow/table.js'
import { LINK_TYPE, type Packet, parseTcpOptions, TCP_FLAG, TcpOptions } from '../wire/index.js'
import { type Segment, segmentOf, tellAnomalies } from './anomaly.js'
import { OVERLAP_NONE, OVERLAP_REPEATED, OVERLAP_UNUSED } from './conflict.js'
import type { TcpTrackingOptions } from './options.js'
import { TRAITS } from './policy.js'

const { SYN, RST } = TCP_FLAG

/** Words of one side, and where its peer's begin. */
const MEMORY_SHIFT = 3
/** The timestamp that the side's next one is compared with: TS.Recent of its peer. */
const TIMESTAMP = 0
/** Ethernet address of the side: 16 bits with MAC_KNOWN, 32 bits. */
const MAC_HIGH = 1
const MAC_LOW = 2
const MAC_KNOWN = 0x1_0000
/** Small segments in a row that the side sent. */
const SMALL = 3
/** Overlapping segments that the side sent. */
const OVERLAPS = 4

const TCP_HEADER = 20
/** Two no-operations, then a timestamp option of 10 bytes. */
const ALIGNED_TIMESTAMP = 0x0101_080a
const WATCHED_EVENTS = 3 << SLOT_ANOMALY

export class SegmentWatch {
  private readonly words: Int32Array
  private readonly events: Dispatcher
  private readonly packet: Packet
  private readonly counts: Float64Array
  private readonly limits: TcpTrackingOptions
  private readonly drops: boolean
  private readonly options = new TcpOptions()
  private readonly seen: Segment
  private memory = new Int32Array(0)

  constructor(
    table: FlowTable,
    events: Dispatcher,
    packet: Packet,
    counts: Float64Array,
    limits: TcpTrackingOptions,
  ) {
    this.words = table.words
    this.events = events
    this.packet = packet
    this.counts = counts
    this.limits = limits
    this.seen = segmentOf(table.words, packet, limits.maxWindow)
    this.drops = limits.timestamps === 'check'
  }

  /** A new connection: watches it if there is a reason to. */
  begin(row: number): void {
    if (!this.drops && !this.events.wants(row, WATCHED_EVENTS)) return
    const client = (row << ROW_SHIFT) + SIDES
    this.words[client + STATE] |= SIDE_WATCHED
    this.words[client + (1 << SIDE_SHIFT) + STATE] |= SIDE_WATCHED
    const need = (row + 1) << (MEMORY_SHIFT + 1)
    if (need > this.memory.length) {
      const grown = new Int32Array(Math.max(need, this.memory.length * 2, 1024))
      grown.set(this.memory)
      this.memory = grown
    }
    this.memory.fill(0, row << (MEMORY_SHIFT + 1), need)
  }

  /** The SYN of `s`, in `packet`: notes its timestamp. */
  syn(row: number, s: number, S: number, R: number): void {
    const words = this.words
    words[S + STATE] &= ~(SIDE_TIMESTAMPS | SIDE_TIMESTAMP_ZERO)
    if ((words[S + STATE] & SIDE_WATCHED) === 0) return
    const { options } = this
    parseTcpOptions(this.packet, options)
    if (!options.hasTimestamps) return
    this.memory[this.at(row, s) + TIMESTAMP] = options.timestampValue
    const { zeroTimestamp } = this.traits(R)
    if (options.timestampValue === 0 && zeroTimestamp !== 'value') {
      if (zeroTimestamp === 'none') return
      words[S + STATE] |= SIDE_TIMESTAMP_ZERO
    }
    words[S + STATE] |= SIDE_TIMESTAMPS
  }

  /**
   * The common case: only the timestamps matter, the segment is the next in order and has its timestamp where hosts put
   * it (RFC 7323 appendix A).
   * @returns false, with nothing done, for any other segment
   */
  expected(row: number, s: number, S: number, R: number): boolean {
    const { words, packet: p, memory } = this
    if ((words[S + STATE] & words[R + STATE] & SIDE_TIMESTAMPS) === 0) return false
    if ((words[S + STATE] & SIDE_TIMESTAMP_ZERO) !== 0 || this.events.wants(row, WATCHED_EVENTS)) return false
    const options = p.transportOffset + TCP_HEADER
    if (p.tcpHeaderLength < TCP_HEADER + 12 || p.view.getInt32(options) !== ALIGNED_TIMESTAMP) return false
    const at = ((row * 2 + s) << MEMORY_SHIFT) + TIMESTAMP
    const value = p.view.getInt32(options + 4)
    const ahead = (value - memory[at]) | 0
    if (ahead < 0) return false
    if (ahead > 0 && ((p.tcpSeq - words[R + ACKED]) | 0) <= 0) memory[at] = value
    return true
  }

  /**
   * A segment of a watched side, before anything else is done about it. `first`: it is the first of its connection.
   * @returns false when the receiver drops it
   */
  segment(row: number, s: number, S: number, R: number, first: boolean): boolean {
    const { words, events } = this
    if ((words[S + STATE] & SIDE_WATCHED) === 0) this.begin(row)
    if (!this.timestamps(row, s, S, R)) {
      this.counts[C.pawsDropped]++
      return false
    }
    if (events.wants(row, WATCHED_EVENTS)) {
      tellAnomalies(this.seen, events, row, s, S, R, first)
      this.addresses(row, s)
      this.smallSegments(row, s)
    } else if ((words[(row << ROW_SHIFT) + FLAGS] & FLAG_ESTABLISHED) !== 0) {
      if ((words[S + STATE] & words[R + STATE] & SIDE_TIMESTAMPS) === 0) {
        // Watched for timestamps alone, and the handshake did not agree on them.
        words[S + STATE] &= ~SIDE_WATCHED
        words[R + STATE] &= ~SIDE_WATCHED
      }
    }
    return true
  }

  /** What the comparison said of a segment that `s` sent, before it is taken. */
  overlap(row: number, s: number, verdict: number): void {
    if (verdict === OVERLAP_NONE || verdict === OVERLAP_REPEATED) return
    const limit = this.limits.overlapLimit
    const at = this.at(row, s) + OVERLAPS
    if (limit > 0 && ++this.memory[at] > limit) {
      this.memory[at] = 0
      this.events.anomaly(row, s, ANOMALY.EXCESSIVE_OVERLAP)
    }
    if (verdict === OVERLAP_UNUSED) this.events.anomaly(row, s, ANOMALY.BAD_SEGMENT)
  }

  private at(row: number, side: number): number {
    return (row * 2 + side) << MEMORY_SHIFT
  }

  private traits(receiver: number): (typeof TRAITS)[number] {
    return TRAITS[(this.words[receiver + STATE] & SIDE_POLICY_MASK) >> SIDE_POLICY_SHIFT]
  }

  /** Protection against wrapped sequence numbers (RFC 7323 section 5). @returns false when the receiver drops it */
  private timestamps(row: number, s: number, S: number, R: number): boolean {
    const { words, packet: p, options, memory } = this
    if ((words[S + STATE] & words[R + STATE] & SIDE_TIMESTAMPS) === 0) return true
    if ((p.tcpFlags & (SYN | RST)) !== 0) return true
    const traits = this.traits(R)
    parseTcpOptions(p, options)
    if (!options.hasTimestamps) {
      this.events.anomaly(row, s, ANOMALY.NO_TIMESTAMP)
      if (traits.missingTimestampEnds) words[S + STATE] &= ~SIDE_TIMESTAMPS
      return true
    }
    const at = this.at(row, s) + TIMESTAMP
    const value = options.timestampValue
    const inOrder = p.tcpSeq === words[R + RECEIVED]
    if ((words[S + STATE] & SIDE_TIMESTAMP_ZERO) !== 0) {
      if (inOrder) {
        memory[at] = value
        words[S + STATE] &= ~SIDE_TIMESTAMP_ZERO
      }
      return true
    }
    if (!inOrder && !traits.timestampsOutOfOrder) return true
    const ahead = (value - memory[at]) | 0
    if (ahead + traits.timestampSlack < 0) {
      this.events.anomaly(row, s, ANOMALY.BAD_TIMESTAMP)
      return !this.drops
    }
    // Section 4.3: only by segments that reach back to the last acknowledgement, so that none gets lost in front of it.
    if (ahead > 0 && ((p.tcpSeq - words[R + ACKED]) | 0) <= 0) memory[at] = value
    return true
  }

  /** Another Ethernet address than before speaks for a side, or is spoken to. Told once per change. */
  private addresses(row: number, s: number): void {
    const p = this.packet
    if (p.linkType !== LINK_TYPE.ETHERNET || p.reassembled || p.tunnelDepth > 0) return
    const { view, frameOffset: at } = p
    const source = this.sameAddress(row, s, view.getUint16(at + 6), view.getInt32(at + 8))
    const destination = this.sameAddress(row, 1 - s, view.getUint16(at), view.getInt32(at + 2))
    if (source && destination) return
    // A tap may show both directions from the same place.
    if (!source && !destination) {
      const swapped =
        this.sameAddress(row, s, view.getUint16(at), view.getInt32(at + 2)) &&
        this.sameAddress(row, 1 - s, view.getUint16(at + 6), view.getInt32(at + 8))
      if (swapped) return
    }
    if (!source) this.hijacked(row, s, s, view.getUint16(at + 6), view.getInt32(at + 8))
    if (!destination) this.hijacked(row, s, 1 - s, view.getUint16(at), view.getInt32(at + 2))
  }

  /** Whether the address is that of the side; one not known yet is. */
  private sameAddress(row: number, side: number, high: number, low: number): boolean {
    const { memory } = this
    const at = this.at(row, side)
    if (memory[at + MAC_HIGH] === 0) {
      memory[at + MAC_HIGH] = high | MAC_KNOWN
      memory[at + MAC_LOW] = low
    }
    return memory[at + MAC_HIGH] === (high | MAC_KNOWN) && memory[at + MAC_LOW] === low
  }

  private hijacked(row: number, s: number, side: number, high: number, low: number): void {
    const at = this.at(row, side)
    this.memory[at + MAC_HIGH] = high | MAC_KNOWN
    this.memory[at + MAC_LOW] = low
    this.events.anomaly(row, s, side === 0 ? ANOMALY.CLIENT_HIJACKED : ANOMALY.SERVER_HIJACKED)
  }

  private smallSegments(row: number, s: number): void {
    const { count, bytes } = this.limits.smallSegments
    const length = this.packet.payloadWireLength
    if (count === 0 || length === 0) return
    const at = this.at(row, s) + SMALL
    if (length >= bytes) this.memory[at] = 0
    else if (++this.memory[at] === count) this.events.anomaly(row, s, ANOMALY.SMALL_SEGMENTS)
  }
}
