/** The one error of filters. */

/** What went wrong, for programs. */
export type BpfErrorCode =
  /** libpcap does not accept the expression; the message has its words. */
  | 'expression'
  /** The program would not pass the checks of a kernel. */
  | 'program'
  /** Expressions cannot be compiled on this machine: libpcap is missing. */
  | 'unavailable'

/** A filter that cannot be used. */
export class BpfError extends Error {
  /** For programs; `message` is for people. */
  readonly code: BpfErrorCode

  /** @internal */
  constructor(code: BpfErrorCode, message: string) {
    super(message)
    this.name = 'BpfError'
    this.code = code
  }
}
