/**
 * Where FTP data connections are to be expected, learned from control connections: PORT, EPRT, and the answers to PASV
 * (227) and EPSV (229) (RFC 959 section 4.1.2, RFC 2428).
 *
 * In: the turns of FTP control connections. Out: whether a new flow goes to an announced endpoint. Bounded: the newest
 * 1,024 announcements are remembered, each until a flow uses it.
 */
import { type Direction, TO_SERVER } from '../inspect/unit.js'
import { ascii, asciiText, startsWith } from '../service/patterns.js'
import type { FlowEnds } from './inspector.js'

/** Whether a new flow is an FTP data connection, and which end has opened it. */
export const FTP_DATA = { NOT_EXPECTED: 0, FROM_CLIENT: 1, FROM_SERVER: 2 } as const
export type FtpDataExpected = (typeof FTP_DATA)[keyof typeof FTP_DATA]

const MOST = 1024
const LINE = 256
const PORT = ascii('port ')
const EPRT = ascii('eprt ')
const PASSIVE = ascii('227')
const EXTENDED = ascii('229')
const LF = 10

export class FtpDataHints {
  readonly #expected = new Map<string, FtpDataExpected>()

  /** Looks at the lines of one turn of a control connection. */
  read(flow: FlowEnds, direction: Direction, bytes: Uint8Array, start: number, end: number): void {
    let at = start
    while (at < end) {
      let stop = at
      while (stop < end && bytes[stop] !== LF) stop++
      this.#line(flow, direction, bytes, at, Math.min(stop, at + LINE))
      at = stop + 1
    }
  }

  /**
   * Whether the flow goes to an endpoint that was announced, which is forgotten with that. The port it comes from says
   * nothing: any client may choose it.
   */
  expects(flow: FlowEnds): FtpDataExpected {
    if (this.#expected.size === 0) return FTP_DATA.NOT_EXPECTED
    const key = `${flow.address(1)} ${flow.port(1)}`
    const expected = this.#expected.get(key)
    if (expected === undefined) return FTP_DATA.NOT_EXPECTED
    this.#expected.delete(key)
    return expected
  }

  #line(flow: FlowEnds, direction: Direction, bytes: Uint8Array, start: number, end: number): void {
    if (direction === TO_SERVER) {
      if (startsWith(bytes, start, end, PORT)) this.#add(flow, 0, commas(bytes, start + 5, end))
      else if (startsWith(bytes, start, end, EPRT)) this.#add(flow, 0, bars(bytes, start + 5, end))
    } else if (startsWith(bytes, start, end, PASSIVE)) {
      this.#add(flow, 1, commas(bytes, start + 3, end))
    } else if (startsWith(bytes, start, end, EXTENDED)) this.#add(flow, 1, bars(bytes, start + 3, end))
  }

  /** @param listener the end of the control connection that waits for the data connection */
  #add(flow: FlowEnds, listener: 0 | 1, port: number): void {
    if (port <= 0 || port > 65_535) return
    if (this.#expected.size >= MOST) {
      const oldest = this.#expected.keys().next().value
      if (oldest !== undefined) this.#expected.delete(oldest)
    }
    const key = `${flow.address(listener)} ${port}`
    this.#expected.set(key, listener === 0 ? FTP_DATA.FROM_SERVER : FTP_DATA.FROM_CLIENT)
  }
}

/** The port of `h1,h2,h3,h4,p1,p2`; -1 when there is none. */
function commas(bytes: Uint8Array, start: number, end: number): number {
  const match = /\d{1,3}(?:,\d{1,3}){3},(\d{1,3}),(\d{1,3})/.exec(asciiText(bytes, start, end))
  return match === null ? -1 : Number(match[1]) * 256 + Number(match[2])
}

/** The port of `|1|address|port|` or `|||port|`; -1 when there is none. */
function bars(bytes: Uint8Array, start: number, end: number): number {
  const match = /\|[^|]*\|[^|]*\|(\d{1,5})\|/.exec(asciiText(bytes, start, end))
  return match === null ? -1 : Number(match[1])
}
