/** Live capture on Linux through a mapped ring: frames are handed on where the kernel put them. */
import type { FilterInput } from '../bpf/index.js'
import { errnoError, type FanoutOptions, MAX_SNAPLEN, packetBinding, RingSocket } from './ring-socket.js'
import type { CaptureCounters, FrameSink, PacketSource, RunOptions } from './source.js'

export interface RingOptions {
  /** Most bytes kept of a frame, 64 to 262,144; default 262,144. */
  readonly snaplen?: number
  /** See frames for other hosts too; default true. */
  readonly promiscuous?: boolean
  /** Run by the kernel; with the verdict it has on a capture file, also for VLAN tags. */
  readonly filter?: FilterInput
  /** Bytes of the ring, rounded up to blocks of 256 KiB, at least four; default 16 MiB. */
  readonly bufferSize?: number
  /** Milliseconds a frame may wait for its block to fill, at least 1; default 10. */
  readonly latency?: number
  /** Share the interface's frames with other sockets, in other workers: each flow goes to one of them. */
  readonly fanout?: FanoutOptions
}

export interface RingCounters extends CaptureCounters {
  /** Frames that passed the kernel's filter, dropped ones included. Brought up to date every second. */
  received: number
  /** Of these, the ones the ring had no room for: the application was too slow. */
  dropped: number
  /** Times the ring was found full. */
  freezes: number
  /** Frames of this host whose checksum, left to the network card, was filled in. */
  completedChecksums: number
}

export interface RingSource extends PacketSource {
  readonly counters: Readonly<RingCounters>
}

/** Milliseconds between looks at the counters; without a frame in between, the sink is told the time. */
const IDLE_INTERVAL = 1000
/** Blocks handled before other work of the event loop gets its turn. */
const BURST = 16

/**
 * A source for the frames seen on a network interface until the signal of `run` aborts, with the kernel's time stamps.
 * Tags the kernel has taken off VLAN frames are put back. Errors come from `run`.
 */
export function openRing(interfaceName: string, options: RingOptions = {}): RingSource {
  return new RingCapture(interfaceName, options)
}

class RingCapture implements RingSource {
  readonly counters: RingCounters = {
    frames: 0,
    frameBytes: 0,
    bytesRead: 0,
    received: 0,
    dropped: 0,
    freezes: 0,
    completedChecksums: 0,
  }
  private readonly name: string
  private readonly options: RingOptions

  constructor(name: string, options: RingOptions) {
    this.name = name
    this.options = options
  }

  async run(sink: FrameSink, { signal }: RunOptions = {}): Promise<void> {
    if (signal?.aborted) return
    const { options } = this
    const socket = new RingSocket(this.name, {
      snaplen: Math.min(MAX_SNAPLEN, Math.max(64, options.snaplen ?? MAX_SNAPLEN)),
      promiscuous: options.promiscuous ?? true,
      filter: options.filter,
      bufferSize: options.bufferSize ?? 16 * 1024 * 1024,
      latency: Math.max(1, Math.ceil(options.latency ?? 10)),
      fanout: options.fanout,
      ignoreOutgoing: false,
    })
    try {
      await pump([socket], signal, () => this.deliver(socket, sink, signal), {
        idle: () => {
          this.count(socket)
          return this.counters.frames
        },
        sink,
      })
    } finally {
      this.count(socket)
      socket.close()
    }
  }

  /** One block. */
  private deliver(socket: RingSocket, sink: FrameSink, signal: AbortSignal | undefined): boolean {
    const { counters } = this
    const { reader, linkType, snaplen } = socket
    if (!reader.take()) return false
    while (reader.next()) {
      if (!socket.wants()) continue
      const captured = Math.min(reader.captured, snaplen)
      counters.frames++
      counters.frameBytes += captured
      sink.frame(
        reader.bytes,
        reader.offset,
        captured,
        reader.wire,
        reader.seconds,
        reader.nanoseconds,
        linkType,
        0,
      )
      if (signal?.aborted) break
    }
    reader.release()
    return true
  }

  private count(socket: RingSocket): void {
    socket.count()
    const { counters } = this
    counters.received = socket.received
    counters.dropped = socket.dropped
    counters.freezes = socket.freezes
    counters.completedChecksums = socket.reader.completed
  }
}

export interface PumpHooks {
  /** Called now and then; gives the frames handled so far. */
  readonly idle: () => number
  readonly sink: FrameSink
}

/**
 * Calls `work` whenever a socket may have a block, until the signal aborts. `work` handles one block at a time and says
 * whether there was one. Rejects with what `work` throws, or when an interface fails.
 */
export async function pump(
  sockets: readonly RingSocket[],
  signal: AbortSignal | undefined,
  work: () => boolean,
  { idle, sink }: PumpHooks,
): Promise<void> {
  const { name } = sockets[0]!
  const binding = packetBinding(name)
  let watcher = 0
  let timer: NodeJS.Timeout | undefined
  let stop: (() => void) | undefined
  try {
    await new Promise<void>((resolve, reject) => {
      let over = false
      const fail = (error: unknown): void => {
        over = true
        reject(error)
      }
      const turn = (): void => {
        if (over) return
        try {
          for (let blocks = 0; !signal?.aborted && work(); blocks++) {
            if (blocks === BURST) {
              setImmediate(turn)
              return
            }
          }
          if (!signal?.aborted) binding.arm(watcher)
        } catch (error) {
          fail(error)
        }
      }
      watcher = binding.watch(
        Uint32Array.from(sockets, (socket) => socket.id),
        (errno) => {
          turn()
          if (errno !== 0) fail(errnoError(name, errno, 'poll'))
        },
      )
      let last = 0
      timer = setInterval(() => {
        try {
          const frames = idle()
          if (frames === last) tellTime(sink)
          last = frames
        } catch (error) {
          fail(error)
        }
      }, IDLE_INTERVAL)
      stop = () => {
        over = true
        resolve()
      }
      signal?.addEventListener('abort', stop, { once: true })
      turn()
    })
  } finally {
    if (stop !== undefined) signal?.removeEventListener('abort', stop)
    clearInterval(timer)
    if (watcher !== 0) binding.close(watcher)
  }
}

function tellTime(sink: FrameSink): void {
  const now = performance.timeOrigin + performance.now()
  const seconds = Math.floor(now / 1000)
  sink.idle?.(seconds, Math.floor((now - seconds * 1000) * 1000) * 1000)
}
