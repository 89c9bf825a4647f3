/** The options of a TCP segment: malformed, obsolete or experimental ones (generator 116). Called by `DecodeEvents`. */
import { type Packet, TCP } from '@weir/stack'
import { DECODE_EVENT } from '../builtin/index.js'
import type { EventAdder } from './decode-icmp.js'

const END = 0
const NOP = 1
const WINDOW_SCALE = 3
const CC_ECHO = 13
const MAX_SCALE = 14

const USUAL = 0
const OBSOLETE = 1
const EXPERIMENTAL = 2

interface Kind {
  /** Its length; 0: any, if at least `least`. */
  readonly length: number
  readonly least: number
  readonly status: number
}

const fixed = (length: number, status = USUAL): Kind => ({ length, least: length, status })
const any = (status: number, least = 2): Kind => ({ length: 0, least, status })

/** By number (IANA); all others are experimental. */
const KINDS: ReadonlyMap<number, Kind> = new Map([
  [2, fixed(4)],
  [WINDOW_SCALE, fixed(3)],
  [4, fixed(2)],
  [5, any(USUAL)],
  // Echo and its reply.
  [6, fixed(6, OBSOLETE)],
  [7, fixed(6, OBSOLETE)],
  [8, fixed(10)],
  // T/TCP: CC, CC.NEW, CC.ECHO.
  [11, fixed(6)],
  [12, fixed(6)],
  [CC_ECHO, fixed(6)],
  // Skeeter, Bubba.
  [16, any(OBSOLETE)],
  [17, any(OBSOLETE)],
  // Trailer checksum.
  [18, fixed(3, EXPERIMENTAL)],
  // MD5 signature.
  [19, fixed(18, OBSOLETE)],
  [25, any(OBSOLETE)],
  // Authentication (RFC 5925).
  [29, any(USUAL, 4)],
])
const OTHER = any(EXPERIMENTAL)

export function judgeTcpOptions(events: EventAdder, packet: Packet): void {
  if (packet.tcpHeaderLength <= TCP.HEADER_LENGTH) return
  const { view } = packet
  const end = packet.payloadOffset
  let obsolete = false
  let experimental = false
  for (let at = packet.transportOffset + TCP.OPTIONS; at < end; ) {
    const number = view.getUint8(at)
    if (number === END) break
    if (number === NOP) {
      at++
      continue
    }
    const kind = KINDS.get(number) ?? OTHER
    if (kind.status === OBSOLETE) obsolete = true
    else if (kind.status === EXPERIMENTAL) experimental = true
    if (number === CC_ECHO) events.add(DECODE_EVENT.TRANSACTIONAL_TCP)
    const length = at + 1 < end ? view.getUint8(at + 1) : -1
    if (length < 0 || at + Math.max(length, kind.length) > end) {
      events.add(DECODE_EVENT.TCP_OPTIONS_CUT)
      return
    }
    if (length < kind.least || (kind.length > 0 && length !== kind.length)) {
      events.add(DECODE_EVENT.TCP_OPTION_LENGTH)
      return
    }
    if (number === WINDOW_SCALE && view.getUint8(at + 2) > MAX_SCALE)
      events.add(DECODE_EVENT.TCP_WINDOW_SCALE)
    at += length
  }
  if (experimental) events.add(DECODE_EVENT.TCP_OPTION_EXPERIMENTAL)
  else if (obsolete) events.add(DECODE_EVENT.TCP_OPTION_OBSOLETE)
}
