/** Alerts of a run in one thread: delivered at once, but for late ones, which wait for the others of their packet. */
import {
  type AlertComposer,
  type AlertRecord,
  type AlertSink,
  isPacketOf,
  type PacketFacts,
} from '../output/index.js'
import type { Rule } from '../rules/index.js'
import { type AlertItem, compareItems, makeItem } from './alert-item.js'
import type { AlertDelivery } from './delivery.js'

/** Late alerts of one packet that are held; beyond, those held are delivered before the rest is known. */
const MAX_LATE = 1 << 18

export class LocalSink implements AlertSink {
  readonly #indices: ReadonlyMap<Rule, number>
  readonly #composer: AlertComposer
  readonly #logFrames: boolean
  readonly #delivery: AlertDelivery
  readonly #packet: PacketFacts
  #late: AlertItem[] = []

  /**
   * @param rules those of the engine
   * @param packet the stack's packet view
   */
  constructor(
    rules: readonly Rule[],
    composer: AlertComposer,
    logFrames: boolean,
    delivery: AlertDelivery,
    packet: PacketFacts,
  ) {
    this.#indices = new Map(rules.map((rule, index) => [rule, index]))
    this.#composer = composer
    this.#logFrames = logFrames
    this.#delivery = delivery
    this.#packet = packet
  }

  alert(record: AlertRecord): void {
    const late = this.#late
    if (late.length > 0 && late[0]!.packetNumber !== record.packetNumber) this.release()
    const rule = this.#indices.get(record.rule)!
    const packet = this.#packet
    if (!isPacketOf(packet, record)) {
      if (late.push(makeItem(record, undefined, rule, this.#composer, false)) >= MAX_LATE) this.release()
      return
    }
    // Asked before the alert is composed: a flood that a filter holds back costs no text.
    if (this.#delivery.admits(rule, record.sourceAddress, record.destinationAddress, record.seconds)) {
      const texts = this.#composer.compose(record, packet)
      this.#delivery.write(rule, texts, this.#logFrames ? packet : undefined)
    }
  }

  /** Delivers what is held. */
  release(): void {
    const late = this.#late.sort(compareItems)
    this.#late = []
    for (const item of late) this.#delivery.deliver(item)
  }

  async flush(): Promise<void> {
    this.release()
  }

  async close(): Promise<void> {
    this.release()
  }
}
