/**
 * Takes packets out of tunnels, one encapsulation at a time.
 *
 * In: a decoded packet, or a frame that holds no IP packet by itself (MPLS, PPPoE). Out: the same `Packet`, decoded anew
 * inside, as long as an IP packet is found there; what only looks like a tunnel stays the packet it was. Called by the
 * stack for packets other than plain TCP.
 */
import {
  copyHeaders,
  type DecodeCounters,
  decodeInner,
  ETHER_TYPE,
  IP_PROTOCOL,
  Packet,
  STATUS,
  UDP,
} from '../wire/index.js'
import { isSequenced, readErspan, readGre } from './gre.js'
import { Inner, TUNNEL, TUNNEL_COUNT, TUNNEL_NAME } from './inner.js'
import { readMpls, readPppoe } from './link-tunnels.js'
import type { TunnelOptions } from './options.js'
import { readGeneve, readGtp, readTeredo, readVxlan } from './udp-tunnels.js'

/** What taking packets out of tunnels counts; running totals. */
export class TunnelCounters {
  /** Packets taken out, by `TUNNEL` kind of the encapsulation right around them. */
  readonly removed = new Float64Array(TUNNEL_COUNT)
  /** Encapsulations left in place: the packet is `maxDepth` deep already. */
  depthLimit = 0
  /** What announced a tunnel but holds no IP packet that can be decoded. */
  rejected = 0

  /** Kinds that occurred, by name. */
  toJSON(): Record<string, number> {
    const result: Record<string, number> = { depthLimit: this.depthLimit, rejected: this.rejected }
    for (let i = 1; i < TUNNEL_COUNT; i++) if (this.removed[i] > 0) result[TUNNEL_NAME[i]] = this.removed[i]
    return result
  }
}

/** Takes packets out of tunnels. */
export class Decapsulator {
  /** Running totals. */
  readonly counters = new TunnelCounters()
  private readonly decode: DecodeCounters
  private readonly maxDepth: number
  /** Kinds in use, by `TUNNEL` number. */
  private readonly enabled = new Uint8Array(TUNNEL_COUNT)
  /** `TUNNEL` kind by UDP port. */
  private readonly portKind = new Uint8Array(65_536)
  private readonly inner = new Inner()
  /** The packet around the encapsulations being tried. */
  private readonly outer = new Packet()
  /** The packet is out of a GTP tunnel. */
  private inGtp = false

  constructor(options: TunnelOptions, decode: DecodeCounters) {
    this.decode = decode
    this.maxDepth = options.maxDepth
    const { enabled } = this
    enabled[TUNNEL.IP] = Number(options.ipInIp)
    enabled[TUNNEL.GRE] = Number(options.gre)
    enabled[TUNNEL.ERSPAN] = Number(options.erspan)
    enabled[TUNNEL.MPLS] = Number(options.mpls)
    enabled[TUNNEL.PPPOE] = Number(options.pppoe)
    enabled[TUNNEL.TEREDO] = Number(options.teredo)
    enabled[TUNNEL.VXLAN] = Number(options.vxlan)
    enabled[TUNNEL.GENEVE] = Number(options.geneve)
    enabled[TUNNEL.GTP] = Number(options.gtp)
    const { ports } = options
    this.listen(TUNNEL.TEREDO, ports.teredo)
    this.listen(TUNNEL.VXLAN, ports.vxlan)
    this.listen(TUNNEL.GENEVE, ports.geneve)
    this.listen(TUNNEL.GTP, ports.gtp)
    this.listen(TUNNEL.GRE, ports.gre)
  }

  private listen(kind: number, ports: readonly number[]): void {
    if (this.enabled[kind] !== 0) for (const port of ports) this.portKind[port] = kind
  }

  /** A tunnel may leave out the UDP checksum over IPv6 (RFC 6935): whether `p` does so, on the port of one. */
  mayLackChecksum(p: Packet): boolean {
    if (p.ipVersion !== 6 || p.protocol !== IP_PROTOCOL.UDP || p.transportOffset < 0) return false
    return this.kindOfPorts(p) !== TUNNEL.NONE && p.view.getUint16(p.transportOffset + UDP.CHECKSUM) === 0
  }

  /**
   * Looks for an IP packet inside `p`, whose status is DECODED or NOT_IP and which is no fragment.
   * @returns true when `p` now is that packet (it may be a fragment, or hold another one); else `p` is as it was
   */
  open(p: Packet): boolean {
    if (p.tunnelDepth === 0) this.inGtp = false
    if (!this.read(p)) return false
    if (p.tunnelDepth >= this.maxDepth) {
      this.counters.depthLimit++
      return false
    }
    copyHeaders(this.outer, p)
    const { inner } = this
    let status: number
    do {
      if (p.outerIpOffset < 0 && p.ipVersion !== 0) p.outerIpOffset = p.ipOffset
      p.tunnelDepth++
      p.tunnel = inner.kind
      p.tunnelId = inner.id
      if (inner.space !== 0) p.space = spaceWithin(p.space, inner.kind, inner.space)
      status = decodeInner(p, inner.type, inner.at, inner.end, inner.wireEnd)
      // MPLS or PPPoE inside: no IP packet yet.
      p.status = status
    } while (status === STATUS.NOT_IP && p.tunnelDepth < this.maxDepth && this.read(p))
    if (status !== STATUS.DECODED) {
      this.counters.rejected++
      copyHeaders(p, this.outer)
      return false
    }
    this.counters.removed[p.tunnel]++
    if (this.outer.status === STATUS.NOT_IP) {
      this.decode.outcomes[STATUS.NOT_IP]--
      this.decode.outcomes[STATUS.DECODED]++
    }
    if (p.isFragment) this.decode.fragments++
    return true
  }

  /** Reads the header of the encapsulation in `p` into `inner`; false when there is none, or a malformed one. */
  private read(p: Packet): boolean {
    const { inner } = this
    const { view } = p
    const at = p.payloadOffset
    const end = at + p.payloadLength
    const wireEnd = at + p.payloadWireLength
    inner.space = 0
    if (p.ipVersion === 0) return this.readLink(p.etherType, view, at, end, wireEnd)
    switch (p.protocol) {
      case IP_PROTOCOL.UDP:
        return this.readUdp(p, view, at, end, wireEnd)
      case IP_PROTOCOL.IPIP:
      case IP_PROTOCOL.IPV6:
        inner.kind = TUNNEL.IP
        inner.id = 0
        inner.type = p.protocol === IP_PROTOCOL.IPIP ? ETHER_TYPE.IPV4 : ETHER_TYPE.IPV6
        inner.at = at
        inner.end = end
        inner.wireEnd = wireEnd
        return this.enabled[TUNNEL.IP] !== 0
      case IP_PROTOCOL.GRE:
        return this.readGre(view, at, end, wireEnd)
      case IP_PROTOCOL.MPLS_IN_IP:
        return this.enabled[TUNNEL.MPLS] !== 0 && readMpls(inner, view, at, end, wireEnd)
      default:
        return false
    }
  }

  private readLink(type: number, view: DataView, at: number, end: number, wireEnd: number): boolean {
    const { enabled, inner } = this
    if (type === ETHER_TYPE.MPLS || type === ETHER_TYPE.MPLS_MULTICAST) {
      return enabled[TUNNEL.MPLS] !== 0 && readMpls(inner, view, at, end, wireEnd)
    }
    if (type !== ETHER_TYPE.PPPOE_SESSION) return false
    return enabled[TUNNEL.PPPOE] !== 0 && readPppoe(inner, view, at, end, wireEnd)
  }

  private readGre(view: DataView, at: number, end: number, wireEnd: number): boolean {
    const { enabled, inner } = this
    if (enabled[TUNNEL.GRE] === 0 || !readGre(inner, view, at, end, wireEnd)) return false
    if (inner.type !== ETHER_TYPE.ERSPAN && inner.type !== ETHER_TYPE.ERSPAN3) return true
    inner.space = 0
    return enabled[TUNNEL.ERSPAN] !== 0 && readErspan(inner, view, isSequenced(view, at))
  }

  private kindOfPorts(p: Packet): number {
    const kind = this.portKind[p.destinationPort]
    if (kind !== TUNNEL.NONE) return kind
    const other = this.portKind[p.sourcePort]
    return other === TUNNEL.TEREDO || other === TUNNEL.GTP ? other : TUNNEL.NONE
  }

  private readUdp(p: Packet, view: DataView, at: number, end: number, wireEnd: number): boolean {
    if (p.transportOffset < 0) return false
    switch (this.kindOfPorts(p)) {
      case TUNNEL.NONE:
        return false
      case TUNNEL.VXLAN:
        return readVxlan(this.inner, view, at, end, wireEnd)
      case TUNNEL.GENEVE:
        return readGeneve(this.inner, view, at, end, wireEnd)
      case TUNNEL.TEREDO:
        return readTeredo(this.inner, view, at, end, wireEnd)
      case TUNNEL.GTP:
        if (this.inGtp) p.nestedGtp = true
        this.inGtp = true
        return readGtp(this.inner, view, at, end, wireEnd)
      default:
        return this.readGre(view, at, end, wireEnd)
    }
  }
}

/** A word for a network inside another one. */
function spaceWithin(space: number, kind: number, number: number): number {
  return (Math.imul(space, 31) + Math.imul(number, 0x9e37_79b1) + kind) | 0
}
