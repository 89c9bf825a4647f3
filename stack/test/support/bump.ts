/** A bump in the wire without a wire: hands frames to a stack as an inline source does, and keeps what comes out. */
import { LINKTYPE_ETHERNET, type TestPacket } from '../../../test/support/conversation.js'
import {
  createStack,
  DecodeCounters,
  decodeFrame,
  Packet,
  STATUS,
  type Stack,
  type StackOptionsInput,
  TCP_FLAG,
  VERDICT,
  verifyChecksums,
} from '../../src/index.js'

/** A frame that came out, decoded. */
export interface Out {
  /** 0: towards the client. */
  readonly interfaceIndex: number
  /** Made by the stack. */
  readonly made: boolean
  readonly frame: Uint8Array
  readonly packet: Packet
  /** Its flags, '' for other protocols than TCP. */
  readonly flags: string
  readonly text: string
}

export interface Bump {
  readonly stack: Stack
  readonly out: Out[]
  /** Client frames come in at interface 0, those of the server at 1. */
  pass(packets: readonly TestPacket[]): void
}

export function bump(options: StackOptionsInput = {}): Bump {
  const stack = createStack({ seed: 1, maxFlows: 1000, ...options })
  const out: Out[] = []
  const keep = (interfaceIndex: number, frame: Uint8Array, made: boolean): void => {
    out.push({ interfaceIndex, made, frame, ...decoded(frame) })
  }
  stack.sender = {
    send(interfaceIndex, frame) {
      keep(interfaceIndex, frame.slice(), true)
      return true
    },
  }
  return {
    stack,
    out,
    pass(packets) {
      for (const { frame, from, seconds, nanoseconds } of packets) {
        const bytes = frame.slice()
        const index = from === 'client' ? 0 : 1
        stack.frame(bytes, 0, bytes.length, bytes.length, seconds, nanoseconds, LINKTYPE_ETHERNET, index)
        if (stack.verdict === VERDICT.FORWARD) keep(1 - index, bytes, false)
      }
    },
  }
}

/** @throws when the frame is malformed or one of its checksums is wrong */
export function decoded(frame: Uint8Array): { packet: Packet; flags: string; text: string } {
  const packet = new Packet()
  const counters = new DecodeCounters()
  decodeFrame(packet, counters, frame, 0, frame.length, frame.length, 0, 0, LINKTYPE_ETHERNET, 0)
  if (packet.status === STATUS.DECODED) verifyChecksums(packet, counters)
  if (packet.status !== STATUS.DECODED) throw new Error(`status ${packet.status}`)
  const names = Object.entries(TCP_FLAG).filter(([, bit]) => (packet.tcpFlags & bit) !== 0)
  return {
    packet,
    flags: names.map(([name]) => name).join('+'),
    text: Buffer.from(packet.payload()).toString('latin1'),
  }
}
