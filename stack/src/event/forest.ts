/**
 * Invocation forests: which handlers each event of a flow goes to.
 *
 * In: what sockets and flows register and stop. Out: per event slot a list of branches, one per socket, each with its
 * handlers and the user-defined events that hang on them, and a mask of the slots that have any. A forest is immutable
 * and interned: flows with the same registrations share one, and a flow record holds only its number. A change makes (or
 * finds) another forest, so it never disturbs an event being delivered. Called by sockets and flow handles; read by the
 * dispatcher for every event.
 */
import { EVENT, type Hook, POST_TCP } from './builtin.js'
import { type AnyHandler, type Branch, type Planting, plant } from './plant.js'
import { ofStream, SLOT_COUNT, SLOT_DATA, SLOT_GAP, sideOf, slotsOf } from './slots.js'
import { type FlowEvent, pathsOf } from './ude.js'

// ---- What is registered -----------------------------------------------------------------------------------------

export interface Registration {
  /** The same for the same event, hook and handler. */
  readonly key: string
  /** Per slot, where to hang the handler. More than one for events that go back to several built-in ones. */
  readonly plantings: readonly (Planting & { readonly slots: readonly number[] })[]
}

/** A monitoring socket, as far as forests are concerned. */
export interface SocketRecord {
  readonly number: number
  /** Flow handle given to this socket's handlers. */
  view: unknown
  /** Replaced, never changed in place. */
  registrations: readonly Registration[]
  /** Whether the stream received by the client, by the server, is to be reassembled. */
  readonly reassemble: readonly [boolean, boolean]
  /** Bytes of the stream that the client, that the server receives to be kept for `peek`, unless a flow has its own. */
  readonly retain: [number, number]
  /** Bytes of a stream after which it is of no more interest, unless a flow has its own; 0 for no end. */
  readonly depth: [number, number]
}

/** Stands in for handlers within the stack itself. */
export interface StreamKeeper {
  /** Called with the payloads of ON_NEW_DATA and ON_GAP before any socket is. */
  readonly data: AnyHandler
  readonly gap: AnyHandler
  /** A handler for ON_NEW_DATA after those of `socket`, which ends its interest at `depth`. */
  guard(socket: number, depth: number): AnyHandler
}

interface FlowRegistration {
  readonly socket: number
  readonly registration: Registration
}

// ---- What is invoked --------------------------------------------------------------------------------------------

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
  /** What else is particular to the flow, by name: see `mark`. */
  readonly marks: ReadonlyMap<string, number>
  /** Bytes to keep of the stream that the client, that the server receives. */
  readonly retain: [number, number] = [0, 0]
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
    marks: ReadonlyMap<string, number>,
  ) {
    this.number = number
    this.key = key
    this.own = own
    this.stopped = stopped
    this.marks = marks
  }
}

const NONE_STOPPED: ReadonlyMap<number, number> = new Map()
const NO_MARKS: ReadonlyMap<string, number> = new Map()

/** Marks of a flow that a socket sets for a side: bytes to keep, bytes of interest, and that those have been reached. */
export const MARK_RETAIN = 'r'
export const MARK_DEPTH = 'd'
export const MARK_REACHED = 'x'
export function mark(name: string, socket: number, side: number): string {
  return `${name}${socket}.${side}`
}

/** What the forests of a stack amount to. */
export interface ForestStats {
  /** Different forests: the default one, and one for each combination of flows' own registrations and stops in use. */
  readonly forests: number
  /** Flows that have another forest than the default one. */
  readonly flows: number
  /** Forests with more than one flow. */
  readonly shared: number
  /** Times a forest was put together, since the start. */
  readonly compiled: number
}

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
  private compiled = 0
  private readonly identify = (object: object): number => this.identity(object)
  private keeper: StreamKeeper | undefined

  constructor() {
    this.intern([], NONE_STOPPED, NO_MARKS)
  }

  /** Who keeps streams. Set before any socket or flow asks for it. */
  keepWith(keeper: StreamKeeper): void {
    this.keeper = keeper
  }

  stats(): ForestStats {
    let flows = 0
    let shared = 0
    for (const forest of this.byKey.values()) {
      flows += forest.users
      if (forest.users > 1) shared++
    }
    return { forests: this.size, flows, shared, compiled: this.compiled }
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

  registration(event: FlowEvent<unknown, Hook>, hook: Hook | undefined, handler: AnyHandler): Registration {
    const ways = pathsOf(event, hook)
    const at = hook ?? (ways.some((way) => way.number === EVENT.PKT_IN) ? POST_TCP : '')
    return {
      key: `${at}.${this.identity(event)}.${this.identity(handler)}`,
      plantings: ways.map(({ number, path }) => ({
        slots: slotsOf(number, hook),
        path,
        handler,
        hook: String(at),
      })),
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
    return this.intern([...forest.own, { socket, registration }], forest.stopped, forest.marks)
  }

  without(forest: Forest, socket: number, registration: Registration): Forest {
    const left = forest.own.filter((r) => r.socket !== socket || r.registration.key !== registration.key)
    return left.length === forest.own.length ? forest : this.intern(left, forest.stopped, forest.marks)
  }

  /** The forest of a flow of which `socket` has stopped `sides` (bit mask). */
  withStopped(forest: Forest, socket: number, sides: number): Forest {
    const before = forest.stopped.get(socket) ?? 0
    if ((before | sides) === before) return forest
    const stopped = new Map(forest.stopped).set(socket, before | sides)
    const own = (before | sides) === 3 ? forest.own.filter((r) => r.socket !== socket) : forest.own
    return this.intern(own, stopped, forest.marks)
  }

  /** The forest of a flow with a mark set to `value`. */
  withMark(forest: Forest, name: string, value: number): Forest {
    if (forest.marks.get(name) === value) return forest
    return this.intern(forest.own, forest.stopped, new Map(forest.marks).set(name, value))
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

  private intern(
    own: readonly FlowRegistration[],
    stopped: ReadonlyMap<number, number>,
    marks: ReadonlyMap<string, number>,
  ): Forest {
    const tagged = own.map((r) => ({ key: `${r.socket}:${r.registration.key}`, r }))
    tagged.sort((a, b) => (a.key < b.key ? -1 : 1))
    const stops = [...stopped].map(([socket, sides]) => `!${socket}:${sides}`).sort()
    const marked = [...marks].map(([name, value]) => `${name}=${value}`).sort()
    const key = [...tagged.map((t) => t.key), ...stops, ...marked].join(' ')
    const known = this.byKey.get(key)
    if (known !== undefined) return known
    const number = this.freeNumbers.pop() ?? this.forests.length
    const forest = new Forest(
      number,
      key,
      tagged.map((t) => t.r),
      stopped,
      marks,
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

  /** What sockets want has changed. */
  outdate(): void {
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
    forest.retain[0] = forest.retain[1] = 0
    for (const socket of this.sockets) this.compileSocket(forest, socket, branches)
    const { keeper } = this
    for (const side of [0, 1] as const) {
      if (forest.retain[side] === 0 || keeper === undefined) continue
      branches[SLOT_DATA + side].unshift({ view: undefined, handlers: [keeper.data], children: [] })
      branches[SLOT_GAP + side].unshift({ view: undefined, handlers: [keeper.gap], children: [] })
    }
    forest.branches = branches
    forest.mask = branches.reduce((mask, list, slot) => (list.length > 0 ? mask | (1 << slot) : mask), 0)
    forest.version = this.version
    this.masks[forest.number] = forest.mask
    this.compiled++
    return forest
  }

  private compileSocket(forest: Forest, socket: SocketRecord, branches: Branch[][]): void {
    const stopped = forest.stopped.get(socket.number) ?? 0
    if (stopped === 3) return
    const own = forest.own.filter((r) => r.socket === socket.number).map((r) => r.registration)
    const registrations = [
      ...socket.registrations,
      ...own.filter((r) => !socket.registrations.some((s) => s.key === r.key)),
    ]
    for (let slot = 0; slot < SLOT_COUNT; slot++) {
      const side = sideOf(slot)
      if (side >= 0 && (stopped & (1 << side)) !== 0) continue
      if (ofStream(slot) && !this.wantsStream(forest, socket, side as 0 | 1)) continue
      const here = registrations.flatMap((r) => r.plantings.filter((p) => p.slots.includes(slot)))
      if (here.length > 0) branches[slot].push(plant(socket.view, here, socket.number, this.identify))
    }
    for (const side of [0, 1] as const) {
      if ((stopped & (1 << side)) !== 0 || !this.wantsStream(forest, socket, side)) continue
      forest.retain[side] = Math.max(forest.retain[side], retainOf(forest, socket, side))
      const depth = forest.marks.get(mark(MARK_DEPTH, socket.number, side)) ?? socket.depth[side]
      if (depth === 0 || this.keeper === undefined) continue
      const guard = this.keeper.guard(socket.number, depth)
      branches[SLOT_DATA + side].push({ view: socket.view, handlers: [guard], children: [] })
    }
  }

  private wantsStream(forest: Forest, socket: SocketRecord, side: 0 | 1): boolean {
    return socket.reassemble[side] && !forest.marks.has(mark(MARK_REACHED, socket.number, side))
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

/** Bytes that `socket` wants kept of the stream that `side` receives. */
export function retainOf(forest: Forest, socket: SocketRecord, side: 0 | 1): number {
  return forest.marks.get(mark(MARK_RETAIN, socket.number, side)) ?? socket.retain[side]
}
