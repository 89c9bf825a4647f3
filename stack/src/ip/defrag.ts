/**
 * Puts the fragments of IPv4 and IPv6 datagrams together.
 *
 * In: decoded fragments. Out: whole datagrams in a reused buffer, to be decoded like any packet. Overlaps go by the policy
 * of the destination's network (fragment-policy.ts). Everything is bounded: datagrams, pieces, bytes, age; what a bound
 * displaces is the oldest datagram. Called by the stack for every fragment.
 */

import { MEMORY, type MemoryBudget, unlimitedMemory } from '../flow/memory.js'
import { IPV4, IPV6, IPV6_FRAGMENT, MAX_IP_LENGTH } from '../wire/index.js'
import type { Packet } from '../wire/packet.js'
import { DATAGRAM_BYTES, DatagramBytes, HEADER_BYTES } from './datagram-bytes.js'
import {
  COVERED,
  DatagramTable,
  DROPPED,
  HEAD,
  HEADER,
  HIGH,
  HINT,
  LATER_HEADER,
  NEXT_HEADER,
  OVERLAPS,
  PIECES,
  ROW_WORDS,
  RULE,
  SIZE,
} from './datagram-table.js'
import { DefragCounters, type FragmentAnomaly } from './defrag-counters.js'
import { POLICY, pieceStays } from './fragment-policy.js'
import { CHUNK_SHIFT, PiecePool } from './fragment-store.js'
import { NetworkTable } from './network.js'
import type { DefragOptions } from './options.js'
import { writeHeader } from './rebuilt-header.js'

/** In a row's DROPPED: a verdict has dropped the datagram. */
const REFUSED = 2

export class Defragmenter {
  readonly counters = new DefragCounters()
  /** The datagram completed last, from 0: valid until the next one is complete. */
  readonly buffer = new Uint8Array(DATAGRAM_BYTES)
  /** Its length. */
  length = 0
  /** Called for every oddity, with the fragment that shows it. */
  onAnomaly: ((anomaly: FragmentAnomaly, packet: Packet) => void) | undefined
  private readonly view = new DataView(this.buffer.buffer)
  private readonly table: DatagramTable
  private readonly rows: Int32Array
  private readonly bytes: DatagramBytes
  private readonly pieces: PiecePool
  private readonly targets: NetworkTable<number>
  private readonly policy4: number
  private readonly policy6: number
  private readonly timeout: number
  private readonly maxFragments: number
  private readonly overlapLimit: number
  private readonly tinyBytes: number
  // What `insert` found out.
  private overlapped = false
  private conflicting = false
  private ownsFirstByte = false
  /** Row of the datagram put together last, while it may yet be refused; or 0. */
  private whole = 0
  /** The fragment taken last belongs to a datagram that was refused. */
  refused = false

  /** @param seed of the hash; random when left out */
  constructor(options: DefragOptions, seed?: number, memory: MemoryBudget = unlimitedMemory()) {
    memory.reclaimBy(MEMORY.FRAGMENTS, () => this.reclaim())
    const { maxDatagrams } = options
    this.maxFragments = options.maxFragments
    this.overlapLimit = options.overlapLimit
    this.tinyBytes = options.tinyBytes
    this.timeout = options.timeout * 1e6
    this.policy4 = POLICY[options.policy]
    this.policy6 = POLICY[options.ipv6Policy]
    this.targets = new NetworkTable(options.targets.map((t) => [t.network, POLICY[t.policy]] as const))
    this.table = new DatagramTable(maxDatagrams, seed)
    this.rows = this.table.rows
    this.bytes = new DatagramBytes(maxDatagrams, options.totalBytes, memory, (row) => this.makeRoom(row))
    this.pieces = new PiecePool(Math.max(options.totalBytes >> 6, 4 * options.maxFragments + 4))
  }

  /** Datagrams under construction. */
  get live(): number {
    return this.table.live - (this.whole !== 0 ? 1 : 0)
  }

  /** Memory in use for fragments, bytes. */
  get heldBytes(): number {
    return this.bytes.inUse << CHUNK_SHIFT
  }

  /**
   * Takes the fragment in `p` (which must be one, decoded). The fragment is copied.
   * @returns true when it completes its datagram, which then is in `buffer[0, length)`
   */
  add(p: Packet): boolean {
    const { counters } = this
    counters.fragments++
    this.refused = false
    if (this.whole !== 0) this.dismiss(false)
    this.expire(p.time)
    const start = payloadStart(p)
    const from = p.fragOffset
    let to = from + p.ipOffset + p.ipTotalLength - start
    if (start + (to - from) > p.frameOffset + p.frameLength) {
      counters.truncated++
      return false
    }
    const hash = this.table.hash(p)
    let row = this.table.find(p, hash)
    const rule = row === 0 ? this.policyFor(p) : this.rows[row * ROW_WORDS + RULE]
    const more = p.moreFragments
    if (more && ((to - from) & 7) !== 0) {
      counters.badLength++
      this.report('bad-length', p)
      // The BSDs drop such fragments (ip_reass); Linux, and Snort for all others, cut them.
      if (rule === POLICY.bsd || rule === POLICY['bsd-right']) return false
      to = from + ((to - from) & ~7)
    }
    if (to <= from) {
      counters.empty++
      this.report('empty', p)
      return false
    }
    if (from === 0 && start - p.ipOffset > HEADER_BYTES) {
      counters.longHeader++
      return false
    }
    if (row === 0) row = this.begin(p, hash, rule)
    const at = row * ROW_WORDS
    const { rows } = this
    if (from > 0 && p.ipVersion === 4) this.compareHeader(at, start - p.ipOffset, p)
    if (more && to - from <= this.tinyBytes) this.report('tiny', p)
    if (rows[at + DROPPED] !== 0) {
      counters.late++
      this.refused = rows[at + DROPPED] === REFUSED
      return false
    }
    if (!this.agreesOnEnd(at, to, more)) {
      counters.endConflicts++
      this.report(more ? 'behind-end' : 'teardrop', p)
      return false
    }
    if (rows[at + PIECES] >= this.maxFragments) {
      counters.tooMany++
      this.report('too-many', p)
      return false
    }
    if (rule === POLICY.drop && this.overlapsOther(row, p, start, from, to)) {
      if (this.conflicting) this.abandon(row)
      return false
    }
    if (!more) rows[at + SIZE] = to
    if (to > rows[at + HIGH]) rows[at + HIGH] = to
    this.insert(row, rule, p.buffer, start, from, to)
    if (this.overlapped) this.countOverlap(at, p)
    if (this.ownsFirstByte) this.keepHeader(row, p)
    if (rows[at + COVERED] !== rows[at + SIZE] || rows[at + HEADER] === 0) return false
    return this.complete(row, p)
  }

  /** End of the input: what is incomplete is dropped and counted. */
  finish(): void {
    const { table } = this
    if (this.whole !== 0) this.dismiss(false)
    while (table.oldest !== 0) {
      if (!this.isDropped(table.oldest)) this.counters.incomplete++
      this.remove(table.oldest)
    }
  }

  // ---- Checks -------------------------------------------------------------------------------------------------

  /** As Linux: the end is known once a last fragment came, and nothing may contradict it (ip_frag_queue). */
  private agreesOnEnd(at: number, to: number, more: boolean): boolean {
    const size = this.rows[at + SIZE]
    if (more) return size < 0 || to <= size
    return to >= this.rows[at + HIGH] && (size < 0 || to === size)
  }

  /** Policy 'drop': whether the fragment is not to be used; `conflicting` tells a true overlap from a repetition. */
  private overlapsOther(row: number, p: Packet, start: number, from: number, to: number): boolean {
    const { pieces } = this
    let piece = this.rows[row * ROW_WORDS + HEAD]
    while (piece !== 0 && pieces.end(piece) <= from) piece = pieces.next(piece)
    if (piece === 0 || pieces.start(piece) >= to) return false
    const repeated = pieces.start(piece) === from && pieces.end(piece) === to
    const differs = this.bytes.differs(row, p.buffer, start, from, to)
    this.conflicting = !repeated || differs
    this.counters.overlaps++
    if (differs && repeated) this.counters.overlapConflicts++
    else if (repeated) this.counters.duplicates++
    this.report(differs ? 'overlap-conflict' : 'overlap', p)
    return true
  }

  /** Options are copied to every fragment or to the first alone: the others have all the same. */
  private compareHeader(at: number, length: number, p: Packet): void {
    const known = this.rows[at + LATER_HEADER]
    if (known === 0) this.rows[at + LATER_HEADER] = length
    else if (known !== length) this.report('options', p)
  }

  private countOverlap(at: number, p: Packet): void {
    this.counters.overlaps++
    if (this.overlapLimit > 0 && ++this.rows[at + OVERLAPS] > this.overlapLimit) {
      this.rows[at + OVERLAPS] = 0
      this.report('many-overlaps', p)
    }
    if (this.conflicting) this.counters.overlapConflicts++
    else this.counters.duplicates++
    this.report(this.conflicting ? 'overlap-conflict' : 'overlap', p)
  }

  private report(anomaly: FragmentAnomaly, p: Packet): void {
    if (this.onAnomaly !== undefined) this.onAnomaly(anomaly, p)
  }

  private policyFor(p: Packet): number {
    const target = this.targets.find(p.ipVersion, p.dst0, p.dst1, p.dst2, p.dst3)
    return target ?? (p.ipVersion === 4 ? this.policy4 : this.policy6)
  }

  // ---- Pieces -------------------------------------------------------------------------------------------------

  /** Places what the policy lets the fragment `[from, to)` have; its bytes begin at `buffer[start]`. */
  private insert(
    row: number,
    rule: number,
    buffer: Uint8Array,
    start: number,
    from: number,
    to: number,
  ): void {
    const { pieces, rows } = this
    const at = row * ROW_WORDS
    this.overlapped = false
    this.conflicting = false
    this.ownsFirstByte = false
    let previous = 0
    const hint = rows[at + HINT]
    if (hint !== 0 && pieces.end(hint) <= from) previous = hint
    let piece = previous === 0 ? rows[at + HEAD] : pieces.next(previous)
    // First byte of the fragment that is not yet decided.
    let cursor = from
    while (piece !== 0) {
      const pieceStart = pieces.start(piece)
      const pieceEnd = pieces.end(piece)
      if (pieceStart >= to) break
      const next = pieces.next(piece)
      if (pieceEnd <= from) {
        previous = piece
        piece = next
        continue
      }
      this.overlapped = true
      const low = Math.max(pieceStart, from)
      const high = Math.min(pieceEnd, to)
      if (!this.conflicting) this.conflicting = this.bytes.differs(row, buffer, start + low - from, low, high)
      if (pieceStays(rule, pieceStart, pieceEnd, from, to)) {
        if (cursor < pieceStart) {
          this.place(row, previous, piece, buffer, start + cursor - from, cursor, pieceStart)
        }
        cursor = high
        previous = piece
        piece = next
        continue
      }
      rows[at + COVERED] -= high - low
      if (pieceStart < from) {
        if (pieceEnd > to) this.link(row, piece, this.newPiece(row, to, pieceEnd, next))
        pieces.setEnd(piece, from)
        previous = piece
        piece = pieces.next(piece)
      } else if (pieceEnd > to) {
        pieces.setStart(piece, to)
      } else {
        this.link(row, previous, next)
        this.drop(row, piece)
        piece = next
      }
    }
    if (cursor < to) this.place(row, previous, piece, buffer, start + cursor - from, cursor, to)
  }

  private place(
    row: number,
    previous: number,
    next: number,
    buffer: Uint8Array,
    start: number,
    from: number,
    to: number,
  ): void {
    const at = row * ROW_WORDS
    const piece = this.newPiece(row, from, to, next)
    this.link(row, previous, piece)
    this.rows[at + HINT] = piece
    this.rows[at + COVERED] += to - from
    if (from === 0) this.ownsFirstByte = true
    this.bytes.write(row, HEADER_BYTES + from, buffer, start, to - from)
  }

  private newPiece(row: number, start: number, end: number, next: number): number {
    let piece = this.pieces.take(start, end, next)
    while (piece === 0) {
      this.makeRoom(row)
      piece = this.pieces.take(start, end, next)
    }
    this.rows[row * ROW_WORDS + PIECES]++
    return piece
  }

  private link(row: number, previous: number, piece: number): void {
    if (previous === 0) this.rows[row * ROW_WORDS + HEAD] = piece
    else this.pieces.setNext(previous, piece)
  }

  private drop(row: number, piece: number): void {
    const at = row * ROW_WORDS
    if (this.rows[at + HINT] === piece) this.rows[at + HINT] = 0
    this.rows[at + PIECES]--
    this.pieces.release(piece)
  }

  // ---- Whole datagrams ----------------------------------------------------------------------------------------

  private keepHeader(row: number, p: Packet): void {
    const at = row * ROW_WORDS
    const end = p.ipVersion === 4 ? payloadStart(p) : p.fragmentHeaderOffset
    this.rows[at + HEADER] = end - p.ipOffset
    this.rows[at + NEXT_HEADER] = p.ipVersion === 4 ? 0 : p.view.getUint8(end + IPV6_FRAGMENT.NEXT_HEADER)
    this.bytes.write(row, 0, p.buffer, p.ipOffset, end - p.ipOffset)
  }

  private complete(row: number, p: Packet): boolean {
    const { rows, counters } = this
    const at = row * ROW_WORDS
    const header = rows[at + HEADER]
    const size = rows[at + SIZE]
    const total = p.ipVersion === 4 ? header + size : header - IPV6.HEADER_LENGTH + size
    const fits = total <= MAX_IP_LENGTH
    if (fits) {
      this.bytes.read(row, 0, this.buffer, 0, header)
      this.bytes.read(row, HEADER_BYTES, this.buffer, header, size)
      this.length = header + size
      writeHeader(this.view, header, this.length, rows[at + NEXT_HEADER])
      counters.reassembled++
      counters.reassembledBytes += this.length
    } else {
      counters.oversized++
      this.report('oversized', p)
    }
    if (!fits) {
      this.remove(row)
      return false
    }
    this.releaseMemory(row)
    rows[at + DROPPED] = 1
    this.whole = row
    return true
  }

  /**
   * Says what has become of the datagram put together last. Of a refused one, the fragments that come again until its time is
   * over are `refused` too: with those that have gone before, they would make it whole.
   */
  dismiss(refused: boolean): void {
    const row = this.whole
    if (row === 0) return
    if (refused) {
      this.rows[row * ROW_WORDS + DROPPED] = REFUSED
      this.whole = 0
    } else {
      this.remove(row)
    }
  }

  /** Policy 'drop': the datagram is lost, its row stays to absorb the fragments yet to come (RFC 5722, section 4). */
  private abandon(row: number): void {
    this.counters.overlapDropped++
    this.rows[row * ROW_WORDS + DROPPED] = 1
    this.releaseMemory(row)
  }

  // ---- Rows ---------------------------------------------------------------------------------------------------

  private begin(p: Packet, hash: number, rule: number): number {
    const { table } = this
    if (table.full) {
      if (!this.isDropped(table.oldest)) this.counters.evictedDatagrams++
      this.remove(table.oldest)
    }
    const row = table.insert(p, hash)
    this.rows[row * ROW_WORDS + RULE] = rule
    this.counters.datagrams++
    return row
  }

  /** Whether the row only absorbs what comes of a datagram given up, which has been counted. */
  private isDropped(row: number): boolean {
    return this.rows[row * ROW_WORDS + DROPPED] !== 0
  }

  private remove(row: number): void {
    if (row === this.whole) this.whole = 0
    this.releaseMemory(row)
    this.table.remove(row)
  }

  private releaseMemory(row: number): void {
    const { rows, pieces } = this
    const at = row * ROW_WORDS
    let piece = rows[at + HEAD]
    while (piece !== 0) {
      const next = pieces.next(piece)
      pieces.release(piece)
      piece = next
    }
    rows[at + HEAD] = 0
    rows[at + HINT] = 0
    this.bytes.release(row)
  }

  /** Memory is used up: the oldest datagram other than `row` goes. The limits leave room for one of full size. */
  private makeRoom(row: number): void {
    const oldest = this.table.oldestOther(row)
    if (!this.isDropped(oldest)) this.counters.evictedMemory++
    this.remove(oldest)
  }

  /** Gives up the oldest datagram that takes memory. */
  private reclaim(): boolean {
    const { table } = this
    while (this.bytes.inUse > 0 && table.oldest !== 0) {
      const before = this.bytes.inUse
      if (!this.isDropped(table.oldest)) this.counters.evictedMemory++
      this.remove(table.oldest)
      if (this.bytes.inUse < before) return true
    }
    return false
  }

  private expire(now: number): void {
    const { table } = this
    while (table.oldest !== 0 && now - table.times[table.oldest] > this.timeout) {
      if (!this.isDropped(table.oldest)) this.counters.timedOut++
      this.remove(table.oldest)
    }
  }
}

/** Where the fragment's share of the payload begins. */
function payloadStart(p: Packet): number {
  if (p.ipVersion === 6) return p.fragmentHeaderOffset + IPV6_FRAGMENT.LENGTH
  return p.ipOffset + ((p.view.getUint8(p.ipOffset + IPV4.VERSION_AND_LENGTH) & 0x0f) << 2)
}
