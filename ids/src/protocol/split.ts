/**
 * Where the messages of a turn end, for protocols whose messages tell their own length. Each is then inspected by
 * itself, as it is in Snort, so that what a rule says of the beginning of a message (offset, depth) holds for every one
 * of several that are sent without waiting for an answer.
 *
 * In: the bytes of a turn. Out: the end of its first message. ONC RPC records in several fragments are joined, as
 * Snort's rpc_decode does.
 */
import { copyBytes } from '../inspect/copy.js'
import { SERVICE, type ServiceId } from '../inspect/unit.js'
import { readBig16 } from '../service/patterns.js'
import { dcePduLength } from './dce.js'
import { DNP3_FRAME } from './dnp3.js'
import type { FrameFormat } from './frames.js'
import { IEC104_FRAME } from './iec104.js'
import { MODBUS_FRAME } from './modbus.js'
import { sipLength } from './sip.js'

/** A NetBIOS session header, a record mark. */
const MARK = 4
const LAST_FRAGMENT = 0x80
/** Joined records that are longer are inspected as they came. */
const MAX_RECORD = 65_536
/** Record marks looked at in one record. */
const MAX_FRAGMENTS = 4096

export function hasMessages(service: ServiceId): boolean {
  switch (service) {
    case SERVICE.NETBIOS_SSN:
    case SERVICE.DCERPC:
    case SERVICE.SUNRPC:
    case SERVICE.DNS:
    case SERVICE.DNP3:
    case SERVICE.MODBUS:
    case SERVICE.IEC104:
    case SERVICE.SIP:
      return true
    default:
      return false
  }
}

/** End of the message that begins at `start`; `end` when it is not whole, or no message begins there. */
export function messageEnd(service: ServiceId, bytes: Uint8Array, start: number, end: number): number {
  const length = messageLength(service, bytes, start, end)
  return length <= 0 || length > end - start ? end : start + length
}

/** Bytes of the message that begins at `start`; 0 or less when they are not known, more than there are when it is not whole. */
export function messageLength(service: ServiceId, bytes: Uint8Array, start: number, end: number): number {
  switch (service) {
    case SERVICE.NETBIOS_SSN:
      return end - start < MARK ? -1 : MARK + ((bytes[start + 1]! << 16) | readBig16(bytes, start + 2))
    case SERVICE.DCERPC:
      return dcePduLength(bytes, start, end)
    case SERVICE.SUNRPC:
      return recordEnd(bytes, start, end) - start
    case SERVICE.DNS:
      return end - start < 2 ? -1 : 2 + readBig16(bytes, start)
    case SERVICE.DNP3:
      return framed(DNP3_FRAME, bytes, start, end)
    case SERVICE.MODBUS:
      return framed(MODBUS_FRAME, bytes, start, end)
    case SERVICE.IEC104:
      return framed(IEC104_FRAME, bytes, start, end)
    case SERVICE.SIP:
      return sipLength(bytes, start, end)
    default:
      return -1
  }
}

function framed(format: FrameFormat, bytes: Uint8Array, start: number, end: number): number {
  return end - start < format.header ? -1 : format.length(bytes, start)
}

function fragmentLength(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! & 0x7f) << 24) | (bytes[at + 1]! << 16) | readBig16(bytes, at + 2)
}

/** Behind the last fragment of the record at `start`; beyond `end` when it is not whole. */
function recordEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = start
  for (let i = 0; i < MAX_FRAGMENTS && at + MARK <= end; i++) {
    const last = (bytes[at]! & LAST_FRAGMENT) !== 0
    at += MARK + fragmentLength(bytes, at)
    if (last || at > end) return at
  }
  return end + 1
}

/** ONC RPC records in one piece. One per worker; the bytes are valid until the next call. */
export class RecordJoiner {
  bytes = new Uint8Array(0)
  end = 0

  /** True when `[start, end)` is a record in several fragments, which have been joined behind one mark. */
  join(bytes: Uint8Array, start: number, end: number): boolean {
    if ((bytes[start]! & LAST_FRAGMENT) !== 0 || end - start > MAX_RECORD) return false
    if (recordEnd(bytes, start, end) !== end) return false
    if (this.bytes.length === 0) this.bytes = new Uint8Array(MAX_RECORD)
    let length = MARK
    for (let at = start; at + MARK <= end; ) {
      const stop = Math.min(end, at + MARK + fragmentLength(bytes, at))
      copyBytes(this.bytes, length, bytes, at + MARK, stop)
      length += stop - at - MARK
      at = stop
    }
    const counted = length - MARK
    this.bytes[0] = LAST_FRAGMENT | (counted >> 24)
    this.bytes[1] = counted >> 16
    this.bytes[2] = counted >> 8
    this.bytes[3] = counted
    this.end = length
    return true
  }
}
