/**
 * Where text goes: a file or standard output, written in large pieces, synchronously, so nothing is lost when the
 * process ends; a failure is remembered, reported once, and stops nothing in the packet path.
 */
import { closeSync, openSync, writeSync } from 'node:fs'

/** A destination of bytes. */
export interface ByteTarget {
  /** Name for messages: a path, or `standard output`. */
  readonly name: string
  /** Writes all of `bytes`, which are valid during the call. @throws Error with the system's `code` */
  write(bytes: Uint8Array): void
  /** @throws Error with the system's `code` */
  close(): void
}

/** A write that failed. `code` is the system's (ENOSPC, EPIPE, EACCES…). */
export class OutputError extends Error {
  readonly code: string
  constructor(message: string, code: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'OutputError'
    this.code = code
  }
}

const codeOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
    ? error.code
    : 'EUNKNOWN'

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'no space left on device',
  EDQUOT: 'disk quota exceeded',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  EROFS: 'read-only file system',
  ENOENT: 'no such file or directory',
  ENOTDIR: 'not a directory',
  EISDIR: 'is a directory',
  EMFILE: 'too many open files',
  EFBIG: 'file too large',
  EIO: 'input/output error',
  EEXIST: 'file exists',
}

/** The system's reason in words. */
export const systemReason = (error: unknown): string => {
  const code = codeOf(error)
  return REASONS[code] ?? (error instanceof Error ? error.message : code)
}

export const outputError = (what: string, error: unknown): OutputError =>
  new OutputError(`${what}: ${systemReason(error)}`, codeOf(error), { cause: error })

const RETRY_MILLISECONDS = 2
const sleepCell = new Int32Array(new SharedArrayBuffer(4))

/** A file descriptor. A full non-blocking pipe is waited for: the reader sets the pace, as with any blocking write. */
export class FileTarget implements ByteTarget {
  readonly name: string
  readonly #descriptor: number
  readonly #owned: boolean

  private constructor(name: string, descriptor: number, owned: boolean) {
    this.name = name
    this.#descriptor = descriptor
    this.#owned = owned
  }

  /** A file to append to, created (mode 0600) when absent. @throws OutputError */
  static append(path: string): FileTarget {
    return FileTarget.#open(path, 'a')
  }

  /** A file that must not exist yet (mode 0600). @throws OutputError, code EEXIST when it does */
  static create(path: string): FileTarget {
    return FileTarget.#open(path, 'ax')
  }

  /** A descriptor that stays open: standard output. */
  static descriptor(name: string, descriptor: number): FileTarget {
    return new FileTarget(name, descriptor, false)
  }

  static #open(path: string, flags: string): FileTarget {
    try {
      return new FileTarget(path, openSync(path, flags, 0o600), true)
    } catch (error) {
      throw outputError(`cannot write ${path}`, error)
    }
  }

  write(bytes: Uint8Array): void {
    let written = 0
    while (written < bytes.length) {
      try {
        written += writeSync(this.#descriptor, bytes, written, bytes.length - written)
      } catch (error) {
        if (codeOf(error) !== 'EAGAIN') throw error
        Atomics.wait(sleepCell, 0, 0, RETRY_MILLISECONDS)
      }
    }
  }

  close(): void {
    if (this.#owned) closeSync(this.#descriptor)
  }
}

/** Characters collected before they are written. */
const CHUNK = 1 << 16
/** Bytes of UTF-8 that a character may take, counted as JavaScript counts characters. */
const MAX_CHARACTER = 3

/** Text in, large writes out. After a failure everything is discarded and `flush` and `close` throw it. */
export class BufferedWriter {
  readonly #target: ByteTarget
  readonly #onFailure: (error: OutputError) => void
  #text = ''
  /** Where chunks become bytes, made for the first. */
  #bytes: Buffer | undefined
  #failure: OutputError | undefined

  /** `onFailure` is called once, from inside the write that failed. */
  constructor(target: ByteTarget, onFailure: (error: OutputError) => void) {
    this.#target = target
    this.#onFailure = onFailure
  }

  /** Never throws. */
  write(text: string): void {
    this.#text += text
    if (this.#text.length >= CHUNK) this.#drain()
  }

  /** @throws OutputError when this or an earlier write failed */
  flush(): void {
    this.#drain()
    if (this.#failure !== undefined) throw this.#failure
  }

  /** @throws OutputError when this or an earlier write failed */
  close(): void {
    this.#drain()
    try {
      this.#target.close()
    } catch (error) {
      this.#fail(error)
    }
    if (this.#failure !== undefined) throw this.#failure
  }

  #drain(): void {
    const text = this.#text
    this.#text = ''
    if (text === '' || this.#failure !== undefined) return
    try {
      this.#target.write(this.#encode(text))
    } catch (error) {
      this.#fail(error)
    }
  }

  #encode(text: string): Uint8Array {
    if (text.length > 2 * CHUNK) return Buffer.from(text, 'utf8')
    this.#bytes ??= Buffer.allocUnsafe(2 * CHUNK * MAX_CHARACTER)
    return this.#bytes.subarray(0, this.#bytes.write(text, 'utf8'))
  }

  #fail(error: unknown): void {
    if (this.#failure !== undefined) return
    this.#failure = outputError(`cannot write ${this.#target.name}`, error)
    this.#onFailure(this.#failure)
  }
}
