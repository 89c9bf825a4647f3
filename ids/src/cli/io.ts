/** The outside world as the command line sees it, so that tests can stand in for it. */
import { type ByteTarget, FileTarget, visible } from '../output/index.js'

export type StopSignal = 'SIGINT' | 'SIGTERM'

export interface Io {
  /** Alerts, tables, help. */
  readonly stdout: ByteTarget
  /** Everything else. Never throws. */
  readonly stderr: { write(text: string): void; readonly isTTY: boolean }
  readonly env: Readonly<Record<string, string | undefined>>
  /** Calls `handler` for every SIGINT and SIGTERM until the returned function is called. */
  onStop(handler: (signal: StopSignal) => void): () => void
  /** Wall clock, milliseconds since 1970: for file names and rates, never for detection. */
  now(): number
  /** CPU time of the process so far, seconds. */
  cpuSeconds(): number
}

/** One line for the user on stderr; whatever file names and captures put into it stays on that line. */
export const say = (io: Io, line: string): void => io.stderr.write(`${visible(line)}\n`)

/** The real one. */
export const processIo = (): Io => {
  const errors = FileTarget.descriptor('standard error', 2)
  return {
    stdout: FileTarget.descriptor('standard output', 1),
    stderr: {
      isTTY: process.stderr.isTTY === true,
      write(text) {
        try {
          errors.write(Buffer.from(text))
        } catch {
          // Nobody is reading the messages; the alerts may still have a reader.
        }
      },
    },
    env: process.env,
    onStop(handler) {
      let asked = false
      const listener = (signal: NodeJS.Signals): void => {
        // Whoever asks twice does not want to wait for the tidy end.
        if (asked) process.exit(signal === 'SIGINT' ? 130 : 143)
        asked = true
        handler(signal as StopSignal)
      }
      process.on('SIGINT', listener)
      process.on('SIGTERM', listener)
      return () => {
        process.off('SIGINT', listener)
        process.off('SIGTERM', listener)
      }
    },
    now: Date.now,
    cpuSeconds() {
      const { user, system } = process.cpuUsage()
      return (user + system) / 1e6
    },
  }
}
