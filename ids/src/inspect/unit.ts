/**
 * An inspection unit: the bytes on which rules are evaluated at one moment.
 *
 * In: made by the HTTP inspector (one message, or a window of a long one), by the raw-stream inspector (the data of one
 * turn, in windows of 24 KiB with 8 KiB of look-back) and from single packets.
 * Out: handed to detection through `UnitSink.inspect`, valid during that call only.
 */
import type { AlertHttp } from '../output/alert.js'
import type { BufferId, BufferSet } from './buffers.js'
import type { HttpNumber, HttpPart } from './http-part.js'

export const TO_SERVER = 0
export const TO_CLIENT = 1
/** Direction of travel of the bytes of a unit. */
export type Direction = typeof TO_SERVER | typeof TO_CLIENT

/** Application protocols told apart by content. Dense from 0, so they index arrays. */
export const SERVICE = {
  UNKNOWN: 0,
  HTTP: 1,
  SSL: 2,
  SMTP: 3,
  FTP: 4,
  POP3: 5,
  IMAP: 6,
  SSH: 7,
  DNS: 8,
  SIP: 9,
  NETBIOS_SSN: 10,
  DCERPC: 11,
  TELNET: 12,
  FTP_DATA: 13,
  IRC: 14,
  SUNRPC: 15,
  HTTP2: 16,
  DNP3: 17,
  MODBUS: 18,
  IEC104: 19,
} as const
export type ServiceId = (typeof SERVICE)[keyof typeof SERVICE]

/** Snort's name of each service, indexed by `ServiceId`. */
export const SERVICE_NAMES: readonly string[] = [
  'unknown',
  'http',
  'ssl',
  'smtp',
  'ftp',
  'pop3',
  'imap',
  'ssh',
  'dns',
  'sip',
  'netbios-ssn',
  'dcerpc',
  'telnet',
  'ftp-data',
  'irc',
  'sunrpc',
  'http2',
  'dnp3',
  'modbus',
  'iec104',
]

export const SERVICE_COUNT = SERVICE_NAMES.length

/** Other names rules use. */
const ALIASES: Readonly<Record<string, ServiceId>> = { tls: SERVICE.SSL, smb: SERVICE.NETBIOS_SSN }

/** The service a rule names (lower case); undefined for one that is never recognised by content. */
export function serviceByName(name: string): ServiceId | undefined {
  const index = SERVICE_NAMES.indexOf(name)
  return index > 0 ? (index as ServiceId) : ALIASES[name]
}

export const UNIT = {
  /** One packet's payload (possibly empty), for rules that ask for packet properties, and for UDP, ICMP and IP. */
  PACKET: 0,
  /** Contiguous data of one turn of a TCP stream whose service is not HTTP (or not known). */
  STREAM: 1,
  HTTP_REQUEST: 2,
  HTTP_RESPONSE: 3,
  /** One message of a protocol with messages inside a TCP stream (DCE/RPC), for rules that ask about such messages. */
  PDU: 4,
  /** A window of a file carried by mail, with what surrounds it as packet data; for rules that look at file data. */
  FILE: 5,
} as const
export type UnitKind = (typeof UNIT)[keyof typeof UNIT]

/**
 * A message or turn is inspected once when it is complete, or in several windows when it is longer than one window.
 * `sequence` counts the windows of the same message from 0; `last` is true for its final window. Rules whose fast
 * pattern was seen in an earlier window of the same message stay candidates for the later ones.
 */
export interface InspectionUnit {
  readonly kind: UnitKind
  direction: Direction
  /** `direction` and ports count from the other end: the flow's client is the server of its protocol (FTP data). */
  swapped: boolean
  /** No contents are looked for (encrypted data); rules that ask for none are evaluated. */
  opaque: boolean
  /** UNKNOWN until detection has looked at the bytes (stream units). */
  service: ServiceId
  readonly buffers: BufferSet
  readonly sequence: number
  readonly last: boolean
  /** Owned by detection: rule indices still waiting for a later window of this message, and those that have fired. */
  pending: Int32Array | null
  /** Segments that have brought the turn, of a stream unit; of any other unit 1. */
  readonly pieces: number
  /**
   * Host, URL, user agent, method and status for the outputs, made on demand (a response: those of the request it
   * answers); undefined when the unit is not HTTP. Absent on units that are not made by the stream inspectors.
   */
  http?(): AlertHttp | undefined
  /** Makes a slot of `buffers` the part of the message (or of the request it answers). False: there is none. */
  fillPart?(part: HttpPart, slot: BufferId): boolean
  /** A number about the message's head, or about that of the request it answers; -1: there is none. */
  headNumber?(what: HttpNumber, ofRequest: boolean): number
}

export interface UnitSink<Flow> {
  inspect(flow: Flow, unit: InspectionUnit): void
  /**
   * Of a turn that is longer than a window: the end of the last whole message or command in its first window
   * `bytes[start, end)`, up to which it may be inspected as a turn of its own; `start` when there is none, or in doubt.
   */
  endOfMessages?(flow: Flow, direction: Direction, bytes: Uint8Array, start: number, end: number): number
  /**
   * An inspector has found something by itself: Snort's numbers of it, and the bytes `[start, end)` it is about (valid
   * during the call). Called only when the context's needs say that events are wanted.
   */
  event?(
    flow: Flow,
    direction: Direction,
    service: ServiceId,
    gid: number,
    sid: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void
}
