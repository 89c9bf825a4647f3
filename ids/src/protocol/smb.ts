/**
 * SMB over TCP: finds the named-pipe data that carry DCE/RPC, and the data of files read and written.
 *
 * In: in-order bytes of both directions. Out: pipe data to one `DceConnection` per open pipe; file data to the listener.
 * SMB 1: WriteAndX, ReadAndX and TransactNmPipe (MS-CIFS section 2.2.4); SMB 2 and 3: WRITE, READ and the pipe control
 * FSCTL_PIPE_TRANSCEIVE (MS-SMB2 sections 2.2.19 to 2.2.32). Bounded: 64 KiB of a message are looked at, 64 pipes and 64
 * outstanding requests are remembered, the oldest being forgotten first.
 */
import { SMB_EVENT, SMB_GID } from '../builtin/index.js'
import { copyBytes } from '../inspect/copy.js'
import type { Direction } from '../inspect/unit.js'
import { TO_SERVER } from '../inspect/unit.js'
import { looksLikeDce } from '../service/binary.js'
import { readBig32 } from '../service/patterns.js'
import { DceConnection, type DceListener } from './dce.js'
import type { ProtocolFacts } from './facts.js'
import type { MessageListener } from './message-parser.js'

const NBSS_HEADER = 4
/** Of one message; the rest of a longer one is skipped. */
const MAX_MESSAGE = 65_536 + 1024
const MAX_PIPES = 64
const MAX_REQUESTS = 64
const SMB1 = 0xff534d42
const SMB2 = 0xfe534d42

const SMB1_COMMAND = { WRITE: 0x0b, TRANSACTION: 0x25, READ_ANDX: 0x2e, WRITE_ANDX: 0x2f } as const
const SMB1_HEADER = 32
const SMB1_FLAGS = 9
const SMB1_REPLY = 0x80
/** Bytes that tell a message of SMB 1 and its direction. */
const SMB1_JUDGED = NBSS_HEADER + SMB1_FLAGS + 1
const TRANSACT_NMPIPE = 0x26

const SMB2_COMMAND = { READ: 8, WRITE: 9, IOCTL: 11 } as const
const SMB2_HEADER = 64
const FSCTL_PIPE_TRANSCEIVE = 0x0011c017

export interface SmbListener<Flow> extends DceListener<Flow>, Pick<MessageListener<Flow>, 'event'> {
  /** Data of a file that is no pipe. */
  fileData(flow: Flow, direction: Direction, bytes: Uint8Array, start: number, end: number): void
}

class SmbSide {
  held: Uint8Array | undefined
  length = 0
  /** Bytes of a message that is not looked at any further. */
  skip = 0
  lost = false
}

export class SmbConnection {
  readonly #sides = [new SmbSide(), new SmbSide()] as const
  readonly #pipes = new Map<string, DceConnection>()
  /** Which pipe a request was for, by message id. */
  readonly #requests = new Map<string, string>()

  gap(direction: Direction): void {
    const side = this.#sides[direction]
    side.length = 0
    side.skip = 0
    side.lost = true
    for (const pipe of this.#pipes.values()) pipe.gap(direction)
  }

  feed<Flow>(
    flow: Flow,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
    turn: boolean,
    facts: ProtocolFacts,
    listener: SmbListener<Flow>,
  ): void {
    const side = this.#sides[direction]
    if (turn && side.lost) {
      side.lost = false
      side.length = 0
    }
    let at = start
    while (at < end && !side.lost) {
      if (side.skip > 0) {
        const take = Math.min(side.skip, end - at)
        side.skip -= take
        at += take
        continue
      }
      const need = side.length < NBSS_HEADER ? NBSS_HEADER : NBSS_HEADER + messageLength(side.held!)
      const stop = Math.min(need, NBSS_HEADER + MAX_MESSAGE)
      const take = Math.min(end - at, stop - side.length)
      side.held = grow(side.held, side.length + take)
      copyBytes(side.held, side.length, bytes, at, at + take)
      const before = side.length
      side.length += take
      at += take
      if (before < SMB1_JUDGED && side.length >= SMB1_JUDGED) {
        judgeType(flow, direction, side.held, side.length, listener)
      }
      if (side.length < stop) continue
      const held = side.held
      if (side.length === NBSS_HEADER) {
        const length = messageLength(held)
        // Session messages, requests and their answers, keep-alives (RFC 1002 section 4.3.1).
        const known = held[0] === 0 || (held[0]! >= 0x81 && held[0]! <= 0x85)
        if (!known) side.lost = true
        else if (length === 0) side.length = 0
        if (!known || length === 0) continue
        if (held[0] !== 0) {
          side.length = 0
          side.skip = length
        }
        continue
      }
      const { length } = side
      side.length = 0
      side.skip = NBSS_HEADER + messageLength(held) - length
      this.#message(flow, direction, held, NBSS_HEADER, length, facts, listener)
    }
  }

  #message<Flow>(
    flow: Flow,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
    facts: ProtocolFacts,
    listener: SmbListener<Flow>,
  ): void {
    if (end - start < SMB1_HEADER) return
    const marker = readBig32(bytes, start)
    if (marker === SMB1) this.#smb1(flow, direction, bytes, start, end, facts, listener)
    // Compounded messages follow each other inside one.
    for (let at = start; readMarker(bytes, at, end) === SMB2; ) {
      const next = little32(bytes, at + 20)
      const stop = next >= SMB2_HEADER && next <= end - at ? at + next : end
      this.#smb2(flow, direction, bytes, at, stop, facts, listener)
      if (stop === end) break
      at = stop
    }
  }

  #smb1<Flow>(
    flow: Flow,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
    facts: ProtocolFacts,
    listener: SmbListener<Flow>,
  ): void {
    const command = bytes[start + 4]!
    const words = start + SMB1_HEADER + 1
    const count = bytes[words - 1]!
    if (words + count * 2 > end) return
    const id = `1.${little16(bytes, start + 24)}.${little16(bytes, start + 26)}.${little16(bytes, start + 30)}`
    let offset = 0
    let length = 0
    let pipe: string | undefined
    if (direction === TO_SERVER) {
      if (command === SMB1_COMMAND.WRITE && count >= 2) {
        if (little16(bytes, words + 2) === 0)
          listener.event(flow, direction, SMB_GID, SMB_EVENT.NO_DATA, bytes, start, end)
      } else if (command === SMB1_COMMAND.WRITE_ANDX && count >= 12) {
        pipe = `1.${little16(bytes, words + 4)}`
        length = little16(bytes, words + 20) + little16(bytes, words + 18) * 0x10000
        offset = little16(bytes, words + 22)
      } else if (command === SMB1_COMMAND.TRANSACTION && count >= 16) {
        if (little16(bytes, words + 28) !== TRANSACT_NMPIPE) return
        pipe = `1.${little16(bytes, words + 30)}`
        length = little16(bytes, words + 22)
        offset = little16(bytes, words + 24)
        this.#remember(id, pipe)
      } else if (command === SMB1_COMMAND.READ_ANDX && count >= 10) {
        this.#remember(id, `1.${little16(bytes, words + 4)}`)
        return
      }
    } else if (command === SMB1_COMMAND.READ_ANDX && count >= 12) {
      pipe = this.#recall(id)
      length = little16(bytes, words + 10)
      offset = little16(bytes, words + 12)
    } else if (command === SMB1_COMMAND.TRANSACTION && count >= 10) {
      pipe = this.#recall(id)
      length = little16(bytes, words + 12)
      offset = little16(bytes, words + 14)
    }
    this.#data(flow, direction, bytes, start, end, offset, length, pipe, facts, listener)
  }

  #smb2<Flow>(
    flow: Flow,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
    facts: ProtocolFacts,
    listener: SmbListener<Flow>,
  ): void {
    const body = start + SMB2_HEADER
    if (body + 16 > end) return
    const command = little16(bytes, start + 12)
    const response = (bytes[start + 16]! & 1) !== 0
    const id = `2.${hex(bytes, start + 24, 8)}`
    let offset = 0
    let length = 0
    let pipe: string | undefined
    if (!response && direction === TO_SERVER) {
      if (command === SMB2_COMMAND.WRITE && body + 48 <= end) {
        offset = little16(bytes, body + 2)
        length = little32(bytes, body + 4)
        pipe = `2.${hex(bytes, body + 16, 16)}`
      } else if (command === SMB2_COMMAND.READ && body + 48 <= end) {
        this.#remember(id, `2.${hex(bytes, body + 16, 16)}`)
        return
      } else if (command === SMB2_COMMAND.IOCTL && body + 56 <= end) {
        if (little32(bytes, body + 4) !== FSCTL_PIPE_TRANSCEIVE) return
        pipe = `2.${hex(bytes, body + 8, 16)}`
        offset = little32(bytes, body + 24)
        length = little32(bytes, body + 28)
        this.#remember(id, pipe)
      }
    } else if (response && direction !== TO_SERVER) {
      if (command === SMB2_COMMAND.READ) {
        pipe = this.#recall(id)
        offset = bytes[body + 2]!
        length = little32(bytes, body + 4)
      } else if (command === SMB2_COMMAND.IOCTL && body + 48 <= end) {
        pipe = this.#recall(id)
        offset = little32(bytes, body + 32)
        length = little32(bytes, body + 36)
      }
    }
    this.#data(flow, direction, bytes, start, end, offset, length, pipe, facts, listener)
  }

  /** `offset` counts from the SMB header at `start`. */
  #data<Flow>(
    flow: Flow,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
    offset: number,
    length: number,
    name: string | undefined,
    facts: ProtocolFacts,
    listener: SmbListener<Flow>,
  ): void {
    if (name === undefined || length <= 0 || offset < SMB1_HEADER || offset >= end - start) return
    const from = start + offset
    const to = Math.min(end, from + length)
    let pipe = this.#pipes.get(name)
    if (pipe === undefined) {
      if (!looksLikeDce(bytes, from, to)) {
        listener.fileData(flow, direction, bytes, from, to)
        return
      }
      pipe = new DceConnection()
      remember(this.#pipes, name, pipe, MAX_PIPES)
    }
    // Every write and every answer may begin a PDU.
    pipe.feed(flow, direction, bytes, from, to, true, facts, listener)
  }

  #remember(id: string, pipe: string): void {
    remember(this.#requests, id, pipe, MAX_REQUESTS)
  }

  #recall(id: string): string | undefined {
    const pipe = this.#requests.get(id)
    if (pipe !== undefined) this.#requests.delete(id)
    return pipe
  }
}

/** A message of SMB 1 that a client sends should not say that it is a reply. */
function judgeType<Flow>(
  flow: Flow,
  direction: Direction,
  held: Uint8Array,
  length: number,
  listener: SmbListener<Flow>,
): void {
  if (direction !== TO_SERVER || held[0] !== 0 || readBig32(held, NBSS_HEADER) !== SMB1) return
  if ((held[NBSS_HEADER + SMB1_FLAGS]! & SMB1_REPLY) !== 0)
    listener.event(flow, direction, SMB_GID, SMB_EVENT.MESSAGE_TYPE, held, NBSS_HEADER, length)
}

function remember<Value>(map: Map<string, Value>, key: string, value: Value, most: number): void {
  if (map.size >= most && !map.has(key)) {
    const oldest = map.keys().next().value
    if (oldest !== undefined) map.delete(oldest)
  }
  map.set(key, value)
}

function messageLength(header: Uint8Array): number {
  return (header[1]! << 16) | (header[2]! << 8) | header[3]!
}

function readMarker(bytes: Uint8Array, at: number, end: number): number {
  return end - at >= SMB2_HEADER ? readBig32(bytes, at) : 0
}

function little16(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8)
}

function little32(bytes: Uint8Array, at: number): number {
  return (little16(bytes, at) | (little16(bytes, at + 2) << 16)) >>> 0
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

function hex(bytes: Uint8Array, at: number, length: number): string {
  let text = ''
  for (let i = 0; i < length; i++) text += HEX[bytes[at + i]!]
  return text
}

function grow(bytes: Uint8Array | undefined, size: number): Uint8Array {
  if (bytes !== undefined && bytes.length >= size) return bytes
  const most = NBSS_HEADER + MAX_MESSAGE
  const larger = new Uint8Array(Math.max(size, Math.min(most, (bytes?.length ?? 512) * 2)))
  if (bytes !== undefined) larger.set(bytes)
  return larger
}
