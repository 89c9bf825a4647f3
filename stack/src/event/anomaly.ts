/**
 * Anomalies of connections: ON_ANOMALY's codes, which are the sids of Snort's stream_tcp events (gid 129), and the codes
 * of ON_ERROR. Both events take their text from here. Read by applications; raised by the TCP tracker and the stack.
 */

/** gid of the Snort events that anomaly codes are the sids of. */
export const ANOMALY_GID = 129

/** Codes of ON_ANOMALY: Snort 3's sids with gid 129, which Snort 2.9's stream5 shares up to 20. */
export const ANOMALY = {
  SYN_ON_ESTABLISHED: 1,
  DATA_ON_SYN: 2,
  DATA_ON_CLOSED: 3,
  BAD_TIMESTAMP: 4,
  BAD_SEGMENT: 5,
  WINDOW_TOO_LARGE: 6,
  EXCESSIVE_OVERLAP: 7,
  DATA_AFTER_RST: 8,
  CLIENT_HIJACKED: 9,
  SERVER_HIJACKED: 10,
  DATA_WITHOUT_FLAGS: 11,
  SMALL_SEGMENTS: 12,
  FOUR_WAY_HANDSHAKE: 13,
  NO_TIMESTAMP: 14,
  BAD_RST: 15,
  BAD_FIN: 16,
  BAD_ACK: 17,
  DATA_AFTER_RST_RECEIVED: 18,
  WINDOW_SLAM: 19,
  NO_HANDSHAKE: 20,
} as const
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
  /** `retention.totalBytes` reached: bytes were delivered, but not kept for peek(). */
  RETENTION_LIMIT: 8,
} as const
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
])
