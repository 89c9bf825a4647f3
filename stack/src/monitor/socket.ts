/**
 * Monitoring sockets: what an application sees of the stack, and where it registers its handlers.
 *
 * In: registrations, filters and reassembly needs. Out: handler calls with a flow handle (flow-view.ts) that keeps the
 * application's value per flow (context.ts), or with a packet alone (packet-handlers.ts). Opened by
 * `Stack.monitorStream` and `Stack.monitorRaw`.
 */
import type { FilterInput } from '../bpf/index.js'
import type { Hook, ON_PKT_IN, OrphanEvent } from '../event/builtin.js'
import type { Dispatcher } from '../event/dispatcher.js'
import type { SocketRecord } from '../event/forest.js'
import type { AnyHandler } from '../event/plant.js'
import type { FlowScopes } from '../event/scopes.js'
import type { FlowEvent } from '../event/ude.js'
import type { Packet } from '../wire/index.js'
import type { FlowHandler, Side, Subscription } from './flow.js'
import { checkStreamBytes } from './flow-side.js'
import { registrationOf } from './flow-view.js'
import { type PacketFilter, packetFilter } from './packet-filter.js'
import type { PacketHandlers } from './packet-handlers.js'

/** What a filter may be replaced by: null for none, undefined to leave it as it is. */
export type NewFilter = FilterInput | null | undefined

/** What `Stack.monitorStream` takes. */
export interface StreamSocketOptions {
  /**
   * Whether handlers of ON_NEW_DATA and ON_GAP want the stream that the client, that the server receives; both by
   * default. A stream nobody wants is not reassembled.
   */
  readonly reassemble?: { readonly client?: boolean; readonly server?: boolean }
  /** Which flows are monitored, judged by their first packet: `stream` of `bindMonitorFilter`. Default all. */
  readonly filter?: FilterInput | undefined
  /** Which packets without a flow: `orphan` of `bindMonitorFilter`. Default all. */
  readonly orphanFilter?: FilterInput | undefined
  /** Bytes kept for `peek` of what the client, the server receives. Default 0. See `FlowSide.setRetention`. */
  readonly retain?: { readonly client?: number; readonly server?: number }
  /** See `FlowSide.setReassemblyDepth`. Default 0: no end. */
  readonly reassemblyDepth?: { readonly client?: number; readonly server?: number }
}

/** What `Stack.monitorRaw` takes. */
export interface RawSocketOptions {
  /** Which packets are seen. Default all. */
  readonly filter?: FilterInput | undefined
}

/**
 * Monitors flows of every protocol. Sockets do not see each other: each has its own contexts, stops and needs.
 * Registrations take effect from the next event on, also for flows under way, and may be made inside handlers.
 * @typeParam Ctx type of `flow.uctx`
 */
export class StreamSocket<Ctx = unknown> {
  private readonly events: Dispatcher
  private readonly record: SocketRecord
  private readonly scopes: FlowScopes
  private readonly orphans: PacketHandlers
  private readonly fragments: PacketHandlers
  private readonly ownOrphans: Subscription[] = []
  private readonly onClose: () => void
  private readonly onRetention: () => void
  private orphanFilter: PacketFilter | null = null
  private closed = false

  /** Made by `Stack.monitorStream`. @internal */
  constructor(
    events: Dispatcher,
    record: SocketRecord,
    scopes: FlowScopes,
    orphans: PacketHandlers,
    fragments: PacketHandlers,
    onClose: () => void,
    onRetention: () => void,
  ) {
    this.events = events
    this.record = record
    this.scopes = scopes
    this.orphans = orphans
    this.fragments = fragments
    this.onClose = onClose
    this.onRetention = onRetention
  }

  /** Registers a handler for packets without a flow. @throws Error when the socket is closed */
  on(event: OrphanEvent, handler: (packet: Packet) => void): Subscription
  /**
   * Registers a handler. It is called once per event, however often it is registered for it.
   * @throws Error when the socket is closed
   */
  on<T, H extends Hook>(event: FlowEvent<T, H>, handler: FlowHandler<Ctx, T>): Subscription
  /** The same, at a hook. @throws TypeError when the event does not occur there */
  on<T, H extends Hook>(event: FlowEvent<T, H>, hook: NoInfer<H>, handler: FlowHandler<Ctx, T>): Subscription
  on(event: { readonly kind: string }, hookOrHandler: unknown, handler?: unknown): Subscription {
    if (this.closed) throw new Error('the monitoring socket is closed')
    if (event.kind === 'orphan' || event.kind === 'fragment') {
      const list = event.kind === 'orphan' ? this.orphans : this.fragments
      const call = hookOrHandler as (packet: Packet) => void
      if (typeof call !== 'function') throw new TypeError('handler is not a function')
      const subscription = list.add((packet) => {
        if (this.orphanFilter === null || this.orphanFilter.matches(packet)) call(packet)
      })
      this.ownOrphans.push(subscription)
      return subscription
    }
    const { store } = this.events
    const registration = registrationOf(this.events, event, hookOrHandler, handler as AnyHandler | undefined)
    store.register(this.record, registration)
    return { off: () => store.unregister(this.record, registration) }
  }

  /**
   * Chooses what this socket monitors; other sockets are not concerned. `stream` is put to the first packet of a flow: when
   * it does not match, none of the flow's events reach this socket. It decides about flows that begin from now on.
   * `orphan` is put to each packet without a flow (ON_ORPHAN, ON_FRAGMENT).
   * @throws BpfError when a filter is wrong: nothing has changed then
   */
  bindMonitorFilter(filters: { readonly stream?: NewFilter; readonly orphan?: NewFilter }): void {
    if (this.closed) throw new Error('the monitoring socket is closed')
    const stream = packetFilter(filters.stream)
    const orphan = packetFilter(filters.orphan)
    if (stream !== undefined) this.scopes.set(this.record, stream)
    if (orphan !== undefined) this.orphanFilter = orphan
  }

  /**
   * Bytes to keep of what `side` receives, for flows without a setting of their own, also those under way. What no socket
   * wants any more is let go at once. @throws RangeError
   */
  setRetention(side: Side, bytes: number): void {
    checkStreamBytes('retention', bytes)
    this.record.retain[side] = bytes
    this.events.store.outdate()
    this.onRetention()
  }

  /** See `FlowSide.setReassemblyDepth`; for flows without a setting of their own. @throws RangeError */
  setReassemblyDepth(side: Side, bytes: number): void {
    checkStreamBytes('reassembly depth', bytes)
    this.record.depth[side] = bytes
    this.events.store.outdate()
  }

  /** Ends all registrations of this socket and of its flows, without further events. */
  close(): void {
    if (this.closed) return
    this.closed = true
    for (const subscription of this.ownOrphans) subscription.off()
    this.scopes.set(this.record, null)
    this.events.store.removeSocket(this.record)
    this.onRetention()
    this.onClose()
  }
}

/** Sees every IP packet the decoder accepted, before any flow is looked up. */
export class RawSocket {
  private readonly handlers: PacketHandlers
  private readonly own: Subscription[] = []
  private filter: PacketFilter | null = null

  /** Made by `Stack.monitorRaw`. @internal */
  constructor(handlers: PacketHandlers) {
    this.handlers = handlers
  }

  /** Registers a handler; the packet is valid during the call only. */
  on(_event: typeof ON_PKT_IN, handler: (packet: Packet) => void): Subscription {
    if (typeof handler !== 'function') throw new TypeError('handler is not a function')
    const subscription = this.handlers.add((packet) => {
      if (this.filter === null || this.filter.matches(packet)) handler(packet)
    })
    this.own.push(subscription)
    return subscription
  }

  /** `raw` is put to every packet. @throws BpfError when the filter is wrong: nothing has changed then */
  bindMonitorFilter(filters: { readonly raw?: NewFilter }): void {
    const raw = packetFilter(filters.raw)
    if (raw !== undefined) this.filter = raw
  }

  /** Ends all registrations. */
  close(): void {
    for (const subscription of this.own) subscription.off()
  }
}
