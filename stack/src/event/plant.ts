/**
 * The trees of a forest: what one event invokes for one socket.
 *
 * In: the registrations of a socket for one slot. Out: a branch: handlers, and below it a node for every derived event on
 * the way to one that has handlers, each once. Called by the forest store when it compiles a forest.
 */
import { type AnyClassifier, type DerivedEvent, type Filter, RECEIVER_VIEW, SENDER_VIEW } from './ude.js'

export type AnyHandler = (flow: unknown, payload: unknown) => void

export const NODE_FILTER = 0
export const NODE_ONCE = 1
export const NODE_ANY = 2
export const NODE_MULTI = 3
export const NODE_CHILD = 4
const MODES = { filter: NODE_FILTER, once: NODE_ONCE, any: NODE_ANY, multi: NODE_MULTI, child: NODE_CHILD }

/** What all events of a branch are registered with: where a registration hangs. */
export interface Planting {
  readonly path: readonly DerivedEvent[]
  readonly handler: AnyHandler
  /** Hook, as part of the identity of an event's occurrences. */
  readonly hook: string
}

export interface UdeNode {
  readonly ude: DerivedEvent
  readonly mode: number
  readonly filter: (flow: unknown, payload: unknown) => unknown
  readonly handlers: AnyHandler[]
  readonly children: UdeNode[]
  /** NODE_ONCE: how a forest remembers that it was raised. */
  readonly mark: string
  /** NODE_ANY: number of the event it was last raised for. */
  serial: number
  /** NODE_MULTI. */
  readonly multi: MultiNode | undefined
}

/** All that one event invokes for one socket. */
export interface Branch {
  readonly view: unknown
  readonly handlers: AnyHandler[]
  readonly children: UdeNode[]
}

/** The classification of an event, and the children that anyone is registered for. */
export class MultiNode {
  readonly classify: AnyClassifier
  readonly byKey = new Map<unknown, UdeNode>()
  /** Nodes raised by the pass under way, each followed by its payload. */
  readonly raised: unknown[] = []
  readonly raise: (key: unknown, payload: unknown) => void

  constructor(classify: AnyClassifier) {
    this.classify = classify
    this.raise = (key, payload) => {
      const node = this.byKey.get(key)
      if (node !== undefined) this.raised.push(node, payload)
    }
  }
}

const PASS: Filter<never, unknown> = (_flow, payload) => payload

/** Handlers for both views of a packet are called in the order its endpoints see it. */
function rank({ path }: Planting): number {
  return path[0] === SENDER_VIEW ? 1 : path[0] === RECEIVER_VIEW ? 2 : 0
}

/**
 * Arranges registrations as a tree in which every derived event occurs once.
 * @param identity a number for each event
 */
export function plant(
  view: unknown,
  registrations: readonly Planting[],
  socket: number,
  identity: (event: object) => number,
): Branch {
  const branch: Branch = { view, handlers: [], children: [] }
  // A union hangs on all of its events, but is one node: raised once.
  const unions = new Map<string, UdeNode>()
  const ordered = [...registrations].sort((a, b) => rank(a) - rank(b))
  for (const { path, handler, hook } of ordered) {
    let node: Branch | UdeNode = branch
    for (const ude of path) {
      const key = `${identity(ude)}.${hook}`
      const parent: Branch | UdeNode = node
      const multi: MultiNode | undefined = 'multi' in parent ? parent.multi : undefined
      let child: UdeNode | undefined =
        multi !== undefined && ude.derivation.mode === 'child'
          ? multi.byKey.get(ude.derivation.key)
          : parent.children.find((c) => c.ude === ude)
      if (child === undefined) {
        const union = ude.derivation.mode === 'any'
        child = (union ? unions.get(key) : undefined) ?? nodeOf(ude, `o${socket}.${key}`)
        if (union) unions.set(key, child)
        if (multi !== undefined && ude.derivation.mode === 'child') multi.byKey.set(ude.derivation.key, child)
        else parent.children.push(child)
      }
      node = child
    }
    // By way of a union a registration comes here more than once.
    if (!node.handlers.includes(handler)) node.handlers.push(handler)
  }
  return branch
}

function nodeOf(ude: DerivedEvent, mark: string): UdeNode {
  const { derivation } = ude
  const filter = derivation.mode === 'filter' ? derivation.filter : PASS
  return {
    ude,
    mode: MODES[derivation.mode],
    filter: filter as (flow: unknown, payload: unknown) => unknown,
    handlers: [],
    children: [],
    mark,
    serial: 0,
    multi: derivation.mode === 'multi' ? new MultiNode(derivation.classify) : undefined,
  }
}
