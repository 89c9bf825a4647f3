/**
 * Packets that are logged because a rule with `tag` has matched before: the rest of its flow, or what a host sends and
 * gets, for so many packets, seconds or bytes.
 *
 * In: the alerts of such rules, then every packet of every flow. Out: the packets to log. The table is bounded: the oldest
 * tag is forgotten. As in Snort a tag that is not counted in packets ends after 256 of them. With several workers a host
 * is followed through the flows of the worker that has seen the alert.
 */
import type { Packet } from '@weir/stack'
import type { AlertRecord } from '../output/alert.js'
import type { TagOption } from '../rules/model.js'
import type { Counters } from './counters.js'
import type { DetectFlow } from './flow-context.js'

const TAGGED_PACKET_LIMIT = 256

interface Tag {
  /** Packet that raised the alert: it is logged with the alert. */
  readonly packet: number
  packets: number
  bytes: number
  /** Packet time after which it is over. */
  readonly until: number
}

export class Tagger {
  readonly #limit: number
  readonly #counters: Counters
  readonly #log: (packet: Packet) => void
  /** By `s` and flow, or `h` and address; in order of creation. */
  readonly #tags = new Map<string, Tag>()

  constructor(limit: number, counters: Counters, log: (packet: Packet) => void) {
    this.#limit = limit
    this.#counters = counters
    this.#log = log
  }

  get size(): number {
    return this.#tags.size
  }

  add({ by, packets, seconds, bytes }: TagOption, record: AlertRecord): void {
    if (by === 'session' && record.flowId < 0) return
    const address = by === 'source' ? record.sourceAddress : record.destinationAddress
    const key = by === 'session' ? `s${record.flowId}` : `h${address}`
    if (!this.#tags.has(key) && this.#tags.size >= this.#limit) {
      const oldest = this.#tags.keys().next().value
      if (oldest !== undefined) this.#tags.delete(oldest)
      this.#counters.tagLimit++
    }
    this.#tags.set(key, {
      packet: record.packetNumber,
      packets: packets > 0 ? packets : TAGGED_PACKET_LIMIT,
      bytes: bytes > 0 ? bytes : Number.POSITIVE_INFINITY,
      until: seconds > 0 ? record.seconds + seconds : Number.POSITIVE_INFINITY,
    })
  }

  packet(flow: DetectFlow, packet: Packet): void {
    if (this.#tags.size === 0) return
    const own = this.#take(`s${flow.id}`, packet)
    const source = this.#take(`h${packet.address(0)}`, packet)
    const destination = this.#take(`h${packet.address(1)}`, packet)
    if (!own && !source && !destination) return
    this.#counters.taggedPackets++
    this.#log(packet)
  }

  #take(key: string, packet: Packet): boolean {
    const tag = this.#tags.get(key)
    if (tag === undefined || packet.number <= tag.packet) return false
    if (packet.seconds > tag.until) {
      this.#tags.delete(key)
      return false
    }
    tag.packets--
    tag.bytes -= packet.wireLength
    if (tag.packets === 0 || tag.bytes <= 0) this.#tags.delete(key)
    return true
  }
}
