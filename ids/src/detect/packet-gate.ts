/**
 * Keeps packets away from detection that no rule for their port can match: most packets of most connections.
 *
 * In: the rules for single packets of one server port. Out: one table look-up per packet, by its flags and the length of
 * its payload. Decides nothing but speed; every rule is still held to its own bounds when it is tried.
 */
import type { Packet } from '@weir/stack'
import { BUF } from '../inspect/buffers.js'
import type { CompiledRule } from './compile.js'

/** Payloads from here on are judged alike. */
const LONGEST = 2048
const ROW = LONGEST + 1

const TCP = 6
const ACK = 0x10
const PUSH_ACK = 0x18

/** The commonest flags of TCP packets; OTHER stands for everything else, packets that are not TCP included. */
export const FLAGS = { OTHER: 0, ACK: 1, PUSH_ACK: 2 } as const
export type FlagsKind = (typeof FLAGS)[keyof typeof FLAGS]

export function flagsKindOf(packet: Packet): FlagsKind {
  if (packet.protocol !== TCP) return FLAGS.OTHER
  if (packet.tcpFlags === ACK) return FLAGS.ACK
  return packet.tcpFlags === PUSH_ACK ? FLAGS.PUSH_ACK : FLAGS.OTHER
}

export class PacketGate {
  /** A row for each kind of flags, a column for each length: 1 = some rule may match. */
  readonly #open = new Uint8Array(3 * ROW)

  constructor(rules: readonly CompiledRule[]) {
    for (const { facts } of rules) {
      const { bounds, rejectsAck, rejectsPush } = facts
      const onPayload = bounds.buffer === BUF.PKT_DATA
      const min = onPayload ? Math.min(bounds.min, LONGEST) : 0
      const max = onPayload ? Math.min(bounds.max, LONGEST) : LONGEST
      if (min > max) continue
      this.#admit(FLAGS.OTHER, min, max)
      if (!rejectsAck) this.#admit(FLAGS.ACK, min, max)
      if (!rejectsPush) this.#admit(FLAGS.PUSH_ACK, min, max)
    }
  }

  admits(packet: Packet): boolean {
    const length = packet.payloadLength
    return this.#open[flagsKindOf(packet) * ROW + (length < LONGEST ? length : LONGEST)] === 1
  }

  #admit(flags: FlagsKind, min: number, max: number): void {
    this.#open.fill(1, flags * ROW + min, flags * ROW + max + 1)
  }
}
