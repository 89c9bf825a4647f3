/** The flow handle as an application sees it. */
import type { Hook } from '../event/builtin.js'
import type { FlowEvent } from '../event/ude.js'
import type { TcpState } from '../tcp/state.js'

/** The side that opened the flow. */
export const CLI = 0
export const SVR = 1
export type Side = typeof CLI | typeof SVR

/** A registration; `off()` ends it from the next event on, and may be called more than once. */
export interface Subscription {
  off(): void
}

export type FlowHandler<Ctx, T> = (flow: Flow<Ctx>, payload: T) => void

/**
 * A flow, as seen by one socket. One object per socket is reused for all flows: it is valid during the callback; keep
 * `id` to remember a flow.
 */
export interface Flow<Ctx = unknown> {
  /** Unique in a run, below 2^53. */
  readonly id: number
  /** IP protocol number. */
  readonly protocol: number
  readonly ipVersion: 4 | 6
  /** VLAN identifier, or -1. */
  readonly vlan: number
  /** Text of an address. Allocates. */
  address(side: Side): string
  /** Port; 0 for protocols without ports. */
  port(side: Side): number
  /** TCP state; CLOSED for other protocols. */
  state(side: Side): TcpState
  /** Time of the first packet, microseconds since 1970. */
  readonly startTime: number
  /** Time of the last packet, microseconds since 1970. */
  readonly lastTime: number
  /** Packets sent by the side. */
  packets(side: Side): number
  /** Bytes of the frames sent by the side, as they were on the wire. */
  bytes(side: Side): number
  /** TCP: the handshake was seen, or the connection was picked up midstream. Else: both sides have sent. */
  readonly established: boolean
  /** TCP: the beginning of the connection was not seen. */
  readonly midstream: boolean
  /** Sender of the current packet (of the flow's last packet, when the event was not raised by one of its packets). */
  readonly packetSide: Side
  /** The application's own value for this flow: one per flow and socket, undefined for a new flow. */
  uctx: Ctx | undefined
  /**
   * Stops monitoring the flow, or what one side receives (data, gaps, retransmissions, its state), for this socket, from
   * the next event on. Held data nobody else wants is freed at once. With both sides stopped the socket is told
   * ON_CONN_END with reason 'stopped' at the end of the current packet and nothing after that.
   */
  stop(side?: Side): void
  /** Registers a handler for this flow only, in addition to the socket's. Takes effect from the next event on. */
  on<T, H extends Hook>(event: FlowEvent<T, H>, handler: FlowHandler<Ctx, T>): Subscription
  on<T, H extends Hook>(event: FlowEvent<T, H>, hook: NoInfer<H>, handler: FlowHandler<Ctx, T>): Subscription
}
