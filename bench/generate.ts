/**
 * Generates many concurrent TCP connections, to a capture file or straight into any frame sink.
 *
 * In: how many connections, how much data, a seed. Out: frames in a fixed order, the same for the same options: all
 * handshakes first, then `rounds` times a request and an answer on every connection, then (if asked for) all closes. So
 * all connections are open at once. Called by bench/memory.ts; as a program it writes a pcap file:
 * `node bench/dist/generate.js --connections N [--rounds N] [--payload N] [--seed N] [--close] --out FILE`.
 */
import { closeSync, openSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import {
  checksum,
  type FrameSink,
  foldChecksum,
  LINK_TYPE,
  PcapWriter,
  sumWords,
  TCP_FLAG,
} from '@weir/stack'

export interface GenerateOptions {
  readonly connections: number
  /** Requests and answers per connection. */
  readonly rounds: number
  /** Payload bytes of each request and each answer, 1 to 1,460. */
  readonly payload: number
  readonly seed: number
  /** Close every connection at the end. */
  readonly close: boolean
  /** Packets per second of trace time. */
  readonly rate: number
}

export const GENERATE_DEFAULTS: GenerateOptions = {
  connections: 1000,
  rounds: 1,
  payload: 64,
  seed: 1,
  close: false,
  rate: 1_000_000,
}

const { FIN, SYN, PSH, ACK } = TCP_FLAG
const ETHERNET = 14
const IP = ETHERNET
const TCP = IP + 20
const PAYLOAD = TCP + 20
/** Clients are 10.0.0.0/8, each with this many ports in use. */
const PORTS_PER_CLIENT = 50_000
const FIRST_PORT = 10_000
const SERVERS = 64
const START_SECOND = 1_700_000_000

/** Integer hash, for initial sequence numbers and bytes that depend on the seed and differ between connections. */
function mix(value: number): number {
  let z = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35)
  return (z ^ (z >>> 16)) >>> 0
}

class Generator {
  private readonly options: GenerateOptions
  private readonly sink: FrameSink
  private readonly frame: Uint8Array
  private readonly view: DataView
  private sent = 0

  constructor(sink: FrameSink, options: GenerateOptions) {
    this.sink = sink
    this.options = options
    this.frame = new Uint8Array(PAYLOAD + options.payload)
    this.view = new DataView(this.frame.buffer)
    this.view.setUint16(12, 0x0800)
    this.frame[IP] = 0x45
    this.frame[IP + 8] = 64
    this.frame[IP + 9] = 6
    this.frame[TCP + 12] = 0x50
    this.view.setUint16(TCP + 14, 0xffff)
  }

  open(connection: number): void {
    this.send(connection, true, SYN, 0, 0, 0)
    this.send(connection, false, SYN | ACK, 0, 1, 0)
    this.send(connection, true, ACK, 1, 1, 0)
  }

  round(connection: number, round: number): void {
    const { payload } = this.options
    const at = 1 + round * payload
    this.send(connection, true, PSH | ACK, at, at, payload)
    this.send(connection, false, PSH | ACK, at, at + payload, payload)
  }

  close(connection: number): void {
    const at = 1 + this.options.rounds * this.options.payload
    this.send(connection, true, FIN | ACK, at, at, 0)
    this.send(connection, false, FIN | ACK, at, at + 1, 0)
    this.send(connection, true, ACK, at + 1, at + 1, 0)
  }

  /** `sequence` and `acknowledged` count from the initial sequence numbers of the sender and of the receiver. */
  private send(
    connection: number,
    fromClient: boolean,
    flags: number,
    sequence: number,
    acknowledged: number,
    payload: number,
  ): void {
    const { view, frame, options } = this
    const client = 0x0a000000 + Math.floor(connection / PORTS_PER_CLIENT) + 1
    const server = 0xc6336400 + (connection % SERVERS)
    const clientPort = FIRST_PORT + (connection % PORTS_PER_CLIENT)
    const isn = mix(options.seed * 2 + connection * 2)
    const peerIsn = mix(options.seed * 2 + connection * 2 + 1)
    view.setUint16(IP + 2, 40 + payload)
    view.setUint16(IP + 4, this.sent & 0xffff)
    view.setUint32(IP + 12, fromClient ? client : server)
    view.setUint32(IP + 16, fromClient ? server : client)
    view.setUint16(IP + 10, 0)
    view.setUint16(IP + 10, checksum(view, IP, 20))
    view.setUint16(TCP, fromClient ? clientPort : 80)
    view.setUint16(TCP + 2, fromClient ? 80 : clientPort)
    view.setUint32(TCP + 4, ((fromClient ? isn : peerIsn) + sequence) >>> 0)
    view.setUint32(TCP + 8, (flags & ACK) === 0 ? 0 : ((fromClient ? peerIsn : isn) + acknowledged) >>> 0)
    frame[TCP + 13] = flags
    frame.fill(0x41 + (connection % 26), PAYLOAD, PAYLOAD + payload)
    view.setUint16(TCP + 16, 0)
    const sum = sumWords(view, TCP, 20 + payload, sumWords(view, IP + 12, 8, 6 + 20 + payload))
    view.setUint16(TCP + 16, foldChecksum(sum))
    const length = PAYLOAD + payload
    const micros = Math.floor((this.sent * 1e6) / options.rate)
    const second = START_SECOND + Math.floor(micros / 1e6)
    this.sink.frame(frame, 0, length, length, second, (micros % 1e6) * 1000, LINK_TYPE.ETHERNET, 0)
    this.sent++
  }
}

/** Sends the frames of all connections to `sink`; `opened` is called when all are open and have exchanged data. */
export function generate(sink: FrameSink, options: Partial<GenerateOptions>, opened?: () => void): void {
  const all = { ...GENERATE_DEFAULTS, ...options }
  const generator = new Generator(sink, all)
  for (let i = 0; i < all.connections; i++) generator.open(i)
  for (let round = 0; round < all.rounds; round++) {
    for (let i = 0; i < all.connections; i++) generator.round(i, round)
  }
  opened?.()
  if (all.close) for (let i = 0; i < all.connections; i++) generator.close(i)
}

function main(): void {
  const text = { type: 'string' } as const
  const { values } = parseArgs({
    options: {
      connections: text,
      rounds: text,
      payload: text,
      seed: text,
      rate: text,
      out: text,
      close: { type: 'boolean', default: false },
    },
  })
  if (values.out === undefined) {
    console.error(
      'usage: generate [--connections N] [--rounds N] [--payload N] [--seed N] [--close] --out FILE',
    )
    process.exit(2)
  }
  const number = (name: 'connections' | 'rounds' | 'payload' | 'seed' | 'rate'): number =>
    values[name] === undefined ? GENERATE_DEFAULTS[name] : Number(values[name])
  const fd = openSync(values.out, 'w')
  const writer = new PcapWriter({ fd, path: values.out })
  generate(writer, {
    connections: number('connections'),
    rounds: number('rounds'),
    payload: number('payload'),
    seed: number('seed'),
    rate: number('rate'),
    close: values.close,
  })
  writer.flush()
  closeSync(fd)
  console.log(`${writer.frames} packets`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main()
