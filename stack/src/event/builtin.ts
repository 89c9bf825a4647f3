/**
 * The built-in events: what each is called, what it hands to its handlers, and at which hooks it can be observed.
 *
 * Events are typed constants. The type of an event carries the type of its payload and the hooks it may be registered at,
 * so registering ON_NEW_DATA at PRE_TCP does not compile. Payload objects are reused: valid during the call only.
 */
import type { Side } from '../monitor/flow.js'
import type { TcpState } from '../tcp/state.js'
import type { Packet } from '../wire/index.js'

/** Before the packet has changed the state of its connection. */
export const PRE_TCP = 0
/** After both endpoints' state has been updated; data carried by the packet is not yet delivered. */
export const POST_TCP = 1
export type Hook = typeof PRE_TCP | typeof POST_TCP

/** How a flow ended. 'stopped' is told only to the socket that stopped monitoring it. */
export type ConnEndReason = 'fin' | 'rst' | 'timeout' | 'reused' | 'evicted' | 'stopped' | 'shutdown'

/** Contiguous bytes of a stream. */
export interface NewData {
  /** The receiving side: SVR for what the client sent. */
  readonly side: Side
  /** Position of `bytes[start]` in the stream; the first byte after the SYN is at 0. */
  readonly offset: number
  /** The packet's own buffer where possible: valid during the call, never to be written. */
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
  /** The packet being processed. It is not of this flow when a timer or the end of the input released held data. */
  readonly packet: Packet
}

/** Bytes of a stream that were not seen and will not come. */
export interface Gap {
  /** The receiving side. */
  readonly side: Side
  /** Stream position of the first missing byte. */
  readonly offset: number
  readonly length: number
}

/** Bytes (or a SYN, or a FIN) that had been seen before. */
export interface Retransmission {
  /** The receiving side. */
  readonly side: Side
  /** Sequence number of the first repeated byte, or of the SYN or FIN (unsigned). */
  readonly sequence: number
  /** Repeated bytes; 0 when only the SYN or FIN is repeated. */
  readonly length: number
  /** Position of the first repeated byte in the stream; -1 for a SYN. */
  readonly offset: number
  readonly syn: boolean
  readonly fin: boolean
  readonly packet: Packet
}

export interface StateChange {
  /** The side whose state changed. */
  readonly side: Side
  readonly from: TcpState
  readonly to: TcpState
}

export interface ConnEnd {
  readonly reason: ConnEndReason
}

/** Payload types of the events that concern a flow, by event number. */
export const EVENT = {
  PKT_IN: 0,
  CONN_START: 1,
  TCP_STATE_CHANGE: 2,
  REXMIT: 3,
  NEW_DATA: 4,
  GAP: 5,
  CONN_END: 6,
} as const
export type EventNumber = (typeof EVENT)[keyof typeof EVENT]

/**
 * A built-in event.
 * @typeParam T payload handed to handlers and filters
 * @typeParam H hooks it can be registered at; `never` for events that have only one moment
 */
export interface BuiltinEvent<T, H extends Hook> {
  readonly kind: 'builtin'
  readonly number: EventNumber
  readonly name: string
  readonly hooks: readonly H[]
  /** Never set: carries the payload type. */
  readonly payload?: T
}

function builtin<T, H extends Hook = never>(
  name: string,
  number: EventNumber,
  hooks: readonly H[] = [],
): BuiltinEvent<T, H> {
  return Object.freeze({ kind: 'builtin', number, name, hooks })
}

/** A packet of the flow came, of any IP protocol. At POST_TCP when no hook is named. */
export const ON_PKT_IN = builtin<Packet, Hook>('ON_PKT_IN', EVENT.PKT_IN, [PRE_TCP, POST_TCP])
/** A flow began: its first SYN, a midstream pick-up, or the first packet of a flow that is not TCP. */
export const ON_CONN_START = builtin<Packet>('ON_CONN_START', EVENT.CONN_START)
/** The TCP state of one side changed. */
export const ON_TCP_STATE_CHANGE = builtin<StateChange>('ON_TCP_STATE_CHANGE', EVENT.TCP_STATE_CHANGE)
/**
 * A segment repeats bytes, a SYN or a FIN seen before; raised before the bytes are dropped. Exact for a side that is
 * reassembled, else judged by the highest sequence number seen.
 */
export const ON_REXMIT = builtin<Retransmission>('ON_REXMIT', EVENT.REXMIT)
/** Contiguous new bytes of a stream. Registering it asks for reassembly (see `reassemble` of the socket). */
export const ON_NEW_DATA = builtin<NewData>('ON_NEW_DATA', EVENT.NEW_DATA)
/** Bytes of a reassembled stream are missing; what follows them is delivered next. */
export const ON_GAP = builtin<Gap>('ON_GAP', EVENT.GAP)
/** The flow is over: once per flow and socket, after everything else. */
export const ON_CONN_END = builtin<ConnEnd>('ON_CONN_END', EVENT.CONN_END)

/** An event of a packet without a flow: there is no flow handle, its handlers take the packet alone. */
export interface OrphanEvent {
  readonly kind: 'orphan' | 'fragment'
  readonly name: string
}
/** A TCP packet that belongs to no flow. */
export const ON_ORPHAN: OrphanEvent = Object.freeze({ kind: 'orphan', name: 'ON_ORPHAN' })
/** A fragment of an IP packet, as it came. The packet put together from it and others is a packet of its flow. */
export const ON_FRAGMENT: OrphanEvent = Object.freeze({ kind: 'fragment', name: 'ON_FRAGMENT' })
