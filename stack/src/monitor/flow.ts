/** The flow handle as an application sees it. */
import type { Hook } from '../event/builtin.js'
import type { FlowEvent } from '../event/ude.js'
import type { Timer } from '../flow/user-timers.js'
import type { PacketFields } from '../inline/responder.js'
import type { TcpPolicy } from '../tcp/policy.js'
import type { TcpState } from '../tcp/state.js'

/** The side that opened the flow. */
export const CLI = 0
/** The side it was opened to. */
export const SVR = 1
/** One side of a flow. */
export type Side = typeof CLI | typeof SVR

/** A registration; `off()` ends it from the next event on, and may be called more than once. */
export interface Subscription {
  /** No calls from the next event on. */
  off(): void
}

/** Called with a flow and an event's payload, both valid during the call only. */
export type FlowHandler<Ctx, T> = (flow: Flow<Ctx>, payload: T) => void

/** A range of stream bytes at hand. */
export interface StreamFragment {
  /** Stream offset of its first byte. */
  readonly offset: number
  /** Bytes. */
  readonly length: number
}

/** Where a stream stands; offsets count from the first byte after the SYN (or the first seen). */
export interface StreamInfo {
  /** Sequence number of the sender's SYN (unsigned), if it was seen. */
  readonly initialSequence: number | undefined
  /** Offset of the next byte `peek` returns, if it is still there. */
  readonly read: number
  /** Offset of the next byte in order. */
  readonly expected: number
  /** Offset after the last byte received, out-of-order ones included. */
  readonly received: number
  /** Bytes kept for look-back. */
  readonly kept: number
  /** Out-of-order bytes held. */
  readonly heldBytes: number
  /** Bytes this socket wants kept. */
  readonly retention: number
}

/**
 * The stream that one side receives. Nothing is kept after its delivery unless the socket asks for it: by `retain` of its
 * options, `socket.setRetention`, or `setRetention` here. Bytes returned are copies. Valid like the flow handle.
 */
export interface FlowSide {
  /**
   * The next kept bytes after those returned before, at most `max`, not across a gap; null when there are none. Inside a
   * handler of ON_NEW_DATA the data it was called for is there.
   */
  peek(max?: number): Uint8Array | null
  /**
   * Up to `length` bytes from stream offset `offset` on, out-of-order ones included, as far as they follow each other;
   * null when the first is not at hand. Does not change what `peek` returns.
   */
  ppeek(offset: number, length: number): Uint8Array | null
  /** Bytes before the next one `peek` returns that it could not return: in gaps, or no longer kept. */
  missed(): number
  /** Bytes kept that `peek` has not returned. */
  unread(): number
  /** Where the stream stands now. */
  info(): StreamInfo
  /** Kept and held bytes, in order. */
  fragments(): StreamFragment[]
  /**
   * Bytes to keep for look-back, for this flow and socket; 0 keeps none. What no socket wants any more is let go at once.
   * It asks for reassembly. @throws RangeError unless an integer from 0 to 2^30 - 1
   */
  setRetention(bytes: number): void
  /**
   * Ends this socket's interest in the stream (as `stop`, but for data and gaps alone) once `bytes` have been delivered; the
   * piece that reaches the depth is delivered whole. 0 for no end; what has ended stays so. @throws RangeError likewise
   */
  setReassemblyDepth(bytes: number): void
  /** How this side treats overlapping segments, resets and timestamps; of its network (`tcp.targets`) unless set here. */
  readonly policy: TcpPolicy
  /**
   * Sets the policy from the next segment on, for all sockets: there is one stream. Delivered bytes stay.
   * @throws RangeError for an unknown policy
   */
  setPolicy(policy: TcpPolicy): void
  /** The same as `flow.stop(side)`. */
  stop(): void
}

/**
 * A flow, as seen by one socket. One object per socket is reused for all flows: it is valid during the callback; keep
 * `id` to remember a flow.
 */
export interface Flow<Ctx = unknown> {
  /** Unique in a run, below 2^53. */
  readonly id: number
  /** IP protocol number. */
  readonly protocol: number
  /** Version of the flow's IP packets. */
  readonly ipVersion: 4 | 6
  /** VLAN identifier, 1 to 4095, or -1. */
  readonly vlan: number
  /** Address of a side as text (RFC 5952 for IPv6). Allocates. */
  address(side: Side): string
  /** One of the four words of a side's address, as in `Packet`: IPv4 is 0, 0, 0xffff and the address (int32). */
  addressWord(side: Side, word: 0 | 1 | 2 | 3): number
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
  /** The stream that `side` receives. */
  side(side: Side): FlowSide
  /**
   * Stops monitoring the flow, or what one side receives (data, gaps, retransmissions, its state), for this socket, from
   * the next event on. Held data nobody else wants is freed at once. With both sides stopped the socket is told
   * ON_CONN_END with reason 'stopped' at the end of the current packet and nothing after that.
   */
  stop(side?: Side): void
  /**
   * Ends the flow: its packets are dropped from the current one on (`Packet.drop`), whichever socket asks for it, until it
   * has been silent for its time-out. ON_CONN_END with reason 'blocked' comes at the end of the current packet, and nothing
   * after it; what is held is not delivered. Passive sources cannot stop packets: they count what they would have dropped.
   */
  block(): void
  /**
   * `block`, and tells both ends: TCP by RSTs with the sequence numbers they expect, now (or with the flow's next packet,
   * when no packet of the flow is being processed) and in answer to what is sent all the same; a SYN with another initial
   * number then begins a new flow. Other protocols: the sender, by ICMP 'port unreachable'. Needs `Stack.sender`, which
   * inline sources set; not within tunnels.
   */
  reset(): void
  /**
   * Sends a TCP or UDP packet of this flow to one side, in the name of the other, ahead of the current packet. To be called
   * while a packet of the flow is processed: it lends its link header. The stack itself does not see it, and the numbers of
   * the connection are not shifted for payload.
   * @returns whether it was sent: there is a `Stack.sender`, and the current packet came as an Ethernet frame, in no tunnel
   * @throws TypeError for other protocols, RangeError for too much payload
   */
  sendPacket(to: Side, fields?: PacketFields): boolean
  /**
   * Calls `handler` with this flow once `micros` microseconds of trace time have passed: with the first packet that comes
   * then, whatever its flow, before the packet is processed; to the millisecond, never early. Gone with the flow, and when
   * the socket stops monitoring it. Inactive from the start beyond `maxTimers`. @throws RangeError for a negative time
   */
  setTimer(micros: number, handler: (flow: Flow<Ctx>) => void): Timer
  /** Registers a handler for this flow only, in addition to the socket's. Takes effect from the next event on. */
  on<T, H extends Hook>(event: FlowEvent<T, H>, handler: FlowHandler<Ctx, T>): Subscription
  /** The same, at a hook. @throws TypeError when the event does not occur there */
  on<T, H extends Hook>(event: FlowEvent<T, H>, hook: NoInfer<H>, handler: FlowHandler<Ctx, T>): Subscription
}
