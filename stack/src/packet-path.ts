/**
 * One packet and its flow: what happens, in which order, between the look-up and the last event.
 *
 * In: a decoded packet and the row of its flow, if there is one. Out: the flow made or brought up to date, and the events
 * of the packet: ON_PKT_IN at PRE_TCP; ON_CONN_START, ON_TCP_STATE_CHANGE, ON_REXMIT; ON_PKT_IN at POST_TCP; ON_NEW_DATA
 * and ON_GAP; ON_CONN_END. Called by the stack for every packet that belongs to a flow or may begin one.
 *
 * Fast because the next segment of an established connection passes `tcp` without leaving it: nothing is made, and
 * events nobody waits for are one test of a bit.
 */
import { C } from './counters.js'
import { ANOMALY } from './event/anomaly.js'
import type { Dispatcher } from './event/dispatcher.js'
import { SLOT_ANOMALY, SLOT_DATAGRAM, SLOT_PKT_POST, SLOT_PKT_PRE, SLOT_START } from './event/slots.js'
import {
  BYTES,
  FLAG_BLOCKED,
  FLAG_ENDED,
  FLAG_ESTABLISHED,
  FLAG_RST,
  FLAG_TCP,
  FLAGS,
  LAST_TIME,
  NEW_SYN_SEQ,
  NEW_SYN_WINDOW,
  PACKETS,
  ROW_SHIFT,
  SIDE_SHIFT,
  SIDES,
} from './flow/layout.js'
import { END, type FlowLifecycle } from './flow/lifecycle.js'
import type { FlowTable } from './flow/table.js'
import type { Side } from './monitor/flow.js'
import type { PacketHandlers } from './monitor/packet-handlers.js'
import { type Handshake, SYN_ANSWERED, SYN_NOT_NEW } from './tcp/handshake.js'
import type { Reassembler } from './tcp/reassembly.js'
import type { EndRoles } from './tcp/roles.js'
import type { TcpTracker } from './tcp/tracker.js'
import { type Packet, TCP_FLAG } from './wire/index.js'

const { SYN, RST, ACK } = TCP_FLAG

/** What the packets of flows are handed to. */
export interface PathParts {
  readonly table: FlowTable
  readonly events: Dispatcher
  readonly packet: Packet
  readonly counts: Float64Array
  readonly flows: FlowLifecycle
  readonly reassembler: Reassembler
  readonly handshake: Handshake
  readonly tracker: TcpTracker
  readonly orphans: PacketHandlers
  readonly midstream: boolean
  readonly roles: EndRoles
}

export class PacketPath {
  private readonly table: FlowTable
  private readonly events: Dispatcher
  private readonly packet: Packet
  private readonly counts: Float64Array
  private readonly flows: FlowLifecycle
  private readonly reassembler: Reassembler
  private readonly handshake: Handshake
  private readonly tracker: TcpTracker
  private readonly orphans: PacketHandlers
  private readonly midstream: boolean
  private readonly roles: EndRoles
  /** Set by `admit`: the flow of the packet is new. */
  private admitted = false
  /** Whether the data of a packet that handlers drop has been taken by the reassembler. */
  private taken = true

  constructor(parts: PathParts) {
    this.table = parts.table
    this.events = parts.events
    this.packet = parts.packet
    this.counts = parts.counts
    this.flows = parts.flows
    this.reassembler = parts.reassembler
    this.handshake = parts.handshake
    this.tracker = parts.tracker
    this.orphans = parts.orphans
    this.midstream = parts.midstream
    this.roles = parts.roles
  }

  /** A TCP packet; `found` is the row of its flow, or 0. */
  tcp(found: number, ports: number, link: number, hash: number): void {
    const { table, events, reassembler } = this
    const opening = (this.packet.tcpFlags & (SYN | RST)) === SYN
    let row = found
    if (row === 0 || opening || (table.words[(row << ROW_SHIFT) + FLAGS] & FLAG_ENDED) !== 0) {
      row = this.admit(found, opening, ports, link, hash)
      if (row !== 0) this.irregular(row)
      return
    }
    this.admitted = false
    this.account(row, table.side)
    if (events.wants(row, 1 << SLOT_PKT_PRE)) {
      events.packetEvent(row, SLOT_PKT_PRE)
      if (this.packet.dropped) return
    }
    if (!this.tracker.expected(row, events.side)) {
      this.irregular(row)
      return
    }
    if (events.wants(row, 1 << SLOT_PKT_POST)) this.afterUpdate(row)
    if (!reassembler.pending) return
    reassembler.deliver(row)
    if (this.packet.decision !== 0) this.withhold(row)
  }

  /** Raises ON_PKT_IN at POST_TCP. Data of a packet dropped there is not delivered. */
  private afterUpdate(row: number): void {
    this.events.packetEvent(row, SLOT_PKT_POST)
    // Data that is withdrawn has not been taken: it is new when it comes again.
    this.taken = !(this.packet.dropped && this.reassembler.withdraw())
  }

  private withhold(row: number): void {
    if (this.packet.dropped && this.taken) this.tracker.withhold(row, this.events.side)
    this.taken = true
  }

  /** A segment that is not simply the next one, from PRE_TCP on. */
  private irregular(row: number): void {
    const { tracker, events, reassembler, packet: p } = this
    if (tracker.isWithheld(row, events.side)) {
      this.counts[C.withheldPackets]++
      p.drop()
      return
    }
    tracker.segment(row, events.side, this.admitted)
    if (events.wants(row, 1 << SLOT_PKT_POST)) this.afterUpdate(row)
    if (reassembler.pending) reassembler.deliver(row)
    if (p.decision !== 0) this.withhold(row)
    if (tracker.ended !== 0) this.flows.close(row, tracker.ended)
  }

  /**
   * A packet that may begin a connection, or that comes after the end of one: finds or makes its row, up to PRE_TCP and
   * the start events. Sets `admitted` when the flow is new.
   * @returns the row, or 0 for an orphan
   */
  private admit(found: number, opening: boolean, ports: number, link: number, hash: number): number {
    const { table, tracker, handshake, packet: p, events } = this
    const words = table.words
    const flags = p.tcpFlags
    let row = found
    let side = table.side as number
    let answered = false
    let synSequence = 0
    let synWindow = 0
    this.admitted = false
    if (row !== 0) {
      const at = row << ROW_SHIFT
      if ((words[at + FLAGS] & FLAG_BLOCKED) !== 0 && !tracker.opensAfterReset(row, side)) {
        this.account(row, side)
        this.flows.keepOut(row, side)
        return 0
      }
      const verdict = opening ? handshake.judgeSyn(row, side) : SYN_NOT_NEW
      if (verdict !== SYN_NOT_NEW) {
        answered = verdict === SYN_ANSWERED
        synSequence = words[at + NEW_SYN_SEQ]
        synWindow = words[at + NEW_SYN_WINDOW]
        this.flows.end(row, END.REUSED)
        row = 0
      } else if ((words[at + FLAGS] & FLAG_ENDED) !== 0) {
        const goesOn = p.payloadWireLength > 0 && (flags & RST) === 0 && tracker.contradictsRst(row, side)
        if (events.wants(row, 1 << (SLOT_ANOMALY + side))) this.afterRst(row, side)
        if (!goesOn) {
          this.orphan()
          return 0
        }
        this.flows.remove(row)
        row = this.flows.create(ports, link, hash, side === 1, FLAG_TCP)
        this.admitted = true
      }
    }
    if (row === 0) {
      const opens = opening && (flags & ACK) === 0
      if (!opens && !answered) {
        const usable = (flags & (ACK | RST)) === ACK && (p.payloadWireLength > 0 || opening)
        if (!this.midstream || !usable) {
          this.orphan()
          return 0
        }
      }
      side = answered ? 1 : opens ? 0 : this.roles.sender(p)
      row = this.flows.create(ports, link, hash, side === 1, FLAG_TCP)
      this.admitted = true
    }
    if (this.admitted) handshake.bind(row)
    this.account(row, side)
    if (events.wants(row, 1 << SLOT_PKT_PRE)) {
      events.packetEvent(row, SLOT_PKT_PRE)
      if (p.dropped) {
        if (this.admitted) this.flows.refuse(row)
        return 0
      }
    }
    if (this.admitted) handshake.start(row, side, answered, synSequence, synWindow)
    return row
  }

  /** A packet of any other protocol. */
  other(found: number, ports: number, link: number, hash: number): void {
    const { table, events } = this
    let row = found
    let side = table.side as number
    const first = row === 0
    if (first) {
      side = 0
      row = this.flows.create(ports, link, hash, false, 0)
    }
    this.account(row, side)
    const words = table.words
    const at = row << ROW_SHIFT
    if ((words[at + FLAGS] & FLAG_BLOCKED) !== 0) {
      this.flows.keepOut(row, side)
      return
    }
    if ((words[at + FLAGS] & FLAG_ESTABLISHED) === 0) {
      if (words[at + SIDES + ((1 - side) << SIDE_SHIFT) + PACKETS] !== 0)
        words[at + FLAGS] |= FLAG_ESTABLISHED
    }
    if (events.wants(row, 1 << SLOT_PKT_PRE)) {
      events.packetEvent(row, SLOT_PKT_PRE)
      if (this.packet.dropped) {
        if (first) this.flows.refuse(row)
        return
      }
    }
    if (first && events.wants(row, 1 << SLOT_START)) events.packetEvent(row, SLOT_START)
    if (events.wants(row, 1 << SLOT_PKT_POST)) events.packetEvent(row, SLOT_PKT_POST)
    if (this.packet.decision !== 0 && this.packet.dropped) return
    if (this.packet.payloadLength > 0 && events.wants(row, 1 << (SLOT_DATAGRAM + 1 - side))) {
      events.datagram(row, 1 - side)
    }
  }

  /** Data on a connection that an RST has ended; by the side that sent the RST, or the one that received it. */
  private afterRst(row: number, side: number): void {
    const { events, packet: p } = this
    if ((this.table.words[(row << ROW_SHIFT) + FLAGS] & FLAG_RST) === 0) return
    if (p.payloadWireLength === 0 || (p.tcpFlags & RST) !== 0) return
    events.current = row
    events.side = side as Side
    const sent = this.tracker.contradictsRst(row, side)
    events.anomaly(row, side, sent ? ANOMALY.DATA_AFTER_RST : ANOMALY.DATA_AFTER_RST_RECEIVED)
  }

  /** Makes the flow current and counts the packet to it. */
  private account(row: number, side: number): void {
    const { words, times } = this.table
    const at = row << ROW_SHIFT
    const sender = at + SIDES + (side << SIDE_SHIFT)
    words[sender + PACKETS]++
    times[(sender + BYTES) >> 1] += this.packet.wireLength
    times[(at + LAST_TIME) >> 1] = this.flows.now
    this.events.current = row
    this.events.side = side as Side
  }

  private orphan(): void {
    this.counts[C.orphans]++
    if (!this.orphans.empty) this.orphans.call(this.packet)
  }
}
