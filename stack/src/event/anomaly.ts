/**
 * Anomalies of connections: ON_ANOMALY's codes, which are the sids of Snort's stream_tcp events (gid 129), and the codes
 * of ON_ERROR. Both events take their text from here. Read by applications; raised by the TCP tracker and the stack.
 */

/** gid of the Snort events that anomaly codes are the sids of. */
export const ANOMALY_GID = 129

/**
 * Codes of ON_ANOMALY: Snort 3's sids with gid 129, which Snort 2.9's stream5 shares up to 20. WINDOW_TOO_LARGE,
 * EXCESSIVE_OVERLAP and SMALL_SEGMENTS need their limits in the stack's `tcp` options; BAD_SEGMENT and EXCESSIVE_OVERLAP
 * are seen in streams that are reassembled.
 */
export const ANOMALY = {
  /** A SYN on an established connection. */
  SYN_ON_ESTABLISHED: 1,
  /** A SYN carries data. */
  DATA_ON_SYN: 2,
  /** Data from a side that has sent its FIN, or to one that takes none. */
  DATA_ON_CLOSED: 3,
  /** A time stamp older than the last one accepted (PAWS, RFC 7323). */
  BAD_TIMESTAMP: 4,
  /** Other bytes for a place in the stream where queued ones stay: nothing of the segment is used. */
  BAD_SEGMENT: 5,
  /** A window larger than the limit. */
  WINDOW_TOO_LARGE: 6,
  /** More overlapping segments than the limit. */
  EXCESSIVE_OVERLAP: 7,
  /** Data from the side that has sent an RST. */
  DATA_AFTER_RST: 8,
  /** The client's Ethernet address has changed. Told once per change. */
  CLIENT_HIJACKED: 9,
  /** The server's Ethernet address has changed. */
  SERVER_HIJACKED: 10,
  /** Data in a segment without any flags. */
  DATA_WITHOUT_FLAGS: 11,
  /** More small segments in a row than the limit. */
  SMALL_SEGMENTS: 12,
  /** Both sides have sent a SYN (simultaneous open). */
  FOUR_WAY_HANDSHAKE: 13,
  /** No time stamp, though both sides agreed on time stamps. */
  NO_TIMESTAMP: 14,
  /** An RST outside the window, or not at the expected number. */
  BAD_RST: 15,
  /** A FIN at another place than the one before. */
  BAD_FIN: 16,
  /** An acknowledgement beyond the FIN. */
  BAD_ACK: 17,
  /** Data from the side that has received an RST, or in an RST. */
  DATA_AFTER_RST_RECEIVED: 18,
  /** The client's window is at most 4 bytes from the start: the server is to hold its data. */
  WINDOW_SLAM: 19,
  /** A connection whose handshake was not seen. */
  NO_HANDSHAKE: 20,
} as const
/** One of them. */
export type AnomalyCode = (typeof ANOMALY)[keyof typeof ANOMALY]

/** Text of each anomaly, indexed by code. */
export const ANOMALY_TEXT: readonly string[] = Object.freeze([
  '',
  'SYN on established session',
  'data on SYN packet',
  'data sent on stream not accepting data',
  'TCP timestamp is outside of PAWS window',
  'bad segment, adjusted size <= 0',
  'window size (after scaling) larger than policy allows',
  'limit on number of overlapping TCP packets reached',
  'data sent on stream after TCP reset sent',
  'TCP client possibly hijacked, different ethernet address',
  'TCP server possibly hijacked, different ethernet address',
  'TCP data with no TCP flags set',
  'consecutive TCP small segments exceeding threshold',
  '4-way handshake detected',
  'TCP timestamp is missing',
  'reset outside window',
  'FIN number is greater than prior FIN',
  'ACK number is greater than prior FIN',
  'data sent on stream after TCP reset received',
  'TCP window closed before receiving data',
  'TCP session without 3-way handshake',
])

/** Codes of ON_ERROR: why something of a flow was not used, or given up. */
export const STREAM_ERROR = {
  /** Data beyond the receiver's window, or an acknowledgement far from anything sent: not used. */
  OUT_OF_WINDOW: 1,
  /** An RST that is not at the expected number (RFC 5961): not obeyed. */
  RST_IGNORED: 2,
  /** A SYN or SYN+ACK that contradicts the connection: not used. */
  SYN_IGNORED: 3,
  /** A FIN that contradicts an earlier one, or data already seen: not used. */
  FIN_IGNORED: 4,
  /** `outOfOrder.sideBytes` reached: the oldest hole is given up. */
  HELD_BYTES_LIMIT: 5,
  /** `outOfOrder.sideSegments` reached: likewise. */
  HELD_SEGMENTS_LIMIT: 6,
  /** `outOfOrder.totalBytes` reached: likewise. */
  HELD_TOTAL_LIMIT: 7,
  /** `retention.totalBytes` or a limit of `memory` reached: bytes were delivered, but not kept for peek(). */
  RETENTION_LIMIT: 8,
  /** `memory.flowBytes` reached: the oldest hole is given up. */
  FLOW_MEMORY_LIMIT: 9,
  /** `memory.totalBytes` reached: likewise. */
  MEMORY_LIMIT: 10,
} as const
/** One of them. */
export type StreamErrorCode = (typeof STREAM_ERROR)[keyof typeof STREAM_ERROR]

/** Text of each error, indexed by code. */
export const STREAM_ERROR_TEXT: readonly string[] = Object.freeze([
  '',
  'data or acknowledgement outside the window',
  'reset not at the expected sequence number',
  'SYN contradicts the connection',
  'FIN contradicts the connection',
  'limit of held bytes per side reached',
  'limit of held segments per side reached',
  'memory for held data exhausted',
  'memory for retained data exhausted',
  'memory for the flow exhausted',
  'memory for all flows exhausted',
])
