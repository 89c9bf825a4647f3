/**
 * Modbus over TCP (MODBUS Messaging on TCP/IP Implementation Guide 1.0b): requests and responses out of a stream.
 *
 * In: in-order bytes. Out: one message per application data unit; the facts hold its unit and function, the protocol's
 * buffer what follows the function. Bounded: one message (64 KiB, as long as its length field can say) per direction.
 */
import { BUF } from '../inspect/buffers.js'
import type { Direction } from '../inspect/unit.js'
import { readBig16 } from '../service/patterns.js'
import { FACTS, type ProtocolFacts } from './facts.js'
import { type FrameFormat, FrameParser } from './frames.js'
import type { MessageListener } from './message-parser.js'

/** Transaction, protocol and length, which the length field does not count. */
const UNCOUNTED = 6
/** Up to the function. */
const HEADER = 8

export const MODBUS_FRAME: FrameFormat = {
  header: UNCOUNTED,
  longest: UNCOUNTED + 0xffff,
  length(bytes, start) {
    const counted = readBig16(bytes, start + 4)
    return readBig16(bytes, start + 2) === 0 && counted >= HEADER - UNCOUNTED ? UNCOUNTED + counted : -1
  },
}

/** Longest application data unit of the specification. */
const LONGEST = 260
const MODBUS_PORT = 502

/**
 * A whole request or response. On other ports than its own, what is sent must be one of the common functions whose
 * length says so, because two zero bytes and a length are not much to go by.
 */
export function looksLikeModbus(
  bytes: Uint8Array,
  start: number,
  end: number,
  request: boolean,
  port: number,
): boolean {
  if (end - start < HEADER) return false
  const length = MODBUS_FRAME.length(bytes, start)
  if (length < 0 || length > LONGEST || length > end - start) return false
  if (port === MODBUS_PORT) return true
  return request && length === end - start && isRequest(bytes, start, length)
}

function isRequest(bytes: Uint8Array, start: number, length: number): boolean {
  const code = bytes[start + 7]!
  if (code >= 1 && code <= 6) return length === HEADER + 4
  if (code !== 15 && code !== 16) return false
  return length >= HEADER + 5 && length === HEADER + 5 + bytes[start + HEADER + 4]!
}

export class ModbusConnection extends FrameParser {
  constructor() {
    super(MODBUS_FRAME)
  }

  protected frame<Flow>(
    flow: Flow,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
    facts: ProtocolFacts,
    listener: MessageListener<Flow>,
  ): void {
    facts.kind = FACTS.MODBUS
    facts.unit = bytes[start + 6]!
    facts.code = bytes[start + 7]!
    listener.message(flow, direction, bytes, start, end, BUF.MODBUS_DATA, bytes, start + HEADER, end)
  }
}
