/** User-defined events: an event derived from another one by a filter. */
import type { Flow } from '../monitor/flow.js'
import type { BuiltinEvent, EventNumber, Hook } from './builtin.js'

/**
 * Decides whether a derived event is raised: the payload for its handlers, or `undefined` for no. It runs at most once
 * each time the base event is raised, per socket, however many handlers and further events hang on it.
 */
export type Filter<T, U> = (flow: Flow<unknown>, payload: T) => U | undefined

/** A user-defined event. It is observed at the hooks of the built-in event it goes back to. */
export interface Ude<T, H extends Hook> {
  readonly kind: 'ude'
  /** The built-in event at the root. */
  readonly number: EventNumber
  readonly name: string
  readonly hooks: readonly H[]
  readonly base: FlowEvent<unknown, H>
  readonly filter: Filter<never, T>
  /** Never set: carries the payload type. */
  readonly payload?: T
}

/** Any event about a flow. */
export type FlowEvent<T, H extends Hook> = BuiltinEvent<T, H> | Ude<T, H>

/**
 * Derives an event from `base`, a built-in or user-defined one.
 *
 * @example
 * const ON_SYN_REXMIT = defineEvent(ON_REXMIT, (_flow, r) => (r.syn ? r : undefined))
 */
export function defineEvent<T, U, H extends Hook>(
  base: FlowEvent<T, H>,
  filter: Filter<T, U>,
  name = `${base.name}/${filter.name || 'filter'}`,
): Ude<U, H> {
  const { number, hooks } = base
  return Object.freeze({ kind: 'ude', number, name, hooks, base, filter } as unknown as Ude<U, H>)
}
