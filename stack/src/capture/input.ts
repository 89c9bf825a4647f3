/** Where the bytes of a capture come from: a regular file, a stream (pipe, standard input), and either through gunzip. */
import { closeSync, createReadStream, fstatSync, openSync, readSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { createGunzip, type Gunzip } from 'node:zlib'
import { CaptureError, systemError } from './error.js'

export interface ByteInput {
  /** Bytes taken from the file or stream so far (compressed bytes, if it is compressed). */
  readonly bytesRead: number
  /** Length of the file, when it is one. */
  readonly bytesTotal: number | undefined
  /**
   * Reads up to `length` bytes into `buffer` at `offset`; 0 at the end. Files answer at once, streams with a promise.
   * @throws CaptureError
   */
  read(buffer: Uint8Array, offset: number, length: number): number | Promise<number>
  /** Ends a pending read, which then gives 0, and frees the descriptor. May be called again. */
  close(): void
}

/**
 * Opens `path`, '-' for standard input.
 * @throws CaptureError
 */
export function openInput(path: string): ByteInput {
  if (path === '-') {
    return fstatSync(0).isFile() ? new FileInput(path, 0) : new StreamInput(path, process.stdin)
  }
  let fd = -1
  try {
    fd = openSync(path, 'r')
    const stat = fstatSync(fd)
    if (stat.isFile()) return new FileInput(path, fd)
    if (stat.isDirectory()) throw Object.assign(new Error(), { code: 'EISDIR' })
    return new StreamInput(path, createReadStream(path, { fd }))
  } catch (error) {
    if (fd >= 0) closeSync(fd)
    throw systemError(path, error)
  }
}

/** A regular file, read synchronously: the fastest way by far, and a disk does not keep one waiting for long. */
class FileInput implements ByteInput {
  bytesRead = 0
  readonly bytesTotal: number
  private readonly path: string
  private fd: number

  constructor(path: string, fd: number) {
    this.path = path
    this.fd = fd
    this.bytesTotal = fstatSync(fd).size
  }

  read(buffer: Uint8Array, offset: number, length: number): number {
    if (this.fd < 0) return 0
    try {
      const count = readSync(this.fd, buffer, offset, length, null)
      this.bytesRead += count
      return count
    } catch (error) {
      throw systemError(this.path, error)
    }
  }

  close(): void {
    if (this.fd > 0) closeSync(this.fd)
    this.fd = -1
  }
}

class StreamInput implements ByteInput {
  bytesRead = 0
  readonly bytesTotal = undefined
  private readonly path: string
  private readonly stream: Readable
  private readonly chunks: AsyncIterator<Uint8Array>
  private chunk: Uint8Array = new Uint8Array(0)
  private used = 0
  private closed = false

  constructor(path: string, stream: Readable) {
    this.path = path
    this.stream = stream
    this.chunks = stream[Symbol.asyncIterator]()
  }

  async read(buffer: Uint8Array, offset: number, length: number): Promise<number> {
    while (this.used === this.chunk.length) {
      const next = await this.next()
      if (next === undefined) return 0
      this.chunk = next
      this.used = 0
      this.bytesRead += next.length
    }
    const count = Math.min(length, this.chunk.length - this.used)
    buffer.set(this.chunk.subarray(this.used, this.used + count), offset)
    this.used += count
    return count
  }

  close(): void {
    this.closed = true
    this.stream.destroy()
  }

  private async next(): Promise<Uint8Array | undefined> {
    try {
      const result = await this.chunks.next()
      return result.done === true ? undefined : result.value
    } catch (error) {
      // Closing ends a pending read with an error of the stream.
      if (this.closed) return undefined
      throw systemError(this.path, error)
    }
  }
}

/**
 * Compressed bytes given to zlib at a time. Deflate expands at most 1,032 times, so that the output waiting here stays
 * below 17 MB whatever the input; larger pieces gain nothing.
 */
const COMPRESSED_PIECE = 16 * 1024

/**
 * Unpacks gzip (several members too). One piece is written at a time, and the next only when all the output of the last
 * has been taken: damage later in the input never costs the output before it.
 */
export class GunzipInput implements ByteInput {
  private readonly path: string
  private readonly input: ByteInput
  private readonly gunzip: Gunzip
  private readonly piece = new Uint8Array(COMPRESSED_PIECE)
  /** Output not yet taken; `used` bytes of the first have been. */
  private readonly output: Uint8Array[] = []
  private used = 0
  /** Bytes at the begin of `piece` that were read before it was known that they are compressed. */
  private initial: number
  private error: NodeJS.ErrnoException | undefined
  private ended = false
  private wake: () => void = () => {}

  /** @param first the first bytes of the input, already read: at most 16 KiB */
  constructor(path: string, input: ByteInput, first: Uint8Array) {
    this.path = path
    this.input = input
    this.piece.set(first)
    this.initial = first.length
    this.gunzip = createGunzip({ chunkSize: 128 * 1024 })
    this.gunzip.on('data', (chunk: Uint8Array) => this.output.push(chunk))
    this.gunzip.on('error', (error: NodeJS.ErrnoException) => {
      this.error = error
      this.wake()
    })
    this.gunzip.on('close', () => this.wake())
  }

  get bytesRead(): number {
    return this.input.bytesRead
  }

  get bytesTotal(): number | undefined {
    return this.input.bytesTotal
  }

  async read(buffer: Uint8Array, offset: number, length: number): Promise<number> {
    while (this.output.length === 0) {
      if (this.error !== undefined) throw this.describe(this.error)
      if (this.ended) return 0
      await this.feed()
    }
    const chunk = this.output[0]!
    const count = Math.min(length, chunk.length - this.used)
    buffer.set(chunk.subarray(this.used, this.used + count), offset)
    this.used += count
    if (this.used === chunk.length) {
      this.output.shift()
      this.used = 0
    }
    return count
  }

  close(): void {
    this.ended = true
    this.input.close()
    this.gunzip.destroy()
  }

  /** Writes one piece, and waits until zlib is through with it. */
  private async feed(): Promise<void> {
    const count = this.initial > 0 ? this.initial : await this.input.read(this.piece, 0, COMPRESSED_PIECE)
    this.initial = 0
    if (this.ended) return
    this.ended = count === 0
    await new Promise<void>((resolve) => {
      this.wake = resolve
      if (count === 0) this.gunzip.end()
      else this.gunzip.write(this.piece.subarray(0, count), () => resolve())
    })
  }

  private describe(error: NodeJS.ErrnoException): CaptureError {
    if (error.code === 'Z_BUF_ERROR') {
      return new CaptureError('truncated', this.path, 'the compressed capture ends too early')
    }
    return new CaptureError('corrupt', this.path, `damaged gzip data (${error.message})`)
  }
}
