/** A sink that keeps a readable copy of every unit, and helpers to feed a conversation. */
import { type Conversation, ConversationPool } from '../src/http/index.js'
import {
  BUFFER_COUNT,
  BUFFER_NAMES,
  type Direction,
  InspectionContext,
  type InspectionUnit,
  type InspectLimits,
  type InspectNeeds,
  TO_CLIENT,
  TO_SERVER,
  UNIT,
} from '../src/inspect/index.js'
import type { AlertHttp } from '../src/output/alert.js'

export interface SeenBuffer {
  readonly text: string
  readonly base: number
  /** Offset of the first new byte within `text`. */
  readonly fresh: number
}

export interface SeenUnit {
  readonly kind: 'packet' | 'stream' | 'request' | 'response'
  readonly direction: Direction
  readonly service: number
  readonly sequence: number
  readonly last: boolean
  readonly buffers: Readonly<Record<string, SeenBuffer>>
  readonly http: AlertHttp | undefined
}

const KINDS: Readonly<Record<number, SeenUnit['kind']>> = {
  [UNIT.PACKET]: 'packet',
  [UNIT.STREAM]: 'stream',
  [UNIT.HTTP_REQUEST]: 'request',
  [UNIT.HTTP_RESPONSE]: 'response',
}

export const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0))

/** One conversation whose units are recorded. */
export class Recorder {
  readonly units: SeenUnit[] = []
  /** False: units are only counted (by the context's counters). */
  keep = true
  readonly context: InspectionContext<string>
  readonly pool: ConversationPool<string>
  private conversation: Conversation<string>
  /** Segments of the present conversation; the second confirms one that was picked up midstream. */
  private segments = 0

  constructor(limits: Partial<InspectLimits> = {}, midstream = false, needs: Partial<InspectNeeds> = {}) {
    const sink = { inspect: (_flow: string, unit: InspectionUnit): void => this.record(unit) }
    this.context = new InspectionContext<string>(sink, limits, needs)
    this.pool = new ConversationPool(this.context)
    this.conversation = this.pool.open(midstream)
  }

  client(data: string | Uint8Array, pieces: number[] = []): this {
    return this.feed(TO_SERVER, data, pieces)
  }

  server(data: string | Uint8Array, pieces: number[] = []): this {
    return this.feed(TO_CLIENT, data, pieces)
  }

  gap(direction: Direction, length: number): this {
    this.conversation.gap('flow', direction, length)
    return this
  }

  /** Ends the flow; returns what was seen. A new conversation is opened. */
  close(): SeenUnit[] {
    this.conversation.close('flow')
    this.conversation = this.pool.open(false)
    this.segments = 0
    return this.units
  }

  /** `pieces`: lengths of segments, used round and round; none = one segment. */
  private feed(direction: Direction, data: string | Uint8Array, pieces: number[]): this {
    const bytes = typeof data === 'string' ? bytesOf(data) : data
    let at = 0
    let next = 0
    while (at < bytes.length) {
      const length = pieces.length === 0 ? bytes.length : Math.max(1, pieces[next++ % pieces.length]!)
      const end = Math.min(bytes.length, at + length)
      // Each segment stands in its own larger array, which is overwritten afterwards.
      const segment = new Uint8Array(end - at + 7).fill(0x23)
      segment.set(bytes.subarray(at, end), 3)
      if (this.segments++ > 0 && this.conversation.waiting) this.conversation.confirm('flow')
      this.conversation.data('flow', direction, segment, 3, 3 + end - at)
      segment.fill(0x2a)
      at = end
    }
    return this
  }

  private record(unit: InspectionUnit): void {
    if (!this.keep) return
    const buffers: Record<string, SeenBuffer> = {}
    for (let id = 0; id < BUFFER_COUNT; id++) {
      const start = unit.buffers.start[id]!
      const end = unit.buffers.end[id]!
      if (end < 0) continue
      buffers[BUFFER_NAMES[id]!] = {
        text: Buffer.from(unit.buffers.bytes[id]!.subarray(start, end)).toString('latin1'),
        base: unit.buffers.base[id]!,
        fresh: unit.buffers.fresh[id]! - start,
      }
    }
    this.units.push({
      kind: KINDS[unit.kind]!,
      direction: unit.direction,
      service: unit.service,
      sequence: unit.sequence,
      last: unit.last,
      buffers,
      http: unit.http?.(),
    })
  }
}
