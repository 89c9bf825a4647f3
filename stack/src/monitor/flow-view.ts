/** The flow handle behind `Flow`: a window on the row of the flow whose event is being delivered, one per socket. */
import type { Hook } from '../event/builtin.js'
import type { Dispatcher } from '../event/dispatcher.js'
import type { Registration, SocketRecord } from '../event/forest.js'
import type { AnyHandler } from '../event/plant.js'
import type { FlowEvent } from '../event/ude.js'
import {
  BYTES,
  CLIENT_ADDRESS,
  FLAG_ENDED,
  FLAG_ESTABLISHED,
  FLAG_MIDSTREAM,
  FLAGS,
  LAST_TIME,
  LINK,
  PACKETS,
  PORTS,
  ROW_SHIFT,
  SERVER_ADDRESS,
  SIDE_SHIFT,
  SIDES,
  START_TIME,
  STATE,
  STATE_MASK,
} from '../flow/layout.js'
import { type FlowTable, linkIpVersion, linkProtocol, linkVlan } from '../flow/table.js'
import type { Timer } from '../flow/user-timers.js'
import type { PacketFields } from '../inline/responder.js'
import type { TcpState } from '../tcp/state.js'
import { formatAddressWords } from '../wire/index.js'
import type { ContextStore } from './context.js'
import type { Flow, FlowHandler, FlowSide, Side, Subscription } from './flow.js'
import { FlowSideView, type SideControl } from './flow-side.js'

/** What a flow handle asks of the stack. */
export interface FlowControl extends SideControl {
  block(reset: boolean): void
  sendPacket(to: Side, fields: PacketFields): boolean
  register(socket: number, registration: Registration): Subscription
  setTimer(socket: number, micros: number, run: () => void): Timer
}

export class FlowView<Ctx> implements Flow<Ctx> {
  private readonly control: FlowControl
  private readonly table: FlowTable
  private readonly events: Dispatcher
  private readonly contexts: ContextStore
  private readonly socket: number
  private readonly streams: readonly [FlowSide, FlowSide]

  constructor(control: FlowControl, record: SocketRecord, contexts: ContextStore, readers: ContextStore) {
    this.control = control
    this.table = control.table
    this.events = control.events
    this.contexts = contexts
    this.socket = record.number
    this.streams = [
      new FlowSideView(control, record, readers, 0),
      new FlowSideView(control, record, readers, 1),
    ]
  }

  get id(): number {
    return this.table.id(this.events.current)
  }

  get protocol(): number {
    return linkProtocol(this.word(LINK))
  }

  get ipVersion(): 4 | 6 {
    return linkIpVersion(this.word(LINK)) as 4 | 6
  }

  get vlan(): number {
    return linkVlan(this.word(LINK))
  }

  address(side: Side): string {
    const words = this.table.words
    const at = (this.events.current << ROW_SHIFT) + (side === 0 ? CLIENT_ADDRESS : SERVER_ADDRESS)
    return formatAddressWords(this.ipVersion, words[at], words[at + 1], words[at + 2], words[at + 3])
  }

  addressWord(side: Side, word: 0 | 1 | 2 | 3): number {
    return this.word((side === 0 ? CLIENT_ADDRESS : SERVER_ADDRESS) + word)
  }

  port(side: Side): number {
    const ports = this.word(PORTS)
    return side === 0 ? ports >>> 16 : ports & 0xffff
  }

  state(side: Side): TcpState {
    return (this.word(SIDES + (side << SIDE_SHIFT) + STATE) & STATE_MASK) as TcpState
  }

  get startTime(): number {
    return this.time(START_TIME)
  }

  get lastTime(): number {
    return this.time(LAST_TIME)
  }

  packets(side: Side): number {
    return this.word(SIDES + (side << SIDE_SHIFT) + PACKETS) >>> 0
  }

  bytes(side: Side): number {
    return this.time(SIDES + (side << SIDE_SHIFT) + BYTES)
  }

  get established(): boolean {
    return (this.word(FLAGS) & FLAG_ESTABLISHED) !== 0
  }

  get midstream(): boolean {
    return (this.word(FLAGS) & FLAG_MIDSTREAM) !== 0
  }

  get packetSide(): Side {
    return this.events.side
  }

  get uctx(): Ctx | undefined {
    return this.contexts.get(this.events.current) as Ctx | undefined
  }

  set uctx(value: Ctx | undefined) {
    // After the end nobody would take it away again, and the row's next flow would find it.
    if (this.events.current !== 0 && (this.word(FLAGS) & FLAG_ENDED) === 0) {
      this.contexts.set(this.events.current, value)
    }
  }

  side(side: Side): FlowSide {
    return this.streams[side]
  }

  stop(side?: Side): void {
    this.control.stop(this.socket, this, side === undefined ? 3 : 1 << side)
  }

  block(): void {
    this.control.block(false)
  }

  reset(): void {
    this.control.block(true)
  }

  sendPacket(to: Side, fields: PacketFields = {}): boolean {
    return this.control.sendPacket(to, fields)
  }

  setTimer(micros: number, handler: (flow: Flow<Ctx>) => void): Timer {
    if (typeof handler !== 'function') throw new TypeError('handler is not a function')
    return this.control.setTimer(this.socket, micros, () => handler(this))
  }

  on<T, H extends Hook>(
    event: FlowEvent<T, H>,
    hookOrHandler: NoInfer<H> | FlowHandler<Ctx, T>,
    handler?: FlowHandler<Ctx, T>,
  ): Subscription {
    return this.control.register(
      this.socket,
      registrationOf(this.events, event, hookOrHandler, handler as AnyHandler | undefined),
    )
  }

  private word(offset: number): number {
    return this.table.words[(this.events.current << ROW_SHIFT) + offset]
  }

  private time(offset: number): number {
    return this.table.times[((this.events.current << ROW_SHIFT) + offset) >> 1]
  }
}

/** Checks the arguments of `on(event, hook?, handler)`. @throws TypeError when they do not fit together */
export function registrationOf(
  events: Dispatcher,
  event: unknown,
  hookOrHandler: unknown,
  handler: AnyHandler | undefined,
): Registration {
  const flowEvent = event as FlowEvent<unknown, Hook>
  const hook = typeof hookOrHandler === 'function' ? undefined : (hookOrHandler as Hook)
  const call = typeof hookOrHandler === 'function' ? (hookOrHandler as AnyHandler) : handler
  if (typeof call !== 'function') throw new TypeError(`handler for ${flowEvent.name} is not a function`)
  if (hook !== undefined && !flowEvent.hooks.includes(hook)) {
    throw new TypeError(`${flowEvent.name} does not occur at this hook`)
  }
  return events.store.registration(flowEvent, hook, call)
}
