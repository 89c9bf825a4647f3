/** The line that shows how far a long capture has been read: on a terminal only, wiped when done. */
import type { Io } from './io.js'
import { bytesText, countText } from './numbers.js'

/** Milliseconds between two updates, and before the first: short runs show nothing. */
const INTERVAL = 500

const WIPE = '\r\u001b[K'

export class Progress {
  readonly #io: Io
  readonly #enabled: boolean
  readonly #started: number
  #last: number
  #shown = false

  constructor(io: Io, quiet: boolean) {
    this.#io = io
    this.#enabled = io.stderr.isTTY && !quiet
    this.#started = io.now()
    this.#last = this.#started
  }

  /** `total` is undefined when the length of the input is not known. */
  update(bytesRead: number, total: number | undefined, packets: number): void {
    if (!this.#enabled) return
    const now = this.#io.now()
    if (now - this.#last < INTERVAL) return
    this.#last = now
    const rate = packets / ((now - this.#started) / 1000)
    const amount =
      total === undefined || total === 0
        ? bytesText(bytesRead)
        : `${bytesText(bytesRead)} of ${bytesText(total)} (${Math.floor((100 * bytesRead) / total)} %)`
    const text = `${amount}, ${countText(packets)} packets, ${countText(Math.round(rate))} packets/s`
    this.#io.stderr.write(`${WIPE}${text}`)
    this.#shown = true
  }

  /** Wipes the line, so that what follows starts on a clean one. */
  clear(): void {
    if (this.#shown) this.#io.stderr.write(WIPE)
    this.#shown = false
  }
}
