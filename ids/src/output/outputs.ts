/** Where composed alerts go: a file per format, or standard output; and the log of packets. */
import { join } from 'node:path'
import { type AlertFormat, formatFile } from './formatter.js'
import type { FrameLog, LoggedFrame } from './packet-log.js'
import { BufferedWriter, type ByteTarget, FileTarget, type OutputError } from './writer.js'

export interface OutputOptions {
  readonly formats: readonly AlertFormat[]
  /** Alert files go here; undefined = to `standardOutput`, which then takes at most one format. */
  readonly directory: string | undefined
  readonly standardOutput: ByteTarget
  readonly frameLog: FrameLog | undefined
  /** Told of the first failed write, from inside it: the moment to stop reading. */
  readonly onFailure: (error: OutputError) => void
}

export class AlertOutputs {
  readonly #writers: readonly BufferedWriter[]
  readonly #frameLog: FrameLog | undefined

  /** @throws OutputError when a file cannot be opened */
  constructor(options: OutputOptions) {
    const { directory, standardOutput, onFailure } = options
    this.#writers = options.formats.map((format) => {
      const target =
        directory === undefined ? standardOutput : FileTarget.append(join(directory, formatFile(format)))
      return new BufferedWriter(target, onFailure)
    })
    this.#frameLog = options.frameLog
  }

  /**
   * Never throws.
   * @param texts one per format, in the order of `formats`
   * @param frame the packet to log with the alert
   */
  write(texts: readonly string[], frame: LoggedFrame | undefined): void {
    for (let index = 0; index < texts.length; index++) this.#writers[index]!.write(texts[index]!)
    if (frame !== undefined) this.#frameLog?.add(frame)
  }

  /** @throws OutputError when this or an earlier write failed */
  flush(): void {
    for (const writer of this.#writers) writer.flush()
    this.#frameLog?.flush()
  }

  /** Closes every output, then reports the first that failed. @throws OutputError */
  close(): void {
    const failures: unknown[] = []
    const attempt = (close: () => void): void => {
      try {
        close()
      } catch (error) {
        failures.push(error)
      }
    }
    for (const writer of this.#writers) attempt(() => writer.close())
    if (this.#frameLog !== undefined) attempt(() => this.#frameLog?.close())
    if (failures.length > 0) throw failures[0]
  }
}
