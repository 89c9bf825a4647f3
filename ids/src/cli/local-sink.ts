/** Alerts of a run in one thread: delivered at once, but for late ones, which wait for the others of their packet. */
import type { Engine } from '../detect/engine.js'
import {
  type AlertComposer,
  type AlertRecord,
  type AlertSink,
  type LoggedFrame,
  type PacketFacts,
  withAction,
} from '../output/index.js'
import type { Rule } from '../rules/index.js'
import { type AlertItem, compareItems, makeItem } from './alert-item.js'
import type { AlertDelivery } from './delivery.js'

/** Late alerts of one packet that are held; beyond, those held are delivered before the rest is known. */
const MAX_LATE = 1 << 18

export class LocalSink implements AlertSink {
  readonly #engine: Pick<Engine, 'rules' | 'changedActions'>
  readonly #indices: ReadonlyMap<Rule, number>
  readonly #composer: AlertComposer
  readonly #logFrames: boolean
  readonly #delivery: AlertDelivery
  readonly #packet: PacketFacts
  #late: AlertItem[] = []
  readonly tagged?: (packet: LoggedFrame) => void

  /** @param packet the stack's packet view */
  constructor(
    engine: Pick<Engine, 'rules' | 'changedActions'>,
    composer: AlertComposer,
    logFrames: boolean,
    delivery: AlertDelivery,
    packet: PacketFacts,
  ) {
    this.#engine = engine
    this.#indices = new Map(engine.rules.map((rule, index) => [rule, index]))
    this.#composer = composer
    this.#logFrames = logFrames
    if (logFrames) this.tagged = (packet) => delivery.log(packet)
    this.#delivery = delivery
    this.#packet = packet
  }

  alert(record: AlertRecord): void {
    const late = this.#late
    if (late.length > 0 && late[0]!.packetNumber !== record.packetNumber) this.release()
    const rule = this.#indices.get(record.rule)!
    const packet = this.#packet
    if (record.late) {
      if (late.push(this.#item(record, undefined, rule)) >= MAX_LATE) this.release()
      return
    }
    const delivery = this.#delivery
    if (record.undecided > 1 || delivery.gathers) {
      delivery.deliver(this.#item(record, packet, rule))
      return
    }
    // Asked before the alert is composed: a flood that a filter holds back costs no text.
    if (record.undecided === 1 && !delivery.admitsAlone(rule, record)) return
    const action = delivery.decide(rule, record.action, record)
    if (action === undefined) return
    const alert = action === record.action ? record : withAction(record, action)
    const texts = this.#composer.compose(alert, packet)
    delivery.write(rule, action, texts, this.#logFrames ? packet : undefined)
  }

  #item(record: AlertRecord, own: PacketFacts | undefined, rule: number): AlertItem {
    const actions = this.#engine.changedActions(record.rule)
    return makeItem(record, own, rule, this.#composer, this.#logFrames, actions)
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
