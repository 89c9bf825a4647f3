/** One way to stop a run, whoever asks: a signal, a failed output. */
import type { Io, StopSignal } from './io.js'

export class StopSwitch {
  readonly #controller = new AbortController()
  readonly #release: () => void
  /** The signal that asked, if one did. */
  received: StopSignal | undefined

  constructor(io: Io) {
    this.#release = io.onStop((signal) => {
      this.received ??= signal
      this.stop()
    })
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  stop(): void {
    this.#controller.abort()
  }

  /** Stops listening for signals. */
  release(): void {
    this.#release()
  }
}
