/**
 * Compares the bytes of a segment with those that came before it for the same place in the stream.
 *
 * In: a segment that overlaps held or delivered bytes, before anything is done about it. Out: ON_OVERLAP_CONFLICT with both
 * versions, for each stretch that differs. Only called for flows with a handler for it, by the reassembler; names as there.
 */
import type { Dispatcher } from '../event/dispatcher.js'
import { HELD_COUNT, OFFSET, RECEIVED, SIDE_POLICY_MASK, SIDE_POLICY_SHIFT, STATE } from '../flow/layout.js'
import type { FlowTable } from '../flow/table.js'
import type { Retention } from '../monitor/retention.js'
import type { Packet } from '../wire/index.js'
import type { HeldSegments } from './held.js'
import { newWins } from './policy.js'

/** What a segment has to do with held bytes: nothing... */
export const OVERLAP_NONE = 0
/** ... it brings bytes again that are all there, unchanged ... */
export const OVERLAP_REPEATED = 1
/** ... it brings some of them again, or others in their place ... */
export const OVERLAP_PARTIAL = 2
/** ... or others in their place, none of which counts. */
export const OVERLAP_UNUSED = 3

export class OverlapComparison {
  private readonly words: Int32Array
  private readonly times: Float64Array
  private readonly events: Dispatcher
  private readonly packet: Packet
  private readonly held: HeldSegments
  private readonly retention: Retention

  constructor(
    table: FlowTable,
    events: Dispatcher,
    packet: Packet,
    held: HeldSegments,
    retention: Retention,
  ) {
    this.words = table.words
    this.times = table.times
    this.events = events
    this.packet = packet
    this.held = held
    this.retention = retention
  }

  /**
   * Tells of bytes of the current packet that differ from what came before for the stream of `side`: from delivered ones,
   * and from held ones. `sequence` is that of its first byte.
   */
  tell(row: number, side: number, receiver: number, sequence: number, length: number): void {
    const words = this.words
    const from = this.packet.payloadOffset
    const before = (words[receiver + RECEIVED] - sequence) | 0
    const old = before <= 0 ? 0 : before < length ? before : length
    if (old > 0) this.withDelivered(row, side, receiver, sequence, from, old)
    if (words[receiver + HELD_COUNT] === 0 || old === length) return
    this.withHeld(row, side, receiver, (sequence + old) | 0, from + old, length - old)
  }

  /** What the current packet has to do with held bytes: OVERLAP_*. Parameters as for `tell`. */
  judge(receiver: number, sequence: number, length: number): number {
    const before = (this.words[receiver + RECEIVED] - sequence) | 0
    const skip = before > 0 ? before : 0
    if (skip >= length) return OVERLAP_NONE
    return this.judgeNew(receiver, (sequence + skip) | 0, this.packet.payloadOffset + skip, length - skip)
  }

  private policy(receiver: number): number {
    return (this.words[receiver + STATE] & SIDE_POLICY_MASK) >> SIDE_POLICY_SHIFT
  }

  /** Against held bytes. The segment's bytes are those of the packet from `from` on; none has been delivered. */
  private withHeld(
    row: number,
    side: number,
    receiver: number,
    sequence: number,
    from: number,
    length: number,
  ): void {
    const { held } = this
    const policy = this.policy(receiver)
    const end = (sequence + length) | 0
    for (let run = held.firstRun(receiver, sequence); run !== 0; run = held.nextRun(run)) {
      const runStart = held.sequence(run)
      if (((runStart - end) | 0) >= 0) return
      const runEnd = held.runEnd(run)
      const start = ((runStart - sequence) | 0) > 0 ? runStart : sequence
      const stop = ((runEnd - end) | 0) < 0 ? runEnd : end
      const count = (stop - start) | 0
      if (count <= 0) continue
      const earlier = new Uint8Array(count)
      let done = 0
      for (let record = run; done < count; record = held.next(record)) {
        const skip = (start + done - held.sequence(record)) | 0
        const take = Math.min(held.length(record) - skip, count - done)
        if (take <= 0) continue
        const at = held.start(record) + skip
        earlier.set(held.bytes(record).subarray(at, at + take), done)
        done += take
      }
      const winner = newWins(policy, runStart, runEnd, sequence, end) ? 'later' : 'earlier'
      this.compare(row, side, receiver, start, earlier, from + ((start - sequence) | 0), winner)
      // A handler may have let go of all that was held.
      if (this.words[receiver + HELD_COUNT] === 0) return
    }
  }

  private judgeNew(receiver: number, sequence: number, from: number, length: number): number {
    const { held } = this
    const policy = this.policy(receiver)
    const { buffer } = this.packet
    const end = (sequence + length) | 0
    let covered = 0
    let same = true
    let wins = false
    for (let run = held.firstRun(receiver, sequence); run !== 0; run = held.nextRun(run)) {
      if (((held.sequence(run) - end) | 0) >= 0) break
      const stop = held.nextRun(run)
      const runEnd = held.runEnd(run)
      if (((runEnd - sequence) | 0) <= 0) continue
      if (newWins(policy, held.sequence(run), runEnd, sequence, end)) wins = true
      for (let record = run; record !== stop; record = held.next(record)) {
        const skip = (held.sequence(record) - sequence) | 0
        const first = skip > 0 ? skip : 0
        const last = Math.min(skip + held.length(record), length)
        const bytes = held.bytes(record)
        const origin = held.start(record) - skip
        for (let i = first; i < last && same; i++) same = bytes[origin + i] === buffer[from + i]
        if (last > first) covered += last - first
      }
    }
    if (covered === 0) return OVERLAP_NONE
    if (covered < length) return OVERLAP_PARTIAL
    if (same) return OVERLAP_REPEATED
    return wins ? OVERLAP_PARTIAL : OVERLAP_UNUSED
  }

  /** Against delivered bytes that are retained: `length` bytes of the packet from `from` on, all before RECEIVED. */
  private withDelivered(
    row: number,
    side: number,
    receiver: number,
    sequence: number,
    from: number,
    length: number,
  ): void {
    const { retention } = this
    const kept = retention.kept(row, side)
    if (kept === undefined) return
    const offset = this.offsetOf(receiver, sequence)
    for (const run of kept.runs) {
      const start = Math.max(run.offset, offset)
      const count = Math.min(run.end, offset + length) - start
      if (count <= 0) continue
      const earlier = new Uint8Array(count)
      retention.copy(kept, start, earlier, 0)
      const skip = start - offset
      this.compare(row, side, receiver, (sequence + skip) | 0, earlier, from + skip, 'earlier')
    }
  }

  private compare(
    row: number,
    side: number,
    receiver: number,
    sequence: number,
    earlier: Uint8Array,
    from: number,
    winner: 'earlier' | 'later',
  ): void {
    const { buffer } = this.packet
    let same = 0
    while (same < earlier.length && earlier[same] === buffer[from + same]) same++
    if (same === earlier.length) return
    const later = buffer.subarray(from, from + earlier.length)
    this.events.conflict(row, side, sequence, this.offsetOf(receiver, sequence), earlier, later, winner)
  }

  private offsetOf(receiver: number, sequence: number): number {
    return this.times[(receiver + OFFSET) >> 1] + ((sequence - this.words[receiver + RECEIVED]) | 0)
  }
}
