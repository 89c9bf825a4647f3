/**
 * Which end of a TCP connection is the server, when it is taken up midstream and no SYN says so.
 *
 * In: the packet that brings the connection, ports that applications know servers by, and what they read in the data.
 * Out: the role of the packet's sender. Called by the stack once per connection taken up midstream, never for others.
 */
import { CLI, type Side, type Subscription, SVR } from '../monitor/flow.js'
import { type Packet, TCP_FLAG } from '../wire/index.js'

/** What an application knows about the ends of connections. */
export interface RoleHints {
  /**
   * Indexed by port: 0 = nothing is known, 1 = in a range of ports that servers have, 2 = known by itself as a server's.
   * Of two ports, the one with the higher number is the server's.
   */
  readonly serverPorts?: Uint8Array
  /** What the data of a packet says its sender is; `undefined` when it says nothing. Must not throw. */
  readonly senderOf?: (packet: Packet) => Side | undefined
}

/** Of `RoleHints.serverPorts`: a port known by itself. */
export const KNOWN_PORT = 2
const PORTS = 65_536

export class EndRoles {
  private readonly ranks = new Uint8Array(PORTS)
  private readonly fixed: readonly number[]
  private hints: readonly RoleHints[] = []

  /** @param serverPorts ports of servers, 0 to 65535 */
  constructor(serverPorts: readonly number[]) {
    this.fixed = serverPorts
    this.merge()
  }

  /** From now on these hints count, too, until `off` is called. Connections that are known keep their roles. */
  add(hints: RoleHints): Subscription {
    this.hints = [...this.hints, hints]
    this.merge()
    return {
      off: () => {
        this.hints = this.hints.filter((one) => one !== hints)
        this.merge()
      },
    }
  }

  /**
   * The role of the sender of `packet`. A SYN+ACK is a server's. Else what is known of the ports counts, and what the data
   * says; if neither says anything, or they contradict each other, the lower port is the server's.
   */
  sender(packet: Packet): Side {
    const { sourcePort, destinationPort } = packet
    if ((packet.tcpFlags & TCP_FLAG.SYN) !== 0) return SVR
    const lower = sourcePort < destinationPort ? SVR : CLI
    const known = this.ranks[sourcePort] - this.ranks[destinationPort]
    const said = this.said(packet)
    if (known === 0) return said ?? lower
    const byPort = known > 0 ? SVR : CLI
    return said === undefined || said === byPort ? byPort : lower
  }

  private said(packet: Packet): Side | undefined {
    for (const { senderOf } of this.hints) {
      const side = senderOf?.(packet)
      if (side !== undefined) return side
    }
    return undefined
  }

  private merge(): void {
    const { ranks } = this
    ranks.fill(0)
    for (const port of this.fixed) ranks[port] = KNOWN_PORT
    for (const { serverPorts } of this.hints) {
      if (serverPorts === undefined) continue
      const end = Math.min(PORTS, serverPorts.length)
      for (let port = 0; port < end; port++)
        if (serverPorts[port] > ranks[port]) ranks[port] = serverPorts[port]
    }
  }
}
