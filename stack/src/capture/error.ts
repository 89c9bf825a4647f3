/** The one error of packet sources. */

/** What went wrong, for programs. */
export type CaptureErrorCode =
  /** The file does not exist. */
  | 'not-found'
  /** The system does not let this user read or write it. */
  | 'permission'
  /** A directory, not a file. */
  | 'is-directory'
  /** Not a single byte. */
  | 'empty'
  /** Not a capture file, or one of a kind that is not read. */
  | 'unknown-format'
  /** A capture file with a feature that is not read. */
  | 'unsupported'
  /** A record contradicts the format or a limit. */
  | 'corrupt'
  /** The input ends within a record; all frames before it have been delivered. */
  | 'truncated'
  /** The operating system could not read or write. */
  | 'io'
  /** Live capture: the optional package is not installed. */
  | 'live-unavailable'
  /** Live capture: no such network interface. */
  | 'live-interface'
  /** Live capture: the filter expression does not compile. */
  | 'live-filter'
  /** Live capture: any other reason. */
  | 'live'

/** A packet source or sink that failed. `message` is one line that begins with the path. */
export class CaptureError extends Error {
  /** For programs; `message` is for people. */
  readonly code: CaptureErrorCode
  /** As given by the caller: a path, '-' for standard input, or the name of an interface. */
  readonly path: string
  /** 1-based number, within this capture, of the packet at fault; 0 when no packet is concerned. */
  readonly packetNumber: number
  /** Offset of the record at fault in the capture (after decompression), or -1. */
  readonly byteOffset: number

  /** `message` is one line without the path, which is put in front. */
  constructor(code: CaptureErrorCode, path: string, message: string, packetNumber = 0, byteOffset = -1) {
    const packet = packetNumber > 0 ? `packet ${packetNumber}` : ''
    const offset = byteOffset >= 0 ? `byte ${byteOffset}` : ''
    const where =
      packet && offset ? `${packet} at ${offset}: ` : packet || offset ? `${packet}${offset}: ` : ''
    super(`${path === '-' ? 'standard input' : path}: ${where}${message}`)
    this.name = 'CaptureError'
    this.code = code
    this.path = path
    this.packetNumber = packetNumber
    this.byteOffset = byteOffset
  }
}

/** The `CaptureError` for an error of the operating system met with `path`. */
export function systemError(path: string, error: unknown): CaptureError {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'ENOENT') return new CaptureError('not-found', path, 'no such file')
  if (code === 'EACCES' || code === 'EPERM') return new CaptureError('permission', path, 'permission denied')
  if (code === 'EISDIR') return new CaptureError('is-directory', path, 'is a directory, not a capture file')
  return new CaptureError('io', path, message ?? String(error))
}
