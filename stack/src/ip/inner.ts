/** What a tunnel header says of its content. One reused object: parsers fill it and return whether the header is sound. */

export class Inner {
  /** EtherType of the content, `ETHER_TYPE.ETHERNET` for a frame. */
  type = 0
  at = 0
  end = 0
  wireEnd = 0
  /** Number of the tunnel, see `Packet.tunnelId`. */
  id = 0
  /** `TUNNEL` kind. */
  kind = 0
  /** Number of the network that the addresses inside belong to, see `Packet.space`; 0 when the header names none. */
  space = 0
}

/** Encapsulations, by `Packet.tunnel`. */
export const TUNNEL = {
  NONE: 0,
  /** IPv4 or IPv6 right inside IPv4 or IPv6. */
  IP: 1,
  GRE: 2,
  ERSPAN: 3,
  MPLS: 4,
  PPPOE: 5,
  TEREDO: 6,
  VXLAN: 7,
  GENEVE: 8,
  GTP: 9,
} as const

/** Names by number. */
export const TUNNEL_NAME: readonly string[] = Object.freeze(
  Object.entries(TUNNEL)
    .sort((a, b) => a[1] - b[1])
    .map(([name]) => name.toLowerCase()),
)
export const TUNNEL_COUNT = TUNNEL_NAME.length
