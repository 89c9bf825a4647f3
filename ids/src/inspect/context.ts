/**
 * What all inspectors of one worker share: limits, counters, the buffer pool, the units they refill and the sink.
 */
import { AskedRequest } from '../http/asked-request.js'
import { Inflater } from '../http/inflate.js'
import { PartMemory } from '../http/parts.js'
import { UploadParts } from '../http/upload.js'
import { AREA_SLACK } from './area.js'
import { EventList } from './event-list.js'
import { Unit } from './inspection-unit.js'
import type { InspectLimits } from './limits.js'
import { DEFAULT_LIMITS, InspectCounters } from './limits.js'
import { BufferPool, LARGEST_BUFFER } from './pool.js'
import { Scanner } from './scanner.js'
import { Scratch } from './scratch.js'
import type { Direction, ServiceId, UnitSink } from './unit.js'
import { TO_CLIENT, TO_SERVER, UNIT } from './unit.js'

/** What rules may ask for that costs something to keep. */
export interface InspectNeeds {
  /** The bytes of HTTP messages as they came (`rawbytes`, `raw_data`), where the body is decoded. */
  readonly wire: boolean
  /** The trailer lines behind chunked bodies. */
  readonly trailer: boolean
  /** Built-in events. */
  readonly events: boolean
}

const NO_NEEDS: InspectNeeds = { wire: false, trailer: false, events: false }

export class InspectionContext<Flow> {
  readonly sink: UnitSink<Flow>
  readonly needs: InspectNeeds
  readonly limits: InspectLimits
  readonly counters = new InspectCounters()
  readonly pool: BufferPool
  readonly streamUnit = new Unit(UNIT.STREAM)
  readonly requestUnit = new Unit(UNIT.HTTP_REQUEST)
  readonly responseUnit = new Unit(UNIT.HTTP_RESPONSE)
  readonly fileUnit = new Unit(UNIT.FILE)
  readonly scratch = new Scratch()
  readonly events = new EventList()
  readonly partMemory = new PartMemory()
  readonly askedRequest = new AskedRequest()
  readonly scanner = new Scanner()

  private readonly inflaters: Inflater[] = []
  private readonly uploads: UploadParts<Flow>[] = []

  /** @throws RangeError when the limits on window, look-back and head do not fit into the largest pool buffer */
  constructor(sink: UnitSink<Flow>, limits: Partial<InspectLimits> = {}, needs: Partial<InspectNeeds> = {}) {
    this.sink = sink
    const events = needs.events === true
    this.needs = { ...NO_NEEDS, ...needs, trailer: needs.trailer === true || events }
    this.limits = { ...DEFAULT_LIMITS, ...limits }
    const { window, lookBack, headBytes, bufferBudget } = this.limits
    if (
      window < 1 ||
      lookBack < 0 ||
      headBytes < 16 ||
      window + lookBack + headBytes + AREA_SLACK > LARGEST_BUFFER
    ) {
      throw new RangeError(`window + look-back + head must be at most ${LARGEST_BUFFER - AREA_SLACK} bytes`)
    }
    this.pool = new BufferPool(bufferBudget)
    this.requestUnit.direction = TO_SERVER
    this.responseUnit.direction = TO_CLIENT
  }

  /** Hands out the events of a list. */
  raise(
    flow: Flow,
    direction: Direction,
    service: ServiceId,
    gid: number,
    events: EventList,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    for (let i = 0; i < events.count; i++) {
      this.counters.events++
      this.sink.event?.(flow, direction, service, gid, events.sids[i]!, bytes, start, end)
    }
    events.clear()
  }

  takeUpload(): UploadParts<Flow> {
    return this.uploads.pop() ?? new UploadParts(this)
  }

  giveUpload(upload: UploadParts<Flow>): void {
    if (this.uploads.length < 64) this.uploads.push(upload)
  }

  takeInflater(): Inflater {
    return this.inflaters.pop() ?? new Inflater()
  }

  giveInflater(inflater: Inflater): void {
    if (this.inflaters.length < 64) this.inflaters.push(inflater)
  }
}
