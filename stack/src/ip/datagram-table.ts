/**
 * The table of datagrams under construction: rows of one typed array, found through a keyed hash, listed by age.
 *
 * In: fragments. Out: the row of their datagram. Rows are numbered from 1; 0 is none. Words from SIZE on belong to the
 * defragmenter and start as zero, SIZE as -1. Called by the defragmenter only.
 */
import { FlowHasher } from '../flow/hash.js'
import { linkKey } from '../flow/table.js'
import { IP_PROTOCOL, IPV4, type Packet } from '../wire/index.js'

const CHAIN = 0
const OLDER = 1
const NEWER = 2
const HASH = 3
const LINK = 4
const ID = 5
const TUNNEL = 6
const SOURCE = 7
const DESTINATION = 11
/** Length of the payload, or -1 while the last fragment is missing. */
export const SIZE = 15
/** Highest end of any fragment. */
export const HIGH = 16
/** Bytes there. */
export const COVERED = 17
/** First piece, or 0. */
export const HEAD = 18
/** Piece placed last, or 0: fragments in order need no walk. */
export const HINT = 19
/** Number of pieces. */
export const PIECES = 20
/** Bytes of the header of the fragment that has byte 0; 0 while that is missing. */
export const HEADER = 21
/** Protocol of the payload, named by that fragment (IPv6). */
export const NEXT_HEADER = 22
/** Number of the policy. */
export const RULE = 23
/** 1 = given up; what comes is not used. */
export const DROPPED = 24
/** Fragments that overlapped, since their number was last told. */
export const OVERLAPS = 25
/** IPv4: bytes of the header of the fragments other than the first; 0 while there is none. */
export const LATER_HEADER = 26
export const ROW_WORDS = 27

export class DatagramTable {
  readonly rows: Int32Array
  /** Time of each row's first fragment, microseconds. */
  readonly times: Float64Array
  live = 0
  oldest = 0
  private newest = 0
  private readonly capacity: number
  private readonly buckets: Int32Array
  private readonly mask: number
  private readonly hasher: FlowHasher
  private free = 0
  private fresh = 1

  constructor(capacity: number, seed?: number) {
    this.capacity = capacity
    this.rows = new Int32Array((capacity + 1) * ROW_WORDS)
    this.times = new Float64Array(capacity + 1)
    let size = 256
    while (size < capacity) size *= 2
    this.buckets = new Int32Array(size)
    this.mask = size - 1
    this.hasher = new FlowHasher(seed)
  }

  get full(): boolean {
    return this.live === this.capacity
  }

  hash(p: Packet): number {
    const link = keyLink(p)
    const id = p.ipId ^ p.tunnelId
    return p.ipVersion === 4
      ? this.hasher.hash4(p.src3, p.dst3, id, link)
      : this.hasher.hash6(p.src0, p.src1, p.src2, p.src3, p.dst0, p.dst1, p.dst2, p.dst3, id, link)
  }

  /** Row of the fragment's datagram, or 0. */
  find(p: Packet, hash: number): number {
    const { rows } = this
    const id = p.ipId
    const link = keyLink(p)
    let row = this.buckets[hash & this.mask]
    while (row !== 0) {
      const at = row * ROW_WORDS
      if (rows[at + HASH] === hash && rows[at + ID] === id && rows[at + LINK] === link) {
        if (rows[at + TUNNEL] === p.tunnelId && this.sameAddresses(at, p)) return row
      }
      row = rows[at + CHAIN]
    }
    return 0
  }

  private sameAddresses(at: number, p: Packet): boolean {
    const { rows } = this
    return (
      rows[at + SOURCE] === p.src0 &&
      rows[at + SOURCE + 1] === p.src1 &&
      rows[at + SOURCE + 2] === p.src2 &&
      rows[at + SOURCE + 3] === p.src3 &&
      rows[at + DESTINATION] === p.dst0 &&
      rows[at + DESTINATION + 1] === p.dst1 &&
      rows[at + DESTINATION + 2] === p.dst2 &&
      rows[at + DESTINATION + 3] === p.dst3
    )
  }

  /** A new row, the newest; the table must not be full. */
  insert(p: Packet, hash: number): number {
    const { rows } = this
    let row = this.free
    if (row !== 0) this.free = rows[row * ROW_WORDS + CHAIN]
    else row = this.fresh++
    const at = row * ROW_WORDS
    rows.fill(0, at, at + ROW_WORDS)
    rows[at + HASH] = hash
    rows[at + LINK] = keyLink(p)
    rows[at + ID] = p.ipId
    rows[at + TUNNEL] = p.tunnelId
    rows[at + SOURCE] = p.src0
    rows[at + SOURCE + 1] = p.src1
    rows[at + SOURCE + 2] = p.src2
    rows[at + SOURCE + 3] = p.src3
    rows[at + DESTINATION] = p.dst0
    rows[at + DESTINATION + 1] = p.dst1
    rows[at + DESTINATION + 2] = p.dst2
    rows[at + DESTINATION + 3] = p.dst3
    rows[at + SIZE] = -1
    const bucket = hash & this.mask
    rows[at + CHAIN] = this.buckets[bucket]
    this.buckets[bucket] = row
    rows[at + OLDER] = this.newest
    if (this.newest !== 0) rows[this.newest * ROW_WORDS + NEWER] = row
    else this.oldest = row
    this.newest = row
    this.times[row] = p.time
    this.live++
    return row
  }

  remove(row: number): void {
    const { rows } = this
    const at = row * ROW_WORDS
    const older = rows[at + OLDER]
    const newer = rows[at + NEWER]
    if (older !== 0) rows[older * ROW_WORDS + NEWER] = newer
    else this.oldest = newer
    if (newer !== 0) rows[newer * ROW_WORDS + OLDER] = older
    else this.newest = older
    const bucket = rows[at + HASH] & this.mask
    let link = this.buckets[bucket]
    if (link === row) {
      this.buckets[bucket] = rows[at + CHAIN]
    } else {
      while (rows[link * ROW_WORDS + CHAIN] !== row) link = rows[link * ROW_WORDS + CHAIN]
      rows[link * ROW_WORDS + CHAIN] = rows[at + CHAIN]
    }
    rows[at + CHAIN] = this.free
    this.free = row
    this.live--
  }

  /** The oldest row that is not `row`, or 0. */
  oldestOther(row: number): number {
    return this.oldest === row ? this.rows[row * ROW_WORDS + NEWER] : this.oldest
  }
}

/** Datagrams are told apart by addresses, identification and, for IPv4 only, protocol (RFC 791 3.2, RFC 8200 4.5). */
function keyLink(p: Packet): number {
  const protocol = p.ipVersion === 4 ? p.view.getUint8(p.ipOffset + IPV4.PROTOCOL) : IP_PROTOCOL.FRAGMENT
  return linkKey(protocol, p.ipVersion, p.vlan, true)
}
