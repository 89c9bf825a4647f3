/** Live capture: through a ring on Linux, where the native addon is there, else through libpcap. */
import { bpfUnavailable, looksLikeProgram } from '../bpf/index.js'
import { openCap } from './cap.js'
import { CaptureError } from './error.js'
import { openRing } from './ring.js'
import { type FanoutOptions, ringUnavailable } from './ring-socket.js'
import type { CaptureCounters, FrameSink, PacketSource, RunOptions } from './source.js'

/** What `openLive` takes. */
export interface OpenLiveOptions {
  /**
   * 'ring': `openRing`, Linux only. 'cap': libpcap by the npm package `cap`, which has no time stamps of the kernel, no
   * drop counter and no fanout. 'auto', the default: the ring where it can be used.
   */
  readonly backend?: 'auto' | 'ring' | 'cap'
  /** Most bytes kept of a frame, from 64; at most 262,144, with `cap` 65,535: the defaults. */
  readonly snaplen?: number
  /** See frames for other hosts too; default true, and with `cap` nothing else is possible. */
  readonly promiscuous?: boolean
  /** Filter expression, as for tcpdump; with the ring also a compiled program, see `compileBpf`. */
  readonly filter?: string
  /** Bytes the kernel may hold while the application is busy; default 16 MiB. */
  readonly bufferSize?: number
  /** Ring only. */
  readonly fanout?: FanoutOptions
}

/** A source for the frames seen on a network interface, until the signal of `run` aborts. Errors come from `run`. */
export function openLive(interfaceName: string, options: OpenLiveOptions = {}): PacketSource {
  return new LiveSource(interfaceName, options)
}

class LiveSource implements PacketSource {
  private readonly name: string
  private readonly options: OpenLiveOptions
  private source: PacketSource | undefined

  constructor(name: string, options: OpenLiveOptions) {
    this.name = name
    this.options = options
  }

  get counters(): Readonly<CaptureCounters> {
    return this.source?.counters ?? { frames: 0, frameBytes: 0, bytesRead: 0 }
  }

  async run(sink: FrameSink, run: RunOptions = {}): Promise<void> {
    const { backend = 'auto', ...options } = this.options
    if (backend === 'ring' || (backend === 'auto' && this.ringServes())) {
      this.source = openRing(this.name, options)
      try {
        return await this.source.run(sink, run)
      } catch (error) {
        const unsupported = error instanceof CaptureError && error.code === 'unsupported'
        if (backend === 'ring' || !unsupported) throw error
      }
    }
    if (options.fanout !== undefined) {
      throw new CaptureError('live-unavailable', this.name, `fanout needs the ring: ${ringUnavailable()}`)
    }
    this.source = openCap(this.name, options)
    return this.source.run(sink, run)
  }

  private ringServes(): boolean {
    const { filter = '' } = this.options
    return ringUnavailable() === '' && (filter === '' || looksLikeProgram(filter) || bpfUnavailable() === '')
  }
}
