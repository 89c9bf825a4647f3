/**
 * Captures into a frame sink, one after the other.
 *
 * A capture that turns out damaged does not stop the ones behind it: whatever can be read is inspected, and the damage
 * is reported at once and in the exit code.
 */
import { accessSync, constants, statSync } from 'node:fs'
import {
  BpfError,
  BpfFilter,
  CaptureError,
  FilteredSink,
  type FrameSink,
  type InlineSink,
  openCapture,
  openInline,
  openLive,
  type PacketSource,
} from '@weir/stack'
import type { InputSettings } from '../config/index.js'
import { failure, usageError } from './errors.js'

export interface InputEvents {
  /** Ends reading; what was delivered stays delivered. */
  readonly signal: AbortSignal
  readonly onProgress: (bytesRead: number, bytesTotal: number | undefined) => void
  readonly onError: (error: CaptureError) => void
  /** A live capture has lost this many packets: they came faster than they were inspected. */
  readonly onDropped?: (packets: number) => void
}

/** Hands on the first `limit` frames and calls `full` after the last of them. */
class LimitedSink implements FrameSink {
  readonly #sink: FrameSink
  readonly #full: () => void
  #left: number

  constructor(sink: FrameSink, limit: number, full: () => void) {
    this.#sink = sink
    this.#left = limit
    this.#full = full
  }

  frame(
    buffer: Uint8Array,
    offset: number,
    capturedLength: number,
    wireLength: number,
    seconds: number,
    nanoseconds: number,
    linkType: number,
    interfaceIndex: number,
  ): void {
    if (this.#left === 0) return
    this.#left -= 1
    this.#sink.frame(
      buffer,
      offset,
      capturedLength,
      wireLength,
      seconds,
      nanoseconds,
      linkType,
      interfaceIndex,
    )
    if (this.#left === 0) this.#full()
  }

  skip(): void {
    this.#sink.skip?.()
  }

  idle(seconds: number, nanoseconds: number): void {
    this.#sink.idle?.(seconds, nanoseconds)
  }
}

const STDIN = '-'

/** Sum of the file sizes, or undefined when standard input is among them. @throws CliError when one cannot be read */
const totalBytes = (files: readonly string[]): number | undefined => {
  let total: number | undefined = 0
  for (const file of files) {
    if (file === STDIN) {
      total = undefined
      continue
    }
    const size = readableSize(file)
    if (total !== undefined) total += size
  }
  return total
}

const PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  ENOTDIR: 'no such file',
  EACCES: 'permission denied',
  ELOOP: 'too many symbolic links',
}

const readableSize = (file: string): number => {
  try {
    accessSync(file, constants.R_OK)
    const status = statSync(file)
    if (status.isDirectory()) throw failure(`${file}: is a directory, not a capture file`)
    return status.size
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (code === '') throw error
    throw failure(`${file}: ${PROBLEMS[code] ?? code}`)
  }
}

/**
 * Before anything costly is done.
 * @param jobs threads that will each read the input
 * @throws CliError when a capture is not there, or cannot be read as often as needed, or the filter is wrong
 */
export const checkInputs = (settings: InputSettings, jobs: number): void => {
  totalBytes(settings.files)
  if (settings.interfaceName === undefined) fileFilter(settings)
  const once =
    jobs > 1 ? settings.files.find((file) => file === STDIN || !statSync(file).isFile()) : undefined
  if (once !== undefined) {
    const name = once === STDIN ? 'standard input' : once
    throw usageError(`-j reads captures once per thread, and ${name} can be read once only`)
  }
}

/** For captures that are files: live ones are filtered by the kernel. @throws CliError */
const fileFilter = ({ filter }: InputSettings): BpfFilter | undefined => {
  if (filter === undefined) return undefined
  try {
    return new BpfFilter(filter)
  } catch (error) {
    throw error instanceof BpfError ? usageError(`--bpf: ${error.message}`) : error
  }
}

/**
 * Reads everything the settings name.
 * @returns false when some capture could not be read to its end
 * @throws CliError when a file is not there at all: before anything is read
 */
export const readInputs = async (
  settings: InputSettings,
  sink: FrameSink,
  events: InputEvents,
): Promise<boolean> => {
  const done = new AbortController()
  const signal = AbortSignal.any([events.signal, done.signal])
  const limited =
    settings.packetCount === undefined
      ? sink
      : new LimitedSink(sink, settings.packetCount, () => done.abort())
  if (settings.inline && settings.interfaceName !== undefined && isInline(sink))
    return await forward(settings, sink, events)
  const live = settings.interfaceName !== undefined
  const filter = live ? undefined : fileFilter(settings)
  const target = filter === undefined ? limited : new FilteredSink(filter, limited)
  const total = live ? undefined : totalBytes(settings.files)
  let before = 0
  let intact = true
  for (const [name, source] of sources(settings)) {
    if (signal.aborted) break
    try {
      await source.run(target, {
        signal,
        onProgress: (bytesRead) => events.onProgress(before + bytesRead, total),
      })
    } catch (error) {
      // A filter for Ethernet may make no sense for the packets of this capture.
      const problem =
        error instanceof BpfError ? new CaptureError('unsupported', name, `--bpf: ${error.message}`) : error
      if (!(problem instanceof CaptureError)) throw error
      events.onError(problem)
      intact = false
    }
    before += source.counters.bytesRead
    const { dropped = 0 } = source.counters
    if (dropped > 0) events.onDropped?.(dropped)
  }
  return intact
}

/** Only the stack itself decides about frames: nothing may stand between it and the interfaces. */
const isInline = (sink: FrameSink): sink is InlineSink => 'verdict' in sink

/** Between two interfaces, until the signal. */
const forward = async (
  settings: InputSettings,
  sink: InlineSink,
  { signal, onProgress, onError, onDropped }: InputEvents,
): Promise<boolean> => {
  const [first = '', second = ''] = settings.interfaceName!.split(':')
  const filter = settings.filter === undefined ? {} : { filter: settings.filter }
  const source = openInline({ interfaces: [first, second], ...filter })
  try {
    await source.run(sink, { signal, onProgress: (bytesRead) => onProgress(bytesRead, undefined) })
  } catch (error) {
    if (!(error instanceof CaptureError)) throw error
    onError(error)
    return false
  }
  const dropped = source.counters.directions.reduce((sum, one) => sum + one.dropped, 0)
  if (dropped > 0) onDropped?.(dropped)
  return true
}

const sources = (settings: InputSettings): readonly (readonly [name: string, source: PacketSource])[] => {
  const { interfaceName } = settings
  if (interfaceName === undefined) return settings.files.map((file) => [file, openCapture(file)])
  const filter = settings.filter === undefined ? {} : { filter: settings.filter }
  const source = openLive(interfaceName, { snaplen: settings.snaplen, promiscuous: true, ...filter })
  return [[interfaceName, source]]
}
