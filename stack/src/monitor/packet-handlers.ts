/** Handlers that take a packet without a flow: raw sockets and ON_ORPHAN. */
import type { Packet } from '../wire/index.js'
import type { Subscription } from './flow.js'

export class PacketHandlers {
  /** Replaced, never changed in place, so that a change does not disturb a call under way. */
  private handlers: readonly { readonly call: (packet: Packet) => void }[] = []

  get empty(): boolean {
    return this.handlers.length === 0
  }

  add(call: (packet: Packet) => void): Subscription {
    if (typeof call !== 'function') throw new TypeError('handler is not a function')
    const entry = { call }
    this.handlers = [...this.handlers, entry]
    return {
      off: () => {
        this.handlers = this.handlers.filter((other) => other !== entry)
      },
    }
  }

  call(packet: Packet): void {
    const handlers = this.handlers
    for (let i = 0; i < handlers.length; i++) handlers[i].call(packet)
  }
}
