/**
 * DNP3 (IEEE 1815): link-layer frames in, application-layer fragments out.
 *
 * In: in-order bytes of a TCP connection, or the datagrams of a UDP flow. Out: one message per fragment, put together
 * from transport segments with the checksums taken out; the facts hold its function, internal indications and first
 * object. Checksums are not verified, as in Snort's default. Bounded: one frame (292 bytes) and one fragment (2 KiB)
 * per direction.
 */
import { BUF } from '../inspect/buffers.js'
import { type Direction, TO_SERVER } from '../inspect/unit.js'
import { FACTS, type ProtocolFacts } from './facts.js'
import { type FrameFormat, FrameParser } from './frames.js'
import type { MessageListener } from './message-parser.js'

/** Start bytes, length, control, destination, source, checksum. */
const LINK_HEADER = 10
/** Octets that the length field counts before the user data: control and the two addresses. */
const COUNTED = 5
const BLOCK = 16
const CHECKSUM = 2
const LONGEST_FRAME = 292
/** User data of one frame. */
const MAX_USER_DATA = 250
const MAX_FRAGMENT = 2048
const FIRST = 0x40
const FINAL = 0x80
const SEQUENCE = 0x3f
/** Application control and function; responses have two octets of internal indications behind them. */
const REQUEST_HEADER = 2
const RESPONSE_HEADER = 4

export const DNP3_FRAME: FrameFormat = {
  header: 3,
  longest: LONGEST_FRAME,
  length(bytes, start) {
    if (bytes[start] !== 0x05 || bytes[start + 1] !== 0x64 || bytes[start + 2]! < COUNTED) return -1
    const data = bytes[start + 2]! - COUNTED
    return LINK_HEADER + data + CHECKSUM * Math.ceil(data / BLOCK)
  },
}

/** A frame begins here: what DNP3 is recognised by. */
export function looksLikeDnp3(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < LINK_HEADER) return false
  return DNP3_FRAME.length(bytes, start) > 0 && DNP3_FRAME.length(bytes, start) <= end - start
}

class Side {
  /** Transport segments of a fragment so far; absent before the first frame with user data. */
  fragment: Uint8Array | undefined
  length = 0
  assembling = false
  sequence = 0
}

export class Dnp3Connection extends FrameParser {
  readonly #sides = [new Side(), new Side()] as const
  readonly #userData = new Uint8Array(MAX_USER_DATA)

  constructor() {
    super(DNP3_FRAME)
  }

  override gap(direction: Direction): void {
    super.gap(direction)
    this.#sides[direction].assembling = false
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
    const side = this.#sides[direction]
    if (!this.#assemble(side, bytes, start, end)) return
    const fragment = side.fragment!
    if (!readApplication(facts, direction, fragment, side.length)) return
    listener.message(flow, direction, bytes, start, end, BUF.DNP3_DATA, fragment, 0, side.length)
  }

  /** Adds the user data of a frame to the fragment; true when that is complete. */
  #assemble(side: Side, bytes: Uint8Array, start: number, end: number): boolean {
    const data = this.#userData
    let length = 0
    for (let at = start + LINK_HEADER; at < end - CHECKSUM; at += BLOCK + CHECKSUM) {
      const stop = Math.min(at + BLOCK, end - CHECKSUM)
      for (let i = at; i < stop; i++) data[length++] = bytes[i]!
    }
    if (length === 0) return false
    const transport = data[0]!
    if ((transport & FIRST) !== 0) {
      side.assembling = true
      side.length = 0
    } else if (!side.assembling) return false
    else if ((transport & SEQUENCE) !== ((side.sequence + 1) & SEQUENCE)) {
      // A repeated last segment ends the fragment without adding to it.
      if ((transport & SEQUENCE) !== side.sequence || (transport & FINAL) === 0) return false
      length = 1
    }
    side.sequence = transport & SEQUENCE
    side.fragment ??= new Uint8Array(MAX_FRAGMENT)
    const { fragment } = side
    const take = Math.min(length - 1, MAX_FRAGMENT - side.length)
    for (let i = 0; i < take; i++) fragment[side.length + i] = data[1 + i]!
    side.length += take
    if ((transport & FINAL) === 0) return false
    side.assembling = false
    return true
  }
}

/** Function, indications and first object of a fragment; false when it is too short to have a function. */
function readApplication(
  facts: ProtocolFacts,
  direction: Direction,
  bytes: Uint8Array,
  length: number,
): boolean {
  const request = direction === TO_SERVER
  const header = request ? REQUEST_HEADER : RESPONSE_HEADER
  if (length < header) return false
  facts.kind = FACTS.DNP3
  facts.code = bytes[1]!
  facts.indications = request ? 0 : (bytes[2]! << 8) | bytes[3]!
  const object = length >= header + 3
  facts.objectGroup = object ? bytes[header]! : -1
  facts.objectVariation = object ? bytes[header + 1]! : -1
  return true
}
