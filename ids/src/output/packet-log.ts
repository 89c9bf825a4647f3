/** Saves the packets that raised alerts as a capture (`-L pcap`). */
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { PcapWriter } from '@weir/stack'
import { OutputError, outputError } from './writer.js'

/** A packet as it goes into a capture; the stack's packet view is one. */
export interface LoggedFrame {
  /** Position in the run; a packet that comes twice in a row is written once. */
  readonly number: number
  readonly buffer: Uint8Array
  readonly frameOffset: number
  readonly frameLength: number
  readonly wireLength: number
  readonly seconds: number
  readonly nanoseconds: number
  readonly linkType: number
}

export interface FrameLog {
  /** Never throws. */
  add(frame: LoggedFrame): void
  /** @throws OutputError */
  flush(): void
  /** @throws OutputError */
  close(): void
}

/** A frame that outlives its packet. */
export const copyFrame = (frame: LoggedFrame): LoggedFrame => ({
  number: frame.number,
  buffer: frame.buffer.slice(frame.frameOffset, frame.frameOffset + frame.frameLength),
  frameOffset: 0,
  frameLength: frame.frameLength,
  wireLength: frame.wireLength,
  seconds: frame.seconds,
  nanoseconds: frame.nanoseconds,
  linkType: frame.linkType,
})

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

export class PcapLog implements FrameLog {
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

  add(frame: LoggedFrame): void {
    if (frame.number === this.#last || this.#failure !== undefined) return
    this.#last = frame.number
    this.#attempt(() => {
      this.#writer.frame(
        frame.buffer,
        frame.frameOffset,
        frame.frameLength,
        frame.wireLength,
        frame.seconds,
        frame.nanoseconds,
        frame.linkType,
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
