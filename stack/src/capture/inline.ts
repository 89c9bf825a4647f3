/**
 * A bump in the wire (Linux): what comes in at one interface goes out at the other, if the sink agrees.
 *
 * The interfaces should have no addresses of their own, else this host answers as well. While nobody runs the source
 * nothing passes: it fails closed.
 */
import type { BpfProgram, FilterInput } from '../bpf/index.js'
import { type PacketBinding, SOCKET_FLAG } from '../native.js'
import { pump } from './ring.js'
import { VIRTIO_LENGTH } from './ring-reader.js'
import { BLOCK_SIZE, MAX_SNAPLEN, packetBinding, programFor, RingSocket, socketError } from './ring-socket.js'
import type { CaptureCounters, RunOptions } from './source.js'
import { type FrameSender, type InlineSink, VERDICT } from './verdict.js'

/** What `openInline` takes. */
export interface InlineOptions {
  /** Frames of the first interface have interface index 0, of the second 1. */
  readonly interfaces: readonly [string, string]
  /** Frames that do not match are forwarded without the sink seeing them. */
  readonly filter?: FilterInput
  /** Bytes of each of the two rings; default 8 MiB. */
  readonly bufferSize?: number
  /** Milliseconds a frame may wait for others, at least 1; default 1. */
  readonly latency?: number
}

/** Totals of one direction, named by where its frames come in. */
export interface InlineDirectionCounters {
  /** Frames handed to the sink. */
  frames: number
  /** Forwarded without the sink: the filter does not match. */
  bypassed: number
  /** Sent on, changed or not, bypassed ones included. */
  forwarded: number
  /** Not sent on: verdict DROP. */
  blocked: number
  /** Another frame was sent instead: verdict REPLACE. */
  replaced: number
  /** Sent by `send` to the other interface. */
  injected: number
  /** Refused by the kernel when sent: too long for the other interface, or its queue was full. */
  sendFailures: number
  /** Not forwarded: the kernel had not kept all of it. */
  cut: number
  /** Dropped by the kernel because the ring was full. */
  dropped: number
}

/** A packet source that also sends frames on. */
export interface InlineSource extends FrameSender {
  /** Running totals, also by direction. */
  readonly counters: Readonly<CaptureCounters> & {
    readonly directions: readonly [Readonly<InlineDirectionCounters>, Readonly<InlineDirectionCounters>]
  }
  /**
   * Forwards until the signal aborts. To be called once.
   * @throws CaptureError; what the sink throws
   */
  run(sink: InlineSink, options?: RunOptions): Promise<void>
  /**
   * Sends a frame of one's own out of an interface, after those already decided about. Only while `run` is under way:
   * inside `frame`, or at any time before the signal aborts.
   * @returns whether the kernel took it
   */
  send(interfaceIndex: number, frame: Uint8Array): boolean
}

/** Frames sent in one system call at most. */
const BATCH = 256

/** A source that forwards between two interfaces. @throws RangeError when they are the same; other errors come from `run` */
export function openInline(options: InlineOptions): InlineSource {
  const [a, b] = options.interfaces
  if (a === b) throw new RangeError('an inline source needs two different interfaces')
  return new InlineForwarder(options)
}

class InlineForwarder implements InlineSource {
  readonly counters
  private readonly options: InlineOptions
  private readonly directions: [InlineDirectionCounters, InlineDirectionCounters] = [
    directionCounters(),
    directionCounters(),
  ]
  /** By the interface frames come in at. */
  private paths: readonly [Path, Path] | undefined

  constructor(options: InlineOptions) {
    this.options = options
    this.counters = { frames: 0, frameBytes: 0, bytesRead: 0, directions: this.directions }
  }

  async run(sink: InlineSink, { signal }: RunOptions = {}): Promise<void> {
    if (signal?.aborted) return
    const { interfaces } = this.options
    const opened: Path[] = []
    try {
      for (const index of [0, 1] as const) {
        const [from, to] = index === 0 ? interfaces : [interfaces[1], interfaces[0]]
        opened.push(this.open(from, to, index))
      }
      const [first, second] = opened as [Path, Path]
      this.paths = [first, second]
      sink.sender = this
      const work = (): boolean => {
        const one = this.deliver(first, sink, signal)
        return this.deliver(second, sink, signal) || one
      }
      await pump([first.socket, second.socket], signal, work, { idle: () => this.count(opened), sink })
    } finally {
      this.paths = undefined
      sink.sender = undefined
      if (opened.length === 2) this.count(opened)
      for (const path of opened) path.close()
    }
  }

  send(interfaceIndex: number, frame: Uint8Array): boolean {
    if (interfaceIndex !== 0 && interfaceIndex !== 1) {
      throw new RangeError(`an inline source has the interfaces 0 and 1, not ${interfaceIndex}`)
    }
    const path = this.paths?.[interfaceIndex === 0 ? 1 : 0]
    if (path === undefined) throw new Error('an inline source sends only while it runs')
    const sent = path.sendNow(frame)
    if (sent) path.counters.injected++
    return sent
  }

  private open(from: string, to: string, index: 0 | 1): Path {
    const socket = new RingSocket(from, {
      snaplen: MAX_SNAPLEN,
      promiscuous: true,
      filter: undefined,
      bufferSize: this.options.bufferSize ?? 8 * 1024 * 1024,
      latency: Math.max(1, Math.ceil(this.options.latency ?? 1)),
      fanout: undefined,
      ignoreOutgoing: true,
    })
    try {
      return new Path(socket, to, index, this.directions[index], this.options.filter)
    } catch (error) {
      socket.close()
      throw error
    }
  }

  /** One block. */
  private deliver(path: Path, sink: InlineSink, signal: AbortSignal | undefined): boolean {
    const { reader, linkType } = path.socket
    const { counters } = path
    if (!reader.take()) return false
    try {
      while (reader.next()) {
        if (reader.captured < reader.wire) {
          counters.cut++
          continue
        }
        if (!path.concernsSink()) {
          counters.bypassed++
          path.forward()
          continue
        }
        counters.frames++
        this.counters.frames++
        this.counters.frameBytes += reader.captured
        const { bytes, offset, captured, wire, seconds, nanoseconds } = reader
        sink.frame(bytes, offset, captured, wire, seconds, nanoseconds, linkType, path.index)
        const { verdict } = sink
        if (verdict === VERDICT.FORWARD) path.forward()
        else if (verdict === VERDICT.DROP) counters.blocked++
        else if (sink.replacement !== undefined && path.sendNow(sink.replacement)) {
          counters.replaced++
          counters.forwarded++
        }
        if (signal?.aborted) break
      }
    } finally {
      path.flush()
      reader.release()
    }
    return true
  }

  private count(paths: readonly Path[]): number {
    for (const path of paths) {
      path.socket.count()
      path.counters.dropped = path.socket.dropped
    }
    return this.counters.frames
  }
}

function directionCounters(): InlineDirectionCounters {
  return {
    frames: 0,
    bypassed: 0,
    forwarded: 0,
    blocked: 0,
    replaced: 0,
    injected: 0,
    sendFailures: 0,
    cut: 0,
    dropped: 0,
  }
}

/** One direction: a ring at one interface, a sending socket at the other, and the frames decided about but not sent. */
class Path {
  readonly socket: RingSocket
  readonly index: 0 | 1
  readonly counters: InlineDirectionCounters
  private readonly binding: PacketBinding
  private readonly sender: number
  private readonly filter: BpfProgram | undefined
  private readonly spans = new Uint32Array(2 * BATCH)
  private pending = 0
  private readonly result = new Uint32Array(2)
  /** For frames that do not lie in the ring: a virtio header that asks for nothing, then the frame. */
  private readonly scratch = new Uint8Array(VIRTIO_LENGTH + BLOCK_SIZE)
  private readonly scratchSpan = new Uint32Array(2)

  constructor(
    socket: RingSocket,
    to: string,
    index: 0 | 1,
    counters: InlineDirectionCounters,
    filter: FilterInput | undefined,
  ) {
    this.socket = socket
    this.index = index
    this.counters = counters
    this.binding = packetBinding(to)
    this.filter = programFor(socket.name, filter, socket.linkType)
    try {
      this.sender = this.binding.openSender(to, SOCKET_FLAG.VIRTIO_HEADER)
    } catch (error) {
      throw socketError(to, error)
    }
  }

  concernsSink(): boolean {
    const { reader } = this.socket
    return (
      this.filter === undefined ||
      this.filter.run(reader.bytes, reader.offset, reader.captured, reader.wire) !== 0
    )
  }

  /** The frame of the reader, with its virtio header, which lies before it in the ring. */
  forward(): void {
    const { reader } = this.socket
    this.spans[2 * this.pending] = reader.offset - VIRTIO_LENGTH
    this.spans[2 * this.pending + 1] = reader.captured + VIRTIO_LENGTH
    if (++this.pending === BATCH) this.flush()
  }

  /** Sends what is pending; the ring's block may then be released. */
  flush(): void {
    const count = this.pending
    if (count === 0) return
    this.pending = 0
    this.binding.send(this.sender, this.socket.reader.bytes, this.spans, count, this.result)
    this.counters.forwarded += this.result[0]!
    this.counters.sendFailures += count - this.result[0]!
  }

  /** @returns whether it was sent; a failure is counted */
  sendNow(frame: Uint8Array): boolean {
    this.flush()
    const fits = frame.length <= this.scratch.length - VIRTIO_LENGTH
    if (fits) {
      this.scratch.set(frame, VIRTIO_LENGTH)
      this.scratchSpan[1] = VIRTIO_LENGTH + frame.length
      this.binding.send(this.sender, this.scratch, this.scratchSpan, 1, this.result)
      if (this.result[0] === 1) return true
    }
    this.counters.sendFailures++
    return false
  }

  close(): void {
    this.binding.close(this.sender)
    this.socket.close()
  }
}
