/**
 * A seeded network of model endpoints with a stack as the observer in the middle of it.
 *
 * In: a seed, the qualities of the two links, how many connections. Out: what the endpoints and the stack did not agree on.
 * Connections follow each other on the same ports, a few hundred at a time. Every packet goes from its sender over one
 * link to the observer, and from there over the other link to its receiver.
 */

import { TCP_FLAG } from '../../../test/support/frames.js'
import {
  CLI,
  createStack,
  ON_CONN_END,
  ON_CONN_START,
  ON_GAP,
  ON_NEW_DATA,
  ON_TCP_STATE_CHANGE,
  type Side,
  type Stack,
  type StackOptionsInput,
  SVR,
  TCP_STATE_NAME,
} from '../../src/index.js'
import { Endpoint, Random, type Segment } from './endpoint.js'

/** Per thousand packets; delays in milliseconds. */
export interface Link {
  readonly loss: number
  readonly duplication: number
  /** Every packet takes from 1 to this long: more than the time between packets puts them out of order. */
  readonly delay: number
}

/** A wire that is right beside the observer. */
export const WIRE: Link = { loss: 0, duplication: 0, delay: 0 }

export interface Simulation {
  readonly seed: number
  readonly connections: number
  readonly client: Link
  readonly server: Link
  /** Packets per thousand that the observer does not see, those that open and close connections aside. */
  readonly blind?: number
  /** Connections per thousand that one side aborts. */
  readonly aborts?: number
  readonly stack?: StackOptionsInput
}

export interface Outcome {
  readonly stack: Stack
  readonly faults: string[]
  readonly packets: number
  readonly bytes: number
  readonly gapBytes: number
  /** Names of all states that endpoints and stack were seen in together. */
  readonly states: ReadonlySet<string>
  readonly reasons: Readonly<Record<string, number>>
}

const SLOTS = 200
const FIRST_PORT = 10_000
const SERVER_PORT = 80
/** Milliseconds. */
const RETRANSMIT = 300
const TWO_MSL = 1200

/** The byte at a position of a stream. */
const truth = (connection: number, side: number, offset: number): number =>
  (offset * 31 + (offset >> 8) * 7 + connection * 13 + side) & 0xff

interface Connection {
  readonly number: number
  readonly slot: number
  /** Client and server. */
  readonly ends: readonly [Endpoint, Endpoint]
  readonly timers: [boolean, boolean]
  /** What the stack says: states, bytes to each side, whether its flow is there. */
  readonly states: [number, number]
  readonly delivered: [number, number]
  tracked: boolean
  /** The stack's flow has just ended: its last states are still to be compared. */
  ending: boolean
  /** The stack has begun a flow for it. */
  begun: boolean
  /** One of its ends has sent a reset. */
  aborted: boolean
  done: boolean
}

interface Event {
  readonly time: number
  readonly order: number
  readonly run: () => void
}

/** A queue of events by time (binary heap). */
class Agenda {
  now = 0
  private readonly heap: Event[] = []
  private order = 0

  after(delay: number, run: () => void): void {
    const { heap } = this
    const event = { time: this.now + delay, order: this.order++, run }
    let at = heap.length
    while (at > 0) {
      const up = (at - 1) >> 1
      if (!before(event, heap[up]!)) break
      heap[at] = heap[up]!
      at = up
    }
    heap[at] = event
  }

  next(): boolean {
    const { heap } = this
    const first = heap[0]
    if (first === undefined) return false
    const last = heap.pop()!
    if (heap.length > 0) {
      let at = 0
      for (;;) {
        let down = 2 * at + 1
        if (down >= heap.length) break
        if (down + 1 < heap.length && before(heap[down + 1]!, heap[down]!)) down++
        if (!before(heap[down]!, last)) break
        heap[at] = heap[down]!
        at = down
      }
      heap[at] = last
    }
    this.now = first.time
    first.run()
    return true
  }
}

const before = (a: Event, b: Event): boolean => (a.time === b.time ? a.order < b.order : a.time < b.time)

/** Ethernet, IPv4 and TCP, without checksums. */
function writeFrame(buffer: Buffer, connection: Connection, from: Side, s: Segment): number {
  buffer.writeUInt16BE(0x0800, 12)
  buffer.writeUInt32BE(0x45000000 | (40 + s.length), 14)
  buffer.writeUInt32BE(0, 18)
  buffer.writeUInt32BE(0x40060000, 22)
  buffer.writeUInt32BE(from === CLI ? 0x0a000001 : 0x0a000002, 26)
  buffer.writeUInt32BE(from === CLI ? 0x0a000002 : 0x0a000001, 30)
  const port = FIRST_PORT + connection.slot
  buffer.writeUInt16BE(from === CLI ? port : SERVER_PORT, 34)
  buffer.writeUInt16BE(from === CLI ? SERVER_PORT : port, 36)
  buffer.writeInt32BE(s.seq, 38)
  buffer.writeInt32BE(s.ack, 42)
  buffer.writeUInt16BE(0x5000 | s.flags, 46)
  buffer.writeUInt16BE(s.window, 48)
  buffer.writeUInt32BE(0, 50)
  for (let i = 0; i < s.length; i++) buffer[54 + i] = truth(connection.number, 1 - from, s.offset + i)
  return 54 + s.length
}

export function simulate(options: Simulation): Outcome {
  const random = new Random(options.seed)
  const agenda = new Agenda()
  const stack = createStack({ seed: options.seed, maxFlows: 2 * SLOTS, ...options.stack })
  const faults: string[] = []
  const seen = new Set<string>()
  const reasons: Record<string, number> = {}
  const frame = Buffer.alloc(4096)
  const current: (Connection | undefined)[] = new Array(SLOTS)
  let started = 0
  let packets = 0
  let bytes = 0
  let gapBytes = 0
  const links = [options.client, options.server]
  const fault = (c: Connection, what: string): void => {
    if (faults.length < 10) faults.push(`connection ${c.number} (port ${FIRST_PORT + c.slot}): ${what}`)
  }

  // ---- The observer ---------------------------------------------------------------------------------------------

  const socket = stack.monitorStream<Connection>()
  socket.on(ON_CONN_START, (flow) => {
    const c = current[flow.port(CLI) - FIRST_PORT]
    // What the network delivers after the end (a copy of the SYN, data behind its sender's reset) is a flow of its own.
    if (c === undefined || c.begun) return
    flow.uctx = c
    c.tracked = true
    c.begun = true
  })
  socket.on(ON_TCP_STATE_CHANGE, (flow, { side, to }) => {
    if (flow.uctx !== undefined) flow.uctx.states[side] = to
  })
  socket.on(ON_NEW_DATA, (flow, { side, offset, bytes: data, start, end }) => {
    const c = flow.uctx
    if (c === undefined) return
    if (offset !== c.delivered[side]) fault(c, `data to ${side} at ${offset}, not ${c.delivered[side]}`)
    for (let i = start; i < end; i++) {
      if (data[i] !== truth(c.number, side, offset + i - start)) {
        fault(c, `wrong byte to ${side} at ${offset + i - start}`)
        break
      }
    }
    c.delivered[side] = offset + end - start
    bytes += end - start
  })
  socket.on(ON_GAP, (flow, { side, offset, length }) => {
    const c = flow.uctx
    if (c === undefined) return
    if (offset !== c.delivered[side]) fault(c, `gap to ${side} at ${offset}, not ${c.delivered[side]}`)
    c.delivered[side] = offset + length
    gapBytes += length
    // A reset leaves holes.
    if (options.blind === undefined && !c.aborted) fault(c, `gap to ${side} at ${offset} +${length}`)
  })
  socket.on(ON_CONN_END, (flow, { reason }) => {
    const c = flow.uctx
    if (c === undefined) return
    c.tracked = false
    c.ending = true
    reasons[reason] = (reasons[reason] ?? 0) + 1
    if (options.blind !== undefined || reason !== 'fin') return
    // Both sides have acknowledged everything: what was delivered is what they have.
    for (const side of [CLI, SVR] as const) {
      if (c.delivered[side] < c.ends[side].received) {
        fault(c, `${c.ends[side].received} bytes to ${side}, ${c.delivered[side]} delivered`)
      }
    }
  })

  /** Compares a side that is right beside the observer: it has seen all that the side has, and nothing else. */
  const compare = (c: Connection, side: Side, when: string): void => {
    if (links[side] !== WIRE || options.blind !== undefined) return
    if (!c.tracked && !c.ending) return
    c.ending = false
    const end = c.ends[side]
    seen.add(TCP_STATE_NAME[end.state]!)
    if (c.states[side] !== end.state) {
      const is = `${TCP_STATE_NAME[c.states[side]]}, is ${TCP_STATE_NAME[end.state]}`
      fault(c, `packet ${packets}: side ${side} said to be ${is} ${when}`)
    }
    if (c.tracked && c.delivered[side] !== end.received) {
      fault(
        c,
        `packet ${packets}: side ${side} has ${end.received} bytes, ${c.delivered[side]} delivered ${when}`,
      )
    }
  }

  // ---- The network ----------------------------------------------------------------------------------------------

  const cross = (link: Link, arrive: () => void): void => {
    if (link === WIRE) {
      arrive()
      return
    }
    const copies = random.chance(link.duplication) ? 2 : 1
    for (let i = 0; i < copies; i++) {
      if (!random.chance(link.loss)) agenda.after(1 + random.below(link.delay), arrive)
    }
  }
  const observe = (c: Connection, from: Side, s: Segment): void => {
    packets++
    const opensOrCloses = (s.flags & (TCP_FLAG.SYN | TCP_FLAG.FIN | TCP_FLAG.RST)) !== 0
    if (options.blind !== undefined && !opensOrCloses && random.chance(options.blind)) return
    const length = writeFrame(frame, c, from, s)
    const seconds = Math.floor(agenda.now / 1000)
    stack.frame(frame, 0, length, length, 1_700_000_000 + seconds, (agenda.now % 1000) * 1_000_000, 1, 0)
  }
  const transmit = (c: Connection, from: Side, s: Segment): void => {
    cross(links[from]!, () => {
      // What is left in the network of a connection that is over is gone before its ports are used again.
      if (c.done) return
      observe(c, from, s)
      const to = (1 - from) as Side
      cross(links[to]!, () => {
        if (c.done) return
        const end = c.ends[to]
        end.receive(s)
        compare(c, to, 'after a segment')
        end.react()
        compare(c, to, 'after its answer')
        guard(c, to)
        finish(c)
      })
    })
  }
  /** Runs the retransmission timer of a side while there is need. */
  const guard = (c: Connection, side: Side): void => {
    if (c.timers[side] || !c.ends[side].waiting) return
    c.timers[side] = true
    agenda.after(RETRANSMIT + random.below(RETRANSMIT), () => {
      c.timers[side] = false
      if (c.done) return
      c.ends[side].timeout()
      guard(c, side)
    })
  }
  const finish = (c: Connection): void => {
    if (c.done || !c.ends[CLI].over || !c.ends[SVR].over) return
    agenda.after(TWO_MSL, () => {
      if (c.done) return
      c.done = true
      begin(c.slot)
    })
  }

  const begin = (slot: number): void => {
    if (started === options.connections) {
      current[slot] = undefined
      return
    }
    const number = started++
    const own = new Random(options.seed * 1_000_003 + number)
    const mss = 1 + own.below(own.chance(300) ? 30 : 1000)
    const size = (): number => (own.chance(200) ? 0 : own.below(own.chance(100) ? 12 * mss : 3 * mss) + 1)
    // At least one side closes by itself.
    const who = own.below(3)
    const make = (side: Side): Endpoint =>
      new Endpoint(own, size(), mss, who === 2 || who === side, (s) => transmit(c, side, s))
    const c: Connection = {
      number,
      slot,
      ends: [make(CLI), make(SVR)],
      timers: [false, false],
      states: [0, 1],
      delivered: [0, 0],
      tracked: false,
      ending: false,
      begun: false,
      aborted: false,
      done: false,
    }
    current[slot] = c
    c.ends[SVR].listen()
    // A good part of the numbers wraps around.
    const isn = own.chance(400) ? -1 - own.below(3000) : own.below(0x7fff_ffff)
    c.ends[CLI].connect(isn)
    guard(c, CLI)
    if (own.chance(options.aborts ?? 0)) {
      const side = own.below(2) as Side
      agenda.after(own.below(own.chance(500) ? 30 : 400), () => {
        if (c.done) return
        c.aborted = true
        c.ends[side].abort()
        compare(c, side, 'after its reset')
        finish(c)
      })
    }
  }

  for (let slot = 0; slot < SLOTS; slot++) agenda.after(slot, () => begin(slot))
  while (agenda.next()) if (faults.length >= 10) break
  stack.finish()
  return { stack, faults, packets, bytes, gapBytes, states: seen, reasons }
}
