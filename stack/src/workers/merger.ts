/** Brings what several threads send into one order. */

/** When something happened with respect to the packet then processed. */
export const STAGE = {
  /** It was seen as a fragment, before it was put together with others. */
  FRAGMENT: 0,
  /** The packet itself, or its flow. */
  PACKET: 1,
  /** To flows that timed out, or were displaced, or ended with the input. */
  LATE: 2,
} as const

/**
 * Where an item belongs: by packet number, then by `STAGE`. A stack comes upon late ones in an order that depends on which
 * flows it has, so they are ordered by the start of their flow.
 */
export interface ItemOrder {
  readonly packetNumber: number
  readonly stage: (typeof STAGE)[keyof typeof STAGE]
  /** Of late ones: when their flow began, microseconds since 1970, and its addresses, ports, protocol. */
  readonly flowStart: number
  readonly flowKey: string
}

/** 0 for items of one flow at one packet: they come from one thread, in order. */
function compareOrder(a: ItemOrder, b: ItemOrder): number {
  if (a.packetNumber !== b.packetNumber) return a.packetNumber - b.packetNumber
  if (a.stage !== b.stage) return a.stage - b.stage
  if (a.stage !== STAGE.LATE) return 0
  if (a.flowStart !== b.flowStart) return a.flowStart - b.flowStart
  if (a.flowKey === b.flowKey) return 0
  return a.flowKey < b.flowKey ? -1 : 1
}

interface Entry<T> {
  readonly order: ItemOrder
  readonly lane: number
  readonly item: T
}

/** Items of all threads, released in order as soon as nothing can come before them. */
export class OrderedMerger<T> {
  private readonly lanes: { entries: Entry<T>[]; watermark: number }[]
  private readonly deliver: (item: T, lane: number) => void

  /** @param deliver called in order */
  constructor(lanes: number, deliver: (item: T, lane: number) => void) {
    this.lanes = Array.from({ length: lanes }, () => ({ entries: [], watermark: 0 }))
    this.deliver = deliver
  }

  /**
   * Takes items of one lane, sent in the order of their packets. Delivers those that can go.
   * @param watermark no item of an earlier packet will come from this lane
   */
  add(lane: number, items: readonly (readonly [ItemOrder, T])[], watermark: number): void {
    const to = this.lanes[lane]
    for (const [order, item] of items) to.entries.push({ order, lane, item })
    to.watermark = watermark
    this.release(Math.min(...this.lanes.map((one) => one.watermark)))
  }

  /** Delivers what is left. */
  finish(): void {
    this.release(Number.POSITIVE_INFINITY)
  }

  /** Items of packets before `limit`. */
  private release(limit: number): void {
    const ready: Entry<T>[] = []
    for (const lane of this.lanes) {
      let count = 0
      while (count < lane.entries.length && lane.entries[count].order.packetNumber < limit) count++
      if (count > 0) ready.push(...lane.entries.splice(0, count))
    }
    ready.sort((a, b) => compareOrder(a.order, b.order))
    for (const { item, lane } of ready) this.deliver(item, lane)
  }
}
