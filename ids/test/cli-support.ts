/** Runs command lines inside the test, with memory in place of the outside world. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach } from 'vitest'
import type { Io, StopSignal } from '../src/cli/io.js'
import { main } from '../src/cli/main.js'

export interface CliResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface CliOptions {
  readonly env?: Record<string, string>
  readonly isTTY?: boolean
  /** Called with every write to standard output; may throw. */
  readonly onStdout?: (text: string) => void
  /** Given a function that raises a signal. */
  readonly onReady?: (raise: (signal: StopSignal) => void) => void
  readonly now?: () => number
}

export const runCli = async (argv: readonly string[], options: CliOptions = {}): Promise<CliResult> => {
  let stdout = ''
  let stderr = ''
  let clock = 1_700_000_000_000
  const io: Io = {
    stdout: {
      name: 'standard output',
      write(bytes) {
        const text = Buffer.from(bytes).toString()
        options.onStdout?.(text)
        stdout += text
      },
      close() {},
    },
    stderr: {
      isTTY: options.isTTY ?? false,
      write(text) {
        stderr += text
      },
    },
    env: options.env ?? {},
    onStop(handler) {
      options.onReady?.(handler)
      return () => {}
    },
    now: options.now ?? (() => (clock += 1000)),
    cpuSeconds: () => 0,
  }
  const code = await main(argv, io)
  return { code, stdout, stderr }
}

/** A directory of its own for every test. */
export const temporaryDirectory = (): {
  readonly path: string
  file(name: string, data: string | Uint8Array): string
} => {
  let path = ''
  beforeEach(() => {
    path = mkdtempSync(join(tmpdir(), 'weir-cli-'))
  })
  afterEach(() => rmSync(path, { recursive: true, force: true }))
  return {
    get path() {
      return path
    },
    file(name, data) {
      const target = join(path, name)
      writeFileSync(target, data)
      return target
    },
  }
}

export const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '')
