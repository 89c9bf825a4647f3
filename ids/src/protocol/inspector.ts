/**
 * Runs the parser of a flow's service over its units.
 *
 * In: stream units (windows of a turn) and datagrams of detection, with the flow's slot. Out: see `index.ts`. One instance
 * per worker. What is parsed depends on the bytes of the turns only, not on how segments carried them.
 */
import { SSL_GID } from '../builtin/index.js'
import { BUF, type BufferId, type BufferSet } from '../inspect/buffers.js'
import type { InspectionContext } from '../inspect/context.js'
import { EventList } from '../inspect/event-list.js'
import { Unit } from '../inspect/inspection-unit.js'
import {
  type Direction,
  type InspectionUnit,
  SERVICE,
  type ServiceId,
  TO_CLIENT,
  TO_SERVER,
  UNIT,
} from '../inspect/unit.js'
import { type Dialogue, follow, MailContext, openDialogue } from '../mail/index.js'
import { identifyDatagram, identifyTurn, PROBED_TURNS } from '../service/index.js'
import { hasCommands, nextCommand } from './commands.js'
import { DceConnection, readDceDatagram } from './dce.js'
import { Dnp3Connection } from './dnp3.js'
import { FACTS, ProtocolFacts } from './facts.js'
import { FTP_DATA, FtpDataHints } from './ftp-data.js'
import { Iec104Connection } from './iec104.js'
import type { MessageListener, MessageParser } from './message-parser.js'
import { ModbusConnection } from './modbus.js'
import { readSip, removeSip } from './sip.js'
import { SmbConnection, type SmbListener } from './smb.js'
import { hasMessages, messageLength } from './split.js'
import { TelnetText } from './telnet.js'
import { TlsState } from './tls.js'
import { judgeTurn, turnEventsOf } from './turn-events.js'

/** What is kept for a flow. */
export interface ProtocolSlot<Flow> {
  /** The service recognised (never HTTP, which the conversation knows); UNKNOWN before that. */
  service: ServiceId
  /** Turns looked at without recognising anything. */
  probes: number
  /** State of the service's parser, once there is something to keep. */
  protocol: TlsState | DceConnection | SmbConnection | MessageParser | undefined
  /** Where in a mail conversation mails are. */
  mail: Dialogue<Flow> | undefined
  /** An FTP data connection that the server has opened: its client is the FTP server. */
  swapped: boolean
}

/** Ends of the flow a unit belongs to: 0 the client's, 1 the server's. */
export interface FlowEnds {
  port(side: 0 | 1): number
  address(side: 0 | 1): string
  /** Its beginning was not seen. */
  readonly midstream: boolean
}

export interface PduSink<Flow> {
  /** A message inside a stream; the unit is valid during the call. */
  pdu(flow: Flow, unit: InspectionUnit): void
}

export class ProtocolInspector<Flow extends FlowEnds> implements SmbListener<Flow>, MessageListener<Flow> {
  readonly facts = new ProtocolFacts()
  readonly #sink: PduSink<Flow>
  readonly #unit = new Unit(UNIT.PDU)
  readonly #fileUnit = new Unit(UNIT.FILE)
  #context: InspectionContext<Flow> | undefined
  readonly #ftpData = new FtpDataHints()
  #mail: MailContext<Flow> | undefined
  readonly #events = new EventList()
  /** Events are wanted. */
  #judges = false
  #rawStreams = false
  readonly #telnet = new TelnetText()

  constructor(sink: PduSink<Flow>) {
    this.#sink = sink
  }

  /** Must be called before the first unit. Files found in mails and moved by SMB go to the context's sink. */
  useContext(context: InspectionContext<Flow>): void {
    this.#context = context
    this.#mail = new MailContext(context)
    this.#judges = context.needs.events
    this.#rawStreams = context.limits.rawStreams
  }

  /** Before a window of a turn is searched: sets its service, the facts and the protocol's buffers. */
  beforeUnit(flow: Flow, slot: ProtocolSlot<Flow>, unit: InspectionUnit): void {
    if (unit.service !== SERVICE.UNKNOWN) return
    const { buffers, direction } = unit
    const bytes = buffers.bytes[BUF.PKT_DATA]!
    const start = buffers.start[BUF.PKT_DATA]!
    const end = buffers.end[BUF.PKT_DATA]!
    const turn = unit.sequence === 0
    if (slot.service === SERVICE.UNKNOWN && turn && slot.probes < PROBED_TURNS && !this.#rawStreams) {
      slot.service = this.#identify(flow, slot, direction, bytes, start, end)
    }
    unit.service = slot.service
    if (isTelnet(slot.service, flow)) this.#takeOutCommands(buffers, bytes, start, end)
    if (this.#judges && turn) this.#judgeTurn(flow, slot.service, direction, buffers)
    if (slot.service === SERVICE.SSL) {
      const tls = slot.protocol instanceof TlsState ? slot.protocol : new TlsState()
      slot.protocol = tls
      tls.beginUnit(direction, turn)
      tls.feed(direction, bytes, buffers.fresh[BUF.PKT_DATA]!, end)
      this.facts.kind = FACTS.SSL
      this.facts.sslStates = tls.states
      this.facts.sslVersions = tls.versions
      unit.opaque = tls.opaque
      if (this.#judges && !flow.midstream) this.#judgeHellos(flow, direction, tls, buffers)
    } else if (slot.service === SERVICE.SIP && turn) readSip(this.facts, buffers, bytes, start, end)
    else if (slot.service === SERVICE.FTP && turn) {
      const text = buffers.bytes[BUF.PKT_DATA]!
      const first = buffers.start[BUF.PKT_DATA]!
      this.#ftpData.read(flow, direction, text, first, buffers.end[BUF.PKT_DATA]!)
    } else if (slot.service === SERVICE.FTP_DATA) {
      const fresh = buffers.fresh[BUF.PKT_DATA]!
      buffers.setWindow(BUF.FILE_DATA, bytes, start, end, fresh, buffers.base[BUF.PKT_DATA]!)
      if (slot.swapped) {
        unit.direction = direction === TO_SERVER ? TO_CLIENT : TO_SERVER
        unit.swapped = true
      }
    }
  }

  /**
   * End of the last whole message or command of a turn's first window, `start` when there is none: see
   * `UnitSink.endOfMessages`.
   */
  endOfMessages(
    flow: Flow,
    slot: ProtocolSlot<Flow>,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): number {
    if (slot.service === SERVICE.UNKNOWN && slot.probes < PROBED_TURNS && !this.#rawStreams)
      slot.service = this.#identify(flow, slot, direction, bytes, start, end)
    const { service } = slot
    let at = start
    if (hasMessages(service)) {
      for (;;) {
        const length = messageLength(service, bytes, at, end)
        if (length <= 0 || length > end - at) return at
        at += length
      }
    }
    if (!hasCommands(service, direction)) return start
    for (let next = at; next >= 0; next = nextCommand(service, bytes, at, end)) at = next
    return at
  }

  /** Before a message of a turn is searched: its facts, in place of those of the one before. */
  beforeMessage({ service, buffers }: InspectionUnit, start: number, end: number): void {
    if (service !== SERVICE.SIP) return
    removeSip(buffers)
    readSip(this.facts, buffers, buffers.bytes[BUF.PKT_DATA]!, start, end)
  }

  /** After the window has been inspected: takes back what `beforeUnit` set, and hands out the messages inside. */
  afterUnit(flow: Flow, slot: ProtocolSlot<Flow>, unit: InspectionUnit): void {
    const { buffers, direction } = unit
    if (slot.service === SERVICE.SIP) removeSip(buffers)
    this.facts.clear()
    unit.opaque = false
    if (slot.service === SERVICE.FTP_DATA) {
      buffers.remove(BUF.FILE_DATA)
      unit.swapped = false
      return
    }
    if (this.#mail !== undefined && isMail(slot.service)) {
      slot.mail ??= openDialogue(this.#mail, slot.service)
      if (slot.mail !== undefined) follow(this.#mail, slot.mail, flow, direction, buffers)
      return
    }
    slot.protocol ??= openParser(slot.service)
    const { protocol } = slot
    if (protocol === undefined || protocol instanceof TlsState) return
    const bytes = buffers.bytes[BUF.PKT_DATA]!
    const fresh = buffers.fresh[BUF.PKT_DATA]!
    const end = buffers.end[BUF.PKT_DATA]!
    this.#unit.service = slot.service
    protocol.feed(flow, direction, bytes, fresh, end, unit.sequence === 0, this.facts, this)
    this.facts.clear()
  }

  /** One UDP datagram: returns its service and fills facts and buffers; `afterDatagram` takes them back. */
  beforeDatagram(known: ServiceId, unit: InspectionUnit, serverPort: number): ServiceId {
    const { buffers } = unit
    const bytes = buffers.bytes[BUF.PKT_DATA]!
    const start = buffers.start[BUF.PKT_DATA]!
    const end = buffers.end[BUF.PKT_DATA]!
    if (this.#rawStreams) return SERVICE.UNKNOWN
    const service = known === SERVICE.UNKNOWN ? identifyDatagram(bytes, start, end, serverPort) : known
    if (service === SERVICE.SIP) readSip(this.facts, buffers, bytes, start, end)
    else if (service === SERVICE.DCERPC) {
      const stub = readDceDatagram(this.facts, bytes, start, end)
      if (stub >= 0) buffers.set(BUF.DCE_STUB_DATA, bytes, stub, end)
    }
    return service
  }

  afterDatagram(unit: InspectionUnit): void {
    if (this.facts.kind === FACTS.NONE) return
    this.facts.clear()
    removeSip(unit.buffers)
    unit.buffers.remove(BUF.DCE_STUB_DATA)
  }

  /** The messages inside a datagram that has been inspected as a whole. */
  datagramMessages(flow: Flow, slot: ProtocolSlot<Flow>, unit: InspectionUnit): void {
    slot.protocol ??= openParser(slot.service)
    const { protocol } = slot
    if (protocol === undefined || protocol instanceof TlsState) return
    const { buffers } = unit
    this.#unit.service = slot.service
    const start = buffers.start[BUF.PKT_DATA]!
    const end = buffers.end[BUF.PKT_DATA]!
    protocol.feed(flow, unit.direction, buffers.bytes[BUF.PKT_DATA]!, start, end, true, this.facts, this)
    this.facts.clear()
  }

  gap(flow: Flow, slot: ProtocolSlot<Flow>, direction: Direction): void {
    slot.protocol?.gap(direction)
    slot.mail?.gap(flow, direction)
  }

  /** The flow has ended, and its last turns have been inspected. */
  close(flow: Flow, slot: ProtocolSlot<Flow>): void {
    slot.mail?.close(flow)
    slot.mail = undefined
  }

  dceCall(
    flow: Flow,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
    stub: number,
  ): void {
    const unit = this.#unit
    unit.direction = direction
    unit.buffers.set(BUF.PKT_DATA, bytes, start, end)
    unit.buffers.set(BUF.RAW_DATA, bytes, start, end)
    unit.buffers.set(BUF.DCE_STUB_DATA, bytes, stub, end)
    this.#sink.pdu(flow, unit)
    unit.buffers.clear()
  }

  message(
    flow: Flow,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
    buffer: BufferId | undefined,
    data: Uint8Array,
    dataStart: number,
    dataEnd: number,
  ): void {
    const unit = this.#unit
    unit.direction = direction
    unit.buffers.set(BUF.PKT_DATA, bytes, start, end)
    unit.buffers.set(BUF.RAW_DATA, bytes, start, end)
    if (buffer !== undefined) unit.buffers.set(buffer, data, dataStart, dataEnd)
    this.#sink.pdu(flow, unit)
    unit.buffers.clear()
  }

  fileData(flow: Flow, direction: Direction, bytes: Uint8Array, start: number, end: number): void {
    if (this.#context === undefined) return
    const unit = this.#fileUnit
    unit.direction = direction
    unit.service = SERVICE.NETBIOS_SSN
    unit.buffers.set(BUF.PKT_DATA, bytes, start, end)
    unit.buffers.set(BUF.FILE_DATA, bytes, start, end)
    this.#context.counters.fileUnits++
    this.#context.sink.inspect(flow, unit)
    unit.buffers.clear()
  }

  /** Hands out an event that a parser has found in the message at hand. */
  event(
    flow: Flow,
    direction: Direction,
    gid: number,
    sid: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    if (!this.#judges) return
    this.#events.add(sid)
    this.#context?.raise(flow, direction, this.#unit.service, gid, this.#events, bytes, start, end)
  }

  #judgeTurn(flow: Flow, service: ServiceId, direction: Direction, buffers: BufferSet): void {
    const gid = turnEventsOf(service, direction, flow.port(1))
    if (gid === 0) return
    const bytes = buffers.bytes[BUF.PKT_DATA]!
    const start = buffers.start[BUF.PKT_DATA]!
    const end = buffers.end[BUF.PKT_DATA]!
    judgeTurn(this.#events, gid, flow, bytes, start, end)
    this.#context?.raise(flow, direction, service, gid, this.#events, bytes, start, end)
  }

  #judgeHellos(flow: Flow, direction: Direction, tls: TlsState, buffers: BufferSet): void {
    const sid = tls.misplacedHello
    if (sid === 0) return
    this.#events.add(sid)
    const bytes = buffers.bytes[BUF.PKT_DATA]!
    const start = buffers.start[BUF.PKT_DATA]!
    const end = buffers.end[BUF.PKT_DATA]!
    this.#context?.raise(flow, direction, SERVICE.SSL, SSL_GID, this.#events, bytes, start, end)
  }

  #takeOutCommands(buffers: BufferSet, bytes: Uint8Array, start: number, end: number): void {
    const text = this.#telnet
    // What is nothing but commands stays as it came.
    if (!text.read(bytes, start, end, buffers.fresh[BUF.PKT_DATA]!) || text.end === 0) return
    // In later windows of a long turn, positions count the commands before the window.
    buffers.setWindow(BUF.PKT_DATA, text.bytes, 0, text.end, text.fresh, buffers.base[BUF.PKT_DATA]!)
  }

  #identify(
    flow: Flow,
    slot: ProtocolSlot<Flow>,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): ServiceId {
    if (slot.probes++ === 0) {
      const expected = this.#ftpData.expects(flow)
      if (expected !== FTP_DATA.NOT_EXPECTED) {
        slot.swapped = expected === FTP_DATA.FROM_SERVER
        return SERVICE.FTP_DATA
      }
    }
    return identifyTurn(direction, bytes, start, end, flow.port(1))
  }
}

/** The parser of a service with messages inside its streams. */
function openParser(service: ServiceId): DceConnection | SmbConnection | MessageParser | undefined {
  switch (service) {
    case SERVICE.DCERPC:
      return new DceConnection()
    case SERVICE.NETBIOS_SSN:
      return new SmbConnection()
    case SERVICE.DNP3:
      return new Dnp3Connection()
    case SERVICE.MODBUS:
      return new ModbusConnection()
    case SERVICE.IEC104:
      return new Iec104Connection()
    default:
      return undefined
  }
}

const TELNET_PORT = 23

/** FTP control connections follow the rules of Telnet; a Telnet connection may begin without any negotiation. */
function isTelnet(service: ServiceId, flow: FlowEnds): boolean {
  if (service === SERVICE.UNKNOWN) return flow.port(1) === TELNET_PORT
  return service === SERVICE.FTP || service === SERVICE.TELNET
}

function isMail(service: ServiceId): boolean {
  return service === SERVICE.SMTP || service === SERVICE.POP3 || service === SERVICE.IMAP
}
