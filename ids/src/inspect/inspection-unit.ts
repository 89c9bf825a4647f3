/**
 * The one implementation of `InspectionUnit`: a worker owns one object per kind of unit and refills it, so detection
 * sees a single object shape and nothing is allocated per unit.
 */
import type { AlertHttp } from '../output/alert.js'
import { type BufferId, BufferSet } from './buffers.js'
import type { HttpNumber, HttpPart } from './http-part.js'
import type { Direction, InspectionUnit, ServiceId, UnitKind } from './unit.js'
import { SERVICE, TO_SERVER } from './unit.js'

/** Where a unit gets from what is made only when an alert or a rule wants it. */
export interface MessageSource {
  httpFacts(): AlertHttp | undefined
  fillPart(part: HttpPart, set: BufferSet, slot: BufferId): boolean
  headNumber(what: HttpNumber, ofRequest: boolean): number
}

export class Unit implements InspectionUnit {
  readonly kind: UnitKind
  readonly buffers = new BufferSet()
  direction: Direction = TO_SERVER
  swapped = false
  opaque = false
  service: ServiceId = SERVICE.UNKNOWN
  sequence = 0
  last = true
  pending: Int32Array | null = null
  pieces = 1
  /** Set by the HTTP inspector for the time of the callback. */
  source: MessageSource | null = null

  constructor(kind: UnitKind) {
    this.kind = kind
  }

  http(): AlertHttp | undefined {
    return this.source === null ? undefined : this.source.httpFacts()
  }

  fillPart(part: HttpPart, slot: BufferId): boolean {
    return this.source?.fillPart(part, this.buffers, slot) ?? false
  }

  headNumber(what: HttpNumber, ofRequest: boolean): number {
    return this.source === null ? -1 : this.source.headNumber(what, ofRequest)
  }
}
