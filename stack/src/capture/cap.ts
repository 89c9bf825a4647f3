/** Live capture through libpcap, by the optional npm package `cap`. */
import { createRequire } from 'node:module'
import { LINK_TYPE } from '../wire/link-type.js'
import { CaptureError } from './error.js'
import type { CaptureCounters, FrameSink, PacketSource, RunOptions } from './source.js'

export interface CapOptions {
  /** Most bytes kept of a frame, 64 to 65,535; default 65,535. */
  readonly snaplen?: number
  /** `cap` always captures in promiscuous mode: `false` is refused. */
  readonly promiscuous?: boolean
  /** BPF expression, as for tcpdump. */
  readonly filter?: string
  /** Bytes the kernel may hold while the application is busy; default 16 MiB. */
  readonly bufferSize?: number
}

/** What is used of `cap`. */
interface CapSession {
  open(device: string, filter: string, bufferSize: number, buffer: Uint8Array): string
  close(): boolean
  setMinBytes?(bytes: number): void
  on(event: 'packet', handler: (length: number, truncated: boolean) => void): unknown
}
interface CapModule {
  readonly Cap: (new () => CapSession) & { deviceList(): readonly { readonly name: string }[] }
}

/** The snapshot length `cap` gives to libpcap. */
const CAP_SNAPLEN = 65_535
const MIN_SNAPLEN = 64
const DEFAULT_BUFFER_SIZE = 16 * 1024 * 1024
/** Milliseconds without a frame after which the sink is told the time. */
const IDLE_INTERVAL = 1000

/** Names `cap` uses for link types; others come as 'Unknown linktype N'. */
const LINK_TYPES: ReadonlyMap<string, number> = new Map<string, number>([
  ['NULL', LINK_TYPE.NULL],
  ['ETHERNET', LINK_TYPE.ETHERNET],
  ['LINKTYPE_LINUX_SLL', LINK_TYPE.LINUX_SLL],
  ['RAW', LINK_TYPE.RAW],
  ['IEEE802_11_RADIO', 127],
])

/** `cap` crashes when a session that failed to open is garbage collected: none ever is. */
const failedSessions: CapSession[] = []

/**
 * A source for the frames seen on a network interface, until the signal of `run` aborts. Time stamps are taken when a
 * frame is delivered: `cap` does not hand on those of the kernel. Main thread only (as `cap` is).
 */
export function openCap(interfaceName: string, options: CapOptions = {}): PacketSource {
  return new CapSource(interfaceName, options)
}

class CapSource implements PacketSource {
  readonly counters: CaptureCounters = { frames: 0, frameBytes: 0, bytesRead: 0 }
  private readonly name: string
  private readonly options: CapOptions

  constructor(name: string, options: CapOptions) {
    this.name = name
    this.options = options
  }

  async run(sink: FrameSink, options: RunOptions = {}): Promise<void> {
    const { signal } = options
    if (signal?.aborted) return
    const { filter = '', promiscuous = true, bufferSize = DEFAULT_BUFFER_SIZE } = this.options
    if (!promiscuous) {
      throw new CaptureError('live', this.name, "the npm package 'cap' captures in promiscuous mode only")
    }
    const snaplen = Math.min(CAP_SNAPLEN, Math.max(MIN_SNAPLEN, this.options.snaplen ?? CAP_SNAPLEN))
    const { Cap } = await loadCap(this.name)
    if (!Cap.deviceList().some((device) => device.name === this.name)) {
      throw new CaptureError(
        'live-interface',
        this.name,
        'no such network interface, or no permission to see it',
      )
    }
    const buffer = new Uint8Array(snaplen)
    const session = new Cap()
    const linkType = this.open(session, filter, bufferSize, buffer)
    session.setMinBytes?.(0)
    let lastFrames = 0
    const idle = setInterval(() => {
      if (this.counters.frames === lastFrames) tellTime(sink)
      lastFrames = this.counters.frames
    }, IDLE_INTERVAL)
    try {
      await new Promise<void>((resolve, reject) => {
        signal?.addEventListener('abort', () => resolve(), { once: true })
        session.on('packet', (length, truncated) => {
          if (signal?.aborted) return
          this.counters.frames++
          this.counters.frameBytes += length
          const now = performance.timeOrigin + performance.now()
          const seconds = Math.floor(now / 1000)
          const nanoseconds = Math.floor((now - seconds * 1000) * 1000) * 1000
          // How long a cut frame was is not told; no frame of this source is longer than this.
          const wireLength = truncated ? CAP_SNAPLEN : length
          try {
            sink.frame(buffer, 0, length, wireLength, seconds, nanoseconds, linkType, 0)
          } catch (error) {
            reject(error)
          }
        })
      })
    } finally {
      clearInterval(idle)
      session.close()
    }
  }

  private open(session: CapSession, filter: string, bufferSize: number, buffer: Uint8Array): number {
    let name: string
    try {
      name = session.open(this.name, filter, bufferSize, buffer)
    } catch (error) {
      failedSessions.push(session)
      throw openError(this.name, filter, error)
    }
    const number = /^Unknown linktype (\d+)$/.exec(name)
    return LINK_TYPES.get(name) ?? (number === null ? -1 : Number(number[1]))
  }
}

function tellTime(sink: FrameSink): void {
  const now = performance.timeOrigin + performance.now()
  const seconds = Math.floor(now / 1000)
  sink.idle?.(seconds, Math.floor((now - seconds * 1000) * 1000) * 1000)
}

async function loadCap(interfaceName: string): Promise<CapModule> {
  // Not a literal: the package is optional, and has no types.
  const name = 'cap'
  try {
    return createRequire(import.meta.url)(name) as CapModule
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException
    const absent = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND'
    throw new CaptureError(
      'live-unavailable',
      interfaceName,
      absent
        ? "live capture needs the npm package 'cap' and libpcap (Debian: apt-get install libpcap-dev, then npm install cap)"
        : `the npm package 'cap' does not load: ${message.split('\n', 1)[0]}`,
    )
  }
}

function openError(interfaceName: string, filter: string, error: unknown): CaptureError {
  const reason = (error as Error).message.replace(/\s*\n\s*/g, ' ').trim() || 'libpcap gives no reason'
  if (/permi(ssion|tted)/i.test(reason)) {
    return new CaptureError(
      'permission',
      interfaceName,
      `no permission to capture (${reason}); run as root, or give node the capabilities cap_net_raw and cap_net_admin`,
    )
  }
  if (/no such device|doesn't exist|no such interface/i.test(reason)) {
    return new CaptureError('live-interface', interfaceName, reason)
  }
  if (filter !== '' && /syntax|filter|expression|parse|unknown/i.test(reason)) {
    return new CaptureError('live-filter', interfaceName, `filter '${filter}': ${reason}`)
  }
  return new CaptureError('live', interfaceName, reason)
}
