/**
 * DCE/RPC (C706 chapter 12), connection-oriented: bytes of one connection in, requests and responses out.
 *
 * In: in-order bytes of both directions, from a TCP stream or from the reads and writes of a named pipe. Out: one call of
 * the listener per request or response, fragments put together, with interface, operation and stub data. Interfaces are
 * learned from bind and alter-context. Bounded: one PDU and one request per direction, 64 KiB each; 128 contexts.
 */
import { copyBytes } from '../inspect/copy.js'
import type { Direction } from '../inspect/unit.js'
import { TO_SERVER } from '../inspect/unit.js'
import { looksLikeDce } from '../service/binary.js'
import { FACTS, type ProtocolFacts } from './facts.js'

const HEADER = 16
/** Header of a request or response, up to the stub. */
const CALL_HEADER = 24
const UUID = 16
const PTYPE = { REQUEST: 0, RESPONSE: 2, BIND: 11, BIND_ACK: 12, ALTER: 14, ALTER_ACK: 15 } as const
const FIRST_FRAGMENT = 1
const LAST_FRAGMENT = 2
const HAS_OBJECT = 0x80
const MAX_CONTEXTS = 128
/** Stub data of one request; what is beyond is not looked at. */
const MAX_STUB = 65_536

export interface DceListener<Flow> {
  /** `bytes[start, end)`: the PDU, or header and stub of several; `stub`: where the stub data begin. Facts are set. */
  dceCall(flow: Flow, direction: Direction, bytes: Uint8Array, start: number, end: number, stub: number): void
}

interface Context {
  readonly uuid: Uint8Array
  readonly version: number
}

class DceSide {
  /** Part of a PDU. */
  held: Uint8Array | undefined
  length = 0
  lost = false
  /** Header and stub of a request whose last fragment has not come. */
  call: Uint8Array | undefined
  callLength = 0
}

function read16(bytes: Uint8Array, at: number, little: boolean): number {
  return little ? bytes[at]! | (bytes[at + 1]! << 8) : (bytes[at]! << 8) | bytes[at + 1]!
}

/** A UUID in the byte order of its text form. */
function readUuid(bytes: Uint8Array, at: number, little: boolean, into: Uint8Array): void {
  for (let i = 0; i < UUID; i++) into[i] = bytes[at + i]!
  if (!little) return
  into[0] = bytes[at + 3]!
  into[1] = bytes[at + 2]!
  into[2] = bytes[at + 1]!
  into[3] = bytes[at]!
  into[4] = bytes[at + 5]!
  into[5] = bytes[at + 4]!
  into[6] = bytes[at + 7]!
  into[7] = bytes[at + 6]!
}

export class DceConnection {
  readonly #sides = [new DceSide(), new DceSide()] as const
  readonly #contexts = new Map<number, Context>()
  /** Contexts of the last bind, in order, waiting for the answer. */
  #proposed: number[] = []
  #opnum = -1
  #context = 0

  gap(direction: Direction): void {
    const side = this.#sides[direction]
    side.length = 0
    side.callLength = 0
    side.lost = true
  }

  /** @param turn a message may begin here even when the bytes before it did not parse */
  feed<Flow>(
    flow: Flow,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
    turn: boolean,
    facts: ProtocolFacts,
    listener: DceListener<Flow>,
  ): void {
    const side = this.#sides[direction]
    if (turn && side.lost) {
      side.lost = false
      side.length = 0
    }
    let at = start
    while (at < end && !side.lost) {
      if (side.length === 0) {
        const length = dcePduLength(bytes, at, end)
        if (length < 0) {
          side.lost = true
          return
        }
        if (length > 0 && length <= end - at) {
          this.#pdu(flow, direction, side, bytes, at, at + length, facts, listener)
          at += length
          continue
        }
      }
      at = this.#hold(side, bytes, at, end)
      if (side.length < HEADER) return
      const held = side.held!
      const length = dcePduLength(held, 0, side.length)
      if (length < 0) {
        side.lost = true
        return
      }
      if (side.length < length) return
      side.length = 0
      this.#pdu(flow, direction, side, held, 0, length, facts, listener)
    }
  }

  /** Takes bytes up to the end of the PDU, or of its header while that is not complete. */
  #hold(side: DceSide, bytes: Uint8Array, start: number, end: number): number {
    let need = HEADER
    if (side.length >= HEADER) need = dcePduLength(side.held!, 0, side.length)
    let take = Math.min(end - start, need - side.length)
    side.held = grow(side.held, side.length + take)
    copyBytes(side.held, side.length, bytes, start, start + take)
    side.length += take
    if (side.length !== HEADER || need !== HEADER) return start + take
    const whole = dcePduLength(side.held, 0, HEADER)
    if (whole <= HEADER) return start + take
    const more = Math.min(end - start - take, whole - HEADER)
    side.held = grow(side.held, HEADER + more)
    copyBytes(side.held, HEADER, bytes, start + take, start + take + more)
    side.length += more
    take += more
    return start + take
  }

  #pdu<Flow>(
    flow: Flow,
    direction: Direction,
    side: DceSide,
    bytes: Uint8Array,
    start: number,
    end: number,
    facts: ProtocolFacts,
    listener: DceListener<Flow>,
  ): void {
    const type = bytes[start + 2]!
    const little = bytes[start + 4] === 0x10
    if (type === PTYPE.BIND || type === PTYPE.ALTER) this.#bind(bytes, start, end, little)
    else if (type === PTYPE.BIND_ACK || type === PTYPE.ALTER_ACK) this.#answer(bytes, start, end, little)
    else if (type === PTYPE.REQUEST || type === PTYPE.RESPONSE) {
      this.#call(flow, direction, side, bytes, start, end, facts, listener)
    }
  }

  #bind(bytes: Uint8Array, start: number, end: number, little: boolean): void {
    let at = start + 24
    if (at + 4 > end) return
    const count = bytes[at]!
    at += 4
    this.#proposed = []
    for (let i = 0; i < count && at + 24 <= end; i++) {
      const id = read16(bytes, at, little)
      const transfers = bytes[at + 2]!
      const uuid = new Uint8Array(UUID)
      readUuid(bytes, at + 4, little, uuid)
      if (this.#contexts.size < MAX_CONTEXTS || this.#contexts.has(id)) {
        this.#contexts.set(id, { uuid, version: read16(bytes, at + 20, little) })
        this.#proposed.push(id)
      }
      at += 24 + transfers * 20
    }
  }

  /** Contexts the server refused are not bound. */
  #answer(bytes: Uint8Array, start: number, end: number, little: boolean): void {
    let at = start + 24
    if (at + 2 > end) return
    at += 2 + read16(bytes, at, little)
    at = start + ((at - start + 3) & ~3)
    if (at + 4 > end) return
    const count = bytes[at]!
    at += 4
    for (let i = 0; i < count && i < this.#proposed.length && at + 24 <= end; i++) {
      if (read16(bytes, at, little) !== 0) this.#contexts.delete(this.#proposed[i]!)
      at += 24
    }
    this.#proposed = []
  }

  #call<Flow>(
    flow: Flow,
    direction: Direction,
    side: DceSide,
    bytes: Uint8Array,
    start: number,
    end: number,
    facts: ProtocolFacts,
    listener: DceListener<Flow>,
  ): void {
    if (end - start < CALL_HEADER) return
    const flags = bytes[start + 3]!
    const little = bytes[start + 4] === 0x10
    let stub = start + CALL_HEADER
    const request = direction === TO_SERVER
    if (request) {
      this.#context = read16(bytes, start + 20, little)
      this.#opnum = read16(bytes, start + 22, little)
      if ((flags & HAS_OBJECT) !== 0) stub += UUID
    } else this.#context = read16(bytes, start + 20, little)
    const stubEnd = Math.max(stub, end - trailer(bytes, start, end, little))
    if (stub > end) return
    const context = this.#contexts.get(this.#context)
    // Without its bind a call says nothing.
    if (context === undefined) return
    const first = (flags & FIRST_FRAGMENT) !== 0
    const last = (flags & LAST_FRAGMENT) !== 0
    this.#fill(facts, context, little)
    if (first && last) {
      listener.dceCall(flow, direction, bytes, start, stubEnd, stub)
      return
    }
    if (first) {
      side.call = grow(side.call, CALL_HEADER)
      copyBytes(side.call, 0, bytes, start, start + CALL_HEADER)
      side.callLength = CALL_HEADER
    } else if (side.callLength === 0) return
    const room = CALL_HEADER + MAX_STUB - side.callLength
    const take = Math.min(room, stubEnd - stub)
    side.call = grow(side.call, side.callLength + take)
    copyBytes(side.call, side.callLength, bytes, stub, stub + take)
    side.callLength += take
    if (!last) return
    const length = side.callLength
    side.callLength = 0
    listener.dceCall(flow, direction, side.call, 0, length, CALL_HEADER)
  }

  #fill(facts: ProtocolFacts, context: Context, little: boolean): void {
    facts.kind = FACTS.DCE
    facts.dceLittleEndian = little
    facts.dceOpnum = this.#opnum
    facts.dceFirst = true
    facts.dceInterface.set(context.uuid)
    facts.dceVersion = context.version
  }
}

/** Bytes of authentication data behind the stub: padding, trailer and verifier. */
function trailer(bytes: Uint8Array, start: number, end: number, little: boolean): number {
  const length = read16(bytes, start + 10, little)
  if (length === 0) return 0
  const at = end - length - 8
  if (at < start + CALL_HEADER) return 0
  return length + 8 + bytes[at + 2]!
}

/** Length of the PDU that begins at `start`; 0: not enough bytes to tell; -1: no PDU begins there. */
export function dcePduLength(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < HEADER) return bytes[start] === 5 ? 0 : -1
  if (!looksLikeDce(bytes, start, end)) return -1
  return read16(bytes, start + 8, bytes[start + 4] === 0x10)
}

function grow(bytes: Uint8Array | undefined, size: number): Uint8Array {
  if (bytes !== undefined && bytes.length >= size) return bytes
  const larger = new Uint8Array(Math.max(size, Math.min(65_536 + CALL_HEADER, (bytes?.length ?? 256) * 2)))
  if (bytes !== undefined) larger.set(bytes)
  return larger
}

const CL_HEADER = 80
const CL_REQUEST = 0
const CL_RESPONSE = 2

/** A connectionless request or response: fills the facts; returns where the stub data begin, or -1. */
export function readDceDatagram(facts: ProtocolFacts, bytes: Uint8Array, start: number, end: number): number {
  if (end - start < CL_HEADER) return -1
  const type = bytes[start + 1]!
  if (type !== CL_REQUEST && type !== CL_RESPONSE) return -1
  const little = bytes[start + 4] === 0x10
  readUuid(bytes, start + 24, little, facts.dceInterface)
  facts.kind = FACTS.DCE
  facts.dceLittleEndian = little
  facts.dceVersion = read16(bytes, start + (little ? 60 : 62), little)
  facts.dceOpnum = read16(bytes, start + 68, little)
  facts.dceFirst = read16(bytes, start + 76, little) === 0
  return start + CL_HEADER
}
