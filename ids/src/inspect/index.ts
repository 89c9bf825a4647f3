/**
 * Inspection units: what rules are evaluated on.
 *
 * In: bytes collected by the stream and HTTP inspectors. Out: `InspectionUnit`s with their buffers, windows of bounded
 * size. `InspectionContext` holds what all inspectors of a worker share. Called by `../http` and by detection.
 */
export * from './buffers.js'
export { InspectionContext, type InspectNeeds } from './context.js'
export * from './http-part.js'
export { type MessageSource, Unit } from './inspection-unit.js'
export { DEFAULT_LIMITS, InspectCounters, type InspectLimits } from './limits.js'
export { BufferPool } from './pool.js'
export { StreamCollector } from './stream.js'
export * from './unit.js'
