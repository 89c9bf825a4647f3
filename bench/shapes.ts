/**
 * Traffic of a given shape, in memory: connections that are all open at once, each sending segments of one size in turn.
 *
 * In: the shape. Out: chunks of frames (16 MiB, as a capture is read), with right checksums, handed to `feed` one after
 * the other; making them is not part of what is measured. Called by bench/workloads.ts.
 */
import { foldChecksum, sumWords, TCP_FLAG } from '@weir/stack'

export interface Shape {
  readonly flows: number
  /** Data segments of each flow, all from its server. */
  readonly segments: number
  readonly payload: number
  /** The client's request, bytes; 0 for none. */
  readonly request: number
  /** The client acknowledges every other segment. */
  readonly acks: boolean
  /** Which flows: other numbers, other ports and addresses. */
  readonly first: number
}

/** Frames that lie in one buffer. */
export interface Chunk {
  readonly bytes: Uint8Array
  /** Offset, length, seconds, nanoseconds: four words a frame. */
  readonly index: Int32Array
  frames: number
}

const CHUNK_BYTES = 16 << 20
const MAX_FRAMES = 1 << 18
const { FIN, SYN, PSH, ACK } = TCP_FLAG
const IP = 14
const TCP = IP + 20
const START_SECOND = 1_700_000_000
/** Packets per second of trace time. */
const RATE = 2_000_000
const FLOWS_PER_CLIENT = 50_000
/** Window scale 7, padded: 8 MiB windows, so that one-way data fits. */
const SCALE = Uint8Array.of(3, 3, 7, 0)
const CLIENT_ISN = 1000
const SERVER_ISN = 5000

export class ShapeMaker {
  /** Frames and payload bytes made so far. */
  frames = 0
  payloadBytes = 0
  private readonly bytes = new Uint8Array(CHUNK_BYTES)
  private readonly view = new DataView(this.bytes.buffer)
  private readonly chunk: Chunk = { bytes: this.bytes, index: new Int32Array(4 * MAX_FRAMES), frames: 0 }
  private readonly feed: (chunk: Chunk) => void
  private at = 0

  constructor(feed: (chunk: Chunk) => void) {
    this.feed = feed
  }

  handshakes(shape: Shape): void {
    for (let f = 0; f < shape.flows; f++) {
      this.put(shape.first + f, true, SYN, 0, 0, 0, true)
      this.put(shape.first + f, false, SYN | ACK, 0, 1, 0, true)
      this.put(shape.first + f, true, ACK, 1, 1, 0)
    }
    if (shape.request > 0) {
      for (let f = 0; f < shape.flows; f++) this.put(shape.first + f, true, PSH | ACK, 1, 1, shape.request)
    }
  }

  /** Segments `[from, to)` of every flow in turn. */
  data(shape: Shape, from = 0, to = shape.segments): void {
    const { flows, first, payload, request } = shape
    for (let s = from; s < to; s++) {
      for (let f = 0; f < flows; f++) {
        this.put(first + f, false, PSH | ACK, 1 + s * payload, 1 + request, payload)
        if (shape.acks && (s & 1) === 1) this.put(first + f, true, ACK, 1 + request, 1 + (s + 1) * payload, 0)
      }
    }
  }

  /** Four packets a flow, as the figures for mOS have it. */
  closes(shape: Shape): void {
    const sent = 1 + shape.segments * shape.payload
    const asked = 1 + shape.request
    for (let f = 0; f < shape.flows; f++) {
      this.put(shape.first + f, false, FIN | ACK, sent, asked, 0)
      this.put(shape.first + f, true, ACK, asked, sent + 1, 0)
      this.put(shape.first + f, true, FIN | ACK, asked, sent + 1, 0)
      this.put(shape.first + f, false, ACK, sent + 1, asked + 1, 0)
    }
  }

  flush(): void {
    if (this.chunk.frames === 0) return
    this.feed(this.chunk)
    this.chunk.frames = 0
    this.at = 0
  }

  /** `sequence` and `acknowledged` count from the initial sequence numbers of the sender and of the receiver. */
  private put(
    flow: number,
    fromClient: boolean,
    flags: number,
    sequence: number,
    acknowledged: number,
    payload: number,
    options = false,
  ): void {
    const header = options ? 24 : 20
    const length = TCP + header + payload
    if (this.at + length > CHUNK_BYTES || this.chunk.frames === MAX_FRAMES) this.flush()
    const { view, bytes, at } = this
    const client = 0x0a00_0001 + Math.floor(flow / FLOWS_PER_CLIENT)
    const server = 0xc633_6401
    const ports = [10_000 + (flow % FLOWS_PER_CLIENT), 80] as const
    bytes.fill(0, at, at + TCP + header)
    view.setUint16(at + 12, 0x0800)
    bytes[at + IP] = 0x45
    bytes[at + IP + 8] = 64
    bytes[at + IP + 9] = 6
    view.setUint16(at + IP + 2, length - IP)
    view.setUint32(at + IP + 12, fromClient ? client : server)
    view.setUint32(at + IP + 16, fromClient ? server : client)
    view.setUint16(at + IP + 10, foldChecksum(sumWords(view, at + IP, 20, 0)))
    view.setUint16(at + TCP, fromClient ? ports[0] : ports[1])
    view.setUint16(at + TCP + 2, fromClient ? ports[1] : ports[0])
    view.setUint32(at + TCP + 4, (fromClient ? CLIENT_ISN : SERVER_ISN) + sequence)
    view.setUint32(at + TCP + 8, flags === SYN ? 0 : (fromClient ? SERVER_ISN : CLIENT_ISN) + acknowledged)
    bytes[at + TCP + 12] = (header / 4) << 4
    bytes[at + TCP + 13] = flags
    view.setUint16(at + TCP + 14, 0xffff)
    if (options) bytes.set(SCALE, at + TCP + 20)
    bytes.fill(0x41 + (flow & 15), at + TCP + header, at + length)
    const pseudo = sumWords(view, at + IP + 12, 8, 6 + length - TCP)
    view.setUint16(at + TCP + 16, foldChecksum(sumWords(view, at + TCP, length - TCP, pseudo)))
    const { index } = this.chunk
    const micros = Math.floor((this.frames * 1e6) / RATE)
    const i = 4 * this.chunk.frames++
    index[i] = at
    index[i + 1] = length
    index[i + 2] = START_SECOND + Math.floor(micros / 1e6)
    index[i + 3] = (micros % 1e6) * 1000
    this.at = at + length
    this.frames++
    this.payloadBytes += payload
  }
}
