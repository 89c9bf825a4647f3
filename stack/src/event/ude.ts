/**
 * User-defined events: events derived from others, by filters, by classification, by combination.
 *
 * They are values: defining one registers nothing, and one that nobody refers to any more is gone (there is no
 * `undefine`). What is registered for one is ended by the subscription's `off()`.
 */
import type { Flow, Side } from '../monitor/flow.js'
import { type BuiltinEvent, type EventNumber, type Hook, RCV, SND } from './builtin.js'

/**
 * Decides whether a derived event is raised: the payload for its handlers, or `undefined` for no. It runs at most once
 * each time the base event is raised, per socket and hook, however many handlers and further events hang on it.
 */
export type Filter<T, U> = (flow: Flow<unknown>, payload: T) => U | undefined

/**
 * Looks at an event once and raises any number of children by `raise(key, payload)`, in the order of their handling. A key
 * nobody is registered for costs one look-up; a key raised twice is raised twice.
 */
export type Classifier<T, K, U> = (
  flow: Flow<unknown>,
  payload: T,
  raise: (key: K, payload: U) => void,
) => void

/** A user-defined event. It is observed at the hooks of the built-in events it goes back to. */
export interface Ude<T, H extends Hook> {
  readonly kind: 'ude'
  /** For people: messages and dumps. */
  readonly name: string
  /** Those of the events it goes back to. */
  readonly hooks: readonly H[]
  /** Never set: carries the payload type. */
  readonly payload?: T
}

/** Any event about a flow. */
export type FlowEvent<T, H extends Hook> = BuiltinEvent<T, H> | Ude<T, H>

/** One classification of an event; its children are events. */
export interface MultiEvent<K, U, H extends Hook> {
  /** For people. */
  readonly name: string
  /** Those of the event it classifies. */
  readonly hooks: readonly H[]
  /** The event raised by `raise(key, …)`: the same one each time for the same key. */
  child(key: K): Ude<U, H>
}

type AnyEvent = FlowEvent<unknown, Hook>

/** `raise` as the node of a forest gives it. */
export type AnyClassifier = (flow: unknown, payload: unknown, raise: unknown) => void

/** How a derived event comes about; kept apart from what applications see. */
export type Derivation =
  | { readonly mode: 'filter'; readonly base: AnyEvent; readonly filter: Filter<never, unknown> }
  | { readonly mode: 'once'; readonly base: AnyEvent }
  | { readonly mode: 'any'; readonly bases: readonly AnyEvent[] }
  | { readonly mode: 'multi'; readonly base: AnyEvent; readonly classify: AnyClassifier }
  | { readonly mode: 'child'; readonly base: AnyEvent; readonly key: unknown }

export type DerivedEvent = Ude<unknown, Hook> & { readonly derivation: Derivation }

function derived<T, H extends Hook>(name: string, hooks: readonly H[], derivation: Derivation): Ude<T, H> {
  const event: Ude<T, H> & { readonly derivation: Derivation } = { kind: 'ude', name, hooks, derivation }
  return Object.freeze(event)
}

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
  return derived(name, base.hooks, { mode: 'filter', base, filter })
}

/**
 * One pass over an event that raises many others: one child for each pattern of a multi-pattern search, say.
 *
 * @example
 * const ON_VERB = defineMultiEvent(ON_NEW_DATA, (_flow, data, raise: (verb: string, data: NewData) => void) => {
 *   raise(verbOf(data), data)
 * })
 * socket.on(ON_VERB.child('GET'), (flow, data) => …)
 */
export function defineMultiEvent<T, K, U, H extends Hook>(
  base: FlowEvent<T, H>,
  classify: Classifier<T, K, U>,
  name = `${base.name}/${classify.name || 'classify'}`,
): MultiEvent<K, U, H> {
  const multi = derived<unknown, H>(name, base.hooks, {
    mode: 'multi',
    base,
    classify: classify as unknown as AnyClassifier,
  })
  const children = new Map<K, Ude<U, H>>()
  return Object.freeze({
    name,
    hooks: base.hooks,
    child(key: K): Ude<U, H> {
      let event = children.get(key)
      if (event === undefined) {
        event = derived<U, H>(`${name}/${String(key)}`, base.hooks, { mode: 'child', base: multi, key })
        children.set(key, event)
      }
      return event
    },
  })
}

/** The event, when `predicate` holds. */
export function where<T, H extends Hook>(
  base: FlowEvent<T, H>,
  predicate: (flow: Flow<unknown>, payload: T) => boolean,
): Ude<T, H> {
  return defineEvent<T, T, H>(
    base,
    (flow, payload) => (predicate(flow, payload) ? payload : undefined),
    `where(${base.name})`,
  )
}

/** The event, when it concerns `side`: the `side` of its payload. */
export function onSide<T extends { readonly side: Side }, H extends Hook>(
  base: FlowEvent<T, H>,
  side: Side,
): Ude<T, H> {
  return defineEvent<T, T, H>(
    base,
    (_flow, payload) => (payload.side === side ? payload : undefined),
    `onSide(${base.name})`,
  )
}

/** The event, the first time it is raised for a flow (per socket and hook). Flows that have had it share a forest. */
export function once<T, H extends Hook>(base: FlowEvent<T, H>): Ude<T, H> {
  return derived(`once(${base.name})`, base.hooks, { mode: 'once', base })
}

/** The type of an event's payload. */
export type PayloadOf<E> = E extends FlowEvent<infer T, Hook> ? T : never
/** The hooks of an event. */
export type HooksOf<E> = E extends FlowEvent<unknown, infer H> ? H : never
/** The hooks that all events of a list have. */
export type CommonHooks<E extends readonly unknown[]> = E extends readonly [infer F, ...infer R]
  ? HooksOf<F> & CommonHooks<R>
  : Hook

/**
 * Raised when any of the events is; once, however many of them one built-in event raises, with the payload of the first.
 * Observed at the hooks that all of them have.
 */
export function anyOf<const E extends readonly [FlowEvent<unknown, Hook>, ...FlowEvent<unknown, Hook>[]]>(
  ...events: E
): Ude<PayloadOf<E[number]>, CommonHooks<E>> {
  const hooks = events.reduce<readonly Hook[]>(
    (common, event) => common.filter((hook) => event.hooks.includes(hook)),
    events[0].hooks,
  )
  const name = `anyOf(${events.map((event) => event.name).join(', ')})`
  return derived(name, hooks as readonly CommonHooks<E>[], { mode: 'any', bases: events })
}

// ---- Views of one side, in front of what is registered at SND or RCV -------------------------------------------

const concerns =
  (sender: boolean): Filter<never, unknown> =>
  (flow, payload) => {
    const { side } = payload as { readonly side?: Side }
    return side === undefined || (side === flow.packetSide) === sender ? payload : undefined
  }
const view = (name: string, sender: boolean): DerivedEvent =>
  Object.freeze<DerivedEvent>({
    kind: 'ude',
    name,
    hooks: [],
    // The base is whatever event it is put in front of.
    derivation: { mode: 'filter', base: undefined as never, filter: concerns(sender) },
  })
export const SENDER_VIEW = view('SND', true)
export const RECEIVER_VIEW = view('RCV', false)

/** The ways to an event: a built-in one, and the derived events from there down to it. */
export function pathsOf(
  event: AnyEvent,
  hook: Hook | undefined,
): { readonly number: EventNumber; readonly path: readonly DerivedEvent[] }[] {
  if (event.kind === 'builtin') {
    const view = hook === SND ? [SENDER_VIEW] : hook === RCV ? [RECEIVER_VIEW] : []
    return [{ number: event.number, path: view }]
  }
  const own = event as DerivedEvent
  const { derivation } = own
  const bases = derivation.mode === 'any' ? derivation.bases : [derivation.base]
  return bases.flatMap((base) =>
    pathsOf(base, hook).map(({ number, path }) => ({ number, path: [...path, own] })),
  )
}
