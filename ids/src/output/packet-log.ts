/** Saves the packets that raised alerts as a capture (`-L pcap`). */
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { PcapWriter } from '@weir/stack'
import type { PacketFacts } from './packet-facts.js'
import type { PacketLog } from './sink.js'
import { OutputError, outputError } from './writer.js'

const NAME = 'log.pcap'
const MODE = 0o600
const MAX_ATTEMPTS = 1000

/** Opens `log.pcap.<epoch>`, or with `.1`, `.2`… behind when that is taken: an earlier log is never overwritten. */
const openNew = (
  directory: string,
  epoch: number,
): { readonly path: string; readonly descriptor: number } => {
  for (let attempt = 0; ; attempt++) {
    const path = join(directory, `${NAME}.${epoch}${attempt === 0 ? '' : `.${attempt}`}`)
    try {
      return { path, descriptor: openSync(path, 'wx', MODE) }
    } catch (error) {
      const taken = error instanceof Error && 'code' in error && error.code === 'EEXIST'
      if (!taken || attempt === MAX_ATTEMPTS) throw outputError(`cannot write ${path}`, error)
    }
  }
}

export class PcapPacketLog implements PacketLog {
  readonly path: string
  readonly #descriptor: number
  readonly #writer: PcapWriter
  readonly #onFailure: (error: OutputError) => void
  #failure: OutputError | undefined
  /** Number of the last packet written: one packet may raise several alerts. */
  #last = 0

  /**
   * @param epoch goes into the file name: seconds since 1970
   * @param onFailure called once, from inside the write that failed
   * @throws OutputError when the file cannot be created
   */
  constructor(directory: string, epoch: number, onFailure: (error: OutputError) => void) {
    const { path, descriptor } = openNew(directory, epoch)
    this.path = path
    this.#descriptor = descriptor
    this.#writer = new PcapWriter({ fd: descriptor, path })
    this.#onFailure = onFailure
  }

  /** Packets left out because a capture file holds one link type only, and another came first. */
  get skipped(): number {
    return this.#writer.skipped
  }

  get packets(): number {
    return this.#writer.frames
  }

  add(packet: PacketFacts): void {
    if (packet.number === this.#last || this.#failure !== undefined) return
    this.#last = packet.number
    this.#attempt(() => {
      this.#writer.frame(
        packet.buffer,
        packet.frameOffset,
        packet.frameLength,
        packet.wireLength,
        packet.seconds,
        packet.nanoseconds,
        packet.linkType,
      )
    })
  }

  flush(): void {
    if (this.#failure === undefined) this.#attempt(() => this.#writer.flush())
    if (this.#failure !== undefined) throw this.#failure
  }

  close(): void {
    try {
      this.flush()
    } finally {
      closeSync(this.#descriptor)
    }
  }

  #attempt(write: () => void): void {
    try {
      write()
    } catch (error) {
      // The capture writer's message already says which file and why.
      const message = error instanceof Error ? error.message : String(error)
      this.#failure = new OutputError(`cannot write ${message}`, 'EIO', { cause: error })
      this.#onFailure(this.#failure)
    }
  }
}
