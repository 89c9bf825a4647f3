/**
 * The same attack in other packets: runs every signature's attack, sent as a variant says, and tells which signatures
 * were not raised, or raised besides.
 *
 * In: how a conversation is sent. Out: the attacks with another answer than the plain conversation has. All attacks of
 * a variant go through one stack, each from a client address of its own. Called by the evasion tests.
 */
import { createStack } from '@weir/stack'
import { type AlertSink, createEngine, createEngines, type Engine } from 'weir'
import { CASES, exchanges, loadSignatures } from '../../signatures/test/signatures.js'
import type { Exchange } from '../../signatures/test/traffic.js'
import {
  type ConversationOptions,
  dialogue,
  feed,
  fragment,
  randomFrom,
  resegment,
  type TcpPacketOptions,
  type TestPacket,
} from './conversation.js'
import { tcp, tcpFrame, toBytes } from './frames.js'
import { client as clientOf } from './oracle.js'

export type Variant = (exchange: Exchange, options: ConversationOptions) => TestPacket[]

interface Attack {
  readonly exchange: Exchange
  readonly expected: readonly number[]
}

export interface Difference extends Attack {
  readonly found: readonly number[]
}

export const plain: Variant = ({ request, response }, options) => dialogue([request, response], options)

export class Attacks {
  readonly #engine: Engine
  readonly #attacks: readonly Attack[]

  constructor() {
    const { matcher, regex } = createEngines()
    this.#engine = createEngine({
      rules: loadSignatures().rules,
      matcherEngine: matcher,
      regexEngine: regex,
    })
    this.#attacks = Object.values(CASES)
      .flat()
      .flatMap(({ sid, fire, also = [] }) =>
        exchanges(fire).map((exchange) => ({ exchange, expected: [sid, ...also].sort((a, b) => a - b) })),
      )
  }

  /** @param only attacks that can be sent like this */
  differences(variant: Variant, only: (exchange: Exchange) => boolean = () => true): Difference[] {
    const found = new Map<string, Set<number>>()
    const sink: AlertSink = {
      alert: ({ rule, direction, sourceAddress, destinationAddress }) => {
        const client = clientOf(`${direction === 'S2C' ? destinationAddress : sourceAddress}:0`)
        const sids = found.get(client)
        if (sids === undefined) found.set(client, new Set([rule.sid]))
        else sids.add(rule.sid)
      },
      flush: async () => {},
      close: async () => {},
    }
    const stack = createStack({
      seed: 1,
      checksums: 'verify',
      midstream: true,
      outOfOrder: { acrossSides: true },
      tcp: { timestamps: 'check', doubtful: 'wait' },
    })
    this.#engine.attach(stack, sink)
    const sent: { attack: Attack; client: string }[] = []
    this.#attacks.forEach((attack, index) => {
      if (!only(attack.exchange)) return
      const client = `10.1.${index >> 8}.${index & 255}`
      feed(stack, variant(attack.exchange, { client, start: 1_000_000_000 + index }))
      sent.push({ attack, client })
    })
    stack.finish()
    return sent
      .map(({ attack, client }) => ({
        ...attack,
        found: [...(found.get(client) ?? [])].sort((a, b) => a - b),
      }))
      .filter((one) => one.expected.join() !== one.found.join())
  }

  close(): void {
    this.#engine.close()
  }
}

/** Runs of data segments from one side, back to front. */
export function reversed(packets: readonly TestPacket[]): TestPacket[] {
  const out: TestPacket[] = []
  let run: TestPacket[] = []
  for (const packet of packets) {
    const isData = toBytes(packet.tcp?.payload ?? '').length > 0
    if (!isData || run[0]?.from !== packet.from) {
      out.push(...run)
      run = []
    }
    if (isData) run.unshift(packet)
    else out.push(packet)
  }
  return [...out, ...run]
}

/** After each pair of segments, one that covers both again (retransmission with another segmentation). */
export function overlapping(packets: readonly TestPacket[]): TestPacket[] {
  return packets.flatMap((packet) => {
    const pieces = resegment([packet], 33)
    return pieces.length === 1 ? pieces : [...pieces.slice(0, -1), packet, pieces.at(-1)!]
  })
}

/** Before every data segment one with other bytes, which its receiver does not take. */
export function decoys(
  packets: readonly TestPacket[],
  make: (segment: TcpPacketOptions) => Partial<TcpPacketOptions>,
): TestPacket[] {
  return packets.flatMap((packet) => {
    const segment = packet.tcp
    const length = toBytes(segment?.payload ?? '').length
    if (segment === undefined || length === 0) return [packet]
    const decoy = { ...segment, payload: 'X'.repeat(length), ...make(segment) }
    return [{ ...packet, frame: tcpFrame(decoy), tcp: decoy }, packet]
  })
}

/** The IP packets of each TCP segment cut in fragments, which `order` may rearrange. Every datagram has its own id. */
export function fragments(
  packets: readonly TestPacket[],
  size: number,
  order: (pieces: TestPacket[]) => TestPacket[] = (pieces) => pieces,
): TestPacket[] {
  return packets.flatMap((packet, id) => {
    if (packet.tcp === undefined || tcp(packet.tcp).length <= size) return [packet]
    const numbered = { ...packet, tcp: { ...packet.tcp, ipv4: { ...packet.tcp.ipv4, id: id & 0xffff } } }
    return order(fragment([numbered], size))
  })
}

export function shuffled<T>(list: readonly T[], seed: number): T[] {
  const random = randomFrom(seed)
  const out = [...list]
  for (let i = out.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    ;[out[i], out[j]] = [out[j]!, out[i]!]
  }
  return out
}
