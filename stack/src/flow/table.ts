/**
 * The flow table: rows of one typed array, found through chained buckets by a keyed symmetric hash.
 *
 * In: the addresses, ports and link words of a decoded packet. Out: the row of its flow and the side that sent it. Rows
 * and buckets are allocated at full size once; the operating system commits their pages when they are first written, so
 * a table for a million flows costs a small capture nothing. Called by the stack for every IP packet.
 */
import { FlowHasher } from './hash.js'
import {
  CHAIN,
  CLIENT_ADDRESS,
  FLAG_BLOCKED,
  FLAG_CLASS,
  FLAG_ENDED,
  FLAG_LIVE,
  FLAGS,
  GENERATION,
  HASH,
  LAST_TIME,
  LINK,
  PORTS,
  ROW_BYTES,
  ROW_SHIFT,
  ROW_WORDS,
  SERVER_ADDRESS,
  START_TIME,
} from './layout.js'
import { CLASS_EMBRYONIC } from './timeouts.js'

/** Rows are numbered with 24 bits in flow ids. */
export const MAX_FLOWS = (1 << 24) - 1

/** Rows looked at to find one to evict: constant work however big the table. */
const EVICTION_SAMPLE = 16

/** Addresses and link word of the packet being looked up, as the table wants them: `Packet` fits. */
export interface FlowAddresses {
  readonly src0: number
  readonly src1: number
  readonly src2: number
  readonly src3: number
  readonly dst0: number
  readonly dst1: number
  readonly dst2: number
  readonly dst3: number
  /** Address space, see `Packet.space`. It is part of the hash alone: two of the same flow have 32 keyed bits to differ in. */
  readonly space: number
}

const LINK_IPV6 = 0x100
const LINK_FRAGMENT = 0x200
const LINK_VLAN_SHIFT = 12

/** What else keys a flow besides addresses and ports, in one word. */
export function linkKey(protocol: number, ipVersion: number, vlan: number, fragment: boolean): number {
  return (
    protocol |
    (ipVersion === 6 ? LINK_IPV6 : 0) |
    (fragment ? LINK_FRAGMENT : 0) |
    ((vlan + 1) << LINK_VLAN_SHIFT)
  )
}
export const linkProtocol = (link: number): number => link & 0xff
export const linkIpVersion = (link: number): number => ((link & LINK_IPV6) !== 0 ? 6 : 4)
export const linkVlan = (link: number): number => (link >> LINK_VLAN_SHIFT) - 1

export class FlowTable {
  /** All rows; row `index` begins at `index << ROW_SHIFT`. Row 0 is not used. */
  readonly words: Int32Array
  /** The same memory as doubles. */
  readonly times: Float64Array
  readonly capacity: number
  /** Side that sent the packet of the last successful `find`. */
  side: 0 | 1 = 0
  /** Rows in use. */
  live = 0
  private readonly buckets: Int32Array
  private readonly mask: number
  private readonly hasher: FlowHasher
  /** Released rows, linked through CHAIN. */
  private free = -1
  /** Rows from here on were never used. */
  private fresh = 1
  private hand = 1

  /**
   * @param capacity flows at most, 1 to MAX_FLOWS
   * @param seed key of the hash; random when undefined
   */
  constructor(capacity: number, seed: number | undefined) {
    this.capacity = capacity
    const buffer = new ArrayBuffer((capacity + 1) * ROW_BYTES)
    this.words = new Int32Array(buffer)
    this.times = new Float64Array(buffer)
    let size = 1024
    while (size < capacity) size *= 2
    this.buckets = new Int32Array(size)
    this.mask = size - 1
    this.hasher = new FlowHasher(seed)
    // Assigned twice: V8 takes a field assigned once for a constant, and code compiled before it changes is lost.
    this.free = 0
  }

  /** The hash of both directions of the flow. `ports` holds the source port in its upper half. */
  hash(p: FlowAddresses, ports: number, link: number): number {
    const hash =
      (link & LINK_IPV6) === 0
        ? this.hasher.hash4(p.src3, p.dst3, ports, link)
        : this.hasher.hash6(p.src0, p.src1, p.src2, p.src3, p.dst0, p.dst1, p.dst2, p.dst3, ports, link)
    return p.space === 0 ? hash : hash ^ this.hasher.hashSpace(p.space)
  }

  /** Row of the flow the packet belongs to, or 0; sets `side`. */
  find(p: FlowAddresses, ports: number, link: number, hash: number): number {
    const words = this.words
    const swapped = (ports << 16) | (ports >>> 16)
    let row = this.buckets[hash & this.mask]
    while (row !== 0) {
      const at = row << ROW_SHIFT
      const next = words[at + CHAIN]
      if (words[at + HASH] === hash && words[at + LINK] === link) {
        const own = words[at + PORTS]
        const forward = own === ports && words[at + CLIENT_ADDRESS + 3] === p.src3
        if (forward || own === swapped) {
          const client = forward ? CLIENT_ADDRESS : SERVER_ADDRESS
          if (this.sameAddresses(p, at + client, at + (client ^ SERVER_ADDRESS), link)) {
            this.side = forward ? 0 : 1
            return row
          }
          // IPv6 addresses of both sides may end alike, and ports be the same or none.
          if (
            forward &&
            own === swapped &&
            this.sameAddresses(p, at + SERVER_ADDRESS, at + CLIENT_ADDRESS, link)
          ) {
            this.side = 1
            return row
          }
        }
      }
      row = next
    }
    return 0
  }

  /** Whether the packet goes from the address at word `source` to that at `destination`. */
  private sameAddresses(p: FlowAddresses, source: number, destination: number, link: number): boolean {
    const words = this.words
    if (words[source + 3] !== p.src3 || words[destination + 3] !== p.dst3) return false
    return (link & LINK_IPV6) === 0 || this.sameHighWords(p, source, destination)
  }

  private sameHighWords(p: FlowAddresses, source: number, destination: number): boolean {
    const words = this.words
    return (
      words[source] === p.src0 &&
      words[source + 1] === p.src1 &&
      words[source + 2] === p.src2 &&
      words[destination] === p.dst0 &&
      words[destination + 1] === p.dst1 &&
      words[destination + 2] === p.dst2
    )
  }

  /**
   * Takes a row for a new flow, zeroed but for key, times and FLAG_LIVE, and enters it. The table must not be full.
   * @param reversed the packet was sent by the server
   */
  insert(
    p: FlowAddresses,
    ports: number,
    link: number,
    hash: number,
    reversed: boolean,
    time: number,
  ): number {
    const words = this.words
    const released = this.free
    // Row 0 ends the list, and follows itself.
    this.free = words[(released << ROW_SHIFT) + CHAIN]
    const row = released !== 0 ? released : this.fresh++
    const at = row << ROW_SHIFT
    const generation = words[at + GENERATION]
    words.fill(0, at, at + ROW_WORDS)
    words[at + GENERATION] = generation
    const source = at + (reversed ? SERVER_ADDRESS : CLIENT_ADDRESS)
    const destination = at + (reversed ? CLIENT_ADDRESS : SERVER_ADDRESS)
    words[source] = p.src0
    words[source + 1] = p.src1
    words[source + 2] = p.src2
    words[source + 3] = p.src3
    words[destination] = p.dst0
    words[destination + 1] = p.dst1
    words[destination + 2] = p.dst2
    words[destination + 3] = p.dst3
    words[at + PORTS] = reversed ? (ports << 16) | (ports >>> 16) : ports
    words[at + LINK] = link
    words[at + HASH] = hash
    words[at + FLAGS] = FLAG_LIVE
    this.times[(at + START_TIME) >> 1] = time
    this.times[(at + LAST_TIME) >> 1] = time
    const bucket = hash & this.mask
    words[at + CHAIN] = this.buckets[bucket]
    this.buckets[bucket] = row
    this.live++
    return row
  }

  /** Takes the flow out of the table and gives its row back. */
  remove(row: number): void {
    const words = this.words
    const at = row << ROW_SHIFT
    const next = words[at + CHAIN]
    const bucket = words[at + HASH] & this.mask
    let link = this.buckets[bucket]
    if (link === row) {
      this.buckets[bucket] = next
    } else {
      while (words[(link << ROW_SHIFT) + CHAIN] !== row) link = words[(link << ROW_SHIFT) + CHAIN]
      words[(link << ROW_SHIFT) + CHAIN] = next
    }
    words[at + FLAGS] = 0
    words[at + GENERATION] = (words[at + GENERATION] + 1) & 0x1fff_ffff || 1
    words[at + CHAIN] = this.free
    this.free = row
    this.live--
  }

  get full(): boolean {
    return this.live >= this.capacity
  }

  /**
   * A row to give up when the table is full: of a small sample, one that has ended, else an embryonic connection, else
   * the one silent for longest. A flood of SYNs thus mostly displaces itself.
   */
  victim(): number {
    const { words, times } = this
    let best = 0
    let bestRank = 3
    let bestTime = Number.POSITIVE_INFINITY
    for (let i = 0; i < EVICTION_SAMPLE; i++) {
      const row = this.hand
      this.hand = row >= this.capacity ? 1 : row + 1
      const at = row << ROW_SHIFT
      const flags = words[at + FLAGS]
      if ((flags & FLAG_LIVE) === 0) continue
      const rank =
        (flags & (FLAG_ENDED | FLAG_BLOCKED)) === FLAG_ENDED
          ? 0
          : (flags & FLAG_CLASS) === CLASS_EMBRYONIC
            ? 1
            : 2
      const time = times[(at + LAST_TIME) >> 1]
      if (rank < bestRank || (rank === bestRank && time < bestTime)) {
        best = row
        bestRank = rank
        bestTime = time
      }
    }
    return best
  }

  /** One past the highest row ever used. */
  get end(): number {
    return this.fresh
  }

  isLive(row: number): boolean {
    return (this.words[(row << ROW_SHIFT) + FLAGS] & FLAG_LIVE) !== 0
  }

  /** Number of a flow, unique in a run: generation and row. */
  id(row: number): number {
    return this.words[(row << ROW_SHIFT) + GENERATION] * (MAX_FLOWS + 1) + row
  }

  /** Row of the flow with this id, or 0 when it is gone. */
  rowOf(id: number): number {
    const row = id % (MAX_FLOWS + 1)
    return row > 0 && row < this.fresh && this.isLive(row) && this.id(row) === id ? row : 0
  }
}
