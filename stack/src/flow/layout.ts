/**
 * Layout of a flow record: one row of 64 int32 words (256 bytes, four cache lines) in the flow table's typed array.
 *
 * Line 0 identifies the flow and is read by every lookup; lines 1 and 2 hold the two TCP endpoints and are read by every
 * packet of the flow; line 3 is touched when the flow starts, changes its timeout class or ends. A flow is named by its
 * row index (1 and up; 0 means "none"), its words begin at `index << ROW_SHIFT`.
 */

export const ROW_SHIFT = 6
export const ROW_WORDS = 1 << ROW_SHIFT
export const ROW_BYTES = ROW_WORDS * 4

// ---- Line 0: identity -------------------------------------------------------------------------------------------

/** Client address, four words as in `Packet`. The client is the side that opened the flow. */
export const CLIENT_ADDRESS = 0
export const SERVER_ADDRESS = 4
/** Client port in the upper half, server port in the lower. 0 for protocols without ports. */
export const PORTS = 8
/** IP protocol, IP version, VLAN: see `linkKey` in table.ts. */
export const LINK = 9
export const HASH = 10
/** Next row in the same bucket. */
export const CHAIN = 11
/** `FLAG_*` bits. */
export const FLAGS = 12
/** Number of the invocation forest that says which handlers this flow's events go to. */
export const FOREST = 13
/** Float64: time of the last packet, microseconds. */
export const LAST_TIME = 14

// ---- Lines 1 and 2: the endpoints -------------------------------------------------------------------------------

/** Words of the client begin here, those of the server `SIDE_WORDS` later. */
export const SIDES = 16
export const SIDE_SHIFT = 4
export const SIDE_WORDS = 1 << SIDE_SHIFT
/** Exclusive-or with the index of one side's words gives that of the other's. */
export const OTHER_SIDE = SIDES ^ (SIDES + SIDE_WORDS)

/** TCP state in the low 4 bits, `SIDE_*` bits above. */
export const STATE = 0
/** Initial sequence number this side sent. */
export const ISN = 1
/** Highest sequence number this side sent, plus one (SYN and FIN included). */
export const SENT = 2
/** Highest acknowledgement number this side sent. */
export const ACKED = 3
/** Last window this side offered, scaled, bytes. */
export const WINDOW = 4
/** Sequence number of the next byte to deliver of the stream this side receives. */
export const RECEIVED = 5
/** Sequence number of the FIN this side sent. */
export const FIN_SEQ = 6
/** First and last held out-of-order segment of the stream this side receives. */
export const HELD_HEAD = 7
export const HELD_TAIL = 8
export const HELD_BYTES = 9
export const HELD_COUNT = 10
/** Packets this side sent (uint32). */
export const PACKETS = 11
/** Float64: bytes of the frames this side sent. */
export const BYTES = 12
/** Float64: stream offset of the byte at RECEIVED. */
export const OFFSET = 14

// ---- Line 3: rarely used ----------------------------------------------------------------------------------------

/** Float64: time of the first packet, microseconds. */
export const START_TIME = 48
/** Incremented whenever the row is released, so that flow ids are never used twice. */
export const GENERATION = 50
/** Neighbours in the timer slot, and the slot plus one (0: not armed). */
export const TIMER_NEXT = 51
export const TIMER_PREV = 52
export const TIMER_SLOT = 53
/** Sequence number and raw window field of a SYN seen on a live connection, until the peer answers it. */
export const NEW_SYN_SEQ = 54
export const NEW_SYN_WINDOW = 55
/** Per receiving side, two Float64: when an acknowledged hole was first noticed. */
export const HOLE_TIME = 56
/** Per receiving side: the byte of a zero-window probe, waiting for its acknowledgement. */
export const PROBE_BYTE = 60
/** Per sending side: sequence number before which its data is dropped; with SIDE_WITHHELD. */
export const WITHHELD = 62

// ---- Flow flags -------------------------------------------------------------------------------------------------

/** Timeout class, see timeouts.ts. */
export const FLAG_CLASS = 0x07
export const FLAG_TCP = 0x08
/** Handshake completed (or picked up midstream); other protocols: both sides have sent. */
export const FLAG_ESTABLISHED = 0x10
export const FLAG_MIDSTREAM = 0x20
/** ON_CONN_END has been raised; the row only absorbs late packets. */
export const FLAG_ENDED = 0x40
/** The row is in use. */
export const FLAG_LIVE = 0x80
/** A SYN with another initial sequence number is waiting for its answer; FLAG_NEW_SYN_SIDE is its sender. */
export const FLAG_NEW_SYN = 0x100
export const FLAG_NEW_SYN_SIDE = 0x200
/** The flow ended by RST; FLAG_RST_SIDE is its sender. */
export const FLAG_RST = 0x400
export const FLAG_RST_SIDE = 0x800

/** A verdict has ended the flow: its packets are dropped; with FLAG_RESET, and answered with resets. */
export const FLAG_BLOCKED = 0x1000
export const FLAG_RESET = 0x2000

/** The usual TTL of each side's packets, 8 bits each, the client's first; 0 when it is not asked for. */
export const TTL_SHIFT = 16
export const TTL_MASK = 0xff

// ---- Side flags -------------------------------------------------------------------------------------------------

export const STATE_MASK = 0x0f
/** ISN is that of a SYN seen. */
export const SIDE_SYN = 0x10
/** FIN_SEQ is set. */
export const SIDE_FIN = 0x20
/** ACKED and WINDOW are set. */
export const SIDE_ACK = 0x40
/** SENT is set. */
export const SIDE_SENT = 0x80
/** Window scale this side announced, 4 bits. */
export const SIDE_SCALE_SHIFT = 8
export const SIDE_SCALE_MASK = 0x0f00
/** The SYN carried a window scale option. */
export const SIDE_SCALED = 0x1000
/** RECEIVED is set. */
export const SIDE_RECEIVED = 0x2000
/** This side has got the peer's FIN, in order. */
export const SIDE_GOT_FIN = 0x4000
/** PROBE_BYTE is set. */
export const SIDE_PROBE = 0x8000
/** Packets seen since the hole in front of the held data was acknowledged, 4 bits. */
export const SIDE_EVIDENCE_SHIFT = 16
export const SIDE_EVIDENCE_ONE = 1 << SIDE_EVIDENCE_SHIFT
export const SIDE_EVIDENCE_MASK = 0x0f << SIDE_EVIDENCE_SHIFT
/** Number of the side's policy (tcp/policy.ts), 4 bits. */
export const SIDE_POLICY_SHIFT = 20
export const SIDE_POLICY_MASK = 0x0f << SIDE_POLICY_SHIFT
/** What this side receives is not delivered as it comes: the handshake is not over, or its policy is `untilAcked`. */
export const SIDE_WAITS = 0x0100_0000
/** Every segment this side sends is looked at: its timestamps, or the connection's anomalies. */
export const SIDE_WATCHED = 0x0200_0000
/** The SYN of this side had timestamps. */
export const SIDE_TIMESTAMPS = 0x0800_0000
/** The timestamp in the SYN of this side was 0, and its first segment's takes its place. */
export const SIDE_TIMESTAMP_ZERO = 0x1000_0000
/** Data this side sent was dropped after it had been delivered: WITHHELD is set. */
export const SIDE_WITHHELD = 0x0400_0000
