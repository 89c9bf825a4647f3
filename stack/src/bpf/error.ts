/** The one error of filters. */

export type BpfErrorCode =
  /** libpcap does not accept the expression; the message has its words. */
  | 'expression'
  /** The program would not pass the checks of a kernel. */
  | 'program'
  /** Expressions cannot be compiled on this machine: libpcap is missing. */
  | 'unavailable'

export class BpfError extends Error {
  readonly code: BpfErrorCode

  constructor(code: BpfErrorCode, message: string) {
    super(message)
    this.name = 'BpfError'
    this.code = code
  }
}
