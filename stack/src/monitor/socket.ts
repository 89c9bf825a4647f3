/** Monitoring sockets: where an application registers its handlers. */
import type { Hook, ON_PKT_IN, OrphanEvent } from '../event/builtin.js'
import type { Dispatcher } from '../event/dispatcher.js'
import type { AnyHandler, SocketRecord } from '../event/forest.js'
import type { FlowEvent } from '../event/ude.js'
import type { Packet } from '../wire/index.js'
import type { FlowHandler, Subscription } from './flow.js'
import { registrationOf } from './flow-view.js'
import type { PacketHandlers } from './packet-handlers.js'

export interface StreamSocketOptions {
  /**
   * Whether handlers of ON_NEW_DATA and ON_GAP want the stream that the client, that the server receives; both by
   * default. A stream nobody wants is not reassembled.
   */
  readonly reassemble?: { readonly client?: boolean; readonly server?: boolean }
}

/**
 * Monitors flows of every protocol. Sockets do not see each other: each has its own contexts, stops and needs.
 * Registrations take effect from the next event on, also for flows under way, and may be made inside handlers.
 * @typeParam Ctx type of `flow.uctx`
 */
export class StreamSocket<Ctx = unknown> {
  private readonly events: Dispatcher
  private readonly record: SocketRecord
  private readonly orphans: PacketHandlers
  private readonly fragments: PacketHandlers
  private readonly ownOrphans: Subscription[] = []
  private readonly onClose: () => void
  private closed = false

  /** Made by `Stack.monitorStream`. */
  constructor(
    events: Dispatcher,
    record: SocketRecord,
    orphans: PacketHandlers,
    fragments: PacketHandlers,
    onClose: () => void,
  ) {
    this.events = events
    this.record = record
    this.orphans = orphans
    this.fragments = fragments
    this.onClose = onClose
  }

  /** A handler is called once per event, however often it is registered for it. */
  on(event: OrphanEvent, handler: (packet: Packet) => void): Subscription
  on<T, H extends Hook>(event: FlowEvent<T, H>, handler: FlowHandler<Ctx, T>): Subscription
  on<T, H extends Hook>(event: FlowEvent<T, H>, hook: NoInfer<H>, handler: FlowHandler<Ctx, T>): Subscription
  on(event: { readonly kind: string }, hookOrHandler: unknown, handler?: unknown): Subscription {
    if (this.closed) throw new Error('the monitoring socket is closed')
    if (event.kind === 'orphan' || event.kind === 'fragment') {
      const list = event.kind === 'orphan' ? this.orphans : this.fragments
      const subscription = list.add(hookOrHandler as (packet: Packet) => void)
      this.ownOrphans.push(subscription)
      return subscription
    }
    const { store } = this.events
    const registration = registrationOf(this.events, event, hookOrHandler, handler as AnyHandler | undefined)
    store.register(this.record, registration)
    return { off: () => store.unregister(this.record, registration) }
  }

  /** Ends all registrations of this socket and of its flows, without further events. */
  close(): void {
    if (this.closed) return
    this.closed = true
    for (const subscription of this.ownOrphans) subscription.off()
    this.events.store.removeSocket(this.record)
    this.onClose()
  }
}

/** Sees every IP packet the decoder accepted, before any flow is looked up. */
export class RawSocket {
  private readonly handlers: PacketHandlers
  private readonly own: Subscription[] = []

  /** Made by `Stack.monitorRaw`. */
  constructor(handlers: PacketHandlers) {
    this.handlers = handlers
  }

  on(_event: typeof ON_PKT_IN, handler: (packet: Packet) => void): Subscription {
    const subscription = this.handlers.add(handler)
    this.own.push(subscription)
    return subscription
  }

  close(): void {
    for (const subscription of this.own) subscription.off()
  }
}
