/**
 * Which of several stacks that see the same packets has a flow: a keyed hash of its addresses, with or without ports.
 *
 * By addresses, flows between two hosts stay together: connections that others announce (FTP data, SIP media) meet the
 * stack that knows of them. By flow, the traffic of two hosts can be shared too. Most frames can be told from their first
 * bytes to be another's, before they are decoded. Called by the stack for every frame, when there is more than one shard.
 */
import { ETHER_TYPE, IP_PROTOCOL, LINK_TYPE, type Packet } from '../wire/index.js'
import { FlowHasher } from './hash.js'

/** This stack's share. */
export interface Shard {
  /** 0 to `count - 1`. */
  readonly index: number
  /** How many stacks see the packets, 1 to 65,536. */
  readonly count: number
  /**
   * What decides: addresses and ports ('flow', the default), or addresses alone, so that connections between two hosts stay
   * together, as those announced by others have to (FTP data).
   */
  readonly by?: 'flow' | 'addresses'
}

export const SHARD_UNKNOWN = 0
export const SHARD_OWN = 1
export const SHARD_OTHER = 2

/** Bytes of an Ethernet frame that must be there: header, two tags, the longest IPv4 header, two ports. */
const ENOUGH = 14 + 8 + 60 + 4
const IPV6_HEADER = 40

export class ShardFilter {
  private readonly index: number
  private readonly count: number
  private readonly ports: boolean
  private readonly hasher: FlowHasher

  /** @param seed the same for all shards */
  constructor({ index, count, by = 'flow' }: Shard, seed: number | undefined) {
    this.index = index
    this.count = count
    this.ports = by === 'flow'
    this.hasher = new FlowHasher(seed)
  }

  /** Whether the decoded packet belongs to this shard. */
  owns(p: Packet): boolean {
    const ported = this.ports && (p.protocol === IP_PROTOCOL.TCP || p.protocol === IP_PROTOCOL.UDP)
    const ports = ported ? (p.sourcePort << 16) | p.destinationPort : 0
    const { hasher } = this
    const hash =
      p.ipVersion === 6
        ? hasher.hash6(p.src0, p.src1, p.src2, p.src3, p.dst0, p.dst1, p.dst2, p.dst3, ports, 0)
        : hasher.hash4(p.src3, p.dst3, ports, 0)
    return this.isMine(hash)
  }

  /**
   * Looks at a frame before it is decoded. Only whole TCP packets over Ethernet are told apart: whatever else may be in a
   * tunnel, or a fragment, concerns all shards until it has been decoded.
   */
  peek(b: Uint8Array, offset: number, length: number, linkType: number): number {
    if (linkType !== LINK_TYPE.ETHERNET || length < ENOUGH) return SHARD_UNKNOWN
    let at = offset + 12
    let type = (b[at] << 8) | b[at + 1]
    for (let tags = 0; tags < 2 && (type === ETHER_TYPE.VLAN || type === ETHER_TYPE.QINQ); tags++) {
      at += 4
      type = (b[at] << 8) | b[at + 1]
    }
    at += 2
    if (type === ETHER_TYPE.IPV4) return this.peek4(b, at)
    if (type === ETHER_TYPE.IPV6) return this.peek6(b, at)
    return SHARD_UNKNOWN
  }

  private peek4(b: Uint8Array, at: number): number {
    const header = (b[at] & 0x0f) << 2
    // All flags and the offset but 'do not fragment'.
    const fragment = (b[at + 6] & 0xbf) | b[at + 7]
    if (b[at] >> 4 !== 4 || header < 20 || fragment !== 0 || b[at + 9] !== IP_PROTOCOL.TCP)
      return SHARD_UNKNOWN
    const hash = this.hasher.hash4(word(b, at + 12), word(b, at + 16), this.portsAt(b, at + header), 0)
    return this.isMine(hash) ? SHARD_OWN : SHARD_OTHER
  }

  private peek6(b: Uint8Array, at: number): number {
    if (b[at] >> 4 !== 6 || b[at + 6] !== IP_PROTOCOL.TCP) return SHARD_UNKNOWN
    const hash = this.hasher.hash6(
      word(b, at + 8),
      word(b, at + 12),
      word(b, at + 16),
      word(b, at + 20),
      word(b, at + 24),
      word(b, at + 28),
      word(b, at + 32),
      word(b, at + 36),
      this.portsAt(b, at + IPV6_HEADER),
      0,
    )
    return this.isMine(hash) ? SHARD_OWN : SHARD_OTHER
  }

  private portsAt(b: Uint8Array, at: number): number {
    return this.ports ? word(b, at) : 0
  }

  private isMine(hash: number): boolean {
    return ((hash >>> 16) * this.count) >>> 16 === this.index
  }
}

function word(b: Uint8Array, at: number): number {
  return (b[at] << 24) | (b[at + 1] << 16) | (b[at + 2] << 8) | b[at + 3]
}
