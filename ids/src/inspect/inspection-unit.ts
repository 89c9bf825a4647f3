/**
 * The one implementation of `InspectionUnit`: a worker owns one object per kind of unit and refills it, so detection
 * sees a single object shape and nothing is allocated per unit.
 */
import type { AlertHttp } from '../output/alert.js'
import { BufferSet } from './buffers.js'
import type { Direction, InspectionUnit, ServiceId, UnitKind } from './unit.js'
import { SERVICE, TO_SERVER } from './unit.js'

/** Where a unit gets its HTTP facts from when an alert wants them. */
export interface HttpFactsSource {
  httpFacts(): AlertHttp | undefined
}

export class Unit implements InspectionUnit {
  readonly kind: UnitKind
  readonly buffers = new BufferSet()
  direction: Direction = TO_SERVER
  swapped = false
  service: ServiceId = SERVICE.UNKNOWN
  sequence = 0
  last = true
  pending: Int32Array | null = null
  /** Set by the HTTP inspector for the time of the callback. */
  facts: HttpFactsSource | null = null

  constructor(kind: UnitKind) {
    this.kind = kind
  }

  http(): AlertHttp | undefined {
    return this.facts === null ? undefined : this.facts.httpFacts()
  }
}
