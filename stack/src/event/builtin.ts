/**
 * The built-in events: what each is called, what it hands to its handlers, and at which hooks it can be observed.
 *
 * Events are typed constants. The type of an event carries the type of its payload and the hooks it may be registered at,
 * so registering ON_NEW_DATA at PRE_TCP does not compile. Payload objects are reused: valid during the call only.
 */
import type { Side } from '../monitor/flow.js'
import type { TcpState } from '../tcp/state.js'
import type { Packet } from '../wire/index.js'
import type { AnomalyCode, StreamErrorCode } from './anomaly.js'

/** Before the packet has changed the state of its connection. A packet dropped here has not come as far as that goes. */
export const PRE_TCP = 0
/** After both endpoints' state has been updated; data carried by the packet is not yet delivered. */
export const POST_TCP = 1
/**
 * The view of the packet's sender, as in the released mOS API: after the state update, what concerns the sending side
 * (`flow.packetSide`). Handlers at SND are called before those at RCV.
 */
export const SND = 2
/** The view of the packet's receiver: after the state update, what concerns the side that the packet goes to. */
export const RCV = 3
/** Where in the processing of a packet an event is observed. */
export type Hook = typeof PRE_TCP | typeof POST_TCP | typeof SND | typeof RCV

/**
 * How a flow ended. 'blocked': by `block` or `reset` of its handle. 'stopped' is told only to the socket that stopped
 * monitoring it.
 */
export type ConnEndReason =
  | 'fin'
  | 'rst'
  | 'timeout'
  | 'reused'
  | 'evicted'
  | 'blocked'
  | 'stopped'
  | 'shutdown'

/** Contiguous bytes of a stream. */
export interface NewData {
  /** The receiving side: SVR for what the client sent. */
  readonly side: Side
  /** Position of `bytes[start]` in the stream; the first byte after the SYN is at 0. */
  readonly offset: number
  /** The packet's own buffer where possible: valid during the call, never to be written. */
  readonly bytes: Uint8Array
  /** Index of the first byte in `bytes`. */
  readonly start: number
  /** Index after the last one: there are `end - start` bytes. */
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
  /** Missing bytes. */
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
  /** The SYN is repeated. */
  readonly syn: boolean
  /** The FIN is repeated. */
  readonly fin: boolean
  /** The packet that repeats them. */
  readonly packet: Packet
}

/** A stretch of a stream that came twice, with different bytes: both versions. */
export interface OverlapConflict {
  /** The receiving side. */
  readonly side: Side
  /** Sequence number of the first byte of the stretch (unsigned). */
  readonly sequence: number
  /** Its position in the stream. */
  readonly offset: number
  /** The bytes that had come before: a copy, which may be kept. */
  readonly earlier: Uint8Array
  /** As many bytes of the packet: a view, valid during the call. */
  readonly later: Uint8Array
  /** Which of the two counts, by the receiver's policy. Delivered bytes always do. */
  readonly winner: 'earlier' | 'later'
  readonly packet: Packet
}

/** A step of one side's TCP state machine. */
export interface StateChange {
  /** The side whose state changed. */
  readonly side: Side
  readonly from: TcpState
  readonly to: TcpState
}

/** How a flow ended. */
export interface ConnEnd {
  readonly reason: ConnEndReason
}

/** How long a flow had been silent. */
export interface ConnTimeout {
  /** Microseconds of trace time since the flow's last packet. */
  readonly idle: number
}

/** Which direction was closed. */
export interface HalfClose {
  /** The side that has closed its direction: its FIN has reached the peer, in order. The other may still send. */
  readonly side: Side
}

/** A segment that begins beyond the next expected byte. */
export interface OutOfOrder {
  /** The receiving side. */
  readonly side: Side
  /** Sequence number of the segment's first byte (unsigned). */
  readonly sequence: number
  /** Payload bytes on the wire. */
  readonly length: number
  /** Position of the segment's first byte in the stream. */
  readonly offset: number
  readonly packet: Packet
}

/** What went wrong with a stream. */
export interface StreamError {
  /** See STREAM_ERROR; STREAM_ERROR_TEXT has the words. */
  readonly code: StreamErrorCode
  /** The receiving side. */
  readonly side: Side
  /** The packet being processed. */
  readonly packet: Packet
}

/** What a connection did that connections do not do. */
export interface Anomaly {
  /** The sid of Snort's event with gid 129: see ANOMALY; ANOMALY_TEXT has the words. */
  readonly code: AnomalyCode
  /** The side that did it: the sender of the packet. */
  readonly side: Side
  readonly packet: Packet
}

/** Payload of a packet of a flow that is not TCP. */
export interface Datagram {
  /** The receiving side. */
  readonly side: Side
  /** The packet's own buffer: valid during the call, never to be written. */
  readonly bytes: Uint8Array
  /** Index of the first byte in `bytes`. */
  readonly start: number
  /** Index after the last one. */
  readonly end: number
  readonly packet: Packet
}

/** Numbers of the events that concern a flow. */
export const EVENT = {
  PKT_IN: 0,
  CONN_START: 1,
  TCP_STATE_CHANGE: 2,
  REXMIT: 3,
  NEW_DATA: 4,
  GAP: 5,
  CONN_END: 6,
  TIMEOUT: 7,
  HALF_CLOSE: 8,
  OUT_OF_ORDER: 9,
  ERROR: 10,
  ANOMALY: 11,
  DATAGRAM: 12,
  OVERLAP_CONFLICT: 13,
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
  /** The name of the constant. */
  readonly name: string
  /** Hooks it may be registered at; none when it has one moment only. */
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
export const ON_PKT_IN = builtin<Packet, Hook>('ON_PKT_IN', EVENT.PKT_IN, [PRE_TCP, POST_TCP, SND, RCV])
/** A flow began: its first SYN, a midstream pick-up, or the first packet of a flow that is not TCP. */
export const ON_CONN_START = builtin<Packet, typeof SND | typeof RCV>('ON_CONN_START', EVENT.CONN_START, [
  SND,
  RCV,
])
/** The TCP state of one side changed. At SND: that of the packet's sender; at RCV: the receiver's; else both. */
export const ON_TCP_STATE_CHANGE = builtin<StateChange, typeof SND | typeof RCV>(
  'ON_TCP_STATE_CHANGE',
  EVENT.TCP_STATE_CHANGE,
  [SND, RCV],
)
/**
 * A segment repeats bytes, a SYN or a FIN seen before; raised before the bytes are dropped. Exact for a side that is
 * reassembled, else judged by the highest sequence number seen.
 */
export const ON_REXMIT = builtin<Retransmission, typeof RCV>('ON_REXMIT', EVENT.REXMIT, [RCV])
/**
 * A segment brings other bytes for a place in the stream than an earlier one: an attempt to show the monitor something
 * else than the receiver, or a broken host. Raised before either version is dropped, once per earlier segment. Compared
 * are bytes that wait for others before them, and delivered ones as far as a socket retains them. It asks for reassembly.
 */
export const ON_OVERLAP_CONFLICT = builtin<OverlapConflict, typeof RCV>(
  'ON_OVERLAP_CONFLICT',
  EVENT.OVERLAP_CONFLICT,
  [RCV],
)
/** Contiguous new bytes of a stream. Registering it asks for reassembly (see `reassemble` of the socket). */
export const ON_NEW_DATA = builtin<NewData>('ON_NEW_DATA', EVENT.NEW_DATA)
/** Bytes of a reassembled stream are missing; what follows them is delivered next. */
export const ON_GAP = builtin<Gap>('ON_GAP', EVENT.GAP)
/**
 * The flow is over: once per flow and socket, after everything else. Not for a flow that never began, because its first
 * packet was dropped at PRE_TCP: it has had no ON_CONN_START either.
 */
export const ON_CONN_END = builtin<ConnEnd>('ON_CONN_END', EVENT.CONN_END)
/** The flow was silent for longer than its state allows: before ON_CONN_END with reason 'timeout'. */
export const ON_TIMEOUT = builtin<ConnTimeout>('ON_TIMEOUT', EVENT.TIMEOUT)
/** One side of a TCP connection has closed its direction while the other is still open. */
export const ON_HALF_CLOSE = builtin<HalfClose>('ON_HALF_CLOSE', EVENT.HALF_CLOSE)
/** A segment came before bytes that precede it; before it is held. It does not ask for reassembly by itself. */
export const ON_OUT_OF_ORDER = builtin<OutOfOrder>('ON_OUT_OF_ORDER', EVENT.OUT_OF_ORDER)
/** Something of a flow was not used, or a limit made the stack give something up. */
export const ON_ERROR = builtin<StreamError>('ON_ERROR', EVENT.ERROR)
/**
 * The connection does what connections do not do, by the table of Snort's stream events. Raised before the packet's data
 * is delivered. DATA_AFTER_RST and DATA_AFTER_RST_RECEIVED come after ON_CONN_END: the flow handle then still tells
 * addresses and times of the connection, and `uctx` is undefined.
 */
export const ON_ANOMALY = builtin<Anomaly>('ON_ANOMALY', EVENT.ANOMALY)
/** Payload of a UDP, ICMP or other packet that is not TCP, after its ON_PKT_IN at POST_TCP. Not for empty ones. */
export const ON_DATAGRAM = builtin<Datagram>('ON_DATAGRAM', EVENT.DATAGRAM)

/** An event of a packet without a flow: there is no flow handle, its handlers take the packet alone. */
export interface OrphanEvent {
  readonly kind: 'orphan' | 'fragment'
  readonly name: string
}
/** A TCP packet that belongs to no flow. */
export const ON_ORPHAN: OrphanEvent = Object.freeze({ kind: 'orphan', name: 'ON_ORPHAN' })
/** A fragment of an IP packet, as it came. The packet put together from it and others is a packet of its flow. */
export const ON_FRAGMENT: OrphanEvent = Object.freeze({ kind: 'fragment', name: 'ON_FRAGMENT' })
