/**
 * Which sockets monitor a new flow: those without a filter, and those whose filter its first packet matches.
 *
 * A socket left out is as good as one that has stopped monitoring the flow, and flows that leave out the same sockets
 * share a forest. Called by the stack for each new flow, when any socket has a filter.
 */
import type { PacketFilter } from '../monitor/packet-filter.js'
import type { Packet } from '../wire/index.js'
import type { Forest, ForestStore, SocketRecord } from './forest.js'

interface Scope {
  readonly socket: SocketRecord
  readonly filter: PacketFilter
  /** By number of a forest: the same without this socket. Kept alive from here. */
  readonly without: Map<number, Forest>
}

const DEFAULT = 0
const BOTH_SIDES = 3

export class FlowScopes {
  private readonly store: ForestStore
  private scopes: readonly Scope[] = []

  constructor(store: ForestStore) {
    this.store = store
  }

  /** No socket has a filter: every flow begins with the default forest. */
  get empty(): boolean {
    return this.scopes.length === 0
  }

  /** From now on `socket` monitors the flows whose first packet matches; all of them with null. */
  set(socket: SocketRecord, filter: PacketFilter | null): void {
    for (const { without } of this.scopes) {
      for (const forest of without.values()) this.store.release(forest)
    }
    const others = this.scopes.filter((scope) => scope.socket !== socket)
    const scopes = filter === null ? others : [...others, { socket, filter }]
    this.scopes = scopes.map((scope) => ({ ...scope, without: new Map<number, Forest>() }))
  }

  /** Number of the forest of a flow that `packet` begins; the flow is accounted for. */
  begin(packet: Packet): number {
    const { store } = this
    let forest = store.get(DEFAULT)
    for (let i = 0; i < this.scopes.length; i++) {
      const { socket, filter, without } = this.scopes[i]
      if (filter.matches(packet)) continue
      let next = without.get(forest.number)
      if (next === undefined) {
        next = store.withStopped(forest, socket.number, BOTH_SIDES)
        store.move(store.get(DEFAULT), next)
        without.set(forest.number, next)
      }
      forest = next
    }
    store.move(store.get(DEFAULT), forest)
    return forest.number
  }
}
