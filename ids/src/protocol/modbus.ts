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
import { FrameCutter, type FrameFormat } from './frames.js'
import type { MessageListener, MessageParser } from './message-parser.js'

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

export class ModbusConnection implements MessageParser {
  readonly #sides = [new FrameCutter(MODBUS_FRAME), new FrameCutter(MODBUS_FRAME)] as const

  gap(direction: Direction): void {
    this.#sides[direction].lose()
  }

  feed<Flow>(
    flow: Flow,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
    turn: boolean,
    facts: ProtocolFacts,
    listener: MessageListener<Flow>,
  ): void {
    const cutter = this.#sides[direction]
    if (turn && cutter.lost) cutter.resume()
    for (let at = start; at < end && !cutter.lost; ) {
      at = cutter.take(bytes, at, end)
      if (!cutter.whole) continue
      const whole = cutter.bytes
      const first = cutter.start
      facts.kind = FACTS.MODBUS
      facts.unit = whole[first + 6]!
      facts.code = whole[first + 7]!
      const data = first + HEADER
      listener.message(flow, direction, whole, first, cutter.end, BUF.MODBUS_DATA, whole, data, cutter.end)
    }
  }
}
