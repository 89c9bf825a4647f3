import {
  createStack,
  LINK_TYPE,
  ON_FRAGMENT,
  ON_ORPHAN,
  ON_PKT_IN,
  type Packet,
  type Stack,
  type StackOptionsInput,
} from '../../src/index.js'

/** What one packet of a flow shows. */
export interface Seen {
  readonly number: number
  readonly source: string
  readonly destination: string
  readonly ports: readonly [number, number]
  readonly protocol: number
  readonly vlan: number
  readonly depth: number
  readonly tunnel: number
  readonly tunnelId: number
  readonly reassembled: boolean
  readonly payload: string
}

export interface Run {
  readonly stack: Stack
  /** Packets of flows and orphans, in order. */
  readonly packets: Seen[]
  /** Numbers of the packets shown as fragments, and those raw sockets saw. */
  readonly fragments: number[]
  readonly raw: number[]
  send(frame: Uint8Array, seconds?: number, linkType?: number): void
}

const text = (packet: Packet): string => Buffer.from(packet.payload()).toString('latin1')

export function seen(packet: Packet): Seen {
  return {
    number: packet.number,
    source: packet.address(0),
    destination: packet.address(1),
    ports: [packet.sourcePort, packet.destinationPort],
    protocol: packet.protocol,
    vlan: packet.vlan,
    depth: packet.tunnelDepth,
    tunnel: packet.tunnel,
    tunnelId: packet.tunnelId,
    reassembled: packet.reassembled,
    payload: text(packet),
  }
}

/** A stack that notes every packet. */
export function watch(options: StackOptionsInput = {}): Run {
  const stack = createStack({ seed: 1, maxFlows: 1000, checksums: 'verify', ...options })
  const packets: Seen[] = []
  const fragments: number[] = []
  const raw: number[] = []
  const socket = stack.monitorStream()
  socket.on(ON_PKT_IN, (_flow, packet) => packets.push(seen(packet)))
  socket.on(ON_ORPHAN, (packet) => packets.push(seen(packet)))
  socket.on(ON_FRAGMENT, (packet) => fragments.push(packet.number))
  stack.monitorRaw().on(ON_PKT_IN, (packet) => raw.push(packet.number))
  const send = (frame: Uint8Array, seconds = 1_700_000_000, linkType: number = LINK_TYPE.ETHERNET): void =>
    stack.frame(frame, 0, frame.length, frame.length, seconds, 0, linkType, 0)
  return { stack, packets, fragments, raw, send }
}
