/**
 * Writes the packets of a whole TCP conversation (or a UDP exchange) for tests, keeping sequence numbers of both sides.
 *
 * In: what each side says, in order. Out: a list of TestPacket, deterministic to the last byte and nanosecond. The
 * functions at the end (resegment, shuffle, duplicate, drop, fragment, merge) turn such a list into a nastier one that
 * carries the same data. `feed` hands a list to anything that takes frames, a Stack for instance.
 */
import {
  type Data,
  ethernet,
  type FrameOptions,
  fragmentIpv4,
  fragmentIpv6,
  isIpv6,
  PROTOCOL,
  TCP_FLAG,
  type TcpOptions,
  tcp,
  tcpFrame,
  toBytes,
  udpFrame,
} from './frames.js'

const { FIN, SYN, RST, PSH, ACK } = TCP_FLAG

export type Speaker = 'client' | 'server'

export type TcpPacketOptions = FrameOptions & TcpOptions

/** What a capture holds of a packet. */
export interface CapturedFrame {
  readonly frame: Uint8Array
  readonly seconds: number
  readonly nanoseconds: number
  /** Bytes of the frame on the wire, when the capture cut it short. */
  readonly wireLength?: number
}

export interface TestPacket extends CapturedFrame {
  readonly from: Speaker
  /** How the frame was built, so that it can be cut differently; absent for what is not one whole TCP segment. */
  readonly tcp?: TcpPacketOptions
}

export interface EndpointOptions {
  /** Addresses; IPv6 when they hold a colon. */
  readonly client?: string
  readonly server?: string
  readonly clientPort?: number
  readonly serverPort?: number
  /** Time of the first packet, seconds since 1970; may have a fraction. */
  readonly start?: number
  /** Microseconds between packets; default 100. */
  readonly step?: number
  /** VLAN ids, outermost first. */
  readonly vlans?: readonly number[]
  /** Other Ethernet and IP fields, for every packet. */
  readonly frame?: Pick<FrameOptions, 'ethernet' | 'ipv4' | 'ipv6'>
}

export interface ConversationOptions extends EndpointOptions {
  /** Initial sequence numbers, any 32-bit value. */
  readonly clientIsn?: number
  readonly serverIsn?: number
  /** Payload bytes of the longest segment; default 1460. */
  readonly mss?: number
  /** The receiver acknowledges after each client()/server(); default true. */
  readonly acks?: boolean
}

/** Fields of one hand-made segment; what is left out continues the conversation. */
export type SegmentFields = Partial<
  Pick<
    TcpOptions,
    'seq' | 'ack' | 'flags' | 'window' | 'urgent' | 'options' | 'payload' | 'headerWords' | 'checksum'
  >
>

interface Endpoint {
  readonly address: string
  readonly port: number
  /** Next sequence number to send (unsigned). */
  seq: number
  /** IP identification of the next packet. */
  ipId: number
}

export class Conversation {
  readonly #options: ConversationOptions
  readonly #endpoints: Record<Speaker, Endpoint>
  readonly #packets: TestPacket[] = []
  readonly #clock: Clock

  constructor(options: ConversationOptions = {}) {
    this.#options = options
    this.#clock = new Clock(options)
    const { client, server } = endpointsOf(options)
    this.#endpoints = {
      client: { ...client, seq: (options.clientIsn ?? 1000) >>> 0, ipId: 1 },
      server: { ...server, seq: (options.serverIsn ?? 5000) >>> 0, ipId: 1 },
    }
  }

  /** SYN, SYN+ACK, ACK. `mss` and the like go into `options` (raw TCP options of both SYNs). */
  handshake(options: { readonly options?: Uint8Array } = {}): this {
    const syn = options.options ? { options: options.options } : {}
    this.segment('client', { flags: SYN, ack: 0, ...syn })
    this.segment('server', { flags: SYN | ACK, ...syn })
    return this.segment('client', { flags: ACK })
  }

  /** The client sends `data`, cut in segments of at most `mss` bytes; the server acknowledges. */
  client(data: Data): this {
    return this.#send('client', data)
  }

  server(data: Data): this {
    return this.#send('server', data)
  }

  /** One hand-made segment. It advances the sequence number only when `seq` is left out. */
  segment(from: Speaker, fields: SegmentFields = {}): this {
    const sender = this.#endpoints[from]
    const flags = fields.flags ?? ACK
    const payload = toBytes(fields.payload ?? '')
    this.#packets.push(this.#packet(from, { ...fields, flags, payload }))
    if (fields.seq === undefined) {
      const length = payload.length + (flags & SYN ? 1 : 0) + (flags & FIN ? 1 : 0)
      sender.seq = (sender.seq + length) >>> 0
    }
    return this
  }

  ack(from: Speaker): this {
    return this.segment(from, { flags: ACK })
  }

  fin(from: Speaker): this {
    return this.segment(from, { flags: FIN | ACK })
  }

  rst(from: Speaker): this {
    return this.segment(from, { flags: RST | ACK })
  }

  /** FIN of `first`, FIN of the other side, last ACK. */
  close(first: Speaker = 'client'): this {
    return this.fin(first).fin(other(first)).ack(first)
  }

  /** Time passes before the next packet. */
  delay(milliseconds: number): this {
    this.#clock.advance(milliseconds * 1000)
    return this
  }

  /** `bytes` of one side are never sent (lost before the capture point). */
  skip(from: Speaker, bytes: number): this {
    this.#endpoints[from].seq = (this.#endpoints[from].seq + bytes) >>> 0
    return this
  }

  /** Next sequence number of one side, for hand-made segments. */
  seq(of: Speaker): number {
    return this.#endpoints[of].seq
  }

  packets(): TestPacket[] {
    return [...this.#packets]
  }

  #send(from: Speaker, data: Data): this {
    const bytes = toBytes(data)
    const mss = this.#options.mss ?? 1460
    for (let at = 0; at < bytes.length; at += mss) {
      const last = at + mss >= bytes.length
      this.segment(from, { flags: last ? PSH | ACK : ACK, payload: bytes.subarray(at, at + mss) })
    }
    return (this.#options.acks ?? true) && bytes.length > 0 ? this.ack(other(from)) : this
  }

  #packet(from: Speaker, fields: SegmentFields): TestPacket {
    const sender = this.#endpoints[from]
    const receiver = this.#endpoints[other(from)]
    return tcpPacket(from, this.#clock.tick(), {
      ...addressing(this.#options, sender, receiver, sender.ipId++ & 0xffff),
      seq: sender.seq,
      ack: receiver.seq,
      ...fields,
    })
  }
}

export function conversation(options: ConversationOptions = {}): Conversation {
  return new Conversation(options)
}

/** A whole connection: handshake, then each line said in turn, then close. Strings alternate client, server, client… */
export function dialogue(lines: readonly Data[], options: ConversationOptions = {}): TestPacket[] {
  const talk = conversation(options).handshake()
  lines.forEach((line, i) => {
    if (i % 2 === 0) talk.client(line)
    else talk.server(line)
  })
  return talk.close().packets()
}

/** One UDP datagram per message. */
export function udpExchange(
  messages: readonly (readonly [from: Speaker, data: Data])[],
  options: EndpointOptions = {},
): TestPacket[] {
  const clock = new Clock(options)
  const endpoints = endpointsOf(options)
  return messages.map(([from, payload], i) => ({
    frame: udpFrame({
      ...addressing(options, endpoints[from], endpoints[other(from)], (i + 1) & 0xffff),
      payload,
    }),
    ...clock.tick(),
    from,
  }))
}

/** Something that takes frames; `Stack` is one. */
export interface FrameReceiver {
  frame(
    buffer: Uint8Array,
    offset: number,
    capturedLength: number,
    wireLength: number,
    seconds: number,
    nanoseconds: number,
    linkType: number,
    interfaceIndex: number,
  ): void
}

export const LINKTYPE_ETHERNET = 1

export function feed(receiver: FrameReceiver, packets: readonly CapturedFrame[]): void {
  for (const { frame, seconds, nanoseconds, wireLength } of packets) {
    receiver.frame(
      frame,
      0,
      frame.length,
      wireLength ?? frame.length,
      seconds,
      nanoseconds,
      LINKTYPE_ETHERNET,
      0,
    )
  }
}

// ---- The same data in other packets ----------------------------------------------------------------------------

/** Cuts every data segment in pieces of at most `size` bytes; the flags PSH and FIN stay on the last piece. */
export function resegment(packets: readonly TestPacket[], size: number): TestPacket[] {
  return packets.flatMap((packet) => {
    const whole = packet.tcp
    const payload = toBytes(whole?.payload ?? '')
    if (whole === undefined || payload.length <= size) return [packet]
    const pieces: TestPacket[] = []
    for (let at = 0; at < payload.length; at += size) {
      const last = at + size >= payload.length
      const flags = (whole.flags ?? ACK) & (last ? 0xff : ~(FIN | PSH))
      const seq = ((whole.seq ?? 0) + at) >>> 0
      pieces.push(
        tcpPacket(packet.from, packet, { ...whole, seq, flags, payload: payload.subarray(at, at + size) }),
      )
    }
    return pieces
  })
}

/** Permutes the data segments of each run sent by one side; `all` permutes whatever comes after the handshake. */
export function shuffle(
  packets: readonly TestPacket[],
  seed: number,
  scope: 'turn' | 'all' = 'turn',
): TestPacket[] {
  const random = randomFrom(seed)
  const out: TestPacket[] = []
  let run: TestPacket[] = []
  const flush = (): void => {
    for (let i = run.length - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1))
      ;[run[i], run[j]] = [run[j]!, run[i]!]
    }
    out.push(...run)
    run = []
  }
  for (const packet of packets) {
    const movable = scope === 'all' ? !isSyn(packet) : hasData(packet)
    if (!movable || (scope === 'turn' && run.length > 0 && run[0]!.from !== packet.from)) flush()
    if (movable) run.push(packet)
    else out.push(packet)
  }
  flush()
  return retime(out, packets)
}

/** Every data segment is sent twice: the copy follows `lag` packets later. */
export function duplicate(packets: readonly TestPacket[], lag = 1): TestPacket[] {
  const out: TestPacket[] = []
  packets.forEach((packet, i) => {
    out.push(packet)
    const earlier = packets[i - lag + 1]
    if (earlier !== undefined && hasData(earlier))
      out.push({ ...earlier, seconds: packet.seconds, nanoseconds: packet.nanoseconds })
  })
  return out
}

/** Leaves out the packets (numbered from 0) for which `lost` is true. */
export function drop(
  packets: readonly TestPacket[],
  lost: (packet: TestPacket, index: number) => boolean,
): TestPacket[] {
  return packets.filter((packet, i) => !lost(packet, i))
}

/** Sends every TCP segment longer than `size` bytes (a multiple of 8) in IP fragments. */
export function fragment(packets: readonly TestPacket[], size: number): TestPacket[] {
  return packets.flatMap((packet, i) => {
    if (packet.tcp === undefined) return [packet]
    const segment = tcp(packet.tcp)
    if (segment.length <= size) return [packet]
    const { source, destination } = packet.tcp
    const ip = { source, destination, protocol: PROTOCOL.TCP }
    const fragments = isIpv6(ip)
      ? fragmentIpv6(segment, { ...packet.tcp.ipv6, ...ip }, size, i + 1)
      : fragmentIpv4(segment, { ...packet.tcp.ipv4, ...ip }, size)
    return fragments.map((bytes) => ({
      frame: ethernet(bytes, packet.tcp?.ethernet),
      seconds: packet.seconds,
      nanoseconds: packet.nanoseconds,
      from: packet.from,
    }))
  })
}

/** Several conversations in one list, by time; packets of the same time stay in list order. */
export function merge(...lists: readonly (readonly TestPacket[])[]): TestPacket[] {
  return lists.flat().sort((a, b) => a.seconds - b.seconds || a.nanoseconds - b.nanoseconds)
}

/** Numbers in [0, 1), the same for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

// ---- Helpers ---------------------------------------------------------------------------------------------------

const DEFAULT_START = 1_700_000_000

class Clock {
  /** Microseconds since `#seconds`. */
  #micros: number
  readonly #seconds: number
  readonly #step: number

  constructor(options: EndpointOptions) {
    const start = options.start ?? DEFAULT_START
    this.#seconds = Math.floor(start)
    this.#micros = Math.round((start - this.#seconds) * 1e6)
    this.#step = options.step ?? 100
  }

  advance(micros: number): void {
    this.#micros += Math.round(micros)
  }

  /** The time now; then one step passes. */
  tick(): { seconds: number; nanoseconds: number } {
    const now = this.#micros
    this.#micros += this.#step
    return { seconds: this.#seconds + Math.floor(now / 1e6), nanoseconds: (now % 1e6) * 1000 }
  }
}

function other(speaker: Speaker): Speaker {
  return speaker === 'client' ? 'server' : 'client'
}

type Place = Pick<Endpoint, 'address' | 'port'>

function endpointsOf(options: EndpointOptions): Record<Speaker, Place> {
  return {
    client: { address: options.client ?? '203.0.113.5', port: options.clientPort ?? 40000 },
    server: { address: options.server ?? '192.0.2.80', port: options.serverPort ?? 80 },
  }
}

function addressing(options: EndpointOptions, sender: Place, receiver: Place, ipId: number) {
  const { ethernet: link, ipv4, ipv6 } = options.frame ?? {}
  return {
    source: sender.address,
    destination: receiver.address,
    sourcePort: sender.port,
    destinationPort: receiver.port,
    ethernet: { ...(options.vlans && { vlans: options.vlans }), ...link },
    ipv4: { id: ipId, ...ipv4 },
    ...(ipv6 && { ipv6 }),
  }
}

function tcpPacket(
  from: Speaker,
  time: { readonly seconds: number; readonly nanoseconds: number },
  options: TcpPacketOptions,
): TestPacket {
  const { seconds, nanoseconds } = time
  return { frame: tcpFrame(options), seconds, nanoseconds, from, tcp: options }
}

function hasData(packet: TestPacket): boolean {
  return toBytes(packet.tcp?.payload ?? '').length > 0
}

function isSyn(packet: TestPacket): boolean {
  return packet.tcp === undefined || ((packet.tcp.flags ?? 0) & SYN) !== 0
}

/** Packets in their new order at the times of the old one. */
function retime(packets: readonly TestPacket[], times: readonly TestPacket[]): TestPacket[] {
  return packets.map((packet, i) => ({
    ...packet,
    seconds: times[i]!.seconds,
    nanoseconds: times[i]!.nanoseconds,
  }))
}
