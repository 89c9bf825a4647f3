/**
 * What is remembered of each flow to explain a rule: ends, how it began, what it carried, what was missing.
 *
 * In: the stack's events, on a socket of its own. Out: `FlowRecord`s, in the order the flows began. A bounded number.
 */
import {
  CLI,
  type Flow,
  ON_CONN_END,
  ON_ERROR,
  ON_GAP,
  ON_NEW_DATA,
  ON_PKT_IN,
  type Packet,
  type Stack,
  SVR,
  TCP_STATE_NAME,
} from '@weir/stack'
import { hasPorts } from '../output/text.js'
import { quoted } from './printable.js'

/** Flows followed; those beyond are counted only. */
export const MAX_FLOWS = 100_000

const TCP = 6

export class FlowRecord {
  readonly protocol: number
  readonly client: string
  readonly clientPort: number
  readonly server: string
  readonly serverPort: number
  readonly firstPacket: number
  readonly startTime: number
  /** False for packets of no flow: which end is the server is not known. */
  readonly isFlow: boolean
  established = false
  midstream = false
  /** `client/server` TCP states at the end. */
  states = ''
  /** Bytes by direction of travel: to the server, to the client. */
  readonly bytes: [number, number] = [0, 0]
  /** First bytes by direction, quoted. */
  readonly first: [string | undefined, string | undefined] = [undefined, undefined]
  gaps = 0
  gapBytes = 0
  wrongChecksums = 0
  /** Packets that the client, the server has sent. */
  readonly packets: [number, number] = [0, 0]
  /** What of the stream was not used or given up, by code (`STREAM_ERROR`), and how often. */
  readonly errors = new Map<number, number>()
  /** Events of inspectors, as text, and how often. */
  readonly events = new Map<string, number>()
  /** Name of the service last recognised. */
  service = 'unknown'
  serviceId = 0
  /** Some unit was an HTTP request, a response. */
  readonly http: [boolean, boolean] = [false, false]
  /** Rules that have matched, by index, and the packet at which they last did. */
  readonly fired = new Map<number, number>()

  constructor(
    place: Pick<FlowRecord, 'protocol' | 'client' | 'clientPort' | 'server' | 'serverPort'>,
    packet: number,
    startTime: number,
    isFlow = true,
  ) {
    this.protocol = place.protocol
    this.client = place.client
    this.clientPort = place.clientPort
    this.server = place.server
    this.serverPort = place.serverPort
    this.firstPacket = packet
    this.startTime = startTime
    this.isFlow = isFlow
  }
}

/** The same for both directions. */
const conversationKey = (protocol: number, a: string, aPort: number, b: string, bPort: number): string => {
  const [x, y] = [`${a} ${aPort}`, `${b} ${bPort}`].sort()
  return `${protocol} ${x} ${y}`
}

const placeOf = (packet: Packet) => {
  const ports = hasPorts(packet.protocol)
  return {
    protocol: packet.protocol,
    client: packet.address(0),
    clientPort: ports ? packet.sourcePort : 0,
    server: packet.address(1),
    serverPort: ports ? packet.destinationPort : 0,
  }
}

const keyOf = ({ protocol, client, clientPort, server, serverPort }: ReturnType<typeof placeOf>): string =>
  conversationKey(protocol, client, clientPort, server, serverPort)

export class FlowLog {
  readonly records = new Map<number | string, FlowRecord>()
  /** Flows beyond MAX_FLOWS. */
  unfollowed = 0
  readonly #rejected = new Map<string, FlowRecord>()

  /** @returns undefined when too many flows are followed */
  of(flow: Flow<unknown>, packet: Packet): FlowRecord | undefined {
    const known = this.records.get(flow.id)
    if (known !== undefined) return known
    if (this.records.size >= MAX_FLOWS) return undefined
    const record = new FlowRecord(
      {
        protocol: flow.protocol,
        client: flow.address(CLI),
        clientPort: flow.port(CLI),
        server: flow.address(SVR),
        serverPort: flow.port(SVR),
      },
      packet.number,
      flow.startTime,
    )
    this.records.set(flow.id, record)
    return record
  }

  /** Packets that belong to no flow, by their ends. */
  ofPacket(packet: Packet): FlowRecord | undefined {
    const place = placeOf(packet)
    const key = keyOf(place)
    const known = this.records.get(key)
    if (known !== undefined) return known
    if (this.records.size >= MAX_FLOWS) return undefined
    const record = new FlowRecord(place, packet.number, packet.time, false)
    this.records.set(key, record)
    return record
  }

  watch(stack: Stack): void {
    const socket = stack.monitorStream()
    socket.on(ON_PKT_IN, (flow, packet) => {
      const record = this.of(flow, packet)
      if (record === undefined) {
        if (flow.packets(CLI) + flow.packets(SVR) === 1) this.unfollowed++
        return
      }
      this.#update(record, flow)
      if (flow.protocol === TCP || packet.payloadLength === 0) return
      const direction = flow.packetSide === CLI ? 0 : 1
      record.bytes[direction] += packet.payloadLength
      const start = packet.payloadOffset
      record.first[direction] ??= quoted(packet.buffer, start, start + packet.payloadLength)
    })
    socket.on(ON_NEW_DATA, (flow, { side, bytes, start, end }) => {
      const record = this.records.get(flow.id)
      if (record === undefined) return
      const direction = side === SVR ? 0 : 1
      record.bytes[direction] += end - start
      record.first[direction] ??= quoted(bytes, start, end)
    })
    socket.on(ON_GAP, (flow, { length }) => {
      const record = this.records.get(flow.id)
      if (record === undefined) return
      record.gaps++
      record.gapBytes += length
    })
    socket.on(ON_ERROR, (flow, { code }) => {
      const record = this.records.get(flow.id)
      if (record !== undefined) record.errors.set(code, (record.errors.get(code) ?? 0) + 1)
    })
    socket.on(ON_CONN_END, (flow) => {
      const record = this.records.get(flow.id)
      if (record !== undefined) this.#update(record, flow)
    })
  }

  /** A packet that was left out because its checksum is wrong. */
  reject(packet: Packet): void {
    if (packet.ipVersion === 0) return
    const place = placeOf(packet)
    const key = keyOf(place)
    let record = this.#rejected.get(key)
    if (record === undefined) {
      if (this.#rejected.size >= MAX_FLOWS) return
      record = new FlowRecord(place, packet.number, packet.time, false)
      this.#rejected.set(key, record)
    }
    record.wrongChecksums++
  }

  /** Adds what was left out to the flows it belongs to; flows that have nothing else become records of their own. */
  close(): FlowRecord[] {
    const records = [...this.records.values()]
    for (const record of records) {
      const { protocol, client, clientPort, server, serverPort } = record
      const key = conversationKey(protocol, client, clientPort, server, serverPort)
      const rejected = this.#rejected.get(key)
      if (rejected === undefined) continue
      record.wrongChecksums = rejected.wrongChecksums
      this.#rejected.delete(key)
    }
    return [...records, ...this.#rejected.values()]
  }

  #update(record: FlowRecord, flow: Flow<unknown>): void {
    record.established = flow.established
    record.packets[0] = flow.packets(CLI)
    record.packets[1] = flow.packets(SVR)
    record.midstream = flow.protocol === TCP && flow.midstream
    if (flow.protocol !== TCP) return
    record.states = `${TCP_STATE_NAME[flow.state(CLI)]}/${TCP_STATE_NAME[flow.state(SVR)]}`
  }
}
