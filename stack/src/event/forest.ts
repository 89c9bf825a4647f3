/**
 * Invocation forests: which handlers each event of a flow goes to.
 *
 * In: what sockets and flows register and stop. Out: per event slot a list of branches, one per socket, each with its
 * handlers and the user-defined events that hang on them, and a mask of the slots that have any. A forest is immutable
 * and interned: flows with the same registrations share one, and a flow record holds only its number. A change makes (or
 * finds) another forest, so it never disturbs an event being delivered. Called by sockets and flow handles; read by the
 * dispatcher for every event.
 */
import type { EventNumber, Hook } from './builtin.js'
import { EVENT, PRE_TCP } from './builtin.js'
import type { FlowEvent, Ude } from './ude.js'

// ---- Slots: an event at a hook, or concerning a side ------------------------------------------------------------

export const SLOT_PKT_PRE = 0
export const SLOT_PKT_POST = 1
export const SLOT_START = 2
/** These four: plus the side concerned. */
export const SLOT_STATE = 3
export const SLOT_REXMIT = 5
export const SLOT_DATA = 7
export const SLOT_GAP = 9
export const SLOT_END = 11
const SLOT_COUNT = 12

/** Slots whose handlers need the stream that the client receives; shifted left by one for the server's. */
export const NEEDS_STREAM = (1 << SLOT_DATA) | (1 << SLOT_GAP)

function slotsOf(event: EventNumber, hook: Hook): readonly number[] {
  switch (event) {
    case EVENT.PKT_IN:
      return hook === PRE_TCP ? [SLOT_PKT_PRE] : [SLOT_PKT_POST]
    case EVENT.CONN_START:
      return [SLOT_START]
    case EVENT.TCP_STATE_CHANGE:
      return [SLOT_STATE, SLOT_STATE + 1]
    case EVENT.REXMIT:
      return [SLOT_REXMIT, SLOT_REXMIT + 1]
    case EVENT.NEW_DATA:
      return [SLOT_DATA, SLOT_DATA + 1]
    case EVENT.GAP:
      return [SLOT_GAP, SLOT_GAP + 1]
    case EVENT.CONN_END:
      return [SLOT_END]
  }
}

/** The side a slot concerns, or -1. */
function sideOf(slot: number): number {
  return slot >= SLOT_STATE && slot < SLOT_END ? (slot - SLOT_STATE) & 1 : -1
}

// ---- What is registered -----------------------------------------------------------------------------------------

export type AnyHandler = (flow: unknown, payload: unknown) => void
type AnyFilter = (flow: unknown, payload: unknown) => unknown
type AnyUde = Ude<unknown, never>

export interface Registration {
  /** The same for the same event, hook and handler. */
  readonly key: string
  readonly slots: readonly number[]
  /** User-defined events from the built-in one down to the one registered. */
  readonly path: readonly AnyUde[]
  readonly handler: AnyHandler
}

/** A monitoring socket, as far as forests are concerned. */
export interface SocketRecord {
  readonly number: number
  /** Flow handle given to this socket's handlers. */
  readonly view: unknown
  /** Replaced, never changed in place. */
  registrations: readonly Registration[]
  /** Whether the stream received by the client, by the server, is to be reassembled. */
  readonly reassemble: readonly [boolean, boolean]
}

interface FlowRegistration {
  readonly socket: number
  readonly registration: Registration
}

// ---- What is invoked --------------------------------------------------------------------------------------------

export interface UdeNode {
  readonly ude: AnyUde
  readonly filter: AnyFilter
  readonly handlers: AnyHandler[]
  readonly children: UdeNode[]
}

/** All that one event invokes for one socket. */
export interface Branch {
  readonly view: unknown
  readonly handlers: AnyHandler[]
  readonly children: UdeNode[]
}

const NO_BRANCHES: readonly Branch[] = Object.freeze([])
const NOTHING: readonly (readonly Branch[])[] = new Array<readonly Branch[]>(SLOT_COUNT).fill(NO_BRANCHES)

/** In place of a mask: all slots may have handlers. */
export const OUT_OF_DATE = -1

export class Forest {
  readonly number: number
  readonly key: string
  /** Registrations of the flow itself, by key. */
  readonly own: readonly FlowRegistration[]
  /** Per socket number: bit 0 the client side is stopped, bit 1 the server side. */
  readonly stopped: ReadonlyMap<number, number>
  /** Flows that use it; the default forest is never released and does not count. */
  users = 0
  /** Version of the sockets' registrations it was compiled from. */
  version = -1
  /** Bit per slot that has branches. */
  mask = 0
  /** Branches per slot. */
  branches = NOTHING

  constructor(
    number: number,
    key: string,
    own: readonly FlowRegistration[],
    stopped: ReadonlyMap<number, number>,
  ) {
    this.number = number
    this.key = key
    this.own = own
    this.stopped = stopped
  }
}

const NONE_STOPPED: ReadonlyMap<number, number> = new Map()

/** The forests of one stack. */
export class ForestStore {
  /** By number; 0 is the default forest of new flows. */
  private readonly forests: Forest[] = []
  /** Slots with handlers, by forest number, or OUT_OF_DATE for a forest yet to be compiled. */
  masks = new Int32Array(16).fill(OUT_OF_DATE)
  /** Changes with every registration at a socket: forests compiled earlier are compiled again when next used. */
  private version = 0
  private readonly sockets: SocketRecord[] = []
  private readonly byKey = new Map<string, Forest>()
  private readonly freeNumbers: number[] = []
  private readonly identities = new WeakMap<object, number>()
  private nextIdentity = 1

  constructor() {
    this.intern([], NONE_STOPPED)
  }

  /** Interned forests, the default one included. */
  get size(): number {
    return this.byKey.size
  }

  addSocket(socket: SocketRecord): void {
    this.sockets.push(socket)
    this.outdate()
  }

  removeSocket(socket: SocketRecord): void {
    const at = this.sockets.indexOf(socket)
    if (at >= 0) this.sockets.splice(at, 1)
    this.outdate()
  }

  registration(event: FlowEvent<never, Hook>, hook: Hook, handler: AnyHandler): Registration {
    const path: AnyUde[] = []
    let node: FlowEvent<never, Hook> = event
    while (node.kind === 'ude') {
      path.unshift(node as unknown as AnyUde)
      node = node.base as FlowEvent<never, Hook>
    }
    const ude = path.length === 0 ? 0 : this.identity(path[path.length - 1])
    return {
      key: `${event.number}.${event.number === EVENT.PKT_IN ? hook : 0}.${ude}.${this.identity(handler)}`,
      slots: slotsOf(event.number, hook),
      path,
      handler,
    }
  }

  /** Adds a registration of the whole socket. False when it was there already. */
  register(socket: SocketRecord, registration: Registration): boolean {
    if (socket.registrations.some((r) => r.key === registration.key)) return false
    socket.registrations = [...socket.registrations, registration]
    this.outdate()
    return true
  }

  unregister(socket: SocketRecord, registration: Registration): void {
    const left = socket.registrations.filter((r) => r.key !== registration.key)
    if (left.length === socket.registrations.length) return
    socket.registrations = left
    this.outdate()
  }

  /** The forest of a flow that has `registration` for `socket` besides what `forest` has. */
  with(forest: Forest, socket: number, registration: Registration): Forest {
    const same = (r: FlowRegistration): boolean =>
      r.socket === socket && r.registration.key === registration.key
    if (forest.own.some(same)) return forest
    return this.intern([...forest.own, { socket, registration }], forest.stopped)
  }

  without(forest: Forest, socket: number, registration: Registration): Forest {
    const left = forest.own.filter((r) => r.socket !== socket || r.registration.key !== registration.key)
    return left.length === forest.own.length ? forest : this.intern(left, forest.stopped)
  }

  /** The forest of a flow of which `socket` has stopped `sides` (bit mask). */
  withStopped(forest: Forest, socket: number, sides: number): Forest {
    const before = forest.stopped.get(socket) ?? 0
    if ((before | sides) === before) return forest
    const stopped = new Map(forest.stopped).set(socket, before | sides)
    const own = (before | sides) === 3 ? forest.own.filter((r) => r.socket !== socket) : forest.own
    return this.intern(own, stopped)
  }

  /** Accounts for a flow that changes from one forest to another. */
  move(from: Forest, to: Forest): void {
    if (to.number !== 0) to.users++
    this.release(from)
  }

  /** A flow with this forest is gone. */
  release(forest: Forest): void {
    if (forest.number === 0 || --forest.users > 0) return
    this.byKey.delete(forest.key)
    this.freeNumbers.push(forest.number)
  }

  private intern(own: readonly FlowRegistration[], stopped: ReadonlyMap<number, number>): Forest {
    const tagged = own.map((r) => ({ key: `${r.socket}:${r.registration.key}`, r }))
    tagged.sort((a, b) => (a.key < b.key ? -1 : 1))
    const stops = [...stopped].map(([socket, sides]) => `!${socket}:${sides}`).sort()
    const key = [...tagged.map((t) => t.key), ...stops].join(' ')
    const known = this.byKey.get(key)
    if (known !== undefined) return known
    const number = this.freeNumbers.pop() ?? this.forests.length
    const forest = new Forest(
      number,
      key,
      tagged.map((t) => t.r),
      stopped,
    )
    if (number >= this.masks.length) {
      const grown = new Int32Array(this.masks.length * 2)
      grown.set(this.masks)
      this.masks = grown
    }
    this.forests[number] = forest
    this.masks[number] = OUT_OF_DATE
    this.byKey.set(key, forest)
    return forest
  }

  private outdate(): void {
    this.version++
    this.masks.fill(OUT_OF_DATE)
  }

  /** The forest with this number, up to date with the sockets' registrations. */
  get(number: number): Forest {
    const forest = this.forests[number]
    return forest.version === this.version ? forest : this.compile(forest)
  }

  private compile(forest: Forest): Forest {
    const branches: Branch[][] = Array.from({ length: SLOT_COUNT }, () => [])
    for (const socket of this.sockets) {
      const stopped = forest.stopped.get(socket.number) ?? 0
      if (stopped === 3) continue
      const own = forest.own.filter((r) => r.socket === socket.number).map((r) => r.registration)
      const registrations = [
        ...socket.registrations,
        ...own.filter((r) => !socket.registrations.some((s) => s.key === r.key)),
      ]
      for (let slot = 0; slot < SLOT_COUNT; slot++) {
        const side = sideOf(slot)
        if (side >= 0 && (stopped & (1 << side)) !== 0) continue
        if (slot >= SLOT_DATA && slot < SLOT_END && !socket.reassemble[side as 0 | 1]) continue
        const here = registrations.filter((r) => r.slots.includes(slot))
        if (here.length > 0) branches[slot].push(plant(socket.view, here))
      }
    }
    forest.branches = branches
    forest.mask = branches.reduce((mask, list, slot) => (list.length > 0 ? mask | (1 << slot) : mask), 0)
    forest.version = this.version
    this.masks[forest.number] = forest.mask
    return forest
  }

  private identity(object: object): number {
    let id = this.identities.get(object)
    if (id === undefined) {
      id = this.nextIdentity++
      this.identities.set(object, id)
    }
    return id
  }
}

/** Arranges registrations as a tree in which every user-defined event occurs once. */
function plant(view: unknown, registrations: readonly Registration[]): Branch {
  const branch: Branch = { view, handlers: [], children: [] }
  for (const { path, handler } of registrations) {
    let node: Branch | UdeNode = branch
    for (const ude of path) {
      let child: UdeNode | undefined = node.children.find((c) => c.ude === ude)
      if (child === undefined) {
        child = { ude, filter: ude.filter as AnyFilter, handlers: [], children: [] }
        node.children.push(child)
      }
      node = child
    }
    node.handlers.push(handler)
  }
  return branch
}
