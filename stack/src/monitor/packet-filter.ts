/** A socket's filter, put to the packet being processed. */
import { BpfError, type BpfFilter, type BpfProgram, bpfFilter, type FilterInput } from '../bpf/index.js'
import type { Packet } from '../wire/index.js'

/**
 * Judges the frame a packet came in: for a packet out of a tunnel that is the outer one. A datagram put together from
 * fragments is judged whole, as a raw IP packet. Where the expression makes no sense for the link type (`vlan` in raw
 * IP), it does not match.
 */
export class PacketFilter {
  private readonly filter: BpfFilter
  private readonly programs = new Map<number, BpfProgram | undefined>()
  private lastType = -1
  private last: BpfProgram | undefined

  /** @throws BpfError when the filter is wrong, or expressions cannot be compiled here */
  constructor(filter: FilterInput) {
    this.filter = bpfFilter(filter)
  }

  /** Whether the packet being processed matches. */
  matches(packet: Packet): boolean {
    if (packet.linkType !== this.lastType) this.choose(packet.linkType)
    const { last } = this
    return (
      last !== undefined &&
      last.run(packet.buffer, packet.frameOffset, packet.frameLength, packet.wireLength) !== 0
    )
  }

  private choose(linkType: number): void {
    if (!this.programs.has(linkType)) this.programs.set(linkType, this.compile(linkType))
    this.last = this.programs.get(linkType)
    this.lastType = linkType
  }

  private compile(linkType: number): BpfProgram | undefined {
    try {
      return this.filter.program(linkType)
    } catch (error) {
      if (error instanceof BpfError) return undefined
      throw error
    }
  }
}

/** `undefined` leaves things as they are. @throws BpfError when the filter is wrong */
export function packetFilter(filter: FilterInput | null | undefined): PacketFilter | null | undefined {
  return filter === null || filter === undefined ? filter : new PacketFilter(filter)
}
